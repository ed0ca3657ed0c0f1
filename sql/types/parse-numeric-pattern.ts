// to_number(text, text) (documentation, section 9.8): digits, sign and point collected from the input as the
// template leads along it.

import type { PatternAction } from './format-pattern.ts'
import { isDigit } from './input-errors.ts'
import { Numeric, parseNumeric } from './numeric.ts'
import { numericMultiply } from './numeric-arithmetic.ts'
import { numericPower } from './numeric-math.ts'
import { type NumericPattern, readNumericPattern } from './numeric-pattern.ts'
import { applyNumericTypmod, numericBehaviour } from './numeric-type.ts'
import { SqlError } from './sql-error.ts'

const TEN = new Numeric(10n, 0)
const SCALE_MAX = 1000

/** to_number; null for an empty template. 22P02 when no digits were found. */
export function parseNumericPattern(text: string, template: string): Numeric | null {
  if (template === '') return null
  const pattern = readNumericPattern(template)
  if (pattern.isScientific) throw new SqlError('0A000', '"EEEE" not supported for input')
  if (pattern.isRoman) throw new SqlError('0A000', '"RN" not supported for input')
  const reader = new DigitReader(text, pattern)
  const value = parseNumeric(reader.read())
  const scale = Math.min(reader.scale, SCALE_MAX)
  const precision = Math.min(Math.max(pattern.pre + pattern.multi + scale, 1), SCALE_MAX)
  const typmod = numericBehaviour.typmodIn?.([String(precision), String(scale)]) ?? -1
  const checked = applyNumericTypmod(value, typmod)
  return pattern.isMulti
    ? numericMultiply(checked, numericPower(TEN, new Numeric(BigInt(-pattern.multi), 0)))
    : checked
}

class DigitReader {
  readonly #text: string
  readonly #pattern: NumericPattern
  #at = 0
  #sign = ' '
  #digits = ''
  #hasPoint = false
  #before = 0
  /** Digits read behind the point. */
  scale = 0
  #inNumber = false

  constructor(text: string, pattern: NumericPattern) {
    this.#text = text
    this.#pattern = pattern
    if (pattern.lockedSign === 'before' && pattern.pre === pattern.preBeforeSign)
      pattern.lockedSign = 'behind'
  }

  read(): string {
    for (const node of this.#pattern.nodes) {
      if (this.#at >= this.#text.length) break
      if (node.kind === 'action') this.#action(node)
      else this.#skipCharacter()
    }
    return `${this.#sign}${this.#digits.replace(/\.$/, '')}`
  }

  #skipCharacter(): void {
    this.#at += (this.#text.codePointAt(this.#at) ?? 0) > 0xffff ? 2 : 1
  }

  #action({ keyword }: PatternAction): void {
    const character = this.#text[this.#at] as string
    switch (keyword.toUpperCase()) {
      case '9':
      case '0':
      case '.':
      case 'D':
        this.#number(keyword)
        this.#at++
        return
      case ',':
      case 'G':
        if (!this.#inNumber && this.#pattern.isFill) return
        if (character === ',') this.#at++
        return
      case 'L':
        this.#skipNonData(1)
        return
      case 'TH':
        this.#skipNonData(2)
        return
      case 'MI':
        if (character === '-') this.#take('-')
        else this.#skipNonData(1)
        return
      case 'PL':
        if (character === '+') this.#take('+')
        else this.#skipNonData(1)
        return
      case 'SG':
        if (character === '-' || character === '+') this.#take(character)
        else this.#skipNonData(1)
        return
      default:
    }
  }

  #take(sign: string): void {
    this.#sign = sign
    this.#at++
  }

  /** Skips characters that can be no part of a number. */
  #skipNonData(count: number): void {
    for (let i = 0; i < count; i++) {
      const character = this.#text[this.#at]
      if (character === undefined || '0123456789.,+-'.includes(character)) return
      this.#skipCharacter()
    }
  }

  #isOver(): boolean {
    return this.#at >= this.#text.length
  }

  #number(keyword: string): void {
    if (this.#text[this.#at] === ' ') this.#at++
    if (this.#isOver()) return
    if (this.#sign === ' ' && (keyword === '0' || keyword === '9') && this.#before + this.scale === 0)
      this.#signBefore()
    if (this.#isOver()) return
    const isRead = this.#digitOrPoint()
    if (isRead === undefined || this.#isOver()) return
    if (this.#sign === ' ' && this.#before + this.scale > 0) this.#signBehind(isRead)
  }

  #signBefore(): void {
    const character = this.#text[this.#at]
    const isBracket = this.#pattern.hasBracket && character === '<'
    if (this.#pattern.hasSign && this.#pattern.lockedSign === 'behind') return
    if (character === '-' || isBracket) this.#take('-')
    else if (character === '+') this.#take('+')
  }

  /** true when something was read, undefined when the digits behind the point are complete. */
  #digitOrPoint(): boolean | undefined {
    const character = this.#text[this.#at] as string
    if (isDigit(character.charCodeAt(0))) {
      if (this.#hasPoint && this.scale === this.#pattern.post) return undefined
      this.#digits += character
      if (this.#hasPoint) this.scale++
      else this.#before++
      this.#inNumber = true
      return true
    }
    if (this.#pattern.hasDecimal && !this.#hasPoint && character === '.') {
      this.#digits += '.'
      this.#hasPoint = true
      return true
    }
    return false
  }

  /** A sign right behind the last digit. */
  #signBehind(isRead: boolean): void {
    const { hasSign } = this.#pattern
    const next = this.#text[this.#at + 1]
    if (hasSign && isRead && next !== undefined && !isDigit(next.charCodeAt(0))) {
      if (next === '-' || next === '+') {
        this.#at++
        this.#sign = next
      }
    } else if (!isRead && !hasSign) {
      const character = this.#text[this.#at]
      if (character === '-' || character === '+') this.#sign = character
    }
  }
}
