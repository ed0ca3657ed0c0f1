// Reading parts of arrays (documentation, section 8.15.3): elements out of range are NULL, slices out of range empty.

import { must } from '../../../storage/base/assert.ts'
import { SqlError } from '../../types/sql-error.ts'
import { charFromByte, NAME_SIZE_BYTES_MAX } from '../../types/text-types.ts'
import { ArrayValue, type Value } from '../../types/value.ts'

/** For each subscript whether it was written as a slice. */
export type SubscriptBounds = readonly boolean[]

type Bound = Value | undefined

/** array[i][j]: `list` holds pairs, of which the first is the index. */
export function readSubscripts(array: Value, list: readonly Bound[]): Value {
  if (typeof array === 'string') return readName(array, list)
  if (!(array instanceof ArrayValue)) return null
  const { dimensions, lowerBounds, elements } = array
  if (list.length / 2 !== dimensions.length) return null
  let position = 0
  for (let i = 0; i < dimensions.length; i++) {
    const at = list[i * 2]
    if (typeof at !== 'number') return null
    const offset = at - must(lowerBounds[i])
    const size = must(dimensions[i])
    if (offset < 0 || offset >= size) return null
    position = position * size + offset
  }
  return elements[position] ?? null
}

/** name[i]: a name is an array of 64 bytes, counted from 0. */
function readName(name: string, list: readonly Bound[]): Value {
  const [at] = list
  if (list.length !== 2 || typeof at !== 'number' || at < 0 || at > NAME_SIZE_BYTES_MAX) return null
  return charFromByte(Buffer.from(name)[at] ?? 0)
}

/** array[a:b][c:d]; a plain index among slices means 1:index. */
export function sliceArray(array: Value, list: readonly Bound[], isSlice: SubscriptBounds): Value {
  if (!(array instanceof ArrayValue) || list.includes(null)) return null
  const { dimensions, lowerBounds } = array
  const empty = new ArrayValue(array.elementOid, [])
  if (isSlice.length > dimensions.length) return empty
  const ranges: [number, number][] = []
  for (let i = 0; i < dimensions.length; i++) {
    const low = must(lowerBounds[i])
    const high = low + must(dimensions[i]) - 1
    const given = i < isSlice.length
    const first = given && isSlice[i] === true ? list[i * 2] : undefined
    const last = given ? (isSlice[i] === true ? list[i * 2 + 1] : list[i * 2]) : undefined
    const from = given && isSlice[i] !== true ? 1 : Number(first ?? low)
    const range: [number, number] = [Math.max(from, low), Math.min(Number(last ?? high), high)]
    if (range[0] > range[1]) return empty
    ranges.push([range[0] - low, range[1] - low])
  }
  const picked: Value[] = []
  pick(array, ranges, 0, 0, picked)
  return new ArrayValue(
    array.elementOid,
    picked,
    ranges.map(([from, to]) => to - from + 1),
  )
}

function pick(
  array: ArrayValue,
  ranges: readonly [number, number][],
  level: number,
  base: number,
  into: Value[],
): void {
  const range = ranges[level]
  if (range === undefined) {
    into.push(array.elements[base] ?? null)
    return
  }
  const size = must(array.dimensions[level])
  for (let i = range[0]; i <= range[1]; i++) pick(array, ranges, level + 1, base * size + i, into)
}

/** ARRAY[array, array, ...]: one dimension more. */
export function stackArrays(elementOid: number, parts: readonly Value[]): Value {
  const arrays = parts.filter((part) => part instanceof ArrayValue)
  const [first] = arrays
  if (first === undefined || arrays.every((one) => one.elements.length === 0))
    return new ArrayValue(elementOid, [])
  const isSame = (one: ArrayValue): boolean =>
    one.dimensions.length === first.dimensions.length &&
    one.dimensions.every((size, i) => size === first.dimensions[i])
  if (arrays.length !== parts.length || !arrays.every(isSame)) {
    throw new SqlError(
      '2202E',
      'multidimensional arrays must have array expressions with matching dimensions',
    )
  }
  return new ArrayValue(
    elementOid,
    arrays.flatMap((one) => one.elements),
    [arrays.length, ...first.dimensions],
  )
}

/** Converts every element. */
export function mapArray(
  rt: unknown,
  array: Value,
  elementOid: number,
  convert: (rt: unknown, element: Value) => Value,
): Value {
  if (!(array instanceof ArrayValue)) return null
  const elements = array.elements.map((element) => convert(rt, element))
  return new ArrayValue(elementOid, elements, array.dimensions, array.lowerBounds)
}
