// A transport (storage/message/transport.ts) to a storage node in another process: one TCP connection, dialed and greeted
// when the object is made.
//
//   pausing ──▶ dialing ──greeted──▶ open ──▶ closed: lost, silent for too long, or let go
//                  └──────────────────────────▶ closed: nobody there, refused, no greeting in time
//
// Invariants: what is sent before it is open waits; once it is closed, what is sent vanishes and `onClose` is called, once.
// A node that has another number than the one expected is never spoken to. While answers are owed, silence is noticed.

import { randomBytes } from 'node:crypto'

import type { Clock } from '../../storage/base/env.ts'
import { StorageError } from '../../storage/base/errors.ts'
import { decodeAnswer, encodeRequest } from '../../storage/message/codec.ts'
import type { Frame } from '../../storage/message/frame.ts'
import { type Callee, type Caller, CallerGreeting, NONCE_SIZE_BYTES } from '../../storage/message/greeting.ts'
import type { NodeMessage, VolumeMessage } from '../../storage/message/message.ts'
import type { Peers, Transport } from '../../storage/message/transport.ts'
import { type ClusterSecurity, dial } from './cluster-security.ts'
import { FrameSocket } from './frame-socket.ts'
import {
  STORAGE_DIAL_TIMEOUT_MS,
  STORAGE_REDIAL_PAUSE_MS_MAX,
  STORAGE_REDIAL_PAUSE_MS_MIN,
  STORAGE_SILENCE_MS_MAX,
} from '../limits.ts'
import { parseStorageAddress } from '../options/storage-address.ts'

export interface TcpSurroundings {
  readonly security: ClusterSecurity
  /** Who calls, at the time of the call. */
  readonly caller: () => Caller
  readonly clock: Clock
}

/** Where the other side is, and who it must be. */
export interface TcpDestination {
  readonly address: string
  /** The number that the node there must have; undefined where it is what one wants to know. */
  readonly node: number | undefined
  /** Waits before it dials. */
  readonly pauseMs?: number | undefined
}

export class TcpTransport implements Transport {
  readonly #to: TcpDestination
  readonly #around: TcpSurroundings
  #state: 'pausing' | 'dialing' | 'open' | 'closed' = 'pausing'
  #socket: FrameSocket | undefined
  #cancelTimer: (() => void) | undefined
  #endReason: StorageError | undefined
  /** Sent before the connection was open. */
  #early: VolumeMessage[] = []
  /** Requests whose answers have not come. */
  #unanswered = 0
  #heardMs = 0
  #receive: (message: NodeMessage) => void = () => undefined
  #closed: (reason: Error) => void = () => undefined
  readonly #ended: Promise<void>
  #settleEnded: () => void = () => undefined
  readonly #greeted: Promise<Callee>
  #settleGreeted: { resolve(callee: Callee): void; reject(reason: Error): void } | undefined

  constructor(to: TcpDestination, around: TcpSurroundings) {
    this.#to = to
    this.#around = around
    this.#greeted = new Promise((resolve, reject) => {
      this.#settleGreeted = { resolve, reject }
    })
    this.#greeted.catch(() => undefined)
    this.#ended = new Promise((resolve) => {
      this.#settleEnded = resolve
    })
    if (to.pauseMs === undefined) this.#dial()
    else this.#cancelTimer = around.clock.after(to.pauseMs, () => this.#dial())
  }

  /** Who the node is, once it was greeted. Rejects with StorageError. */
  greeted(): Promise<Callee> {
    return this.#greeted
  }

  /** Resolves when it is closed, by whomever. */
  ended(): Promise<void> {
    return this.#ended
  }

  send(message: VolumeMessage): void {
    if (this.#state === 'closed') return
    if (this.#state !== 'open') {
      this.#early.push(message)
      return
    }
    if (this.#unanswered++ === 0) this.#heardMs = this.#around.clock.monotonicMs()
    this.#watch()
    this.#socket?.send(encodeRequest(message))
  }

  onMessage(receive: (message: NodeMessage) => void): void {
    this.#receive = receive
  }

  onClose(receive: (reason: Error) => void): void {
    this.#closed = receive
    const reason = this.#endReason
    if (reason !== undefined) queueMicrotask(() => receive(reason))
  }

  close(): Promise<void> {
    this.#closed = () => undefined
    this.#end(new StorageError('closed', 'the connection is closed'))
    return Promise.resolve()
  }

  #dial(): void {
    const { security, caller, clock } = this.#around
    this.#state = 'dialing'
    const nonce = randomBytes(NONCE_SIZE_BYTES)
    const greeting = new CallerGreeting(caller(), { secret: security.secret, nonce })
    const { host, port } = parseStorageAddress(this.#to.address)
    const connected = (): void => socket.send([greeting.start()])
    const socket = FrameSocket.dialed((into) => dial({ host, port }, { security, into, connected }), {
      frame: (frame) => (this.#state === 'open' ? this.#answer(frame) : this.#greet(greeting, frame)),
      end: (reason) => this.#end(reason),
    })
    this.#socket = socket
    this.#cancelTimer = clock.after(STORAGE_DIAL_TIMEOUT_MS, () =>
      this.#end(new StorageError('io', `no greeting in ${STORAGE_DIAL_TIMEOUT_MS} ms`)),
    )
  }

  #greet(greeting: CallerGreeting, frame: Frame): void {
    const next = greeting.receive(frame)
    if (Buffer.isBuffer(next)) return this.#socket?.send([next])
    const { node = next.node } = this.#to
    if (next.node !== node)
      throw new StorageError('refused', `node ${next.node} listens where node ${node} was expected`)
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    this.#socket?.trust()
    this.#state = 'open'
    this.#settleGreeted?.resolve(next)
    const early = this.#early
    this.#early = []
    for (const message of early) this.send(message)
  }

  #answer(frame: Frame): void {
    this.#unanswered--
    this.#heardMs = this.#around.clock.monotonicMs()
    this.#receive(decodeAnswer(frame))
  }

  /** A host that lost its power sends no word of it. */
  #watch(): void {
    if (this.#cancelTimer !== undefined) return
    const { clock } = this.#around
    const dueMs = this.#heardMs + STORAGE_SILENCE_MS_MAX - clock.monotonicMs()
    this.#cancelTimer = clock.after(Math.max(dueMs, 1), () => {
      this.#cancelTimer = undefined
      if (this.#unanswered <= 0) return
      if (clock.monotonicMs() - this.#heardMs < STORAGE_SILENCE_MS_MAX) return this.#watch()
      this.#end(new StorageError('io', `no answer for ${STORAGE_SILENCE_MS_MAX} ms`))
    })
  }

  #end(reason: StorageError): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#cancelTimer?.()
    this.#early = []
    const error = new StorageError(reason.kind, `${this.#to.address}: ${reason.message}`)
    this.#endReason = error
    this.#socket?.end(reason)
    this.#settleGreeted?.reject(error)
    this.#closed(error)
    this.#settleEnded()
  }
}

interface Way {
  /** Undefined when the last one was closed. */
  transport: TcpTransport | undefined
  pauseMs: number | undefined
}

/** The way of a node to its peers in other processes: one connection each, again and again with growing pauses. */
export class TcpPeers implements Peers {
  readonly #around: TcpSurroundings
  readonly #ways = new Map<string, Way>()

  constructor(around: TcpSurroundings) {
    this.#around = around
  }

  reach(node: number, address: string | undefined): Transport {
    if (address === undefined)
      throw new StorageError('io', `node ${node} is embedded in another process and has no address`)
    const key = `${node} ${address}`
    const way = this.#ways.get(key) ?? { transport: undefined, pauseMs: undefined }
    this.#ways.set(key, way)
    way.transport ??= this.#connect({ node, address, pauseMs: way.pauseMs }, way)
    return way.transport
  }

  #connect(to: TcpDestination, way: Way): TcpTransport {
    const transport = new TcpTransport(to, this.#around)
    way.pauseMs = Math.min((way.pauseMs ?? STORAGE_REDIAL_PAUSE_MS_MIN) * 2, STORAGE_REDIAL_PAUSE_MS_MAX)
    const opened = (): void => {
      way.pauseMs = undefined
    }
    const ended = (): void => {
      if (way.transport === transport) way.transport = undefined
    }
    transport.greeted().then(opened, ended)
    void transport.ended().then(ended)
    return transport
  }

  /** Closes what was reached. */
  async close(): Promise<void> {
    for (const { transport } of this.#ways.values()) await transport?.close()
  }
}
