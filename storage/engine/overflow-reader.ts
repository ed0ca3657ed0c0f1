// Values that are kept in chains of overflow pages, put together into one buffer.
//
// A chain may be longer than the pool, so a reader that suspends must not begin again: what was gathered so far is kept
// here, by first page and LSN of the cell, until it is complete. Both name the same bytes for ever, so any reader may go
// on where another one stopped.

import { assert } from '../base/assert.ts'
import type { Lsn, PageNo } from '../base/ids.ts'
import { PAGE_HEADER_SIZE_BYTES, PAGE_TYPE_OVERFLOW, pageCount, pageNext, pageType } from '../page/format.ts'
import type { PageSpace } from './page-space.ts'

/** Chains being gathered at a time; one more and the oldest begins anew. */
const PARTIAL_COUNT_MAX = 64
/** Pages asked for ahead. Chains are written from their end, so the next pages usually have the next lower numbers. */
const READ_AHEAD_PAGES = 16

interface Partial {
  readonly bytes: Buffer
  filled: number
  next: PageNo
}

export class OverflowReader {
  private readonly partials = new Map<string, Partial>()
  private readonly space: PageSpace

  constructor(space: PageSpace) {
    this.space = space
  }

  /** The value of `length` bytes that begins on page `first`, of a cell put at `cellLsn`. May suspend. */
  read(first: PageNo, length: number, cellLsn: Lsn, readLsn: Lsn): Buffer {
    const key = `${first}@${cellLsn}`
    let partial = this.partials.get(key)
    if (partial === undefined) {
      partial = { bytes: Buffer.allocUnsafeSlow(length), filled: 0, next: first }
      const oldest = this.partials.keys().next()
      if (this.partials.size === PARTIAL_COUNT_MAX && oldest.done !== true) this.partials.delete(oldest.value)
      this.partials.set(key, partial)
    }
    while (partial.filled < length) this.readPage(partial, readLsn)
    this.partials.delete(key)
    return partial.bytes
  }

  private readPage(partial: Partial, readLsn: Lsn): void {
    const { pool } = this.space
    if (!this.space.has(partial.next, readLsn)) this.readAhead(partial, readLsn)
    const frame = this.space.read(partial.next, readLsn)
    const page = pool.buffer(frame)
    const at = pool.offset(frame)
    assert(pageType(page, at) === PAGE_TYPE_OVERFLOW, 'an overflow reference leads to an overflow page')
    const count = pageCount(page, at)
    page.copy(partial.bytes, partial.filled, at + PAGE_HEADER_SIZE_BYTES, at + PAGE_HEADER_SIZE_BYTES + count)
    partial.filled += count
    partial.next = pageNext(page, at)
  }

  private readAhead(partial: Partial, readLsn: Lsn): void {
    const left = Math.ceil((partial.bytes.length - partial.filled) / (8192 - PAGE_HEADER_SIZE_BYTES))
    const pages = Math.min(left, READ_AHEAD_PAGES, this.space.pool.pagesMax >> 3, partial.next)
    for (let i = 0; i < pages; i++) this.space.prefetch((partial.next - i) as PageNo, readLsn)
  }
}
