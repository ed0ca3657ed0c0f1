// Collects garbage: what nobody can read any more, because it lies below the floor of its timeline and of no child's
// branch point, or because its timeline was dropped.
//
//   worth a look ─▶ (peers were heard since: no birth is missed) ─▶ a job for each segment, one at a time, in slices
//
//   Erasure      a timeline that nobody reads: everything, then the timeline itself
//   LogTrimmer   log only: as far as all full peers have collected
//   LogCollector images at the points that are read, then the log below goes, then images between those points
//
// A floor is believed once a read quorum was heard after it was told: whoever acknowledged the birth of a child whose
// branch point it passes is among those. A drop is believed once the writer told that a write quorum has it: before, this
// node may be the only one that heard of it, and the next writer goes on with the timeline.

import type { Clock } from '../base/env.ts'
import type { Lsn } from '../base/ids.ts'
import type { Chore } from './background.ts'
import { Erasure } from './erasure.ts'
import { LogCollector } from './log-collector.ts'
import { LogTrimmer, type PeersOfSegment } from './log-trimmer.ts'
import { Refusal } from './refusal.ts'
import type { Segment } from './segment.ts'
import type { StorageNode } from './storage-node.ts'
import type { Timeline } from './timeline.ts'

/** Between looks, so that floors that rise all the time are looked at together. */
const LOOK_EVERY_MS = 1000
/** A segment whose images a peer was asking for a moment ago stays as it is for so long. */
const COPIED_MS = 60_000

/** What a collector is told by its surroundings. */
export interface CollectorSurroundings extends PeersOfSegment {
  readonly clock: Clock
  /** Whether a peer told what it knows since an instant of the monotonic clock. */
  wasHeardSince(node: number, ms: number): boolean
}

/** When collecting pays: it writes images to save log. */
export interface CollectorLimits {
  /** Bytes of log that must have become useless in a segment. */
  readonly logBytesMin: number
  /** And what part of the bytes of its images, which are what collecting may have to write. */
  readonly imageShareMin: number
}

const LIMITS: CollectorLimits = { logBytesMin: 4 * 1024 * 1024, imageShareMin: 0.5 }

/** A piece of work in slices: false when it is done. */
export interface CollectorJob {
  readonly timeline: Timeline
  work(): boolean
}

export class Collector implements Chore {
  readonly #node: StorageNode
  readonly #around: CollectorSurroundings
  readonly #limits: CollectorLimits
  /** Timelines and their floors as of an instant, waiting for peers to be heard. */
  #noted: { readonly atMs: number; readonly floors: ReadonlyMap<Timeline, Lsn> } | undefined
  #jobs: CollectorJob[] = []
  readonly #copiedMs = new Map<Segment, number>()
  #lookedMs = -Infinity

  constructor(node: StorageNode, around: CollectorSurroundings, limits: CollectorLimits = LIMITS) {
    this.#node = node
    this.#around = around
    this.#limits = limits
    for (const timeline of node.timelines.touched()) if (timeline.dropped) node.collectable.add(timeline)
  }

  get isWaiting(): boolean {
    return this.#noted !== undefined || this.#node.collectable.size > 0
  }

  work(): boolean {
    const job = this.#jobs.shift()
    if (job !== undefined) {
      if (this.#continue(job)) this.#jobs.unshift(job)
      return true
    }
    const nowMs = this.#around.clock.monotonicMs()
    if (this.#noted === undefined) return this.#note(nowMs)
    const { atMs, floors } = this.#noted
    if (!this.#node.membership.meetsWrites((node) => this.#around.wasHeardSince(node, atMs))) return false
    this.#noted = undefined
    for (const [timeline, floor] of floors) this.#jobs.push(...this.#jobsFor(timeline, floor, nowMs))
    return this.#jobs.length > 0
  }

  /** A slice of a job; false when it is done, or cannot go on and is begun anew another time. */
  #continue(job: CollectorJob): boolean {
    try {
      return job.work()
    } catch (error) {
      this.#node.collectable.add(job.timeline)
      if (error instanceof Refusal) return false
      throw error
    }
  }

  #note(nowMs: number): boolean {
    const { collectable } = this.#node
    for (const segment of this.#node.copied) this.#copiedMs.set(segment, nowMs)
    this.#node.copied.clear()
    if (collectable.size === 0 || nowMs - this.#lookedMs < LOOK_EVERY_MS) return false
    this.#lookedMs = nowMs
    this.#noted = { atMs: nowMs, floors: new Map([...collectable].map((each) => [each, each.floor])) }
    collectable.clear()
    return this.#node.membership.meetsWrites(() => false)
  }

  #jobsFor(timeline: Timeline, floor: Lsn, nowMs: number): CollectorJob[] {
    const node = this.#node
    if (node.timelines.get(timeline.birth.id) !== timeline) return []
    // It may turn out that it was not dropped at all: a writer to come may not hear of that.
    if (timeline.dropped && !node.timelines.isOver(timeline)) return []
    if (!node.points.isNeeded(timeline)) return [new Erasure(node, timeline)]
    const jobs: CollectorJob[] = []
    for (const segment of timeline.segments) {
      if (!node.membership.keeps(segment.group)) continue
      if (nowMs - (this.#copiedMs.get(segment) ?? -Infinity) < COPIED_MS) {
        node.collectable.add(timeline)
        continue
      }
      this.#copiedMs.delete(segment)
      if (node.membership.kindOf(segment.group) === 'tail')
        jobs.push(new LogTrimmer(node, segment, this.#around))
      else jobs.push(new LogCollector(node, segment, floor, this.#limits))
    }
    return jobs
  }
}
