// date, time, timetz, timestamp and timestamptz as Types.

import type { ByteWriter } from '../../storage/base/byte-writer.ts'
import { DATE_MAX, DATE_MIN, isTimestampInRange, MICROS_PER_DAY, MICROS_PER_SECOND } from './calendar.ts'
import { dateTimeOutOfRange } from './datetime-errors.ts'
import { parseDate, parseTimestamp, parseTimestampTz } from './datetime-input.ts'
import {
  writeDate,
  writeOffset,
  writeTime,
  writeTimestamp,
  writeTimestampTz,
  writtenText,
} from './datetime-text.ts'
import type { Behaviour } from './define-type.ts'
import { expectBytes } from './input-errors.ts'
import { compareInt8 } from './int8.ts'
import { parseInt4 } from './integer-types.ts'
import { writeKeyInt4, writeKeyInt8 } from './key-bytes.ts'
import { dateFromSlot, dateToSlot, timestampFromWords, timestampHigh, timestampLow } from './slot-codec.ts'
import { SqlError } from './sql-error.ts'
import { TimeDecoder } from './time-decode.ts'
import type { TypeContext } from './type.ts'
import { int8, type Int8, TimeTz } from './value.ts'

const PRECISION_MAX = 6

/** timestamp(p): 0..6 digits of the second. */
function precisionTypmodIn(sqlName: string, suffix: string): (args: readonly string[]) => number {
  return (args) => {
    if (args.length !== 1) throw new SqlError('22023', 'invalid type modifier')
    const precision = parseInt4(args[0] as string)
    if (precision < 0)
      throw new SqlError('22023', `${sqlName}(${precision})${suffix} precision must not be negative`)
    return Math.min(precision, PRECISION_MAX)
  }
}

const UNITS = [1_000_000, 100_000, 10_000, 1000, 100, 10, 1]

/** Rounds microseconds to `precision` digits of the second, half away from zero. */
export function roundMicros(micros: Int8, precision: number): Int8 {
  if (precision < 0 || precision >= PRECISION_MAX) return micros
  const unit = UNITS[precision] as number
  if (typeof micros === 'bigint') {
    const half = BigInt(unit / 2)
    const rounded = ((micros < 0n ? -micros : micros) + half) / BigInt(unit)
    return int8((micros < 0n ? -rounded : rounded) * BigInt(unit))
  }
  if (!Number.isFinite(micros)) return micros
  const raised = Math.abs(micros) + unit / 2
  const rounded = raised - (raised % unit)
  return micros < 0 && rounded !== 0 ? -rounded : rounded
}

function roundTime(micros: number, typmod: number): number {
  return roundMicros(micros, typmod) as number
}

export const dateBehaviour: Behaviour<number> = {
  input: (text, _typmod, context) => parseDate(text, context),
  output: writtenText(writeDate),
  receive(bytes, start, end) {
    expectBytes(start, end, 4)
    const days = dateFromSlot(bytes.readInt32BE(start))
    if (Number.isFinite(days) && (days < DATE_MIN || days > DATE_MAX)) throw dateTimeOutOfRange('date')
    return days
  },
  send: (value, writer) => writer.int32(dateToSlot(value)),
  writeText: writeDate,
  compare: compareInt8,
  hashKey: (value) => value,
  encodeKey: (value, writer) => writeKeyInt4(dateToSlot(value), writer),
  rowSlot: 'date',
}

export const timeBehaviour: Behaviour<number> = {
  input(text, typmod, context) {
    const decoder = new TimeDecoder(text, 'time', context)
    decoder.decode()
    return roundTime(decoder.timeMicros(), typmod)
  },
  output: writtenText(writeTime),
  receive(bytes, start, end, typmod) {
    expectBytes(start, end, 8)
    return roundTime(receiveTimeMicros(bytes, start), typmod)
  },
  send: (value, writer) => writeInt8Words(value, writer),
  writeText: writeTime,
  compare: (a, b) => a - b,
  hashKey: (value) => value,
  encodeKey: writeKeyInt8,
  rowSlot: 'int8',
  typmodIn: precisionTypmodIn('TIME', ''),
  typmodOut: (typmod) => (typmod < 0 ? '' : `(${typmod}) without time zone`),
  applyTypmod: roundTime,
}

function receiveTimeMicros(bytes: Buffer, start: number): number {
  const micros = timestampFromWords(bytes.readInt32BE(start), bytes.readUInt32BE(start + 4))
  if (micros < 0 || micros > MICROS_PER_DAY) throw dateTimeOutOfRange('time')
  return Number(micros)
}

/** Int8 with the infinities of timestamps, big-endian. */
function writeInt8Words(micros: Int8, writer: ByteWriter): void {
  writer.int32(timestampHigh(micros))
  writer.int32(timestampLow(micros))
}

/** Seconds: what a zone's displacement stays below, either side. */
const ZONE_SECONDS_LIMIT = 16 * 3600

function writeTimeTz(value: TimeTz, writer: ByteWriter): void {
  writeTime(value.micros, writer)
  writeOffset(writer, -value.zoneSeconds)
}

function utcMicros({ micros, zoneSeconds }: TimeTz): number {
  return micros + zoneSeconds * MICROS_PER_SECOND
}

function applyTimeTzTypmod(value: TimeTz, typmod: number): TimeTz {
  const micros = roundTime(value.micros, typmod)
  return micros === value.micros ? value : new TimeTz(micros, value.zoneSeconds)
}

function sendTimeTz(value: TimeTz, writer: ByteWriter): void {
  writeInt8Words(value.micros, writer)
  writer.int32(value.zoneSeconds)
}

function readTimeTz(bytes: Buffer, start: number): TimeTz {
  return new TimeTz(receiveTimeMicros(bytes, start), bytes.readInt32BE(start + 8))
}

export const timetzBehaviour: Behaviour<TimeTz> = {
  input(text, typmod, context) {
    const decoder = new TimeDecoder(text, 'time with time zone', context)
    decoder.decode()
    return new TimeTz(roundTime(decoder.timeMicros(), typmod), 0 - decoder.offset)
  },
  output: writtenText(writeTimeTz),
  receive(bytes, start, end, typmod) {
    expectBytes(start, end, 12)
    const value = readTimeTz(bytes, start)
    if (Math.abs(value.zoneSeconds) >= ZONE_SECONDS_LIMIT) {
      throw new SqlError('22009', 'time zone displacement out of range')
    }
    return applyTimeTzTypmod(value, typmod)
  },
  send: sendTimeTz,
  writeText: writeTimeTz,
  compare: (a, b) => utcMicros(a) - utcMicros(b) || a.zoneSeconds - b.zoneSeconds,
  hashKey: (value) => `${value.micros} ${value.zoneSeconds}`,
  encodeKey(value, writer) {
    writeKeyInt8(utcMicros(value), writer)
    writeKeyInt4(value.zoneSeconds, writer)
  },
  encodeStored: sendTimeTz,
  decodeStored: readTimeTz,
  typmodIn: precisionTypmodIn('TIME', ' WITH TIME ZONE'),
  typmodOut: (typmod) => (typmod < 0 ? '' : `(${typmod}) with time zone`),
  applyTypmod: applyTimeTzTypmod,
}

function timestampLike(
  parse: (text: string, context: TypeContext) => Int8,
  write: (value: Int8, writer: ByteWriter, context: TypeContext) => void,
  suffix: string,
): Behaviour<Int8> {
  return {
    input: (text, typmod, context) => checkedRound(parse(text, context), typmod),
    output: writtenText(write),
    receive(bytes, start, end, typmod) {
      expectBytes(start, end, 8)
      const micros = timestampFromWords(bytes.readInt32BE(start), bytes.readUInt32BE(start + 4))
      if (isFiniteInt8(micros) && !isTimestampInRange(micros)) throw dateTimeOutOfRange('timestamp')
      return checkedRound(micros, typmod)
    },
    send: writeInt8Words,
    writeText: write,
    compare: compareInt8,
    hashKey: (value) => value,
    encodeKey(value, writer) {
      writer.int32(timestampHigh(value) ^ 0x8000_0000)
      writer.int32(timestampLow(value))
    },
    rowSlot: 'timestamp',
    typmodIn: precisionTypmodIn('TIMESTAMP', suffix === 'with' ? ' WITH TIME ZONE' : ''),
    typmodOut: (typmod) => (typmod < 0 ? '' : `(${typmod}) ${suffix} time zone`),
    applyTypmod: checkedRound,
  }
}

export function isFiniteInt8(value: Int8): boolean {
  return value !== Infinity && value !== -Infinity
}

function checkedRound(micros: Int8, typmod: number): Int8 {
  if (typmod < 0 || typmod >= PRECISION_MAX) return micros
  return roundMicros(micros, typmod)
}

export const timestampBehaviour: Behaviour<Int8> = timestampLike(parseTimestamp, writeTimestamp, 'without')
export const timestamptzBehaviour: Behaviour<Int8> = timestampLike(parseTimestampTz, writeTimestampTz, 'with')
