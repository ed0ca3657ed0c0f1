// Whether an expression gives a set of rows.

import type { Expr } from '../tree/expr.ts'
import { someExpr } from '../tree/walk.ts'

/** Whether a set-returning function is called anywhere in it (subqueries apart). */
export function returnsSet(expr: Expr): boolean {
  return someExpr(expr, (part) => part.kind === 'set-call')
}
