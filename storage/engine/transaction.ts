// A transaction: its write set, its locks, its savepoints. States:
//
//   open ──commit()──▶ committing (a task applies a large write set) ──▶ committed
//     └────abort()───▶ aborted              abort() from here on does nothing
//
// Everything it did is undone by forgetting it; that is what abort does, and rollbackTo for a part.

import { assert, must } from '../base/assert.ts'
import type { ByteWriter } from '../base/byte-writer.ts'
import { StorageError } from '../base/errors.ts'
import type { Lsn, TreeId } from '../base/ids.ts'
import { KEY_SIZE_BYTES_MAX, VALUE_SIZE_BYTES_MAX } from '../base/limits.ts'
import { type CommitOrigin, NO_ORIGIN } from '../log/record.ts'
import type { BulkLocks } from './bulk-locks.ts'
import type { CommitSource } from './commit-task.ts'
import type { Database, LockStrength, LockWait, Savepoint, TableLockMode, Transaction } from './engine.ts'
import type { KeyLockScope } from './key-locks.ts'
import { type Lock, type LockGroup, LockScope } from './locks.ts'
import type { TimelineDatabase } from './timeline-database.ts'
import { OPERATION_DELETE, OPERATION_PUT, WriteSet } from './write-set.ts'

const NO_VALUE = new Uint8Array(0)
/** Write sets kept for the next transactions. */
const IDLE_WRITE_SETS_MAX = 64
const idleWriteSets: WriteSet[] = []
const NO_WRITES = new WriteSet()

class TransactionScope extends LockScope implements KeyLockScope {
  keyLockCount = 0
  bulk: BulkLocks | undefined
  readonly materialised: { readonly lock: Lock; readonly mode: number }[] = []
}

/** What a savepoint remembers: how long each list was. */
interface Mark {
  readonly entries: number
  readonly locks: number
  readonly keyLocks: number
  readonly bulkLocks: number
  readonly created: number
  readonly dropped: number
}

type State = 'open' | 'committing' | 'committed' | 'aborted'

export class EngineTransaction implements Transaction, CommitSource {
  readonly id: number
  readonly origin: CommitOrigin
  /** After the end an empty one: the real one serves the next transaction. */
  writes: WriteSet = idleWriteSets.pop() ?? new WriteSet()
  readonly createdTrees: TreeId[] = []
  readonly droppedTrees: TreeId[] = []
  committedLsn: Lsn | undefined
  private readonly timelineDatabase: TimelineDatabase
  private readonly scope: TransactionScope
  private readonly marks: Mark[] = []
  private state: State = 'open'

  constructor(database: TimelineDatabase, id: number, group: LockGroup, origin: CommitOrigin = NO_ORIGIN) {
    this.timelineDatabase = database
    this.id = id
    this.origin = origin
    this.scope = new TransactionScope(group, id)
  }

  get database(): Database {
    return this.timelineDatabase
  }

  get hasWrites(): boolean {
    return this.writes.entryCount > 0 || this.createdTrees.length > 0 || this.droppedTrees.length > 0
  }

  get isCommitting(): boolean {
    return this.state === 'committing'
  }

  put(tree: TreeId, key: Uint8Array, value: Uint8Array, commandId: number): void {
    this.requireOpen()
    requireSizes(key.length, value.length)
    this.writes.put(tree, OPERATION_PUT, key, value, commandId)
  }

  putPair(
    tree: TreeId,
    pair: ByteWriter,
    start: number,
    middle: number,
    end: number,
    commandId: number,
  ): void {
    this.requireOpen()
    requireSizes(middle - start, end - middle)
    this.writes.putPair(tree, pair, start, middle, end, commandId)
  }

  delete(tree: TreeId, key: Uint8Array, commandId: number): void {
    this.requireOpen()
    requireSizes(key.length, 0)
    this.writes.put(tree, OPERATION_DELETE, key, NO_VALUE, commandId)
  }

  lock(tree: TreeId, key: Uint8Array, strength: LockStrength, wait: LockWait): boolean {
    this.requireOpen()
    return this.timelineDatabase.keyLocks.lock(this.scope, tree, key, strength, wait)
  }

  lockTable(object: number, mode: TableLockMode, wait: LockWait): boolean {
    return this.lockObject(object, mode, wait)
  }

  lockObject(object: number | string, mode: TableLockMode, wait: LockWait): boolean {
    this.requireOpen()
    return this.timelineDatabase.objectLocks.lock(this.scope, object, mode, wait)
  }

  cancelWait(error: Error): void {
    this.scope.group.cancelWait(error)
  }

  savepoint(): Savepoint {
    this.requireOpen()
    const { writes, scope } = this
    return (this.marks.push({
      entries: writes.entryCount,
      locks: scope.acquiredCount,
      keyLocks: scope.keyLockCount,
      bulkLocks: scope.bulk?.count ?? 0,
      created: this.createdTrees.length,
      dropped: this.droppedTrees.length,
    }) - 1) as Savepoint
  }

  rollbackTo(savepoint: Savepoint): void {
    this.requireOpen()
    const mark = must(this.marks[savepoint], 'savepoint of this transaction')
    this.marks.length = savepoint + 1
    this.writes.rollbackTo(mark.entries)
    for (const tree of this.createdTrees.splice(mark.created)) this.timelineDatabase.returnTree(tree)
    this.droppedTrees.length = mark.dropped
    this.scope.bulk?.rollbackTo(mark.bulkLocks)
    this.scope.releaseTo(mark.locks)
    this.scope.keyLockCount = mark.keyLocks
  }

  createTree(): TreeId {
    this.requireOpen()
    const tree = this.timelineDatabase.reserveTree()
    this.createdTrees.push(tree)
    return tree
  }

  dropTree(tree: TreeId): void {
    this.requireOpen()
    assert(!this.droppedTrees.includes(tree), 'a tree is dropped once')
    this.droppedTrees.push(tree)
  }

  created(tree: TreeId): boolean {
    return this.createdTrees.length > 0 && this.createdTrees.includes(tree)
  }

  dropped(tree: TreeId): boolean {
    return this.droppedTrees.length > 0 && this.droppedTrees.includes(tree)
  }

  commit(): Lsn {
    if (this.committedLsn !== undefined) return this.committedLsn
    assert(this.state === 'open' || this.state === 'committing', 'an aborted transaction does not commit')
    if (!this.hasWrites) {
      this.committedLsn = this.timelineDatabase.head
      this.end('committed')
      return this.committedLsn
    }
    return this.timelineDatabase.commit(this)
  }

  /** The application of the writes has begun: it cannot be given up any more. */
  onCommitting(): void {
    this.state = 'committing'
  }

  onCommitted(lsn: Lsn): void {
    this.committedLsn = lsn
    this.end('committed')
  }

  abort(): void {
    if (this.state !== 'open') return
    for (const tree of this.createdTrees) this.timelineDatabase.returnTree(tree)
    this.end('aborted')
  }

  private end(state: State): void {
    this.state = state
    const { scope } = this
    const waiting = scope.group.waiting
    if (waiting?.scope === scope) waiting.lock.leave(waiting)
    if (scope.bulk !== undefined) {
      this.timelineDatabase.keyLocks.endBulk(scope)
      for (const { lock, mode } of scope.materialised) {
        const hold = lock.holdOf(scope)
        if (hold !== undefined) lock.release(hold, mode)
      }
    }
    scope.releaseTo(0)
    const isReusable = this.writes.reset()
    if (isReusable && idleWriteSets.length < IDLE_WRITE_SETS_MAX) idleWriteSets.push(this.writes)
    this.writes = NO_WRITES
  }

  private requireOpen(): void {
    assert(this.state === 'open', 'the transaction is open')
  }
}

function requireSizes(keyLength: number, valueLength: number): void {
  if (keyLength > KEY_SIZE_BYTES_MAX) {
    throw new StorageError(
      'too-large',
      `key of ${keyLength} bytes exceeds the maximum of ${KEY_SIZE_BYTES_MAX}`,
    )
  }
  if (valueLength > VALUE_SIZE_BYTES_MAX) {
    throw new StorageError(
      'too-large',
      `value of ${valueLength} bytes exceeds the maximum of ${VALUE_SIZE_BYTES_MAX}`,
    )
  }
}
