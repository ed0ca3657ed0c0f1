// Polymorphic functions (documentation, section 38.2.5): anyelement and its family stand for one actual type in a call,
// anycompatible and its family for the common type of the arguments.
//
//   declared: anyarray, anyelement       actual: integer[], unknown
//   element type ◀── from the array ──┐  resolved: integer[], integer     result anyelement: integer

import { must } from '../../storage/base/assert.ts'
import {
  ANYARRAY_OID,
  ANYCOMPATIBLEARRAY_OID,
  ANYCOMPATIBLEMULTIRANGE_OID,
  ANYCOMPATIBLENONARRAY_OID,
  ANYCOMPATIBLERANGE_OID,
  ANYCOMPATIBLE_OID,
  ANYELEMENT_OID,
  ANYENUM_OID,
  ANYMULTIRANGE_OID,
  ANYNONARRAY_OID,
  ANYRANGE_OID,
  TEXT_OID,
  UNKNOWN_OID,
} from '../types/oids.ts'
import { SqlError } from '../types/sql-error.ts'
import type { Analysis } from './analysis.ts'
import { commonTypeOf } from './common-type.ts'
import { formatType } from './format-type.ts'
import { multirangeOf, rangeOfMultirange, subtypeOfRange } from './range-types.ts'
import { arrayTypeOf, baseTypeOf, elementTypeOf, isCompatibleFamily, isPolymorphic } from './type-rules.ts'

/** What the two families stand for in one call; 0: nothing yet. */
interface Bindings {
  element: number
  array: number
  range: number
  multirange: number
  /** Actual types of the anycompatible family, arrays by their elements. */
  readonly compatible: number[]
  compatibleType: number
  compatibleRange: number
}

type Fail = (message: string, detail?: string) => never

/** Resolved argument types and result of a polymorphic call. */
export interface ResolvedCall {
  readonly argumentTypes: readonly number[]
  readonly returnType: number
}

/** Whether the actual types can be what polymorphic parameters ask for, as one call. */
export function checkGenericArguments(
  analysis: Analysis,
  actual: readonly number[],
  declared: readonly number[],
): boolean {
  const mismatch = new Error('mismatch')
  try {
    bind(analysis, actual, declared, () => {
      throw mismatch
    })
    return true
  } catch (thrown) {
    if (thrown === mismatch) return false
    throw thrown
  }
}

/**
 * Replaces polymorphic parameter and result types by actual ones. Unknown arguments take what the others decide.
 *
 * @throws SqlError 42804 when they do not agree or do not say, 42704 when there is no array type.
 */
export function resolveGenericCall(
  analysis: Analysis,
  actual: readonly number[],
  declared: readonly number[],
  returnType: number,
): ResolvedCall {
  if (!isPolymorphic(returnType) && !declared.some(isPolymorphic))
    return { argumentTypes: declared, returnType }
  const fail: Fail = (message, detail) => {
    throw new SqlError('42804', message, { detail })
  }
  const bindings = bind(analysis, actual, declared, fail)
  const first = declared.some((oid) => isPolymorphic(oid) && !isCompatibleFamily(oid))
  if (first && bindings.element === 0 && bindings.array === 0) {
    fail('could not determine polymorphic type because input has type unknown')
  }
  const resolve = (oid: number): number => resolveType(analysis, bindings, oid)
  return { argumentTypes: declared.map(resolve), returnType: resolve(returnType) }
}

function resolveType(analysis: Analysis, bindings: Bindings, oid: number): number {
  switch (oid) {
    case ANYELEMENT_OID:
    case ANYNONARRAY_OID:
    case ANYENUM_OID:
      return bindings.element
    case ANYARRAY_OID:
      return bindings.array === 0 ? arrayOver(analysis, bindings.element) : bindings.array
    case ANYRANGE_OID:
      return bindings.range
    case ANYMULTIRANGE_OID:
      return bindings.multirange === 0 ? multirangeOf(bindings.range) : bindings.multirange
    case ANYCOMPATIBLE_OID:
    case ANYCOMPATIBLENONARRAY_OID:
      return bindings.compatibleType
    case ANYCOMPATIBLEARRAY_OID:
      return arrayOver(analysis, bindings.compatibleType)
    case ANYCOMPATIBLERANGE_OID:
      return bindings.compatibleRange
    case ANYCOMPATIBLEMULTIRANGE_OID:
      return multirangeOf(bindings.compatibleRange)
    default:
      return oid
  }
}

function arrayOver(analysis: Analysis, element: number): number {
  const array = element === 0 ? 0 : arrayTypeOf(analysis, element)
  if (array !== 0) return array
  const name = formatType(analysis.context, element)
  throw new SqlError('42704', `could not find array type for data type ${name}`)
}

function bind(
  analysis: Analysis,
  actual: readonly number[],
  declared: readonly number[],
  fail: Fail,
): Bindings {
  const bindings: Bindings = {
    element: 0,
    array: 0,
    range: 0,
    multirange: 0,
    compatible: [],
    compatibleType: 0,
    compatibleRange: 0,
  }
  for (let i = 0; i < declared.length && i < actual.length; i++) {
    const type = must(actual[i])
    if (type !== UNKNOWN_OID) bindOne(analysis, bindings, must(declared[i]), type, fail)
  }
  deriveElement(analysis, bindings, fail)
  checkElement(analysis, bindings, declared, fail)
  bindCompatible(analysis, bindings, declared, fail)
  return bindings
}

function bindOne(analysis: Analysis, bindings: Bindings, declared: number, actual: number, fail: Fail): void {
  const alike = (family: string, known: number, type: number): number => {
    if (known !== 0 && known !== type) {
      const names = [known, type].map((oid) => formatType(analysis.context, oid))
      fail(`arguments declared "${family}" are not all alike`, names.join(' versus '))
    }
    return type
  }
  switch (declared) {
    case ANYELEMENT_OID:
    case ANYNONARRAY_OID:
    case ANYENUM_OID:
      bindings.element = alike('anyelement', bindings.element, actual)
      return
    case ANYARRAY_OID:
      bindings.array = alike('anyarray', bindings.array, baseTypeOf(analysis, actual))
      return
    case ANYRANGE_OID:
      bindings.range = alike('anyrange', bindings.range, baseTypeOf(analysis, actual))
      return
    case ANYMULTIRANGE_OID:
      bindings.multirange = alike('anymultirange', bindings.multirange, baseTypeOf(analysis, actual))
      return
    case ANYCOMPATIBLE_OID:
    case ANYCOMPATIBLENONARRAY_OID:
      bindings.compatible.push(actual)
      return
    case ANYCOMPATIBLEARRAY_OID: {
      const element = elementTypeOf(analysis, actual)
      if (element === 0) notAnArray(analysis, 'anycompatiblearray', actual, fail)
      bindings.compatible.push(element)
      return
    }
    case ANYCOMPATIBLERANGE_OID:
      bindings.compatibleRange = alike(
        'anycompatiblerange',
        bindings.compatibleRange,
        baseTypeOf(analysis, actual),
      )
      return
    default:
  }
}

function notAnArray(analysis: Analysis, family: string, actual: number, fail: Fail): never {
  return fail(`argument declared ${family} is not an array but type ${formatType(analysis.context, actual)}`)
}

function deriveElement(analysis: Analysis, bindings: Bindings, fail: Fail): void {
  if (bindings.multirange !== 0) {
    bindings.range ||= rangeOfMultirange(bindings.multirange)
    if (bindings.range === 0) {
      fail(
        `argument declared anymultirange is not a multirange type but type ${formatType(analysis.context, bindings.multirange)}`,
      )
    }
  }
  const fromArray =
    bindings.array === 0 || bindings.array === ANYARRAY_OID ? 0 : elementTypeOf(analysis, bindings.array)
  if (bindings.array !== 0 && bindings.array !== ANYARRAY_OID && fromArray === 0) {
    notAnArray(analysis, 'anyarray', bindings.array, fail)
  }
  const fromRange = bindings.range === 0 ? 0 : subtypeOfRange(bindings.range)
  if (bindings.range !== 0 && fromRange === 0) {
    fail(
      `argument declared anyrange is not a range type but type ${formatType(analysis.context, bindings.range)}`,
    )
  }
  for (const [derived, family] of [
    [fromArray, 'anyarray'],
    [fromRange, 'anyrange'],
  ] as const) {
    if (derived === 0) continue
    if (bindings.element !== 0 && bindings.element !== derived) {
      const names = [derived, bindings.element].map((oid) => formatType(analysis.context, oid))
      fail(
        `argument declared ${family} is not consistent with argument declared anyelement`,
        `${formatType(analysis.context, family === 'anyarray' ? bindings.array : bindings.range)} versus ${must(names[1])}`,
      )
    }
    bindings.element = derived
  }
}

function checkElement(analysis: Analysis, bindings: Bindings, declared: readonly number[], fail: Fail): void {
  if (bindings.element === 0) return
  const name = formatType(analysis.context, bindings.element)
  if (declared.includes(ANYNONARRAY_OID) && elementTypeOf(analysis, bindings.element) !== 0) {
    fail(`type matched to anynonarray is an array type: ${name}`)
  }
  if (declared.includes(ANYENUM_OID) && analysis.type(bindings.element).kind !== 'enum') {
    fail(`type matched to anyenum is not an enum type: ${name}`)
  }
}

function bindCompatible(
  analysis: Analysis,
  bindings: Bindings,
  declared: readonly number[],
  fail: Fail,
): void {
  if (!declared.some(isCompatibleFamily)) return
  if (bindings.compatibleRange !== 0) bindings.compatible.push(subtypeOfRange(bindings.compatibleRange))
  if (bindings.compatible.length === 0) {
    // All unknown: text, as in other places that look for a common type.
    bindings.compatibleType = TEXT_OID
    return
  }
  const common = commonTypeOf(analysis, bindings.compatible)
  if (common === undefined) {
    const [a = 0, b = 0] = differing(bindings.compatible)
    const [first, second] = [a, b].map((oid) => formatType(analysis.context, oid))
    return fail(
      'arguments of anycompatible family cannot be cast to a common type',
      `${first} versus ${second}`,
    )
  }
  if (declared.includes(ANYCOMPATIBLENONARRAY_OID) && elementTypeOf(analysis, common) !== 0) {
    fail(`type matched to anycompatiblenonarray is an array type: ${formatType(analysis.context, common)}`)
  }
  bindings.compatibleType = common
}

function differing(types: readonly number[]): readonly number[] {
  const [first = 0] = types
  return [first, types.find((oid) => oid !== first) ?? first]
}
