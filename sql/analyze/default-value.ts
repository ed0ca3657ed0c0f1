// What a column gets when nothing is given: its DEFAULT, its identity sequence's next value, or NULL; and the
// expressions of generated columns.

import { must } from '../../storage/base/assert.ts'
import type { Column, Table } from '../catalog/catalog.ts'
import { parseExpression } from '../parse/parse.ts'
import type { Expr, RelationId } from '../tree/expr.ts'
import type { Assignment } from '../tree/query.ts'
import { Analysis } from './analysis.ts'
import { coerceTo, constant } from './coerce.ts'
import type { ExprKind } from './expr-kind.ts'
import { analyseExprIn } from './expr.ts'
import { itemOf, liveColumnsOf } from './from-item.ts'
import { Scope } from './scope.ts'
import { baseTypeAndTypmod } from './type-rules.ts'

/** The column's default, converted to its type. */
export function defaultValue(analysis: Analysis, column: Column): Expr {
  const { type, typmod } = column
  if (column.identity !== undefined) {
    return {
      kind: 'next-value',
      sequenceOid: column.sequenceOid,
      type,
      typmod: -1,
      collation: 0,
      location: -1,
    }
  }
  const domain = analysis.catalog.typeEntry(type)?.domain
  const text = column.generated ? undefined : (column.default ?? domain?.default)
  if (text !== undefined) return expressionOfColumn(analysis, text, { type, typmod, kind: 'default' })
  const base = baseTypeAndTypmod(analysis, type, -1)
  const nothing = { ...constant(analysis, base.oid, null), typmod }
  if (base.oid === type) return nothing
  return must(convert(analysis, nothing, type, typmod))
}

function convert(analysis: Analysis, expr: Expr, type: number, typmod: number): Expr | undefined {
  return coerceTo(analysis, expr, {
    type,
    typmod,
    context: 'assignment',
    form: 'implicit-cast',
    location: -1,
  })
}

/** An expression kept as text in the catalog, over the columns of `over`, converted to a column's type. */
function expressionOfColumn(
  analysis: Analysis,
  text: string,
  column: { readonly type: number; readonly typmod: number; readonly kind: ExprKind },
  over?: { readonly table: Table; readonly target: RelationId },
): Expr {
  const { node, source } = parseExpression(text)
  const inner = new Analysis(analysis.context, source, analysis)
  const scope = new Scope(inner, undefined)
  if (over !== undefined) {
    const { table, target } = over
    const live = liveColumnsOf(table)
    const from = {
      kind: 'table',
      id: target,
      alias: table.name,
      columns: live.columns,
      table,
      tableColumns: live.indexes,
    } as const
    scope.add(itemOf(from, { relationOid: table.oid, table, rowTypeOid: table.rowTypeOid }))
  }
  const raw = analyseExprIn(scope, node, column.kind)
  return must(convert(inner, raw, column.type, column.typmod), 'a stored expression converts to its column')
}

/** The generated columns' expressions over a table's new row. */
export function generatedColumns(analysis: Analysis, table: Table, target: RelationId): Assignment[] {
  return table.columns.flatMap((column, index) => {
    if (!column.generated || column.isDropped || column.default === undefined) return []
    const { type, typmod } = column
    const expr = expressionOfColumn(
      analysis,
      column.default,
      { type, typmod, kind: 'generated' },
      { table, target },
    )
    return [{ column: index, expr }]
  })
}
