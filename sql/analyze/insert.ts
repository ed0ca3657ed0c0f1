// INSERT (documentation, INSERT).
//
//   source rows ──sourceColumns──▶ assignments of every table column ──▶ new row ──▶ RETURNING
//                                   (given, else default)                 └─ generated columns
//
// Cells of VALUES are converted to their columns' types in place; DEFAULT in a cell becomes the default's expression.

import { must } from '../../storage/base/assert.ts'
import type { Table } from '../catalog/catalog.ts'
import type { InsertStmt, Node, ResTarget, SelectStmt } from '../parse/ast.ts'
import { nodeAs } from '../parse/ast.ts'
import type { Expr, RelationId } from '../tree/expr.ts'
import { locationOf } from '../tree/location.ts'
import type { Assignment, InsertStatement, Query, Target, ValuesQuery } from '../tree/query.ts'
import { UNKNOWN_OID } from '../types/oids.ts'
import { assign, assignedColumn, columnAt, refuseValueFor, tableColumn } from './assignment.ts'
import { defaultValue, generatedColumns } from './default-value.ts'
import { analyseExpr } from './expr.ts'
import { analyseReturning, type ModifyTarget, modifyTarget } from './modify.ts'
import { analyseOnConflict } from './on-conflict.ts'
import { analyseSelect } from './query.ts'
import type { Scope } from './scope.ts'
import { expandStar } from './star.ts'
import { analyseWith, finishCtes } from './with.ts'

interface Source {
  readonly query: Query
  /** For each source column, the value to store: a column of the source, converted. */
  readonly values: readonly Expr[]
}

export function analyseInsert(scope: Scope, statement: InsertStmt): InsertStatement {
  const { analysis } = scope
  analyseWith(scope, statement.withClause)
  const into = modifyTarget(scope, must(statement.relation), 'insert')
  const { item, table, relation: target } = into
  const given = (statement.cols ?? []).map((node) => must(nodeAs(node, 'ResTarget')))
  const columns = insertColumns(scope, into, given)
  const insert: Insert = {
    scope,
    statement,
    table,
    given,
    columns,
    source: analysis.newRelation(scope.depth),
  }
  const source = analyseSource(insert)
  const sourceColumns = columns.slice(0, source.values.length)
  const assignments = assignAll(insert, source.values)
  const onConflict =
    statement.onConflictClause === undefined
      ? undefined
      : analyseOnConflict(scope, statement.onConflictClause, into)
  scope.items = [item]
  return {
    kind: 'insert',
    ctes: finishCtes(scope),
    table,
    target,
    source: source.query,
    sourceColumns,
    sourceRelation: insert.source,
    assignments,
    generated: generatedColumns(analysis, table, target),
    onConflict,
    returning: analyseReturning(scope, statement.returningList),
  }
}

interface Insert {
  readonly scope: Scope
  readonly statement: InsertStmt
  readonly table: Table
  readonly given: readonly ResTarget[]
  /** Columns that source columns go into, in order. */
  readonly columns: readonly number[]
  readonly source: RelationId
}

function insertColumns(scope: Scope, into: ModifyTarget, given: readonly ResTarget[]): readonly number[] {
  if (given.length === 0) {
    return into.item.columns.map((column) => tableColumn(scope.analysis, into, column, 'insert'))
  }
  const columns: number[] = []
  for (const target of given) {
    const column = assignedColumn(scope.analysis, into, target, 'insert')
    if (columns.includes(column)) {
      throw scope.analysis.error(
        '42701',
        `column "${target.name}" specified more than once`,
        target.location ?? 0,
      )
    }
    columns.push(column)
  }
  return columns
}

function analyseSource(insert: Insert): Source {
  const select = nodeAs(insert.statement.selectStmt, 'SelectStmt')
  if (select === undefined) return { query: valuesQuery(insert, [[]]), values: [] }
  const isPlainValues =
    select.valuesLists !== undefined &&
    select.sortClause === undefined &&
    select.limitOffset === undefined &&
    select.limitCount === undefined &&
    select.lockingClause === undefined &&
    select.withClause === undefined
  return isPlainValues ? valuesSource(insert, must(select.valuesLists)) : selectSource(insert, select)
}

function valuesQuery(insert: Insert, rows: readonly (readonly Expr[])[]): ValuesQuery {
  const outputs = insert.scope.analysis.newRelation(insert.scope.depth + 1)
  const targets = (rows[0] ?? []).map((cell, column): Target => {
    const name = `column${column + 1}`
    const { type, typmod, collation } = cell
    const expr: Expr = {
      kind: 'column',
      relation: outputs,
      column,
      name,
      type,
      typmod,
      collation,
      location: -1,
    }
    return { expr, name, junk: false, tableOid: 0, columnNumber: 0 }
  })
  return {
    kind: 'values',
    ctes: [],
    rows,
    targets,
    outputs,
    orderBy: [],
    limit: undefined,
    offset: undefined,
  }
}

/** A source column as the assignments see it. */
function sourceColumn(insert: Insert, column: number, like: Expr, name: string): Expr {
  const { type, typmod, collation } = like
  return {
    kind: 'column',
    relation: insert.source,
    column,
    name,
    type,
    typmod,
    collation,
    location: locationOf(like),
  }
}

function valuesSource(insert: Insert, lists: readonly Node[]): Source {
  const { scope } = insert
  let width = -1
  const rows = scope.within(lists.length === 1 ? 'values-single' : 'values', () =>
    lists.map((list) => {
      const nodes = nodeAs(list, 'List')?.items ?? []
      const cells = nodes.flatMap((node): (Expr | undefined)[] => valuesCell(scope, node))
      if (width < 0) width = cells.length
      if (cells.length !== width) {
        const first = cells.find((cell) => cell !== undefined)
        const location = first === undefined ? nodeAs(nodes[0], 'SetToDefault')?.location : locationOf(first)
        throw scope.analysis.error('42601', 'VALUES lists must all be the same length', location)
      }
      checkWidth(insert, cells, nodes)
      return cells.map((cell, i) => storedCell(insert, cell, i))
    }),
  )
  const query = valuesQuery(insert, rows)
  const values = query.targets.map((target, i) => {
    const column = columnAt(insert.table, must(insert.columns[i]))
    return sourceColumn(insert, i, { ...target.expr, type: column.type, location: -1 }, target.name)
  })
  return { query, values }
}

/** undefined: DEFAULT. */
function valuesCell(scope: Scope, node: Node): (Expr | undefined)[] {
  if (nodeAs(node, 'SetToDefault') !== undefined) return [undefined]
  const expanded = expandStar(scope, node)
  return expanded === undefined ? [analyseExpr(scope, node)] : expanded.map((column) => column.expr)
}

function storedCell(insert: Insert, cell: Expr | undefined, index: number): Expr {
  const { analysis } = insert.scope
  const column = columnAt(insert.table, must(insert.columns[index]))
  if (cell === undefined) return defaultValue(analysis, column)
  const stored = assign(analysis, column, cell)
  if (insert.statement.override === 'OVERRIDING_USER_VALUE' && column.identity !== undefined) {
    return defaultValue(analysis, column)
  }
  refuseGiven(insert, index)
  return stored
}

function refuseGiven(insert: Insert, index: number): void {
  const column = columnAt(insert.table, must(insert.columns[index]))
  const isOverridden = insert.statement.override === 'OVERRIDING_SYSTEM_VALUE' && !column.generated
  if (!isOverridden) refuseValueFor(insert.scope.analysis, column, 'insert')
}

function checkWidth(insert: Insert, cells: readonly (Expr | undefined)[], nodes: readonly Node[]): void {
  const { analysis } = insert.scope
  const wanted = insert.columns.length
  if (cells.length > wanted) {
    const extra = cells[wanted]
    const location = extra === undefined ? nodeAs(nodes[wanted], 'SetToDefault')?.location : locationOf(extra)
    throw analysis.error('42601', 'INSERT has more expressions than target columns', location)
  }
  if (insert.given.length === 0 || cells.length === wanted) return
  const [only] = cells
  const isOneRow = cells.length === 1 && only?.kind === 'row' && only.elements.length === wanted
  const message = 'INSERT has more target columns than expressions'
  throw analysis.error('42601', message, insert.given[cells.length]?.location ?? 0, {
    hint: isOneRow
      ? 'The insertion source is a row expression containing the same number of columns expected by the INSERT. ' +
        'Did you accidentally use extra parentheses?'
      : undefined,
  })
}

function selectSource(insert: Insert, select: SelectStmt): Source {
  const { scope } = insert
  const { analysis } = scope
  const query = analyseSelect(scope, select, { resolveUnknowns: false })
  const visible = query.targets.filter((target) => !target.junk)
  checkWidth(
    insert,
    visible.map((target) => target.expr),
    [],
  )
  const typed = new Map<Target, Expr>()
  const values = visible.map((target, i) => {
    const column = columnAt(insert.table, must(insert.columns[i]))
    if (insert.statement.override === 'OVERRIDING_USER_VALUE' && column.identity !== undefined) {
      return defaultValue(analysis, column)
    }
    // A literal that is still unknown is read as the column's type, in the source itself.
    if (target.expr.type === UNKNOWN_OID) {
      const stored = assign(analysis, column, target.expr)
      typed.set(target, stored)
      refuseGiven(insert, i)
      return sourceColumn(insert, i, stored, target.name)
    }
    const stored = assign(analysis, column, sourceColumn(insert, i, target.expr, target.name))
    refuseGiven(insert, i)
    return stored
  })
  if (typed.size === 0) return { query, values }
  const targets = query.targets.map((target) => ({ ...target, expr: typed.get(target) ?? target.expr }))
  return { query: { ...query, targets }, values }
}

function assignAll(insert: Insert, values: readonly Expr[]): Assignment[] {
  const { analysis } = insert.scope
  return insert.table.columns.flatMap((column, index): Assignment[] => {
    if (column.isDropped || column.generated) return []
    const source = insert.columns.indexOf(index)
    const value = source < 0 ? undefined : values[source]
    return [{ column: index, expr: value ?? defaultValue(analysis, column) }]
  })
}
