// Applies a table's merged rows through the executor's writer: constraints, indexes and foreign keys hold as for any other
// statement; foreign keys are checked when all tables have their rows.
//
//   step{ours, wanted} ─▶ find our row by primary key ─▶ lock ─▶ still what was compared? ─▶ insert, update or delete

import { must } from '../../../storage/base/assert.ts'
import { ByteWriter } from '../../../storage/base/byte-writer.ts'
import { type CompiledTable, compileTable } from '../../exec/modify/compiled-table.ts'
import { keyColumnsOf, rowKeyOf, rowKeySize } from '../../exec/modify/index-key.ts'
import { TableWriter } from '../../exec/modify/table-writer.ts'
import type { Runtime } from '../../exec/runtime.ts'
import { writeEnvironment } from '../../plan/write-environment.ts'
import { compileKeyEncoder } from '../../types/key-codec.ts'
import { SqlError } from '../../types/sql-error.ts'
import type { Row, Value } from '../../types/value.ts'
import { compileDefaults } from '../copy/copy-writer.ts'
import type { RowStep, TableMerge } from './row-merge.ts'
import type { Task } from './task-rows.ts'

/** Rows that were inserted, updated and deleted. */
export interface AppliedRows {
  insert: number
  update: number
  delete: number
}

export class RowApplier {
  readonly applied: AppliedRows = { insert: 0, update: 0, delete: 0 }
  readonly #merge: TableMerge
  readonly #runtime: Runtime
  readonly #compiled: CompiledTable
  readonly #writer: TableWriter
  readonly #defaults: ((runtime: Runtime, row: Row) => void) | undefined
  readonly #findKey: ((row: Row) => Buffer | undefined) | undefined
  /** Without a primary key: keys of our rows by content, those that are to go. */
  #keysByContent: Map<string, Buffer[]> | undefined

  constructor(task: Task, merge: TableMerge, runtime: Runtime) {
    const { table, live } = merge.shape
    const { catalog, context } = task.core
    this.#merge = merge
    this.#runtime = runtime
    this.#compiled = compileTable(table, writeEnvironment({ catalog, functions: context }))
    this.#writer = new TableWriter(this.#compiled, runtime)
    const given = live.filter((_, i) => must(merge.theirs).has[i])
    this.#defaults = compileDefaults(this.#compiled, new Set(given))
    this.#findKey = merge.shape.primaryKey === undefined ? undefined : this.#keyFinder()
  }

  /** Takes away what goes: before rows come, so that unique keys are free. */
  async remove(task: Task): Promise<void> {
    const steps = this.#merge.steps.filter(({ wanted }) => wanted === undefined)
    if (steps.length > 0 && this.#findKey === undefined) await this.#readKeys(task)
    await this.#each(task, steps, ({ ours }) => {
      const key = this.#lockedKey(must(ours))
      this.#writer.deleteRow(key, this.#current(key, must(ours)))
      this.#keysByContent?.get(this.#merge.shape.bytes(must(ours)))?.pop()
      this.applied.delete++
    })
  }

  async change(task: Task): Promise<void> {
    await this.#each(task, this.#merge.steps, ({ ours, wanted }) => {
      if (ours === undefined || wanted === undefined) return
      const key = this.#lockedKey(ours)
      const before = this.#current(key, ours)
      this.#writer.updateRow(key, before, this.#fullRow(wanted, before), undefined)
      this.applied.update++
    })
  }

  async insert(task: Task): Promise<void> {
    await this.#each(task, this.#merge.steps, ({ ours, wanted }) => {
      if (ours !== undefined || wanted === undefined) return
      const row = this.#fullRow(wanted, new Array<Value>(this.#compiled.table.columns.length).fill(null))
      this.#defaults?.(this.#runtime, row)
      this.#writer.insertRow(row)
      this.applied.insert++
    })
  }

  /** Each step may suspend and is then made again; it counts once it has returned. */
  async #each(task: Task, steps: readonly RowStep[], apply: (step: RowStep) => void): Promise<void> {
    let at = 0
    await task.step(() => {
      while (at < steps.length) {
        apply(must(steps[at]))
        at++
        if ((at & 31) === 0) task.checkpoint()
      }
    })
  }

  /** A full row with the branch's columns in it; those that the branch lacks stay as in `base`. */
  #fullRow(wanted: Row, base: Row): Row {
    const row = [...base]
    const { live } = this.#merge.shape
    const { has } = must(this.#merge.theirs)
    for (const [i, column] of live.entries()) if (has[i] === true) row[column] = wanted[i] ?? null
    return row
  }

  #lockedKey(ours: Row): Buffer {
    const { shape } = this.#merge
    const key = this.#findKey?.(ours) ?? this.#keysByContent?.get(shape.bytes(ours))?.at(-1)
    if (key === undefined) throw changedMeanwhile('delete')
    const { context } = this.#runtime
    must(context.transaction).lock(shape.table.tree, key, 'update', 'wait')
    return key
  }

  /** The row as it is now, which must be the one that was compared. */
  #current(key: Buffer, ours: Row): Row {
    const { shape } = this.#merge
    const runtime = this.#runtime
    const cell = runtime.database.get(runtime.latestView(), shape.table.tree, key)
    if (cell === undefined) throw changedMeanwhile('delete')
    const row = this.#compiled.decode(cell)
    if (shape.bytes(shape.live.map((at) => row[at] ?? null)) !== shape.bytes(this.#comparable(ours, row)))
      throw changedMeanwhile('update')
    return row
  }

  /** Columns that the merge has only just given our table were not there to be compared. */
  #comparable(ours: Row, now: Row): Row {
    const { live, table } = this.#merge.shape
    const known = this.#merge.ourColumns
    return ours.map((value, i) => {
      const column = must(live[i])
      return known.has(must(table.columns[column]).name) ? value : (now[column] ?? null)
    })
  }

  #keyFinder(): (row: Row) => Buffer | undefined {
    const { shape } = this.#merge
    const { table, catalog } = shape
    const index = must(shape.primaryKey)
    const type = (oid: number): NonNullable<ReturnType<typeof catalog.type>> => must(catalog.type(oid))
    const encode = compileKeyEncoder(keyColumnsOf(index, type))
    const writer = new ByteWriter()
    return (row) => {
      writer.reset()
      encode(
        shape.keyPositions.map((at) => row[at] as Value),
        writer,
      )
      const key = writer.copy()
      if (index.isClustered) return key
      const entry = this.#runtime.database.get(this.#runtime.latestView(), index.tree, key)
      return entry === undefined ? undefined : rowKeyOf(entry, rowKeySize(table, type))
    }
  }

  async #readKeys(task: Task): Promise<void> {
    const { shape } = this.#merge
    const keys = new Map<string, Buffer[]>()
    const runtime = this.#runtime
    const cursor = runtime.database.cursor(runtime.latestView(), shape.table.tree)
    cursor.seek(undefined, undefined)
    let count = 0
    await task.step(() => {
      while (cursor.next()) {
        const { cell } = cursor
        const row = this.#compiled.decode(cell)
        const content = shape.bytes(shape.live.map((at) => row[at] ?? null))
        const list = keys.get(content)
        const key = Buffer.from(cell.keyBytes.subarray(cell.keyStart, cell.keyEnd))
        if (list === undefined) keys.set(content, [key])
        else list.push(key)
        if ((++count & 63) === 0) task.checkpoint()
      }
    })
    this.#keysByContent = keys
  }
}

function changedMeanwhile(what: 'update' | 'delete'): SqlError {
  return new SqlError('40001', `could not serialize access due to concurrent ${what}`, {
    hint: 'The row was changed while the merge was under way. Run it again.',
  })
}
