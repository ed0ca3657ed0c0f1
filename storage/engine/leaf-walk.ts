// A walk over the committed cells of one tree at one read point, in either direction, bounded.
//
//   path:  root ── slot 3 ──▶ inner ── slot 17 ──▶ leaf: slots first..last that lie within the bounds
//
// The walk remembers page numbers and slots, not frames: at one read point a page is the same bytes whenever it is looked
// up again. The frame of the leaf is remembered together with the pool's stamp and looked up again when that changed.
// Every step works out where it goes before it changes the walk, so a step that suspends can simply be made again.
//
// Read-ahead: once a walk moves from leaf to leaf and misses one, it asks for the following children of the same parent
// too, and keeps the window ahead of itself, so that a scan of what is not resident costs few round trips.

import { assert } from '../base/assert.ts'
import type { Lsn, PageNo, TreeId } from '../base/ids.ts'
import * as format from '../page/format.ts'
import { SearchKey, compareSlot, findChild, findSlot } from '../page/search.ts'
import { fillFromLeaf } from './cell.ts'
import type { Cell, View } from './engine.ts'
import type { OverflowReader } from './overflow-reader.ts'
import type { PageSpace } from './page-space.ts'

const DEPTH_MAX = 32
const READ_AHEAD_PAGES_MAX = 64

type State = 'before' | 'inside' | 'after'

interface Path {
  readonly pages: Uint32Array
  readonly slots: Int32Array
  depth: number
  leaf: PageNo
}

function newPath(): Path {
  return { pages: new Uint32Array(DEPTH_MAX), slots: new Int32Array(DEPTH_MAX), depth: 0, leaf: 0 as PageNo }
}

export class LeafWalk {
  private readonly space: PageSpace
  private readonly overflow: OverflowReader
  private readonly view: View
  private readonly tree: TreeId
  private readonly cell: Cell
  private readonly low = new SearchKey()
  private readonly high = new SearchKey()
  private hasLow = false
  private hasHigh = false
  private descending = false
  private readLsn: Lsn
  private state: State = 'after'
  private path: Path = newPath()
  private scratch: Path = newPath()
  /** The leaf in memory, as long as the pool's stamp is this one. */
  private stamp = -1
  private bytes: Buffer
  private dataView: DataView
  private at = 0
  private slot = 0
  /** The slot at which the walk leaves this leaf. */
  private limit = 0
  /** How far children of the current parent were asked for. */
  private aheadPage: PageNo = 0 as PageNo
  private aheadSlot = -1
  private aheadWindow = 0

  constructor(space: PageSpace, overflow: OverflowReader, view: View, tree: TreeId, cell: Cell) {
    this.space = space
    this.overflow = overflow
    this.view = view
    this.tree = tree
    this.cell = cell
    this.readLsn = view.readLsn
    this.bytes = cell.bytes
    this.dataView = cell.view
  }

  seek(low: Uint8Array | undefined, high: Uint8Array | undefined, descending: boolean): void {
    this.hasLow = low !== undefined
    if (low !== undefined) this.low.set(Uint8Array.from(low), 0, low.length)
    this.hasHigh = high !== undefined
    if (high !== undefined) this.high.set(Uint8Array.from(high), 0, high.length)
    this.descending = descending
    this.readLsn = this.view.readLsn
    this.state = 'before'
    this.aheadWindow = 0
    this.aheadSlot = -1
  }

  /** Ends the walk: `next` is false from here on. */
  stop(): void {
    this.state = 'after'
  }

  /** Moves to the next cell and fills the Cell. */
  next(): boolean {
    if (this.state !== 'inside' && !this.begin()) return false
    for (;;) {
      const slot = this.descending ? this.slot - 1 : this.slot + 1
      if (slot !== this.limit) {
        this.fill(slot)
        this.slot = slot
        return true
      }
      if (!this.moveToNextLeaf()) return false
    }
  }

  /** Fills the Cell again with the cell the walk stands on. */
  refill(): void {
    this.fill(this.slot)
  }

  private fill(slot: number): void {
    const { pool } = this.space
    if (this.stamp !== pool.stamp) this.lookAt(this.space.read(this.path.leaf, this.readLsn))
    fillFromLeaf(this.cell, this.bytes, this.dataView, this.at, slot, this.overflow, this.readLsn)
  }

  private lookAt(frame: number): void {
    const { pool } = this.space
    this.bytes = pool.buffer(frame)
    this.dataView = pool.view(frame)
    this.at = pool.offset(frame)
    this.stamp = pool.stamp
  }

  private begin(): boolean {
    if (this.state === 'after') return false
    const next = this.scratch
    next.depth = 0
    if (!this.descend(next, this.tree)) {
      this.state = 'after'
      return false
    }
    this.enter(next)
    this.state = 'inside'
    return true
  }

  /**
   * Completes `path` from `page` (at its depth) down to a leaf, towards the bound where the walk begins. Returns false if
   * there is no tree.
   */
  private descend(path: Path, from: PageNo): boolean {
    const { space } = this
    const { pool } = space
    let page = from
    for (;;) {
      const frame = space.read(page, this.readLsn)
      const bytes = pool.buffer(frame)
      const at = pool.offset(frame)
      const type = format.pageType(bytes, at)
      if (type === format.PAGE_TYPE_LEAF) {
        path.leaf = page
        return true
      }
      if (type === format.PAGE_TYPE_NONE && page === this.tree) return false
      assert(type === format.PAGE_TYPE_INNER, 'a tree consists of inner pages and leaves')
      const slot = this.descending ? this.lastChild(frame) : this.firstChild(frame)
      path.pages[path.depth] = page
      path.slots[path.depth] = slot
      path.depth++
      page = format.childAt(bytes, at, slot)
    }
  }

  private firstChild(frame: number): number {
    const { pool } = this.space
    return this.hasLow ? findChild(pool.buffer(frame), pool.view(frame), pool.offset(frame), this.low) : 0
  }

  private lastChild(frame: number): number {
    const { pool } = this.space
    const bytes = pool.buffer(frame)
    const at = pool.offset(frame)
    if (!this.hasHigh) return format.pageCount(bytes, at) - 1
    // The bound itself is excluded: a child that begins with it has nothing for us.
    const slot = findChild(bytes, pool.view(frame), at, this.high)
    return slot > 0 && compareSlot(bytes, pool.view(frame), at, slot, this.high) === 0 ? slot - 1 : slot
  }

  /** Takes a complete path as the walk's own and stands before the leaf's first cell within the bounds. */
  private enter(path: Path): void {
    const { pool } = this.space
    const frame = this.space.read(path.leaf, this.readLsn)
    const bytes = pool.buffer(frame)
    const view = pool.view(frame)
    const at = pool.offset(frame)
    let first = 0
    if (this.hasLow) {
      first = findSlot(bytes, view, at, this.low)
      if (first < 0) first = ~first
    }
    let end = format.pageCount(bytes, at)
    if (this.hasHigh && end > 0 && compareSlot(bytes, view, at, end - 1, this.high) >= 0) {
      end = findSlot(bytes, view, at, this.high)
      if (end < 0) end = ~end
    }
    if (first > end) first = end
    this.slot = this.descending ? end : first - 1
    this.limit = this.descending ? first - 1 : end
    this.lookAt(frame)
    this.scratch = this.path
    this.path = path
    const lsn = pool.lsns[frame] as Lsn
    if (lsn > this.view.seenLsn) this.view.seenLsn = lsn
  }

  private moveToNextLeaf(): boolean {
    const next = this.scratch
    const { pages, slots, depth } = this.path
    for (let level = depth - 1; level >= 0; level--) {
      const parent = pages[level] as PageNo
      const frame = this.space.read(parent, this.readLsn)
      const slot = (slots[level] as number) + (this.descending ? -1 : 1)
      if (!this.childWithinBounds(frame, slot)) continue
      const { pool } = this.space
      const child = format.childAt(pool.buffer(frame), pool.offset(frame), slot)
      if (level === depth - 1) this.readAhead(parent, frame, slot, child)
      next.pages.set(pages)
      next.slots.set(slots)
      next.slots[level] = slot
      next.depth = level + 1
      this.descend(next, child)
      this.enter(next)
      return true
    }
    this.state = 'after'
    return false
  }

  private childWithinBounds(frame: number, slot: number): boolean {
    const { pool } = this.space
    const bytes = pool.buffer(frame)
    const at = pool.offset(frame)
    if (slot < 0 || slot >= format.pageCount(bytes, at)) return false
    if (this.descending) {
      return !this.hasLow || compareSlot(bytes, pool.view(frame), at, slot + 1, this.low) > 0
    }
    return !this.hasHigh || compareSlot(bytes, pool.view(frame), at, slot, this.high) < 0
  }

  private readAhead(parent: PageNo, frame: number, slot: number, child: PageNo): void {
    const { space } = this
    const missed = !space.has(child, this.readLsn)
    if (!missed && this.aheadWindow === 0) return
    if (parent !== this.aheadPage) {
      this.aheadPage = parent
      this.aheadSlot = slot
    }
    const max = Math.min(READ_AHEAD_PAGES_MAX, space.pool.pagesMax >> 3)
    if (missed) this.aheadWindow = Math.min(max, Math.max(8, this.aheadWindow * 2))
    const step = this.descending ? -1 : 1
    if ((this.aheadSlot - slot) * step < 0) this.aheadSlot = slot
    if ((this.aheadSlot - slot) * step > this.aheadWindow / 2) return
    const bytes = space.pool.buffer(frame)
    const at = space.pool.offset(frame)
    const target = slot + step * this.aheadWindow
    while (this.aheadSlot !== target && this.childWithinBounds(frame, this.aheadSlot)) {
      space.prefetch(format.childAt(bytes, at, this.aheadSlot), this.readLsn)
      this.aheadSlot += step
    }
  }
}
