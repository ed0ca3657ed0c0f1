// Aggregate and window calls as text, and window definitions.

import { must } from '../../storage/base/assert.ts'
import { quoteIdentifier } from '../parse/identifier.ts'
import type { AggregateExpr, Expr, WindowExpr } from '../tree/expr.ts'
import type { FrameBound, SortKey, WindowClause } from '../tree/query.ts'
import { printColumn, printConstant, printExpr, printList } from './expr.ts'
import { INDENT, type Printer } from './printer.ts'

export function printAggregate(p: Printer, expr: AggregateExpr): void {
  const isOrderedSet = expr.directArgs.length > 0 || expr.function.name === 'mode'
  p.add(`${quoteIdentifier(expr.function.name)}(`)
  if (expr.distinct) p.add('DISTINCT ')
  if (isOrderedSet) {
    printList(p, expr.directArgs, true)
    p.add(') WITHIN GROUP (ORDER BY ')
    printSortKeys(p, expr.orderBy)
  } else {
    if (expr.star) p.add('*')
    else printCallArguments(p, expr)
    if (expr.orderBy.length > 0) {
      p.add(' ORDER BY ')
      printSortKeys(p, expr.orderBy)
    }
  }
  printFilter(p, expr.filter)
  p.add(')')
}

function printCallArguments(p: Printer, expr: AggregateExpr | WindowExpr): void {
  const { args } = expr
  const isVariadic = expr.function.variadicType !== 0 && args.at(-1)?.kind === 'array'
  args.forEach((arg, i) => {
    if (i > 0) p.add(', ')
    if (isVariadic && i === args.length - 1) p.add('VARIADIC ')
    printExpr(p, arg, true)
  })
}

function printFilter(p: Printer, filter: Expr | undefined): void {
  if (filter === undefined) return
  p.add(') FILTER (WHERE ')
  printExpr(p, filter, false)
}

export function printWindowCall(p: Printer, expr: WindowExpr): void {
  p.add(`${quoteIdentifier(expr.function.name)}(`)
  if (expr.star) p.add('*')
  else printCallArguments(p, expr)
  printFilter(p, expr.filter)
  p.add(') OVER ')
  const window = must(p.windows[expr.window], 'a window call is inside its query')
  if (window.name === undefined) printWindow(p, window)
  else p.add(quoteIdentifier(window.name))
}

/** The WINDOW clause: the named ones. */
export function printWindowClause(p: Printer, windows: readonly WindowClause[]): void {
  let isFirst = true
  for (const window of windows) {
    if (window.name === undefined) continue
    if (isFirst) p.keyword(' WINDOW ', -INDENT, INDENT, 1)
    else p.add(', ')
    isFirst = false
    p.add(`${quoteIdentifier(window.name)} AS `)
    printWindow(p, window)
  }
}

function printWindow(p: Printer, window: WindowClause): void {
  const parts: (() => void)[] = []
  const { notation } = window
  const base = notation?.base
  if (base !== undefined) parts.push(() => p.add(quoteIdentifier(base)))
  if (base === undefined && window.partitionBy.length > 0) {
    parts.push(() => {
      p.add('PARTITION BY ')
      window.partitionBy.forEach((key, i) => {
        if (i > 0) p.add(', ')
        printKeyExpr(p, key.expr)
      })
    })
  }
  if (window.orderBy.length > 0 && notation?.hasOwnOrder !== false) {
    parts.push(() => {
      p.add('ORDER BY ')
      printSortKeys(p, window.orderBy)
    })
  }
  if (notation?.hasFrame === true) parts.push(() => printFrame(p, window.frame, notation.hasBetween))
  p.add('(')
  parts.forEach((print, i) => {
    if (i > 0) p.add(' ')
    print()
  })
  p.add(')')
}

function printFrame(p: Printer, frame: WindowClause['frame'], hasBetween: boolean): void {
  p.add(`${frame.mode.toUpperCase()} `)
  if (hasBetween) p.add('BETWEEN ')
  printBound(p, frame.start)
  if (hasBetween) {
    p.add(' AND ')
    printBound(p, frame.end)
  }
  const exclusions = {
    'no-others': '',
    'current-row': ' EXCLUDE CURRENT ROW',
    group: ' EXCLUDE GROUP',
    ties: ' EXCLUDE TIES',
  }
  p.add(exclusions[frame.exclude])
}

function printBound(p: Printer, bound: FrameBound): void {
  if (bound.offset !== undefined) {
    printExpr(p, bound.offset, false)
    p.add(' ')
  }
  p.add(bound.kind.replace('-', ' ').toUpperCase())
}

/** Keys of an ORDER BY; `numberOf` gives the output position to print instead of the expression. */
export function printSortKeys(p: Printer, keys: readonly SortKey[], numberOf?: (expr: Expr) => number): void {
  keys.forEach((key, i) => {
    if (i > 0) p.add(', ')
    if (numberOf === undefined) printKeyExpr(p, key.expr)
    else p.add(String(numberOf(key.expr)))
    if (key.descending) p.add(key.nullsFirst ? ' DESC' : ' DESC NULLS LAST')
    else if (key.nullsFirst) p.add(' NULLS FIRST')
  })
}

/** A key so that it cannot be taken for an output name, a position, or a grouping construct. */
export function printKeyExpr(p: Printer, expr: Expr): void {
  if (expr.kind === 'constant') return printConstant(p, expr, 1)
  if (expr.kind === 'column' || expr.kind === 'whole-row') return printColumn(p, expr)
  const isCall =
    expr.kind === 'aggregate' ||
    expr.kind === 'window' ||
    expr.kind === 'set-call' ||
    (expr.kind === 'call' && expr.form !== 'operator')
  const needed = p.pretty || isCall
  if (needed) p.add('(')
  printExpr(p, expr, true)
  if (needed) p.add(')')
}
