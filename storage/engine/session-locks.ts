// Locks of a session: they outlive transactions, and count: what was locked twice is unlocked twice.

import { must } from '../base/assert.ts'
import type { LockOwner, LockWait, TableLockMode } from './engine.ts'
import { type LockGroup, LockScope } from './locks.ts'
import type { ObjectLocks } from './object-locks.ts'

export class SessionLocks implements LockOwner {
  readonly group: LockGroup
  private readonly scope: LockScope
  private readonly locks: ObjectLocks
  /** How often each mode (index) of each object was locked. */
  private readonly counts = new Map<number | string, number[]>()

  constructor(group: LockGroup, locks: ObjectLocks) {
    this.group = group
    this.scope = new LockScope(group, 0)
    this.locks = locks
  }

  lock(object: number | string, mode: TableLockMode, wait: LockWait): boolean {
    if (!this.locks.lock(this.scope, object, mode, wait)) return false
    const counts = this.counts.get(object) ?? [0, 0, 0, 0, 0, 0, 0, 0, 0]
    counts[mode] = (counts[mode] as number) + 1
    this.counts.set(object, counts)
    return true
  }

  unlock(object: number | string, mode: TableLockMode): boolean {
    const counts = this.counts.get(object)
    if (counts === undefined || counts[mode] === 0) return false
    counts[mode] = (counts[mode] as number) - 1
    if (counts[mode] === 0) {
      this.scope.releaseOne(must(this.locks.holdOf(this.scope, object)), mode)
    }
    if (counts.every((count) => count === 0)) this.counts.delete(object)
    return true
  }

  unlockAll(): void {
    this.scope.releaseTo(0)
    this.counts.clear()
  }

  cancelWait(error: Error): void {
    this.group.cancelWait(error)
  }
}
