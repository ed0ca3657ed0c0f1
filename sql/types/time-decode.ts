// Input of time and timetz: like datetime-decode.ts, but the date is optional (it only helps to resolve a
// zone), and without a zone allowed most dates are refused.

import { DateTimeDecoder } from './datetime-decode.ts'
import { unknownTimeZone } from './datetime-errors.ts'
import type { Field } from './datetime-fields.ts'
import { DATE, DST_WORD, TIME, ZONE } from './datetime-parts.ts'
import type { WordMeaning } from './datetime-words.ts'
import { isDigit } from './input-errors.ts'
import { abbreviationOffset, findTimeZone } from './time-zone.ts'

export class TimeDecoder extends DateTimeDecoder {
  /** Decodes; afterwards timeMicros() and offset are set. */
  override decode(): void {
    for (let i = 0; i < this.fields.length; i++) this.#decodeField(i)
    if (this.label !== undefined) this.fail('format')
    this.validateDate(this.have)
    this.applyMeridian()
    if (this.timeOverflows()) this.fail('field')
    if ((this.have & TIME) !== TIME) this.fail('format')
    this.#resolveTimeZone()
  }

  #decodeField(index: number): void {
    const { kind, text } = this.fields[index] as Field
    switch (kind) {
      case 'date':
        return this.#dateOrZone(text, index)
      case 'time':
        this.label = undefined
        return this.take(this.decodeTime(text))
      case 'zone':
        this.take(ZONE)
        this.offset = this.decodeOffset(text)
        return
      case 'number':
        return this.label === undefined ? this.#number(text, index) : this.labelledNumber(text, this.have)
      case 'word':
      case 'special':
        return this.wordField(text, index)
    }
  }

  #dateOrZone(text: string, index: number): void {
    const last = this.fields.at(-1)?.kind
    if (index === 0 && this.fields.length >= 2 && (last === 'date' || this.fields[1]?.kind === 'time')) {
      return this.decodeDate(text)
    }
    if (isDigit(text.charCodeAt(0))) {
      if ((this.have & TIME) === TIME) this.fail('format')
      this.label = undefined
      return this.timeWithOffset(text, this.have | DATE)
    }
    this.namedZone(text)
  }

  #number(text: string, index: number): void {
    const point = text.indexOf('.')
    if (point >= 0) {
      if (index === 0 && this.fields.length >= 2 && this.fields.at(-1)?.kind === 'date')
        return this.decodeDate(text)
      if (point <= 2) this.fail('format')
      return this.take(this.decodeRun(text, this.have | DATE))
    }
    if (text.length > 4) return this.take(this.decodeRun(text, this.have | DATE))
    this.take(this.decodeNumber(text, false, this.have | DATE))
  }

  override applyWord(meaning: WordMeaning, index: number): void {
    switch (meaning.kind) {
      case 'moment':
        if (meaning.value === 'now') {
          this.setNow(false)
          this.offset = 0
          return this.take(TIME)
        }
        if (meaning.value === 'allballs') return this.take(TIME | ZONE)
        return this.fail('format')
      case 'month':
      case 'weekday':
        return this.fail('format')
      case 'iso-time':
        return this.expectTime(index)
      default:
        super.applyWord(meaning, index)
    }
  }

  #resolveTimeZone(): void {
    const hasZone = (this.have & ZONE) !== 0
    if (hasZone && this.zone === undefined && this.abbreviatedZone === undefined) return
    if ((this.have & DST_WORD) !== 0) this.fail('format')
    const zone = this.zone ?? this.abbreviatedZone ?? this.sessionZone()
    if (zone.fixedOffset !== undefined) {
      this.offset = zone.fixedOffset
      return
    }
    let { year, month, day } = this
    if (!this.hasDate()) {
      if ((this.have & DATE) !== 0 || this.zone !== undefined) this.fail('format')
      ;({ year, month, day } = this.localDate(0))
    }
    this.year = year
    this.month = month
    this.day = day
    const local = this.localSeconds(this.days())
    this.offset =
      this.abbreviatedZone === undefined
        ? zone.resolveLocal(local)
        : abbreviationOffset(this.abbreviatedZone, local, this.isSummerAbbreviation)
  }
}

/** The zone of a name that must exist: 22023. */
export function requireTimeZone(name: string): NonNullable<ReturnType<typeof findTimeZone>> {
  const zone = findTimeZone(name)
  if (zone === undefined) throw unknownTimeZone(name)
  return zone
}
