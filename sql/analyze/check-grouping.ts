// What may stand beside GROUP BY: grouped expressions, aggregates, and columns that a grouped primary key determines
// (documentation, section 7.2.3).

import type { Expr, RelationId } from '../tree/expr.ts'
import type { From, SelectQuery, TableFrom } from '../tree/query.ts'
import { eachChild, eachQueryExpr, sameExpr } from '../tree/walk.ts'
import type { Scope } from './scope.ts'

/** @throws SqlError 42803 at the first column that is not grouped; 42803 and 42P19 for misplaced aggregates. */
export function checkGrouping(scope: Scope, query: SelectQuery): void {
  const isGrouped =
    scope.hasAggregates ||
    query.groupBy.length > 0 ||
    query.groupingSets.length > 0 ||
    query.having !== undefined
  if (!isGrouped) return
  refuseInRecursion(scope, query)
  const checker = new GroupingChecker(scope, query)
  for (const target of query.targets) checker.check(target.expr, false)
  for (const key of query.orderBy) checker.check(key.expr, false)
  if (Array.isArray(query.distinct)) {
    for (const expr of query.distinct as readonly Expr[]) checker.check(expr, false)
  }
  for (const window of query.windows) {
    for (const key of [...window.partitionBy, ...window.orderBy]) checker.check(key.expr, false)
  }
  if (query.having !== undefined) checker.check(query.having, false)
}

/** The recursive term of WITH RECURSIVE cannot aggregate over what is not complete. */
function refuseInRecursion(scope: Scope, query: SelectQuery): void {
  const isRecursive = query.from.some((from) => readsItself(from))
  if (!isRecursive || !scope.hasAggregates) return
  let location = -1
  const find = (expr: Expr): void => {
    if (expr.kind === 'aggregate' && location < 0) location = expr.location
    eachChild(expr, find)
  }
  for (const target of query.targets) find(target.expr)
  if (query.having !== undefined) find(query.having)
  const message = "aggregate functions are not allowed in a recursive query's recursive term"
  throw scope.analysis.error('42P19', message, location)
}

function readsItself(from: From): boolean {
  if (from.kind === 'join') return readsItself(from.left) || readsItself(from.right)
  return from.kind === 'cte' && from.recursive
}

class GroupingChecker {
  readonly #scope: Scope
  /** Keys that are in every grouping set: only those determine other columns. */
  readonly #common: readonly Expr[]
  readonly #keys: readonly Expr[]
  readonly #tables: ReadonlyMap<RelationId, TableFrom>
  readonly #determined = new Map<RelationId, boolean>()

  constructor(scope: Scope, query: SelectQuery) {
    this.#scope = scope
    this.#keys = query.groupBy
    this.#common = query.groupBy.filter((_, i) => query.groupingSets.every((set) => set.includes(i)))
    this.#tables = new Map(query.from.flatMap(tablesOf).map((table) => [table.id, table]))
  }

  check(expr: Expr, inSubquery: boolean): void {
    if (this.#keys.some((key) => sameExpr(key, expr))) return
    const { analysis, depth } = this.#scope
    switch (expr.kind) {
      case 'column':
      case 'whole-row':
        if (analysis.depthOf(expr.relation) === depth) this.#checkColumn(expr, inSubquery)
        return
      case 'aggregate':
        // Its own arguments are evaluated before grouping; direct ones after it.
        for (const arg of expr.directArgs) this.check(arg, inSubquery)
        return
      case 'grouping':
        this.#checkGroupingCall(expr.args, expr.location)
        return
      case 'subquery':
        eachChild(expr, (child) => this.check(child, inSubquery))
        eachQueryExpr(expr.query, (inner) => this.check(inner, true))
        return
      default:
        eachChild(expr, (child) => this.check(child, inSubquery))
    }
  }

  #checkColumn(expr: Expr & { kind: 'column' | 'whole-row' }, inSubquery: boolean): void {
    if (this.#isDetermined(expr.relation)) return
    const { analysis } = this.#scope
    const item = this.#scope.everything.find((candidate) => candidate.relation === expr.relation)
    const table = item?.alias ?? '?'
    const column = expr.kind === 'column' ? expr.name : '*'
    const shown =
      expr.kind === 'column' && expr.column >= 0 ? (item?.columns[expr.column]?.name ?? column) : column
    throw analysis.error(
      '42803',
      inSubquery
        ? `subquery uses ungrouped column "${table}.${shown}" from outer query`
        : `column "${table}.${shown}" must appear in the GROUP BY clause or be used in an aggregate function`,
      expr.location,
    )
  }

  #isDetermined(relation: RelationId): boolean {
    let known = this.#determined.get(relation)
    if (known === undefined) {
      known = this.#primaryKeyIsGrouped(relation)
      this.#determined.set(relation, known)
    }
    return known
  }

  #primaryKeyIsGrouped(relation: RelationId): boolean {
    const from = this.#tables.get(relation)
    const key = from?.table.indexes.find((index) => index.isPrimary && !index.deferrable)
    if (from === undefined || key === undefined) return false
    const grouped = new Set(
      this.#common.flatMap((expr) =>
        expr.kind === 'column' && expr.relation === relation ? [expr.column] : [],
      ),
    )
    return key.columns.every(({ column }) => grouped.has(from.tableColumns.indexOf(column)))
  }

  #checkGroupingCall(args: readonly Expr[], location: number): void {
    const bad = args.some((arg) => !this.#keys.some((key) => sameExpr(key, arg)))
    if (!bad) return
    const message = 'arguments to GROUPING must be grouping expressions of the associated query level'
    const wrong = args.find((arg) => !this.#keys.some((key) => sameExpr(key, arg)))
    throw this.#scope.analysis.error('42803', message, wrong?.location ?? location)
  }
}

function tablesOf(from: From): TableFrom[] {
  if (from.kind === 'join') return [...tablesOf(from.left), ...tablesOf(from.right)]
  return from.kind === 'table' ? [from] : []
}
