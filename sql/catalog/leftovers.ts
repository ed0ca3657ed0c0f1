// Temporary tables of sessions that no longer exist: after a crash, or in a branch of a database that was in use. When
// a timeline is opened nobody is connected to it, so every pg_temp schema in it is such a leftover.

import type { CatalogStore } from './catalog-store.ts'
import type { CatalogEditor } from './editor.ts'
import type { StoredKind } from './stored-objects.ts'
import { settled } from './wait.ts'

const KINDS: readonly StoredKind[] = ['index', 'table', 'view', 'sequence', 'type']

/** Removes all temporary schemas with what is in them, and commits. */
export async function removeLeftovers(store: CatalogStore): Promise<void> {
  const contents = store.current
  const schemas = [...contents.all('schema')].filter((schema) => /^pg_temp_\d+$/.test(schema.name))
  if (schemas.length === 0) return
  const gone = new Set(schemas.map((schema) => schema.oid))
  const transaction = store.database.begin()
  const editor = store.edit({
    transaction,
    commandId: () => 0,
    snapshotOf: () => {
      throw new Error('nobody looks at the catalog of a clean-up')
    },
  })
  await removeObjects(editor, gone)
  for (const oid of gone) await settled(() => editor.remove('schema', oid))
  await settled(() => transaction.commit())
  editor.publish()
}

async function removeObjects(editor: CatalogEditor, schemas: ReadonlySet<number>): Promise<void> {
  const contents = editor.store.current
  for (const kind of KINDS) {
    for (const object of contents.all(kind)) {
      if (!('schemaOid' in object) || !schemas.has(object.schemaOid)) continue
      if (object.kind === 'table' && !object.isCompositeType) editor.transaction.dropTree(object.tree)
      if (object.kind === 'index' && !object.isClustered) editor.transaction.dropTree(object.tree)
      await settled(() => editor.remove(kind, object.oid))
      if (contents.object('comments', object.oid) !== undefined) {
        await settled(() => editor.remove('comments', object.oid))
      }
    }
  }
}
