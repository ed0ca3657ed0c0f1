// Functions of arrays (documentation, section 9.19). An ArrayValue brings its element type, so most need no
// specialisation; those that may have to make an array out of nothing look at the types of the call.
// Element comparison is that of the element type; nulls are equal only where PostgreSQL says so (IS NOT DISTINCT).

import { compareArrays, compareValues } from './comparison.ts'
import type { Definitions } from './definition.ts'
import type { FunctionContext } from './function.ts'
import { toInt4 } from './range-check.ts'
import { charactersOf } from './characters.ts'
import { outputText } from './text-format.ts'
import { INT4_OID, TEXT_OID } from '../types/oids.ts'
import { SqlError } from '../types/sql-error.ts'
import { ArrayValue, type Row, type Value } from '../types/value.ts'

/** Elements in an array at most (PostgreSQL's MaxArraySize, for elements of 8 bytes). */
const ELEMENTS_MAX = 134_217_727

function elementTypeOf(context: FunctionContext, arrayType: number): number {
  return context.lookup.type(arrayType).elementOid
}

/** width_bucket: how many of the ascending lower bounds are at or below the value. */
function bucketOf(context: FunctionContext, value: Value, bounds: ArrayValue | null): number | null {
  if (value === null || bounds === null) return null
  if (bounds.dimensions.length > 1) throw new SqlError('2202E', 'thresholds must be one-dimensional array')
  if (bounds.elements.includes(null)) throw new SqlError('22004', 'thresholds array must not contain NULLs')
  let [low, high] = [0, bounds.elements.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (compareValues(context, bounds.elementOid, value, bounds.elements[middle] as NonNullable<Value>) < 0)
      high = middle
    else low = middle + 1
  }
  return low
}

function same(context: FunctionContext, type: number, a: Value, b: Value): boolean {
  if (a === null || b === null) return a === b
  return compareValues(context, type, a, b) === 0
}

/** A flat array that starts at `lower`. */
function flat(elementOid: number, elements: readonly Value[], lower = 1): ArrayValue {
  return new ArrayValue(
    elementOid,
    elements,
    elements.length === 0 ? [] : [elements.length],
    elements.length === 0 ? [] : [lower],
  )
}

function checkFlat(array: ArrayValue, code: string, message: string): void {
  if (array.dimensions.length > 1) throw new SqlError(code, message)
}

function append(
  context: FunctionContext,
  arrayType: number,
  array: ArrayValue | null,
  element: Value,
): ArrayValue {
  if (array === null) return flat(elementTypeOf(context, arrayType), [element])
  checkFlat(array, '22000', 'argument must be empty or one-dimensional array')
  const lower = array.lowerBounds[0] ?? 1
  toInt4(lower + array.elements.length)
  return flat(array.elementOid, [...array.elements, element], lower)
}

function prepend(
  context: FunctionContext,
  arrayType: number,
  element: Value,
  array: ArrayValue | null,
): ArrayValue {
  if (array === null) return flat(elementTypeOf(context, arrayType), [element])
  checkFlat(array, '22000', 'argument must be empty or one-dimensional array')
  const lower = array.lowerBounds[0] ?? 1
  return flat(array.elementOid, [element, ...array.elements], lower)
}

function incompatible(detail: string): SqlError {
  return new SqlError('2202E', 'cannot concatenate incompatible arrays', { detail })
}

/** Joins along the first dimension; an array of one dimension less joins as one more row. */
function concatenate(a: ArrayValue | null, b: ArrayValue | null): ArrayValue | null {
  if (a === null || b === null) return a ?? b
  if (a.dimensions.length === 0) return b
  if (b.dimensions.length === 0) return a
  const [x, y] = [a.dimensions, b.dimensions]
  const elements = [...a.elements, ...b.elements]
  const make = (first: number, rest: readonly number[], bounds: readonly number[]): ArrayValue =>
    new ArrayValue(a.elementOid, elements, [first, ...rest], bounds)
  const [aFirst = 0, ...aRest] = x
  const [bFirst = 0, ...bRest] = y
  const differ = (p: readonly number[], q: readonly number[]): boolean => p.some((size, i) => size !== q[i])
  if (x.length === y.length) {
    if (differ(aRest, bRest))
      throw incompatible('Arrays with differing element dimensions are not compatible for concatenation.')
    return make(aFirst + bFirst, aRest, a.lowerBounds)
  }
  const message = 'Arrays with differing dimensions are not compatible for concatenation.'
  if (x.length === y.length + 1) {
    if (differ(aRest, y)) throw incompatible(message)
    return make(aFirst + 1, aRest, a.lowerBounds)
  }
  if (x.length + 1 === y.length) {
    if (differ(x, bRest)) throw incompatible(message)
    return make(bFirst + 1, bRest, b.lowerBounds)
  }
  throw incompatible(`Arrays of ${x.length} and ${y.length} dimensions are not compatible for concatenation.`)
}

function dimensionsText(array: ArrayValue): Value {
  if (array.dimensions.length === 0) return null
  return array.dimensions
    .map((size, i) => `[${array.lowerBounds[i]}:${(array.lowerBounds[i] ?? 1) + size - 1}]`)
    .join('')
}

function upper(array: ArrayValue, dimension: number): Value {
  const [size, lower] = [array.dimensions[dimension - 1], array.lowerBounds[dimension - 1]]
  return size === undefined || lower === undefined ? null : lower + size - 1
}

/** `first` is a subscript: where to begin to look. */
function position(
  context: FunctionContext,
  array: ArrayValue | null,
  wanted: Value,
  first?: number | null,
): Value {
  if (array === null) return null
  checkFlat(array, '0A000', 'searching for elements in multidimensional arrays is not supported')
  if (first === null) throw new SqlError('22004', 'initial position must not be null')
  const lower = array.lowerBounds[0] ?? 1
  for (let i = Math.max((first ?? lower) - lower, 0); i < array.elements.length; i++) {
    if (same(context, array.elementOid, array.elements[i] ?? null, wanted)) return lower + i
  }
  return null
}

function positions(context: FunctionContext, array: ArrayValue | null, wanted: Value): Value {
  if (array === null) return null
  checkFlat(array, '0A000', 'searching for elements in multidimensional arrays is not supported')
  const lower = array.lowerBounds[0] ?? 1
  const found: number[] = []
  for (const [i, element] of array.elements.entries()) {
    if (same(context, array.elementOid, element, wanted)) found.push(lower + i)
  }
  return flat(INT4_OID, found)
}

function remove(context: FunctionContext, array: ArrayValue | null, unwanted: Value): Value {
  if (array === null) return null
  checkFlat(array, '0A000', 'removing elements from multidimensional arrays is not supported')
  const kept = array.elements.filter((element) => !same(context, array.elementOid, element, unwanted))
  return kept.length === array.elements.length ? array : flat(array.elementOid, kept, array.lowerBounds[0])
}

function replace(context: FunctionContext, array: ArrayValue | null, from: Value, to: Value): Value {
  if (array === null) return null
  const elements = array.elements.map((element) =>
    same(context, array.elementOid, element, from) ? to : element,
  )
  return new ArrayValue(array.elementOid, elements, array.dimensions, array.lowerBounds)
}

/** array_fill: sizes and lower bounds come as arrays themselves. */
function fill(
  elementOid: number,
  value: Value,
  sizes: ArrayValue | null,
  bounds: ArrayValue | null | undefined,
): ArrayValue {
  if (sizes === null || bounds === null)
    throw new SqlError('22004', 'dimension array or low bound array cannot be null')
  const dimensions = numbersOf(sizes)
  const lowers = bounds === undefined ? dimensions.map(() => 1) : numbersOf(bounds)
  if (dimensions.length > 6) {
    throw new SqlError(
      '54000',
      `number of array dimensions (${dimensions.length}) exceeds the maximum allowed (6)`,
    )
  }
  if (lowers.length !== dimensions.length) {
    throw new SqlError('2202E', 'wrong number of array subscripts', {
      detail: 'Low bound array has different size than dimensions array.',
    })
  }
  if (dimensions.some((size) => size < 0)) {
    throw new SqlError('54000', 'array size exceeds the maximum allowed (134217727)')
  }
  const count = dimensions.length === 0 ? 0 : dimensions.reduce((product, size) => product * size, 1)
  if (count > ELEMENTS_MAX) throw new SqlError('54000', 'array size exceeds the maximum allowed (134217727)')
  if (count === 0) return flat(elementOid, [])
  return new ArrayValue(elementOid, new Array<Value>(count).fill(value), dimensions, lowers)
}

function numbersOf(array: ArrayValue): number[] {
  checkFlat(array, '2202E', 'wrong number of array subscripts')
  if (array.elements.includes(null)) throw new SqlError('22004', 'dimension values cannot be null')
  return array.elements.map(Number)
}

function trim(array: ArrayValue, count: number): ArrayValue {
  const length = array.dimensions[0] ?? 0
  if (count < 0 || count > length)
    throw new SqlError('2202E', `number of elements to trim must be between 0 and ${length}`)
  const [, ...rest] = array.dimensions
  const kept = length - count
  if (kept === 0) return flat(array.elementOid, [])
  const elements = array.elements.slice(
    0,
    rest.reduce((product, size) => product * size, kept),
  )
  return new ArrayValue(array.elementOid, elements, [kept, ...rest])
}

/** Whether each element of b is one of a's; a null is in nothing. */
function contains(context: FunctionContext, a: ArrayValue, b: ArrayValue): boolean {
  const type = context.lookup.type(a.elementOid)
  const { hashKey } = type
  if (b.elements.includes(null)) return false
  if (hashKey !== undefined && a.elements.length > 8) {
    const keys = new Set(a.elements.map((element) => (element === null ? undefined : hashKey(element))))
    return b.elements.every((element) => element !== null && keys.has(hashKey(element)))
  }
  return b.elements.every((wanted) =>
    a.elements.some((element) => element !== null && same(context, a.elementOid, element, wanted)),
  )
}

function overlaps(context: FunctionContext, a: ArrayValue, b: ArrayValue): boolean {
  return a.elements.some(
    (element) =>
      element !== null &&
      b.elements.some((other) => other !== null && same(context, a.elementOid, element, other)),
  )
}

function toText(
  context: FunctionContext,
  array: ArrayValue,
  separator: string,
  forNull?: string | null,
): string {
  const parts: string[] = []
  for (const element of array.elements) {
    if (element !== null) parts.push(outputText(context, array.elementOid, element))
    else if (typeof forNull === 'string') parts.push(forNull)
  }
  return parts.join(separator)
}

/** string_to_array: a null separator splits into characters, an empty one not at all. */
function splitText(text: string, separator: string | null, forNull: string | null): Value[] {
  if (text === '') return []
  const parts = separator === null ? charactersOf(text) : separator === '' ? [text] : text.split(separator)
  return forNull === null ? parts : parts.map((part) => (part === forNull ? null : part))
}

function splitPart(text: string, separator: string, field: number): string {
  if (field === 0) throw new SqlError('22023', 'field position must not be zero')
  const parts = separator === '' ? [text] : text.split(separator)
  return parts.at(field > 0 ? field - 1 : field) ?? ''
}

/** Rows of unnest for several arrays are the executor's; one array gives its elements. */
function* unnest(array: ArrayValue): Iterable<Value | Row> {
  yield* array.elements
}

const building: Definitions = {
  'array_append(anycompatiblearray,anycompatible)': {
    specialise: (_types, result) => (context, array: ArrayValue | null, element: Value) =>
      append(context, result, array, element),
  },
  'array_prepend(anycompatible,anycompatiblearray)': {
    specialise: (_types, result) => (context, element: Value, array: ArrayValue | null) =>
      prepend(context, result, element, array),
  },
  'array_cat(anycompatiblearray,anycompatiblearray)': { call: concatenate },
  'array_fill(anyelement,_int4)': {
    specialise:
      ([type = 0]) =>
      (_context, value: Value, sizes: ArrayValue | null) =>
        fill(type, value, sizes, undefined),
  },
  'array_fill(anyelement,_int4,_int4)': {
    specialise:
      ([type = 0]) =>
      (_context, value: Value, ...rest: [ArrayValue | null, ArrayValue | null]) =>
        fill(type, value, ...rest),
  },
  'trim_array(anyarray,int4)': { call: trim },
  'array_remove(anycompatiblearray,anycompatible)': { context: remove },
  'array_replace(anycompatiblearray,anycompatible,anycompatible)': {
    context: (context, array: ArrayValue | null, ...rest: [Value, Value]) => replace(context, array, ...rest),
  },
}

const asking: Definitions = {
  'array_ndims(anyarray)': { call: (a: ArrayValue): Value => a.dimensions.length || null },
  'array_dims(anyarray)': { call: dimensionsText },
  'array_lower(anyarray,int4)': { call: (a: ArrayValue, n: number): Value => a.lowerBounds[n - 1] ?? null },
  'array_upper(anyarray,int4)': { call: upper },
  'array_length(anyarray,int4)': { call: (a: ArrayValue, n: number): Value => a.dimensions[n - 1] ?? null },
  'cardinality(anyarray)': { call: (a: ArrayValue) => a.elements.length },
  'array_position(anycompatiblearray,anycompatible)': { context: position },
  'array_position(anycompatiblearray,anycompatible,int4)': {
    context: (context, array: ArrayValue | null, ...rest: [Value, number | null]) =>
      position(context, array, ...rest),
  },
  'width_bucket(anycompatible,anycompatiblearray)': { context: bucketOf },
  'array_positions(anycompatiblearray,anycompatible)': { context: positions },
  'arraycontains(anyarray,anyarray)': { context: contains },
  'arraycontained(anyarray,anyarray)': {
    context: (context, a: ArrayValue, b: ArrayValue) => contains(context, b, a),
  },
  'arrayoverlap(anyarray,anyarray)': { context: overlaps },
  'array_larger(anyarray,anyarray)': {
    context: (context, a: ArrayValue, b: ArrayValue) => (compareArrays(context, a, b) > 0 ? a : b),
  },
  'array_smaller(anyarray,anyarray)': {
    context: (context, a: ArrayValue, b: ArrayValue) => (compareArrays(context, a, b) < 0 ? a : b),
  },
}

const texts: Definitions = {
  'array_to_string(anyarray,text)': { context: toText },
  'array_to_string(anyarray,text,text)': {
    context: (context, array: ArrayValue | null, ...[separator, forNull]: [string | null, string | null]) =>
      array === null || separator === null ? null : toText(context, array, separator, forNull),
  },
  'string_to_array(text,text)': {
    call: (text: string | null, separator: string | null) =>
      text === null ? null : flat(TEXT_OID, splitText(text, separator, null)),
  },
  'string_to_array(text,text,text)': {
    call: (text: string | null, separator: string | null, forNull: string | null) =>
      text === null ? null : flat(TEXT_OID, splitText(text, separator, forNull)),
  },
  'string_to_table(text,text)': {
    rows: (_context, text: string | null, separator: string | null) =>
      text === null ? [] : splitText(text, separator, null),
  },
  'string_to_table(text,text,text)': {
    rows: (_context, text: string | null, ...[separator, forNull]: [string | null, string | null]) =>
      text === null ? [] : splitText(text, separator, forNull),
  },
  'split_part(text,text,int4)': { call: splitPart },
}

export const arrayFunctions: Definitions = {
  ...building,
  ...asking,
  ...texts,
  'unnest(anyarray)': { rows: (_context, array: ArrayValue) => unnest(array) },
}
