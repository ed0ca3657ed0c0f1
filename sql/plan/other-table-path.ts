// in_branch(NULL::t, ...) and as_of(NULL::t, ...) in FROM: a path that becomes a scan of the table of that name there.
//
//   FROM borealis.in_branch(NULL::orders, b.name) o WHERE o.id = 5 AND o.total > $1
//   └─ arguments: compiled here ─────────────────┘        └─ conditions: planned at run time, against the table as it is
//                                                            there, with its indexes and sizes, by the usual rules
//
// A catalog's version names its contents, whatever the database: branches that changed no schema share one plan.

import { must } from '../../storage/base/assert.ts'
import type { Table } from '../catalog/catalog.ts'
import { replaceDeep } from '../exec/expression/map-query.ts'
import { liveColumns, matchColumns, type OpenPlace, tableOfRowType, tableThere } from '../exec/open-place.ts'
import type { PlanNode } from '../exec/operator.ts'
import { OtherTableScan, type OtherTablePlan } from '../exec/operator/other-table-scan.ts'
import type { Runtime } from '../exec/runtime.ts'
import { type PlaceReader, placeOf } from '../functions/borealis.ts'
import type { Expr, SetCallExpr } from '../tree/expr.ts'
import type { FunctionFrom, TableFrom } from '../tree/query.ts'
import type { LeafFrom } from './from-path.ts'
import { columnOutputs, isImmediate } from './expr-facts.ts'
import { EMPTY_LAYOUT, Layout, type OuterScope } from './layout.ts'
import { NO_CONSTANTS, NO_ORDER, type Output, type Path, type Planned } from './path.ts'
import { makeNode } from './plan-node.ts'
import type { Planner } from './planner.ts'
import { addFilter, addProjection } from './row-node.ts'
import { joinConditions } from './explain-text.ts'
import { tablePaths } from './table-path.ts'

/** Plans of differently shaped tables that one statement keeps. */
const SHAPES_MAX = 64
/** Of finding the place and its plan, for each run. */
const PLACE_COST = 0.5

/** The path of a call of in_branch or as_of; undefined for other functions. */
export function otherTablePath(
  planner: Planner,
  from: FunctionFrom,
  conditions: readonly Expr[],
): Path | undefined {
  const call = from.calls[0]?.call
  if (call?.kind !== 'set-call' || from.calls.length !== 1 || from.withOrdinality) return undefined
  const reader = placeOf(call.function)
  if (reader === undefined) return undefined
  const table = tableOfRowType(planner.catalog, call.type, call.function.name)
  return new OtherTablePath(planner, from, conditions, { call, reader, table })
}

/** Whether an entry is in_branch or as_of of a table, which the indexes of that table can answer. */
export function isOtherTable(from: LeafFrom): boolean {
  if (from.kind !== 'function' || from.calls.length !== 1 || from.withOrdinality) return false
  const call = from.calls[0]?.call
  return call?.kind === 'set-call' && placeOf(call.function) !== undefined
}

interface Subject {
  readonly call: SetCallExpr
  readonly reader: PlaceReader
  /** The table as it is here: its columns are the entry's. */
  readonly table: Table
}

class OtherTablePath implements Path {
  readonly relations: Path['relations']
  readonly estimate: Path['estimate']
  readonly order: Path['order'] = NO_ORDER
  readonly constants: Path['constants'] = NO_CONSTANTS
  readonly #planner: Planner
  readonly #from: FunctionFrom
  readonly #conditions: readonly Expr[]
  readonly #subject: Subject

  constructor(planner: Planner, from: FunctionFrom, conditions: readonly Expr[], subject: Subject) {
    this.#planner = planner
    this.#from = from
    this.#conditions = conditions
    this.#subject = subject
    this.relations = new Set([from.id])
    const { estimate } = cheapest(tablePaths(planner, this.#entry(subject.table), conditions, false))
    this.estimate = { ...estimate, startup: PLACE_COST, total: estimate.total + PLACE_COST }
  }

  build(outputs: readonly Output[], outer: OuterScope | undefined): Planned {
    const planner = this.#planner
    const early = this.#conditions.filter(isImmediate)
    const late = this.#conditions.filter((one) => !isImmediate(one))
    const own = (output: Output): boolean => output.relation === this.#from.id
    const scanned = columnOutputs([...outputs.map((output) => output.expr), ...late], own)
    const layout = new Layout(scanned.map(({ relation, column }) => ({ relation, column, nullable: true })))
    const node = this.#node(early, scanned, outer)
    return addProjection(planner, addFilter(planner, { node, layout }, late, outer), outputs, outer)
  }

  #node(conditions: readonly Expr[], outputs: readonly Output[], outer: OuterScope | undefined): PlanNode {
    const planner = this.#planner
    const { call, reader } = this.#subject
    const args = planner.compileRow(call.args, EMPTY_LAYOUT, outer)
    // Values of outer queries are handed down to slots that must be known before the plan runs.
    planner.compileCondition(conditions, this.#entryLayout(conditions), outer)
    const shapes = new Map<string, PlanNode>()
    const plan: OtherTablePlan = {
      place: (rt) => reader(rt.functions, args(rt, [])),
      nodeAt: (rt, place) => {
        const theirs = tableThere(this.#subject.table, rt.context.catalog, place)
        const key = `${place.catalog.version} ${rt.context.catalog.version}`
        let node = shapes.get(key)
        if (node === undefined) {
          node = this.#plan(rt, { place, theirs }, { conditions, outputs, outer })
          if (shapes.size >= SHAPES_MAX) shapes.clear()
          shapes.set(key, node)
        }
        return node
      },
    }
    const { alias } = this.#from
    const text = (): string => joinConditions(conditions.map((one) => planner.deparse(one)))
    return makeNode({
      label: 'Branch Scan',
      target: { kind: 'relation', name: alias, alias },
      estimate: this.estimate,
      children: [],
      properties: () => (conditions.length === 0 ? [] : [['Filter', text()]]),
      open: (rt) => new OtherTableScan(rt, plan),
    })
  }

  /** The entry as one over a stored table: ours, which the estimate is made of, or the one there. */
  #entry(table: Table, tableColumns: readonly number[] = liveColumns(table)): TableFrom {
    const { id, alias, columns } = this.#from
    return { kind: 'table', id, alias, columns, table, tableColumns }
  }

  #entryLayout(conditions: readonly Expr[]): Layout {
    const own = columnOutputs(conditions, (output) => output.relation === this.#from.id)
    return new Layout(own.map(({ relation, column }) => ({ relation, column, nullable: true })))
  }

  /** The cheapest scan of the table as it is there, by the planner's rules. May suspend, while sizes are looked up. */
  #plan(
    rt: Runtime,
    { place, theirs }: { readonly place: OpenPlace; readonly theirs: Table },
    wanted: {
      readonly conditions: readonly Expr[]
      readonly outputs: readonly Output[]
      readonly outer: OuterScope | undefined
    },
  ): PlanNode {
    const columns = matchColumns(this.#subject.table, rt.context.catalog, theirs, place)
    const { catalog, view } = place
    const inner = this.#planner.elsewhere({
      catalog,
      functions: rt.functions,
      estimate: () => {
        const { cellCount, pageCount } = view.database.estimate(view, theirs.tree)
        return { tuples: cellCount, pages: pageCount }
      },
    })
    const entry = this.#entry(theirs, columns)
    const known = (expr: Expr): Expr => replaceDeep(expr, (one) => this.#absent(one, columns))
    const paths = tablePaths(inner, entry, wanted.conditions.map(known), false)
    const outputs = wanted.outputs.map((output) => ({ ...output, expr: known(output.expr) }))
    return cheapest(paths).build(outputs, wanted.outer).node
  }

  /** A column that the table there lacks is NULL; the whole row is put together from its columns. */
  #absent(expr: Expr, columns: readonly number[]): Expr | undefined {
    const from = this.#from
    if (expr.kind === 'whole-row' && expr.relation === from.id) return this.#wholeRow(expr, columns)
    if (expr.kind !== 'column' || expr.relation !== from.id || (columns[expr.column] ?? 0) >= 0)
      return undefined
    return nullOf(expr)
  }

  #wholeRow(expr: Expr, columns: readonly number[]): Expr {
    const elements = this.#from.columns.map((column, i): Expr => {
      const { name, type, typmod, collation } = column
      const own = {
        kind: 'column',
        relation: this.#from.id,
        column: i,
        name,
        type,
        typmod,
        collation,
        location: -1,
      } as const
      return must(columns[i]) >= 0 ? own : nullOf(own)
    })
    const { type, typmod, collation } = expr
    const names = this.#from.columns.map(({ name }) => name)
    return { kind: 'row', names, elements, explicit: true, type, typmod, collation, location: -1 }
  }
}

function cheapest(paths: readonly Path[]): Path {
  return paths.reduce((best, path) => (path.estimate.total < best.estimate.total ? path : best))
}

function nullOf({ type, typmod, collation }: Expr): Expr {
  return { kind: 'constant', value: null, type, typmod, collation, location: -1 }
}
