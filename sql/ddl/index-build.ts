// Fills a new index from the rows that are there: scan, encode, sort, put in order.
//
//   table cells ──decode key columns──▶ CompiledIndex.encode ──▶ entries in chunks ──sort──▶ put in key order
//
// Entries lie one after another in large buffers, so that a million of them are a few objects; sorted is an array of
// their numbers. Ties of the first six bytes, which are compared as numbers, are settled by memcmp.

import { must } from '../../storage/base/assert.ts'
import { ByteWriter } from '../../storage/base/byte-writer.ts'
import type { Cell } from '../../storage/engine/engine.ts'
import type { Index, Table } from '../catalog/catalog.ts'
import { settled } from '../catalog/wait.ts'
import { CompiledTable, type CompiledIndex } from '../exec/modify/compiled-table.ts'
import { duplicateInBuildError } from '../exec/modify/constraint-error.ts'
import { TableWriter } from '../exec/modify/table-writer.ts'
import { Runtime } from '../exec/runtime.ts'
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
  const entries = new EntryList()
  const context = work.execution()
  const runtime = new Runtime(context, 0)
  const parts = { compiled, target, runtime, writer: new TableWriter(compiled, runtime) }
  await scanTable(work, table, (cell) => addEntry(entries, parts, cell))
  const order = entries.sorted()
  if (target.isStrict) await checkUnique(work, entries, order, parts)
  await putAll(work, index, entries, order, context.commandId)
}

interface BuildParts {
  readonly compiled: CompiledTable
  readonly target: CompiledIndex
  readonly runtime: Runtime
  readonly writer: TableWriter
}

function addEntry(entries: EntryList, { compiled, target, writer }: BuildParts, cell: Cell): void {
  const rowKey = Buffer.from(cell.keyBytes.subarray(cell.keyStart, cell.keyEnd))
  const entry = writer.indexEntry(target, compiled.decode(cell), rowKey)
  if (entry === undefined) return
  entries.add(entry.key, entry.value, entry.isUnique)
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
      transaction.put(index.tree, entries.key(entry), entries.value(entry), commandId)
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
    const value = entries.value(entry)
    const rowKey = Buffer.from(compiled.rowKeySize > 0 ? value : value.subarray(1))
    const row = await settled(() => {
      const cell = work.engine.get(runtime.latestView(), compiled.table.tree, rowKey)
      return compiled.decode(must(cell, 'the entry’s row is there'))
    })
    throw duplicateInBuildError(compiled, target.index, target.values(runtime, row), work.functions)
  }
}

/** Keys and values in one growing buffer, by number. */
export class EntryList {
  readonly #bytes = new ByteWriter(1 << 20)
  #count = 0
  /** Four numbers an entry: key start, value start, end, 1 when unique. */
  #places = new Float64Array(4096)

  get length(): number {
    return this.#count
  }

  add(key: Uint8Array, value: Uint8Array, isUnique: boolean): void {
    const place = this.#count * 4
    if (place === this.#places.length) {
      const grown = new Float64Array(place * 2)
      grown.set(this.#places)
      this.#places = grown
    }
    const bytes = this.#bytes
    this.#places[place] = bytes.length
    bytes.raw(key)
    this.#places[place + 1] = bytes.length
    bytes.raw(value)
    this.#places[place + 2] = bytes.length
    this.#places[place + 3] = isUnique ? 1 : 0
    this.#count++
  }

  key(entry: number): Buffer {
    return this.#bytes.bytes.subarray(this.#places[entry * 4], this.#places[entry * 4 + 1])
  }

  value(entry: number): Buffer {
    return this.#bytes.bytes.subarray(this.#places[entry * 4 + 1], this.#places[entry * 4 + 2])
  }

  isUnique(entry: number): boolean {
    return this.#places[entry * 4 + 3] === 1
  }

  compare(a: number, b: number): number {
    const places = this.#places
    const { bytes } = this.#bytes
    return bytes.compare(bytes, places[b * 4], places[b * 4 + 1], places[a * 4], places[a * 4 + 1])
  }

  /** Numbers of the entries in key order. */
  sorted(): Uint32Array {
    const count = this.#count
    const heads = new Float64Array(count)
    const order = new Uint32Array(count)
    let isSorted = true
    for (let entry = 0; entry < count; entry++) {
      order[entry] = entry
      heads[entry] = this.#head(entry)
      if (isSorted && entry > 0) {
        const before = heads[entry - 1] as number
        const now = heads[entry] as number
        isSorted = before < now || (before === now && this.compare(entry - 1, entry) <= 0)
      }
    }
    if (isSorted) return order
    return order.sort((a, b) => (heads[a] as number) - (heads[b] as number) || this.compare(a, b))
  }

  /** The key's first six bytes as a number, zeroes behind a shorter one: a prefix of memcmp's order. */
  #head(entry: number): number {
    const { bytes } = this.#bytes
    const start = this.#places[entry * 4] as number
    const size = (this.#places[entry * 4 + 1] as number) - start
    if (size >= 6) return bytes.readUIntBE(start, 6)
    let head = 0
    for (let i = 0; i < 6; i++) head = head * 256 + (i < size ? (bytes[start + i] as number) : 0)
    return head
  }
}
