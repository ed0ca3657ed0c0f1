// Window functions: for each window of the query a sort and a window operator, one on top of the other. Their results are
// columns of a relation of their own.

import { must } from '../../storage/base/assert.ts'
import { callSource } from '../exec/expression/compile-call.ts'
import { replace } from '../exec/expression/walk.ts'
import { SortOperator } from '../exec/operator/sort.ts'
import { WindowOperator, type WindowCall, type WindowPlan } from '../exec/operator/window.ts'
import type { FramePlan, FrameSide } from '../exec/operator/window-frame.ts'
import type { ScalarFunction } from '../functions/function.ts'
import type { Expr, RelationId, WindowExpr } from '../tree/expr.ts'
import type { FrameBound, SortKey, WindowClause } from '../tree/query.ts'
import { sameExpr } from '../tree/walk.ts'
import { unsupported } from '../types/sql-error.ts'
import { columnOutputs } from './expr-facts.ts'
import { EMPTY_LAYOUT, Layout, type OuterScope, slotColumn } from './layout.ts'
import type { Output, Planned } from './path.ts'
import { makeNode } from './plan-node.ts'
import type { Planner } from './planner.ts'
import { compileCompare, compileOrder } from './sort-key.ts'
import { sortProperties } from './explain-text.ts'

export interface PlannedWindows {
  readonly planned: Planned
  readonly rewrite: (expr: Expr) => Expr
}

/** undefined when no expression calls a window function. */
export function planWindows(
  planner: Planner,
  windows: readonly WindowClause[],
  exprs: readonly Expr[],
  build: (outputs: readonly Output[]) => Planned,
  outer: OuterScope | undefined,
): PlannedWindows | undefined {
  const relation = planner.newRelation()
  const calls: WindowExpr[] = []
  const rewrite = (expr: Expr): Expr =>
    replace(expr, (one) => {
      if (one.kind !== 'window') return undefined
      let index = calls.findIndex((known) => sameExpr(known, one))
      if (index < 0) index = calls.push(one) - 1
      return slotColumn(relation, index, one)
    })
  const rewritten = exprs.map(rewrite)
  if (calls.length === 0) return undefined
  return {
    planned: new WindowPlanner(planner, windows, calls, relation, outer).plan(rewritten, build),
    rewrite,
  }
}

class WindowPlanner {
  readonly #planner: Planner
  readonly #windows: readonly WindowClause[]
  readonly #calls: readonly WindowExpr[]
  readonly #relation: RelationId
  readonly #outer: OuterScope | undefined
  readonly #inputRelation: RelationId
  readonly #inputs: Output[] = []

  constructor(
    planner: Planner,
    windows: readonly WindowClause[],
    calls: readonly WindowExpr[],
    relation: RelationId,
    outer: OuterScope | undefined,
  ) {
    this.#planner = planner
    this.#windows = windows
    this.#calls = calls
    this.#relation = relation
    this.#outer = outer
    this.#inputRelation = planner.newRelation()
  }

  plan(above: readonly Expr[], build: (outputs: readonly Output[]) => Planned): Planned {
    const used = [...new Set(this.#calls.map((call) => call.window))]
    for (const call of this.#calls) {
      for (const arg of call.args) this.#input(arg)
      if (call.filter !== undefined) this.#input(call.filter)
    }
    for (const index of used) {
      const window = must(this.#windows[index])
      for (const key of [...window.partitionBy, ...window.orderBy]) this.#input(key.expr)
    }
    const carried = columnOutputs(above, (output) => output.relation !== this.#relation)
    const known = new Set(this.#inputs.map((input) => `${input.relation}.${input.column}`))
    const extra = carried.filter((output) => !known.has(`${output.relation}.${output.column}`))
    let planned = build([...this.#inputs, ...extra])
    for (const index of used) planned = this.#one(planned, index)
    return planned
  }

  /** The slot of an expression in the input rows. */
  #input(expr: Expr): number {
    const known = this.#inputs.findIndex((input) => sameExpr(input.expr, expr))
    if (known >= 0) return known
    const output: Output =
      expr.kind === 'column'
        ? { relation: expr.relation, column: expr.column, expr }
        : { relation: this.#inputRelation, column: this.#inputs.length, expr }
    return this.#inputs.push(output) - 1
  }

  #one(child: Planned, index: number): Planned {
    const planner = this.#planner
    const window = must(this.#windows[index])
    const { partitionBy, orderBy } = window
    const slots = (keys: readonly SortKey[]): number[] => keys.map((key) => this.#input(key.expr))
    const sorted = this.#sort(child, [...partitionBy, ...orderBy], slots([...partitionBy, ...orderBy]))
    const partitionCompare = compileCompare(planner, partitionBy, slots(partitionBy))
    const orderCompare = compileCompare(planner, orderBy, slots(orderBy))
    const own = this.#calls.filter((call) => call.window === index)
    const plan: WindowPlan = {
      samePartition: (a, b) => partitionCompare(a, b) === 0,
      peers: (a, b) => orderCompare(a, b) === 0,
      frame: this.#frame(window),
      calls: own.map((call) => this.#call(call)),
    }
    const { estimate } = sorted.node
    const node = makeNode({
      label: 'WindowAgg',
      estimate: { ...estimate, total: estimate.total + estimate.rows * 0.02 },
      children: [sorted.node],
      open: (rt, [input]) => new WindowOperator(rt, must(input), plan),
    })
    const added = own.map((call) => ({
      relation: this.#relation,
      column: this.#calls.indexOf(call),
      nullable: true,
    }))
    return { node, layout: new Layout([...sorted.layout.slots, ...added]) }
  }

  #sort(child: Planned, keys: readonly SortKey[], slots: readonly number[]): Planned {
    if (keys.length === 0) return child
    const order = compileOrder(this.#planner, keys, slots)
    const { estimate } = child.node
    const total = estimate.total + estimate.rows * Math.log2(estimate.rows + 2) * 0.01
    const node = makeNode({
      label: 'Sort',
      estimate: { ...estimate, startup: total, total },
      children: [child.node],
      properties: () => sortProperties(this.#planner, keys),
      open: (rt, [input]) => new SortOperator(rt, must(input), order),
    })
    return { node, layout: child.layout }
  }

  #call(call: WindowExpr): WindowCall {
    return {
      fn: call.function.kind === 'aggregate' ? call.function : call.function.name,
      args: call.args.map((arg) => this.#input(arg)),
      argumentTypes: call.args.map((arg) => arg.type),
      filter: call.filter === undefined ? undefined : this.#input(call.filter),
    }
  }

  #frame(window: WindowClause): FramePlan {
    const { mode, start, end, exclude } = window.frame
    const [key] = window.orderBy
    return {
      mode,
      exclude,
      start: this.#side(window, start, false),
      end: this.#side(window, end, true),
      keySlot: key === undefined ? -1 : this.#input(key.expr),
    }
  }

  #side(window: WindowClause, bound: FrameBound, isEnd: boolean): FrameSide {
    const { offset, kind } = bound
    if (offset === undefined) return { kind, offset: undefined, reaches: undefined }
    const evaluate = this.#planner.compileValue(offset, EMPTY_LAYOUT, this.#outer)
    const reaches =
      window.frame.mode === 'range' ? this.#reaches(must(window.orderBy[0]), bound, offset, isEnd) : undefined
    return { kind, offset: (rt) => evaluate(rt, []), reaches }
  }

  /** key(j) against key(i) moved by the offset: `-` for PRECEDING in ascending order, `+` otherwise. */
  #reaches(key: SortKey, bound: FrameBound, offset: Expr, isEnd: boolean): FrameSide['reaches'] {
    const planner = this.#planner
    const isMinus = (bound.kind === 'preceding') !== key.descending
    const move = this.#operator(isMinus ? '-' : '+', key.expr.type, offset.type)
    const wantsAtMost = isEnd !== key.descending
    const test = this.#operator(wantsAtMost ? '<=' : '>=', key.expr.type, move.result)
    const compiler = planner.compiler([], this.#outer)
    const moved = callSource(compiler, move.fn, { args: [key.expr.type, offset.type], result: move.result }, [
      'i',
      'o',
    ])
    const source = callSource(compiler, test.fn, { args: [key.expr.type, move.result], result: 16 }, [
      'j',
      'm',
    ])
    return compiler.builder.build('rt, j, i, o', `const m = ${moved}\nreturn ${source}`)
  }

  #operator(
    name: string,
    left: number,
    right: number,
  ): { readonly fn: ScalarFunction; readonly result: number } {
    const found = this.#planner.functions
      .operatorsByName(name)
      .find((one) => one.left === left && one.right === right)
    const fn = found === undefined ? undefined : this.#planner.functions.byOid(found.functionOid)
    if (found === undefined || fn?.kind !== 'scalar') throw unsupported('RANGE with an offset of these types')
    return { fn, result: found.result }
  }
}
