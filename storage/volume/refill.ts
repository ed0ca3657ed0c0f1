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

/** Resolves when every log is at a write quorum up to its VDL, or the volume is closed. */
export async function refill(around: RefillSurroundings): Promise<void> {
  const { timelines, members, clock } = around
  for (;;) {
    // Nodes forget dropped timelines that no branch needs.
    const needed = timelines.needed()
    const short = [...timelines.tracked].flatMap((log): Short[] => {
      const upTo = Math.min(log.vdl, needed.get(log.timeline) ?? LSN_ZERO) as Lsn
      return log.reached(members.quorum) < upTo ? [{ log, upTo }] : []
    })
    if (short.length === 0 || around.isClosed()) return
    let moved = false
    for (let from = 0; from < short.length; from += PARALLEL_MAX) {
      const filled = short.slice(from, from + PARALLEL_MAX).map((each) => fillLog(around, each))
      if ((await Promise.all(filled)).includes(true)) moved = true
    }
    if (moved) continue
    // What a peer has collected comes as images, which nodes fetch themselves.
    await new Promise<void>((resolve) => void clock.after(PAUSE_MS, resolve))
    await around.poll()
  }
}

/** One round of a log; true if an SCL moved. */
async function fillLog(around: RefillSurroundings, { log, upTo }: Short): Promise<boolean> {
  let moved = false
  for (const { group, scls } of log.standings) {
    for (const link of around.members.targets) {
      if (link.mode !== 'live' || (scls[link.place] ?? LSN_ZERO) >= upTo) continue
      if (log.reached(around.members.quorum) >= upTo) return moved
      if (await fillSegment(around.members, link, log, group, scls)) moved = true
    }
  }
  return moved
}

async function fillSegment(
  members: Members,
  link: NodeLink,
  log: TimelineWriter,
  group: GroupNo,
  scls: readonly Lsn[],
): Promise<boolean> {
  const after = scls[link.place] ?? LSN_ZERO
  const peer = bestPeer(members, link, scls)
  if (peer === undefined) return false
  try {
    const { timeline } = log
    const fetch = { kind: 'fetch-log', timeline, group, after, sizeMax: FETCH_SIZE_BYTES } as const
    const answer = await peer.request(fetch, REQUEST_TIMEOUT_MS)
    if (answer.kind !== 'log' || answer.batches.length === 0) return false
    const appended = await link.request({ kind: 'append', batches: answer.batches }, REQUEST_TIMEOUT_MS)
    if (appended.kind !== 'appended') return false
    for (const segment of appended.segments) {
      if (segment.timeline === timeline) log.acknowledge(link.place, segment.group, segment.scl)
    }
    return (scls[link.place] ?? LSN_ZERO) > after
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    if (error.kind === 'disk-full') link.fail(error)
    return false
  }
}

function bestPeer(members: Members, node: NodeLink, scls: readonly Lsn[]): NodeLink | undefined {
  let best: NodeLink | undefined
  let bestScl = scls[node.place] ?? LSN_ZERO
  for (const link of members.targets) {
    const scl = scls[link.place] ?? LSN_ZERO
    if (link === node || link.mode !== 'live' || scl <= bestScl) continue
    best = link
    bestScl = scl
  }
  return best
}
