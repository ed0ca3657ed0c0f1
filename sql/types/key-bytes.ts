// The order-preserving bytes of single values: memcmp of two keys orders as the values do, and no key is a
// prefix of another of the same type, so keys of several columns can follow each other.
//
//   value        bytes
//   bool         00 | 01
//   int2/4/8     big-endian, sign bit flipped
//   uint4        big-endian
//   float8       IEEE bits, big-endian: sign bit flipped when >= 0, else all bits; -0 as 0, NaN above all
//   text         UTF-8 (never holds 00), then 00
//   bytes        00 escaped as 00 FF, then 00 01

import type { ByteWriter } from '../../storage/base/byte-writer.ts'
import { int8High, int8Low } from './int8.ts'
import type { Int8 } from './value.ts'

export function writeKeyInt2(value: number, writer: ByteWriter): void {
  writer.int16(value ^ 0x8000)
}

export function writeKeyInt4(value: number, writer: ByteWriter): void {
  writer.int32(value ^ 0x8000_0000)
}

export function writeKeyUint4(value: number, writer: ByteWriter): void {
  writer.int32(value)
}

export function writeKeyInt8(value: Int8, writer: ByteWriter): void {
  writer.int32(int8High(value) ^ 0x8000_0000)
  writer.int32(int8Low(value))
}

const floatScratch = new DataView(new ArrayBuffer(8))

export function writeKeyFloat8(value: number, writer: ByteWriter): void {
  // Adding 0 turns -0 into 0; the NaN written here is the canonical positive one, above Infinity.
  floatScratch.setFloat64(0, Number.isNaN(value) ? NaN : value + 0)
  const high = floatScratch.getInt32(0)
  const low = floatScratch.getInt32(4)
  if (high < 0) {
    writer.int32(~high)
    writer.int32(~low)
  } else {
    writer.int32(high ^ 0x8000_0000)
    writer.int32(low)
  }
}

/** The text must hold no U+0000, which no PostgreSQL text does. */
export function writeKeyText(value: string, writer: ByteWriter): void {
  writer.cstring(value)
}

export function writeKeyBytes(value: Uint8Array, writer: ByteWriter): void {
  writer.reserve(value.length + 2)
  for (let i = 0; i < value.length; i++) {
    const byte = value[i] as number
    writer.uint8(byte)
    if (byte === 0) writer.uint8(0xff)
  }
  writer.uint8(0)
  writer.uint8(1)
}
