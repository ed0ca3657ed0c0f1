// Input of intervals (documentation, section 8.5.4): '1 year 2 mons 3 days 04:05:06', '@ 1 day ago', SQL's
// '1-2' and '3 4:05:06', ISO 8601's 'P1Y2M3DT4H5M6S' and 'P0001-02-03T04:05:06'.
//
// The fields are read from the last to the first, because a unit stands behind its number.

import { dateTimeError, dateTimeOutOfRange } from './datetime-errors.ts'
import { type Field, splitFields } from './datetime-fields.ts'
import { roundHalfEven } from './datetime-parts.ts'
import { dateTimeWord, isDateTimeWord } from './datetime-words.ts'
import { INT8_MAX, INT8_MIN } from './int8.ts'
import { DAYS_PER_MONTH, Interval } from './interval.ts'
import type { SqlError } from './sql-error.ts'
import type { TypeContext } from './type.ts'
import { int8 } from './value.ts'

export type IntervalUnit =
  | 'microsecond'
  | 'millisecond'
  | 'second'
  | 'minute'
  | 'hour'
  | 'day'
  | 'week'
  | 'month'
  | 'quarter'
  | 'year'
  | 'decade'
  | 'century'
  | 'millennium'

const UNIT_NAMES: Readonly<Record<IntervalUnit, string>> = {
  microsecond: 'us usec usecs usecond useconds microsecon',
  millisecond: 'ms msec msecs msecond mseconds millisecon',
  second: 's sec secs second seconds',
  minute: 'm min mins minute minutes',
  hour: 'h hr hrs hour hours',
  day: 'd day days',
  week: 'w week weeks',
  month: 'mon mons month months',
  quarter: 'qtr quarter',
  year: 'y yr yrs year years',
  decade: 'dec decs decade decades',
  century: 'c cent century centuries',
  millennium: 'mil mils millennia millennium',
}

const UNITS: ReadonlyMap<string, IntervalUnit> = new Map(
  Object.entries(UNIT_NAMES).flatMap(([unit, names]) =>
    names.split(' ').map((name) => [name, unit as IntervalUnit]),
  ),
)

/** The unit a word means, as PostgreSQL reads it: the first ten letters count. */
export function intervalUnit(word: string): IntervalUnit | undefined {
  return UNITS.get(word.slice(0, 10))
}

const MICROS: Readonly<Partial<Record<IntervalUnit, bigint>>> = {
  microsecond: 1n,
  millisecond: 1000n,
  second: 1_000_000n,
  minute: 60_000_000n,
  hour: 3_600_000_000n,
}
const YEARS: Readonly<Partial<Record<IntervalUnit, bigint>>> = {
  year: 1n,
  decade: 10n,
  century: 100n,
  millennium: 1000n,
}
const MICROS_PER_DAY = 86_400_000_000

/** Thrown inside; the parser turns it into an error with the text. */
class Overflow extends Error {
  override readonly name = 'Overflow'
}

/** Adds up what the fields give; every sum is checked as PostgreSQL's integers would overflow. */
class IntervalSum {
  micros = 0n
  days = 0n
  months = 0n
  years = 0n

  add(whole: bigint, fraction: number, unit: IntervalUnit): void {
    const micros = MICROS[unit]
    const years = YEARS[unit]
    if (micros !== undefined) {
      this.addMicros(whole * micros)
      this.#addFractionMicros(fraction, Number(micros))
    } else if (unit === 'day') {
      this.#addDays(whole)
      this.#addFractionMicros(fraction, MICROS_PER_DAY)
    } else if (unit === 'week') {
      this.#addDays(checkInt4(whole) * 7n)
      this.#addFractionDays(fraction, 7)
    } else if (unit === 'month') {
      this.months = checkInt4(this.months + checkInt4(whole))
      this.#addFractionDays(fraction, DAYS_PER_MONTH)
    } else if (years !== undefined) {
      this.years = checkInt4(this.years + checkInt4(checkInt4(whole) * years))
      this.months = checkInt4(this.months + BigInt(roundHalfEven(fraction * Number(years) * 12)))
    }
  }

  addMicros(micros: bigint): void {
    this.micros += micros
    if (this.micros < INT8_MIN || this.micros > INT8_MAX) throw new Overflow()
  }

  #addDays(days: bigint): void {
    this.days = checkInt4(this.days + checkInt4(days))
  }

  #addFractionMicros(fraction: number, scale: number): void {
    if (fraction === 0) return
    const exact = fraction * scale
    let micros = Math.trunc(exact)
    const rest = exact - micros
    if (rest > 0.5) micros++
    else if (rest < -0.5) micros--
    this.addMicros(BigInt(micros))
  }

  #addFractionDays(fraction: number, scale: number): void {
    if (fraction === 0) return
    const exact = fraction * scale
    const days = Math.trunc(exact)
    this.#addDays(BigInt(days))
    this.#addFractionMicros(exact - days, MICROS_PER_DAY)
  }

  negate(): void {
    this.micros = -this.micros
    this.days = checkInt4(-this.days)
    this.months = checkInt4(-this.months)
    this.years = checkInt4(-this.years)
    if (this.micros > INT8_MAX) throw new Overflow()
  }

  /** Makes every part negative: SQL's one sign in front counts for all. */
  makeNegative(): void {
    if (this.micros > 0n) this.micros = -this.micros
    if (this.days > 0n) this.days = -this.days
    if (this.months > 0n) this.months = -this.months
    if (this.years > 0n) this.years = -this.years
  }

  toInterval(): Interval {
    const months = this.years * 12n + this.months
    if (!isInt4(months)) throw dateTimeOutOfRange('interval')
    return new Interval(Number(months), Number(this.days), int8(this.micros))
  }
}

function isInt4(value: bigint): boolean {
  return value >= -0x8000_0000n && value <= 0x7fff_ffffn
}

function checkInt4(value: bigint): bigint {
  if (!isInt4(value)) throw new Overflow()
  return value
}

/**
 * Parses an interval. `rightmost`: what a number without a unit at the end means, from INTERVAL ... TO ...
 */
export function parseInterval(
  text: string,
  context: TypeContext,
  rightmost: IntervalUnit = 'second',
  isMinuteToSecond = false,
): Interval {
  try {
    const fields = splitFields(text, isDateTimeWord)
    const sum =
      (fields && new FieldReader(fields, context, rightmost, isMinuteToSecond).read()) ??
      new IsoReader(text).read()
    if (sum === undefined) throw formatError(text)
    return sum.toInterval()
  } catch (thrown) {
    if (thrown instanceof Overflow) throw dateTimeError('interval', text, 'interval')
    throw thrown
  }
}

function formatError(text: string): SqlError {
  return dateTimeError('format', text, 'interval')
}

/** The traditional form. read() gives undefined for what is not understood. */
class FieldReader {
  readonly #fields: readonly Field[]
  readonly #context: TypeContext
  readonly #rightmost: IntervalUnit
  readonly #isMinuteToSecond: boolean
  readonly #sum = new IntervalSum()
  readonly #have = new Set<string>()
  /** What the next number to the left means; 'none' behind "ago". */
  #unit: IntervalUnit | 'none' | undefined

  constructor(
    fields: readonly Field[],
    context: TypeContext,
    rightmost: IntervalUnit,
    isMinuteToSecond: boolean,
  ) {
    this.#fields = fields
    this.#context = context
    this.#rightmost = rightmost
    this.#isMinuteToSecond = isMinuteToSecond
  }

  read(): IntervalSum | undefined {
    let isBefore = false
    for (let i = this.#fields.length - 1; i >= 0; i--) {
      const { kind, text } = this.#fields[i] as Field
      if (kind === 'word' || kind === 'special') {
        const unit = intervalUnit(text)
        if (unit !== undefined) {
          this.#unit = unit
        } else if (text === 'ago') {
          isBefore = true
          this.#unit = 'none'
        } else if (dateTimeWord(text)?.kind !== 'noise') {
          return undefined
        }
        continue
      }
      const isTime = kind === 'time' || (kind === 'zone' && text.includes(':'))
      if (!(isTime && this.#readTime(text)) && (kind === 'time' || !this.#readNumber(text))) return undefined
    }
    if (this.#have.size === 0) return undefined
    this.#applySqlSign()
    if (isBefore) this.#sum.negate()
    return this.#sum
  }

  /** Notes what a field gave; false when it was given before. */
  #take(...units: string[]): boolean {
    if (units.some((unit) => this.#have.has(unit))) return false
    for (const unit of units) this.#have.add(unit)
    return true
  }

  #readTime(text: string): boolean {
    const match = /^([+-]?)(\d+):(\d*)(?::(\d*))?(\.\d*)?$/.exec(text)
    if (match === null) return false
    const [, sign, first = '', second = '', third, fraction] = match
    // mm:ss.f, and mm:ss of INTERVAL MINUTE TO SECOND
    const isShort = third === undefined && (fraction !== undefined || this.#isMinuteToSecond)
    const hours = isShort ? 0n : BigInt(first)
    const minutes = BigInt((isShort ? first : second) || '0')
    const seconds = BigInt((isShort ? second : third) || '0')
    const micros =
      fraction === undefined || fraction === '.' ? 0 : roundHalfEven(Number(fraction) * 1_000_000)
    const total = hours * 3_600_000_000n + minutes * 60_000_000n + seconds * 1_000_000n + BigInt(micros)
    if (minutes > 59n || seconds > 60n || total > INT8_MAX) {
      // With a sign PostgreSQL goes on to try it as a number, which it is not.
      if (sign !== '') return false
      throw new Overflow()
    }
    if (!this.#take('hour', 'minute', 'second', 'millisecond', 'microsecond')) return false
    this.#sum.addMicros(sign === '-' ? -total : total)
    this.#unit = 'day'
    return true
  }

  #readNumber(text: string): boolean {
    const match = /^([+-]?)(\d*)(?:-(\d*)|(\.\d*))?$/.exec(text)
    if (match === null) return false
    const [, sign, digits = '', monthDigits, fractionText] = match
    const magnitude = BigInt(digits === '' ? 0 : digits)
    if (magnitude > INT8_MAX) throw new Overflow()
    const isNegative = sign === '-'
    const whole = isNegative ? -magnitude : magnitude
    if (monthDigits !== undefined) {
      const months = BigInt(monthDigits === '' ? 0 : monthDigits)
      if (months > 11n) throw new Overflow()
      this.#unit = 'month'
      return this.#addField(whole * 12n + (isNegative ? -months : months), 0)
    }
    const fraction = fractionText === undefined || fractionText === '.' ? 0 : Number(fractionText)
    this.#unit ??= this.#rightmost
    return this.#addField(whole, isNegative ? -fraction : fraction)
  }

  #addField(whole: bigint, fraction: number): boolean {
    const unit = this.#unit
    if (unit === undefined || unit === 'none' || unit === 'quarter') return false
    this.#sum.add(whole, fraction, unit)
    if (unit === 'hour') this.#unit = 'day'
    return unit === 'second' && fraction !== 0
      ? this.#take('second', 'millisecond', 'microsecond')
      : this.#take(unit)
  }

  /** With sql_standard style, one minus in front and no other sign negates everything. */
  #applySqlSign(): void {
    if (this.#context.intervalStyle !== 'sql_standard' || !this.#fields[0]?.text.startsWith('-')) return
    if (this.#fields.slice(1).some(({ text }) => /^[+-]/.test(text))) return
    this.#sum.makeNegative()
  }
}

const ISO_DATE_UNITS: Readonly<Record<string, IntervalUnit>> = { Y: 'year', M: 'month', W: 'week', D: 'day' }
const ISO_TIME_UNITS: Readonly<Record<string, IntervalUnit>> = { H: 'hour', M: 'minute', S: 'second' }
const ISO_NUMBER = /-?\d*(?:\.\d*)?(?:[eE][+-]?\d+)?/y
const ISO_NUMBER_MAX = 1e15

/** The ISO 8601 forms. */
class IsoReader {
  readonly #text: string
  readonly #sum = new IntervalSum()
  #at = 1

  constructor(text: string) {
    this.#text = text
  }

  read(): IntervalSum | undefined {
    const text = this.#text
    if (text.length < 2 || !text.startsWith('P')) return undefined
    let inDate = true
    let hasField = false
    while (this.#at < text.length) {
      if (text[this.#at] === 'T') {
        inDate = false
        hasField = false
        this.#at++
        continue
      }
      const start = this.#at
      const number = this.#number()
      if (number === undefined) return undefined
      const designator = text[this.#at] ?? ''
      const unit = (inDate ? ISO_DATE_UNITS : ISO_TIME_UNITS)[designator]
      if (unit !== undefined) {
        this.#at++
        this.#sum.add(number.whole, number.fraction, unit)
        hasField = true
        continue
      }
      if (hasField) return undefined
      const isCompact =
        designator !== (inDate ? '-' : ':') &&
        /^-?\d+/.exec(text.slice(start))?.[0].length === (inDate ? 8 : 6)
      if (isCompact) this.#addCompact(number, inDate)
      else if (!this.#extended(number, inDate)) return undefined
      if (inDate && text[this.#at] === 'T') continue
      return this.#at >= text.length ? this.#sum : undefined
    }
    return this.#sum
  }

  #number(): { whole: bigint; fraction: number } | undefined {
    ISO_NUMBER.lastIndex = this.#at
    const match = ISO_NUMBER.exec(this.#text)?.[0] ?? ''
    if (!/\d/.test(match)) return undefined
    const value = Number(match)
    if (Math.abs(value) > ISO_NUMBER_MAX) throw new Overflow()
    this.#at += match.length
    const whole = Math.trunc(value)
    return { whole: BigInt(whole), fraction: value - whole }
  }

  /** yyyymmdd or hhmmss */
  #addCompact({ whole, fraction }: { whole: bigint; fraction: number }, inDate: boolean): void {
    const units = inDate ? (['year', 'month', 'day'] as const) : (['hour', 'minute', 'second'] as const)
    this.#sum.add(whole / 10_000n, 0, units[0])
    this.#sum.add((whole / 100n) % 100n, 0, units[1])
    this.#sum.add(whole % 100n, fraction, units[2])
  }

  /** yyyy-mm-dd or hh:mm:ss, from the first number on, which was read. */
  #extended(first: { whole: bigint; fraction: number }, inDate: boolean): boolean {
    const units = inDate ? (['year', 'month', 'day'] as const) : (['hour', 'minute', 'second'] as const)
    const separator = inDate ? '-' : ':'
    let number: { whole: bigint; fraction: number } | undefined = first
    for (const unit of units) {
      if (number === undefined) return false
      this.#sum.add(number.whole, number.fraction, unit)
      const next = this.#text[this.#at]
      if (next === undefined || (inDate && next === 'T')) return true
      if (next !== separator || unit === units[2]) return false
      this.#at++
      number = this.#number()
    }
    return false
  }
}
