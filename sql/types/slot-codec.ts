// The stored bytes of single values by their slot, for values inside values (array elements, record fields)
// and for the row codec's conversions. Little-endian, like the row; text is plain UTF-8.

import type { ByteWriter } from '../../storage/base/byte-writer.ts'
import { int8FromWords, int8High, int8Low } from './int8.ts'
import type { RowSlot } from './type.ts'
import type { Int8, Value } from './value.ts'

type Stored = NonNullable<Value>

export interface SlotCodec {
  readonly encode: (value: Stored, writer: ByteWriter) => void
  readonly decode: (bytes: Buffer, start: number, end: number) => Value
}

const floatScratch = new DataView(new ArrayBuffer(8))

/** The bits of a float4. */
export function float4Bits(value: number): number {
  floatScratch.setFloat32(0, value)
  return floatScratch.getInt32(0)
}

/** The upper half of a float8's bits; float8Low then gives the lower half of the same number. */
export function float8High(value: number): number {
  floatScratch.setFloat64(0, value)
  return floatScratch.getInt32(0)
}

/** The lower half of the bits of the number float8High was called with last. */
export function float8Low(): number {
  return floatScratch.getInt32(4)
}

const DATE_MAX = 0x7fff_ffff
const DATE_MIN = -0x8000_0000

/** A date as int4: the limits stand for the infinities. */
export function dateToSlot(days: number): number {
  return days === Infinity ? DATE_MAX : days === -Infinity ? DATE_MIN : days
}

export function dateFromSlot(days: number): number {
  return days === DATE_MAX ? Infinity : days === DATE_MIN ? -Infinity : days
}

/** A timestamp's upper half as int8: the limits stand for the infinities. */
export function timestampHigh(micros: Int8): number {
  return micros === Infinity ? DATE_MAX : micros === -Infinity ? DATE_MIN : int8High(micros)
}

export function timestampLow(micros: Int8): number {
  return micros === Infinity ? -1 : micros === -Infinity ? 0 : int8Low(micros)
}

export function timestampFromWords(high: number, low: number): Int8 {
  if (high === DATE_MAX && low === 0xffff_ffff) return Infinity
  if (high === DATE_MIN && low === 0) return -Infinity
  return int8FromWords(high, low)
}

function writeWord(writer: ByteWriter, value: number): void {
  writer.reserve(4)
  writer.length = writer.bytes.writeInt32LE(value | 0, writer.length)
}

/** By slot: how one value is stored on its own. */
export const SLOT_CODECS: Readonly<Record<RowSlot, SlotCodec>> = {
  bool: {
    encode: (value, writer) => writer.uint8(value ? 1 : 0),
    decode: (bytes, start) => bytes[start] !== 0,
  },
  int2: {
    encode(value, writer) {
      writer.reserve(2)
      writer.length = writer.bytes.writeInt16LE(value as number, writer.length)
    },
    decode: (bytes, start) => bytes.readInt16LE(start),
  },
  int4: {
    encode: (value, writer) => writeWord(writer, value as number),
    decode: (bytes, start) => bytes.readInt32LE(start),
  },
  uint4: {
    encode: (value, writer) => writeWord(writer, value as number),
    decode: (bytes, start) => bytes.readUInt32LE(start),
  },
  int8: {
    encode(value, writer) {
      writeWord(writer, int8Low(value as Int8))
      writeWord(writer, int8High(value as Int8))
    },
    decode: (bytes, start) => int8FromWords(bytes.readInt32LE(start + 4), bytes.readUInt32LE(start)),
  },
  float4: {
    encode: (value, writer) => writeWord(writer, float4Bits(value as number)),
    decode: (bytes, start) => bytes.readFloatLE(start),
  },
  float8: {
    encode(value, writer) {
      const high = float8High(value as number)
      writeWord(writer, float8Low())
      writeWord(writer, high)
    },
    decode: (bytes, start) => bytes.readDoubleLE(start),
  },
  date: {
    encode: (value, writer) => writeWord(writer, dateToSlot(value as number)),
    decode: (bytes, start) => dateFromSlot(bytes.readInt32LE(start)),
  },
  timestamp: {
    encode(value, writer) {
      writeWord(writer, timestampLow(value as Int8))
      writeWord(writer, timestampHigh(value as Int8))
    },
    decode: (bytes, start) => timestampFromWords(bytes.readInt32LE(start + 4), bytes.readUInt32LE(start)),
  },
  variable: {
    encode: (value, writer) => void writer.utf8(value as string),
    decode: (bytes, start, end) => decodeUtf8(bytes, start, end),
  },
}

/** Buffer's own decoder, which @types/node leaves out: toString without the look at its arguments. */
interface Utf8Slicer {
  utf8Slice(start: number, end: number): string
}

/** Below this a loop is faster than the call into C++. */
const SHORT_TEXT_BYTES = 8

/** The text of bytes that we wrote ourselves: no validation. */
export function decodeUtf8(bytes: Buffer, start: number, end: number): string {
  if (end - start > SHORT_TEXT_BYTES) return (bytes as unknown as Utf8Slicer).utf8Slice(start, end)
  let text = ''
  for (let at = start; at < end; at++) {
    const code = bytes[at] as number
    if (code > 0x7f) return (bytes as unknown as Utf8Slicer).utf8Slice(start, end)
    text += String.fromCharCode(code)
  }
  return text
}
