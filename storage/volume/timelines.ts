// The timelines of a volume: their logs, idle ones included, and what nodes say about where their segments stand.

import { must } from '../base/assert.ts'
import { asTimelineId, type GroupNo, type Lsn, LSN_ZERO, type TimelineId } from '../base/ids.ts'
import { idsBetween } from '../message/id-set.ts'
import type { IdRange, NodeState } from '../message/message.ts'
import { clampLsn } from './recovery-plan.ts'
import { type LogStart, type LogSurroundings, TimelineWriter } from './timeline-log.ts'

export class Timelines {
  /** Counts changes that a node must be told before it is live: births, drops, segments. */
  version = 0
  /** Logs whose SCLs are tracked one by one: those that were used, and those that some node has not all of. */
  readonly tracked: Set<TimelineWriter> = new Set()
  /** Drops that no write quorum has yet. */
  readonly dropping: Set<TimelineId> = new Set()
  readonly #logs = new Map<TimelineId, TimelineWriter>()
  readonly #surroundings: LogSurroundings
  #last = 0

  constructor(surroundings: LogSurroundings) {
    this.#surroundings = surroundings
  }

  get isEmpty(): boolean {
    return this.#logs.size === 0
  }

  logs(): IterableIterator<TimelineWriter> {
    return this.#logs.values()
  }

  find(timeline: TimelineId): TimelineWriter | undefined {
    return this.#logs.get(timeline)
  }

  log(timeline: TimelineId): TimelineWriter {
    return must(this.#logs.get(timeline), 'the timeline exists')
  }

  add(start: LogStart): TimelineWriter {
    const log = new TimelineWriter(start, this.#surroundings)
    this.#logs.set(log.timeline, log)
    this.#last = Math.max(this.#last, log.timeline)
    this.version++
    return log
  }

  /** Numbers below this may have been given out before. */
  skipTo(last: number): void {
    this.#last = Math.max(this.#last, last)
  }

  get last(): number {
    return this.#last
  }

  /** Numbers given out or jumped over, by this writer or before, under which nothing lives. */
  dead(): readonly IdRange[] {
    return this.#numbersWithout(({ dropped }) => !dropped)
  }

  /** Those of them that are dead for good, once the volume is settled: a write quorum knows. */
  ended(): readonly IdRange[] {
    return this.#numbersWithout(({ dropped, timeline }) => !dropped || this.dropping.has(timeline))
  }

  #numbersWithout(isOut: (log: TimelineWriter) => boolean): readonly IdRange[] {
    const out = [...this.#logs.values()].filter(isOut)
    return idsBetween(
      out.map(({ timeline }) => timeline),
      this.#last,
    )
  }

  nextId(): TimelineId {
    return asTimelineId(++this.#last)
  }

  /**
   * Timelines that anyone can still read, and up to where: those that were not dropped, to their end, and those of which
   * such a one reads records, to where the last of them branched off. Nodes keep no more of them, so nobody may wait for
   * them to have it. A branch of T at or below T's own branch point finds no records in T, but in what T branched off.
   */
  needed(): ReadonlyMap<TimelineWriter, number> {
    const needed = new Map<TimelineWriter, number>()
    for (const log of this.#logs.values()) {
      let at: TimelineWriter | undefined = log.dropped ? undefined : log
      let upTo = Infinity
      while (at !== undefined) {
        const known = needed.get(at)
        needed.set(at, Math.max(known ?? LSN_ZERO, upTo))
        if (known !== undefined) break
        upTo = at.birth.parent?.lsn ?? LSN_ZERO
        at = this.#originOf(at.birth)
      }
    }
    return needed
  }

  /**
   * Timelines that were not dropped, and all that they descend from: those that nodes know. What nodes forgot they need
   * not be told again.
   */
  rooted(): ReadonlySet<TimelineWriter> {
    const rooted = new Set<TimelineWriter>()
    for (const log of this.#logs.values()) {
      let at: TimelineWriter | undefined = log.dropped ? undefined : log
      while (at !== undefined && !rooted.has(at)) {
        rooted.add(at)
        at = at.birth.parent && this.#logs.get(at.birth.parent.timeline)
      }
    }
    return rooted
  }

  /** The timeline whose records a branch finds first. */
  #originOf({ parent }: TimelineWriter['birth']): TimelineWriter | undefined {
    let at = parent && this.#logs.get(parent.timeline)
    while (at?.birth.parent !== undefined && (parent?.lsn ?? LSN_ZERO) <= at.base)
      at = this.#logs.get(at.birth.parent.timeline)
    return at
  }

  /** A node that is aligned is live now: where its segments stand, by what it said when it was fenced. */
  restate(place: number, state: NodeState): void {
    const scls = new Map<TimelineId, Lsn | Map<GroupNo, Lsn>>()
    for (const { timeline, group, scl } of state.segments) {
      const known = scls.get(timeline)
      if (known === undefined && group === 0) scls.set(timeline, scl)
      else if (known instanceof Map) known.set(group, scl)
      else
        scls.set(
          timeline,
          new Map([...(known === undefined ? [] : [[0, known] as const]), [group, scl]] as [GroupNo, Lsn][]),
        )
    }
    for (const log of this.#logs.values()) {
      const known = scls.get(log.timeline)
      for (const { group, after } of log.groups) {
        const said = known instanceof Map ? known.get(group) : group === 0 ? known : undefined
        const begin = Math.max(log.base, after) as Lsn
        log.restate(
          place,
          group,
          said === undefined ? begin : (Math.max(begin, clampLsn(said, log.annulled)) as Lsn),
        )
      }
    }
  }

  /** Another node will get this place. */
  forgetPlace(place: number): void {
    for (const log of this.tracked) log.forgetPlace(place)
  }

  /** Rules or nodes changed: what is durable by them? */
  advance(): void {
    for (const log of this.tracked) log.advance()
  }

  /**
   * Whether a node holds all that is seen of a timeline at an LSN, on ancestors as well: one that misses a segment of an
   * ancestor does not know that it does, and would answer without its records.
   */
  isHeld(place: number, log: TimelineWriter, lsn: Lsn): boolean {
    let needed = Math.max(lsn, log.base)
    for (let at: TimelineWriter | undefined = log; at !== undefined;) {
      if (at.reach(place) < needed) return false
      const { parent }: TimelineWriter['birth'] = at.birth
      if (parent === undefined) return true
      needed = Math.min(lsn, parent.lsn)
      at = this.#logs.get(parent.timeline)
    }
    return true
  }

  highestScl(place: number): Lsn {
    let highest = LSN_ZERO
    for (const log of this.tracked) highest = Math.max(highest, log.reach(place)) as Lsn
    return highest
  }
}
