// Locks in general: modes as bits, holders, a fair queue. Rows and keys (./key-locks.ts) and tables and other objects
// (./object-locks.ts) are two tables of them.
//
//   Lock ── holds: [scope A: modes 1,2] [scope B: mode 1]
//        └─ waiters: C (mode 8) ─ D (mode 1) ...       D waits behind C although it does not conflict with the holders
//
// A scope is what locks are released with: a transaction, or a session for locks that outlive transactions. Scopes of one
// session form a group; locks of one group never conflict with each other, and a group waits for one lock at a time.
// Waiting is by suspend: a granted waiter holds the lock when its statement calls again.

import { assert, must } from '../base/assert.ts'
import { StorageError } from '../base/errors.ts'
import { suspend } from '../base/suspend.ts'
import { findCycle } from './deadlock.ts'
import type { LockWait } from './engine.ts'

/** One bit for each mode, 1 << mode. */
export type ModeMask = number

export interface LockKind {
  /** For each mode, the mask of the modes it conflicts with. */
  readonly conflicts: readonly ModeMask[]
  /** How a deadlock report calls a lock in this mode: "ShareLock on transaction 12". */
  describe(lock: Lock, mode: number, blocker: LockScope): string
}

/** Where a lock is looked up; told when nobody holds or wants it any more. */
export interface LockTable {
  sweep(lock: Lock): void
}

export class LockGroup {
  readonly processId: number
  waiting: Waiter | undefined

  constructor(processId: number) {
    this.processId = processId
  }

  /** Ends the wait of this group, if it waits, with an error in the waiting statement. */
  cancelWait(error: Error): void {
    const waiter = this.waiting
    if (waiter === undefined) return
    waiter.lock.leave(waiter)
    waiter.reject(error)
  }
}

export interface Hold {
  readonly lock: Lock
  readonly scope: LockScope
  mask: ModeMask
}

export class LockScope {
  readonly group: LockGroup
  /** What deadlock reports call the transaction; 0 for sessions. */
  readonly transactionId: number
  /** Every mode acquired and on which lock, in order, so that a savepoint is a length of these two lists. */
  readonly acquiredHolds: Hold[] = []
  readonly acquiredModes: number[] = []

  constructor(group: LockGroup, transactionId: number) {
    this.group = group
    this.transactionId = transactionId
  }

  get acquiredCount(): number {
    return this.acquiredModes.length
  }

  acquired(hold: Hold, mode: number): void {
    this.acquiredHolds.push(hold)
    this.acquiredModes.push(mode)
  }

  /** Releases what was acquired after the first `count` modes. */
  releaseTo(count: number): void {
    while (this.acquiredModes.length > count) {
      const hold = must(this.acquiredHolds.pop())
      hold.lock.release(hold, must(this.acquiredModes.pop()))
    }
  }

  /** Releases one mode of one lock out of order. */
  releaseOne(hold: Hold, mode: number): void {
    const at = this.acquiredHolds.findIndex((one, i) => one === hold && this.acquiredModes[i] === mode)
    this.acquiredHolds.splice(at, 1)
    this.acquiredModes.splice(at, 1)
    hold.lock.release(hold, mode)
  }
}

export interface Waiter {
  readonly lock: Lock
  readonly scope: LockScope
  readonly mode: number
  readonly granted: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

const NO_HOLDS: Hold[] = []
const NO_WAITERS: readonly Waiter[] = []

export class Lock {
  readonly kind: LockKind
  private readonly table: LockTable
  // Locks come and go with every row that is changed: the lists are shared while they are empty.
  holds: Hold[] = NO_HOLDS
  waiters: readonly Waiter[] = NO_WAITERS

  constructor(kind: LockKind, table: LockTable) {
    this.kind = kind
    this.table = table
  }

  private get unused(): boolean {
    return this.holds.length === 0 && this.waiters.length === 0
  }

  /** Grants the mode to the scope, waits for it, or does as `wait` says. */
  acquire(scope: LockScope, mode: number, wait: LockWait): boolean {
    const conflicts = this.kind.conflicts[mode] as ModeMask
    let isHeld = false
    let isBlocked = false
    for (const hold of this.holds) {
      if (hold.scope.group === scope.group) {
        isHeld = true
        if (hold.scope === scope && (hold.mask & (1 << mode)) !== 0) return true
      } else if ((hold.mask & conflicts) !== 0) isBlocked = true
    }
    const { waiters } = this
    if (!isBlocked && (isHeld || this.blockers(scope, mode, waiters.length, false).length === 0)) {
      scope.acquired(this.hold(scope, mode), mode)
      return true
    }
    if (wait === 'skip') return false
    if (wait === 'nowait') throw new StorageError('lock-not-available', 'could not obtain lock')
    return suspend(this.enqueue(scope, mode).granted)
  }

  /** Makes the scope a holder; noting it among what the scope acquired is left to the caller. */
  hold(scope: LockScope, mode: number): Hold {
    let hold = this.holdOf(scope)
    if (hold === undefined) {
      hold = { lock: this, scope, mask: 0 }
      if (this.holds === NO_HOLDS) this.holds = [hold]
      else this.holds.push(hold)
    }
    hold.mask |= 1 << mode
    return hold
  }

  release(hold: Hold, mode: number): void {
    hold.mask &= ~(1 << mode)
    if (hold.mask === 0) this.drop(hold)
    if (this.waiters.length > 0) this.grantWaiters()
    if (this.unused) this.table.sweep(this)
  }

  private drop(hold: Hold): void {
    const { holds } = this
    const last = holds.pop()
    if (last === hold || last === undefined) return
    const at = holds.indexOf(hold)
    assert(at >= 0, 'a hold is dropped once')
    for (let i = at + 1; i < holds.length; i++) holds[i - 1] = holds[i] as Hold
    holds[holds.length - 1] = last
  }

  /** Takes a waiter out of the queue without the lock. */
  leave(waiter: Waiter): void {
    waiter.scope.group.waiting = undefined
    this.waiters = this.waiters.filter((one) => one !== waiter)
    this.grantWaiters()
    if (this.unused) this.table.sweep(this)
  }

  /**
   * The scopes that keep `scope` from the mode: holders, and, unless `jumpsQueue`, those of the first `ahead` waiters
   * whose wish conflicts.
   */
  blockers(scope: LockScope, mode: number, ahead: number, jumpsQueue: boolean): LockScope[] {
    const conflicts = this.kind.conflicts[mode] as ModeMask
    let found: LockScope[] = NOBODY
    for (const hold of this.holds) {
      if ((hold.mask & conflicts) === 0 || hold.scope.group === scope.group) continue
      found = found === NOBODY ? [hold.scope] : [...found, hold.scope]
    }
    if (jumpsQueue || ahead === 0) return found
    for (let i = 0; i < ahead; i++) {
      const waiter = this.waiters[i] as Waiter
      if (((1 << waiter.mode) & conflicts) === 0 || waiter.scope.group === scope.group) continue
      found = found === NOBODY ? [waiter.scope] : [...found, waiter.scope]
    }
    return found
  }

  heldBy(group: LockGroup): boolean {
    for (const hold of this.holds) if (hold.scope.group === group) return true
    return false
  }

  holdOf(scope: LockScope): Hold | undefined {
    for (const hold of this.holds) if (hold.scope === scope) return hold
    return undefined
  }

  private enqueue(scope: LockScope, mode: number): Waiter {
    const { group } = scope
    const waiting = group.waiting
    if (waiting?.lock === this && waiting.mode === mode && waiting.scope === scope) return waiting
    // A statement that was broken off may have left its wait behind.
    if (waiting !== undefined) waiting.lock.leave(waiting)
    const waiter = newWaiter(this, scope, mode)
    // Who already holds the lock would only wait for those that wait for it.
    this.waiters = this.heldBy(group) ? [waiter, ...this.waiters] : [...this.waiters, waiter]
    group.waiting = waiter
    const cycle = findCycle(waiter)
    if (cycle !== undefined) {
      this.leave(waiter)
      throw new StorageError('deadlock', 'deadlock detected', cycle)
    }
    return waiter
  }

  private grantWaiters(): void {
    for (let i = 0; i < this.waiters.length;) {
      const waiter = this.waiters[i] as Waiter
      const { scope, mode } = waiter
      if (this.blockers(scope, mode, i, this.heldBy(scope.group)).length > 0) {
        i++
        continue
      }
      this.waiters = this.waiters.filter((one) => one !== waiter)
      scope.group.waiting = undefined
      scope.acquired(this.hold(scope, mode), mode)
      waiter.resolve()
    }
  }
}

const NOBODY: LockScope[] = []

function newWaiter(lock: Lock, scope: LockScope, mode: number): Waiter {
  let resolve: () => void = () => undefined
  let reject: (error: Error) => void = () => undefined
  const granted = new Promise<void>((onGranted, onError) => {
    resolve = onGranted
    reject = onError
  })
  granted.catch(() => undefined) // the statement that waits has the error; it may be gone
  return { lock, scope, mode, granted, resolve, reject }
}
