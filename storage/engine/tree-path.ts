// The way from a tree's root to one leaf, for changes: page numbers and slots, and up to which key the leaf reaches.
//
//   height 2   root   ── slot 3 ──┐                pages[0]
//   height 1   inner  ◀───────────┘ ── slot 17 ─┐  pages[1]
//   height 0   leaf   ◀─────────────────────────┘  pages[depth]
//
// Levels are named by their height above the leaf, because the root can grow upwards while a path is in use.

import { assert } from '../base/assert.ts'
import { compareRanges, copyBytes, u16 } from '../base/bytes.ts'
import type { PageNo, TreeId } from '../base/ids.ts'
import { KEY_SIZE_BYTES_MAX } from '../base/limits.ts'
import * as format from '../page/format.ts'
import { type SearchKey, findChild } from '../page/search.ts'
import type { PageSpace } from './page-space.ts'

const NO_BOUND = -1
const UNREAD_BOUND = -2

export class TreePath {
  /** Levels below the root: 0 if the root is the leaf. */
  depth = 0
  /** False once nothing is known: before the first descent, or after a change the path did not follow. */
  valid = false
  tree: TreeId = 0 as TreeId
  /** MiniTransaction.structure at the time. */
  structure = 0
  private readonly space: PageSpace
  private readonly pages: PageNo[] = []
  private readonly slots: number[] = []
  private readonly bound: Buffer = Buffer.alloc(KEY_SIZE_BYTES_MAX)
  /** Length of the bound; NO_BOUND: the leaf is the tree's last; UNREAD_BOUND: it is the key at boundPage, boundSlot. */
  private boundLength = NO_BOUND
  private boundPage: PageNo = 0 as PageNo
  private boundSlot = 0

  constructor(space: PageSpace) {
    this.space = space
  }

  get leaf(): PageNo {
    return this.pages[this.depth] as PageNo
  }

  /** Whether the leaf is the last of its tree. */
  get rightmost(): boolean {
    return this.boundLength === NO_BOUND
  }

  page(height: number): PageNo {
    return this.pages[this.depth - height] as PageNo
  }

  setPage(height: number, page: PageNo): void {
    this.pages[this.depth - height] = page
  }

  /** The slot of the page at `height` in its parent. */
  slotInParent(height: number): number {
    return this.slots[this.depth - height - 1] as number
  }

  setSlotInParent(height: number, slot: number): void {
    this.slots[this.depth - height - 1] = slot
  }

  /** The root's content has moved into one new page below it. */
  growRoot(child: PageNo): void {
    this.pages.splice(1, 0, child)
    this.slots.unshift(0)
    this.depth++
  }

  /** The leaf was split and keeps the keys below `key`. */
  narrow(key: Buffer): void {
    this.boundLength = key.length
    key.copy(this.bound)
  }

  /** Whether a key at or above the one of the last descent belongs to the same leaf. */
  reaches(key: SearchKey): boolean {
    if (this.boundLength === NO_BOUND) return true
    if (!this.readBound()) return false
    return compareRanges(key.bytes, key.start, key.end, this.bound, 0, this.boundLength) < 0
  }

  /**
   * Goes from the root to the leaf of `key`. With `resident`, all pages are known to be in the pool and the call does not
   * suspend; else it may, and is then made again.
   */
  descend(tree: TreeId, key: SearchKey, resident: boolean): void {
    const { space } = this
    const { pool } = space
    this.valid = false
    this.boundLength = NO_BOUND
    let page: PageNo = tree
    for (let depth = 0; ; depth++) {
      const frame = resident ? space.resident(page) : space.readNewest(page)
      assert(frame >= 0, 'the pages of a change are resident')
      const bytes = pool.buffer(frame)
      const at = pool.offset(frame)
      this.pages[depth] = page
      const type = format.pageType(bytes, at)
      if (type === format.PAGE_TYPE_LEAF) {
        this.depth = depth
        this.tree = tree
        this.valid = true
        return
      }
      assert(type === format.PAGE_TYPE_INNER, 'a tree consists of inner pages and leaves')
      const slot = findChild(bytes, pool.view(frame), at, key)
      this.slots[depth] = slot
      if (slot + 1 < format.pageCount(bytes, at)) {
        this.boundLength = UNREAD_BOUND
        this.boundPage = page
        this.boundSlot = slot + 1
      }
      page = format.childAt(bytes, at, slot)
    }
  }

  /**
   * Reads the bound off the inner page, which most changes never need. To be called before that page changes. False if
   * the page is gone from the pool.
   */
  readBound(): boolean {
    if (this.boundLength !== UNREAD_BOUND) return true
    const frame = this.space.resident(this.boundPage)
    if (frame < 0) return false
    const bytes = this.space.pool.buffer(frame)
    const cell = format.cellAt(bytes, this.space.pool.offset(frame), this.boundSlot)
    this.boundLength = u16(bytes, cell) & format.CELL_KEY_LENGTH_MASK
    const start = cell + format.INNER_CELL_HEADER_SIZE_BYTES
    copyBytes(bytes, start, start + this.boundLength, this.bound, 0)
    return true
  }
}
