// What a node does when nobody waits: it checkpoints its page index, coalesces long chains of records into page images,
// collects garbage, scrubs, and lets the store keep house. All of it is derived from the log and may stop anywhere.
//
//   touch() ─▶ tick in a while ─▶ a slice of work ─▶ tick again, soon when idle, later when requests keep coming
//                                                     nothing left ─▶ sleep until the next touch()
//
// A checkpoint that is due goes first. The others take turns, so that under steady load none of them starves. While the
// node is filled from its peers, only checkpoints are made, and few.

import type { Clock } from '../base/env.ts'
import { StorageError } from '../base/errors.ts'
import { Checkpointer } from './checkpointer.ts'
import { Coalescer } from './coalescer.ts'
import type { StorageNode } from './storage-node.ts'

/** A checkpoint begins when this much was appended since the last: what an opening node must look through at most. */
const UNINDEXED_BYTES_MAX = 4 * 1024 * 1024
const UNINDEXED_BATCHES_MAX = 4096
const UNINDEXED_PAGES_MAX = 32_768
/** And when so many times as much was, while the node is filled: a checkpoint costs as many waits for the disk as a portion. */
const FILLING_FACTOR = 16
/** An idle node writes a checkpoint when at least this much is new. */
const UNINDEXED_BYTES_IDLE = 256 * 1024
const IDLE_AFTER_MS = 300
const TICK_BUSY_MS = 60
/** A checkpoint that was begun goes on faster: what is appended meanwhile waits for the next. */
const TICK_CHECKPOINT_MS = 15
/** Even an idle node leaves most of the processor alone: those who are served from the buffer pool do not show here. */
const TICK_IDLE_MS = 20
/** An idle node looks again after this long whether it may checkpoint what little there is. */
const TICK_LAST_MS = 1500

/** A kind of background work: does a millisecond or two of it; false if there is none. */
export interface Chore {
  work(idle: boolean): boolean
  /** Whether it has something to do later, when time has passed or others were heard. */
  readonly isWaiting?: boolean | undefined
}

export class Background {
  readonly #node: StorageNode
  readonly #clock: Clock
  readonly #checkpointer: Checkpointer
  readonly #coalescer: Coalescer
  /** In the order of their next turns. */
  #chores: readonly Chore[]
  #cancel: (() => void) | undefined
  #touchedMs = 0
  #restful = false
  #stopped = false

  constructor(node: StorageNode, clock: Clock, chores: readonly Chore[] = []) {
    this.#node = node
    this.#clock = clock
    this.#checkpointer = new Checkpointer(node)
    this.#coalescer = new Coalescer(node)
    this.#chores = [this.#coalescer, ...chores]
  }

  /** A request was handled: there may be work now, and it had better give way. */
  touch(): void {
    this.#touchedMs = this.#clock.monotonicMs()
    this.#restful = false
    if (this.#cancel === undefined) this.#schedule(TICK_BUSY_MS)
  }

  /** Finishes a checkpoint at once, so that the next opening finds little to look through. */
  settle(): void {
    if (!this.#node.isWritable) return
    if (!this.#checkpointer.isUnderWay) this.#checkpointer.begin()
    while (this.#checkpointer.isUnderWay) this.#checkpointer.continue()
  }

  stop(): void {
    this.#stopped = true
    this.#cancel?.()
    this.#cancel = undefined
  }

  #schedule(delayMs: number): void {
    if (this.#stopped) return
    this.#cancel = this.#clock.after(delayMs, () => {
      this.#cancel = undefined
      this.#tick()
    })
  }

  #tick(): void {
    if (!this.#node.isWritable) return
    const idle = this.#clock.monotonicMs() - this.#touchedMs >= IDLE_AFTER_MS
    try {
      const worked = this.#slice(idle)
      this.#node.store.housekeep(idle)
      if (worked || !idle) return this.#schedule(this.#nextTickMs(idle))
      if (!this.#restful || this.#chores.some(({ isWaiting }) => isWaiting === true))
        this.#schedule(TICK_LAST_MS)
      this.#restful = true
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      // Damage is reported to whoever reads; a disk that cannot be written stops this node's writes.
      this.#node.noteDamage(error)
      if (error.kind === 'corrupt' || error.kind === 'out-of-window') this.#schedule(TICK_LAST_MS)
      else this.#node.fail(error)
    }
  }

  #nextTickMs(idle: boolean): number {
    if (this.#checkpointer.isUnderWay) return TICK_CHECKPOINT_MS
    return idle ? TICK_IDLE_MS : TICK_BUSY_MS
  }

  /** Does a millisecond or two of work; false if there is none. */
  #slice(idle: boolean): boolean {
    if (this.#checkpointer.isUnderWay || this.#isCheckpointDue(idle)) {
      if (this.#checkpointer.isUnderWay) this.#checkpointer.continue()
      else this.#checkpointer.begin()
      if (!this.#checkpointer.isUnderWay) this.#coalescer.retry()
      return true
    }
    if (this.#node.isFilling) return false
    for (const chore of this.#chores) {
      // Its turn is over before it begins: one that fails does not come first again.
      this.#chores = [...this.#chores.filter((each) => each !== chore), chore]
      if (chore.work(idle)) return true
    }
    return false
  }

  #isCheckpointDue(idle: boolean): boolean {
    const { pages, bytes, batches } = this.#node.intake.unindexed
    const factor = this.#node.isFilling ? FILLING_FACTOR : 1
    const isMuch =
      bytes >= UNINDEXED_BYTES_MAX * factor ||
      batches >= UNINDEXED_BATCHES_MAX * factor ||
      pages >= UNINDEXED_PAGES_MAX * factor
    if (isMuch || this.#node.isFilling) return isMuch
    return (idle && bytes >= UNINDEXED_BYTES_IDLE) || (this.#restful && bytes > 0)
  }
}
