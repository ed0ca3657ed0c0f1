// Window functions.

import type { Expr } from '../tree/expr.ts'
import type { WindowClause } from '../tree/query.ts'
import { unsupported } from '../types/sql-error.ts'
import type { OuterScope } from './layout.ts'
import type { Output, Planned } from './path.ts'
import type { Planner } from './planner.ts'

export function planWindows(
  _planner: Planner,
  _windows: readonly WindowClause[],
  _exprs: readonly Expr[],
  _build: (outputs: readonly Output[]) => Planned,
  _outer: OuterScope | undefined,
): { readonly planned: Planned; readonly rewrite: (expr: Expr) => Expr } | undefined {
  throw unsupported('a window function')
}
