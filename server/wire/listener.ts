// Accepts connections and keeps the books: who is connected, how many may be, who may be cancelled, when all must go.
//
//   listening ──drain()──▶ draining (idle ones leave at once) ──grace over──▶ terminating ──▶ closed
//
// Invariants: process ids are unique among live connections; a slot is held from the startup packet to the end of the
// session. A flood of sockets that never finish their handshake is bounded too.

import { randomInt } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import type { Logger } from 'pino'
import type { Clock } from '../../storage/base/env.ts'
import type { Backend } from '../../sql/session/session.ts'
import type { AuthMethod } from './authentication.ts'
import { AnswerTurns } from './answer-turns.ts'
import { Connection, type ConnectionHost, shutdown } from './connection.ts'
import { HANDSHAKE_COUNT_EXTRA_MAX, IDLE_SWEEP_INTERVAL_MS } from '../limits.ts'
import { StartError } from '../start-error.ts'
import { Transport } from './transport.ts'
import { fatal } from './wire-error.ts'

export interface ListenerOptions {
  readonly backend: Backend
  readonly clock: Clock
  readonly log: Logger
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly authMethod: AuthMethod
  readonly secureContext: SecureContext | undefined
  readonly connectionCountMax: number
  /** Of those, kept for superusers. */
  readonly reservedCount: number
  readonly slowMs: number | undefined
  /** Idle connections outside a transaction end after this long; undefined: never. */
  readonly idleTimeoutMs: number | undefined
}

const SECRET_MAX = 0x7fff_ffff
/** After their statements were cancelled, how long connections have to end by themselves. */
const TERMINATE_TIMEOUT_MS = 5_000

export class Listener implements ConnectionHost {
  readonly backend: Backend
  readonly clock: Clock
  readonly log: Logger
  readonly authMethod: AuthMethod
  readonly secureContext: SecureContext | undefined
  readonly slowMs: number | undefined
  readonly turns: AnswerTurns

  readonly #options: ListenerOptions
  readonly #server: Server
  readonly #connections = new Map<number, Connection>()
  /** Process ids of connections that hold a slot. */
  readonly #admitted = new Set<number>()
  #processIdLast = 0
  #whenEmpty: (() => void) | undefined
  #cancelSweep: (() => void) | undefined

  private constructor(options: ListenerOptions) {
    this.#options = options
    this.backend = options.backend
    this.clock = options.clock
    this.log = options.log
    this.authMethod = options.authMethod
    this.secureContext = options.secureContext
    this.slowMs = options.slowMs
    this.turns = new AnswerTurns(options.clock)
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) =>
      this.#accept(socket),
    )
  }

  /** Listens, or rejects with StartError. */
  static async open(options: ListenerOptions): Promise<Listener> {
    const listener = new Listener(options)
    await listener.#listen()
    return listener
  }

  /** The port that is listened on. */
  get port(): number {
    const address = this.#server.address()
    return address === null || typeof address === 'string' ? this.#options.port : address.port
  }

  get connectionCount(): number {
    return this.#connections.size
  }

  /**
   * Stops accepting, ends idle connections with 57P01, lets the others finish their transaction for at most `graceMs`,
   * then cancels what runs and ends them too. Resolves when no connection is left.
   */
  async close(graceMs: number): Promise<void> {
    this.#server.close()
    this.#cancelSweep?.()
    for (const connection of [...this.#connections.values()]) connection.drain()
    if (graceMs > 0) await this.#empty(graceMs)
    for (const connection of [...this.#connections.values()]) connection.terminate(shutdown())
    await this.#empty(TERMINATE_TIMEOUT_MS)
    for (const connection of [...this.#connections.values()]) connection.destroy()
    await this.#empty(TERMINATE_TIMEOUT_MS)
  }

  cancel(processId: number, secret: number): void {
    const connection = this.#connections.get(processId)
    if (connection === undefined || connection.secret !== secret) {
      this.log.debug({ pid: processId }, 'cancel request with a wrong key')
    } else {
      connection.cancel()
    }
  }

  admit(processId: number): void {
    if (this.#admitted.size >= this.#options.connectionCountMax) {
      throw fatal('53300', 'sorry, too many clients already')
    }
    this.#admitted.add(processId)
  }

  checkReserved(isSuperuser: boolean): void {
    const { connectionCountMax, reservedCount } = this.#options
    if (!isSuperuser && connectionCountMax - this.#admitted.size < reservedCount) {
      throw fatal(
        '53300',
        'remaining connection slots are reserved for non-replication superuser connections',
      )
    }
  }

  release(connection: Connection): void {
    this.#connections.delete(connection.processId)
    this.#admitted.delete(connection.processId)
    if (this.#connections.size === 0) this.#whenEmpty?.()
  }

  #accept(socket: Socket): void {
    if (this.#connections.size >= this.#options.connectionCountMax + HANDSHAKE_COUNT_EXTRA_MAX) {
      this.log.warn('too many connections in their handshake: one refused')
      socket.destroy()
      return
    }
    const key = { processId: this.#newProcessId(), secret: randomInt(1, SECRET_MAX) }
    const connection = new Connection(new Transport(socket), key, this)
    this.#connections.set(key.processId, connection)
    this.log.debug({ pid: key.processId, from: socket.remoteAddress }, 'connection received')
    void connection.serve()
  }

  #newProcessId(): number {
    do this.#processIdLast = this.#processIdLast >= SECRET_MAX ? 1 : this.#processIdLast + 1
    while (this.#connections.has(this.#processIdLast))
    return this.#processIdLast
  }

  #listen(): Promise<void> {
    const { host, port } = this.#options
    return new Promise((resolve, reject) => {
      const refuse = (error: NodeJS.ErrnoException): void => reject(listenError(error, host, port))
      this.#server.once('error', refuse)
      this.#server.listen({ host, port, backlog: 511 }, () => {
        this.#server.off('error', refuse)
        // Running out of file descriptors refuses one connection, it does not end the server.
        this.#server.on('error', (error) =>
          this.log.warn({ err: error }, 'a connection could not be accepted'),
        )
        if (this.#options.idleTimeoutMs !== undefined) this.#sweepLater(this.#options.idleTimeoutMs)
        resolve()
      })
    })
  }

  #sweepLater(idleTimeoutMs: number): void {
    this.#cancelSweep = this.clock.after(Math.min(IDLE_SWEEP_INTERVAL_MS, idleTimeoutMs), () => {
      const deadlineMs = this.clock.monotonicMs() - idleTimeoutMs
      for (const connection of [...this.#connections.values()]) {
        if (!connection.isIdle || connection.activeAtMs > deadlineMs) continue
        connection.terminate(fatal('57P05', 'terminating connection due to idle-session timeout'))
      }
      this.#sweepLater(idleTimeoutMs)
    })
  }

  /** Resolves when the last connection has gone, or after `timeoutMs`. */
  #empty(timeoutMs: number): Promise<void> {
    if (this.#connections.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const cancel = this.clock.after(timeoutMs, () => resolve())
      this.#whenEmpty = () => {
        cancel()
        resolve()
      }
    })
  }
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): StartError {
  switch (error.code) {
    case 'EADDRINUSE':
      return new StartError(`port ${port} on ${host} is already in use`)
    case 'EACCES':
      return new StartError(`not permitted to listen on ${host}:${port}`)
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new StartError(`"${host}" is not an address of this machine`)
    default:
      return new StartError(`cannot listen on ${host}:${port}: ${error.message}`)
  }
}
