// Changes to trees: upsert and remove, one key after the other, best in key order.
//
//   prepare(tree, key): go to the leaf, find the slot; may suspend, changes nothing
//   upsert / remove   : at the place prepared; never suspend
//
// Changes to neighbouring cells of one leaf are gathered into one record (insertCells, deleteCells): `flush` writes it.
// Nothing is evicted while changes are gathered: whoever makes frames free, or suspends, flushes first.
//
// While keys ascend within the leaf of the last one, no descent is made: loading sorted rows costs a comparison or two
// a row and logs about the bytes of the rows.

import { assert } from '../base/assert.ts'
import { u16, u32 } from '../base/bytes.ts'
import type { PageNo, TreeId } from '../base/ids.ts'
import * as format from '../page/format.ts'
import { SearchKey, compareSlot, findSlot } from '../page/search.ts'
import type { MiniTransaction } from './mini-transaction.ts'
import { splitLeaf } from './page-split.ts'
import { TreePath } from './tree-path.ts'

const NONE = 0 as PageNo

/** Keys that can be prepared together. */
export const PATH_COUNT = 8

type Gathered = 'nothing' | 'inserts' | 'deletes'

export class TreeWriter {
  private readonly mtr: MiniTransaction
  private readonly paths: readonly TreePath[]
  private path: TreePath
  /** The path was made for the very key that comes next. */
  private made = false
  private readonly key = new SearchKey()
  /** Where the prepared key is on the path's leaf (as findSlot says), the gathered changes not counted. */
  private slot = 0
  /** The pool's evictions when the path was made: after another one its pages may be gone. */
  private evictions = 0
  private gathered: Gathered = 'nothing'
  private gatheredSlot = 0
  private gatheredCount = 0
  /** Bytes that the leaf has left, the gathered inserts counted. */
  private gatheredFree = 0

  constructor(mtr: MiniTransaction) {
    this.mtr = mtr
    this.paths = Array.from({ length: PATH_COUNT }, () => new TreePath(mtr.space))
    this.path = this.paths[0] as TreePath
  }

  /** Before keys that are prepared one after the other. Forgets where the last change was. */
  begin(): void {
    assert(this.gathered === 'nothing', 'gathered changes were flushed')
    this.path = this.paths[0] as TreePath
    this.path.valid = false
    this.made = false
  }

  /**
   * Before a key with a path of its own, so that a few keys can all be prepared first and changed afterwards. `made`: it
   * was prepared under the same number in this turn, and is prepared again to be changed.
   */
  select(number: number, made: boolean): void {
    assert(this.gathered === 'nothing', 'gathered changes were flushed')
    const path = this.paths[number] as TreePath
    this.path = path
    this.made = made && path.valid && path.structure === this.mtr.structure
    if (!this.made) path.valid = false
  }

  /**
   * Finds the place of a key, which must stay unchanged until the change is made. With `resident`, every page it needs is
   * known to be in the pool; else it may suspend and is then called again. Keys of one tree come in ascending order, or
   * begin() comes between.
   */
  prepare(tree: TreeId, key: Uint8Array, start: number, end: number, resident: boolean): void {
    this.key.set(key, start, end)
    const { path } = this
    if (this.gathered !== 'nothing') {
      if (path.valid && path.tree === tree && path.reaches(this.key) && this.continuesGathered()) return
      this.flush()
    }
    const { pool } = this.mtr.space
    if (this.made) this.made = false
    else if (
      pool.evictions !== this.evictions ||
      !path.valid ||
      path.tree !== tree ||
      !path.reaches(this.key)
    ) {
      path.descend(tree, this.key, resident)
      path.structure = this.mtr.structure
      this.evictions = pool.evictions
    }
    const frame = resident ? this.mtr.space.resident(path.leaf) : this.mtr.space.readNewest(path.leaf)
    const bytes = pool.buffer(frame)
    const at = pool.offset(frame)
    const slot = findSlot(bytes, pool.view(frame), at, this.key)
    const chain = slot < 0 ? NONE : overflowHead(bytes, at, slot)
    // The head of a chain that will be replaced goes on the list of things to be freed.
    if (chain !== NONE && !resident) this.mtr.space.readNewest(chain)
    this.slot = slot
  }

  /** Whether the prepared leaf has no room for a new cell of this size. */
  shortage(keyLength: number, valueLength: number): boolean {
    const { pool } = this.mtr.space
    const frame = this.mtr.space.resident(this.path.leaf)
    const size = cellSlotSize(keyLength, valueLength)
    return format.pageFreeBytes(pool.buffer(frame), pool.offset(frame)) < size
  }

  /** Sets the value of the prepared key. `flags`: CELL_FLAG_OVERFLOW if the value is an overflow reference. */
  upsert(flags: number, value: Uint8Array, start: number, end: number): void {
    if (this.gathered === 'deletes') {
      if (this.slot >= 0) this.slot -= this.gatheredCount
      this.flush()
    }
    if (this.slot >= 0) this.replace(flags, value, start, end)
    else this.insert(flags, value, start, end)
  }

  /** Removes the prepared key, if it is there. */
  remove(): void {
    if (this.slot < 0) return
    this.dropChain(this.slot)
    if (this.gathered === 'deletes') {
      this.gatheredCount++
      return
    }
    this.flush()
    this.gathered = 'deletes'
    this.gatheredSlot = this.slot
    this.gatheredCount = 1
  }

  /** Writes what was gathered. */
  flush(): void {
    const { gathered } = this
    this.gathered = 'nothing'
    if (gathered === 'inserts') this.mtr.change(this.path.leaf)
    else if (gathered === 'deletes') this.deleteGathered()
  }

  /** Whether the new key's place is next to the gathered changes. Sets `slot` if so. */
  private continuesGathered(): boolean {
    const { pool } = this.mtr.space
    const frame = this.mtr.space.resident(this.path.leaf)
    const bytes = pool.buffer(frame)
    const at = pool.offset(frame)
    const count = format.pageCount(bytes, at)
    if (this.gathered === 'deletes') {
      const slot = this.gatheredSlot + this.gatheredCount
      if (slot >= count || compareSlot(bytes, pool.view(frame), at, slot, this.key) !== 0) return false
      this.slot = slot
      return overflowHead(bytes, at, slot) === NONE
    }
    const slot = this.gatheredSlot
    if (slot < count && compareSlot(bytes, pool.view(frame), at, slot, this.key) <= 0) return false
    this.slot = ~slot
    return true
  }

  private insert(flags: number, value: Uint8Array, start: number, end: number): void {
    const { key, mtr } = this
    const size = cellSlotSize(key.end - key.start, end - start)
    if (this.gathered === 'inserts' && size > this.gatheredFree) {
      // Full: write what there is, then split at the place behind it.
      const count = this.gatheredCount
      this.flush()
      this.slot = ~(~this.slot + count)
    }
    if (this.gathered !== 'inserts') {
      this.flush()
      const { pool } = mtr.space
      let slot = ~this.slot
      let frame = mtr.space.resident(this.path.leaf)
      if (format.pageFreeBytes(pool.buffer(frame), pool.offset(frame)) < size) {
        slot = splitLeaf(mtr, this.path, slot, key, size)
        frame = mtr.space.resident(this.path.leaf)
      }
      this.gathered = 'inserts'
      this.gatheredSlot = slot
      this.gatheredCount = 0
      this.gatheredFree = format.pageFreeBytes(pool.buffer(frame), pool.offset(frame))
      mtr.writer.insertCells(slot)
    }
    mtr.writer.insertCell(key.bytes, key.start, key.end, flags, value, start, end)
    this.gatheredCount++
    this.gatheredFree -= size
  }

  private replace(flags: number, value: Uint8Array, start: number, end: number): void {
    const { mtr, path, slot } = this
    this.dropChain(slot)
    const { pool } = mtr.space
    const frame = mtr.space.resident(path.leaf)
    const bytes = pool.buffer(frame)
    const at = pool.offset(frame)
    const cell = format.cellAt(bytes, at, slot)
    const field = u16(bytes, cell)
    const oldStart = cell + format.LEAF_CELL_HEADER_SIZE_BYTES + (field & format.CELL_KEY_LENGTH_MASK)
    const oldEnd = oldStart + u16(bytes, cell + 2)
    if (end - start - (oldEnd - oldStart) > format.pageFreeBytes(bytes, at)) {
      mtr.writer.deleteCells(slot, 1)
      mtr.change(path.leaf)
      this.slot = ~slot
      this.insert(flags, value, start, end)
      return
    }
    const patched =
      (field & format.CELL_FLAG_OVERFLOW) === flags &&
      mtr.writer.patchCell(slot, bytes, oldStart, oldEnd, value, start, end)
    if (!patched) mtr.writer.replaceCell(slot, flags, value, start, end)
    mtr.change(path.leaf)
  }

  /** If the slot's value is in overflow pages, leaves them to be freed. */
  private dropChain(slot: number): void {
    const { pool } = this.mtr.space
    const frame = this.mtr.space.resident(this.path.leaf)
    const chain = overflowHead(pool.buffer(frame), pool.offset(frame), slot)
    if (chain === NONE) return
    this.flush()
    this.mtr.drop(chain)
  }

  private deleteGathered(): void {
    const { mtr, path } = this
    const { pool } = mtr.space
    const frame = mtr.space.resident(path.leaf)
    const count = format.pageCount(pool.buffer(frame), pool.offset(frame))
    if (count === this.gatheredCount && path.depth > 0) {
      this.removePage(0)
      path.valid = false
      return
    }
    mtr.writer.deleteCells(this.gatheredSlot, this.gatheredCount)
    mtr.change(path.leaf)
  }

  /** Takes the page at `height` of the path, all of whose cells are gone, out of the tree. */
  private removePage(height: number): void {
    const { mtr, path } = this
    const { pool } = mtr.space
    if (height === path.depth) {
      mtr.initRoot(path.tree)
      return
    }
    const parent = path.page(height + 1)
    const frame = mtr.space.resident(parent)
    const onlyChild = format.pageCount(pool.buffer(frame), pool.offset(frame)) === 1
    mtr.free(path.page(height))
    if (onlyChild) {
      this.removePage(height + 1)
      return
    }
    mtr.writer.deleteCells(path.slotInParent(height), 1)
    mtr.change(parent)
  }
}

/** Bytes that a leaf cell takes, its slot included. */
function cellSlotSize(keyLength: number, valueLength: number): number {
  return 2 + format.LEAF_CELL_HEADER_SIZE_BYTES + keyLength + valueLength
}

/** The first overflow page of a leaf cell, or 0. */
function overflowHead(bytes: Buffer, at: number, slot: number): PageNo {
  const cell = format.cellAt(bytes, at, slot)
  const field = u16(bytes, cell)
  if ((field & format.CELL_FLAG_OVERFLOW) === 0) return NONE
  return u32(
    bytes,
    cell + format.LEAF_CELL_HEADER_SIZE_BYTES + (field & format.CELL_KEY_LENGTH_MASK) + 4,
  ) as PageNo
}
