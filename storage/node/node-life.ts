// One life of a storage node: from the opening of its store to the end of its process, or to a crash. Joins the node, its
// background work and its gossip; whoever hosts it brings the store, messages, a clock, chance and the way to the peers.
//
//   host ──message──▶ handle ─▶ StorageNode ─▶ SegmentStore
//                        └─touch─▶ Background (checkpoints, coalescing, collection, scrubbing), Gossip

import type { SegmentKey, VolumeMessage } from '../message/message.ts'
import type { Reply } from '../message/transport.ts'
import { Background } from './background.ts'
import { Collector, type CollectorLimits } from './collector.ts'
import { Gossip, type PeerSurroundings } from './gossip.ts'
import type { ApplyRecord } from './page-reader.ts'
import { Repairer } from './repairer.ts'
import { Scrubber, type ScrubberPace } from './scrubber.ts'
import type { SegmentStore } from './segment-store.ts'
import { StorageNode } from './storage-node.ts'

export interface NodeLifeOptions extends PeerSurroundings {
  readonly store: SegmentStore
  /** ../page/apply.ts, but for tests. */
  readonly apply: ApplyRecord
  /** The number under which the volume's configuration knows the node. */
  readonly number: number
  /** How fast to scrub, and when to collect, if not as usual. */
  readonly scrubbing?: ScrubberPace | undefined
  readonly collecting?: CollectorLimits | undefined
}

export class NodeLife {
  readonly node: StorageNode
  readonly background: Background
  readonly gossip: Gossip

  /** Throws StorageError. */
  constructor(options: NodeLifeOptions) {
    const { store, apply, number, clock } = options
    this.node = new StorageNode(store, apply, { number, life: clock.wallMicros() })
    this.gossip = new Gossip(this.node, options)
    const around = {
      clock,
      wasHeardSince: (node: number, ms: number) => this.gossip.wasHeardSince(node, ms),
      positionsOf: (segment: SegmentKey) => this.gossip.positionsOf(segment),
    }
    const collector = new Collector(this.node, around, options.collecting)
    const scrubber = new Scrubber(
      this.node,
      new Repairer(this.node, this.gossip, clock),
      clock,
      options.scrubbing,
    )
    this.background = new Background(this.node, clock, [collector, scrubber])
    this.background.touch()
  }

  handle(message: VolumeMessage, reply: Reply): void {
    this.node.handle(message, reply)
    // What peers ask is background work of theirs, and answering it should not keep ours from being done.
    if (message.kind === 'gossip') return
    this.background.touch()
    if (message.kind === 'append' || message.kind === 'configure') this.gossip.touch()
  }

  /** Finishes what makes the next opening quick, and stops. */
  settle(): void {
    this.background.settle()
    this.stop()
  }

  /** As in a crash: nothing is done any more. */
  stop(): void {
    this.background.stop()
    this.gossip.stop()
  }
}
