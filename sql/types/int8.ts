// Int8: 64-bit integers as JavaScript has them. A safe integer is ALWAYS a number, anything else ALWAYS a
// bigint, so that === compares two Int8 and arithmetic stays on numbers until it leaves 2^53. This file moves
// them to and from bytes without making a BigInt when none is needed.

import type { ByteWriter } from '../../storage/base/byte-writer.ts'
import type { Int8 } from './value.ts'

const TWO_32 = 0x1_0000_0000
/** High words of safe integers lie in [-2^21, 2^21). */
const HIGH_SAFE_LIMIT = 0x20_0000

export const INT8_MIN: bigint = -(2n ** 63n)
export const INT8_MAX: bigint = 2n ** 63n - 1n

/** From the two halves of a two's complement number: `high` signed, `low` unsigned. */
export function int8FromWords(high: number, low: number): Int8 {
  if (high >= -HIGH_SAFE_LIMIT && high < HIGH_SAFE_LIMIT) {
    const value = high * TWO_32 + low
    // -2^53 has safe words but is no safe integer.
    if (value >= Number.MIN_SAFE_INTEGER) return value
  }
  return (BigInt(high) << 32n) | BigInt(low)
}

/** The upper 32 bits as a signed number. */
export function int8High(value: Int8): number {
  return typeof value === 'number' ? Math.floor(value / TWO_32) | 0 : Number(value >> 32n)
}

/** The lower 32 bits; the caller truncates (`| 0`, `>>> 0` or a byte store). */
export function int8Low(value: Int8): number {
  // ToInt32 is exact modulo 2^32 for every safe integer, negative ones included.
  return typeof value === 'number' ? value | 0 : Number(BigInt.asIntN(32, value))
}

/** Eight bytes, big-endian. */
export function readInt8(bytes: Buffer, at: number): Int8 {
  return int8FromWords(bytes.readInt32BE(at), bytes.readUInt32BE(at + 4))
}

/** Eight bytes, big-endian. */
export function writeInt8(writer: ByteWriter, value: Int8): void {
  writer.int32(int8High(value))
  writer.int32(int8Low(value))
}

export function compareInt8(a: Int8, b: Int8): number {
  return a < b ? -1 : a > b ? 1 : 0
}
