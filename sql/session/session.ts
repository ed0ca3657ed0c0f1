// The door of sql: what the server sees. One Backend for the whole process, one Session for each connection.
//
//   server ── bytes parsed into calls ──▶ Session ── answers written into ──▶ ResponseSink (the server's)
//
// Calls of one session are made one after another: the server waits for a call's promise, when it returned one, before
// it makes the next. Most calls return undefined: they are done. A call that fails throws (or rejects with) SqlError,
// StorageError or an assertion, after the session has put its own transaction into the right state; the server writes
// the ErrorResponse, then, for the simple protocol, ReadyForQuery, and for the extended protocol skips to Sync.
// A session never lets an answer leave that could be lost: a call's promise resolves only when what it reports (its
// commit, or the rows it read) is durable, and it suspends on that before it asks the sink to flush in mid-result.

import type { ByteWriter } from '../../storage/base/byte-writer.ts'
import type { SqlError, SqlNotice } from '../types/sql-error.ts'

/** undefined: done. A promise: the server waits, then goes on. */
export type Step = Promise<void> | undefined

/** ReadyForQuery's byte: idle, in a transaction block, in a failed one. */
export type TransactionStatus = 'I' | 'T' | 'E'

export interface FieldDescription {
  readonly name: string
  readonly tableOid: number
  readonly columnNumber: number
  readonly typeOid: number
  readonly typeLength: number
  readonly typeModifier: number
  /** 0 text, 1 binary. */
  readonly format: number
}

/** Where a session writes its answers. The server implements it and frames the messages. */
export interface ResponseSink {
  /**
   * DataRow, written in place: beginRow, then for each column an int32 length (-1: NULL) and its bytes on `writer`, then
   * endRow. Nothing else may be called in between; abortRow undoes an unfinished row.
   */
  readonly writer: ByteWriter
  beginRow(columnCount: number): void
  endRow(): void
  abortRow(): void

  /** The list is not changed afterwards; the same object means the same fields. */
  rowDescription(fields: readonly FieldDescription[]): void
  commandComplete(tag: string): void
  /** Takes back a CommandComplete that was written last: what it says turned out not to be known. */
  retractComplete(): void
  emptyQuery(): void
  portalSuspended(): void
  parseComplete(): void
  bindComplete(): void
  closeComplete(): void
  noData(): void
  parameterDescription(typeOids: readonly number[]): void
  parameterStatus(name: string, value: string): void
  notice(notice: SqlNotice): void
  notification(processId: number, channel: string, payload: string): void
  /** CopyInResponse; CopyData then arrives through Session.copyData until copyDone or copyFail. */
  copyIn(format: number, columnFormats: readonly number[]): void
  copyOut(format: number, columnFormats: readonly number[]): void
  /** One CopyData message, written in place between the two calls on `writer`. */
  beginCopyData(): void
  endCopyData(): void
  copyDone(): void

  /** True when so much is buffered that the session should flush before it produces more. */
  readonly isFull: boolean
  /** Hands what is buffered to the socket; a promise when the client reads slower than we write (back-pressure). */
  flush(): Promise<void> | undefined
}

/** What the client said at startup, after authentication. */
export interface StartupRequest {
  readonly user: string
  readonly database: string
  /** All other parameters (application_name, client_encoding, ...), those of options=-c included, names as sent. */
  readonly parameters: ReadonlyMap<string, string>
  readonly processId: number
  readonly remoteAddress: string | undefined
  readonly sink: ResponseSink
  /** Ends the connection with this FATAL error, after what runs has been stopped. */
  readonly terminate: (reason: SqlError) => void
}

/** What authentication needs to know of a role. `password` is pg_authid.rolpassword: SCRAM verifier, md5..., or none. */
export interface RoleLogin {
  readonly canLogin: boolean
  readonly isSuperuser: boolean
  readonly password: string | undefined
  readonly connectionLimit: number
  readonly validUntilMicros: number | undefined
}

export interface Backend {
  /** The role's login data from the catalog, or undefined if there is no such role. */
  roleLogin(name: string): Promise<RoleLogin | undefined>
  /**
   * Opens a session. Rejects with SqlError FATAL 3D000 (no such database), 53300 (too many connections for it or the
   * role), 22023 (bad parameter), ... On return, every ParameterStatus of the session has been written to the sink.
   */
  connect(request: StartupRequest): Promise<Session>
  /** Waits for running statements of all sessions for at most `graceMs`, cancels the rest, closes the databases. */
  close(graceMs: number): Promise<void>
}

export interface Session {
  readonly transactionStatus: TransactionStatus
  /** True from a CopyInResponse until copyDone or copyFail: other messages than CopyData/Done/Fail/Flush/Sync end it. */
  readonly isCopyingIn: boolean

  /** Simple Query: all statements of the text, in one implicit transaction unless they manage their own. */
  query(text: string): Step

  /** Extended protocol. Oid 0 in `parameterTypes`: to be inferred. */
  parse(statementName: string, text: string, parameterTypes: readonly number[]): Step
  /**
   * Parameters are slices of `message`, from which nothing may be kept after the call returns: `offsets[i]` is the
   * first byte of parameter i and `lengths[i]` its length, -1 for NULL. Formats as in the Bind message (0, 1 or n codes).
   */
  bind(request: BindRequest): Step
  describeStatement(name: string): Step
  describePortal(name: string): Step
  /** maxRows 0: all. Writes rows and CommandComplete, PortalSuspended or EmptyQueryResponse. */
  execute(portalName: string, maxRows: number): Step
  closeStatement(name: string): Step
  closePortal(name: string): Step
  /** Ends the implicit transaction of the messages since the last Sync. Also called after an error was skipped to here. */
  sync(): Step

  /** Bytes of one CopyData message; nothing is kept after the returned promise resolved. */
  copyData(message: Buffer, start: number, end: number): Step
  copyDone(): Step
  copyFail(reason: string): Step

  /**
   * The server itself refused a message (malformed, not UTF-8, unsupported): the transaction, explicit or implicit, ends
   * up as if a statement had failed. Never fails.
   */
  fail(): void

  /** CancelRequest, or termination while a statement runs: it fails with 57014 (or 57P01) at its next safe point. */
  cancel(): void
  /** The connection is gone or is being closed: rolls back, releases locks, temporary tables and the rest. */
  close(): Promise<void>
}

export interface BindRequest {
  readonly portalName: string
  readonly statementName: string
  readonly parameterFormats: readonly number[]
  readonly message: Buffer
  readonly parameterCount: number
  /** Of each parameter; what lies behind parameterCount belongs to earlier messages. */
  readonly offsets: readonly number[]
  readonly lengths: readonly number[]
  readonly resultFormats: readonly number[]
}
