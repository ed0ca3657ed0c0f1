// The Execution of a plan: pulls rows from the root operator into batches, then does what belongs to the statement's end.
//
//   root rows ──▶ data-modifying WITH queries run out ──▶ constraint checks and foreign key actions ──▶ done

import { SUSPENDED } from '../../storage/base/suspend.ts'
import type { Execution } from './execution.ts'
import type { Operator } from './operator.ts'
import type { Runtime } from './runtime.ts'
import type { Row } from '../types/value.ts'

const BATCH_ROWS = 256

export class StatementExecution implements Execution {
  readonly runtime: Runtime
  readonly #root: Operator
  /** Runs WITH queries that change data to their end, read or not. */
  readonly #finishCtes: (rt: Runtime) => void
  readonly #affected: (() => number) | undefined
  #batch: Row[] = []
  #returned = 0
  #isDrained = false
  #isDone = false
  #error: unknown

  constructor(
    runtime: Runtime,
    root: Operator,
    finishCtes: (rt: Runtime) => void,
    affected: (() => number) | undefined,
  ) {
    this.runtime = runtime
    this.#root = root
    this.#finishCtes = finishCtes
    this.#affected = affected
  }

  next(): readonly Row[] | undefined {
    if (this.#isDone) return undefined
    // A suspension leaves what was gathered in #batch.
    if (this.#error !== undefined) throw this.#error
    try {
      while (!this.#isDrained && this.#batch.length < BATCH_ROWS) {
        const row = this.#root.next()
        if (row === undefined) this.#isDrained = true
        else this.#batch.push(row)
      }
    } catch (thrown) {
      // Rows that came before an error are the client's, as in PostgreSQL; the error follows them.
      if (thrown === SUSPENDED || this.#batch.length === 0) throw thrown
      this.#error = thrown
    }
    if (this.#isDrained) this.#finish()
    const batch = this.#batch
    this.#batch = []
    if (batch.length === 0) {
      this.#isDone = true
      return undefined
    }
    this.#returned += batch.length
    return batch
  }

  #finish(): void {
    this.#finishCtes(this.runtime)
    this.runtime.finish()
  }

  get rowCount(): number {
    return this.#affected === undefined ? this.#returned : this.#affected()
  }

  close(): void {
    this.#isDone = true
    this.#root.close()
    this.runtime.close()
  }
}
