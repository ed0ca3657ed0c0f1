// CASCADE, SET NULL and SET DEFAULT: changes the rows that refer to a key that is gone.

import { must } from '../../../storage/base/assert.ts'
import type { ForeignKey, ReferentialAction } from '../../catalog/catalog.ts'
import type { Row, Value } from '../../types/value.ts'
import type { Runtime } from '../runtime.ts'
import type { CompiledTable } from './compiled-table.ts'
import { type FoundRow, RowFinder } from './row-finder.ts'
import { TableWriter } from './table-writer.ts'

export interface ReferencingChange {
  readonly child: CompiledTable
  readonly key: ForeignKey
  readonly action: Exclude<ReferentialAction, 'no-action' | 'restrict'>
  /** The key that was. */
  readonly values: Row
  /** The key that is, after an UPDATE. */
  readonly replacement: Row | undefined
}

/** A task for the statement's end. It keeps its progress: called again after a suspension, it goes on. */
export function changeReferencing(change: ReferencingChange, runtime: Runtime): () => void {
  let finder: RowFinder | undefined
  let writer: TableWriter | undefined
  let done = 0
  return () => {
    const { child, key } = change
    finder ??= new RowFinder(child, { columns: key.columns, values: change.values }, runtime)
    const found = finder.collect()
    if (found.length === 0) return
    if (writer === undefined) {
      writer = new TableWriter(child, runtime)
      writer.commandId = runtime.context.nextCommandId()
    }
    while (done < found.length) {
      changeOne(change, must(found[done]), writer, runtime)
      done++
    }
  }
}

function changeOne(change: ReferencingChange, found: FoundRow, writer: TableWriter, runtime: Runtime): void {
  const { child, key } = change
  const { tree } = child.table
  const strength =
    change.action === 'cascade' && change.replacement === undefined ? 'update' : 'no-key-update'
  must(runtime.context.transaction).lock(tree, found.rowKey, strength, 'wait')
  // Under the lock: the row may have gone or changed while we waited.
  const cell = runtime.database.get(runtime.latestView(), tree, found.rowKey)
  if (cell === undefined) return
  const row = child.decode(cell)
  if (change.action === 'cascade' && change.replacement === undefined) {
    writer.deleteRow(found.rowKey, row)
    return
  }
  const after = [...row]
  key.columns.forEach((column, i) => {
    after[column] = newValue(change, child, column, i, runtime)
  })
  writer.updateRow(found.rowKey, row, after, new Set(key.columns))
}

function newValue(
  change: ReferencingChange,
  child: CompiledTable,
  column: number,
  i: number,
  runtime: Runtime,
): Value {
  if (change.action === 'cascade') return change.replacement?.[i] ?? null
  const expr = change.action === 'set-null' ? undefined : child.bindDefault(column)
  if (expr === undefined) return null
  const compiler = child.compiler()
  const { source } = compiler.value(expr)
  return compiler.builder.build<(rt: Runtime) => Value>('rt', `return ${source}`)(runtime)
}
