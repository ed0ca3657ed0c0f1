// Puts and deletes of whole values: what fits goes into the leaf, what does not goes to overflow pages first.

import { putU32 } from '../base/bytes.ts'
import type { TreeId } from '../base/ids.ts'
import { CELL_FLAG_OVERFLOW, OVERFLOW_REFERENCE_SIZE_BYTES } from '../page/format.ts'
import type { BulkLoader } from './bulk-loader.ts'
import type { MiniTransaction } from './mini-transaction.ts'
import { OverflowWriter, overflowPages } from './overflow-writer.ts'
import { TreeWriter } from './tree-writer.ts'

export class CellWriter {
  private readonly trees: TreeWriter
  private readonly overflow: OverflowWriter
  private readonly reference = Buffer.alloc(OVERFLOW_REFERENCE_SIZE_BYTES)
  /** The chain of the value being put is written. */
  private chained = false

  constructor(mtr: MiniTransaction) {
    this.trees = new TreeWriter(mtr)
    this.overflow = new OverflowWriter(mtr)
  }

  overflowPages(keyLength: number, valueLength: number): number {
    return overflowPages(keyLength, valueLength)
  }

  /** Before the keys of another tree, or keys in another order. */
  begin(): void {
    this.trees.begin()
  }

  /** Before a key with a path of its own; see TreeWriter. */
  select(number: number, made: boolean): void {
    this.trees.select(number, made)
  }

  flush(): void {
    this.trees.flush()
  }

  /** Makes the pages of a change resident (suspends); whether the change may split its leaf. */
  prepare(
    tree: TreeId,
    key: Uint8Array,
    start: number,
    end: number,
    valueLength: number,
    resident: boolean,
  ): boolean {
    this.trees.prepare(tree, key, start, end, resident)
    const inline = overflowPages(end - start, valueLength) === 0
    return this.trees.shortage(end - start, inline ? valueLength : OVERFLOW_REFERENCE_SIZE_BYTES)
  }

  /**
   * Puts a cell; key and value lie in the ranges given. With `resident`, nothing suspends. Otherwise it may, and a value in
   * overflow pages returns false after each page written: call again with the same arguments until it returns true.
   */
  put(
    tree: TreeId,
    keyBytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    valueBytes: Uint8Array,
    valueStart: number,
    valueEnd: number,
    resident: boolean,
  ): boolean {
    if (overflowPages(keyEnd - keyStart, valueEnd - valueStart) === 0) {
      this.trees.prepare(tree, keyBytes, keyStart, keyEnd, resident)
      this.trees.upsert(0, valueBytes, valueStart, valueEnd)
      return true
    }
    while (!this.chained) {
      this.trees.flush()
      this.chained = this.overflow.step(tree, valueBytes, valueStart, valueEnd)
      if (!resident) return false
    }
    this.trees.prepare(tree, keyBytes, keyStart, keyEnd, resident)
    putU32(this.reference, 0, valueEnd - valueStart)
    putU32(this.reference, 4, this.overflow.head)
    this.trees.upsert(CELL_FLAG_OVERFLOW, this.reference, 0, OVERFLOW_REFERENCE_SIZE_BYTES)
    this.chained = false
    return true
  }

  /** Like put, not resident, for a tree that is being loaded; `loader` is about to get the cell. `view` is of `bytes`. */
  load(
    loader: BulkLoader,
    tree: TreeId,
    bytes: Uint8Array,
    view: DataView,
    keyStart: number,
    keyEnd: number,
    valueEnd: number,
  ): boolean {
    if (overflowPages(keyEnd - keyStart, valueEnd - keyEnd) === 0) {
      loader.addPair(bytes, view, keyStart, keyEnd, valueEnd)
      return true
    }
    if (!this.chained) {
      this.chained = this.overflow.step(tree, bytes, keyEnd, valueEnd)
      return false
    }
    putU32(this.reference, 0, valueEnd - keyEnd)
    putU32(this.reference, 4, this.overflow.head)
    loader.add(bytes, keyStart, keyEnd, CELL_FLAG_OVERFLOW, this.reference, 0, OVERFLOW_REFERENCE_SIZE_BYTES)
    this.chained = false
    return true
  }

  delete(tree: TreeId, key: Uint8Array, start: number, end: number, resident: boolean): void {
    this.trees.prepare(tree, key, start, end, resident)
    this.trees.remove()
  }
}
