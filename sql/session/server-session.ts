// A session as the server calls it: both protocols over one SessionCore.
//
//   simple:    query(text) ──▶ [statement, statement, ...] ──▶ portal each ──▶ rows, tag ──▶ commit ──▶ durable
//   extended:  parse ──▶ bind ──▶ describe ──▶ execute ... ──▶ sync ──▶ commit ──▶ durable
//
// Every call runs as one drive (turn.ts): synchronous unless something must be waited for. What a call answers has been
// written to the sink by then; it may leave once everything it shows is durable, which is the last thing waited for.

import type { Lsn } from '../../storage/base/ids.ts'
import { SqlError } from '../types/sql-error.ts'
import type { Row } from '../types/value.ts'
import { bindParameters } from './bind-parameters.ts'
import type { CopyIn } from './copy/copy-in.ts'
import { Portal } from './portal.ts'
import { outcomeUnknown, untilDurable } from './durable-wait.ts'
import type { PreparedStatement } from './prepared-statement.ts'
import { failedBlock } from './failed-block.ts'
import { describePrepared, prepare } from './prepare.ts'
import { resultForm } from './result-format.ts'
import type { SessionCore } from './session-core.ts'
import type { BindRequest, Session, Step, TransactionStatus } from './session.ts'
import { SimpleQuery } from './simple-query.ts'
import { isCurrent, preparedPortalStatement } from './statement-runner.ts'

export class ServerSession implements Session {
  readonly #core: SessionCore
  readonly #simple: SimpleQuery
  #copyIn: CopyIn | undefined
  #isClosed = false
  // The call under way: fields instead of closures, so that the hot path makes none.
  #portal: Portal | undefined
  #maxRows = 0
  #sent = 0
  #copyMessage: Buffer = Buffer.alloc(0)
  #copyStart = 0
  #copyEnd = 0
  readonly #executeStep = (): void => this.#stepExecute()
  readonly #simpleStep = (): boolean => this.#simple.step()
  readonly #copyStep = (): void => this.#copyIn?.data(this.#copyMessage, this.#copyStart, this.#copyEnd)
  readonly #commitStep = (): void => this.#core.transaction.commit()

  readonly #onClose: () => void

  constructor(core: SessionCore, onClose: () => void) {
    this.#core = core
    this.#onClose = onClose
    this.#simple = new SimpleQuery(core, {
      startCopy: (copy) => {
        this.#copyIn = copy
      },
    })
  }

  get transactionStatus(): TransactionStatus {
    return this.#core.transaction.status
  }

  get isCopyingIn(): boolean {
    return this.#copyIn !== undefined
  }

  // --- simple protocol ---

  query(text: string): Step {
    const core = this.#core
    this.#begin(text)
    core.isSimpleQuery = true
    try {
      this.#simple.start(text)
      const done = core.turns.drive(this.#simpleStep, core.waiting)
      if (typeof done === 'boolean') return this.#afterSimple()
      return done.then(
        () => this.#afterSimple(),
        (error: unknown) => this.#fail(error),
      )
    } catch (error) {
      return this.#fail(error)
    }
  }

  #afterSimple(): Step {
    // COPY FROM STDIN stopped the query in the middle: it goes on at copyDone.
    if (this.#copyIn !== undefined) return undefined
    return this.#settle()
  }

  // --- extended protocol ---

  parse(statementName: string, text: string, parameterTypes: readonly number[]): Step {
    const core = this.#core
    this.#begin(text)
    return this.#run(() => {
      if (statementName !== '' && core.statements.has(statementName)) {
        throw new SqlError('42P05', `prepared statement "${statementName}" already exists`)
      }
      const statement = prepare(core, statementName, text, parameterTypes)
      core.statements.set(statementName, statement)
      core.sink.parseComplete()
    })
  }

  bind(request: BindRequest): Step {
    const core = this.#core
    const statement = core.statements.get(request.statementName)
    try {
      if (statement === undefined) throw unknownStatement(request.statementName)
      const { transaction } = core
      if (transaction.isIdle && !core.turns.isRunning)
        transaction.ensureStarted(core.backend.clock.wallMicros())
      checkFailed(core, statement)
      this.#freePortalName(request.portalName)
      // The message's bytes are there during this call only; a plan that must be made anew may take longer.
      const parameters = bindParameters(core, statement, request)
      checkFormats(request.resultFormats, statement)
      if (isCurrent(core, statement)) {
        this.#makePortal(statement, request, parameters)
        core.sink.bindComplete()
        return undefined
      }
      return this.#run(() => {
        this.#makePortal(statement, request, parameters)
        core.sink.bindComplete()
      })
    } catch (error) {
      return this.#fail(error)
    }
  }

  #freePortalName(name: string): void {
    const previous = this.#core.portals.get(name)
    if (previous === undefined) return
    if (name !== '') throw new SqlError('42P03', `cursor "${name}" already exists`)
    this.#core.closePortal(previous)
  }

  /** May suspend, before anything changed. */
  #makePortal(statement: PreparedStatement, request: BindRequest, parameters: Row): void {
    const core = this.#core
    const runnable = preparedPortalStatement(core, statement, parameters)
    const foldError = statement.cached?.plan?.foldError
    if (foldError !== undefined) throw foldError
    const portal = new Portal(request.portalName, runnable, {
      parameters,
      resultFormats: request.resultFormats,
      text: statement.text,
    })
    core.portals.set(request.portalName, portal)
  }

  describeStatement(name: string): Step {
    const core = this.#core
    return this.#run(() => {
      const statement = core.statements.get(name)
      if (statement === undefined) throw unknownStatement(name)
      describePrepared(core, statement)
    })
  }

  describePortal(name: string): Step {
    const portal = this.#core.portals.get(name)
    if (portal?.statement.isDescribed === true) {
      try {
        this.#describe(portal)
        return undefined
      } catch (error) {
        return this.#fail(error)
      }
    }
    return this.#run(() => {
      if (portal === undefined) throw unknownPortal(name)
      this.#describe(portal)
    })
  }

  #describe(portal: Portal): void {
    const { sink } = this.#core
    if (portal.statement.columns === undefined) sink.noData()
    else sink.rowDescription(resultForm(this.#core, portal).fields)
  }

  execute(portalName: string, maxRows: number): Step {
    const core = this.#core
    try {
      const portal = core.portals.get(portalName)
      if (portal === undefined) throw unknownPortal(portalName)
      this.#begin(portal.text)
      core.isSimpleQuery = false
      this.#portal = portal
      this.#maxRows = maxRows
      this.#sent = 0
      const done = core.turns.drive(this.#executeStep, core.waiting)
      if (done === undefined) return this.#afterExecute()
      return done.then(
        () => this.#afterExecute(),
        (error: unknown) => this.#fail(error),
      )
    } catch (error) {
      return this.#fail(error)
    }
  }

  /** Sends rows of the portal; resumable. */
  #stepExecute(): void {
    const core = this.#core
    const portal = this.#portal as Portal
    const { sink } = core
    if (portal.statement.isEmpty) {
      sink.emptyQuery()
      return
    }
    const { columns } = portal.statement
    if (columns !== undefined) {
      const { encode } = resultForm(core, portal)
      const { context } = core
      const { writer } = sink
      while (this.#maxRows === 0 || this.#sent < this.#maxRows) {
        if (sink.isFull) core.flushRows(portal)
        const row = portal.nextRow()
        if (row === undefined) break
        this.#sent++
        sink.beginRow(columns.length)
        encode(row, writer, context)
        sink.endRow()
      }
      if (this.#maxRows !== 0 && this.#sent >= this.#maxRows) {
        core.keepOpen(portal)
        sink.portalSuspended()
        return
      }
    } else if (!portal.isDone) portal.nextRow()
    if (portal.statement.copyIn !== undefined) {
      this.#copyIn = portal.statement.copyIn()
      return
    }
    const tag = portal.statement.tag(
      columns === undefined || portal.statement.countsAffected ? portal.rowCount : this.#sent,
    )
    core.finishRun(portal)
    sink.commandComplete(tag)
  }

  #afterExecute(): Step {
    this.#portal = undefined
    if (this.#copyIn !== undefined) return undefined
    return this.#durable()
  }

  closeStatement(name: string): Step {
    this.#core.statements.delete(name)
    this.#core.sink.closeComplete()
    return undefined
  }

  closePortal(name: string): Step {
    const portal = this.#core.portals.get(name)
    if (portal !== undefined) this.#core.closePortal(portal)
    this.#core.sink.closeComplete()
    return undefined
  }

  sync(): Step {
    return this.#settle()
  }

  // --- COPY FROM STDIN ---

  copyData(message: Buffer, start: number, end: number): Step {
    if (this.#copyIn === undefined) return undefined
    this.#copyMessage = message
    this.#copyStart = start
    this.#copyEnd = end
    return this.#run(this.#copyStep)
  }

  copyDone(): Step {
    const copy = this.#copyIn
    if (copy === undefined) return undefined
    const finish = (): void => {
      copy.finish()
      this.#copyIn = undefined
      this.#core.sink.commandComplete(`COPY ${copy.rowCount}`)
    }
    const done = this.#run(finish)
    if (!copy.isSimple) return done
    return done === undefined ? this.#resumeSimple() : done.then(() => this.#resumeSimple())
  }

  /** The simple query that COPY stopped goes on with its next statement. */
  #resumeSimple(): Step {
    const core = this.#core
    try {
      const done = core.turns.drive(this.#simpleStep, core.waiting)
      if (typeof done === 'boolean') return this.#afterSimple()
      return done.then(
        () => this.#afterSimple(),
        (error: unknown) => this.#fail(error),
      )
    } catch (error) {
      return this.#fail(error)
    }
  }

  copyFail(reason: string): Step {
    return this.#fail(
      new SqlError('57014', `COPY from stdin failed: ${reason}`, { where: this.#copyIn?.where() }),
    )
  }

  // --- ends ---

  /** Commits an implicit transaction, waits for what must be durable, reports changed settings. */
  #settle(): Step {
    const core = this.#core
    const { transaction } = core
    if (transaction.isImplicit) {
      // Its statement's time is the commit's as well.
      if (core.statementTimeoutMs > 0 && !core.turns.isTimed) core.turns.startTimeout(core.statementTimeoutMs)
      try {
        const done = core.turns.drive(this.#commitStep, core.waiting)
        if (done !== undefined) {
          return done.then(
            () => this.#durable(),
            (error: unknown) => this.#fail(error),
          )
        }
      } catch (error) {
        return this.#fail(error)
      }
    }
    return this.#durable()
  }

  /** Resolves once nothing that was answered can be lost. */
  #durable(): Step {
    const core = this.#core
    const { transaction, database } = core
    this.#report()
    const lsn = transaction.commitLsn > core.seenLsn ? transaction.commitLsn : core.seenLsn
    const clusterLsn = Math.max(transaction.clusterCommitLsn, core.clusterSeenLsn) as Lsn
    if (lsn <= database.vdl && clusterLsn === 0) {
      // What was executed and is not committed yet has its commit still to come.
      if (!transaction.isImplicit) core.turns.stopTimeout()
      return undefined
    }
    core.clusterSeenLsn = 0 as Lsn
    const { answerAfter } = core
    core.answerAfter = undefined
    return untilDurable(core, lsn, clusterLsn).then(() => answerAfter)
  }

  #report(): void {
    const { settings, sink, notifications } = this.#core
    if (settings.hasUnreported)
      for (const [name, value] of settings.takeUnreported()) sink.parameterStatus(name, value)
    if (this.#core.transaction.isIdle) notifications.deliver()
  }

  #begin(text: string): void {
    const core = this.#core
    if (core.move.reason !== undefined) this.#checkMove(text)
    const now = core.backend.clock.wallMicros()
    core.queryText = text
    core.queryStartMicros = now
    core.transaction.ensureStarted(now)
    core.context.startStatement(now)
    if (core.statementTimeoutMs > 0) core.turns.startTimeout(core.statementTimeoutMs)
  }

  #checkMove(text: string): void {
    try {
      this.#core.move.check(text)
    } catch (error) {
      this.#fail(error)
    }
  }

  #run(action: () => void): Step {
    const core = this.#core
    try {
      const done = core.turns.drive(action, core.waiting)
      return done === undefined ? undefined : done.catch((error: unknown) => this.#fail(error))
    } catch (error) {
      return this.#fail(error)
    }
  }

  /** Puts the transaction into the state an error leaves behind, and throws it on. */
  #fail(error: unknown): never {
    const core = this.#core
    core.turns.stopTimeout()
    this.#copyIn = undefined
    const portal = this.#portal ?? this.#simple.portal
    this.#portal = undefined
    const thrown = core.transaction.isCommitting ? outcomeUnknown(error) : error
    if (portal !== undefined) core.closePortal(portal)
    this.#simple.stop()
    core.transaction.fail()
    core.statementFailed()
    this.#report()
    throw thrown
  }

  fail(): void {
    try {
      this.#fail(undefined)
    } catch (thrown) {
      if (thrown !== undefined) throw thrown
    }
  }

  cancel(): void {
    this.#core.turns.cancel(new SqlError('57014', 'canceling statement due to user request'))
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    const core = this.#core
    core.turns.cancel(
      new SqlError('57P01', 'terminating connection due to administrator command', {}, 'FATAL'),
    )
    for (const portal of core.portals.all()) core.closePortal(portal)
    core.transaction.abort()
    await core.dropTemporary()
    core.handle.sessionClosed(core)
    this.#onClose()
  }
}

function unknownStatement(name: string): SqlError {
  return name === ''
    ? new SqlError('26000', 'unnamed prepared statement does not exist')
    : new SqlError('26000', `prepared statement "${name}" does not exist`)
}

function unknownPortal(name: string): SqlError {
  return new SqlError('34000', `portal "${name}" does not exist`)
}

function checkFormats(formats: readonly number[], statement: PreparedStatement): void {
  const columnCount = statement.columns?.length ?? 0
  if (formats.length <= 1 || formats.length === columnCount) return
  throw new SqlError(
    '08P01',
    `bind message has ${formats.length} result formats but query has ${columnCount} columns`,
  )
}

/** In a failed block only the statements that end it may be bound. */
function checkFailed(core: SessionCore, statement: PreparedStatement): void {
  if (!core.transaction.isFailed || statement.parsed === undefined) return
  if (statement.parsed.tag !== 'TransactionStmt') throw failedBlock()
}
