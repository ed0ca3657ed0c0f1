// numeric as a Type: its binary form, stored form, key, and precision and scale.
//
//   binary (PostgreSQL's)   i16 digits | i16 weight of the first | u16 sign | u16 scale | i16 digits
//   stored (ours)           u8: bit 7 special (then 0 NaN, 1 Infinity, 2 -Infinity), bit 6 negative, bits 0-5
//                           scale; 63: the scale follows as u16 | magnitude, big-endian, no leading zero byte
//   key                     u8: 0 -Infinity, 1 negative, 2 zero, 3 positive, 4 Infinity, 5 NaN; then, with
//                           all bits flipped for negative numbers: u24 exponent of the first digit + 2^23
//                           | two digits a byte, each pair + 1 | 00

import type { ByteWriter } from '../../storage/base/byte-writer.ts'
import type { Behaviour } from './define-type.ts'
import { insufficientData } from './input-errors.ts'
import {
  absolute,
  compareNumeric,
  digitCount,
  formatNumeric,
  hashNumeric,
  makeNumeric,
  Numeric,
  NUMERIC_INFINITY,
  NUMERIC_NAN,
  NUMERIC_NEGATIVE_INFINITY,
  NUMERIC_SCALE_MAX,
  parseNumeric,
  powerOfTen,
  trimScale,
} from './numeric.ts'
import { coefficientAt } from './numeric-arithmetic.ts'
import { parseInt4 } from './integer-types.ts'
import { SqlError } from './sql-error.ts'

const PRECISION_MAX = 1000
const TYPMOD_HEADER = 4

const SIGN_NEGATIVE = 0x4000
const SIGN_NAN = 0xc000
const SIGN_INFINITY = 0xd000
const SIGN_NEGATIVE_INFINITY = 0xf000

function sendNumeric(value: Numeric, writer: ByteWriter): void {
  const { coefficient, scale, special } = value
  if (special !== undefined) {
    writer.int32(0)
    writer.int16(
      special === 'NaN' ? SIGN_NAN : special === 'Infinity' ? SIGN_INFINITY : SIGN_NEGATIVE_INFINITY,
    )
    writer.int16(special === 'NaN' ? 0 : 0x20)
    return
  }
  const digits = absolute(coefficient).toString()
  // Pad both ends so that groups of four lie around the point.
  const fractionPad = (4 - (scale % 4)) % 4
  const padded = digits.padEnd(digits.length + fractionPad, '0')
  const aligned = padded.padStart(Math.ceil(padded.length / 4) * 4, '0')
  let first = 0
  let last = aligned.length / 4
  while (first < last && aligned.startsWith('0000', first * 4)) first++
  while (last > first && aligned.startsWith('0000', (last - 1) * 4)) last--
  const weight = first === last ? 0 : aligned.length / 4 - (scale + fractionPad) / 4 - 1 - first
  writer.int16(last - first)
  writer.int16(weight)
  writer.int16(coefficient < 0n ? SIGN_NEGATIVE : 0)
  writer.int16(scale)
  for (let i = first; i < last; i++) writer.int16(Number(aligned.slice(i * 4, i * 4 + 4)))
}

function invalidExternal(what: string): SqlError {
  return new SqlError('22P03', `invalid ${what} in external "numeric" value`)
}

function receiveNumeric(bytes: Buffer, start: number, end: number, typmod: number): Numeric {
  if (end - start < 8) throw insufficientData()
  const count = bytes.readUInt16BE(start)
  const weight = bytes.readInt16BE(start + 2)
  const sign = bytes.readUInt16BE(start + 4)
  const scale = bytes.readUInt16BE(start + 6)
  if (![0, SIGN_NEGATIVE, SIGN_NAN, SIGN_INFINITY, SIGN_NEGATIVE_INFINITY].includes(sign))
    throw invalidExternal('sign')
  if (scale > NUMERIC_SCALE_MAX) throw invalidExternal('scale')
  if (end - start < 8 + count * 2) throw insufficientData()
  if (end - start > 8 + count * 2) throw new SqlError('22P03', 'incorrect binary data format')
  let text = ''
  for (let i = 0; i < count; i++) {
    const digit = bytes.readInt16BE(start + 8 + i * 2)
    if (digit < 0 || digit > 9999) throw invalidExternal('digit')
    text += String(digit).padStart(4, '0')
  }
  if (sign === SIGN_NAN) return NUMERIC_NAN
  if (sign === SIGN_INFINITY || sign === SIGN_NEGATIVE_INFINITY) {
    return applyNumericTypmod(sign === SIGN_INFINITY ? NUMERIC_INFINITY : NUMERIC_NEGATIVE_INFINITY, typmod)
  }
  const magnitude = text === '' ? 0n : BigInt(text)
  // The digits end at 4 * (count - 1 - weight) places after the point; what is beyond the scale is cut.
  const from = 4 * (count - 1 - weight)
  const coefficient =
    scale >= from ? magnitude * powerOfTen(scale - from) : magnitude / powerOfTen(from - scale)
  return applyNumericTypmod(makeNumeric(sign === SIGN_NEGATIVE ? -coefficient : coefficient, scale), typmod)
}

const LONG_SCALE = 63
const STORED_SPECIALS: readonly Numeric[] = [NUMERIC_NAN, NUMERIC_INFINITY, NUMERIC_NEGATIVE_INFINITY]

function encodeStored(value: Numeric, writer: ByteWriter): void {
  const { coefficient, scale, special } = value
  if (special !== undefined) {
    writer.uint8(0x80 | STORED_SPECIALS.findIndex((candidate) => candidate.special === special))
    return
  }
  const isNegative = coefficient < 0n
  writer.uint8((isNegative ? 0x40 : 0) | Math.min(scale, LONG_SCALE))
  if (scale >= LONG_SCALE) writer.int16(scale)
  const magnitude = isNegative ? -coefficient : coefficient
  if (magnitude <= 0xffff_ffff_ffffn) {
    writeMagnitude(Number(magnitude), writer)
  } else {
    const hex = magnitude.toString(16)
    const even = hex.length % 2 === 0 ? hex : `0${hex}`
    writer.reserve(even.length / 2)
    writer.length += writer.bytes.write(even, writer.length, 'hex')
  }
}

/** A number below 2^48 in as few bytes as it needs. */
function writeMagnitude(value: number, writer: ByteWriter): void {
  const high = Math.floor(value / 0x100_0000)
  const low = value % 0x100_0000
  let started = false
  for (let shift = 40; shift >= 0; shift -= 8) {
    const byte = shift >= 24 ? (high >> (shift - 24)) & 0xff : (low >> shift) & 0xff
    if (!started && byte === 0) continue
    started = true
    writer.uint8(byte)
  }
}

function decodeStored(bytes: Buffer, start: number, end: number): Numeric {
  const head = bytes[start] as number
  if (head >= 0x80) return STORED_SPECIALS[head & 0x7f] as Numeric
  let at = start + 1
  let scale = head & 0x3f
  if (scale === LONG_SCALE) {
    scale = bytes.readUInt16BE(at)
    at += 2
  }
  let magnitude = 0n
  if (end - at <= 6) {
    let small = 0
    for (; at < end; at++) small = small * 256 + (bytes[at] as number)
    magnitude = BigInt(small)
  } else {
    magnitude = BigInt(`0x${bytes.toString('hex', at, end)}`)
  }
  return new Numeric((head & 0x40) === 0 ? magnitude : -magnitude, scale)
}

const EXPONENT_BIAS = 0x80_0000

function encodeKey(value: Numeric, writer: ByteWriter): void {
  const { coefficient, scale, special } = value
  if (special !== undefined) {
    writer.uint8(special === 'NaN' ? 5 : special === 'Infinity' ? 4 : 0)
    return
  }
  if (coefficient === 0n) {
    writer.uint8(2)
    return
  }
  const isNegative = coefficient < 0n
  writer.uint8(isNegative ? 1 : 3)
  const flip = isNegative ? 0xff : 0
  const digits = absolute(coefficient).toString()
  const exponent = digits.length - 1 - scale + EXPONENT_BIAS
  writer.uint8((exponent >> 16) ^ flip)
  writer.uint8(((exponent >> 8) & 0xff) ^ flip)
  writer.uint8((exponent & 0xff) ^ flip)
  let length = digits.length
  while (digits.charCodeAt(length - 1) === 0x30) length--
  for (let i = 0; i < length; i += 2) {
    const tens = digits.charCodeAt(i) - 0x30
    const ones = i + 1 < length ? digits.charCodeAt(i + 1) - 0x30 : 0
    writer.uint8((tens * 10 + ones + 1) ^ flip)
  }
  writer.uint8(flip)
}

/** numeric(p, s) -> typmod; PostgreSQL 15 allows a scale from -1000 to 1000. */
function typmodIn(args: readonly string[]): number {
  const [precision, scale = 0] = args.map(parseInt4)
  if (precision === undefined || args.length > 2) throw new SqlError('22023', 'invalid NUMERIC type modifier')
  if (precision < 1 || precision > PRECISION_MAX) {
    throw new SqlError('22023', `NUMERIC precision ${precision} must be between 1 and ${PRECISION_MAX}`)
  }
  if (scale < -PRECISION_MAX || scale > PRECISION_MAX) {
    throw new SqlError(
      '22023',
      `NUMERIC scale ${scale} must be between ${-PRECISION_MAX} and ${PRECISION_MAX}`,
    )
  }
  return ((precision << 16) | (scale & 0x7ff)) + TYPMOD_HEADER
}

/** Precision and scale of a typmod; undefined for none. */
export function numericTypmod(typmod: number): { precision: number; scale: number } | undefined {
  if (typmod < TYPMOD_HEADER) return undefined
  const packed = typmod - TYPMOD_HEADER
  return { precision: (packed >> 16) & 0xffff, scale: ((packed & 0x7ff) ^ 0x400) - 0x400 }
}

/** Rounds to the scale of the typmod; 22003 'numeric field overflow' when the precision is exceeded. */
export function applyNumericTypmod(value: Numeric, typmod: number): Numeric {
  const bounds = numericTypmod(typmod)
  if (bounds === undefined || value.special === 'NaN') return value
  const { precision, scale } = bounds
  if (value.special !== undefined) {
    const detail = `A field with precision ${precision}, scale ${scale} cannot hold an infinite value.`
    throw new SqlError('22003', 'numeric field overflow', { detail })
  }
  const rounded = coefficientAt(value.coefficient, value.scale, scale)
  if (digitCount(absolute(rounded)) > precision) {
    const limit = precision === scale ? '1' : `10^${precision - scale}`
    const field = `A field with precision ${precision}, scale ${scale}`
    const detail = `${field} must round to an absolute value less than ${limit}.`
    throw new SqlError('22003', 'numeric field overflow', { detail })
  }
  if (scale === value.scale) return value
  return scale >= 0 ? new Numeric(rounded, scale) : new Numeric(rounded * powerOfTen(-scale), 0)
}

export const numericBehaviour: Behaviour<Numeric> = {
  input: (text, typmod) => applyNumericTypmod(parseNumeric(text), typmod),
  output: formatNumeric,
  receive: receiveNumeric,
  send: sendNumeric,
  writeText: (value, writer) => void writer.utf8(formatNumeric(value)),
  compare: compareNumeric,
  hashKey: hashNumeric,
  encodeKey: (value, writer) => encodeKey(trimScale(value), writer),
  encodeStored,
  decodeStored,
  typmodIn,
  typmodOut(typmod) {
    const bounds = numericTypmod(typmod)
    return bounds === undefined ? '' : `(${bounds.precision},${bounds.scale})`
  },
  applyTypmod: (value, typmod) => applyNumericTypmod(value, typmod),
}
