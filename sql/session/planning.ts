// From a parsed statement to a plan that fits the session's catalog and search path, through the shared plan cache.

import { analyze } from '../analyze/analyze.ts'
import type { AnalysisContext } from '../analyze/analysis.ts'
import type { Catalog, Table } from '../catalog/catalog.ts'
import type { PreparedPlan } from '../exec/execution.ts'
import { parseSql, type ParsedStatement } from '../parse/parse.ts'
import { planStatement } from '../plan/plan-statement.ts'
import { columnStatistics, type ColumnStatistics } from '../plan/statistics.ts'
import { SqlError } from '../types/sql-error.ts'
import { PlanAge } from './plan-age.ts'
import type { CachedStatement } from './plan-cache.ts'
import type { SessionCore } from './session-core.ts'

const PLANNED_TAGS: ReadonlySet<string> = new Set([
  'SelectStmt',
  'InsertStmt',
  'UpdateStmt',
  'DeleteStmt',
  'MergeStmt',
])

/** Whether a statement is analysed and planned; others are utility statements. SELECT INTO is DDL. */
export function isPlanned(parsed: ParsedStatement): boolean {
  if (!PLANNED_TAGS.has(parsed.tag)) return false
  return !('SelectStmt' in parsed.node && parsed.node.SelectStmt.intoClause !== undefined)
}

/** Oids of the schemas that names are looked up in. */
export function searchPathOids(core: SessionCore, catalog: Catalog): readonly number[] {
  const oids: number[] = []
  for (const name of core.context.searchPath(true)) {
    const schema = catalog.schemaByName(name)
    if (schema !== undefined) oids.push(schema.oid)
  }
  return oids
}

export function analysisContext(
  core: SessionCore,
  parameterTypes: readonly number[] = [],
  liftedKinds?: string,
): AnalysisContext {
  const { catalog } = core
  return {
    catalog,
    searchPath: searchPathOids(core, catalog),
    typeContext: core.context,
    parameterTypes,
    liftedKinds,
  }
}

interface MadePlan extends CachedStatement {
  readonly plan: PreparedPlan
  /** Its literals depend on the clock: the plan is for this run only. */
  readonly dependsOnClock: boolean
}

/** Plans a statement for the catalog the session sees now. Throws what analysis and planning throw. */
export function makePlan(
  core: SessionCore,
  parsed: ParsedStatement,
  context: AnalysisContext = analysisContext(core),
): MadePlan {
  const { catalog } = context
  const analysed = analyze(parsed, context)
  const rows = new Map<number, number>()
  const plan = planStatement(analysed, {
    catalog,
    functions: core.context,
    server: core.server,
    estimate: (relationOid) => {
      const figures = core.server.estimate(relationOid)
      rows.set(relationOid, figures.tuples)
      return figures
    },
    statistics: (table, column) => statisticsOf(core, table, column),
  })
  return {
    parsed,
    plan,
    catalogVersion: catalog.version,
    settingsKey: analysed.dependsOnSettings ? core.context.settingsKey : undefined,
    age: new PlanAge(rows),
    dependsOnClock: analysed.dependsOnClock,
  }
}

/** Statistics of the committed rows; a table of this very transaction has none. */
function statisticsOf(core: SessionCore, table: Table, column: number): ColumnStatistics | undefined {
  const type = core.catalog.type(table.columns[column]?.type ?? 0)
  if (type === undefined) return undefined
  const { database } = core
  const view = database.view()
  const { cellCount } = database.estimate(view, table.tree)
  return columnStatistics(table, column, type, cellCount, (leafCount, visit) =>
    database.sample(view, table.tree, leafCount, visit),
  )
}

/** Whether planning a text, its literals constants, ends in an error already. For a text that was planned otherwise. */
export function failsWhenPlanned(core: SessionCore, text: string): boolean {
  const [parsed] = parseSql(text)
  if (parsed === undefined) return false
  try {
    return makePlan(core, parsed).plan.foldError !== undefined
  } catch (error) {
    if (error instanceof SqlError) return true
    throw error
  }
}

/** Whether a cached statement fits the catalog and the settings of now. */
export function isValid(core: SessionCore, entry: CachedStatement): boolean {
  if (entry.plan === undefined) return true
  if (entry.catalogVersion !== core.catalog.version) return false
  if (entry.settingsKey !== undefined && entry.settingsKey !== core.context.settingsKey) return false
  return entry.age?.isCurrent(core.server) !== false
}

/** A cache entry of a statement that is parsed and not planned. */
export function utilityEntry(parsed: ParsedStatement): CachedStatement {
  return { parsed, plan: undefined, catalogVersion: '', settingsKey: undefined }
}

export interface StatementRequest {
  /** The plan cache's key. */
  readonly key: string
  readonly parameterTypes: readonly number[]
  readonly liftedKinds?: string | undefined
}

/** Plans `parsed` unless the cache has it under the key; utility statements get an entry without a plan. */
export function cachedStatement(
  core: SessionCore,
  parsed: ParsedStatement,
  request: StatementRequest,
): CachedStatement {
  const known = core.plans.get(request.key)
  if (known !== undefined && isValid(core, known)) return known
  if (!isPlanned(parsed)) {
    const entry = utilityEntry(parsed)
    core.plans.set(request.key, entry)
    return entry
  }
  const made = makePlan(core, parsed, analysisContext(core, request.parameterTypes, request.liftedKinds))
  // Plans of a transaction's own uncommitted catalog are nobody else's.
  if (!made.dependsOnClock && core.transaction.currentEdit === undefined) core.plans.set(request.key, made)
  return made
}
