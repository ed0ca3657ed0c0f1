// Views that INSERT, UPDATE and DELETE see through to the one table below (documentation, CREATE VIEW, "Updatable
// Views").
//
//   UPDATE v SET x = 1 WHERE y      v: SELECT a AS x, b AS y FROM t WHERE c
//   ──▶ UPDATE t SET a = 1 WHERE c AND b, with the view's names for t's columns

import { must } from '../../storage/base/assert.ts'
import type { View } from '../catalog/catalog.ts'
import type { Expr } from '../tree/expr.ts'
import type { Query, SelectQuery, TableFrom } from '../tree/query.ts'
import { mapExpr, someExpr } from '../tree/walk.ts'
import { expandView } from './from.ts'
import type { Scope, ScopeColumn } from './scope.ts'

export interface UpdatableView {
  readonly from: TableFrom
  /** The view's columns: plain ones of the table, or expressions over it. */
  readonly columns: readonly ScopeColumn[]
  /** The WHERE of the view and of those below it. */
  readonly conditions: readonly Expr[]
}

/** The view over its table, or PostgreSQL's reason why not. */
export function seeThrough(scope: Scope, view: View): UpdatableView | string {
  // The table's entry belongs to the statement's own level.
  return throughQuery(scope, expandView(scope, view, scope.depth - 1), view)
}

function throughQuery(scope: Scope, query: Query, view: View): UpdatableView | string {
  const reason = refusalOf(query)
  if (reason !== undefined) return reason
  const select = query as SelectQuery
  const [from] = select.from
  const conditions = select.where === undefined ? [] : [select.where]
  const names = view.columns.filter((column) => !column.isDropped).map((column) => column.name)
  const targets = select.targets.filter((target) => !target.junk)
  if (from?.kind === 'table') {
    const columns = targets.map((target, i) => columnOver(names[i] ?? target.name, target.expr))
    return { from, columns, conditions }
  }
  const below = from?.kind === 'subquery' ? scope.analysis.catalog.relation(from.viewOid ?? 0) : undefined
  if (from?.kind !== 'subquery' || below?.kind !== 'view') return NOT_SINGLE
  const inner = throughQuery(scope, from.query, below)
  if (typeof inner === 'string') return inner
  const through = (expr: Expr): Expr =>
    mapExpr(expr, (part) => {
      if (part.kind !== 'column' || part.relation !== from.id) return undefined
      return exprOf(must(inner.columns[part.column]))
    })
  return {
    from: inner.from,
    columns: targets.map((target, i) => columnOver(names[i] ?? target.name, through(target.expr))),
    conditions: [...inner.conditions, ...conditions.map(through)],
  }
}

function columnOver(name: string, expr: Expr): ScopeColumn {
  const { type, typmod, collation } = expr
  const isPlain = expr.kind === 'column' && expr.column >= 0
  return {
    name,
    relation: expr.kind === 'column' ? expr.relation : (0 as ScopeColumn['relation']),
    index: isPlain ? expr.column : -1,
    type,
    typmod,
    collation,
    // Under the table's own name, so that deparsing and errors see a column of it.
    merged: expr,
  }
}

const exprOf = (column: ScopeColumn): Expr => must(column.merged)

const NOT_SINGLE = 'Views that do not select from a single table or view are not automatically updatable.'

function refusalOf(query: Query): string | undefined {
  const containing = (what: string): string => `Views containing ${what} are not automatically updatable.`
  if (query.kind === 'set') return containing('UNION, INTERSECT, or EXCEPT')
  if (query.kind === 'values') return NOT_SINGLE
  if (query.distinct !== undefined) return containing('DISTINCT')
  if (query.groupingSets.length > 0) return containing('GROUP BY')
  if (query.having !== undefined) return containing('HAVING')
  if (query.ctes.length > 0) return containing('WITH')
  if (query.limit !== undefined || query.offset !== undefined) return containing('LIMIT or OFFSET')
  const returning = (what: string): string => `Views that return ${what} are not automatically updatable.`
  if (query.hasAggregates) return returning('aggregate functions')
  if (query.windows.length > 0) return returning('window functions')
  const hasSets = query.targets.some(({ expr }) => someExpr(expr, (part) => part.kind === 'set-call'))
  if (hasSets) return returning('set-returning functions')
  const [from] = query.from
  const isSingle =
    query.from.length === 1 &&
    (from?.kind === 'table' || (from?.kind === 'subquery' && from.viewOid !== undefined))
  return isSingle && (from.kind !== 'table' || from.table.virtual === undefined) ? undefined : NOT_SINGLE
}
