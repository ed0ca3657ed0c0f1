// Where an expression begins in the statement's text: the leftmost of its own token and its operands', which is where
// PostgreSQL points when it complains about the expression as a whole.

import type { Expr } from './expr.ts'

const leftmost = (a: number, b: number): number => (a < 0 ? b : b < 0 ? a : Math.min(a, b))

function leftmostOf(location: number, exprs: readonly Expr[]): number {
  let result = location
  for (const expr of exprs) result = leftmost(result, locationOf(expr))
  return result
}

/** 0-based byte offset, -1 if unknown. */
export function locationOf(expr: Expr): number {
  switch (expr.kind) {
    case 'call':
    case 'set-call':
    case 'and':
    case 'or':
    case 'nullif':
      return expr.kind === 'nullif'
        ? leftmostOf(expr.location, [expr.left, expr.right])
        : leftmostOf(expr.location, expr.args)
    case 'distinct':
    case 'array-compare':
      return leftmostOf(expr.location, [expr.left, expr.right])
    case 'convert':
    case 'typmod':
    case 'not':
    case 'test':
      return leftmost(expr.location, locationOf(expr.arg))
    case 'field':
    case 'subscript':
      return locationOf(expr.arg)
    case 'row-compare':
      return leftmostOf(expr.location, expr.left)
    case 'subquery':
      return leftmostOf(expr.location, expr.left)
    default:
      return expr.location
  }
}
