// Comparison of rows, pair by pair (documentation, section 9.24.5).

import { must } from '../../storage/base/assert.ts'
import type { Expr } from '../tree/expr.ts'
import { BOOL_OID } from '../types/oids.ts'
import { booleanExpr } from './expr.ts'
import { formatType } from './format-type.ts'
import { findOperator, functionOf, makeComparison, makeOperator, type OperatorName } from './operator.ts'
import { returnsSet } from './returns-set.ts'
import type { Scope } from './scope.ts'

/**
 * ROW(a, b) op ROW(c, d): AND of pairs for =, OR for <>, lexicographic for the others.
 *
 * @throws SqlError 42601 for different lengths, 0A000 for operators without such a meaning.
 */
export function compareRows(
  scope: Scope,
  name: OperatorName,
  rows: { readonly left: readonly Expr[]; readonly right: readonly Expr[] },
  location: number,
): Expr {
  const { analysis } = scope
  const { left, right } = rows
  if (left.length !== right.length) {
    throw analysis.error('42601', 'unequal number of entries in row expressions', location)
  }
  if (left.length === 0) throw analysis.error('0A000', 'cannot compare rows of zero length', location)
  const calls = left.map((arg, i) => {
    const call = makeOperator(analysis, name, [arg, must(right[i])], location)
    if (call.type !== BOOL_OID) {
      const type = formatType(analysis.context, call.type)
      throw analysis.error(
        '42804',
        `row comparison operator must yield type boolean, not type ${type}`,
        location,
      )
    }
    if (returnsSet(call))
      throw analysis.error('42804', 'row comparison operator must not return a set', location)
    return call
  })
  const [only] = calls
  if (calls.length === 1 && only !== undefined) return only
  const operators = calls.map((call) => {
    return call.kind === 'call' ? must(analysis.functions.operatorByOid(call.operatorOid)) : undefined
  })
  if (operators.every((operator) => operator?.btree === '=')) return booleanExpr('and', calls, location)
  if (operators.every((operator) => isNotEqual(scope, operator?.negator ?? 0))) {
    return booleanExpr('or', calls, location)
  }
  const strategy = operators[0]?.btree
  if (
    strategy === undefined ||
    strategy === '=' ||
    operators.some((operator) => operator?.btree !== strategy)
  ) {
    const message = `could not determine interpretation of row comparison operator ${name.name}`
    throw analysis.error('0A000', message, location, {
      hint: 'Row comparison operators must be associated with btree operator families.',
    })
  }
  const pairs = calls.map((call) => {
    const [a, b] = call.kind === 'call' ? call.args : []
    return { left: must(a), right: must(b) }
  })
  const less = pairs.map((pair) =>
    functionOf(
      analysis,
      findOperator(analysis, { schema: undefined, name: '<' }, [pair.left.type, pair.right.type], location),
    ),
  )
  return {
    kind: 'row-compare',
    operator: strategy,
    less,
    left: pairs.map((pair) => pair.left),
    right: pairs.map((pair) => pair.right),
    type: BOOL_OID,
    typmod: -1,
    collation: 0,
    location,
  }
}

function isNotEqual(scope: Scope, negator: number): boolean {
  return negator !== 0 && scope.analysis.functions.operatorByOid(negator)?.btree === '='
}

/** Rows IS DISTINCT FROM: any pair is. */
export function distinctRows(
  scope: Scope,
  name: OperatorName,
  rows: { readonly left: readonly Expr[]; readonly right: readonly Expr[] },
  location: number,
): Expr {
  const { analysis } = scope
  if (rows.left.length !== rows.right.length) {
    throw analysis.error('42601', 'unequal number of entries in row expressions', location)
  }
  const pairs = rows.left.map((left, i) => distinctExpr(scope, name, left, must(rows.right[i]), location))
  const [only] = pairs
  if (only === undefined)
    return { kind: 'constant', value: false, type: BOOL_OID, typmod: -1, collation: 0, location }
  return pairs.length === 1 ? only : booleanExpr('or', pairs, location)
}

/** left IS DISTINCT FROM right. */
export function distinctExpr(
  scope: Scope,
  name: OperatorName,
  left: Expr,
  right: Expr,
  location: number,
): Expr {
  const operands = { left, right, construct: 'IS DISTINCT FROM' }
  const comparison = makeComparison(scope.analysis, name, operands, location)
  return {
    kind: 'distinct',
    negated: false,
    equal: comparison.fn,
    operatorOid: comparison.operatorOid,
    left: comparison.left,
    right: comparison.right,
    type: BOOL_OID,
    typmod: -1,
    collation: 0,
    location,
  }
}
