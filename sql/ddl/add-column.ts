// ALTER TABLE ADD COLUMN. Instant at any size: the descriptor gets a column and a row layout, and rows written before
// show the default as it was evaluated now. Only a volatile default, a sequence or a generated column needs every row.

import type { AlterTableCmd } from 'libpg-query'
import { must } from '../../storage/base/assert.ts'
import type { Column, Table } from '../catalog/catalog.ts'
import { nodeAs } from '../parse/ast.ts'
import { SqlError } from '../types/sql-error.ts'
import type { Value } from '../types/value.ts'
import { type ColumnDraft, type ConstraintDraft, draftColumn } from './column-draft.ts'
import { addConstraintDraft } from './alter-constraint.ts'
import { addColumnDefault, checkColumnNames, plainColumn } from './create-table.ts'
import { bindText, evaluateDefault, missingText } from './expressions.ts'
import { withNewLayout } from './remove-column.ts'
import { rewriteTable } from './rewrite-table.ts'
import { refuseOwnRowType, refuseUsedRowType } from './row-type-use.ts'
import { isTableEmpty, requireNotNull } from './table-scan.ts'
import type { DdlWork } from './work.ts'
import { changeColumn } from './table-change.ts'

export async function addColumn(work: DdlWork, table: Table, command: AlterTableCmd): Promise<void> {
  const def = must(nodeAs(command.def, 'ColumnDef'))
  const name = def.colname ?? ''
  if (table.columns.some((column) => column.name === name && !column.isDropped)) {
    if (command.missing_ok !== true) {
      throw new SqlError('42701', `column "${name}" of relation "${table.name}" already exists`)
    }
    work.notice(`column "${name}" of relation "${table.name}" already exists, skipping`, '42701')
    return
  }
  // Stored composites lack the new field and read it as NULL: a default would have to be written into them.
  const hasDefault = (def.constraints ?? []).some(
    (node) => nodeAs(node, 'Constraint')?.contype === 'CONSTR_DEFAULT',
  )
  if (hasDefault) refuseUsedRowType(work, table)
  const constraints: ConstraintDraft[] = []
  const draft = draftColumn(work, def, constraints)
  refuseOwnRowType(work, table, draft.type)
  checkColumnNames([draft])
  await addDraftedColumn(work, table, draft)
  for (const constraint of constraints) await addConstraintDraft(work, work.table(table.oid), constraint)
}

/** Adds the column with its default, identity or expression; its other constraints are the caller's. */
export async function addDraftedColumn(work: DdlWork, table: Table, draft: ColumnDraft): Promise<void> {
  const index = table.columns.length
  const number = Math.max(0, ...table.columns.map((column) => column.number)) + 1
  // NOT NULL is set once rows have their values.
  const column: Column = { ...plainColumn(draft, number), notNull: false, identity: undefined }
  const stored = work.storedTable(table.oid)
  const columns = [...stored.columns, column]
  await work.put({ ...stored, columns, layouts: withNewLayout(stored, columns) })
  await addColumnDefault(work, table.oid, index, draft)
  if (draft.identity !== undefined) await changeColumn(work, table.oid, index, { identity: draft.identity })
  const isEmpty = table.isCompositeType || (await isTableEmpty(work, table))
  if (!isEmpty) await fillRows(work, table.oid, index)
  if (!draft.notNull) return
  if (!isEmpty) await requireNotNull(work, work.table(table.oid), [index])
  await changeColumn(work, table.oid, index, { notNull: true })
}

/** Gives the rows that are there their values: by a missing value, or by writing them anew. */
async function fillRows(work: DdlWork, tableOid: number, index: number): Promise<void> {
  const column = must(work.table(tableOid).columns[index])
  if (column.identity !== undefined || column.generated) {
    await rewriteWith(work, tableOid, index, column.generated)
    return
  }
  const domainDefault = work.catalog.typeEntry(column.type)?.domain?.default
  if (column.default === undefined && domainDefault === undefined) return
  const bound = bindText(work, work.table(tableOid), index)
  if (bound.isVolatile) {
    await rewriteWith(work, tableOid, index, false)
    return
  }
  const value = await evaluateDefault(work, bound)
  if (value !== null) await changeColumn(work, tableOid, index, { missing: missingText(work, column, value) })
}

async function rewriteWith(
  work: DdlWork,
  tableOid: number,
  index: number,
  isGenerated: boolean,
): Promise<void> {
  const bound = isGenerated ? undefined : bindText(work, work.table(tableOid), index)
  const evaluate = bound?.prepare()
  await rewriteTable(work, tableOid, {
    change: (stored) => stored,
    // Generated columns are computed by the rewrite itself.
    transform: (row) => {
      if (evaluate === undefined) return row
      const changed: Value[] = [...row]
      changed[index] = evaluate()
      return changed
    },
  })
}
