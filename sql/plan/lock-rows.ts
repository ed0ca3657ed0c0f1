// FOR UPDATE and its kin: rows are locked as they come out, after sorting and before LIMIT. A row that somebody changed
// while we waited is looked at again: READ COMMITTED takes the newest version if the query's conditions still hold.

import { must } from '../../storage/base/assert.ts'
import { StorageError } from '../../storage/base/errors.ts'
import type { LockStrength, LockWait } from '../../storage/engine/engine.ts'
import type { TreeId } from '../../storage/base/ids.ts'
import type { Operator } from '../exec/operator.ts'
import { compileTable, type CompiledTable } from '../exec/modify/compiled-table.ts'
import { lockRow, newestCell } from '../exec/modify/row-lock.ts'
import type { Runtime } from '../exec/runtime.ts'
import type { RowLocking, TableFrom } from '../tree/query.ts'
import { SqlError } from '../types/sql-error.ts'
import type { Row } from '../types/value.ts'
import { columnOutputs } from './expr-facts.ts'
import type { Group } from './join-group.ts'
import { columnKey, type Layout, type OuterScope, ROW_KEY, ROW_LSN, slotColumn } from './layout.ts'
import type { Output, Planned } from './path.ts'
import { makeNode } from './plan-node.ts'
import type { Planner } from './planner.ts'

const BYTES = { type: 17, typmod: -1, collation: 0 }

/** Stored tables of the group with their locks, the strongest for each. */
function lockedTables(
  group: Group,
  locking: readonly RowLocking[],
): { readonly from: TableFrom; readonly lock: RowLocking }[] {
  const tables: { readonly from: TableFrom; readonly lock: RowLocking }[] = []
  const visit = (one: Group): void => {
    for (const item of one.items) {
      if (item.kind === 'outer') {
        visit(item.left)
        visit(item.right)
      } else if (item.from.kind === 'table' && item.from.table.virtual === undefined) {
        const { from } = item
        const lock = strongest(locking.filter((entry) => entry.relations.includes(from.id)))
        if (lock !== undefined) tables.push({ from, lock })
      }
    }
  }
  visit(group)
  return tables
}

const STRENGTHS: readonly LockStrength[] = ['key-share', 'share', 'no-key-update', 'update']

function strongest(locks: readonly RowLocking[]): RowLocking | undefined {
  const [first] = [...locks].sort((a, b) => STRENGTHS.indexOf(b.strength) - STRENGTHS.indexOf(a.strength))
  if (first === undefined) return undefined
  // NOWAIT beats SKIP LOCKED beats waiting (documentation of SELECT, the locking clause).
  const wait: LockWait = locks.some((one) => one.wait === 'nowait')
    ? 'nowait'
    : locks.some((one) => one.wait === 'skip')
      ? 'skip'
      : 'wait'
  return { ...first, wait }
}

/** What rows must carry to be locked and, if they changed, read again. */
export function lockingOutputs(group: Group, locking: readonly RowLocking[]): Output[] {
  const own = new Set(group.items.flatMap((item) => [...item.relations]))
  const tested = columnOutputs(group.conditions, (output) => own.has(output.relation))
  const locked = lockedTables(group, locking).flatMap(({ from }) => {
    const slot = (column: number, like: Parameters<typeof slotColumn>[2]): Output => ({
      relation: from.id,
      column,
      expr: slotColumn(from.id, column, like),
    })
    return [slot(ROW_KEY, BYTES), slot(ROW_LSN, BYTES), ...from.columns.map((column, i) => slot(i, column))]
  })
  return [...locked, ...tested]
}

interface LockPlan {
  readonly tree: TreeId
  readonly name: string
  readonly compiled: CompiledTable
  readonly strength: LockStrength
  readonly wait: LockWait
  readonly keySlot: number
  readonly lsnSlot: number
  /** Slot of each entry column, and its table column. */
  readonly columns: readonly { readonly slot: number; readonly column: number }[]
}

export function planLocking(
  planner: Planner,
  planned: Planned,
  group: Group,
  locking: readonly RowLocking[],
  outer: OuterScope | undefined,
): Planned {
  const { layout } = planned
  const plans = lockedTables(group, locking).map(({ from, lock }) => lockPlan(planner, from, lock, layout))
  const { conditions } = group
  let recheck: ((rt: Runtime, r: Row) => boolean) | undefined
  const test = (rt: Runtime, r: Row): boolean =>
    (recheck ??= planner.compileCondition(conditions, layout, outer))(rt, r)
  const node = makeNode({
    label: 'LockRows',
    estimate: planned.node.estimate,
    children: [planned.node],
    open: (rt, [input]) => new LockRowsOperator(rt, must(input), plans, test),
  })
  return { node, layout }
}

function lockPlan(planner: Planner, from: TableFrom, lock: RowLocking, layout: Layout): LockPlan {
  const slot = (column: number): number =>
    must(layout.indexOf(columnKey(from.id, column)), 'a locked row carries its columns')
  return {
    tree: from.table.tree,
    name: from.table.name,
    compiled: compileTable(from.table, planner),
    strength: lock.strength,
    wait: lock.wait,
    keySlot: slot(ROW_KEY),
    lsnSlot: slot(ROW_LSN),
    columns: from.columns.map((_, i) => ({ slot: slot(i), column: must(from.tableColumns[i]) })),
  }
}

class LockRowsOperator implements Operator {
  readonly #runtime: Runtime
  readonly #child: Operator
  readonly #plans: readonly LockPlan[]
  readonly #recheck: (rt: Runtime, r: Row) => boolean
  #held: Row | undefined

  constructor(
    runtime: Runtime,
    child: Operator,
    plans: readonly LockPlan[],
    recheck: (rt: Runtime, r: Row) => boolean,
  ) {
    this.#runtime = runtime
    this.#child = child
    this.#plans = plans
    this.#recheck = recheck
  }

  next(): Row | undefined {
    for (;;) {
      const row = (this.#held ??= this.#child.next())
      if (row === undefined) return undefined
      const locked = this.#lock(row)
      this.#held = undefined
      if (locked !== undefined) return locked
    }
  }

  /** The row, its newest version, or undefined when it is to be left out. */
  #lock(found: Row): Row | undefined {
    let row = found
    let isChanged = false
    for (const plan of this.#plans) {
      const key = row[plan.keySlot] as Buffer | null
      // The nullable side of an outer join has no row to lock.
      if (key === null) continue
      const state = this.#lockOne(plan, key, row[plan.lsnSlot] as number)
      if (state === 'gone' || state === 'skipped') return undefined
      if (state !== 'changed') continue
      const cell = newestCell(this.#runtime, plan.tree, key)
      if (cell === undefined) return undefined
      const values = plan.compiled.decode(cell)
      row = [...row]
      for (const { slot, column } of plan.columns) row[slot] = values[column] ?? null
      isChanged = true
    }
    return isChanged && !this.#recheck(this.#runtime, row) ? undefined : row
  }

  #lockOne(plan: LockPlan, key: Buffer, lsn: number): ReturnType<typeof lockRow> {
    try {
      return lockRow(this.#runtime, { tree: plan.tree, key, lsn }, plan.strength, plan.wait)
    } catch (thrown) {
      if (thrown instanceof StorageError && thrown.kind === 'lock-not-available' && plan.wait === 'nowait') {
        throw new SqlError('55P03', `could not obtain lock on row in relation "${plan.name}"`)
      }
      throw thrown
    }
  }

  rescan(): void {
    this.#held = undefined
    this.#child.rescan()
  }

  close(): void {
    this.#child.close()
  }
}
