// VALUES as a query (documentation, VALUES), and its rows as INSERT wants them.

import { must } from '../../storage/base/assert.ts'
import type { Node, SelectStmt } from '../parse/ast.ts'
import { nodeAs } from '../parse/ast.ts'
import type { Expr } from '../tree/expr.ts'
import { locationOf } from '../tree/location.ts'
import type { Target, ValuesQuery } from '../tree/query.ts'
import { analyseLimit, analyseOrderBy } from './clauses.ts'
import { coerceToCommon, commonType, commonTypmod } from './common-type.ts'
import { expandRowElements } from './expr.ts'
import { itemOf } from './from-item.ts'
import { resultCollation } from './operator.ts'
import type { Scope } from './scope.ts'
import type { MutableTarget } from './targets.ts'
import { analyseWith, finishCtes } from './with.ts'

/** The rows as they were written. @throws SqlError 42601 when they differ in length. */
export function analyseValuesRows(scope: Scope, lists: readonly Node[], kind: Scope['kind']): Expr[][] {
  const rows = scope.within(kind, () =>
    lists.map((list) => expandRowElements(scope, nodeAs(list, 'List')?.items ?? [])),
  )
  const length = rows[0]?.length ?? 0
  const wrong = rows.find((row) => row.length !== length)
  if (wrong !== undefined) {
    const location = wrong[0] === undefined ? -1 : locationOf(wrong[0])
    throw scope.analysis.error('42601', 'VALUES lists must all be the same length', location)
  }
  return rows
}

export function analyseValues(scope: Scope, select: SelectStmt): ValuesQuery {
  const { analysis } = scope
  analyseWith(scope, select.withClause)
  if (select.lockingClause !== undefined) {
    throw analysis.error('0A000', 'FOR UPDATE cannot be applied to VALUES')
  }
  const rows = analyseValuesRows(scope, must(select.valuesLists), 'values')
  const width = rows[0]?.length ?? 0
  const targets: MutableTarget[] = []
  const outputs = analysis.newRelation(scope.depth)
  for (let i = 0; i < width; i++) {
    const cells = rows.map((row) => must(row[i]))
    const type = commonType(analysis, cells, 'VALUES')
    for (const row of rows) row[i] = coerceToCommon(analysis, must(row[i]), type, 'VALUES')
    const converted = rows.map((row) => must(row[i]))
    const name = `column${i + 1}`
    targets.push({
      name,
      expr: {
        kind: 'column',
        relation: outputs,
        column: i,
        name,
        type,
        typmod: commonTypmod(converted, type),
        collation: resultCollation(analysis, type, converted),
        location: -1,
      },
    })
  }
  const columns = targets.map(({ name, expr: { type, typmod, collation } }) => ({
    name,
    type,
    typmod,
    collation,
  }))
  scope.items = [itemOf({ kind: 'values', id: outputs, alias: '*VALUES*', columns, rows, lateral: false })]
  const orderBy = analyseOrderBy(scope, select.sortClause, targets)
  const offset = analyseLimit(scope, select.limitOffset, 'offset', select)
  const limit = analyseLimit(scope, select.limitCount, 'limit', select)
  const finished = targets.map(({ name, expr }): Target => ({
    expr,
    name,
    junk: false,
    tableOid: 0,
    columnNumber: 0,
  }))
  return { kind: 'values', ctes: finishCtes(scope), rows, targets: finished, outputs, orderBy, limit, offset }
}
