// Sends the logs of all timelines to all nodes: group commit without a timer.
//
//   append … append │ end of turn │ enough nodes idle? ─no─▶ wait for an answer; more gathers meanwhile
//                                  └yes─▶ one message of batches ══▶ a write quorum of idle nodes, at once
//                                                               └──▶ the others a few ms later, several messages in one
//
// One append is in flight per node. Only as many nodes as the quorum needs are sent a batch at once; the others trail by
// a few milliseconds, so that their fsyncs neither compete with those that somebody waits for nor happen once per
// commit. If one of the chosen is slow, the trailing ones complete the quorum. (Measured: docs/decisions/0002.)
//
// A log says itself when it is due: records that nobody can be waiting for, those of a long load, go out many at a time.

import type { Clock } from '../base/env.ts'
import { BatchMemory, type SharedBytes } from './batch-memory.ts'
import { MESSAGE_SIZE_BYTES_MAX, type NodeLink } from './node-link.ts'
import { Gauge } from './quorum.ts'
import type { TimelineWriter } from './timeline-log.ts'

/** A trailing node gets its batches when they are this old, this many or this large. */
const TRAIL_MS = 5
const TRAIL_BATCHES_MAX = 8
const TRAIL_SIZE_BYTES_MAX = 256 * 1024

export class LogWriter {
  batchesSent = 0
  bytesSent = 0
  /** In the order in which they are preferred: those of one host together, since they share its wait for the disk. */
  #links: readonly NodeLink[] = []
  #quorum = new Gauge([], () => 0)
  readonly #clock: Clock
  readonly #memory = new BatchMemory()
  /** Logs with something to send, in the order in which they asked. */
  readonly #dirty = new Set<TimelineWriter>()
  /** Logs that hold something back, and how to call off their next turn. */
  readonly #held = new Map<TimelineWriter, () => void>()
  #scheduled = false
  #isAnswered = false
  #cancelTrail: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** From now on batches go to these nodes, at once to as many idle ones as make a `quorum`. */
  target(links: readonly NodeLink[], quorum: Gauge): void {
    const hosts = links.map(({ host }) => host)
    this.#links = links.toSorted((a, b) => hosts.indexOf(a.host) - hosts.indexOf(b.host))
    this.#quorum = quorum
  }

  /** `log` has something to send: at the end of this turn of the event loop. */
  schedule(log: TimelineWriter): void {
    this.#dirty.add(log)
    if (this.#scheduled) return
    this.#scheduled = true
    this.#clock.soon(() => {
      this.#scheduled = false
      this.flush()
    })
  }

  #scheduleLater(log: TimelineWriter, delayMs: number): void {
    if (this.#held.has(log)) return
    const cancel = this.#clock.after(delayMs, () => {
      this.#held.delete(log)
      this.schedule(log)
    })
    this.#held.set(log, cancel)
  }

  /**
   * A node answered. What others answered in the same event is dealt with first: a host's nodes become idle together, and
   * the next batch should go to them, not to one of them and those that trail.
   */
  answered(): void {
    if (this.#isAnswered) return
    this.#isAnswered = true
    queueMicrotask(() => {
      this.#isAnswered = false
      this.flush()
    })
  }

  /** Sends what has gathered, if a write quorum of nodes is idle, and what trailing nodes should get by now. */
  flush(): void {
    while (this.#dirty.size > 0) {
      const eager = this.#chooseEager()
      if (eager === undefined) break
      if (!this.#gather()) break
      for (const link of eager) link.flush()
    }
    this.#trail()
  }

  /** The first write quorum of idle nodes, or undefined if there are not so many. */
  #chooseEager(): NodeLink[] | undefined {
    const eager: NodeLink[] = []
    let chosen = 0
    for (const link of this.#links) {
      if (!link.isIdle) continue
      eager.push(link)
      chosen |= 1 << link.place
      if (eager.length >= this.#quorum.sizeMin && this.#quorum.holds(chosen)) return eager
    }
    return undefined
  }

  /** Queues a message's worth of batches on every node; false if nothing was ready. */
  #gather(): boolean {
    let size = 0
    const now = this.#clock.monotonicMs()
    for (const log of this.#dirty) {
      const dueInMs = log.dueInMs(now)
      if (dueInMs > 0) {
        // It comes back when it has more, or then.
        this.#dirty.delete(log)
        this.#scheduleLater(log, dueInMs)
        continue
      }
      while (size < MESSAGE_SIZE_BYTES_MAX) {
        const batch = log.nextBatch(this.#memory, this.#links.length)
        if (batch === undefined) {
          // Empty, or being deflated: then it comes back by itself.
          this.#dirty.delete(log)
          break
        }
        size += batch.bytes.length
        this.#queue(batch)
      }
      if (size >= MESSAGE_SIZE_BYTES_MAX) return true
    }
    return size > 0
  }

  #queue(batch: SharedBytes): void {
    this.batchesSent++
    for (const link of this.#links) {
      if (link.mode === 'live') this.bytesSent += batch.bytes.length
      link.enqueue(batch)
    }
  }

  #trail(): void {
    const now = this.#clock.monotonicMs()
    let waitMs: number | undefined
    for (const link of this.#links) {
      const since = link.waitingSinceMs
      if (!link.isIdle || since === undefined) continue
      const due = now - since >= TRAIL_MS
      if (due || link.queueLength >= TRAIL_BATCHES_MAX || link.queueSize >= TRAIL_SIZE_BYTES_MAX) link.flush()
      else waitMs = Math.min(waitMs ?? TRAIL_MS, Math.max(since + TRAIL_MS - now, 1))
    }
    if (waitMs === undefined || this.#cancelTrail !== undefined) return
    this.#cancelTrail = this.#clock.after(waitMs, () => {
      this.#cancelTrail = undefined
      this.#trail()
    })
  }

  /** Sends everything that waits for a trailing node now. */
  flushAll(): void {
    this.flush()
    for (const link of this.#links) link.flush()
  }

  stop(): void {
    this.#cancelTrail?.()
    for (const cancel of this.#held.values()) cancel()
    this.#held.clear()
    this.#dirty.clear()
  }
}
