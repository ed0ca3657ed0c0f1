// What recovery decides, as a pure function of what the nodes say (Aurora 2017, section 4.3; 2018, section 2.4).
//
//   SCLs of a read quorum ─▶ PGCL of each group: the highest. Whatever met a write quorum is in there: the quorums meet.
//   VCL: the lowest PGCL. VDL: the highest consistency point at or below the VCL.
//   Annulled: (VDL, VCL + LAL]. No record was ever handed an LSN above that, so nothing of the old writer can come back.
//
// No LSN that a node may have seen is given out twice: the new writer begins above the annulled range. When every member
// of the volume stands at the same consistency point, with the old writer fenced off from all of them, then nothing is
// annulled and LSNs go on without a jump. The old writer may have handed out some of those LSNs, but to records that no
// member has nor ever will have: an LSN means something only to a node (its members are fenced, and a node takes
// batches only from peers that are fenced too; one that once was a member never becomes one again without being empty)
// and to a client (who heard nothing of them, since nothing above the VDL is ever answered).
//
// What timelines there are is believed of those nodes alone that the last writer had aligned, as far as one of its nodes
// is heard: it told them all that was acknowledged before it, and what was since is at a write quorum of them. Others may
// keep births and drops that were never acknowledged, and have missed others. Where one of them says dropped, it counts.
//
// Of what earlier recoveries annulled, the word of the nodes counts that the last writer aligned: it knew what every
// writer before it had decided for good. A recovery that died before it was settled may have left a range on a node that
// has been away since; a later one, from other nodes, may have found that what lies in there is durable after all.
//
// A segment above the first group counts when a node says so that the last writer had aligned. Others may have been
// opened, at fewer nodes than a quorum, by a writer that died over it: they hold nothing, and are opened again.

import { must } from '../base/assert.ts'
import { StorageError } from '../base/errors.ts'
import { FIRST_GROUP, type GroupNo, type Lsn, LSN_ZERO, type TimelineId } from '../base/ids.ts'
import { LAL_BYTES } from '../base/limits.ts'
import { RECORD_SIZE_BYTES_MAX } from '../log/record.ts'
import { epochOfWriter } from './epochs.ts'
import { IdSet } from '../message/id-set.ts'
import { firstLsnAfter } from '../message/lsn-grid.ts'
import type { AnnulledRange, NodeState, SegmentState, TimelineState } from '../message/message.ts'
import {
  birthAt,
  birthCount,
  bornSegment,
  bornState,
  filterBirths,
  idAt,
  NO_BIRTHS,
  type PackedBirths,
} from '../message/packed-births.ts'
import { FIRST_GROUP_ONLY, type OpenGroup } from './open-group.ts'
import type { LogStart } from './log-surroundings.ts'

/** What recovery found. */
export interface RecoveryPlan {
  /** Timelines of which all nodes say that they were born, and nothing else. */
  readonly born: PackedBirths
  /** The others, in order of their ids. */
  readonly logs: readonly LogStart[]
  /** The highest number of a timeline that any node has heard of. */
  readonly lastId: number
}

/** What all nodes say of one timeline. */
interface Reports {
  readonly timelines: TimelineState[]
  /** A node that counts says that it was dropped. */
  dropped: boolean
  /** What the nodes know to be annulled that the last writer aligned. */
  readonly annulled: (readonly AnnulledRange[])[]
  /** By group, with the epoch of the writer that last aligned the node. */
  readonly segments: { readonly state: SegmentState; readonly aligned: number }[]
}

/** What the volume is, from the states of a fenced read quorum. `isComplete`: of all nodes that hold segments of it. */
export function planRecovery(told: readonly NodeState[], isComplete: boolean): RecoveryPlan {
  const born = isComplete ? bornEverywhere(told) : NO_BIRTHS
  const states = withoutBirths(told, born)
  const plan = planTimelines(states, isComplete)
  return { ...plan, born, lastId: Math.max(plan.lastId, ...told.map(lastOf)) }
}

/** The highest number of a birth. */
function lastOf({ born }: NodeState): number {
  let last = 0
  for (let index = 0; index < birthCount(born); index++) last = Math.max(last, idAt(born, index))
  return last
}

/**
 * Timelines of which all nodes of the volume say that they were born and nothing else: all stand at one consistency point,
 * the branch point, nothing is annulled, and no writer dropped them. Idle branches are thousands; each of the others is
 * looked at by itself.
 */
function bornEverywhere(states: readonly NodeState[]): PackedBirths {
  const [first] = states
  if (first === undefined) return NO_BIRTHS
  const counts = new Uint8Array(Math.max(...states.map(lastOf)) + 1)
  for (const { born } of states)
    for (let index = 0; index < birthCount(born); index++) {
      const id = idAt(born, index)
      counts[id] = (counts[id] as number) + 1
    }
  const dead = new IdSet(states.flatMap((state) => state.dead))
  return filterBirths(first.born, (index) => {
    const id = idAt(first.born, index)
    return counts[id] === states.length && !dead.has(id)
  })
}

/** The states with those births among their timelines that must be looked at by themselves. */
function withoutBirths(states: readonly NodeState[], born: PackedBirths): readonly NodeState[] {
  const settled = new Set<TimelineId>()
  for (let index = 0; index < birthCount(born); index++) settled.add(idAt(born, index))
  return states.map((state) => {
    const timelines = [...state.timelines]
    const segments = [...state.segments]
    for (let index = 0; index < birthCount(state.born); index++) {
      if (settled.has(idAt(state.born, index))) continue
      const birth = birthAt(state.born, index)
      timelines.push(bornState(birth))
      segments.push(bornSegment(birth))
    }
    return { ...state, born: NO_BIRTHS, timelines, segments }
  })
}

function planTimelines(states: readonly NodeState[], isComplete: boolean): Omit<RecoveryPlan, 'born'> {
  const newest = Math.max(0, ...states.map(alignedBy))
  const reports = new Map<TimelineId, Reports>()
  let lastId = 0
  for (const state of states) {
    for (const { to } of state.dead) lastId = Math.max(lastId, to)
    for (const { birth } of state.timelines) lastId = Math.max(lastId, birth.id)
    if (alignedBy(state) < newest) continue
    for (const { birth } of state.timelines)
      if (!reports.has(birth.id))
        reports.set(birth.id, { timelines: [], dropped: false, annulled: [], segments: [] })
  }
  for (const state of states) {
    const aligned = alignedBy(state)
    const dead = new IdSet(aligned === newest ? state.dead : [])
    for (const [id, report] of reports) if (dead.has(id)) report.dropped = true
    for (const timeline of state.timelines) {
      const report = reports.get(timeline.birth.id)
      report?.timelines.push(timeline)
      if (report === undefined || aligned < newest) continue
      report.annulled.push(timeline.annulled)
      if (timeline.dropped) report.dropped = true
    }
    for (const segment of state.segments)
      reports.get(segment.timeline)?.segments.push({ state: segment, aligned })
  }
  const context = { nodeCount: isComplete ? states.length : Infinity, newest }
  const logs = [...reports].sort(([a], [b]) => a - b).map(([, each]) => planTimeline(each, context))
  return { logs, lastId }
}

/** The volume epoch of the writer that last aligned a node; 0 if none ever did. */
function alignedBy({ configuration }: NodeState): number {
  return configuration === undefined ? 0 : epochOfWriter(configuration.membershipEpoch)
}

interface Context {
  /** So many nodes hold segments; Infinity when not all of them were heard. */
  readonly nodeCount: number
  /** The last writer that brought a node into its epoch. */
  readonly newest: number
}

function planTimeline(reports: Reports, context: Context): LogStart {
  const { dropped } = reports
  const { birth } = must(reports.timelines[0])
  const base = birth.parent?.lsn ?? LSN_ZERO
  const told = reports.timelines.map((state) => state.annulled)
  const known = unionOfRanges(reports.annulled.length > 0 ? reports.annulled : told)
  const groups = groupsOf(reports, context, base, known)
  const counted = groups.filter(({ isReal }) => isReal)
  const vcl = Math.min(...counted.map(({ best }) => best.scl)) as Lsn
  const atVcl = counted.flatMap(({ held }) => held).filter(({ scl }) => scl === vcl)
  const vdl = Math.max(base, ...atVcl.map(({ consistent }) => consistent)) as Lsn
  const opened = openGroups(groups, base, vdl)
  const reached = told.flat().reduce((high, { upTo }) => Math.max(high, upTo), LSN_ZERO as number) as Lsn
  const isAgreed =
    reports.timelines.length === context.nodeCount &&
    groups.every(({ isReal, held }) => isReal && held.length === context.nodeCount) &&
    groups.every(({ held }) => held.every(({ scl, consistent }) => scl === vdl && consistent === vdl)) &&
    reports.timelines.every(({ annulled }) => equalRanges(annulled, known))
  if (isAgreed) {
    const end = Math.max(...groups.flatMap(({ held }) => held.map((state) => state.end)))
    const tail = Math.max(end, reached === LSN_ZERO ? LSN_ZERO : firstLsnAfter(reached)) as Lsn
    return { birth, dropped, annulled: known, groups: opened, vdl, tail }
  }
  // A writer counts its LAL from where it began, which is at most a record behind what is known here.
  const upTo = (Math.max(vcl, reached) + LAL_BYTES + RECORD_SIZE_BYTES_MAX + 8) as Lsn
  const annulled = mergeRange(known, { above: vdl, upTo })
  return { birth, dropped, annulled, groups: opened, vdl, tail: firstLsnAfter(upTo) }
}

interface GroupReports {
  readonly group: GroupNo
  readonly held: readonly SegmentState[]
  readonly best: SegmentState
  /** False when it may never have been opened at a write quorum. */
  readonly isReal: boolean
}

function groupsOf(
  { segments, timelines }: Reports,
  { newest }: Context,
  base: Lsn,
  annulled: readonly AnnulledRange[],
): readonly GroupReports[] {
  const groups = [...new Set([FIRST_GROUP, ...segments.map(({ state }) => state.group)])].sort(
    (a, b) => a - b,
  )
  return groups.map((group) => {
    const own = segments.filter(({ state }) => state.group === group)
    const held = own.map(({ state }) => clamp(state, annulled))
    const empty = emptySegment(must(timelines[0]).birth.id, group, base)
    const best = held.reduce((highest, state) => (state.scl > highest.scl ? state : highest), empty)
    return {
      group,
      held,
      best,
      isReal: group === FIRST_GROUP || own.some(({ aligned }) => aligned === newest),
    }
  })
}

function emptySegment(timeline: TimelineId, group: GroupNo, base: Lsn): SegmentState {
  const position = { scl: base, consistent: base, end: firstLsnAfter(base) }
  return { timeline, group, ...position, logAfter: base, birth: base }
}

/**
 * Where a segment must be opened that a node misses: above all that is known to be empty; its peers fill it from there.
 * One that holds nothing yet is opened where the log ends.
 */
function openGroups(groups: readonly GroupReports[], base: Lsn, vdl: Lsn): readonly OpenGroup[] {
  if (groups.length === 1) return FIRST_GROUP_ONLY
  return groups.map(({ group, isReal, held }) => {
    const after = isReal ? (Math.max(base, ...held.map(({ birth }) => birth)) as Lsn) : vdl
    return { group, after }
  })
}

/** A node that missed a truncation reports records that were annulled since; where a range begins, an MTR ended. */
function clamp(state: SegmentState, annulled: readonly AnnulledRange[]): SegmentState {
  const scl = clampLsn(state.scl, annulled)
  const birth = clampLsn(state.birth, annulled)
  if (scl === state.scl) return birth === state.birth ? state : { ...state, birth }
  return { ...state, scl, consistent: scl, end: firstLsnAfter(scl), birth }
}

/** The LSN, or where the annulled range begins that it lies in. */
export function clampLsn(lsn: Lsn, annulled: readonly AnnulledRange[]): Lsn {
  if (annulled.length === 0) return lsn
  return annulled.find(({ above, upTo }) => lsn > above && lsn <= upTo)?.above ?? lsn
}

export function equalRanges(a: readonly AnnulledRange[], b: readonly AnnulledRange[]): boolean {
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

const NO_RANGES: readonly AnnulledRange[] = []

function unionOfRanges(lists: readonly (readonly AnnulledRange[])[]): readonly AnnulledRange[] {
  if (lists.every((list) => list.length === 0)) return NO_RANGES
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

/** The newest configuration that any of these knows. */
export function newestConfiguration(states: readonly NodeState[]): NodeState['configuration'] {
  let newest: NodeState['configuration']
  for (const { configuration } of states) {
    if (configuration === undefined) continue
    if (newest === undefined || configuration.membershipEpoch > newest.membershipEpoch) newest = configuration
  }
  return newest
}
