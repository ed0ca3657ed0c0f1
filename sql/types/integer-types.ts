// int2, int4, int8, oid and the counters xid, cid, xid8. Input follows the documentation's section 8.1 and
// the C functions behind it: blanks around, a sign, decimal digits (binary, octal and underscores came with
// version 16).

import type { ByteWriter } from '../../storage/base/byte-writer.ts'
import type { Behaviour } from './define-type.ts'
import { writeInteger } from './digits.ts'
import { expectBytes, invalidSyntax, isDigit, isSpace, valueOutOfRange } from './input-errors.ts'
import { compareInt8, int8FromWords, INT8_MAX, INT8_MIN, readInt8, writeInt8 } from './int8.ts'
import { writeKeyInt2, writeKeyInt4, writeKeyInt8, writeKeyUint4 } from './key-bytes.ts'
import { int8, type Int8 } from './value.ts'

/** Parses an integer of [min, max], both at most 2^31 away from zero. `typeName` is for errors. */
export function parseInteger(text: string, min: number, max: number, typeName: string): number {
  const { length } = text
  let at = 0
  while (at < length && isSpace(text.charCodeAt(at))) at++
  let negative = false
  const sign = text.charCodeAt(at)
  if (sign === 0x2d || sign === 0x2b) {
    negative = sign === 0x2d
    at++
  }
  const digitsAt = at
  let value = 0
  for (; at < length; at++) {
    const code = text.charCodeAt(at)
    if (!isDigit(code)) break
    value = value * 10 + code - 0x30
    if (negative ? -value < min : value > -min) throw valueOutOfRange(typeName, text)
  }
  if (at === digitsAt) throw invalidSyntax(typeName, text)
  while (at < length && isSpace(text.charCodeAt(at))) at++
  if (at < length) throw invalidSyntax(typeName, text)
  if (!negative && value > max) throw valueOutOfRange(typeName, text)
  return negative && value !== 0 ? -value : value
}

export function parseInt2(text: string): number {
  return parseInteger(text, -0x8000, 0x7fff, 'smallint')
}

export function parseInt4(text: string): number {
  return parseInteger(text, -0x8000_0000, 0x7fff_ffff, 'integer')
}

/** Digits that surely stay below 2^53. */
const SAFE_DIGITS = 15

export function parseInt8(text: string): Int8 {
  const { length } = text
  let at = 0
  while (at < length && isSpace(text.charCodeAt(at))) at++
  const sign = text.charCodeAt(at)
  const negative = sign === 0x2d
  if (negative || sign === 0x2b) at++
  const digitsAt = at
  let value = 0
  for (; at < length; at++) {
    const code = text.charCodeAt(at)
    if (!isDigit(code)) break
    value = value * 10 + code - 0x30
  }
  if (at === digitsAt) throw invalidSyntax('bigint', text)
  const exact = at - digitsAt <= SAFE_DIGITS ? undefined : BigInt(text.slice(digitsAt, at))
  // The C function stops at the first digit that overflows, before it looks at what follows the digits.
  if (exact !== undefined && exact > (negative ? -INT8_MIN : INT8_MAX)) throw valueOutOfRange('bigint', text)
  while (at < length && isSpace(text.charCodeAt(at))) at++
  if (at < length) throw invalidSyntax('bigint', text)
  if (exact !== undefined) return int8(negative ? -exact : exact)
  return negative && value !== 0 ? -value : value
}

const STRTOUL = /^[ \t-\r]*([+-]?)(\d+)(.*)$/s

/** oid input: C's strtoul, so that -1 means 4294967295. */
export function parseOid(text: string): number {
  const match = STRTOUL.exec(text)
  if (match === null) throw invalidSyntax('oid', text)
  const value = BigInt(match[2] ?? '0')
  const signed = match[1] === '-' ? -value : value
  // strtoul itself overflows first, whatever follows the digits.
  if (value >= 2n ** 64n) throw valueOutOfRange('oid', text)
  if (!/^[ \t-\r]*$/.test(match[3] ?? '')) throw invalidSyntax('oid', text)
  if (signed < -0x8000_0000n || signed > 0xffff_ffffn) throw valueOutOfRange('oid', text)
  return Number(BigInt.asUintN(32, signed))
}

const STRTOUL_ANY_BASE = /^[ \t-\r]*([+-]?)(0[xX][0-9a-fA-F]+|\d+)/

/** xid, cid, xid8: C's strtoul with base 0 and without a check; anything else is 0. */
function parseCounter(text: string, bits: number): bigint {
  const match = STRTOUL_ANY_BASE.exec(text)
  if (match === null) return 0n
  const digits = match[2] ?? '0'
  const octal = /^0[0-7]*/.exec(digits)?.[0]
  const isHex = digits[1] === 'x' || digits[1] === 'X'
  const value = BigInt(isHex || octal === undefined ? digits : `0o0${octal}`)
  if (value >= 2n ** 64n) return BigInt.asUintN(bits, -1n)
  return BigInt.asUintN(bits, match[1] === '-' ? -value : value)
}

function compareNumbers(a: number, b: number): number {
  return a - b
}

function identity<T>(value: T): T {
  return value
}

export const int2Behaviour: Behaviour<number> = {
  input: parseInt2,
  output: String,
  receive(bytes, start, end) {
    expectBytes(start, end, 2)
    return bytes.readInt16BE(start)
  },
  send: (value, writer) => writer.int16(value),
  writeText: (value, writer) => writeInteger(writer, value),
  compare: compareNumbers,
  hashKey: identity,
  encodeKey: writeKeyInt2,
  rowSlot: 'int2',
}

export const int4Behaviour: Behaviour<number> = {
  input: parseInt4,
  output: String,
  receive(bytes, start, end) {
    expectBytes(start, end, 4)
    return bytes.readInt32BE(start)
  },
  send: (value, writer) => writer.int32(value),
  writeText: (value, writer) => writeInteger(writer, value),
  compare: compareNumbers,
  hashKey: identity,
  encodeKey: writeKeyInt4,
  rowSlot: 'int4',
}

export const int8Behaviour: Behaviour<Int8> = {
  input: parseInt8,
  output: String,
  receive(bytes, start, end) {
    expectBytes(start, end, 8)
    return readInt8(bytes, start)
  },
  send: (value, writer) => writeInt8(writer, value),
  writeText: (value, writer) => writeInteger(writer, value),
  compare: compareInt8,
  hashKey: identity,
  encodeKey: writeKeyInt8,
  rowSlot: 'int8',
}

function receiveUint4(bytes: Buffer, start: number, end: number): number {
  expectBytes(start, end, 4)
  return bytes.readUInt32BE(start)
}

export const oidBehaviour: Behaviour<number> = {
  input: parseOid,
  output: String,
  receive: receiveUint4,
  send: (value, writer) => writer.int32(value),
  writeText: (value, writer) => writeInteger(writer, value),
  compare: compareNumbers,
  hashKey: identity,
  encodeKey: writeKeyUint4,
  rowSlot: 'uint4',
}

/** xid and cid have equality but no order (they wrap around), hence no index. */
export const xidBehaviour: Behaviour<number> = {
  input: (text) => Number(parseCounter(text, 32)),
  output: String,
  receive: receiveUint4,
  send: (value, writer) => writer.int32(value),
  writeText: (value, writer) => writeInteger(writer, value),
  hashKey: identity,
  rowSlot: 'uint4',
}

/**
 * xid8 is the one unsigned 64-bit type: a number when safe, else a bigint below 2^64. Stored as eight bytes.
 */
export const xid8Behaviour: Behaviour<Int8> = {
  input: (text) => int8(parseCounter(text, 64)),
  output: String,
  receive(bytes, start, end) {
    expectBytes(start, end, 8)
    return readUint8(bytes, start)
  },
  send: (value, writer) => writeUint8(value, writer),
  compare: compareInt8,
  hashKey: identity,
  encodeKey: writeUint8,
  encodeStored: writeUint8,
  decodeStored: readUint8,
}

function readUint8(bytes: Buffer, start: number): Int8 {
  const high = bytes.readUInt32BE(start)
  if (high < 0x8000_0000) return int8FromWords(high, bytes.readUInt32BE(start + 4))
  return bytes.readBigUInt64BE(start)
}

function writeUint8(value: Int8, writer: ByteWriter): void {
  writeInt8(writer, typeof value === 'number' ? value : BigInt.asIntN(64, value))
}
