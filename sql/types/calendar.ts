// Days and microseconds: the proleptic Gregorian calendar as PostgreSQL counts it. Day 0 is 2000-01-01; years
// are astronomical (0 is 1 BC). A timestamp is microseconds since 2000-01-01 00:00 as Int8, +-Infinity
// included.

import { int8, type Int8 } from './value.ts'

export const MICROS_PER_SECOND = 1_000_000
export const MICROS_PER_MINUTE = 60_000_000
export const MICROS_PER_HOUR = 3_600_000_000
export const MICROS_PER_DAY = 86_400_000_000
export const SECONDS_PER_DAY = 86_400

/** Julian day number of 2000-01-01. */
export const EPOCH_JULIAN_DAY = 2_451_545
/** Days from 1970-01-01 to 2000-01-01. */
export const UNIX_EPOCH_DAYS = 10_957
/** Seconds and microseconds from 1970-01-01 to 2000-01-01. */
export const UNIX_EPOCH_SECONDS: number = UNIX_EPOCH_DAYS * SECONDS_PER_DAY

/** First and last day of type date: 4714-11-24 BC and 5874897-12-31. */
export const DATE_MIN: number = -EPOCH_JULIAN_DAY
export const DATE_MAX = 2_145_031_948
/** First and last day that timestamps reach: 4714-11-24 BC and 294276-12-31. */
export const TIMESTAMP_DAY_MIN: number = -EPOCH_JULIAN_DAY
export const TIMESTAMP_DAY_MAX = 106_751_982

const DAYS_BEFORE_MONTH = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334]
const MONTH_LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

export interface CalendarDate {
  /** Astronomical: 0 is 1 BC. */
  readonly year: number
  /** 1..12 */
  readonly month: number
  /** 1..31 */
  readonly day: number
}

export function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
}

/** Days of a month, 1..12. */
export function monthLength(year: number, month: number): number {
  return month === 2 && isLeapYear(year) ? 29 : (MONTH_LENGTHS[month - 1] as number)
}

/** Days since 2000-01-01 of a date; `day` may lie outside its month. */
export function dayFromDate(year: number, month: number, day: number): number {
  const before = year - 1
  const leaps = Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400)
  const inYear = (DAYS_BEFORE_MONTH[month - 1] as number) + (month > 2 && isLeapYear(year) ? 1 : 0)
  // 730119 days from 0001-01-01 to 2000-01-01.
  return before * 365 + leaps + inYear + day - 1 - 730_119
}

/** The date of a day since 2000-01-01. */
export function dateFromDay(days: number): CalendarDate {
  // Shifted to eras of 400 years that begin on 1 March, so that leap days come last.
  const shifted = days + 730_425
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
  return { year: era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, day }
}

/** 0 Sunday .. 6 Saturday. */
export function dayOfWeek(days: number): number {
  return (((days + 6) % 7) + 7) % 7
}

/** 1..366 */
export function dayOfYear({ year, month, day }: CalendarDate): number {
  return (DAYS_BEFORE_MONTH[month - 1] as number) + (month > 2 && isLeapYear(year) ? 1 : 0) + day
}

/** ISO 8601 week (1..53) and the year it belongs to. */
export function isoWeek(days: number): { readonly year: number; readonly week: number } {
  // The week belongs to the year of its Thursday.
  const thursday = days - ((dayOfWeek(days) + 6) % 7) + 3
  const { year } = dateFromDay(thursday)
  return { year, week: Math.floor((thursday - dayFromDate(year, 1, 1)) / 7) + 1 }
}

/** The Monday of an ISO week. */
export function dayFromIsoWeek(year: number, week: number): number {
  const fourth = dayFromDate(year, 1, 4)
  return fourth - ((dayOfWeek(fourth) + 6) % 7) + (week - 1) * 7
}

/** days * 86400 s + micros as Int8: exact, and a number whenever that is safe. */
export function joinTimestamp(days: number, microsOfDay: number): Int8 {
  const value = days * MICROS_PER_DAY + microsOfDay
  return Number.isSafeInteger(value) && Math.abs(days) < 104_000
    ? value
    : int8(BigInt(days) * 86_400_000_000n + BigInt(microsOfDay))
}

/** The day of a finite timestamp, towards the past. */
export function timestampDay(micros: Int8): number {
  if (typeof micros === 'number') return Math.floor(micros / MICROS_PER_DAY)
  const days = micros / 86_400_000_000n
  return Number(micros < days * 86_400_000_000n ? days - 1n : days)
}

/** What is left of a finite timestamp above its day: 0..86399999999. */
export function timestampTime(micros: Int8, days: number): number {
  return typeof micros === 'number'
    ? micros - days * MICROS_PER_DAY
    : Number(micros - BigInt(days) * 86_400_000_000n)
}

/** Adds two Int8 exactly; the caller checks the range. */
export function addInt8(a: Int8, b: Int8): Int8 {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b
    if (Number.isSafeInteger(sum)) return sum
  }
  return int8(BigInt(a) + BigInt(b))
}

const TIMESTAMP_MIN: Int8 = joinTimestamp(TIMESTAMP_DAY_MIN, 0)
const TIMESTAMP_END: Int8 = joinTimestamp(TIMESTAMP_DAY_MAX + 1, 0)

/** Whether a finite timestamp lies in PostgreSQL's range. */
export function isTimestampInRange(micros: Int8): boolean {
  return micros >= TIMESTAMP_MIN && micros < TIMESTAMP_END
}
