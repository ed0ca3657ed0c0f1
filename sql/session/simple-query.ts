// The run of one simple Query message: its statements one after another, each through a portal of its own, in one
// implicit transaction unless they manage their own. Resumable: `step` is called again after each wait and goes on.
//
//   text ──lift──▶ cached plan? ──yes──▶ one statement, literals as parameters
//                        └──no──▶ parse ──▶ statement list ──▶ for each: plan or utility ──▶ rows ──▶ tag

import { SUSPENDED } from '../../storage/base/suspend.ts'
import { parseSql, type ParsedStatement } from '../parse/parse.ts'
import type { Row } from '../types/value.ts'
import type { CopyIn } from './copy/copy-in.ts'
import { liftedStatement } from './lifted-statement.ts'
import { Portal, type PortalStatement } from './portal.ts'
import { resultForm } from './result-format.ts'
import { failedBlock } from './failed-block.ts'
import type { SessionCore } from './session-core.ts'
import { failsWhenPlanned, utilityEntry } from './planning.ts'
import { parsedPortalStatement } from './statement-runner.ts'
import { PlannedStatement } from './planned-statement.ts'

export class SimpleQuery {
  readonly #core: SessionCore
  readonly #host: { startCopy(copy: CopyIn): void }
  /** The message's text until it was read. */
  #text: string | undefined
  #statements: readonly ParsedStatement[] = []
  #index = 0
  #portal: Portal | undefined
  #isDescribed = false
  #sent = 0

  constructor(core: SessionCore, host: { startCopy(copy: CopyIn): void }) {
    this.#core = core
    this.#host = host
  }

  /** The portal of the statement under way. */
  get portal(): Portal | undefined {
    return this.#portal
  }

  /** A new message; everything that may wait, planning included, happens in `step`. */
  start(text: string): void {
    this.#text = text
    this.#index = 0
    this.#statements = []
    this.#core.isMultiStatement = false
  }

  /** Finds the statements of the text. May suspend; then called again. */
  #read(text: string): void {
    const lifted = this.#core.transaction.isFailed ? undefined : liftedStatement(this.#core, text)
    if (lifted !== undefined) this.#open(lifted.statement, lifted.parameters, text)
    else {
      this.#statements = this.#parse(text)
      this.#core.isMultiStatement = this.#statements.length > 1
      if (this.#statements.length === 0) this.#core.sink.emptyQuery()
    }
    this.#text = undefined
  }

  /** Texts without literals come again as they are: BEGIN, END, COMMIT. */
  #parse(text: string): readonly ParsedStatement[] {
    const { plans } = this.#core
    const known = plans.get(text)
    if (known !== undefined) return [known.parsed]
    const statements = parseSql(text)
    const [only] = statements
    if (statements.length === 1 && only?.tag === 'TransactionStmt') plans.set(text, utilityEntry(only))
    return statements
  }

  stop(): void {
    this.#portal = undefined
    this.#statements = []
    this.#index = 0
    this.#text = undefined
  }

  /** Runs until all statements are done (true) or COPY FROM STDIN takes over (false). May suspend. */
  step(): boolean {
    if (this.#text !== undefined) this.#read(this.#text)
    for (;;) {
      if (this.#portal === undefined) {
        const parsed = this.#statements[this.#index]
        if (parsed === undefined) return true
        this.#next(parsed)
      }
      if (!this.#runPortal(this.#portal as Portal)) return false
      if (this.#index < this.#statements.length) this.#betweenStatements()
    }
  }

  #next(parsed: ParsedStatement): void {
    const core = this.#core
    if (core.transaction.isFailed && parsed.tag !== 'TransactionStmt') throw failedBlock()
    core.transaction.ensureStarted(core.backend.clock.wallMicros())
    this.#open(parsedPortalStatement(core, parsed, this.#statements.length === 1), [], parsed.text)
    this.#index++
  }

  #open(statement: PortalStatement, parameters: Row, text: string): void {
    this.#portal = new Portal('', statement, { parameters, text })
    this.#isDescribed = false
    this.#sent = 0
  }

  #betweenStatements(): void {
    this.#core.context.startStatement(this.#core.backend.clock.wallMicros())
  }

  /** False when a COPY FROM STDIN began. May suspend; then called again. */
  #runPortal(portal: Portal): boolean {
    const core = this.#core
    const { sink } = core
    const { statement } = portal
    if (statement.columns === undefined && !portal.isDone) portal.nextRow()
    const { columns } = statement
    if (columns !== undefined) {
      if (!this.#isDescribed) {
        // The first row is asked for before the description is written: planning anew may still change it.
        this.#prefetch(portal)
        sink.rowDescription(resultForm(core, portal).fields)
        this.#isDescribed = true
      }
      this.#sendRows(portal, columns.length)
    }
    if (statement.copyIn !== undefined) {
      this.#portal = undefined
      this.#host.startCopy(statement.copyIn())
      return false
    }
    const tag = statement.tag(
      columns === undefined || statement.countsAffected ? portal.rowCount : this.#sent,
    )
    core.finishRun(portal)
    this.#portal = undefined
    sink.commandComplete(tag)
    return true
  }

  /**
   * An error of the first rows comes behind their description, one of planning instead of it. Literals that were lifted
   * were no constants for the planner: what it would have said of them is found out now.
   */
  #prefetch(portal: Portal): void {
    try {
      portal.prefetch()
    } catch (error) {
      const { statement } = portal
      if (error !== SUSPENDED && portal.isStarted && statement instanceof PlannedStatement) {
        const isLifted = this.#statements.length === 0
        const { columns, plan } = statement
        const isStreamed = plan.command === 'SELECT' && !plan.writes && columns !== undefined
        if (isStreamed && !(isLifted && failsWhenPlanned(this.#core, portal.text)))
          this.#core.sink.rowDescription(resultForm(this.#core, portal).fields)
      }
      throw error
    }
  }

  #sendRows(portal: Portal, columnCount: number): void {
    const { sink, context } = this.#core
    const { encode } = resultForm(this.#core, portal)
    const { writer } = sink
    for (;;) {
      if (sink.isFull) this.#core.flushRows(portal)
      const row = portal.nextRow()
      if (row === undefined) return
      this.#sent++
      sink.beginRow(columnCount)
      encode(row, writer, context)
      sink.endRow()
    }
  }
}
