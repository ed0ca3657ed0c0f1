// Rewriting every expression of a query, however deep: what substituting columns (pulled-up subqueries) needs.

import type { Expr } from '../../tree/expr.ts'
import type {
  Cte,
  From,
  Modify,
  OnConflict,
  Query,
  SelectQuery,
  SortKey,
  Target,
  WindowClause,
} from '../../tree/query.ts'
import { mapChildren } from './walk.ts'

type Change = (expr: Expr) => Expr | undefined

/** Replaces top-down, inside subqueries too: what `change` returns replaces the node and is not looked into. */
export function replaceDeep(expr: Expr, change: Change): Expr {
  const changed = change(expr)
  if (changed !== undefined) return changed
  const mapped = mapChildren(expr, (child) => replaceDeep(child, change))
  return mapped.kind === 'subquery' ? { ...mapped, query: mapQuery(mapped.query, change) } : mapped
}

/** The same for every expression of a query. */
export function mapQuery<Q extends Query | Modify>(query: Q, change: Change): Q
export function mapQuery(query: Query | Modify, change: Change): Query | Modify {
  const one = (expr: Expr): Expr => replaceDeep(expr, change)
  const maybe = (expr: Expr | undefined): Expr | undefined => (expr === undefined ? undefined : one(expr))
  const targets = (list: readonly Target[]): Target[] =>
    list.map((target) => ({ ...target, expr: one(target.expr) }))
  const assigned = <A extends { readonly expr: Expr }>(list: readonly A[]): A[] =>
    list.map((item) => ({ ...item, expr: one(item.expr) }))
  const ctes = query.ctes.map((cte): Cte => ({ ...cte, query: mapQuery(cte.query, change) }))
  const tail = (q: Query): Pick<SelectQuery, 'orderBy' | 'limit' | 'offset'> => ({
    orderBy: keys(q.orderBy, one),
    limit: maybe(q.limit),
    offset: maybe(q.offset),
  })
  switch (query.kind) {
    case 'select':
      return { ...mapSelect(query, one, change), ...tail(query), ctes }
    case 'set': {
      const { left, right } = query
      return { ...query, ...tail(query), ctes, left: mapQuery(left, change), right: mapQuery(right, change) }
    }
    case 'values':
      return { ...query, ...tail(query), ctes, rows: query.rows.map((row) => row.map(one)) }
    case 'insert':
      return {
        ...query,
        ctes,
        source: mapQuery(query.source, change),
        assignments: assigned(query.assignments),
        onConflict: query.onConflict === undefined ? undefined : mapConflict(query.onConflict, one),
        returning: targets(query.returning),
      }
    case 'update':
      return {
        ...query,
        ctes,
        from: query.from.map((from) => mapFrom(from, change)),
        where: maybe(query.where),
        assignments: assigned(query.assignments),
        returning: targets(query.returning),
      }
    case 'delete': {
      const using = query.using.map((from) => mapFrom(from, change))
      return { ...query, ctes, using, where: maybe(query.where), returning: targets(query.returning) }
    }
  }
}

function keys(list: readonly SortKey[], one: (expr: Expr) => Expr): SortKey[] {
  return list.map((key) => ({ ...key, expr: one(key.expr) }))
}

function mapConflict(conflict: OnConflict, one: (expr: Expr) => Expr): OnConflict {
  const assignments = conflict.assignments.map((item) => ({ ...item, expr: one(item.expr) }))
  return { ...conflict, assignments, where: conflict.where === undefined ? undefined : one(conflict.where) }
}

function mapSelect(query: SelectQuery, one: (expr: Expr) => Expr, change: Change): SelectQuery {
  const { distinct } = query
  const windows = query.windows.map((window): WindowClause => {
    const { frame } = window
    const bound = (side: typeof frame.start): typeof frame.start =>
      side.offset === undefined ? side : { ...side, offset: one(side.offset) }
    return {
      ...window,
      partitionBy: keys(window.partitionBy, one),
      orderBy: keys(window.orderBy, one),
      frame: { ...frame, start: bound(frame.start), end: bound(frame.end) },
    }
  })
  return {
    ...query,
    from: query.from.map((from) => mapFrom(from, change)),
    where: query.where === undefined ? undefined : one(query.where),
    groupBy: query.groupBy.map(one),
    having: query.having === undefined ? undefined : one(query.having),
    windows,
    targets: query.targets.map((target) => ({ ...target, expr: one(target.expr) })),
    distinct: distinct === undefined || distinct === 'all' ? distinct : distinct.map(one),
  }
}

export function mapFrom(from: From, change: Change): From {
  const one = (expr: Expr): Expr => replaceDeep(expr, change)
  switch (from.kind) {
    case 'join': {
      const on = from.on === undefined ? undefined : one(from.on)
      return { ...from, left: mapFrom(from.left, change), right: mapFrom(from.right, change), on }
    }
    case 'subquery':
      return { ...from, query: mapQuery(from.query, change) }
    case 'function':
      return { ...from, calls: from.calls.map((call) => ({ ...call, call: one(call.call) })) }
    case 'values':
      return { ...from, rows: from.rows.map((row) => row.map(one)) }
    default:
      return from
  }
}
