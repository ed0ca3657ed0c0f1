// A Backend without SQL, for tests and measurements of the wire front end alone. It knows a handful of texts:
//
//   select 1            one int4 row             sleep       waits until cancelled or released
//   error               SqlError 22012           assert      an assertion of ours fails
//   begin, commit       transaction status       copy in     takes CopyData, counts bytes
//   rows N              N rows of int4           notice      a NoticeResponse, then select 1
//   wait                answers after a turn of the event loop, as a commit does
// Several statements are separated by ';'. Anything else is a syntax error.

import { assert } from '../../storage/base/assert.ts'
import type {
  Backend,
  BindRequest,
  FieldDescription,
  ResponseSink,
  RoleLogin,
  Session,
  StartupRequest,
  Step,
  TransactionStatus,
} from '../../sql/session/session.ts'
import { SqlError } from '../../sql/types/sql-error.ts'

const INT4 = 23
const FIELDS: readonly FieldDescription[] = [
  {
    name: '?column?',
    tableOid: 0,
    columnNumber: 0,
    typeOid: INT4,
    typeLength: 4,
    typeModifier: -1,
    format: 0,
  },
]
const FIELDS_BINARY: readonly FieldDescription[] = FIELDS.map((field) => ({ ...field, format: 1 }))

export interface FakeOptions {
  readonly roles?: ReadonlyMap<string, Partial<RoleLogin>>
}

interface Portal {
  readonly text: string
  readonly isBinary: boolean
  rowsSent: number
}

export class FakeBackend implements Backend {
  readonly sessions: FakeSession[] = []
  readonly requests: StartupRequest[] = []
  isClosed = false
  readonly #roles: ReadonlyMap<string, Partial<RoleLogin>> | undefined

  constructor(options: FakeOptions = {}) {
    this.#roles = options.roles
  }

  roleLogin(name: string): Promise<RoleLogin | undefined> {
    const role = this.#roles === undefined ? { isSuperuser: name === 'postgres' } : this.#roles.get(name)
    if (role === undefined) return Promise.resolve(undefined)
    const base = {
      canLogin: true,
      isSuperuser: false,
      password: undefined,
      connectionLimit: -1,
      validUntilMicros: undefined,
    }
    return Promise.resolve({ ...base, ...role })
  }

  connect(request: StartupRequest): Promise<Session> {
    if (request.database === 'nowhere') {
      return Promise.reject(new SqlError('3D000', 'database "nowhere" does not exist', {}, 'FATAL'))
    }
    this.requests.push(request)
    request.sink.parameterStatus('server_version', '15.0')
    request.sink.parameterStatus('client_encoding', 'UTF8')
    request.sink.parameterStatus('standard_conforming_strings', 'on')
    const session = new FakeSession(request.sink)
    this.sessions.push(session)
    return Promise.resolve(session)
  }

  close(): Promise<void> {
    this.isClosed = true
    return Promise.resolve()
  }
}

export class FakeSession implements Session {
  transactionStatus: TransactionStatus = 'I'
  isCopyingIn = false
  isClosed = false
  copiedBytes = 0
  syncCount = 0
  failCount = 0
  /** Ends a statement that sleeps. */
  wake: ((error?: Error) => void) | undefined
  readonly #sink: ResponseSink
  readonly #statements = new Map<string, string>()
  readonly #portals = new Map<string, Portal>()

  constructor(sink: ResponseSink) {
    this.#sink = sink
  }

  query(text: string): Step {
    if (text === 'select 1;' || text === 'select 1') {
      this.#sink.rowDescription(FIELDS)
      this.#row(1, false)
      this.#sink.commandComplete('SELECT 1')
      return undefined
    }
    const statements = text
      .split(';')
      .map((statement) => statement.trim())
      .filter((statement) => statement !== '')
    if (statements.length === 0) {
      this.#sink.emptyQuery()
      return undefined
    }
    return this.#runAll(statements)
  }

  parse(statementName: string, text: string, _parameterTypes: readonly number[]): Step {
    if (text === 'bad') throw new SqlError('42601', 'syntax error at or near "bad"', { position: 1 })
    this.#statements.set(statementName, text.replace(/;$/, ''))
    this.#sink.parseComplete()
    return undefined
  }

  bind(request: BindRequest): Step {
    const text = this.#statements.get(request.statementName)
    if (text === undefined)
      throw new SqlError('26000', `prepared statement "${request.statementName}" does not exist`)
    this.#portals.set(request.portalName, { text, isBinary: request.resultFormats[0] === 1, rowsSent: 0 })
    this.#sink.bindComplete()
    return undefined
  }

  describeStatement(name: string): Step {
    if (!this.#statements.has(name))
      throw new SqlError('26000', `prepared statement "${name}" does not exist`)
    this.#sink.parameterDescription([INT4])
    this.#sink.rowDescription(FIELDS)
    return undefined
  }

  describePortal(name: string): Step {
    const portal = this.#portals.get(name)
    if (portal === undefined) throw new SqlError('34000', `portal "${name}" does not exist`)
    if (/^(select|rows)/.test(portal.text))
      this.#sink.rowDescription(portal.isBinary ? FIELDS_BINARY : FIELDS)
    else this.#sink.noData()
    return undefined
  }

  execute(portalName: string, maxRows: number): Step {
    const portal = this.#portals.get(portalName)
    if (portal === undefined) throw new SqlError('34000', `portal "${portalName}" does not exist`)
    const rows = /^rows (\d+)$/.exec(portal.text)
    if (rows !== null && maxRows > 0) {
      const total = Number(rows[1])
      const until = Math.min(total, portal.rowsSent + maxRows)
      while (portal.rowsSent < until) this.#row(++portal.rowsSent, portal.isBinary)
      if (until < total) this.#sink.portalSuspended()
      else this.#sink.commandComplete(`SELECT ${total}`)
      return undefined
    }
    return this.#run(portal.text, portal.isBinary, true)
  }

  closeStatement(name: string): Step {
    this.#statements.delete(name)
    this.#sink.closeComplete()
    return undefined
  }

  closePortal(name: string): Step {
    this.#portals.delete(name)
    this.#sink.closeComplete()
    return undefined
  }

  sync(): Step {
    this.syncCount++
    return undefined
  }

  copyData(_message: Buffer, start: number, end: number): Step {
    this.copiedBytes += end - start
    return undefined
  }

  copyDone(): Step {
    this.isCopyingIn = false
    this.#sink.commandComplete('COPY 1')
    return undefined
  }

  copyFail(reason: string): Step {
    this.isCopyingIn = false
    throw new SqlError('57014', `COPY from stdin failed: ${reason}`)
  }

  fail(): void {
    this.failCount++
    if (this.transactionStatus === 'T') this.transactionStatus = 'E'
  }

  cancel(): void {
    this.wake?.(new SqlError('57014', 'canceling statement due to user request'))
  }

  close(): Promise<void> {
    this.isClosed = true
    return Promise.resolve()
  }

  #runAll(statements: readonly string[]): Step {
    for (const [index, statement] of statements.entries()) {
      const step = this.#run(statement, false, false)
      if (step !== undefined) return step.then(() => this.#runAll(statements.slice(index + 1)))
    }
    return undefined
  }

  #run(text: string, isBinary: boolean, isDescribed: boolean): Step {
    const sink = this.#sink
    const rows = /^(?:select 1|rows (\d+))$/.exec(text)
    if (rows !== null) {
      const count = Number(rows[1] ?? 1)
      if (!isDescribed) sink.rowDescription(FIELDS)
      return this.#rows(1, count, isBinary)
    }
    switch (text) {
      case 'begin':
        this.transactionStatus = 'T'
        break
      case 'commit':
        this.transactionStatus = 'I'
        break
      case 'error':
        if (this.transactionStatus === 'T') this.transactionStatus = 'E'
        sink.beginRow(1)
        throw new SqlError('22012', 'division by zero', { detail: 'd', hint: 'h', position: 8, table: 't' })
      case 'assert':
        assert(this.isClosed, 'on purpose')
        break
      case 'notice':
        sink.notice({ severity: 'NOTICE', code: '00000', message: 'hello', fields: {} })
        break
      case 'sleep':
        return new Promise((resolve, reject) => {
          this.wake = (error) => (error === undefined ? resolve() : reject(error))
        })
      case 'wait':
        sink.commandComplete('WAIT')
        return new Promise((resolve) => setImmediate(resolve))
      case 'copy in':
        this.isCopyingIn = true
        sink.copyIn(0, [0])
        return undefined
      default:
        throw new SqlError('42601', `syntax error at or near "${text}"`, { position: 1 })
    }
    sink.commandComplete(text.toUpperCase())
    return undefined
  }

  #rows(from: number, to: number, isBinary: boolean): Step {
    for (let value = from; value <= to; value++) {
      this.#row(value, isBinary)
      if (!this.#sink.isFull) continue
      const flushed = this.#sink.flush()
      if (flushed !== undefined) return flushed.then(() => this.#rows(value + 1, to, isBinary))
    }
    this.#sink.commandComplete(`SELECT ${to}`)
    return undefined
  }

  #row(value: number, isBinary: boolean): void {
    const { writer } = this.#sink
    this.#sink.beginRow(1)
    if (isBinary) {
      writer.int32(4)
      writer.int32(value)
    } else {
      const lengthAt = writer.length
      writer.int32(0)
      writer.setInt32(lengthAt, writer.utf8(String(value)))
    }
    this.#sink.endRow()
  }
}
