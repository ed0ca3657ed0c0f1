// The timelines that a node knows, and their segments on it. Made for many that are idle: one of those is an object of a
// few fields, and a segment that holds nothing is not there until somebody needs it.
//
//   Timelines ─▶ Timeline (birth, dropped, annulled) ─▶ Segment per group that the node keeps
//       └ journal: who changed since which sequence number, so that gossip costs nothing where nothing moves

import { FIRST_GROUP, type GroupNo, type Lsn, LSN_ZERO, type TimelineId } from '../base/ids.ts'
import type { IdSet } from '../message/id-set.ts'
import { firstLsnAfter } from '../message/lsn-grid.ts'
import type {
  AnnulledRange,
  SegmentKey,
  SegmentState,
  TimelineBirth,
  TimelineState,
} from '../message/message.ts'
import { Segment } from './segment.ts'
import type { StoredSegment, StoredTimeline } from './segment-store.ts'

const NO_RANGES: readonly AnnulledRange[] = []
const NO_SEGMENTS: readonly Segment[] = []

export class Timeline {
  readonly birth: TimelineBirth
  dropped: boolean
  /** False when its parent's version at the branch point may have been collected here before it was known. */
  isWhole: boolean
  annulled: readonly AnnulledRange[]
  /** Nobody reads it below this, but children at their branch points. 0: not told since the node started. */
  floor: Lsn = LSN_ZERO
  /** The node's sequence number when this changed last. */
  changed = 0
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
    const { base } = this
    const born = { scl: base, consistent: base, end: firstLsnAfter(base), logAfter: base, birth: base }
    return this.peek(FIRST_GROUP)?.state() ?? { timeline: this.birth.id, group: FIRST_GROUP, ...born }
  }
}

/** What changed since a peer asked last. */
export interface Changes {
  readonly sequence: number
  readonly timelines: readonly Timeline[]
  readonly segments: readonly Segment[]
}

export class Timelines {
  /** Numbers under which nothing lives: of what is here, and of what was forgotten or never heard of. */
  dead: IdSet
  readonly #byId = new Map<TimelineId, Timeline>()
  /** Bumped when timelines come, go, or are dropped: what was computed from their tree is old then. */
  shape = 0
  /** Counts dropped timelines that were put down here late, or once more, for a branch that reads them. */
  resurfaced = 0
  /** Changes from here on are told under this sequence number. It begins anew, and higher, with each life of the node. */
  #sequence: number
  readonly #firstSequence: number
  /** Who changed, in order of sequence numbers; who changed again since is found by a later entry. */
  #journal: (Timeline | Segment)[] = []

  constructor(firstSequence: number, dead: IdSet) {
    this.dead = dead
    this.#sequence = firstSequence
    this.#firstSequence = firstSequence
  }

  get size(): number {
    return this.#byId.size
  }

  get(id: TimelineId): Timeline | undefined {
    return this.#byId.get(id)
  }

  hasChildren(id: TimelineId): boolean {
    for (const { birth } of this.#byId.values()) if (birth.parent?.timeline === id) return true
    return false
  }

  values(): Iterable<Timeline> {
    return this.#byId.values()
  }

  /** The segments that exist as objects. */
  *segments(): Generator<Segment, void> {
    for (const timeline of this.#byId.values()) yield* timeline.segments
  }

  segment({ timeline, group }: SegmentKey): Segment | undefined {
    return this.#byId.get(timeline)?.segment(group)
  }

  add(stored: StoredTimeline): Timeline {
    const timeline = new Timeline(stored)
    this.#byId.set(stored.birth.id, timeline)
    this.shape++
    return timeline
  }

  remove(timeline: Timeline): void {
    if (this.#byId.get(timeline.birth.id) === timeline) this.#byId.delete(timeline.birth.id)
    this.shape++
  }

  /** Its birth, its end or its annulled ranges are news. */
  noteTimeline(timeline: Timeline): void {
    this.shape++
    if (timeline.changed === this.#sequence) return
    timeline.changed = this.#sequence
    this.#journal.push(timeline)
  }

  /** Its SCL or where its log begins moved. */
  noteSegment(segment: Segment): void {
    if (segment.moved === this.#sequence) return
    segment.moved = this.#sequence
    this.#journal.push(segment)
  }

  /** What changed after `since`, a sequence number that was told before; all when it was told in another life. */
  changesSince(since: number): Changes {
    const sequence = this.#sequence
    if (since < this.#firstSequence || since > sequence) {
      const segments = [...this.segments()]
      return { sequence: this.#told(), timelines: [...this.#byId.values()], segments }
    }
    const timelines = new Set<Timeline>()
    const segments = new Set<Segment>()
    for (let at = this.#journal.length - 1; at >= 0; at--) {
      const entry = this.#journal[at] as Timeline | Segment
      const changed = entry instanceof Timeline ? entry.changed : entry.moved
      // An entry that changed again is found above; entries are in order of what they were when they were made.
      if (changed <= since) break
      if (entry instanceof Segment) {
        if (this.#byId.get(entry.timeline)?.peek(entry.group) === entry) segments.add(entry)
      } else if (this.#byId.get(entry.birth.id) === entry) timelines.add(entry)
    }
    return { sequence: this.#told(), timelines: [...timelines], segments: [...segments] }
  }

  /** Ends the current sequence number: what changes from here on is told under the next. Returns the one that ended. */
  #told(): number {
    const told = this.#sequence++
    if (this.#journal.length > 1024 + 2 * this.#byId.size) this.#compact()
    return told
  }

  #compact(): void {
    const seen = new Set<Timeline | Segment>()
    const kept: (Timeline | Segment)[] = []
    for (const entry of this.#journal.reverse()) {
      if (seen.has(entry)) continue
      seen.add(entry)
      kept.push(entry)
    }
    this.#journal = kept.reverse()
  }
}
