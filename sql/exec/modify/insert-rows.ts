// INSERT: source rows become full rows and are written; with ON CONFLICT a row that is there already is left alone or
// updated.

import { must } from '../../../storage/base/assert.ts'
import { SqlError } from '../../types/sql-error.ts'
import type { Row } from '../../types/value.ts'
import type { Operator } from '../operator.ts'
import type { Runtime } from '../runtime.ts'
import type { CompiledTable } from './compiled-table.ts'
import { type Conflict, TableWriter } from './table-writer.ts'

export interface InsertPlan {
  readonly compiled: CompiledTable
  /** The full row of a source row. */
  readonly make: (rt: Runtime, r: Row) => Row
  /** RETURNING over the new full row `n`. */
  readonly returning: ((rt: Runtime, n: Row) => Row) | undefined
  readonly conflict: ConflictPlan | undefined
}

export interface ConflictPlan {
  readonly indexes: readonly number[]
  /** undefined: DO NOTHING. `b` is the row that is there, `x` the one proposed. */
  readonly update: ((rt: Runtime, b: Row, x: Row) => Row) | undefined
  readonly where: ((rt: Runtime, b: Row, x: Row) => boolean) | undefined
  readonly changedColumns: ReadonlySet<number>
}

export class InsertOperator implements Operator {
  rowCount = 0
  readonly #runtime: Runtime
  readonly #source: Operator
  readonly #plan: InsertPlan
  readonly #writer: TableWriter
  /** Keys of rows that this statement has inserted or updated: ON CONFLICT must not meet them again. */
  readonly #touched = new Set<string>()
  #held: Row | undefined
  #made: Row | undefined
  #written: Row | undefined

  constructor(runtime: Runtime, source: Operator, plan: InsertPlan) {
    this.#runtime = runtime
    this.#source = source
    this.#plan = plan
    this.#writer = new TableWriter(plan.compiled, runtime)
  }

  next(): Row | undefined {
    const runtime = this.#runtime
    const { make, returning, conflict } = this.#plan
    for (;;) {
      if (this.#written !== undefined && returning !== undefined) {
        // RETURNING may suspend: by then the row is staged and remembered.
        const result = returning(runtime, this.#written)
        this.#written = undefined
        return result
      }
      if (this.#made === undefined) {
        const row = (this.#held ??= this.#source.next())
        if (row === undefined) return undefined
        // Made once: a default such as nextval() is not evaluated again after a lock wait.
        this.#made = make(runtime, row)
      }
      runtime.tick()
      const written =
        conflict === undefined ? this.#insert(this.#made) : this.#insertOrUpdate(this.#made, conflict)
      this.#held = undefined
      this.#made = undefined
      if (written !== undefined) this.rowCount++
      if (returning !== undefined) this.#written = written
    }
  }

  #insert(row: Row): Row {
    this.#writer.insertRow(row)
    return row
  }

  #insertOrUpdate(row: Row, conflict: ConflictPlan): Row | undefined {
    const writer = this.#writer
    writer.check(row)
    const found = writer.findConflict(row, conflict.indexes)
    if (found === undefined) {
      const rowKey = writer.insertChecked(row)
      if (conflict.update !== undefined) this.#touched.add(rowKey.toString('latin1'))
      return row
    }
    return conflict.update === undefined ? undefined : this.#update(row, found, conflict)
  }

  #update(proposed: Row, found: Conflict, conflict: ConflictPlan): Row | undefined {
    const runtime = this.#runtime
    const { compiled } = this.#plan
    const { tree } = compiled.table
    const name = found.rowKey.toString('latin1')
    must(runtime.context.transaction).lock(tree, found.rowKey, 'update', 'wait')
    const cell = runtime.database.get(runtime.latestView(), tree, found.rowKey)
    if (cell === undefined) return undefined
    const before = compiled.decode(cell)
    if (this.#touched.has(name)) {
      throw new SqlError('21000', 'ON CONFLICT DO UPDATE command cannot affect row a second time', {
        hint: 'Ensure that no rows proposed for insertion within the same command have duplicate constrained values.',
      })
    }
    if (conflict.where !== undefined && !conflict.where(runtime, before, proposed)) return undefined
    const after = must(conflict.update)(runtime, before, proposed)
    this.#writer.updateRow(found.rowKey, before, after, conflict.changedColumns)
    this.#touched.add(name)
    return after
  }

  rescan(): void {
    throw new Error('an insert is made once')
  }

  close(): void {
    this.#source.close()
  }
}
