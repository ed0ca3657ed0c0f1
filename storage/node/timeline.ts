// The timelines that a node knows, and their segments on it. Made for many that are idle: one that nobody touched is a row
// of numbers, and a segment that holds nothing is not there until somebody needs it.
//
//   Timelines ─┬─▶ BirthTable: a row each of those that were born and not touched since
//       │      └─▶ Timeline (birth, dropped, annulled) ─▶ Segment per group that the node keeps
//       └ journal: who changed since which sequence number, so that gossip costs nothing where nothing moves

import { FIRST_GROUP, type GroupNo, type Lsn, LSN_ZERO, type TimelineId } from '../base/ids.ts'
import { BirthTable } from '../message/birth-table.ts'
import { IdSet } from '../message/id-set.ts'
import type {
  AnnulledRange,
  SegmentKey,
  SegmentState,
  TimelineBirth,
  TimelineState,
} from '../message/message.ts'
import {
  BirthPacker,
  bornSegment,
  bornState,
  NO_BIRTHS,
  type PackedBirths,
} from '../message/packed-births.ts'
import { Segment } from './segment.ts'
import type { StoredSegment, StoredTimeline } from './segment-store.ts'
import { isJustBorn } from './stored-births.ts'

const NO_RANGES: readonly AnnulledRange[] = []

/** Marks of untouched timelines: see Timeline.isWhole. */
const WHOLE = 1
const NOT_WHOLE = 2
const NO_SEGMENTS: readonly Segment[] = []

export class Timeline {
  readonly birth: TimelineBirth
  dropped: boolean
  /** False when its parent's version at the branch point may have been collected here before it was known. */
  isWhole: boolean
  annulled: readonly AnnulledRange[]
  /** Nobody reads it below this, but children at their branch points. 0: not told since the node started. */
  floor: Lsn = LSN_ZERO
  #segments: readonly Segment[] = NO_SEGMENTS

  constructor(stored: StoredTimeline) {
    this.birth = stored.birth
    this.dropped = stored.dropped
    this.isWhole = stored.isWhole
    this.annulled = stored.annulled.length === 0 ? NO_RANGES : stored.annulled
  }

  /** The LSN at which it branched off its parent; 0 for a root. */
  get base(): Lsn {
    return this.birth.parent?.lsn ?? LSN_ZERO
  }

  /** The segments that exist as objects. */
  get segments(): readonly Segment[] {
    return this.#segments
  }

  /** Its segment of a group, if that is there as an object. */
  peek(group: GroupNo): Segment | undefined {
    for (const segment of this.#segments) if (segment.group === group) return segment
    return undefined
  }

  /** Its segment of a group. The first group has one from birth; of others undefined unless it was opened. */
  segment(group: GroupNo): Segment | undefined {
    return this.peek(group) ?? (group === FIRST_GROUP ? this.make(FIRST_GROUP) : undefined)
  }

  make(group: GroupNo, stored?: StoredSegment): Segment {
    const segment = new Segment(this, group, stored)
    this.#segments = [...this.#segments, segment]
    return segment
  }

  forget(segment: Segment): void {
    this.#segments = this.#segments.filter((each) => each !== segment)
  }

  state(): TimelineState {
    return { birth: this.birth, dropped: this.dropped, annulled: this.annulled }
  }

  /** Where its first segment stands, also when that is not there as an object. */
  firstState(): SegmentState {
    return this.peek(FIRST_GROUP)?.state() ?? bornSegment(this.birth)
  }
}

/** Tells a timeline's number, its parent's (0: a root), the LSN of its branch point, and how it is. */
export type TimelineVisitor = (
  id: TimelineId,
  parent: TimelineId,
  base: Lsn,
  state: Pick<Timeline, 'dropped' | 'isWhole'>,
) => void

const NO_TIMELINE = 0 as TimelineId
const LIVING = { dropped: false, isWhole: true }
const LIVING_NOT_WHOLE = { dropped: false, isWhole: false }

/** What changed since a peer asked last. */
export interface Changes {
  readonly sequence: number
  /** Of these there is nothing more to tell. */
  readonly born: PackedBirths
  readonly timelines: readonly TimelineState[]
  readonly segments: readonly Segment[]
}

const DIGEST_MODULUS = 2 ** 51

/** A number below DIGEST_MODULUS that looks like chance. */
function scatter(id: TimelineId): number {
  const high = Math.imul(id ^ (id >>> 15), 0x2c1b_3c6d)
  const low = Math.imul(high ^ (high >>> 12), 0x297a_2d39)
  return ((high >>> 0) % 2 ** 19) * 2 ** 32 + ((low ^ (low >>> 15)) >>> 0)
}

export class Timelines {
  /** Numbers under which nothing lives: of what is here, and of what was forgotten or never heard of. */
  dead: IdSet
  /** Those of them that are dead for good, as far as a writer told since the node started: what is left may be collected. */
  readonly ended: IdSet = new IdSet()
  /** Those that somebody asked for, or of which there is more to tell than their birth. */
  readonly #touched = new Map<TimelineId, Timeline>()
  /** The others. */
  readonly #untouched = new BirthTable()
  /** Bumped when timelines come, go, or are dropped: what was computed from their tree is old then. */
  shape = 0
  /** Counts dropped timelines that were put down here late, or once more, for a branch that reads them. */
  resurfaced = 0
  /** Changes from here on are told under this sequence number. It begins anew, and higher, with each life of the node. */
  #sequence: number
  readonly #firstSequence: number
  /** Who changed, and under which sequence number, in that order. Who changed again since is found by a later entry. */
  #journal: (TimelineId | Segment)[] = []
  #sequences: number[] = []
  #digest = 0

  constructor(firstSequence: number, dead: IdSet) {
    this.dead = dead
    this.#sequence = firstSequence
    this.#firstSequence = firstSequence
  }

  /** Equal where the same numbers are known, whatever else is known of them; 0 where none is. */
  get digest(): number {
    return this.#digest
  }

  get size(): number {
    return this.#touched.size + this.#untouched.size
  }

  has(id: TimelineId): boolean {
    return this.#touched.has(id) || this.#untouched.has(id)
  }

  /** A timeline, which is touched by that. */
  get(id: TimelineId): Timeline | undefined {
    return this.#touched.get(id) ?? this.#touch(id)
  }

  #touch(id: TimelineId): Timeline | undefined {
    const birth = this.#untouched.get(id)
    if (birth === undefined) return undefined
    const isWhole = this.#untouched.markOf(id) === WHOLE
    const timeline = new Timeline({ ...bornState(birth), isWhole })
    this.#touched.set(id, timeline)
    this.#untouched.delete(id)
    return timeline
  }

  /** A timeline that was touched: of others there are no segments. */
  peek(id: TimelineId): Timeline | undefined {
    return this.#touched.get(id)
  }

  /** The birth of a timeline, without touching it. */
  birthOf(id: TimelineId): TimelineBirth | undefined {
    return this.#touched.get(id)?.birth ?? this.#untouched.get(id)
  }

  hasChildren(id: TimelineId): boolean {
    for (const { birth } of this.#touched.values()) if (birth.parent?.timeline === id) return true
    return this.#untouched.hasChildren(id)
  }

  /** Those that exist as objects; of the others nothing is known but that they were born. */
  touched(): IterableIterator<Timeline> {
    return this.#touched.values()
  }

  /** The births of the others. */
  untouched(): PackedBirths {
    return this.#untouched.size === 0 ? NO_BIRTHS : this.#untouched.pack()
  }

  /** Visits all of them, touching none. `parent` 0: a root. */
  visit(visitor: TimelineVisitor): void {
    for (const { birth, base, dropped, isWhole } of this.#touched.values())
      visitor(birth.id, birth.parent?.timeline ?? NO_TIMELINE, base, { dropped, isWhole })
    this.#untouched.visit((id, mark, parent, lsn) =>
      visitor(id, parent, lsn, mark === WHOLE ? LIVING : LIVING_NOT_WHOLE),
    )
  }

  /** Whether it was dropped for good: no writer to come finds it alive. */
  isOver({ birth, dropped }: Timeline): boolean {
    return dropped && this.ended.has(birth.id)
  }

  /** The segments that exist as objects. */
  *segments(): Generator<Segment, void> {
    for (const timeline of this.#touched.values()) yield* timeline.segments
  }

  segment({ timeline, group }: SegmentKey): Segment | undefined {
    return this.get(timeline)?.segment(group)
  }

  add(stored: StoredTimeline): void {
    const { id } = stored.birth
    if (!this.has(id)) this.#digest = (this.#digest + scatter(id)) % DIGEST_MODULUS
    if (isJustBorn(stored)) this.#untouched.put(stored.birth, stored.isWhole ? WHOLE : NOT_WHOLE)
    else this.#touched.set(id, new Timeline(stored))
    this.shape++
  }

  remove(timeline: Timeline): void {
    const { id } = timeline.birth
    if (this.#touched.get(id) === timeline && this.#touched.delete(id))
      this.#digest = (this.#digest + DIGEST_MODULUS - scatter(id)) % DIGEST_MODULUS
    this.shape++
  }

  /** Its birth, its end or its annulled ranges are news. */
  noteTimeline(id: TimelineId): void {
    this.shape++
    this.#note(id)
  }

  /** Its SCL or where its log begins moved. */
  noteSegment(segment: Segment): void {
    if (segment.moved === this.#sequence) return
    segment.moved = this.#sequence
    this.#note(segment)
  }

  #note(changed: TimelineId | Segment): void {
    this.#journal.push(changed)
    this.#sequences.push(this.#sequence)
  }

  /**
   * What changed after `since`, a sequence number that was told before; all when it was told in another life, but births
   * to one who knows the same timelines by their digest.
   */
  changesSince(since: number, known = 0): Changes {
    const sequence = this.#sequence
    if (since < this.#firstSequence || since > sequence) {
      const timelines = Array.from(this.touched(), (timeline) => timeline.state())
      const born = known === this.#digest ? NO_BIRTHS : this.untouched()
      return { sequence: this.#told(), born, timelines, segments: [...this.segments()] }
    }
    const changed = new Set<TimelineId>()
    const segments = new Set<Segment>()
    for (let at = this.#journal.length - 1; at >= 0; at--) {
      if ((this.#sequences[at] as number) <= since) break
      const entry = this.#journal[at] as TimelineId | Segment
      if (!(entry instanceof Segment)) changed.add(entry)
      else if (this.peek(entry.timeline)?.peek(entry.group) === entry) segments.add(entry)
    }
    const born = new BirthPacker()
    const timelines: TimelineState[] = []
    for (const id of changed) {
      const touched = this.#touched.get(id)
      const birth = touched === undefined ? this.#untouched.get(id) : undefined
      if (touched !== undefined) timelines.push(touched.state())
      else if (birth !== undefined) born.add(birth)
    }
    return { sequence: this.#told(), born: born.take(), timelines, segments: [...segments] }
  }

  /** Ends the current sequence number: what changes from here on is told under the next. Returns the one that ended. */
  #told(): number {
    const told = this.#sequence++
    if (this.#journal.length > 1024 + 2 * this.size) this.#compact()
    return told
  }

  /** Keeps the last entry of each. */
  #compact(): void {
    const last = new Map<TimelineId | Segment, number>()
    for (const [at, entry] of this.#journal.entries()) {
      last.delete(entry)
      last.set(entry, this.#sequences[at] as number)
    }
    this.#journal = [...last.keys()]
    this.#sequences = [...last.values()]
  }
}
