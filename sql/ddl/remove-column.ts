// DROP COLUMN: the column stays in the descriptor, marked, and leaves the newest layout. No row is touched; rows written
// before keep its bytes until they are written again.

import { must } from '../../storage/base/assert.ts'
import { CLASS_OID } from '../catalog/bootstrap.ts'
import type { Column, RowLayout } from '../catalog/catalog.ts'
import { COLUMN_DEFAULTS, type StoredTable } from '../catalog/stored-objects.ts'
import { BYTEA_OID } from '../types/oids.ts'
import type { Type } from '../types/type.ts'
import { dropComments } from './comment.ts'
import type { DdlWork } from './work.ts'

/** Marks the column with this attnum dropped. */
export async function removeColumn(work: DdlWork, tableOid: number, number: number): Promise<void> {
  const view = work.editor.object('view', tableOid)
  if (view !== undefined) return
  const table = work.storedTable(tableOid)
  const index = table.columns.findIndex((column) => column.number === number)
  const column = must(table.columns[index])
  if (column.isDropped) return
  const dropped: Column = {
    ...COLUMN_DEFAULTS,
    number,
    name: `........pg.dropped.${number}........`,
    type: physicalType(work, column.type),
    isDropped: true,
  }
  const columns = table.columns.map((item, i) => (i === index ? dropped : item))
  await work.put({ ...table, columns, layouts: withNewLayout(table, columns), clusterKey: table.clusterKey })
  await dropComments(work, CLASS_OID.pg_class, tableOid, number)
}

/** The layouts with one more behind them, of the columns that are not dropped. */
export function withNewLayout(table: StoredTable, columns: readonly Column[]): readonly RowLayout[] {
  const last = must(table.layouts.at(-1), 'a table has a layout')
  const live: number[] = []
  for (const [i, column] of columns.entries()) if (!column.isDropped) live.push(i)
  return [...table.layouts, { version: last.version + 1, columns: live }]
}

/** A built-in type whose values lie in rows in the same way: the type itself may be dropped later. */
function physicalType(work: DdlWork, oid: number): number {
  let type: Type | undefined = work.catalog.type(oid)
  while (type?.kind === 'domain') type = work.catalog.type(type.baseOid)
  if (type === undefined || type.oid >= 16384 || type.rowSlot === 'variable') return BYTEA_OID
  return type.oid
}
