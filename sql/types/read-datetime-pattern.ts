// First half of to_timestamp and to_date: walks template and text together and collects the fields. What the
// fields make together is decided in parse-datetime-pattern.ts.

import { MONTH_NAMES, WEEKDAY_NAMES } from './datetime-words.ts'
import { DATE_TIME_FAMILY } from './format-datetime.ts'
import {
  isSeparator,
  parsePattern,
  type PatternAction,
  type PatternNode,
  romanNumeral,
} from './format-pattern.ts'
import { isDigit, isSpace } from './input-errors.ts'
import { SqlError } from './sql-error.ts'

/** What was read; 0 stands for "not given", as in PostgreSQL, which takes a given 0 for that too. */
export class PatternFields {
  hour = 0
  pm = 0
  minute = 0
  second = 0
  secondsOfDay = 0
  weekday = 0
  day = 0
  dayOfYear = 0
  month = 0
  millisecond = 0
  microsecond = 0
  year = 0
  isBc = 0
  week = 0
  weekOfMonth = 0
  century = 0
  julianDay = 0
  yearDigits = 0
  zoneSign = 0
  zoneHour = 0
  zoneMinute = 0
  isTwelveHourClock = false
  isIsoWeek = false
}

type NumberField = {
  [K in keyof PatternFields]: PatternFields[K] extends number ? K : never
}[keyof PatternFields]

/** Keywords that read a number straight into a field; others are below. */
const NUMBER_FIELDS: Readonly<Record<string, NumberField>> = {
  HH: 'hour',
  HH12: 'hour',
  HH24: 'hour',
  MI: 'minute',
  SS: 'second',
  SSSS: 'secondsOfDay',
  SSSSS: 'secondsOfDay',
  MM: 'month',
  DDD: 'dayOfYear',
  IDDD: 'dayOfYear',
  DD: 'day',
  D: 'weekday',
  WW: 'week',
  IW: 'week',
  CC: 'century',
  W: 'weekOfMonth',
  J: 'julianDay',
  YYYY: 'year',
  IYYY: 'year',
  YYY: 'year',
  IYY: 'year',
  YY: 'year',
  IY: 'year',
  Y: 'year',
  I: 'year',
  TZH: 'zoneHour',
  TZM: 'zoneMinute',
}

/** Digits that a keyword takes when another number follows without a separator; by default its own length. */
const FIELD_LENGTHS: Readonly<Record<string, number>> = { HH12: 2, HH24: 2, IDDD: 3, TZH: 2, TZM: 2, ID: 1 }

const ISO_KEYWORDS = new Set(['IDDD', 'ID', 'IW', 'IYYY', 'IYY', 'IY', 'I'])
const GREGORIAN_KEYWORDS = new Set([
  'CC',
  'DAY',
  'DDD',
  'DD',
  'DY',
  'D',
  'MM',
  'MONTH',
  'MON',
  'RM',
  'WW',
  'W',
  'Y,YYY',
  'YYYY',
  'YYY',
  'YY',
  'Y',
  'Q',
])
/** Keywords whose text is not digits. */
const TEXT_KEYWORDS = new Set([
  'A.D.',
  'A.M.',
  'AD',
  'AM',
  'B.C.',
  'BC',
  'DAY',
  'DY',
  'FX',
  'MONTH',
  'MON',
  'OF',
  'P.M.',
  'PM',
  'RM',
  'TZH',
  'TZ',
])

const ROMAN_MONTHS = Array.from({ length: 12 }, (_, i) => romanNumeral(12 - i).toLowerCase())

export function readPatternFields(text: string, pattern: string): PatternFields {
  return new FieldsReader(text, parsePattern(pattern, DATE_TIME_FAMILY)).read()
}

class FieldsReader {
  readonly #text: string
  readonly #nodes: readonly PatternNode[]
  readonly #fields = new PatternFields()
  #at = 0
  #isExact = false
  /** Characters skipped beyond those that the template has. */
  #extraSkip = 0
  #convention: 'iso' | 'gregorian' | undefined

  constructor(text: string, nodes: readonly PatternNode[]) {
    this.#text = text
    this.#nodes = nodes
  }

  read(): PatternFields {
    for (let i = 0; i < this.#nodes.length && this.#at < this.#text.length; i++) {
      const node = this.#nodes[i] as PatternNode
      const isFx = node.kind === 'action' && node.keyword.toUpperCase() === 'FX'
      if (!this.#isExact && !isFx && (node.kind === 'action' || i === 0)) this.#extraSkip += this.#skipSpace()
      if (node.kind !== 'action') {
        this.#literal(node.kind)
        continue
      }
      this.#field(node, i)
      if (!this.#isExact) this.#extraSkip = this.#skipSpace()
    }
    return this.#fields
  }

  #skipSpace(): number {
    const start = this.#at
    while (isSpace(this.#text.charCodeAt(this.#at))) this.#at++
    return this.#at - start
  }

  #skipCharacter(): void {
    const code = this.#text.codePointAt(this.#at)
    this.#at += code !== undefined && code > 0xffff ? 2 : 1
  }

  /** Text of the template: consumes one character, or none where blanks were skipped before. */
  #literal(kind: 'text' | 'space' | 'separator'): void {
    if (this.#isExact) {
      this.#skipCharacter()
    } else if (kind === 'text') {
      if (this.#extraSkip > 0) this.#extraSkip--
      else this.#skipCharacter()
    } else {
      this.#extraSkip--
      const code = this.#text.charCodeAt(this.#at)
      if (isSpace(code) || isSeparator(code)) {
        this.#at++
        this.#extraSkip++
      }
    }
  }

  #set(field: NumberField, value: number, node: PatternAction): void {
    const known = this.#fields[field]
    if (known !== 0 && known !== value) {
      throw new SqlError('22007', `conflicting values for "${node.keyword}" field in formatting string`, {
        detail: 'This value contradicts a previous setting for the same field type.',
      })
    }
    this.#fields[field] = value
  }

  #checkConvention(keyword: string): void {
    const convention = ISO_KEYWORDS.has(keyword)
      ? 'iso'
      : GREGORIAN_KEYWORDS.has(keyword)
        ? 'gregorian'
        : undefined
    if (convention === undefined) return
    this.#convention ??= convention
    if (this.#convention !== convention) {
      throw new SqlError('22007', 'invalid combination of date conventions', {
        hint: 'Do not mix Gregorian and ISO week date conventions in a formatting template.',
      })
    }
    this.#fields.isIsoWeek = convention === 'iso'
  }

  #field(node: PatternAction, index: number): void {
    const keyword = node.keyword.toUpperCase()
    this.#checkConvention(keyword)
    const fields = this.#fields
    switch (keyword) {
      case 'FX':
        this.#isExact = true
        return
      case 'AM':
      case 'PM':
      case 'A.M.':
      case 'P.M.':
        this.#set('pm', this.#word(node, keyword.includes('.') ? ['a.m.', 'p.m.'] : ['am', 'pm']), node)
        fields.isTwelveHourClock = true
        return
      case 'AD':
      case 'BC':
      case 'A.D.':
      case 'B.C.':
        return this.#set(
          'isBc',
          this.#word(node, keyword.includes('.') ? ['a.d.', 'b.c.'] : ['ad', 'bc']),
          node,
        )
      case 'MONTH':
        return this.#set('month', this.#word(node, lowerCase(MONTH_NAMES)) + 1, node)
      case 'MON':
        return this.#set('month', this.#word(node, lowerCase(MONTH_NAMES, 3)) + 1, node)
      case 'DAY':
        return this.#set('weekday', this.#word(node, lowerCase(WEEKDAY_NAMES)) + 1, node)
      case 'DY':
        return this.#set('weekday', this.#word(node, lowerCase(WEEKDAY_NAMES, 3)) + 1, node)
      case 'RM':
        return this.#set('month', 12 - this.#word(node, ROMAN_MONTHS), node)
      case 'TZ':
      case 'OF':
        throw new SqlError('0A000', `formatting field "${node.keyword}" is only supported in to_char`)
      default:
        this.#numericField(node, keyword, index)
    }
    this.#skipOrdinal(node)
  }

  #numericField(node: PatternAction, keyword: string, index: number): void {
    const fields = this.#fields
    if (keyword === 'Y,YYY') return this.#groupedYear(node)
    if (keyword === 'MS') return this.#fraction(node, index, 'millisecond', 3, 3)
    if (keyword === 'US') return this.#fraction(node, index, 'microsecond', 6, 6)
    if (/^FF\d$/.test(keyword)) return this.#fraction(node, index, 'microsecond', Number(keyword[2]), 6)
    if (keyword === 'TZH') this.#zoneSign()
    if (keyword === 'TZM' && fields.zoneSign === 0) fields.zoneSign = 1
    const { value, length } = this.#integer(node, index, FIELD_LENGTHS[keyword] ?? keyword.length)
    if (keyword === 'Q') return
    if (keyword === 'ID') return this.#set('weekday', (value % 7) + 1, node)
    const field = NUMBER_FIELDS[keyword] as NumberField
    const isYear = field === 'year'
    this.#set(field, value, node)
    if (keyword === 'HH' || keyword === 'HH12') fields.isTwelveHourClock = true
    if (!isYear) return
    fields.yearDigits = keyword.length
    if (keyword.length < 4 && length < 4) fields.year = nearestYear(value)
  }

  /** 12,345 */
  #groupedYear(node: PatternAction): void {
    const match = /^\s*([+-]?\d+),(\d{1,3})/.exec(this.#text.slice(this.#at))
    if (match === null) throw new SqlError('22007', 'invalid input string for "Y,YYY"')
    this.#set('year', Number(match[1]) * 1000 + Number(match[2]), node)
    this.#fields.yearDigits = 4
    this.#at += match[0].length
  }

  /** 25 and 250 of MS are both 250 ms: the digits are those of a fraction. */
  #fraction(
    node: PatternAction,
    index: number,
    field: 'millisecond' | 'microsecond',
    digits: number,
    full: number,
  ): void {
    const { value, length } = this.#integer(node, index, digits)
    this.#set(field, value, node)
    this.#fields[field] = value * 10 ** Math.max(full - length, 0)
  }

  /** The sign of TZH, which may have been skipped as a separator. */
  #zoneSign(): void {
    const character = this.#text[this.#at]
    if (character === '+' || character === '-' || character === ' ') {
      this.#fields.zoneSign = character === '-' ? -1 : 1
      this.#at++
    } else {
      this.#fields.zoneSign = this.#extraSkip > 0 && this.#text[this.#at - 1] === '-' ? -1 : 1
    }
  }

  #integer(node: PatternAction, index: number, width: number): { value: number; length: number } {
    this.#skipSpace()
    const from = this.#at
    const rest = this.#text.slice(from)
    const copy = Array.from(rest).slice(0, width).join('')
    if (node.fill || this.#endsBeforeText(index)) {
      const digits = /^[+-]?\d+/.exec(rest)?.[0] ?? ''
      this.#at = from + digits.length
    } else {
      const hint = 'If your source string is not fixed-width, try using the "FM" modifier.'
      if (copy.length < width) {
        throw new SqlError('22007', `source string too short for "${node.keyword}" formatting field`, {
          detail: `Field requires ${width} characters, but only ${copy.length} remain.`,
          hint,
        })
      }
      const used = /^[+-]?\d+/.exec(copy)?.[0].length ?? 0
      if (used > 0 && used < width) {
        throw new SqlError('22007', `invalid value "${copy}" for "${node.keyword}"`, {
          detail: `Field requires ${width} characters, but only ${used} could be parsed.`,
          hint,
        })
      }
      this.#at = from + used
    }
    if (this.#at === from) {
      throw new SqlError('22007', `invalid value "${copy}" for "${node.keyword}"`, {
        detail: 'Value must be an integer.',
      })
    }
    const value = Number(this.#text.slice(from, this.#at))
    if (value < -0x8000_0000 || value > 0x7fff_ffff) {
      throw new SqlError('22008', `value for "${node.keyword}" in source string is out of range`, {
        detail: 'Value must be in the range -2147483648 to 2147483647.',
      })
    }
    return { value, length: this.#at - from }
  }

  /**
   * Whether something that is no digit follows in the template, so that all digits there are belong to this
   * field.
   */
  #endsBeforeText(index: number): boolean {
    const node = this.#nodes[index]
    if (node?.kind === 'action' && node.ordinal !== undefined) return true
    const next = this.#nodes[index + 1]
    if (next === undefined) return true
    if (next.kind === 'action') return TEXT_KEYWORDS.has(next.keyword.toUpperCase())
    return !isDigit(next.character.charCodeAt(0))
  }

  /** One of some words, by case-insensitive prefix; its number. */
  #word(node: PatternAction, words: readonly string[]): number {
    const rest = this.#text.slice(this.#at).toLowerCase()
    const found = words.findIndex((word) => rest.startsWith(word))
    if (found < 0) {
      const given = /^[^ \t-\r]*/.exec(this.#text.slice(this.#at))?.[0] ?? ''
      throw new SqlError('22007', `invalid value "${given}" for "${node.keyword}"`, {
        detail: 'The given value did not match any of the allowed values for this field.',
      })
    }
    this.#at += (words[found] as string).length
    return found
  }

  /** Two characters for th. */
  #skipOrdinal({ ordinal }: PatternAction): void {
    if (ordinal === undefined) return
    this.#skipCharacter()
    this.#skipCharacter()
  }
}

function lowerCase(names: readonly string[], length = 9): string[] {
  return names.map((name) => name.slice(0, length).toLowerCase())
}

/** Fewer than four digits mean the year nearest to 2020. */
function nearestYear(year: number): number {
  if (year < 70) return year + 2000
  if (year < 100) return year + 1900
  if (year < 520) return year + 2000
  return year < 1000 ? year + 1000 : year
}
