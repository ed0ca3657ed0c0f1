// How a node's timelines and segments come, change and go at the volume's word, or at a peer's.
//
//   settle (a writer brings the node in) ─▶ dead numbers ◀── drop
//                                               └─▶ a birth that comes late, from the writer or a peer: put down as dropped
//
// Invariants. A number is given out once. A dropped timeline may be forgotten, but its number stays dead for as long as
// the writer lives that told of the drop; so nobody who missed the drop brings it back: no peer, and no recovery, which
// hears one of those who know. The next writer tells each node anew what lives before it counts as brought in, and what
// others say is believed no more (../volume/recovery-plan.ts); until then they are no peers either.

import type { Epoch, Lsn, TimelineId } from '../base/ids.ts'
import { IdSet } from '../message/id-set.ts'
import type { AnnulledRange, IdRange, SegmentKey, TimelineBirth, TimelineState } from '../message/message.ts'
import {
  birthAt,
  birthCount,
  bornState,
  filterBirths,
  idAt,
  parentAt,
  type PackedBirths,
} from '../message/packed-births.ts'
import { Refusal } from './refusal.ts'
import type { Segment } from './segment.ts'
import type { LogStart, StoredTimeline, Truncation } from './segment-store.ts'
import type { StorageNode } from './storage-node.ts'
import type { Timeline } from './timeline.ts'

/** Rows of derived data that are cleared at a time. */
const CLEARED_AT_ONCE = 1000

interface SettleTimelines {
  readonly volumeEpoch: Epoch
  readonly dead: readonly IdRange[]
  readonly revived: readonly TimelineId[]
}

export class TimelineRegister {
  readonly #node: StorageNode

  constructor(node: StorageNode) {
    this.#node = node
  }

  /** Throws a Refusal. */
  known(id: TimelineId): Timeline {
    const timeline = this.#node.timelines.get(id)
    if (timeline === undefined) throw new Refusal('behind', `timeline ${id} is not known here`)
    return timeline
  }

  create(births: readonly TimelineBirth[]): void {
    this.#put(births.map((birth) => ({ birth, dropped: false, annulled: [] })))
  }

  /** Takes the word of the writer that brings this node in on what lives. See 'settle-timelines'. */
  settle({ volumeEpoch, dead, revived }: SettleTimelines): void {
    const { timelines, store } = this.#node
    const isFirst = volumeEpoch > store.dead().epoch
    const numbers = new IdSet(isFirst ? dead : [...timelines.dead.ranges, ...dead])
    this.#node.write(() => store.bury({ epoch: volumeEpoch, ranges: numbers.ranges }))
    timelines.dead = numbers
    const buried: TimelineId[] = []
    timelines.visit((id) => void (numbers.has(id) && buried.push(id)))
    for (const id of buried) this.#drop(this.known(id))
    for (const id of revived) {
      const timeline = timelines.get(id)
      if (timeline?.dropped === true && !numbers.has(id)) this.#revive(timeline)
    }
  }

  /** It was dropped for a writer that lost, so nothing of it was collected; if something was, it begins anew, empty. */
  #revive(timeline: Timeline): void {
    const { timelines, store, collectable } = this.#node
    const { birth } = timeline
    const isCollected = timeline.segments.some(
      ({ start, scl }) => start.after > start.birth && start.after >= scl,
    )
    if (isCollected) {
      this.#erase(timeline)
      return this.#put([{ birth, dropped: false, annulled: [] }])
    }
    this.#node.write(() => store.reviveTimeline(birth.id))
    timeline.dropped = false
    timelines.noteTimeline(birth.id)
    collectable.add(timeline)
  }

  /** Takes what a peer knows of timelines that this node missed. */
  learn(born: PackedBirths, told: readonly TimelineState[]): void {
    for (const { birth, dropped } of told) if (dropped) this.drop(birth.id)
    const { timelines } = this.#node
    const news = filterBirths(born, (index) => !timelines.has(idAt(born, index)))
    const states = Array.from({ length: birthCount(news) }, (_, index) => bornState(birthAt(news, index)))
    this.#put(this.#worthKnowing(born, [...states, ...told]))
  }

  /** Of those told, what is alive, and the dropped ones below which one lives. Others were forgotten here, or will be. */
  #worthKnowing(born: PackedBirths, states: readonly TimelineState[]): readonly TimelineState[] {
    const { dead } = this.#node.timelines
    const told = new Map(states.map((state) => [state.birth.id, state]))
    const needed = new Set<TimelineId>()
    const need = (id: TimelineId): void => {
      for (let at = told.get(id)?.birth; at !== undefined && !needed.has(at.id);) {
        needed.add(at.id)
        at = at.parent && told.get(at.parent.timeline)?.birth
      }
    }
    for (const { birth, dropped } of states) if (!dropped && !dead.has(birth.id)) need(birth.id)
    // Those that are known here live, too, and may descend from what is not.
    for (let index = 0; index < birthCount(born); index++)
      if (!dead.has(idAt(born, index))) need(parentAt(born, index))
    return states.filter(({ birth }) => needed.has(birth.id))
  }

  #put(states: readonly TimelineState[]): void {
    const { timelines, store, collectable } = this.#node
    const fresh: StoredTimeline[] = []
    for (const state of states) {
      const { birth } = state
      if (timelines.has(birth.id)) continue
      const dropped = state.dropped || timelines.dead.has(birth.id)
      fresh.push({ birth, dropped, annulled: state.annulled, isWhole: this.#isWhole(birth) })
    }
    if (fresh.length === 0) return
    this.#node.write(() => store.putTimelines(fresh))
    for (const stored of fresh) {
      const { id } = stored.birth
      timelines.add(stored)
      timelines.noteTimeline(id)
      if (!stored.dropped) continue
      timelines.resurfaced++
      collectable.add(this.known(id))
    }
  }

  /** Takes away a timeline that was dropped for a writer that lost, with all that is left of it. */
  #erase(held: Timeline): void {
    const { timelines, store, reader } = this.#node
    this.#node.write(() => {
      for (const segment of held.segments) while (!store.clear(segment, CLEARED_AT_ONCE));
      store.forgetTimeline(held.birth.id)
    })
    for (const segment of held.segments) this.forgetSegment(segment)
    timelines.remove(held)
    reader.recent.clear()
    reader.forget()
  }

  /**
   * Whether the parent's version at the branch point is still here, or will come from peers. Where log was collected, all
   * versions from its new beginning on are still made from there, dropped or not, unless a drop has emptied it.
   */
  #isWhole({ parent }: TimelineBirth): boolean {
    const held = parent && this.#node.timelines.get(parent.timeline)
    if (parent === undefined || held === undefined) return true
    const origin = this.#node.points.originOf(held, parent.lsn)
    const isKept = origin.segments.every(({ start: { birth, after }, scl }) => {
      return after <= birth || (parent.lsn >= after && !(origin.dropped && after >= scl))
    })
    return isKept || this.#node.points.has(origin, parent.lsn)
  }

  /** Of a timeline that was not heard of too: its birth may be on its way. */
  drop(id: TimelineId): void {
    const { timelines, store } = this.#node
    if (timelines.dead.has(id)) return
    this.#node.write(() => store.dropTimeline(id))
    timelines.dead.add({ from: id, to: id })
    const timeline = timelines.get(id)
    if (timeline !== undefined) this.#drop(timeline)
  }

  #drop(timeline: Timeline): void {
    if (timeline.dropped) return
    timeline.dropped = true
    this.#node.timelines.noteTimeline(timeline.birth.id)
    this.#noteCollectable(timeline)
  }

  /** What it and its ancestors keep for it may be useless now. */
  #noteCollectable(dropped: Timeline): void {
    const { timelines, collectable } = this.#node
    let at: Timeline | undefined = dropped
    while (at !== undefined) {
      collectable.add(at)
      at = at.birth.parent && timelines.get(at.birth.parent.timeline)
    }
  }

  truncate(
    annulled: readonly { readonly timeline: TimelineId; readonly ranges: readonly AnnulledRange[] }[],
  ): void {
    const { timelines, store, intake } = this.#node
    const truncations: Truncation[] = []
    const revived: Segment[] = []
    for (const { timeline: id, ranges } of annulled) {
      const timeline = timelines.get(id)
      if (timeline === undefined || sameRanges(timeline.annulled, ranges)) continue
      if (!timeline.annulled.every((old) => isCovered(old, ranges))) revived.push(...timeline.segments)
      timeline.annulled = ranges
      for (const segment of timeline.segments) {
        segment.truncate()
        intake.moved(segment)
      }
      truncations.push({ timeline: id, ranges, marks: timeline.segments.map((segment) => segment.mark()) })
      timelines.noteTimeline(id)
    }
    if (truncations.length === 0) return
    this.#node.write(() => store.truncate(truncations))
    // A range that an interrupted recovery wrote here and nowhere else did not count after all.
    for (const segment of revived) intake.reconnect(segment)
  }

  /**
   * Opens a segment, also in a group that the configuration kept here does not have yet: a node is told of its groups
   * last, when it holds all that recovery decided, and recoveries to come count on that.
   */
  open({ timeline: id, group, after }: SegmentKey & { after: Lsn }): void {
    const timeline = this.known(id)
    const held = timeline.peek(group)
    if (held !== undefined && held.scl >= after) return
    const segment = held ?? timeline.make(group)
    this.begin(segment, { birth: after, after, commits: [] })
  }

  /**
   * The segment's log begins at `start`, with everything below in images, if it holds anything at all. Durable, and the
   * images with it: what is appended on top is acknowledged with an SCL that stands on this.
   */
  begin(segment: Segment, start: LogStart): void {
    const { store, intake } = this.#node
    segment.begin(start)
    this.#node.write(() => store.openSegment(start, segment.mark()))
    intake.reconnect(segment)
  }

  raiseFloors(floors: readonly { readonly timeline: TimelineId; readonly lsn: Lsn }[]): void {
    for (const { timeline: id, lsn } of floors) {
      const timeline = this.#node.timelines.get(id)
      if (timeline === undefined || lsn <= timeline.floor) continue
      timeline.floor = lsn
      this.#node.collectable.add(timeline)
    }
  }

  /** A write quorum has the drops of these: what is kept of them may go, and what ancestors keep for them. */
  end(ranges: readonly IdRange[]): void {
    if (ranges.length === 0) return
    const { timelines } = this.#node
    const news = new IdSet(ranges)
    timelines.ended.add(...ranges)
    timelines.shape++
    for (const timeline of timelines.touched())
      if (timeline.dropped && news.has(timeline.birth.id)) this.#noteCollectable(timeline)
  }

  /** The segment is not kept here any more. */
  forgetSegment(segment: Segment): void {
    segment.owner.forget(segment)
    this.#node.intake.changed.delete(segment)
    this.#node.intake.long.delete(segment)
    this.#node.intake.gaps.delete(segment)
  }
}

function sameRanges(a: readonly AnnulledRange[], b: readonly AnnulledRange[]): boolean {
  return (
    a.length === b.length &&
    a.every((range, at) => range.above === b[at]?.above && range.upTo === b[at]?.upTo)
  )
}

function isCovered(range: AnnulledRange, by: readonly AnnulledRange[]): boolean {
  return by.some(({ above, upTo }) => above <= range.above && range.upTo <= upTo)
}
