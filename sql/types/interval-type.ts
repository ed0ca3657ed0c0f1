// interval as a Type. Its typmod holds the fields of INTERVAL YEAR TO MONTH and the like, and a precision:
//
//   bits 16..30  fields: bit 1 month, 2 year, 3 day, 10 hour, 11 minute, 12 second; 7fff all
//   bits  0..15  digits of the second; ffff all
//
//   binary and stored   i64 microseconds | i32 days | i32 months
//   key                 i64 days | i64 microseconds, of the span that comparison looks at (intervalSpan)

import type { ByteWriter } from '../../storage/base/byte-writer.ts'
import { roundMicros } from './datetime-types.ts'
import type { Behaviour } from './define-type.ts'
import { expectBytes } from './input-errors.ts'
import { readInt8, writeInt8 } from './int8.ts'
import { parseInt4 } from './integer-types.ts'
import { compareInterval, Interval, intervalSpan } from './interval.ts'
import { type IntervalUnit, parseInterval } from './interval-parse.ts'
import { formatInterval } from './interval-text.ts'
import { writeKeyInt8 } from './key-bytes.ts'
import { SqlError } from './sql-error.ts'
import type { Int8 } from './value.ts'

const MONTH = 1 << 1
const YEAR = 1 << 2
const DAY = 1 << 3
const HOUR = 1 << 10
const MINUTE = 1 << 11
const SECOND = 1 << 12
const FULL_RANGE = 0x7fff
const FULL_PRECISION = 0xffff

const RANGE_NAMES: ReadonlyMap<number, string> = new Map([
  [YEAR, ' year'],
  [MONTH, ' month'],
  [DAY, ' day'],
  [HOUR, ' hour'],
  [MINUTE, ' minute'],
  [SECOND, ' second'],
  [YEAR | MONTH, ' year to month'],
  [DAY | HOUR, ' day to hour'],
  [DAY | HOUR | MINUTE, ' day to minute'],
  [DAY | HOUR | MINUTE | SECOND, ' day to second'],
  [HOUR | MINUTE, ' hour to minute'],
  [HOUR | MINUTE | SECOND, ' hour to second'],
  [MINUTE | SECOND, ' minute to second'],
  [FULL_RANGE, ''],
])

function rangeOf(typmod: number): number {
  return typmod < 0 ? FULL_RANGE : (typmod >> 16) & FULL_RANGE
}

/** The smallest unit of a range: what a bare number means, and what the value is cut to. */
function smallestUnit(range: number): IntervalUnit {
  if ((range & SECOND) !== 0) return 'second'
  if ((range & MINUTE) !== 0) return 'minute'
  if ((range & HOUR) !== 0) return 'hour'
  if ((range & DAY) !== 0) return 'day'
  return (range & MONTH) !== 0 ? 'month' : 'year'
}

function truncate(micros: Int8, unit: number): Int8 {
  return typeof micros === 'number' ? micros - (micros % unit) : micros - (micros % BigInt(unit))
}

/** Drops the fields below the range's smallest and rounds the seconds to the precision. */
export function applyIntervalTypmod(value: Interval, typmod: number): Interval {
  if (typmod < 0) return value
  const range = rangeOf(typmod)
  let { months, days, micros } = value
  switch (range === FULL_RANGE ? 'second' : smallestUnit(range)) {
    case 'year':
      months -= months % 12
      days = 0
      micros = 0
      break
    case 'month':
      days = 0
      micros = 0
      break
    case 'day':
      micros = 0
      break
    case 'hour':
      micros = truncate(micros, 3_600_000_000)
      break
    case 'minute':
      micros = truncate(micros, 60_000_000)
      break
    default:
  }
  const precision = typmod & FULL_PRECISION
  if (precision < 6) micros = roundMicros(micros, precision)
  return new Interval(months === 0 ? 0 : months, days, micros === 0 ? 0 : micros)
}

function typmodIn(args: readonly string[]): number {
  const [range, precision] = args.map(parseInt4)
  if (range === undefined || args.length > 2 || !RANGE_NAMES.has(range)) {
    throw new SqlError('22023', 'invalid INTERVAL type modifier')
  }
  if (precision === undefined) return range === FULL_RANGE ? -1 : (range << 16) | FULL_PRECISION
  if (precision < 0) throw new SqlError('22023', `INTERVAL(${precision}) precision must not be negative`)
  return (range << 16) | Math.min(precision, 6)
}

function sendInterval(value: Interval, writer: ByteWriter): void {
  writeInt8(writer, value.micros)
  writer.int32(value.days)
  writer.int32(value.months)
}

function readInterval(bytes: Buffer, start: number): Interval {
  return new Interval(bytes.readInt32BE(start + 12), bytes.readInt32BE(start + 8), readInt8(bytes, start))
}

export const intervalBehaviour: Behaviour<Interval> = {
  input(text, typmod, context) {
    const range = rangeOf(typmod)
    const value = parseInterval(text, context, smallestUnit(range), range === (MINUTE | SECOND))
    return applyIntervalTypmod(value, typmod)
  },
  output: (value, context) => formatInterval(value, context.intervalStyle),
  receive(bytes, start, end, typmod) {
    expectBytes(start, end, 16)
    return applyIntervalTypmod(readInterval(bytes, start), typmod)
  },
  send: sendInterval,
  compare: compareInterval,
  hashKey(value) {
    const { days, micros } = intervalSpan(value)
    return `${days} ${micros}`
  },
  encodeKey(value, writer) {
    const { days, micros } = intervalSpan(value)
    writeKeyInt8(days, writer)
    writeKeyInt8(micros, writer)
  },
  encodeStored: sendInterval,
  decodeStored: readInterval,
  typmodIn,
  typmodOut(typmod) {
    if (typmod < 0) return ''
    const precision = typmod & FULL_PRECISION
    return (RANGE_NAMES.get(rangeOf(typmod)) ?? '') + (precision === FULL_PRECISION ? '' : `(${precision})`)
  },
  applyTypmod: applyIntervalTypmod,
}
