// Paths over FROM entries that are not stored tables: subqueries, WITH references, functions, VALUES, computed relations.

import { must } from '../../storage/base/assert.ts'
import type { Estimate, PlanNode } from '../exec/operator.ts'
import { CteReader, type CteStore } from '../exec/operator/cte-store.ts'
import { IterableOperator, ValuesOperator } from '../exec/operator/pipeline.ts'
import type { Runtime } from '../exec/runtime.ts'
import { type Expr, type RelationId, SYSTEM_COLUMN } from '../tree/expr.ts'
import type {
  CteFrom,
  From,
  FunctionFrom,
  JoinFrom,
  SubqueryFrom,
  TableFrom,
  ValuesFrom,
} from '../tree/query.ts'
import { RecordValue, type Row } from '../types/value.ts'
import { replaceDeep } from '../exec/expression/map-query.ts'
import { freeRelations } from '../exec/expression/walk.ts'
import { cteStore } from './cte.ts'
import { functionTarget, tableTarget } from './explain-text.ts'
import { compileFunctionRows } from './function-rows.ts'
import { EMPTY_LAYOUT, Layout, type OuterScope, WHOLE_ROW } from './layout.ts'
import { type Output, type Path, type Planned, NO_CONSTANTS, NO_ORDER } from './path.ts'
import { makeNode } from './plan-node.ts'
import type { Planner } from './planner.ts'
import { bareColumn, isImmediate, isVolatile } from './expr-facts.ts'
import { addFilter, addProjection } from './row-node.ts'
import { selectivityOf } from './selectivity.ts'

export type LeafFrom = Exclude<From, JoinFrom>

/** A path whose node is made with all columns of the entry; conditions and outputs go on top. */
export class EntryPath implements Path {
  readonly relations: ReadonlySet<RelationId>
  readonly estimate: Estimate
  readonly order: Path['order'] = NO_ORDER
  readonly constants: Path['constants'] = NO_CONSTANTS
  readonly #planner: Planner
  readonly #from: LeafFrom
  readonly #conditions: readonly Expr[]
  readonly #make: (outer: OuterScope | undefined) => Planned

  constructor(
    planner: Planner,
    from: LeafFrom,
    conditions: readonly Expr[],
    estimate: Estimate,
    make: (outer: OuterScope | undefined) => Planned,
  ) {
    this.#planner = planner
    this.#from = from
    this.#conditions = conditions
    this.#make = make
    this.relations = new Set([from.id])
    const rows = conditions.reduce(
      (all, one) => all * selectivityOf(planner, one, estimate.rows),
      estimate.rows,
    )
    this.estimate = { ...estimate, rows: Math.max(1, rows) }
  }

  build(outputs: readonly Output[], outer: OuterScope | undefined): Planned {
    const planner = this.#planner
    const made = withWholeRow(this.#make(outer), this.#from)
    const conditions = this.#conditions.map((one) => this.#withTableOid(one))
    const known = outputs.map((output) => ({ ...output, expr: this.#withTableOid(output.expr) }))
    return addProjection(planner, addFilter(planner, made, conditions, outer), known, outer)
  }

  /** Of a computed relation: the one system column it has is the same in every row. */
  #withTableOid(expr: Expr): Expr {
    const from = this.#from
    if (from.kind !== 'table') return expr
    return replaceDeep(expr, (one) => {
      const isTableOid =
        one.kind === 'column' && one.relation === from.id && one.column === SYSTEM_COLUMN.tableoid
      if (!isTableOid) return undefined
      return { kind: 'constant', value: from.table.oid, type: 26, typmod: -1, collation: 0, location: -1 }
    })
  }
}

/** Layout of an entry's columns. */
export function entryLayout(from: LeafFrom): Layout {
  return new Layout(from.columns.map((_, column) => ({ relation: from.id, column, nullable: true })))
}

/** Adds the row itself as a slot: whoever does not ask for it does not pay, as projections drop it. */
function withWholeRow(planned: Planned, from: LeafFrom): Planned {
  const slots = [...planned.layout.slots, { relation: from.id, column: WHOLE_ROW, nullable: true }]
  const names = from.columns.map((column) => column.name)
  const shape = { names, types: from.columns.map((column) => column.type) }
  const { length } = from.columns
  const typeOid = from.kind === 'table' ? from.table.rowTypeOid : 2249
  const node: PlanNode = {
    estimate: planned.node.estimate,
    children: planned.node.children,
    describe: (options) => planned.node.describe(options),
    open: (rt) => {
      const inner = planned.node.open(rt)
      return {
        next: () => {
          const row = inner.next()
          return row === undefined
            ? undefined
            : [...row.slice(0, length), new RecordValue(typeOid, row.slice(0, length), shape)]
        },
        rescan: () => inner.rescan(),
        close: () => inner.close(),
      }
    },
  }
  return { node, layout: new Layout(slots) }
}

const guess = (rows: number, perRow = 0.01): Estimate => ({
  rows,
  startup: 0,
  total: rows * perRow + 0.01,
  width: 32,
})

export function subqueryPath(
  planner: Planner,
  from: SubqueryFrom,
  conditions: readonly Expr[],
  outer: OuterScope | undefined,
): Path {
  if (from.lateral) {
    const make = (inner: OuterScope | undefined): Planned => planner.planQuery(from.query, inner, from.id)
    return new EntryPath(planner, from, conditions, guess(10, 1), make)
  }
  const planned = plannedOnce(from, () => planner.planQuery(from.query, outer, from.id))
  return new EntryPath(planner, from, conditions, planned.node.estimate, () => planned)
}

/** The search for a join order asks for a subquery's path again and again: it is planned the first time. */
const plannedEntries = new WeakMap<LeafFrom, Planned>()

function plannedOnce(from: LeafFrom, plan: () => Planned): Planned {
  let planned = plannedEntries.get(from)
  if (planned === undefined) {
    planned = plan()
    plannedEntries.set(from, planned)
  }
  return planned
}

export function ctePath(
  planner: Planner,
  from: CteFrom,
  conditions: readonly Expr[],
  outer: OuterScope | undefined,
): Path {
  const planned = planner.ctes.get(from.cte)
  const { inline } = planned
  if (inline !== undefined && !from.recursive) {
    const inner = plannedOnce(from, () => planner.planQuery(inline, outer, from.id))
    return new EntryPath(planner, from, conditions, inner.node.estimate, () => inner)
  }
  const layout = entryLayout(from)
  const estimate = guess(planned.rows)
  const store = from.recursive
    ? (rt: Runtime): CteStore =>
        must(rt.states[planned.workingState] as CteStore | undefined, 'a working table')
    : (rt: Runtime): CteStore => cteStore(planned, rt)
  const label = from.recursive ? 'WorkTable Scan' : 'CTE Scan'
  const target = { kind: 'cte', name: planned.cte.name, alias: from.alias } as const
  const make = (): Planned => ({
    layout,
    node: makeNode({ label, target, estimate, children: [], open: (rt) => new CteReader(rt, store) }),
  })
  return new EntryPath(planner, from, conditions, estimate, make)
}

export function valuesPath(planner: Planner, from: ValuesFrom, conditions: readonly Expr[]): Path {
  const estimate = guess(from.rows.length)
  const make = (outer: OuterScope | undefined): Planned => {
    const makers = from.rows.map((row) => {
      const make = planner.compileRow(row, EMPTY_LAYOUT, outer)
      return (rt: Runtime): Row => make(rt, [])
    })
    const node = makeNode({
      label: 'Values Scan',
      target: { kind: 'rows', name: from.alias, alias: from.alias },
      estimate,
      children: [],
      open: (rt) => new ValuesOperator(rt, makers),
    })
    return { node, layout: entryLayout(from) }
  }
  return new EntryPath(planner, from, conditions, estimate, make)
}

export function functionPath(planner: Planner, from: FunctionFrom, conditions: readonly Expr[]): Path {
  const estimate = guess(100)
  const make = (outer: OuterScope | undefined): Planned => {
    const rows = compileFunctionRows(planner, from, outer)
    const node = makeNode({
      label: 'Function Scan',
      target: functionTarget(from),
      estimate,
      children: [],
      open: (rt) => new IterableOperator(rt, rows),
    })
    return { node, layout: entryLayout(from) }
  }
  return new EntryPath(planner, from, conditions, estimate, make)
}

/** A computed relation, through one of its lookups when a condition gives the column's value. */
export function virtualPath(planner: Planner, from: TableFrom, conditions: readonly Expr[]): Path {
  const virtual = must(from.table.virtual)
  const lookup = findLookup(planner, from, conditions)
  const estimate = lookup === undefined ? guess(500, 0.02) : guess(2, 0.02)
  const make = (outer: OuterScope | undefined): Planned => {
    const { tableColumns } = from
    const isPlain = tableColumns.every((column, i) => column === i)
    const entry = (row: Row): Row => (isPlain ? row : tableColumns.map((column) => row[column] ?? null))
    const key = lookup === undefined ? undefined : planner.compileValue(lookup.value, EMPTY_LAYOUT, outer)
    // Not generators: those would end when what makes the rows suspends.
    const rows = (rt: Runtime): Iterable<Row> => {
      const found = find(rt)
      return isPlain ? found : Array.from(found, entry)
    }
    const find = (rt: Runtime): Iterable<Row> => {
      const { catalog, server } = rt.context
      if (key === undefined || lookup === undefined) return virtual.rows(catalog, server)
      const value = key(rt, [])
      return value === null ? [] : must(virtual.lookups[lookup.position]).find(catalog, value, server)
    }
    const node = makeNode({
      label: lookup === undefined ? 'Seq Scan' : 'Index Scan',
      target: tableTarget(from),
      estimate,
      children: [],
      open: (rt) => new IterableOperator(rt, rows),
    })
    return { node, layout: entryLayout(from) }
  }
  return new EntryPath(planner, from, conditions, estimate, make)
}

function findLookup(
  planner: Planner,
  from: TableFrom,
  conditions: readonly Expr[],
): { readonly position: number; readonly value: Expr } | undefined {
  const { lookups } = must(from.table.virtual)
  for (const condition of conditions) {
    if (condition.kind !== 'call' || condition.args.length !== 2) continue
    if (planner.functions.operatorByOid(condition.operatorOid)?.btree !== '=') continue
    for (const [column, value] of [condition.args, [...condition.args].reverse()] as [Expr, Expr][]) {
      const bare = bareColumn(column)
      if (
        bare?.relation !== from.id ||
        freeRelations(value).has(from.id) ||
        !isImmediate(value) ||
        isVolatile(value)
      )
        continue
      const position = lookups.findIndex((one) => one.column === from.tableColumns[bare.column])
      if (position >= 0) return { position, value }
    }
  }
  return undefined
}
