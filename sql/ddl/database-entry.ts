// Entries of the cluster's catalog, as the statements about databases and roles find and change them.

import { must } from '../../storage/base/assert.ts'
import type { DatabaseEntry } from '../catalog/catalog.ts'
import type { CatalogEditor } from '../catalog/editor.ts'
import { settled } from '../catalog/wait.ts'
import { EPOCH_2000_MICROS } from '../functions/when.ts'
import { SqlError } from '../types/sql-error.ts'
import type { DdlWork } from './work.ts'

/** The shared catalog's editor; from now on work.shared shows its changes. */
export function sharedEditor(work: DdlWork): CatalogEditor {
  return work.context.sharedEditor()
}

/** Wall time, microseconds since 1970. */
export function wallMicros(work: DdlWork): number {
  return work.functions.clockMicros() + EPOCH_2000_MICROS
}

export function databaseNamed(work: DdlWork, name: string): DatabaseEntry {
  const database = work.shared.databaseByName(name)
  if (database === undefined) throw new SqlError('3D000', `database "${name}" does not exist`)
  return database
}

/** Puts a database's entry back changed; its owner only. */
export async function changeDatabase(
  work: DdlWork,
  name: string,
  change: (database: DatabaseEntry) => DatabaseEntry,
): Promise<void> {
  const { oid, ownerOid } = databaseNamed(work, name)
  work.checkOwner('database', { name, ownerOid })
  const editor = sharedEditor(work)
  await settled(() => editor.lockObject('database', oid))
  const stored = must(editor.object('database', oid))
  await settled(() => editor.put({ ...change(stored), kind: 'database' }))
}
