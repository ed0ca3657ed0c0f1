// The small operators that look at one row at a time: filter, projection, limit, values, one row, materialise.

import { SqlError } from '../../types/sql-error.ts'
import type { Row, Value } from '../../types/value.ts'
import type { Operator } from '../operator.ts'
import type { Runtime } from '../runtime.ts'

/** Condition over one row; may suspend. */
export type RowTest = (rt: Runtime, r: Row) => boolean
/** Makes a row of another; may suspend. */
export type RowMap = (rt: Runtime, r: Row) => Row

export class FilterOperator implements Operator {
  readonly #runtime: Runtime
  readonly #child: Operator
  readonly #test: RowTest
  /** A row whose test has not been answered yet. */
  #held: Row | undefined

  constructor(runtime: Runtime, child: Operator, test: RowTest) {
    this.#runtime = runtime
    this.#child = child
    this.#test = test
  }

  next(): Row | undefined {
    for (;;) {
      const row = (this.#held ??= this.#child.next())
      if (row === undefined) return undefined
      const passes = this.#test(this.#runtime, row)
      this.#held = undefined
      if (passes) return row
      this.#runtime.tick()
    }
  }

  rescan(): void {
    this.#held = undefined
    this.#child.rescan()
  }

  close(): void {
    this.#child.close()
  }
}

export class ProjectOperator implements Operator {
  readonly #runtime: Runtime
  readonly #child: Operator
  readonly #map: RowMap
  #held: Row | undefined

  constructor(runtime: Runtime, child: Operator, map: RowMap) {
    this.#runtime = runtime
    this.#child = child
    this.#map = map
  }

  next(): Row | undefined {
    const row = (this.#held ??= this.#child.next())
    if (row === undefined) return undefined
    const mapped = this.#map(this.#runtime, row)
    this.#held = undefined
    return mapped
  }

  rescan(): void {
    this.#held = undefined
    this.#child.rescan()
  }

  close(): void {
    this.#child.close()
  }
}

/** One row of expressions over nothing, unless the filter refuses it: SELECT 1. */
export class ResultOperator implements Operator {
  readonly #runtime: Runtime
  readonly #make: (rt: Runtime) => Row | undefined
  #isDone = false

  constructor(runtime: Runtime, make: (rt: Runtime) => Row | undefined) {
    this.#runtime = runtime
    this.#make = make
  }

  next(): Row | undefined {
    if (this.#isDone) return undefined
    const row = this.#make(this.#runtime)
    this.#isDone = true
    return row
  }

  rescan(): void {
    this.#isDone = false
  }

  close(): void {
    this.#isDone = true
  }
}

/** VALUES: each row made by a compiled function. */
export class ValuesOperator implements Operator {
  readonly #runtime: Runtime
  readonly #makers: readonly ((rt: Runtime) => Row | undefined)[]
  #position = 0

  constructor(runtime: Runtime, makers: readonly ((rt: Runtime) => Row | undefined)[]) {
    this.#runtime = runtime
    this.#makers = makers
  }

  next(): Row | undefined {
    for (;;) {
      const make = this.#makers[this.#position]
      if (make === undefined) return undefined
      const row = make(this.#runtime)
      this.#position++
      if (row !== undefined) return row
    }
  }

  rescan(): void {
    this.#position = 0
  }

  close(): void {
    this.#position = this.#makers.length
  }
}

/** Keeps its child's rows, so that a rescan costs nothing. */
export class MaterializeOperator implements Operator {
  readonly #child: Operator
  readonly #runtime: Runtime
  readonly #rows: Row[] = []
  #isComplete = false
  #position = 0

  constructor(runtime: Runtime, child: Operator) {
    this.#runtime = runtime
    this.#child = child
  }

  next(): Row | undefined {
    const row = this.#rows[this.#position]
    if (row !== undefined) {
      this.#runtime.tick()
      this.#position++
      return row
    }
    if (this.#isComplete) return undefined
    const fresh = this.#child.next()
    if (fresh === undefined) {
      this.#isComplete = true
      return undefined
    }
    this.#rows.push(fresh)
    this.#position++
    return fresh
  }

  rescan(): void {
    this.#position = 0
  }

  forget(): void {
    this.#position = 0
    this.#rows.length = 0
    this.#isComplete = false
    this.#child.rescan()
  }

  close(): void {
    this.#child.close()
  }
}

export interface LimitBounds {
  /** Value of LIMIT and OFFSET; null or undefined: none. */
  readonly limit: ((rt: Runtime) => Value) | undefined
  readonly offset: ((rt: Runtime) => Value) | undefined
  /** WITH TIES: whether two rows are peers in the ORDER BY. */
  readonly peers: ((a: Row, b: Row) => boolean) | undefined
}

export class LimitOperator implements Operator {
  readonly #runtime: Runtime
  readonly #child: Operator
  readonly #bounds: LimitBounds
  #limit = Infinity
  #toSkip = 0
  #given = 0
  #isStarted = false
  #last: Row | undefined

  constructor(runtime: Runtime, child: Operator, bounds: LimitBounds) {
    this.#runtime = runtime
    this.#child = child
    this.#bounds = bounds
  }

  next(): Row | undefined {
    if (!this.#isStarted) this.#start()
    while (this.#toSkip > 0) {
      const skipped = this.#child.next()
      if (skipped === undefined) return undefined
      this.#toSkip--
    }
    const { peers } = this.#bounds
    if (this.#given >= this.#limit) {
      if (peers === undefined || this.#last === undefined) return undefined
      const row = this.#child.next()
      if (row === undefined || !peers(this.#last, row)) {
        this.#last = undefined
        return undefined
      }
      return row
    }
    const row = this.#child.next()
    if (row === undefined) return undefined
    this.#given++
    this.#last = row
    return row
  }

  #start(): void {
    const { limit, offset } = this.#bounds
    const count = readCount(limit?.(this.#runtime), '2201W', 'LIMIT')
    const skip = readCount(offset?.(this.#runtime), '2201X', 'OFFSET')
    this.#limit = count ?? Infinity
    this.#toSkip = skip ?? 0
    this.#given = 0
    this.#last = undefined
    this.#isStarted = true
  }

  rescan(): void {
    this.#isStarted = false
    this.#child.rescan()
  }

  close(): void {
    this.#child.close()
  }
}

function readCount(value: Value | undefined, code: string, clause: string): number | undefined {
  if (value === undefined || value === null) return undefined
  const count = Number(value)
  if (count < 0) throw new SqlError(code, `${clause} must not be negative`)
  return count
}

/** Rows of an iterable that is made anew at each rescan: functions in FROM, computed relations. */
export class IterableOperator implements Operator {
  readonly #runtime: Runtime
  readonly #make: (rt: Runtime) => Iterable<Row>
  #iterator: Iterator<Row> | undefined
  #isDone = false

  constructor(runtime: Runtime, make: (rt: Runtime) => Iterable<Row>) {
    this.#runtime = runtime
    this.#make = make
  }

  next(): Row | undefined {
    if (this.#isDone) return undefined
    this.#runtime.tick()
    this.#iterator ??= this.#make(this.#runtime)[Symbol.iterator]()
    const step = this.#iterator.next()
    if (step.done !== true) return step.value
    this.#isDone = true
    return undefined
  }

  rescan(): void {
    this.#iterator = undefined
    this.#isDone = false
  }

  close(): void {
    this.#isDone = true
  }
}

/** Children one after another: UNION ALL. */
export class AppendOperator implements Operator {
  readonly #children: readonly Operator[]
  #current = 0

  constructor(children: readonly Operator[]) {
    this.#children = children
  }

  next(): Row | undefined {
    for (;;) {
      const child = this.#children[this.#current]
      if (child === undefined) return undefined
      const row = child.next()
      if (row !== undefined) return row
      this.#current++
    }
  }

  rescan(): void {
    this.#current = 0
    for (const child of this.#children) child.rescan()
  }

  close(): void {
    for (const child of this.#children) child.close()
  }
}
