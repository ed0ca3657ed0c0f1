// Storing into columns: which column a name means, and the conversion to its type (documentation, section 10.4).

import { must } from '../../storage/base/assert.ts'
import type { Column, Table } from '../catalog/catalog.ts'
import type { ResTarget } from '../parse/ast.ts'
import type { Expr } from '../tree/expr.ts'
import { locationOf } from '../tree/location.ts'
import type { Analysis } from './analysis.ts'
import { coerceTo } from './coerce.ts'
import { formatType } from './format-type.ts'
import type { ModifyTarget } from './modify.ts'
import type { ScopeColumn } from './scope.ts'

const SYSTEM_COLUMNS = new Set(['ctid', 'xmin', 'cmin', 'xmax', 'cmax', 'tableoid'])

/** Index into table.columns of a column that is written to. @throws SqlError 42703, 0A000. */
export function assignedColumn(
  analysis: Analysis,
  into: ModifyTarget,
  target: ResTarget,
  action: 'insert' | 'update',
): number {
  const name = target.name ?? ''
  const location = target.location ?? 0
  const column = into.item.columns.find((candidate) => candidate.name === name)
  if (column === undefined) {
    if (action === 'update' && SYSTEM_COLUMNS.has(name)) {
      throw analysis.error('0A000', `cannot assign to system column "${name}"`, location)
    }
    throw analysis.error('42703', `column "${name}" of relation "${into.name}" does not exist`, location)
  }
  const index = tableColumn(analysis, into, column, action)
  if (target.indirection !== undefined) {
    throw analysis.error(
      '0A000',
      'assignment to an array element or a field of a column is not supported',
      location,
    )
  }
  return index
}

/** The table column under a column of the target. @throws SqlError 0A000 for a view's expression. */
export function tableColumn(
  analysis: Analysis,
  into: ModifyTarget,
  column: ScopeColumn,
  action: 'insert' | 'update',
): number {
  const { from } = into.item
  if (from.kind === 'table' && column.index >= 0) return must(from.tableColumns[column.index])
  const verb = action === 'insert' ? 'insert into' : 'update'
  throw analysis.error('0A000', `cannot ${verb} column "${column.name}" of view "${into.name}"`, undefined, {
    detail: 'View columns that are not columns of their base relation are not updatable.',
  })
}

export function columnAt(table: Table, index: number): Column {
  return must(table.columns[index])
}

/** The expression as the column stores it. @throws SqlError 42804. */
export function assign(analysis: Analysis, column: Column, expr: Expr): Expr {
  const { type, typmod, name } = column
  const conversion = { type, typmod, context: 'assignment', form: 'implicit-cast', location: -1 } as const
  const converted = coerceTo(analysis, expr, conversion)
  if (converted === undefined) {
    const wanted = formatType(analysis.context, type)
    const actual = formatType(analysis.context, expr.type)
    const message = `column "${name}" is of type ${wanted} but expression is of type ${actual}`
    throw analysis.error('42804', message, locationOf(expr), {
      hint: 'You will need to rewrite or cast the expression.',
    })
  }
  return converted
}

/** @throws SqlError 428C9 for a value where only DEFAULT may be given. `verb` is what was tried. */
export function refuseValueFor(analysis: Analysis, column: Column, action: 'insert' | 'update'): void {
  if (!column.generated && column.identity !== 'always') return
  const { name } = column
  const message =
    action === 'insert'
      ? `cannot insert a non-DEFAULT value into column "${name}"`
      : `column "${name}" can only be updated to DEFAULT`
  const detail = column.generated
    ? `Column "${name}" is a generated column.`
    : `Column "${name}" is an identity column defined as GENERATED ALWAYS.`
  const hint =
    action === 'insert' && !column.generated ? 'Use OVERRIDING SYSTEM VALUE to override.' : undefined
  throw analysis.error('428C9', message, undefined, { detail, hint })
}
