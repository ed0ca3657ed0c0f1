// Rule AggregateOverScan: plain aggregates over one table's sequential scan, in one generated loop without rows in
// between. Counter-examples: GROUP BY (groups need a key), DISTINCT or ORDER BY inside an aggregate (arguments are kept),
// conditions or arguments that may suspend (the cell would be gone).
//
//   while (cursor.next()) { decode filter columns; if (!filter) continue; decode the rest; step each aggregate }

import type { Cursor } from '../../storage/engine/engine.ts'
import type { Operator } from '../exec/operator.ts'
import type { Runtime } from '../exec/runtime.ts'
import type { Row } from '../types/value.ts'
import type { AggregateState, AggregationPlan } from './aggregate-plan.ts'
import { isImmediate } from './expr-facts.ts'
import { tableTarget } from './explain-text.ts'
import type { OuterScope } from './layout.ts'
import type { Path, Planned } from './path.ts'
import { makeNode } from './plan-node.ts'
import type { Planner } from './planner.ts'
import { TablePath } from './table-path.ts'

/** Feeds all cells; may suspend after any, with the states up to date. */
type Fold = (rt: Runtime, cursor: Cursor, s: unknown[]) => void

export function fusedAggregate(
  planner: Planner,
  plan: AggregationPlan,
  path: Path,
  outer: OuterScope | undefined,
): Planned | undefined {
  if (!(path instanceof TablePath) || path.access.kind !== 'scan') return undefined
  const states = plan.plainStates(outer)
  const { inputs } = plan
  if (
    states === undefined ||
    !path.conditions.every(isImmediate) ||
    !inputs.every((input) => isImmediate(input.expr))
  )
    return undefined
  planner.fired.push('AggregateOverScan')
  const fold = path.compileLoop<Fold>(
    inputs.map((input) => input.expr),
    outer,
    (sources, bind) => stepSource(states, sources, bind),
  )
  const { tree } = path.from.table
  const { estimate } = path
  const scan = makeNode({
    label: 'Seq Scan',
    target: tableTarget(path.from),
    estimate,
    children: [],
    properties: () => path.properties(path.conditions),
    open: () => {
      throw new Error('the scan is part of the aggregate')
    },
  })
  const node = {
    estimate: { rows: 1, startup: estimate.total, total: estimate.total + estimate.rows * 0.0025, width: 8 },
    children: [scan],
    describe: () => ({ label: 'Aggregate', properties: [] }),
    open: (rt: Runtime) => new ScanAggregateOperator(rt, rt.database.cursor(rt.view, tree), states, fold),
  }
  return { node, layout: plan.plainLayout }
}

function stepSource(
  states: readonly AggregateState[],
  sources: readonly string[],
  bind: (value: unknown) => string,
): string {
  const lines = states.map((state, i) => {
    const { args, filter } = state.options
    const tests = filter === undefined ? [] : [`${sources[filter]} === true`]
    const values = args.map((slot) => sources[slot] ?? 'null')
    if (state.fn.strict) tests.push(...values.map((value) => `${value} !== null`))
    const step = `s[${i}] = ${bind(state.fn.step)}(${[`s[${i}]`, ...values].join(', ')})`
    return tests.length === 0 ? step : `if (${tests.join(' && ')}) ${step}`
  })
  return lines.join('\n')
}

class ScanAggregateOperator implements Operator {
  readonly #runtime: Runtime
  readonly #cursor: Cursor
  readonly #states: readonly AggregateState[]
  readonly #fold: Fold
  #values: unknown[] | undefined
  #isDone = false

  constructor(runtime: Runtime, cursor: Cursor, states: readonly AggregateState[], fold: Fold) {
    this.#runtime = runtime
    this.#cursor = cursor
    this.#states = states
    this.#fold = fold
    runtime.own(this)
  }

  next(): Row | undefined {
    if (this.#isDone) return undefined
    const runtime = this.#runtime
    if (this.#values === undefined) {
      this.#cursor.seek(undefined, undefined)
      this.#values = this.#states.map((state) => state.init(runtime))
    }
    const values = this.#values
    this.#fold(runtime, this.#cursor, values)
    const row = this.#states.map((state, i) => state.final(runtime, values[i]))
    this.#isDone = true
    return row
  }

  rescan(): void {
    this.#values = undefined
    this.#isDone = false
  }

  close(): void {
    this.#isDone = true
    this.#cursor.close()
  }
}
