// Commits of one database, one at a time.
//
//   small write set:  all pages resident? ─▶ log has room? ─▶ apply, append, move head     (one synchronous step)
//                          └ else suspend, nothing changed ┘
//   large write set:  a task of its own applies it in slices of a few milliseconds
//
// While a task is under way, `head` stays where it was and is kept as a read point: pages that the task changes keep
// their version for readers. Other commits wait for their turn; reads go on. Once a task has begun it ends, whatever
// becomes of the session that asked for it.

import { assert } from '../base/assert.ts'
import type { Clock } from '../base/env.ts'
import { StorageError } from '../base/errors.ts'
import { type Lsn, META_PAGE, type TreeId } from '../base/ids.ts'
import { LAL_BYTES } from '../base/limits.ts'
import { SUSPENDED, suspend, takeSuspension } from '../base/suspend.ts'
import { OPERATION_PUT } from './write-set.ts'
import type { MiniTransaction } from './mini-transaction.ts'
import { type CommitSource, CommitTask } from './commit-task.ts'
import { CellWriter } from './cell-writer.ts'
import type { PageSpace } from './page-space.ts'
import { PATH_COUNT } from './tree-writer.ts'

/** Write sets above this are applied in slices. */
const SMALL_ENTRIES_MAX = 512
const SMALL_BYTES_MAX = 262_144
/** Frames that a split may take, at most, for every level of a tree. */
export const FRAMES_PER_SPLIT = 24
/** Frames made free beyond the need, lest the page fetched next be the one that goes for the one after it. */
const FRAMES_SPARE = 16
/** Bytes of log that a split may take. */
const BYTES_PER_SPLIT = 40_000
const RETRY_MS = 100
/** Room in the log without which a large commit does not begin. */
const BYTES_TO_BEGIN = 131_072
/** Bytes of log around a change: header, padding, slot numbers. */
const BYTES_PER_CHANGE = 64

/** What is done at a turn: called until it returns; may suspend. */
export type Turn = () => void

export class Committer {
  commits = 0
  private readonly space: PageSpace
  private readonly mtr: MiniTransaction
  private readonly cells: CellWriter
  private readonly clock: Clock
  /** Resolves when the task that has the turn is done. */
  private busy: Promise<void> | undefined
  private failure: Error | undefined
  private shortages = 0

  constructor(space: PageSpace, mtr: MiniTransaction, clock: Clock) {
    this.space = space
    this.mtr = mtr
    this.clock = clock
    this.cells = new CellWriter(mtr)
  }

  /** Commits, now or by suspending until a task has done it. Calls source.onCommitted at the moment of the commit. */
  commit(source: CommitSource): Lsn {
    const { writes } = source
    this.waitForTurn()
    const small = writes.entryCount <= SMALL_ENTRIES_MAX && writes.byteCount <= SMALL_BYTES_MAX
    if (small && this.ready(source)) return this.commitAtOnce(source)
    // Whoever waits for room to begin may still be told that there is none, or change his mind.
    const { log } = this.space
    if (!log.hasRoom(BYTES_TO_BEGIN)) suspend(log.room())
    source.onCommitting()
    const task = new CommitTask(source, this.mtr, this.cells, this.clock)
    this.takeTurn(() => {
      const lsn = task.run()
      this.commits++
      source.onCommitted(lsn)
    })
    if (source.committedLsn !== undefined) return source.committedLsn
    this.waitForTurn()
    throw new StorageError('closed', 'the commit ended without a result')
  }

  /** One put, outside any transaction. */
  putNow(tree: TreeId, key: Uint8Array, value: Uint8Array): Lsn {
    assert(value.length <= SMALL_BYTES_MAX, 'putNow is for small values')
    this.waitForTurn()
    const { pool, log } = this.space
    for (;;) {
      this.cells.begin()
      this.cells.prepare(tree, key, 0, key.length, value.length, false)
      this.space.readNewest(META_PAGE)
      const need = FRAMES_PER_SPLIT + 2 * this.cells.overflowPages(key.length, value.length)
      if (pool.freeFrames >= need) break
      if (!pool.ensureFree(need + FRAMES_SPARE)) suspend(this.space.later())
    }
    if (!log.hasRoom(BYTES_PER_SPLIT + value.length * 2)) suspend(log.room())
    return this.apply(() => {
      this.cells.put(tree, key, 0, key.length, value, 0, value.length, true)
      this.cells.flush()
      return this.mtr.finish(this.clock.wallMicros(), 0)
    })
  }

  /** Suspends while a task has the turn. Throws if an earlier commit broke off in the middle. */
  waitForTurn(): void {
    if (this.failure !== undefined) throw this.failure
    if (this.busy !== undefined) suspend(this.busy)
  }

  /**
   * Runs `turn` to its end, alone; nobody else commits meanwhile. The caller has asked waitForTurn. `isUnseen`: it changes
   * nothing that can be read at the head.
   */
  takeTurn(turn: Turn, isUnseen = false): void {
    assert(this.busy === undefined, 'the turn is free')
    const { space } = this
    const head = space.head
    if (!isUnseen) space.readPoints.add(head)
    const done = (error: unknown): void => {
      this.busy = undefined
      if (!isUnseen) space.readPoints.remove(head)
      if (error !== undefined) this.failure = asError(error)
    }
    try {
      turn()
      done(undefined)
    } catch (error) {
      if (error !== SUSPENDED) {
        done(error)
        throw error
      }
      this.busy = this.goOn(turn, takeSuspension()).then(() => done(undefined), done)
    }
  }

  /**
   * Calls `turn` whenever what it waits for is there. A turn that suspended has changed nothing since, so that a wait
   * which fails in a way that may pass (a node that does not answer) is simply tried again.
   */
  private async goOn(turn: Turn, first: PromiseLike<unknown>): Promise<void> {
    let until = first
    for (;;) {
      try {
        await until
      } catch (error) {
        if (!(error instanceof StorageError && error.retryable)) throw error
        await new Promise<void>((resolve) => this.clock.after(RETRY_MS, resolve))
      }
      try {
        turn()
        return
      } catch (error) {
        if (error !== SUSPENDED) throw error
        until = takeSuspension()
      }
    }
  }

  /** What the writes need is there: resident pages, frames, room in the log. False if that cannot be had at once. */
  private ready(source: CommitSource): boolean {
    const { pool, log } = this.space
    for (;;) {
      const { frames, bytes } = this.prepareAll(source)
      // What never fits at once is applied in slices; waiting for room would not end.
      if (frames > pool.pagesMax >> 2 || bytes > LAL_BYTES >> 1) return false
      if (pool.freeFrames >= frames) {
        if (!log.hasRoom(bytes)) suspend(log.room())
        return true
      }
      if (!pool.ensureFree(frames + FRAMES_SPARE)) suspend(this.space.later())
    }
  }

  /** Makes every page that the writes will need resident (suspends), and estimates frames and log bytes. */
  private prepareAll(source: CommitSource): { frames: number; bytes: number } {
    const { writes, createdTrees, droppedTrees } = source
    const few = writes.entryCount <= PATH_COUNT
    let number = 0
    const changes = writes.entryCount + createdTrees.length + droppedTrees.length
    let overflowPages = 0
    this.shortages = 0
    for (const own of writes.trees) {
      if (droppedTrees.includes(own.tree)) continue
      const exists = !createdTrees.includes(own.tree)
      writes.sort(own)
      if (!few) this.cells.begin()
      for (let i = 0; i < own.count; i++) {
        if (few) this.cells.select(number++, false)
        const place = writes.newestOf(own.order[i] as number, Infinity)
        const start = writes.keyStart(place)
        const end = writes.keyEnd(place)
        const valueLength = writes.valueEnd(place) - end
        if (writes.operation(place) === OPERATION_PUT)
          overflowPages += this.cells.overflowPages(end - start, valueLength)
        if (!exists) this.shortages += (end - start + valueLength + 16) / 4000
        else if (this.cells.prepare(own.tree, writes.bytes, start, end, valueLength, false)) this.shortages++
      }
    }
    this.space.readNewest(META_PAGE)
    for (const tree of droppedTrees) if (!createdTrees.includes(tree)) this.space.readNewest(tree)
    const splits = Math.ceil(this.shortages)
    return {
      frames: changes * 2 + splits * FRAMES_PER_SPLIT + overflowPages * 2 + 16,
      bytes:
        writes.byteCount + changes * BYTES_PER_CHANGE + splits * BYTES_PER_SPLIT + overflowPages * 128 + 1024,
    }
  }

  private commitAtOnce(source: CommitSource): Lsn {
    const lsn = this.apply(() =>
      new CommitTask(source, this.mtr, this.cells, this.clock).runAtOnce(
        source.writes.entryCount <= PATH_COUNT,
      ),
    )
    source.onCommitted(lsn)
    return lsn
  }

  /** Changes pages; nothing in it suspends. An error in the middle leaves pages that no commit stands for. */
  private apply(change: () => Lsn): Lsn {
    try {
      const lsn = change()
      this.space.head = lsn
      this.commits++
      return lsn
    } catch (error) {
      this.failure = asError(error)
      throw error
    }
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new StorageError('closed', String(error))
}
