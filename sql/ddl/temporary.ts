// Temporary tables: dropped when their session ends, emptied or dropped at commit where they were made so.
//
// They are ordinary tables of schema pg_temp_N of the session's process id, so a server that was killed leaves some
// behind; a session that gets the same number finds and drops them first.

import { CLASS_OID } from '../catalog/bootstrap.ts'
import { addressOf } from '../catalog/dependencies.ts'
import { SourceText } from '../parse/source-text.ts'
import { type DdlContext, temporarySchemaName } from './ddl.ts'
import { planDrop } from './drop-plan.ts'
import { removeObjects } from './removal.ts'
import { emptyTables } from './truncate.ts'
import { DdlWork } from './work.ts'

const quiet = (context: DdlContext): DdlContext => ({ ...context, notice: () => undefined })

/** Drops the session's temporary schema with everything in it, in the context's transaction. */
export async function dropTemporarySchema(context: DdlContext): Promise<void> {
  const name = temporarySchemaName(context.functions.processId)
  const schema = context.database.store.current.schemaOid(name)
  if (schema === undefined) return
  const work = new DdlWork(quiet(context), new SourceText(''))
  const doomed = planDrop(work, [addressOf(CLASS_OID.pg_namespace, schema)], 'cascade')
  await removeObjects(work, doomed)
}

/** ON COMMIT DELETE ROWS and ON COMMIT DROP, in the transaction that is about to commit. */
export async function runOnCommitActions(context: DdlContext): Promise<void> {
  const tables = onCommitTables(context)
  if (tables.length === 0) return
  const work = new DdlWork(quiet(context), new SourceText(''))
  const dropped = tables.filter((table) => table.onCommit === 'drop')
  if (dropped.length > 0) {
    const targets = dropped.map((table) => addressOf(CLASS_OID.pg_class, table.oid))
    await removeObjects(work, planDrop(work, targets, 'cascade'))
  }
  const emptied = tables.filter((table) => table.onCommit === 'delete')
  if (emptied.length > 0)
    await emptyTables(
      work,
      emptied.map(({ oid }) => oid),
      false,
    )
}

interface OnCommitTable {
  readonly oid: number
  readonly onCommit: 'drop' | 'delete' | 'preserve'
}

function onCommitTables(context: DdlContext): OnCommitTable[] {
  const contents = context.editor().contents()
  const schema = contents.schemaOid(temporarySchemaName(context.functions.processId))
  if (schema === undefined) return []
  return [...contents.all('table')].filter(
    (table) => table.schemaOid === schema && table.onCommit !== 'preserve',
  )
}
