// A timeline at a point of its past: the Database of the engine's door, with a head that never moves and no way to write.
//
// It is a read point with a name. Pages come from the timeline's PageSpace, or from that of the ancestor which the point
// belongs to, by the same rules as for any old read point: the current frame if the page has not changed since, a version,
// or the volume's answer. So an idle one is this object and nothing else: readers are made at the first read.

import { StorageError } from '../base/errors.ts'
import { formatLsn, type Lsn, type PageNo, type TimelineId, type TreeId } from '../base/ids.ts'
import type {
  Cell,
  CellVersion,
  Cursor,
  Database,
  LeafSearch,
  LockOwner,
  LockWait,
  PageCounts,
  Savepoint,
  TableLockMode,
  Transaction,
  View,
} from './engine.ts'
import { InnerPageSearch, leafVersions } from './leaf-search.ts'
import { LockGroup, LockScope } from './locks.ts'
import { ObjectLocks } from './object-locks.ts'
import { OverflowReader } from './overflow-reader.ts'
import type { PageSpace } from './page-space.ts'
import { PinnableView, pinView, unpinView } from './pinnable-view.ts'
import { SessionLocks } from './session-locks.ts'
import { TreeCursor } from './tree-cursor.ts'
import { TreeReader } from './tree-reader.ts'

export class PastDatabase implements Database {
  readonly timeline: TimelineId
  readonly isPast = true
  readonly head: Lsn
  private readonly space: PageSpace
  private readers: { readonly overflow: OverflowReader; readonly tree: TreeReader } | undefined
  private locks: ObjectLocks | undefined
  private nextTransactionId = 1

  /** `space`: of the timeline, or of the ancestor whose history `lsn` is part of. */
  constructor(timeline: TimelineId, space: PageSpace, lsn: Lsn) {
    this.timeline = timeline
    this.space = space
    this.head = lsn
  }

  /** All of it is durable: that is asked before it is opened. */
  get vdl(): Lsn {
    return this.head
  }

  get pageCounts(): PageCounts {
    return this.space.pool
  }

  get oldestReadPoint(): Lsn {
    return this.head
  }

  /** Advisory locks of the sessions that read this point. */
  get objectLocks(): ObjectLocks {
    return (this.locks ??= new ObjectLocks())
  }

  readPoint(): Lsn {
    return this.head
  }

  view(readLsn: Lsn = this.head): View {
    return new PinnableView(this, readLsn < this.head ? readLsn : this.head)
  }

  pin(view: View): void {
    pinView(view, this.space.readPoints)
  }

  unpin(view: View): void {
    unpinView(view, this.space.readPoints)
  }

  begin(owner?: LockOwner): Transaction {
    const group = owner instanceof SessionLocks ? owner.group : new LockGroup(0)
    return new PastTransaction(this, this.nextTransactionId++, group)
  }

  lockOwner(processId: number): LockOwner {
    return new SessionLocks(new LockGroup(processId), this.objectLocks)
  }

  get(view: View, tree: TreeId, key: Uint8Array): Cell | undefined {
    const reader = this.reading().tree
    const found = reader.get(tree, key, view.readLsn)
    if (reader.leafLsn > view.seenLsn) view.seenLsn = reader.leafLsn as Lsn
    return found ? reader.cell : undefined
  }

  getLatest(tree: TreeId, key: Uint8Array): Cell | undefined {
    const reader = this.reading().tree
    return reader.get(tree, key, this.head) ? reader.cell : undefined
  }

  cursor(view: View, tree: TreeId): Cursor {
    return new TreeCursor(this.space, this.reading().overflow, view, undefined, tree)
  }

  nextRowId(): number {
    throw this.refused()
  }

  putNow(): Lsn {
    throw this.refused()
  }

  onDurable(_lsn: Lsn, callback: (error?: Error) => void): void {
    callback()
  }

  leafVersions(view: View, tree: TreeId, page: PageNo): readonly CellVersion[] | undefined {
    return leafVersions(this.space, tree, page, view.readLsn)
  }

  leafSearch(view: View, tree: TreeId, wanted: ReadonlySet<PageNo>): LeafSearch {
    return new InnerPageSearch(this.space, tree, view.readLsn, wanted)
  }

  pathLsn(view: View, tree: TreeId, key: Uint8Array): Lsn {
    return this.reading().tree.pathLsn(tree, key, view.readLsn)
  }

  estimate(view: View, tree: TreeId): { readonly cellCount: number; readonly pageCount: number } {
    return this.reading().tree.estimate(tree, view.readLsn)
  }

  sample(view: View, tree: TreeId, leafCount: number, visit: (cell: Cell) => void): void {
    this.reading().tree.visitSample(tree, view.readLsn, leafCount, visit)
  }

  refused(): StorageError {
    return new StorageError(
      'read-only',
      `the database is opened at ${formatLsn(this.head)}, in its past, and cannot be changed`,
    )
  }

  private reading(): { readonly overflow: OverflowReader; readonly tree: TreeReader } {
    if (this.readers === undefined) {
      const overflow = new OverflowReader(this.space)
      this.readers = { overflow, tree: new TreeReader(this.space, overflow) }
    }
    return this.readers
  }
}

/** What a block on a point of the past locks and reads with. Table locks are granted: no DDL will ever run there. */
class PastTransaction implements Transaction {
  readonly id: number
  readonly database: PastDatabase
  readonly hasWrites = false
  readonly isCommitting = false
  private readonly scope: LockScope

  constructor(database: PastDatabase, id: number, group: LockGroup) {
    this.database = database
    this.id = id
    this.scope = new LockScope(group, id)
  }

  put(): void {
    throw this.database.refused()
  }

  putPair(): void {
    throw this.database.refused()
  }

  delete(): void {
    throw this.database.refused()
  }

  lock(): boolean {
    throw this.database.refused()
  }

  lockTable(): boolean {
    return true
  }

  lockObject(object: number | string, mode: TableLockMode, wait: LockWait): boolean {
    return this.database.objectLocks.lock(this.scope, object, mode, wait)
  }

  cancelWait(error: Error): void {
    this.scope.group.cancelWait(error)
  }

  savepoint(): Savepoint {
    return this.scope.acquiredCount as Savepoint
  }

  rollbackTo(savepoint: Savepoint): void {
    this.scope.releaseTo(savepoint)
  }

  createTree(): TreeId {
    throw this.database.refused()
  }

  dropTree(): void {
    throw this.database.refused()
  }

  commit(): Lsn {
    this.abort()
    return this.database.head
  }

  abort(): void {
    const { waiting } = this.scope.group
    if (waiting?.scope === this.scope) waiting.lock.leave(waiting)
    this.scope.releaseTo(0)
  }
}
