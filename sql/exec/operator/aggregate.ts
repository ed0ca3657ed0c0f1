// Aggregation: rows into groups, groups into one row each.
//
//   input row  [group values ..., arguments ...] ──key──▶ group{values, states} ──step──▶ ... ──final──▶ output row
//   output row [group values ..., aggregates ..., grouping mask]
//
// With grouping sets each set has groups of its own, and values outside the set are NULL. Aggregates with DISTINCT or
// ORDER BY keep their arguments and are computed when the group is given out.

import type { Row, Value } from '../../types/value.ts'
import type { Operator } from '../operator.ts'
import type { Runtime } from '../runtime.ts'

export interface AggregatePlan {
  /** Number of group values at the front of input and output rows. */
  readonly groupCount: number
  /** For each set, which group values count; one set without any for plain aggregation. */
  readonly sets: readonly GroupingSet[]
  readonly init: (rt: Runtime) => unknown[]
  readonly step: (rt: Runtime, states: unknown[], r: Row) => void
  readonly final: (rt: Runtime, states: unknown[]) => Row
  /** Whether output rows end with the grouping mask. */
  readonly hasMask: boolean
}

export interface GroupingSet {
  /** Group values that belong to the set; undefined: all. */
  readonly included: readonly boolean[] | undefined
  readonly keyOf: (rt: Runtime, r: Row) => unknown
  /** Bit i (from the right end) is set for group value i when it is not in the set: GROUPING(). */
  readonly mask: number
  /** The empty set gives a row even when there is no input. */
  readonly isEmpty: boolean
}

class Group {
  readonly first: Row
  readonly states: unknown[]

  constructor(first: Row, states: unknown[]) {
    this.first = first
    this.states = states
  }
}

export class AggregateOperator implements Operator {
  readonly #runtime: Runtime
  readonly #child: Operator
  readonly #plan: AggregatePlan
  #groups: Map<unknown, Group>[] = []
  #isBuilt = false
  #set = 0
  #iterator: Iterator<Group> | undefined

  constructor(runtime: Runtime, child: Operator, plan: AggregatePlan) {
    this.#runtime = runtime
    this.#child = child
    this.#plan = plan
    this.#reset()
  }

  #reset(): void {
    this.#groups = this.#plan.sets.map(() => new Map<unknown, Group>())
    this.#isBuilt = false
    this.#set = 0
    this.#iterator = undefined
  }

  next(): Row | undefined {
    if (!this.#isBuilt) this.#build()
    for (;;) {
      const groups = this.#groups[this.#set]
      const set = this.#plan.sets[this.#set]
      if (groups === undefined || set === undefined) return undefined
      this.#iterator ??= groups.values()
      const step = this.#iterator.next()
      if (step.done !== true) return this.#output(set, step.value)
      this.#iterator = undefined
      this.#set++
    }
  }

  #build(): void {
    const runtime = this.#runtime
    const { sets, init, step } = this.#plan
    const [only] = sets
    const onlyGroups = this.#groups[0]
    for (;;) {
      const row = this.#child.next()
      if (row === undefined) break
      if (sets.length === 1 && only !== undefined && onlyGroups !== undefined) {
        const key = only.keyOf(runtime, row)
        let group = onlyGroups.get(key)
        if (group === undefined) onlyGroups.set(key, (group = new Group(row, init(runtime))))
        step(runtime, group.states, row)
        continue
      }
      for (const [i, set] of sets.entries()) {
        const key = set.keyOf(runtime, row)
        const groups = this.#groups[i] as Map<unknown, Group>
        let group = groups.get(key)
        if (group === undefined) groups.set(key, (group = new Group(row, init(runtime))))
        step(runtime, group.states, row)
      }
    }
    sets.forEach((set, i) => {
      const groups = this.#groups[i] as Map<unknown, Group>
      if (set.isEmpty && groups.size === 0) groups.set('', new Group([], init(runtime)))
    })
    this.#isBuilt = true
  }

  #output(set: GroupingSet, group: Group): Row {
    const { groupCount, final, hasMask } = this.#plan
    const row: Row = []
    for (let i = 0; i < groupCount; i++) {
      row.push(set.included === undefined || set.included[i] === true ? (group.first[i] ?? null) : null)
    }
    for (const value of final(this.#runtime, group.states)) row.push(value)
    if (hasMask) row.push(set.mask)
    return row
  }

  rescan(): void {
    this.#reset()
    this.#child.rescan()
  }

  close(): void {
    this.#groups = []
    this.#child.close()
  }
}

/** Arguments kept for an aggregate with DISTINCT or ORDER BY. */
export interface KeptArguments {
  readonly compare: ((a: Row, b: Row) => number) | undefined
  /** Equal argument lists, for DISTINCT; undefined: keep all. */
  readonly keyOf: ((args: Row) => unknown) | undefined
  readonly argumentCount: number
}

/** Gives kept argument rows to the aggregate in order, duplicates left out. */
export function feedKept(
  kept: readonly Row[],
  how: KeptArguments,
  state: unknown,
  step: (state: unknown, ...args: Value[]) => unknown,
): unknown {
  let rows = kept
  if (how.keyOf !== undefined) {
    const seen = new Map<unknown, Row>()
    for (const row of rows) {
      const key = how.keyOf(row)
      if (!seen.has(key)) seen.set(key, row)
    }
    rows = [...seen.values()]
  }
  if (how.compare !== undefined) rows = [...rows].sort(how.compare)
  let current = state
  for (const row of rows) current = step(current, ...row.slice(0, how.argumentCount))
  return current
}
