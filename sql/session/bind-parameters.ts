// The parameter values of a Bind message, from text or binary form to values. Integers in text form, which most drivers
// and pgbench send, are read from the bytes with no string in between.

import { must } from '../../storage/base/assert.ts'
import { SqlError } from '../types/sql-error.ts'
import type { Row, Value } from '../types/value.ts'
import type { PreparedStatement } from './prepared-statement.ts'
import type { SessionCore } from './session-core.ts'
import type { BindRequest } from './session.ts'

const INT4_OID = 23
const INT8_OID = 20

export function bindParameters(core: SessionCore, statement: PreparedStatement, request: BindRequest): Row {
  const { offsets, lengths, message, parameterFormats } = request
  const types = statement.parameterTypes
  const count = request.parameterCount
  if (parameterFormats.length > 1 && parameterFormats.length !== count) {
    throw new SqlError(
      '08P01',
      `bind message has ${parameterFormats.length} parameter formats but ${count} parameters`,
    )
  }
  if (count !== types.length) {
    throw new SqlError(
      '08P01',
      `bind message supplies ${count} parameters, but prepared statement "${statement.name}" requires ${types.length}`,
    )
  }
  if (statement.missingType !== undefined)
    throw new SqlError('XX000', `cache lookup failed for type ${statement.missingType}`)
  const values = new Array<Value>(count)
  for (let i = 0; i < count; i++) {
    const length = must(lengths[i])
    if (length < 0) {
      values[i] = null
      continue
    }
    const start = must(offsets[i])
    const format = parameterFormats.length === 1 ? parameterFormats[0] : (parameterFormats[i] ?? 0)
    values[i] = readParameter(core, must(types[i]), {
      message,
      start,
      end: start + length,
      format: format ?? 0,
    })
  }
  return values
}

interface ParameterBytes {
  readonly message: Buffer
  readonly start: number
  readonly end: number
  readonly format: number
}

function readParameter(core: SessionCore, typeOid: number, bytes: ParameterBytes): Value {
  const { message, start, end } = bytes
  const { context } = core
  if (bytes.format === 1) return context.lookup.type(typeOid).receive(message, start, end, -1, context)
  if (bytes.format !== 0) throw new SqlError('22023', `unsupported format code: ${bytes.format}`)
  if (typeOid === INT4_OID || typeOid === INT8_OID) {
    const value = shortInteger(message, start, end)
    if (value !== undefined) return value
  }
  const text = message.toString('utf8', start, end)
  if (text.includes('\u0000')) throw new SqlError('22021', 'invalid byte sequence for encoding "UTF8": 0x00')
  return context.lookup.type(typeOid).input(text, -1, context)
}

/** An integer of at most nine digits; anything else is left to the type's input. */
export function shortInteger(bytes: Buffer, start: number, end: number): number | undefined {
  let at = start
  const isNegative = bytes[at] === 0x2d
  if (isNegative) at++
  const digits = end - at
  if (digits < 1 || digits > 9) return undefined
  let value = 0
  for (; at < end; at++) {
    const digit = (bytes[at] as number) - 0x30
    if (digit < 0 || digit > 9) return undefined
    value = value * 10 + digit
  }
  return isNegative && value !== 0 ? -value : value
}
