// Frees the pages of dropped trees and replaced overflow chains, in the background, a few at a time.
//
// The meta page heads a list of dropped roots and heads of chains; their content is still in place. Each turn takes pages
// off the far end of the first thing on the list, so that what is left is well-formed after every mini-transaction, and a
// crash loses nothing but the turn:
//
//   chain  A ─▶ B ─▶ C       free A, drop B in its place
//   tree   inner [p q r]     free r (its cells' chains dropped first), inner [p q], ... free the emptied inner page
//                            (several leaves at once where they are resident: one change of their parent)
//
// Readers at older read points are not disturbed: a freed page is a changed page, and its versions remain. At the head
// nobody reads what was dropped.

import { assert } from '../base/assert.ts'
import { u16, u32 } from '../base/bytes.ts'
import type { Clock } from '../base/env.ts'
import { META_PAGE, type PageNo } from '../base/ids.ts'
import { suspend } from '../base/suspend.ts'
import * as format from '../page/format.ts'
import type { MiniTransaction } from './mini-transaction.ts'

const NONE = 0 as PageNo
/** Pages freed in one mini-transaction, about. */
const PAGES_PER_TURN = 256
/** Leaves freed with one change of their parent. */
const LEAVES_PER_STEP = 16
const FRAMES_PER_STEP: number = 24 + 2 * LEAVES_PER_STEP
const BYTES_PER_STEP = 16_384

export class Reclaimer {
  private readonly mtr: MiniTransaction
  private readonly clock: Clock

  constructor(mtr: MiniTransaction, clock: Clock) {
    this.mtr = mtr
    this.clock = clock
  }

  get hasWork(): boolean {
    return this.mtr.firstDropped !== NONE
  }

  /** A turn of the committer: frees some pages in a mini-transaction of its own. Suspends; goes on when called again. */
  newTurn(): () => void {
    let freed = 0
    return () => {
      while (freed < PAGES_PER_TURN && this.hasWork) {
        this.makeRoom()
        freed += this.step()
      }
      this.makeRoom()
      this.mtr.space.readNewest(META_PAGE)
      this.mtr.space.head = this.mtr.finish(this.clock.wallMicros(), 0)
    }
  }

  private makeRoom(): void {
    const { pool, log } = this.mtr.space
    if (!pool.ensureFree(FRAMES_PER_STEP)) suspend(this.mtr.space.later())
    if (!log.hasRoom(BYTES_PER_STEP)) suspend(log.room())
  }

  /** Frees some pages, or drops one chain of a leaf; how many. Everything is read before anything is changed. */
  private step(): number {
    const { mtr } = this
    const { space } = mtr
    const path: PageNo[] = [mtr.firstDropped]
    for (;;) {
      const page = path.at(-1) as PageNo
      const frame = space.readNewest(page)
      const bytes = space.pool.buffer(frame)
      const at = space.pool.offset(frame)
      const count = format.pageCount(bytes, at)
      const type = format.pageType(bytes, at)
      if (type === format.PAGE_TYPE_INNER && count > 0) {
        path.push(format.childAt(bytes, at, count - 1))
      } else if (type === format.PAGE_TYPE_OVERFLOW) {
        this.freeLink(page, format.pageNext(bytes, at))
        return 1
      } else {
        const chainSlot = type === format.PAGE_TYPE_LEAF ? lastChain(bytes, at, count) : -1
        if (chainSlot < 0) return this.freeTreePage(path)
        this.dropChain(page, chainSlot, chainHead(bytes, at, chainSlot))
        return 1
      }
    }
  }

  private freeLink(page: PageNo, next: PageNo): void {
    const { mtr } = this
    if (next !== NONE) mtr.space.readNewest(next)
    mtr.undrop()
    mtr.free(page)
    if (next !== NONE) mtr.drop(next)
  }

  private dropChain(leaf: PageNo, slot: number, head: PageNo): void {
    const { mtr } = this
    mtr.space.readNewest(head)
    mtr.writer.deleteCells(slot, 1)
    mtr.change(leaf)
    mtr.drop(head)
  }

  /** Frees the last page of the path, and the leaves before it in their parent that need nothing else. */
  private freeTreePage(path: readonly PageNo[]): number {
    const { mtr } = this
    const page = path.at(-1) as PageNo
    const parent = path.at(-2)
    if (parent === undefined) {
      mtr.undrop()
      mtr.free(page)
      return 1
    }
    const frame = mtr.space.readNewest(parent)
    const bytes = mtr.space.pool.buffer(frame)
    const at = mtr.space.pool.offset(frame)
    const count = format.pageCount(bytes, at)
    assert(count > 0, 'the page has a place in its parent')
    const doomed = [page]
    while (doomed.length < Math.min(count, LEAVES_PER_STEP)) {
      const before = format.childAt(bytes, at, count - 1 - doomed.length)
      if (!this.isPlainLeaf(before)) break
      doomed.push(before)
    }
    for (const each of doomed) mtr.free(each)
    mtr.writer.truncate(count - doomed.length)
    mtr.change(parent)
    return doomed.length
  }

  /** Whether the page is resident, and a leaf without chains. */
  private isPlainLeaf(page: PageNo): boolean {
    const { space } = this.mtr
    const frame = space.resident(page)
    if (frame < 0) return false
    const bytes = space.pool.buffer(frame)
    const at = space.pool.offset(frame)
    if (format.pageType(bytes, at) !== format.PAGE_TYPE_LEAF) return false
    return lastChain(bytes, at, format.pageCount(bytes, at)) < 0
  }
}

/** The last slot of a leaf whose value is in overflow pages, or -1. */
function lastChain(bytes: Buffer, at: number, count: number): number {
  let slot = count - 1
  while (slot >= 0 && (u16(bytes, format.cellAt(bytes, at, slot)) & format.CELL_FLAG_OVERFLOW) === 0) slot--
  return slot
}

function chainHead(bytes: Buffer, at: number, slot: number): PageNo {
  const cell = format.cellAt(bytes, at, slot)
  const keyLength = u16(bytes, cell) & format.CELL_KEY_LENGTH_MASK
  return u32(bytes, cell + format.LEAF_CELL_HEADER_SIZE_BYTES + keyLength + 4) as PageNo
}
