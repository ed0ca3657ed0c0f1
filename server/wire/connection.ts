// One client: the loop that turns messages into calls of its session, and their outcome into answers.
//
//            ┌────────────────────────── bytes arrive ◀───────────────────────────┐
//            ▼                                                                    │
//   handshake ──▶ idle ──message──▶ dispatch ──undefined──▶ next message … none ──▶ leave, idle
//                                      │ promise                    ▲
//                                      └──▶ busy (transport held) ──┘ resolved, or rejected: ErrorResponse
//
// Invariants: one call of the session at a time. The path from bytes to answer makes no promise unless the session
// does. After an error in the extended protocol everything up to Sync is skipped. A failure ends at most this
// connection. What a call has written leaves only after the call has succeeded or failed (see message-sink.ts), and at
// the latest at the end of the event loop's turn (see answer-turns.ts).

import type { Logger } from 'pino'
import { must } from '../../storage/base/assert.ts'
import type { Session, Step } from '../../sql/session/session.ts'
import type { SqlError } from '../../sql/types/sql-error.ts'
import type { Answerer, AnswerTurns } from './answer-turns.ts'
import { BindMessage, ParseMessage } from './extended-messages.ts'
import { ClientGone, type HandshakeHost, shakeHands } from './handshake.ts'
import { HANDSHAKE_TIMEOUT_MS } from '../limits.ts'
import { MessageBody } from './message-body.ts'
import { BAD_TYPE, INCOMPLETE } from './message-reader.ts'
import { MessageSink } from './message-sink.ts'
import { StatementWatch } from './statement-watch.ts'
import type { Transport } from './transport.ts'
import { fatal, MessageError, protocolViolation, toWireError, type WireError } from './wire-error.ts'

const QUERY = 0x51 // 'Q'
const PARSE = 0x50 // 'P'
const BIND = 0x42 // 'B'
const DESCRIBE = 0x44 // 'D'
const EXECUTE = 0x45 // 'E'
const FLUSH = 0x48 // 'H'
const SYNC = 0x53 // 'S'
const COPY_DATA = 0x64 // 'd'
const COPY_DONE = 0x63 // 'c'
const COPY_FAIL = 0x66 // 'f'
const FUNCTION_CALL = 0x46 // 'F'
const TERMINATE = 0x58 // 'X'

const NO_MESSAGE = 0

const OF_STATEMENT = 0x53 // 'S'
const OF_PORTAL = 0x50 // 'P'

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
  readonly #watch: StatementWatch | undefined
  readonly #body = new MessageBody()
  readonly #parse = new ParseMessage()
  readonly #bind = new BindMessage()
  #session: Session | undefined

  /** Type of the message that is being answered. */
  #current = NO_MESSAGE
  /** A call of the session, or a client that does not read, is being waited for. */
  #isBusy = true
  /** It is a call of the session. */
  #isCalling = false
  /** After an error in the extended protocol: nothing is done until Sync. */
  #isSkipping = false
  /** Messages of the extended protocol came since the last Sync. */
  #isInBatch = false
  /** The COPY in progress was begun by Execute, not by Query. */
  #isCopyExtended = false
  /** What is answered waits for the end of the turn. */
  #isLeaving = false
  #isDraining = false
  #isClosed = false
  /** Why a busy connection ends as soon as its call has. */
  #termination: SqlError | undefined

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
    this.#watch =
      host.slowMs === undefined ? undefined : new StatementWatch(host.slowMs, host.clock, host.log)
  }

  /** True while nothing runs and no transaction is open: it can be ended without loss to the client. */
  get isIdle(): boolean {
    return (
      !this.#isBusy &&
      !this.#isInBatch &&
      this.#session?.transactionStatus === 'I' &&
      !this.#session.isCopyingIn
    )
  }

  /** Runs the handshake, then serves until the end. Never rejects. */
  async serve(): Promise<void> {
    const { clock } = this.#host
    const cancelTimeout = clock.after(HANDSHAKE_TIMEOUT_MS, () => this.#transport.destroy())
    try {
      const greeting = await shakeHands(this.#transport, this.#sink, this, this.#host)
      if (greeting === undefined) return this.#close()
      this.#session = greeting.session
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

  /** A CancelRequest with the right key. */
  cancel(): void {
    if (this.#isCalling) this.#session?.cancel()
  }

  /** Ends the connection with a FATAL error: at once when nothing runs, else when the running call has been stopped. */
  terminate(reason: SqlError): void {
    if (this.#isClosed) return
    if (this.#session === undefined) return this.#transport.destroy()
    this.#termination = reason
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
    const sink = this.#sink
    for (;;) {
      const type = reader.next()
      if (type === INCOMPLETE) break
      if (type < 0) return this.#refuse(type)
      if (this.#isSkipping && type !== SYNC && type !== TERMINATE) continue
      if (type === TERMINATE) return this.#close()
      let step: Step
      try {
        step = this.#dispatch(type)
        if (step === undefined) this.#complete()
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
      this.#complete()
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
    if (this.#transport.isLost) this.#close()
    else if (this.#termination !== undefined) this.#endWith(toWireError(this.#termination))
    return this.#isClosed
  }

  /** Calls the session for the message the reader stands at. */
  #dispatch(type: number): Step {
    const session = must(this.#session)
    this.#current = type
    if (session.isCopyingIn) return this.#dispatchCopying(session, type)
    const body = this.#body
    const { reader } = this.#transport
    body.reset(reader.buffer, reader.start, reader.end)
    switch (type) {
      case QUERY: {
        const text = body.text()
        body.finish()
        this.#watch?.begin(text)
        return session.query(text)
      }
      case SYNC:
        this.#isSkipping = false
        this.#isInBatch = false
        body.finish()
        return session.sync()
      case FLUSH:
        body.finish()
        return undefined
      case COPY_DATA:
      case COPY_DONE:
      case COPY_FAIL:
        // What a client still sent for a COPY that has failed meanwhile: no answer.
        this.#current = NO_MESSAGE
        return undefined
      case FUNCTION_CALL:
        throw new MessageError('0A000', 'function call message is not supported')
      default:
        this.#isInBatch = true
        return this.#dispatchExtended(session, body, type)
    }
  }

  #dispatchExtended(session: Session, body: MessageBody, type: number): Step {
    switch (type) {
      case BIND: {
        const bind = this.#bind
        bind.read(body)
        this.#watch?.bind(bind.portalName, bind.statementName)
        return session.bind(bind)
      }
      case EXECUTE: {
        const portalName = body.name()
        const rowCountMax = body.int32()
        body.finish()
        this.#watch?.execute(portalName)
        // PostgreSQL takes a negative limit for none.
        return session.execute(portalName, rowCountMax > 0 ? rowCountMax : 0)
      }
      case DESCRIBE: {
        const kind = this.#readKind(body, 'DESCRIBE')
        const name = body.name()
        body.finish()
        return kind === OF_STATEMENT ? session.describeStatement(name) : session.describePortal(name)
      }
      case PARSE: {
        const parse = this.#parse
        parse.read(body)
        this.#watch?.parse(parse.statementName, parse.text)
        return session.parse(parse.statementName, parse.text, parse.parameterTypes)
      }
      default: {
        // Close is the only type that is left: the reader lets no others through.
        const kind = this.#readKind(body, 'CLOSE')
        const name = body.name()
        body.finish()
        return kind === OF_STATEMENT ? session.closeStatement(name) : session.closePortal(name)
      }
    }
  }

  #readKind(body: MessageBody, message: string): number {
    const kind = body.uint8()
    if (kind !== OF_STATEMENT && kind !== OF_PORTAL) {
      throw protocolViolation(`invalid ${message} message subtype ${kind}`)
    }
    return kind
  }

  #dispatchCopying(session: Session, type: number): Step {
    const { reader } = this.#transport
    switch (type) {
      case COPY_DATA:
        return session.copyData(reader.buffer, reader.start, reader.end)
      case COPY_DONE:
        return session.copyDone()
      case COPY_FAIL: {
        this.#body.reset(reader.buffer, reader.start, reader.end)
        return session.copyFail(this.#body.text())
      }
      case FLUSH:
      case SYNC:
        // Drivers send Sync right behind Execute, before they know that it is a COPY.
        this.#current = FLUSH
        return undefined
      default:
        return this.#breakCopy(session, type)
    }
  }

  /** Any other message during COPY: the COPY fails, and then the connection, as in PostgreSQL. */
  #breakCopy(session: Session, type: number): Step {
    const hex = type.toString(16).toUpperCase().padStart(2, '0')
    const reason = `unexpected message type 0x${hex} during COPY from stdin`
    this.#termination = fatal('08P01', 'terminating connection because protocol synchronization was lost')
    this.#sink.error(toWireError(protocolViolation(reason)))
    return session.copyFail(reason) ?? Promise.resolve()
  }

  /** A call has succeeded: ReadyForQuery where the protocol wants it. */
  #complete(): void {
    const session = must(this.#session)
    const type = this.#current
    this.#watch?.end()
    if (this.#termination !== undefined) return
    if (type === QUERY || (this.#isCopyEnd(type) && !this.#isCopyExtended)) {
      if (session.isCopyingIn) this.#isCopyExtended = false
      else this.#sink.ready(session.transactionStatus)
    } else if (type === SYNC) {
      this.#sink.ready(session.transactionStatus)
    } else if (type === EXECUTE) {
      this.#isCopyExtended = session.isCopyingIn
    } else if (type === FLUSH) {
      this.#sink.mark()
    }
  }

  #isCopyEnd(type: number): boolean {
    return type === COPY_DONE || type === COPY_FAIL
  }

  // ── Failures and the end ──

  /** A call has failed: ErrorResponse, then ReadyForQuery or skipping to Sync. */
  #fail(thrown: unknown): void {
    this.#watch?.end()
    if (this.#termination !== undefined) return
    const session = must(this.#session)
    if (thrown instanceof MessageError) session.fail()
    const error = toWireError(thrown)
    this.#report(error, thrown)
    if (isFatal(error)) return this.#endWith(error)
    this.#sink.error(error)
    if (this.#isExtended(this.#current)) this.#isSkipping = true
    else this.#sink.ready(session.transactionStatus)
  }

  #isExtended(type: number): boolean {
    if (type === COPY_DATA || this.#isCopyEnd(type)) return this.#isCopyExtended
    return type !== QUERY && type !== SYNC && type !== FUNCTION_CALL
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

function isFatal(error: WireError): boolean {
  return error.severity === 'FATAL' || error.severity === 'PANIC'
}

/** What a session is told when the server goes down. */
export function shutdown(): SqlError {
  return fatal('57P01', 'terminating connection due to administrator command')
}
