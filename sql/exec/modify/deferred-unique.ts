// Uniqueness of DEFERRABLE constraints: their entries end with the row key, so duplicates can exist until the check at
// the statement's end, or at COMMIT.

import { ByteWriter } from '../../../storage/base/byte-writer.ts'
import { compileKeyPrefixEncoder, prefixEnd } from '../../types/key-codec.ts'
import type { Row } from '../../types/value.ts'
import { Runtime } from '../runtime.ts'
import type { CompiledIndex, CompiledTable } from './compiled-table.ts'
import { uniqueError } from './constraint-error.ts'

/** Queues the check that no second row has this key. */
export function checkUniqueLater(
  table: CompiledTable,
  compiled: CompiledIndex,
  values: Row,
  runtime: Runtime,
): void {
  const { index } = compiled
  if (!index.nullsNotDistinct && values.includes(null)) return
  const { context } = runtime
  const constraintOid = index.constraintOid
  if (context.isDeferred?.(constraintOid) ?? index.initiallyDeferred) {
    context.deferCheck({
      constraintOid,
      run: (later) => checkNow(table, compiled, values, new Runtime(later, 0)),
    })
  } else {
    runtime.atEnd(() => checkNow(table, compiled, values, runtime))
  }
}

function checkNow(table: CompiledTable, compiled: CompiledIndex, values: Row, runtime: Runtime): void {
  const { index, keyColumns } = compiled
  const writer = new ByteWriter(64)
  compileKeyPrefixEncoder(keyColumns)(values, keyColumns.length, writer)
  const low = writer.copy()
  // Other transactions that add the same key wait here, as they do for a unique index.
  runtime.context.transaction?.lock(index.tree, low, 'update', 'wait')
  const cursor = runtime.database.cursor(runtime.latestView(), index.tree)
  try {
    cursor.seek(low, prefixEnd(low))
    let count = 0
    while (count < 2 && cursor.next()) count++
    if (count > 1) throw uniqueError(table, index, values, runtime.functions)
  } finally {
    cursor.close()
  }
}
