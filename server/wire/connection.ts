// One client: the loop that takes its messages one by one, waits where a call of its session waits (conversation.ts says
// what each message means), and ends.
//
//            ┌────────────────────────── bytes arrive ◀───────────────────────────┐
//            ▼                                                                    │
//   handshake ──▶ idle ──message──▶ call ──undefined──▶ next message … none ──▶ leave, idle
//                                    │ promise                 ▲
//                                    └─▶ busy (transport held) ─┘ resolved, or rejected: ErrorResponse
//
// Invariants: one call of the session at a time. The path from bytes to answer makes no promise unless the session
// does. A failure ends at most this connection. What a call has written leaves only after the call has succeeded or
// failed (see message-sink.ts), and at the latest at the end of the event loop's turn (see answer-turns.ts).

import type { Logger } from 'pino'
import { must } from '../../storage/base/assert.ts'
import type { Session, Step } from '../../sql/session/session.ts'
import type { SqlError } from '../../sql/types/sql-error.ts'
import type { Answerer, AnswerTurns } from './answer-turns.ts'
import { Conversation, TERMINATE } from './conversation.ts'
import { ClientGone, type HandshakeHost, shakeHands } from './handshake.ts'
import { HANDSHAKE_TIMEOUT_MS } from '../limits.ts'
import { BAD_TYPE, INCOMPLETE } from './message-reader.ts'
import { MessageSink } from './message-sink.ts'
import { StatementWatch } from './statement-watch.ts'
import type { Transport } from './transport.ts'
import { fatal, isFatal, toWireError, type WireError } from './wire-error.ts'

/** What a connection needs of the server it belongs to. */
export interface ConnectionHost extends HandshakeHost {
  readonly log: Logger
  /** Statements that take this long or longer are logged; undefined: none are. */
  readonly slowMs: number | undefined
  readonly turns: AnswerTurns
  /** The connection is over: its slot is free. */
  release(connection: Connection): void
}

export class Connection implements Answerer {
  readonly processId: number
  readonly secret: number
  /** Monotonic time of the last message, for the idle timeout. */
  activeAtMs: number

  readonly #host: ConnectionHost
  readonly #transport: Transport
  readonly #sink: MessageSink
  #session: Session | undefined
  /** What is said with the session, once there is one. */
  #conversation: Conversation | undefined
  /** A call of the session, or a client that does not read, is being waited for. */
  #isBusy = true
  /** It is a call of the session. */
  #isCalling = false
  /** What is answered waits for the end of the turn. */
  #isLeaving = false
  #isDraining = false
  #isClosed = false

  readonly #resumed = (): void => this.#onResumed()
  readonly #stepDone = (): void => this.#onStepDone()
  readonly #stepFailed = (thrown: unknown): void => this.#onStepFailed(thrown)

  constructor(transport: Transport, key: { processId: number; secret: number }, host: ConnectionHost) {
    this.processId = key.processId
    this.secret = key.secret
    this.#host = host
    this.#transport = transport
    this.#sink = new MessageSink(transport)
    this.activeAtMs = host.clock.monotonicMs()
  }

  /** True while nothing runs and no transaction is open: it can be ended without loss to the client. */
  get isIdle(): boolean {
    return !this.#isBusy && this.#conversation?.isIdle === true
  }

  /** Runs the handshake, then serves until the end. Never rejects. */
  async serve(): Promise<void> {
    const { clock } = this.#host
    const cancelTimeout = clock.after(HANDSHAKE_TIMEOUT_MS, () => this.#transport.destroy())
    try {
      const greeting = await shakeHands(this.#transport, this.#sink, this, this.#host)
      if (greeting === undefined) return this.#close()
      this.#begin(greeting.session)
      const { user, database } = greeting
      this.#host.log.debug({ pid: this.processId, user, database }, 'connection authorized')
    } catch (thrown) {
      return this.#failHandshake(thrown)
    } finally {
      cancelTimeout()
    }
    this.#transport.onInput = () => this.#run()
    this.#transport.onLost = () => this.#onLost()
    this.#onResumed()
  }

  #begin(session: Session): void {
    const { slowMs, clock, log } = this.#host
    const watch = slowMs === undefined ? undefined : new StatementWatch(slowMs, clock, log)
    this.#session = session
    this.#conversation = new Conversation(session, this.#transport.reader, this.#sink, watch)
  }

  /** A CancelRequest with the right key. */
  cancel(): void {
    if (this.#isCalling) this.#session?.cancel()
  }

  /** Ends the connection with a FATAL error: at once when nothing runs, else when the running call has been stopped. */
  terminate(reason: SqlError): void {
    if (this.#isClosed) return
    if (this.#session === undefined || this.#conversation === undefined) return this.#transport.destroy()
    this.#conversation.end = reason
    if (this.#isCalling) this.#session.cancel()
    else this.#endWith(toWireError(reason))
  }

  /** Cuts the client off; what it still runs is cancelled. */
  destroy(): void {
    this.#transport.destroy()
  }

  /** Ends the connection as soon as it is idle. */
  drain(): void {
    this.#isDraining = true
    if (this.isIdle) this.terminate(shutdown())
  }

  // ── The message loop ──

  /** Answers every message that has arrived. Synchronous, unless a call of the session waits. */
  #run(): void {
    const { reader } = this.#transport
    const conversation = must(this.#conversation)
    const sink = this.#sink
    for (;;) {
      const type = reader.next()
      if (type === INCOMPLETE) break
      if (type < 0) return this.#refuse(type)
      if (conversation.skips(type)) continue
      if (type === TERMINATE) return this.#close()
      let step: Step
      try {
        step = conversation.call(type)
        if (step === undefined) conversation.succeed()
      } catch (thrown) {
        this.#fail(thrown)
        if (this.#isOver()) return
      }
      if (step !== undefined) return this.#wait(step)
      if (sink.isFull) {
        const drained = sink.flush()
        if (drained !== undefined) return this.#pause(drained)
      }
    }
    if (!this.#isLeaving) this.#isLeaving = this.#host.turns.defers(this)
    if (this.#isLeaving) sink.mark()
    else this.#send()
  }

  /** The turn in which something was answered ends. A call that waits has sent what was before it. */
  leave(): void {
    this.#isLeaving = false
    if (!this.#isBusy && !this.#isClosed) this.#send()
  }

  #send(): void {
    const drained = this.#sink.flush()
    if (drained !== undefined) this.#pause(drained)
    else this.#rest()
  }

  /** Everything that arrived is answered. */
  #rest(): void {
    if (this.#transport.hasEnded) return this.#close()
    if (this.#isDraining && this.isIdle) return this.terminate(shutdown())
    this.activeAtMs = this.#host.clock.monotonicMs()
  }

  #wait(step: Promise<void>): void {
    this.#isBusy = true
    this.#isCalling = true
    this.#transport.hold()
    this.#sink.flushMarked()
    step.then(this.#stepDone, this.#stepFailed)
  }

  /** Waits for a client that does not read. */
  #pause(drained: Promise<void>): void {
    this.#isBusy = true
    this.#transport.hold()
    void drained.then(this.#resumed)
  }

  #onStepDone(): void {
    try {
      must(this.#conversation).succeed()
    } catch (thrown) {
      this.#fail(thrown)
    }
    this.#onResumed()
  }

  #onStepFailed(thrown: unknown): void {
    this.#fail(thrown)
    this.#onResumed()
  }

  #onResumed(): void {
    this.#isBusy = false
    this.#isCalling = false
    if (this.#isOver()) return
    this.#transport.release()
    this.#run()
  }

  /** True when no more messages are to be answered; ends the connection if that has not happened. */
  #isOver(): boolean {
    if (this.#isClosed) return true
    const end = this.#conversation?.end
    if (this.#transport.isLost) this.#close()
    else if (end !== undefined) this.#endWith(toWireError(end))
    return this.#isClosed
  }

  // ── Failures and the end ──

  #fail(thrown: unknown): void {
    const error = must(this.#conversation).fail(thrown)
    if (error === undefined) return
    this.#report(error, thrown)
    if (isFatal(error)) this.#endWith(error)
  }

  /** Bytes that are no message. PostgreSQL names an unknown type, and drops a wrong length without a word. */
  #refuse(outcome: number): void {
    const { badType } = this.#transport.reader
    if (outcome === BAD_TYPE)
      this.#endWith(toWireError(fatal('08P01', `invalid frontend message type ${badType}`)))
    else this.#close()
    const problem =
      outcome === BAD_TYPE ? `invalid frontend message type ${badType}` : 'invalid message length'
    this.#host.log.debug({ pid: this.processId }, problem)
  }

  #failHandshake(thrown: unknown): void {
    if (!(thrown instanceof ClientGone)) {
      const error = toWireError(thrown)
      this.#report(error, thrown)
      return this.#endWith({ ...error, severity: 'FATAL' })
    }
    this.#host.log.debug({ pid: this.processId }, thrown.message)
    this.#close()
  }

  #endWith(error: WireError): void {
    if (this.#isClosed) return
    this.#sink.error(error)
    void this.#sink.flush()
    this.#close()
  }

  /** The client is gone. A call that still runs is stopped; its end closes the session. */
  #onLost(): void {
    if (this.#isCalling) this.#session?.cancel()
    else this.#close()
  }

  #close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    void this.#sink.flush()
    this.#transport.hold()
    this.#transport.onInput = () => {}
    this.#transport.onLost = () => {}
    const closed = this.#session === undefined ? Promise.resolve() : this.#session.close()
    closed
      .catch((thrown: unknown) => this.#report(toWireError(thrown), thrown))
      .finally(() => {
        this.#transport.end()
        this.#host.release(this)
      })
      // `finally` passes on what its callback throws; there is nobody left to tell but the log.
      .catch((thrown: unknown) => this.#report(toWireError(thrown), thrown))
  }

  /** One line where a failure is handled: bugs loudly with their stack, the user's own errors only when asked for. */
  #report(error: WireError, thrown: unknown): void {
    const { log } = this.#host
    const context = { pid: this.processId, code: error.code }
    if (error.origin === 'bug') log.error({ ...context, err: thrown }, error.message)
    else if (error.origin === 'storage') log.warn(context, error.message)
    else log.debug(context, error.message)
  }
}

/** What a session is told when the server goes down. */
export function shutdown(): SqlError {
  return fatal('57P01', 'terminating connection due to administrator command')
}
