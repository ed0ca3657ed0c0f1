// WITH RECURSIVE: the left side's rows, then the right side over the rows of the step before, until a step adds none.

import { must } from '../../storage/base/assert.ts'
import type { Operator, PlanNode } from '../exec/operator.ts'
import { openNode } from '../exec/operator.ts'
import { CteStore } from '../exec/operator/cte-store.ts'
import type { Runtime } from '../exec/runtime.ts'
import { unsupported } from '../types/sql-error.ts'
import type { Row } from '../types/value.ts'
import type { PlannedCte } from './cte.ts'
import { compileGroupKey } from './hash-key.ts'
import { Layout, type OuterScope, slotColumn } from './layout.ts'
import type { Planner } from './planner.ts'

export function planRecursive(
  planner: Planner,
  planned: PlannedCte,
  outer: OuterScope | undefined,
): PlanNode {
  const { query } = planned.cte
  if (query.kind !== 'set' || query.operation !== 'union') throw unsupported('WITH RECURSIVE without UNION')
  planner.ctes.define(query.ctes, outer)
  const first = planner.planQuery(query.left, outer).node
  const step = planner.planQuery(query.right, outer).node
  const relation = planner.newRelation()
  const columns = planned.cte.columns.map((column, i) => slotColumn(relation, i, column))
  const layout = new Layout(columns.map((_, column) => ({ relation, column, nullable: true })))
  const keyOf = query.all ? undefined : compileGroupKey(planner, columns, layout, outer)
  const { workingState } = planned
  const estimate = {
    ...first.estimate,
    rows: first.estimate.rows * 10,
    total: first.estimate.total + step.estimate.total * 10,
  }
  return {
    estimate,
    children: [first, step],
    describe: () => ({ label: 'Recursive Union', properties: [] }),
    open: (rt) => new RecursiveUnion(rt, openNode(first, rt), () => openNode(step, rt), keyOf, workingState),
  }
}

/** Gives the working table's rows to the right side. */
class WorkingRows implements Operator {
  rows: readonly Row[] = []
  #position = 0

  next(): Row | undefined {
    const row = this.rows[this.#position]
    if (row !== undefined) this.#position++
    return row
  }

  rescan(): void {
    this.#position = 0
  }

  close(): void {
    this.rows = []
  }
}

class RecursiveUnion implements Operator {
  readonly #runtime: Runtime
  readonly #first: Operator
  readonly #openStep: () => Operator
  readonly #keyOf: ((rt: Runtime, r: Row) => unknown) | undefined
  readonly #working = new WorkingRows()
  readonly #store: CteStore
  readonly #state: number
  #step: Operator | undefined
  #seen = new Set<unknown>()
  #next: Row[] = []
  #inFirst = true

  constructor(
    runtime: Runtime,
    first: Operator,
    openStep: () => Operator,
    keyOf: ((rt: Runtime, r: Row) => unknown) | undefined,
    state: number,
  ) {
    this.#runtime = runtime
    this.#first = first
    this.#openStep = openStep
    this.#keyOf = keyOf
    this.#store = new CteStore(this.#working)
    this.#state = state
  }

  next(): Row | undefined {
    for (;;) {
      const row = this.#inFirst ? this.#first.next() : must(this.#step).next()
      if (row === undefined) {
        if (!this.#advance()) return undefined
        continue
      }
      this.#runtime.tick()
      if (this.#keyOf !== undefined) {
        const key = this.#keyOf(this.#runtime, row)
        if (this.#seen.has(key)) continue
        this.#seen.add(key)
      }
      this.#next.push(row)
      return row
    }
  }

  /** Makes the rows of this step the working table of the next. */
  #advance(): boolean {
    if (this.#next.length === 0) return false
    this.#working.rows = this.#next
    this.#next = []
    this.#inFirst = false
    this.#store.reset()
    this.#runtime.states[this.#state] = this.#store
    if (this.#step === undefined) {
      this.#step = this.#openStep()
      this.#runtime.own(this.#step)
    } else this.#step.rescan()
    return true
  }

  rescan(): void {
    this.#inFirst = true
    this.#next = []
    this.#seen = new Set()
    this.#first.rescan()
  }

  close(): void {
    this.#first.close()
    this.#step?.close()
  }
}
