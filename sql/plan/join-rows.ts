// How many rows a join gives.
//
//   inner   left × right × the selectivity of its conditions
//
// Equalities that cover a unique key of a table find at most one of its rows each: together they let 1 / rows of that
// table through, however many columns the key has. Other equalities on several columns are taken as independent, but
// never as more selective than such a key would be.

import type { ColumnExpr, Expr } from '../tree/expr.ts'
import type { TableFrom } from '../tree/query.ts'
import { bareColumn } from './expr-facts.ts'
import type { JoinKind } from './join-path.ts'
import type { Path } from './path.ts'
import type { Planner } from './planner.ts'
import { coversUniqueKey, distinctOf, selectivityOf } from './selectivity.ts'

/** left = right between the two sides, as far as it compares plain columns. */
interface ColumnPair {
  readonly condition: Expr
  readonly sides: readonly [ColumnExpr, ColumnExpr]
}

export function joinRows(
  planner: Planner,
  kind: JoinKind,
  left: Path,
  right: Path | undefined,
  conditions: readonly Expr[],
): number {
  const l = left.estimate.rows
  const r = right?.estimate.rows ?? 1
  if (kind === 'semi' || kind === 'anti') {
    const matched = matchedFraction(planner, left, r, conditions)
    return Math.max(1, l * (kind === 'semi' ? matched : Math.max(0.05, 1 - matched)))
  }
  const rows = Math.max(1, l * r * selectivity(planner, Math.max(l, r), conditions))
  switch (kind) {
    case 'left':
      return Math.max(rows, l)
    case 'right':
      return Math.max(rows, r)
    case 'full':
      return Math.max(rows, l, r)
    default:
      return rows
  }
}

function selectivity(planner: Planner, larger: number, conditions: readonly Expr[]): number {
  const pairs = conditions.flatMap((condition) => columnPair(planner, condition) ?? [])
  const paired = new Set(pairs.map(({ condition }) => condition))
  let kept = conditions
    .filter((condition) => !paired.has(condition))
    .reduce((all, one) => all * selectivityOf(planner, one, larger), 1)
  if (pairs.length === 0) return kept
  const tables = tablesOf(planner, pairs)
  const unique = tables.find(({ from, columns }) => coversUniqueKey(from, columns))
  if (unique !== undefined) return kept / unique.rows
  const independent = pairs.reduce((all, { condition }) => all * selectivityOf(planner, condition, larger), 1)
  const most = Math.max(...tables.map(({ rows }) => rows), 1)
  kept *= Math.max(independent, 1 / most)
  return kept
}

function columnPair(planner: Planner, condition: Expr): ColumnPair | undefined {
  if (condition.kind !== 'call' || condition.args.length !== 2) return undefined
  if (planner.functions.operatorByOid(condition.operatorOid)?.btree !== '=') return undefined
  const [a, b] = condition.args as [Expr, Expr]
  const [left, right] = [bareColumn(a), bareColumn(b)]
  if (left === undefined || right === undefined || left.relation === right.relation) return undefined
  return { condition, sides: [left, right] }
}

interface EquatedTable {
  readonly from: TableFrom
  /** Indexes into table.columns that are equated with columns of others. */
  readonly columns: Set<number>
  /** Rows of the table, before any condition. */
  readonly rows: number
}

function tablesOf(planner: Planner, pairs: readonly ColumnPair[]): EquatedTable[] {
  const tables = new Map<TableFrom, EquatedTable>()
  for (const { sides } of pairs) {
    for (const column of sides) {
      const from = planner.tables.get(column.relation)
      const position = from?.tableColumns[column.column]
      if (from === undefined || position === undefined) continue
      const known = tables.get(from)
      if (known !== undefined) known.columns.add(position)
      else {
        const rows = Math.max(1, planner.context.estimate(from.table.oid).tuples)
        tables.set(from, { from, columns: new Set([position]), rows })
      }
    }
  }
  // The largest first: its key says most.
  return [...tables.values()].toSorted((a, b) => b.rows - a.rows)
}

/** The part of the left rows that have a match on the right: the values of the side with fewer are taken to be among the other's. */
function matchedFraction(planner: Planner, left: Path, r: number, conditions: readonly Expr[]): number {
  let fraction: number | undefined
  for (const condition of conditions) {
    const pair = columnPair(planner, condition)
    if (pair === undefined) continue
    const [a, b] = pair.sides
    const isLeft = left.relations.has(a.relation)
    const here = distinctOf(planner, isLeft ? a : b, left.estimate.rows)
    const there = distinctOf(planner, isLeft ? b : a, r)
    fraction = Math.min(fraction ?? 1, there / Math.max(here, 1))
  }
  return fraction ?? 0.5
}
