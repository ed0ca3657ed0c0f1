// Writes COPY's rows into the table: fills in defaults of the columns the data lacks, then the executor's TableWriter.

import { compileTable, type CompiledTable } from '../../exec/modify/compiled-table.ts'
import { TableWriter } from '../../exec/modify/table-writer.ts'
import { Runtime } from '../../exec/runtime.ts'
import { writeEnvironment } from '../../plan/write-environment.ts'
import type { Row, Value } from '../../types/value.ts'
import { RunContext } from '../run-context.ts'
import type { SessionCore } from '../session-core.ts'
import type { CopyTarget } from './copy-target.ts'

export class CopyWriter {
  readonly #runtime: Runtime
  readonly #writer: TableWriter
  readonly #columns: readonly number[]
  readonly #columnCount: number
  /** The data has every column, in the table's order: its rows are full rows. */
  readonly #isWhole: boolean
  readonly #defaults: ((runtime: Runtime, row: Row) => void) | undefined
  /** The full row under way: kept until it was written. */
  #full: Row | undefined

  constructor(core: SessionCore, target: CopyTarget) {
    const { transaction } = core
    const writer = transaction.writer()
    writer.lockTable(target.table.oid, 3, 'wait')
    const commandId = transaction.nextCommandId()
    const view = transaction.statementView(commandId)
    view.transaction = writer
    core.views.hold(view)
    const environment = writeEnvironment({ catalog: core.catalog, functions: core.context })
    const compiled = compileTable(target.table, environment)
    const context = new RunContext(core, {
      catalog: core.catalog,
      parameters: [],
      view,
      transaction: writer,
      isolation: transaction.isolation,
      commandId,
    })
    this.#runtime = new Runtime(context, 0)
    this.#writer = new TableWriter(compiled, this.#runtime)
    this.#columns = target.columns
    this.#columnCount = target.table.columns.length
    this.#isWhole =
      target.columns.length === this.#columnCount && target.columns.every((column, i) => column === i)
    this.#defaults = compileDefaults(compiled, new Set(target.columns))
  }

  /** Writes one row of the data's columns. May suspend; then call again with the same row. */
  write(values: Row): void {
    const row = (this.#full ??= this.#fullRow(values))
    this.#writer.insertRow(row)
    this.#full = undefined
  }

  #fullRow(values: Row): Row {
    if (this.#isWhole) return values
    const row = new Array<Value>(this.#columnCount).fill(null)
    const columns = this.#columns
    for (let i = 0; i < columns.length; i++) row[columns[i] as number] = values[i] as Value
    this.#defaults?.(this.#runtime, row)
    return row
  }

  /** The checks of the statement's end (foreign keys). May suspend; then call again. */
  finish(): void {
    this.#runtime.finish()
    this.#runtime.close()
  }
}

/** A function that puts the defaults of all columns but the given ones into a row; undefined if there are none. */
export function compileDefaults(
  compiled: CompiledTable,
  given: ReadonlySet<number>,
): ((runtime: Runtime, row: Row) => void) | undefined {
  const compiler = compiled.compiler()
  const lines = compiled.table.columns.flatMap((column, i) => {
    const expr = given.has(i) || column.isDropped || column.generated ? undefined : compiled.bindDefault(i)
    return expr === undefined ? [] : [`r[${i}] = ${compiler.value(expr).source}`]
  })
  if (lines.length === 0) return undefined
  return compiler.builder.build('rt, r', lines.join('\n'))
}
