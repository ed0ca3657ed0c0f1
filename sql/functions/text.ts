// Functions of text (documentation, section 9.4): length, parts, padding, trimming, case, replacement. What formats
// and quotes is in text-format.ts, what splits in text-split.ts, patterns in pattern.ts and regexp.ts.

import {
  capitalise,
  characterIndex,
  charactersOf,
  lowerCase,
  sliceCharacters,
  upperCase,
} from './characters.ts'
import { trimBlanks } from './comparison.ts'
import { type Definitions, inlined } from './definition.ts'
import { toInt4 } from './range-check.ts'
import { SqlError } from '../types/sql-error.ts'
import { characterCount, compareText } from '../types/text.ts'
import type { Int8, Value } from '../types/value.ts'

/** PostgreSQL's limit of one allocation; results above it are refused before they are made. */
const BYTES_MAX = 0x3fff_ffff

/** JavaScript's own limit of a string lies below PostgreSQL's (V8: 2^29 - 24 units). */
const UNITS_MAX = 0x1fff_ffe0

function tooLarge(): SqlError {
  return new SqlError('54000', 'requested length too large')
}

const octets = (text: string): number => Buffer.byteLength(text)

/** SQL's SUBSTRING: `start` is 1-based and may lie before the text, `count` reaches from there. */
export function substring(text: string, start: number, count: number = Infinity): string {
  if (count < 0) throw new SqlError('22011', 'negative substring length not allowed')
  return sliceCharacters(text, start - 1, start - 1 + count)
}

/** SQL's OVERLAY: `count` characters from `start` on replaced. */
function overlay(text: string, by: string, start: number, count = characterCount(by)): string {
  if (start <= 0) throw new SqlError('22011', 'negative substring length not allowed')
  return substring(text, 1, start - 1) + by + sliceCharacters(text, toInt4(start + count) - 1, Infinity)
}

function position(text: string, part: string): number {
  const at = text.indexOf(part)
  return at <= 0 ? at + 1 : characterIndex(text, at) + 1
}

/** What fills `missing` characters with repetitions of `fill`, cut where they end. */
function padding(fill: string, missing: number): string {
  const characters = charactersOf(fill)
  const rounds = Math.floor(missing / characters.length)
  return fill.repeat(rounds) + characters.slice(0, missing % characters.length).join('')
}

function pad(text: string, length: number, fill: string): { kept: string; added: string } {
  const count = characterCount(text)
  const wanted = Math.max(length, 0)
  if (count >= wanted || fill === '') return { kept: sliceCharacters(text, 0, wanted), added: '' }
  if (wanted > UNITS_MAX) throw tooLarge()
  return { kept: text, added: padding(fill, wanted - count) }
}

function lpad(text: string, length: number, fill = ' '): string {
  const { kept, added } = pad(text, length, fill)
  return added + kept
}

function rpad(text: string, length: number, fill = ' '): string {
  const { kept, added } = pad(text, length, fill)
  return kept + added
}

/** Removes characters of `set` from the sides asked for. */
function trim(text: string, set: string, sides: 'both' | 'left' | 'right'): string {
  const members = new Set(set)
  const characters = charactersOf(text)
  let [start, end] = [0, characters.length]
  if (sides !== 'right') while (start < end && members.has(characters[start] ?? '')) start++
  if (sides !== 'left') while (end > start && members.has(characters[end - 1] ?? '')) end--
  return start === 0 && end === characters.length ? text : characters.slice(start, end).join('')
}

function repeat(text: string, count: number): string {
  if (count <= 0 || text === '') return ''
  if (octets(text) * count > BYTES_MAX - 4 || text.length * count > UNITS_MAX) throw tooLarge()
  return text.repeat(count)
}

/** Each character of `from` becomes the one at its place in `to`, or nothing. The first of equal ones counts. */
function translate(text: string, from: string, to: string): string {
  const targets = charactersOf(to)
  const map = new Map<string, string>()
  for (const [i, character] of charactersOf(from).entries()) {
    if (!map.has(character)) map.set(character, targets[i] ?? '')
  }
  return charactersOf(text)
    .map((character) => map.get(character) ?? character)
    .join('')
}

/** A negative count leaves out that many at the other end. */
function left(text: string, count: number): string {
  return sliceCharacters(text, 0, count >= 0 ? count : characterCount(text) + count)
}

function right(text: string, count: number): string {
  const start = count >= 0 ? Math.max(characterCount(text) - count, 0) : -count
  return sliceCharacters(text, start, Infinity)
}

function chr(code: number): string {
  if (code < 0) throw new SqlError('22023', 'character number must be positive')
  if (code === 0) throw new SqlError('54000', 'null character not permitted')
  if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
    throw new SqlError('54000', `requested character too large for encoding: ${code}`)
  }
  return String.fromCodePoint(code)
}

const normalForms = ['NFC', 'NFD', 'NFKC', 'NFKD']

function normalForm(form: string): string {
  const upper = form.toUpperCase()
  if (!normalForms.includes(upper)) throw new SqlError('22023', `invalid normalization form: ${form}`)
  return upper
}

/** unistr: \XXXX, \+XXXXXX, \uXXXX, \UXXXXXXXX and \\ . */
function unescapeUnicode(text: string): string {
  const escape = /\\(?:\\|\+([0-9a-fA-F]{6})|u?([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|)/g
  const result = text.replace(escape, (match: string, six?: string, four?: string, eight?: string) => {
    if (match === '\\\\') return '\\'
    const digits = four ?? six ?? eight
    if (digits === undefined) {
      throw new SqlError('42601', 'invalid Unicode escape', {
        hint: 'Unicode escapes must be \\XXXX, \\+XXXXXX, \\uXXXX, or \\UXXXXXXXX.',
      })
    }
    const code = Number.parseInt(digits, 16)
    if (code === 0 || code > 0x10ffff) {
      const hex = code.toString(16).toUpperCase().padStart(4, '0')
      throw new SqlError('22023', `invalid Unicode code point: ${hex}`)
    }
    return code < 0x10000 ? String.fromCharCode(code) : String.fromCodePoint(code)
  })
  if (/[\ud800-\udfff]/u.test(result)) throw new SqlError('42601', 'invalid Unicode surrogate pair')
  return result
}

/** reverse keeps surrogate pairs together. */
const reverse = (text: string): string => charactersOf(text).toReversed().join('')

const lengths: Definitions = {
  'length(text)': { call: characterCount },
  'char_length(text)': { call: characterCount },
  'character_length(text)': { call: characterCount },
  'textlen(text)': { call: characterCount },
  'length(bpchar)': { call: (a: string) => characterCount(trimBlanks(a)) },
  'char_length(bpchar)': { call: (a: string) => characterCount(trimBlanks(a)) },
  'character_length(bpchar)': { call: (a: string) => characterCount(trimBlanks(a)) },
  'octet_length(text)': { call: octets },
  'octet_length(bpchar)': { call: octets },
  'bit_length(text)': { call: (a: string) => octets(a) * 8 },
}

const parts: Definitions = {
  'substring(text,int4,int4)': { call: substring },
  'substring(text,int4)': { call: (a: string, from: number) => substring(a, from) },
  'substr(text,int4,int4)': { call: substring },
  'substr(text,int4)': { call: (a: string, from: number) => substring(a, from) },
  'overlay(text,text,int4,int4)': { call: overlay },
  'overlay(text,text,int4)': { call: (a: string, by: string, from: number) => overlay(a, by, from) },
  'position(text,text)': { call: position },
  'strpos(text,text)': { call: position },
  'left(text,int4)': { call: left },
  'right(text,int4)': { call: right },
  'starts_with(text,text)': { call: (a: string, start: string) => a.startsWith(start) },
}

const shapes: Definitions = {
  'lpad(text,int4,text)': { call: lpad },
  'lpad(text,int4)': { call: (a: string, length: number) => lpad(a, length) },
  'rpad(text,int4,text)': { call: rpad },
  'rpad(text,int4)': { call: (a: string, length: number) => rpad(a, length) },
  'btrim(text,text)': { call: (a: string, set: string) => trim(a, set, 'both') },
  'btrim(text)': { call: (a: string) => trim(a, ' ', 'both') },
  'ltrim(text,text)': { call: (a: string, set: string) => trim(a, set, 'left') },
  'ltrim(text)': { call: (a: string) => trim(a, ' ', 'left') },
  'rtrim(text,text)': { call: (a: string, set: string) => trim(a, set, 'right') },
  'rtrim(text)': { call: (a: string) => trim(a, ' ', 'right') },
  'repeat(text,int4)': { call: repeat },
  'reverse(text)': { call: reverse },
  'replace(text,text,text)': {
    call: (a: string, from: string, to: string) => (from === '' ? a : a.replaceAll(from, () => to)),
  },
  'translate(text,text,text)': { call: translate },
}

const letters: Definitions = {
  'lower(text)': { call: lowerCase },
  'upper(text)': { call: upperCase },
  'initcap(text)': { call: capitalise },
  'ascii(text)': { call: (a: string) => a.codePointAt(0) ?? 0 },
  'chr(int4)': { call: chr },
  'to_hex(int4)': { call: (a: number) => (a >>> 0).toString(16) },
  'to_hex(int8)': { call: (a: Int8) => BigInt.asUintN(64, BigInt(a)).toString(16) },
  'normalize(text,text)': { call: (a: string, form: string) => a.normalize(normalForm(form)) },
  'is_normalized(text,text)': { call: (a: string, form: string) => a.normalize(normalForm(form)) === a },
  'unistr(text)': { call: unescapeUnicode },
  'textcat(text,text)': inlined(
    (a: string, b: string): Value => a + b,
    (a, b) => `(${a} + ${b})`,
  ),
  'text_larger(text,text)': { call: (a: string, b: string) => (compareText(a, b) > 0 ? a : b) },
  'text_smaller(text,text)': { call: (a: string, b: string) => (compareText(a, b) < 0 ? a : b) },
  'text_pattern_lt(text,text)': { call: (a: string, b: string) => compareText(a, b) < 0 },
  'text_pattern_le(text,text)': { call: (a: string, b: string) => compareText(a, b) <= 0 },
  'text_pattern_gt(text,text)': { call: (a: string, b: string) => compareText(a, b) > 0 },
  'text_pattern_ge(text,text)': { call: (a: string, b: string) => compareText(a, b) >= 0 },
}

export const textFunctions: Definitions = { ...lengths, ...parts, ...shapes, ...letters }
