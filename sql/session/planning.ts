// From a parsed statement to a plan that fits the session's catalog and search path, through the shared plan cache.

import { analyze } from '../analyze/analyze.ts'
import type { AnalysisContext } from '../analyze/analysis.ts'
import type { Catalog } from '../catalog/catalog.ts'
import type { PreparedPlan } from '../exec/execution.ts'
import type { ParsedStatement } from '../parse/parse.ts'
import { planStatement } from '../plan/plan-statement.ts'
import type { CachedStatement } from './plan-cache.ts'
import type { SessionCore } from './session-core.ts'

const PLANNED_TAGS: ReadonlySet<string> = new Set(['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt'])

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
  return { catalog, searchPath: searchPathOids(core, catalog), typeContext: core.context, parameterTypes, liftedKinds }
}

/** Plans a statement for the catalog the session sees now. Throws what analysis and planning throw. */
export function makePlan(core: SessionCore, parsed: ParsedStatement, context: AnalysisContext): PreparedPlan {
  const analysed = analyze(parsed, context)
  return planStatement(analysed, {
    catalog: context.catalog,
    functions: core.context,
    server: core.server,
    estimate: (relationOid) => core.server.estimate(relationOid),
  })
}

/** The cached statement if it fits the catalog of now. */
export function validEntry(core: SessionCore, entry: CachedStatement | undefined): CachedStatement | undefined {
  if (entry === undefined) return undefined
  return entry.plan === undefined || entry.catalogVersion === core.catalog.version ? entry : undefined
}

/** Plans `parsed` unless the cache has it under `key`; utility statements get an entry without a plan. */
export function cachedStatement(
  core: SessionCore,
  parsed: ParsedStatement,
  request: { readonly key: string; readonly parameterTypes: readonly number[]; readonly liftedKinds?: string | undefined },
): CachedStatement {
  const known = validEntry(core, core.plans.get(request.key))
  if (known !== undefined) return known
  const { version } = core.catalog
  const plan = isPlanned(parsed)
    ? makePlan(core, parsed, analysisContext(core, request.parameterTypes, request.liftedKinds))
    : undefined
  const entry: CachedStatement = { parsed, plan, catalogVersion: version }
  // Plans of a transaction's own uncommitted catalog are nobody else's.
  if (core.transaction.currentEdit === undefined) core.plans.set(request.key, entry)
  return entry
}
