// Values that name things: uuids, enum labels, identifiers in parts; and hashes, sizes in words, counts of nulls.

import type { Definitions } from './definition.ts'
import { numericMultiply, numericToInt8 } from '../types/numeric-arithmetic.ts'
import { type Numeric, formatNumeric, numericFromInt8, parseNumeric } from '../types/numeric.ts'
import { ANYENUM_OID, TEXT_OID } from '../types/oids.ts'
import { SqlError } from '../types/sql-error.ts'
import { ArrayValue, type Int8, type Value } from '../types/value.ts'
import type { FunctionContext } from './function.ts'

/** A version 4 uuid out of the session's chance. */
function randomUuid(context: FunctionContext): string {
  const bytes = Buffer.alloc(16)
  for (let i = 0; i < 16; i += 2) bytes.writeUInt16BE(Math.floor(context.random() * 0x10000), i)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** enum_first and its like never look at the value: null::the_type names the type. */
function enumPart(pick: (labels: readonly string[]) => Value): Definitions[string] {
  return {
    specialise:
      ([type = ANYENUM_OID]) =>
      (context) =>
        pick(context.services.catalog.enumLabels(type)),
  }
}

function enumRange(
  context: FunctionContext,
  type: number,
  ...[from, to]: [string | null, string | null]
): ArrayValue {
  const labels = context.services.catalog.enumLabels(type)
  const start = from === null ? 0 : labels.indexOf(from)
  const end = to === null ? labels.length : labels.indexOf(to) + 1
  return new ArrayValue(type, labels.slice(start, end))
}

/** Counts nulls among the arguments of VARIADIC "any". */
function countNulls(counted: boolean): Definitions[string] {
  return {
    specialise:
      (_types, _result, isArray) =>
      (_context, ...args: Value[]) => {
        if (!isArray) return args.filter((arg) => (arg === null) === counted).length
        const [array] = args as [ArrayValue | null]
        return array === null
          ? null
          : array.elements.filter((element) => (element === null) === counted).length
      },
  }
}

/** Splits a dotted name; unquoted parts become lower case. */
function parseIdentifier(text: string, isStrict: boolean): ArrayValue {
  const invalid = (detail?: string): SqlError =>
    new SqlError('22023', `string is not a valid identifier: "${text}"`, { detail })
  const parts: string[] = []
  let rest = text.trimStart()
  for (;;) {
    const match = /^(?:"((?:[^"]|"")*)"|([A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*))\s*/.exec(rest)
    if (match === null) {
      if (rest.startsWith('"')) throw invalid('String has unclosed double quotes.')
      if (rest.startsWith('.')) throw invalid('No valid identifier before ".".')
      throw invalid(parts.length > 0 ? 'No valid identifier after ".".' : undefined)
    }
    const [whole, quoted, plain] = match
    if (quoted === '') throw invalid('Quoted identifier must not be empty.')
    parts.push(
      quoted === undefined
        ? (plain ?? '').replace(/[A-Z]/g, (letter) => letter.toLowerCase())
        : quoted.replaceAll('""', '"'),
    )
    rest = rest.slice(whole.length)
    if (!rest.startsWith('.')) break
    rest = rest.slice(1).trimStart()
  }
  if (rest !== '' && isStrict) throw invalid()
  return new ArrayValue(TEXT_OID, parts)
}

const sizeUnits = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB']

/** 10240 bytes of a unit are still said in it; halves are rounded away from zero. */
function prettySize(size: bigint): string {
  let value = size
  let unit = 0
  const isSmall = (limit: bigint): boolean => (value < 0n ? -value : value) < limit
  if (isSmall(10_240n)) return `${value} bytes`
  // Each division keeps one bit more than is shown, for the rounding at the end.
  value >>= 9n
  unit = 1
  while (!isSmall(20_479n) && unit < sizeUnits.length - 1) {
    value >>= 10n
    unit++
  }
  const rounded = (value + (value < 0n ? -1n : 1n)) / 2n
  return `${rounded} ${sizeUnits[unit]}`
}

/** '1.5 GB' in bytes. */
function sizeBytes(text: string): Int8 {
  const match = /^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(\S.*?)?\s*$/s.exec(text)
  if (match === null) throw new SqlError('22023', `invalid size: "${text}"`)
  const [, digits = '', word] = match
  const at =
    word === undefined || word.toLowerCase() === 'b'
      ? 0
      : sizeUnits.findIndex((unit) => unit.toLowerCase() === word.toLowerCase())
  if (at < 0) {
    throw new SqlError('22023', `invalid size: "${text}"`, {
      detail: `Invalid size unit: "${word}".`,
      hint: 'Valid units are "bytes", "B", "kB", "MB", "GB", "TB", and "PB".',
    })
  }
  const value = parseNumeric(digits)
  return numericToInt8(numericMultiply(value, numericFromInt8(1024 ** at)))
}

/** Small numerics show their digits behind the point, larger ones are whole. */
function prettyNumeric(size: Numeric): string {
  if (size.special !== undefined) return `${size.special} PB`
  const whole = size.coefficient / 10n ** BigInt(size.scale)
  const isSmall = (whole < 0n ? -whole : whole) < 10_240n
  return isSmall ? `${formatNumeric(size)} bytes` : prettySize(whole)
}

export const identifierFunctions: Definitions = {
  'gen_random_uuid()': { context: randomUuid },
  'enum_first(anyenum)': enumPart((labels) => labels[0] ?? null),
  'enum_last(anyenum)': enumPart((labels) => labels.at(-1) ?? null),
  'enum_range(anyenum)': {
    specialise:
      ([type = ANYENUM_OID]) =>
      (context) =>
        enumRange(context, type, null, null),
  },
  'enum_range(anyenum,anyenum)': {
    specialise:
      ([type = ANYENUM_OID]) =>
      (context, from: string | null, to: string | null) =>
        enumRange(context, type, from, to),
  },
  'num_nulls(any)': countNulls(true),
  'num_nonnulls(any)': countNulls(false),
  'parse_ident(text,bool)': { call: parseIdentifier },
  'pg_size_pretty(int8)': { call: (size: Int8) => prettySize(BigInt(size)) },
  'pg_size_pretty(numeric)': { call: prettyNumeric },
  'pg_size_bytes(text)': { call: sizeBytes },
}
