// Fills a node that fell behind from its peers' logs, while new batches go on to the others.
//
//   lagging: for each segment that is short:  peer ── fetch-log above its SCL ──▶ node ── append ──▶ SCL moves
//            nearly there: new batches are queued for it again; the rest closes the gap below them
//            nothing short any more: live

import type { Clock } from '../base/env.ts'
import { StorageError } from '../base/errors.ts'
import type { Lsn, TimelineId } from '../base/ids.ts'
import type { NodeLink } from './node-link.ts'

const FETCH_SIZE_BYTES = 1024 * 1024
const PAUSE_MS = 20
const REQUEST_TIMEOUT_MS = 5000
/** A node that is this close to the writer gets new batches again. */
const NEAR_BYTES = 4 * 1024 * 1024

/** What catching up must know of a timeline. */
export interface LogPosition {
  readonly timeline: TimelineId
  /** Last record that was sent to anyone. */
  readonly sentLast: Lsn
  /** SCL of each node, by its index in the volume. */
  readonly scls: readonly Lsn[]
}

export interface CatchUpSurroundings {
  readonly clock: Clock
  readonly links: readonly NodeLink[]
  positions(): Iterable<LogPosition>
  acknowledged(node: number, timeline: TimelineId, scl: Lsn): void
  readonly isClosed: () => boolean
}

/**
 * Brings `links[node]` up to what was sent, or to `target` LSNs where given, until nothing is short. Resolves false
 * when the node failed on the way. The node must have joined (be fenced and truncated).
 */
export async function catchUp(around: CatchUpSurroundings, node: number): Promise<boolean> {
  const link = around.links[node]
  if (link === undefined) return false
  while (link.mode === 'lagging' && !around.isClosed()) {
    const short = [...around.positions()].filter(({ sentLast, scls }) => (scls[node] ?? 0) < sentLast)
    const missing = short.reduce((sum, { sentLast, scls }) => sum + sentLast - (scls[node] ?? 0), 0)
    if (missing <= NEAR_BYTES) link.accepting = true
    if (short.length === 0) {
      link.mode = 'live'
      return true
    }
    let moved = false
    for (const position of short) {
      if (await fillSegment(around, node, position)) moved = true
    }
    if (!moved) await pause(around.clock)
  }
  return link.mode === 'live'
}

/** One round of a segment; true if its SCL moved. */
export async function fillSegment(
  around: CatchUpSurroundings,
  node: number,
  position: LogPosition,
): Promise<boolean> {
  const link = around.links[node]
  const after = position.scls[node] ?? (0 as Lsn)
  const peer = bestPeer(around, node, position, after)
  if (link === undefined || peer === undefined) return false
  try {
    const { timeline } = position
    const fetch = { kind: 'fetch-log', timeline, after, sizeMax: FETCH_SIZE_BYTES } as const
    const log = await peer.request(fetch, REQUEST_TIMEOUT_MS)
    if (log.kind !== 'log' || log.batches.length === 0) return false
    const answer = await link.request({ kind: 'append', batches: log.batches }, REQUEST_TIMEOUT_MS)
    if (answer.kind !== 'appended') return false
    for (const { timeline: each, scl } of answer.segments) around.acknowledged(node, each, scl)
    return (position.scls[node] ?? 0) > after
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    if (error.kind === 'disk-full') link.fail(error)
    return false
  }
}

function bestPeer(
  around: CatchUpSurroundings,
  node: number,
  position: LogPosition,
  above: Lsn,
): NodeLink | undefined {
  let best: NodeLink | undefined
  let bestScl = above
  for (const [index, link] of around.links.entries()) {
    const scl = position.scls[index] ?? (0 as Lsn)
    if (index === node || link.mode === 'failed' || link.mode === 'joining' || scl <= bestScl) continue
    best = link
    bestScl = scl
  }
  return best
}

function pause(clock: Clock): Promise<void> {
  return new Promise((resolve) => void clock.after(PAUSE_MS, resolve))
}
