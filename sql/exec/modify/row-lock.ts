// Locks the row that a statement is about to change and finds out whether it is still the version that was read.
//
//   lock ──▶ nothing committed since the view's read point ───────────▶ 'same'
//        └─▶ newest version: same LSN 'same' · another 'changed' · none 'gone'
//
// READ COMMITTED goes on with the newest version; the other isolation levels fail with 40001.

import { must } from '../../../storage/base/assert.ts'
import { type Cell, type LockStrength, type LockWait, OWN_WRITE_LSN } from '../../../storage/engine/engine.ts'
import type { TreeId } from '../../../storage/base/ids.ts'
import { SqlError } from '../../types/sql-error.ts'
import type { Runtime } from '../runtime.ts'

export type LockedRow = 'same' | 'changed' | 'gone' | 'skipped'

export function lockRow(
  rt: Runtime,
  row: { readonly tree: TreeId; readonly key: Buffer; readonly lsn: number },
  strength: LockStrength,
  wait: LockWait = 'wait',
): LockedRow {
  const transaction = must(rt.context.transaction, 'a statement that locks has a transaction')
  if (!transaction.lock(row.tree, row.key, strength, wait)) return 'skipped'
  if (row.lsn === OWN_WRITE_LSN || rt.database.head === rt.view.readLsn) return 'same'
  const latest = rt.database.getLatest(row.tree, row.key)
  if (latest === undefined) {
    if (rt.context.isolation !== 'read committed') throw serializationFailure('delete')
    return 'gone'
  }
  if (latest.lsn === row.lsn) return 'same'
  if (rt.context.isolation !== 'read committed') throw serializationFailure('update')
  return 'changed'
}

/** The newest version of a row that lockRow called changed. Use the cell at once. */
export function newestCell(rt: Runtime, tree: TreeId, key: Buffer): Cell | undefined {
  return rt.database.getLatest(tree, key)
}

function serializationFailure(what: 'update' | 'delete'): SqlError {
  return new SqlError('40001', `could not serialize access due to concurrent ${what}`)
}
