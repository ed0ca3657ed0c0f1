// `*`, `t.*` and `(row).*`: one expression for each column.

import { must } from '../../storage/base/assert.ts'
import type { Node } from '../parse/ast.ts'
import { nodeAs } from '../parse/ast.ts'
import type { Expr } from '../tree/expr.ts'
import { RECORD_OID } from '../types/oids.ts'
import { findItem } from './column-ref.ts'
import { analyseExpr } from './expr.ts'
import { fieldExpr, itemOfRow, rowShape } from './field.ts'
import { formatType } from './format-type.ts'
import { columnExpr, type Scope, type ScopeItem } from './scope.ts'

export interface NamedExpr {
  readonly name: string
  readonly expr: Expr
}

/** The columns that a node ending in a star stands for; undefined if it does not end in one. */
export function expandStar(scope: Scope, node: Node): NamedExpr[] | undefined {
  const ref = nodeAs(node, 'ColumnRef')
  if (ref !== undefined) {
    const fields = ref.fields ?? []
    if (nodeAs(fields.at(-1), 'A_Star') === undefined) return undefined
    const location = ref.location ?? 0
    if (fields.length === 1) return expandAll(scope, location)
    const names = fields.slice(0, -1).map((field) => nodeAs(field, 'String')?.sval ?? '')
    return columnsOf(findItem(scope, names, location, `${names.join('.')}.*`), location)
  }
  const indirection = nodeAs(node, 'A_Indirection')
  const steps = indirection?.indirection ?? []
  if (indirection === undefined || nodeAs(steps.at(-1), 'A_Star') === undefined) return undefined
  const inner: Node =
    steps.length === 1
      ? must(indirection.arg)
      : { A_Indirection: { ...indirection, indirection: steps.slice(0, -1) } }
  return expandRow(scope, analyseExpr(scope, inner))
}

/** A lone star: every visible column of FROM, without what USING hid. */
function expandAll(scope: Scope, location: number): NamedExpr[] {
  const visible = scope.items.filter((item) => item.areColumnsVisible)
  if (visible.length === 0) {
    throw scope.analysis.error('42601', 'SELECT * with no tables specified is not valid', location)
  }
  return visible.flatMap((item) => columnsOf(item, location))
}

export function columnsOf(item: ScopeItem, location: number): NamedExpr[] {
  return item.columns.map((column) => ({ name: column.name, expr: columnExpr(column, location) }))
}

function expandRow(scope: Scope, row: Expr): NamedExpr[] {
  const { analysis } = scope
  const item = itemOfRow(scope, row)
  if (item !== undefined) return columnsOf(item, row.location)
  const shape = rowShape(scope, row)
  if (shape === undefined || (row.type !== RECORD_OID && shape.names.length === 0)) {
    if (row.type === RECORD_OID) {
      throw analysis.error('42809', 'record type has not been registered', row.location)
    }
    const type = formatType(analysis.context, row.type)
    throw analysis.error('42809', `type ${type} is not composite`, row.location)
  }
  if (row.kind === 'row') return row.elements.map((expr, i) => ({ name: must(shape.names[i]), expr }))
  return shape.names.map((name, i) => ({ name, expr: fieldExpr(analysis, row, shape, i, row.location) }))
}
