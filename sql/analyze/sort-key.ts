// One key of an ORDER BY: direction, NULLS FIRST, USING operator.

import type { SortBy } from '../parse/ast.ts'
import { stringsOf } from '../parse/ast.ts'
import type { Expr } from '../tree/expr.ts'
import { locationOf } from '../tree/location.ts'
import type { SortKey } from '../tree/query.ts'
import { findOperator, operatorName, requireOrder } from './operator.ts'
import type { Scope } from './scope.ts'

/** The key for an analysed expression. @throws SqlError 42883 no order, 42809 an operator that is no order. */
export function sortKey(scope: Scope, sort: SortBy, expr: Expr): SortKey {
  const { analysis } = scope
  requireOrder(analysis, expr.type, locationOf(expr))
  let descending = sort.sortby_dir === 'SORTBY_DESC'
  if (sort.sortby_dir === 'SORTBY_USING') {
    const name = operatorName(stringsOf(sort.useOp))
    const operator = findOperator(analysis, name, [expr.type, expr.type], sort.location ?? -1)
    if (operator.btree !== '<' && operator.btree !== '>') {
      throw analysis.error('42809', `operator ${name.name} is not a valid ordering operator`, sort.location, {
        hint: 'Ordering operators must be "<" or ">" members of btree operator families.',
      })
    }
    descending = operator.btree === '>'
  }
  const nulls = sort.sortby_nulls
  const nullsFirst = nulls === 'SORTBY_NULLS_FIRST' || (nulls !== 'SORTBY_NULLS_LAST' && descending)
  return { expr, descending, nullsFirst }
}
