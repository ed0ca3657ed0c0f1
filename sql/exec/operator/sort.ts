// Sort and what is done with keys of rows: DISTINCT, UNION, INTERSECT, EXCEPT.
//
//   Sort, all rows       child ─▶ RowSorter (runs, merged as rows are asked for)
//   Sort, the first n    child ─▶ no better than the n-th so far? dropped : kept ─▶ sorted and cut when twice as many

import type { Row } from '../../types/value.ts'
import { SqlError } from '../../types/sql-error.ts'
import type { Operator } from '../operator.ts'
import type { Runtime } from '../runtime.ts'
import { type RowOrder, RowSorter } from './row-sorter.ts'

/** Rows a sort may hold: far beyond work_mem the process would die, so the statement fails instead. */
const ROWS_MAX = 20_000_000
/** So many first rows are kept apart; of more, all rows are sorted. */
const TOP_ROWS_MAX = 4096

export class SortOperator implements Operator {
  readonly #runtime: Runtime
  readonly #child: Operator
  readonly #order: RowOrder
  readonly #limit: ((rt: Runtime) => number) | undefined
  #sorter: RowSorter | TopRows | undefined
  #isFinished = false

  /** `limit`: how many rows will be asked for at most. */
  constructor(runtime: Runtime, child: Operator, order: RowOrder, limit?: (rt: Runtime) => number) {
    this.#runtime = runtime
    this.#child = child
    this.#order = order
    this.#limit = limit
  }

  next(): Row | undefined {
    const sorter = (this.#sorter ??= this.#makeSorter())
    if (!this.#isFinished) this.#fill(sorter)
    this.#runtime.tick()
    return sorter.next()
  }

  #makeSorter(): RowSorter | TopRows {
    const limit = this.#limit?.(this.#runtime) ?? Infinity
    return limit > TOP_ROWS_MAX ? new RowSorter(this.#order) : new TopRows(this.#order, limit)
  }

  #fill(sorter: RowSorter | TopRows): void {
    for (;;) {
      const row = this.#child.next()
      if (row === undefined) break
      sorter.add(row)
      if (sorter.rowCount > ROWS_MAX)
        throw new SqlError('53200', 'out of memory', { detail: 'A sort has too many rows.' })
    }
    sorter.finish()
    this.#isFinished = true
  }

  rescan(): void {
    this.#sorter = undefined
    this.#isFinished = false
    this.#child.rescan()
  }

  close(): void {
    this.#sorter = undefined
    this.#child.close()
  }
}

/** The first rows of an order, of all that are added. */
class TopRows {
  readonly #order: RowOrder
  readonly #limit: number
  #rows: Row[] = []
  /** The last of the first rows so far, once there are so many; a row that is not before it is none of them. */
  #last: Row | undefined
  #lastRank = 0
  #position = 0

  constructor(order: RowOrder, limit: number) {
    this.#order = order
    this.#limit = limit
  }

  get rowCount(): number {
    return this.#rows.length
  }

  add(row: Row): void {
    if (this.#limit === 0 || this.#isTooLate(row)) return
    if (this.#rows.push(row) >= 2 * this.#limit) this.#cut()
  }

  #isTooLate(row: Row): boolean {
    const last = this.#last
    if (last === undefined) return false
    const { rank, compare } = this.#order
    if (rank !== undefined) {
      const own = rank(row)
      if (own !== this.#lastRank) return own > this.#lastRank
    }
    return compare(row, last) >= 0
  }

  #cut(): void {
    this.#rows.sort(this.#order.compare)
    this.#rows.length = this.#limit
    const last = this.#rows.at(-1)
    this.#last = last
    if (last !== undefined) this.#lastRank = this.#order.rank?.(last) ?? 0
  }

  finish(): void {
    this.#rows.sort(this.#order.compare)
    if (this.#rows.length > this.#limit) this.#rows.length = this.#limit
  }

  next(): Row | undefined {
    return this.#rows[this.#position++]
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
