// Timelines begin and end: each is agreed on by a write quorum.
//
//   create ─▶ a write quorum, and the parents durable? ─▶ numbered ─▶ create-timelines ─▶ a write quorum has it
//                   │ too long: nothing happened                          │ too long: it happens when there is one
//                   ▼                                                     ▼
//              'no-quorum'                                       'no-quorum', and the outcome is unknown
//
// Births that come while others are on their way are told together, once those have arrived: under load a branch costs
// less than a message, and a node's disk less than a write.
//
// Nothing is born before the volume is settled: a branch must not hang at an LSN that its parent may yet lose. And a
// write quorum knows by then which numbers this writer jumped over: whoever comes next numbers from higher up, so that
// none is ever given out twice, and what is dead stays dead.
//
// Nothing is dropped while a branch below it is being born: nodes that were told of the drop let go of what nobody reads
// once they have heard a read quorum, and that knows of births only that a write quorum has.

import { type Lsn, LSN_ZERO, type TimelineId } from '../base/ids.ts'
import type { TimelineBirth } from '../message/message.ts'
import type { Agreement } from './agreement.ts'
import type { Patience } from './patience.ts'
import type { LogSurroundings } from './log-surroundings.ts'
import type { Timelines } from './timelines.ts'

/** Births that may be under way at once: a later writer that does not hear of them all jumps over so many numbers. */
export const BIRTHS_MAX = 4096

/** Where a branch begins; undefined for a root. */
export type BirthPoint = { readonly timeline: TimelineId; readonly lsn: Lsn } | undefined

/** Births that nodes will be told of in one message. */
interface Generation {
  readonly births: TimelineBirth[]
  /** Settles as the agreement on them does. */
  readonly agreed: Promise<void>
}

export class Births {
  readonly #timelines: Timelines
  readonly #agreement: Agreement
  readonly #patience: Patience
  readonly #surroundings: LogSurroundings
  readonly #ended: (timeline: TimelineId) => void
  readonly #underWay = new Set<TimelineBirth>()
  /** Settles when nodes have what they are being told. */
  #telling: Promise<void> | undefined
  /** What they will be told then. */
  #next: Generation | undefined

  constructor(parts: {
    timelines: Timelines
    agreement: Agreement
    patience: Patience
    surroundings: LogSurroundings
    /** A write quorum has the drop of a timeline. */
    ended: (timeline: TimelineId) => void
  }) {
    this.#timelines = parts.timelines
    this.#agreement = parts.agreement
    this.#patience = parts.patience
    this.#surroundings = parts.surroundings
    this.#ended = parts.ended
  }

  /** As Volume.createTimelines. */
  async create(
    points: readonly BirthPoint[],
    numbered?: (id: TimelineId) => void,
  ): Promise<readonly TimelineId[]> {
    const made: TimelineId[] = []
    for (let from = 0; from < points.length; from += BIRTHS_MAX)
      made.push(...(await this.#bear(points.slice(from, from + BIRTHS_MAX), numbered)))
    return made
  }

  async #bear(
    points: readonly BirthPoint[],
    numbered?: (id: TimelineId) => void,
  ): Promise<readonly TimelineId[]> {
    const patience = this.#patience
    const around = this.#surroundings
    const unsafe = points.filter((point) => point !== undefined)
    await Promise.all(unsafe.map((point) => this.#untilDurable(point)))
    const mayGo = (): boolean => around.hasQuorum && this.#underWay.size + points.length <= BIRTHS_MAX
    while (!mayGo()) await patience.until(mayGo)
    const births = points.map((parent): TimelineBirth => {
      return { id: this.#timelines.nextId(), parent, createdMicros: around.wallMicros() }
    })
    for (const birth of births) {
      this.#timelines.addNew(birth)
      this.#underWay.add(birth)
      numbered?.(birth.id)
    }
    const agreed = this.#tell(births).finally(() => {
      for (const birth of births) this.#underWay.delete(birth)
      patience.look()
    })
    await patience.within(agreed)
    return births.map(({ id }) => id)
  }

  /** Tells nodes at once, or together with others when those that they are being told of have arrived. */
  #tell(births: readonly TimelineBirth[]): Promise<void> {
    if (this.#telling === undefined) return this.#spread(births)
    const next = this.#next ?? this.#gather(this.#telling)
    next.births.push(...births)
    return next.agreed
  }

  #gather(before: Promise<void>): Generation {
    const births: TimelineBirth[] = []
    const spread = (): Promise<void> => {
      this.#next = undefined
      return this.#spread(births)
    }
    this.#next = { births, agreed: before.then(spread, spread) }
    return this.#next
  }

  #spread(births: readonly TimelineBirth[]): Promise<void> {
    const telling = this.#agreement.spread({ kind: 'create-timelines', births }).finally(() => {
      if (this.#telling === telling) this.#telling = undefined
    })
    this.#telling = telling
    return telling
  }

  #untilDurable({ timeline, lsn }: { readonly timeline: TimelineId; readonly lsn: Lsn }): Promise<void> {
    const { lsn: base = LSN_ZERO } = this.#timelines.birthOf(timeline)?.parent ?? {}
    if (lsn <= Math.max(this.#timelines.vdlOf(timeline), base)) return Promise.resolve()
    const log = this.#timelines.log(timeline)
    const durable = new Promise<void>((resolve, reject) => {
      log.onDurable(lsn, (error) => (error === undefined ? resolve() : reject(error)))
    })
    return this.#patience.within(durable)
  }

  /** As Volume.dropTimeline. */
  async drop(timeline: TimelineId): Promise<void> {
    const mayGo = (): boolean => this.#surroundings.hasQuorum && !this.#isBearing(timeline)
    while (!mayGo()) await this.#patience.until(mayGo)
    this.#timelines.drop(timeline)
    this.#timelines.dropping.add(timeline)
    const agreed = this.#agreement.spread({ kind: 'drop-timeline', timeline }).then(() => {
      this.#timelines.dropping.delete(timeline)
      this.#ended(timeline)
    })
    await this.#patience.within(agreed)
  }

  /** Whether a branch of the timeline, or of what descends from it, is being born. */
  #isBearing(timeline: TimelineId): boolean {
    for (const { parent } of this.#underWay)
      for (let at = parent?.timeline; at !== undefined; at = this.#timelines.birthOf(at)?.parent?.timeline)
        if (at === timeline) return true
    return false
  }
}
