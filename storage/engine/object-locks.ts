// Locks on tables and other objects by number or name, in PostgreSQL's eight modes.

import type { LockWait, TableLockMode } from './engine.ts'
import { type Hold, Lock, type LockKind, type LockScope, type LockTable } from './locks.ts'

const NAMES = [
  '',
  'AccessShareLock',
  'RowShareLock',
  'RowExclusiveLock',
  'ShareUpdateExclusiveLock',
  'ShareLock',
  'ShareRowExclusiveLock',
  'ExclusiveLock',
  'AccessExclusiveLock',
]

function bits(...modes: number[]): number {
  return modes.reduce((mask, mode) => mask | (1 << mode), 0)
}

/** PostgreSQL documentation, section 13.3.1, table 13.2. */
const OBJECT_LOCK: LockKind = {
  conflicts: [
    0,
    bits(8),
    bits(7, 8),
    bits(5, 6, 7, 8),
    bits(4, 5, 6, 7, 8),
    bits(3, 4, 6, 7, 8),
    bits(3, 4, 5, 6, 7, 8),
    bits(2, 3, 4, 5, 6, 7, 8),
    bits(1, 2, 3, 4, 5, 6, 7, 8),
  ],
  describe: (lock, mode) => {
    const { object } = lock as ObjectLock
    return `${NAMES[mode] ?? mode} on ${typeof object === 'number' ? `relation ${object}` : `advisory lock ${object}`}`
  },
}

/** Tables are locked again and again: this many locks stay when nobody holds them. */
const KEPT_COUNT_MAX = 1000

class ObjectLock extends Lock {
  readonly object: number | string

  constructor(object: number | string, table: LockTable) {
    super(OBJECT_LOCK, table)
    this.object = object
  }
}

export class ObjectLocks implements LockTable {
  private readonly locks = new Map<number | string, ObjectLock>()

  lock(scope: LockScope, object: number | string, mode: TableLockMode, wait: LockWait): boolean {
    let lock = this.locks.get(object)
    if (lock === undefined) {
      lock = new ObjectLock(object, this)
      this.locks.set(object, lock)
    }
    return lock.acquire(scope, mode, wait)
  }

  /** The hold of a scope on an object, if it has one. */
  holdOf(scope: LockScope, object: number | string): Hold | undefined {
    return this.locks.get(object)?.holdOf(scope)
  }

  sweep(lock: Lock): void {
    if (!(lock instanceof ObjectLock)) return
    const isKept = typeof lock.object === 'number' && this.locks.size <= KEPT_COUNT_MAX
    if (!isKept) this.locks.delete(lock.object)
  }
}
