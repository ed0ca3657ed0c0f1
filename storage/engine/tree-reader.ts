// Point reads of committed cells, and figures of a tree, at a read point.

import { assert } from '../base/assert.ts'
import { u16 } from '../base/bytes.ts'
import type { Lsn, PageNo, TreeId } from '../base/ids.ts'
import * as format from '../page/format.ts'
import { SearchKey, findChild, findSlot } from '../page/search.ts'
import { emptyCell, fillFromLeaf } from './cell.ts'
import type { Cell } from './engine.ts'
import type { OverflowReader } from './overflow-reader.ts'
import type { PageSpace } from './page-space.ts'

export class TreeReader {
  /** The cell that `get` found. */
  readonly cell: Cell = emptyCell()
  /** LSN of the leaf that the last `get` looked at. */
  leafLsn = 0
  private readonly space: PageSpace
  private readonly overflow: OverflowReader
  private readonly key = new SearchKey()

  constructor(space: PageSpace, overflow: OverflowReader) {
    this.space = space
    this.overflow = overflow
  }

  /** Fills `cell` with the cell of exactly this key; false if there is none. May suspend. */
  get(tree: TreeId, key: Uint8Array, readLsn: Lsn): boolean {
    this.key.set(key, 0, key.length)
    const { space } = this
    const { pool } = space
    let page: PageNo = tree
    for (;;) {
      const frame = space.read(page, readLsn)
      const bytes = pool.buffer(frame)
      const view = pool.view(frame)
      const at = pool.offset(frame)
      const type = format.pageType(bytes, at)
      if (type === format.PAGE_TYPE_INNER) {
        page = format.childAt(bytes, at, findChild(bytes, view, at, this.key))
        continue
      }
      this.leafLsn = pool.lsns[frame] as number
      if (type !== format.PAGE_TYPE_LEAF) {
        assert(type === format.PAGE_TYPE_NONE && page === tree, 'a tree consists of inner pages and leaves')
        return false
      }
      const slot = findSlot(bytes, view, at, this.key)
      if (slot < 0) return false
      fillFromLeaf(this.cell, bytes, view, at, slot, this.overflow, readLsn)
      return true
    }
  }

  /** Highest LSN of the pages on the way to a key. May suspend. */
  pathLsn(tree: TreeId, key: Uint8Array, readLsn: Lsn): Lsn {
    this.key.set(key, 0, key.length)
    const { pool } = this.space
    let page: PageNo = tree
    let highest = 0
    for (;;) {
      const frame = this.space.read(page, readLsn)
      const bytes = pool.buffer(frame)
      const at = pool.offset(frame)
      highest = Math.max(highest, pool.lsns[frame] as number)
      if (format.pageType(bytes, at) !== format.PAGE_TYPE_INNER) return highest as Lsn
      page = format.childAt(bytes, at, findChild(bytes, pool.view(frame), at, this.key))
    }
  }

  /**
   * Cells and pages of a tree, from the way to its first and its middle leaf: their fan-outs are taken for all. May
   * suspend.
   */
  estimate(tree: TreeId, readLsn: Lsn): { cellCount: number; pageCount: number } {
    const first = this.sample(tree, readLsn, 0)
    if (first.pageCount === 1) return first
    const middle = this.sample(tree, readLsn, 0.5)
    const average = (a: number, b: number): number => Math.round((a + b) / 2)
    return {
      cellCount: average(first.cellCount, middle.cellCount),
      pageCount: average(first.pageCount, middle.pageCount),
    }
  }

  /**
   * Visits the cells of up to `leafCount` leaves that are spread evenly over a tree: leaf i of n is found by going to
   * the (i + 1/2) / n-th child at each level. Values kept in overflow pages are left out. May suspend: then every leaf
   * is visited again.
   */
  visitSample(tree: TreeId, readLsn: Lsn, leafCount: number, visit: (cell: Cell) => void): void {
    const { pool } = this.space
    let previous: PageNo | undefined
    for (let leaf = 0; leaf < leafCount; leaf++) {
      const page = this.leafAt(tree, readLsn, (leaf + 0.5) / leafCount)
      // A tree of fewer leaves.
      if (page === previous) continue
      previous = page
      const frame = this.space.read(page, readLsn)
      const bytes = pool.buffer(frame)
      const view = pool.view(frame)
      const at = pool.offset(frame)
      if (format.pageType(bytes, at) !== format.PAGE_TYPE_LEAF) return
      for (let slot = 0; slot < format.pageCount(bytes, at); slot++) {
        if (hasOverflow(bytes, at, slot)) continue
        fillFromLeaf(this.cell, bytes, view, at, slot, this.overflow, readLsn)
        visit(this.cell)
      }
    }
  }

  /** The leaf at a fraction, in [0, 1), of the way through a tree, if all pages were equally full. */
  private leafAt(tree: TreeId, readLsn: Lsn, fraction: number): PageNo {
    const { space } = this
    const { pool } = space
    let page: PageNo = tree
    let rest = fraction
    for (;;) {
      const frame = space.read(page, readLsn)
      const bytes = pool.buffer(frame)
      const at = pool.offset(frame)
      if (format.pageType(bytes, at) !== format.PAGE_TYPE_INNER) return page
      const position = rest * format.pageCount(bytes, at)
      page = format.childAt(bytes, at, Math.floor(position))
      rest = position - Math.floor(position)
    }
  }

  private sample(tree: TreeId, readLsn: Lsn, where: number): { cellCount: number; pageCount: number } {
    const { space } = this
    const { pool } = space
    let page: PageNo = tree
    let pages = 1
    let pageCount = 1
    for (;;) {
      const frame = space.read(page, readLsn)
      const bytes = pool.buffer(frame)
      const at = pool.offset(frame)
      const count = format.pageCount(bytes, at)
      if (format.pageType(bytes, at) !== format.PAGE_TYPE_INNER)
        return { cellCount: pages * count, pageCount }
      pages *= count
      pageCount += pages
      page = format.childAt(bytes, at, Math.floor(count * where))
    }
  }
}

function hasOverflow(bytes: Buffer, at: number, slot: number): boolean {
  return (u16(bytes, format.cellAt(bytes, at, slot)) & format.CELL_FLAG_OVERFLOW) !== 0
}
