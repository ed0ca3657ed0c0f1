// First step of date/time and interval input (documentation, appendix B.1): the text is cut into fields, each with a
// kind that its first characters decide. What the fields mean is decided later (datetime-decode.ts, interval-parse.ts).
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
const UNDERSCORE = 0x5f

/** Cuts a text into fields; undefined when it has a character that belongs nowhere, or too many fields. */
export function splitFields(text: string, isKeyword: (word: string) => boolean): Field[] | undefined {
  const fields: Field[] = []
  let at = 0
  const skipWhile = (accepts: (code: number) => boolean): void => {
    while (at < text.length && accepts(text.charCodeAt(at))) at++
  }
  while (at < text.length) {
    const code = text.charCodeAt(at)
    const start = at
    let kind: FieldKind
    let signed = ''
    if (isSpace(code)) {
      at++
      continue
    } else if (isDigit(code)) {
      kind = scanNumber()
    } else if (code === DOT) {
      at++
      skipWhile(isDigit)
      kind = 'number'
    } else if (isLetter(code)) {
      kind = scanWord()
    } else if (code === PLUS || code === DASH) {
      at++
      signed = text[start] as string
      skipWhile(isSpace)
      const first = at
      const next = text.charCodeAt(at)
      if (isDigit(next)) {
        kind = 'zone'
        skipWhile((c) => isDigit(c) || c === COLON || c === DOT || c === DASH)
      } else if (isLetter(next)) {
        kind = 'special'
        skipWhile(isLetter)
      } else {
        return undefined
      }
      signed += text.slice(first, at)
    } else if (isPunctuation(code)) {
      at++
      continue
    } else {
      return undefined
    }
    if (fields.length >= FIELDS_MAX) return undefined
    fields.push({ kind, text: (signed === '' ? text.slice(start, at) : signed).toLowerCase() })
  }
  return fields

  function scanNumber(): FieldKind {
    skipWhile(isDigit)
    const delimiter = text.charCodeAt(at)
    if (delimiter === COLON) {
      skipWhile((c) => isDigit(c) || c === COLON || c === DOT)
      return 'time'
    }
    if (delimiter !== DASH && delimiter !== SLASH && delimiter !== DOT) return 'number'
    at++
    if (!isDigit(text.charCodeAt(at))) {
      skipWhile((c) => isAlphanumeric(c) || c === delimiter)
      return 'date'
    }
    skipWhile(isDigit)
    if (text.charCodeAt(at) === delimiter) {
      skipWhile((c) => isDigit(c) || c === delimiter)
      return 'date'
    }
    return delimiter === DOT ? 'number' : 'date'
  }

  /** Letters; with punctuation or digits behind, unless they are a keyword, a date or the name of a zone. */
  function scanWord(): FieldKind {
    const start = at
    skipWhile(isLetter)
    const next = text.charCodeAt(at)
    const goesOn =
      next === DASH ||
      next === SLASH ||
      next === DOT ||
      ((next === PLUS || isDigit(next)) && !isKeyword(text.slice(start, at).toLowerCase()))
    if (!goesOn) return 'word'
    skipWhile(
      (c) => isAlphanumeric(c) || c === PLUS || c === DASH || c === SLASH || c === UNDERSCORE || c === DOT || c === COLON,
    )
    return 'date'
  }
}

function isPunctuation(code: number): boolean {
  return code > 0x20 && code < 0x7f && !isAlphanumeric(code)
}
