// The clock, and arithmetic of dates, times and timestamps (documentation, section 9.9). Truncation and making are in
// datetime-make.ts, parts in datetime-part.ts, zones and casts in datetime-zone.ts, intervals alone in interval.ts.
//
//   timestamp + interval:  months first (the day is held inside the month), then days, then microseconds;
//   timestamptz does the first two on the wall clock of the session's zone.

import { type Definition, type Definitions, collect } from './definition.ts'
import { checkTimestamp, dateToTimestamp, localFromUtc, toUtc, utcFromLocal } from './datetime-zone.ts'
import type { FunctionContext } from './function.ts'
import {
  DATE_MAX,
  DATE_MIN,
  MICROS_PER_DAY,
  MICROS_PER_SECOND,
  addInt8,
  dateFromDay,
  dayFromDate,
  joinTimestamp,
  monthLength,
  timestampDay,
  timestampTime,
} from '../types/calendar.ts'
import { dateTimeOutOfRange } from '../types/datetime-errors.ts'
import { zoneOf } from '../types/datetime-text.ts'
import { Interval, compareInterval } from '../types/interval.ts'
import { SqlError } from '../types/sql-error.ts'
import type { TypeContext } from '../types/type.ts'
import { type Int8, TimeTz, int8 } from '../types/value.ts'

export const isInfinite = (value: Int8): boolean => value === Infinity || value === -Infinity

const negate = ({ months, days, micros }: Interval): Interval =>
  new Interval(-months, -days, int8(-BigInt(micros)))

/** A day so many months later; the 31st becomes the last day of a shorter month. */
export function addMonths(days: number, months: number): number {
  const date = dateFromDay(days)
  const count = date.year * 12 + (date.month - 1) + months
  const year = Math.floor(count / 12)
  const month = count - year * 12 + 1
  return dayFromDate(year, month, Math.min(date.day, monthLength(year, month)))
}

/** A finite wall time moved by months and days. */
function addCalendar(local: Int8, months: number, days: number): Int8 {
  const day = timestampDay(local)
  const time = timestampTime(local, day)
  return joinTimestamp((months === 0 ? day : addMonths(day, months)) + days, time)
}

export function addToTimestamp(local: Int8, { months, days, micros }: Interval): Int8 {
  if (isInfinite(local)) return local
  const moved = months === 0 && days === 0 ? local : checkTimestamp(addCalendar(local, months, days))
  return checkTimestamp(addInt8(moved, micros))
}

export function addToTimestampTz(context: TypeContext, utc: Int8, { months, days, micros }: Interval): Int8 {
  if (isInfinite(utc)) return utc
  let moved = utc
  if (months !== 0 || days !== 0) {
    const zone = zoneOf(context)
    moved = utcFromLocal(checkTimestamp(addCalendar(localFromUtc(utc, zone).local, months, days)), zone)
  }
  return checkTimestamp(addInt8(moved, micros))
}

/** The time between, in days and a rest of a day, both of the same sign. */
function subtractTimestamps(a: Int8, b: Int8): Interval {
  if (isInfinite(a) || isInfinite(b)) throw new SqlError('22008', 'cannot subtract infinite timestamps')
  const micros = BigInt(a) - BigInt(b)
  const days = micros / BigInt(MICROS_PER_DAY)
  return new Interval(0, Number(days), int8(micros - days * BigInt(MICROS_PER_DAY)))
}

function addDays(days: number, count: number): number {
  if (!Number.isFinite(days)) return days
  const sum = days + count
  if (sum < DATE_MIN || sum > DATE_MAX) throw dateTimeOutOfRange('date')
  return sum
}

function subtractDates(a: number, b: number): number {
  if (!Number.isFinite(a) || !Number.isFinite(b))
    throw new SqlError('22008', 'cannot subtract infinite dates')
  return a - b
}

/** A time of day wraps at midnight. */
function addToTime(micros: number, interval: Interval): number {
  const sum = (BigInt(micros) + BigInt(interval.micros)) % BigInt(MICROS_PER_DAY)
  return Number(sum < 0n ? sum + BigInt(MICROS_PER_DAY) : sum)
}

const addToTimeTz = (value: TimeTz, interval: Interval): TimeTz =>
  new TimeTz(addToTime(value.micros, interval), value.zoneSeconds)

/** age(): years, months, days and a rest, counted on the calendar from the earlier to the later. */
function age(a: Int8, b: Int8): Interval {
  if (isInfinite(a) || isInfinite(b)) throw dateTimeOutOfRange('timestamp')
  if (a < b) return negate(ageOf(b, a))
  return ageOf(a, b)
}

/** Days are borrowed from the month of the earlier time. */
function ageOf(later: Int8, earlier: Int8): Interval {
  const [laterDay, earlierDay] = [timestampDay(later), timestampDay(earlier)]
  const [x, y] = [dateFromDay(laterDay), dateFromDay(earlierDay)]
  let micros = timestampTime(later, laterDay) - timestampTime(earlier, earlierDay)
  let days = x.day - y.day
  let months = (x.year - y.year) * 12 + x.month - y.month
  if (micros < 0) {
    micros += MICROS_PER_DAY
    days--
  }
  while (days < 0) {
    days += monthLength(y.year, y.month)
    months--
  }
  return new Interval(months, days, micros)
}

/** timestamptz counts on the wall clock of the session's zone. */
function ageTz(context: FunctionContext, a: Int8, b: Int8): Interval {
  const zone = zoneOf(context)
  const local = (utc: Int8): Int8 => (isInfinite(utc) ? utc : localFromUtc(utc, zone).local)
  return age(local(a), local(b))
}

/** Midnight of the transaction's day, on the session's clock. */
function today(context: FunctionContext): number {
  return timestampDay(localFromUtc(context.transactionMicros, zoneOf(context)).local)
}

/** The series stops where adding would leave the range. */
function* series(start: Int8, stop: Int8, step: Interval, add: (at: Int8) => Int8): Iterable<Int8> {
  const direction = compareInterval(step, new Interval(0, 0, 0))
  if (direction === 0) throw new SqlError('22023', 'step size cannot equal zero')
  if (isInfinite(start) && start < 0 !== direction < 0) return
  for (let at = start; direction > 0 ? at <= stop : at >= stop; at = add(at)) yield at
}

const clock: Definitions = {
  'now()': { context: (context) => context.transactionMicros },
  'transaction_timestamp()': { context: (context) => context.transactionMicros },
  'statement_timestamp()': { context: (context) => context.statementMicros() },
  'clock_timestamp()': { context: (context) => context.clockMicros() },
  'timeofday()': { context: (context) => timeOfDay(context) },
}

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** 'Sat Nov 22 19:37:42.000000 2026 UTC'. */
function timeOfDay(context: FunctionContext): string {
  const zone = zoneOf(context)
  const utc = context.clockMicros()
  const { local } = localFromUtc(utc, zone)
  const day = timestampDay(local)
  const time = timestampTime(local, day)
  const { year, month, day: dayOfMonth } = dateFromDay(day)
  const two = (value: number): string => String(value).padStart(2, '0')
  const seconds = Math.floor(time / MICROS_PER_SECOND)
  const fraction = String(time % MICROS_PER_SECOND).padStart(6, '0')
  const hms = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}.${fraction}`
  const name = weekdays[(((day + 6) % 7) + 7) % 7] ?? ''
  const abbreviation = zone.abbreviationAt(Math.floor(utc / MICROS_PER_SECOND))
  return `${name} ${months[month - 1] ?? ''} ${two(dayOfMonth)} ${hms} ${year} ${abbreviation}`
}

const arithmetic: Definitions = {
  'date_pli(date,int4)': { call: addDays },
  'integer_pl_date(int4,date)': { call: (count: number, days: number) => addDays(days, count) },
  'date_mii(date,int4)': { call: (days: number, count: number) => addDays(days, -count) },
  'date_mi(date,date)': { call: subtractDates },
  'date_pl_interval(date,interval)': {
    call: (days: number, by: Interval) => addToTimestamp(dateToTimestamp(days), by),
  },
  'interval_pl_date(interval,date)': {
    call: (by: Interval, days: number) => addToTimestamp(dateToTimestamp(days), by),
  },
  'date_mi_interval(date,interval)': {
    call: (days: number, by: Interval) => addToTimestamp(dateToTimestamp(days), negate(by)),
  },
  'timestamp_pl_interval(timestamp,interval)': { call: addToTimestamp },
  'interval_pl_timestamp(interval,timestamp)': { call: (by: Interval, at: Int8) => addToTimestamp(at, by) },
  'timestamp_mi_interval(timestamp,interval)': {
    call: (at: Int8, by: Interval) => addToTimestamp(at, negate(by)),
  },
  'timestamp_mi(timestamp,timestamp)': { call: subtractTimestamps },
  'timestamptz_pl_interval(timestamptz,interval)': { context: addToTimestampTz },
  'interval_pl_timestamptz(interval,timestamptz)': {
    context: (context, by: Interval, at: Int8) => addToTimestampTz(context, at, by),
  },
  'timestamptz_mi_interval(timestamptz,interval)': {
    context: (context, at: Int8, by: Interval) => addToTimestampTz(context, at, negate(by)),
  },
  'timestamptz_mi(timestamptz,timestamptz)': { call: subtractTimestamps },
  'time_pl_interval(time,interval)': { call: addToTime },
  'interval_pl_time(interval,time)': { call: (by: Interval, at: number) => addToTime(at, by) },
  'time_mi_interval(time,interval)': { call: (at: number, by: Interval) => addToTime(at, negate(by)) },
  'time_mi_time(time,time)': { call: (a: number, b: number) => new Interval(0, 0, a - b) },
  'timetz_pl_interval(timetz,interval)': { call: addToTimeTz },
  'interval_pl_timetz(interval,timetz)': { call: (by: Interval, at: TimeTz) => addToTimeTz(at, by) },
  'timetz_mi_interval(timetz,interval)': { call: (at: TimeTz, by: Interval) => addToTimeTz(at, negate(by)) },
}

const ages: Definitions = {
  'age(timestamp,timestamp)': { call: age },
  'age(timestamptz,timestamptz)': { context: ageTz },
  'age(timestamp)': { context: (context, at: Int8) => age(dateToTimestamp(today(context)), at) },
  'age(timestamptz)': {
    context: (context, at: Int8) =>
      ageTz(context, toUtc(dateToTimestamp(today(context)), zoneOf(context)), at),
  },
}

const finite = { call: (at: Int8): boolean => !isInfinite(at) }

const others: Definitions = {
  'isfinite(date)': finite,
  'isfinite(timestamp)': finite,
  'isfinite(timestamptz)': finite,
  'isfinite(interval)': { call: () => true },
  'generate_series(timestamp,timestamp,interval)': {
    rows: (_context, start: Int8, stop: Int8, step: Interval) =>
      series(start, stop, step, (at) => addToTimestamp(at, step)),
  },
  'generate_series(timestamptz,timestamptz,interval)': {
    rows: (context, start: Int8, stop: Int8, step: Interval) =>
      series(start, stop, step, (at) => addToTimestampTz(context, at, step)),
  },
  'pg_sleep_for(interval)': {
    context: (context, by: Interval) => {
      const seconds =
        (Number(addToTimestampTz(context, context.clockMicros(), by)) - context.clockMicros()) /
        MICROS_PER_SECOND
      if (seconds > 0) context.services.backends.sleep(seconds)
      return ''
    },
  },
  'pg_sleep_until(timestamptz)': {
    context: (context, until: Int8) => {
      const seconds = (Number(until) - context.clockMicros()) / MICROS_PER_SECOND
      if (seconds > 0) context.services.backends.sleep(seconds)
      return ''
    },
  },
}

/** The larger and smaller of two, as min and max's helpers are named. */
function* extremes(): Iterable<readonly [string, Definition]> {
  for (const type of ['date', 'time', 'timestamp', 'timestamptz']) {
    yield [`${type}_larger(${type},${type})`, { call: (a: Int8, b: Int8) => (a > b ? a : b) }]
    yield [`${type}_smaller(${type},${type})`, { call: (a: Int8, b: Int8) => (a < b ? a : b) }]
  }
}

export const dateTimeFunctions: Definitions = {
  ...clock,
  ...arithmetic,
  ...ages,
  ...others,
  ...collect(extremes()),
}
