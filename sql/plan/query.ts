// Plans any query: SELECT blocks, set operations, VALUES. The rows are the visible targets, as columns of
// request.relation.

import { must } from '../../storage/base/assert.ts'
import { AppendOperator, ValuesOperator } from '../exec/operator/pipeline.ts'
import { SetOperator, SortOperator } from '../exec/operator/sort.ts'
import type { PlanNode } from '../exec/operator.ts'
import type { Runtime } from '../exec/runtime.ts'
import type { Expr, RelationId } from '../tree/expr.ts'
import type { Query, SetQuery, SortKey, ValuesQuery } from '../tree/query.ts'
import type { RowOrder } from '../exec/operator/row-sorter.ts'
import type { Row, Value } from '../types/value.ts'
import { type PlannedCte, resetStore } from './cte.ts'
import { compileGroupKey } from './hash-key.ts'
import { EMPTY_LAYOUT, Layout, type OuterScope, slotColumn } from './layout.ts'
import type { Output, Planned } from './path.ts'
import { makeNode } from './plan-node.ts'
import type { Planner } from './planner.ts'
import { addProjection } from './row-node.ts'
import { addDistinct, addLimit, planSelect, type QueryRequest } from './select.ts'
import { compileOrder } from './sort-key.ts'
import { sortProperties } from './explain-text.ts'

export function planQuery(
  planner: Planner,
  query: Query,
  outer: OuterScope | undefined,
  request: QueryRequest,
): Planned {
  const planned = planBody(planner, query, outer, request)
  if (outer === undefined) return planned
  const stored = planner.ctes.storedOf(query.ctes)
  return stored.length === 0 ? planned : { ...planned, node: renewing(planned.node, stored) }
}

/** WITH queries of a subquery depend on the row it is run for: each run starts with empty stores. */
function renewing(node: PlanNode, stored: readonly PlannedCte[]): PlanNode {
  return {
    estimate: node.estimate,
    children: node.children,
    describe: (options) => node.describe(options),
    open: (rt) => {
      const inner = node.open(rt)
      return {
        next: () => inner.next(),
        rescan: () => {
          for (const planned of stored) resetStore(planned, rt)
          inner.rescan()
        },
        forget: () => inner.forget?.(),
        close: () => inner.close(),
      }
    },
  }
}

function planBody(
  planner: Planner,
  query: Query,
  outer: OuterScope | undefined,
  request: QueryRequest,
): Planned {
  switch (query.kind) {
    case 'select':
      return planSelect(planner, query, outer, request)
    case 'set':
      return planSet(planner, query, outer, request)
    case 'values':
      return planValues(planner, query, outer, request)
  }
}

function columnsLayout(relation: RelationId, count: number): Layout {
  return new Layout(Array.from({ length: count }, (_, column) => ({ relation, column, nullable: true })))
}

function planValues(
  planner: Planner,
  query: ValuesQuery,
  outer: OuterScope | undefined,
  request: QueryRequest,
): Planned {
  planner.ctes.define(query.ctes, outer)
  const makers = query.rows.map((row) => constantMaker(row) ?? rowMaker(planner, row, outer))
  const rows = makers.length
  const width = query.rows[0]?.length ?? 0
  const node = makeNode({
    label: 'Values Scan',
    target: { kind: 'rows', name: '*VALUES*', alias: '*VALUES*' },
    estimate: { rows, startup: 0, total: rows * 0.01, width: width * 8 },
    children: [],
    open: (rt) => new ValuesOperator(rt, makers),
  })
  return finish(planner, query, { node, layout: columnsLayout(query.outputs, width) }, outer, request)
}

type RowMaker = (rt: Runtime) => Row

/** A row of constants needs no code: a statement may have thousands, and runs once. */
function constantMaker(row: readonly Expr[]): RowMaker | undefined {
  const values: Value[] = []
  for (const expr of row) {
    if (expr.kind !== 'constant') return undefined
    values.push(expr.value)
  }
  return () => values.slice()
}

function rowMaker(planner: Planner, row: readonly Expr[], outer: OuterScope | undefined): RowMaker {
  const make = planner.compileRow(row, EMPTY_LAYOUT, outer)
  return (rt) => make(rt, [])
}

/** ORDER BY, LIMIT and the names of the result: of VALUES and set operations. */
function finish(
  planner: Planner,
  query: SetQuery | ValuesQuery,
  planned: Planned,
  outer: OuterScope | undefined,
  request: QueryRequest,
): Planned {
  const keys = query.orderBy
  let current = planned
  let order: RowOrder | undefined
  if (keys.length > 0) {
    const relation = planner.newRelation()
    const own: Output[] = planned.layout.slots.map((slot) => ({
      ...slot,
      expr: slotColumn(slot.relation, slot.column, TEXT),
    }))
    const extra = keys.map((key, column): Output => ({ relation, column, expr: key.expr }))
    current = addProjection(planner, planned, [...own, ...extra], outer)
    order = compileOrder(
      planner,
      keys,
      keys.map((_, i) => own.length + i),
    )
    current = addSort(planner, current, keys, order)
  }
  const withTies = query.kind === 'set' && query.withTies
  current = addLimit(
    planner,
    current,
    { limit: query.limit, offset: query.offset, compare: withTies ? order?.compare : undefined },
    outer,
  )
  const targets = query.targets.filter((target) => !target.junk)
  const outputs = targets.map((target, column): Output => ({
    relation: request.relation,
    column,
    expr: target.expr,
  }))
  return addProjection(planner, current, outputs, outer)
}

const TEXT = { type: 25, typmod: -1, collation: 0 }

function addSort(planner: Planner, child: Planned, keys: readonly SortKey[], order: RowOrder): Planned {
  const { estimate } = child.node
  const total = estimate.total + estimate.rows * Math.log2(estimate.rows + 2) * 0.01
  const node = makeNode({
    label: 'Sort',
    estimate: { ...estimate, startup: total, total },
    children: [child.node],
    properties: () => sortProperties(planner, keys),
    open: (rt, [input]) => new SortOperator(rt, must(input), order),
  })
  return { node, layout: child.layout }
}

function planSet(
  planner: Planner,
  query: SetQuery,
  outer: OuterScope | undefined,
  request: QueryRequest,
): Planned {
  planner.ctes.define(query.ctes, outer)
  const columns = query.targets
    .filter((target) => !target.junk)
    .map((target, i): Expr => slotColumn(query.outputs, i, target.expr))
  const layout = columnsLayout(query.outputs, columns.length)
  const planned =
    query.operation === 'union'
      ? planUnion(planner, query, columns, layout, outer)
      : planOther(planner, query, columns, layout, outer)
  return finish(planner, query, planned, outer, request)
}

/** Sides of nested UNION ALLs become one append. */
function unionSides(query: Query, all: boolean): Query[] {
  const isNested = query.kind === 'set' && query.operation === 'union' && query.all === all
  const isPlain =
    isNested &&
    query.ctes.length === 0 &&
    query.orderBy.length === 0 &&
    query.limit === undefined &&
    query.offset === undefined
  if (!isPlain) return [query]
  return [...unionSides(query.left, all), ...unionSides(query.right, all)]
}

function planUnion(
  planner: Planner,
  query: SetQuery,
  columns: readonly Expr[],
  layout: Layout,
  outer: OuterScope | undefined,
): Planned {
  const sides = [...unionSides(query.left, query.all), ...unionSides(query.right, query.all)]
  const nodes = sides.map((side) => planner.planQuery(side, outer).node)
  const rows = nodes.reduce((sum, node) => sum + node.estimate.rows, 0)
  const total = nodes.reduce((sum, node) => sum + node.estimate.total, 0)
  const append = makeNode({
    label: 'Append',
    estimate: { rows, startup: 0, total: total + rows * 0.005, width: columns.length * 8 },
    children: nodes,
    open: (_, children) => new AppendOperator(children),
  })
  const planned = { node: append, layout }
  return query.all ? planned : addDistinct(planner, planned, columns, outer)
}

function planOther(
  planner: Planner,
  query: SetQuery,
  columns: readonly Expr[],
  layout: Layout,
  outer: OuterScope | undefined,
): Planned {
  const left = planner.planQuery(query.left, outer).node
  const right = planner.planQuery(query.right, outer).node
  const keyOf = compileGroupKey(planner, columns, layout, outer)
  const kind = { intersect: query.operation === 'intersect', all: query.all }
  const name = kind.intersect ? 'Intersect' : 'Except'
  const node = makeNode({
    label: `HashSetOp ${name}${query.all ? ' All' : ''}`,
    estimate: { ...left.estimate, total: left.estimate.total + right.estimate.total },
    children: [left, right],
    open: (rt, [a, b]) => new SetOperator(rt, must(a), must(b), keyOf, kind),
  })
  return { node, layout }
}
