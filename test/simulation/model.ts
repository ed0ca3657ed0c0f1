// What is true of each timeline, kept in full: every record the rightful writer appended and recovery let stand. All
// that storage says is held against it.
//
//   0 ─────── base ─────── floor ─────── acknowledged ── vdl ─────────── log.last
//    parent's │  may be collected │  every read equals the model   │  may be lost with its writer

import { must } from '../../storage/base/assert.ts'
import type { Lsn, PageNo, TimelineId } from '../../storage/base/ids.ts'
import { FakeLog } from '../../storage/message/testing/fake-log.ts'

/** Something that must never happen, happened. */
export class Violation extends Error {
  override readonly name = 'Violation'
}

export interface Commit {
  readonly lsn: Lsn
  readonly wallMicros: number
}

export class TimelineModel {
  readonly id: TimelineId
  readonly parent: { readonly timeline: TimelineModel; readonly lsn: Lsn } | undefined
  readonly base: Lsn
  /** What the rightful writer appended. Replaced when another takes over. */
  log: FakeLog
  /** LSNs at which a mini-transaction ended, in order, from the branch point on. */
  points: Lsn[]
  /** Commit records of its own part, in order. */
  commits: Commit[] = []
  /** The highest LSN that a client was told is durable. */
  acknowledged: Lsn
  /** The highest VDL that a rightful writer showed: nothing up to here may change any more. */
  vdl: Lsn
  /** Reads below are not promised anything, but at children's branch points. */
  floor: Lsn
  /** `dropping`: asked for, outcome unknown. */
  fate: 'live' | 'dropping' | 'dropped' = 'live'
  /** It was made though nobody heard of it, from a past that was given up since: to be dropped, not to be read. */
  isUnwanted = false
  /** LSNs that clients of a writer read at or are about to branch from: the writer's floor stays at or below them. */
  readonly #pins = new Set<{ readonly lsn: Lsn; readonly writer: object }>()

  constructor(id: TimelineId, parent: { timeline: TimelineModel; lsn: Lsn } | undefined) {
    this.id = id
    this.parent = parent
    this.log = new FakeLog(id, parent && { log: parent.timeline.log, lsn: parent.lsn })
    this.base = (parent?.lsn ?? 0) as Lsn
    this.points = [this.base]
    this.acknowledged = this.base
    this.vdl = this.base
    this.floor = this.base
  }

  /** The bytes that the page must have at an LSN at or below the VDL. */
  pageAt(page: PageNo, lsn: Lsn): Buffer {
    return this.log.pageAt(page, lsn)
  }

  /** The lowest LSN that must stay readable here while children need nothing. */
  get readableFrom(): Lsn {
    return Math.max(this.base, this.floor) as Lsn
  }

  isNeeded(lsn: Lsn): boolean {
    return this.fate === 'live' && lsn >= this.readableFrom
  }

  /** The highest mini-transaction end at or below an LSN. */
  pointAtOrBelow(lsn: number): Lsn {
    let low = 0
    let high = this.points.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (must(this.points[middle]) <= lsn) low = middle + 1
      else high = middle
    }
    return must(this.points[Math.max(low - 1, 0)])
  }

  isPoint(lsn: Lsn): boolean {
    return this.pointAtOrBelow(lsn) === lsn
  }

  pin(lsn: Lsn, writer: object): () => void {
    const pin = { lsn, writer }
    this.#pins.add(pin)
    return () => void this.#pins.delete(pin)
  }

  /** What clients of this writer need; those of a writer that was replaced are gone with it. */
  pinned(writer: object): readonly Lsn[] {
    return [...this.#pins].filter((pin) => pin.writer === writer).map(({ lsn }) => lsn)
  }

  /** Newest commit record at or below `below` that is not younger than a time, ancestors included; 0 if none. */
  commitAtTime(wallMicros: number, below: Lsn): Lsn {
    const own = this.commits.findLast((commit) => commit.lsn <= below && commit.wallMicros <= wallMicros)
    if (own !== undefined) return own.lsn
    return this.parent?.timeline.commitAtTime(wallMicros, this.parent.lsn) ?? (0 as Lsn)
  }

  /** Wall time of the newest commit record at or below an LSN, ancestors included; 0 if none. */
  timeAt(lsn: Lsn): number {
    const own = this.commits.findLast((commit) => commit.lsn <= lsn)
    if (own !== undefined) return own.wallMicros
    return this.parent?.timeline.timeAt(Math.min(lsn, this.parent.lsn) as Lsn) ?? 0
  }

  /**
   * Another writer took over and found this VDL: what was above never happened. Returns the log as the one before
   * knows it, who may go on writing without knowing.
   */
  takeOver(vdl: Lsn, tail: Lsn): FakeLog {
    const before = this.log
    const log = new FakeLog(this.id)
    for (const [page, lsns] of before.pages) {
      const kept = lsns.filter((lsn) => lsn <= vdl)
      if (kept.length > 0) log.pages.set(page, kept)
    }
    log.last = vdl
    log.tail = tail
    this.log = log
    this.points = this.points.filter((lsn) => lsn <= vdl)
    this.commits = this.commits.filter(({ lsn }) => lsn <= vdl)
    this.vdl = vdl
    return before
  }
}

/** A branch that was asked for; whether it exists is unknown until someone says so. */
export interface PendingBranch {
  readonly parent: { readonly timeline: TimelineModel; readonly lsn: Lsn } | undefined
}

/** All timelines of the volume. */
export class Model {
  readonly timelines: Map<TimelineId, TimelineModel> = new Map()
  readonly pending: Set<PendingBranch> = new Set()

  live(): TimelineModel[] {
    return [...this.timelines.values()].filter(({ fate }) => fate === 'live')
  }

  /** Up to where each timeline is read by anyone: live ones whole, others as far as descendants that live need them. */
  needed(): Map<TimelineModel, Lsn> {
    const needed = new Map<TimelineModel, Lsn>()
    for (const timeline of this.live()) {
      needed.set(timeline, timeline.log.last as Lsn)
      for (let { parent } = timeline; parent !== undefined; parent = parent.timeline.parent) {
        needed.set(parent.timeline, Math.max(needed.get(parent.timeline) ?? 0, parent.lsn) as Lsn)
      }
    }
    return needed
  }

  get(id: TimelineId): TimelineModel {
    return must(this.timelines.get(id), 'a timeline the model knows')
  }

  /** A branch exists now, as a client was told or as recovery found. */
  born(id: TimelineId, pending: PendingBranch): TimelineModel {
    this.pending.delete(pending)
    const known = this.timelines.get(id)
    if (known !== undefined) return known
    const timeline = new TimelineModel(id, pending.parent)
    this.timelines.set(id, timeline)
    return timeline
  }

  /** A branch that was asked for and is of this parent. */
  pendingOf(parent: { timeline: TimelineId; lsn: Lsn } | undefined): PendingBranch | undefined {
    for (const pending of this.pending) {
      if (pending.parent?.timeline.id === parent?.timeline && pending.parent?.lsn === parent?.lsn)
        return pending
    }
    return undefined
  }
}
