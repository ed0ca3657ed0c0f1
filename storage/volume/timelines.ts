// The timelines of a volume, and what nodes say about where their segments stand.
//
//   born, never written ──▶ a row of numbers (BirthTable)          thousands of branches: idle, and nothing to tell
//   written, nobody uses ─▶ LogStart: where its log stands
//   in use ───────────────▶ TimelineWriter: `log` makes it, `release` gives it back once it is at rest
//
// Of the first two all nodes whose standing is known have all that there is: else it would be a TimelineWriter, whose SCLs
// are tracked one by one.

import { must } from '../base/assert.ts'
import type { StorageError } from '../base/errors.ts'
import { asTimelineId, type GroupNo, type Lsn, LSN_ZERO, type TimelineId } from '../base/ids.ts'
import { BirthTable } from '../message/birth-table.ts'
import { idsBetween } from '../message/id-set.ts'
import { firstLsnAfter } from '../message/lsn-grid.ts'
import type { AnnulledRange, IdRange, NodeState, TimelineBirth } from '../message/message.ts'
import { birthAt, birthCount, idAt, type PackedBirths } from '../message/packed-births.ts'
import { FIRST_GROUP_ONLY, type OpenGroup } from './open-group.ts'
import { clampLsn } from './recovery-plan.ts'
import type { LogStart, LogSurroundings } from './log-surroundings.ts'
import { TimelineWriter } from './timeline-log.ts'

/** Marks of rows. */
const LIVING = 1
const DROPPED = 2

/** The parent of a timeline that has none. */
const ROOT = 0 as TimelineId

/** A timeline of which there is more to tell than its birth. */
type Known = Pick<LogStart, 'birth' | 'dropped' | 'annulled' | 'groups' | 'vdl'>

export class Timelines {
  /** Counts changes that a node must be told before it is live: births, drops, segments. */
  version = 0
  /** Logs whose SCLs are tracked one by one: those that were used, and those that some node has not all of. */
  readonly tracked: Set<TimelineWriter> = new Set()
  /** Drops that no write quorum has yet. */
  readonly dropping: Set<TimelineId> = new Set()
  readonly #unwritten = new BirthTable()
  readonly #resting = new Map<TimelineId, LogStart>()
  readonly #logs = new Map<TimelineId, TimelineWriter>()
  /** Logs that nobody uses any more and that are not at rest yet. */
  readonly #released = new Set<TimelineWriter>()
  readonly #surroundings: LogSurroundings
  #last = 0
  /** What `dead` found last. */
  #dead: { readonly version: number; readonly last: number; readonly ranges: readonly IdRange[] } | undefined
  #failure: StorageError | undefined

  constructor(surroundings: LogSurroundings) {
    this.#surroundings = surroundings
  }

  get isEmpty(): boolean {
    return this.#unwritten.size + this.#resting.size + this.#logs.size === 0
  }

  /** The logs that are in use. */
  logs(): IterableIterator<TimelineWriter> {
    return this.#logs.values()
  }

  /** The log of a timeline that is in use. */
  peek(timeline: TimelineId): TimelineWriter | undefined {
    return this.#logs.get(timeline)
  }

  /** The log of a timeline, from now on in use. */
  log(timeline: TimelineId): TimelineWriter {
    const known = this.#logs.get(timeline)
    if (known !== undefined) {
      this.#released.delete(known)
      return known
    }
    const log = new TimelineWriter(must(this.#startOf(timeline), 'the timeline exists'), this.#surroundings)
    this.#unwritten.delete(timeline)
    this.#resting.delete(timeline)
    this.#logs.set(timeline, log)
    if (this.#failure !== undefined) log.fail(this.#failure)
    return log
  }

  #startOf(timeline: TimelineId): LogStart | undefined {
    const birth = this.#unwritten.get(timeline)
    if (birth === undefined) return this.#resting.get(timeline)
    return startOf(birth, this.#unwritten.markOf(timeline) === DROPPED)
  }

  /** Nobody uses its log any more. */
  release(timeline: TimelineId): void {
    const log = this.#logs.get(timeline)
    if (log !== undefined) this.#released.add(log)
  }

  /** Logs that have come to rest take less room from now on, and those that were released next to none. */
  settle(): void {
    for (const log of this.tracked) if (log.relax()) this.tracked.delete(log)
    for (const log of this.#released) {
      const start = log.retire()
      if (start === undefined) continue
      this.#released.delete(log)
      this.tracked.delete(log)
      this.#logs.delete(log.timeline)
      this.#keep(start)
    }
  }

  /** Nothing will become durable any more. */
  fail(error: StorageError): void {
    this.#failure ??= error
    for (const log of this.#logs.values()) log.fail(error)
  }

  // --- coming and going

  add(start: LogStart): void {
    const { id } = start.birth
    this.#keep(start)
    this.#last = Math.max(this.#last, id)
    this.version++
  }

  /** One that is born now. */
  addNew(birth: TimelineBirth): void {
    this.add(startOf(birth, false))
  }

  /** Those of which there is nothing to tell but their birth. */
  addBorn(births: PackedBirths): void {
    for (let index = 0; index < birthCount(births); index++) {
      this.#unwritten.put(birthAt(births, index), LIVING)
      this.#last = Math.max(this.#last, idAt(births, index))
    }
    this.version++
  }

  #keep(start: LogStart): void {
    const { birth, dropped } = start
    if (isUnwritten(start)) this.#unwritten.put(birth, dropped ? DROPPED : LIVING)
    else this.#resting.set(birth.id, start)
  }

  drop(timeline: TimelineId): void {
    const birth = this.#unwritten.get(timeline)
    const resting = this.#resting.get(timeline)
    if (birth !== undefined) this.#unwritten.put(birth, DROPPED)
    else if (resting !== undefined) this.#resting.set(timeline, { ...resting, dropped: true })
    else this.log(timeline).drop()
    this.version++
  }

  /** Numbers below this may have been given out before. */
  skipTo(last: number): void {
    this.#last = Math.max(this.#last, last)
  }

  get last(): number {
    return this.#last
  }

  nextId(): TimelineId {
    return asTimelineId(++this.#last)
  }

  /** Numbers given out or jumped over, by this writer or before, under which nothing lives. */
  dead(): readonly IdRange[] {
    if (this.#dead?.version === this.version && this.#dead.last === this.#last) return this.#dead.ranges
    const living: TimelineId[] = []
    this.#visitLiving((id) => void living.push(id))
    this.#dead = { version: this.version, last: this.#last, ranges: idsBetween(living, this.#last) }
    return this.#dead.ranges
  }

  /** Those of them that are dead for good, once the volume is settled: a write quorum knows. */
  ended(): readonly IdRange[] {
    if (this.dropping.size === 0) return this.dead()
    const others: TimelineId[] = [...this.dropping]
    this.#visitLiving((id) => void others.push(id))
    return idsBetween(others, this.#last)
  }

  // --- what there is

  /** Of a dropped one too, as long as something is known of it. */
  birthOf(timeline: TimelineId): TimelineBirth | undefined {
    return this.#knownOf(timeline)?.birth ?? this.#unwritten.get(timeline)
  }

  isLiving(timeline: TimelineId): boolean {
    return this.#knownOf(timeline)?.dropped === false || this.#unwritten.markOf(timeline) === LIVING
  }

  /** Highest consistency point that is durable. */
  vdlOf(timeline: TimelineId): Lsn {
    return this.#knownOf(timeline)?.vdl ?? this.#unwritten.baseOf(timeline)
  }

  annulledOf(timeline: TimelineId): readonly AnnulledRange[] {
    return this.#knownOf(timeline)?.annulled ?? []
  }

  groupsOf(timeline: TimelineId): readonly OpenGroup[] {
    return this.#knownOf(timeline)?.groups ?? FIRST_GROUP_ONLY
  }

  /** Births of those that were not dropped. */
  living(): TimelineBirth[] {
    const births: TimelineBirth[] = []
    for (const { birth, dropped } of this.known()) if (!dropped) births.push(birth)
    for (const birth of this.#unwritten.values())
      if (this.#unwritten.markOf(birth.id) === LIVING) births.push(birth)
    return births
  }

  /** Those of which there is more to tell than their birth. */
  *known(): Generator<Known, void> {
    yield* this.#logs.values()
    yield* this.#resting.values()
  }

  #knownOf(timeline: TimelineId): Known | undefined {
    return this.#logs.get(timeline) ?? this.#resting.get(timeline)
  }

  /**
   * Timelines with records that anyone can still read, and up to where: those that were not dropped, to their end, and
   * those of which such a one reads records, to where the last of them branched off. Nodes keep no more of them, so nobody
   * may wait for them to have it. A branch of T at or below T's own branch point finds no records in T, but in what T
   * branched off. (Of those that were never written there is nothing to have.)
   */
  needed(): ReadonlyMap<TimelineId, number> {
    const needed = new Map<TimelineId, number>()
    const need = (origin: Known | undefined, upTo: number): void => {
      let at = origin
      let end = upTo
      while (at !== undefined) {
        const known = needed.get(at.birth.id)
        needed.set(at.birth.id, Math.max(known ?? LSN_ZERO, end))
        if (known !== undefined) break
        end = at.birth.parent?.lsn ?? LSN_ZERO
        at = this.#originOf(at.birth.parent?.timeline, end as Lsn)
      }
    }
    for (const known of this.known()) if (!known.dropped) need(known, Infinity)
    this.#unwritten.visit((_, mark, parent, lsn) => {
      if (mark === LIVING && parent !== 0) need(this.#originOf(parent, lsn), lsn)
    })
    return needed
  }

  /** The timeline whose records a branch of `parent` at `lsn` finds first. */
  #originOf(parent: TimelineId | undefined, lsn: Lsn): Known | undefined {
    let at = parent
    while (at !== undefined) {
      const known = this.#knownOf(at)
      const next: TimelineBirth['parent'] = this.birthOf(at)?.parent
      if (known !== undefined && (next === undefined || lsn > next.lsn)) return known
      at = next?.timeline
    }
    return undefined
  }

  /**
   * Timelines that were not dropped, and all that they descend from: those that nodes know. What nodes forgot they need
   * not be told again.
   */
  rooted(): ReadonlySet<TimelineId> {
    const rooted = new Set<TimelineId>()
    this.#visitRooted((id) => void rooted.add(id))
    return rooted
  }

  /** Births that a node does not know, and should. */
  unknownTo({ born, timelines }: NodeState): readonly TimelineBirth[] {
    const known = new Uint8Array(this.#last + 1)
    for (const { birth } of timelines) known[birth.id] = 1
    for (let index = 0; index < birthCount(born); index++) known[idAt(born, index)] = 1
    const unknown: TimelineId[] = []
    this.#visitRooted((id) => known[id] === 0 && unknown.push(id))
    return unknown.sort((a, b) => a - b).map((id) => must(this.birthOf(id)))
  }

  #visitRooted(visit: (id: TimelineId) => void): void {
    const visited = new Uint8Array(this.#last + 1)
    this.#visitLiving((id) => {
      for (let at = id; at !== 0 && visited[at] === 0; at = this.#parentOf(at)) {
        visited[at] = 1
        visit(at)
      }
    })
  }

  #visitLiving(visit: (id: TimelineId) => void): void {
    for (const { birth, dropped } of this.known()) if (!dropped) visit(birth.id)
    this.#unwritten.visit((id, mark) => mark === LIVING && visit(id))
  }

  /** 0: it is a root. */
  #parentOf(timeline: TimelineId): TimelineId {
    const known = this.#knownOf(timeline)
    return known === undefined ? this.#unwritten.parentOf(timeline) : (known.birth.parent?.timeline ?? ROOT)
  }

  // --- where nodes stand

  /** A node that is aligned is live now: where its segments stand, by what it said when it was fenced. */
  restate(place: number, state: NodeState): void {
    const scls = new Map<TimelineId, Map<GroupNo, Lsn>>()
    for (const { timeline, group, scl } of state.segments) {
      const known = scls.get(timeline)
      if (known === undefined) scls.set(timeline, new Map([[group, scl]]))
      else known.set(group, scl)
    }
    // Of the others it has what it was born with, and there is no more.
    for (const { birth, groups, annulled, vdl } of [...this.known()]) {
      const base = birth.parent?.lsn ?? LSN_ZERO
      for (const { group, after } of groups) {
        const said = scls.get(birth.id)?.get(group)
        const begin = Math.max(base, after) as Lsn
        const scl = said === undefined ? begin : (Math.max(begin, clampLsn(said, annulled)) as Lsn)
        const log = this.#logs.get(birth.id) ?? (scl < vdl ? this.log(birth.id) : undefined)
        log?.restate(place, group, scl)
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
  isHeld(place: number, timeline: TimelineId, lsn: Lsn): boolean {
    let birth = this.birthOf(timeline)
    let needed = Math.max(lsn, birth?.parent?.lsn ?? LSN_ZERO)
    while (birth !== undefined) {
      const log = this.#logs.get(birth.id)
      const reach = log === undefined ? this.vdlOf(birth.id) : log.reach(place)
      if (reach < needed) return false
      const { parent }: TimelineBirth = birth
      if (parent === undefined) return true
      needed = Math.min(lsn, parent.lsn)
      birth = this.birthOf(parent.timeline)
    }
    return true
  }

  /** How far all segments of a timeline on a live node are complete. */
  reachOf(place: number, timeline: TimelineId): Lsn {
    return this.#logs.get(timeline)?.reach(place) ?? this.vdlOf(timeline)
  }

  highestScl(place: number): Lsn {
    let highest = LSN_ZERO
    for (const log of this.tracked) highest = Math.max(highest, log.reach(place)) as Lsn
    return highest
  }
}

/** The log of a timeline that was never written. */
function startOf(birth: TimelineBirth, dropped: boolean): LogStart {
  const base = birth.parent?.lsn ?? LSN_ZERO
  return { birth, dropped, annulled: [], groups: FIRST_GROUP_ONLY, vdl: base, tail: firstLsnAfter(base) }
}

function isUnwritten({ birth, annulled, groups, vdl, tail }: LogStart): boolean {
  const base = birth.parent?.lsn ?? LSN_ZERO
  return annulled.length === 0 && groups.length === 1 && vdl === base && tail === firstLsnAfter(base)
}
