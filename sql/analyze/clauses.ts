// ORDER BY, DISTINCT, LIMIT: clauses that refer to the target list by name, by position or by expression.

import { must } from '../../storage/base/assert.ts'
import type { Node, SelectStmt } from '../parse/ast.ts'
import { nodeAs } from '../parse/ast.ts'
import type { Expr } from '../tree/expr.ts'
import { locationOf } from '../tree/location.ts'
import type { SortKey } from '../tree/query.ts'
import { eachChild, eachDescendant, sameExpr } from '../tree/walk.ts'
import { INT8_OID } from '../types/oids.ts'
import { findColumn } from './column-ref.ts'
import { coerceToWanted } from './common-type.ts'
import type { ExprKind } from './expr-kind.ts'
import { analyseExprIn } from './expr.ts'
import { requireEquality } from './operator.ts'
import { Scope } from './scope.ts'
import { sortKey } from './sort-key.ts'
import type { MutableTarget } from './targets.ts'
import { unknownToText } from './unknown.ts'

/** Names by which messages call the clauses. */
const CLAUSE_NAMES: Partial<Record<ExprKind, string>> = {
  'order-by': 'ORDER BY',
  'group-by': 'GROUP BY',
  'distinct-on': 'DISTINCT ON',
}

/**
 * What an item of ORDER BY, GROUP BY or DISTINCT ON means (SQL-92 rules): an output name, a position, or else an
 * expression. An expression that equals a target is that target's.
 */
export function resolveClauseItem(
  scope: Scope,
  node: Node,
  targets: readonly MutableTarget[],
  kind: ExprKind,
): Expr {
  const target = namedTarget(scope, node, targets, kind) ?? numberedTarget(scope, node, targets, kind)
  if (target !== undefined) {
    if (kind === 'group-by') refuseInGroupBy(scope, target.expr)
    target.expr = unknownToText(scope.analysis, target.expr)
    return target.expr
  }
  return resolveExpression(scope, node, targets, kind)
}

/** SQL-99 rules: an expression over the input columns, nothing else. Window clauses use these. */
export function resolveExpression(
  scope: Scope,
  node: Node,
  targets: readonly MutableTarget[],
  kind: ExprKind,
): Expr {
  const expr = analyseExprIn(scope, node, kind)
  const target = targets.find((candidate) => sameExpr(stripImplicit(candidate.expr), expr))
  if (target !== undefined) {
    target.expr = unknownToText(scope.analysis, target.expr)
    return target.expr
  }
  return unknownToText(scope.analysis, expr)
}

function stripImplicit(expr: Expr): Expr {
  if ((expr.kind === 'convert' || expr.kind === 'typmod') && expr.form === 'implicit-cast')
    return stripImplicit(expr.arg)
  return expr
}

function namedTarget(
  scope: Scope,
  node: Node,
  targets: readonly MutableTarget[],
  kind: ExprKind,
): MutableTarget | undefined {
  const ref = nodeAs(node, 'ColumnRef')
  const fields = ref?.fields ?? []
  const name = nodeAs(fields[0], 'String')?.sval
  if (ref === undefined || fields.length !== 1 || name === undefined) return undefined
  const location = ref.location ?? 0
  // GROUP BY prefers a column of FROM to an output name, ORDER BY the other way round.
  if (kind === 'group-by' && isOwnColumn(scope, name, location)) return undefined
  let found: MutableTarget | undefined
  for (const target of targets) {
    if (target.name !== name) continue
    if (found !== undefined && !sameExpr(found.expr, target.expr)) {
      throw scope.analysis.error('42702', `${CLAUSE_NAMES[kind]} "${name}" is ambiguous`, location)
    }
    found ??= target
  }
  return found
}

function isOwnColumn(scope: Scope, name: string, location: number): boolean {
  const local = new Scope(scope.analysis, undefined)
  local.items = scope.items
  return findColumn(local, name, location) !== undefined
}

function numberedTarget(
  scope: Scope,
  node: Node,
  targets: readonly MutableTarget[],
  kind: ExprKind,
): MutableTarget | undefined {
  const literal = nodeAs(node, 'A_Const')
  if (literal === undefined) return undefined
  const { analysis } = scope
  const location = literal.location ?? 0
  if (literal.ival === undefined) {
    throw analysis.error('42601', `non-integer constant in ${CLAUSE_NAMES[kind]}`, location)
  }
  const position = literal.ival.ival ?? 0
  const target = targets[position - 1]
  if (target !== undefined) return target
  throw analysis.error('42P10', `${CLAUSE_NAMES[kind]} position ${position} is not in select list`, location)
}

function refuseInGroupBy(scope: Scope, expr: Expr): void {
  const refuse = (part: Expr): void => {
    if (part.kind === 'aggregate') {
      throw scope.analysis.error('42803', 'aggregate functions are not allowed in GROUP BY', part.location)
    }
    if (part.kind === 'window') {
      throw scope.analysis.error('42P20', 'window functions are not allowed in GROUP BY', part.location)
    }
    eachChild(part, refuse)
  }
  refuse(expr)
}

export function analyseOrderBy(
  scope: Scope,
  nodes: readonly Node[] | undefined,
  targets: readonly MutableTarget[],
): SortKey[] {
  return uniqueKeys(
    (nodes ?? []).map((node) => {
      const sort = must(nodeAs(node, 'SortBy'))
      return sortKey(scope, sort, resolveClauseItem(scope, must(sort.node), targets, 'order-by'))
    }),
  )
}

/** A key that came before decides already. */
export function uniqueKeys(keys: readonly SortKey[]): SortKey[] {
  return keys.filter((key, i) => !keys.slice(0, i).some((earlier) => sameExpr(earlier.expr, key.expr)))
}

/** DISTINCT and DISTINCT ON. @throws SqlError 42P10 when ORDER BY does not fit. */
export function analyseDistinct(
  scope: Scope,
  nodes: readonly Node[] | undefined,
  targets: readonly MutableTarget[],
  orderBy: readonly SortKey[],
): undefined | 'all' | readonly Expr[] {
  if (nodes === undefined) return undefined
  const isPlain = nodes.length === 1 && nodes[0] !== undefined && Object.keys(nodes[0]).length === 0
  if (isPlain) return distinctAll(scope, targets, orderBy)
  return distinctOn(scope, nodes, targets, orderBy)
}

function distinctAll(scope: Scope, targets: readonly MutableTarget[], orderBy: readonly SortKey[]): 'all' {
  const { analysis } = scope
  for (const { expr } of orderBy) {
    if (targets.some((target) => sameExpr(target.expr, expr))) continue
    throw analysis.error(
      '42P10',
      'for SELECT DISTINCT, ORDER BY expressions must appear in select list',
      locationOf(expr),
    )
  }
  for (const target of targets) {
    target.expr = unknownToText(analysis, target.expr)
    requireEquality(analysis, target.expr.type, locationOf(target.expr))
  }
  if (targets.length === 0) {
    throw analysis.error('42601', 'SELECT DISTINCT must have at least one column')
  }
  return 'all'
}

function distinctOn(
  scope: Scope,
  nodes: readonly Node[],
  targets: readonly MutableTarget[],
  orderBy: readonly SortKey[],
): readonly Expr[] {
  const { analysis } = scope
  const keys: Expr[] = []
  for (const node of nodes) {
    const expr = resolveClauseItem(scope, node, targets, 'distinct-on')
    requireEquality(analysis, expr.type, locationOf(expr))
    if (!keys.some((key) => sameExpr(key, expr))) keys.push(expr)
  }
  // The leading ORDER BY keys must be these, in any order.
  const isKey = (expr: Expr): boolean => keys.some((key) => sameExpr(key, expr))
  const leading = orderBy.findIndex((key) => !isKey(key.expr))
  const prefix = leading < 0 ? orderBy : orderBy.slice(0, leading)
  const misplaced = leading < 0 ? undefined : orderBy.slice(leading).find((key) => isKey(key.expr))
  const missing = keys.find((key) => !prefix.some((order) => sameExpr(order.expr, key)))
  const isBad = misplaced !== undefined || (leading >= 0 && missing !== undefined)
  if (isBad) {
    const message = 'SELECT DISTINCT ON expressions must match initial ORDER BY expressions'
    throw analysis.error('42P10', message, locationOf(misplaced?.expr ?? must(missing)))
  }
  return keys
}

/** LIMIT and OFFSET: bigint, without columns of this query. */
export function analyseLimit(
  scope: Scope,
  node: Node | undefined,
  kind: 'limit' | 'offset',
  select: SelectStmt,
): Expr | undefined {
  if (node === undefined) return undefined
  const { analysis } = scope
  const construct = kind.toUpperCase()
  const expr = coerceToWanted(analysis, analyseExprIn(scope, node, kind), INT8_OID, construct)
  eachDescendant(expr, (part) => {
    if (
      (part.kind === 'column' || part.kind === 'whole-row') &&
      analysis.depthOf(part.relation) === scope.depth
    ) {
      throw analysis.error('42P10', `argument of ${construct} must not contain variables`, part.location)
    }
  })
  const isNull = expr.kind === 'constant' && expr.value === null
  if (kind === 'limit' && select.limitOption === 'LIMIT_OPTION_WITH_TIES' && isNull) {
    throw analysis.error('2201W', 'row count cannot be null in FETCH FIRST ... WITH TIES clause')
  }
  return expr
}
