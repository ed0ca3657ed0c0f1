// Walks over a table's rows for DDL: is it empty, does every row obey a new constraint, rewrite all rows.

import type { Cell, Cursor, View } from '../../storage/engine/engine.ts'
import type { Table } from '../catalog/catalog.ts'
import { settled } from '../catalog/wait.ts'
import { SqlError } from '../types/sql-error.ts'
import type { DdlWork } from './work.ts'

/** Cells visited between two checkpoints. */
const CELLS_PER_STEP = 1024

/** Whether no row is visible to this transaction at the newest commit. */
export async function isTableEmpty(work: DdlWork, table: Table): Promise<boolean> {
  return withCursor(work, table, async (cursor) => !(await settled(() => cursor.next())))
}

/**
 * Calls `visit` with every row's cell, in key order, as of the newest commit with this transaction's own writes. `visit`
 * must not suspend.
 */
export async function scanTable(
  work: DdlWork,
  table: Table,
  visit: (cell: Cell, view: View) => void,
): Promise<void> {
  await withCursor(work, table, async (cursor, view) => {
    const { cell } = cursor
    const step = (): boolean => {
      for (let count = 0; count < CELLS_PER_STEP; count++) {
        if (!cursor.next()) return false
        visit(cell, view)
      }
      return true
    }
    while (await settled(step)) await work.checkpoint()
  })
}

async function withCursor<T>(
  work: DdlWork,
  table: Table,
  use: (cursor: Cursor, view: View) => Promise<T>,
): Promise<T> {
  const { view } = work.execution()
  view.readLsn = work.engine.head
  work.engine.pin(view)
  const cursor = work.engine.cursor(view, table.tree)
  try {
    cursor.seek(undefined, undefined)
    return await use(cursor, view)
  } finally {
    cursor.close()
    work.engine.unpin(view)
  }
}

/** 23502 when a row has NULL in one of the columns. */
export async function requireNotNull(work: DdlWork, table: Table, columns: readonly number[]): Promise<void> {
  const live = columns.flatMap((index) => table.columns[index] ?? [])
  const decode = table.codec.compileDecoder(live.map(({ number }) => number))
  await scanTable(work, table, (cell) => {
    const at = decode(cell).indexOf(null)
    const column = live[at]
    if (column === undefined) return
    throw new SqlError('23502', `column "${column.name}" of relation "${table.name}" contains null values`, {
      schema: work.catalog.schema(table.schemaOid)?.name,
      table: table.name,
      column: column.name,
    })
  })
}
