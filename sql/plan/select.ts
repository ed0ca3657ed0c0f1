// Plans one SELECT block.
//
//   FROM, WHERE ──▶ join ──▶ aggregate, HAVING ──▶ windows ──▶ set-returning targets ──▶ DISTINCT ──▶ ORDER BY
//                                                                ──▶ row locks ──▶ LIMIT ──▶ visible targets
//
// Expressions are rewritten step by step: what a step has computed is a column of the step's own relation above it.

import { must } from '../../storage/base/assert.ts'
import { DistinctOperator, SortOperator, UniqueOperator } from '../exec/operator/sort.ts'
import { LimitOperator, type LimitBounds, ResultOperator } from '../exec/operator/pipeline.ts'
import { conjunctsOf } from '../exec/expression/walk.ts'
import type { Runtime } from '../exec/runtime.ts'
import type { Expr, RelationId } from '../tree/expr.ts'
import type { SelectQuery, SortKey, Target } from '../tree/query.ts'
import { sameExpr } from '../tree/walk.ts'
import { unsupported } from '../types/sql-error.ts'
import type { RowOrder } from '../exec/operator/row-sorter.ts'
import type { Row } from '../types/value.ts'
import { AggregationPlan } from './aggregate-plan.ts'
import { bareColumn, columnOutputs } from './expr-facts.ts'
import { buildGroup } from './group-builder.ts'
import { compileGroupKey } from './hash-key.ts'
import { type Group, GroupPlanner, groupRelations } from './join-group.ts'
import { EMPTY_LAYOUT, type OuterScope, slotColumn } from './layout.ts'
import { lockingOutputs, planLocking } from './lock-rows.ts'
import { minMaxFromIndex } from './min-max.ts'
import type { Output, Path, Planned } from './path.ts'
import { makeNode, over } from './plan-node.ts'
import type { Planner } from './planner.ts'
import { planProjectSet, hasSetCall } from './project-set.ts'
import { addFilter, addProjection } from './row-node.ts'
import { fusedAggregate } from './scan-aggregate.ts'
import { compileCompare, compileOrder, satisfies } from './sort-key.ts'
import { sortProperties } from './explain-text.ts'
import { planWindows } from './window-plan.ts'

export interface QueryRequest {
  /** Relation that the visible targets become columns of. */
  readonly relation: RelationId
  /** The reader will not take more rows than this. */
  readonly rowLimit?: number | undefined
}

/** Where rows come from: not built yet, or built. */
type Source = { readonly path: Path } | { readonly planned: Planned }

export function planSelect(
  planner: Planner,
  original: SelectQuery,
  outer: OuterScope | undefined,
  request: QueryRequest,
): Planned {
  planner.ctes.define(original.ctes, outer)
  const minMax = minMaxFromIndex(planner, original)
  if (minMax !== undefined) return planSelect(planner, minMax, outer, request)
  const built = buildGroup(planner, original)
  return new SelectPlanner(planner, built.query, built.group, outer, request).plan()
}

class SelectPlanner {
  readonly #planner: Planner
  readonly #query: SelectQuery
  readonly #group: Group
  readonly #outer: OuterScope | undefined
  readonly #request: QueryRequest
  #targets: readonly Target[]
  #orderBy: readonly SortKey[]

  constructor(
    planner: Planner,
    query: SelectQuery,
    group: Group,
    outer: OuterScope | undefined,
    request: QueryRequest,
  ) {
    this.#planner = planner
    this.#query = query
    this.#group = group
    this.#outer = outer
    this.#request = request
    this.#targets = query.targets
    this.#orderBy = query.orderBy
  }

  plan(): Planned {
    const query = this.#query
    let source = this.#source()
    if (
      query.hasAggregates ||
      query.groupBy.length > 0 ||
      query.groupingSets.length > 0 ||
      query.having !== undefined
    ) {
      source = { planned: this.#aggregate(source) }
    }
    source = this.#windows(source)
    source = this.#projectSets(source)
    return query.distinct === undefined ? this.#plain(source) : this.#distinct(source, query.distinct)
  }

  #build(source: Source, outputs: readonly Output[]): Planned {
    if ('path' in source) return source.path.build(outputs, this.#outer)
    return addProjection(this.#planner, source.planned, outputs, this.#outer)
  }

  /** The rows of FROM and WHERE. */
  #source(): Source {
    const group = this.#group
    if (group.items.length === 0) return { planned: this.#noFrom() }
    const query = this.#query
    const isPlain =
      !query.hasAggregates &&
      query.groupBy.length === 0 &&
      query.windows.length === 0 &&
      query.distinct === undefined
    const wantsOrder = isPlain && query.orderBy.length > 0
    const finder = new GroupPlanner(this.#planner, this.#outer, wantsOrder)
    return { path: finder.plan(group, wantsOrder ? (paths) => this.#preferOrdered(paths) : undefined) }
  }

  /** Among a table's paths: the cheapest once sorting is counted, for as many rows as LIMIT takes. */
  #preferOrdered(paths: readonly Path[]): Path {
    const limit = this.#rowLimit()
    const cost = (path: Path): number => {
      const { rows, total } = path.estimate
      if (this.#isOrdered(path)) return limit === undefined ? total : total * Math.min(1, limit / rows)
      return total + rows * Math.log2(rows + 2) * 0.01
    }
    return paths.reduce((best, path) => (cost(path) < cost(best) ? path : best))
  }

  #rowLimit(): number | undefined {
    const { limit } = this.#query
    if (limit?.kind === 'constant' && typeof limit.value === 'number') return limit.value
    // A parameter is a lifted literal more often than not, and then a small number.
    return limit === undefined ? this.#request.rowLimit : 10
  }

  #isOrdered(path: Pick<Path, 'order' | 'constants'>): boolean {
    return satisfies(path, this.#orderBy, (key) => this.#isNotNull(key))
  }

  #isNotNull(key: SortKey): boolean {
    const column = bareColumn(key.expr)
    const item = this.#group.items.find((one) => one.kind === 'leaf' && one.from.id === column?.relation)
    if (column === undefined || item?.kind !== 'leaf' || item.from.kind !== 'table') return false
    return item.from.table.columns[item.from.tableColumns[column.column] ?? -1]?.notNull === true
  }

  #noFrom(): Planned {
    const planner = this.#planner
    const conditions = this.#group.conditions
    const test = planner.compileCondition(conditions, EMPTY_LAYOUT, this.#outer)
    const empty: Row = []
    const node = makeNode({
      label: 'Result',
      estimate: { rows: 1, startup: 0, total: 0.01, width: 0 },
      children: [],
      open: (rt) => new ResultOperator(rt, (run) => (test(run, empty) ? empty : undefined)),
    })
    let planned: Planned = { node, layout: EMPTY_LAYOUT }
    for (const semi of this.#group.semis) planned = this.#semiWithoutFrom(planned, semi)
    return planned
  }

  #semiWithoutFrom(_planned: Planned, _semi: Group['semis'][number]): Planned {
    throw new Error('EXISTS is pulled up only into a FROM')
  }

  #aggregate(source: Source): Planned {
    const planner = this.#planner
    const query = this.#query
    const plan = new AggregationPlan(planner, query)
    this.#targets = this.#targets.map((target) => ({ ...target, expr: plan.rewrite(target.expr) }))
    this.#orderBy = this.#orderBy.map((key) => ({ ...key, expr: plan.rewrite(key.expr) }))
    const having = conjunctsOf(query.having).map(plan.rewrite)
    this.#rewriteQuery(plan.rewrite)
    // Columns that are used above without being grouped: the key determines them.
    const below = groupRelations(this.#group)
    const grouped = new Set(
      query.groupBy.map((expr) => (expr.kind === 'column' ? `${expr.relation}.${expr.column}` : '')),
    )
    const above = [...this.#expressionsAbove(), ...having]
    const dependent = columnOutputs(
      above,
      (output) => below.has(output.relation) && !grouped.has(`${output.relation}.${output.column}`),
    )
    plan.addDependent(dependent)
    const fused = 'path' in source ? fusedAggregate(planner, plan, source.path, this.#outer) : undefined
    const planned = fused ?? plan.plan(this.#build(source, plan.inputs), this.#outer)
    return addFilter(planner, planned, having, this.#outer)
  }

  #windowsOfQuery: SelectQuery['windows'] | undefined
  #distinctOn: readonly Expr[] | undefined

  /** Rewrites what else the query holds above the aggregation. */
  #rewriteQuery(rewrite: (expr: Expr) => Expr): void {
    const query = this.#query
    this.#windowsOfQuery = query.windows.map((window) => ({
      ...window,
      partitionBy: window.partitionBy.map((key) => ({ ...key, expr: rewrite(key.expr) })),
      orderBy: window.orderBy.map((key) => ({ ...key, expr: rewrite(key.expr) })),
    }))
    if (Array.isArray(query.distinct)) this.#distinctOn = (query.distinct as readonly Expr[]).map(rewrite)
  }

  #expressionsAbove(): Expr[] {
    const windows = (this.#windowsOfQuery ?? []).flatMap((window) => [
      ...window.partitionBy,
      ...window.orderBy,
    ])
    const keys = [...this.#orderBy, ...windows].map((key) => key.expr)
    return [...this.#targets.map((target) => target.expr), ...keys, ...(this.#distinctOn ?? [])]
  }

  #windows(source: Source): Source {
    const windows = this.#windowsOfQuery ?? this.#query.windows
    if (windows.length === 0) return source
    const exprs = [...this.#targets.map((target) => target.expr), ...this.#orderBy.map((key) => key.expr)]
    const planned = planWindows(
      this.#planner,
      windows,
      exprs,
      (outputs) => this.#build(source, outputs),
      this.#outer,
    )
    if (planned === undefined) return source
    this.#targets = this.#targets.map((target) => ({ ...target, expr: planned.rewrite(target.expr) }))
    this.#orderBy = this.#orderBy.map((key) => ({ ...key, expr: planned.rewrite(key.expr) }))
    if (this.#distinctOn === undefined && Array.isArray(this.#query.distinct)) {
      this.#distinctOn = (this.#query.distinct as readonly Expr[]).map(planned.rewrite)
    } else this.#distinctOn = this.#distinctOn?.map(planned.rewrite)
    return { planned: planned.planned }
  }

  #projectSets(source: Source): Source {
    if (!this.#targets.some((target) => hasSetCall(target.expr))) return source
    const exprs = [...this.#targets.map((target) => target.expr), ...this.#orderBy.map((key) => key.expr)]
    const result = planProjectSet(
      this.#planner,
      exprs,
      (outputs) => this.#build(source, outputs),
      this.#outer,
    )
    this.#targets = this.#targets.map((target) => ({ ...target, expr: result.rewrite(target.expr) }))
    this.#orderBy = this.#orderBy.map((key) => ({ ...key, expr: result.rewrite(key.expr) }))
    return { planned: result.planned }
  }

  /** Without DISTINCT: sort what is there, lock, limit, then compute the targets. */
  #plain(source: Source): Planned {
    const planner = this.#planner
    const outer = this.#outer
    const query = this.#query
    const targets = this.#visible()
    const needsSort = this.#orderBy.length > 0 && !('path' in source && this.#isOrdered(source.path))
    const isLocked = query.locking.length > 0
    if (!needsSort && !isLocked) return this.#limit(this.#build(source, targets), undefined)
    const sortRelation = planner.newRelation()
    const keys =
      needsSort || query.withTies ? this.#orderBy.map((key, i) => this.#sortOutput(key, i, sortRelation)) : []
    const carried = columnOutputs(
      targets.map((target) => target.expr),
      (output) => this.#provides(source, output),
    )
    const locked = isLocked ? lockingOutputs(this.#group, query.locking) : []
    const wanted = uniqueOutputs([...carried, ...keys, ...locked])
    let planned = this.#build(source, wanted)
    if (needsSort) planned = this.#sort(planned, keys)
    if (isLocked) planned = planLocking(planner, planned, this.#group, query.locking, outer)
    const compare = query.withTies ? this.#order(planned, keys).compare : undefined
    return addProjection(planner, this.#limit(planned, compare), targets, outer)
  }

  #provides(source: Source, output: Output): boolean {
    if ('path' in source) return source.path.relations.has(output.relation)
    return source.planned.layout.indexOf(`${output.relation}.${output.column}`) !== undefined
  }

  #visible(): Output[] {
    const { relation } = this.#request
    return this.#targets
      .filter((target) => !target.junk)
      .map((target, column) => ({ relation, column, expr: target.expr }))
  }

  #sortOutput(key: SortKey, i: number, relation: RelationId): Output {
    const { expr } = key
    if (expr.kind === 'column') return { relation: expr.relation, column: expr.column, expr }
    return { relation, column: i, expr }
  }

  #order(planned: Planned, keys: readonly Output[]): RowOrder {
    const slots = keys.map((key) => must(planned.layout.indexOf(`${key.relation}.${key.column}`)))
    return compileOrder(this.#planner, this.#orderBy, slots)
  }

  #sort(planned: Planned, keys: readonly Output[]): Planned {
    const planner = this.#planner
    const order = this.#order(planned, keys)
    const query = this.#query
    const limit =
      query.limit !== undefined && !query.withTies && query.locking.length === 0
        ? this.#topCount()
        : undefined
    const { estimate } = planned.node
    const total = estimate.total + estimate.rows * Math.log2(estimate.rows + 2) * 0.01
    const node = makeNode({
      label: 'Sort',
      estimate: { ...estimate, startup: total, total },
      children: [planned.node],
      properties: () => sortProperties(planner, this.#query.orderBy),
      open: (rt, [child]) => new SortOperator(rt, must(child), order, limit),
    })
    return { node, layout: planned.layout }
  }

  /** LIMIT + OFFSET at run time: all that a sort must keep. */
  #topCount(): (rt: Runtime) => number {
    const planner = this.#planner
    const { limit, offset } = this.#query
    const read = (expr: Expr | undefined): ((rt: Runtime) => number) => {
      if (expr === undefined) return () => 0
      const value = planner.compileValue(expr, EMPTY_LAYOUT, this.#outer)
      return (rt) => Number(value(rt, []) ?? (expr === limit ? Infinity : 0))
    }
    const [count, skip] = [read(limit), read(offset)]
    return (rt) => Math.max(0, count(rt)) + Math.max(0, skip(rt))
  }

  #distinct(source: Source, distinct: 'all' | readonly Expr[]): Planned {
    return distinct === 'all'
      ? this.#distinctAll(source)
      : this.#distinctOnKeys(source, this.#distinctOn ?? distinct)
  }

  #distinctAll(source: Source): Planned {
    const planner = this.#planner
    const { relation } = this.#request
    const targets = this.#visible()
    const built = this.#build(source, targets)
    const columns = targets.map((target) => slotColumn(relation, target.column, target.expr))
    const planned = addDistinct(planner, built, columns, this.#outer)
    // ORDER BY of a DISTINCT query names its targets.
    this.#orderBy = this.#orderBy.map((key) => {
      const target = targets.find((one) => sameExpr(one.expr, key.expr))
      if (target === undefined) throw unsupported('ORDER BY beyond the targets of SELECT DISTINCT')
      return { ...key, expr: slotColumn(relation, target.column, target.expr) }
    })
    const keys = this.#orderBy.map((key, i) => this.#sortOutput(key, i, relation))
    const sorted = keys.length === 0 ? planned : this.#sort(planned, keys)
    return this.#limit(sorted, keys.length === 0 ? undefined : this.#order(sorted, keys).compare)
  }

  /** DISTINCT ON: sorted by the keys (ORDER BY begins with them), then the first of each run. */
  #distinctOnKeys(source: Source, distinct: readonly Expr[]): Planned {
    const planner = this.#planner
    const targets = this.#visible()
    const rest = distinct.filter((expr) => !this.#orderBy.some((key) => sameExpr(key.expr, expr)))
    this.#orderBy = [
      ...this.#orderBy,
      ...rest.map((expr): SortKey => ({ expr, descending: false, nullsFirst: false })),
    ]
    const sortRelation = planner.newRelation()
    const keys = this.#orderBy.map((key, i) => this.#sortOutput(key, i, sortRelation))
    const carried = columnOutputs(
      targets.map((target) => target.expr),
      (output) => this.#provides(source, output),
    )
    const built = this.#build(source, uniqueOutputs([...carried, ...keys]))
    const { estimate } = built.node
    const order = this.#order(built, keys)
    const sorted = makeNode({
      label: 'Sort',
      estimate,
      children: [built.node],
      properties: () => sortProperties(planner, this.#query.orderBy),
      open: (rt, [child]) => new SortOperator(rt, must(child), order),
    })
    const leading = this.#orderBy.filter((key) => distinct.some((expr) => sameExpr(key.expr, expr)))
    const slots = leading.map((key) => {
      const output = must(keys[this.#orderBy.indexOf(key)])
      return must(built.layout.indexOf(`${output.relation}.${output.column}`))
    })
    const peers = compileCompare(planner, leading, slots)
    const unique = makeNode({
      label: 'Unique',
      estimate: over(sorted, Math.max(1, estimate.rows / 10), 0.0025),
      children: [sorted],
      open: (_, [child]) => new UniqueOperator(must(child), (a, b) => peers(a, b) === 0),
    })
    const limited = this.#limit({ node: unique, layout: built.layout }, order.compare)
    return addProjection(planner, limited, targets, this.#outer)
  }

  #limit(planned: Planned, compare: ((a: Row, b: Row) => number) | undefined): Planned {
    const { limit, offset, withTies } = this.#query
    return addLimit(
      this.#planner,
      planned,
      { limit, offset, compare: withTies ? compare : undefined },
      this.#outer,
    )
  }
}

export function uniqueOutputs(outputs: readonly Output[]): Output[] {
  const known = new Map<string, Output>()
  for (const output of outputs) {
    const key = `${output.relation}.${output.column}`
    if (!known.has(key)) known.set(key, output)
  }
  return [...known.values()]
}

/** Rows that differ in the columns. */
export function addDistinct(
  planner: Planner,
  child: Planned,
  columns: readonly Expr[],
  outer: OuterScope | undefined,
): Planned {
  const keyOf = compileGroupKey(planner, columns, child.layout, outer)
  const node = makeNode({
    label: 'HashAggregate',
    estimate: over(child.node, Math.max(1, child.node.estimate.rows / 2), 0.005),
    children: [child.node],
    open: (rt, [input]) => new DistinctOperator(rt, must(input), keyOf),
  })
  return { node, layout: child.layout }
}

export function addLimit(
  planner: Planner,
  child: Planned,
  how: {
    readonly limit: Expr | undefined
    readonly offset: Expr | undefined
    readonly compare: ((a: Row, b: Row) => number) | undefined
  },
  outer: OuterScope | undefined,
): Planned {
  const { limit, offset, compare } = how
  if (limit === undefined && offset === undefined) return child
  const read = (expr: Expr | undefined): LimitBounds['limit'] => {
    if (expr === undefined) return undefined
    const value = planner.compileValue(expr, EMPTY_LAYOUT, outer)
    return (rt) => value(rt, [])
  }
  const bounds: LimitBounds = {
    limit: read(limit),
    offset: read(offset),
    peers: compare === undefined ? undefined : (a, b) => compare(a, b) === 0,
  }
  const count =
    limit?.kind === 'constant' && typeof limit.value === 'number'
      ? limit.value
      : child.node.estimate.rows / 10
  const { estimate } = child.node
  const rows = Math.max(1, Math.min(estimate.rows, count))
  const share = Math.min(1, rows / Math.max(1, estimate.rows))
  const node = makeNode({
    label: 'Limit',
    estimate: { ...estimate, rows, total: estimate.startup + (estimate.total - estimate.startup) * share },
    children: [child.node],
    open: (rt, [input]) => new LimitOperator(rt, must(input), bounds),
  })
  return { node, layout: child.layout }
}
