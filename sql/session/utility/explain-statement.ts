// EXPLAIN (documentation: EXPLAIN): plans the statement, with ANALYZE runs it, prints the tree.

import { must } from '../../../storage/base/assert.ts'
import { type NodeOf, tagOf } from '../../parse/ast.ts'
import type { ParsedStatement } from '../../parse/parse.ts'
import type { BufferUse, Execution, OutputColumn, PreparedPlan } from '../../exec/execution.ts'
import { JSON_OID, TEXT_OID } from '../../types/oids.ts'
import { SqlError, unsupported } from '../../types/sql-error.ts'
import { analysisContext, isPlanned, makePlan } from '../planning.ts'
import { Portal, type PortalStatement } from '../portal.ts'
import type { SessionCore } from '../session-core.ts'
import { parseBool } from '../setting-definition.ts'
import { constantText } from './arguments.ts'
import { formatExplain, type FormatOptions, type StatementFigures } from './explain-format.ts'
import type { UtilityCall, UtilityResult } from './utility.ts'

type ExplainNodeStatement = NodeOf<'ExplainStmt'>

function readOptions(statement: ExplainNodeStatement): FormatOptions {
  const flags = new Map<string, boolean>()
  let format: FormatOptions['format'] = 'text'
  for (const option of statement.options ?? []) {
    if (!('DefElem' in option)) continue
    const { defname = '', arg } = option.DefElem
    const value = constantText(arg)
    if (defname === 'format') {
      if (value !== 'text' && value !== 'json' && value !== 'xml' && value !== 'yaml') {
        throw new SqlError('22023', `unrecognized value for EXPLAIN option "format": "${value}"`)
      }
      format = value
      continue
    }
    if (
      !['analyze', 'verbose', 'costs', 'buffers', 'wal', 'timing', 'summary', 'settings'].includes(defname)
    ) {
      throw new SqlError('42601', `unrecognized EXPLAIN option "${defname}"`)
    }
    flags.set(defname, value === undefined || (parseBool(value) ?? true))
  }
  const analyze = flags.get('analyze') ?? false
  if (flags.get('wal') === true && !analyze)
    throw new SqlError('22023', 'EXPLAIN option WAL requires ANALYZE')
  if (flags.get('timing') === true && !analyze)
    throw new SqlError('22023', 'EXPLAIN option TIMING requires ANALYZE')
  return {
    analyze,
    verbose: flags.get('verbose') ?? false,
    costs: flags.get('costs') ?? true,
    buffers: flags.get('buffers') ?? false,
    timing: flags.get('timing') ?? analyze,
    summary: flags.get('summary') ?? analyze,
    format,
  }
}

export function explainColumns(statement: ExplainNodeStatement): readonly OutputColumn[] {
  const { format } = readOptions(statement)
  // There is no type xml: a document of it comes as text.
  const type = format === 'json' ? JSON_OID : TEXT_OID
  return [{ name: 'QUERY PLAN', type, typmod: -1, tableOid: 0, columnNumber: 0 }]
}

/** An EXPLAIN ANALYZE under way: its portal goes on after each suspension. */
interface AnalyzeRun {
  readonly plan: PreparedPlan
  readonly planningMs: number
  readonly planningBuffers: BufferUse | undefined
  readonly portal: Portal
  readonly startMs: number
  execution: Execution | undefined
}

export function explainStatement(call: UtilityCall): UtilityResult {
  const { core, parsed } = call
  const statement = (parsed.node as { ExplainStmt: ExplainNodeStatement }).ExplainStmt
  const options = readOptions(statement)
  const query = must(statement.query)
  const inner: ParsedStatement = { ...parsed, node: query, tag: must(tagOf(query)) }
  if (!isPlanned(inner)) throw unsupported(`EXPLAIN of ${inner.tag.replace(/Stmt$/, '')}`)
  const run = (call.portal.scratch ??= startRun(call, inner, options)) as AnalyzeRun
  if (options.analyze) while (run.portal.nextRow() !== undefined);
  const node = run.plan.explain(options, core.catalog, run.execution)
  const figures: StatementFigures = {
    planningMs: run.planningMs,
    planningBuffers: run.planningBuffers,
    executionMs: options.analyze ? core.backend.clock.monotonicMs() - run.startMs : undefined,
  }
  core.closePortal(run.portal)
  const rows = formatExplain(node, options, figures).map((line) => [line])
  return { tag: 'EXPLAIN', rows }
}

function startRun(call: UtilityCall, inner: ParsedStatement, options: FormatOptions): AnalyzeRun {
  const { core, parameters, parameterTypes } = call
  const { clock } = core.backend
  const plannedAt = clock.monotonicMs()
  const { pageCounts } = core.database
  const { hits, misses } = pageCounts
  const { plan } = makePlan(core, inner, analysisContext(core, parameterTypes))
  const read = pageCounts.misses - misses
  const hit = Math.max(0, pageCounts.hits - hits - read)
  const startMs = clock.monotonicMs()
  const run: AnalyzeRun = {
    plan,
    planningMs: startMs - plannedAt,
    planningBuffers: options.buffers ? { hit, read } : undefined,
    startMs,
    portal: new Portal(
      '',
      analyzedStatement(core, plan, (execution) => (run.execution = execution)),
      { parameters },
    ),
    execution: undefined,
  }
  return run
}

function analyzedStatement(
  core: SessionCore,
  plan: PreparedPlan,
  started: (execution: Execution) => void,
): PortalStatement {
  return {
    columns: plan.columns,
    isDescribed: true,
    isEmpty: false,
    countsAffected: false,
    copyIn: undefined,
    tag: () => 'EXPLAIN',
    open: (portal) => {
      const execution = must(
        core.openPlan(plan, portal.parameters, portal, { catalogVersion: undefined, instrument: true }),
      )
      started(execution)
      return execution
    },
  }
}
