// Fields of rows: (row).field, and t.f or f(t) where one may mean the other.

import { must } from '../../storage/base/assert.ts'
import type { Expr } from '../tree/expr.ts'
import { RECORD_OID } from '../types/oids.ts'
import type { Analysis } from './analysis.ts'
import { compositeColumns } from './coerce.ts'
import { formatType } from './format-type.ts'
import { columnExpr, type Scope, type ScopeItem } from './scope.ts'
import { isRowType } from './type-rules.ts'

/** What is known of a row expression's fields. */
export interface RowShape {
  readonly names: readonly string[]
  readonly types: readonly number[]
  readonly typmods: readonly number[]
}

/** The item whose row an expression is, if it is a plain one. */
export function itemOfRow(scope: Scope, row: Expr): ScopeItem | undefined {
  if (row.kind !== 'whole-row') return undefined
  for (let level: Scope | undefined = scope; level !== undefined; level = level.outer) {
    const item = level.everything.find((candidate) => candidate.relation === row.relation)
    if (item !== undefined) return item
  }
  return undefined
}

/** The fields of a row expression; undefined for records of unknown shape. */
export function rowShape(scope: Scope, row: Expr): RowShape | undefined {
  const item = itemOfRow(scope, row)
  if (item !== undefined) return shapeOf(item.columns)
  if (row.kind === 'row' && row.type === RECORD_OID) {
    return {
      names: row.names,
      types: row.elements.map((element) => element.type),
      typmods: row.elements.map((element) => element.typmod),
    }
  }
  if (row.kind === 'set-call' && row.function.columns.length > 0) {
    const { columns } = row.function
    return {
      names: columns.map((column) => column.name),
      types: columns.map((column) => column.type),
      typmods: columns.map(() => -1),
    }
  }
  if (row.kind === 'subquery' && row.test === 'scalar') {
    const expr = row.query.targets[0]?.expr
    if (expr?.type === RECORD_OID && expr.kind === 'row') return rowShape(scope, expr)
  }
  return row.type === RECORD_OID ? undefined : shapeOf(compositeColumns(scope.analysis, row.type))
}

const shapeOf = (columns: readonly { name: string; type: number; typmod: number }[]): RowShape => ({
  names: columns.map((column) => column.name),
  types: columns.map((column) => column.type),
  typmods: columns.map((column) => column.typmod),
})

/** row.name as an expression; undefined if the row has no such field (or is of unknown shape). */
export function projectField(scope: Scope, row: Expr, name: string, location: number): Expr | undefined {
  if (!isRowType(scope.analysis, row.type)) return undefined
  const item = itemOfRow(scope, row)
  if (item !== undefined) {
    const column = item.columns.find((candidate) => candidate.name === name)
    return column === undefined ? undefined : columnExpr(column, location)
  }
  const shape = rowShape(scope, row)
  const field = shape?.names.indexOf(name) ?? -1
  if (shape === undefined || field < 0) return undefined
  return fieldExpr(scope.analysis, row, shape, field, location)
}

export function fieldExpr(
  analysis: Analysis,
  arg: Expr,
  shape: RowShape,
  field: number,
  location: number,
): Expr {
  const type = must(shape.types[field])
  return {
    kind: 'field',
    arg,
    field,
    name: must(shape.names[field]),
    type,
    typmod: shape.typmods[field] ?? -1,
    collation: analysis.collationOf(type),
    location,
  }
}

/** @throws the error for a field that a value does not have. */
export function missingField(scope: Scope, row: Expr, name: string, location: number): Error {
  const { analysis } = scope
  if (row.type === RECORD_OID && rowShape(scope, row) === undefined) {
    return analysis.error('42703', `could not identify column "${name}" in record data type`, location)
  }
  const item = itemOfRow(scope, row)
  if (item !== undefined)
    return analysis.error('42703', `column ${item.alias}.${name} does not exist`, location)
  const type = formatType(analysis.context, row.type)
  if (isRowType(analysis, row.type)) {
    return analysis.error('42703', `column "${name}" not found in data type ${type}`, location)
  }
  const message = `column notation .${name} applied to type ${type}, which is not a composite type`
  return analysis.error('42809', message, location)
}
