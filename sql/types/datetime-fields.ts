// First step of date/time and interval input (documentation, appendix B.1): the text is cut into fields, each
// with a kind that its first characters decide. What the fields mean is decided later (datetime-decode.ts,
// interval-parse.ts).
//
//   '2024-02-29 12:30:00.5+02 BC'  ──▶  date '2024-02-29' | time '12:30:00.5' | zone '+02' | word 'bc'

import { isDigit, isSpace } from './input-errors.ts'

export type FieldKind =
  | 'number' //   12, 20240229, 12.5
  | 'word' //     january, now, est
  | 'date' //     2024-02-29, 29/2/24, america/new_york: digits or letters with punctuation inside
  | 'time' //     12:30
  | 'zone' //     +02, -02:30; also a signed number of an interval
  | 'special' //  -infinity: a sign and letters

export interface Field {
  readonly kind: FieldKind
  /** Lower-case, but for zone names, which keep their case as typed only when they begin with a digit. */
  readonly text: string
}

const FIELDS_MAX = 25

function isLetter(code: number): boolean {
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x7a
}

function isAlphanumeric(code: number): boolean {
  return isDigit(code) || isLetter(code)
}

const SLASH = 0x2f
const DASH = 0x2d
const DOT = 0x2e
const PLUS = 0x2b
const COLON = 0x3a
/** + - / _ . : inside names of zones. */
const ZONE_PUNCTUATION = new Set([PLUS, DASH, SLASH, 0x5f, DOT, COLON])

/** Cuts a text into fields; undefined when it has a character that belongs nowhere, or too many fields. */
export function splitFields(text: string, isKeyword: (word: string) => boolean): Field[] | undefined {
  return new FieldScanner(text, isKeyword).scan()
}

class FieldScanner {
  readonly #text: string
  readonly #isKeyword: (word: string) => boolean
  #at = 0

  constructor(text: string, isKeyword: (word: string) => boolean) {
    this.#text = text
    this.#isKeyword = isKeyword
  }

  scan(): Field[] | undefined {
    const fields: Field[] = []
    while (this.#at < this.#text.length) {
      const code = this.#code()
      const isSign = code === PLUS || code === DASH
      if (isSpace(code) || (isPunctuation(code) && !isSign && code !== DOT)) {
        this.#at++
        continue
      }
      const field = isSign ? this.#signed() : this.#unsigned(code)
      if (field === undefined || fields.length >= FIELDS_MAX) return undefined
      fields.push(field)
    }
    return fields
  }

  #code(): number {
    return this.#text.charCodeAt(this.#at)
  }

  #skipWhile(accepts: (code: number) => boolean): void {
    while (this.#at < this.#text.length && accepts(this.#code())) this.#at++
  }

  #unsigned(code: number): Field | undefined {
    const start = this.#at
    let kind: FieldKind
    if (isDigit(code)) {
      kind = this.#number()
    } else if (code === DOT) {
      this.#at++
      this.#skipWhile(isDigit)
      kind = 'number'
    } else if (isLetter(code)) {
      kind = this.#word()
    } else {
      return undefined
    }
    return { kind, text: this.#text.slice(start, this.#at).toLowerCase() }
  }

  /** A sign, blanks that do not count, and digits or letters. */
  #signed(): Field | undefined {
    const sign = this.#text[this.#at++] as string
    this.#skipWhile(isSpace)
    const start = this.#at
    const next = this.#code()
    let kind: FieldKind
    if (isDigit(next)) {
      kind = 'zone'
      this.#skipWhile((code) => isDigit(code) || code === COLON || code === DOT || code === DASH)
    } else if (isLetter(next)) {
      kind = 'special'
      this.#skipWhile(isLetter)
    } else {
      return undefined
    }
    return { kind, text: sign + this.#text.slice(start, this.#at).toLowerCase() }
  }

  #number(): FieldKind {
    this.#skipWhile(isDigit)
    const delimiter = this.#code()
    if (delimiter === COLON) {
      this.#skipWhile((code) => isDigit(code) || code === COLON || code === DOT)
      return 'time'
    }
    if (delimiter !== DASH && delimiter !== SLASH && delimiter !== DOT) return 'number'
    this.#at++
    if (!isDigit(this.#code())) {
      this.#skipWhile((code) => isAlphanumeric(code) || code === delimiter)
      return 'date'
    }
    this.#skipWhile(isDigit)
    if (this.#code() === delimiter) {
      this.#skipWhile((code) => isDigit(code) || code === delimiter)
      return 'date'
    }
    return delimiter === DOT ? 'number' : 'date'
  }

  /** Letters; with punctuation or digits behind, unless they are a keyword, a date or the name of a zone. */
  #word(): FieldKind {
    const start = this.#at
    this.#skipWhile(isLetter)
    const next = this.#code()
    const goesOn =
      next === DASH ||
      next === SLASH ||
      next === DOT ||
      ((next === PLUS || isDigit(next)) && !this.#isKeyword(this.#text.slice(start, this.#at).toLowerCase()))
    if (!goesOn) return 'word'
    this.#skipWhile((code) => isAlphanumeric(code) || ZONE_PUNCTUATION.has(code))
    return 'date'
  }
}

function isPunctuation(code: number): boolean {
  return code > 0x20 && code < 0x7f && !isAlphanumeric(code)
}
