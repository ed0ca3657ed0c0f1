// A storage node on its own disk, as its host runs it: a worker thread of the server or a process of its own. One life of
// the node after the other, when a crash is injected; otherwise one.
//
//   host ──message──▶ handle ─▶ Faults ─▶ NodeLife (node, background, gossip) ─▶ SqliteSegmentStore

import type { LocalNode, ReadRequest } from '../archive/segment-reader.ts'
import { must } from '../base/assert.ts'
import type { Clock, Prng } from '../base/env.ts'
import { StorageError } from '../base/errors.ts'
import type { NodeMessage, VolumeMessage } from '../message/message.ts'
import type { Peers, Reply } from '../message/transport.ts'
import { applyRecord } from '../page/apply.ts'
import { Faults } from './faults.ts'
import type { HotFile } from './hot-log.ts'
import { NodeLife } from './node-life.ts'
import { SqliteSegmentStore } from './sqlite-segment-store.ts'

export interface HostedNodeOptions {
  /** The node's SQLite file; its folder is there. */
  readonly path: string
  readonly node: number
  readonly clock: Clock
  readonly prng: Prng
  readonly peers: Peers
  /** Where its hot log lies, if not beside the SQLite file. */
  readonly hotRegion?: HotFile | undefined
  /** Ends the process at once, for a crash that is injected; without it the node throws its memory away and begins anew. */
  readonly crash?: (() => void) | undefined
}

export class HostedNode {
  readonly #options: HostedNodeOptions
  readonly #faults: Faults
  #life: NodeLife
  #isStopped = false

  /** Opens the store. Throws StorageError. */
  constructor(options: HostedNodeOptions) {
    this.#options = options
    this.#faults = new Faults(options.clock, options.prng)
    this.#life = this.#begin()
  }

  #begin(): NodeLife {
    const { path, node: number, clock, prng, peers, hotRegion } = this.#options
    const store = new SqliteSegmentStore(path, { hotRegion })
    return new NodeLife({ store, apply: applyRecord, number, clock, prng, peers })
  }

  /** Empty until the node joined a cluster. */
  get clusterId(): string {
    return this.#life.node.store.identity().clusterId
  }

  /** The node at hand, for its archiver. */
  get local(): LocalNode {
    return { node: this.#options.node, ask: (request) => this.#ask(request) }
  }

  #ask(request: ReadRequest): NodeMessage {
    if (this.#isStopped) throw new StorageError('io', `node ${this.#options.node} has stopped`)
    const { node } = this.#life
    const { volumeEpoch } = node.store.identity()
    const message = { ...request, id: 0, volumeEpoch, membershipEpoch: node.membershipEpoch } as VolumeMessage
    let answer: NodeMessage | undefined
    node.handle(message, (given) => void (answer = given))
    return must(answer, 'a node answers at once')
  }

  handle(message: VolumeMessage, reply: Reply): void {
    if (message.kind === 'inject') {
      this.#life.handle(message, reply)
      if (message.fault.kind === 'crash') this.#crash()
      else this.#faults.inject(message.fault)
      return
    }
    const failure = this.#faults.meet(message, (due) => this.#life.handle(due, reply))
    if (failure !== undefined) reply(failure)
  }

  /** What was written may not be on disk: as after any failed write, the node takes no others until it begins anew. */
  failWrites(error: StorageError): void {
    this.#life.node.fail(error)
  }

  #crash(): void {
    const { crash } = this.#options
    if (crash !== undefined) return crash()
    this.#life.stop()
    this.#life.node.store.close()
    this.#life = this.#begin()
  }

  /** Lets go of the disk without further work. */
  stop(): void {
    this.#isStopped = true
    this.#life.stop()
    this.#life.node.store.close()
  }

  /** Finishes what makes the next opening quick and lets go of the disk. */
  shutDown(): void {
    this.#life.settle()
    this.#life.node.store.close()
  }
}
