// The turns of a session on the one thread: how a statement waits, gives way, is cancelled and timed out.
//
//   drive(step) ── step() ──▶ returns                                  nothing was waited for: no promise is made
//                     └─────▶ SUSPENDED ─▶ await (page | lock | my next turn | a cancel) ─▶ step() again
//
// Invariant: one drive at a time. A cancel reaches a statement at its next checkpoint, or at once while it waits; but not
// while it waits for the rest of a commit that cannot be given up: then at the first wait after that.
// lock_timeout is of one wait for one lock: its clock begins with the wait.

import type { Clock } from '../../storage/base/env.ts'
import { SUSPENDED, suspend, takeSuspension } from '../../storage/base/suspend.ts'
import { SqlError } from '../types/sql-error.ts'

/** How long a statement may keep the thread before others get a turn, milliseconds. */
const TURN_MS = 5
const NOT_TIMED = -1

/** What the session does for its turns. */
export interface Waits {
  /** What is waited for now cannot be given up. */
  isHeld(): boolean
  /** Makes the wait for a lock, if there is one, fail with `reason`. */
  leaveLock(reason: SqlError): void
}

export class Turns {
  readonly #clock: Clock
  /** NOT_TIMED until the first checkpoint: a statement that is over before it never asks the clock. */
  #turnStartMs = NOT_TIMED
  #isRunning = false
  #cancelReason: SqlError | undefined
  #rejectWait: ((reason: SqlError) => void) | undefined
  #stopTimer: (() => void) | undefined
  #stopLockTimer: (() => void) | undefined
  readonly #waits: Waits
  /** lock_timeout; 0: none. */
  lockTimeoutMs = 0
  /** The end of an async statement, whose own waits for locks are timed, each by itself. */
  #task: PromiseLike<unknown> | undefined

  constructor(clock: Clock, waits: Waits) {
    this.#clock = clock
    this.#waits = waits
  }

  get isRunning(): boolean {
    return this.#isRunning
  }

  /** True while a statement waits for something. */
  get isWaiting(): boolean {
    return this.#rejectWait !== undefined
  }

  /**
   * Runs `step` until it returns. `beforeWait` is called before the first wait (to pin views), `afterWait` once at the
   * end if there was one. The result is a promise only if it had to wait.
   */
  drive<T>(step: () => T, waiting: { before(): void; after(): void }): T | Promise<T> {
    this.#isRunning = true
    this.#turnStartMs = NOT_TIMED
    try {
      const result = step()
      this.#isRunning = false
      return result
    } catch (thrown) {
      if (thrown !== SUSPENDED) {
        this.#isRunning = false
        throw thrown
      }
      return this.#continue(step, waiting)
    }
  }

  async #continue<T>(step: () => T, waiting: { before(): void; after(): void }): Promise<T> {
    let until = takeSuspension()
    waiting.before()
    try {
      for (;;) {
        if (this.lockTimeoutMs > 0 && until !== this.#task) this.#stopLockTimer = this.#timeLock()
        await this.#wait(until)
        this.#endWait()
        this.#turnStartMs = NOT_TIMED
        try {
          return step()
        } catch (thrown) {
          if (thrown !== SUSPENDED) throw thrown
          until = takeSuspension()
        }
      }
    } finally {
      this.#endWait()
      this.#isRunning = false
      waiting.after()
    }
  }

  #endWait(): void {
    this.#rejectWait = undefined
    this.#stopLockTimer?.()
    this.#stopLockTimer = undefined
  }

  /** Whoever awaits this takes #rejectWait back. */
  #wait(until: PromiseLike<unknown>): Promise<unknown> {
    if (this.#cancelReason !== undefined && !this.#waits.isHeld()) {
      // The promise that is not awaited any more may still fail: nobody is left to hear of it.
      void Promise.resolve(until).catch(() => undefined)
      return Promise.reject(this.#takeCancel())
    }
    return new Promise((resolve, reject) => {
      this.#rejectWait = reject
      until.then(resolve, reject)
    })
  }

  /** Waits for `until`, and can be cancelled meanwhile, without anything that would run again. */
  async wait(until: PromiseLike<unknown>): Promise<void> {
    this.#isRunning = true
    try {
      await this.#wait(until)
    } finally {
      this.#rejectWait = undefined
      this.#isRunning = false
    }
  }

  /** Waits for an async statement. */
  suspendOnTask(task: PromiseLike<unknown>): never {
    this.#task = task
    return suspend(task)
  }

  /** Calls a step of an async statement that takes locks until it does not suspend; its waits for them are timed. */
  async locked<T>(step: () => T): Promise<T> {
    for (;;) {
      let until: PromiseLike<unknown>
      try {
        return step()
      } catch (thrown) {
        if (thrown !== SUSPENDED) throw thrown
        until = takeSuspension()
      }
      const stopTimer = this.#timeLock()
      try {
        await until
      } finally {
        stopTimer?.()
      }
    }
  }

  #timeLock(): (() => void) | undefined {
    if (this.lockTimeoutMs === 0) return undefined
    return this.#clock.after(this.lockTimeoutMs, () =>
      this.#waits.leaveLock(new SqlError('55P03', 'canceling statement due to lock timeout')),
    )
  }

  /** Safe point of running statements: see ExecutionContext.checkpoint. */
  checkpoint(): void {
    if (this.#cancelReason !== undefined) throw this.#takeCancel()
    const nowMs = this.#clock.monotonicMs()
    if (this.#turnStartMs === NOT_TIMED) this.#turnStartMs = nowMs
    if (nowMs - this.#turnStartMs < TURN_MS) return
    suspend(new Promise<void>((resolve) => this.#clock.soon(() => this.#newTurn(resolve))))
  }

  /** The others had their turn. Async statements (DDL) do not come back through drive: their turn starts here. */
  #newTurn(resolve: () => void): void {
    this.#turnStartMs = this.#clock.monotonicMs()
    resolve()
  }

  /** Makes the running statement fail with `reason`. Does nothing when none runs. */
  cancel(reason: SqlError): void {
    if (!this.#isRunning) return
    if (this.#rejectWait === undefined || this.#waits.isHeld()) {
      this.#cancelReason = reason
      return
    }
    // Nobody is left to take the lock: it must not be granted later.
    this.#waits.leaveLock(reason)
    this.#rejectWait(reason)
  }

  /** Starts statement_timeout; 0: none. */
  startTimeout(timeoutMs: number): void {
    this.stopTimeout()
    if (timeoutMs <= 0) return
    this.#stopTimer = this.#clock.after(timeoutMs, () => {
      this.#stopTimer = undefined
      this.cancel(new SqlError('57014', 'canceling statement due to statement timeout'))
    })
  }

  /** Whether a timeout is still to come. */
  get isTimed(): boolean {
    return this.#stopTimer !== undefined
  }

  stopTimeout(): void {
    this.#stopTimer?.()
    this.#stopTimer = undefined
    this.#cancelReason = undefined
  }

  #takeCancel(): SqlError {
    const reason = this.#cancelReason as SqlError
    this.#cancelReason = undefined
    return reason
  }
}
