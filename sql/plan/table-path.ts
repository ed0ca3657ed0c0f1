// Ways to read one stored table: sequentially, through each of its indexes, by a full unique key.

import { must } from '../../storage/base/assert.ts'
import type { Estimate, PlanNode } from '../exec/operator.ts'
import { ExpressionCompiler, type Scope } from '../exec/expression/compiler.ts'
import { rowKeySize } from '../exec/modify/index-key.ts'
import {
  IndexScanOperator,
  type IndexScanPlan,
  PointLookupOperator,
  type PointLookupPlan,
} from '../exec/operator/index-scan.ts'
import { buildReader, CellColumns, type RowReader } from '../exec/operator/row-reader.ts'
import { ScanOperator } from '../exec/operator/scan.ts'
import { PointExecution } from '../exec/point-execution.ts'
import type { Expr } from '../tree/expr.ts'
import type { TableFrom } from '../tree/query.ts'
import { columnOutputs, isImmediate } from './expr-facts.ts'
import { joinConditions, tableTarget } from './explain-text.ts'
import { IndexMatcher, type IndexMatch } from './index-match.ts'
import { compilePointKey, compileRanges } from './key-range.ts'
import { columnKey, type ColumnKey, Layout, type LayoutScope, type OuterScope } from './layout.ts'
import { type Output, type OrderKey, type Path, type Planned, NO_CONSTANTS, NO_ORDER } from './path.ts'
import { makeNode } from './plan-node.ts'
import type { Planner } from './planner.ts'
import { addFilter, addProjection } from './row-node.ts'
import { selectivityOf } from './selectivity.ts'

/** How the rows are reached. */
export type Access =
  | { readonly kind: 'scan' }
  | { readonly kind: 'index'; readonly match: IndexMatch; readonly descending: boolean }
  | { readonly kind: 'point'; readonly match: IndexMatch }

const SEQUENTIAL_ROW_COST = 0.01
const CONDITION_COST = 0.0025
const INDEX_ROW_COST = 0.015
const FETCH_COST = 0.05
const SEEK_COST = 0.3

/** All paths over a table, given the conditions that can be used at the scan (its own, and parameterised ones). */
export function tablePaths(
  planner: Planner,
  from: TableFrom,
  conditions: readonly Expr[],
  wantsOrder: boolean,
): Path[] {
  const figures = planner.context.estimate(from.table.oid)
  const tableRows = Math.max(1, figures.tuples)
  const rows = Math.max(
    1,
    tableRows * conditions.reduce((all, one) => all * selectivityOf(planner, one, tableRows, from.id), 1),
  )
  const width = from.columns.length * 8
  const scanCost = figures.pages + tableRows * (SEQUENTIAL_ROW_COST + CONDITION_COST * conditions.length)
  const paths: Path[] = [
    new TablePath(planner, from, conditions, { kind: 'scan' }, { rows, startup: 0, total: scanCost, width }),
  ]
  const matcher = new IndexMatcher(planner, from)
  for (const index of from.table.indexes) {
    const match = matcher.match(index, conditions)
    if (match === undefined) continue
    const isUsed = match.used.size > 0
    const isPoint =
      index.unique && match.equal.length === index.columns.length && !match.equal.includes('null')
    if (isPoint && !index.deferrable) {
      const total = SEEK_COST + (index.isClustered ? INDEX_ROW_COST : FETCH_COST)
      paths.push(
        new TablePath(
          planner,
          from,
          conditions,
          { kind: 'point', match },
          { rows: 1, startup: 0, total, width },
        ),
      )
      continue
    }
    if (!isUsed && !wantsOrder && index.predicate === undefined) continue
    const read = [...match.used].reduce(
      (all, one) => all * selectivityOf(planner, one, tableRows, from.id),
      tableRows,
    )
    const perRow = INDEX_ROW_COST + (index.isClustered ? 0 : FETCH_COST) + CONDITION_COST * conditions.length
    // Reading all of a table in an index's order is for ORDER BY only: never cheaper than a plain scan.
    const floor = isUsed ? 0 : scanCost * 1.1
    const total = Math.max(floor, SEEK_COST + Math.max(1, read) * perRow)
    const estimate = { rows: Math.min(rows, Math.max(1, read)), startup: 0, total, width }
    paths.push(
      new TablePath(planner, from, conditions, { kind: 'index', match, descending: false }, estimate),
    )
    if (wantsOrder && match.list === undefined) {
      paths.push(
        new TablePath(planner, from, conditions, { kind: 'index', match, descending: true }, estimate),
      )
    }
  }
  return paths
}

export class TablePath implements Path {
  readonly relations: Path['relations']
  readonly estimate: Estimate
  readonly order: readonly OrderKey[]
  readonly constants: ReadonlySet<ColumnKey>
  readonly from: TableFrom
  readonly conditions: readonly Expr[]
  readonly access: Access
  readonly #planner: Planner

  constructor(
    planner: Planner,
    from: TableFrom,
    conditions: readonly Expr[],
    access: Access,
    estimate: Estimate,
  ) {
    this.#planner = planner
    this.from = from
    this.conditions = conditions
    this.access = access
    this.estimate = estimate
    this.relations = new Set([from.id])
    const [order, constants] = orderOf(from, access)
    this.order = order
    this.constants = constants
  }

  build(outputs: readonly Output[], outer: OuterScope | undefined): Planned {
    const planner = this.#planner
    const residual = this.residual()
    const early = residual.filter(isImmediate)
    const late = residual.filter((one) => !isImmediate(one))
    const isDirect = late.length === 0 && outputs.every((output) => isImmediate(output.expr))
    const own = (output: Output): boolean => output.relation === this.from.id
    const scanned = isDirect
      ? outputs
      : columnOutputs([...outputs.map((output) => output.expr), ...late], own)
    const { reader, layout } = this.compileReader(early, scanned, outer)
    const node = this.#node(reader, early, outer)
    const filtered = addFilter(planner, { node, layout }, late, outer)
    return isDirect ? filtered : addProjection(planner, filtered, outputs, outer)
  }

  /** Conditions that the access does not answer itself. */
  residual(): readonly Expr[] {
    if (this.access.kind === 'scan') return this.conditions
    const { used } = this.access.match
    return this.conditions.filter((one) => !used.has(one))
  }

  /** The compiled reader of a cell. */
  compileReader(
    filter: readonly Expr[],
    outputs: readonly Output[],
    outer: OuterScope | undefined,
  ): { readonly reader: RowReader; readonly layout: Layout } {
    const { compiler, columns } = this.#cellCompiler(outer)
    const condition = filter.map((one) => compiler.condition(one)).join(' && ')
    const filterColumns = columns.flush()
    const fragments = outputs.map((output) => compiler.value(output.expr))
    const outputColumns = columns.flush()
    const prologue = columns.prologue()
    const sources = fragments.map(({ source }) => source)
    const reader = buildReader(compiler, {
      filter: condition,
      filterColumns,
      outputs: sources,
      outputColumns,
      prologue,
    })
    const slots = outputs.map(({ relation, column }, i) => ({
      relation,
      column,
      nullable: must(fragments[i]).nullable,
    }))
    return { reader, layout: new Layout(slots) }
  }

  /**
   * A loop over a cursor of the whole table that runs `body` for each row that the conditions let through; `body` gets
   * the names of the values. Between two rows it may suspend.
   */
  compileLoop<T>(
    values: readonly Expr[],
    outer: OuterScope | undefined,
    body: (names: readonly string[], bind: (value: unknown) => string) => string,
  ): T {
    const { compiler, columns } = this.#cellCompiler(outer)
    const condition = this.conditions.map((one) => compiler.condition(one)).join(' && ')
    const filterColumns = columns.flush()
    const held = values.map((value) => compiler.value(value).source)
    const valueColumns = columns.flush()
    const names = held.map((_, i) => `v${i}`)
    const steps = body(names, (value) => compiler.builder.bind(value))
    const prologue = columns.prologue()
    const lines = [
      'let count = 0',
      'const cell = cursor.cell',
      'for (;;) {',
      'if ((++count & 255) === 0) rt.context.checkpoint()',
      'if (!cursor.next()) return',
      prologue,
      filterColumns,
      condition === '' ? '' : `if (!(${condition})) continue`,
      valueColumns,
      ...held.map((source, i) => `const v${i} = ${source}`),
      steps,
      '}',
    ]
    return compiler.builder.build<T>('rt, cursor, s', lines.filter((line) => line !== '').join('\n'))
  }

  #cellCompiler(outer: OuterScope | undefined): {
    readonly compiler: ExpressionCompiler
    readonly columns: CellColumns
  } {
    const scope = new CellScope(this.#planner.scope([], outer), this.from)
    const compiler = new ExpressionCompiler(this.#planner, scope)
    const columns = new CellColumns(this.from.table, this.from.tableColumns, () => compiler)
    scope.columns = columns
    return { compiler, columns }
  }

  #node(reader: RowReader, filter: readonly Expr[], outer: OuterScope | undefined): PlanNode {
    const planner = this.#planner
    const { from, access, estimate } = this
    const { table } = from
    const properties = (): [string, string | number][] => this.properties(filter)
    const common = { estimate, children: [], properties }
    const keySize = rowKeySize(table, (oid) => planner.type(oid))
    if (access.kind === 'scan') {
      return makeNode({
        ...common,
        label: 'Seq Scan',
        target: tableTarget(from),
        open: (rt) => new ScanOperator(rt, table.tree, reader),
      })
    }
    const { index } = access.match
    const backward = access.kind === 'index' && access.descending ? ' Backward' : ''
    const label = `Index Scan${backward}`
    const target = tableTarget(from, index.name)
    if (access.kind === 'point') {
      const plan = this.pointPlan(reader, outer)
      return makeNode({
        ...common,
        label,
        target,
        point: plan,
        direct: (rt) => new PointExecution(rt, plan),
        open: (rt) => new PointLookupOperator(rt, plan),
      })
    }
    const plan: IndexScanPlan = {
      tableTree: table.tree,
      indexTree: index.tree,
      isClustered: index.isClustered,
      rowKeySize: keySize,
      descending: access.descending,
      ranges: compileRanges(planner, access.match, outer, access.descending),
      read: reader,
    }
    return makeNode({ ...common, label, target, open: (rt) => new IndexScanOperator(rt, plan) })
  }

  /** For a point access. */
  pointPlan(reader: RowReader, outer: OuterScope | undefined): PointLookupPlan {
    const { access } = this
    const planner = this.#planner
    if (access.kind !== 'point') throw new Error('a point lookup')
    const { index } = access.match
    return {
      tableTree: this.from.table.tree,
      indexTree: index.isClustered ? undefined : index.tree,
      rowKeySize: rowKeySize(this.from.table, (oid) => planner.type(oid)),
      key: compilePointKey(planner, access.match, outer),
      read: reader,
    }
  }

  /** What EXPLAIN says beside the label. */
  properties(filter: readonly Expr[]): [string, string | number][] {
    const planner = this.#planner
    const text = (list: Iterable<Expr>): string =>
      joinConditions([...list].map((one) => planner.deparse(one)))
    const properties: [string, string | number][] = []
    if (this.access.kind !== 'scan') {
      const condition = text(this.access.match.used)
      if (condition !== '') properties.push(['Index Cond', condition])
    }
    const residual = text(filter)
    if (residual !== '') properties.push(['Filter', residual])
    return properties
  }
}

/** The order that an index scan gives, and the columns that are fixed in it. */
function orderOf(from: TableFrom, access: Access): [readonly OrderKey[], ReadonlySet<ColumnKey>] {
  if (access.kind === 'scan') return [NO_ORDER, NO_CONSTANTS]
  const { match } = access
  const entryColumn = (column: number): number => from.tableColumns.indexOf(column)
  const constants = new Set<ColumnKey>()
  const keys: OrderKey[] = []
  for (const [i, column] of match.index.columns.entries()) {
    const at = column.column < 0 ? -1 : entryColumn(column.column)
    if (i < match.equal.length) {
      if (at >= 0) constants.add(columnKey(from.id, at))
      continue
    }
    if (at < 0 || access.kind === 'point') break
    const isReversed = access.descending
    keys.push({
      key: columnKey(from.id, at),
      descending: column.descending !== isReversed,
      nullsFirst: column.nullsFirst !== isReversed,
    })
  }
  return [keys, constants]
}

/** Columns of the cell at hand; everything else comes from outside. */
class CellScope implements Scope {
  columns: CellColumns | undefined
  readonly #outside: LayoutScope
  readonly #from: TableFrom

  constructor(outside: LayoutScope, from: TableFrom) {
    this.#outside = outside
    this.#from = from
  }

  column(expr: Parameters<Scope['column']>[0]): ReturnType<Scope['column']> {
    if (expr.relation !== this.#from.id) return this.#outside.column(expr)
    return must(this.columns).column(expr.kind === 'column' ? expr.column : -100, expr.type)
  }

  subquery(...args: Parameters<Scope['subquery']>): ReturnType<Scope['subquery']> {
    return this.#outside.subquery(...args)
  }
}
