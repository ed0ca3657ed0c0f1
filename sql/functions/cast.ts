// The functions behind pg_cast that are not of another area: numbers among each other, bool, text's neighbours, bit strings.
// Casts without a function ('binary' relabels, 'io' goes through text) need none. Length coercions (varchar(n), ...)
// ask the Type. Dates have theirs in datetime-cast.ts, jsonb in json.ts.

import { type Definition, type Definitions, collect, inlined } from './definition.ts'
import { trimBlanks } from './comparison.ts'
import { checkFloat, numberToInt8, outOfRange, toInt2, toInt4 } from './range-check.ts'
import {
  BIT_OID,
  BPCHAR_OID,
  CHAR_OID,
  INTERVAL_OID,
  NAME_OID,
  NUMERIC_OID,
  TIME_OID,
  TIMESTAMPTZ_OID,
  TIMESTAMP_OID,
  TIMETZ_OID,
  VARBIT_OID,
  VARCHAR_OID,
} from '../types/oids.ts'
import { charFromByte, charToByte } from '../types/text-types.ts'
import { type Int8, type Value, int8 } from '../types/value.ts'

/** C's rint: to the nearest integer, halves to the even one. */
export function roundHalfEven(value: number): number {
  const rounded = Math.round(value)
  return Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded
}

/** To an integer in [low, high); NaN fails every comparison. */
function floatToInt(type: string, low: number, high: number): (value: number) => number {
  return (value) => {
    const rounded = roundHalfEven(value)
    if (!(rounded >= low && rounded < high)) throw outOfRange(type)
    return rounded | 0
  }
}

const floatToInt2 = floatToInt('smallint', -32768, 32768)
const floatToInt4 = floatToInt('integer', -2147483648, 2147483648)
const floatToInt8 = (value: number): Int8 => numberToInt8(roundHalfEven(value))

function toFloat4(value: number): number {
  return checkFloat(Math.fround(value), !Number.isFinite(value), value === 0)
}

function int8ToInt4(value: Int8): number {
  if (typeof value === 'bigint') throw outOfRange('integer')
  return toInt4(value)
}

function int8ToInt2(value: Int8): number {
  if (typeof value === 'bigint') throw outOfRange('smallint')
  return toInt2(value)
}

function int8ToOid(value: Int8): number {
  if (typeof value === 'bigint' || value < 0 || value > 0xffff_ffff) throw outOfRange('OID')
  return value
}

const same = (value: number): number => value

const numbers: Definitions = {
  'int2(int4)': { call: toInt2 },
  'int2(int8)': { call: int8ToInt2 },
  'int4(int2)': inlined(same, (a) => a),
  'int4(int8)': { call: int8ToInt4 },
  'int8(int2)': inlined(same, (a) => a),
  'int8(int4)': inlined(same, (a) => a),
  'int8(oid)': inlined(same, (a) => a),
  'oid(int8)': { call: int8ToOid },
  'float4(int2)': inlined(same, (a) => a),
  'float4(int4)': { call: (a: number) => Math.fround(a) },
  'float4(int8)': { call: (a: Int8) => Math.fround(Number(a)) },
  'float8(int2)': inlined(same, (a) => a),
  'float8(int4)': inlined(same, (a) => a),
  'float8(int8)': { call: (a: Int8) => Number(a) },
  'float8(float4)': inlined(same, (a) => a),
  'float4(float8)': { call: toFloat4 },
  'int2(float4)': { call: floatToInt2 },
  'int2(float8)': { call: floatToInt2 },
  'int4(float4)': { call: floatToInt4 },
  'int4(float8)': { call: floatToInt4 },
  'int8(float4)': { call: floatToInt8 },
  'int8(float8)': { call: floatToInt8 },
  'bool(int4)': { call: (a: number) => a !== 0 },
  'int4(bool)': { call: (a: boolean) => (a ? 1 : 0) },
  'xid(xid8)': { call: (a: Int8) => Number(BigInt.asUintN(32, BigInt(a))) },
}

function intToChar(value: number): string {
  if (value < -128 || value > 127) throw outOfRange('"char"')
  return charFromByte(value & 0xff)
}

const texts: Definitions = {
  'text(bool)': { call: (a: boolean) => (a ? 'true' : 'false') },
  'text(bpchar)': { call: trimBlanks },
  'text(char)': { call: (a: string) => a },
  'text(name)': { call: (a: string) => a },
  'bpchar(char)': { call: (a: string) => a },
  'bpchar(name)': { call: (a: string) => a },
  'varchar(name)': { call: (a: string) => a },
  'name(text)': { context: (context, a: string) => context.lookup.type(NAME_OID).input(a, -1, context) },
  'name(varchar)': { context: (context, a: string) => context.lookup.type(NAME_OID).input(a, -1, context) },
  'name(bpchar)': {
    context: (context, a: string) => context.lookup.type(NAME_OID).input(trimBlanks(a), -1, context),
  },
  'char(text)': { context: (context, a: string) => context.lookup.type(CHAR_OID).input(a, -1, context) },
  'int4(char)': { call: (a: string) => (charToByte(a) << 24) >> 24 },
  'char(int4)': { call: intToChar },
  'regclass(text)': { context: (context, a: string) => context.lookup.regNameToOid('regclass', a) },
}

/** type(value, typmod) and type(value, typmod, explicit): what a column of that length makes of the value. */
function* lengthCoercions(): Iterable<readonly [string, Definition]> {
  const withFlag = { bpchar: BPCHAR_OID, varchar: VARCHAR_OID, bit: BIT_OID, varbit: VARBIT_OID }
  for (const [name, oid] of Object.entries(withFlag)) {
    yield [
      `${name}(${name},int4,bool)`,
      {
        context: (context, value: NonNullable<Value>, typmod: number, explicit: boolean) =>
          context.lookup.type(oid).applyTypmod(value, typmod, explicit),
      },
    ]
  }
  const plain = {
    numeric: NUMERIC_OID,
    time: TIME_OID,
    timetz: TIMETZ_OID,
    timestamp: TIMESTAMP_OID,
    timestamptz: TIMESTAMPTZ_OID,
    interval: INTERVAL_OID,
  }
  for (const [name, oid] of Object.entries(plain)) {
    yield [
      `${name}(${name},int4)`,
      {
        context: (context, value: NonNullable<Value>, typmod: number) =>
          context.lookup.type(oid).applyTypmod(value, typmod, false),
      },
    ]
  }
}

/** Numbers to bit(n) keep their lowest n bits, sign-extended to the left; the typmod is n. */
function toBits(value: Int8, typmod: number): string {
  const length = typmod < 1 ? 1 : typmod
  return BigInt.asUintN(length, BigInt(value)).toString(2).padStart(length, '0')
}

function fromBits(type: 'integer' | 'bigint', width: number): (bits: string) => Int8 {
  return (bits) => {
    if (bits.length > width) throw outOfRange(type)
    return int8(BigInt.asIntN(width, BigInt(`0b0${bits}`)))
  }
}

const bits: Definitions = {
  'bit(int4,int4)': { call: toBits },
  'bit(int8,int4)': { call: toBits },
  'int4(bit)': { call: fromBits('integer', 32) },
  'int8(bit)': { call: fromBits('bigint', 64) },
}

export const castFunctions: Definitions = { ...numbers, ...texts, ...bits, ...collect(lengthCoercions()) }
