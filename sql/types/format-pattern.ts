// The templates of to_char, to_date, to_timestamp and to_number (documentation, section 9.8), cut into nodes.
// Which words are keywords depends on the family; everything else is text, with "..." for text that would be
// keywords.

import { isDigit, isSpace } from './input-errors.ts'

/** A keyword with its modifiers. */
export interface PatternAction {
  readonly kind: 'action'
  readonly keyword: string
  /** FM in front: no padding. */
  readonly fill: boolean
  /** TM in front: names in the session's language, which are not padded. */
  readonly localized: boolean
  /** TH or th behind. */
  readonly ordinal: 'TH' | 'th' | undefined
}

/** One character of text. Blanks and separators outside of quotes match loosely on input. */
export interface PatternText {
  readonly kind: 'text' | 'space' | 'separator'
  readonly character: string
}

export type PatternNode = PatternAction | PatternText

export interface PatternFamily {
  /** By first character, longest first. */
  readonly keywords: ReadonlyMap<string, readonly string[]>
  /** Whether FM and TM are modifiers in front, TH, th and SP behind (dates), or keywords (numbers). */
  readonly hasModifiers: boolean
}

/** Indexes keywords by their first character. */
export function patternFamily(keywords: readonly string[], hasModifiers: boolean): PatternFamily {
  const byFirst = new Map<string, string[]>()
  for (const keyword of keywords.toSorted((a, b) => b.length - a.length)) {
    const first = keyword[0] as string
    const list = byFirst.get(first)
    if (list === undefined) byFirst.set(first, [keyword])
    else list.push(keyword)
  }
  return { keywords: byFirst, hasModifiers }
}

/** Punctuation of ASCII: what to_date takes for a separator. */
export function isSeparator(code: number): boolean {
  const lower = code | 0x20
  return code > 0x20 && code < 0x7f && !isDigit(code) && !(lower >= 0x61 && lower <= 0x7a)
}

/** Cuts a template into nodes. */
export function parsePattern(pattern: string, family: PatternFamily): readonly PatternNode[] {
  return new PatternReader(pattern, family).read()
}

class PatternReader {
  readonly #pattern: string
  readonly #family: PatternFamily
  readonly #nodes: PatternNode[] = []
  #at = 0

  constructor(pattern: string, family: PatternFamily) {
    this.#pattern = pattern
    this.#family = family
  }

  read(): readonly PatternNode[] {
    while (this.#at < this.#pattern.length) {
      const prefix = this.#prefix()
      const keyword = this.#keyword()
      if (keyword !== undefined) this.#action(keyword, prefix)
      else if (this.#pattern[this.#at] === '"') this.#quoted()
      else if (this.#at < this.#pattern.length) this.#character()
    }
    return this.#nodes
  }

  /** FM or TM in front of a keyword. */
  #prefix(): string {
    if (!this.#family.hasModifiers) return ''
    const two = this.#pattern.slice(this.#at, this.#at + 2)
    if (two !== 'FM' && two !== 'fm' && two !== 'TM' && two !== 'tm') return ''
    this.#at += 2
    return two.toUpperCase()
  }

  #keyword(): string | undefined {
    const candidates = this.#family.keywords.get(this.#pattern[this.#at] ?? '')
    return candidates?.find((keyword) => this.#pattern.startsWith(keyword, this.#at))
  }

  #action(keyword: string, prefix: string): void {
    this.#at += keyword.length
    let ordinal: PatternAction['ordinal']
    if (this.#family.hasModifiers) {
      const two = this.#pattern.slice(this.#at, this.#at + 2)
      if (two === 'TH' || two === 'th') ordinal = two
      if (ordinal !== undefined || two === 'SP') this.#at += 2
    }
    this.#nodes.push({ kind: 'action', keyword, fill: prefix === 'FM', localized: prefix === 'TM', ordinal })
  }

  /** "..." with backslashes before anything. */
  #quoted(): void {
    this.#at++
    while (this.#at < this.#pattern.length) {
      let character = this.#take()
      if (character === '"') return
      if (character === '\\' && this.#at < this.#pattern.length) character = this.#take()
      this.#nodes.push({ kind: 'text', character })
    }
  }

  #character(): void {
    if (this.#pattern.startsWith('\\"', this.#at)) this.#at++
    const character = this.#take()
    const code = character.charCodeAt(0)
    const kind = isSpace(code) ? 'space' : isSeparator(code) ? 'separator' : 'text'
    this.#nodes.push({ kind, character })
  }

  #take(): string {
    const character = String.fromCodePoint(this.#pattern.codePointAt(this.#at) as number)
    this.#at += character.length
    return character
  }
}

/** st, nd, rd or th for a number's text. */
export function ordinalSuffix(digits: string, form: 'TH' | 'th'): string {
  const last = digits.at(-1) ?? ''
  const isTeen = digits.at(-2) === '1'
  const suffix = isTeen ? 'th' : last === '1' ? 'st' : last === '2' ? 'nd' : last === '3' ? 'rd' : 'th'
  return form === 'TH' ? suffix.toUpperCase() : suffix
}

const ROMAN_DIGITS: readonly (readonly [number, string])[] = [
  [1000, 'M'],
  [900, 'CM'],
  [500, 'D'],
  [400, 'CD'],
  [100, 'C'],
  [90, 'XC'],
  [50, 'L'],
  [40, 'XL'],
  [10, 'X'],
  [9, 'IX'],
  [5, 'V'],
  [4, 'IV'],
  [1, 'I'],
]

/** Roman numerals of 1..3999. */
export function romanNumeral(value: number): string {
  let rest = value
  let text = ''
  for (const [size, letters] of ROMAN_DIGITS) {
    while (rest >= size) {
      text += letters
      rest -= size
    }
  }
  return text
}
