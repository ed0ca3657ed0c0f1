// GROUP BY, aggregates and grouping sets: what the input rows must hold, how states advance, and how expressions above
// name the results.
//
//   SELECT b, sum(a + 1) FROM t GROUP BY b      input [b, a + 1]      output [b, sum]

import { must } from '../../storage/base/assert.ts'
import {
  AggregateOperator,
  type AggregatePlan,
  feedKept,
  type GroupingSet,
  type KeptArguments,
} from '../exec/operator/aggregate.ts'
import { childrenOf, replace } from '../exec/expression/walk.ts'
import type { Runtime } from '../exec/runtime.ts'
import type { AggregateFunction } from '../functions/function.ts'
import type { AggregateExpr, ColumnExpr, Expr, GroupingExpr, RelationId } from '../tree/expr.ts'
import type { SelectQuery, SortKey } from '../tree/query.ts'
import { sameExpr } from '../tree/walk.ts'
import { unsupported } from '../types/sql-error.ts'
import type { Row, Value } from '../types/value.ts'
import { isVolatile } from './expr-facts.ts'
import { compileGroupKey } from './hash-key.ts'
import { EMPTY_LAYOUT, keyOf, Layout, type OuterScope, slotColumn } from './layout.ts'
import type { Output, Planned } from './path.ts'
import { makeNode } from './plan-node.ts'
import type { Planner } from './planner.ts'
import { distinctOf } from './selectivity.ts'
import { compileCompare } from './sort-key.ts'

/** Rewrites expressions above an aggregation. */
export type Rewrite = (expr: Expr) => Expr

interface Aggregate {
  readonly expr: AggregateExpr
  /** Input slots. */
  readonly args: readonly number[]
  readonly filter: number | undefined
  readonly orderBy: readonly number[]
}

export class AggregationPlan {
  readonly #planner: Planner
  readonly #query: SelectQuery
  readonly #groupRelation: RelationId
  /** Group expressions: those of GROUP BY, then columns that depend on them. */
  readonly #groups: Expr[]
  readonly #aggregates: Aggregate[] = []
  readonly #inputs: Output[] = []
  readonly #masks: GroupingExpr[] = []
  readonly #inputRelation: RelationId

  constructor(planner: Planner, query: SelectQuery) {
    this.#planner = planner
    this.#query = query
    this.#groupRelation = planner.newRelation()
    this.#inputRelation = planner.newRelation()
    this.#groups = [...query.groupBy]
    for (const group of this.#groups) this.#addInput(group)
  }

  /** Collects what an expression needs of the aggregation and names it by slots. */
  readonly rewrite: Rewrite = (expr) =>
    replace(expr, (one) => {
      if (one.kind === 'aggregate') return this.#aggregate(one)
      if (one.kind === 'grouping') return this.#grouping(one)
      const group = this.#query.groupBy.findIndex((candidate) => sameExpr(candidate, one))
      return group < 0 ? undefined : this.#groupColumn(group, one)
    })

  /** The columns that the rewritten expressions still take from below: they depend on the group's key. */
  addDependent(columns: readonly Output[]): void {
    for (const column of columns) {
      this.#groups.push(column.expr)
    }
  }

  /** What the input rows must hold, group values first. Call it when all expressions have been rewritten. */
  get inputs(): readonly Output[] {
    const extra = this.#groups.slice(this.#query.groupBy.length).map((expr) => columnOutput(expr))
    const groupCount = this.#query.groupBy.length
    return [...this.#inputs.slice(0, groupCount), ...extra, ...this.#inputs.slice(groupCount)]
  }

  #aggregate(expr: AggregateExpr): Expr {
    let index = this.#aggregates.findIndex((known) => sameExpr(known.expr, expr))
    if (index < 0) {
      index = this.#aggregates.length
      const input = (arg: Expr): number => this.#addInput(onlyWhere(expr.filter, arg))
      const args = expr.args.map(input)
      const filter = expr.filter === undefined ? undefined : this.#addInput(expr.filter)
      const orderBy = expr.orderBy.map((key) => input(key.expr))
      this.#aggregates.push({ expr, args, filter, orderBy })
    }
    return this.#named(slotColumn(this.#groupRelation, 1000 + index, expr), expr)
  }

  #grouping(expr: GroupingExpr): Expr {
    let index = this.#masks.findIndex((known) => sameExpr(known, expr))
    if (index < 0) index = this.#masks.push(expr) - 1
    return this.#named(slotColumn(this.#groupRelation, 100_000 + index, expr), expr)
  }

  /** Group values that are plain columns keep their name, so that subqueries above find them. */
  #groupColumn(group: number, expr: Expr): Expr {
    return expr.kind === 'column' ? expr : this.#named(slotColumn(this.#groupRelation, group, expr), expr)
  }

  /** EXPLAIN shows the expression, not the slot. */
  #named(slot: ColumnExpr, expr: Expr): ColumnExpr {
    this.#planner.originals.set(keyOf(slot), expr)
    return slot
  }

  /** Slot among #inputs; the real slot is later by the number of dependent columns (see #slotOf). */
  #addInput(expr: Expr): number {
    const known = this.#inputs.findIndex(
      (input, i) => i >= this.#query.groupBy.length && sameExpr(input.expr, expr),
    )
    if (known >= 0) return known
    return this.#inputs.push({ relation: this.#inputRelation, column: this.#inputs.length, expr }) - 1
  }

  #slotOf(input: number): number {
    return input < this.#query.groupBy.length
      ? input
      : input + this.#groups.length - this.#query.groupBy.length
  }

  /** Plain aggregates, none of which keeps its arguments: their states, for a loop that feeds them itself. */
  plainStates(outer: OuterScope | undefined): readonly AggregateState[] | undefined {
    if (this.#groups.length > 0 || this.#masks.length > 0 || this.#query.groupingSets.length > 1)
      return undefined
    const states = this.#aggregates.map((aggregate) => this.#compileState(aggregate, outer))
    return states.some((state) => state.options.kept !== undefined) ? undefined : states
  }

  /** Layout of the one row of plain aggregates. */
  get plainLayout(): Layout {
    return this.#layout(false)
  }

  /** How many groups so many rows make. */
  #groupRows(rows: number): number {
    const groups = this.#query.groupBy.reduce((all, expr) => all * distinctOf(this.#planner, expr, rows), 1)
    return Math.max(1, Math.min(groups, rows))
  }

  plan(child: Planned, outer: OuterScope | undefined): Planned {
    const planner = this.#planner
    const states = this.#aggregates.map((aggregate) => this.#compileState(aggregate, outer))
    const groupCount = this.#groups.length
    const hasMask = this.#masks.length > 0
    const sets = this.#compileSets(child.layout, outer)
    const masks = this.#masks.map((mask) => this.#maskReader(mask))
    const plan: AggregatePlan = {
      groupCount,
      sets,
      hasMask: false,
      init: (rt) => states.map((state) => state.init(rt)),
      step: compileStep(states),
      final: (rt, values) => states.map((state, i) => state.final(rt, values[i])),
    }
    const withMasks: AggregatePlan = { ...plan, hasMask }
    const isGrouped = groupCount > 0
    const rows = isGrouped ? this.#groupRows(child.node.estimate.rows) : 1
    const layout = this.#layout(sets.length > 1)
    const { estimate } = child.node
    const total = estimate.total + estimate.rows * (0.005 + 0.0025 * states.length)
    const node = makeNode({
      label: sets.length > 1 ? 'MixedAggregate' : isGrouped ? 'HashAggregate' : 'Aggregate',
      estimate: { rows, startup: total, total, width: layout.slots.length * 8 },
      children: [child.node],
      properties: () => {
        const keys = this.#query.groupBy.map((expr) => planner.deparse(expr))
        return isGrouped && keys.length > 0 ? [['Group Key', keys]] : []
      },
      open: (rt, [input]) => {
        const operator = new AggregateOperator(rt, must(input), withMasks)
        if (!hasMask) return operator
        return {
          next: () => {
            const row = operator.next()
            if (row === undefined) return undefined
            const mask = row.pop() as number
            for (const read of masks) row.push(read(mask))
            return row
          },
          rescan: () => operator.rescan(),
          close: () => operator.close(),
        }
      },
    })
    return { node, layout }
  }

  #layout(isMixed: boolean): Layout {
    const groups = this.#groups.map((expr, i) => {
      const slot = expr.kind === 'column' ? expr : slotColumn(this.#groupRelation, i, expr)
      return { relation: slot.relation, column: slot.column, nullable: true }
    })
    const aggregates = this.#aggregates.map(({ expr }, i) => ({
      relation: this.#groupRelation,
      column: 1000 + i,
      nullable: isMixed || expr.function.name !== 'count',
    }))
    const masks = this.#masks.map((_, i) => ({
      relation: this.#groupRelation,
      column: 100_000 + i,
      nullable: false,
    }))
    return new Layout([...groups, ...aggregates, ...masks])
  }

  #compileSets(layout: Layout, outer: OuterScope | undefined): GroupingSet[] {
    const planner = this.#planner
    const { groupBy, groupingSets } = this.#query
    const { length } = groupBy
    if (length === 0 && groupingSets.length <= 1) {
      return [{ included: undefined, keyOf: () => '', mask: 0, isEmpty: true }]
    }
    const given = groupingSets.length === 0 ? [groupBy.map((_, i) => i)] : groupingSets
    return given.map((set): GroupingSet => {
      const included = this.#groups.map((_, i) => i >= length || set.includes(i))
      const columns = set.map((i) =>
        slotColumn(must(this.inputs[i]).relation, must(this.inputs[i]).column, must(groupBy[i])),
      )
      const keyOf = set.length === 0 ? (): string => '' : compileGroupKey(planner, columns, layout, outer)
      let mask = 0
      groupBy.forEach((_, i) => {
        if (!set.includes(i)) mask |= 1 << i
      })
      const isAll = included.every((one) => one)
      return { included: isAll ? undefined : included, keyOf, mask, isEmpty: set.length === 0 }
    })
  }

  /** GROUPING(a, b): one bit an argument, the last one lowest. */
  #maskReader(expr: GroupingExpr): (mask: number) => number {
    const positions = expr.args.map((arg) => this.#query.groupBy.findIndex((group) => sameExpr(group, arg)))
    return (mask) => positions.reduce((bits, position) => bits * 2 + ((mask >> position) & 1), 0)
  }

  /** Whether the expression uses what the query groups by. */
  #isGrouped(expr: Expr): boolean {
    return (
      this.#query.groupBy.some((group) => sameExpr(group, expr)) ||
      childrenOf(expr).some((one) => this.#isGrouped(one))
    )
  }

  #compileState(aggregate: Aggregate, outer: OuterScope | undefined): AggregateState {
    const { expr } = aggregate
    const planner = this.#planner
    const args = aggregate.args.map((slot) => this.#slotOf(slot))
    const filter = aggregate.filter === undefined ? undefined : this.#slotOf(aggregate.filter)
    if (expr.directArgs.some((arg) => this.#isGrouped(arg)))
      throw unsupported(`${expr.function.name} with a column as its direct argument`)
    const direct = planner.compileRow(expr.directArgs, EMPTY_LAYOUT, outer)
    const orderSlots = aggregate.orderBy.map((slot) => this.#slotOf(slot))
    const types = [...expr.directArgs, ...expr.args].map((arg) => arg.type)
    const isKept = expr.distinct || expr.orderBy.length > 0
    const kept = isKept ? keptArguments(planner, expr) : undefined
    return new AggregateState(expr.function, {
      types,
      args,
      filter,
      orderSlots,
      kept,
      direct: expr.directArgs.length > 0 ? direct : undefined,
    })
  }
}

/** An argument of rows that FILTER drops is not computed: it may fail there. */
function onlyWhere(filter: Expr | undefined, arg: Expr): Expr {
  if (filter === undefined || arg.kind === 'column' || arg.kind === 'constant') return arg
  if (isVolatile(filter)) return arg
  const { type, typmod, collation, location } = arg
  const whens = [{ condition: filter, result: arg }]
  return { kind: 'case', subject: undefined, whens, otherwise: undefined, type, typmod, collation, location }
}

function columnOutput(expr: Expr): Output {
  if (expr.kind === 'column') return { relation: expr.relation, column: expr.column, expr }
  if (expr.kind === 'whole-row') return { relation: expr.relation, column: -100, expr }
  throw new Error('a dependent column is a column')
}

/** How kept argument rows [args ..., order values ...] are ordered and told apart. */
function keptArguments(planner: Planner, expr: AggregateExpr): KeptArguments {
  const argumentCount = expr.args.length
  const keys: SortKey[] = [...expr.orderBy]
  const slots = expr.orderBy.map((_, i) => argumentCount + i)
  if (expr.distinct) {
    expr.args.forEach((arg, i) => {
      if (planner.type(arg.type).compare === undefined) return
      keys.push({ expr: arg, descending: false, nullsFirst: false })
      slots.push(i)
    })
  }
  const compare = keys.length === 0 ? undefined : compileCompare(planner, keys, slots)
  let keyOf: KeptArguments['keyOf']
  if (expr.distinct) {
    const relation = planner.newRelation()
    const columns = expr.args.map((arg, i) => slotColumn(relation, i, arg))
    const layout = new Layout(columns.map((_, column) => ({ relation, column, nullable: true })))
    const key = compileGroupKey(planner, columns, layout, undefined)
    keyOf = (row) => key(undefined as never, row)
  }
  return { compare, keyOf, argumentCount }
}

interface StateOptions {
  readonly types: readonly number[]
  readonly args: readonly number[]
  readonly filter: number | undefined
  readonly orderSlots: readonly number[]
  readonly kept: KeptArguments | undefined
  readonly direct: ((rt: Runtime, r: Row) => Row) | undefined
}

/** One aggregate call: how its state begins, advances and ends. */
export class AggregateState {
  readonly fn: AggregateFunction
  readonly options: StateOptions

  constructor(fn: AggregateFunction, options: StateOptions) {
    this.fn = fn
    this.options = options
  }

  init(rt: Runtime): unknown {
    return this.options.kept === undefined ? this.fn.init(rt.functions, this.options.types) : []
  }

  /** Keeps the arguments of a row, for DISTINCT and ORDER BY. */
  keep(state: unknown, r: Row): unknown {
    const { args, orderSlots } = this.options
    const row = args.map((slot) => r[slot] as Value)
    if (this.fn.strict && row.includes(null)) return state
    for (const slot of orderSlots) row.push(r[slot] as Value)
    ;(state as Row[]).push(row)
    return state
  }

  final(rt: Runtime, state: unknown): Value {
    const { kept, types, direct } = this.options
    let current = state
    if (kept !== undefined) {
      const fresh = this.fn.init(rt.functions, types)
      current = feedKept(state as Row[], kept, fresh, (one, ...args) => this.fn.step(one, ...args))
    }
    return direct === undefined
      ? this.fn.final(current, rt.functions)
      : this.fn.final(current, rt.functions, ...direct(rt, []))
  }
}

/** All aggregates' steps as one function. */
function compileStep(states: readonly AggregateState[]): (rt: Runtime, states: unknown[], r: Row) => void {
  const names: string[] = []
  const values: unknown[] = []
  const lines = states.map((state, i) => {
    const { args, filter, kept } = state.options
    const tests = filter === undefined ? [] : [`r[${filter}] === true`]
    if (kept !== undefined) {
      names.push(`k${i}`)
      values.push(state)
      return guarded(tests, `s[${i}] = k${i}.keep(s[${i}], r)`)
    }
    names.push(`f${i}`)
    values.push(state.fn.step)
    if (state.fn.strict) tests.push(...args.map((slot) => `r[${slot}] !== null`))
    return guarded(tests, `s[${i}] = f${i}(${[`s[${i}]`, ...args.map((slot) => `r[${slot}]`)].join(', ')})`)
  })
  // eslint-disable-next-line no-new-func
  const factory = new Function(...names, `'use strict'\nreturn (rt, s, r) => {\n${lines.join('\n')}\n}`)
  return factory(...values) as ReturnType<typeof compileStep>
}

function guarded(tests: readonly string[], statement: string): string {
  return tests.length === 0 ? statement : `if (${tests.join(' && ')}) ${statement}`
}
