// Values too large for their cells: chains of overflow pages.
//
//   cell [u32 length, u32 head] ──▶ page 9 (8160 bytes) ──next──▶ page 8 ──next──▶ page 7 (rest) ──▶ 0

import type { PageNo, TreeId } from '../base/ids.ts'
import { CELL_INLINE_SIZE_BYTES_MAX } from '../base/limits.ts'
import { OVERFLOW_DATA_SIZE_BYTES } from '../page/format.ts'
import type { MiniTransaction } from './mini-transaction.ts'

const NONE = 0 as PageNo

/** Overflow pages that a cell needs: 0 if key and value fit into the leaf. */
export function overflowPages(keyLength: number, valueLength: number): number {
  return keyLength + valueLength <= CELL_INLINE_SIZE_BYTES_MAX
    ? 0
    : Math.ceil(valueLength / OVERFLOW_DATA_SIZE_BYTES)
}

/** Writes values to chains of overflow pages, from the end of the value to its start, so that each page can name its next. */
export class OverflowWriter {
  private readonly mtr: MiniTransaction
  private left = -1
  private next: PageNo = NONE

  constructor(mtr: MiniTransaction) {
    this.mtr = mtr
  }

  /** Writes one page of bytes[start, end) and returns whether the chain is complete; `head` is its first page then. */
  step(tree: TreeId, bytes: Uint8Array, start: number, end: number): boolean {
    const length = end - start
    if (this.left < 0) {
      this.left = length
      this.next = NONE
    }
    const last = this.left % OVERFLOW_DATA_SIZE_BYTES
    const size = last === 0 ? OVERFLOW_DATA_SIZE_BYTES : last
    const page = this.mtr.allocate()
    this.mtr.writer.initOverflow(tree, this.next, bytes, start + this.left - size, start + this.left)
    this.mtr.change(page)
    this.next = page
    this.left -= size
    if (this.left > 0) return false
    this.left = -1
    return true
  }

  get head(): PageNo {
    return this.next
  }
}
