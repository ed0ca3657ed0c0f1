// json (the text as it was typed, checked) and jsonb (the canonical text: keys by length then bytes, one
// blank behind colons and commas, numbers as numeric prints them).
//
//   jsonb key    tag, then: 00 null | 01 text key | 02 numeric key | 03 bool
//                10 u32 count, 00 for a bare scalar or 01, items | 11 u32 count, (text key, value) pairs

import type { ByteWriter } from '../../storage/base/byte-writer.ts'
import type { Behaviour } from './define-type.ts'
import { insufficientData } from './input-errors.ts'
import { type JsonValue, parseJson, validateJson } from './json-parse.ts'
import { writeKeyText } from './key-bytes.ts'
import { compareNumeric, formatNumeric, Numeric, trimScale } from './numeric.ts'
import { numericBehaviour } from './numeric-type.ts'
import { SqlError } from './sql-error.ts'
import { compareText } from './text.ts'
import { receiveText } from './text-types.ts'

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
}

const PLAIN = /^[^"\\\u0000-\u001f]*$/

/** A text as a JSON string, quotes included. */
export function quoteJson(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`
  // eslint-disable-next-line no-control-regex
  const escaped = text.replace(
    /["\\\u0000-\u001f]/g,
    (character) => ESCAPES[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return `"${escaped}"`
}

/** Bytes of a text as UTF-8; a loop, because keys are short. */
function utf8Length(text: string): number {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return Buffer.byteLength(text)
  return text.length
}

/** jsonb's order of keys: shorter (in bytes) first, then by bytes. */
function compareKeys(a: string, b: string): number {
  return utf8Length(a) - utf8Length(b) || compareText(a, b)
}

/** The entries of an object in jsonb's order. */
export function sortedEntries(
  object: ReadonlyMap<string, JsonValue>,
): readonly (readonly [string, JsonValue])[] {
  return [...object].sort(([a], [b]) => compareKeys(a, b))
}

/**
 * jsonb's canonical text of a tree. `trims`: numbers without trailing zeroes, so that equal values have equal
 * text.
 */
export function formatJsonb(value: JsonValue, trims = false): string {
  if (value === null) return 'null'
  if (typeof value === 'boolean') return value ? 'true' : 'false'
  if (typeof value === 'string') return quoteJson(value)
  if (value instanceof Numeric) return formatNumeric(trims ? trimScale(value) : value)
  if (value instanceof Map) {
    const entries = sortedEntries(value).map(
      ([key, item]) => `${quoteJson(key)}: ${formatJsonb(item, trims)}`,
    )
    return `{${entries.join(', ')}}`
  }
  return `[${(value as readonly JsonValue[]).map((item) => formatJsonb(item, trims)).join(', ')}]`
}

/** Numbers that a float cannot keep as they are, and escapes that PostgreSQL looks at: not for JSON.parse. */
const NEEDS_EXACT_READER = /\d[.eE]|\d{16}|\\u/

/** Nesting up to which the quick way goes. */
const QUICK_DEPTH_MAX = 500

/** jsonb input: the canonical text of any JSON text. */
export function canonicalJsonb(text: string): string {
  return quickCanonical(text) ?? formatJsonb(parseJson(text))
}

/** By way of JSON.parse; undefined for anything unusual, errors included. */
function quickCanonical(text: string): string | undefined {
  if (NEEDS_EXACT_READER.test(text)) return undefined
  try {
    return formatPlain(JSON.parse(text) as PlainJson, QUICK_DEPTH_MAX)
  } catch {
    return undefined
  }
}

/** What JSON.parse gives. */
type PlainJson =
  | null
  | boolean
  | number
  | string
  | readonly PlainJson[]
  | { readonly [key: string]: PlainJson }

function formatPlain(value: PlainJson, depth: number): string | undefined {
  if (value === null) return 'null'
  if (typeof value === 'string') return quoteJson(value)
  if (typeof value !== 'object') return String(value)
  if (depth === 0) return undefined
  const isArray = Array.isArray(value)
  const keys = isArray ? undefined : Object.keys(value).sort(compareKeys)
  const items = keys === undefined ? (value as readonly PlainJson[]) : Object.values(value as object)
  let inner = ''
  for (let i = 0; i < items.length; i++) {
    const key = keys?.[i]
    const item = key === undefined ? items[i] : (value as Readonly<Record<string, PlainJson>>)[key]
    const text = formatPlain(item as PlainJson, depth - 1)
    if (text === undefined) return undefined
    inner += `${i === 0 ? '' : ', '}${key === undefined ? '' : `${quoteJson(key)}: `}${text}`
  }
  return isArray ? `[${inner}]` : `{${inner}}`
}

/** Rank of a value's kind in jsonb's order. */
function rank(value: JsonValue): number {
  if (value === null) return 0
  if (typeof value === 'string') return 1
  if (value instanceof Numeric) return 2
  if (typeof value === 'boolean') return 3
  return value instanceof Map ? 0x11 : 0x10
}

/** jsonb's btree order of two trees (documentation, section 8.14.4). */
export function compareJson(a: JsonValue, b: JsonValue): number {
  const x = rank(a)
  const y = rank(b)
  // At the top a scalar counts as an array of one, below a real one of the same length.
  if (x < 0x10 && y === 0x10) return 1 - (b as readonly JsonValue[]).length || -1
  if (y < 0x10 && x === 0x10) return (a as readonly JsonValue[]).length - 1 || 1
  return compareInside(a, b)
}

function compareInside(a: JsonValue, b: JsonValue): number {
  const difference = rank(a) - rank(b)
  if (difference !== 0 || a === null || b === null) return difference
  if (typeof a === 'string') return compareText(a, b as string)
  if (a instanceof Numeric) return compareNumeric(a, b as Numeric)
  if (typeof a === 'boolean') return Number(a) - Number(b)
  if (a instanceof Map) return compareObjects(a, b as ReadonlyMap<string, JsonValue>)
  const x = a as readonly JsonValue[]
  const y = b as readonly JsonValue[]
  if (x.length !== y.length) return x.length - y.length
  for (let i = 0; i < x.length; i++) {
    const order = compareInside(x[i] as JsonValue, y[i] as JsonValue)
    if (order !== 0) return order
  }
  return 0
}

function compareObjects(a: ReadonlyMap<string, JsonValue>, b: ReadonlyMap<string, JsonValue>): number {
  if (a.size !== b.size) return a.size - b.size
  const y = sortedEntries(b)
  for (const [i, [key, value]] of sortedEntries(a).entries()) {
    const [otherKey, otherValue] = y[i] as readonly [string, JsonValue]
    const order = compareText(key, otherKey) || compareInside(value, otherValue)
    if (order !== 0) return order
  }
  return 0
}

function writeKey(value: JsonValue, writer: ByteWriter, isTop: boolean): void {
  const tag = rank(value)
  if (tag < 0x10) {
    if (isTop) {
      writer.uint8(0x10)
      writer.int32(1)
      writer.uint8(0)
    }
    writer.uint8(tag)
    if (typeof value === 'string') writeKeyText(value, writer)
    else if (value instanceof Numeric) numericBehaviour.encodeKey?.(value, writer)
    else if (typeof value === 'boolean') writer.uint8(value ? 1 : 0)
    return
  }
  writer.uint8(tag)
  if (value instanceof Map) {
    writer.int32(value.size)
    for (const [key, item] of sortedEntries(value)) {
      writeKeyText(key, writer)
      writeKey(item, writer, false)
    }
    return
  }
  const items = value as readonly JsonValue[]
  writer.int32(items.length)
  writer.uint8(1)
  for (const item of items) writeKey(item, writer, false)
}

/** Numbers that print differently but are equal have trailing zeroes behind a point. */
const MAY_HAVE_TRAILING_ZERO = /\.\d*0/

export const jsonBehaviour: Behaviour<string> = {
  input(text) {
    validateJson(text)
    return text
  },
  output: (value) => value,
  receive(bytes, start, end) {
    const text = receiveText(bytes, start, end)
    validateJson(text)
    return text
  },
  send: (value, writer) => void writer.utf8(value),
}

const BINARY_VERSION = 1

export const jsonbBehaviour: Behaviour<string> = {
  input: canonicalJsonb,
  output: (value) => value,
  receive(bytes, start, end) {
    if (start === end) throw insufficientData()
    const version = bytes[start] as number
    if (version !== BINARY_VERSION) throw new SqlError('XX000', `unsupported jsonb version number ${version}`)
    return canonicalJsonb(receiveText(bytes, start + 1, end))
  },
  send(value, writer) {
    writer.uint8(BINARY_VERSION)
    writer.utf8(value)
  },
  compare: (a, b) => (a === b ? 0 : compareJson(parseJson(a), parseJson(b))),
  hashKey: (value) => (MAY_HAVE_TRAILING_ZERO.test(value) ? formatJsonb(parseJson(value), true) : value),
  encodeKey: (value, writer) => writeKey(parseJson(value), writer, true),
}
