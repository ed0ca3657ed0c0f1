// Questions the planner asks about expressions.

import type { ColumnExpr, Expr } from '../tree/expr.ts'
import type { Query, SelectQuery } from '../tree/query.ts'
import { childrenOf, freeColumns, someExpr } from '../exec/expression/walk.ts'
import { keyOf } from './layout.ts'
import type { Output } from './path.ts'

/** Evaluated without suspending, whatever happens: it may run while a cell is at hand. */
export function isImmediate(expr: Expr): boolean {
  return !someExpr(expr, (one) => {
    if (one.kind === 'subquery' || one.kind === 'next-value') return true
    return one.kind === 'call' && one.function.usesContext && one.function.volatility === 'volatile'
  })
}

export function isVolatile(expr: Expr): boolean {
  return someExpr(expr, (one) => {
    if (one.kind === 'next-value') return true
    return (one.kind === 'call' || one.kind === 'set-call') && one.function.volatility === 'volatile'
  })
}

/** A FROM-WHERE block without anything that depends on the set of its rows. */
export function isPlainBlock(query: Query): query is SelectQuery {
  if (query.kind !== 'select' || query.ctes.length > 0) return false
  if (
    query.hasAggregates ||
    query.groupBy.length > 0 ||
    query.groupingSets.length > 0 ||
    query.having !== undefined
  )
    return false
  if (query.limit !== undefined || query.offset !== undefined || query.locking.length > 0) return false
  return (
    query.windows.length === 0 &&
    !query.targets.some((target) => someExpr(target.expr, (one) => one.kind === 'set-call'))
  )
}

/** The column below relabelings that do not change the value. */
export function bareColumn(expr: Expr): ColumnExpr | undefined {
  if (expr.kind === 'column') return expr
  if (expr.kind === 'convert' && expr.method === 'relabel') return bareColumn(expr.arg)
  return undefined
}

/** Outputs that carry the columns which the expressions take from `provided` relations, each once. */
export function columnOutputs(exprs: Iterable<Expr>, provided: (output: Output) => boolean): Output[] {
  const outputs = new Map<string, Output>()
  for (const expr of exprs) {
    for (const column of freeColumns(expr)) {
      const output: Output = {
        relation: column.relation,
        column: column.kind === 'column' ? column.column : -100,
        expr: column,
      }
      if (!outputs.has(keyOf(column)) && provided(output)) outputs.set(keyOf(column), output)
    }
  }
  return [...outputs.values()]
}

/** Whether the output is nothing but the column that its slot is named after. */
export function isPlainOutput(output: Output): boolean {
  const { expr } = output
  if (expr.kind === 'column') return expr.relation === output.relation && expr.column === output.column
  return expr.kind === 'whole-row' && expr.relation === output.relation && output.column === -100
}

/**
 * Whether the condition is not true for a row whose columns of the given relations are all NULL: strict in one of them.
 */
export function rejectsNulls(expr: Expr, isNull: (column: ColumnExpr) => boolean): boolean {
  if (expr.kind === 'and') return expr.args.some((arg) => rejectsNulls(arg, isNull))
  if (expr.kind === 'or') return expr.args.every((arg) => rejectsNulls(arg, isNull))
  if (expr.kind === 'test') {
    if (expr.test === 'null') return expr.negated && isNullWith(expr.arg, isNull)
    return !expr.negated && expr.test !== 'unknown' && isNullWith(expr.arg, isNull)
  }
  return isNullWith(expr, isNull)
}

/** Whether the expression is NULL when those columns are. */
function isNullWith(expr: Expr, isNull: (column: ColumnExpr) => boolean): boolean {
  switch (expr.kind) {
    case 'column':
      return isNull(expr)
    case 'call':
      return expr.function.strict && expr.args.some((arg) => isNullWith(arg, isNull))
    case 'convert':
      return expr.method !== 'domain-check' && isNullWith(expr.arg, isNull)
    case 'typmod':
    case 'not':
      return isNullWith(expr.arg, isNull)
    case 'array-compare':
      return expr.function.strict && !expr.all && isNullWith(expr.left, isNull)
    default:
      return false
  }
}

/** Every expression in the tree, subqueries' insides left out. */
export function* expressionsIn(expr: Expr): Iterable<Expr> {
  yield expr
  for (const child of childrenOf(expr)) yield* expressionsIn(child)
}
