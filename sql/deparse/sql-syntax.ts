// Functions that the grammar has forms of its own for: EXTRACT(year FROM x), x AT TIME ZONE 'UTC', SUBSTRING(a FROM 1).

import type { CallExpr, Expr } from '../tree/expr.ts'
import { printExpr } from './expr.ts'
import type { Printer } from './printer.ts'

/** Prints a call that was written in such a form; false if it has none. */
export function printSqlSyntax(p: Printer, expr: CallExpr): boolean {
  const [a, b, c, d] = expr.args
  const print = (...parts: readonly (string | Expr | undefined)[]): true => {
    for (const part of parts) {
      if (typeof part === 'string') p.add(part)
      else if (part !== undefined) printExpr(p, part, false)
    }
    return true
  }
  switch (expr.function.name) {
    case 'timezone':
      return print('(', b, ' AT TIME ZONE ', a, ')')
    case 'overlaps':
      return print('((', a, ', ', b, ') OVERLAPS (', c, ', ', d, '))')
    case 'extract':
      return print('EXTRACT(', rawText(a), ' FROM ', b, ')')
    case 'is_normalized':
      return print('((', a, ') IS', b === undefined ? '' : ` ${rawText(b)}`, ' NORMALIZED)')
    case 'normalize':
      return print('NORMALIZE(', a, b === undefined ? '' : `, ${rawText(b)}`, ')')
    case 'overlay':
      return print('OVERLAY(', a, ' PLACING ', b, ' FROM ', c, ...(d === undefined ? [] : [' FOR ', d]), ')')
    case 'position':
      return print('POSITION((', b, ') IN (', a, '))')
    case 'substring':
      return print('SUBSTRING(', a, ' FROM ', b, ...(c === undefined ? [] : [' FOR ', c]), ')')
    case 'btrim':
      return print('TRIM(BOTH', ...(b === undefined ? [] : [' ', b]), ' FROM ', a, ')')
    case 'ltrim':
      return print('TRIM(LEADING', ...(b === undefined ? [] : [' ', b]), ' FROM ', a, ')')
    case 'rtrim':
      return print('TRIM(TRAILING', ...(b === undefined ? [] : [' ', b]), ' FROM ', a, ')')
    case 'pg_collation_for':
      return print('COLLATION FOR (', a, ')')
    default:
      return false
  }
}

function rawText(expr: Expr | undefined): string {
  return expr?.kind === 'constant' && typeof expr.value === 'string' ? expr.value : ''
}
