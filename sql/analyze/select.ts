// A plain SELECT. Clauses are analysed in PostgreSQL's order, which decides what error is reported first:
// WITH, FROM, targets, WHERE, HAVING, ORDER BY, GROUP BY, DISTINCT, OFFSET, LIMIT, WINDOW, FOR UPDATE; then the checks
// of grouping.

import type { SelectStmt } from '../parse/ast.ts'
import type { SelectQuery } from '../tree/query.ts'
import { checkGrouping } from './check-grouping.ts'
import { analyseDistinct, analyseLimit, analyseOrderBy } from './clauses.ts'
import { analyseCondition } from './expr.ts'
import { analyseFrom } from './from.ts'
import { analyseGroupBy } from './group-by.ts'
import { analyseLocking } from './locking.ts'
import type { Scope } from './scope.ts'
import { analyseTargets, finishTargets, settleUnknowns } from './targets.ts'
import { analyseWindows, declareWindows } from './windows.ts'
import { analyseWith, finishCtes } from './with.ts'

/** @throws SqlError, PostgreSQL's own. */
export function analysePlainSelect(scope: Scope, select: SelectStmt): SelectQuery {
  const { analysis } = scope
  if (select.intoClause !== undefined && scope.depth > 1) {
    throw analysis.error('42601', 'SELECT ... INTO is not allowed here', select.intoClause.rel?.location)
  }
  analyseWith(scope, select.withClause)
  declareWindows(scope, select.windowClause)
  const from = analyseFrom(scope, select.fromClause)
  const targets = analyseTargets(scope, select.targetList, 'select')
  const where = analyseCondition(scope, select.whereClause, 'where', 'WHERE')
  const having = analyseCondition(scope, select.havingClause, 'having', 'HAVING')
  const orderBy = analyseOrderBy(scope, select.sortClause, targets)
  const grouping = analyseGroupBy(scope, select, targets)
  const distinct = analyseDistinct(scope, select.distinctClause, targets, orderBy)
  const offset = analyseLimit(scope, select.limitOffset, 'offset', select)
  const limit = analyseLimit(scope, select.limitCount, 'limit', select)
  scope.windows = analyseWindows(scope, targets)
  if (scope.resolveUnknowns) settleUnknowns(scope, targets)
  const query: SelectQuery = {
    kind: 'select',
    ctes: [],
    from,
    where,
    groupBy: grouping.keys,
    groupingSets: grouping.sets,
    grouping: grouping.items,
    groupDistinct: select.groupDistinct,
    having,
    hasAggregates: scope.hasAggregates,
    windows: scope.windows,
    targets: finishTargets(scope, targets),
    distinct,
    orderBy,
    limit,
    offset,
    withTies: select.limitOption === 'LIMIT_OPTION_WITH_TIES',
    locking: [],
  }
  const locking = analyseLocking(scope, select.lockingClause, query)
  checkGrouping(scope, query)
  return { ...query, locking, ctes: finishCtes(scope) }
}
