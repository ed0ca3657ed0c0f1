// The listening side of a storage node: takes connections of writers, peers and tools, greets them, hands their requests
// to the node and its answers back.
//
//   accept ─▶ (TLS) ─▶ greeting, in time ─▶ request ─▶ node.handle ─▶ answer
//                        └─ stranger: a refusal that says why, then the end
//
// Invariant: nobody asks anything before it is greeted, and nobody what its role does not ask: a peer reads, a tool
// looks, only a writer changes something.

import { randomBytes } from 'node:crypto'
import type { Server, Socket } from 'node:net'
import type { Logger } from 'pino'

import type { Clock } from '../../storage/base/env.ts'
import { StorageError } from '../../storage/base/errors.ts'
import { decodeRequest, encodeAnswer } from '../../storage/message/codec.ts'
import type { Frame } from '../../storage/message/frame.ts'
import {
  type Callee,
  CalleeGreeting,
  type Caller,
  type CallerRole,
  encodeRefusal,
  NONCE_SIZE_BYTES,
} from '../../storage/message/greeting.ts'
import type { NodeMessage, VolumeMessage } from '../../storage/message/message.ts'
import type { Reply } from '../../storage/message/transport.ts'
import { type ClusterSecurity, createAcceptor } from './cluster-security.ts'
import { FrameSocket } from './frame-socket.ts'
import { STORAGE_CONNECTION_COUNT_MAX, STORAGE_DIAL_TIMEOUT_MS, STORAGE_DRAIN_TIMEOUT_MS } from '../limits.ts'
import { StartError } from '../start-error.ts'

export interface NodeListenerOptions {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly security: ClusterSecurity
  readonly clock: Clock
  readonly log: Logger
  /** Who this is, at the time of a greeting. */
  readonly self: () => Callee
  readonly handle: (message: VolumeMessage, reply: Reply) => void
}

type Kind = VolumeMessage['kind']

/** What a role may ask; a writer asks everything. */
const ALLOWED: Readonly<Record<Exclude<CallerRole, 'writer'>, ReadonlySet<Kind>>> = {
  peer: new Set<Kind>(['query', 'gossip', 'fetch-log', 'fetch-images', 'read-page', 'time-of', 'statistics']),
  tool: new Set<Kind>(['query', 'statistics']),
}

export class NodeListener {
  readonly host: string
  readonly #options: NodeListenerOptions
  readonly #server: Server
  readonly #connections = new Set<NodeConnection>()
  readonly #sockets = new Set<Socket>()

  private constructor(options: NodeListenerOptions) {
    this.host = options.host
    this.#options = options
    this.#server = createAcceptor(options.security, {
      accepted: (socket, refusal) => this.#accept(socket, refusal),
      broken: ({ remoteAddress }, { message }) =>
        options.log.warn({ from: remoteAddress, reason: message }, 'connection refused or broken'),
    })
    // Those that are still at their handshakes must not keep the listener from closing.
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
  }

  /** Listens. Rejects with StartError. */
  static async open(options: NodeListenerOptions): Promise<NodeListener> {
    const listener = new NodeListener(options)
    const { host, port } = options
    await new Promise<void>((resolve, reject) => {
      listener.#server.once('error', (error) =>
        reject(new StartError(`cannot listen on ${host}:${port}: ${error.message}`)),
      )
      listener.#server.listen({ host, port }, resolve)
    })
    return listener
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : this.#options.port
  }

  #accept(socket: Socket, refusal: StorageError | undefined): void {
    // Counted here: the server forgets a socket whose handle was taken over.
    if (this.#connections.size >= STORAGE_CONNECTION_COUNT_MAX) {
      socket.destroy()
      return
    }
    const connection = new NodeConnection(socket, this.#options, () => this.#connections.delete(connection))
    this.#connections.add(connection)
    if (refusal !== undefined) connection.refuse(refusal)
  }

  /** Takes no more connections, answers what was asked, ends the connections. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    const { clock } = this.#options
    const deadlineMs = clock.monotonicMs() + STORAGE_DRAIN_TIMEOUT_MS
    while ([...this.#connections].some(({ isBusy }) => isBusy) && clock.monotonicMs() < deadlineMs)
      await new Promise<void>((resolve) => void clock.after(5, resolve))
    for (const connection of this.#connections) connection.close()
    for (const socket of this.#sockets) socket.destroySoon()
    await closed
  }
}

class NodeConnection {
  readonly #options: NodeListenerOptions
  readonly #socket: FrameSocket
  readonly #greeting: CalleeGreeting
  readonly #from: string
  readonly #cancelTimeout: () => void
  #caller: Caller | undefined
  #unanswered = 0

  constructor(accepted: Socket, options: NodeListenerOptions, ended: () => void) {
    this.#options = options
    this.#from = `${accepted.remoteAddress ?? ''}:${accepted.remotePort ?? ''}`
    this.#greeting = new CalleeGreeting(options.self, {
      secret: options.security.secret,
      nonce: randomBytes(NONCE_SIZE_BYTES),
    })
    this.#socket = FrameSocket.accepted(accepted, {
      frame: (frame) => this.#receive(frame),
      end: (reason) => {
        this.#cancelTimeout()
        this.#logEnd(reason)
        ended()
      },
    })
    this.#cancelTimeout = options.clock.after(STORAGE_DIAL_TIMEOUT_MS, () =>
      this.#socket.end(new StorageError('io', 'no greeting in time')),
    )
  }

  get isBusy(): boolean {
    return this.#unanswered > 0
  }

  close(): void {
    this.#socket.end(new StorageError('closed', 'the node shuts down'))
  }

  /** Says why it may not come in, and ends the connection. */
  refuse(reason: StorageError): void {
    this.#socket.end(reason, encodeRefusal(reason))
  }

  #receive(frame: Frame): void {
    if (this.#caller === undefined) return this.#greet(frame)
    const message = decodeRequest(frame)
    const { role } = this.#caller
    if (role !== 'writer' && !ALLOWED[role].has(message.kind))
      return this.#answer(refused(message.id, `a ${role} may not ask for "${message.kind}"`))
    this.#unanswered++
    // A writer that closes its volume says so to its nodes; a process of its own goes on.
    if (message.kind === 'shut-down') return this.#reply({ kind: 'done', id: message.id })
    this.#options.handle(message, (answer) => this.#reply(answer))
  }

  #greet(frame: Frame): void {
    try {
      const { send, caller } = this.#greeting.receive(frame)
      this.#socket.send([send])
      if (caller === undefined) return
      this.#caller = caller
      this.#cancelTimeout()
      this.#socket.trust()
      this.#options.log.info({ from: this.#from, role: caller.role, node: caller.node }, 'connected')
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      this.#socket.end(error, encodeRefusal(error))
    }
  }

  #reply(answer: NodeMessage): void {
    this.#unanswered--
    this.#answer(answer)
  }

  #answer(answer: NodeMessage): void {
    this.#socket.send(encodeAnswer(answer))
  }

  #logEnd(reason: StorageError): void {
    const { log } = this.#options
    const facts = { from: this.#from, role: this.#caller?.role, reason: reason.message }
    if (this.#caller !== undefined && reason.kind !== 'corrupt') log.info(facts, 'disconnected')
    else log.warn(facts, 'connection refused or broken')
  }
}

function refused(id: number, message: string): NodeMessage {
  return {
    kind: 'failed',
    id,
    failure: 'refused',
    message,
    detail: undefined,
    damaged: undefined,
    fatal: false,
  }
}
