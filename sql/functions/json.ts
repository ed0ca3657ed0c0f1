// Reading json and jsonb (documentation, section 9.16): -> ->> #> #>>, each, elements, keys, lengths, types, paths. Both
// types share the code: a part of a value is a slice of its text (json-text.ts).

import { type Definition, type Definitions, collect } from './definition.ts'
import {
  type JsonKind,
  elementCount,
  elementOf,
  elementsOf,
  kindOf,
  memberOf,
  membersOf,
  prettyPrint,
  stripNulls,
  textOf,
} from './json-text.ts'
import { numericToFloat4 } from './decimal.ts'
import { numericToInt2, numericToInt4, numericToInt8 } from '../types/numeric-arithmetic.ts'
import { numericToFloat8, parseNumeric } from '../types/numeric.ts'
import { SqlError } from '../types/sql-error.ts'
import type { ArrayValue, Row, Value } from '../types/value.ts'

function member(value: string, key: string): Value {
  return kindOf(value) === 'object' ? (memberOf(value, key) ?? null) : null
}

function element(value: string, index: number): Value {
  return kindOf(value) === 'array' ? (elementOf(value, index) ?? null) : null
}

/** A jsonb scalar is kept as an array of one, and it shows here. */
function elementOfJsonb(value: string, index: number): Value {
  const kind = kindOf(value)
  if (kind === 'object' || kind === 'array') return element(value, index)
  return index === 0 || index === -1 ? value : null
}

const asText = (value: Value): Value => (value === null ? null : textOf(value as string))

/** An array's subscript in a path: an integer as C's strtol reads it. */
function subscript(step: string): number | undefined {
  if (!/^\s*[+-]?\d+$/.test(step)) return undefined
  const index = Number(step)
  return index >= -2147483648 && index <= 2147483647 ? index : undefined
}

/** #>: null steps find nothing. */
export function followPath(value: string, path: ArrayValue): Value {
  let at = value
  for (const step of path.elements) {
    if (step === null) return null
    const kind = kindOf(at)
    const index = kind === 'array' ? subscript(step as string) : undefined
    const next =
      kind === 'object'
        ? memberOf(at, step as string)
        : index === undefined
          ? undefined
          : elementOf(at, index)
    if (next === undefined) return null
    at = next
  }
  return at
}

function arrayLength(value: string): number {
  const kind = kindOf(value)
  if (kind === 'array') return elementCount(value)
  throw new SqlError('22023', `cannot get array length of a ${kind === 'object' ? 'non-array' : 'scalar'}`)
}

function expectKind(value: string, wanted: 'object' | 'array', name: string): void {
  const kind = kindOf(value)
  if (kind === wanted) return
  if (wanted === 'array') {
    const what = kind === 'object' ? 'an object' : 'a scalar'
    throw new SqlError(
      '22023',
      name.startsWith('jsonb')
        ? `cannot extract elements from ${what}`
        : `cannot call ${name} on a ${kind === 'object' ? 'non-array' : 'scalar'}`,
    )
  }
  throw new SqlError('22023', nonObjectMessage(name, kind === 'array'))
}

function nonObjectMessage(name: string, isArray: boolean): string {
  if (name.endsWith('object_keys')) return `cannot call ${name} on ${isArray ? 'an array' : 'a scalar'}`
  if (name.startsWith('jsonb')) return `cannot call ${name} on a non-object`
  return isArray ? 'cannot deconstruct an array as an object' : 'cannot deconstruct a scalar'
}

/** json_each and its like; jsonb has each key once, json as often as it was written. */
function* eachRow(value: string, name: string, isText: boolean): Iterable<Row> {
  expectKind(value, 'object', name)
  for (const [key, item] of membersOf(value)) yield [key, isText ? textOf(item) : item]
}

function* elementRows(value: string, name: string, isText: boolean): Iterable<Value> {
  expectKind(value, 'array', name)
  for (const item of elementsOf(value)) yield isText ? textOf(item) : item
}

function* keyRows(value: string, name: string): Iterable<Value> {
  expectKind(value, 'object', name)
  const keys = [...membersOf(value)].map(([key]) => key)
  yield* keys
}

function* bothTypes(): Iterable<readonly [string, Definition]> {
  for (const type of ['json', 'jsonb']) {
    const at = type === 'json' ? element : elementOfJsonb
    yield [`${type}_object_field(${type},text)`, { call: member }]
    yield [
      `${type}_object_field_text(${type},text)`,
      { call: (value: string, key: string) => asText(member(value, key)) },
    ]
    yield [`${type}_array_element(${type},int4)`, { call: at }]
    yield [
      `${type}_array_element_text(${type},int4)`,
      { call: (value: string, i: number) => asText(at(value, i)) },
    ]
    yield [`${type}_extract_path(${type},_text)`, { call: followPath }]
    yield [
      `${type}_extract_path_text(${type},_text)`,
      { call: (value: string, path: ArrayValue) => asText(followPath(value, path)) },
    ]
    yield [`${type}_array_length(${type})`, { call: arrayLength }]
    yield [`${type}_typeof(${type})`, { call: (value: string) => kindOf(value) }]
    for (const [suffix, isText] of [
      ['', false],
      ['_text', true],
    ] as const) {
      const each = `${type}_each${suffix}`
      yield [`${each}(${type})`, { rows: (_context, value: string) => eachRow(value, each, isText) }]
      const elements = `${type}_array_elements${suffix}`
      yield [
        `${elements}(${type})`,
        { rows: (_context, value: string) => elementRows(value, elements, isText) },
      ]
    }
    const keys = `${type}_object_keys`
    yield [`${keys}(${type})`, { rows: (_context, value: string) => keyRows(value, keys) }]
  }
}

/** jsonb's casts to scalars: the JSON kind must fit; its null does not. */
function scalarCast(target: string, wanted: JsonKind, convert: (value: string) => Value): Definition {
  return {
    call: (value: string) => {
      const kind = kindOf(value)
      if (kind !== wanted)
        throw new SqlError(
          '22023',
          `cannot cast jsonb ${kind === 'number' ? 'numeric' : kind} to type ${target}`,
        )
      return convert(value)
    },
  }
}

const casts: Definitions = {
  'bool(jsonb)': scalarCast('boolean', 'boolean', (value) => value === 'true'),
  'numeric(jsonb)': scalarCast('numeric', 'number', parseNumeric),
  'int2(jsonb)': scalarCast('smallint', 'number', (value) => numericToInt2(parseNumeric(value))),
  'int4(jsonb)': scalarCast('integer', 'number', (value) => numericToInt4(parseNumeric(value))),
  'int8(jsonb)': scalarCast('bigint', 'number', (value) => numericToInt8(parseNumeric(value))),
  'float4(jsonb)': scalarCast('real', 'number', (value) => numericToFloat4(parseNumeric(value))),
  'float8(jsonb)': scalarCast('double precision', 'number', (value) => numericToFloat8(parseNumeric(value))),
}

export const jsonFunctions: Definitions = {
  ...collect(bothTypes()),
  ...casts,
  'json_strip_nulls(json)': { call: (value: string) => stripNulls(value, { comma: ',', colon: ':' }) },
  'jsonb_strip_nulls(jsonb)': { call: (value: string) => stripNulls(value, { comma: ', ', colon: ': ' }) },
  'jsonb_pretty(jsonb)': { call: (value: string) => prettyPrint(value) },
}
