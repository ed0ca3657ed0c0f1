// A segment that keeps log only drops what all full segments of its group have collected: they have images of what anyone
// reads there, and none of them will ever ask for that log again.

import type { Lsn } from '../base/ids.ts'
import type { SegmentKey } from '../message/message.ts'
import type { CollectorJob } from './collector.ts'
import type { PeerPosition } from './gossip.ts'
import type { Segment } from './segment.ts'
import type { StorageNode } from './storage-node.ts'
import type { Timeline } from './timeline.ts'

const DROPPED_AT_ONCE_BYTES = 1024 * 1024

export interface PeersOfSegment {
  /** What peers told of a segment. */
  positionsOf(segment: SegmentKey): readonly PeerPosition[]
}

export class LogTrimmer implements CollectorJob {
  readonly timeline: Timeline
  readonly #node: StorageNode
  readonly #segment: Segment
  readonly #peers: PeersOfSegment

  constructor(node: StorageNode, segment: Segment, peers: PeersOfSegment) {
    this.#node = node
    this.#segment = segment
    this.timeline = segment.owner
    this.#peers = peers
  }

  work(): boolean {
    const segment = this.#segment
    const after = Math.min(this.#collectedByAll(), segment.scl) as Lsn
    if (after > segment.start.after) {
      segment.start = { birth: segment.start.birth, after, commits: this.#node.commits.kept(segment, after) }
      this.#node.store.startLog(segment, segment.start, undefined)
      this.#node.timelines.noteSegment(segment)
    }
    const dropped = this.#node.store.dropLog(segment, -1 as Lsn, segment.start.after, DROPPED_AT_ONCE_BYTES)
    this.#node.figures.batchesCollected += dropped
    return dropped > 0
  }

  /** Up to where every full peer has collected; nothing when one was not heard of. */
  #collectedByAll(): number {
    const { group } = this.#segment
    const full = this.#node.membership.peersOf(group).filter(({ kind }) => kind === 'full')
    const positions = this.#peers.positionsOf(this.#segment)
    const collected = full.map(
      ({ node }) => positions.find(({ peer }) => peer.node === node)?.state.logAfter ?? 0,
    )
    return full.length === 0 ? 0 : Math.min(...collected)
  }
}
