// Finds the rows of a table that have given values in some columns: through an index if one begins with such columns,
// else by reading the table. For foreign keys, which have no plan of their own.

import { must } from '../../../storage/base/assert.ts'
import { ByteWriter } from '../../../storage/base/byte-writer.ts'
import type { Cursor, View } from '../../../storage/engine/engine.ts'
import type { Index } from '../../catalog/catalog.ts'
import { compileKeyPrefixEncoder, prefixEnd } from '../../types/key-codec.ts'
import type { Row, Value } from '../../types/value.ts'
import { copyKey } from '../operator/row-reader.ts'
import type { Runtime } from '../runtime.ts'
import type { CompiledTable } from './compiled-table.ts'
import { keyColumnsOf, rowKeyOf } from './index-key.ts'

export interface FoundRow {
  readonly rowKey: Buffer
  readonly row: Row
}

/** The index that narrows most, and how many of its first columns are among `columns`. */
function chooseIndex(
  compiled: CompiledTable,
  columns: readonly number[],
): { readonly index: Index; readonly count: number } | undefined {
  let best: { readonly index: Index; readonly count: number } | undefined
  for (const index of compiled.table.indexes) {
    if (index.predicate !== undefined) continue
    let count = 0
    while (count < index.columns.length && columns.includes(must(index.columns[count]).column)) count++
    if (count > 0 && (best === undefined || count > best.count)) best = { index, count }
  }
  return best
}

/** One search. `collect` may suspend and is then called again. */
export class RowFinder {
  readonly #compiled: CompiledTable
  readonly #columns: readonly number[]
  readonly #values: Row
  readonly #view: View
  readonly #runtime: Runtime
  readonly #found: FoundRow[] = []
  readonly #limit: number
  readonly #isIndexed: boolean
  #cursor: Cursor | undefined
  #pendingKey: Buffer | undefined

  constructor(
    compiled: CompiledTable,
    search: { readonly columns: readonly number[]; readonly values: Row; readonly limit?: number },
    runtime: Runtime,
  ) {
    this.#compiled = compiled
    this.#columns = search.columns
    this.#values = search.values
    this.#limit = search.limit ?? Infinity
    this.#runtime = runtime
    // A view of its own, pinned: the search may wait while others commit.
    this.#view = runtime.database.view()
    this.#view.transaction = runtime.context.transaction
    this.#view.commandId = Number.MAX_SAFE_INTEGER
    runtime.database.pin(this.#view)
    runtime.own(this)
    const chosen = chooseIndex(compiled, search.columns)
    this.#isIndexed = chosen !== undefined && !chosen.index.isClustered
    const { table, environment } = compiled
    const cursor = runtime.database.cursor(this.#view, chosen?.index.tree ?? table.tree)
    this.#cursor = cursor
    if (chosen === undefined) {
      cursor.seek(undefined, undefined)
      return
    }
    const encode = compileKeyPrefixEncoder(keyColumnsOf(chosen.index, (oid) => environment.type(oid)))
    const writer = new ByteWriter(64)
    const keyValues = chosen.index.columns
      .slice(0, chosen.count)
      .map((column) => this.#valueOf(column.column))
    encode(keyValues, chosen.count, writer)
    const low = writer.copy()
    cursor.seek(low, prefixEnd(low))
  }

  collect(): readonly FoundRow[] {
    const cursor = this.#cursor
    if (cursor === undefined) return this.#found
    const { table } = this.#compiled
    while (this.#found.length < this.#limit) {
      if (this.#pendingKey === undefined) {
        this.#runtime.tick()
        if (!cursor.next()) break
        if (this.#isIndexed) this.#pendingKey = rowKeyOf(cursor.cell, this.#compiled.rowKeySize)
      }
      const key = this.#pendingKey
      const cell = key === undefined ? cursor.cell : this.#runtime.database.get(this.#view, table.tree, key)
      this.#pendingKey = undefined
      if (cell === undefined) continue
      const row = this.#compiled.decode(cell)
      if (this.#matches(row)) this.#found.push({ rowKey: key ?? copyKey(cell), row })
    }
    this.close()
    return this.#found
  }

  /** Idempotent; collect() calls it at its end, the run when it is over. */
  close(): void {
    if (this.#cursor === undefined) return
    this.#cursor.close()
    this.#cursor = undefined
    this.#runtime.database.unpin(this.#view)
  }

  #valueOf(column: number): Value {
    return this.#values[this.#columns.indexOf(column)] ?? null
  }

  #matches(row: Row): boolean {
    return this.#columns.every((column, i) => {
      const value = row[column] ?? null
      const wanted = this.#values[i] ?? null
      if (value === null || wanted === null) return false
      const { compare } = this.#compiled.environment.type(must(this.#compiled.table.columns[column]).type)
      return compare === undefined ? value === wanted : compare(value, wanted) === 0
    })
  }
}
