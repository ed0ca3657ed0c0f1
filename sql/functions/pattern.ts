// LIKE, ILIKE and SIMILAR TO (documentation, sections 9.7.1 and 9.7.2). A LIKE pattern becomes a test once and is then
// remembered; the common shapes (no wildcard, one at an end or at both) become calls of string methods.

import { lowerCase } from './characters.ts'
import { type Definition, type Definitions, collect } from './definition.ts'
import { SqlError } from '../types/sql-error.ts'

type Test = (text: string) => boolean

/** Remembers what a pattern was made into; forgets all when it has become too much. */
export class PatternCache<T> {
  private readonly made = new Map<string, T>()
  private static readonly entriesMax = 1000

  get(key: string, make: () => T): T {
    const known = this.made.get(key)
    if (known !== undefined) return known
    const value = make()
    if (this.made.size >= PatternCache.entriesMax) this.made.clear()
    this.made.set(key, value)
    return value
  }
}

const likeTests = new PatternCache<Test>()

const escapeForRegExp = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')

interface Token {
  readonly kind: 'text' | '%' | '_' | 'dangling'
  text: string
}

/** A LIKE pattern in tokens: literal text, '%' and '_'; 'dangling' for an escape character that nothing follows. */
function tokensOf(pattern: string): Token[] {
  const tokens: Token[] = []
  const literal = (text: string): void => {
    const last = tokens.at(-1)
    if (last?.kind === 'text') last.text += text
    else tokens.push({ kind: 'text', text })
  }
  for (let i = 0; i < pattern.length; i++) {
    const unit = pattern.charAt(i)
    if (unit === '\\') {
      if (++i >= pattern.length) tokens.push({ kind: 'dangling', text: '' })
      else literal(pattern.charAt(i))
    } else if (unit === '%') {
      if (tokens.at(-1)?.kind !== '%') tokens.push({ kind: '%', text: '' })
    } else if (unit === '_') {
      tokens.push({ kind: '_', text: '' })
    } else {
      literal(unit)
    }
  }
  return tokens
}

function makeTest(pattern: string): Test {
  const tokens = tokensOf(pattern)
  const text = tokens.find((token) => token.kind === 'text')?.text ?? ''
  switch (tokens.map((token) => (token.kind === 'text' ? 't' : token.kind)).join('')) {
    case '':
      return (value) => value === ''
    case 't':
      return (value) => value === text
    case '%':
      return () => true
    case 't%':
      return (value) => value.startsWith(text)
    case '%t':
      return (value) => value.endsWith(text)
    case '%t%':
      return (value) => value.includes(text)
  }
  const source = tokens
    .map(
      (token) => ({ text: escapeForRegExp(token.text), '%': '[^]*', _: '[^]', dangling: '[^]' })[token.kind],
    )
    .join('')
  if (tokens.at(-1)?.kind === 'dangling') return danglingTest(source)
  const regexp = new RegExp(`^${source}$`, 'u')
  return (value) => regexp.test(value)
}

/** A pattern that ends with the escape character matches nothing; a text that reaches it, with more to come, fails. */
function danglingTest(source: string): Test {
  const reaches = new RegExp(`^${source}`, 'u')
  return (value) => {
    if (reaches.test(value)) throw new SqlError('22025', 'LIKE pattern must not end with escape character')
    return false
  }
}

/** text LIKE pattern, with backslash as escape character. */
export function like(text: string, pattern: string): boolean {
  return likeTests.get(pattern, () => makeTest(pattern))(text)
}

function likeIgnoringCase(text: string, pattern: string): boolean {
  return like(lowerCase(text), lowerCase(pattern))
}

const likeBytes = (bytes: Buffer, pattern: Buffer): boolean =>
  like(bytes.toString('latin1'), pattern.toString('latin1'))

function invalidEscape(): SqlError {
  return new SqlError('22025', 'invalid escape string', {
    hint: 'Escape string must be empty or one character.',
  })
}

/** LIKE ... ESCAPE: the pattern with backslash in the place of the given escape character. */
function likeEscape(pattern: string, escape: string): string {
  if (escape === '') return pattern.replaceAll('\\', '\\\\')
  if (Array.from(escape).length !== 1) throw invalidEscape()
  if (escape === '\\') return pattern
  let result = ''
  let isEscaped = false
  for (const character of pattern) {
    if (character === escape && !isEscaped) {
      result += '\\'
      isEscaped = true
      continue
    }
    result += character === '\\' && !isEscaped ? '\\\\' : character
    isEscaped = false
  }
  return result
}

/**
 * SIMILAR TO's pattern as an advanced regular expression anchored at both ends. Escape and double quote divide it in
 * three for SUBSTRING ... SIMILAR: the middle one is what is wanted, the first matches as little as it can. Between
 * brackets, which nest for `[[:alpha:]%]`, only the escape character means something; a closing bracket right after
 * `[` or `[^` is one of the characters.
 */
export function similarToRegexp(pattern: string, escape: string): string {
  if (escape !== '' && Array.from(escape).length !== 1) throw invalidEscape()
  let result = '^(?:'
  let separators = 0
  let brackets = 0
  let isAtStart = false
  let isEscaped = false
  for (const character of pattern) {
    if (isEscaped) {
      isEscaped = false
      if (character === '"' && brackets === 0) {
        if (separators === 0) result += '){1,1}?('
        else if (separators === 1) result += '){1,1}(?:'
        else
          throw new SqlError(
            '2200C',
            'SQL regular expression may not contain more than two escape-double-quote separators',
          )
        separators++
      } else {
        result += `\\${character}`
        isAtStart = false
      }
    } else if (character === escape) {
      isEscaped = true
    } else if (brackets > 0) {
      const isNegation: boolean = isAtStart && character === '^' && !result.endsWith('[^')
      if (character === '[') brackets++
      else if (character === ']' && !isAtStart) brackets--
      result += character === '\\' ? '\\\\' : character
      isAtStart = isNegation
    } else if (character === '[') {
      result += character
      brackets = 1
      isAtStart = true
    } else {
      result +=
        { '%': '.*', _: '.', '(': '(?:', '\\': '\\\\', '.': '\\.', '^': '\\^', $: '\\$' }[character] ??
        character
    }
  }
  return `${result})$`
}

const relations: readonly (readonly [string, (text: string, pattern: string) => boolean])[] = [
  ['like', like],
  ['nlike', (text, pattern) => !like(text, pattern)],
  ['iclike', likeIgnoringCase],
  ['icnlike', (text, pattern) => !likeIgnoringCase(text, pattern)],
]

/** textlike, nameiclike, bpcharnlike, ...: char(n) is matched with its padding. */
function* likeFamily(): Iterable<readonly [string, Definition]> {
  for (const type of ['text', 'name', 'bpchar']) {
    for (const [name, call] of relations) yield [`${type}${name}(${type},text)`, { call }]
  }
  for (const type of ['text', 'name']) {
    yield [`like(${type},text)`, { call: like }]
    yield [`notlike(${type},text)`, { call: (text: string, pattern: string) => !like(text, pattern) }]
  }
  for (const name of ['bytealike', 'like']) yield [`${name}(bytea,bytea)`, { call: likeBytes }]
  for (const name of ['byteanlike', 'notlike']) {
    yield [`${name}(bytea,bytea)`, { call: (bytes: Buffer, pattern: Buffer) => !likeBytes(bytes, pattern) }]
  }
}

export const patternFunctions: Definitions = {
  ...collect(likeFamily()),
  'like_escape(text,text)': { call: likeEscape },
  'like_escape(bytea,bytea)': {
    call: (pattern: Buffer, escape: Buffer) =>
      Buffer.from(likeEscape(pattern.toString('latin1'), escape.toString('latin1')), 'latin1'),
  },
  'similar_escape(text,text)': {
    call: (pattern: string | null, escape: string | null) =>
      pattern === null ? null : similarToRegexp(pattern, escape ?? '\\'),
  },
  'similar_to_escape(text,text)': { call: similarToRegexp },
  'similar_to_escape(text)': { call: (pattern: string) => similarToRegexp(pattern, '\\') },
}
