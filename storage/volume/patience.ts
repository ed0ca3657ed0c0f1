// Who waits for a write quorum before or while something is agreed on, and for how long: births and drops of timelines.
// New records wait likewise, in their log (./room-queue.ts).
//
//   until(there is one) ─▶ resolved at the next look ──┐
//   within(an agreement) ─▶ settled as that is         ├─ no write quorum for too long ─▶ 'no-quorum'
//                                                      ┘

import type { StorageError } from '../base/errors.ts'

interface Waiter {
  readonly sinceMs: number
  readonly holds: () => boolean
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

const NEVER = (): boolean => false

export class Patience {
  readonly #nowMs: () => number
  readonly #waiters = new Set<Waiter>()

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** Resolves when `holds`. Rejects with StorageError 'no-quorum' when that is not to be had, or what the volume failed with. */
  async until(holds: () => boolean): Promise<void> {
    if (!holds()) await new Promise<void>((resolve, reject) => void this.#add(holds, resolve, reject))
  }

  /** Settles as `work` does, or rejects like `until`: what `work` does goes on then. */
  within<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const waiter = this.#add(NEVER, () => undefined, reject)
      work.then(resolve, reject).finally(() => this.#waiters.delete(waiter))
    })
  }

  #add(holds: () => boolean, resolve: () => void, reject: (error: Error) => void): Waiter {
    const waiter = { sinceMs: this.#nowMs(), holds, resolve, reject }
    this.#waiters.add(waiter)
    return waiter
  }

  /** Something may have changed. */
  look(): void {
    for (const waiter of this.#waiters) {
      if (!waiter.holds()) continue
      this.#waiters.delete(waiter)
      waiter.resolve()
    }
  }

  /** There is no write quorum: fails those who have waited since before `sinceMs`. */
  expire(sinceMs: number, error: StorageError): void {
    for (const waiter of this.#waiters) {
      if (waiter.sinceMs > sinceMs) continue
      this.#waiters.delete(waiter)
      waiter.reject(error)
    }
  }

  fail(error: StorageError): void {
    this.expire(Infinity, error)
  }
}
