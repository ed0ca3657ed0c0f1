// Foreign key work of one table in one statement (documentation, section 5.4.5).
//
//   referencing side   row inserted, or its key columns changed ──▶ the parent row must be there; it gets a key-share lock
//   referenced side    row deleted, or its key changed ──▶ NO ACTION/RESTRICT: no row may point at it any more;
//                                                          CASCADE, SET NULL, SET DEFAULT: change the rows that do
//
// Everything runs at the end of the statement, in the order it was queued; actions may queue more, on other tables.
// Tasks may suspend and are called again: each keeps its own progress.

import { must } from '../../../storage/base/assert.ts'
import { ByteWriter } from '../../../storage/base/byte-writer.ts'
import type { ForeignKey, Index, Table } from '../../catalog/catalog.ts'
import { compileKeyEncoder } from '../../types/key-codec.ts'
import type { Row, Value } from '../../types/value.ts'
import type { ExecutionContext } from '../execution.ts'
import { Runtime } from '../runtime.ts'
import { compileTable, type CompiledTable } from './compiled-table.ts'
import { referencedError, referencingError } from './constraint-error.ts'
import { changeReferencing } from './foreign-key-action.ts'
import { keyColumnsOf } from './index-key.ts'
import { RowFinder } from './row-finder.ts'

export class ForeignKeyQueue {
  readonly #compiled: CompiledTable
  readonly #runtime: Runtime
  /** Parent keys found in this statement: bulk loads refer to the same few parents again and again. */
  readonly #present = new Map<number, Set<string>>()
  readonly #hasOutgoing: boolean
  readonly #hasIncoming: boolean

  constructor(compiled: CompiledTable, runtime: Runtime) {
    this.#compiled = compiled
    this.#runtime = runtime
    this.#hasOutgoing = compiled.table.foreignKeys.length > 0
    this.#hasIncoming = compiled.table.referencedBy.length > 0
  }

  inserted(row: Row): void {
    if (!this.#hasOutgoing) return
    for (const key of this.#compiled.table.foreignKeys) this.#queueCheck(key, row)
  }

  updated(before: Row, after: Row, changed: ReadonlySet<number> | undefined): void {
    if (!this.#hasOutgoing && !this.#hasIncoming) return
    const { table } = this.#compiled
    for (const key of table.foreignKeys) {
      if (this.#differ(key.columns, before, after, changed)) this.#queueCheck(key, after)
    }
    for (const key of table.referencedBy) {
      if (this.#differ(key.referencedColumns, before, after, changed)) this.#queueAction(key, before, after)
    }
  }

  deleted(before: Row): void {
    if (!this.#hasIncoming) return
    for (const key of this.#compiled.table.referencedBy) this.#queueAction(key, before, undefined)
  }

  #differ(
    columns: readonly number[],
    before: Row,
    after: Row,
    changed: ReadonlySet<number> | undefined,
  ): boolean {
    if (changed !== undefined && !columns.some((column) => changed.has(column))) return false
    return columns.some(
      (column) => !sameValue(this.#compiled, column, before[column] ?? null, after[column] ?? null),
    )
  }

  #queueCheck(key: ForeignKey, row: Row): void {
    const values = key.columns.map((column) => row[column] ?? null)
    if (values.includes(null) && (key.match === 'simple' || values.every((value) => value === null))) return
    const text = JSON.stringify(values, (_, value: unknown) =>
      typeof value === 'bigint' ? `${value}n` : value,
    )
    let present = this.#present.get(key.oid)
    if (present === undefined) this.#present.set(key.oid, (present = new Set()))
    if (present.has(text)) return
    present.add(text)
    const compiled = this.#compiled
    const { context } = this.#runtime
    if (isDeferred(key, this.#runtime)) {
      let check: (() => void) | undefined
      const run = (later: ExecutionContext): void =>
        (check ??= deferredParentCheck(compiled, key, values, later))()
      context.deferCheck({ constraintOid: key.oid, run })
    } else {
      this.#runtime.atEnd(() => checkParent(compiled, key, values, this.#runtime))
    }
  }

  #queueAction(key: ForeignKey, before: Row, after: Row | undefined): void {
    const values = key.referencedColumns.map((column) => before[column] ?? null)
    if (values.includes(null)) return
    const runtime = this.#runtime
    const compiled = this.#compiled
    const action = after === undefined ? key.onDelete : key.onUpdate
    const child = childOf(compiled, key)
    const parts = { parent: compiled, child, key, values, isRestrict: action === 'restrict' }
    if (action === 'no-action' || action === 'restrict') {
      if (action === 'no-action' && isDeferred(key, runtime)) {
        let check: (() => void) | undefined
        const run = (later: ExecutionContext): void =>
          (check ??= noChildCheck(parts, new Runtime(later, 0)))()
        runtime.context.deferCheck({ constraintOid: key.oid, run })
      } else runtime.atEnd(noChildCheck(parts, runtime))
      return
    }
    const replacement =
      after === undefined ? undefined : key.referencedColumns.map((column) => after[column] ?? null)
    runtime.atEnd(changeReferencing({ child, key, action, values, replacement }, runtime))
    // The default may be the very key that is gone.
    if (action === 'set-default') runtime.atEnd(noChildCheck(parts, runtime))
  }
}

function isDeferred(key: ForeignKey, runtime: Runtime): boolean {
  return key.deferrable && (runtime.context.isDeferred?.(key.oid) ?? key.initiallyDeferred)
}

function sameValue(compiled: CompiledTable, column: number, a: Value, b: Value): boolean {
  if (a === b) return true
  if (a === null || b === null) return false
  const { compare } = compiled.environment.type(must(compiled.table.columns[column]).type)
  return compare !== undefined && compare(a, b) === 0
}

function tableOf(compiled: CompiledTable, oid: number): Table {
  const relation = compiled.table.oid === oid ? compiled.table : compiled.environment.catalog.relation(oid)
  if (relation?.kind !== 'table') throw new Error('a foreign key refers to a table')
  return relation
}

function childOf(compiled: CompiledTable, key: ForeignKey): CompiledTable {
  return compileTable(tableOf(compiled, key.tableOid), compiled.environment)
}

/** At COMMIT: a row with these values may have been removed again; if one is there, its parent must be. */
function deferredParentCheck(
  compiled: CompiledTable,
  key: ForeignKey,
  values: Row,
  context: ExecutionContext,
): () => void {
  const runtime = new Runtime(context, 0)
  const search = { columns: key.columns, values, limit: 1 }
  const finder = values.includes(null) ? undefined : new RowFinder(compiled, search, runtime)
  return () => {
    if (finder === undefined || finder.collect().length > 0) checkParent(compiled, key, values, runtime)
  }
}

/** 23503 unless the parent has a row with these values; holds it by a key-share lock. */
function checkParent(compiled: CompiledTable, key: ForeignKey, values: Row, runtime: Runtime): void {
  const parent = tableOf(compiled, key.referencedOid)
  if (values.includes(null) || !holdParent(compiled, parent, key, values, runtime)) {
    throw referencingError(compiled, key, values, parent, runtime.functions)
  }
}

function holdParent(
  compiled: CompiledTable,
  parent: Table,
  key: ForeignKey,
  values: Row,
  runtime: Runtime,
): boolean {
  const index = must(
    parent.indexes.find((one) => one.oid === key.indexOid),
    'the referenced index',
  )
  if (!key.referencedColumns.every((column, i) => canHold(compiled, parent, column, values[i]))) return false
  const bytes = encodeParentKey(compiled, index, key, values)
  const transaction = runtime.context.transaction
  const { database } = runtime
  if (index.isClustered) {
    transaction?.lock(parent.tree, bytes, 'key-share', 'wait')
    return database.get(runtime.latestView(), parent.tree, bytes) !== undefined
  }
  const compiledParent = compileTable(parent, compiled.environment)
  const readRowKey = (): Buffer | undefined => {
    const cell = database.get(runtime.latestView(), index.tree, bytes)
    if (cell === undefined) return undefined
    return Buffer.from(
      cell.bytes.subarray(compiledParent.rowKeySize > 0 ? cell.start : cell.start + 1, cell.end),
    )
  }
  const rowKey = readRowKey()
  if (rowKey === undefined) return false
  transaction?.lock(parent.tree, rowKey, 'key-share', 'wait')
  return readRowKey()?.equals(rowKey) === true
}

const INTEGER_MAX: Readonly<Record<string, number | undefined>> = { int2: 0x7fff, int4: 0x7fff_ffff }

/** Whether the parent's column could have the value: an int8 may be too large for an int4. */
function canHold(compiled: CompiledTable, parent: Table, column: number, value: Value | undefined): boolean {
  const max = INTEGER_MAX[compiled.environment.type(must(parent.columns[column]).type).rowSlot]
  return max === undefined || (Number(value) <= max && Number(value) >= -max - 1)
}

function encodeParentKey(compiled: CompiledTable, index: Index, key: ForeignKey, values: Row): Buffer {
  const writer = new ByteWriter(64)
  const encode = compileKeyEncoder(keyColumnsOf(index, (oid) => compiled.environment.type(oid)))
  // The index may list its columns in another order than the constraint.
  const ordered = index.columns.map((column) => values[key.referencedColumns.indexOf(column.column)] ?? null)
  encode(ordered, writer)
  return writer.copy()
}

interface NoChildParts {
  readonly parent: CompiledTable
  readonly child: CompiledTable
  readonly key: ForeignKey
  readonly values: Row
  readonly isRestrict: boolean
}

/**
 * A task: 23503 if a row still refers to the old key and no parent has that key now. RESTRICT does not look for a new
 * parent. The searches keep their progress, as they may read whole tables.
 */
function noChildCheck(
  { parent, child, key, values, isRestrict }: NoChildParts,
  runtime: Runtime,
): () => void {
  let again: RowFinder | undefined
  let finder: RowFinder | undefined
  return () => {
    if (!isRestrict) {
      again ??= new RowFinder(parent, { columns: key.referencedColumns, values, limit: 1 }, runtime)
      if (again.collect().length > 0) return
    }
    finder ??= new RowFinder(child, { columns: key.columns, values, limit: 1 }, runtime)
    if (finder.collect().length > 0)
      throw referencedError(parent, key, values, child.table, runtime.functions)
  }
}
