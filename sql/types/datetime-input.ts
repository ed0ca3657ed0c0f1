// Input of date, timestamp and timestamptz. The ISO form, which nearly all clients send, is read in one pass;
// whatever it does not recognise goes to the decoder.

import {
  addInt8,
  DATE_MAX,
  DATE_MIN,
  dayFromDate,
  isTimestampInRange,
  joinTimestamp,
  MICROS_PER_HOUR,
  MICROS_PER_MINUTE,
  MICROS_PER_SECOND,
  monthLength,
  SECONDS_PER_DAY,
  UNIX_EPOCH_DAYS,
} from './calendar.ts'
import { DateTimeDecoder } from './datetime-decode.ts'
import { dateTimeOutOfRange } from './datetime-errors.ts'
import { zoneOf } from './datetime-text.ts'
import type { TypeContext } from './type.ts'
import type { Int8 } from './value.ts'

/** Two digits at a place; NaN when they are none. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 0x30
  const ones = text.charCodeAt(at + 1) - 0x30
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : NaN
}

/** The day of a text that begins with YYYY-MM-DD and is a valid date; else NaN. */
function isoDay(text: string): number {
  if (text.charCodeAt(4) !== 0x2d || text.charCodeAt(7) !== 0x2d) return NaN
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2)
  const month = twoDigits(text, 5)
  const day = twoDigits(text, 8)
  // Comparisons with NaN are false.
  return year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= monthLength(year, month)
    ? dayFromDate(year, month, day)
    : NaN
}

/** Where the ISO time ends and how many microseconds it is; the end is 0 when it is no ISO time. */
let isoTimeEnd = 0

function isoTimeMicros(text: string, at: number): number {
  isoTimeEnd = 0
  const hour = twoDigits(text, at)
  const minute = twoDigits(text, at + 3)
  if (text.charCodeAt(at + 2) !== 0x3a || !(hour < 24 && minute < 60)) return 0
  let end = at + 5
  let micros = hour * MICROS_PER_HOUR + minute * MICROS_PER_MINUTE
  if (text.charCodeAt(end) === 0x3a) {
    const second = twoDigits(text, end + 1)
    if (!(second < 60)) return 0
    micros += second * MICROS_PER_SECOND
    end += 3
    if (text.charCodeAt(end) === 0x2e) {
      let unit = 100_000
      for (end++; unit >= 1; end++, unit = unit === 1 ? 0 : unit / 10) {
        const digit = text.charCodeAt(end) - 0x30
        if (!(digit >= 0 && digit <= 9)) break
        micros += digit * unit
      }
    }
  }
  isoTimeEnd = end
  return micros
}

/** date: days since 2000-01-01. */
export function parseDate(text: string, context: TypeContext): number {
  if (text.length === 10) {
    const day = isoDay(text)
    if (!Number.isNaN(day)) return day
  }
  const decoder = new DateTimeDecoder(text, 'date', context)
  decoder.decode()
  if (decoder.moment === 'infinity') return Infinity
  if (decoder.moment === '-infinity') return -Infinity
  if (decoder.moment === 'epoch') return -UNIX_EPOCH_DAYS
  const days = decoder.days()
  if (days < DATE_MIN || days > DATE_MAX) throw dateTimeOutOfRange('date', text)
  return days
}

/** timestamp: what the text says of a zone is ignored. */
export function parseTimestamp(text: string, context: TypeContext): Int8 {
  const day = isoDay(text)
  if (!Number.isNaN(day)) {
    if (text.length === 10) return joinTimestamp(day, 0)
    const separator = text.charCodeAt(10)
    if (separator === 0x20 || separator === 0x54) {
      const time = isoTimeMicros(text, 11)
      if (isoTimeEnd === text.length) return joinTimestamp(day, time)
    }
  }
  return decodeTimestamp(text, 'timestamp', context)
}

/** timestamptz: without a zone in the text it is a time of the session's zone. */
export function parseTimestampTz(text: string, context: TypeContext): Int8 {
  const day = isoDay(text)
  if (!Number.isNaN(day)) {
    const separator = text.charCodeAt(10)
    const hasTime = separator === 0x20 || separator === 0x54
    const time = hasTime ? isoTimeMicros(text, 11) : 0
    const end = hasTime ? isoTimeEnd : 10
    if (end > 0) {
      const offset = isoOffset(
        text,
        end,
        day * SECONDS_PER_DAY + Math.floor(time / MICROS_PER_SECOND),
        context,
      )
      if (!Number.isNaN(offset)) return joinTimestamp(day, time - offset * MICROS_PER_SECOND)
    }
  }
  return decodeTimestamp(text, 'timestamp with time zone', context)
}

/** The offset written behind an ISO time (nothing, Z, +hh, +hh:mm); NaN for anything else. */
function isoOffset(text: string, at: number, localSeconds: number, context: TypeContext): number {
  const rest = text.length - at
  if (rest === 0) return zoneOf(context).resolveLocal(localSeconds)
  const sign = text.charCodeAt(at)
  if (rest === 1 && (sign === 0x5a || sign === 0x7a)) return 0
  if (sign !== 0x2b && sign !== 0x2d) return NaN
  const hours = twoDigits(text, at + 1)
  const minutes =
    rest === 3 ? 0 : rest === 6 && text.charCodeAt(at + 3) === 0x3a ? twoDigits(text, at + 4) : NaN
  if (!(hours <= 15 && minutes < 60)) return NaN
  const offset = hours * 3600 + minutes * 60
  return sign === 0x2d ? -offset : offset
}

function decodeTimestamp(text: string, typeName: string, context: TypeContext): Int8 {
  const decoder = new DateTimeDecoder(text, typeName, context)
  decoder.decode()
  switch (decoder.moment) {
    case 'infinity':
      return Infinity
    case '-infinity':
      return -Infinity
    case 'epoch':
      return joinTimestamp(-UNIX_EPOCH_DAYS, 0)
    default: {
      const local = joinTimestamp(decoder.days(), decoder.timeMicros())
      const hasZone = typeName !== 'timestamp'
      const micros = hasZone ? addInt8(local, -decoder.offset * MICROS_PER_SECOND) : local
      if (!isTimestampInRange(micros)) throw dateTimeOutOfRange('timestamp', text)
      return micros
    }
  }
}
