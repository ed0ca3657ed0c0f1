// What recovery decides, as a pure function of what the nodes say (Aurora 2017, section 4.3; 2018, section 2.4).
//
//   SCLs of a read quorum ─▶ VCL: the highest. Whatever met a write quorum is in there, since the quorums meet.
//   VDL: the highest consistency point at or below the VCL.
//   Annulled: (VDL, VCL + LAL]. No record was ever handed an LSN above that, so nothing of the old writer can come back.
//
// No LSN that a node may have seen is given out twice: the new writer begins above the annulled range. When every node
// of the volume stands at the same consistency point, with the old writer fenced off from all of them, then no node has
// seen more nor ever will: nothing is annulled and LSNs go on without a jump.

import { must } from '../base/assert.ts'
import { StorageError } from '../base/errors.ts'
import { type Lsn, LSN_ZERO, type TimelineId } from '../base/ids.ts'
import { LAL_BYTES } from '../base/limits.ts'
import { RECORD_SIZE_BYTES_MAX } from '../log/record.ts'
import { firstLsnAfter } from '../message/lsn-grid.ts'
import type { AnnulledRange, NodeState, TimelineBirth, TimelineState } from '../message/message.ts'

export interface TimelinePlan {
  readonly birth: TimelineBirth
  readonly dropped: boolean
  readonly vdl: Lsn
  /** The first LSN of the new writer. */
  readonly tail: Lsn
  /** All that was ever annulled, the new range included. */
  readonly annulled: readonly AnnulledRange[]
}

/** The timelines of a volume, from the states of a fenced read quorum of `nodeCount` nodes, in order of their ids. */
export function planRecovery(states: readonly NodeState[], nodeCount: number): readonly TimelinePlan[] {
  const byTimeline = new Map<TimelineId, TimelineState[]>()
  for (const state of states) {
    for (const timeline of state.timelines) {
      const list = byTimeline.get(timeline.birth.id)
      if (list === undefined) byTimeline.set(timeline.birth.id, [timeline])
      else list.push(timeline)
    }
  }
  return [...byTimeline.entries()].sort(([a], [b]) => a - b).map(([, held]) => planTimeline(held, nodeCount))
}

function planTimeline(reports: readonly TimelineState[], nodeCount: number): TimelinePlan {
  const { birth } = must(reports[0])
  const annulled = unionOfRanges(reports.map((state) => state.annulled))
  const held = reports.map((state) => clamp(state, annulled))
  const best = held.reduce((highest, state) => (state.scl > highest.scl ? state : highest))
  const vcl = best.scl
  const vdl = best.consistent
  const dropped = held.some((state) => state.dropped)
  const agreed = held.every(({ scl, consistent }) => scl === vdl && consistent === vdl)
  const sameRanges = held.every((state) => equalRanges(state.annulled, annulled))
  const reached = annulled.reduce((high, { upTo }) => Math.max(high, upTo), LSN_ZERO as number) as Lsn
  if (held.length === nodeCount && agreed && sameRanges) {
    const tail = Math.max(best.end, reached === LSN_ZERO ? LSN_ZERO : firstLsnAfter(reached)) as Lsn
    return { birth, dropped, vdl, tail, annulled }
  }
  // A writer counts its LAL from where it began, which is at most a record behind what is known here.
  const upTo = (Math.max(vcl, reached) + LAL_BYTES + RECORD_SIZE_BYTES_MAX + 8) as Lsn
  return {
    birth,
    dropped,
    vdl,
    tail: firstLsnAfter(upTo),
    annulled: mergeRange(annulled, { above: vdl, upTo }),
  }
}

/** A node that missed a truncation reports records that were annulled since; where a range begins, an MTR ended. */
function clamp(state: TimelineState, annulled: readonly AnnulledRange[]): TimelineState {
  const range = annulled.find(({ above, upTo }) => state.scl > above && state.scl <= upTo)
  return range === undefined ? state : { ...state, scl: range.above, consistent: range.above }
}

function equalRanges(a: readonly AnnulledRange[], b: readonly AnnulledRange[]): boolean {
  return (
    a.length === b.length &&
    a.every((range, at) => range.above === b[at]?.above && range.upTo === b[at]?.upTo)
  )
}

/** Adds a range that begins at or below the last one's end, if it touches it, by making one of the two. */
function mergeRange(ranges: readonly AnnulledRange[], range: AnnulledRange): readonly AnnulledRange[] {
  const kept = ranges.filter(({ above, upTo }) => !(range.above <= above && upTo <= range.upTo))
  return [...kept, range]
}

function unionOfRanges(lists: readonly (readonly AnnulledRange[])[]): readonly AnnulledRange[] {
  const union: AnnulledRange[] = []
  const all = lists.flat().sort((a, b) => a.above - b.above || b.upTo - a.upTo)
  for (const range of all) {
    const last = union.at(-1)
    if (last === undefined || range.upTo > last.upTo) union.push(range)
  }
  return union
}

/** The one cluster these nodes belong to, '' if none does yet. Throws StorageError when they do not agree. */
export function commonCluster(states: readonly NodeState[]): string {
  const ids = new Set(states.map((state) => state.clusterId).filter((id) => id !== ''))
  if (ids.size > 1) throw new StorageError('version', `nodes of different clusters: ${[...ids].join(', ')}`)
  return [...ids][0] ?? ''
}
