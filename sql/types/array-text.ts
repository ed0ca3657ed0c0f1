// The text form of arrays (documentation, section 8.15.2 and 8.15.6): {1,2}, {{a,"b c"},{NULL,d}},
// [0:1]={1,2}. Parsing has two steps, as in PostgreSQL, so that the same error wins: first the shape of the
// whole literal, then the elements' own input functions.

import { isSpace } from './input-errors.ts'
import { SqlError } from './sql-error.ts'

export const DIMENSIONS_MAX = 6
const ELEMENTS_MAX = 0x7ff_ffff

/** The shape of an array literal: element texts in row-major order, null for NULL. */
export interface ArrayLiteral {
  readonly elements: readonly (string | null)[]
  readonly dimensions: readonly number[]
  readonly lowerBounds: readonly number[]
}

/** What the parser met last: it decides what may come next. */
type State = 'nothing' | 'open' | 'element' | 'delimiter' | 'close' | 'close-delimiter'

/** Parses an array literal; 22P02 'malformed array literal' with PostgreSQL's detail. */
export function parseArrayLiteral(text: string, delimiter: string): ArrayLiteral {
  return new ArrayParser(text, delimiter).parse()
}

class ArrayParser {
  readonly #text: string
  readonly #delimiter: number
  #at = 0
  /** Where the part begins that errors show: the literal, then its braces. */
  #shownFrom = 0
  #state: State = 'nothing'
  readonly #elements: (string | null)[] = []
  /** Items so far in the open brace of each level, and in the closed ones before it (0: none yet). */
  readonly #counts: number[] = []
  readonly #closedCounts: number[] = []
  #level = 0

  constructor(text: string, delimiter: string) {
    this.#text = text
    this.#delimiter = delimiter.charCodeAt(0)
  }

  parse(): ArrayLiteral {
    const bounds = this.#parseBounds()
    this.#skipSpace()
    if (this.#text[this.#at] !== '{') {
      throw this.#malformed(
        bounds === undefined
          ? 'Array value must start with "{" or dimension information.'
          : 'Array contents must start with "{".',
      )
    }
    this.#shownFrom = this.#at
    do this.#step()
    while (this.#level > 0)
    this.#skipSpace()
    if (this.#at < this.#text.length) throw this.#malformed('Junk after closing right brace.')
    this.#shownFrom = 0
    const dimensions = this.#elements.length === 0 ? [] : this.#closedCounts
    if (bounds === undefined)
      return { elements: this.#elements, dimensions, lowerBounds: dimensions.map(() => 1) }
    const same =
      bounds.length === dimensions.length && bounds.every(({ length }, i) => length === dimensions[i])
    if (!same) throw this.#malformed('Specified array dimensions do not match array contents.')
    return { elements: this.#elements, dimensions, lowerBounds: bounds.map(({ lower }) => lower) }
  }

  /** [lower:upper][upper]...= in front; undefined when there is none. */
  #parseBounds(): { lower: number; length: number }[] | undefined {
    const bounds: { lower: number; length: number }[] = []
    for (;;) {
      this.#skipSpace()
      if (this.#text[this.#at] !== '[') break
      if (bounds.length >= DIMENSIONS_MAX) throw tooManyDimensions(bounds.length + 1)
      this.#at++
      const first = this.#boundNumber('"[" must introduce explicitly-specified array dimensions.')
      const hasLower = this.#text[this.#at] === ':'
      if (hasLower) this.#at++
      const upper = hasLower ? this.#boundNumber('Missing array dimension value.') : first
      const lower = hasLower ? first : 1
      if (this.#text[this.#at] !== ']') throw this.#malformed('Missing "]" after array dimensions.')
      this.#at++
      if (upper < lower) throw new SqlError('2202E', 'upper bound cannot be less than lower bound')
      bounds.push({ lower, length: upper - lower + 1 })
    }
    if (bounds.length === 0) return undefined
    if (this.#text[this.#at] !== '=') throw this.#malformed('Missing "=" after array dimensions.')
    this.#at++
    return bounds
  }

  #boundNumber(missing: string): number {
    const digits = /^[-+\d]*/.exec(this.#text.slice(this.#at, this.#at + 24))?.[0] ?? ''
    if (digits === '') throw this.#malformed(missing)
    this.#at += digits.length
    return Number.parseInt(digits, 10) || 0
  }

  /** One brace, delimiter or element. */
  #step(): void {
    this.#skipSpace()
    const code = this.#text.charCodeAt(this.#at)
    if (Number.isNaN(code)) throw this.#unexpectedEnd()
    if (code === 0x7b) this.#open()
    else if (code === 0x7d) this.#close()
    else if (code === this.#delimiter) this.#delimit()
    else this.#element(code)
  }

  #open(): void {
    const state = this.#state
    if (state !== 'nothing' && state !== 'open' && state !== 'close-delimiter') throw this.#unexpected('{')
    if (this.#level >= DIMENSIONS_MAX) throw tooManyDimensions(this.#level + 1)
    if (this.#level > 0) this.#count()
    this.#counts[this.#level] = 0
    this.#level++
    this.#state = 'open'
    this.#at++
  }

  #close(): void {
    const state = this.#state
    const isEmpty = state === 'open' && this.#level === 1
    if (state !== 'element' && state !== 'close' && !isEmpty) throw this.#unexpected('}')
    this.#level--
    const count = this.#counts[this.#level] as number
    const before = this.#closedCounts[this.#level] ?? 0
    if (before !== 0 && before !== count) {
      throw this.#malformed('Multidimensional arrays must have sub-arrays with matching dimensions.')
    }
    this.#closedCounts[this.#level] = count
    this.#state = 'close'
    this.#at++
  }

  #delimit(): void {
    const state = this.#state
    if (state !== 'element' && state !== 'close') throw this.#unexpected(this.#text[this.#at] as string)
    this.#state = state === 'close' ? 'close-delimiter' : 'delimiter'
    this.#at++
  }

  #element(code: number): void {
    const state = this.#state
    if (state !== 'open' && state !== 'delimiter') {
      throw code === 0x5c ? this.#unexpected('\\') : this.#malformed('Unexpected array element.')
    }
    // Elements on different depths would make a ragged array.
    if (this.#closedCounts.length > this.#level) {
      throw this.#malformed('Multidimensional arrays must have sub-arrays with matching dimensions.')
    }
    this.#count()
    if (this.#elements.length >= ELEMENTS_MAX) {
      throw new SqlError('54000', `array size exceeds the maximum allowed (${ELEMENTS_MAX})`)
    }
    this.#elements.push(code === 0x22 ? this.#quoted() : this.#plain())
    this.#state = 'element'
  }

  #count(): void {
    this.#counts[this.#level - 1] = (this.#counts[this.#level - 1] as number) + 1
  }

  #quoted(): string {
    const text = this.#text
    let value = ''
    for (let at = this.#at + 1, from = at; ; at++) {
      const code = text.charCodeAt(at)
      if (Number.isNaN(code)) throw this.#unexpectedEnd()
      if (code === 0x22) {
        this.#at = at + 1
        return value + text.slice(from, at)
      }
      if (code === 0x5c) {
        value += text.slice(from, at)
        from = ++at
        if (at >= text.length) throw this.#unexpectedEnd()
      }
    }
  }

  /** An unquoted element: up to a brace or delimiter, without trailing blanks; NULL in any case is null. */
  #plain(): string | null {
    const text = this.#text
    let value = ''
    let keep = 0
    let escaped = false
    for (let at = this.#at; ; at++) {
      const code = text.charCodeAt(at)
      if (Number.isNaN(code)) throw this.#unexpectedEnd()
      if (code === 0x7b) throw this.#unexpected('{')
      if (code === 0x22) throw this.#malformed('Unexpected array element.')
      if (code === 0x7d || code === this.#delimiter) {
        this.#at = at
        value = value.slice(0, keep)
        return !escaped && value.toLowerCase() === 'null' ? null : value
      }
      if (code === 0x5c) {
        escaped = true
        if (++at >= text.length) throw this.#unexpectedEnd()
        value += text[at]
        keep = value.length
      } else {
        value += text[at]
        if (!isSpace(code)) keep = value.length
      }
    }
  }

  #skipSpace(): void {
    while (isSpace(this.#text.charCodeAt(this.#at))) this.#at++
  }

  #unexpected(character: string): SqlError {
    return this.#malformed(`Unexpected "${character}" character.`)
  }

  #unexpectedEnd(): SqlError {
    return this.#malformed('Unexpected end of input.')
  }

  #malformed(detail: string): SqlError {
    return new SqlError('22P02', `malformed array literal: "${this.#text.slice(this.#shownFrom)}"`, {
      detail,
    })
  }
}

export function tooManyDimensions(count: number): SqlError {
  return new SqlError(
    '54000',
    `number of array dimensions (${count}) exceeds the maximum allowed (${DIMENSIONS_MAX})`,
  )
}

/** Whether an element's text must be quoted inside an array literal. */
function needsQuotes(text: string, delimiter: number): boolean {
  if (text.length === 0) return true
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (
      code === 0x22 ||
      code === 0x5c ||
      code === 0x7b ||
      code === 0x7d ||
      code === delimiter ||
      isSpace(code)
    )
      return true
  }
  return text.length === 4 && text.toLowerCase() === 'null'
}

function formatBound(lower: number, length: number): string {
  return `[${lower}:${lower + length - 1}]`
}

/** Writes the literal of an array whose elements' texts are given. */
export function formatArrayLiteral(
  { elements, dimensions, lowerBounds }: ArrayLiteral,
  delimiter: string,
): string {
  if (elements.length === 0) return '{}'
  const code = delimiter.charCodeAt(0)
  const texts = elements.map((text) => {
    if (text === null) return 'NULL'
    return needsQuotes(text, code) ? `"${text.replace(/["\\]/g, '\\$&')}"` : text
  })
  const bounds = lowerBounds.every((lower) => lower === 1)
    ? ''
    : `${dimensions.map((length, i) => formatBound(lowerBounds[i] as number, length)).join('')}=`
  let items: string[] = texts
  for (let level = dimensions.length - 1; level >= 0; level--) {
    const length = dimensions[level] as number
    const grouped: string[] = []
    for (let i = 0; i < items.length; i += length)
      grouped.push(`{${items.slice(i, i + length).join(delimiter)}}`)
    items = grouped
  }
  return bounds + (items[0] as string)
}
