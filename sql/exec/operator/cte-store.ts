// The rows of a WITH query, computed as far as its readers have asked, and its readers.

import type { Row } from '../../types/value.ts'
import type { Operator } from '../operator.ts'
import type { Runtime } from '../runtime.ts'

export class CteStore {
  readonly #source: Operator
  readonly #rows: Row[] = []
  #isComplete = false

  constructor(source: Operator) {
    this.#source = source
  }

  /** The row at this position, or undefined beyond the end. May suspend. */
  at(position: number): Row | undefined {
    const known = this.#rows[position]
    if (known !== undefined || this.#isComplete) return known
    while (this.#rows.length <= position) {
      const row = this.#source.next()
      if (row === undefined) {
        this.#isComplete = true
        return undefined
      }
      this.#rows.push(row)
    }
    return this.#rows[position]
  }

  /** Rows computed so far. */
  get count(): number {
    return this.#rows.length
  }

  /** Starts again: the values that the query was computed from have changed. */
  reset(): void {
    this.#rows.length = 0
    this.#isComplete = false
    this.#source.rescan()
  }
}

export class CteReader implements Operator {
  readonly #runtime: Runtime
  readonly #store: (rt: Runtime) => CteStore
  #position = 0

  constructor(runtime: Runtime, store: (rt: Runtime) => CteStore) {
    this.#runtime = runtime
    this.#store = store
  }

  next(): Row | undefined {
    const row = this.#store(this.#runtime).at(this.#position)
    if (row !== undefined) this.#position++
    return row
  }

  rescan(): void {
    this.#position = 0
  }

  close(): void {
    this.#position = Infinity
  }
}
