// extract, date_part and the units they know (documentation, section 9.9.1). extract gives numeric with a scale that
// belongs to the unit (seconds six digits, milliseconds three), date_part the same as float8.
//
//   unit word ──▶ unit ──▶ Numeric, or an infinity for units that grow with time, or null for those that do not

import { type Definition, type Definitions, collect } from './definition.ts'
import type { FunctionContext } from './function.ts'
import {
  EPOCH_JULIAN_DAY,
  MICROS_PER_DAY,
  MICROS_PER_HOUR,
  MICROS_PER_MINUTE,
  MICROS_PER_SECOND,
  UNIX_EPOCH_DAYS,
  dateFromDay,
  dayOfWeek,
  dayOfYear,
  isoWeek,
  timestampDay,
  timestampTime,
} from '../types/calendar.ts'
import { zoneOf } from '../types/datetime-text.ts'
import { intervalUnit } from '../types/interval-parse.ts'
import { type Interval, intervalTime } from '../types/interval.ts'
import { numericAdd, numericDivide } from '../types/numeric-arithmetic.ts'
import { NUMERIC_INFINITY, NUMERIC_NEGATIVE_INFINITY, Numeric, numericToFloat8 } from '../types/numeric.ts'
import { SqlError } from '../types/sql-error.ts'
import type { Int8, TimeTz, Value } from '../types/value.ts'
import { localFromUtc } from './datetime-zone.ts'

export type DateTimeUnit =
  | NonNullable<ReturnType<typeof intervalUnit>>
  | 'epoch'
  | 'julian'
  | 'isoyear'
  | 'dow'
  | 'isodow'
  | 'doy'
  | 'timezone'
  | 'timezone_hour'
  | 'timezone_minute'

const ownUnits: Readonly<Record<string, DateTimeUnit>> = {
  epoch: 'epoch',
  julian: 'julian',
  j: 'julian',
  jd: 'julian',
  isoyear: 'isoyear',
  dow: 'dow',
  isodow: 'isodow',
  doy: 'doy',
  timezone: 'timezone',
  timezone_h: 'timezone_hour',
  timezone_m: 'timezone_minute',
}

/** The unit a word names in any case; only its first ten letters count. */
export function dateTimeUnit(word: string): DateTimeUnit | undefined {
  const lower = word.toLowerCase()
  return intervalUnit(lower) ?? ownUnits[lower.slice(0, 10)]
}

export function unknownUnit(word: string, typeName: string): SqlError {
  return new SqlError('22023', `unit "${word.toLowerCase()}" not recognized for type ${typeName}`)
}

export function unsupportedUnit(word: string, typeName: string): SqlError {
  return new SqlError('0A000', `unit "${word.toLowerCase()}" not supported for type ${typeName}`)
}

const whole = (value: number): Numeric => new Numeric(BigInt(value), 0)
const scaled = (value: Int8, scale: number): Numeric => new Numeric(BigInt(value), scale)

/** Units of a time of day; undefined for others. */
function timePart(unit: DateTimeUnit, micros: number): Numeric | undefined {
  const inMinute = micros % MICROS_PER_MINUTE
  switch (unit) {
    case 'microsecond':
      return whole(inMinute)
    case 'millisecond':
      return scaled(inMinute, 3)
    case 'second':
      return scaled(inMinute, 6)
    case 'minute':
      return whole(Math.trunc(micros / MICROS_PER_MINUTE) % 60)
    case 'hour':
      return whole(Math.trunc(micros / MICROS_PER_HOUR))
    default:
      return undefined
  }
}

/** Years count without a year 0 for users: 1 BC is -1, and centuries begin with a year 1. */
function yearPart(unit: DateTimeUnit, year: number): Numeric | undefined {
  switch (unit) {
    case 'year':
      return whole(year > 0 ? year : year - 1)
    case 'decade':
      return whole(Math.floor(year / 10))
    case 'century':
      return whole(year > 0 ? Math.trunc((year + 99) / 100) : -Math.trunc((99 - (year - 1)) / 100))
    case 'millennium':
      return whole(year > 0 ? Math.trunc((year + 999) / 1000) : -Math.trunc((999 - (year - 1)) / 1000))
    default:
      return undefined
  }
}

/** Units of a day; undefined for others. */
function dayPart(unit: DateTimeUnit, days: number): Numeric | undefined {
  const date = dateFromDay(days)
  switch (unit) {
    case 'day':
      return whole(date.day)
    case 'month':
      return whole(date.month)
    case 'quarter':
      return whole(Math.trunc((date.month - 1) / 3) + 1)
    case 'week':
      return whole(isoWeek(days).week)
    case 'isoyear': {
      const { year } = isoWeek(days)
      return whole(year > 0 ? year : year - 1)
    }
    case 'dow':
      return whole(dayOfWeek(days))
    case 'isodow':
      return whole(dayOfWeek(days) || 7)
    case 'doy':
      return whole(dayOfYear(date))
    default:
      return yearPart(unit, date.year)
  }
}

/** Units that grow without end: an infinite date has an infinite one of these, and none of the others. */
const growing = new Set<DateTimeUnit>([
  'year',
  'decade',
  'century',
  'millennium',
  'julian',
  'isoyear',
  'epoch',
])

function infinitePart(unit: DateTimeUnit, value: Int8): Numeric | null {
  if (!growing.has(unit)) return null
  return value > 0 ? NUMERIC_INFINITY : NUMERIC_NEGATIVE_INFINITY
}

/** Part of a local timestamp. */
function timestampPart(unit: DateTimeUnit, micros: Int8): Numeric | undefined {
  const days = timestampDay(micros)
  const time = timestampTime(micros, days)
  switch (unit) {
    case 'epoch':
      return scaled(BigInt(micros) + BigInt(UNIX_EPOCH_DAYS) * BigInt(MICROS_PER_DAY), 6)
    case 'julian':
      return numericAdd(whole(days + EPOCH_JULIAN_DAY), numericDivide(whole(time), whole(MICROS_PER_DAY)))
    default:
      return timePart(unit, time) ?? dayPart(unit, days)
  }
}

/** Part of an offset, given in seconds east. */
function zonePart(unit: DateTimeUnit, offset: number): Numeric | undefined {
  switch (unit) {
    case 'timezone':
      return whole(offset)
    case 'timezone_hour':
      return whole(Math.trunc(offset / 3600))
    case 'timezone_minute':
      return whole(Math.trunc(offset / 60) % 60)
    default:
      return undefined
  }
}

const isFinite = (value: Int8): boolean => typeof value === 'bigint' || Number.isFinite(value)

type Part = (context: FunctionContext, word: string, value: never) => Numeric | null

function resolve(word: string, typeName: string): DateTimeUnit {
  const unit = dateTimeUnit(word)
  if (unit === undefined) throw unknownUnit(word, typeName)
  return unit
}

function partOfTimestamp(_context: FunctionContext, word: string, value: Int8): Numeric | null {
  const typeName = 'timestamp without time zone'
  const unit = resolve(word, typeName)
  if (!isFinite(value)) return infinitePart(unit, value)
  const part = timestampPart(unit, value)
  if (part === undefined) throw unsupportedUnit(word, typeName)
  return part
}

function partOfTimestampTz(context: FunctionContext, word: string, value: Int8): Numeric | null {
  const typeName = 'timestamp with time zone'
  const unit = resolve(word, typeName)
  if (!isFinite(value)) return infinitePart(unit, value)
  if (unit === 'epoch') return timestampPart(unit, value) ?? null
  const { local, offset } = localFromUtc(value, zoneOf(context))
  const part = zonePart(unit, offset) ?? timestampPart(unit, local)
  if (part === undefined) throw unsupportedUnit(word, typeName)
  return part
}

function partOfDate(_context: FunctionContext, word: string, value: number): Numeric | null {
  const unit = resolve(word, 'date')
  if (timePart(unit, 0) !== undefined || unit.startsWith('timezone')) throw unsupportedUnit(word, 'date')
  if (!Number.isFinite(value)) return infinitePart(unit, value)
  if (unit === 'epoch') return scaled(BigInt(value + UNIX_EPOCH_DAYS) * 86_400n, 0)
  if (unit === 'julian') return whole(value + EPOCH_JULIAN_DAY)
  const part = dayPart(unit, value)
  if (part === undefined) throw unsupportedUnit(word, 'date')
  return part
}

function partOfTime(_context: FunctionContext, word: string, value: number): Numeric {
  const typeName = 'time without time zone'
  const unit = resolve(word, typeName)
  const part = unit === 'epoch' ? scaled(value, 6) : timePart(unit, value)
  if (part === undefined) throw unsupportedUnit(word, typeName)
  return part
}

function partOfTimeTz(_context: FunctionContext, word: string, value: TimeTz): Numeric {
  const typeName = 'time with time zone'
  const unit = resolve(word, typeName)
  if (unit === 'epoch') return scaled(value.micros + value.zoneSeconds * MICROS_PER_SECOND, 6)
  const part = zonePart(unit, -value.zoneSeconds) ?? timePart(unit, value.micros)
  if (part === undefined) throw unsupportedUnit(word, typeName)
  return part
}

/** A year of an interval is 365.25 days, a month 30. */
function intervalEpoch({ months, days, micros }: Interval): Numeric {
  const years = Math.trunc(months / 12)
  const quarterDays = BigInt(years) * 1461n + BigInt((months % 12) * 30 + days) * 4n
  return new Numeric(quarterDays * 21_600n * 1_000_000n + BigInt(micros), 6)
}

function partOfInterval(_context: FunctionContext, word: string, value: Interval): Numeric {
  const unit = resolve(word, 'interval')
  const { hours, minutes, seconds, fraction } = intervalTime(value.micros)
  const years = Math.trunc(value.months / 12)
  switch (unit) {
    case 'microsecond':
      return whole(seconds * MICROS_PER_SECOND + fraction)
    case 'millisecond':
      return scaled(seconds * MICROS_PER_SECOND + fraction, 3)
    case 'second':
      return scaled(seconds * MICROS_PER_SECOND + fraction, 6)
    case 'minute':
      return whole(minutes)
    case 'hour':
      return whole(hours)
    case 'day':
      return whole(value.days)
    case 'month':
      return whole(value.months % 12)
    case 'quarter':
      return whole(Math.trunc((value.months % 12) / 3) + 1)
    case 'year':
      return whole(years)
    case 'decade':
      return whole(Math.trunc(years / 10))
    case 'century':
      return whole(Math.trunc(years / 100))
    case 'millennium':
      return whole(Math.trunc(years / 1000))
    case 'epoch':
      return intervalEpoch(value)
    default:
      throw unsupportedUnit(word, 'interval')
  }
}

const parts: Readonly<Record<string, Part>> = {
  timestamp: partOfTimestamp,
  timestamptz: partOfTimestampTz,
  date: partOfDate,
  time: partOfTime,
  timetz: partOfTimeTz,
  interval: partOfInterval,
}

/** date_part of a date is that of the timestamp at its midnight. */
function datePartOf(part: Part): Part {
  if (part !== partOfDate) return part
  return (context, word, days: number) => {
    const midnight = Number.isFinite(days) ? BigInt(days) * BigInt(MICROS_PER_DAY) : days
    return partOfTimestamp(context, word, midnight)
  }
}

/** date_part's epoch of an interval is summed in floats. */
function floatEpoch({ months, days, micros }: Interval): number {
  const years = Math.trunc(months / 12)
  return Number(micros) / MICROS_PER_SECOND + 31_557_600 * years + 2_592_000 * (months % 12) + 86_400 * days
}

export const datePartFunctions: Definitions = collect(
  Object.entries(parts).flatMap(([type, part]): [string, Definition][] => {
    const asFloat = datePartOf(part)
    return [
      [`extract(text,${type})`, { context: part }],
      [
        `date_part(text,${type})`,
        {
          context: (context, word: string, value: never): Value => {
            if (type === 'interval' && dateTimeUnit(word) === 'epoch') return floatEpoch(value)
            const result = asFloat(context, word, value)
            return result === null ? null : numericToFloat8(result)
          },
        },
      ],
    ]
  }),
)
