// A storage node as its host runs it, whatever that is: a worker thread of the server or a process of its own. Joins the
// store on disk, the node and its background work; the host brings messages, a clock and the way to the peers.
//
//   host ──message──▶ handle ─▶ StorageNode ─▶ SqliteSegmentStore
//                        └─touch─▶ Background (gossip, coalescing, collection, scrubbing)

import type { Clock, Prng } from '../base/env.ts'
import type { VolumeMessage } from '../message/message.ts'
import type { Peers, Reply } from '../message/transport.ts'
import { applyRecord } from '../page/apply.ts'
import { Background } from './background.ts'
import { SqliteSegmentStore } from './sqlite-segment-store.ts'
import { StorageNode } from './storage-node.ts'

export interface HostedNodeOptions {
  /** The node's SQLite file; its folder is there. */
  readonly path: string
  readonly node: number
  readonly clock: Clock
  readonly prng: Prng
  readonly peers: Peers
}

export class HostedNode {
  readonly #node: StorageNode
  readonly #background: Background

  /** Opens the store. Throws StorageError. */
  constructor(options: HostedNodeOptions) {
    this.#node = new StorageNode(new SqliteSegmentStore(options.path), applyRecord)
    this.#background = new Background(this.#node, options.clock)
    this.#background.touch()
  }

  /** Empty until the node joined a cluster. */
  get clusterId(): string {
    return this.#node.store.identity().clusterId
  }

  handle(message: VolumeMessage, reply: Reply): void {
    this.#node.handle(message, reply)
    this.#background.touch()
  }

  /** Finishes what makes the next opening quick and lets go of the disk. */
  shutDown(): void {
    this.#background.settle()
    this.#background.stop()
    this.#node.store.close()
  }
}
