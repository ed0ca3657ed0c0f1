// What changes pages: builds a record, applies it to the current frame with applyRecord (the same code a storage node
// runs) and appends it to the log. One of these per database; whoever holds the database's turn to commit uses it.
//
//   writer.patchCell(...) ─▶ change(page): own frame, version kept if needed ─▶ applyRecord ─▶ log.append
//
// Callers have made sure before the first change that the pages are resident, frames can be taken and the log has room:
// nothing in here waits.

import { assert } from '../base/assert.ts'
import { type Lsn, LSN_ZERO, META_PAGE, NO_PAGE, type PageNo, type TreeId } from '../base/ids.ts'
import { u32 } from '../base/bytes.ts'
import { RecordWriter } from '../log/body.ts'
import type { CommitOrigin } from '../log/record.ts'
import { applyRecord } from '../page/apply.ts'
import * as format from '../page/format.ts'
import type { PageSpace } from './page-space.ts'

const NONE = 0 as PageNo

export class MiniTransaction {
  readonly space: PageSpace
  readonly writer: RecordWriter = new RecordWriter()
  /** Changes whenever pages join or leave trees: paths made before may lead elsewhere. */
  structure = 0
  /** The fields of the meta page; logged once, at the end. */
  private nextPage: PageNo = NONE
  private freeHead: PageNo = NONE
  private freeCount = 0
  private dropHead: PageNo = NONE
  private metaChanged = false
  /**
   * Numbers that were given to trees whose transactions ended without them; freed with the next commit. Only a crash
   * before that loses a page: one for each tree that was being created.
   */
  private readonly returned: PageNo[] = []

  constructor(space: PageSpace) {
    this.space = space
  }

  /** First of the trees and overflow chains that wait to be freed, 0 if there are none. */
  get firstDropped(): PageNo {
    return this.dropHead
  }

  get freePages(): number {
    return this.freeCount + this.returned.length
  }

  get hasReturned(): boolean {
    return this.returned.length > 0
  }

  get pageCount(): number {
    return this.nextPage
  }

  /** Takes the counters from the meta page. */
  readMeta(): void {
    const frame = this.space.readNewest(META_PAGE)
    const page = this.space.pool.buffer(frame)
    const at = this.space.pool.offset(frame)
    assert(u32(page, at + format.OFFSET_META_MAGIC) === format.META_MAGIC, 'page 0 is a meta page')
    assert(u32(page, at + format.OFFSET_META_VERSION) === format.META_VERSION, 'known format version')
    this.nextPage = u32(page, at + format.OFFSET_META_NEXT_PAGE) as PageNo
    this.freeHead = u32(page, at + format.OFFSET_META_FREE_HEAD) as PageNo
    this.freeCount = u32(page, at + format.OFFSET_META_FREE_COUNT)
    this.dropHead = u32(page, at + format.OFFSET_META_DROP_HEAD) as PageNo
  }

  /** The first records of a new timeline: the meta page and one empty tree on page 1. Needs two frames. */
  bootstrap(tree: TreeId): void {
    this.nextPage = (tree + 1) as PageNo
    this.space.create(META_PAGE)
    this.writer.initMeta(this.nextPage)
    this.change(META_PAGE)
    this.space.create(tree)
    this.initRoot(tree)
  }

  /** An empty leaf as root of a tree, on a page of this timeline. */
  initRoot(tree: TreeId): void {
    this.writer.initPage(format.PAGE_TYPE_LEAF, 0, tree, NONE)
    this.change(tree)
  }

  /** Sets a number aside for a tree. No page is written before the tree's transaction commits. */
  reserveTree(): TreeId {
    const returned = this.returned.pop()
    if (returned !== undefined) return returned
    const tree = this.nextPage
    this.nextPage = (tree + 1) as PageNo
    return tree
  }

  returnTree(tree: TreeId): void {
    this.returned.push(tree)
  }

  /** Makes the reserved number a tree, from the commit of this mini-transaction on. Takes a frame. */
  createTree(tree: TreeId): void {
    this.space.create(tree)
    this.metaChanged = true
    this.initRoot(tree)
  }

  /**
   * A page to be initialised: a free one if the first of them is resident, else a new number. Takes up to two frames.
   * A free page that is not resident is fetched for the next time.
   */
  allocate(): PageNo {
    this.metaChanged = true
    this.structure++
    if (this.freeHead !== NONE) {
      const page = this.freeHead
      const frame = this.space.resident(page)
      if (frame >= 0) {
        const at = this.space.pool.offset(frame)
        assert(
          format.pageType(this.space.pool.buffer(frame), at) === format.PAGE_TYPE_FREE,
          'a listed page is free',
        )
        this.freeHead = format.pageNext(this.space.pool.buffer(frame), at)
        this.freeCount--
        return page
      }
      this.space.prefetch(page, Infinity as Lsn)
    }
    const page = this.nextPage
    this.nextPage = (page + 1) as PageNo
    this.space.create(page)
    return page
  }

  /** Puts a resident page on the free list. */
  free(page: PageNo): void {
    this.structure++
    this.writer.freePage(this.freeHead)
    this.change(page)
    this.freeHead = page
    this.freeCount++
    this.metaChanged = true
  }

  /** Puts the resident root of a tree or head of an overflow chain on the list of what is to be freed later. */
  drop(page: PageNo): void {
    this.writer.dropPage(this.dropHead)
    this.change(page)
    this.dropHead = page
    this.metaChanged = true
  }

  /** Takes the first of the dropped off their list; the caller frees it. */
  undrop(): void {
    const frame = this.space.resident(this.dropHead)
    assert(frame >= 0, 'the dropped page is resident')
    this.dropHead = format.pageDropNext(this.space.pool.buffer(frame), this.space.pool.offset(frame))
    this.metaChanged = true
  }

  /** Applies the record in `writer` to `page` and appends it to the log. */
  change(page: PageNo): void {
    const { space, writer } = this
    const { pool, log } = space
    const lsn = log.tail
    const frame = space.own(page, lsn)
    const length = writer.finish(lsn, pool.lsns[frame] as Lsn, page, false)
    const applied = applyRecord(pool.buffer(frame), pool.offset(frame), writer.bytes, 0)
    assert(applied, 'a new record is newer than its page')
    pool.lsns[frame] = lsn
    pool.stamp++
    log.append(writer.bytes, 0, length, false)
  }

  /** Ends the mini-transaction: the meta page if it changed (resident), and the commit record, whose LSN it returns. */
  finish(wallMicros: number, transactionId: number, origin?: CommitOrigin): Lsn {
    if (this.metaChanged || this.returned.length > 0) {
      while (this.returned.length > 0 && this.space.pool.freeFrames >= 4) {
        const page = this.returned.pop() as PageNo
        this.space.create(page)
        this.free(page)
      }
      this.writer.setMeta(this.nextPage, this.freeHead, this.freeCount, this.dropHead)
      this.change(META_PAGE)
      this.metaChanged = false
    }
    const { log } = this.space
    const lsn = log.tail
    this.writer.commit(wallMicros, transactionId, origin)
    const length = this.writer.finish(lsn, LSN_ZERO, NO_PAGE, true)
    log.append(this.writer.bytes, 0, length, true)
    return lsn
  }
}
