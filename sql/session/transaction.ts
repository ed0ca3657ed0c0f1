// The transaction of one session: blocks, savepoints, isolation, and what is committed when.
//
//            BEGIN                     error
//   idle ───────────▶ block ─────────────────▶ failed
//    ▲ │ statement      │ COMMIT / ROLLBACK       │ ROLLBACK (or COMMIT)
//    │ └─▶ implicit ────┴─────────────────────────┘
//    └──── end of message (simple) or Sync (extended): commit, or roll back after an error
//
// The engine's transaction begins with the first statement that writes; a transaction that only reads never has one.
// Invariants: at most one engine transaction on the database and one on the cluster's timeline; REPEATABLE READ and
// above keep one pinned view from the first statement on; catalog edits are published in the same turn in which the
// engine applied the commit.

import { must } from '../../storage/base/assert.ts'
import type { Lsn } from '../../storage/base/ids.ts'
import type { CommitOrigin } from '../../storage/log/record.ts'
import type { Database, LockOwner, Savepoint, Transaction, View } from '../../storage/engine/engine.ts'
import type { Catalog, SharedCatalog } from '../catalog/catalog.ts'
import type { DeferredCheck } from '../exec/execution.ts'
import { SqlError, unsupported } from '../types/sql-error.ts'
import type { TransactionStatus } from './session.ts'

export type Isolation = 'read committed' | 'repeatable read' | 'serializable'

/** A transaction's changed catalog; made by the catalog layer when DDL begins. */
export interface CatalogEdit {
  snapshot(): Catalog
  /** A mark for rollbackTo, to be taken at savepoints. */
  mark(): number
  rollbackTo(mark: number): void
  /** Makes the edit visible to other sessions; called right after the engine applied the commit. */
  publish(lsn: Lsn): void
}

/** What the session does around the ends of a transaction. */
export interface TransactionHost {
  readonly database: Database
  /** With whose locks those of its transactions never conflict. */
  readonly lockOwner: LockOwner
  /** Who commits, for the log. */
  readonly origin: CommitOrigin
  /** A point of the past that statements read instead, without the transaction's own writes; undefined: the present. */
  readonly pastDatabase: Database | undefined
  /** Throws 40001 when the database was moved to another point of its history under the transaction. */
  requireUnmoved(): void
  /** The catalog that statements outside of any edit use now. */
  currentCatalog(): Catalog
  /** Runs the checks that were deferred. May suspend; then called again with those left. */
  runDeferred(checks: DeferredCheck[]): void
  /** Before the commit: ON COMMIT actions of temporary tables, holdable cursors. May suspend; then called again. */
  beforeCommit(): void
  /** The transaction is over; `committed` tells how. */
  ended(committed: boolean): void
  settingsMark(): number
  rollbackSettings(mark: number): void
  commitSettings(): void
}

interface SavepointState {
  readonly name: string
  readonly engine: Savepoint | undefined
  readonly cluster: Savepoint | undefined
  readonly catalogMark: number
  readonly clusterMark: number
  readonly settingsMark: number
  readonly deferredCount: number
}

export class SessionTransaction {
  isolation: Isolation = 'read committed'
  isReadOnly = false
  isDeferrable = false
  /** Characteristics of the next transactions (SET SESSION CHARACTERISTICS, default_transaction_*). */
  defaults: { isolation: Isolation; isReadOnly: boolean; isDeferrable: boolean } = {
    isolation: 'read committed',
    isReadOnly: false,
    isDeferrable: false,
  }
  /** Wall time of its start, microseconds since 2000-01-01 (now()). */
  startMicros = 0
  /** LSNs that must be durable before the client may hear of the commit; 0: none. */
  commitLsn: Lsn = 0 as Lsn
  clusterCommitLsn: Lsn = 0 as Lsn
  /** True while the changes of roles and databases that it has committed are made known. */
  isPublishing = false

  readonly #host: TransactionHost
  #state: 'idle' | 'implicit' | 'block' | 'failed' = 'idle'
  #commandId = 0
  #engine: Transaction | undefined
  #cluster: { readonly database: Database; readonly transaction: Transaction } | undefined
  #edit: CatalogEdit | undefined
  #clusterEdit: CatalogEdit | undefined
  #snapshot: View | undefined
  /** Views that others may begin at until this transaction ends, and how they are forgotten. */
  readonly #exported: { readonly view: View; readonly forget: () => void }[] = []
  readonly #savepoints: SavepointState[] = []
  #deferred: DeferredCheck[] = []
  readonly #deferral = new Map<number, boolean>()
  #deferralOfAll: boolean | undefined
  /** Progress of a commit that suspended: the steps already done. */
  #commitStep = 0
  #hadWrites = false

  constructor(host: TransactionHost) {
    this.#host = host
  }

  get status(): TransactionStatus {
    if (this.#state === 'block') return 'T'
    return this.#state === 'failed' ? 'E' : 'I'
  }

  get isIdle(): boolean {
    return this.#state === 'idle'
  }

  get isBlock(): boolean {
    return this.#state === 'block' || this.#state === 'failed'
  }

  get isFailed(): boolean {
    return this.#state === 'failed'
  }

  /** True while a commit has begun to take effect and is not done: an error now says nothing about its outcome. */
  get isCommitting(): boolean {
    const isHalfDone = this.#commitStep === 2 && this.clusterCommitLsn > 0
    return isHalfDone || this.#engine?.isCommitting === true
  }

  get isImplicit(): boolean {
    return this.#state === 'implicit'
  }

  get engineTransaction(): Transaction | undefined {
    return this.#engine
  }

  /** True when a snapshot was taken or something was written: SET TRANSACTION comes too late. */
  get hasRun(): boolean {
    return this.#commandId > 0
  }

  /** Opens an implicit transaction where there is none. Called before every statement. */
  ensureStarted(wallMicros: number): void {
    if (this.#state !== 'idle') return
    this.#state = 'implicit'
    this.#start(wallMicros)
  }

  /** BEGIN. Inside an implicit transaction (several statements in one message) the block takes it over. */
  beginBlock(wallMicros: number): void {
    if (this.#state === 'idle') this.#start(wallMicros)
    this.#state = 'block'
  }

  #start(wallMicros: number): void {
    this.startMicros = wallMicros
    this.#commandId = 0
    this.isolation = this.defaults.isolation
    this.isReadOnly = this.defaults.isReadOnly
    this.isDeferrable = this.defaults.isDeferrable
    this.commitLsn = 0 as Lsn
    this.clusterCommitLsn = 0 as Lsn
  }

  /** What was committed belongs to a timeline that the session has left. */
  forgetCommit(): void {
    this.commitLsn = 0 as Lsn
  }

  nextCommandId(): number {
    return ++this.#commandId
  }

  /** The catalog as this transaction sees it. */
  get catalog(): Catalog {
    const edit = this.#edit ?? this.#clusterEdit
    if (edit === undefined || this.#host.pastDatabase !== undefined) return this.#host.currentCatalog()
    return edit.snapshot()
  }

  /** Roles and databases as this transaction has changed them; undefined: it has not. */
  get changedShared(): SharedCatalog | undefined {
    return this.#clusterEdit?.snapshot().shared
  }

  /** A view for a statement that starts now, reading what earlier commands of this transaction wrote. */
  statementView(commandId: number, plan?: { readonly writes: boolean }): View {
    const { database, pastDatabase } = this.#host
    if (pastDatabase !== undefined) return pastView(pastDatabase, commandId)
    this.#host.requireUnmoved()
    let view: View
    const onlyReads = plan?.writes === false && this.#engine?.hasWrites !== true
    if (this.isolation === 'read committed')
      view = onlyReads ? database.view(database.readPoint()) : database.view()
    else {
      if (this.#snapshot === undefined) {
        this.#snapshot = database.view()
        database.pin(this.#snapshot)
      }
      view = database.view(this.#snapshot.readLsn)
    }
    view.transaction = this.#engine
    view.commandId = commandId
    return view
  }

  /** What this transaction reads now, for another to begin at; kept until it ends, when `forget` is called. */
  exportView(forget: (lsn: Lsn) => void): Lsn {
    const { database, pastDatabase } = this.#host
    if (pastDatabase !== undefined) throw unsupported('a snapshot of the past')
    const view = database.view(this.isolation === 'read committed' ? undefined : this.#snapshot?.readLsn)
    database.pin(view)
    this.#exported.push({ view, forget: () => forget(view.readLsn) })
    return view.readLsn
  }

  /** Begins at a view that another transaction has exported, and keeps. */
  importView(lsn: Lsn): void {
    const { database } = this.#host
    this.#snapshot = database.view(lsn)
    database.pin(this.#snapshot)
  }

  /** default_transaction_* hold from the next transaction on. */
  settingChanged(name: string, value: string): void {
    const { defaults } = this
    if (name === 'default_transaction_isolation')
      defaults.isolation = value === 'read uncommitted' ? 'read committed' : (value as Isolation)
    else if (name === 'default_transaction_read_only') defaults.isReadOnly = value === 'on'
    else if (name === 'default_transaction_deferrable') defaults.isDeferrable = value === 'on'
  }

  /** The engine's transaction, begun at the first need. */
  writer(): Transaction {
    if (this.#engine !== undefined) return this.#engine
    this.#host.requireUnmoved()
    this.#engine = this.#host.database.begin(this.#host.lockOwner, this.#host.origin)
    return this.#engine
  }

  clusterWriter(cluster: Database): Transaction {
    this.#cluster ??= { database: cluster, transaction: cluster.begin() }
    return this.#cluster.transaction
  }

  /** The transaction's catalog edit, made at the first DDL. */
  edit(make: () => CatalogEdit): CatalogEdit {
    this.#edit ??= make()
    return this.#edit
  }

  clusterEdit(make: () => CatalogEdit): CatalogEdit {
    this.#clusterEdit ??= make()
    return this.#clusterEdit
  }

  get currentEdit(): CatalogEdit | undefined {
    return this.#edit
  }

  defer(check: DeferredCheck): void {
    this.#deferred.push(check)
  }

  /** SET CONSTRAINTS: what is deferred in this transaction against its declaration; undefined oids: all. */
  setDeferred(oids: ReadonlySet<number> | undefined, isDeferred: boolean): void {
    if (oids === undefined) {
      this.#deferral.clear()
      this.#deferralOfAll = isDeferred
    } else for (const oid of oids) this.#deferral.set(oid, isDeferred)
  }

  isDeferred(constraintOid: number): boolean | undefined {
    return this.#deferral.get(constraintOid) ?? this.#deferralOfAll
  }

  /** SET CONSTRAINTS ... IMMEDIATE: runs what waits for these constraints (undefined: all). May suspend. */
  runDeferredNow(constraints: ReadonlySet<number> | undefined): void {
    const isChosen = (check: DeferredCheck): boolean =>
      constraints === undefined || constraints.has(check.constraintOid)
    const chosen = this.#deferred.filter(isChosen)
    if (chosen.length === 0) return
    this.#host.runDeferred(chosen)
    this.#deferred = this.#deferred.filter((check) => !isChosen(check))
  }

  // --- savepoints ---

  savepoint(name: string): void {
    this.#savepoints.push({
      name,
      engine: this.writer().savepoint(),
      cluster: this.#cluster?.transaction.savepoint(),
      catalogMark: this.#edit?.mark() ?? 0,
      clusterMark: this.#clusterEdit?.mark() ?? 0,
      settingsMark: this.#host.settingsMark(),
      deferredCount: this.#deferred.length,
    })
  }

  release(name: string): void {
    const index = this.#find(name)
    this.#savepoints.length = index
  }

  /** ROLLBACK TO SAVEPOINT; also revives a failed block. Returns the savepoint's depth, for cursors made since. */
  rollbackTo(name: string): number {
    const index = this.#find(name)
    const savepoint = must(this.#savepoints[index])
    this.#savepoints.length = index + 1
    if (savepoint.engine !== undefined) this.#engine?.rollbackTo(savepoint.engine)
    if (savepoint.cluster !== undefined) {
      this.#cluster?.transaction.rollbackTo(savepoint.cluster)
      this.#clusterEdit?.rollbackTo(savepoint.clusterMark)
    } else this.#abortCluster()
    this.#edit?.rollbackTo(savepoint.catalogMark)
    this.#host.rollbackSettings(savepoint.settingsMark)
    this.#deferred.length = Math.min(this.#deferred.length, savepoint.deferredCount)
    this.#state = 'block'
    return index + 1
  }

  get savepointDepth(): number {
    return this.#savepoints.length
  }

  #find(name: string): number {
    for (let i = this.#savepoints.length - 1; i >= 0; i--) if (this.#savepoints[i]?.name === name) return i
    throw new SqlError('3B001', `savepoint "${name}" does not exist`)
  }

  // --- ends ---

  /** A statement failed: a block waits for ROLLBACK, an implicit transaction is rolled back at once. */
  fail(): void {
    this.#commitStep = 0
    this.#hadWrites = false
    if (this.#state !== 'block' && this.#state !== 'failed') {
      this.abort()
      return
    }
    this.#state = 'failed'
    // What the failed part did and locked goes at once, as in PostgreSQL; an outer savepoint's part stays.
    const savepoint = this.#savepoints.at(-1)
    if (savepoint?.engine !== undefined) this.#engine?.rollbackTo(savepoint.engine)
    else {
      this.#engine?.abort()
      this.#engine = undefined
      this.#edit = undefined
      this.#abortCluster()
    }
  }

  /**
   * Commits. May suspend; then called again. Afterwards commitLsn (and clusterCommitLsn) say what must be durable before
   * the client is answered. An error leaves the transaction aborted.
   */
  commit(): void {
    if (this.#commitStep === 0) this.#requireUnmoved()
    if (this.#engine === undefined && this.#cluster === undefined && this.#deferred.length === 0) {
      this.#commitReadOnly()
      return
    }
    while (this.#deferred.length > 0) this.#host.runDeferred(this.#deferred)
    if (this.#commitStep === 0) {
      this.#host.beforeCommit()
      this.#commitStep = 1
    }
    if (this.#commitStep === 1) {
      if (this.#cluster !== undefined) {
        this.clusterCommitLsn = this.#cluster.transaction.commit()
        this.isPublishing = true
        this.#clusterEdit?.publish(this.clusterCommitLsn)
        this.isPublishing = false
      }
      this.#commitStep = 2
    }
    if (this.#engine !== undefined) {
      // Asked before the first call only: a large commit suspends, and has no writes left when it is called again.
      this.#hadWrites ||= this.#engine.hasWrites
      const lsn = this.#engine.commit()
      if (this.#hadWrites) this.commitLsn = lsn
      this.#edit?.publish(lsn)
    }
    this.#host.commitSettings()
    this.#reset()
    this.#host.ended(true)
  }

  #requireUnmoved(): void {
    try {
      this.#host.requireUnmoved()
    } catch (error) {
      this.abort()
      throw error
    }
  }

  #commitReadOnly(): void {
    if (this.#commitStep === 0) {
      this.#host.beforeCommit()
      this.#commitStep = 1
    }
    this.#host.commitSettings()
    this.#reset()
    this.#host.ended(true)
  }

  /** Rolls everything back. Never suspends, never fails. */
  abort(): void {
    if (this.#state === 'idle') return
    this.#engine?.abort()
    this.#abortCluster()
    this.#host.rollbackSettings(0)
    this.#reset()
    this.#host.ended(false)
  }

  #abortCluster(): void {
    this.#cluster?.transaction.abort()
    this.#cluster = undefined
    this.#clusterEdit = undefined
  }

  #reset(): void {
    this.#snapshot?.database.unpin(this.#snapshot)
    this.#snapshot = undefined
    for (const { view, forget } of this.#exported) {
      view.database.unpin(view)
      forget()
    }
    if (this.#exported.length > 0) this.#exported.length = 0
    this.#engine = undefined
    this.#cluster = undefined
    this.#edit = undefined
    this.#clusterEdit = undefined
    if (this.#savepoints.length > 0) this.#savepoints.length = 0
    if (this.#deferral.size > 0) this.#deferral.clear()
    this.#deferralOfAll = undefined
    if (this.#deferred.length > 0) this.#deferred = []
    this.#commandId = 0
    this.#commitStep = 0
    this.#hadWrites = false
    this.#state = 'idle'
  }
}

/** A view of a point of the past. Nothing of the transaction is in it. */
function pastView(database: Database, commandId: number): View {
  const view = database.view()
  view.commandId = commandId
  return view
}
