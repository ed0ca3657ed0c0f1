// Which points of a timeline are still read, apart from those in its own window: the branch points of its children.
//
//   T  ──────●──────────●───────┬─ floor ────────────▶ now
//            │ child    │ child │      all needed, while T is alive
//            └ dropped for good, and so are all below it: not needed
//
// A child that is alive, or has a descendant that is, needs its parent at its branch point. A branch of T at or below T's
// own branch point reads T's parent there, so it counts as that one's child.

import type { Lsn, TimelineId } from '../base/ids.ts'
import type { TimelineBirth } from '../message/message.ts'
import type { Timeline, Timelines } from './timeline.ts'

const NO_POINTS: readonly Lsn[] = []

export class ReadPoints {
  readonly #timelines: Timelines
  #points: ReadonlyMap<TimelineId, readonly Lsn[]> = new Map()
  /** Timelines with a child whose branch point may have been collected before it was known. */
  #broken = new Set<TimelineId>()
  #shape = -1

  constructor(timelines: Timelines) {
    this.#timelines = timelines
  }

  /** Branch points of the children that need this timeline, ascending, each once. */
  of(timeline: Timeline): readonly Lsn[] {
    this.#refresh()
    return this.#points.get(timeline.birth.id) ?? NO_POINTS
  }

  /** Whether anyone can still read of it. */
  isNeeded(timeline: Timeline): boolean {
    return !this.#timelines.isOver(timeline) || this.of(timeline).length > 0
  }

  has(timeline: Timeline, lsn: Lsn): boolean {
    return this.of(timeline).includes(lsn)
  }

  /** Whether a child reads a point of it that may not be kept here. */
  isBroken(timeline: Timeline): boolean {
    this.#refresh()
    return this.#broken.has(timeline.birth.id)
  }

  /** The timeline whose records a branch of `parent` at `lsn` finds first. */
  originOf(parent: Timeline, lsn: Lsn): Timeline {
    let at = parent
    for (;;) {
      const next = at.birth.parent
      const above = next === undefined || lsn > next.lsn ? undefined : this.#timelines.get(next.timeline)
      if (above === undefined) return at
      at = above
    }
  }

  #refresh(): void {
    if (this.#shape === this.#timelines.shape) return
    this.#shape = this.#timelines.shape
    this.#broken = new Set()
    const points = new Map<TimelineId, Set<Lsn>>()
    const dropped: { readonly id: TimelineId; readonly parent: TimelineId; readonly base: Lsn }[] = []
    const note = (parent: TimelineId, lsn: Lsn, isWhole: boolean): void => {
      const origin = this.#originId(parent, lsn)
      if (origin === undefined) return
      if (!isWhole) this.#broken.add(origin)
      else if (points.get(origin)?.add(lsn) === undefined) points.set(origin, new Set([lsn]))
    }
    this.#timelines.visit((id, parent, base, state) => {
      if (parent === 0) return
      const isOver = state.dropped && this.#timelines.ended.has(id)
      if (!isOver) note(parent, base, state.isWhole)
      else dropped.push({ id, parent, base })
    })
    // A child's number is above its parent's: from the highest on, all descendants come before their ancestors.
    for (const { id, parent, base } of dropped.sort((a, b) => b.id - a.id))
      if (points.has(id)) note(parent, base, this.#timelines.peek(id)?.isWhole !== false)
    this.#points = new Map(Array.from(points, ([id, lsns]) => [id, [...lsns].sort((a, b) => a - b)]))
  }

  /** As originOf, touching nothing; undefined when the parent is not known here. */
  #originId(parent: TimelineId, lsn: Lsn): TimelineId | undefined {
    let birth = this.#timelines.birthOf(parent)
    if (birth === undefined) return undefined
    for (;;) {
      const next: TimelineBirth['parent'] = birth.parent
      const above: TimelineBirth | undefined =
        next === undefined || lsn > next.lsn ? undefined : this.#timelines.birthOf(next.timeline)
      if (above === undefined) return birth.id
      birth = above
    }
  }
}
