// Several storage nodes in the test's own thread, on a network without faults and a clock that the test moves: for what
// nodes do among themselves. Messages are copied, as they would be between processes.

import { must } from '../../base/assert.ts'
import type { Clock } from '../../base/env.ts'
import {
  asEpoch,
  type Epoch,
  FIRST_GROUP,
  type GroupNo,
  type Lsn,
  type PageNo,
  type TimelineId,
} from '../../base/ids.ts'
import { SeededPrng } from '../../base/testing/test-env.ts'
import type { Configuration, Member, SegmentKind } from '../../message/configuration.ts'
import type { NodeMessage, TimelineBirth, VolumeMessage } from '../../message/message.ts'
import { applyFakeRecord } from '../../message/testing/fake-log.ts'
import type { Peers, Transport } from '../../message/transport.ts'
import type { CollectorLimits } from '../collector.ts'
import { NodeLife } from '../node-life.ts'
import type { ScrubberPace } from '../scrubber.ts'
import type { StorageNode } from '../storage-node.ts'
import type { StoreHome } from './node-bench.ts'

/** A clock that stands still until the test moves it. */
export class HandClock implements Clock {
  nowMs = 0
  #order = 0
  #timers: { at: number; order: number; callback: () => void }[] = []
  wallMicros = (): number => this.nowMs * 1000 + 1
  monotonicMs = (): number => this.nowMs
  soon = (callback: () => void): void => void this.after(0, callback)

  after(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.nowMs + delayMs, order: this.#order++, callback }
    this.#timers.push(timer)
    return () => void (this.#timers = this.#timers.filter((each) => each !== timer))
  }

  /** Lets time pass until `done`; false if it was not within `ms`. */
  run(ms: number, done: () => boolean = () => false): boolean {
    const until = this.nowMs + ms
    while (!done()) {
      const next = [...this.#timers].sort((a, b) => a.at - b.at || a.order - b.order)[0]
      if (next === undefined || next.at > until) {
        this.nowMs = until
        return done()
      }
      this.#timers = this.#timers.filter((each) => each !== next)
      this.nowMs = Math.max(this.nowMs, next.at)
      next.callback()
    }
    return true
  }
}

/** Fields of a request that matter to a test. */
type Request = VolumeMessage extends infer M
  ? M extends VolumeMessage
    ? Omit<M, 'id' | 'volumeEpoch' | 'membershipEpoch'>
    : never
  : never

const SEGMENT_PAGES = 8

export interface NodeNetOptions {
  readonly kinds?: readonly SegmentKind[] | undefined
  readonly groups?: number | undefined
  readonly collecting?: CollectorLimits | undefined
  readonly scrubbing?: ScrubberPace | undefined
}

export class NodeNet {
  readonly clock: HandClock = new HandClock()
  readonly homes: readonly StoreHome[]
  readonly kinds: readonly SegmentKind[]
  /** What was asked by peers, by kind. */
  readonly asked: Map<VolumeMessage['kind'], number> = new Map()
  epoch: Epoch = asEpoch(1)
  configuration: Configuration
  readonly #lives: (NodeLife | undefined)[]
  readonly #options: NodeNetOptions

  /** All nodes up, fenced and configured. */
  constructor(homes: readonly StoreHome[], options: NodeNetOptions = {}) {
    this.homes = homes
    this.#options = options
    this.kinds = options.kinds ?? homes.map(() => 'full' as const)
    this.#lives = homes.map(() => undefined)
    this.configuration = this.#configure(options.groups ?? 1)
    homes.forEach((_, index) => this.start(index))
    homes.forEach((_, index) => this.join(index))
  }

  #configure(groupCount: number): Configuration {
    const slots = this.homes.map((_, index) => ({ member: this.#member(index), candidate: undefined }))
    const groups = Array.from({ length: groupCount }, (_, group) => ({ group: group as GroupNo, slots }))
    const nodeCount = this.homes.length
    return {
      clusterId: 'net',
      membershipEpoch: asEpoch(1),
      geometryEpoch: asEpoch(1),
      segmentSizeBytes: SEGMENT_PAGES * 8192,
      quorum: {
        nodeCount,
        writeCount: Math.ceil((nodeCount * 2) / 3),
        readCount: Math.ceil(nodeCount / 2),
        fullWriteCount: 0,
      },
      zonesAway: [],
      groups,
      spares: [],
    }
  }

  #member(index: number): Member {
    return {
      node: index + 1,
      zone: `az${index % 3}`,
      address: `host:${index}`,
      kind: this.kinds[index] ?? 'full',
    }
  }

  start(index: number): void {
    const peers = this.#peersOf()
    this.#lives[index] = new NodeLife({
      store: must(this.homes[index]).open(),
      apply: applyFakeRecord,
      number: index + 1,
      clock: this.clock,
      prng: new SeededPrng(index + 1),
      peers,
      collecting: this.#options.collecting,
      scrubbing: this.#options.scrubbing,
    })
  }

  /** As a crash: memory is gone, the store stays. */
  stop(index: number): void {
    this.#lives[index]?.stop()
    this.#lives[index]?.node.store.close()
    this.#lives[index] = undefined
  }

  /** As a writer brings a node into its epoch. */
  join(index: number): void {
    this.call(index, { kind: 'fence', clusterId: 'net', writer: `w${this.epoch}` })
    const membershipEpoch = asEpoch(this.epoch * 1000)
    this.configuration = { ...this.configuration, membershipEpoch }
    this.call(index, { kind: 'configure', configuration: this.configuration })
  }

  node(index: number): StorageNode {
    return must(this.#lives[index]).node
  }

  life(index: number): NodeLife {
    return must(this.#lives[index])
  }

  /** A way from one node to another, the same at every call. */
  #peersOf(): Peers {
    const open = new Map<number, Transport>()
    return {
      reach: (node) => {
        const transport = open.get(node) ?? this.#transport(node - 1)
        open.set(node, transport)
        return transport
      },
    }
  }

  #transport(to: number): Transport {
    let receive: (message: NodeMessage) => void = () => undefined
    return {
      send: (message) => {
        this.asked.set(message.kind, (this.asked.get(message.kind) ?? 0) + 1)
        const copy = structuredClone(message)
        this.clock.after(1, () => {
          this.#lives[to]?.handle(copy, (answer) => {
            const back = structuredClone(answer)
            this.clock.after(1, () => receive(back))
          })
        })
      },
      onMessage: (receiver) => void (receive = receiver),
      onClose: () => undefined,
      close: async () => undefined,
    }
  }

  call(index: number, request: Request): NodeMessage {
    const { epoch: volumeEpoch } = this
    const { membershipEpoch } = this.configuration
    const answers: NodeMessage[] = []
    const message = { ...request, id: 1, volumeEpoch, membershipEpoch } as VolumeMessage
    this.life(index).handle(message, (answer) => answers.push(answer))
    return must(answers[0])
  }

  /** Asks those of `indexes` that are up; each must do it. */
  tell(indexes: readonly number[], request: Request): void {
    for (const index of indexes) {
      if (this.#lives[index] === undefined) continue
      const answer = this.call(index, request)
      if (answer.kind === 'failed') throw new Error(JSON.stringify(answer))
    }
  }

  create(indexes: readonly number[], timeline: number, parent?: { timeline: number; lsn: number }): void {
    const birth = { id: timeline, parent, createdMicros: 5 } as unknown as TimelineBirth
    this.tell(indexes, { kind: 'create-timelines', births: [birth] })
  }

  scl(index: number, timeline: number, group: number = FIRST_GROUP): number {
    return (
      this.node(index)
        .timelines.get(timeline as TimelineId)
        ?.peek(group as GroupNo)?.scl ?? -1
    )
  }

  /** Raises a timeline's floor on all nodes. */
  floor(indexes: readonly number[], timeline: number, lsn: number): void {
    const floors = [{ timeline: timeline as TimelineId, lsn: lsn as Lsn }]
    this.tell(indexes, { kind: 'read-floors', floors, ended: [] })
  }

  read(index: number, timeline: number, page: number, lsn: number): Buffer {
    const read = { kind: 'read-page', timeline: timeline as TimelineId } as const
    const answer = this.call(index, { ...read, page: page as PageNo, lsn: lsn as Lsn })
    if (answer.kind !== 'page') throw new Error(JSON.stringify(answer))
    return Buffer.from(answer.image)
  }
}
