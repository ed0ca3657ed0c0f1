// Scans a table of another database or another time: in_branch and as_of in FROM.
//
//   arguments ─▶ place (opened once a statement) ─▶ plan for the table as it is there ─▶ inner operator ─▶ rows
//
// Which place it is may change with every rescan (LATERAL over many branches); the plan is made once for each shape of
// the table and shared by all places that have it.

import type { OtherPlace } from '../../functions/borealis.ts'
import { must } from '../../../storage/base/assert.ts'
import type { Row } from '../../types/value.ts'
import { runtimeAt } from '../elsewhere.ts'
import type { OpenPlace } from '../open-place.ts'
import type { Operator, PlanNode } from '../operator.ts'
import type { Runtime } from '../runtime.ts'

export interface OtherTablePlan {
  /** Where to read; undefined: an argument is NULL, there are no rows. May suspend. */
  readonly place: (rt: Runtime) => OtherPlace | undefined
  /** The scan of the table as it is there; checks privileges. SqlError for one that cannot be read as ours. May suspend. */
  readonly nodeAt: (rt: Runtime, place: OpenPlace) => PlanNode
}

export class OtherTableScan implements Operator {
  readonly #runtime: Runtime
  readonly #plan: OtherTablePlan
  #inner: Operator | undefined
  #innerRuntime: Runtime | undefined
  #isDone = false

  constructor(runtime: Runtime, plan: OtherTablePlan) {
    this.#runtime = runtime
    this.#plan = plan
    runtime.own(this)
  }

  next(): Row | undefined {
    if (this.#isDone) return undefined
    const inner = this.#inner ?? this.#begin()
    const row = inner?.next()
    if (row === undefined) this.close()
    return row
  }

  #begin(): Operator | undefined {
    const runtime = this.#runtime
    const where = this.#plan.place(runtime)
    if (where === undefined) return undefined
    const place = must(runtime.context.open?.(where), 'a run inside a session')
    const node = this.#plan.nodeAt(runtime, place)
    this.#innerRuntime = runtimeAt(runtime, place)
    this.#inner = node.open(this.#innerRuntime)
    return this.#inner
  }

  rescan(): void {
    this.close()
    this.#isDone = false
  }

  close(): void {
    this.#isDone = true
    this.#inner?.close()
    this.#innerRuntime?.close()
    this.#inner = undefined
    this.#innerRuntime = undefined
  }
}
