// A database in memory with a session just big enough to run queries: what the tests of sql/plan and sql/exec share.

import { ByteWriter } from '../../../storage/base/byte-writer.ts'
import { runSuspendable } from '../../../storage/base/suspend.ts'
import { analyze } from '../../analyze/analyze.ts'
import type { Execution, ExecutionContext, ExplainNode } from '../../exec/execution.ts'
import { compileRowEncoder } from '../../exec/row-encoder.ts'
import { type DdlSession, openTestCluster } from '../../ddl/testing/ddl-fixture.ts'
import { type ParsedStatement, parseSql } from '../../parse/parse.ts'
import type { Row, Value } from '../../types/value.ts'
import type { Table } from '../../catalog/catalog.ts'
import { nodeTitle } from '../explain-text.ts'
import { columnStatistics, type ColumnStatistics } from '../statistics.ts'
import { suspendingCheckpoint, suspendingDatabase, suspendingTransaction } from './suspending.ts'
import { planStatement, type StatementPlan } from '../plan-statement.ts'

const PLANNED: ReadonlySet<string> = new Set(['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt'])

export interface RunOptions {
  readonly parameters?: Row | undefined
  readonly parameterTypes?: readonly number[] | undefined
  readonly context?: Partial<ExecutionContext> | undefined
}

export class PlanSession {
  readonly ddl: DdlSession
  /** Everything that may wait does so once: see suspending.ts. */
  suspends = false

  constructor(ddl: DdlSession) {
    this.ddl = ddl
  }

  plan(text: string, parameterTypes: readonly number[] = []): StatementPlan {
    const [parsed] = parseSql(text)
    if (parsed === undefined) throw new Error('one statement')
    return this.planParsed(parsed, parameterTypes)
  }

  planParsed(parsed: ParsedStatement, parameterTypes: readonly number[] = []): StatementPlan {
    const { catalog } = this.ddl
    const functions = this.ddl.functions()
    const searchPath = [catalog.schemaByName('pg_catalog'), catalog.schemaByName('public')].flatMap(
      (one) => one?.oid ?? [],
    )
    const analysed = analyze(parsed, { catalog, searchPath, typeContext: functions, parameterTypes })
    const estimate = (oid: number): { tuples: number; pages: number } => {
      const relation = catalog.relation(oid)
      if (relation?.kind !== 'table') return { tuples: 0, pages: 0 }
      const { database } = this.ddl.database
      const { cellCount, pageCount } = database.estimate(database.view(), relation.tree)
      return { tuples: cellCount, pages: pageCount }
    }
    const statistics = (table: Table, column: number): ColumnStatistics | undefined => {
      const { database } = this.ddl.database
      const type = catalog.type(table.columns[column]?.type ?? 0)
      if (type === undefined) return undefined
      return columnStatistics(table, column, type, estimate(table.oid).tuples, (leafCount, visit) =>
        database.sample(database.view(), table.tree, leafCount, visit),
      )
    }
    return planStatement(analysed, { catalog, functions, estimate, statistics }) as StatementPlan
  }

  async runPlan(
    plan: StatementPlan,
    options: RunOptions = {},
  ): Promise<{ rows: Row[]; count: number; execution: Execution }> {
    const base = this.ddl.execution()
    const given: ExecutionContext = { ...base, parameters: options.parameters ?? [], ...options.context }
    const context = this.suspends ? suspendingContext(given) : given
    if (plan.foldError !== undefined) throw plan.foldError
    const execution = plan.start(context)
    const rows: Row[] = []
    try {
      for (;;) {
        const batch = await runSuspendable(() => execution.next())
        if (batch === undefined) break
        rows.push(...batch)
      }
      return { rows, count: execution.rowCount, execution }
    } finally {
      execution.close()
    }
  }

  /** Runs statements; DDL too. Rows of the last one. */
  async run(text: string, options: RunOptions = {}): Promise<Row[]> {
    let rows: Row[] = []
    for (const parsed of parseSql(text)) {
      if (!PLANNED.has(parsed.tag)) {
        await this.ddl.run(parsed.text)
        continue
      }
      try {
        rows = (await this.runPlan(this.planParsed(parsed, options.parameterTypes), options)).rows
      } catch (error) {
        this.ddl.rollback()
        throw error
      }
      if (!this.ddl.isBlock) await this.ddl.commit()
    }
    return rows
  }

  /** Rows as PostgreSQL would print them, cells joined by bars. */
  async text(sql: string, options: RunOptions = {}): Promise<string[]> {
    const plan = this.plan(sql, options.parameterTypes)
    const { rows } = await this.runPlan(plan, options).catch((error: unknown) => {
      this.ddl.rollback()
      throw error
    })
    if (!this.ddl.isBlock) await this.ddl.commit()
    return rows.map((row) =>
      row.map((value, i) => this.#cell(value, plan.columns?.[i]?.type ?? 25)).join('|'),
    )
  }

  #cell(value: Value, oid: number): string {
    const type = this.ddl.catalog.type(oid)
    if (type === undefined) return String(value)
    const writer = new ByteWriter()
    compileRowEncoder([{ type, format: 0 }])([value], writer, this.ddl.functions())
    return value === null ? '' : writer.bytes.toString('utf8', 4, writer.length)
  }

  explain(sql: string): string[] {
    const options = { analyze: false, verbose: false, costs: false, buffers: false, timing: false }
    const lines: string[] = []
    const show = (node: ExplainNode, depth: number): void => {
      lines.push(`${'  '.repeat(depth)}${nodeTitle(node)}`)
      for (const [name, value] of node.properties)
        lines.push(`${'  '.repeat(depth)}  ${name}: ${String(value)}`)
      for (const child of node.children) show(child, depth + 1)
    }
    show(this.plan(sql).explain(options, this.ddl.catalog), 0)
    return lines
  }
}

function suspendingContext(context: ExecutionContext): ExecutionContext {
  const { view, transaction } = context
  const database = suspendingDatabase(view.database)
  return {
    ...context,
    view: { ...view, database },
    transaction: transaction && suspendingTransaction(transaction),
    checkpoint: suspendingCheckpoint(),
  }
}

/** Several sessions on one database. */
export async function openPlanSessions(count: number): Promise<PlanSession[]> {
  const cluster = await openTestCluster()
  const sessions: PlanSession[] = []
  for (let i = 0; i < count; i++) sessions.push(new PlanSession(await cluster.session()))
  return sessions
}

export async function openPlanSession(): Promise<PlanSession> {
  const cluster = await openTestCluster()
  return new PlanSession(await cluster.session())
}
