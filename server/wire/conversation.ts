// What the messages of one client mean: each is a call of its session, and what the call comes to is answered.
//
//   message ─▶ call ─▶ a call of the session ─▶ succeed: ReadyForQuery where the protocol wants it
//                                          └──▶ fail: ErrorResponse, then ReadyForQuery (simple) or skipping to Sync (extended)
//
//   extended protocol:  ready ── Parse, Bind, Execute … ─▶ in a batch ── Sync ─▶ ready
//                                                           │ error         ▲
//                                                           └─▶ skipping ── Sync
//   COPY from the client takes CopyData, CopyDone and CopyFail only; any other message ends it, and the connection.
//
// (PostgreSQL 15 documentation, chapter 55, "Frontend/Backend Protocol", sections 55.2.2, 55.2.3 and 55.2.6.)

import type { Session, Step } from '../../sql/session/session.ts'
import type { SqlError } from '../../sql/types/sql-error.ts'
import { BindMessage, ParseMessage } from './extended-messages.ts'
import { MessageBody } from './message-body.ts'
import type { MessageReader } from './message-reader.ts'
import type { MessageSink } from './message-sink.ts'
import type { StatementWatch } from './statement-watch.ts'
import { fatal, isFatal, MessageError, protocolViolation, toWireError, type WireError } from './wire-error.ts'

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
export const TERMINATE = 0x58 // 'X'

const NO_MESSAGE = 0

const OF_STATEMENT = 0x53 // 'S'
const OF_PORTAL = 0x50 // 'P'

export class Conversation {
  readonly #session: Session
  readonly #reader: MessageReader
  readonly #sink: MessageSink
  readonly #watch: StatementWatch | undefined
  readonly #body = new MessageBody()
  readonly #parse = new ParseMessage()
  readonly #bind = new BindMessage()

  /** Type of the message that is being answered. */
  #current = NO_MESSAGE
  /** After an error in the extended protocol: nothing is done until Sync. */
  #isSkipping = false
  /** Messages of the extended protocol came since the last Sync. */
  #isInBatch = false
  /** The COPY in progress was begun by Execute, not by Query. */
  #isCopyExtended = false
  /** Why the connection ends as soon as the running call has: nothing more is answered. */
  end: SqlError | undefined

  constructor(session: Session, reader: MessageReader, sink: MessageSink, watch: StatementWatch | undefined) {
    this.#session = session
    this.#reader = reader
    this.#sink = sink
    this.#watch = watch
  }

  /** No transaction is open, and none of the extended protocol's messages waits for its Sync. */
  get isIdle(): boolean {
    const session = this.#session
    return !this.#isInBatch && session.transactionStatus === 'I' && !session.isCopyingIn
  }

  /** Whether a message of this type is passed over. */
  skips(type: number): boolean {
    return this.#isSkipping && type !== SYNC && type !== TERMINATE
  }

  /** Calls the session for the message the reader stands at. Throws MessageError, or what the session throws. */
  call(type: number): Step {
    const session = this.#session
    this.#current = type
    if (session.isCopyingIn) return this.#dispatchCopying(session, type)
    const body = this.#body
    const reader = this.#reader
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
    const reader = this.#reader
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
    this.end = fatal('08P01', 'terminating connection because protocol synchronization was lost')
    this.#sink.error(toWireError(protocolViolation(reason)))
    return session.copyFail(reason) ?? Promise.resolve()
  }

  /** The call has succeeded: ReadyForQuery where the protocol wants it. */
  succeed(): void {
    const session = this.#session
    const type = this.#current
    this.#watch?.end()
    if (this.end !== undefined) return
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

  /**
   * The call has failed: ErrorResponse, then ReadyForQuery or skipping to Sync. Returns the error, unless nobody is told of it.
   * One that is fatal is not answered here.
   */
  fail(thrown: unknown): WireError | undefined {
    this.#watch?.end()
    if (this.end !== undefined) return undefined
    const session = this.#session
    if (thrown instanceof MessageError) session.fail()
    const error = toWireError(thrown)
    if (isFatal(error)) return error
    this.#sink.error(error)
    if (this.#isExtended(this.#current)) this.#isSkipping = true
    else this.#sink.ready(session.transactionStatus)
    return error
  }

  #isExtended(type: number): boolean {
    if (type === COPY_DATA || this.#isCopyEnd(type)) return this.#isCopyExtended
    return type !== QUERY && type !== SYNC && type !== FUNCTION_CALL
  }
}
