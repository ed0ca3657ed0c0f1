// Expressions over rows that are being written: full rows of the target table (by table.columns index) beside rows of
// the statement's other relations.
//
//   r   a row of the source, with its layout          n   the new row, a full row of the target
//   b   the row before the change, a full row         x   EXCLUDED, a full row

import { unsupported } from '../types/sql-error.ts'
import type { Table } from '../catalog/catalog.ts'
import { ExpressionCompiler, type Scope } from '../exec/expression/compiler.ts'
import type { Fragment } from '../exec/expression/source.ts'
import type { RelationId } from '../tree/expr.ts'
import { type Layout, LayoutScope, type OuterScope } from './layout.ts'
import type { Planner } from './planner.ts'

/** A full row in a variable. */
export interface FullRow {
  readonly name: string
  readonly relation: RelationId
  readonly table: Table
}

/** Table column of each column of an entry over the table: dropped ones are not listed. */
export function entryColumns(table: Table): number[] {
  return table.columns.flatMap((column, i) => (column.isDropped ? [] : [i]))
}

export function targetCompiler(
  planner: Planner,
  full: readonly FullRow[],
  source: { readonly name: string; readonly layout: Layout } | undefined,
  outer: OuterScope | undefined,
): ExpressionCompiler {
  return new ExpressionCompiler(planner, new TargetScope(planner, full, source, outer))
}

class TargetScope extends LayoutScope implements Scope {
  readonly #full: readonly FullRow[]

  constructor(
    planner: Planner,
    full: readonly FullRow[],
    source: { readonly name: string; readonly layout: Layout } | undefined,
    outer: OuterScope | undefined,
  ) {
    super(source === undefined ? [] : [source], outer, planner.subqueryCompiler)
    this.#full = full
  }

  override find(expr: Parameters<Scope['column']>[0]): Fragment | undefined {
    const row = this.#full.find((one) => one.relation === expr.relation)
    if (row === undefined) return super.find(expr)
    const { table, name } = row
    if (expr.kind === 'whole-row') {
      const list = entryColumns(table).map((column) => `${name}[${column}]`)
      return {
        source: `rt.record(${table.oid}, ${expr.type}, [${list.join(', ')}])`,
        nullable: false,
        simple: false,
      }
    }
    if (expr.column >= 0) {
      const column = entryColumns(table)[expr.column]
      return { source: `${name}[${column}]`, nullable: true, simple: false }
    }
    if (expr.column === -6) return { source: String(table.oid), nullable: false, simple: true }
    throw unsupported('a system column of a changed row')
  }
}
