// SQL values as JSON: to_json, to_jsonb, json(b)_build_*, json(b)_agg, json(b)_object_agg, row_to_json, json_object
// (documentation, section 9.16, table 9.47). Both kinds of text are PostgreSQL's own, down to the blanks:
//
//   to_json       {"a":1,"b":[1,2]}        json_build_object   {"a" : 1, "b" : 2}       json_agg   [1, 2]
//   to_jsonb      {"a": 1, "b": [1, 2]}    always jsonb's one form

import { type AggregateDefinition, type Definitions, type TypedDefinition, aggregate } from './definition.ts'
import type { FunctionContext } from './function.ts'
import { encodeString, makeArray, makeObject } from './json-text.ts'
import { castToText, outputText } from './text-format.ts'
import {
  BOOL_OID,
  DATE_OID,
  FLOAT4_OID,
  FLOAT8_OID,
  INT2_OID,
  INT4_OID,
  INT8_OID,
  JSONB_OID,
  JSON_OID,
  NUMERIC_OID,
  TIMESTAMPTZ_OID,
  TIMESTAMP_OID,
} from '../types/oids.ts'
import { formatNumeric, parseNumeric } from '../types/numeric.ts'
import { SqlError } from '../types/sql-error.ts'
import { ArrayValue, RecordValue, type Value } from '../types/value.ts'

const numberTypes = new Set([INT2_OID, INT4_OID, INT8_OID, FLOAT4_OID, FLOAT8_OID, NUMERIC_OID])
const momentTypes = new Set([DATE_OID, TIMESTAMP_OID, TIMESTAMPTZ_OID])

/** Dates as ISO 8601 whatever DateStyle says: T between day and time, minutes in every offset. */
function momentText(context: FunctionContext, type: number, value: NonNullable<Value>): string {
  const iso = { ...context, lookup: context.lookup, dateStyle: { style: 'ISO', order: 'MDY' } } as const
  const text = context.lookup.type(type).output(value, iso)
  return text
    .replace(/^([\d-]+) (\d\d:)/, '$1T$2')
    .replace(/([+-]\d\d)( BC)?$/, (match, offset: string, era?: string) =>
      text.includes(':') ? `${offset}:00${era ?? ''}` : match,
    )
}

/** The type below a domain. */
function baseTypeOf(context: FunctionContext, type: number): number {
  const { kind, baseOid } = context.lookup.type(type)
  return kind === 'domain' && baseOid !== 0 ? baseTypeOf(context, baseOid) : type
}

/** How the two kinds of text differ. */
interface Form {
  readonly target: number
  readonly array: (elements: string[], isNested: boolean) => string
  readonly object: (members: [string, string][]) => string
}

const jsonForm: Form = {
  target: JSON_OID,
  array: (elements) => `[${elements.join(',')}]`,
  object: (members) => `{${members.map(([key, value]) => `${encodeString(key)}:${value}`).join(',')}}`,
}

const jsonbForm: Form = { target: JSONB_OID, array: makeArray, object: makeObject }

function convert(context: FunctionContext, given: number, value: Value, form: Form): string {
  if (value === null) return 'null'
  const type = baseTypeOf(context, given)
  if (type === BOOL_OID) return value === true ? 'true' : 'false'
  if (numberTypes.has(type)) return numberText(context, type, value, form)
  if (momentTypes.has(type)) return encodeString(momentText(context, type, value))
  if (value instanceof ArrayValue) return arrayText(context, value, form)
  if (value instanceof RecordValue) {
    const members = value.fields.map((field, i): [string, string] => [
      value.fieldNames[i] ?? `f${i + 1}`,
      convert(context, value.fieldTypes[i] ?? 0, field, form),
    ])
    return form.object(members)
  }
  if (type === form.target || type === JSONB_OID) return value as string
  // json becomes jsonb by its input, which brings it into jsonb's form.
  if (type === JSON_OID) return context.lookup.type(JSONB_OID).input(value as string, -1, context) as string
  return encodeString(castToText(context, type, value))
}

/** NaN and the infinities are no JSON numbers: they become strings. jsonb's numbers are numerics: no exponents. */
function numberText(context: FunctionContext, type: number, value: NonNullable<Value>, form: Form): string {
  const text = outputText(context, type, value)
  if (!/^-?[\d.]/.test(text)) return encodeString(text)
  const isFloat = type === FLOAT4_OID || type === FLOAT8_OID
  return isFloat && form === jsonbForm ? formatNumeric(parseNumeric(text)) : text
}

/** Arrays of several dimensions nest. */
function arrayText(context: FunctionContext, array: ArrayValue, form: Form): string {
  const { dimensions, elements, elementOid } = array
  if (dimensions.length === 0) return '[]'
  const level = (depth: number, from: number, count: number): string => {
    const size = dimensions[depth] ?? 0
    const step = count / size
    const parts = Array.from({ length: size }, (_, i) =>
      depth === dimensions.length - 1
        ? convert(context, elementOid, elements[from + i] ?? null, form)
        : level(depth + 1, from + i * step, step),
    )
    return form.array(parts, depth < dimensions.length - 1)
  }
  return level(0, 0, elements.length)
}

/** to_json's text of a value. */
export function toJson(context: FunctionContext, type: number, value: Value): string {
  return convert(context, type, value, jsonForm)
}

/** to_jsonb's text of a value. */
export function toJsonb(context: FunctionContext, type: number, value: Value): string {
  return convert(context, type, value, jsonbForm)
}

type Convert = (context: FunctionContext, type: number, value: Value) => string

function scalar(to: Convert): TypedDefinition {
  return {
    specialise:
      ([type = 0]) =>
      (context, value: Value) =>
        to(context, type, value),
  }
}

/** The arguments of VARIADIC "any", each with its type; an array given as such counts element by element. */
function variadic(
  types: readonly number[],
  args: readonly Value[],
  isArray: boolean,
): (readonly [number, Value])[] {
  if (!isArray) return args.map((arg, i) => [types[i] ?? 0, arg] as const)
  const array = args[0] as ArrayValue | null
  return array === null ? [] : array.elements.map((element) => [array.elementOid, element] as const)
}

function keyText(context: FunctionContext, type: number, key: Value, problem: SqlError): string {
  if (key === null) throw problem
  const base = context.lookup.type(type)
  if (
    key instanceof ArrayValue ||
    key instanceof RecordValue ||
    base.oid === JSON_OID ||
    base.oid === JSONB_OID
  ) {
    throw new SqlError('22023', 'key value must be scalar, not array, composite, or json')
  }
  return momentTypes.has(type) ? momentText(context, type, key) : castToText(context, type, key)
}

function pairsOf(
  context: FunctionContext,
  args: readonly (readonly [number, Value])[],
  to: Convert,
  nullKey: (position: number) => SqlError,
): [string, string][] {
  if (args.length % 2 !== 0) {
    const isJsonb = to === toJsonb
    throw new SqlError('22023', 'argument list must have even number of elements', {
      hint: `The arguments of ${isJsonb ? 'jsonb' : 'json'}_build_object() must consist of alternating keys and values.`,
    })
  }
  const pairs: [string, string][] = []
  for (let i = 0; i < args.length; i += 2) {
    const [[keyType, key] = [0, null], [valueType, value] = [0, null]] = [args[i], args[i + 1]]
    pairs.push([keyText(context, keyType, key, nullKey(i + 1)), to(context, valueType, value)])
  }
  return pairs
}

const loose = (pairs: readonly [string, string][]): string =>
  `{${pairs.map(([key, value]) => `${encodeString(key)} : ${value}`).join(', ')}}`

function buildObject(to: Convert): TypedDefinition {
  const isJsonb = to === toJsonb
  const nullKey = (position: number): SqlError =>
    isJsonb
      ? new SqlError('22023', `argument ${position}: key must not be null`)
      : new SqlError('22023', `argument ${position} cannot be null`, { hint: 'Object keys should be text.' })
  return {
    specialise:
      (types, _result, isArray) =>
      (context, ...args: Value[]) => {
        if (isArray && args[0] === null) return null
        const pairs = pairsOf(context, variadic(types, args, isArray), to, nullKey)
        return isJsonb ? makeObject(pairs) : loose(pairs)
      },
  }
}

function buildArray(to: Convert): TypedDefinition {
  return {
    specialise:
      (types, _result, isArray) =>
      (context, ...args: Value[]) => {
        if (isArray && args[0] === null) return null
        return makeArray(variadic(types, args, isArray).map(([type, value]) => to(context, type, value)))
      },
  }
}

/** json_object of texts: alternating, in pairs, or two arrays. */
function objectOfTexts(keys: readonly Value[], values: readonly Value[], isJsonb: boolean): string {
  const pairs = keys.map((key, i): [string, string] => {
    if (key === null) throw new SqlError('22004', 'null value not allowed for object key')
    const value = values[i] ?? null
    return [key as string, value === null ? 'null' : encodeString(value as string)]
  })
  return isJsonb ? makeObject(pairs) : loose(pairs)
}

function objectOfArray(array: ArrayValue, isJsonb: boolean): string {
  const { elements, dimensions } = array
  if (dimensions.length > 2) throw new SqlError('2202E', 'wrong number of array subscripts')
  if (dimensions.length === 1 && elements.length % 2 !== 0)
    throw new SqlError('2202E', 'array must have even number of elements')
  if (dimensions.length === 2 && dimensions[1] !== 2)
    throw new SqlError('2202E', 'array must have two columns')
  const isKey = (_: Value, i: number): boolean => i % 2 === 0
  return objectOfTexts(
    elements.filter(isKey),
    elements.filter((_, i) => i % 2 === 1),
    isJsonb,
  )
}

function objectOfArrays(keys: ArrayValue, values: ArrayValue, isJsonb: boolean): string {
  if (keys.dimensions.length > 1 || keys.dimensions.length !== values.dimensions.length) {
    throw new SqlError('2202E', 'wrong number of array subscripts')
  }
  if (keys.elements.length !== values.elements.length)
    throw new SqlError('2202E', 'mismatched array dimensions')
  return objectOfTexts(keys.elements, values.elements, isJsonb)
}

class JsonParts {
  readonly context: FunctionContext
  readonly types: readonly number[]
  readonly parts: string[] = []
  readonly members: [string, string][] = []

  constructor(context: FunctionContext, types: readonly number[]) {
    this.context = context
    this.types = types
  }
}

function arrayAggregate(to: Convert): AggregateDefinition {
  const isJsonb = to === toJsonb
  return aggregate<JsonParts>({
    strict: false,
    init: (context, types) => new JsonParts(context, types),
    step: (state, value: Value) => {
      const text = to(state.context, state.types[0] ?? 0, value)
      // json_agg begins a new line before each array or record but the first.
      const breaks =
        !isJsonb && state.parts.length > 0 && (value instanceof ArrayValue || value instanceof RecordValue)
      state.parts.push(breaks ? `\n ${text}` : text)
      return state
    },
    final: ({ parts }) => (parts.length === 0 ? null : makeArray(parts)),
  })
}

function objectAggregate(to: Convert): AggregateDefinition {
  const isJsonb = to === toJsonb
  const problem = new SqlError('22023', 'field name must not be null')
  return aggregate<JsonParts>({
    strict: false,
    init: (context, types) => new JsonParts(context, types),
    step: (state, key: Value, value: Value) => {
      const [keyType = 0, valueType = 0] = state.types
      state.members.push([keyText(state.context, keyType, key, problem), to(state.context, valueType, value)])
      return state
    },
    final: ({ members }) => {
      if (members.length === 0) return null
      return isJsonb ? makeObject(members) : `{ ${loose(members).slice(1, -1)} }`
    },
  })
}

/** Elements or columns on lines of their own. */
function prettyLines(context: FunctionContext, value: ArrayValue | RecordValue): string {
  if (value instanceof ArrayValue) {
    const text = {
      ...jsonForm,
      array: (parts: string[], isNested: boolean) =>
        `[${parts.join(isNested || value.dimensions.length === 1 ? ',\n ' : ',')}]`,
    }
    return arrayText(context, value, text)
  }
  const members = value.fields.map((field, i) => {
    const name = value.fieldNames[i] ?? `f${i + 1}`
    return `${encodeString(name)}:${toJson(context, value.fieldTypes[i] ?? 0, field)}`
  })
  return `{${members.join(',\n ')}}`
}

export const jsonBuildFunctions: Definitions = {
  'to_json(anyelement)': scalar(toJson),
  'to_jsonb(anyelement)': scalar(toJsonb),
  'array_to_json(anyarray)': { context: (context, value: ArrayValue) => arrayText(context, value, jsonForm) },
  'array_to_json(anyarray,bool)': {
    context: (context, value: ArrayValue, pretty: boolean) =>
      pretty ? prettyLines(context, value) : arrayText(context, value, jsonForm),
  },
  'row_to_json(record)': {
    context: (context, value: RecordValue) => convert(context, value.typeOid, value, jsonForm),
  },
  'row_to_json(record,bool)': {
    context: (context, value: RecordValue, pretty: boolean) =>
      pretty ? prettyLines(context, value) : convert(context, value.typeOid, value, jsonForm),
  },
  'json_build_object(any)': buildObject(toJson),
  'json_build_object()': { call: () => '{}' },
  'jsonb_build_object(any)': buildObject(toJsonb),
  'jsonb_build_object()': { call: () => '{}' },
  'json_build_array(any)': buildArray(toJson),
  'json_build_array()': { call: () => '[]' },
  'jsonb_build_array(any)': buildArray(toJsonb),
  'jsonb_build_array()': { call: () => '[]' },
  'json_object(_text)': { call: (array: ArrayValue) => objectOfArray(array, false) },
  'jsonb_object(_text)': { call: (array: ArrayValue) => objectOfArray(array, true) },
  'json_object(_text,_text)': {
    call: (keys: ArrayValue, values: ArrayValue) => objectOfArrays(keys, values, false),
  },
  'jsonb_object(_text,_text)': {
    call: (keys: ArrayValue, values: ArrayValue) => objectOfArrays(keys, values, true),
  },
  'json_agg(anyelement)': arrayAggregate(toJson),
  'jsonb_agg(anyelement)': arrayAggregate(toJsonb),
  'json_object_agg(any,any)': objectAggregate(toJson),
  'jsonb_object_agg(any,any)': objectAggregate(toJsonb),
}
