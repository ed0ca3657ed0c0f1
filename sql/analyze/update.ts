// UPDATE (documentation, UPDATE), and the SET list that ON CONFLICT DO UPDATE shares with it.

import { must } from '../../storage/base/assert.ts'
import type { MultiAssignRef, Node, ResTarget, UpdateStmt } from '../parse/ast.ts'
import { nodeAs } from '../parse/ast.ts'
import type { Expr } from '../tree/expr.ts'
import { locationOf } from '../tree/location.ts'
import type { Assignment, Query, SelectQuery, UpdateStatement } from '../tree/query.ts'
import { RECORD_OID } from '../types/oids.ts'
import { assign, assignedColumn, columnAt, refuseValueFor } from './assignment.ts'
import { defaultValue, generatedColumns } from './default-value.ts'
import { analyseCondition, analyseExpr } from './expr.ts'
import { analyseFrom } from './from.ts'
import { columnsOfQuery, selectFrom, subqueryItem } from './from-item.ts'
import { analyseReturning, type ModifyTarget, modifyTarget, withConditions } from './modify.ts'
import { analyseSelect } from './query.ts'
import { columnExpr, type Scope } from './scope.ts'
import { analyseWith, finishCtes } from './with.ts'

export function analyseUpdate(scope: Scope, statement: UpdateStmt): UpdateStatement {
  analyseWith(scope, statement.withClause)
  const into = modifyTarget(scope, must(statement.relation), 'update')
  const { item, table, relation: target } = into
  // FROM's items cannot refer to the target, not even by LATERAL.
  item.isLateralOnly = true
  item.isLateralOk = false
  scope.items.push(item)
  const from = analyseFrom(scope, statement.fromClause)
  const where = analyseCondition(scope, statement.whereClause, 'where', 'WHERE')
  const returning = analyseReturning(scope, statement.returningList)
  return {
    kind: 'update',
    assignments: analyseSetList(scope, into, statement.targetList ?? []),
    ctes: finishCtes(scope),
    table,
    target,
    from,
    where: withConditions(into, where),
    generated: generatedColumns(scope.analysis, table, target),
    returning,
  }
}

/** The items of SET, converted to their columns. @throws SqlError 42703, 42804, 42601, 428C9. */
export function analyseSetList(scope: Scope, into: ModifyTarget, nodes: readonly Node[]): Assignment[] {
  const { analysis } = scope
  const targets = nodes.map((node) => must(nodeAs(node, 'ResTarget')))
  const rows = new Map<unknown, readonly (Expr | undefined)[]>()
  // All values first, then all columns: an error in a value comes before one in a column's name.
  const values = scope.within('update-source', () =>
    targets.map((target) => assignedValue(scope, target, rows)),
  )
  const assignments: Assignment[] = []
  for (const [i, target] of targets.entries()) {
    const index = assignedColumn(analysis, into, target, 'update')
    const column = columnAt(into.table, index)
    const value = values[i]
    const expr = value === undefined ? defaultValue(analysis, column) : assign(analysis, column, value)
    if (assignments.some((other) => other.column === index)) {
      throw analysis.error('42601', `multiple assignments to same column "${column.name}"`)
    }
    if (value !== undefined) refuseValueFor(analysis, column, 'update')
    if (!column.generated) assignments.push({ column: index, expr })
  }
  return assignments
}

/** undefined: DEFAULT. */
function assignedValue(
  scope: Scope,
  target: ResTarget,
  rows: Map<unknown, readonly (Expr | undefined)[]>,
): Expr | undefined {
  const node = must(target.val)
  const multiple = nodeAs(node, 'MultiAssignRef')
  if (multiple !== undefined) return multipleValue(scope, multiple, rows)
  return nodeAs(node, 'SetToDefault') === undefined ? analyseExpr(scope, node) : undefined
}

/**
 * One of the columns of (a, b) = ...: the source is analysed with the first and remembered for the others (the JSON
 * repeats it, equal each time, and `colno` 1 begins a new one).
 */
function multipleValue(
  scope: Scope,
  ref: MultiAssignRef,
  rows: Map<unknown, readonly (Expr | undefined)[]>,
): Expr | undefined {
  const current = 'current'
  const column = ref.colno ?? 1
  if (column === 1) rows.set(current, multipleSource(scope, must(ref.source), ref.ncolumns ?? 1))
  return must(rows.get(current))[column - 1]
}

function multipleSource(scope: Scope, source: Node, count: number): readonly (Expr | undefined)[] {
  const { analysis } = scope
  const link = nodeAs(source, 'SubLink')
  const row = nodeAs(source, 'RowExpr')
  const mismatch = (location: number): Error =>
    analysis.error('42601', 'number of columns does not match number of values', location)
  if (row !== undefined) {
    const nodes = row.args ?? []
    if (nodes.length !== count) throw mismatch(row.location ?? 0)
    return nodes.map((node) =>
      nodeAs(node, 'SetToDefault') === undefined ? analyseExpr(scope, node) : undefined,
    )
  }
  if (link?.subLinkType !== 'EXPR_SUBLINK') {
    const message = 'source for a multiple-column UPDATE item must be a sub-SELECT or ROW() expression'
    throw analysis.error('0A000', message, locationOf(analyseExpr(scope, source)))
  }
  const location = link.location ?? 0
  const query = analyseSelect(scope, must(nodeAs(link.subselect, 'SelectStmt')))
  const columns = columnsOfQuery(query)
  if (columns.length !== count) throw mismatch(location)
  const record: Expr = {
    kind: 'subquery',
    test: 'scalar',
    query: asRecord(scope, query),
    left: [],
    compare: undefined,
    outputs: undefined,
    type: RECORD_OID,
    typmod: -1,
    collation: 0,
    location,
  }
  return columns.map(({ name, type, typmod, collation }, field): Expr => {
    return { kind: 'field', arg: record, field, name, type, typmod, collation, location }
  })
}

/** SELECT ROW(all columns) FROM (query): a scalar subquery whose fields can be taken. */
function asRecord(scope: Scope, query: Query): SelectQuery {
  const item = subqueryItem(scope, query, { name: '', aliases: [], lateral: false })
  const elements = item.columns.map((column) => columnExpr(column, -1))
  const row: Expr = {
    kind: 'row',
    names: item.columns.map((column) => column.name),
    elements,
    explicit: true,
    type: RECORD_OID,
    typmod: -1,
    collation: 0,
    location: -1,
  }
  return selectFrom(item, [{ expr: row, name: 'row', junk: false, tableOid: 0, columnNumber: 0 }])
}
