// Text output of dates, times and timestamps in the four DateStyles (documentation, table 8.14), written
// straight into bytes.
//
//   style      date          timestamptz
//   ISO        2024-02-29    2024-02-29 12:30:00.5+02
//   SQL        02/29/2024    02/29/2024 12:30:00.5 CEST      (29/02/2024 with order DMY)
//   German     29.02.2024    29.02.2024 12:30:00.5 CEST
//   Postgres   02-29-2024    Thu Feb 29 12:30:00.5 2024 CEST (29-02-2024, Thu 29 Feb ... with order DMY)

import { ByteWriter } from '../../storage/base/byte-writer.ts'
import {
  type CalendarDate,
  dateFromDay,
  dayOfWeek,
  MICROS_PER_SECOND,
  SECONDS_PER_DAY,
  timestampDay,
  timestampTime,
} from './calendar.ts'
import { MONTH_NAMES, WEEKDAY_NAMES } from './datetime-words.ts'
import { writeDigits } from './digits.ts'
import { findTimeZone, type TimeZone } from './time-zone.ts'
import type { TypeContext } from './type.ts'
import type { Int8 } from './value.ts'

const COLON = 0x3a
const DASH = 0x2d
const DOT = 0x2e
const SLASH = 0x2f
const BLANK = 0x20
const PLUS = 0x2b

/** Longest that any of these texts gets, with room to spare. */
const TEXT_SIZE_MAX = 64

const scratch = new ByteWriter(TEXT_SIZE_MAX)

/** The text that a write function produces, as a string. */
export function writtenText<V>(
  write: (value: V, writer: ByteWriter, context: TypeContext) => void,
): (value: V, context: TypeContext) => string {
  return (value, context) => {
    scratch.reset()
    write(value, scratch, context)
    return scratch.bytes.toString('latin1', 0, scratch.length)
  }
}

function byte(writer: ByteWriter, code: number): void {
  writer.bytes[writer.length++] = code
}

/** Years have four digits at least; 1 BC is year 0. */
function writeYear(writer: ByteWriter, year: number): void {
  const shown = year > 0 ? year : 1 - year
  writeDigits(writer, shown, shown < 10_000 ? 4 : String(shown).length)
}

/** Writes +-Infinity; false for anything else. */
function writeInfinity(value: Int8, writer: ByteWriter): boolean {
  if (value === Infinity) writer.utf8('infinity')
  else if (value === -Infinity) writer.utf8('-infinity')
  else return false
  return true
}

/** A date of type date: days since 2000-01-01. */
export function writeDate(days: number, writer: ByteWriter, { dateStyle }: TypeContext): void {
  if (writeInfinity(days, writer)) return
  writer.reserve(TEXT_SIZE_MAX)
  const date = dateFromDay(days)
  if (dateStyle.style === 'ISO') writeNumericDate(writer, date, 'YMD', DASH)
  else {
    const separator = dateStyle.style === 'SQL' ? SLASH : dateStyle.style === 'German' ? DOT : DASH
    const dayFirst = dateStyle.style === 'German' || dateStyle.order === 'DMY'
    writeNumericDate(writer, date, dayFirst ? 'DMY' : 'MDY', separator)
  }
  writeEra(writer, date.year)
}

function writeNumericDate(
  writer: ByteWriter,
  date: CalendarDate,
  order: 'YMD' | 'DMY' | 'MDY',
  separator: number,
): void {
  if (order === 'YMD') {
    writeYear(writer, date.year)
    byte(writer, separator)
  }
  writeDigits(writer, order === 'DMY' ? date.day : date.month, 2)
  byte(writer, separator)
  writeDigits(writer, order === 'DMY' ? date.month : date.day, 2)
  if (order !== 'YMD') {
    byte(writer, separator)
    writeYear(writer, date.year)
  }
}

function writeEra(writer: ByteWriter, year: number): void {
  if (year <= 0) writer.utf8(' BC')
}

/** hh:mm:ss and as many digits of the fraction as are not zero. `micros` of the day, up to 24:00:00. */
export function writeTime(micros: number, writer: ByteWriter): void {
  writer.reserve(TEXT_SIZE_MAX)
  const seconds = Math.floor(micros / MICROS_PER_SECOND)
  const minutes = (seconds / 60) | 0
  const hours = (minutes / 60) | 0
  writeDigits(writer, hours, 2)
  byte(writer, COLON)
  writeDigits(writer, minutes - hours * 60, 2)
  byte(writer, COLON)
  writeDigits(writer, seconds - minutes * 60, 2)
  let fraction = micros - seconds * MICROS_PER_SECOND
  if (fraction === 0) return
  let digits = 6
  while (fraction % 10 === 0) {
    fraction /= 10
    digits--
  }
  byte(writer, DOT)
  writeDigits(writer, fraction, digits)
}

/** +hh, +hh:mm or +hh:mm:ss; seconds east of UTC. */
export function writeOffset(writer: ByteWriter, offset: number): void {
  writer.reserve(TEXT_SIZE_MAX)
  byte(writer, offset < 0 ? DASH : PLUS)
  const seconds = Math.abs(offset)
  const minutes = Math.floor(seconds / 60)
  writeDigits(writer, Math.floor(minutes / 60), 2)
  if (seconds % 3600 === 0) return
  byte(writer, COLON)
  writeDigits(writer, minutes % 60, 2)
  if (seconds % 60 === 0) return
  byte(writer, COLON)
  writeDigits(writer, seconds % 60, 2)
}

/** A timestamp without time zone. */
export function writeTimestamp(micros: Int8, writer: ByteWriter, context: TypeContext): void {
  if (writeInfinity(micros, writer)) return
  const days = timestampDay(micros)
  writeEra(writer, writeDateTime(writer, days, timestampTime(micros, days), context))
}

let lastName = ''
let lastZone: TimeZone | undefined

/** The session's zone; remembered, because whole columns are printed in one zone. */
export function zoneOf(context: TypeContext): TimeZone {
  if (lastZone === undefined || context.timeZone !== lastName) {
    lastZone = findTimeZone(context.timeZone) ?? (findTimeZone('UTC') as TimeZone)
    lastName = context.timeZone
  }
  return lastZone
}

/** A timestamp with time zone, in the session's zone. */
export function writeTimestampTz(micros: Int8, writer: ByteWriter, context: TypeContext): void {
  if (writeInfinity(micros, writer)) return
  const zone = zoneOf(context)
  const utcDays = timestampDay(micros)
  const utcTime = timestampTime(micros, utcDays)
  const utcSeconds = utcDays * SECONDS_PER_DAY + Math.floor(utcTime / MICROS_PER_SECOND)
  const offset = zone.offsetAt(utcSeconds)
  const localSeconds = utcSeconds + offset
  const days = Math.floor(localSeconds / SECONDS_PER_DAY)
  const time = (localSeconds - days * SECONDS_PER_DAY) * MICROS_PER_SECOND + (utcTime % MICROS_PER_SECOND)
  const year = writeDateTime(writer, days, time, context)
  if (context.dateStyle.style === 'ISO') writeOffset(writer, offset)
  else {
    byte(writer, BLANK)
    writer.utf8(zone.abbreviationAt(utcSeconds))
    writer.reserve(TEXT_SIZE_MAX)
  }
  writeEra(writer, year)
}

/** Returns the year, which decides on BC behind the zone. */
function writeDateTime(writer: ByteWriter, days: number, time: number, { dateStyle }: TypeContext): number {
  writer.reserve(TEXT_SIZE_MAX)
  const date = dateFromDay(days)
  const { style, order } = dateStyle
  if (style === 'Postgres') {
    const month = (MONTH_NAMES[date.month - 1] as string).slice(0, 3)
    const day = String(date.day).padStart(2, '0')
    const weekday = (WEEKDAY_NAMES[dayOfWeek(days)] as string).slice(0, 3)
    writer.utf8(order === 'DMY' ? `${weekday} ${day} ${month} ` : `${weekday} ${month} ${day} `)
    writeTime(time, writer)
    byte(writer, BLANK)
    writeYear(writer, date.year)
    return date.year
  }
  if (style === 'ISO') writeNumericDate(writer, date, 'YMD', DASH)
  else if (style === 'German') writeNumericDate(writer, date, 'DMY', DOT)
  else writeNumericDate(writer, date, order === 'DMY' ? 'DMY' : 'MDY', SLASH)
  byte(writer, BLANK)
  writeTime(time, writer)
  return date.year
}
