// Locks on keys of trees: rows and unique keys, in PostgreSQL's four strengths.
//
// A lock is an object in a hash table while somebody holds or wants it. A transaction with more than BULK_COUNT of them
// notes further ones in a BulkLocks; a lock in there becomes an object when somebody else asks for it.

import type { TreeId } from '../base/ids.ts'
import { BulkLocks } from './bulk-locks.ts'
import type { LockStrength, LockWait } from './engine.ts'
import { Lock, type LockKind, type LockScope, type LockTable } from './locks.ts'
import { hashKey } from './write-set.ts'

/** Lock objects of one transaction; more are noted in bulk. */
const BULK_COUNT = 2048

const MODES: Readonly<Record<LockStrength, number>> = {
  'key-share': 0,
  share: 1,
  'no-key-update': 2,
  update: 3,
}

/** PostgreSQL documentation, section 13.3.2, table 13.3: bits of the strengths each conflicts with. */
const KEY_LOCK: LockKind = {
  conflicts: [0b1000, 0b1100, 0b1110, 0b1111],
  // PostgreSQL waits for a row by waiting for the transaction that holds it.
  describe: (_lock, mode, blocker) =>
    blocker.transactionId === 0
      ? `lock of strength ${mode}`
      : `ShareLock on transaction ${blocker.transactionId}`,
}

class KeyLock extends Lock {
  readonly hash: number
  readonly tree: TreeId
  next: KeyLock | undefined
  private readonly length: number
  /** Keys of up to eight bytes as two numbers, which take no object of their own. */
  private readonly high: number
  private readonly low: number
  private readonly longKey: Buffer | undefined

  constructor(table: LockTable, hash: number, tree: TreeId, key: Uint8Array, next: KeyLock | undefined) {
    super(KEY_LOCK, table)
    this.hash = hash
    this.tree = tree
    this.next = next
    this.length = key.length
    this.high = fourBytes(key, 0)
    this.low = fourBytes(key, 4)
    this.longKey = key.length > 8 ? Buffer.from(key) : undefined
  }

  isOn(tree: TreeId, key: Uint8Array): boolean {
    if (this.tree !== tree || this.length !== key.length) return false
    if (this.longKey !== undefined) return this.longKey.equals(key)
    return this.high === fourBytes(key, 0) && this.low === fourBytes(key, 4)
  }
}

/** Up to four bytes at `at` as one number. */
function fourBytes(key: Uint8Array, at: number): number {
  const end = key.length < at + 4 ? key.length : at + 4
  let number = 0
  for (let i = at; i < end; i++) number = (number << 8) | (key[i] as number)
  return number
}

/** A transaction's locks on keys. */
export interface KeyLockScope extends LockScope {
  keyLockCount: number
  bulk: BulkLocks | undefined
  /** Locks noted in bulk that became objects because somebody asked; released at the end. */
  readonly materialised: { readonly lock: Lock; readonly mode: number }[]
}

export class KeyLocks implements LockTable {
  private readonly table = new Map<number, KeyLock>()
  /** Scopes that note locks in bulk. */
  private readonly bulkScopes: KeyLockScope[] = []

  lock(scope: KeyLockScope, tree: TreeId, key: Uint8Array, strength: LockStrength, wait: LockWait): boolean {
    const mode = MODES[strength]
    const hash = hashKey(tree, key, 0, key.length) | 0
    let lock = this.find(hash, tree, key)
    if (this.bulkScopes.length > 0) {
      if (scope.bulk !== undefined && (scope.bulk.mask(hash >>> 0) & (1 << mode)) !== 0) return true
      lock = this.materialise(scope, hash, tree, key, lock)
    }
    if (lock === undefined) {
      if (scope.keyLockCount >= BULK_COUNT) {
        this.noteInBulk(scope, hash, mode)
        return true
      }
      lock = this.create(hash, tree, key)
    }
    if (!lock.acquire(scope, mode, wait)) return false
    scope.keyLockCount++
    return true
  }

  sweep(lock: Lock): void {
    if (!(lock instanceof KeyLock)) return
    const first = this.table.get(lock.hash)
    if (first === lock) {
      if (lock.next === undefined) this.table.delete(lock.hash)
      else this.table.set(lock.hash, lock.next)
      return
    }
    for (let at = first; at !== undefined; at = at.next) {
      if (at.next !== lock) continue
      at.next = lock.next
      return
    }
  }

  endBulk(scope: KeyLockScope): void {
    const at = this.bulkScopes.indexOf(scope)
    if (at >= 0) this.bulkScopes.splice(at, 1)
  }

  private find(hash: number, tree: TreeId, key: Uint8Array): KeyLock | undefined {
    let lock = this.table.get(hash)
    while (lock !== undefined && !lock.isOn(tree, key)) lock = lock.next
    return lock
  }

  private create(hash: number, tree: TreeId, key: Uint8Array): KeyLock {
    const lock = new KeyLock(this, hash, tree, key, this.table.get(hash))
    this.table.set(hash, lock)
    return lock
  }

  private noteInBulk(scope: KeyLockScope, hash: number, mode: number): void {
    if (scope.bulk === undefined) {
      scope.bulk = new BulkLocks()
      this.bulkScopes.push(scope)
    }
    scope.bulk.add(hash >>> 0, mode)
  }

  /** Makes what others noted in bulk about this key part of its lock. */
  private materialise(
    asking: KeyLockScope,
    hash: number,
    tree: TreeId,
    key: Uint8Array,
    existing: KeyLock | undefined,
  ): KeyLock | undefined {
    let lock = existing
    for (const scope of this.bulkScopes) {
      const mask = scope === asking || scope.bulk === undefined ? 0 : scope.bulk.mask(hash >>> 0)
      for (let mode = 0; mode < 4; mode++) {
        if ((mask & (1 << mode)) === 0) continue
        lock ??= this.create(hash, tree, key)
        if (((lock.holdOf(scope)?.mask ?? 0) & (1 << mode)) !== 0) continue
        // It was acquired earlier than this: a rollback to a savepoint must not release it.
        lock.hold(scope, mode)
        scope.materialised.push({ lock, mode })
      }
    }
    return lock
  }
}
