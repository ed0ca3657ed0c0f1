// to_char of numbers (documentation, section 9.8), in the C locale: point and comma, no currency sign.
//
//   number ──▶ digits with as many places behind the point as the template has ──▶ template, place by place

import { formatFloat8 } from './float-types.ts'
import { roundHalfEven } from './datetime-parts.ts'
import { ordinalSuffix, type PatternAction, romanNumeral } from './format-pattern.ts'
import { isDigit } from './input-errors.ts'
import { absolute, digitCount, formatNumeric, Numeric, numericFromInt8, powerOfTen } from './numeric.ts'
import { coefficientAt, numericMultiply, numericRound, numericToInt4 } from './numeric-arithmetic.ts'
import { type NumericPattern, readNumericPattern } from './numeric-pattern.ts'
import { SqlError } from './sql-error.ts'
import type { Int8 } from './value.ts'

const ROMAN_TOO_LARGE = '#'.repeat(15)

/** to_char(numeric, text) */
export function formatNumericPattern(value: Numeric, text: string): string {
  const pattern = readNumericPattern(text)
  if (pattern.isRoman) return new PlaceWriter(pattern, romanOf(value), '+', 0).write()
  if (pattern.isScientific) return scientificNumeric(value, pattern)
  let shown = value
  if (pattern.isMulti) {
    shown = numericMultiply(value, new Numeric(powerOfTen(pattern.multi), 0))
    pattern.pre += pattern.multi
  }
  const digits = formatNumeric(numericRound(shown, pattern.post))
  return writePlaces(pattern, digits.replace(/^-/, ''), digits.startsWith('-'))
}

/** to_char(int4 or int8, text); they round differently with EEEE. */
export function formatIntegerPattern(value: Int8, text: string, isInt8: boolean): string {
  const pattern = readNumericPattern(text)
  const number = numericFromInt8(value)
  if (pattern.isRoman) return new PlaceWriter(pattern, romanOf(number), '+', 0).write()
  if (pattern.isScientific)
    return isInt8 ? scientificNumeric(number, pattern) : scientificFloat(Number(value), pattern)
  return formatNumericPattern(number, text)
}

/** to_char(float4 or float8, text): 6 or 15 significant digits. */
export function formatFloatPattern(value: number, text: string, significantDigits: 6 | 15): string {
  const pattern = readNumericPattern(text)
  if (pattern.isRoman) {
    const rounded = Number.isFinite(value) ? roundHalfEven(value) : 0
    return new PlaceWriter(pattern, romanText(rounded), '+', 0).write()
  }
  if (pattern.isScientific) {
    return Number.isFinite(value) ? scientificFloat(value, pattern) : scientificHashes(pattern)
  }
  let shown = value
  if (pattern.isMulti) {
    shown *= 10 ** pattern.multi
    pattern.pre += pattern.multi
  }
  const whole = fixed(Math.abs(shown), 0).length
  if (whole >= significantDigits) pattern.post = 0
  else if (whole + pattern.post > significantDigits) pattern.post = significantDigits - whole
  return writePlaces(pattern, fixed(Math.abs(shown), pattern.post), shown < 0 || Object.is(shown, -0))
}

/** printf("%.*f") of a positive number: exact ties go to the even digit, where toFixed takes the larger. */
function fixed(value: number, places: number): string {
  if (!Number.isFinite(value)) return formatFloat8(value, 1)
  if (value >= 1e21) {
    const digits = BigInt(value).toString()
    return places === 0 ? digits : `${digits}.${'0'.repeat(places)}`
  }
  const rounded = value.toFixed(places)
  const longer = value.toFixed(Math.min(places + 30, 100))
  const isTie = /^50*$/.test(longer.slice(longer.length - Math.min(30, 100 - places)))
  const isOdd = Number(rounded.at(-1)) % 2 === 1
  if (!isTie || !isOdd) return rounded
  return longer.slice(0, longer.length - Math.min(30, 100 - places)).replace(/\.$/, '')
}

function romanOf(value: Numeric): string {
  return romanText(numericToInt4(value))
}

function romanText(value: number): string {
  return value > 3999 || value < 1 ? ROMAN_TOO_LARGE : romanNumeral(value)
}

function scientificFloat(value: number, { post }: NumericPattern): string {
  const digits = value.toExponential(Math.min(post, 100)).replace(/e([+-])(\d)$/, 'e$10$2')
  return value < 0 || Object.is(value, -0) ? digits : ` ${digits}`
}

function scientificHashes({ pre, post }: NumericPattern): string {
  const hashes = '#'.repeat(pre + post + 6).split('')
  hashes[0] = ' '
  hashes[pre + 1] = '.'
  return hashes.join('')
}

/** 1.23e+05 with as many digits behind the point as the template has; a blank in place of a plus. */
function scientificNumeric(value: Numeric, pattern: NumericPattern): string {
  if (value.special !== undefined) return scientificHashes(pattern)
  const magnitude = absolute(value.coefficient)
  const { post } = pattern
  const exponent = magnitude === 0n ? 0 : digitCount(magnitude) - 1 - value.scale
  // Rounding up 9.99 gives 10.0e+00, not 1.0e+01: PostgreSQL 15 does not look at the exponent again.
  const places = post - exponent - value.scale
  const digits = places >= 0 ? magnitude * powerOfTen(places) : coefficientAt(magnitude, -places, 0)
  const text = digits.toString().padStart(post + 1, '0')
  const mantissa = post === 0 ? text : `${text.slice(0, -post)}.${text.slice(-post)}`
  const power = String(Math.abs(exponent)).padStart(2, '0')
  return `${value.coefficient < 0n ? '-' : ' '}${mantissa}e${exponent < 0 ? '-' : '+'}${power}`
}

/** Fits digits into the template's places: blanks in front, or all '#' when there are too many. */
function writePlaces(pattern: NumericPattern, digits: string, isNegative: boolean): string {
  const point = digits.indexOf('.')
  const whole = point < 0 ? digits.length : point
  const { pre, post } = pattern
  const sign = isNegative ? '-' : '+'
  if (whole > pre) {
    const hashes = '#'.repeat(pre + post + 1)
    return new PlaceWriter(pattern, `${hashes.slice(0, pre)}.${hashes.slice(pre + 1)}`, sign, 0).write()
  }
  return new PlaceWriter(pattern, digits, sign, pre - whole).write()
}

/** Walks the template and puts digits, sign and text in their places. */
class PlaceWriter {
  readonly #pattern: NumericPattern
  readonly #number: string
  readonly #sign: '+' | '-'
  /** Places in front of the first digit. */
  readonly #spaces: number
  #text = ''
  /** Where a place came after the end of the number: PostgreSQL's result ends there, for it writes a NUL. */
  #cutAt = Infinity
  /** The next digit, and the current place. */
  #digit = 0
  #place = 0
  #signWritten = false
  #inNumber = false
  /** FM: the last digit behind the point that is not a useless zero; -1 when all are shown. */
  #lastRelevant = -1
  #placeCount = 0
  readonly #zeroStart: number

  constructor(pattern: NumericPattern, number: string, sign: '+' | '-', spaces: number) {
    this.#pattern = pattern
    this.#number = number
    this.#sign = sign
    this.#spaces = spaces
    this.#zeroStart = pattern.zeroStart > 0 ? pattern.zeroStart - 1 : 0
    if (!pattern.isRoman) this.#prepare()
  }

  #prepare(): void {
    const pattern = this.#pattern
    if (pattern.hasPlus || pattern.hasMinus) {
      this.#signWritten = !(pattern.hasPlus && !pattern.hasMinus)
    } else {
      if (this.#sign === '+' && pattern.isFill) pattern.hasBracket = false
      this.#signWritten = this.#sign === '+' && pattern.isFill && !pattern.hasSign
      if (pattern.lockedSign === 'before' && pattern.pre === pattern.preBeforeSign)
        pattern.lockedSign = 'behind'
    }
    this.#placeCount = pattern.post + pattern.pre - 1
    if (pattern.isFill && pattern.hasDecimal) this.#lastRelevant = this.#findLastRelevant()
    if (!this.#signWritten && this.#spaces === 0) this.#placeCount++
  }

  #findLastRelevant(): number {
    const number = this.#number
    const point = number.indexOf('.')
    if (point < 0) return -1
    let last = point
    for (let i = point + 1; i < number.length; i++) if (number[i] !== '0') last = i
    const { zeroEnd } = this.#pattern
    if (zeroEnd > this.#spaces) last = Math.max(last, Math.min(number.length - 1, zeroEnd - this.#spaces))
    return last
  }

  write(): string {
    for (const node of this.#pattern.nodes) {
      if (node.kind === 'action') this.#action(node)
      else this.#text += node.character
    }
    return this.#cutAt < this.#text.length ? this.#text.slice(0, this.#cutAt) : this.#text
  }

  #action({ keyword }: PatternAction): void {
    const { isFill, isRoman, hasDecimal } = this.#pattern
    switch (keyword.toUpperCase()) {
      case '9':
      case '0':
      case '.':
      case 'D':
        if (!isRoman) this.#numberPlace(keyword)
        return
      case ',':
      case 'G':
        if (this.#inNumber) this.#text += ','
        else if (!isFill) this.#text += ' '
        return
      case 'L':
        this.#text += ' '
        return
      case 'RN': {
        const roman = keyword === 'rn' ? this.#number.toLowerCase() : this.#number
        this.#text += isFill ? roman : roman.padStart(15)
        return
      }
      case 'TH':
        if (isRoman || this.#number.startsWith('#') || this.#sign === '-' || hasDecimal) return
        if (!isDigit(this.#number.charCodeAt(this.#number.length - 1))) {
          throw new SqlError('22P02', `"${this.#number}" is not a number`)
        }
        this.#text += ordinalSuffix(this.#number, keyword as 'TH' | 'th')
        return
      case 'MI':
        if (this.#sign === '-') this.#text += '-'
        else if (!isFill) this.#text += ' '
        return
      case 'PL':
        if (this.#sign === '+') this.#text += '+'
        else if (!isFill) this.#text += ' '
        return
      case 'SG':
        this.#text += this.#sign
        return
      default:
    }
  }

  /** A leading 0 that the template 9.9 shows as a blank. */
  #isBlankZero(): boolean {
    const { hasZero, post } = this.#pattern
    return !hasZero && this.#digit === 0 && this.#number[0] === '0' && post !== 0
  }

  #numberPlace(keyword: string): void {
    const pattern = this.#pattern
    this.#inNumber = false
    const startsHere = this.#place >= this.#spaces || (pattern.hasZero && this.#zeroStart === this.#place)
    const isLastPoint = this.#lastRelevant >= 0 && this.#number[this.#lastRelevant] === '.'
    if (!this.#signWritten && startsHere && (!this.#isBlankZero() || isLastPoint)) this.#writeSign()
    this.#writeDigit(keyword, isLastPoint)
    let end = this.#placeCount + (this.#spaces > 0 ? 1 : 0) + (pattern.hasDecimal ? 1 : 0)
    if (this.#lastRelevant >= 0 && this.#lastRelevant === this.#digit) end = this.#place
    if (this.#place + 1 === end) {
      if (this.#signWritten && pattern.hasBracket) this.#text += this.#sign === '+' ? ' ' : '>'
      else if (pattern.hasSign && pattern.lockedSign === 'behind') this.#text += this.#sign
    }
    this.#place++
  }

  #writeSign(): void {
    const pattern = this.#pattern
    if (pattern.hasSign) {
      if (pattern.lockedSign !== 'before') return
      this.#text += this.#sign
    } else if (pattern.hasBracket) {
      this.#text += this.#sign === '+' ? ' ' : '<'
    } else if (this.#sign === '-') {
      this.#text += '-'
    } else if (!pattern.isFill) {
      this.#text += ' '
    }
    this.#signWritten = true
  }

  #writeDigit(keyword: string, isLastPoint: boolean): void {
    const { hasZero, isFill } = this.#pattern
    if (this.#place < this.#spaces) {
      if (hasZero && this.#zeroStart <= this.#place) {
        this.#text += '0'
        this.#inNumber = true
      } else if (!isFill) {
        this.#text += ' '
      }
      return
    }
    const digit = this.#number[this.#digit]
    if (digit === '.') {
      if (!isLastPoint || isFill) this.#text += '.'
    } else if (this.#lastRelevant >= 0 && this.#digit > this.#lastRelevant && keyword !== '0') {
      // A useless zero.
    } else if (this.#isBlankZero()) {
      if (!isFill) this.#text += ' '
      else if (isLastPoint) this.#text += '0'
    } else {
      if (digit === undefined) this.#cutAt = Math.min(this.#cutAt, this.#text.length)
      else this.#text += digit
      this.#inNumber = true
    }
    if (digit !== undefined) this.#digit++
  }
}
