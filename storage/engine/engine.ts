// The door of the engine: what sql sees of storage. A database is a timeline seen as B+trees of cells (key bytes ->
// value bytes), read at a read point, changed through transactions.
//
// All calls are synchronous. One that meets a missing page, a lock somebody else holds or a log without room calls
// suspend() (../base/suspend.ts); the driver of the statement waits and calls again. Everything below is written so
// that the same call can simply be made again.
//
//   statement ── View{readLsn, writes, commandId} ──▶ Cursor / get ──▶ cells of pages (+ the transaction's own writes)
//   transaction ── put/delete/lock ──▶ write set ── commit() ──▶ pages + log records, in one synchronous step
//
// Invariants: pages hold committed rows only; a snapshot is an LSN; the order of commits is the order of LSNs; the
// effects of an aborted transaction never existed. Trees are compared by memcmp of their keys.

import type { ByteWriter } from '../base/byte-writer.ts'
import type { Lsn, PageNo, TimelineId, TreeId } from '../base/ids.ts'
import type { CommitOrigin } from '../log/record.ts'
import type { CommitRecord } from '../message/message.ts'

/**
 * A cell as the reader meets it: bytes in place. `key` lies in [keyStart, keyEnd) and the value in [start, end) of the
 * same `bytes`. Valid until the next call on the cursor that owns it, or the next suspension. Readers never write to it.
 * `lsn` is the LSN of the record that put this version of the cell; for a cell of the transaction's own write set it is
 * OWN_WRITE_LSN.
 */
export interface Cell {
  bytes: Buffer
  view: DataView
  keyBytes: Buffer
  keyStart: number
  keyEnd: number
  start: number
  end: number
  lsn: Lsn
}

/** `lsn` of cells that come from the reader's own transaction: above every real LSN. */
export const OWN_WRITE_LSN: Lsn = Number.MAX_SAFE_INTEGER as Lsn

/**
 * What a statement reads: the committed state at `readLsn`, and of its own transaction's writes those staged by
 * commands below `commandId`. Mutable on purpose: READ COMMITTED moves `readLsn` forward at each statement.
 */
export interface View {
  readonly database: Database
  readLsn: Lsn
  transaction: Transaction | undefined
  commandId: number
  /** Nothing more will be read at `readLsn`: whoever waits need not pin the view. */
  isSpent: boolean
  /** Highest page LSN that reads through this view met: an answer with rows waits until the VDL has passed it. */
  seenLsn: Lsn
}

export interface Cursor {
  /**
   * Positions before the first cell with key ≥ `low` (undefined: the first of all) and bounds the scan to keys
   * < `high` (undefined: none). The arrays are not kept. For a descending scan: before the last cell < high, down to low.
   */
  seek(low: Uint8Array | undefined, high: Uint8Array | undefined, descending?: boolean): void
  /** Moves to the next cell and fills `cell`; false at the end. May suspend; then call again. */
  next(): boolean
  readonly cell: Cell
  close(): void
}

/** Row and key locks, weakest to strongest, with PostgreSQL's conflict table (documentation, section 13.3.2). */
export type LockStrength = 'key-share' | 'share' | 'no-key-update' | 'update'

/** What to do when a lock is taken: wait (suspend), fail with StorageError 'lock-not-available', or skip. */
export type LockWait = 'wait' | 'nowait' | 'skip'

/** PostgreSQL's table lock modes 1 (ACCESS SHARE) to 8 (ACCESS EXCLUSIVE), section 13.3.1. */
export type TableLockMode = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8

/** Names a savepoint inside a transaction's write set. */
export type Savepoint = number & { readonly savepoint: true }

/**
 * A read-write transaction. Nothing but its own write set (and locks) changes until commit. Callers stage a change to a
 * key only while they hold a lock of 'no-key-update' or 'update' on it, unless the key cannot be known to anyone else
 * (a fresh row id).
 */
export interface Transaction {
  readonly id: number
  readonly database: Database
  /** True once anything was staged. */
  readonly hasWrites: boolean
  /** True from when its commit cannot be given up any more until that is done: it takes effect, or the engine fails. */
  readonly isCommitting: boolean

  put(tree: TreeId, key: Uint8Array, value: Uint8Array, commandId: number): void
  /** As put, of what was written to `pair`: the key in [start, middle), its value in [middle, end). The cheapest way. */
  putPair(tree: TreeId, pair: ByteWriter, start: number, middle: number, end: number, commandId: number): void
  delete(tree: TreeId, key: Uint8Array, commandId: number): void

  /** Locks a key. Returns false only with 'skip'. Suspends while it waits; StorageError 'deadlock' for a victim. */
  lock(tree: TreeId, key: Uint8Array, strength: LockStrength, wait: LockWait): boolean
  /** Locks a table (or any object) by number for the rest of the transaction. */
  lockTable(object: number, mode: TableLockMode, wait: LockWait): boolean
  /** The same for any object by number or name (transaction-level advisory locks). */
  lockObject(object: number | string, mode: TableLockMode, wait: LockWait): boolean
  /** Ends the wait for a lock that this transaction's session is in, if any: `error` is thrown in its statement. */
  cancelWait(error: Error): void

  savepoint(): Savepoint
  /** Undoes every put, delete and lock since the savepoint. The savepoint stays usable. */
  rollbackTo(savepoint: Savepoint): void

  /**
   * A tree that exists from this transaction's commit on. Its id is valid in put and reads of this transaction at once.
   * dropTree frees a tree's pages at commit; readers at older read points still see them.
   */
  createTree(): TreeId
  dropTree(tree: TreeId): void

  /**
   * Applies the write set to the current pages and appends its records, in LSN order after every earlier commit.
   * Synchronous when all its pages are resident (else suspends; call again); large sets are applied in slices between
   * which others run. Returns the commit LSN, or the current read point if nothing was written. Releases all locks.
   * The caller answers its client only after database.onDurable(lsn).
   */
  commit(): Lsn
  /** Forgets everything and releases all locks. Never suspends, never fails. Idempotent. */
  abort(): void
}

/** Reads of pages since the engine was opened. */
export interface PageCounts {
  /** Found in the pool: at once, or after it was fetched. */
  readonly hits: number
  /** Fetched from storage. */
  readonly misses: number
}

/** One timeline, opened. */
export interface Database {
  readonly timeline: TimelineId
  /** True for a point of the past (openPast): nothing can be written, and `head` never moves. */
  readonly isPast: boolean
  /** LSN of the newest commit that was applied: the read point of a statement that starts now. */
  readonly head: Lsn
  readonly vdl: Lsn
  /** What was read of the buffer pool so far, by everyone; the object stays the same. */
  readonly pageCounts: PageCounts
  /** The lowest read point of a pinned view, or the head: what is older may be collected, retention permitting. */
  readonly oldestReadPoint: Lsn

  /**
   * Where a statement that only reads had better read: the head, or, when nothing has become durable for a while though
   * there is something to (the write quorum is lost), the VDL: what is shown there need not be waited for.
   */
  readPoint(): Lsn

  /** A view at `readLsn` (default: head). Costs nothing until a statement that uses it suspends; then pin it. */
  view(readLsn?: Lsn): View
  /** Keeps the page versions that `view` needs until unpin. Required before any wait and for views that outlive a turn. */
  pin(view: View): void
  unpin(view: View): void

  /**
   * `owner`: the session's LockOwner. Locks of both never conflict, and deadlocks across both are found. `origin`: who
   * commits, as the log will keep it.
   */
  begin(owner?: LockOwner, origin?: CommitOrigin): Transaction

  /** The cell with exactly this key as `view` sees it, or undefined. One shared Cell per database: use it at once. */
  get(view: View, tree: TreeId, key: Uint8Array): Cell | undefined
  /** The newest committed version, whatever the view: for re-checks after a lock wait and for unique checks. */
  getLatest(tree: TreeId, key: Uint8Array): Cell | undefined
  cursor(view: View, tree: TreeId): Cursor

  /**
   * The next hidden row id of a tree, from a counter that continues after the highest key stored. The tree's keys begin
   * with 8 bytes, the row id as a big-endian integer (with or without the sign bit flipped). May suspend at its first call.
   */
  nextRowId(tree: TreeId): number

  /**
   * Applies puts outside any transaction, at once and for good (sequences). The records precede those of any commit
   * that follows; durability is seen through `onDurable`. May suspend.
   */
  putNow(tree: TreeId, key: Uint8Array, value: Uint8Array): Lsn

  onDurable(lsn: Lsn, callback: (error?: Error) => void): void

  /** Keys and LSNs on a page that is a leaf of the tree at the view's point; undefined if it is not. May suspend. */
  leafVersions(view: View, tree: TreeId, page: PageNo): readonly CellVersion[] | undefined
  /** Looks for the tree's leaves among some pages without reading any leaf. */
  leafSearch(view: View, tree: TreeId, wanted: ReadonlySet<PageNo>): LeafSearch
  /** Highest LSN of the pages from the root to the leaf of a key: since then nothing was changed there. May suspend. */
  pathLsn(view: View, tree: TreeId, key: Uint8Array): Lsn

  /** Figures of a tree for the planner: cells and pages, estimated without reading more than a few pages. */
  estimate(view: View, tree: TreeId): { readonly cellCount: number; readonly pageCount: number }
  /**
   * Visits committed cells of up to `leafCount` leaves spread evenly over a tree, for statistics. The cell is the
   * visitor's for the call only. May suspend, and then visits all of them again.
   */
  sample(view: View, tree: TreeId, leafCount: number, visit: (cell: Cell) => void): void
}

/** A cell without its value. */
export interface CellVersion {
  readonly key: Buffer
  readonly lsn: Lsn
}

/** A search that reads one inner page at a call of `next`, which may suspend; false when all were read. */
export interface LeafSearch {
  next(): boolean
  readonly found: readonly PageNo[]
}

/** What lies between two points of history. */
export interface Divergence {
  /** The newest point that both have behind them; a version of a cell put at or below it is the same on both sides. */
  readonly common: { readonly timeline: TimelineId; readonly lsn: Lsn }
  /**
   * Every page that differs, and perhaps some that were changed there and back. Undefined: the log of that time is not kept
   * any more, so any page may differ.
   */
  readonly pages: ReadonlySet<PageNo> | undefined
}

/** Session-level and advisory locks are taken through this owner: they outlive transactions. */
export interface LockOwner {
  lock(object: number | string, mode: TableLockMode, wait: LockWait): boolean
  unlock(object: number | string, mode: TableLockMode): boolean
  unlockAll(): void
  /** As Transaction.cancelWait. */
  cancelWait(error: Error): void
}

export interface EngineStatus {
  readonly poolPages: number
  readonly poolPagesMax: number
  readonly poolHits: number
  readonly poolMisses: number
  readonly versionPages: number
  readonly commits: number
}

export interface Engine {
  /** Opens a timeline (the same object at every call). Reads its meta page; bootstraps an empty one. */
  open(timeline: TimelineId): Promise<Database>
  /**
   * A timeline as it was at `lsn`, a commit at or below its head (or that of an ancestor): a Database whose head stays there
   * and whose writes fail with StorageError 'read-only'. Pages that have not changed since are the present's, in the pool
   * too. The same object for the same point as long as it is remembered; it holds no page and need not be closed. Works
   * for timelines that were dropped as long as storage keeps their history.
   */
  openPast(timeline: TimelineId, lsn: Lsn): Promise<Database>
  /** What changed between two points, from the log's page lists; undefined when they are not related. */
  divergence(from: View, to: View): Promise<Divergence | undefined>
  /** The commit that wrote the record at `lsn` of the history that the view sees. */
  commitOf(view: View, lsn: Lsn): Promise<CommitRecord | undefined>
  /** The newest commit at or below `lsn` of the history that the view sees: a state that can be read. 0: none. */
  commitAtOrBelow(view: View, lsn: Lsn): Promise<Lsn>
  /** `processId` names the session in reports of deadlocks. */
  lockOwner(database: Database, processId?: number): LockOwner
  /**
   * Lets go of a timeline that is open and that nobody uses any more, once its commits are durable and its background work
   * has stopped. It must not be opened again before that.
   */
  closeDatabase(timeline: TimelineId): Promise<void>
  /** Lets go of a timeline's pages, for databases that are dropped or idle. Nobody may be using it but its branches. */
  release(timeline: TimelineId): void
  status(): EngineStatus
  /** Waits for what was committed to be durable and lets go of the pool. The volume is closed by whoever opened it. */
  close(): Promise<void>
}

/** Tree that every timeline has from birth: the catalog's objects (see sql/catalog). */
export const CATALOG_TREE: TreeId = 1 as PageNo
