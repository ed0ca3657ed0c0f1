// Guesses of how many rows a condition lets through: from the statistics of the columns it names (statistics.ts), else
// PostgreSQL's defaults (selfuncs.h).

import { bareColumn } from './expr-facts.ts'
import type { ColumnExpr, Expr, RelationId } from '../tree/expr.ts'
import type { TableFrom } from '../tree/query.ts'
import { freeRelations } from '../exec/expression/walk.ts'
import { ArrayValue, type Value } from '../types/value.ts'
import type { Planner } from './planner.ts'
import { averageEqual, type ColumnStatistics, fractionBelow, fractionEqual } from './statistics.ts'

const EQUAL = 0.005
const RANGE = 1 / 3
const LIKE = 0.05
const OTHER = 0.5

type Comparison = '<' | '<=' | '=' | '>=' | '>'

const MIRRORED: Readonly<Record<Comparison, Comparison>> = {
  '<': '>',
  '<=': '>=',
  '=': '=',
  '>=': '<=',
  '>': '<',
}

/** Fraction of `tableRows` rows that a condition lets through. `own`: the relation that is read, others are given. */
export function selectivityOf(planner: Planner, expr: Expr, tableRows: number, own?: RelationId): number {
  switch (expr.kind) {
    case 'and':
      return expr.args.reduce((all, arg) => all * selectivityOf(planner, arg, tableRows, own), 1)
    case 'or':
      return 1 - expr.args.reduce((none, arg) => none * (1 - selectivityOf(planner, arg, tableRows, own)), 1)
    case 'not':
      return 1 - selectivityOf(planner, expr.arg, tableRows, own)
    case 'test': {
      if (expr.test !== 'null') return OTHER
      const nulls = statisticsOf(planner, bareColumn(expr.arg))?.nullFraction ?? EQUAL
      return expr.negated ? 1 - nulls : nulls
    }
    case 'call': {
      const operator = planner.functions.operatorByOid(expr.operatorOid)
      if (operator === undefined) return RANGE
      if (operator.btree !== undefined) return comparison(planner, expr.args, operator.btree, tableRows, own)
      if (operator.name.includes('~~')) return operator.name.startsWith('!') ? 1 - LIKE : LIKE
      return operator.name === '<>' ? 1 - comparison(planner, expr.args, '=', tableRows, own) : OTHER
    }
    case 'array-compare': {
      const length = expr.right.kind === 'array' ? expr.right.elements.length : arrayLength(expr.right)
      const statistics = statisticsOf(planner, bareColumn(expr.left))
      const each = statistics === undefined ? Math.max(EQUAL, 1 / tableRows) : averageEqual(statistics)
      return Math.min(1, each * length)
    }
    case 'constant':
      return expr.value === true ? 1 : 0
    default:
      return OTHER
  }
}

function comparison(
  planner: Planner,
  args: readonly Expr[],
  operator: Comparison,
  tableRows: number,
  own: RelationId | undefined,
): number {
  const [left, right] = args
  if (left === undefined || right === undefined) return RANGE
  const isSide = (expr: Expr): ColumnExpr | undefined => {
    const column = bareColumn(expr)
    return own === undefined || column?.relation === own ? column : undefined
  }
  const [a, b] = [isSide(left), isSide(right)]
  if (a !== undefined && b !== undefined) return betweenColumns(planner, a, b, operator, tableRows)
  const column = a ?? b
  const other = a === undefined ? left : right
  // The most frequent condition of all needs no sample of the table.
  const unique = operator === '=' ? uniqueRows(planner, column) : undefined
  if (unique !== undefined) return 1 / Math.max(1, unique)
  const statistics = statisticsOf(planner, column)
  if (column === undefined || statistics === undefined)
    return operator === '=' ? Math.min(1, Math.max(EQUAL, 1 / tableRows)) : RANGE
  const type = planner.type(column.type)
  const value = constantOf(planner, other, column)
  if (operator === '=') {
    return value === undefined ? averageEqual(statistics) : fractionEqual(statistics, value, type)
  }
  if (value === undefined) return RANGE
  const direction = a === undefined ? MIRRORED[operator] : operator
  const below = fractionBelow(statistics, value, direction === '<=' || direction === '>', type)
  if (below === undefined) return RANGE
  const fraction = direction === '<' || direction === '<=' ? below : 1 - statistics.nullFraction - below
  return Math.min(1, Math.max(fraction, 1 / Math.max(1, tableRows)))
}

/** A constant of the column's own type. */
function constantOf(planner: Planner, expr: Expr, column: ColumnExpr): NonNullable<Value> | undefined {
  if (expr.kind === 'convert' && expr.method === 'relabel') return constantOf(planner, expr.arg, column)
  if (expr.kind !== 'constant' || expr.value === null) return undefined
  const slots = [planner.type(expr.type).rowSlot, planner.type(column.type).rowSlot]
  return expr.type === column.type || slots[0] === slots[1] ? expr.value : undefined
}

function betweenColumns(
  planner: Planner,
  a: ColumnExpr,
  b: ColumnExpr,
  operator: Comparison,
  tableRows: number,
): number {
  if (operator !== '=') return RANGE
  const distincts = [statisticsOf(planner, a)?.distinct, statisticsOf(planner, b)?.distinct]
  const most = Math.max(...distincts.map((one) => one ?? 0))
  return most === 0 ? Math.min(1, Math.max(EQUAL, 1 / tableRows)) : 1 / most
}

/** Whether equalities with these columns, indexes into table.columns, find one row at most. */
export function coversUniqueKey({ table }: TableFrom, columns: ReadonlySet<number>): boolean {
  return table.indexes.some(
    (index) =>
      index.unique &&
      index.predicate === undefined &&
      index.columns.every(({ column }) => column >= 0 && columns.has(column)),
  )
}

/** Rows of the table that a column is a unique key of. */
function uniqueRows(planner: Planner, column: ColumnExpr | undefined): number | undefined {
  const from = column === undefined ? undefined : planner.tables.get(column.relation)
  const position = column === undefined ? undefined : from?.tableColumns[column.column]
  if (from === undefined || position === undefined) return undefined
  if (!coversUniqueKey(from, new Set([position]))) return undefined
  return planner.context.estimate(from.table.oid).tuples
}

/** Statistics of a column of a stored table. */
export function statisticsOf(planner: Planner, column: ColumnExpr | undefined): ColumnStatistics | undefined {
  if (column === undefined || column.kind !== 'column') return undefined
  const from = planner.tables.get(column.relation)
  const position = from?.tableColumns[column.column]
  if (from === undefined || position === undefined) return undefined
  return planner.context.statistics?.(from.table, position)
}

/** How many different values an expression has among `rows` rows. */
export function distinctOf(planner: Planner, expr: Expr, rows: number): number {
  const statistics = statisticsOf(planner, bareColumn(expr))
  if (statistics !== undefined) {
    const nulls = statistics.nullFraction > 0 ? 1 : 0
    return Math.min(rows, statistics.distinct + nulls)
  }
  return freeRelations(expr).size === 0 ? 1 : Math.min(rows, GROUPS_GUESSED)
}

/** PostgreSQL's DEFAULT_NUM_DISTINCT. */
const GROUPS_GUESSED = 200

function arrayLength(expr: Expr): number {
  return expr.kind === 'constant' && expr.value instanceof ArrayValue
    ? Math.max(1, expr.value.elements.length)
    : 10
}
