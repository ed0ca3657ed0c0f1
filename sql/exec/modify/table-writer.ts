// Writes rows of one table for one run: constraints, row, index entries, foreign key work for the statement's end.
//
//   insertRow ──▶ generated columns, NOT NULL, CHECK ──▶ key locks, uniqueness ──▶ puts
//                 └────────────── may suspend: nothing has changed yet ──────┘    └ never suspends
//
// Invariant: a call that suspends has staged nothing; called again with the same row it starts anew. Rows are full rows
// (compiled-table.ts). UPDATE and DELETE are given rows that the caller has locked.

import { must } from '../../../storage/base/assert.ts'
import { KEY_SIZE_BYTES_MAX } from '../../../storage/base/limits.ts'
import type { Transaction } from '../../../storage/engine/engine.ts'
import type { Index } from '../../catalog/catalog.ts'
import { keyTooLarge } from '../../types/key-codec.ts'
import type { Row } from '../../types/value.ts'
import type { Runtime } from '../runtime.ts'
import { keyScratch, rowScratch } from '../scratch.ts'
import type { CompiledIndex, CompiledTable } from './compiled-table.ts'
import { checkError, notNullError, uniqueError } from './constraint-error.ts'
import { ForeignKeyQueue } from './foreign-key-queue.ts'
import { checkUniqueLater } from './deferred-unique.ts'

const EMPTY = Buffer.alloc(0)
/** The row id of the row under way. */
const rowIdScratch: Buffer = Buffer.alloc(8)

/** One index entry, about to be put or deleted. */
interface Entry {
  readonly compiled: CompiledIndex
  readonly key: Buffer
  readonly value: Buffer
  /** Key of columns only, free of NULLs (or NULLS NOT DISTINCT): two rows cannot have it. */
  readonly isUnique: boolean
  readonly values: Row
}

interface KeyedRow {
  readonly key: Buffer
  readonly row: Row
}

export interface Conflict {
  readonly index: Index
  readonly rowKey: Buffer
  readonly values: Row
}

export class TableWriter {
  readonly compiled: CompiledTable
  /** undefined: no foreign key leads to or from the table. */
  readonly #foreignKeys: ForeignKeyQueue | undefined
  readonly #runtime: Runtime
  readonly #transaction: Transaction
  readonly #hasIndexes: boolean
  /** Command id of the writes; foreign key actions use later ones. */
  commandId: number

  constructor(compiled: CompiledTable, runtime: Runtime) {
    this.compiled = compiled
    this.#runtime = runtime
    this.#transaction = must(runtime.context.transaction, 'a statement that writes has a transaction')
    this.#hasIndexes = compiled.indexes.length > 0
    const { foreignKeys, referencedBy } = compiled.table
    this.#foreignKeys =
      foreignKeys.length + referencedBy.length === 0 ? undefined : new ForeignKeyQueue(compiled, runtime)
    this.commandId = runtime.context.commandId
  }

  /** Completes and checks a row: generated columns, NOT NULL, CHECK. Throws the constraint's error. */
  check(row: Row): void {
    const { compiled } = this
    const runtime = this.#runtime
    compiled.generate?.(runtime, row)
    const nullColumn = compiled.firstNull(row)
    if (nullColumn >= 0) throw notNullError(compiled, row, nullColumn, runtime.functions)
    if (compiled.failedCheck === undefined) return
    const failed = compiled.failedCheck(runtime, row)
    if (failed !== undefined) throw checkError(compiled, row, failed, runtime.functions)
  }

  /** Checks and inserts a full row. 23505 when a unique key is taken. */
  insertRow(row: Row): void {
    this.check(row)
    this.insertChecked(row)
  }

  /** Inserts a full row that passed check(); returns its key. */
  insertChecked(row: Row): Buffer {
    const rowKey = this.#newRowKey(row)
    if (!this.#hasIndexes) {
      this.#putRow(rowKey, row)
    } else {
      const entries = this.#entries(row, rowKey)
      for (const entry of entries) this.#claim(entry)
      this.#putRow(rowKey, row)
      for (const entry of entries)
        this.#transaction.put(entry.compiled.index.tree, entry.key, entry.value, this.commandId)
      this.#checkLater(entries)
    }
    this.#foreignKeys?.inserted(row)
    return rowKey
  }

  /**
   * The first unique index (of those with these oids; empty: any) that the row would conflict in, with the row that is
   * there. Locks the keys, so that they stay free if there is none.
   */
  findConflict(row: Row, indexOids: readonly number[]): Conflict | undefined {
    const { compiled } = this
    const wanted = (index: Index): boolean => indexOids.length === 0 || indexOids.includes(index.oid)
    const { clustered } = compiled
    if (clustered !== undefined && wanted(clustered)) {
      const rowKey = this.#encodeRowKey(row)
      this.#transaction.lock(compiled.table.tree, rowKey, 'update', 'wait')
      const runtime = this.#runtime
      if (runtime.database.get(runtime.latestView(), compiled.table.tree, rowKey) !== undefined) {
        return { index: clustered, rowKey, values: clusterValues(compiled, row) }
      }
    }
    for (const entry of this.#entries(row, EMPTY, (one) => one.isStrict && wanted(one.index))) {
      const found = entry.isUnique ? this.#rowOf(entry) : undefined
      if (found !== undefined) return { index: entry.compiled.index, rowKey: found, values: entry.values }
    }
    return undefined
  }

  /** Replaces a row. `changed`: columns that may differ; undefined: any. */
  updateRow(rowKey: Buffer, before: Row, after: Row, changed: ReadonlySet<number> | undefined): void {
    const { compiled } = this
    const { tree, clusterKey } = compiled.table
    this.check(after)
    let newKey = rowKey
    if (
      clusterKey !== undefined &&
      (changed === undefined || clusterKey.some((column) => changed.has(column)))
    ) {
      const encoded = this.#encodeRowKey(after)
      if (!encoded.equals(rowKey)) {
        this.#claimRowKey(encoded, after)
        newKey = encoded
      }
    }
    if (this.#hasIndexes)
      this.#replaceWithEntries({ key: rowKey, row: before }, { key: newKey, row: after }, changed)
    else {
      if (newKey !== rowKey) this.#transaction.delete(tree, rowKey, this.commandId)
      this.#putRow(newKey, after)
    }
    this.#foreignKeys?.updated(before, after, changed)
  }

  #replaceWithEntries(before: KeyedRow, after: KeyedRow, changed: ReadonlySet<number> | undefined): void {
    const isMoved = after.key !== before.key
    const isAffected = (index: CompiledIndex): boolean =>
      isMoved || changed === undefined || overlaps(index.dependsOn, changed)
    const removed: Entry[] = []
    const added: Entry[] = []
    this.#difference(before.row, before.key, after.row, after.key, isAffected, removed, added)
    const transaction = this.#transaction
    if (isMoved) transaction.delete(this.compiled.table.tree, before.key, this.commandId)
    this.#putRow(after.key, after.row)
    for (const entry of removed) transaction.delete(entry.compiled.index.tree, entry.key, this.commandId)
    for (const entry of added)
      transaction.put(entry.compiled.index.tree, entry.key, entry.value, this.commandId)
    this.#checkLater(added)
  }

  /** Removes a row. */
  deleteRow(rowKey: Buffer, before: Row): void {
    const transaction = this.#transaction
    const entries = this.#hasIndexes ? this.#entries(before, rowKey) : []
    for (const entry of entries) {
      if (entry.isUnique) transaction.lock(entry.compiled.index.tree, entry.key, 'update', 'wait')
    }
    transaction.delete(this.compiled.table.tree, rowKey, this.commandId)
    for (const entry of entries) transaction.delete(entry.compiled.index.tree, entry.key, this.commandId)
    this.#foreignKeys?.deleted(before)
  }

  /** For index builds: the entry of one row in one index, as bytes. undefined: a partial index does without it. */
  indexEntry(
    compiled: CompiledIndex,
    row: Row,
    rowKey: Buffer,
  ):
    | { readonly key: Buffer; readonly value: Buffer; readonly isUnique: boolean; readonly values: Row }
    | undefined {
    return this.#entry(compiled, row, rowKey)
  }

  #difference(
    before: Row,
    oldKey: Buffer,
    after: Row,
    newKey: Buffer,
    isAffected: (index: CompiledIndex) => boolean,
    removed: Entry[],
    added: Entry[],
  ): void {
    for (const index of this.compiled.indexes) {
      if (!isAffected(index)) continue
      const old = this.#entry(index, before, oldKey)
      const entry = this.#entry(index, after, newKey)
      if (old !== undefined && entry !== undefined && old.key.equals(entry.key)) {
        if (!old.value.equals(entry.value)) added.push(entry)
        continue
      }
      if (old !== undefined) {
        if (old.isUnique) this.#transaction.lock(index.index.tree, old.key, 'update', 'wait')
        removed.push(old)
      }
      if (entry !== undefined) {
        this.#claim(entry)
        added.push(entry)
      }
    }
  }

  #newRowKey(row: Row): Buffer {
    const { compiled } = this
    if (compiled.encodeRowKey !== undefined) {
      const key = this.#encodeRowKey(row)
      this.#claimRowKey(key, row)
      return key
    }
    const id = this.#runtime.database.nextRowId(compiled.table.tree)
    // Whoever takes the key copies it before the next row.
    const key = rowIdScratch
    key.writeUInt32BE(Math.floor(id / 0x1_0000_0000), 0)
    key.writeUInt32BE(id >>> 0, 4)
    return key
  }

  #encodeRowKey(row: Row): Buffer {
    const writer = keyScratch
    writer.reset()
    must(this.compiled.encodeRowKey)(row, writer)
    if (writer.length > KEY_SIZE_BYTES_MAX)
      throw keyTooLarge(writer.length, this.compiled.clustered?.name ?? '')
    return writer.copy()
  }

  /** Locks a clustered key and makes sure that no row has it. */
  #claimRowKey(key: Buffer, row: Row): void {
    const { compiled } = this
    this.#transaction.lock(compiled.table.tree, key, 'update', 'wait')
    const runtime = this.#runtime
    if (runtime.database.get(runtime.latestView(), compiled.table.tree, key) === undefined) return
    const index = must(compiled.clustered, 'a clustered table has its index')
    throw uniqueError(compiled, index, clusterValues(compiled, row), runtime.functions)
  }

  #putRow(rowKey: Buffer, row: Row): void {
    const writer = rowScratch
    writer.reset()
    writer.raw(rowKey)
    const { compiled } = this
    compiled.table.codec.encode(compiled.toLayout(row), writer)
    this.#transaction.putPair(compiled.table.tree, writer, 0, rowKey.length, writer.length, this.commandId)
  }

  #entries(row: Row, rowKey: Buffer, wanted?: (index: CompiledIndex) => boolean): Entry[] {
    const entries: Entry[] = []
    for (const index of this.compiled.indexes) {
      if (wanted !== undefined && !wanted(index)) continue
      const entry = this.#entry(index, row, rowKey)
      if (entry !== undefined) entries.push(entry)
    }
    return entries
  }

  #entry(compiled: CompiledIndex, row: Row, rowKey: Buffer): Entry | undefined {
    if (compiled.includes !== undefined && compiled.includes(this.#runtime, row) !== true) return undefined
    const { index } = compiled
    const values = compiled.values(this.#runtime, row)
    const isUnique = compiled.isStrict && (index.nullsNotDistinct || !values.includes(null))
    const writer = keyScratch
    writer.reset()
    compiled.encode(values, writer)
    if (writer.length > KEY_SIZE_BYTES_MAX) throw keyTooLarge(writer.length, index.name)
    const isFixed = this.compiled.rowKeySize > 0
    if (isUnique) {
      const value = isFixed ? rowKey : Buffer.concat([Buffer.from([0]), rowKey])
      return { compiled, key: writer.copy(), value, isUnique, values }
    }
    const offset = writer.length
    writer.raw(rowKey)
    const value = isFixed ? EMPTY : Buffer.from([1, offset & 0xff, offset >> 8])
    return { compiled, key: writer.copy(), value, isUnique, values }
  }

  /** Locks a unique entry's key and makes sure that it is free. */
  #claim(entry: Entry): void {
    if (!entry.isUnique || this.#rowOf(entry) === undefined) return
    throw uniqueError(this.compiled, entry.compiled.index, entry.values, this.#runtime.functions)
  }

  /** Locks a unique entry's key; the key of the row that has it, if one does. */
  #rowOf(entry: Entry): Buffer | undefined {
    const { tree } = entry.compiled.index
    this.#transaction.lock(tree, entry.key, 'update', 'wait')
    const runtime = this.#runtime
    const cell = runtime.database.get(runtime.latestView(), tree, entry.key)
    if (cell === undefined) return undefined
    const start = this.compiled.rowKeySize > 0 ? cell.start : cell.start + 1
    return Buffer.from(cell.bytes.subarray(start, cell.end))
  }

  #checkLater(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.compiled.index.deferrable)
        checkUniqueLater(this.compiled, entry.compiled, entry.values, this.#runtime)
    }
  }
}

function overlaps(a: ReadonlySet<number>, b: ReadonlySet<number>): boolean {
  for (const one of a) if (b.has(one)) return true
  return false
}

function clusterValues(compiled: CompiledTable, row: Row): Row {
  return must(compiled.table.clusterKey).map((column) => row[column] ?? null)
}
