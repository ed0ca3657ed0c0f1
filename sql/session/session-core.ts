// The state of one session, and what its statements may do with it: settings, transaction, portals, prepared statements,
// planning. The protocol (server-session.ts) and the utility statements (utility/) both work on this.
//
//   ServerSession ──▶ SessionCore ◀── utility statements
//                        │ plan(), openPlan(), transaction, settings, portals, statements
//                        ▼
//             analysis, planner, executor, catalog, engine

import type { Lsn } from '../../storage/base/ids.ts'
import { runSuspendable, suspend } from '../../storage/base/suspend.ts'
import type { Database, LockOwner } from '../../storage/engine/engine.ts'
import type { CommitOrigin } from '../../storage/log/record.ts'
import type { Catalog, Role, ServerState } from '../catalog/catalog.ts'
import type { Contents } from '../catalog/contents.ts'
import type { DeferredCheck, Execution, PreparedPlan } from '../exec/execution.ts'
import { EPOCH_2000_MICROS } from '../functions/when.ts'
import { SqlError, type SqlNotice } from '../types/sql-error.ts'
import type { Row } from '../types/value.ts'
import { temporarySchemaName } from '../ddl/ddl.ts'
import { type OwnState, Places } from './branching/places.ts'
import type { DatabaseHandle, SharedBackend } from './database-handle.ts'
import { NoticeLevel } from './notice-level.ts'
import { Notifications } from './notifications.ts'
import { OpenViews } from './open-views.ts'
import { PastReading } from './past-reading.ts'
import { type PlanMap, plansFor } from './plan-cache.ts'
import type { Portal } from './portal.ts'
import { PortalTable } from './portal-table.ts'
import type { PreparedStatement } from './prepared-statement.ts'
import { RunContext, type RunHost } from './run-context.ts'
import { SessionContext } from './session-context.ts'
import { SessionMove } from './session-move.ts'
import { makeServices } from './session-services.ts'
import type { ResponseSink, StartupRequest } from './session.ts'
import { SettingRules } from './setting-rules.ts'
import { Settings } from './settings.ts'
import { SessionTransaction, type TransactionHost } from './transaction.ts'
import { Turns, type Waits } from './turn.ts'
import { dropTemporaryObjects, onCommitActions } from './utility/ddl-statement.ts'

/** How a plan is started: see openPlan. */
export interface PlanStart {
  /** The version of the catalog that the plan fits, looked at again after locks were waited for; undefined: any. */
  readonly catalogVersion: string | undefined
  /** Count rows and time of each node (EXPLAIN ANALYZE). */
  readonly instrument?: boolean | undefined
}

export class SessionCore implements RunHost, TransactionHost, Waits {
  readonly backend: SharedBackend
  /** The database that it is connected to. A backtrack moves sessions to another timeline's handle. */
  handle: DatabaseHandle
  /** borealis.as_of, and where this session goes when its database was moved. */
  readonly past: PastReading
  readonly move: SessionMove
  readonly processId: number
  readonly sink: ResponseSink
  readonly remoteAddress: string | undefined
  readonly settings: Settings
  readonly context: SessionContext
  readonly transaction: SessionTransaction
  readonly turns: Turns
  readonly notifications: Notifications
  readonly portals: PortalTable = new PortalTable()
  readonly statements: Map<string, PreparedStatement> = new Map()
  /** Sequences: currval by oid, and the last one used (lastval). */
  readonly sequenceValues: Map<number, number | bigint> = new Map()
  lastSequenceOid = 0
  workMemBytes = 4_194_304
  statementTimeoutMs = 0
  isSuperuser: boolean
  roleOid: number
  sessionRoleOid: number
  /** What pg_stat_activity shows. */
  queryText = ''
  /** The message under way is a simple Query; with several statements, some commands are refused. */
  isSimpleQuery = false
  isMultiStatement = false
  /** Ends the connection (pg_terminate_backend, DROP DATABASE ... WITH (FORCE)). */
  readonly terminate: (reason: SqlError) => void
  readonly loginRoleName: string
  readonly temporarySchema: string
  queryStartMicros = 0
  readonly startMicros: number
  readonly #rules: SettingRules
  #plans: PlanMap | undefined
  #planContents: Contents | undefined
  readonly #noticeLevel = new NoticeLevel()
  /** Highest LSN that rows already written to the sink were read at. */
  seenLsn: Lsn = 0 as Lsn
  /** A commit of the cluster's timeline that what the session does rests on and that may not be durable yet; 0: none. */
  clusterSeenLsn: Lsn = 0 as Lsn
  /** What a statement that changes databases waits for besides its commits before it is answered. */
  answerAfter: Promise<void> | undefined
  readonly views: OpenViews = new OpenViews()

  constructor(backend: SharedBackend, handle: DatabaseHandle, request: StartupRequest, role: Role) {
    this.backend = backend
    this.handle = handle
    this.terminate = request.terminate
    this.past = new PastReading(this)
    this.move = new SessionMove(this)
    this.processId = request.processId
    this.sink = request.sink
    this.remoteAddress = request.remoteAddress
    this.roleOid = role.oid
    this.sessionRoleOid = role.oid
    this.isSuperuser = role.superuser
    this.startMicros = backend.clock.wallMicros()
    this.turns = new Turns(backend.clock, this)
    this.#rules = new SettingRules(this)
    this.settings = new Settings(this.#rules)
    this.transaction = new SessionTransaction(this)
    this.notifications = new Notifications(this)
    this.server = handle.serverState(this)
    this.loginRoleName = role.name
    this.temporarySchema = temporarySchemaName(this.processId)
    this.context = new SessionContext(
      {
        clock: backend.clock,
        prng: backend.prng,
        processId: this.processId,
        databaseName: handle.name,
        catalog: () => this.transaction.catalog,
        transactionMicros: () => this.transaction.startMicros - EPOCH_2000_MICROS,
      },
      { settings: this.settings, user: role.name, lookup: handle.lookup(this), services: makeServices(this) },
    )
  }

  // --- names and catalog ---

  get database(): DatabaseHandle['database'] {
    return this.handle.database
  }

  /** What statements read: the point of the past that borealis.as_of names, else the database. */
  get reading(): DatabaseHandle {
    return this.past.handle ?? this.handle
  }

  get pastDatabase(): Database | undefined {
    return this.past.handle?.database
  }

  /** Nothing can be written: a read-only transaction, or a point of the past. */
  get isReadOnly(): boolean {
    return this.transaction.isReadOnly || this.reading.database.isPast
  }

  requireUnmoved(): void {
    if (this.move.reason !== undefined) throw this.move.reason
  }

  readonly server: ServerState

  get functions(): SessionContext {
    return this.context
  }

  get catalog(): Catalog {
    return this.transaction.catalog
  }

  /** Its locks in the database that it is connected to. */
  get lockOwner(): LockOwner {
    return this.handle.lockOwner(this)
  }

  get origin(): CommitOrigin {
    return { processId: this.processId, roleOid: this.roleOid }
  }

  currentCatalog(): Catalog {
    return this.reading.catalog
  }

  /** The plan map of the current search path. */
  get plans(): PlanMap {
    const contents = this.reading.catalogs.store.current
    if (this.#plans === undefined || this.#planContents !== contents) {
      this.#planContents = contents
      this.#plans = plansFor(contents).forSearchPath(this.context.searchPathKey)
    }
    return this.#plans
  }

  /** Statements are looked up and planned in another database from here on. */
  forgetPlans(): void {
    this.#plans = undefined
  }

  /** A setting changed: see SettingRules. */
  settingChanged(name: string, value: string): void {
    // The constructor of Settings may report before the context stands.
    this.context?.settingChanged(name, value)
    switch (name) {
      case 'search_path':
      case 'role':
      case 'session_authorization':
        this.#plans = undefined
        return
      case 'borealis.as_of':
        this.past?.changed(value)
        return
      case 'work_mem':
        this.workMemBytes = Number(value) * 1024
        return
      case 'statement_timeout':
        this.statementTimeoutMs = Number(value)
        return
      case 'lock_timeout':
        this.turns.lockTimeoutMs = Number(value)
        return
      case 'client_min_messages':
        this.#noticeLevel.set(value)
        return
      default:
        this.transaction.settingChanged(name, value)
    }
  }

  // --- running plans ---

  /**
   * Starts a plan: locks its tables, takes its snapshot. The caller has made sure that the plan fits the catalog; that is
   * asked again after locks were waited for. Returns undefined when the plan must be made anew.
   * May suspend.
   */
  openPlan(plan: PreparedPlan, parameters: Row, portal: Portal, start: PlanStart): Execution | undefined {
    const { transaction } = this
    if (plan.foldError !== undefined) throw plan.foldError
    if (plan.writes) this.#checkWritable(plan)
    const isPast = this.pastDatabase !== undefined
    if (plan.writes || (transaction.isBlock && !isPast)) {
      const writer = transaction.writer()
      for (const table of plan.tables) writer.lockTable(table.oid, table.mode, 'wait')
      const { catalogVersion } = start
      if (catalogVersion !== undefined && catalogVersion !== this.catalog.version) return undefined
    }
    if (!this.isSuperuser) this.backend.checkPrivileges(this, plan)
    const commandId = transaction.nextCommandId()
    const view = transaction.statementView(commandId, plan)
    portal.view = view
    portal.savepointDepth = transaction.savepointDepth
    this.views.begin(view)
    return plan.start(
      new RunContext(this, {
        catalog: transaction.catalog,
        parameters,
        view,
        transaction: plan.writes ? transaction.writer() : isPast ? undefined : transaction.engineTransaction,
        isolation: transaction.isolation,
        commandId,
        instrument: start.instrument,
      }),
    )
  }

  #checkWritable(plan: PreparedPlan): void {
    if (!this.isReadOnly) return
    throw new SqlError('25006', `cannot execute ${plan.command} in a read-only transaction`)
  }

  checkpoint(): void {
    this.turns.checkpoint()
  }

  nextCommandId(): number {
    return this.transaction.nextCommandId()
  }

  deferCheck(check: DeferredCheck): void {
    this.transaction.defer(check)
  }

  isDeferred(constraintOid: number): boolean | undefined {
    return this.transaction.isDeferred(constraintOid)
  }

  /** Drops the session's temporary tables, in a transaction of its own. */
  async dropTemporary(): Promise<void> {
    if (this.database.isPast || this.handle.catalog.schemaByName(this.temporarySchema) === undefined) return
    this.past.leave()
    this.transaction.ensureStarted(this.backend.clock.wallMicros())
    await dropTemporaryObjects(this)
    await runSuspendable(() => this.transaction.commit())
  }

  notice(notice: SqlNotice): void {
    if (this.#noticeLevel.passes(notice)) this.sink.notice(notice)
  }

  /** A notice or warning with nothing but a text. */
  say(severity: 'NOTICE' | 'WARNING' | 'INFO', message: string, code?: string): void {
    this.notice({ severity, code: code ?? (severity === 'WARNING' ? '01000' : '00000'), message, fields: {} })
  }

  /** Refuses what writes in a read-only transaction, naming it. */
  requireWritable(what: string): void {
    if (this.isReadOnly) throw new SqlError('25006', `cannot execute ${what} in a read-only transaction`)
  }

  // --- waiting ---

  isHeld(): boolean {
    return this.transaction.isCommitting
  }

  leaveLock(reason: SqlError): void {
    this.lockOwner.cancelWait(reason)
  }

  /** A COPY FROM has read everything: its statement is over. */
  finishCopy(): void {
    this.views.releaseHeld()
  }

  /** The statement failed: what it held is let go. */
  statementFailed(): void {
    this.views.releaseHeld()
    if (this.views.isIdle) this.#closeOwned()
    this.isMultiStatement = false
  }

  /** Called when the running statement must wait: other sessions will change pages meanwhile. */
  readonly waiting: { before(): void; after(): void } = {
    before: (): void => this.views.pinActive(),
    after: (): void => undefined,
  }

  /** A portal stays open beyond this turn: its view must keep its pages. */
  keepOpen(portal: Portal): void {
    if (portal.view !== undefined && !portal.isDone) this.views.pin(portal.view)
  }

  /** The run of a portal is over: its view is let go, and what it saw is remembered until it is durable. */
  finishRun(portal: Portal): void {
    const { view } = portal
    if (view === undefined) return
    // A statement without rows shows nothing of what it read: its own commit, which comes later in the log, is waited for.
    // What is read of the past was durable before it was opened.
    if (portal.statement.columns !== undefined && view.seenLsn > this.seenLsn && !view.database.isPast) {
      this.seenLsn = view.seenLsn
    }
    this.views.finish(view)
    portal.view = undefined
    if (this.views.isIdle) this.#closeOwned()
  }

  // --- what runs hold beside their own view ---

  readonly #owned: { close(): void }[] = []

  /** Closes something when the runs that are open now are over. */
  own(closable: { close(): void }): void {
    this.#owned.push(closable)
  }

  #closeOwned(): void {
    if (this.#owned.length === 0) return
    for (const closable of this.#owned.splice(0)) closable.close()
  }

  places(own: () => OwnState): Places {
    const places = new Places(this, own)
    this.own(places)
    return places
  }

  /** Hands rows to the socket in mid-result; nothing leaves before it is durable. May suspend. */
  flushRows(portal: Portal): void {
    const seen = portal.view?.seenLsn
    const database = portal.view?.database ?? this.database
    if (seen !== undefined && seen > database.vdl) {
      suspend(
        new Promise<void>((resolve, reject) =>
          database.onDurable(seen, (error) => (error === undefined ? resolve() : reject(error))),
        ),
      )
    }
    const flushed = this.sink.flush()
    if (flushed !== undefined) suspend(flushed)
  }

  closePortal(portal: Portal): void {
    portal.close()
    this.finishRun(portal)
    this.portals.remove(portal)
  }

  // --- ends of transactions (TransactionHost) ---

  runDeferred(checks: DeferredCheck[]): void {
    while (checks.length > 0) {
      const check = checks[0] as DeferredCheck
      const commandId = this.transaction.nextCommandId()
      const view = this.transaction.statementView(commandId)
      check.run(
        new RunContext(this, {
          catalog: this.transaction.catalog,
          parameters: [],
          view,
          transaction: this.transaction.writer(),
          isolation: this.transaction.isolation,
          commandId,
        }),
      )
      checks.shift()
    }
  }

  beforeCommit(): void {
    this.#runOnCommit()
    if (!this.portals.hasNamed) return
    for (const portal of this.portals.named()) {
      if (portal.isHoldable && !portal.isDone) portal.materialise()
    }
  }

  /** ON COMMIT DELETE ROWS and DROP of temporary tables. Suspends once, while they are done. */
  #runOnCommit(): void {
    if (this.#onCommit === 'done' || this.pastDatabase !== undefined) return
    if (this.catalog.schemaByName(this.temporarySchema) === undefined) return
    this.#onCommit ??= onCommitActions(this).then(() => {
      this.#onCommit = 'done'
    })
    suspend(this.#onCommit)
  }

  #onCommit: Promise<void> | 'done' | undefined

  ended(committed: boolean): void {
    this.#onCommit = undefined
    if (!this.portals.isEmpty) {
      for (const portal of this.portals.all()) if (!portal.isHoldable || !committed) this.closePortal(portal)
    }
    this.views.releaseHeld()
    this.#closeOwned()
    this.notifications.transactionEnded(committed)
    if (this.move.reason !== undefined) this.move.finish()
  }

  settingsMark(): number {
    return this.settings.mark
  }

  rollbackSettings(mark: number): void {
    this.settings.rollbackTo(mark)
  }

  commitSettings(): void {
    this.settings.commit()
  }

  /** Closes the portals that were made inside a savepoint that was rolled back. */
  closePortalsAbove(depth: number): void {
    for (const portal of this.portals.all()) if (portal.savepointDepth >= depth) this.closePortal(portal)
  }
}
