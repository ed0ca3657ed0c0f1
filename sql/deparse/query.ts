// Queries as text, with PostgreSQL's line breaks: what pg_get_viewdef prints (without the semicolon).

import { must, unreachable } from '../../storage/base/assert.ts'
import { quoteIdentifier } from '../parse/identifier.ts'
import { unsupported } from '../types/sql-error.ts'
import type { Expr } from '../tree/expr.ts'
import type {
  Cte,
  GroupingItem,
  Query,
  RowLocking,
  SelectQuery,
  SetQuery,
  ValuesQuery,
} from '../tree/query.ts'
import { sameExpr } from '../tree/walk.ts'
import { printKeyExpr, printSortKeys, printWindowClause } from './aggregate.ts'
import { printColumn, printElement, printExpr } from './expr.ts'
import { nameEntries, printFrom } from './from.ts'
import { type DeparseOptions, INDENT, Printer } from './printer.ts'

/** A query's text. A view's definition: `outputNames` are its columns' names. */
export function deparseQuery(query: Query, options: DeparseOptions): string {
  const printer = new Printer(options)
  // Rules have entries of these two names, so no entry of a view can have them (PostgreSQL before 16).
  printer.usedNames = new Set(['old', 'new'])
  const outputNames =
    options.outputNames ?? query.targets.filter((target) => !target.junk).map((target) => target.name)
  printQueryIn(printer, query, { namesVisible: true, outputNames })
  return printer.text
}

export interface QueryStyle {
  /** Output names matter to whoever reads the query: every one is shown. */
  readonly namesVisible: boolean
  readonly outputNames?: readonly string[] | undefined
}

/** A query inside something else; entries' names stay distinct from those around it. */
export function printQueryIn(p: Printer, query: Query, style: QueryStyle): void {
  const { usedNames, indentLevel, windows } = p
  p.usedNames = nameEntries(p, query, usedNames)
  printQuery(p, query, style)
  p.usedNames = usedNames
  p.indentLevel = indentLevel
  p.windows = windows
}

function printQuery(p: Printer, query: Query, style: QueryStyle): void {
  printWith(p, query.ctes)
  switch (query.kind) {
    case 'select':
      p.windows = query.windows
      printSelect(p, query, style)
      break
    case 'set':
      printSet(p, query, style)
      break
    case 'values':
      printValues(p, query, style)
      break
    default:
      unreachable(query)
  }
  printTail(p, query)
}

/** ORDER BY, LIMIT and the rest, which all kinds of queries have. */
function printTail(p: Printer, query: Query): void {
  if (query.orderBy.length > 0) {
    p.keyword(' ORDER BY ', -INDENT, INDENT, 1)
    printSortKeys(
      p,
      query.orderBy,
      query.kind === 'set' ? (expr): number => positionOf(query, expr) : undefined,
    )
  }
  if (query.offset !== undefined) {
    p.keyword(' OFFSET ', -INDENT, INDENT, 0)
    printExpr(p, query.offset, false)
  }
  if (query.limit !== undefined) {
    const withTies = query.kind !== 'values' && query.withTies
    p.keyword(withTies ? ' FETCH FIRST ' : ' LIMIT ', -INDENT, INDENT, 0)
    if (query.limit.kind === 'constant' && query.limit.value === null) p.add('ALL')
    else if (withTies) {
      p.add('(')
      printExpr(p, query.limit, false)
      p.add(')')
    } else printExpr(p, query.limit, false)
    if (withTies) p.add(' ROWS WITH TIES')
  }
  if (query.kind === 'select') {
    for (const locking of query.locking) printLocking(p, locking)
  }
}

function positionOf(query: SetQuery, expr: Expr): number {
  return query.targets.findIndex((target) => sameExpr(target.expr, expr)) + 1
}

const LOCKING: Readonly<Record<RowLocking['strength'], string>> = {
  'key-share': ' FOR KEY SHARE',
  share: ' FOR SHARE',
  'no-key-update': ' FOR NO KEY UPDATE',
  update: ' FOR UPDATE',
}

function printLocking(p: Printer, locking: RowLocking): void {
  for (const relation of locking.relations) {
    p.keyword(LOCKING[locking.strength], -INDENT, INDENT, 0)
    p.add(` OF ${p.relationName(relation)}`)
    if (locking.wait === 'nowait') p.add(' NOWAIT')
    else if (locking.wait === 'skip') p.add(' SKIP LOCKED')
  }
}

function printWith(p: Printer, ctes: readonly Cte[]): void {
  if (ctes.length === 0) return
  if (p.indent) {
    p.indentLevel += INDENT
    p.add(' ')
  }
  for (const cte of ctes) {
    p.cteNames.set(cte.id, cte.name)
    p.cteColumns.set(
      cte.id,
      cte.columns.map((column) => column.name),
    )
  }
  const isRecursive = ctes.some((cte) => cte.recursive)
  ctes.forEach((cte, i) => {
    p.add(i > 0 ? ', ' : isRecursive ? 'WITH RECURSIVE ' : 'WITH ')
    p.add(quoteIdentifier(cte.name))
    const { query } = cte
    if (!('targets' in query)) throw unsupported('deparsing a data-modifying statement in WITH')
    if (query.targets.some((target, column) => target.name !== cte.columns[column]?.name)) {
      p.add(`(${cte.columns.map((column) => quoteIdentifier(column.name)).join(', ')})`)
    }
    p.add(' AS ')
    if (cte.materialized !== 'default')
      p.add(cte.materialized === 'always' ? 'MATERIALIZED ' : 'NOT MATERIALIZED ')
    p.add('(')
    if (p.indent) p.keyword('', 0, 0, 0)
    printQueryIn(p, query, { namesVisible: true })
    if (p.indent) p.keyword('', 0, 0, 0)
    p.add(')')
  })
  if (p.indent) {
    p.indentLevel -= INDENT
    p.keyword('', 0, 0, 0)
  } else {
    p.add(' ')
  }
}

function printSelect(p: Printer, query: SelectQuery, style: QueryStyle): void {
  const inner = unwrapped(query)
  if (inner !== undefined) return printQueryIn(p, inner, style)
  if (p.indent) {
    p.indentLevel += INDENT
    p.add(' ')
  }
  p.add('SELECT')
  printDistinct(p, query)
  printTargets(p, query, style)
  printFrom(p, query.from, ' FROM ')
  if (query.where !== undefined) {
    p.keyword(' WHERE ', -INDENT, INDENT, 1)
    printExpr(p, query.where, false)
  }
  printGroupBy(p, query)
  if (query.having !== undefined) {
    p.keyword(' HAVING ', -INDENT, INDENT, 0)
    printExpr(p, query.having, false)
  }
  printWindowClause(p, query.windows)
}

/** The query that a set operation's conversion was put around (see analyze/set-operation.ts). */
function unwrapped(query: SelectQuery): Query | undefined {
  const [only] = query.from
  return query.from.length === 1 && only?.kind === 'subquery' && only.alias === '' ? only.query : undefined
}

function printDistinct(p: Printer, query: SelectQuery): void {
  if (query.distinct === undefined) return
  p.add(' DISTINCT')
  if (query.distinct === 'all') return
  p.add(' ON (')
  query.distinct.forEach((expr, i) => {
    if (i > 0) p.add(', ')
    printKeyExpr(p, expr)
  })
  p.add(')')
}

/** The target list: after the first, each on its own line. */
function printTargets(p: Printer, query: SelectQuery, style: QueryStyle): void {
  const targets = query.targets.filter((target) => !target.junk)
  targets.forEach(({ expr, name }, i) => {
    p.add(i > 0 ? ', ' : ' ')
    const piece = p.capture(() => {
      const ownName = printTarget(p, expr, style.namesVisible)
      const shown = style.outputNames?.[i] ?? name
      if (ownName !== shown) p.add(` AS ${quoteIdentifier(shown)}`)
    })
    p.addWrapped(piece, i > 0)
  })
}

/** Prints a target; gives the name that it has without AS, undefined for none that counts. */
function printTarget(p: Printer, expr: Expr, namesVisible: boolean): string | undefined {
  if (expr.kind === 'column') {
    printColumn(p, expr)
    return expr.name
  }
  if (expr.kind === 'whole-row') {
    printElement(p, expr, true)
    return undefined
  }
  if (expr.kind === 'coalesce' && expr.merged !== undefined) {
    p.add(quoteIdentifier(expr.merged))
    return expr.merged
  }
  printExpr(p, expr, true)
  return namesVisible ? undefined : '?column?'
}

function printGroupBy(p: Printer, query: SelectQuery): void {
  if (query.groupingSets.length === 0) return
  p.keyword(' GROUP BY ', -INDENT, INDENT, 1)
  if (query.groupDistinct === true) p.add('DISTINCT ')
  const items: readonly GroupingItem[] =
    query.grouping ?? query.groupBy.map((_, i) => ({ kind: 'keys', keys: [i] }))
  items.forEach((item, i) => {
    if (i > 0) p.add(', ')
    printGroupingItem(p, query, item, true)
  })
}

const GROUPING_WORDS = { sets: 'GROUPING SETS (', rollup: 'ROLLUP(', cube: 'CUBE(' } as const

function printGroupingItem(p: Printer, query: SelectQuery, item: GroupingItem, isOutermost: boolean): void {
  if (item.kind === 'keys') {
    const isBare = item.keys.length === 1 && isOutermost
    if (!isBare) p.add('(')
    item.keys.forEach((key, i) => {
      if (i > 0) p.add(', ')
      printKeyExpr(p, must(query.groupBy[key]))
    })
    if (!isBare) p.add(')')
    return
  }
  p.add(GROUPING_WORDS[item.kind])
  item.items.forEach((inner, i) => {
    if (i > 0) p.add(', ')
    printGroupingItem(p, query, inner, item.kind !== 'sets')
  })
  p.add(')')
}

function printValues(p: Printer, query: ValuesQuery, style: QueryStyle): void {
  if (p.indent) {
    p.indentLevel += INDENT
    p.add(' ')
  }
  const names = style.outputNames
  const isRenamed =
    names !== undefined &&
    query.targets.some((target, i) => names[i] !== undefined && names[i] !== target.name)
  if (!isRenamed) return printRows(p, query.rows)
  p.add('SELECT ')
  query.targets.forEach((target, i) => {
    if (i > 0) p.add(', ')
    const name = names[i] ?? target.name
    p.addWrapped(
      `"*VALUES*".${target.name}${name === target.name ? '' : ` AS ${quoteIdentifier(name)}`}`,
      i > 0,
    )
  })
  p.keyword(' FROM ', -INDENT, INDENT, 2)
  p.add('(')
  printRows(p, query.rows)
  p.add(`) "*VALUES*"(${query.targets.map((target) => target.name).join(', ')})`)
}

export function printRows(p: Printer, rows: readonly (readonly Expr[])[]): void {
  p.add('VALUES ')
  rows.forEach((row, i) => {
    p.add(i > 0 ? ', (' : '(')
    row.forEach((cell, column) => {
      if (column > 0) p.add(',')
      printElement(p, cell, false)
    })
    p.add(')')
  })
}

/** A member of a set operation stands in parentheses when it has clauses that would bind to the whole. */
function printMember(p: Printer, query: Query, style: QueryStyle): void {
  if (query.kind === 'set' && !hasTail(query)) {
    const { usedNames } = p
    p.usedNames = nameEntries(p, query, usedNames)
    printSet(p, query, style)
    p.usedNames = usedNames
    return
  }
  const needed = hasTail(query)
  if (needed) p.add('(')
  printQueryIn(p, query, style)
  if (needed) p.add(')')
}

function hasTail(query: Query): boolean {
  return (
    query.ctes.length > 0 ||
    query.orderBy.length > 0 ||
    query.limit !== undefined ||
    query.offset !== undefined ||
    (query.kind === 'select' && query.locking.length > 0)
  )
}

const isNestedSet = (query: Query): query is SetQuery => query.kind === 'set' && !hasTail(query)

function printSet(p: Printer, query: SetQuery, style: QueryStyle): void {
  const { left, right } = query
  const leftNeeds = isNestedSet(left) && (left.operation !== query.operation || left.all !== query.all)
  let shift = 0
  if (leftNeeds) {
    p.add('(')
    shift = INDENT
    p.keyword('', shift, 0, 0)
  }
  printMember(p, left, style)
  if (leftNeeds) p.keyword(') ', -shift, 0, 0)
  else if (p.indent) p.keyword('', 0, 0, 0)
  else p.add(' ')
  p.add(`${query.operation.toUpperCase()} ${query.all ? 'ALL ' : ''}`)
  const rightNeeds = isNestedSet(right)
  if (rightNeeds) p.add('(')
  shift = rightNeeds ? INDENT : 0
  p.keyword('', shift, 0, 0)
  printMember(p, right, { ...style, namesVisible: false })
  if (p.indent) p.indentLevel -= shift
  if (rightNeeds) p.keyword(')', 0, 0, 0)
}
