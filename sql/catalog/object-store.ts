// Reads a timeline's catalog cells at a read point, and writes changed ones into a transaction's write set.
//
// Beside the objects there is a version cell. Every transaction that changes the catalog writes a fresh token into it,
// so two read points with the same token see the same catalog: that is what loaded contents are cached by, across
// read points and across branches (a branch reads its parent's token until its own first DDL).

import type { Lsn } from '../../storage/base/ids.ts'
import { CATALOG_TREE, type Database, type Transaction, type View } from '../../storage/engine/engine.ts'
import { Contents } from './contents.ts'
import { decodeObject, encodeObject, objectKey, type StoredObject } from './stored-objects.ts'
import { settled } from './wait.ts'

const VERSION_KEY = objectKey('version', 0)
/** The token of a catalog that was never written. */
const EMPTY_VERSION = 'empty'
const CELLS_PER_STEP = 256

/** The version token that `view` sees. May suspend. */
export function readVersion(view: View): string {
  const cell = view.database.get(view, CATALOG_TREE, VERSION_KEY)
  return cell === undefined ? EMPTY_VERSION : cell.bytes.toString('latin1', cell.start, cell.end)
}

/** Loads the whole catalog as of a read point. */
export async function loadContents(database: Database, readLsn?: Lsn): Promise<Contents> {
  const view = database.view(readLsn)
  database.pin(view)
  try {
    const version = await settled(() => readVersion(view))
    const objects: StoredObject[] = []
    const cursor = database.cursor(view, CATALOG_TREE)
    try {
      cursor.seek(undefined, undefined)
      const { cell } = cursor
      const step = (): boolean => {
        for (let count = 0; count < CELLS_PER_STEP; count++) {
          if (!cursor.next()) return false
          const key = cell.keyBytes.subarray(cell.keyStart, cell.keyEnd)
          const object = decodeObject(key, cell.bytes.subarray(cell.start, cell.end))
          if (object !== undefined) objects.push(object)
        }
        return true
      }
      while (await settled(step));
    } finally {
      cursor.close()
    }
    return Contents.of(version, objects)
  } finally {
    database.unpin(view)
  }
}

/** Stages an object's cell. The caller holds the locks that DDL takes on it. */
export function stageObject(transaction: Transaction, object: StoredObject, commandId: number): void {
  transaction.put(CATALOG_TREE, objectKey(object.kind, object.oid), encodeObject(object), commandId)
}

export function stageRemoval(
  transaction: Transaction,
  kind: StoredObject['kind'],
  oid: number,
  commandId: number,
): void {
  transaction.delete(CATALOG_TREE, objectKey(kind, oid), commandId)
}

/**
 * Stages the version token. It is written blindly by every transaction that changes the catalog, without a lock: the
 * last one to commit wins, and its token then names what all of them made.
 */
export function stageVersion(transaction: Transaction, version: string, commandId: number): void {
  transaction.put(CATALOG_TREE, VERSION_KEY, Buffer.from(version, 'latin1'), commandId)
}
