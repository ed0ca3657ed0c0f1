// Which points of a timeline are still read, apart from those in its own window: the branch points of its children.
//
//   T  ──────●──────────●───────┬─ floor ────────────▶ now
//            │ child    │ child │      all needed, while T is alive
//            └ dropped for good, and so are all below it: not needed
//
// A child that is alive, or has a descendant that is, needs its parent at its branch point. A branch of T at or below T's
// own branch point reads T's parent there, so it counts as that one's child.

import type { Lsn, TimelineId } from '../base/ids.ts'
import type { Timeline, Timelines } from './timeline.ts'

const NO_POINTS: readonly Lsn[] = []

export class ReadPoints {
  readonly #timelines: Timelines
  #points = new Map<TimelineId, Lsn[]>()
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
    this.#points = new Map()
    this.#broken = new Set()
    // A child's number is above its parent's: from the highest on, all descendants come before their ancestors.
    const timelines = [...this.#timelines.values()].sort((a, b) => b.birth.id - a.birth.id)
    for (const timeline of timelines) {
      const own = this.#points.get(timeline.birth.id)
      own?.sort((a, b) => a - b)
      const { parent } = timeline.birth
      if (parent === undefined || (this.#timelines.isOver(timeline) && own === undefined)) continue
      const held = this.#timelines.get(parent.timeline)
      if (held === undefined) continue
      const origin = this.originOf(held, parent.lsn).birth.id
      if (!timeline.isWhole) this.#broken.add(origin)
      const points = this.#points.get(origin)
      if (!timeline.isWhole) continue
      if (points === undefined) this.#points.set(origin, [parent.lsn])
      else if (!points.includes(parent.lsn)) points.push(parent.lsn)
    }
  }
}
