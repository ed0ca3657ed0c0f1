// What a node says about itself: where its segments stand, what its timelines take, and figures for operators.

import { FIRST_GROUP, type GroupNo, type TimelineId } from '../base/ids.ts'
import {
  type NodeState,
  type NodeStatistics,
  PROTOCOL_VERSION,
  type SegmentState,
  type TimelineSize,
  type TimelineState,
} from '../message/message.ts'
import { birthAt, birthCount, bornState, NO_BIRTHS } from '../message/packed-births.ts'
import type { Segment } from './segment.ts'
import type { StorageNode } from './storage-node.ts'

/** Bytes that a record takes in the log of a busy database, about. */
const RECORD_SIZE_BYTES = 120

/** Counted since the node started. */
export class NodeFigures {
  batchesGossiped = 0
  bytesGossiped = 0
  batchesCollected = 0
  imagesCollected = 0
  imagesRepaired = 0
  batchesRepaired = 0
  lastScrubMicros = 0
}

export function stateOf(node: StorageNode): NodeState {
  const timelines: TimelineState[] = []
  const segments: SegmentState[] = []
  const { membership } = node
  const keepsFirst = membership.keeps(FIRST_GROUP)
  let born = node.timelines.untouched()
  if (!keepsFirst) {
    // They are born in the first group, of which this node has nothing.
    for (let index = 0; index < birthCount(born); index++) timelines.push(bornState(birthAt(born, index)))
    born = NO_BIRTHS
  }
  for (const timeline of node.timelines.touched()) {
    timelines.push(timeline.state())
    if (keepsFirst) segments.push(timeline.firstState())
    for (const segment of timeline.segments)
      if (segment.group !== FIRST_GROUP && membership.keeps(segment.group)) segments.push(segment.state())
  }
  const { clusterId, volumeEpoch } = node.store.identity()
  return {
    protocol: PROTOCOL_VERSION,
    clusterId,
    volumeEpoch,
    membershipEpoch: node.membershipEpoch,
    configuration: membership.configuration,
    born,
    timelines,
    dead: node.timelines.dead.ranges,
    segments,
    damage: node.damage(),
  }
}

export function statisticsOf(node: StorageNode): NodeStatistics {
  const { figures, reader } = node
  const { batches, diskBytes, images, longChains, fsyncs } = node.store.statistics()
  let gaps = 0
  for (const segment of node.intake.gaps) gaps += segment.gapCount
  return {
    batches,
    diskBytes,
    images,
    gaps,
    longChains,
    pagesRead: reader.pagesRead,
    recordsApplied: reader.recordsApplied,
    batchesRead: reader.batchesRead,
    batchesGossiped: figures.batchesGossiped,
    bytesGossiped: figures.bytesGossiped,
    batchesCollected: figures.batchesCollected,
    imagesCollected: figures.imagesCollected,
    imagesRepaired: figures.imagesRepaired + reader.imagesRebuilt,
    lastScrubMicros: figures.lastScrubMicros,
    fsyncs,
    groups: groupsOf(node),
  }
}

type GroupFigures = {
  -readonly [K in keyof NodeStatistics['groups'][number]]: NodeStatistics['groups'][number][K]
}

function groupsOf(node: StorageNode): readonly GroupFigures[] {
  const { membership, store } = node
  const groups = new Map<GroupNo, GroupFigures>()
  for (const group of membership.groups()) {
    const kind = membership.kindOf(group)
    groups.set(group, { group, kind, timelines: 0, pages: 0, bytes: 0, gaps: 0, scl: 0 as Segment['scl'] })
  }
  for (const segment of node.timelines.segments()) {
    const figures = groups.get(segment.group)
    if (figures === undefined) continue
    const { logBytes, imageBytes, pages } = store.size(segment)
    figures.timelines++
    figures.pages += pages
    figures.bytes += logBytes + imageBytes
    figures.gaps += segment.gapCount
    if (segment.scl > figures.scl) figures.scl = segment.scl
  }
  return [...groups.values()]
}

/** What timelines take here. Those that are not known take nothing. */
export function sizesOf(node: StorageNode, timelines: readonly TimelineId[]): readonly TimelineSize[] {
  return timelines.flatMap((id) => {
    const segments = node.timelines.peek(id)?.segments ?? []
    if (segments.length === 0) return []
    let logBytes = 0
    let imageBytes = 0
    let historyBytes = 0
    for (const segment of segments) {
      const size = node.store.size(segment)
      logBytes += size.logBytes
      imageBytes += size.imageBytes
      historyBytes += historyOf(node, segment)
    }
    return [{ timeline: id, logBytes, imageBytes, historyBytes }]
  })
}

/**
 * Bytes that reading the present does not need: all images but the newest of each page, and the log below them. Computed
 * from counts, as if images were equally long and records too. Without images pages are made from the whole log.
 */
function historyOf(node: StorageNode, segment: Segment): number {
  const { batches, logBytes, images, imageBytes, pages } = node.store.size(segment)
  if (images === 0) return 0
  const past = imageBytes * (1 - pages / images)
  if (batches === 0) return Math.round(past)
  let needed = node.store.recordsSinceImages(segment)
  for (const { count } of segment.active?.values() ?? []) needed += count
  for (const { count } of segment.frozen?.values() ?? []) needed += count
  return Math.round(past + Math.max(logBytes - needed * RECORD_SIZE_BYTES, 0))
}
