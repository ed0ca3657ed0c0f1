// A transport (storage/message/transport.ts) to a storage node in another process. It dials, greets, and comes back by
// itself when the connection is lost, until it is closed.
//
//   dialing ──greeted──▶ open ──lost, or silent for too long──▶ waiting ──growing pause──▶ dialing
//      └──────────────── failed ────────────────────────────────▶ waiting
//
// Invariants: an answer belongs to a request that was sent on the same connection. A request that is sent while the
// transport is not open is answered by the transport itself, with a failure. A node that has another number than the one expected is never spoken to.

import { randomBytes } from 'node:crypto'

import type { Clock, Prng } from '../storage/base/env.ts'
import { StorageError } from '../storage/base/errors.ts'
import { decodeAnswer, encodeRequest } from '../storage/message/codec.ts'
import type { Frame } from '../storage/message/frame.ts'
import { type Callee, type Caller, CallerGreeting, NONCE_SIZE_BYTES } from '../storage/message/greeting.ts'
import type { NodeMessage, VolumeMessage } from '../storage/message/message.ts'
import type { Peers, Transport } from '../storage/message/transport.ts'
import { type ClusterSecurity, dial } from './cluster-security.ts'
import { FrameSocket } from './frame-socket.ts'
import {
  STORAGE_DIAL_TIMEOUT_MS,
  STORAGE_REDIAL_PAUSE_MS_MAX,
  STORAGE_REDIAL_PAUSE_MS_MIN,
  STORAGE_SILENCE_MS_MAX,
} from './limits.ts'
import { parseStorageAddress } from './storage-address.ts'

export interface TcpSurroundings {
  readonly security: ClusterSecurity
  /** Who calls, at the time of the call. */
  readonly caller: () => Caller
  readonly clock: Clock
  readonly prng: Prng
}

export class TcpTransport implements Transport {
  readonly address: string
  /** What the node said of itself the last time it was met. */
  callee: Callee | undefined
  readonly #around: TcpSurroundings
  /** The number the node must have; undefined until one is known. */
  #node: number | undefined
  #socket: FrameSocket | undefined
  #isOpen = false
  #isClosed = false
  #pauseMs = STORAGE_REDIAL_PAUSE_MS_MIN
  #lastError: StorageError | undefined
  /** Requests sent on this connection whose answers have not come. */
  #unanswered = 0
  #heardMs = 0
  #cancelWatch: (() => void) | undefined
  #cancelRedial: (() => void) | undefined
  #receive: (message: NodeMessage) => void = () => undefined
  #lost: (reason: Error) => void = () => undefined
  #opened: () => void = () => undefined
  readonly #waiting = new Set<() => void>()

  /** Begins to dial at once. `node`: the number that the node at this address must have, if it is known. */
  constructor(address: string, node: number | undefined, around: TcpSurroundings) {
    this.address = address
    this.#node = node
    this.#around = around
    this.#dial()
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Resolves with who the node is once it was reached; rejects with the last reason when that takes longer. */
  reached(timeoutMs: number): Promise<Callee> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.#waiting.delete(settle)
        cancel()
        const { callee } = this
        if (this.#isOpen && callee !== undefined) return resolve(callee)
        const why = this.#lastError ?? new StorageError('io', 'no answer')
        reject(new StorageError(why.kind, `storage node at ${this.address}: ${why.message}`))
      }
      const cancel = this.#around.clock.after(timeoutMs, settle)
      this.#waiting.add(settle)
      // A refusal will not turn into a welcome by waiting.
      if (this.#isOpen || isFinal(this.#lastError)) queueMicrotask(settle)
    })
  }

  send(message: VolumeMessage): void {
    if (!this.#isOpen || this.#socket === undefined) return this.#failSoon(message)
    if (this.#unanswered++ === 0) this.#heardMs = this.#around.clock.monotonicMs()
    this.#watch()
    this.#socket.send(encodeRequest(message))
  }

  /** Nothing can be sent now: the answer says so, rather than that none comes. */
  #failSoon(message: VolumeMessage): void {
    const why = this.#lastError?.message ?? 'not connected yet'
    const failed: NodeMessage = {
      kind: 'failed',
      id: message.id,
      failure: 'io',
      message: `storage node at ${this.address}: ${why}`,
      detail: undefined,
      damaged: undefined,
      fatal: false,
    }
    queueMicrotask(() => this.#receive(failed))
  }

  onMessage(receive: (message: NodeMessage) => void): void {
    this.#receive = receive
  }

  onClose(receive: (reason: Error) => void): void {
    this.#lost = receive
    const reason = this.#lastError
    if (!this.#isOpen && reason !== undefined) queueMicrotask(() => receive(reason))
  }

  onOpen(receive: () => void): void {
    this.#opened = receive
  }

  close(): Promise<void> {
    this.#isClosed = true
    this.#isOpen = false
    this.#cancelWatch?.()
    this.#cancelRedial?.()
    this.#socket?.end(new StorageError('closed', 'the connection is closed'))
    for (const settle of this.#waiting) settle()
    return Promise.resolve()
  }

  #dial(): void {
    const { security, caller, clock } = this.#around
    const greeting = new CallerGreeting(caller(), {
      secret: security.secret,
      nonce: randomBytes(NONCE_SIZE_BYTES),
    })
    let socket: FrameSocket | undefined
    const raw = dial(parseStorageAddress(this.address), security, () => socket?.send([greeting.start()]))
    socket = new FrameSocket(raw, {
      frame: (frame) => (this.#isOpen ? this.#answer(frame) : this.#greet(greeting, frame)),
      end: (reason) => this.#end(reason),
    })
    this.#socket = socket
    const dialed = socket
    this.#cancelWatch = clock.after(STORAGE_DIAL_TIMEOUT_MS, () => {
      this.#cancelWatch = undefined
      dialed.end(new StorageError('io', `no greeting in ${STORAGE_DIAL_TIMEOUT_MS} ms`))
    })
  }

  #greet(greeting: CallerGreeting, frame: Frame): void {
    const next = greeting.receive(frame)
    if (Buffer.isBuffer(next)) return this.#socket?.send([next])
    this.#node ??= next.node
    if (next.node !== this.#node) {
      const message = `node ${next.node} listens where node ${this.#node} was expected`
      throw new StorageError('refused', message)
    }
    this.#cancelWatch?.()
    this.#cancelWatch = undefined
    this.callee = next
    this.#socket?.trust()
    this.#isOpen = true
    this.#unanswered = 0
    this.#pauseMs = STORAGE_REDIAL_PAUSE_MS_MIN
    this.#lastError = undefined
    for (const settle of this.#waiting) settle()
    this.#opened()
  }

  #answer(frame: Frame): void {
    this.#unanswered--
    this.#heardMs = this.#around.clock.monotonicMs()
    this.#receive(decodeAnswer(frame))
  }

  /** While answers are owed, silence is noticed: a host that lost its power sends no word of it. */
  #watch(): void {
    if (this.#cancelWatch !== undefined) return
    const { clock } = this.#around
    const dueMs = this.#heardMs + STORAGE_SILENCE_MS_MAX - clock.monotonicMs()
    this.#cancelWatch = clock.after(Math.max(dueMs, 1), () => {
      this.#cancelWatch = undefined
      if (!this.#isOpen || this.#unanswered <= 0) return
      if (clock.monotonicMs() - this.#heardMs < STORAGE_SILENCE_MS_MAX) return this.#watch()
      this.#socket?.end(new StorageError('io', `no answer for ${STORAGE_SILENCE_MS_MAX} ms`))
    })
  }

  #end(reason: StorageError): void {
    const wasOpen = this.#isOpen
    this.#isOpen = false
    this.#socket = undefined
    this.#cancelWatch?.()
    this.#cancelWatch = undefined
    this.#lastError = reason
    if (this.#isClosed) return
    const { clock, prng } = this.#around
    // Half of the pause is chance, so that those who lost the same node do not all come back at once.
    const pauseMs = this.#pauseMs * (0.5 + prng.next() / 2)
    this.#pauseMs = Math.min(this.#pauseMs * 2, STORAGE_REDIAL_PAUSE_MS_MAX)
    this.#cancelRedial = clock.after(pauseMs, () => this.#dial())
    if (wasOpen) this.#lost(reason)
    else if (isFinal(reason)) for (const settle of this.#waiting) settle()
  }
}

/** Whether dialing again, soon, is pointless: somebody must change something first. */
function isFinal(error: StorageError | undefined): boolean {
  return error?.kind === 'refused' || error?.kind === 'version'
}

/** The way of a node, or of a volume, to nodes in other processes: one transport each, dialed when it is first asked for. */
export class TcpPeers implements Peers {
  readonly #around: TcpSurroundings
  readonly #transports = new Map<string, TcpTransport>()

  constructor(around: TcpSurroundings) {
    this.#around = around
  }

  reach(node: number, address: string | undefined): Transport {
    if (address === undefined)
      throw new StorageError('io', `node ${node} is embedded in another process and has no address`)
    const key = `${node} ${address}`
    const known = this.#transports.get(key)
    if (known !== undefined) return known
    const transport = new TcpTransport(address, node, this.#around)
    const { close } = transport
    transport.close = async () => {
      this.#transports.delete(key)
      await close.call(transport)
    }
    this.#transports.set(key, transport)
    return transport
  }

  /** Closes what was reached. */
  async close(): Promise<void> {
    await Promise.all([...this.#transports.values()].map((transport) => transport.close()))
  }
}
