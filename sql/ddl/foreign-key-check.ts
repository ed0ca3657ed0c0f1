// Checks the rows that are there against a foreign key: when it is added, and when it is validated.

import type { ForeignKey, Table } from '../catalog/catalog.ts'
import { settled } from '../catalog/wait.ts'
import { CompiledTable } from '../exec/modify/compiled-table.ts'
import { ForeignKeyQueue } from '../exec/modify/foreign-key-queue.ts'
import { Runtime } from '../exec/runtime.ts'
import { writeEnvironment } from './expressions.ts'
import { scanTable } from './table-scan.ts'
import type { DdlWork } from './work.ts'

/** 23503 when a row has no parent. */
export async function checkForeignKeyRows(work: DdlWork, table: Table, key: ForeignKey): Promise<void> {
  const only: Table = { ...table, foreignKeys: [{ ...key, deferrable: false }], referencedBy: [] }
  const compiled = new CompiledTable(only, writeEnvironment(work))
  const runtime = new Runtime(work.execution(), 0)
  const queue = new ForeignKeyQueue(compiled, runtime)
  // The queue keeps one task for each distinct key, run after the scan: parents may have to be waited for.
  await scanTable(work, table, (cell) => queue.inserted(compiled.decode(cell)))
  await settled(() => runtime.finish())
}
