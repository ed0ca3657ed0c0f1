// A table's row type may be the type of columns elsewhere; their stored values would not follow a change of the table.

import type { Table } from '../catalog/catalog.ts'
import { SqlError } from '../types/sql-error.ts'
import type { DdlWork } from './work.ts'

/** 0A000 when another table stores values of this table's row type. */
export function refuseUsedRowType(work: DdlWork, table: Table): void {
  const types = [table.rowTypeOid, table.rowArrayTypeOid]
  for (const other of work.catalog.relations()) {
    if (other.kind !== 'table' || other.isCompositeType || other.virtual !== undefined) continue
    const column = other.columns.find((item) => !item.isDropped && types.includes(item.type))
    if (column === undefined) continue
    const what = table.isCompositeType ? 'type' : 'table'
    throw new SqlError(
      '0A000',
      `cannot alter ${what} "${table.name}" because column "${other.name}.${column.name}" uses it`.replace(
        /uses it$/,
        what === 'type' ? 'uses it' : 'uses its row type',
      ),
    )
  }
}
