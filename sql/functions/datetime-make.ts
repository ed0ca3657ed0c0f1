// Making dates and times from numbers, cutting them to a unit, placing them into bins, and comparing spans
// (documentation, sections 9.9.2, 9.9.3 and OVERLAPS in 9.9).

import { addToTimestamp, addToTimestampTz, isInfinite } from './datetime.ts'
import { type DateTimeUnit, dateTimeUnit, unknownUnit, unsupportedUnit } from './datetime-part.ts'
import { checkTimestamp, localFromUtc, utcFromLocal, zoneNamed } from './datetime-zone.ts'
import { type Definition, type Definitions, collect } from './definition.ts'
import type { FunctionContext } from './function.ts'
import { roundHalfEven } from './cast.ts'
import { compareValues } from './comparison.ts'
import {
  DATE_MAX,
  DATE_MIN,
  MICROS_PER_DAY,
  MICROS_PER_HOUR,
  MICROS_PER_MINUTE,
  MICROS_PER_SECOND,
  UNIX_EPOCH_SECONDS,
  dateFromDay,
  dayFromDate,
  dayFromIsoWeek,
  isoWeek,
  joinTimestamp,
  monthLength,
  timestampDay,
  timestampTime,
} from '../types/calendar.ts'
import { zoneOf } from '../types/datetime-text.ts'
import { Interval, intervalTime } from '../types/interval.ts'
import { TIMETZ_OID } from '../types/oids.ts'
import { SqlError } from '../types/sql-error.ts'
import type { TimeZone } from '../types/time-zone.ts'
import { type Int8, type Value, int8 } from '../types/value.ts'

const two = (value: number): string => String(value).padStart(2, '0')

/** A day of the calendar; negative years are BC. PostgreSQL's errors show the year as make_date has reckoned it. */
function makeDate(
  year: number,
  month: number,
  day: number,
  shownYear: number = year < 0 ? year + 1 : year,
): number {
  const astronomical = year < 0 ? year + 1 : year
  const problem = new SqlError(
    '22008',
    `date field value out of range: ${shownYear}-${two(month)}-${two(day)}`,
  )
  if (year === 0 || month < 1 || month > 12 || day < 1 || day > monthLength(astronomical, month))
    throw problem
  const days = dayFromDate(astronomical, month, day)
  if (days < DATE_MIN || days > DATE_MAX)
    throw new SqlError('22008', `date out of range: ${year}-${two(month)}-${two(day)}`)
  return days
}

/** Microseconds of a time of day; 24:00:00 and a 60th second are times too. */
function makeTime(hour: number, minute: number, seconds: number): number {
  const isOutside =
    hour < 0 || minute < 0 || minute > 59 || hour > 24 || Number.isNaN(seconds) || seconds < 0 || seconds > 60
  const micros =
    hour * MICROS_PER_HOUR + minute * MICROS_PER_MINUTE + roundHalfEven(seconds * MICROS_PER_SECOND)
  if (isOutside || micros > MICROS_PER_DAY) {
    throw new SqlError(
      '22008',
      `time field value out of range: ${hour}:${two(minute)}:${formatSeconds(seconds)}`,
    )
  }
  return micros
}

/** C's %02g: six significant digits. */
function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return String(seconds)
  if (Object.is(seconds, -0)) return '-0'
  return String(Number(seconds.toPrecision(6))).padStart(2, '0')
}

type DateTimeNumbers = readonly [number, number, number, number, number, number]

function makeTimestamp(...[year, month, day, hour, minute, seconds]: DateTimeNumbers): Int8 {
  const days = makeDate(year, month, day, year)
  return checkTimestamp(joinTimestamp(days, makeTime(hour, minute, seconds)))
}

/** years, months, weeks, days, hours, mins, secs. 22008 when a field overflows. */
function makeInterval(...[years, months, weeks, days, ...time]: readonly number[]): Interval {
  const [hours = 0, minutes = 0, seconds = 0] = time
  const allMonths = (years ?? 0) * 12 + (months ?? 0)
  const allDays = (weeks ?? 0) * 7 + (days ?? 0)
  const isInt4 = (value: number): boolean => value >= -2147483648 && value <= 2147483647
  if (!(Math.abs(seconds) < 9e12) || !isInt4(allMonths) || !isInt4(allDays)) {
    throw new SqlError('22008', 'interval out of range')
  }
  const fraction = BigInt(roundHalfEven(seconds * MICROS_PER_SECOND))
  const micros = BigInt(hours) * 3_600_000_000n + BigInt(minutes) * 60_000_000n + fraction
  return new Interval(allMonths, allDays, int8(micros))
}

/** Seconds since 1970 as a timestamptz. */
function fromUnixSeconds(seconds: number): Int8 {
  if (Number.isNaN(seconds)) throw new SqlError('22008', 'timestamp cannot be NaN')
  if (!Number.isFinite(seconds)) return seconds
  if (Math.abs(seconds) > 1e13) throw new SqlError('22008', `timestamp out of range: "${seconds}"`)
  const whole = seconds - UNIX_EPOCH_SECONDS
  const micros = roundHalfEven(whole * MICROS_PER_SECOND)
  return checkTimestamp(int8(BigInt(micros)))
}

/** The first day of the year's decade, century or millennium. */
function firstYear(unit: DateTimeUnit, year: number): number {
  switch (unit) {
    case 'decade':
      return Math.floor(year / 10) * 10
    case 'century':
      return Math.floor((year - 1) / 100) * 100 + 1
    case 'millennium':
      return Math.floor((year - 1) / 1000) * 1000 + 1
    default:
      return year
  }
}

/** The first day of a day's unit; undefined for units below a day and unknown ones. */
function truncateDay(unit: DateTimeUnit, days: number): number | undefined {
  const { year, month } = dateFromDay(days)
  switch (unit) {
    case 'day':
      return days
    case 'week': {
      const { year: isoYear, week } = isoWeek(days)
      return dayFromIsoWeek(isoYear, week)
    }
    case 'month':
      return dayFromDate(year, month, 1)
    case 'quarter':
      return dayFromDate(year, month - ((month - 1) % 3), 1)
    case 'year':
    case 'decade':
    case 'century':
    case 'millennium':
      return dayFromDate(firstYear(unit, year), 1, 1)
    default:
      return undefined
  }
}

const timeUnits: Readonly<Partial<Record<DateTimeUnit, number>>> = {
  microsecond: 1,
  millisecond: 1000,
  second: MICROS_PER_SECOND,
  minute: MICROS_PER_MINUTE,
  hour: MICROS_PER_HOUR,
}

/** Parts that are no spans of time are unknown to date_trunc; the zone is known, and no span either. */
function untruncatable(unit: DateTimeUnit, word: string, typeName: string): SqlError {
  return unit.startsWith('timezone') ? unsupportedUnit(word, typeName) : unknownUnit(word, typeName)
}

function truncateLocal(word: string, local: Int8, typeName: string): Int8 {
  const unit = dateTimeUnit(word)
  if (unit === undefined) throw unknownUnit(word, typeName)
  const days = timestampDay(local)
  const step = timeUnits[unit]
  if (step !== undefined) {
    const time = timestampTime(local, days)
    return joinTimestamp(days, time - (time % step))
  }
  const first = truncateDay(unit, days)
  if (first === undefined) throw untruncatable(unit, word, typeName)
  return joinTimestamp(first, 0)
}

function truncateTimestamp(word: string, local: Int8): Int8 {
  return isInfinite(local) ? local : truncateLocal(word, local, 'timestamp without time zone')
}

/** Units of a day and more begin at the wall clock's midnight; smaller ones keep the offset of the moment. */
function truncateInZone(word: string, utc: Int8, zone: TimeZone): Int8 {
  if (isInfinite(utc)) return utc
  const { local, offset } = localFromUtc(utc, zone)
  const truncated = truncateLocal(word, local, 'timestamp with time zone')
  const unit = dateTimeUnit(word)
  if (unit !== undefined && timeUnits[unit] !== undefined) {
    return checkTimestamp(int8(BigInt(truncated) - BigInt(offset) * BigInt(MICROS_PER_SECOND)))
  }
  return utcFromLocal(truncated, zone)
}

/** Months of units of years; an interval is cut towards zero. */
const monthUnits: Readonly<Partial<Record<DateTimeUnit, number>>> = {
  month: 1,
  quarter: 3,
  year: 12,
  decade: 120,
  century: 1200,
  millennium: 12_000,
}

function truncateInterval(word: string, value: Interval): Interval {
  const unit = dateTimeUnit(word)
  if (unit === undefined) throw unknownUnit(word, 'interval')
  const months = monthUnits[unit]
  if (months !== undefined) return new Interval(value.months - (value.months % months), 0, 0)
  if (unit === 'day') return new Interval(value.months, value.days, 0)
  const step = timeUnits[unit]
  if (step === undefined) {
    if (unit !== 'week') throw untruncatable(unit, word, 'interval')
    throw new SqlError('0A000', unsupportedUnit(word, 'interval').message, {
      detail: 'Months usually have fractional weeks.',
    })
  }
  const { hours, minutes, seconds, fraction } = intervalTime(value.micros)
  const micros =
    BigInt(hours) * 3_600_000_000n +
    BigInt(minutes * MICROS_PER_MINUTE + seconds * MICROS_PER_SECOND + fraction)
  return new Interval(value.months, value.days, int8(micros - (micros % BigInt(step))))
}

/** A span of microseconds has 64 bits. */
function checkSpan(micros: bigint): void {
  if (BigInt.asIntN(64, micros) !== micros) throw new SqlError('22008', 'interval out of range')
}

/** date_bin: the start of the stride that a time falls into, counted from the origin. */
function bin(stride: Interval, at: Int8, origin: Int8): Int8 {
  if (isInfinite(at)) return at
  if (isInfinite(origin)) throw new SqlError('22008', 'origin out of range')
  if (stride.months !== 0) {
    throw new SqlError('0A000', 'timestamps cannot be binned into intervals containing months or years')
  }
  const step = BigInt(stride.days) * BigInt(MICROS_PER_DAY) + BigInt(stride.micros)
  checkSpan(step)
  if (step <= 0n) throw new SqlError('22008', 'stride must be greater than zero')
  const distance = BigInt(at) - BigInt(origin)
  checkSpan(distance)
  const rest = ((distance % step) + step) % step
  return checkTimestamp(int8(BigInt(at) - rest))
}

type Compare<T> = (a: T, b: T) => number

/**
 * SQL's OVERLAPS of [a, b) and [c, d): the ends of a span in any order, and a null end leaves open what could be said
 * without it.
 */
export function overlaps<T>(
  spans: readonly [T | null, T | null, T | null, T | null],
  compare: Compare<T>,
): boolean | null {
  const order = (start: T | null, end: T | null): readonly [T | null, T | null] => {
    if (start === null) return [end, null]
    if (end === null || compare(start, end) <= 0) return [start, end]
    return [end, start]
  }
  const [a, b] = order(spans[0], spans[1])
  const [c, d] = order(spans[2], spans[3])
  if (a === null || c === null) return null
  const between = compare(a, c)
  if (between === 0) return b === null || d === null ? null : true
  // The later start must lie before the end of the earlier span.
  const [laterStart, earlierEnd, laterEnd] = between > 0 ? [a, d, b] : [c, b, d]
  if (earlierEnd === null) return null
  if (compare(laterStart, earlierEnd) >= 0) return false
  return laterEnd === null ? null : true
}

const sign: Compare<Int8> = (a, b) => (a < b ? -1 : a > b ? 1 : 0)
type Ends = [Value, Value, Value, Value]

/** The ends may be given as intervals from the starts. */
function* overlapsFamily(): Iterable<readonly [string, Definition]> {
  const add = (context: FunctionContext, type: string, start: Value, by: Value): Value => {
    if (start === null || by === null) return null
    if (type === 'timestamp') return addToTimestamp(start as Int8, by as Interval)
    if (type === 'timestamptz') return addToTimestampTz(context, start as Int8, by as Interval)
    const sum = (BigInt(start as number) + BigInt((by as Interval).micros)) % BigInt(MICROS_PER_DAY)
    return Number(sum < 0n ? sum + BigInt(MICROS_PER_DAY) : sum)
  }
  for (const type of ['timestamp', 'timestamptz', 'time']) {
    for (const first of [type, 'interval']) {
      for (const second of [type, 'interval']) {
        yield [
          `overlaps(${type},${first},${type},${second})`,
          {
            context: (context, ...[a, b, c, d]: Ends) => {
              const firstEnd = first === 'interval' ? add(context, type, a, b) : b
              const secondEnd = second === 'interval' ? add(context, type, c, d) : d
              return overlaps([a, firstEnd, c, secondEnd] as [Int8, Int8, Int8, Int8], sign)
            },
          },
        ]
      }
    }
  }
  yield [
    'overlaps(timetz,timetz,timetz,timetz)',
    {
      context: (context, ...ends: Ends) =>
        overlaps(ends, (a, b) => (a === null || b === null ? 0 : compareValues(context, TIMETZ_OID, a, b))),
    },
  ]
}

type SixAndZone = [...DateTimeNumbers, string]

const making: Definitions = {
  'make_date(int4,int4,int4)': {
    call: (year: number, month: number, day: number) => makeDate(year, month, day),
  },
  'make_time(int4,int4,float8)': { call: makeTime },
  'make_timestamp(int4,int4,int4,int4,int4,float8)': { call: makeTimestamp },
  'make_timestamptz(int4,int4,int4,int4,int4,float8)': {
    context: (context, ...numbers: [...DateTimeNumbers]) =>
      utcFromLocal(makeTimestamp(...numbers), zoneOf(context)),
  },
  'make_timestamptz(int4,int4,int4,int4,int4,float8,text)': {
    call: (...args: SixAndZone) => {
      const zone = args[6]
      if (/^\d/.test(zone)) {
        throw new SqlError('22023', `invalid input syntax for type numeric time zone: "${zone}"`, {
          hint: 'Numeric time zones must have "-" or "+" as first character.',
        })
      }
      // Numbers count east here; as the name of a zone they count west.
      const name = zone.replace(/^[-+]/, (sign) => (sign === '+' ? '-' : '+'))
      return utcFromLocal(makeTimestamp(...(args.slice(0, 6) as unknown as DateTimeNumbers)), zoneNamed(name))
    },
  },
  'make_interval(int4,int4,int4,int4,int4,int4,float8)': { call: makeInterval },
  'to_timestamp(float8)': { call: fromUnixSeconds },
}

const cutting: Definitions = {
  'date_trunc(text,timestamp)': { call: truncateTimestamp },
  'date_trunc(text,timestamptz)': {
    context: (context, word: string, utc: Int8) => truncateInZone(word, utc, zoneOf(context)),
  },
  'date_trunc(text,timestamptz,text)': {
    call: (word: string, utc: Int8, zone: string) =>
      isInfinite(utc) ? utc : truncateInZone(word, utc, zoneNamed(zone)),
  },
  'date_trunc(text,interval)': { call: truncateInterval },
  'date_bin(interval,timestamp,timestamp)': { call: bin },
  'date_bin(interval,timestamptz,timestamptz)': { call: bin },
}

export const dateTimeMakeFunctions: Definitions = { ...making, ...cutting, ...collect(overlapsFamily()) }
