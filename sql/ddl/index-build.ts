// Fills a new index from the rows that are there: scan, encode, sort, put in order.
//
//   table cells ──decode key columns──▶ CompiledIndex.encode ──▶ entries in chunks ──sort──▶ put in key order
//
// Only the columns that the index needs are decoded. How an entry is made of key, row key and value is described in
// exec/modify/index-key.ts; TableWriter makes the same ones, one by one.

import { must } from '../../storage/base/assert.ts'
import { KEY_SIZE_BYTES_MAX } from '../../storage/base/limits.ts'
import type { Cell } from '../../storage/engine/engine.ts'
import type { Index, Table } from '../catalog/catalog.ts'
import { settled } from '../catalog/wait.ts'
import { CompiledTable, type CompiledIndex } from '../exec/modify/compiled-table.ts'
import { duplicateInBuildError } from '../exec/modify/constraint-error.ts'
import { Runtime } from '../exec/runtime.ts'
import { keyTooLarge } from '../types/key-codec.ts'
import type { Row, Value } from '../types/value.ts'
import { EntryList } from './entry-list.ts'
import { writeEnvironment } from './expressions.ts'
import { scanTable } from './table-scan.ts'
import type { DdlWork } from './work.ts'

/** Puts between two checkpoints. */
const PUTS_PER_STEP = 4096

/** Fills the index. 23505 when two rows have one key of a unique index. */
export async function buildIndex(work: DdlWork, table: Table, index: Index): Promise<void> {
  const compiled = new CompiledTable(table, writeEnvironment(work))
  const target = must(
    compiled.indexes.find((one) => one.index.oid === index.oid),
    'the table knows its new index',
  )
  const context = work.execution()
  const runtime = new Runtime(context, 0)
  const encoder = new EntryEncoder({ compiled, target, runtime })
  await scanTable(work, table, (cell) => encoder.add(cell))
  const { entries } = encoder
  const order = entries.sorted()
  if (target.isStrict && !entries.isAscending)
    await checkUnique(work, entries, order, { compiled, target, runtime })
  await putAll(work, index, entries, order, context.commandId)
}

interface BuildParts {
  readonly compiled: CompiledTable
  readonly target: CompiledIndex
  readonly runtime: Runtime
}

/** Makes the entries of one index from rows' cells. */
class EntryEncoder {
  readonly entries: EntryList = new EntryList()
  readonly #target: CompiledIndex
  readonly #runtime: Runtime
  readonly #rowKeySize: number
  /** Decodes the columns the index depends on, and where they stand in a full row. */
  readonly #decode: (cell: Cell) => Row
  readonly #columns: readonly number[]
  readonly #row: Row

  constructor({ compiled, target, runtime }: BuildParts) {
    const { table } = compiled
    this.#target = target
    this.#runtime = runtime
    this.#rowKeySize = compiled.rowKeySize
    this.#columns = [...target.dependsOn].filter((column) => column >= 0)
    this.#decode = table.codec.compileDecoder(
      this.#columns.map((column) => must(table.columns[column]).number),
    )
    this.#row = table.columns.map(() => null)
  }

  add(cell: Cell): void {
    const target = this.#target
    const row = this.#row
    const decoded = this.#decode(cell)
    for (let i = 0; i < decoded.length; i++) row[this.#columns[i] as number] = decoded[i] as Value
    if (target.includes !== undefined && target.includes(this.#runtime, row) !== true) return
    const values = target.values(this.#runtime, row)
    const isUnique = target.isStrict && (target.index.nullsNotDistinct || !values.includes(null))
    const { entries } = this
    const { writer } = entries
    entries.begin()
    target.encode(values, writer)
    const keySize = entries.keySizeBytes
    if (keySize > KEY_SIZE_BYTES_MAX) throw keyTooLarge(keySize, target.index.name)
    const isFixed = this.#rowKeySize > 0
    if (isUnique) {
      entries.beginValue()
      if (!isFixed) writer.uint8(0)
      writer.raw(cell.keyBytes, cell.keyStart, cell.keyEnd)
    } else {
      writer.raw(cell.keyBytes, cell.keyStart, cell.keyEnd)
      entries.beginValue()
      if (!isFixed) {
        writer.uint8(1)
        writer.uint8(keySize & 0xff)
        writer.uint8(keySize >> 8)
      }
    }
    entries.end(isUnique)
  }
}

async function putAll(
  work: DdlWork,
  index: Index,
  entries: EntryList,
  order: Uint32Array,
  commandId: number,
): Promise<void> {
  const { transaction } = work
  for (let start = 0; start < order.length; start += PUTS_PER_STEP) {
    const end = Math.min(start + PUTS_PER_STEP, order.length)
    for (let at = start; at < end; at++) {
      const entry = order[at] as number
      const middle = entries.valueStart(entry)
      transaction.putPair(
        index.tree,
        entries.writer,
        entries.keyStart(entry),
        middle,
        entries.valueEnd(entry),
        commandId,
      )
    }
    await work.checkpoint()
  }
}

/** Two neighbours with one key: 23505, with the values of the row that the later entry stands for. */
async function checkUnique(
  work: DdlWork,
  entries: EntryList,
  order: Uint32Array,
  parts: BuildParts,
): Promise<void> {
  for (let at = 1; at < order.length; at++) {
    const entry = order[at] as number
    const previous = order[at - 1] as number
    if (!entries.isUnique(entry) || !entries.isUnique(previous)) continue
    if (entries.compare(previous, entry) !== 0) continue
    const { compiled, target, runtime } = parts
    const { bytes } = entries.writer
    const rowKeyStart = entries.valueStart(entry) + (compiled.rowKeySize > 0 ? 0 : 1)
    const rowKey = Buffer.from(bytes.subarray(rowKeyStart, entries.valueEnd(entry)))
    const row = await settled(() => {
      const cell = work.engine.get(runtime.latestView(), compiled.table.tree, rowKey)
      return compiled.decode(must(cell, 'the entry’s row is there'))
    })
    throw duplicateInBuildError(compiled, target.index, target.values(runtime, row), work.functions)
  }
}
