// Small steps that statements on one table share: find a column, change it, see that a constraint's name is free.

import type { Column, Table } from '../catalog/catalog.ts'
import { SqlError } from '../types/sql-error.ts'
import type { DdlWork } from './work.ts'

/** Index of a live column; 42703 when there is none. */
export function columnIndex(table: Table, name: string): number {
  const at = table.columns.findIndex((column) => column.name === name && !column.isDropped)
  if (at < 0) throw new SqlError('42703', `column "${name}" of relation "${table.name}" does not exist`)
  return at
}

/** Puts the table back with one column changed. */
export async function changeColumn(
  work: DdlWork,
  tableOid: number,
  index: number,
  changes: Partial<Column>,
): Promise<void> {
  const stored = work.storedTable(tableOid)
  await work.put({
    ...stored,
    columns: stored.columns.map((column, i) => (i === index ? { ...column, ...changes } : column)),
  })
}

export function checkConstraintNameIsFree(work: DdlWork, tableOid: number, name: string): void {
  const table = work.table(tableOid)
  const isTaken =
    table.checks.some((check) => check.name === name) ||
    table.foreignKeys.some((key) => key.name === name) ||
    table.indexes.some((index) => index.constraintOid !== 0 && index.name === name)
  if (!isTaken) return
  throw new SqlError('42710', `constraint "${name}" for relation "${table.name}" already exists`)
}
