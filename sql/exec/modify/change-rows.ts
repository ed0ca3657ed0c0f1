// UPDATE and DELETE: the rows that a plan finds are locked, looked at again if somebody changed them meanwhile, and
// changed.
//
//   source row [key, lsn, target columns ..., other columns ...]
//     ──lock──▶ same ─────────────────────────────▶ change ──▶ RETURNING
//          └──▶ changed ──▶ newest version ──WHERE──▶ change, or leave it
//
// Each row's work is evaluate-then-stage: a suspension before the stage repeats the row.

import { must } from '../../../storage/base/assert.ts'
import type { LockStrength } from '../../../storage/engine/engine.ts'
import type { Row } from '../../types/value.ts'
import type { Operator } from '../operator.ts'
import type { Runtime } from '../runtime.ts'
import type { CompiledTable } from './compiled-table.ts'
import { lockRow, newestCell } from './row-lock.ts'
import { TableWriter } from './table-writer.ts'

export interface ChangePlan {
  readonly compiled: CompiledTable
  /** Slots of the row's key and LSN in source rows. */
  readonly keySlot: number
  readonly lsnSlot: number
  /** For each table column its slot, -1: dropped. */
  readonly columnSlots: readonly number[]
  readonly strength: LockStrength
  /** The new full row; undefined: delete. `r` is the source row, `b` the row before. */
  readonly change: ((rt: Runtime, r: Row, b: Row) => Row) | undefined
  readonly changedColumns: ReadonlySet<number> | undefined
  /** WHERE over a source row whose target columns are newer. */
  readonly recheck: (rt: Runtime, r: Row) => boolean
  /** RETURNING over the source row and the new (or deleted) full row `n`. */
  readonly returning: ((rt: Runtime, r: Row, n: Row) => Row) | undefined
  /** A row may come several times from the source (FROM, USING): only the first counts. */
  readonly mayRepeat: boolean
}

/** A row that was changed: as it came from the source (WHERE's columns perhaps newer), and as it is now. */
export interface ChangedRow {
  readonly source: Row
  readonly after: Row
}

export class ChangeOperator implements Operator {
  /** Rows changed so far: the number in the command tag. */
  rowCount = 0
  readonly #runtime: Runtime
  readonly #source: Operator
  readonly #plan: ChangePlan
  readonly #writer: TableWriter
  readonly #seen: Set<string> | undefined
  #held: Row | undefined
  /** A row that is changed and whose RETURNING row has not been made yet. */
  #changed: ChangedRow | undefined

  constructor(runtime: Runtime, source: Operator, plan: ChangePlan) {
    this.#runtime = runtime
    this.#source = source
    this.#plan = plan
    this.#writer = new TableWriter(plan.compiled, runtime)
    this.#seen = plan.mayRepeat ? new Set() : undefined
  }

  next(): Row | undefined {
    for (;;) {
      if (this.#changed !== undefined) return this.#returned(this.#changed)
      const row = (this.#held ??= this.#source.next())
      if (row === undefined) return undefined
      this.#runtime.tick()
      const changed = this.#changeOne(row)
      this.#held = undefined
      if (this.#plan.returning !== undefined) this.#changed = changed
    }
  }

  /** RETURNING may suspend: by then the change is staged and remembered. */
  #returned(changed: ChangedRow): Row {
    const row = must(this.#plan.returning)(this.#runtime, changed.source, changed.after)
    this.#changed = undefined
    return row
  }

  #changeOne(found: Row): ChangedRow | undefined {
    const key = found[this.#plan.keySlot] as Buffer
    const name = this.#seen === undefined ? '' : key.toString('latin1')
    if (this.#seen?.has(name) === true) return undefined
    const changed = changeRow(this.#plan, this.#runtime, this.#writer, found)
    if (changed === undefined) return undefined
    // From here on nothing suspends: the row counts as changed.
    this.#seen?.add(name)
    this.rowCount++
    return changed
  }

  rescan(): void {
    throw new Error('a change is made once')
  }

  close(): void {
    this.#source.close()
  }
}

/**
 * Locks a row that was found, looks at it again if somebody changed it meanwhile, and stages its change. undefined: there
 * is nothing to change any more. May suspend before it has staged anything.
 */
export function changeRow(
  plan: ChangePlan,
  runtime: Runtime,
  writer: TableWriter,
  found: Row,
): ChangedRow | undefined {
  const { tree } = plan.compiled.table
  const key = found[plan.keySlot] as Buffer
  const state = lockRow(runtime, { tree, key, lsn: found[plan.lsnSlot] as number }, plan.strength)
  if (state === 'gone') return undefined
  let source = found
  let before: Row
  if (state === 'changed') {
    const cell = newestCell(runtime, tree, key)
    if (cell === undefined) return undefined
    before = plan.compiled.decode(cell)
    source = withTarget(plan, found, before)
    if (!plan.recheck(runtime, source)) return undefined
  } else before = fullRow(plan, found)
  if (plan.change === undefined) {
    writer.deleteRow(key, before)
    return { source, after: before }
  }
  const after = plan.change(runtime, source, before)
  writer.updateRow(key, before, after, plan.changedColumns)
  return { source, after }
}

function fullRow(plan: ChangePlan, found: Row): Row {
  const row: Row = []
  for (const slot of plan.columnSlots) row.push(slot < 0 ? null : (found[slot] ?? null))
  return row
}

function withTarget(plan: ChangePlan, found: Row, target: Row): Row {
  const row = [...found]
  plan.columnSlots.forEach((slot, column) => {
    if (slot >= 0) row[slot] = target[column] ?? null
  })
  return row
}
