// Frames a session's answers (PostgreSQL documentation, section 55.7) in one buffer per connection and hands the buffer
// to the socket.
//
//   writer   │ answers of finished calls │ ReadyForQuery │ answers of the running call ...
//                                                        ▲ #markedAt: up to here the client may see it at any time
//
// Invariants: between beginRow and endRow (or beginCopyData and endCopyData) only `writer` is touched. What lies behind
// the mark leaves only when its call has finished, or when the session itself flushes: it may depend on a commit that
// is not durable yet. Sent bytes are written over only once the kernel has taken them.

import { assert } from '../../storage/base/assert.ts'
import { ByteWriter } from '../../storage/base/byte-writer.ts'
import type { FieldDescription, ResponseSink, TransactionStatus } from '../../sql/session/session.ts'
import type { SqlNotice } from '../../sql/types/sql-error.ts'
import { SINK_FULL_SIZE_BYTES, SINK_INITIAL_SIZE_BYTES, SINK_KEPT_SIZE_BYTES_MAX } from '../limits.ts'
import { writeErrorResponse, writeNoticeResponse, type WireError } from './wire-error.ts'

/** Where the bytes go: the connection's socket. */
export interface ByteOutlet {
  /** Takes the bytes; true if they have left this process, so that their memory may be written again. */
  write(bytes: Buffer): boolean
  /** A promise while more is queued than the client reads; it resolves also when the connection is lost. */
  drained(): Promise<void> | undefined
}

const DATA_ROW = 0x44 // 'D'
const ROW_DESCRIPTION = 0x54 // 'T'
const COMMAND_COMPLETE = 0x43 // 'C'
const PARAMETER_DESCRIPTION = 0x74 // 't'
const PARAMETER_STATUS = 0x53 // 'S'
const NOTIFICATION = 0x41 // 'A'
const COPY_IN = 0x47 // 'G'
const COPY_OUT = 0x48 // 'H'
const COPY_DATA = 0x64 // 'd'
const AUTHENTICATION = 0x52 // 'R'
const BACKEND_KEY_DATA = 0x4b // 'K'
const NEGOTIATE_VERSION = 0x76 // 'v'

/** A message without a body: its type and the length word, which counts itself. */
function bodyless(type: string): Buffer {
  return Buffer.from([type.charCodeAt(0), 0, 0, 0, 4])
}

const EMPTY_QUERY = bodyless('I')
const PORTAL_SUSPENDED = bodyless('s')
const PARSE_COMPLETE = bodyless('1')
const BIND_COMPLETE = bodyless('2')
const CLOSE_COMPLETE = bodyless('3')
const NO_DATA = bodyless('n')
const COPY_DONE = bodyless('c')

function readyMessage(status: TransactionStatus): Buffer {
  return Buffer.from([0x5a, 0, 0, 0, 5, status.charCodeAt(0)])
}

const READY_IDLE = readyMessage('I')
const READY_IN_BLOCK = readyMessage('T')
const READY_FAILED = readyMessage('E')

const LENGTH_SIZE_BYTES = 4
/** Of a field in RowDescription, behind its name. */
const FIELD_SIZE_BYTES = 18
const NOT_FRAMED = -1

export class MessageSink implements ResponseSink {
  readonly writer: ByteWriter = new ByteWriter(SINK_INITIAL_SIZE_BYTES)
  readonly #outlet: ByteOutlet
  /** Offset of the open frame's type byte. */
  #frameAt = NOT_FRAMED
  #markedAt = 0
  /** Where the last CommandComplete lies. */
  #completeAt = 0
  #completeEnd = -1

  constructor(outlet: ByteOutlet) {
    this.#outlet = outlet
  }

  /** The fields that were described last, and how they look when they were described twice. */
  #described: readonly FieldDescription[] | undefined
  #description: Uint8Array | undefined

  get isFull(): boolean {
    return this.writer.length >= SINK_FULL_SIZE_BYTES
  }

  beginRow(columnCount: number): void {
    const { writer } = this
    this.#begin(DATA_ROW)
    writer.int16(columnCount)
  }

  endRow(): void {
    this.#end()
  }

  abortRow(): void {
    if (this.#frameAt === NOT_FRAMED) return
    this.writer.length = this.#frameAt
    this.#frameAt = NOT_FRAMED
  }

  beginCopyData(): void {
    this.#begin(COPY_DATA)
  }

  endCopyData(): void {
    this.#end()
  }

  rowDescription(fields: readonly FieldDescription[]): void {
    const { writer } = this
    if (fields === this.#described && this.#description !== undefined) {
      writer.raw(this.#description)
      return
    }
    const start = writer.length
    this.#describe(fields)
    // A session shows the same list again when it runs the same plan again.
    this.#description =
      fields === this.#described
        ? Uint8Array.prototype.slice.call(writer.bytes, start, writer.length)
        : undefined
    this.#described = fields
  }

  #describe(fields: readonly FieldDescription[]): void {
    const { writer } = this
    this.#begin(ROW_DESCRIPTION)
    writer.int16(fields.length)
    for (const field of fields) {
      writer.cstring(field.name)
      writer.reserve(FIELD_SIZE_BYTES)
      writer.int32(field.tableOid)
      writer.int16(field.columnNumber)
      writer.int32(field.typeOid)
      writer.int16(field.typeLength)
      writer.int32(field.typeModifier)
      writer.int16(field.format)
    }
    this.#end()
  }

  commandComplete(tag: string): void {
    this.#completeAt = this.writer.length
    this.#begin(COMMAND_COMPLETE)
    this.writer.cstring(tag)
    this.#end()
    this.#completeEnd = this.writer.length
  }

  retractComplete(): void {
    const { writer } = this
    if (writer.length === this.#completeEnd && this.#completeAt >= this.#markedAt)
      writer.length = this.#completeAt
  }

  emptyQuery(): void {
    this.writer.raw(EMPTY_QUERY)
  }

  portalSuspended(): void {
    this.writer.raw(PORTAL_SUSPENDED)
  }

  parseComplete(): void {
    this.writer.raw(PARSE_COMPLETE)
  }

  bindComplete(): void {
    this.writer.raw(BIND_COMPLETE)
  }

  closeComplete(): void {
    this.writer.raw(CLOSE_COMPLETE)
  }

  noData(): void {
    this.writer.raw(NO_DATA)
  }

  copyDone(): void {
    this.writer.raw(COPY_DONE)
  }

  parameterDescription(typeOids: readonly number[]): void {
    this.#begin(PARAMETER_DESCRIPTION)
    this.writer.int16(typeOids.length)
    for (const oid of typeOids) this.writer.int32(oid)
    this.#end()
  }

  parameterStatus(name: string, value: string): void {
    this.#begin(PARAMETER_STATUS)
    this.writer.cstring(name)
    this.writer.cstring(value)
    this.#end()
  }

  notice(notice: SqlNotice): void {
    assert(this.#frameAt === NOT_FRAMED, 'no notice inside a row')
    writeNoticeResponse(this.writer, notice)
  }

  notification(processId: number, channel: string, payload: string): void {
    this.#begin(NOTIFICATION)
    this.writer.int32(processId)
    this.writer.cstring(channel)
    this.writer.cstring(payload)
    this.#end()
  }

  copyIn(format: number, columnFormats: readonly number[]): void {
    this.#copyResponse(COPY_IN, format, columnFormats)
  }

  copyOut(format: number, columnFormats: readonly number[]): void {
    this.#copyResponse(COPY_OUT, format, columnFormats)
  }

  #copyResponse(type: number, format: number, columnFormats: readonly number[]): void {
    this.#begin(type)
    this.writer.uint8(format)
    this.writer.int16(columnFormats.length)
    for (const columnFormat of columnFormats) this.writer.int16(columnFormat)
    this.#end()
  }

  // What follows is the server's own part: sessions do not know it.

  /** ErrorResponse. A row that was being written when the error struck is taken back. */
  error(error: WireError): void {
    this.abortRow()
    writeErrorResponse(this.writer, error)
  }

  /** ReadyForQuery, and the mark: what precedes it may leave while a later call waits. */
  ready(status: TransactionStatus): void {
    this.writer.raw(status === 'I' ? READY_IDLE : status === 'T' ? READY_IN_BLOCK : READY_FAILED)
    this.#markedAt = this.writer.length
  }

  /** Authentication request `code` with its `data` (section 55.7, AuthenticationOk and the others). */
  authentication(code: number, data?: Uint8Array): void {
    this.#begin(AUTHENTICATION)
    this.writer.int32(code)
    if (data !== undefined) this.writer.raw(data)
    this.#end()
  }

  backendKeyData(processId: number, secret: number): void {
    this.#begin(BACKEND_KEY_DATA)
    this.writer.int32(processId)
    this.writer.int32(secret)
    this.#end()
  }

  negotiateProtocolVersion(newest: number, unknownOptions: readonly string[]): void {
    this.#begin(NEGOTIATE_VERSION)
    this.writer.int32(newest)
    this.writer.int32(unknownOptions.length)
    for (const option of unknownOptions) this.writer.cstring(option)
    this.#end()
  }

  /** Lets everything written so far leave at the next chance, even if a later call waits (the Flush message). */
  mark(): void {
    this.#markedAt = this.writer.length
  }

  /** Sends everything. */
  flush(): Promise<void> | undefined {
    const { writer } = this
    assert(this.#frameAt === NOT_FRAMED, 'no flush inside a row')
    this.#markedAt = 0
    this.#completeEnd = -1
    if (writer.length === 0) return undefined
    const hasLeft = this.#outlet.write(writer.written())
    if (hasLeft && writer.bytes.length <= SINK_KEPT_SIZE_BYTES_MAX) writer.reset()
    else this.#replaceBuffer()
    return this.#outlet.drained()
  }

  /** Sends what lies before the mark, while the running call waits. */
  flushMarked(): void {
    const { writer } = this
    const count = this.#markedAt
    if (count === 0) return
    assert(this.#frameAt === NOT_FRAMED, 'no call waits inside a row')
    this.#outlet.write(Buffer.from(writer.bytes.subarray(0, count)))
    writer.bytes.copyWithin(0, count, writer.length)
    writer.length -= count
    this.#markedAt = 0
    this.#completeAt -= count
    this.#completeEnd -= count
  }

  #replaceBuffer(): void {
    this.writer.bytes = Buffer.allocUnsafeSlow(SINK_INITIAL_SIZE_BYTES)
    this.writer.reset()
  }

  #begin(type: number): void {
    const { writer } = this
    assert(this.#frameAt === NOT_FRAMED, 'a message is finished before the next begins')
    this.#frameAt = writer.length
    writer.reserve(1 + LENGTH_SIZE_BYTES)
    writer.bytes[writer.length] = type
    writer.length += 1 + LENGTH_SIZE_BYTES
  }

  #end(): void {
    const { writer } = this
    const lengthAt = this.#frameAt + 1
    assert(lengthAt > 0, 'a message was begun')
    writer.setInt32(lengthAt, writer.length - lengthAt)
    this.#frameAt = NOT_FRAMED
  }
}
