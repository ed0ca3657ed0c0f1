// The one place where failures become fields of an ErrorResponse or NoticeResponse (PostgreSQL documentation, 55.8).
//
//   SqlError        its own SQLSTATE and fields
//   StorageError    a SQLSTATE for each kind; the statement fails, the connection stays
//   anything else   XX000, a bug of ours: the text goes to the client, the stack to the log

import { AssertionError } from '../../storage/base/assert.ts'
import type { ByteWriter } from '../../storage/base/byte-writer.ts'
import { StorageError, type StorageErrorKind } from '../../storage/base/errors.ts'
import { type Severity, SqlError, type SqlErrorFields, type SqlNotice } from '../../sql/types/sql-error.ts'

/** What goes on the wire, and where it came from. */
export interface WireError extends SqlNotice {
  readonly origin: 'sql' | 'storage' | 'bug'
}

const ERROR_RESPONSE = 0x45 // 'E'
const NOTICE_RESPONSE = 0x4e // 'N'

const SQLSTATE_OF_KIND: Readonly<Record<StorageErrorKind, string>> = {
  corrupt: 'XX001', //               data_corrupted
  'disk-full': '53100', //           disk_full
  io: '58030', //                    io_error
  fenced: '57P01', //                admin_shutdown: another writer took over
  refused: '58030', //               io_error
  unsuitable: '55000', //            object_not_in_prerequisite_state
  'no-quorum': '58030', //           io_error
  locked: '55006', //                object_in_use
  'not-writable': '58030', //        io_error
  version: '58000', //               system_error
  'out-of-window': '72000', //       snapshot_too_old
  'read-only': '25006', //           read_only_sql_transaction
  deadlock: '40P01', //              deadlock_detected
  'lock-not-available': '55P03', //  lock_not_available
  'too-large': '54000', //           program_limit_exceeded
  cancelled: '57014', //             query_canceled
  closed: '57P01', //                admin_shutdown
}

const NO_FIELDS: SqlErrorFields = {}

/** Translates whatever was thrown. */
export function toWireError(thrown: unknown): WireError {
  if (thrown instanceof SqlError) {
    const { code, severity, message, fields } = thrown
    return { code, severity, message, fields, origin: 'sql' }
  }
  if (thrown instanceof StorageError) {
    const severity: Severity = thrown.kind === 'fenced' || thrown.kind === 'closed' ? 'FATAL' : 'ERROR'
    const fields = thrown.detail === undefined ? NO_FIELDS : { detail: thrown.detail }
    return {
      code: SQLSTATE_OF_KIND[thrown.kind],
      severity,
      message: thrown.message,
      fields,
      origin: 'storage',
    }
  }
  if (thrown instanceof RangeError && thrown.message.startsWith('Maximum call stack')) {
    return {
      code: '54001',
      severity: 'ERROR',
      message: 'stack depth limit exceeded',
      fields: NO_FIELDS,
      origin: 'sql',
    }
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  const prefix = thrown instanceof AssertionError ? 'assertion failed' : 'internal error'
  return {
    code: 'XX000',
    severity: 'ERROR',
    message: `${prefix}: ${message}`,
    fields: NO_FIELDS,
    origin: 'bug',
  }
}

/** FATAL: the connection ends after it. */
export function fatal(code: string, message: string, fields: SqlErrorFields = NO_FIELDS): SqlError {
  return new SqlError(code, message, fields, 'FATAL')
}

/** Whether the connection ends after it. */
export function isFatal(error: WireError): boolean {
  return error.severity === 'FATAL' || error.severity === 'PANIC'
}

/** A message that the server refused before it reached the session, which must be told that something failed. */
export class MessageError extends SqlError {}

/** 08P01: the client's bytes are not the protocol. */
export function protocolViolation(message: string): MessageError {
  return new MessageError('08P01', message)
}

export function writeErrorResponse(writer: ByteWriter, error: WireError): void {
  writeReport(writer, ERROR_RESPONSE, error, error.origin)
}

export function writeNoticeResponse(writer: ByteWriter, notice: SqlNotice): void {
  writeReport(writer, NOTICE_RESPONSE, notice, 'sql')
}

/** Fields in PostgreSQL's order (elog.c, send_message_to_frontend). F, L and R name the part of us that reported it. */
function writeReport(writer: ByteWriter, type: number, report: SqlNotice, routine: string): void {
  const { fields } = report
  writer.uint8(type)
  const lengthAt = writer.length
  writer.int32(0)
  writeField(writer, 'S', report.severity)
  writeField(writer, 'V', report.severity)
  writeField(writer, 'C', report.code)
  writeField(writer, 'M', report.message)
  writeField(writer, 'D', fields.detail)
  writeField(writer, 'H', fields.hint)
  writeField(writer, 'W', fields.where)
  writeField(writer, 's', fields.schema)
  writeField(writer, 't', fields.table)
  writeField(writer, 'c', fields.column)
  writeField(writer, 'd', fields.dataType)
  writeField(writer, 'n', fields.constraint)
  if (fields.position !== undefined && fields.position > 0) writeField(writer, 'P', String(fields.position))
  writeField(writer, 'F', 'borealis')
  writeField(writer, 'L', '1')
  writeField(writer, 'R', routine)
  writer.uint8(0)
  writer.setInt32(lengthAt, writer.length - lengthAt)
}

function writeField(writer: ByteWriter, code: string, value: string | undefined): void {
  if (value === undefined) return
  writer.uint8(code.charCodeAt(0))
  // A zero byte would end the field early and shift all that follow.
  writer.cstring(value.includes('\0') ? value.replaceAll('\0', '') : value)
}
