// Rows that asynchronous work makes, as the iterable that a set-returning function answers with: the first `next` starts
// the work and suspends until it is done.
//
//   next() ─▶ start(task) ─▶ suspend(promise) ┄┄▶ next() ─▶ row, row, ...
//
// The work checks `task.checkpoint()` in its loops: it gives way to other sessions there, and ends when nobody waits for
// it any more (the statement was cancelled).

import { runSuspendable, suspend } from '../../../storage/base/suspend.ts'
import { SqlError } from '../../types/sql-error.ts'
import type { Row } from '../../types/value.ts'
import type { SessionCore } from '../session-core.ts'

/** One piece of work under way for a statement. */
export class Task {
  readonly core: SessionCore
  isAbandoned = false

  constructor(core: SessionCore) {
    this.core = core
  }

  /** Runs a synchronous step that may suspend, to its end. It changes nothing before its last wait. */
  async step<T>(work: () => T): Promise<T> {
    this.#requireWanted()
    const result = await runSuspendable(work)
    this.#requireWanted()
    return result
  }

  /** Inside a step: gives way to others now and then. May suspend. */
  checkpoint(): void {
    this.#requireWanted()
    this.core.checkpoint()
  }

  #requireWanted(): void {
    if (this.isAbandoned) throw new SqlError('57014', 'canceling statement due to user request')
  }
}

export class TaskRows implements IterableIterator<Row> {
  readonly #task: Task
  readonly #work: (task: Task) => Promise<readonly Row[]>
  #pending: Promise<void> | undefined
  #rows: readonly Row[] | undefined
  #at = 0

  constructor(core: SessionCore, work: (task: Task) => Promise<readonly Row[]>) {
    this.#task = new Task(core)
    this.#work = work
  }

  [Symbol.iterator](): this {
    return this
  }

  next(): IteratorResult<Row> {
    if (this.#rows === undefined) return this.#wait()
    const value = this.#rows[this.#at]
    if (value === undefined) return { done: true, value: undefined }
    this.#at++
    return { done: false, value }
  }

  #wait(): never {
    if (this.#pending === undefined) {
      this.#task.core.own({ close: () => (this.#task.isAbandoned = true) })
      this.#pending = this.#work(this.#task).then((rows) => {
        this.#rows = rows
      })
    }
    return suspend(this.#pending)
  }
}
