// Rule MinMaxFromIndex: SELECT max(a) FROM t WHERE ... ──▶ SELECT a FROM t WHERE ... AND a IS NOT NULL ORDER BY a DESC
// LIMIT 1, as a scalar subquery, where an index has a's order. Counter-example: with GROUP BY each group has its own.

import { conjunctsOf, conjunction } from '../exec/expression/walk.ts'
import type { AggregateExpr, Expr } from '../tree/expr.ts'
import type { SelectQuery, SortKey, TableFrom, Target } from '../tree/query.ts'
import { IndexMatcher } from './index-match.ts'
import type { Planner } from './planner.ts'

export function minMaxFromIndex(planner: Planner, query: SelectQuery): SelectQuery | undefined {
  if (!query.hasAggregates || query.groupBy.length > 0 || query.groupingSets.length > 0) return undefined
  if (
    query.having !== undefined ||
    query.windows.length > 0 ||
    query.orderBy.length > 0 ||
    query.distinct !== undefined
  )
    return undefined
  const [from] = query.from
  if (query.from.length !== 1 || from?.kind !== 'table' || from.table.virtual !== undefined) return undefined
  const targets: Target[] = []
  for (const target of query.targets) {
    const expr = target.expr.kind === 'aggregate' ? asSubquery(planner, query, from, target.expr) : undefined
    if (expr === undefined) return undefined
    targets.push({ ...target, expr })
  }
  planner.fired.push('MinMaxFromIndex')
  return { ...query, from: [], where: undefined, hasAggregates: false, targets, ctes: [] }
}

function asSubquery(
  planner: Planner,
  query: SelectQuery,
  from: TableFrom,
  expr: AggregateExpr,
): Expr | undefined {
  const { name } = expr.function
  const [arg] = expr.args
  if ((name !== 'min' && name !== 'max') || arg?.kind !== 'column' || arg.relation !== from.id)
    return undefined
  if (expr.filter !== undefined || expr.orderBy.length > 0) return undefined
  if (!hasOrder(planner, query, from, arg.column)) return undefined
  const notNull: Expr = {
    kind: 'test',
    test: 'null',
    negated: true,
    arg,
    type: 16,
    typmod: -1,
    collation: 0,
    location: -1,
  }
  const key: SortKey = { expr: arg, descending: name === 'max', nullsFirst: name === 'max' }
  const one: Expr = { kind: 'constant', value: 1, type: 20, typmod: -1, collation: 0, location: -1 }
  const inner: SelectQuery = {
    ...query,
    ctes: [],
    where: conjunction([...conjunctsOf(query.where), notNull]),
    hasAggregates: false,
    targets: [{ expr: arg, name, junk: false, tableOid: 0, columnNumber: 0 }],
    orderBy: [key],
    limit: one,
  }
  const { type, typmod, collation, location } = expr
  return {
    kind: 'subquery',
    test: 'scalar',
    query: inner,
    left: [],
    compare: undefined,
    outputs: undefined,
    type,
    typmod,
    collation,
    location,
  }
}

/** An index whose order, after what the conditions fix, begins with the column. */
function hasOrder(planner: Planner, query: SelectQuery, from: TableFrom, column: number): boolean {
  const matcher = new IndexMatcher(planner, from)
  const conditions = conjunctsOf(query.where)
  return from.table.indexes.some((index) => {
    const match = matcher.match(index, conditions)
    if (match === undefined || match.list !== undefined) return false
    return index.columns[match.equal.length]?.column === from.tableColumns[column]
  })
}
