// Set-returning functions in a target list: each input row gives as many rows as the longest of its sets; shorter sets
// are filled up with NULL (PostgreSQL 10 and later; documentation, section 38.5.8).

import { must } from '../../storage/base/assert.ts'
import { childrenOf, replace } from '../exec/expression/walk.ts'
import type { Operator } from '../exec/operator.ts'
import type { Runtime } from '../exec/runtime.ts'
import type { Expr, RelationId, SetCallExpr } from '../tree/expr.ts'
import { sameExpr } from '../tree/walk.ts'
import { RecordValue, type Row, type Value } from '../types/value.ts'
import { columnOutputs } from './expr-facts.ts'
import { compileSetCall, type SetRows } from './function-rows.ts'
import { Layout, type OuterScope, slotColumn } from './layout.ts'
import type { Output, Planned } from './path.ts'
import { makeNode } from './plan-node.ts'
import type { Planner } from './planner.ts'

/** Whether the expression itself gives sets; what its subqueries do inside is theirs. */
export function hasSetCall(expr: Expr): boolean {
  return expr.kind === 'set-call' || childrenOf(expr).some(hasSetCall)
}

export interface SetProjection {
  readonly planned: Planned
  readonly rewrite: (expr: Expr) => Expr
}

export function planProjectSet(
  planner: Planner,
  exprs: readonly Expr[],
  build: (outputs: readonly Output[]) => Planned,
  outer: OuterScope | undefined,
): SetProjection {
  // Sets inside the arguments of other sets are projected first, by a step of their own, with those that hold none.
  const levels = exprs.map((expr) => callsByLevel(expr))
  const nested = levels.flatMap((level) => level.nested)
  const inner = nested.length === 0 ? nested : [...nested, ...levels.flatMap((level) => level.plain)]
  let below = build
  let prepare: (expr: Expr) => Expr = (expr) => expr
  if (inner.length > 0) {
    const step = planProjectSet(planner, inner, (outputs) => build(uniquePlus(outputs, exprs)), outer)
    below = () => step.planned
    prepare = step.rewrite
  }
  const relation = planner.newRelation()
  const calls: SetCallExpr[] = []
  let isMade = false
  const rewrite = (expr: Expr): Expr =>
    replace(prepare(expr), (one) => {
      if (one.kind !== 'set-call') return undefined
      let index = calls.findIndex((known) => sameExpr(known, one))
      // One that is not of this step has it among its arguments.
      if (index < 0 && isMade) return undefined
      if (index < 0) index = calls.push(one) - 1
      return slotColumn(relation, index, one)
    })
  const rewritten = exprs.map(rewrite)
  const wanted = [...rewritten, ...calls.flatMap((call) => call.args)]
  const outputs = columnOutputs(wanted, (output) => output.relation !== relation)
  const child = below(outputs)
  isMade = true
  return { planned: makeProjection(planner, child, calls, relation, outer), rewrite }
}

/** Arguments of sets that give sets themselves, and the sets that have none of these. */
function callsByLevel(expr: Expr): { readonly nested: Expr[]; readonly plain: Expr[] } {
  const nested: Expr[] = []
  const plain: Expr[] = []
  replace(expr, (one) => {
    if (one.kind !== 'set-call') return undefined
    const inner = one.args.filter((arg) => hasSetCall(arg))
    if (inner.length > 0) nested.push(...inner)
    else plain.push(one)
    return one
  })
  return { nested, plain }
}

function uniquePlus(outputs: readonly Output[], exprs: readonly Expr[]): Output[] {
  const all = new Map(outputs.map((output) => [`${output.relation}.${output.column}`, output]))
  for (const output of columnOutputs(exprs, () => true)) {
    const key = `${output.relation}.${output.column}`
    if (!all.has(key)) all.set(key, output)
  }
  return [...all.values()]
}

function makeProjection(
  planner: Planner,
  child: Planned,
  calls: readonly SetCallExpr[],
  relation: RelationId,
  outer: OuterScope | undefined,
): Planned {
  const sets = calls.map((call) => compileSetCall(planner, call, child.layout, outer))
  const wrap = calls.map((call) => recordShape(call))
  const slots = calls.map((_, column) => ({ relation, column, nullable: true }))
  const { estimate } = child.node
  const node = makeNode({
    label: 'ProjectSet',
    estimate: { ...estimate, rows: estimate.rows * 10, total: estimate.total + estimate.rows * 0.1 },
    children: [child.node],
    open: (rt, [input]) => new ProjectSetOperator(rt, must(input), sets, wrap),
  })
  return { node, layout: new Layout([...child.layout.slots, ...slots]) }
}

/** A set of several columns is one record in a target list. */
function recordShape(call: SetCallExpr): (item: Value | Row) => Value {
  const { columns } = call.function
  const shape = { names: columns.map((column) => column.name), types: columns.map((column) => column.type) }
  return (item) => (Array.isArray(item) ? new RecordValue(2249, item, shape) : item)
}

class ProjectSetOperator implements Operator {
  readonly #runtime: Runtime
  readonly #child: Operator
  readonly #sets: readonly SetRows[]
  readonly #wrap: readonly ((item: Value | Row) => Value)[]
  #held: Row | undefined
  #iterators: (Iterator<Value | Row> | undefined)[] | undefined

  constructor(
    runtime: Runtime,
    child: Operator,
    sets: readonly SetRows[],
    wrap: readonly ((item: Value | Row) => Value)[],
  ) {
    this.#runtime = runtime
    this.#child = child
    this.#sets = sets
    this.#wrap = wrap
  }

  next(): Row | undefined {
    for (;;) {
      const row = (this.#held ??= this.#child.next())
      if (row === undefined) return undefined
      this.#iterators ??= this.#sets.map((set) => set(this.#runtime, row)[Symbol.iterator]())
      this.#runtime.tick()
      const joined = this.#step(row, this.#iterators)
      if (joined !== undefined) return joined
      this.#held = undefined
      this.#iterators = undefined
    }
  }

  #step(row: Row, iterators: (Iterator<Value | Row> | undefined)[]): Row | undefined {
    const joined = [...row]
    let isLive = false
    for (let i = 0; i < iterators.length; i++) {
      const step = iterators[i]?.next()
      if (step === undefined || step.done === true) {
        iterators[i] = undefined
        joined.push(null)
        continue
      }
      isLive = true
      joined.push((this.#wrap[i] as (item: Value | Row) => Value)(step.value))
    }
    return isLive ? joined : undefined
  }

  rescan(): void {
    this.#held = undefined
    this.#iterators = undefined
    this.#child.rescan()
  }

  close(): void {
    this.#child.close()
  }
}
