// The common type of several expressions: UNION, CASE, VALUES, COALESCE, IN and their kin (documentation, section
// 10.5).

import { must } from '../../storage/base/assert.ts'
import type { Expr } from '../tree/expr.ts'
import { locationOf } from '../tree/location.ts'
import { BOOL_OID, TEXT_OID, UNKNOWN_OID } from '../types/oids.ts'
import type { Analysis } from './analysis.ts'
import { canCoerce, coerce, coerceTo } from './coerce.ts'
import { formatType } from './format-type.ts'
import { returnsSet } from './returns-set.ts'
import { baseTypeOf, categoryOf, isPreferredIn } from './type-rules.ts'

interface Mismatch {
  readonly left: number
  readonly right: number
  readonly index: number
}

/** The rule itself: the type, or the first pair that cannot be matched. */
function findCommonType(analysis: Analysis, types: readonly number[]): number | Mismatch {
  const first = must(types[0])
  // Only when all are alike the result may be a domain.
  if (first !== UNKNOWN_OID && types.every((type) => type === first)) return first
  let chosen = baseTypeOf(analysis, first)
  let category = categoryOf(analysis, chosen)
  for (let index = 1; index < types.length; index++) {
    const next = baseTypeOf(analysis, must(types[index]))
    if (next === UNKNOWN_OID || next === chosen) continue
    if (chosen === UNKNOWN_OID) {
      chosen = next
    } else if (categoryOf(analysis, next) !== category) {
      return { left: chosen, right: next, index }
    } else if (
      !isPreferredIn(analysis, category, chosen) &&
      canCoerce(analysis, chosen, next, 'implicit') &&
      !canCoerce(analysis, next, chosen, 'implicit')
    ) {
      chosen = next
    }
    category = categoryOf(analysis, chosen)
  }
  return chosen === UNKNOWN_OID ? TEXT_OID : chosen
}

/** The common type to which all types convert implicitly; undefined if there is none. */
export function commonTypeOf(analysis: Analysis, types: readonly number[]): number | undefined {
  const common = findCommonType(analysis, types)
  if (typeof common !== 'number') return undefined
  return types.every((type) => canCoerce(analysis, type, common, 'implicit')) ? common : undefined
}

/**
 * The common type of expressions. `construct` names it in the error (CASE, UNION, ARRAY, ...); without it, undefined
 * is returned instead.
 *
 * @throws SqlError 42804 at the first expression that does not fit.
 */
export function commonType(analysis: Analysis, exprs: readonly Expr[], construct: string): number {
  const common = findCommonType(
    analysis,
    exprs.map((expr) => expr.type),
  )
  if (typeof common === 'number') return common
  const left = formatType(analysis.context, common.left)
  const right = formatType(analysis.context, common.right)
  throw analysis.error(
    '42804',
    `${construct} types ${left} and ${right} cannot be matched`,
    locationOf(must(exprs[common.index])),
  )
}

/** As commonType, undefined instead of an error. */
export function commonTypeIfAny(analysis: Analysis, exprs: readonly Expr[]): number | undefined {
  const common = findCommonType(
    analysis,
    exprs.map((expr) => expr.type),
  )
  return typeof common === 'number' ? common : undefined
}

/** The typmod that all expressions have, if they are of the type and agree; else -1. */
export function commonTypmod(exprs: readonly Expr[], type: number): number {
  const typmod = exprs[0]?.typmod ?? -1
  return exprs.every((expr) => expr.type === type && expr.typmod === typmod) ? typmod : -1
}

/** Converts to the common type. @throws SqlError 42846 where there is no implicit way. */
export function coerceToCommon(analysis: Analysis, expr: Expr, type: number, construct: string): Expr {
  if (expr.type === type) return expr
  if (!canCoerce(analysis, expr.type, type, 'implicit')) {
    const from = formatType(analysis.context, expr.type)
    const to = formatType(analysis.context, type)
    throw analysis.error('42846', `${construct} could not convert type ${from} to ${to}`, locationOf(expr))
  }
  return coerce(analysis, expr, {
    type,
    typmod: -1,
    context: 'implicit',
    form: 'implicit-cast',
    location: -1,
  })
}

/** The argument of a construct that wants one type (WHERE wants boolean, LIMIT bigint). @throws SqlError 42804. */
export function coerceToWanted(
  analysis: Analysis,
  expr: Expr,
  type: number,
  construct: string,
  typmod = -1,
): Expr {
  const converted =
    expr.type === type
      ? expr
      : coerceTo(analysis, expr, { type, typmod, context: 'assignment', form: 'implicit-cast', location: -1 })
  if (converted === undefined) {
    const wanted = formatType(analysis.context, type)
    const actual = formatType(analysis.context, expr.type)
    throw analysis.error(
      '42804',
      `argument of ${construct} must be type ${wanted}, not type ${actual}`,
      locationOf(expr),
    )
  }
  if (returnsSet(converted)) {
    throw analysis.error('42804', `argument of ${construct} must not return a set`, locationOf(converted))
  }
  return converted
}

export function coerceToBoolean(analysis: Analysis, expr: Expr, construct: string): Expr {
  return coerceToWanted(analysis, expr, BOOL_OID, construct)
}
