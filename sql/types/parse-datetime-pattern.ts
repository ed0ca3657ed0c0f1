// to_timestamp(text, text) and to_date(text, text) (documentation, section 9.8): input read by a template.
// Outside of FX mode blanks and separators match loosely: any number of blanks around fields, and one
// separator any other.

import {
  addInt8,
  DATE_MAX,
  DATE_MIN,
  dateFromDay,
  dayFromDate,
  dayFromIsoWeek,
  EPOCH_JULIAN_DAY,
  isLeapYear,
  isTimestampInRange,
  joinTimestamp,
  MICROS_PER_SECOND,
  monthLength,
  SECONDS_PER_DAY,
} from './calendar.ts'
import { dateTimeError, dateTimeOutOfRange } from './datetime-errors.ts'
import { zoneOf } from './datetime-text.ts'
import { type PatternFields, readPatternFields } from './read-datetime-pattern.ts'
import { SqlError } from './sql-error.ts'
import type { TypeContext } from './type.ts'
import type { Int8 } from './value.ts'

const ZONE_HOURS_MAX = 15

interface Parsed {
  readonly days: number
  readonly micros: number
  /** Seconds east of UTC, when the template had one. */
  readonly offset: number | undefined
}

/** to_timestamp(text, text): microseconds UTC; without TZH the session's zone. */
export function parseTimestampPattern(text: string, pattern: string, context: TypeContext): Int8 {
  const { days, micros, offset } = parse(text, pattern)
  const localSeconds = days * SECONDS_PER_DAY + Math.floor(micros / MICROS_PER_SECOND)
  const east = offset ?? zoneOf(context).resolveLocal(localSeconds)
  const result = addInt8(joinTimestamp(days, micros), -east * MICROS_PER_SECOND)
  if (!isTimestampInRange(result)) throw dateTimeOutOfRange('timestamp')
  return result
}

/** to_date(text, text): days since 2000-01-01. */
export function parseDatePattern(text: string, pattern: string): number {
  const { days } = parse(text, pattern)
  if (days < DATE_MIN || days > DATE_MAX) throw dateTimeOutOfRange('date', text)
  return days
}

function parse(text: string, pattern: string): Parsed {
  const fields = readPatternFields(text, pattern)
  const { days } = resolveDate(fields, text)
  return { days, micros: resolveTime(fields, text), offset: resolveOffset(fields, text) }
}

function resolveTime(fields: PatternFields, text: string): number {
  let hour = Math.trunc(fields.secondsOfDay / 3600)
  let minute = Math.trunc(fields.secondsOfDay / 60) % 60
  let second = fields.secondsOfDay % 60
  if (fields.second !== 0) second = fields.second
  if (fields.minute !== 0) minute = fields.minute
  if (fields.hour !== 0) hour = fields.hour
  if (fields.isTwelveHourClock) {
    if (hour < 1 || hour > 12) {
      throw new SqlError('22007', `hour "${hour}" is invalid for the 12-hour clock`, {
        hint: 'Use the 24-hour clock, or give an hour between 1 and 12.',
      })
    }
    if (fields.pm !== 0 && hour < 12) hour += 12
    else if (fields.pm === 0 && hour === 12) hour = 0
  }
  const micros = fields.millisecond * 1000 + fields.microsecond
  const isValid =
    hour >= 0 &&
    hour < 24 &&
    minute >= 0 &&
    minute < 60 &&
    second >= 0 &&
    second < 60 &&
    micros >= 0 &&
    micros < 1_000_000
  if (!isValid) throw dateTimeError('field', text, 'timestamp')
  return ((hour * 60 + minute) * 60 + second) * MICROS_PER_SECOND + micros
}

function resolveOffset({ zoneSign, zoneHour, zoneMinute }: PatternFields, text: string): number | undefined {
  if (zoneSign === 0) return undefined
  if (zoneHour < 0 || zoneHour > ZONE_HOURS_MAX || zoneMinute < 0 || zoneMinute >= 60) {
    throw dateTimeError('zone', text, 'timestamp')
  }
  return zoneSign * (zoneHour * 3600 + zoneMinute * 60)
}

/** The year, astronomical, from YYYY, YY with CC, or CC alone; undefined when nothing says. */
function resolveYear({ year, century, yearDigits, isBc }: PatternFields): number | undefined {
  const signedCentury = isBc !== 0 ? -century : century
  if (year !== 0) {
    if (century !== 0 && yearDigits <= 2) {
      const inCentury = year % 100
      if (inCentury === 0) return signedCentury * 100 + (signedCentury >= 0 ? 0 : 1)
      return signedCentury >= 0
        ? inCentury + (signedCentury - 1) * 100
        : (signedCentury + 1) * 100 - inCentury + 1
    }
    const signed = isBc !== 0 ? -year : year
    return signed < 0 ? signed + 1 : signed
  }
  if (century === 0) return undefined
  return signedCentury >= 0 ? (signedCentury - 1) * 100 + 1 : signedCentury * 100 + 1
}

function resolveDate(fields: PatternFields, text: string): { days: number } {
  const givenYear = resolveYear(fields)
  let year = givenYear ?? 0
  let month = 1
  let day = 1
  let { dayOfYear, day: dayOfMonth } = fields
  const setDay = (days: number): void => {
    ;({ year, month, day } = dateFromDay(days))
  }
  if (fields.julianDay !== 0) setDay(fields.julianDay - EPOCH_JULIAN_DAY)
  if (fields.week !== 0) {
    if (fields.isIsoWeek) {
      const { weekday } = fields
      const offset = weekday === 0 ? 0 : weekday > 1 ? weekday - 2 : 6
      setDay(dayFromIsoWeek(year, fields.week) + offset)
    } else {
      dayOfYear = (fields.week - 1) * 7 + 1
    }
  }
  if (fields.weekOfMonth !== 0) dayOfMonth = (fields.weekOfMonth - 1) * 7 + 1
  if (dayOfMonth !== 0) day = dayOfMonth
  if (fields.month !== 0) month = fields.month
  if (dayOfYear !== 0 && (month <= 1 || day <= 1)) {
    if (year === 0 && fields.isBc === 0) {
      throw new SqlError('22007', 'cannot calculate day of year without year information')
    }
    if (fields.isIsoWeek) {
      setDay(dayFromIsoWeek(year, 1) + dayOfYear - 1)
    } else {
      const resolved = monthOfYearDay(year, dayOfYear)
      if (month <= 1) month = resolved.month
      if (day <= 1) day = resolved.day
    }
  }
  if (month < 1 || month > 12 || day < 1 || day > 31) throw dateTimeError('field', text, 'timestamp')
  if (day > monthLength(year, month) && hasWholeDate(fields, givenYear))
    throw dateTimeError('field', text, 'timestamp')
  return { days: dayFromDate(year, month, day) }
}

/** PostgreSQL checks the length of a month only when year, month and day were all given. */
function hasWholeDate(fields: PatternFields, year: number | undefined): boolean {
  if (fields.julianDay !== 0 || (fields.week !== 0 && fields.isIsoWeek)) return true
  const hasDayOfYear = fields.dayOfYear !== 0 || fields.week !== 0
  const hasDay = fields.day !== 0 || fields.weekOfMonth !== 0
  return year !== undefined && ((fields.month !== 0 && hasDay) || hasDayOfYear)
}

function monthOfYearDay(year: number, dayOfYear: number): { month: number; day: number } {
  let rest = dayOfYear
  for (let month = 1; month <= 12; month++) {
    const length = month === 2 ? (isLeapYear(year) ? 29 : 28) : monthLength(year, month)
    if (rest <= length) return { month, day: rest }
    rest -= length
  }
  return { month: 13, day: rest }
}
