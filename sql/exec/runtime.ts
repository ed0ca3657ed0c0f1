// One run of a plan: what compiled expressions and operators share while a statement executes.
//
//   Runtime ── slots[] ───▶ values handed down: outer columns of correlated subqueries, LATERAL, parameterised scans
//           ── states[] ──▶ what subplans and WITH queries of this run hold, by number
//
// Plans are shared by all sessions and never change; everything that changes during a run lives here or in operators.

import type { Database, View } from '../../storage/engine/engine.ts'
import type { FunctionContext } from '../functions/function.ts'
import { RecordValue, type Row, type Value } from '../types/value.ts'
import type { ExecutionContext } from './execution.ts'

/** Rows between two calls of checkpoint. */
const CHECKPOINT_ROWS = 512

/** What EXPLAIN ANALYZE counts for one plan node. */
export interface NodeFigures {
  rows: number
  loops: number
  startMs: number
  totalMs: number
  removed: number
  /** Pages found in the buffer pool, and pages fetched from storage, by the node and what is below it. */
  hits: number
  reads: number
}

/** Shared by all runs whose plan hands nothing down. */
const NO_SLOTS: Value[] = []

export class Runtime {
  readonly context: ExecutionContext
  readonly functions: FunctionContext
  /** $1.. */
  readonly p: Row
  /** Values handed down; compiled code writes and reads them. */
  readonly s: Value[]
  readonly states: unknown[] = []
  readonly view: View
  readonly database: Database
  /** Counts per plan node; undefined unless EXPLAIN ANALYZE. */
  readonly figures: Map<object, NodeFigures> | undefined
  #endOfStatement: (() => void)[] | undefined
  #owned: { close(): void }[] | undefined
  #latest: View | undefined
  #rows = 0

  /** `slots`: those of the run that this one is part of. */
  constructor(context: ExecutionContext, slotCount: number, slots?: Value[]) {
    this.context = context
    this.functions = context.functions
    this.p = context.parameters
    this.s = slots ?? (slotCount === 0 ? NO_SLOTS : new Array<Value>(slotCount).fill(null))
    this.view = context.view
    this.database = context.view.database
    this.figures = context.instrument === true ? new Map() : undefined
  }

  /** Called once a row by what loops: gives the session its checkpoint every so many rows. */
  tick(): void {
    if (++this.#rows >= CHECKPOINT_ROWS) {
      this.#rows = 0
      this.context.checkpoint()
    }
  }

  /** The newest committed state and all of the transaction's own writes: what uniqueness is checked against. */
  latestView(): View {
    const { database } = this
    const view = (this.#latest ??= database.view())
    view.readLsn = database.head
    view.transaction = this.context.transaction
    view.commandId = Number.MAX_SAFE_INTEGER
    return view
  }

  /** A row of a table as a composite value; `fields` are its columns that are not dropped. */
  record(tableOid: number, typeOid: number, fields: Row): RecordValue {
    const table = this.context.catalog.relation(tableOid)
    const columns = table?.kind === 'table' ? table.columns.filter((column) => !column.isDropped) : []
    const shape = { names: columns.map((column) => column.name), types: columns.map((column) => column.type) }
    return new RecordValue(typeOid, fields, shape)
  }

  /** Registers something to be closed with the run. */
  own(closable: { close(): void }): void {
    if (this.#owned === undefined) this.#owned = [closable]
    else this.#owned.push(closable)
  }

  /** Does the work of the statement's end, which may bring more. May suspend; then call it again. */
  finish(): void {
    const tasks = this.#endOfStatement
    if (tasks === undefined) return
    while (tasks.length > 0) {
      tasks[0]?.()
      tasks.shift()
    }
  }

  /** Adds work to do when the statement has done its rows: constraint checks, foreign key actions. */
  atEnd(task: () => void): void {
    if (this.#endOfStatement === undefined) this.#endOfStatement = [task]
    else this.#endOfStatement.push(task)
  }

  close(): void {
    if (this.#owned === undefined) return
    for (const closable of this.#owned) closable.close()
    this.#owned = undefined
  }
}
