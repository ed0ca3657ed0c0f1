// What the numbers of a date/time text mean: dates with separators, numbers by their length and the session's
// date order, digits run together, times, offsets. A DateTimeNumbers remembers which parts it has;
// DateTimeDecoder (datetime-decode.ts) leads the fields of a text to it.

import {
  dateFromDay,
  dayFromDate,
  EPOCH_JULIAN_DAY,
  MICROS_PER_DAY,
  MICROS_PER_HOUR,
  MICROS_PER_MINUTE,
  MICROS_PER_SECOND,
  monthLength,
  SECONDS_PER_DAY,
} from './calendar.ts'
import { type DateTimeProblem, dateTimeError } from './datetime-errors.ts'
import {
  DATE,
  dateWords,
  DAY,
  DAY_OF_YEAR,
  FRACTION,
  fractionMicros,
  HOUR,
  MINUTE,
  MONTH,
  roundHalfEven,
  SECOND,
  TIME,
  YEAR,
  ZONE,
} from './datetime-parts.ts'
import { dateTimeWord, type Label } from './datetime-words.ts'
import { isDigit } from './input-errors.ts'
import type { TypeContext } from './type.ts'

/** int4, beyond which a number in a date is out of range. */
const INT4_MAX = 0x7fff_ffff
const ZONE_HOURS_MAX = 15

export class DateTimeNumbers {
  readonly text: string
  readonly typeName: string
  readonly context: TypeContext
  /** Parts given so far, as bits. */
  have = 0
  year = 0
  month = 1
  day = 1
  dayOfYear = 0
  hour = 0
  minute = 0
  second = 0
  micros = 0
  /** Seconds east of UTC, once known. */
  offset = 0
  label: Label | undefined
  meridian: 'am' | 'pm' | undefined
  isBc = false
  hasTextMonth = false
  hasTwoDigitYear = false
  isJulian = false

  constructor(text: string, typeName: string, context: TypeContext) {
    this.text = text
    this.typeName = typeName
    this.context = context
  }

  fail(problem: DateTimeProblem): never {
    throw dateTimeError(problem, this.text, this.typeName)
  }

  /** Notes the parts a field gave. */
  take(parts: number): void {
    if ((this.have & parts) !== 0) this.fail('format')
    this.have |= parts
  }

  hasDate(): boolean {
    return (this.have & DATE) === DATE
  }

  /** An integer of digits; 'field' when beyond int4. */
  integer(digits: string): number {
    const value = Number(digits)
    if (value > INT4_MAX) this.fail('field')
    return value
  }

  /** A number behind a label: 'j2451187', 't040506', 'y2024'. */
  labelledNumber(text: string, have: number): void {
    const label = this.label
    this.label = undefined
    const point = text.indexOf('.')
    const value = this.integer(point < 0 ? text : text.slice(0, point))
    if (point >= 0 && label !== 'julian' && label !== 'time' && label !== 'second') this.fail('format')
    switch (label) {
      case 'julian': {
        this.setJulian(value)
        if (point < 0) return this.take(DATE)
        const micros = roundHalfEven(Number(text.slice(point)) * MICROS_PER_DAY)
        this.hour = Math.floor(micros / MICROS_PER_HOUR)
        this.minute = Math.floor(micros / MICROS_PER_MINUTE) % 60
        this.second = Math.floor(micros / MICROS_PER_SECOND) % 60
        this.micros = micros % MICROS_PER_SECOND
        return this.take(DATE | TIME)
      }
      case 'time': {
        const parts = this.decodeRun(text, have | DATE)
        if (parts !== TIME) this.fail('format')
        return this.take(parts)
      }
      default:
        return this.labelledPart(label, text, value)
    }
  }

  labelledPart(label: Label | undefined, text: string, value: number): void {
    switch (label) {
      case 'year':
        this.year = value
        return this.take(YEAR)
      case 'month':
        if ((this.have & MONTH) !== 0 && (this.have & HOUR) !== 0) {
          this.minute = value
          return this.take(MINUTE)
        }
        this.month = value
        return this.take(MONTH)
      case 'day':
        this.day = value
        return this.take(DAY)
      case 'hour':
        this.hour = value
        return this.take(HOUR)
      case 'minute':
        this.minute = value
        return this.take(MINUTE)
      case 'second':
        this.second = value
        if (!text.includes('.')) return this.take(SECOND)
        this.micros = fractionMicros(text.slice(text.indexOf('.')))
        return this.take(SECOND | FRACTION)
      default:
        this.fail('format')
    }
  }

  setJulian(julianDay: number): void {
    const { year, month, day } = dateFromDay(julianDay - EPOCH_JULIAN_DAY)
    this.year = year
    this.month = month
    this.day = day
    this.isJulian = true
  }

  /** A date with separators: 2024-02-29, 29/feb/24, 2024.060. */
  decodeDate(text: string): void {
    const words = dateWords(text)
    if (words === undefined) this.fail('format')
    let have = this.have
    let taken = 0
    let hasTextMonth = false
    const numbers: string[] = []
    for (const word of words) {
      if (isDigit(word.charCodeAt(0))) {
        numbers.push(word)
        continue
      }
      const meaning = dateTimeWord(word)
      if (meaning?.kind === 'noise') continue
      if (meaning?.kind !== 'month' || (have & MONTH) !== 0) this.fail('format')
      this.month = meaning.value
      hasTextMonth = true
      have |= MONTH
      taken |= MONTH
    }
    for (const number of numbers) {
      const parts = this.decodeNumber(number, hasTextMonth, have)
      if ((have & parts) !== 0) this.fail('format')
      have |= parts
      taken |= parts
    }
    if ((have & ~(DAY_OF_YEAR | ZONE)) !== DATE) this.fail('format')
    this.take(taken)
  }

  /**
   * One number of a date, by its length, the date order and what is there already. Returns the parts it gave.
   */
  decodeNumber(text: string, hasTextMonth: boolean, have: number): number {
    const point = text.indexOf('.')
    if (point > 2) return this.decodeRun(text, have | DATE)
    if (point >= 0) this.micros = fractionMicros(text.slice(point))
    const value = this.integer(point >= 0 ? text.slice(0, point) : text)
    const length = text.length
    if (length === 3 && (have & DATE) === YEAR && value >= 1 && value <= 366) {
      this.dayOfYear = value
      return DAY_OF_YEAR | MONTH | DAY
    }
    if ((have & DATE) === (YEAR | MONTH) && hasTextMonth && length >= 3 && this.hasTwoDigitYear) {
      // The first number was the day after all: 29-feb-2024 in YMD order.
      this.day = this.year
      this.year = value
      this.hasTwoDigitYear = false
      return DAY
    }
    const part = this.#partOfNumber(length, hasTextMonth, have)
    if (part === TIME) return this.decodeRun(text, have)
    if (part === YEAR) {
      this.year = value
      this.hasTwoDigitYear = length <= 2
    } else if (part === MONTH) {
      this.month = value
    } else {
      this.day = value
    }
    return part
  }

  #partOfNumber(length: number, hasTextMonth: boolean, have: number): number {
    const { order } = this.context.dateStyle
    switch (have & DATE) {
      case 0:
        return length >= 3 || order === 'YMD' ? YEAR : order === 'DMY' ? DAY : MONTH
      case YEAR:
      case DAY:
        return MONTH
      case MONTH:
        return hasTextMonth && (length >= 3 || order === 'YMD') ? YEAR : DAY
      case YEAR | MONTH:
        return DAY
      case MONTH | DAY:
        return YEAR
      case DATE:
        return TIME
      default:
        this.fail('format')
    }
  }

  /** Digits run together: yymmdd, yyyymmdd, hhmm, hhmmss, with a fraction. Returns the parts they gave. */
  decodeRun(text: string, have: number): number {
    const point = text.indexOf('.')
    const digits = point >= 0 ? text.slice(0, point) : text
    const { length } = digits
    if (point >= 0) {
      this.micros = fractionMicros(text.slice(point))
    } else if ((have & DATE) !== DATE && length >= 6) {
      this.year = this.integer(digits.slice(0, length - 4))
      this.month = Number(digits.slice(length - 4, length - 2))
      this.day = Number(digits.slice(length - 2))
      if (length === 6) this.hasTwoDigitYear = true
      return DATE
    }
    if ((have & TIME) !== TIME && (length === 6 || length === 4)) {
      this.hour = Number(digits.slice(0, 2))
      this.minute = Number(digits.slice(2, 4))
      this.second = length === 6 ? Number(digits.slice(4)) : 0
      return TIME
    }
    this.fail('format')
  }

  /** hh:mm, hh:mm:ss, hh:mm:ss.fff, mm:ss.fff */
  decodeTime(text: string): number {
    const match = /^(\d*):(\d*)(?::(\d*))?(\.\d*)?$/.exec(text)
    if (match === null) this.fail('format')
    const [, first = '', second = '', third, fraction] = match
    this.hour = this.integer(first)
    this.minute = this.integer(second)
    this.second = this.integer(third ?? '0')
    this.micros = fraction === undefined ? 0 : fractionMicros(fraction)
    if (third === undefined && fraction !== undefined) {
      this.second = this.minute
      this.minute = this.hour
      this.hour = 0
    }
    if (this.minute > 59 || this.second > 60) this.fail('field')
    return TIME
  }

  timeMicros(): number {
    return (
      this.hour * MICROS_PER_HOUR +
      this.minute * MICROS_PER_MINUTE +
      this.second * MICROS_PER_SECOND +
      this.micros
    )
  }

  timeOverflows(): boolean {
    return this.hour > 24 || this.minute > 59 || this.second > 60 || this.timeMicros() > MICROS_PER_DAY
  }

  /** +hh, +hhmm, +hh:mm, +hh:mm:ss; seconds east of UTC. */
  decodeOffset(text: string): number {
    const match = /^([+-])(\d*)(?::(\d*))?(?::(\d*))?/.exec(text)
    if (match === null) this.fail('format')
    const [whole, sign, first = '', second, third = '0'] = match
    let hours = Number(first)
    let minutes = Number(second ?? '0')
    const seconds = Number(third)
    if (second === undefined && first.length > 2) {
      minutes = hours % 100
      hours = Math.floor(hours / 100)
    }
    if (hours > ZONE_HOURS_MAX || minutes > 59 || seconds > 59) this.fail('zone')
    if (whole !== text) this.fail('format')
    const offset = hours * 3600 + minutes * 60 + seconds
    return sign === '-' ? -offset : offset
  }

  /** Completes and checks the date: BC, two-digit years, day of the year, lengths of months. */
  validateDate(have: number): void {
    if ((have & YEAR) !== 0 && !this.isJulian) {
      if (this.isBc) {
        if (this.year <= 0) this.fail('field')
        this.year = 1 - this.year
      } else if (this.hasTwoDigitYear) {
        this.year += this.year < 70 ? 2000 : this.year < 100 ? 1900 : 0
      } else if (this.year <= 0) {
        this.fail('field')
      }
    }
    if ((have & DAY_OF_YEAR) !== 0) {
      const { month, day } = dateFromDay(dayFromDate(this.year, 1, 1) + this.dayOfYear - 1)
      this.month = month
      this.day = day
    }
    if ((have & MONTH) !== 0 && (this.month < 1 || this.month > 12)) this.fail('month-day')
    if ((have & DAY) !== 0 && (this.day < 1 || this.day > 31)) this.fail('month-day')
    if ((have & DATE) === DATE && this.day > monthLength(this.year, this.month)) this.fail('field')
  }

  applyMeridian(): void {
    if (this.meridian === undefined) return
    if (this.hour > 12) this.fail('field')
    if (this.meridian === 'am' && this.hour === 12) this.hour = 0
    else if (this.meridian === 'pm' && this.hour !== 12) this.hour += 12
  }

  days(): number {
    return dayFromDate(this.year, this.month, this.day)
  }

  /** Wall time in whole seconds since 2000-01-01: what zones resolve. */
  localSeconds(days: number): number {
    return days * SECONDS_PER_DAY + this.hour * 3600 + this.minute * 60 + this.second
  }
}
