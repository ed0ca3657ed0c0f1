// Second step of date/time input: what the fields mean (documentation, appendix B.1). One decoder takes the
// fields of one text from left to right and remembers which parts of a date it has; a field that gives a part
// twice is an error. time-decode.ts builds the rules of type time on it.
//
//   fields ──▶ DateTimeDecoder.decode ──▶ { kind: 'moment' } | { kind: 'value', year .. micros, offset }

import {
  dateFromDay,
  MICROS_PER_DAY,
  MICROS_PER_HOUR,
  MICROS_PER_MINUTE,
  MICROS_PER_SECOND,
  SECONDS_PER_DAY,
  timestampDay,
} from './calendar.ts'
import { unknownTimeZone } from './datetime-errors.ts'
import { type Field, splitFields } from './datetime-fields.ts'
import { DateTimeNumbers } from './datetime-numbers.ts'
import { DATE, DAY, DST_WORD, ERA, MERIDIAN, MOMENT, MONTH, TIME, WEEKDAY, ZONE } from './datetime-parts.ts'
import { dateTimeWord, isDateTimeWord, type Moment, type WordMeaning } from './datetime-words.ts'
import { isDigit } from './input-errors.ts'
import { abbreviationOffset, findTimeZone, type TimeZone } from './time-zone.ts'
import { TIME_ZONE_ABBREVIATIONS } from './time-zone-abbreviations.ts'
import type { TypeContext } from './type.ts'

/** All that 'now' gives. */
const EVERYTHING: number = DATE | TIME | ZONE

export class DateTimeDecoder extends DateTimeNumbers {
  readonly fields: readonly Field[]
  zone: TimeZone | undefined
  abbreviatedZone: TimeZone | undefined
  isSummerAbbreviation = false
  moment: Moment | undefined

  constructor(text: string, typeName: string, context: TypeContext) {
    super(text, typeName, context)
    const fields = splitFields(text, isDateTimeWord)
    if (fields === undefined) this.fail('format')
    this.fields = fields
  }

  /** Decodes a whole date/time; afterwards either `moment` or all parts are set, `offset` included. */
  decode(): void {
    for (let i = 0; i < this.fields.length; i++) this.#decodeField(i)
    if (this.label !== undefined) this.fail('format')
    if (this.moment === 'epoch' || this.moment === 'infinity' || this.moment === '-infinity') return
    this.validateDate(this.have)
    this.applyMeridian()
    if (!this.hasDate()) this.fail('format')
    this.#resolveZone()
  }

  #decodeField(index: number): void {
    const { kind, text } = this.fields[index] as Field
    switch (kind) {
      case 'date':
        return this.#dateField(text)
      case 'time':
        if (this.label !== undefined && this.label !== 'time') this.fail('format')
        this.label = undefined
        this.take(this.decodeTime(text))
        if (this.timeOverflows()) this.fail('field')
        return
      case 'zone':
        this.take(ZONE)
        this.offset = this.decodeOffset(text)
        return
      case 'number':
        return this.label === undefined ? this.#numberField(text) : this.labelledNumber(text, this.have)
      case 'word':
      case 'special':
        return this.wordField(text, index)
    }
  }

  #dateField(text: string): void {
    if (this.label === 'julian') {
      const digits = /^\d*/.exec(text)?.[0] ?? ''
      this.setJulian(this.integer(digits))
      this.offset = this.decodeOffset(text.slice(digits.length))
      this.label = undefined
      this.take(EVERYTHING)
      return
    }
    const hasDay = (this.have & (MONTH | DAY)) === (MONTH | DAY)
    if (this.label === undefined && !hasDay) return this.decodeDate(text)
    if (!isDigit(text.charCodeAt(0)) && this.label === undefined) return this.namedZone(text)
    if (this.label !== undefined && this.label !== 'time') this.fail('format')
    this.label = undefined
    if ((this.have & TIME) === TIME) this.fail('format')
    this.timeWithOffset(text, this.have)
  }

  /** hhmmss-zz: a run-together time with its zone. */
  timeWithOffset(text: string, have: number): void {
    const dash = text.indexOf('-')
    if (dash < 0) this.fail('format')
    this.offset = this.decodeOffset(text.slice(dash))
    this.take(this.decodeRun(text.slice(0, dash), have) | ZONE)
  }

  namedZone(text: string): void {
    const zone = findTimeZone(text)
    if (zone === undefined) throw unknownTimeZone(text)
    this.zone = zone
    this.take(ZONE)
  }

  #numberField(text: string): void {
    const point = text.indexOf('.')
    if (point >= 0 && (this.have & DATE) === 0) return this.decodeDate(text)
    if (point > 2) return this.take(this.decodeRun(text, this.have))
    if (text.length >= 6 && (!this.hasDate() || (this.have & TIME) === 0)) {
      return this.take(this.decodeRun(text, this.have))
    }
    this.take(this.decodeNumber(text, this.hasTextMonth, this.have))
  }

  wordField(text: string, index: number): void {
    if (this.zoneAbbreviation(text)) return
    const meaning = dateTimeWord(text)
    if (meaning === undefined) {
      const zone = findTimeZone(text)
      if (zone === undefined) this.fail('format')
      this.zone = zone
      return this.take(ZONE)
    }
    this.applyWord(meaning, index)
  }

  /** Zone abbreviations win over all other words: that of the session's zone, then the list. */
  zoneAbbreviation(text: string): boolean {
    const abbreviation = TIME_ZONE_ABBREVIATIONS.get(text)
    if (abbreviation === undefined) return false
    this.take(abbreviation.isDst ? ZONE | DST_WORD : ZONE)
    if (abbreviation.offsetSeconds !== undefined) this.offset += abbreviation.offsetSeconds
    else this.#abbreviated(text, findTimeZone(abbreviation.zoneName as string))
    return true
  }

  /** An abbreviation whose offset changed over time: it needs the date. */
  #abbreviated(text: string, zone: TimeZone | undefined): void {
    if (zone === undefined) this.fail('format')
    this.abbreviatedZone = zone
    // Summer abbreviations of the list end in ST: NOVST beside NOVT.
    this.isSummerAbbreviation = text.endsWith('st') && text.length > 3
  }

  applyWord(meaning: WordMeaning, index: number): void {
    switch (meaning.kind) {
      case 'moment':
        return this.#applyMoment(meaning.value)
      case 'month':
        return this.#applyMonthName(meaning.value)
      case 'weekday':
        return this.take(WEEKDAY)
      case 'meridian':
        this.meridian = meaning.value
        return this.take(MERIDIAN)
      case 'era':
        this.isBc = meaning.value === 'bc'
        return this.take(ERA)
      case 'dst':
        this.offset += 3600
        return this.take(DST_WORD)
      case 'unit':
        this.label = meaning.value
        return
      case 'iso-time':
        if (!this.hasDate()) this.fail('format')
        return this.expectTime(index)
      case 'noise':
    }
  }

  /** A "t" must be followed by a time. */
  expectTime(index: number): void {
    const next = this.fields[index + 1]?.kind
    if (next !== 'number' && next !== 'time' && next !== 'date') this.fail('format')
    this.label = 'time'
  }

  #applyMonthName(month: number): void {
    // A number before it was taken for a month, but was the day: '15 Mar'.
    const isDay = (this.have & MONTH) !== 0 && !this.hasTextMonth && (this.have & DAY) === 0
    if (isDay && this.month >= 1 && this.month <= 31) {
      this.day = this.month
      this.take(DAY)
    } else {
      this.take(MONTH)
    }
    this.hasTextMonth = true
    this.month = month
  }

  #applyMoment(moment: Moment): void {
    switch (moment) {
      case 'now':
        this.setNow(true)
        return this.take(EVERYTHING)
      case 'today':
      case 'tomorrow':
      case 'yesterday': {
        const { year, month, day } = this.localDate(moment === 'today' ? 0 : moment === 'tomorrow' ? 1 : -1)
        this.year = year
        this.month = month
        this.day = day
        this.isJulian = true
        return this.take(DATE)
      }
      case 'allballs':
        return this.take(TIME | ZONE)
      default:
        this.moment = moment
        return this.take(MOMENT)
    }
  }

  sessionZone(): TimeZone {
    const zone = findTimeZone(this.context.timeZone)
    if (zone === undefined) throw unknownTimeZone(this.context.timeZone)
    return zone
  }

  /** The date where the session is, at the transaction's start, some days on. */
  localDate(days: number): { year: number; month: number; day: number } {
    const micros = this.context.transactionMicros
    const seconds = Math.floor(micros / MICROS_PER_SECOND)
    const local = seconds + this.sessionZone().offsetAt(seconds)
    return dateFromDay(Math.floor(local / SECONDS_PER_DAY) + days)
  }

  /** The transaction's start, in the session's zone. */
  setNow(withDate: boolean): void {
    const micros = this.context.transactionMicros
    const offset = this.sessionZone().offsetAt(Math.floor(micros / MICROS_PER_SECOND))
    const local = micros + offset * MICROS_PER_SECOND
    const days = timestampDay(local)
    const time = local - days * MICROS_PER_DAY
    this.hour = Math.floor(time / MICROS_PER_HOUR)
    this.minute = Math.floor(time / MICROS_PER_MINUTE) % 60
    this.second = Math.floor(time / MICROS_PER_SECOND) % 60
    this.micros = time % MICROS_PER_SECOND
    this.offset = offset
    if (!withDate) return
    const { year, month, day } = dateFromDay(days)
    this.year = year
    this.month = month
    this.day = day
    this.isJulian = true
  }

  #resolveZone(): void {
    if (this.abbreviatedZone !== undefined) {
      const local = this.localSeconds(this.days())
      this.offset = abbreviationOffset(this.abbreviatedZone, local, this.isSummerAbbreviation)
    } else if (this.zone !== undefined) {
      if ((this.have & DST_WORD) !== 0) this.fail('format')
      this.offset = this.zone.resolveLocal(this.localSeconds(this.days()))
    } else if ((this.have & ZONE) === 0) {
      if ((this.have & DST_WORD) !== 0) this.fail('format')
      this.offset = this.sessionZone().resolveLocal(this.localSeconds(this.days()))
    }
  }
}
