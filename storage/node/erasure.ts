// Takes away a timeline that was dropped and that no living descendant reads: its segments, slice by slice, and then the
// timeline itself, unless one that is still known names it as its parent.
//
// What stays is that its number is dead (timeline-register.ts).

import type { CollectorJob } from './collector.ts'
import type { Segment } from './segment.ts'
import type { StorageNode } from './storage-node.ts'
import type { Timeline } from './timeline.ts'

/** Rows that one slice drops. */
const CLEARED_AT_ONCE = 400

export class Erasure implements CollectorJob {
  readonly #node: StorageNode
  readonly timeline: Timeline

  constructor(node: StorageNode, timeline: Timeline) {
    this.#node = node
    this.timeline = timeline
  }

  work(): boolean {
    const { store, register, figures } = this.#node
    // A child may have been heard of since.
    if (this.#node.points.isNeeded(this.timeline)) return false
    const segment = this.timeline.segments[0]
    if (segment === undefined) return this.#forget()
    if (segment.start.after < segment.scl) this.#begin(segment)
    const before = store.size(segment)
    const isEmpty = store.clear(segment, CLEARED_AT_ONCE)
    const after = store.size(segment)
    figures.batchesCollected += before.batches - after.batches
    figures.imagesCollected += before.images - after.images
    if (isEmpty) register.forgetSegment(segment)
    return true
  }

  /** From here on it is seen that something is missing: by a branch, too, that is heard of before all is gone. */
  #begin(segment: Segment): void {
    segment.start = { birth: segment.start.birth, after: segment.scl, commits: [] }
    this.#node.store.startLog(segment, segment.start, undefined)
    this.#node.timelines.noteSegment(segment)
  }

  #forget(): boolean {
    const { store, timelines, collectable } = this.#node
    const { id, parent } = this.timeline.birth
    if (timelines.hasChildren(id)) return false
    store.forgetTimeline(id)
    timelines.remove(this.timeline)
    const held = parent && timelines.get(parent.timeline)
    if (held?.dropped === true) collectable.add(held)
    return false
  }
}
