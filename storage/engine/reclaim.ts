// Frees the pages of dropped trees and replaced overflow chains, in the background, a few at a time.
//
// The meta page heads a list of dropped roots and heads of chains; their content is still in place. Each turn takes pages
// off the far end of the first thing on the list, so that what is left is well-formed after every mini-transaction, and a
// crash loses nothing but the turn:
//
//   chain  A ─▶ B ─▶ C       free A, drop B in its place
//   tree   inner [p q r]     free r (its cells' chains dropped first), inner [p q], ... free the emptied inner page
//
// Readers at older read points are not disturbed: a freed page is a changed page, and its versions remain.

import { assert } from '../base/assert.ts'
import { u16, u32 } from '../base/bytes.ts'
import type { Clock } from '../base/env.ts'
import { META_PAGE, type PageNo } from '../base/ids.ts'
import { suspend } from '../base/suspend.ts'
import * as format from '../page/format.ts'
import type { MiniTransaction } from './mini-transaction.ts'

const NONE = 0 as PageNo
/** Pages freed in one mini-transaction. */
const PAGES_PER_TURN = 32
const FRAMES_PER_STEP = 24
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
    let steps = 0
    return () => {
      for (; steps < PAGES_PER_TURN && this.hasWork; steps++) {
        this.makeRoom()
        this.step()
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

  /** Frees one page, or drops one chain of a leaf. Everything is read before anything is changed. */
  private step(): void {
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
        return
      } else {
        const chainSlot = type === format.PAGE_TYPE_LEAF ? lastChain(bytes, at, count) : -1
        if (chainSlot >= 0) this.dropChain(page, chainSlot, chainHead(bytes, at, chainSlot))
        else this.freeTreePage(path)
        return
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

  private freeTreePage(path: readonly PageNo[]): void {
    const { mtr } = this
    const page = path.at(-1) as PageNo
    const parent = path.at(-2)
    if (parent === undefined) {
      mtr.undrop()
      mtr.free(page)
      return
    }
    const frame = mtr.space.readNewest(parent)
    const count = format.pageCount(mtr.space.pool.buffer(frame), mtr.space.pool.offset(frame))
    assert(count > 0, 'the page has a place in its parent')
    mtr.free(page)
    mtr.writer.truncate(count - 1)
    mtr.change(parent)
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
