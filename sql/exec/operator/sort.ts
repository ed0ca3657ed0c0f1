// Sort. With a row limit only the best rows are kept: the buffer is sorted and cut whenever it has grown to a multiple.

import type { Row } from '../../types/value.ts'
import { SqlError } from '../../types/sql-error.ts'
import type { Operator } from '../operator.ts'
import type { Runtime } from '../runtime.ts'

export type RowCompare = (a: Row, b: Row) => number

/** Rows a sort may hold: far beyond work_mem the process would die, so the statement fails instead. */
const ROWS_MAX = 20_000_000

export class SortOperator implements Operator {
  readonly #runtime: Runtime
  readonly #child: Operator
  readonly #compare: RowCompare
  readonly #limit: ((rt: Runtime) => number) | undefined
  #rows: Row[] = []
  #isSorted = false
  #position = 0

  /** `limit`: how many rows will be asked for at most. */
  constructor(runtime: Runtime, child: Operator, compare: RowCompare, limit?: (rt: Runtime) => number) {
    this.#runtime = runtime
    this.#child = child
    this.#compare = compare
    this.#limit = limit
  }

  next(): Row | undefined {
    if (!this.#isSorted) this.#sort()
    const row = this.#rows[this.#position]
    if (row !== undefined) this.#position++
    return row
  }

  #sort(): void {
    const limit = this.#limit?.(this.#runtime) ?? Infinity
    const cutAt = Math.max(limit * 2, 1024)
    for (;;) {
      const row = this.#child.next()
      if (row === undefined) break
      this.#rows.push(row)
      if (this.#rows.length > cutAt) {
        this.#rows.sort(this.#compare)
        this.#rows.length = limit
      }
      if (this.#rows.length > ROWS_MAX)
        throw new SqlError('53200', 'out of memory', { detail: 'A sort has too many rows.' })
    }
    this.#rows.sort(this.#compare)
    this.#isSorted = true
  }

  rescan(): void {
    this.#rows = []
    this.#isSorted = false
    this.#position = 0
    this.#child.rescan()
  }

  close(): void {
    this.#rows = []
    this.#child.close()
  }
}

/** Of ordered rows, the first of each run of equals: DISTINCT ON. */
export class UniqueOperator implements Operator {
  readonly #child: Operator
  readonly #same: (a: Row, b: Row) => boolean
  #last: Row | undefined

  constructor(child: Operator, same: (a: Row, b: Row) => boolean) {
    this.#child = child
    this.#same = same
  }

  next(): Row | undefined {
    for (;;) {
      const row = this.#child.next()
      if (row === undefined) return undefined
      if (this.#last !== undefined && this.#same(this.#last, row)) continue
      this.#last = row
      return row
    }
  }

  rescan(): void {
    this.#last = undefined
    this.#child.rescan()
  }

  close(): void {
    this.#child.close()
  }
}

/** Rows not seen before, by key: DISTINCT, UNION. */
export class DistinctOperator implements Operator {
  readonly #runtime: Runtime
  readonly #child: Operator
  readonly #keyOf: (rt: Runtime, r: Row) => unknown
  readonly #seen = new Set<unknown>()

  constructor(runtime: Runtime, child: Operator, keyOf: (rt: Runtime, r: Row) => unknown) {
    this.#runtime = runtime
    this.#child = child
    this.#keyOf = keyOf
  }

  next(): Row | undefined {
    for (;;) {
      const row = this.#child.next()
      if (row === undefined) return undefined
      const key = this.#keyOf(this.#runtime, row)
      if (this.#seen.has(key)) continue
      this.#seen.add(key)
      return row
    }
  }

  rescan(): void {
    this.#seen.clear()
    this.#child.rescan()
  }

  close(): void {
    this.#seen.clear()
    this.#child.close()
  }
}

/** INTERSECT and EXCEPT, with or without ALL: counts rows of both sides by key. */
export class SetOperator implements Operator {
  readonly #runtime: Runtime
  readonly #left: Operator
  readonly #right: Operator
  readonly #keyOf: (rt: Runtime, r: Row) => unknown
  readonly #isIntersect: boolean
  readonly #isAll: boolean
  readonly #counts = new Map<unknown, number>()
  readonly #given = new Set<unknown>()
  #isBuilt = false

  constructor(
    runtime: Runtime,
    left: Operator,
    right: Operator,
    keyOf: (rt: Runtime, r: Row) => unknown,
    kind: { readonly intersect: boolean; readonly all: boolean },
  ) {
    this.#runtime = runtime
    this.#left = left
    this.#right = right
    this.#keyOf = keyOf
    this.#isIntersect = kind.intersect
    this.#isAll = kind.all
  }

  next(): Row | undefined {
    if (!this.#isBuilt) this.#build()
    for (;;) {
      const row = this.#left.next()
      if (row === undefined) return undefined
      const key = this.#keyOf(this.#runtime, row)
      if (this.#accepts(key)) return row
    }
  }

  #build(): void {
    for (;;) {
      const row = this.#right.next()
      if (row === undefined) break
      const key = this.#keyOf(this.#runtime, row)
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
    }
    this.#isBuilt = true
  }

  #accepts(key: unknown): boolean {
    const count = this.#counts.get(key) ?? 0
    if (this.#isAll) {
      if (count > 0) this.#counts.set(key, count - 1)
      return this.#isIntersect ? count > 0 : count === 0
    }
    if (this.#given.has(key)) return false
    const accepted = this.#isIntersect ? count > 0 : count === 0
    if (accepted) this.#given.add(key)
    return accepted
  }

  rescan(): void {
    this.#left.rescan()
    this.#right.rescan()
    this.#counts.clear()
    this.#given.clear()
    this.#isBuilt = false
  }

  close(): void {
    this.#left.close()
    this.#right.close()
  }
}
