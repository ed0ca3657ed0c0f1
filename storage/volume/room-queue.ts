// Who waits for room in a log.

interface Waiter {
  readonly sinceMs: number
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

export class RoomQueue {
  #waiters: Waiter[] = []

  get isEmpty(): boolean {
    return this.#waiters.length === 0
  }

  wait(nowMs: number): Promise<void> {
    return new Promise((resolve, reject) => this.#waiters.push({ sinceMs: nowMs, resolve, reject }))
  }

  /** Lets everyone look again. */
  wake(): void {
    if (this.#waiters.length === 0) return
    const waiters = this.#waiters
    this.#waiters = []
    for (const { resolve } of waiters) resolve()
  }

  /** Fails those who came at or before `sinceMs`. */
  expire(sinceMs: number, error: Error): void {
    const expired = this.#waiters.filter((waiter) => waiter.sinceMs <= sinceMs)
    if (expired.length === 0) return
    this.#waiters = this.#waiters.filter((waiter) => waiter.sinceMs > sinceMs)
    for (const { reject } of expired) reject(error)
  }

  fail(error: Error): void {
    this.expire(Infinity, error)
  }
}
