// Storage nodes, a network that misbehaves and a clock, all under one seed and in the test's own thread.
//
// Time jumps from event to event. A message is copied when it is sent, then lost, doubled or delayed at random, which
// also reorders. A node that is down loses what reaches it; its store survives. A writer that is replaced is not told:
// what it sent goes on arriving, as it would on a network.
//
// For stories that a test tells step by step, with any number of nodes, whose background work stands still: only then does
// a test know who has what. ../simulation draws whole histories instead.

import { must } from '../../storage/base/assert.ts'
import type { Clock, Prng } from '../../storage/base/env.ts'
import { SeededPrng } from '../../storage/base/testing/test-env.ts'
import { asEpoch } from '../../storage/base/ids.ts'
import { PAGE_SIZE_BYTES } from '../../storage/base/limits.ts'
import type { Member } from '../../storage/message/configuration.ts'
import type { NodeMessage, NodeState, VolumeMessage } from '../../storage/message/message.ts'
import { applyFakeRecord } from '../../storage/message/testing/fake-log.ts'
import { unpackedState } from '../../storage/message/testing/unpacked-state.ts'
import type { Transport } from '../../storage/message/transport.ts'
import { openVolume } from '../../storage/volume/quorum-volume.ts'
import type { Quorum } from '../../storage/volume/quorum.ts'
import type { Volume } from '../../storage/volume/volume.ts'
import type { Deflate, VolumeOptions } from '../../storage/volume/volume-options.ts'

/** What the cluster needs of a storage node. */
export interface SimNode {
  handle(message: VolumeMessage, reply: (answer: NodeMessage) => void): void
}

/** Opens the node with this index on its store: at the beginning and after each crash. */
export type OpenNode = (node: number, apply: typeof applyFakeRecord) => SimNode

interface SimEvent {
  readonly at: number
  readonly order: number
  readonly callback: () => void
}

export class SimClock implements Clock {
  nowMs = 1_000_000
  #events: SimEvent[] = []
  #order = 0

  wallMicros(): number {
    return Math.round(this.nowMs * 1000)
  }

  monotonicMs(): number {
    return this.nowMs
  }

  after(delayMs: number, callback: () => void): () => void {
    const event = { at: this.nowMs + Math.max(delayMs, 0), order: this.#order++, callback }
    this.#events.push(event)
    return () => {
      this.#events = this.#events.filter((each) => each !== event)
    }
  }

  soon(callback: () => void): void {
    this.after(0, callback)
  }

  /** Lets events happen until `done` says so; false if it did not within `ms`. */
  async run(ms: number, done: () => boolean = () => false): Promise<boolean> {
    const until = this.nowMs + ms
    for (;;) {
      // Promises that are ready go first, as they do in a real event loop.
      await new Promise((resolve) => setImmediate(resolve))
      if (done()) return true
      let next: SimEvent | undefined
      for (const event of this.#events) {
        if (next === undefined || event.at < next.at || (event.at === next.at && event.order < next.order))
          next = event
      }
      if (next === undefined || next.at > until) {
        this.nowMs = until
        return done()
      }
      this.#events = this.#events.filter((each) => each !== next)
      this.nowMs = next.at
      next.callback()
    }
  }
}

export interface Faults {
  /** Shares of messages, 0 to 1. */
  lost: number
  doubled: number
  /** A message takes up to this long, ms. */
  delayMs: number
}

export class SimCluster {
  readonly clock: SimClock = new SimClock()
  readonly prng: Prng
  readonly faults: Faults = { lost: 0, doubled: 0, delayMs: 1 }
  readonly quorum: Quorum
  /** Pages of a protection group, for a volume that is opened the first time. */
  pagesPerGroup = 1_000_000
  gossipEveryMs = 40
  /** What else the volume is opened with. */
  settings: Partial<VolumeOptions> = {}
  /** Nodes that hold log only, by index. */
  readonly tails: Set<number> = new Set()
  readonly #openNode: OpenNode
  readonly #nodes: (SimNode | undefined)[] = []
  /** Breaks a connection, for each that was made. */
  #breaks: (() => void)[] = []

  constructor(seed: number, quorum: Quorum, openNode: OpenNode) {
    this.prng = new SeededPrng(seed)
    this.quorum = quorum
    this.#openNode = openNode
    for (let node = 0; node < quorum.nodeCount; node++) this.restart(node)
    this.#gossipLater()
  }

  // --- gossip: what the nodes' own would do, in the fewest words

  #gossipLater(): void {
    this.clock.after(this.gossipEveryMs, () => {
      for (const [node, taker] of this.#nodes.entries()) {
        const peer = this.#nodes[this.draw(this.#nodes.length)]
        if (taker !== undefined && peer !== undefined && peer !== taker) this.#fill(taker, peer, node)
      }
      this.#gossipLater()
    })
  }

  /** Takes from a peer of the same epoch what the node misses. */
  #fill(taker: SimNode, peer: SimNode, node: number): void {
    const own = stateOf(taker)
    const theirs = stateOf(peer)
    if (own.volumeEpoch !== theirs.volumeEpoch || own.configuration === undefined) return
    const { volumeEpoch, membershipEpoch } = own
    const held = new Map(own.segments.map((each) => [`${each.timeline}/${each.group}`, each.scl]))
    for (const { timeline, group, scl } of theirs.segments) {
      const after = held.get(`${timeline}/${group}`)
      if (after === undefined || after >= scl) continue
      const base = { id: node, volumeEpoch, membershipEpoch }
      const fetch = { ...base, kind: 'fetch-log', timeline, group, after, sizeMax: 100_000 } as const
      const log = answerOf(peer, fetch)
      if (log.kind === 'log' && log.batches.length > 0) {
        answerOf(taker, { ...base, kind: 'append', batches: log.batches })
      }
    }
  }

  draw(below: number): number {
    return Math.floor(this.prng.next() * below)
  }

  isUp(node: number): boolean {
    return this.#nodes[node] !== undefined
  }

  stop(node: number): void {
    this.#nodes[node] = undefined
  }

  /** All connections of all writers break at once, with what is under way in them. */
  cut(): void {
    for (const breakOne of this.#breaks.splice(0)) breakOne()
  }

  restart(node: number): void {
    this.#nodes[node] = this.#openNode(node, applyFakeRecord)
  }

  /** A node, by index, as a member of the volume. */
  member(node: number): Member {
    const kind = this.tails.has(node) ? 'tail' : 'full'
    return { node: node + 1, zone: `az${(node % 3) + 1}`, address: undefined, kind }
  }

  /** Opens a volume; resolves with it, or rejects as it does. */
  async open(deflate?: Deflate): Promise<Volume> {
    const nodes = Array.from({ length: this.quorum.nodeCount }, (_, node) => this.member(node))
    const { quorum, clock, prng } = this
    const opening = openVolume({
      nodes,
      reach: ({ node }) => this.#transport(node - 1),
      quorum,
      clock,
      prng,
      newClusterId: 'sim',
      segmentSizeBytes: this.pagesPerGroup * PAGE_SIZE_BYTES,
      deflate,
      resendAfterMs: 100,
      ...this.settings,
    })
    let settled = false
    const settle = (): void => void (settled = true)
    opening.then(settle, settle)
    await clock.run(60_000, () => settled)
    return opening
  }

  /** Runs the clock until the promise is settled. */
  async settle<T>(promise: Promise<T>, ms = 60_000): Promise<T> {
    let settled = false
    const settle = (): void => void (settled = true)
    promise.then(settle, settle)
    if (!(await this.clock.run(ms, () => settled))) throw new Error(`not settled within ${ms} ms`)
    return promise
  }

  #transport(node: number): Transport {
    let receive: (message: NodeMessage) => void = () => undefined
    let lost: (reason: Error) => void = () => undefined
    let isOpen = true
    this.#breaks.push(() => {
      if (!isOpen) return
      isOpen = false
      lost(new Error('connection reset by peer'))
    })
    const answer = (message: NodeMessage): void => {
      const copy = structuredClone(message)
      this.#travel(() => {
        if (isOpen) receive(copy)
      })
    }
    return {
      send: (message) => {
        const copy = structuredClone(message)
        this.#travel(() => {
          if (isOpen) this.#nodes[node]?.handle(copy, answer)
        })
      },
      onMessage: (receiver) => void (receive = receiver),
      onClose: (receiver) => void (lost = receiver),
      close: async () => void (isOpen = false),
    }
  }

  #travel(deliver: () => void): void {
    const { lost, doubled, delayMs } = this.faults
    const copies = this.prng.next() < lost ? 0 : this.prng.next() < doubled ? 2 : 1
    for (let copy = 0; copy < copies; copy++) {
      const slow = this.prng.next() < 0.05 ? 20 : 1
      this.clock.after(this.prng.next() * delayMs * slow, deliver)
    }
  }

  /** Index of a node that is up, drawn. */
  drawUp(): number {
    const up = this.#nodes.flatMap((node, index) => (node === undefined ? [] : [index]))
    return must(up[this.draw(up.length)])
  }
}

function answerOf(node: SimNode, message: VolumeMessage): NodeMessage {
  let answer: NodeMessage | undefined
  node.handle(message, (each) => (answer = each))
  return must(answer, 'a node answers at once')
}

function stateOf(node: SimNode): NodeState {
  const epoch = asEpoch(0)
  const answer = answerOf(node, { kind: 'query', id: 0, volumeEpoch: epoch, membershipEpoch: epoch })
  if (answer.kind !== 'state') throw new Error(`a query was answered with ${answer.kind}`)
  return unpackedState(answer.state)
}
