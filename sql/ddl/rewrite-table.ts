// Writes all rows of a table anew: ALTER COLUMN TYPE, a new column with a volatile default, a primary key that rows were
// stored by and is gone.
//
//   old tree ──decode──▶ full row ──transform──▶ checks, new layout, new key ──▶ fresh tree ──▶ every index rebuilt

import { must } from '../../storage/base/assert.ts'
import { ByteWriter } from '../../storage/base/byte-writer.ts'
import type { Index, Table } from '../catalog/catalog.ts'
import type { StoredTable } from '../catalog/stored-objects.ts'
import { settled } from '../catalog/wait.ts'
import { CompiledTable } from '../exec/modify/compiled-table.ts'
import { checkError } from '../exec/modify/constraint-error.ts'
import { Runtime } from '../exec/runtime.ts'
import { SqlError } from '../types/sql-error.ts'
import type { Row } from '../types/value.ts'
import { fullLayout } from './create-table.ts'
import { writeEnvironment } from './expressions.ts'
import { buildIndex } from './index-build.ts'
import { isTableEmpty, scanTable } from './table-scan.ts'
import type { DdlWork } from './work.ts'

export interface Rewrite {
  /** The new descriptor; tree and layouts are made here. */
  change(stored: StoredTable): StoredTable
  /** A full row of the old table as a full row of the new one. */
  transform(row: Row): Row
  /** New definitions of indexes, by oid (their column types may have changed). */
  changeIndex?(index: Index): Index
}

export async function rewriteTable(work: DdlWork, tableOid: number, rewrite: Rewrite): Promise<void> {
  const old = work.table(tableOid)
  const wasEmpty = await isTableEmpty(work, old)
  const stored = rewrite.change(work.storedTable(tableOid))
  const { transaction } = work
  const tree = transaction.createTree()
  const columns = stored.columns.map((column) =>
    column.missing === undefined ? column : { ...column, missing: undefined },
  )
  await work.put({ ...stored, columns, tree, layouts: [fullLayout(columns)] })
  for (const index of old.indexes) {
    const changed = rewrite.changeIndex?.(index) ?? index
    const isClustered = changed.isClustered && stored.clusterKey !== undefined
    await work.put({ ...changed, isClustered, tree: isClustered ? tree : transaction.createTree() })
    if (!index.isClustered) transaction.dropTree(index.tree)
  }
  if (!wasEmpty) await copyRows(work, old, rewrite)
  transaction.dropTree(old.tree)
  const table = work.table(tableOid)
  if (wasEmpty) return
  for (const index of table.indexes) if (!index.isClustered) await buildIndex(work, table, index)
}

/** A table whose clustered primary key is gone gets row ids. */
export async function rekeyByRowId(work: DdlWork, tableOid: number): Promise<void> {
  await rewriteTable(work, tableOid, {
    change: (stored) => ({ ...stored, clusterKey: undefined }),
    transform: (row) => row,
  })
}

async function copyRows(work: DdlWork, old: Table, rewrite: Rewrite): Promise<void> {
  const table = work.table(old.oid)
  const environment = writeEnvironment(work)
  const source = new CompiledTable(
    { ...old, checks: [], indexes: old.indexes.filter((index) => index.isClustered) },
    environment,
  )
  // Secondary indexes are built afterwards; their expressions are not needed here.
  const target = new CompiledTable(
    {
      ...table,
      checks: table.checks.filter((check) => check.validated),
      indexes: table.indexes.filter((index) => index.isClustered),
    },
    environment,
  )
  const context = work.execution()
  const runtime = new Runtime(context, 0)
  const row = new ByteWriter(512)
  const key = new ByteWriter(64)
  let nextId = target.encodeRowKey === undefined ? await settled(() => work.engine.nextRowId(table.tree)) : 0
  await scanTable(work, old, (cell) => {
    const next = rewrite.transform(source.decode(cell))
    target.generate?.(runtime, next)
    checkRow(work, target, runtime, next)
    key.reset()
    if (target.encodeRowKey === undefined) writeRowId(key, nextId++)
    else target.encodeRowKey(next, key)
    row.reset()
    table.codec.encode(target.toLayout(next), row)
    work.transaction.put(table.tree, key.copy(), row.bytes.subarray(0, row.length), context.commandId)
  })
}

function writeRowId(writer: ByteWriter, id: number): void {
  writer.int32(Math.floor(id / 0x1_0000_0000))
  writer.int32(id >>> 0)
}

function checkRow(work: DdlWork, target: CompiledTable, runtime: Runtime, row: Row): void {
  const { table } = target
  const nullColumn = target.firstNull(row)
  if (nullColumn >= 0) {
    const { name } = must(table.columns[nullColumn])
    throw new SqlError('23502', `column "${name}" of relation "${table.name}" contains null values`, {
      schema: work.catalog.schema(table.schemaOid)?.name,
      table: table.name,
      column: name,
    })
  }
  const failed = target.failedCheck?.(runtime, row)
  if (failed === undefined) return
  const { fields } = checkError(target, row, failed, work.functions)
  throw new SqlError(
    '23514',
    `check constraint "${failed}" of relation "${table.name}" is violated by some row`,
    {
      ...fields,
      detail: undefined,
    },
  )
}
