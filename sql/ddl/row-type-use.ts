// A table's row type may be the type of columns elsewhere; their stored values would not follow a change of the table.

import type { Table } from '../catalog/catalog.ts'
import { FIRST_NORMAL_OID } from '../types/oids.ts'
import { SqlError } from '../types/sql-error.ts'
import type { DdlWork } from './work.ts'

/**
 * 42P16 when a column of the type would hold a row of the table itself: directly, in an array, behind a domain, or as a
 * field of another row type.
 */
export function refuseOwnRowType(work: DdlWork, table: Table, typeOid: number): void {
  const type = work.catalog.type(typeOid)
  if (type === undefined || typeOid < FIRST_NORMAL_OID) return
  if (typeOid === table.rowTypeOid) {
    throw new SqlError('42P16', `composite type ${table.name} cannot be made a member of itself`)
  }
  if (type.kind === 'domain') refuseOwnRowType(work, table, type.baseOid)
  if (type.kind === 'array') refuseOwnRowType(work, table, type.elementOid)
  if (type.kind !== 'composite') return
  for (const other of work.catalog.relations()) {
    if (other.kind === 'index' || other.kind === 'sequence' || other.rowTypeOid !== typeOid) continue
    for (const column of other.columns) if (!column.isDropped) refuseOwnRowType(work, table, column.type)
  }
}

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
