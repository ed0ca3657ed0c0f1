// The last step of recovery: before anything is served, a write quorum holds everything up to the VDL. This is the only
// time that the volume carries batches from node to node with its own hands; later, nodes fill their gaps themselves.
//
//   segment below the VDL:  peer ── fetch-log above its SCL ──▶ node ── append ──▶ SCL moves

import type { Clock } from '../base/env.ts'
import { StorageError } from '../base/errors.ts'
import { type GroupNo, type Lsn, LSN_ZERO } from '../base/ids.ts'
import type { Members } from './members.ts'
import type { NodeLink } from './node-link.ts'
import type { TimelineWriter } from './timeline-log.ts'
import type { Timelines } from './timelines.ts'

const FETCH_SIZE_BYTES = 1024 * 1024
const PAUSE_MS = 20
const REQUEST_TIMEOUT_MS = 5000
/** A node whose log is damaged asks each of its peers for what it misses within this time. */
const REPAIR_MS = 4000
/** Segments that are filled at the same time. */
const PARALLEL_MAX = 16

export interface RefillSurroundings {
  readonly members: Members
  readonly timelines: Timelines
  readonly clock: Clock
  isClosed(): boolean
  /** Asks the nodes where their segments stand by now. */
  poll(): Promise<void>
}

/** A log that is not at a write quorum up to where it must be. */
interface Short {
  readonly log: TimelineWriter
  readonly upTo: Lsn
}

/** What came of asking for all that is short, once. */
interface Round {
  /** An SCL moved. */
  moved: boolean
  /** A node could not give log that it says it has. */
  damage: StorageError | undefined
}

/**
 * Resolves when every log is at a write quorum up to its VDL, or the volume is closed. Rejects with StorageError 'corrupt'
 * when nobody can give what a damaged node says it has: it was never at a write quorum, and the next recovery, which that
 * node tells of its damage, will not find it.
 */
export async function refill(around: RefillSurroundings): Promise<void> {
  const { timelines, members, clock } = around
  let damagedMs = Infinity
  for (;;) {
    // Nodes forget dropped timelines that no branch needs.
    const needed = timelines.needed()
    const short = [...timelines.tracked].flatMap((log): Short[] => {
      const upTo = Math.min(log.vdl, needed.get(log.timeline) ?? LSN_ZERO) as Lsn
      return log.reached(members.quorum) < upTo ? [{ log, upTo }] : []
    })
    if (short.length === 0 || around.isClosed()) return
    const round: Round = { moved: false, damage: undefined }
    for (let from = 0; from < short.length; from += PARALLEL_MAX)
      await Promise.all(short.slice(from, from + PARALLEL_MAX).map((each) => fillLog(around, each, round)))
    const nowMs = clock.monotonicMs()
    damagedMs = round.moved || round.damage === undefined ? Infinity : Math.min(damagedMs, nowMs)
    if (round.damage !== undefined && nowMs - damagedMs >= REPAIR_MS) throw round.damage
    if (round.moved) continue
    // What a peer has collected comes as images, which nodes fetch themselves.
    await new Promise<void>((resolve) => void clock.after(PAUSE_MS, resolve))
    await around.poll()
  }
}

async function fillLog(around: RefillSurroundings, { log, upTo }: Short, round: Round): Promise<void> {
  for (const { group, scls } of log.standings) {
    for (const link of around.members.targets) {
      if (link.mode !== 'live' || (scls[link.place] ?? LSN_ZERO) >= upTo) continue
      if (log.reached(around.members.quorum) >= upTo) return
      await fillSegment(around.members, link, { log, group, scls }, round)
    }
  }
}

/** A segment, and where it stands on each node. */
interface Standing {
  readonly log: TimelineWriter
  readonly group: GroupNo
  readonly scls: readonly Lsn[]
}

async function fillSegment(members: Members, link: NodeLink, segment: Standing, round: Round): Promise<void> {
  const { log, scls } = segment
  const { timeline } = log
  const after = scls[link.place] ?? LSN_ZERO
  try {
    const batches = await fetchFromAny(peersAhead(members, link, scls), segment, after, round)
    if (batches.length === 0) return
    const appended = await link.request({ kind: 'append', batches }, REQUEST_TIMEOUT_MS)
    if (appended.kind !== 'appended') return
    for (const segment of appended.segments) {
      if (segment.timeline === timeline) log.acknowledge(link.place, segment.group, segment.scl)
    }
    if ((scls[link.place] ?? LSN_ZERO) > after) round.moved = true
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    if (error.kind === 'disk-full') link.fail(error)
  }
}

/** The batches behind `after`, of the first peer that does not find its own damaged. */
async function fetchFromAny(
  peers: readonly NodeLink[],
  { log, group }: Standing,
  after: Lsn,
  round: Round,
): Promise<readonly Uint8Array[]> {
  const { timeline } = log
  const fetch = { kind: 'fetch-log', timeline, group, after, sizeMax: FETCH_SIZE_BYTES } as const
  for (const peer of peers) {
    try {
      const answer = await peer.request(fetch, REQUEST_TIMEOUT_MS)
      return answer.kind === 'log' ? answer.batches : []
    } catch (error) {
      if (!(error instanceof StorageError) || error.kind !== 'corrupt') throw error
      round.damage = error
    }
  }
  return []
}

/** Live nodes that have more of a segment than this one, the one with the most first. */
function peersAhead(members: Members, node: NodeLink, scls: readonly Lsn[]): readonly NodeLink[] {
  const sclOf = ({ place }: NodeLink): Lsn => scls[place] ?? LSN_ZERO
  return members.targets
    .filter((link) => link !== node && link.mode === 'live' && sclOf(link) > sclOf(node))
    .sort((a, b) => sclOf(b) - sclOf(a))
}
