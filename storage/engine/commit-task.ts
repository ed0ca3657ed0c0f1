// The application of one write set to the pages: trees created, cells in key order tree by tree, trees dropped, meta page,
// commit record. It can be run at once, when everything it needs is known to be resident, or in slices, going on where it
// was at each call. In slices, a tree that is empty is not written to cell by cell but loaded whole (bulk-loader.ts).

import type { Clock } from '../base/env.ts'
import { type Lsn, META_PAGE, type TreeId } from '../base/ids.ts'
import { suspend } from '../base/suspend.ts'
import type { CommitOrigin } from '../log/record.ts'
import { BulkLoader } from './bulk-loader.ts'
import type { CellWriter } from './cell-writer.ts'
import { PAGE_TYPE_LEAF, pageCount, pageType } from '../page/format.ts'
import type { MiniTransaction } from './mini-transaction.ts'
import { OPERATION_PUT, type TreeWrites, type WriteSet } from './write-set.ts'

/** How long a slice works before it lets others run. */
const SLICE_MS = 4
/** Changes between two looks at the clock. */
const CHANGES_PER_LOOK = 64
/** Frames and log bytes that any single change may need: an insert that splits every level, or an overflow page. */
const FRAMES_PER_CHANGE = 32
const FRAMES_SPARE = 16
const BYTES_PER_CHANGE = 131_072

/** What is committed, and who wants to know. */
export interface CommitSource {
  readonly id: number
  readonly origin: CommitOrigin
  readonly writes: WriteSet
  readonly createdTrees: readonly TreeId[]
  readonly droppedTrees: readonly TreeId[]
  /** Set by onCommitted. onCommitting comes first: from there on the commit cannot be given up. */
  readonly committedLsn: Lsn | undefined
  onCommitting(): void
  onCommitted(lsn: Lsn): void
}

export class CommitTask {
  private readonly source: CommitSource
  private readonly mtr: MiniTransaction
  private readonly cells: CellWriter
  private loader: BulkLoader | undefined
  private readonly clock: Clock
  private readonly trees: readonly TreeWrites[]
  private createdAt = 0
  private treeAt = 0
  /** Whether the tree that is being written was empty; undefined before anybody looked. */
  private loading: boolean | undefined
  private writeAt = 0
  private droppedAt = 0
  private countdown = CHANGES_PER_LOOK
  private sliceEndMs = 0

  constructor(source: CommitSource, mtr: MiniTransaction, cells: CellWriter, clock: Clock) {
    this.source = source
    this.mtr = mtr
    this.cells = cells
    this.clock = clock
    this.trees = source.writes.trees
  }

  /**
   * Everything is resident and there is room: does not suspend. `prepared`: each key has a path of its own, numbered in
   * order.
   */
  runAtOnce(prepared: boolean): Lsn {
    const { source } = this
    let number = 0
    for (const tree of source.createdTrees) if (!source.droppedTrees.includes(tree)) this.mtr.createTree(tree)
    for (const own of this.trees) {
      if (source.droppedTrees.includes(own.tree)) continue
      if (!prepared) this.cells.begin()
      for (let i = 0; i < own.count; i++) {
        if (prepared) this.cells.select(number++, true)
        this.write(own, i, true)
        if (prepared) this.cells.flush()
      }
      this.cells.flush()
    }
    for (const tree of source.droppedTrees) this.drop(tree)
    return this.mtr.finish(this.clock.wallMicros(), source.id, source.origin)
  }

  /** Works until everything is done; suspends after each slice, and for pages, frames and room. */
  run(): Lsn {
    const { source } = this
    this.sliceEndMs = this.clock.monotonicMs() + SLICE_MS
    for (; this.createdAt < source.createdTrees.length; this.createdAt++) {
      this.makeRoom()
      const tree = source.createdTrees[this.createdAt] as TreeId
      if (!source.droppedTrees.includes(tree)) this.mtr.createTree(tree)
    }
    for (; this.treeAt < this.trees.length; this.treeAt++) {
      const own = this.trees[this.treeAt] as TreeWrites
      if (source.droppedTrees.includes(own.tree)) continue
      this.loading ??= this.isEmpty(own.tree)
      if (this.loading) this.loadTree(own)
      else this.writeTree(own)
      this.writeAt = 0
      this.loading = undefined
    }
    for (; this.droppedAt < source.droppedTrees.length; this.droppedAt++) {
      this.makeRoom()
      const tree = source.droppedTrees[this.droppedAt] as TreeId
      if (!source.createdTrees.includes(tree)) this.mtr.space.readNewest(tree)
      this.drop(tree)
    }
    this.makeRoom()
    this.mtr.space.readNewest(META_PAGE)
    const lsn = this.mtr.finish(this.clock.wallMicros(), source.id, source.origin)
    this.mtr.space.head = lsn
    return lsn
  }

  private writeTree(own: TreeWrites): void {
    if (this.writeAt === 0) {
      this.source.writes.sort(own)
      this.cells.begin()
    }
    while (this.writeAt < own.count) {
      if (--this.countdown === 0) this.look()
      this.makeRoom()
      if (this.write(own, this.writeAt, false)) this.writeAt++
    }
    this.cells.flush()
  }

  private isEmpty(tree: TreeId): boolean {
    const { space } = this.mtr
    const frame = space.readNewest(tree)
    const page = space.pool.buffer(frame)
    const at = space.pool.offset(frame)
    return pageType(page, at) === PAGE_TYPE_LEAF && pageCount(page, at) === 0
  }

  /** Like writeTree, for a tree that is empty. */
  private loadTree(own: TreeWrites): void {
    const loader = (this.loader ??= new BulkLoader(this.mtr))
    const { writes } = this.source
    if (this.writeAt === 0) {
      writes.sort(own)
      loader.begin(own.tree)
    }
    while (this.writeAt < own.count) {
      if (--this.countdown === 0) this.look()
      const place = writes.newestOf(own.order[this.writeAt] as number, Infinity)
      const { bytes, view } = writes
      const start = writes.keyStart(place)
      const end = writes.keyEnd(place)
      const valueEnd = writes.valueEnd(place)
      if (writes.operation(place) !== OPERATION_PUT) this.writeAt++
      else {
        if (!loader.fits(end - start, valueEnd - end)) this.makeRoom()
        if (this.cells.load(loader, own.tree, bytes, view, start, end, valueEnd)) this.writeAt++
      }
    }
    this.makeRoom()
    this.mtr.space.readNewest(own.tree)
    loader.finish()
  }

  private write(own: TreeWrites, at: number, resident: boolean): boolean {
    const { writes } = this.source
    const place = writes.newestOf(own.order[at] as number, Infinity)
    const { bytes } = writes
    const start = writes.keyStart(place)
    const end = writes.keyEnd(place)
    if (writes.operation(place) === OPERATION_PUT) {
      return this.cells.put(own.tree, bytes, start, end, bytes, end, writes.valueEnd(place), resident)
    }
    this.cells.delete(own.tree, bytes, start, end, resident)
    return true
  }

  /** A tree created by the same transaction was never written: its number goes back. */
  private drop(tree: TreeId): void {
    if (this.source.createdTrees.includes(tree)) this.mtr.returnTree(tree)
    else this.mtr.drop(tree)
  }

  private makeRoom(): void {
    const { pool, log } = this.mtr.space
    if (pool.freeFrames < FRAMES_PER_CHANGE) {
      this.cells.flush() // while its leaf is still here
      // Some more, lest the page fetched next be the one that goes for the one after it.
      if (!pool.ensureFree(FRAMES_PER_CHANGE + FRAMES_SPARE)) suspend(this.mtr.space.later())
    }
    if (!log.hasRoom(BYTES_PER_CHANGE)) {
      this.cells.flush()
      suspend(log.room())
    }
  }

  private look(): void {
    this.countdown = CHANGES_PER_LOOK
    if (this.clock.monotonicMs() < this.sliceEndMs) return
    this.cells.flush()
    suspend(new Promise<void>((resolve) => this.clock.soon(resolve)))
  }
}
