// A JSON reader with PostgreSQL's rules and errors (documentation, section 8.14). Values become JsonValue
// trees; for type json, which keeps the text, the same reader only checks.
//
// Numbers stay exact (Numeric), object keys keep the last of duplicates.

import { type Numeric, parseNumeric } from './numeric.ts'
import { SqlError } from './sql-error.ts'

export type JsonValue =
  | null
  | boolean
  | Numeric
  | string
  | readonly JsonValue[]
  | ReadonlyMap<string, JsonValue>

/** Nesting at which PostgreSQL's default stack would be exhausted, roughly. */
const DEPTH_MAX = 6000

/** Parses text into a tree; 22P02 with PostgreSQL's detail and context, 22P05 for \u0000. */
export function parseJson(text: string): JsonValue {
  return new JsonReader(text, true).read()
}

/** Checks that text is JSON without making values. */
export function validateJson(text: string): void {
  // What JSON.parse accepts PostgreSQL accepts too; what it refuses must be looked at for the error.
  try {
    JSON.parse(text)
  } catch {
    new JsonReader(text, false).read()
  }
}

const WORD_CHARACTER = /[A-Za-z0-9_\u0080-\uffff]/
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/
/** As much as belongs to a number, right or wrong, for the error's sake. */
const NUMBER_TOKEN = /-?(?:0|[1-9]\d*)?(?:\.\d*)?(?:[eE][+-]?\d*)?[A-Za-z0-9_\u0080-\uffff]*/y
const PLAIN_STRING = /[^"\\\u0000-\u001f]*/y
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}

class JsonReader {
  readonly #text: string
  readonly #makesValues: boolean
  /** The token being looked at, [start, end); empty at the end of the text. */
  #start = 0
  #end = 0
  #depth = 0

  constructor(text: string, makesValues: boolean) {
    this.#text = text
    this.#makesValues = makesValues
  }

  read(): JsonValue {
    this.#skipSpace()
    const value = this.#value()
    this.#skipSpace()
    if (this.#end < this.#text.length) this.#unexpected('Expected end of input, but found')
    return value
  }

  #skipSpace(): void {
    const text = this.#text
    let at = this.#end
    for (; ; at++) {
      const code = text.charCodeAt(at)
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) break
    }
    this.#start = at
    this.#end = at
  }

  /** The character the next token begins with; '' at the end. */
  #peek(): string {
    return this.#text[this.#end] ?? ''
  }

  #value(): JsonValue {
    const first = this.#peek()
    switch (first) {
      case '{':
        return this.#object()
      case '[':
        return this.#array()
      case '"':
        return this.#string()
      case '}':
      case ']':
      case ':':
      case ',':
      case '':
        return this.#unexpected('Expected JSON value, but found')
      default:
        return first === '-' || (first >= '0' && first <= '9') ? this.#number() : this.#word()
    }
  }

  #enter(): void {
    if (++this.#depth > DEPTH_MAX) {
      throw new SqlError('54001', 'stack depth limit exceeded', {
        hint:
          'Increase the configuration parameter "max_stack_depth" (currently 2048kB), ' +
          "after ensuring the platform's stack depth limit is adequate.",
      })
    }
    this.#end++
    this.#skipSpace()
  }

  #object(): JsonValue {
    this.#enter()
    const entries = new Map<string, JsonValue>()
    if (this.#peek() !== '}') {
      for (let isFirst = true; ; isFirst = false) {
        if (this.#peek() !== '"')
          this.#unexpected(isFirst ? 'Expected string or "}", but found' : 'Expected string, but found')
        const key = this.#string()
        this.#skipSpace()
        if (this.#peek() !== ':') this.#unexpected('Expected ":", but found')
        this.#end++
        this.#skipSpace()
        const value = this.#value()
        if (this.#makesValues) entries.set(key, value)
        this.#skipSpace()
        if (this.#peek() === '}') break
        if (this.#peek() !== ',') this.#unexpected('Expected "," or "}", but found')
        this.#end++
        this.#skipSpace()
      }
    }
    this.#end++
    this.#depth--
    return entries
  }

  #array(): JsonValue {
    this.#enter()
    const items: JsonValue[] = []
    if (this.#peek() !== ']') {
      for (;;) {
        const item = this.#value()
        if (this.#makesValues) items.push(item)
        this.#skipSpace()
        if (this.#peek() === ']') break
        if (this.#peek() !== ',') this.#unexpected('Expected "," or "]", but found')
        this.#end++
        this.#skipSpace()
      }
    }
    this.#end++
    this.#depth--
    return items
  }

  #number(): JsonValue {
    this.#start = this.#end
    NUMBER_TOKEN.lastIndex = this.#start
    const token = NUMBER_TOKEN.exec(this.#text)?.[0] ?? ''
    this.#end = this.#start + token.length
    if (!NUMBER.test(token)) this.#invalidToken()
    return this.#makesValues ? parseNumeric(token) : null
  }

  #word(): JsonValue {
    this.#start = this.#end
    while (WORD_CHARACTER.test(this.#peek())) this.#end++
    if (this.#end === this.#start) this.#end++
    const word = this.#text.slice(this.#start, this.#end)
    if (word === 'true') return true
    if (word === 'false') return false
    if (word === 'null') return null
    this.#invalidToken()
  }

  #string(): string {
    this.#start = this.#end
    let value = ''
    let at = this.#start + 1
    for (;;) {
      PLAIN_STRING.lastIndex = at
      const plain = PLAIN_STRING.exec(this.#text)?.[0] ?? ''
      at += plain.length
      value += plain
      const code = this.#text.charCodeAt(at)
      if (code === 0x22) break
      this.#end = at
      if (Number.isNaN(code)) this.#invalidToken()
      if (code !== 0x5c) {
        const hex = code.toString(16).padStart(2, '0')
        this.#fail(`Character with value 0x${hex} must be escaped.`)
      }
      const escape = this.#text[at + 1] ?? ''
      if (escape === 'u') {
        value += this.#unicode(at)
        at += 6
        continue
      }
      const character = ESCAPES[escape]
      if (character === undefined) this.#badEscape(at, escape)
      value += character
      at += 2
    }
    this.#end = at + 1
    if (this.#makesValues) this.#checkSurrogates(value)
    return value
  }

  #badEscape(at: number, escape: string): never {
    if (escape === '') {
      this.#end = this.#text.length
      this.#invalidToken()
    }
    const character = String.fromCodePoint(this.#text.codePointAt(at + 1) as number)
    this.#end = at + 1 + character.length
    this.#fail(`Escape sequence "\\${character}" is invalid.`)
  }

  /** \uXXXX at `at`. Halves of pairs are checked when the string is whole. */
  #unicode(at: number): string {
    const digits = /^[0-9a-fA-F]{0,4}/.exec(this.#text.slice(at + 2, at + 6))?.[0] ?? ''
    if (digits.length < 4) {
      this.#end = Math.min(at + 3 + digits.length, this.#text.length)
      if (at + 2 + digits.length >= this.#text.length) this.#invalidToken()
      this.#fail('"\\u" must be followed by four hexadecimal digits.')
    }
    const code = Number.parseInt(digits, 16)
    if (!this.#makesValues) return ''
    if (code === 0) {
      this.#end = at + 6
      const where = this.#context()
      throw new SqlError('22P05', 'unsupported Unicode escape sequence', {
        detail: '\\u0000 cannot be converted to text.',
        where,
      })
    }
    return String.fromCharCode(code)
  }

  #checkSurrogates(value: string): void {
    if (!/\p{Surrogate}/u.test(value)) return
    for (let i = 0; i < value.length; i++) {
      const high = value.charCodeAt(i)
      if ((high & 0xf800) !== 0xd800) continue
      if (high >= 0xdc00) this.#fail('Unicode low surrogate must follow a high surrogate.')
      const low = value.charCodeAt(++i)
      if ((low & 0xfc00) === 0xd800) this.#fail('Unicode high surrogate must not follow a high surrogate.')
      if ((low & 0xfc00) !== 0xdc00) this.#fail('Unicode low surrogate must follow a high surrogate.')
    }
  }

  /** Complains of the next token; when it is itself no token, of that instead. */
  #unexpected(expectation: string): never {
    const first = this.#peek()
    if (first === '') this.#fail('The input string ended unexpectedly.')
    this.#start = this.#end
    if ('{}[]:,'.includes(first)) this.#end++
    else if (first === '"') this.#string()
    else if (first === '-' || (first >= '0' && first <= '9')) this.#number()
    else this.#word()
    this.#fail(`${expectation} "${this.#text.slice(this.#start, this.#end)}".`)
  }

  #invalidToken(): never {
    this.#fail(`Token "${this.#text.slice(this.#start, this.#end)}" is invalid.`)
  }

  #fail(detail: string): never {
    throw new SqlError('22P02', 'invalid input syntax for type json', { detail, where: this.#context() })
  }

  /** The line up to the end of the token, shortened in front. */
  #context(): string {
    const text = this.#text
    const before = text.slice(0, this.#start)
    const lineStart = before.lastIndexOf('\n') + 1
    const line = before.split('\n').length
    let from = Math.max(lineStart, this.#end - 49)
    if (from - lineStart <= 3) from = lineStart
    const next = text[this.#end]
    const isEnd = this.#start >= text.length
    const suffix = !isEnd && next !== undefined && next !== '\n' && next !== '\r' ? '...' : ''
    return `JSON data, line ${line}: ${from > lineStart ? '...' : ''}${text.slice(from, this.#end)}${suffix}`
  }
}
