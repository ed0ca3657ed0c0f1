// A network that loses, doubles, delays and so reorders messages, and falls apart. Between any two processes, the same
// for writer and nodes and for nodes among themselves.
//
//   send ─▶ copy the bytes ─▶ cut off? lost? doubled? ─▶ after a drawn delay: the receiver, if it is up then
//
// A connection may break when the process at its other end dies (as TCP does), or nobody tells (as when a host loses
// power); which of the two is part of the weather.

import { must } from '../../storage/base/assert.ts'
import type { NodeMessage, VolumeMessage } from '../../storage/message/message.ts'
import type { Peers, Reply, Transport } from '../../storage/message/transport.ts'
import type { Chance } from './chance.ts'
import type { Coverage } from './coverage.ts'
import type { Life, Scheduler } from './scheduler.ts'

/** How bad the network is. Shares are 0 to 1. */
export interface Weather {
  lost: number
  doubled: number
  /** Mean time on the way, ms. */
  delayMs: number
  /** Share of messages that take twenty times as long. */
  late: number
  /** Share of dying processes whose peers hear of it. */
  resets: number
}

export const FAIR: Weather = { lost: 0, doubled: 0, delayMs: 0.5, late: 0, resets: 1 }

const LATE_FACTOR = 20

/** Who sends and receives: the number of a node, or of a writer from FIRST_WRITER on. */
export type Address = number
export const FIRST_WRITER: Address = 1000

/** Cuts some processes off from all others. */
export interface Partition {
  readonly inside: ReadonlySet<Address>
  /** `in`: they hear nothing; `out`: nobody hears them. */
  readonly direction: 'both' | 'in' | 'out'
}

/** A process that answers requests. */
export interface Server {
  readonly address: Address
  readonly isUp: boolean
  /** How often it was started: a connection to an earlier life of it is broken. */
  readonly startCount: number
  receive(message: VolumeMessage, reply: Reply): void
}

/** Runs what a process does, and sees to it when the process dies of it. */
export type Guard = (work: () => void) => void

const UNGUARDED: Guard = (work) => work()

export class Network {
  weather: Weather = FAIR
  readonly partitions: Set<Partition> = new Set()
  /** Messages under way now, by receiver, and the most there ever were: what bounded queues look like from outside. */
  readonly underWay: Map<Address, number> = new Map()
  sentCount = 0
  readonly #scheduler: Scheduler
  readonly #chance: Chance
  readonly #coverage: Coverage
  readonly #connections = new Map<Address, Set<Connection>>()

  constructor(scheduler: Scheduler, chance: Chance, coverage: Coverage) {
    this.#scheduler = scheduler
    this.#chance = chance
    this.#coverage = coverage
  }

  /** A way from a process to a server. */
  connect(from: Address, life: Life, to: Server, guard: Guard = UNGUARDED): Connection {
    let connections = this.#connections.get(to.address)
    if (connections === undefined) {
      connections = new Set()
      this.#connections.set(to.address, connections)
    }
    const connection = new Connection(this, { address: from, life, guard }, to)
    connections.add(connection)
    if (!to.isUp && this.#chance.happens(this.weather.resets)) this.breakSoon(connection)
    return connection
  }

  /** How a process reaches the servers of a cluster: one connection to each at a time. */
  peersOf(from: Address, life: Life, servers: ReadonlyMap<Address, Server>, guard?: Guard): Peers {
    const connections = new Map<Address, Connection>()
    return {
      reach: (node) => {
        const known = connections.get(node)
        if (known !== undefined && !known.isOver) return known
        const connection = this.connect(from, life, must(servers.get(node), 'a server of that number'), guard)
        connections.set(node, connection)
        return connection
      },
    }
  }

  /** A server died: whoever was connected may hear of it. */
  reset(address: Address): void {
    for (const connection of this.#connections.get(address) ?? []) {
      if (connection.isOver) this.#connections.get(address)?.delete(connection)
      else if (this.#chance.happens(this.weather.resets)) this.breakSoon(connection)
    }
  }

  /** All connections that a process made break, and what is under way in them is lost. */
  cut(from: Address): void {
    for (const connections of this.#connections.values())
      for (const connection of connections)
        if (connection.from === from && !connection.isOver) connection.break()
  }

  /** The end of a connection hears in a moment that the other end is gone. */
  breakSoon(connection: Connection): void {
    this.#scheduler.after(this.#chance.wait(this.weather.delayMs), connection.life, () => connection.break())
  }

  /** Takes a message from one process to another, or loses it. */
  travel(from: Address, to: Address, word: string, life: Life | undefined, deliver: () => void): void {
    this.sentCount++
    const { lost, doubled, delayMs, late } = this.weather
    const chance = this.#chance
    const copies = chance.happens(lost) ? 0 : chance.happens(doubled) ? 2 : 1
    this.#scheduler.note(word, from, to, copies)
    if (copies === 0) return this.#coverage.count('message lost')
    if (this.#isCut(from, to)) return this.#coverage.count('message cut off by a partition')
    if (copies === 2) this.#coverage.count('message doubled')
    for (let copy = 0; copy < copies; copy++) {
      const factor = chance.happens(late) ? LATE_FACTOR : 1
      this.underWay.set(to, (this.underWay.get(to) ?? 0) + 1)
      this.#scheduler.after(chance.wait(delayMs * factor), undefined, () => {
        this.underWay.set(to, (this.underWay.get(to) ?? 0) - 1)
        if (life?.isAlive !== false) deliver()
      })
    }
  }

  #isCut(from: Address, to: Address): boolean {
    for (const { inside, direction } of this.partitions) {
      const goesOut = inside.has(from) && !inside.has(to)
      const goesIn = inside.has(to) && !inside.has(from)
      if ((goesOut && direction !== 'in') || (goesIn && direction !== 'out')) return true
    }
    return false
  }
}

class Connection implements Transport {
  readonly life: Life
  readonly #network: Network
  readonly from: Address
  readonly #guard: Guard
  readonly #to: Server
  #isUp = true
  /** The life of the server that it was made to; 0: none yet. */
  #startCount = 0
  #receive: (message: NodeMessage) => void = () => undefined
  #lost: (reason: Error) => void = () => undefined

  constructor(network: Network, from: { address: Address; life: Life; guard: Guard }, to: Server) {
    this.#network = network
    this.from = from.address
    this.life = from.life
    this.#guard = from.guard
    this.#to = to
  }

  /** Nobody uses it any more. */
  get isOver(): boolean {
    return !this.#isUp || !this.life.isAlive
  }

  send(message: VolumeMessage): void {
    if (this.isOver) return
    const copy = copyOf(message)
    const to = this.#to
    this.#network.travel(this.from, to.address, message.kind, undefined, () => this.#arrive(copy))
  }

  #arrive(message: VolumeMessage): void {
    const to = this.#to
    if (!to.isUp || this.isOver) return
    if (this.#startCount === 0) this.#startCount = to.startCount
    // The server knows nothing of this connection: it says so.
    if (this.#startCount !== to.startCount) return this.#network.breakSoon(this)
    to.receive(message, (answer) => this.#answer(answer))
  }

  #answer(answer: NodeMessage): void {
    const copy = copyOf(answer)
    this.#network.travel(this.#to.address, this.from, answer.kind, this.life, () => {
      if (this.#isUp) this.#guard(() => this.#receive(copy))
    })
  }

  onMessage(receive: (message: NodeMessage) => void): void {
    this.#receive = receive
  }

  onClose(receive: (reason: Error) => void): void {
    this.#lost = receive
  }

  /** The other end is gone, and this end hears of it. */
  break(): void {
    if (!this.#isUp) return
    this.#isUp = false
    this.#guard(() => this.#lost(new Error('connection reset by peer')))
  }

  async close(): Promise<void> {
    this.#isUp = false
  }
}

/** The message with its bytes copied; all else in it never changes. */
export function copyOf<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Uint8Array) return Buffer.from(value) as T
  if (ArrayBuffer.isView(value)) return structuredClone(value)
  if (Array.isArray(value)) return value.map((item: unknown) => copyOf(item)) as T
  const copy: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(value)) copy[key] = copyOf(item)
  return copy as T
}
