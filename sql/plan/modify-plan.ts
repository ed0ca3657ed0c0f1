// Plans INSERT, UPDATE and DELETE.
//
//   INSERT   source query ──▶ full row by assignments ──▶ InsertOperator
//   UPDATE   target and FROM as one join that also carries the target's key, LSN and columns ──▶ ChangeOperator
//   DELETE   the same without a change

import { must } from '../../storage/base/assert.ts'
import type { Table } from '../catalog/catalog.ts'
import { conjunction } from '../exec/expression/walk.ts'
import { type CompiledTable, compileTable } from '../exec/modify/compiled-table.ts'
import { ChangeOperator, type ChangePlan } from '../exec/modify/change-rows.ts'
import { type ConflictPlan, InsertOperator, type InsertPlan } from '../exec/modify/insert-rows.ts'
import { OneRowInsert, PointChange } from '../exec/one-row-change.ts'
import type { PlanNode } from '../exec/operator.ts'
import { replaceDeep } from '../exec/expression/map-query.ts'
import { ResultOperator } from '../exec/operator/pipeline.ts'
import type { Runtime } from '../exec/runtime.ts'
import type { Expr, RelationId } from '../tree/expr.ts'
import type {
  Assignment,
  DeleteStatement,
  InsertStatement,
  Modify,
  SelectQuery,
  TableFrom,
  Target,
  UpdateStatement,
} from '../tree/query.ts'
import { SqlError } from '../types/sql-error.ts'
import type { Row } from '../types/value.ts'
import { columnOutputs, isImmediate } from './expr-facts.ts'
import { foldConstants } from './fold.ts'
import { buildGroup } from './group-builder.ts'
import { GroupPlanner } from './join-group.ts'
import { columnKey, type Layout, type OuterScope, ROW_KEY, ROW_LSN, slotColumn } from './layout.ts'
import type { Output, Planned } from './path.ts'
import { makeNode, pointOf, type StartDirectly } from './plan-node.ts'
import type { Planner } from './planner.ts'
import { uniqueOutputs } from './select.ts'
import { entryColumns, type FullRow, targetCompiler } from './target-scope.ts'

export function planModify(planner: Planner, statement: Modify, outer: OuterScope | undefined): PlanNode {
  planner.ctes.define(statement.ctes, outer)
  if (statement.table.virtual !== undefined) {
    throw new SqlError('42501', `permission denied for table ${statement.table.name}`)
  }
  return statement.kind === 'insert'
    ? planInsert(planner, statement, outer)
    : planChange(planner, statement, outer)
}

type RowMaker = (rt: Runtime, r: Row) => Row

/** The row that a row of constants is made from. */
const NOTHING_BEFORE = (): Row => []

// ---------------------------------------------------------------------------------------------- INSERT

function planInsert(planner: Planner, statement: InsertStatement, outer: OuterScope | undefined): PlanNode {
  const compiled = compileTable(statement.table, planner)
  const { node, make, isOneRow } = planInsertSource(planner, statement, outer)
  const full: FullRow = { name: 'n', relation: statement.target, table: statement.table }
  const returning = compileTargets(planner, statement.returning, [full], undefined, outer)
  const plan: InsertPlan = {
    compiled,
    make,
    returning: returning === undefined ? undefined : returning.build('rt, n'),
    conflict: planConflict(planner, statement, outer),
  }
  const conflict = statement.onConflict?.action
  return makeNode({
    label: 'Insert',
    target: { kind: 'relation', name: statement.table.name, alias: statement.table.name },
    estimate: node.estimate,
    children: [node],
    properties: () => (conflict === undefined ? [] : [['Conflict Resolution', conflict.toUpperCase()]]),
    direct: isOneRow && plan.conflict === undefined ? (rt) => new OneRowInsert(rt, plan) : undefined,
    open: (rt, [child]) => new InsertOperator(rt, must(child), plan),
  })
}

interface InsertSource {
  readonly node: PlanNode
  readonly make: RowMaker
  /** `make` takes nothing from the node's row, which is one: it may as well be called without it. */
  readonly isOneRow: boolean
}

/** The source's rows and how each becomes a full row. */
function planInsertSource(
  planner: Planner,
  statement: InsertStatement,
  outer: OuterScope | undefined,
): InsertSource {
  const { source } = statement
  if (
    source.kind === 'values' &&
    source.rows.length === 1 &&
    source.ctes.length === 0 &&
    source.limit === undefined &&
    source.offset === undefined
  ) {
    return planSingleRow(planner, statement, must(source.rows[0]), outer)
  }
  const { node, layout } = planner.planQuery(source, outer, statement.sourceRelation)
  const assigned = assignmentMap(statement.assignments)
  const compiler = planner.compiler([{ name: 'r', layout }], outer)
  const sources = statement.table.columns.map((_, column) => {
    const expr = assigned.get(column)
    return expr === undefined ? 'null' : compiler.value(expr).source
  })
  const make = compiler.builder.build<RowMaker>('rt, r', `return [${sources.join(', ')}]`)
  return { node, make, isOneRow: false }
}

/** INSERT of one VALUES row: the full row is made at once. */
function planSingleRow(
  planner: Planner,
  statement: InsertStatement,
  row: readonly Expr[],
  outer: OuterScope | undefined,
): InsertSource {
  const { sourceRelation } = statement
  const assigned = assignmentMap(statement.assignments)
  const compiler = planner.compiler([], outer)
  const sources = statement.table.columns.map((_, column) => {
    const expr = assigned.get(column)
    if (expr === undefined) return 'null'
    const direct = replaceDeep(expr, (one) =>
      one.kind === 'column' && one.relation === sourceRelation ? must(row[one.column]) : undefined,
    )
    return compiler.value(foldConstants(planner, direct)).source
  })
  const make = compiler.builder.build<RowMaker>('rt', `return [${sources.join(', ')}]`)
  const node = makeNode({
    label: 'Result',
    estimate: { rows: 1, startup: 0, total: 0.01, width: 8 },
    children: [],
    open: (rt) => new ResultOperator(rt, NOTHING_BEFORE),
  })
  return { node, make, isOneRow: true }
}

export function assignmentMap(assignments: readonly Assignment[]): Map<number, Expr> {
  return new Map(assignments.map((assignment) => [assignment.column, assignment.expr]))
}

function planConflict(
  planner: Planner,
  statement: InsertStatement,
  outer: OuterScope | undefined,
): ConflictPlan | undefined {
  const { onConflict, table, target } = statement
  if (onConflict === undefined) return undefined
  const changedColumns = new Set(onConflict.assignments.map((one) => one.column))
  addGenerated(table, changedColumns)
  if (onConflict.action === 'nothing') {
    return { indexes: onConflict.indexes, update: undefined, where: undefined, changedColumns }
  }
  const rows: FullRow[] = [
    { name: 'b', relation: target, table },
    { name: 'x', relation: onConflict.excluded, table },
  ]
  const compiler = targetCompiler(planner, rows, undefined, outer)
  const body = `return [${assignedSources(table, onConflict.assignments, (expr) => compiler.value(expr).source)}]`
  const update = compiler.builder.build<NonNullable<ConflictPlan['update']>>('rt, b, x', body)
  let where: ConflictPlan['where']
  if (onConflict.where !== undefined) {
    const tester = targetCompiler(planner, rows, undefined, outer)
    where = tester.builder.build('rt, b, x', `return ${tester.condition(onConflict.where)}`)
  }
  return { indexes: onConflict.indexes, update, where, changedColumns }
}

/** Sources of all columns of the row after: assigned ones, the others as they are in `b`. */
function assignedSources(
  table: Table,
  assignments: readonly Assignment[],
  source: (expr: Expr) => string,
): string {
  const assigned = assignmentMap(assignments)
  return table.columns
    .map((_, column) => {
      const expr = assigned.get(column)
      return expr === undefined ? `b[${column}]` : source(expr)
    })
    .join(', ')
}

/** Generated columns may change whenever another does. */
function addGenerated(table: Table, changed: Set<number>): void {
  table.columns.forEach((column, i) => {
    if (column.generated && !column.isDropped) changed.add(i)
  })
}

// ---------------------------------------------------------------------------------------------- UPDATE and DELETE

function planChange(
  planner: Planner,
  statement: UpdateStatement | DeleteStatement,
  outer: OuterScope | undefined,
): PlanNode {
  const { table } = statement
  const compiled = compileTable(table, planner)
  const source = planTargets(planner, statement, outer)
  const plan = compileChange(planner, statement, compiled, source, outer)
  return makeNode({
    label: statement.kind === 'update' ? 'Update' : 'Delete',
    target: {
      kind: 'relation',
      name: table.name,
      alias: planner.aliases.get(statement.target) ?? table.name,
    },
    estimate: source.node.estimate,
    children: [source.node],
    direct: directChange(statement, source.node, plan),
    open: (rt, [child]) => new ChangeOperator(rt, must(child), plan),
  })
}

/** A change of one row by its key, whose expressions read nothing but that row. */
function directChange(
  statement: UpdateStatement | DeleteStatement,
  source: PlanNode,
  change: ChangePlan,
): StartDirectly | undefined {
  const point = pointOf(source)
  if (point === undefined || !expressionsOf(statement).every(isImmediate)) return undefined
  const plan = { point, change }
  return (rt) => new PointChange(rt, plan)
}

/** The rows to change: target columns, key and LSN, and what expressions need of other relations. */
function planTargets(
  planner: Planner,
  statement: UpdateStatement | DeleteStatement,
  outer: OuterScope | undefined,
): Planned {
  const query = sourceQuery(statement)
  const { group } = buildGroup(planner, query)
  const exprs = expressionsOf(statement)
  const outputs = [
    ...targetOutputs(statement),
    ...columnOutputs(exprs, (output) => isProvided(group, output)),
  ]
  const path = new GroupPlanner(planner, outer, false).plan(group)
  return path.build(uniqueOutputs(outputs.filter((output) => path.relations.has(output.relation))), outer)
}

function isProvided(
  group: { readonly items: readonly { readonly relations: ReadonlySet<RelationId> }[] },
  output: Output,
): boolean {
  return group.items.some((item) => item.relations.has(output.relation))
}

function expressionsOf(statement: UpdateStatement | DeleteStatement): Expr[] {
  const assigned = statement.kind === 'update' ? statement.assignments.map((one) => one.expr) : []
  const where = statement.where === undefined ? [] : [statement.where]
  return [...assigned, ...where, ...statement.returning.map((target) => target.expr)]
}

/** The target and the other relations as a FROM. */
export function sourceQuery(statement: UpdateStatement | DeleteStatement): SelectQuery {
  const others = statement.kind === 'update' ? statement.from : statement.using
  return {
    kind: 'select',
    ctes: [],
    from: [targetEntry(statement), ...others],
    where: statement.where,
    groupBy: [],
    groupingSets: [],
    having: undefined,
    hasAggregates: false,
    windows: [],
    targets: [],
    distinct: undefined,
    orderBy: [],
    limit: undefined,
    offset: undefined,
    withTies: false,
    locking: [],
  }
}

function targetEntry(statement: UpdateStatement | DeleteStatement): TableFrom {
  const { table, target } = statement
  const tableColumns = entryColumns(table)
  const columns = tableColumns.map((column) => must(table.columns[column]))
  return { kind: 'table', id: target, alias: table.name, table, tableColumns, columns }
}

const BYTES = { type: 17, typmod: -1, collation: 0 }

export function targetOutputs(statement: UpdateStatement | DeleteStatement): Output[] {
  const { table, target } = statement
  const own = (column: number, like: Parameters<typeof slotColumn>[2]): Output => ({
    relation: target,
    column,
    expr: slotColumn(target, column, like),
  })
  const columns = entryColumns(table).map((column, i) => own(i, must(table.columns[column])))
  return [own(ROW_KEY, BYTES), own(ROW_LSN, BYTES), ...columns]
}

export function compileChange(
  planner: Planner,
  statement: UpdateStatement | DeleteStatement,
  compiled: CompiledTable,
  source: Planned,
  outer: OuterScope | undefined,
): ChangePlan {
  const { table, target } = statement
  const { layout } = source
  const slot = (column: number): number => must(layout.indexOf(columnKey(target, column)), 'a target column')
  const entries = entryColumns(table)
  const columnSlots = table.columns.map((_, column) => {
    const entry = entries.indexOf(column)
    return entry < 0 ? -1 : slot(entry)
  })
  const changedColumns =
    statement.kind === 'update' ? new Set(statement.assignments.map((one) => one.column)) : undefined
  if (changedColumns !== undefined) addGenerated(table, changedColumns)
  const others = statement.kind === 'update' ? statement.from : statement.using
  const full: FullRow = { name: 'n', relation: target, table }
  const returning = compileTargets(planner, statement.returning, [full], { name: 'r', layout }, outer)
  return {
    compiled,
    keySlot: slot(ROW_KEY),
    lsnSlot: slot(ROW_LSN),
    columnSlots,
    strength:
      changedColumns === undefined || touchesUnique(table, changedColumns) ? 'update' : 'no-key-update',
    change: statement.kind === 'update' ? compileUpdate(planner, statement, layout, outer) : undefined,
    changedColumns,
    recheck: lazyRecheck(planner, statement, layout, outer),
    returning: returning === undefined ? undefined : returning.build('rt, r, n'),
    mayRepeat: others.length > 0,
  }
}

function compileUpdate(
  planner: Planner,
  statement: UpdateStatement,
  layout: Layout,
  outer: OuterScope | undefined,
): ChangePlan['change'] {
  const compiler = planner.compiler([{ name: 'r', layout }], outer)
  const sources = assignedSources(
    statement.table,
    statement.assignments,
    (expr) => compiler.value(expr).source,
  )
  return compiler.builder.build('rt, r, b', `return [${sources}]`)
}

/** WHERE once more, compiled when a row has changed under a lock wait for the first time. */
function lazyRecheck(
  planner: Planner,
  statement: UpdateStatement | DeleteStatement,
  layout: Layout,
  outer: OuterScope | undefined,
): ChangePlan['recheck'] {
  const query = sourceQuery(statement)
  const conditions = [
    query.where,
    ...query.from.flatMap((from) => (from.kind === 'join' && from.join === 'inner' ? [from.on] : [])),
  ]
  const all = conjunction(conditions.filter((one) => one !== undefined))
  if (all === undefined) return () => true
  let test: ChangePlan['recheck'] | undefined
  return (rt, r) => {
    test ??= planner.compileCondition([all], layout, outer)
    return test(rt, r)
  }
}

/** Whether other transactions' key-share locks (foreign keys) must be kept out. */
function touchesUnique(table: Table, changed: ReadonlySet<number>): boolean {
  if (table.clusterKey?.some((column) => changed.has(column)) === true) return true
  return table.indexes.some(
    (index) =>
      index.unique &&
      index.predicate === undefined &&
      index.columns.some((column) => changed.has(column.column)),
  )
}

/** RETURNING: not built yet, as its parameters differ. */
function compileTargets(
  planner: Planner,
  targets: readonly Target[],
  full: readonly FullRow[],
  source: { readonly name: string; readonly layout: Layout } | undefined,
  outer: OuterScope | undefined,
): { build<T>(parameters: string): T } | undefined {
  const visible = targets.filter((target) => !target.junk)
  if (visible.length === 0) return undefined
  const compiler = targetCompiler(planner, full, source, outer)
  const sources = visible.map((target) => compiler.value(target.expr).source)
  return {
    build<T>(parameters: string): T {
      return compiler.builder.build<T>(parameters, `return [${sources.join(', ')}]`)
    },
  }
}
