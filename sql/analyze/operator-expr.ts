// A_Expr: what the grammar makes of operators and of the words that act as such: IN, BETWEEN, LIKE, IS DISTINCT FROM,
// NULLIF, ANY and ALL.

import { must, unreachable } from '../../storage/base/assert.ts'
import type { A_Expr, Node } from '../parse/ast.ts'
import { nodeAs, stringsOf } from '../parse/ast.ts'
import type { Expr } from '../tree/expr.ts'
import { someExpr } from '../tree/walk.ts'
import { RECORD_OID } from '../types/oids.ts'
import { canCoerce } from './coerce.ts'
import { coerceToBoolean, coerceToCommon, commonTypeIfAny } from './common-type.ts'
import { analyseExpr, booleanExpr, testExpr } from './expr.ts'
import {
  makeArrayComparison,
  makeComparison,
  makeOperator,
  operatorName,
  resultCollation,
} from './operator.ts'
import { compareRows, distinctExpr, distinctRows } from './row-compare.ts'
import type { Scope } from './scope.ts'
import { analyseSubquery } from './subquery-expr.ts'
import { arrayTypeOf, isRowType } from './type-rules.ts'

/** An operator expression of any of its kinds. */
export function analyseOperatorExpr(scope: Scope, node: A_Expr): Expr {
  switch (node.kind) {
    case 'AEXPR_OP':
    case 'AEXPR_LIKE':
    case 'AEXPR_ILIKE':
    case 'AEXPR_SIMILAR':
      return analysePlain(scope, node)
    case 'AEXPR_OP_ANY':
    case 'AEXPR_OP_ALL':
      return analyseAnyAll(scope, node)
    case 'AEXPR_DISTINCT':
    case 'AEXPR_NOT_DISTINCT':
      return analyseDistinct(scope, node)
    case 'AEXPR_NULLIF':
      return analyseNullIf(scope, node)
    case 'AEXPR_IN':
      return analyseIn(scope, node)
    case 'AEXPR_BETWEEN':
    case 'AEXPR_NOT_BETWEEN':
    case 'AEXPR_BETWEEN_SYM':
    case 'AEXPR_NOT_BETWEEN_SYM':
      return analyseExpr(scope, betweenAsComparisons(node))
    case undefined:
      throw scope.analysis.error('0A000', 'this operator expression is not supported', node.location)
    default:
      return unreachable(node.kind)
  }
}

function analysePlain(scope: Scope, node: A_Expr): Expr {
  const location = node.location ?? 0
  const name = operatorName(stringsOf(node.name))
  const leftRow = nodeAs(node.lexpr, 'RowExpr')
  const rightRow = nodeAs(node.rexpr, 'RowExpr')
  const rightQuery = nodeAs(node.rexpr, 'SubLink')
  if (leftRow !== undefined && rightQuery?.subLinkType === 'EXPR_SUBLINK') {
    // ROW(...) op (SELECT ...): the subquery gives a row to compare with.
    return analyseSubquery(scope, {
      ...rightQuery,
      subLinkType: 'ROWCOMPARE_SUBLINK',
      testexpr: must(node.lexpr),
      operName: node.name ?? [],
      location,
    })
  }
  if (leftRow !== undefined && rightRow !== undefined) {
    const left = rowElements(analyseExpr(scope, must(node.lexpr)))
    const right = rowElements(analyseExpr(scope, must(node.rexpr)))
    return compareRows(scope, name, { left, right }, location)
  }
  const args = node.lexpr === undefined ? [] : [analyseExpr(scope, node.lexpr)]
  args.push(analyseExpr(scope, must(node.rexpr)))
  return makeOperator(scope.analysis, name, args, location)
}

function rowElements(expr: Expr): readonly Expr[] {
  return expr.kind === 'row' ? expr.elements : [expr]
}

function analyseAnyAll(scope: Scope, node: A_Expr): Expr {
  const left = analyseExpr(scope, must(node.lexpr))
  const right = analyseExpr(scope, must(node.rexpr))
  const operands = { left, right, all: node.kind === 'AEXPR_OP_ALL', fromInList: false }
  return makeArrayComparison(scope.analysis, operatorName(stringsOf(node.name)), operands, node.location ?? 0)
}

function isNullLiteral(node: Node | undefined): boolean {
  return nodeAs(node, 'A_Const')?.isnull === true
}

function analyseDistinct(scope: Scope, node: A_Expr): Expr {
  const location = node.location ?? 0
  const negated = node.kind === 'AEXPR_NOT_DISTINCT'
  const left = analyseExpr(scope, must(node.lexpr))
  const right = analyseExpr(scope, must(node.rexpr))
  // IS NULL looks into a row; a row of nulls is distinct from null all the same.
  if (isNullLiteral(node.rexpr) && !isRowType(scope.analysis, left.type))
    return testExpr('null', !negated, left, location)
  if (isNullLiteral(node.lexpr) && !isRowType(scope.analysis, right.type))
    return testExpr('null', !negated, right, location)
  const name = operatorName(stringsOf(node.name))
  const expr =
    left.kind === 'row' && right.kind === 'row'
      ? distinctRows(scope, name, { left: left.elements, right: right.elements }, location)
      : distinctExpr(scope, name, left, right, location)
  if (!negated) return expr
  return expr.kind === 'distinct' ? { ...expr, negated } : booleanExpr('not', [expr], location)
}

function analyseNullIf(scope: Scope, node: A_Expr): Expr {
  const { analysis } = scope
  const location = node.location ?? 0
  const operands = {
    left: analyseExpr(scope, must(node.lexpr)),
    right: analyseExpr(scope, must(node.rexpr)),
    construct: 'NULLIF',
  }
  const { fn, operatorOid, left, right } = makeComparison(
    analysis,
    operatorName(stringsOf(node.name)),
    operands,
    location,
  )
  return {
    kind: 'nullif',
    equal: fn,
    operatorOid,
    left,
    right,
    type: left.type,
    typmod: -1,
    collation: resultCollation(analysis, left.type, [left]),
    location,
  }
}

/** x IN (list): an array comparison over what does not refer to this query's rows, OR-ed with the rest. */
function analyseIn(scope: Scope, node: A_Expr): Expr {
  const { analysis } = scope
  const location = node.location ?? 0
  const name = operatorName(stringsOf(node.name))
  const isNegated = name.name === '<>'
  const left = analyseExpr(scope, must(node.lexpr))
  const items = (nodeAs(node.rexpr, 'List')?.items ?? []).map((item) => analyseExpr(scope, item))
  const constants = items.filter((item) => !usesOwnColumns(scope, item))
  const type = constants.length > 1 ? listElementType(scope, [left, ...constants]) : 0
  const tests: Expr[] = []
  let rest: readonly Expr[] = items
  if (type !== 0) {
    const elements = constants.map((item) => coerceToCommon(analysis, item, type, 'IN'))
    const array: Expr = {
      kind: 'array',
      elementType: type,
      nested: false,
      elements,
      type: arrayTypeOf(analysis, type),
      typmod: -1,
      collation: resultCollation(analysis, arrayTypeOf(analysis, type), elements),
      location: -1,
    }
    tests.push(
      makeArrayComparison(analysis, name, { left, right: array, all: isNegated, fromInList: true }, location),
    )
    rest = items.filter((item) => usesOwnColumns(scope, item))
  }
  for (const item of rest) {
    const test =
      left.kind === 'row' && item.kind === 'row'
        ? compareRows(scope, name, { left: left.elements, right: item.elements }, location)
        : makeOperator(analysis, name, [left, item], location)
    tests.push(coerceToBoolean(analysis, test, 'IN'))
  }
  // PostgreSQL nests them to the left; so do we, for deparsing.
  return tests.reduce((whole, test) => booleanExpr(isNegated ? 'and' : 'or', [whole, test], location))
}

function usesOwnColumns(scope: Scope, expr: Expr): boolean {
  return someExpr(
    expr,
    (part) => {
      if (part.kind !== 'column' && part.kind !== 'whole-row') return false
      return scope.analysis.depthOf(part.relation) === scope.depth
    },
    true,
  )
}

/** The type of an IN list that can be an array; 0 if it cannot. */
function listElementType(scope: Scope, exprs: readonly Expr[]): number {
  const { analysis } = scope
  const type = commonTypeIfAny(analysis, exprs)
  if (type === undefined || type === RECORD_OID) return 0
  if (!exprs.every((expr) => canCoerce(analysis, expr.type, type, 'implicit'))) return 0
  return arrayTypeOf(analysis, type) === 0 ? 0 : type
}

function comparison(operator: string, lexpr: Node, rexpr: Node, location: number): Node {
  return { A_Expr: { kind: 'AEXPR_OP', name: [{ String: { sval: operator } }], lexpr, rexpr, location } }
}

function combination(boolop: 'AND_EXPR' | 'OR_EXPR', args: Node[], location: number): Node {
  return { BoolExpr: { boolop, args, location } }
}

/** BETWEEN is defined as two comparisons, SYMMETRIC as four; operands are analysed anew in each. */
function betweenAsComparisons(node: A_Expr): Node {
  const location = node.location ?? 0
  const value = must(node.lexpr)
  const [low, high] = nodeAs(node.rexpr, 'List')?.items ?? []
  const inside = (a: Node, b: Node): Node =>
    combination(
      'AND_EXPR',
      [comparison('>=', value, a, location), comparison('<=', value, b, location)],
      location,
    )
  const outside = (a: Node, b: Node): Node =>
    combination(
      'OR_EXPR',
      [comparison('<', value, a, location), comparison('>', value, b, location)],
      location,
    )
  const [from, to] = [must(low), must(high)]
  switch (node.kind) {
    case 'AEXPR_BETWEEN':
      return inside(from, to)
    case 'AEXPR_NOT_BETWEEN':
      return outside(from, to)
    case 'AEXPR_BETWEEN_SYM':
      return combination('OR_EXPR', [inside(from, to), inside(to, from)], location)
    default:
      return combination('AND_EXPR', [outside(from, to), outside(to, from)], location)
  }
}
