// Between wall time and UTC: AT TIME ZONE (documentation, section 9.9.4), the casts between timestamp and timestamptz,
// and the other casts among the date and time types.
//
//   date ──▶ timestamp ◀──▶ timestamptz          timestamp, timestamptz ──▶ date, time, timetz

import type { Definitions } from './definition.ts'
import type { FunctionContext } from './function.ts'
import {
  MICROS_PER_DAY,
  MICROS_PER_SECOND,
  SECONDS_PER_DAY,
  TIMESTAMP_DAY_MAX,
  addInt8,
  isTimestampInRange,
  joinTimestamp,
  timestampDay,
  timestampTime,
} from '../types/calendar.ts'
import { dateTimeOutOfRange } from '../types/datetime-errors.ts'
import { zoneOf } from '../types/datetime-text.ts'
import { requireTimeZone } from '../types/time-decode.ts'
import { TIME_ZONE_ABBREVIATIONS } from '../types/time-zone-abbreviations.ts'
import type { TimeZone } from '../types/time-zone.ts'
import { Interval, intervalTime } from '../types/interval.ts'
import { formatInterval } from '../types/interval-text.ts'
import { SqlError } from '../types/sql-error.ts'
import { type Int8, TimeTz, type Value } from '../types/value.ts'

const isInfinite = (value: Int8): boolean => value === Infinity || value === -Infinity

/** Whole seconds of a finite timestamp, towards the past. */
function secondsOf(micros: Int8): number {
  const days = timestampDay(micros)
  return days * SECONDS_PER_DAY + Math.floor(timestampTime(micros, days) / MICROS_PER_SECOND)
}

/** The wall time of a finite instant, and the offset (seconds east) that makes it. */
export function localFromUtc(
  micros: Int8,
  zone: TimeZone,
): { readonly local: Int8; readonly offset: number } {
  const offset = zone.fixedOffset ?? zone.offsetAt(secondsOf(micros))
  return { local: addInt8(micros, offset * MICROS_PER_SECOND), offset }
}

/** The instant of a finite wall time. 22008 when it leaves the range. */
export function utcFromLocal(local: Int8, zone: TimeZone): Int8 {
  const offset = zone.fixedOffset ?? zone.resolveLocal(secondsOf(local))
  return checkTimestamp(addInt8(local, -offset * MICROS_PER_SECOND))
}

export function checkTimestamp(micros: Int8): Int8 {
  if (!isTimestampInRange(micros)) throw dateTimeOutOfRange('timestamp')
  return micros
}

/** timestamp to timestamptz and back, infinities included, in a zone. */
export function toUtc(local: Int8, zone: TimeZone): Int8 {
  return isInfinite(local) ? local : utcFromLocal(local, zone)
}

export function toLocal(utc: Int8, zone: TimeZone): Int8 {
  return isInfinite(utc) ? utc : checkTimestamp(localFromUtc(utc, zone).local)
}

/** A date's midnight. 22008: dates reach further than timestamps. */
export function dateToTimestamp(days: number): Int8 {
  if (!Number.isFinite(days)) return days
  if (days > TIMESTAMP_DAY_MAX) throw new SqlError('22008', 'date out of range for timestamp')
  return joinTimestamp(days, 0)
}

export function timestampToDate(micros: Int8): number {
  return isInfinite(micros) ? Number(micros) : timestampDay(micros)
}

function timestampToTime(micros: Int8): Value {
  return isInfinite(micros) ? null : timestampTime(micros, timestampDay(micros))
}

/** The named zone: an abbreviation first, as AT TIME ZONE looks it up, then a zone's name. */
export function zoneNamed(name: string): TimeZone {
  const abbreviation = TIME_ZONE_ABBREVIATIONS.get(name.toLowerCase())
  if (abbreviation?.offsetSeconds !== undefined) return fixedZone(abbreviation.offsetSeconds)
  const posix = /^([+-]?)(\d{1,2})(?::(\d\d))?$/.exec(name)
  if (posix !== null) {
    // POSIX counts west of Greenwich.
    const seconds = Number(posix[2]) * 3600 + Number(posix[3] ?? 0) * 60
    return fixedZone(posix[1] === '-' ? seconds : -seconds)
  }
  return requireTimeZone(abbreviation?.zoneName ?? name)
}

/** A zone of one offset, seconds east. */
function fixedZone(offset: number): TimeZone {
  return {
    name: '',
    fixedOffset: offset,
    offsetAt: () => offset,
    resolveLocal: () => offset,
    abbreviationAt: () => '',
  }
}

/** A change of zone that leaves infinities alone, before it even looks at the zone. */
function inZone<Z>(
  find: (zone: Z) => TimeZone,
  move: (at: Int8, zone: TimeZone) => Int8,
): (zone: Z, at: Int8) => Int8 {
  return (zone, at) => (isInfinite(at) ? at : move(at, find(zone)))
}

/** The zone of an interval: hours east of UTC; months and days have no place in it. */
function zoneOfInterval(interval: Interval): TimeZone {
  if (interval.months !== 0 || interval.days !== 0) {
    const text = formatInterval(interval, 'postgres')
    throw new SqlError('22023', `interval time zone "${text}" must not include months or days`)
  }
  const { hours, minutes, seconds } = intervalTime(interval.micros)
  return fixedZone(hours * 3600 + minutes * 60 + seconds)
}

/** A time with zone moved to another offset. */
function moveTimeTz(value: TimeTz, offset: number): TimeTz {
  const micros = value.micros + (value.zoneSeconds + offset) * MICROS_PER_SECOND
  return new TimeTz(((micros % MICROS_PER_DAY) + MICROS_PER_DAY) % MICROS_PER_DAY, -offset)
}

const offsetNow = (context: FunctionContext, zone: TimeZone): number =>
  zone.offsetAt(Math.floor(context.transactionMicros / MICROS_PER_SECOND))

function timestamptzToTimetz(context: FunctionContext, utc: Int8): Value {
  if (isInfinite(utc)) return null
  const { local, offset } = localFromUtc(utc, zoneOf(context))
  return new TimeTz(timestampTime(local, timestampDay(local)), -offset)
}

/** A time gets the offset that the session's zone has today. */
function timeToTimetz(context: FunctionContext, micros: number): TimeTz {
  const zone = zoneOf(context)
  const today = timestampDay(localFromUtc(context.transactionMicros, zone).local)
  const local = today * SECONDS_PER_DAY + Math.floor(micros / MICROS_PER_SECOND)
  return new TimeTz(micros, -zone.resolveLocal(local))
}

/** The time part of an interval as a time of day, wrapped into it. */
function intervalToTime({ micros }: Interval): number {
  const rest = BigInt(micros) % BigInt(MICROS_PER_DAY)
  return Number(rest < 0n ? rest + BigInt(MICROS_PER_DAY) : rest)
}

const zones: Definitions = {
  'timezone(text,timestamptz)': { call: inZone(zoneNamed, toLocal) },
  'timezone(text,timestamp)': { call: inZone(zoneNamed, toUtc) },
  'timezone(text,timetz)': {
    context: (context, name: string, value: TimeTz) => moveTimeTz(value, offsetNow(context, zoneNamed(name))),
  },
  'timezone(interval,timestamptz)': { call: inZone(zoneOfInterval, toLocal) },
  'timezone(interval,timestamp)': { call: inZone(zoneOfInterval, toUtc) },
  'timezone(interval,timetz)': {
    call: (zone: Interval, value: TimeTz) => moveTimeTz(value, zoneOfInterval(zone).fixedOffset ?? 0),
  },
}

const casts: Definitions = {
  'timestamp(date)': { call: dateToTimestamp },
  'timestamptz(date)': { context: (context, days: number) => toUtc(dateToTimestamp(days), zoneOf(context)) },
  'timestamptz(timestamp)': { context: (context, local: Int8) => toUtc(local, zoneOf(context)) },
  'timestamp(timestamptz)': { context: (context, utc: Int8) => toLocal(utc, zoneOf(context)) },
  'date(timestamp)': { call: timestampToDate },
  'date(timestamptz)': { context: (context, utc: Int8) => timestampToDate(toLocal(utc, zoneOf(context))) },
  'time(timestamp)': { call: timestampToTime },
  'time(timestamptz)': { context: (context, utc: Int8) => timestampToTime(toLocal(utc, zoneOf(context))) },
  'timetz(timestamptz)': { context: timestamptzToTimetz },
  'timetz(time)': { context: timeToTimetz },
  'time(timetz)': { call: (value: TimeTz) => value.micros },
  'time(interval)': { call: intervalToTime },
  'interval(time)': { call: (micros: number) => new Interval(0, 0, micros) },
  'timestamp(date,time)': { call: (days: number, micros: number) => dateAndTime(days, micros) },
  'datetime_pl(date,time)': { call: (days: number, micros: number) => dateAndTime(days, micros) },
  'timedate_pl(time,date)': { call: (micros: number, days: number) => dateAndTime(days, micros) },
  'timestamptz(date,time)': {
    context: (context, days: number, micros: number) => toUtc(dateAndTime(days, micros), zoneOf(context)),
  },
  'timestamptz(date,timetz)': { call: dateAndTimeTz },
  'datetimetz_pl(date,timetz)': { call: dateAndTimeTz },
  'timetzdate_pl(timetz,date)': { call: (time: TimeTz, days: number) => dateAndTimeTz(days, time) },
}

function dateAndTime(days: number, micros: number): Int8 {
  const midnight = dateToTimestamp(days)
  return isInfinite(midnight) ? midnight : checkTimestamp(addInt8(midnight, micros))
}

function dateAndTimeTz(days: number, time: TimeTz): Int8 {
  const midnight = dateToTimestamp(days)
  if (isInfinite(midnight)) return midnight
  return checkTimestamp(addInt8(midnight, time.micros + time.zoneSeconds * MICROS_PER_SECOND))
}

export const timeZoneFunctions: Definitions = { ...zones, ...casts }
