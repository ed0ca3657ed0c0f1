// Decimal digits of integers, written straight into bytes and read straight from text: the text format's hot
// path.

import type { ByteWriter } from '../../storage/base/byte-writer.ts'
import type { Int8 } from './value.ts'

const ZERO = 0x30

/** Writes an Int8 in decimal. */
export function writeInteger(writer: ByteWriter, value: Int8): void {
  if (typeof value !== 'number') {
    writer.utf8(value.toString())
    return
  }
  writer.reserve(17)
  let rest = value
  if (rest < 0) {
    writer.bytes[writer.length++] = 0x2d
    rest = -rest
  }
  if (rest <= 0x7fff_ffff) {
    writeDigits(writer, rest, digitCount(rest))
    return
  }
  // Two halves, because division of doubles is exact only while quotients stay integers we floor ourselves.
  const upper = Math.floor(rest / 1e9)
  writeDigits(writer, upper, digitCount(upper))
  writeDigits(writer, rest - upper * 1e9, 9)
}

/** Writes `count` digits of an integer in [0, 2^31), zeroes in front. Room must have been reserved. */
export function writeDigits(writer: ByteWriter, value: number, count: number): void {
  const { bytes } = writer
  let rest = value | 0
  for (let at = writer.length + count - 1; at >= writer.length; at--) {
    const quotient = (rest / 10) | 0
    bytes[at] = ZERO + rest - quotient * 10
    rest = quotient
  }
  writer.length += count
}

function digitCount(value: number): number {
  if (value < 1e5) return value < 100 ? (value < 10 ? 1 : 2) : value < 1000 ? 3 : value < 1e4 ? 4 : 5
  return value < 1e7 ? (value < 1e6 ? 6 : 7) : value < 1e8 ? 8 : value < 1e9 ? 9 : 10
}
