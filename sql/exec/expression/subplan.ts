// Subqueries in expressions at run time. One Subplan (shared) and, per run, one state that keeps the opened operator.
//
//   uncorrelated   evaluated once, the answer kept for the run
//   correlated     the site writes the outer values into runtime slots, then asks; the answer for the last values is
//                  kept, which also means that an expression that is evaluated again after a suspension goes on where it
//                  was: a subplan that was interrupted with the same values continues instead of starting again
//   hashed         x IN (uncorrelated subquery): its rows go into a Set once

import { assert } from '../../../storage/base/assert.ts'
import { SUSPENDED } from '../../../storage/base/suspend.ts'
import { ArrayStack } from '../../functions/array-stack.ts'
import { SqlError } from '../../types/sql-error.ts'
import { ArrayValue, type Row, type Value } from '../../types/value.ts'
import { openNode, type Operator, type PlanNode } from '../operator.ts'
import type { Runtime } from '../runtime.ts'

export interface SubplanOptions {
  readonly id: number
  readonly node: PlanNode
  readonly test: 'scalar' | 'exists' | 'any' | 'all' | 'array' | 'row'
  /** Runtime slots that the site fills: the correlation. */
  readonly slots: readonly number[]
  /** Result depends on more than the slots (random(), nextval): never keep answers of correlated ones. */
  readonly isVolatile: boolean
  /** 'array': the element type. */
  readonly elementOid: number
  /** 'array': the subquery's column has the array's own type. */
  readonly isOfArrays: boolean
  /** 'any', 'all', 'row': the comparison of the left values (an array) with a row. */
  readonly compare: ((rt: Runtime, l: Row, r: Row) => Value) | undefined
  /** Hashed IN: the key of the one column. */
  readonly hashKey: ((value: NonNullable<Value>) => unknown) | undefined
}

interface State {
  operator: Operator | undefined
  isRunning: boolean
  isKnown: boolean
  answer: Value
  /** Slot values of the running or known answer. */
  readonly values: Value[]
  /** 'array' and the like while it runs. */
  rows: Value[]
  verdict: Value
  held: Row | undefined
  keys: Set<unknown> | undefined
  hasNull: boolean
}

export class Subplan {
  readonly options: SubplanOptions

  constructor(options: SubplanOptions) {
    this.options = options
  }

  /** scalar, exists, array. */
  evaluate(rt: Runtime): Value {
    const state = this.#prepare(rt)
    if (state.isKnown) return state.answer
    const answer = this.#run(rt, state, undefined)
    return this.#keep(state, answer)
  }

  /** any, all, row: with the left side's values. */
  compare(rt: Runtime, left: Row): Value {
    const state = this.#prepare(rt)
    const { hashKey } = this.options
    if (hashKey !== undefined) return this.#lookUp(rt, state, left, hashKey)
    if (!state.isRunning) this.#start(rt, state)
    const answer = this.#guard(state, () => this.#run(rt, state, left))
    state.isRunning = false
    return answer
  }

  #prepare(rt: Runtime): State {
    const { id, slots, isVolatile } = this.options
    let state = rt.states[id] as State | undefined
    if (state === undefined) {
      state = newState()
      rt.states[id] = state
    }
    if (slots.length === 0) return state
    let isSame = !isVolatile || state.isRunning
    for (let i = 0; i < slots.length; i++) {
      const value = rt.s[slots[i] as number] as Value
      if (state.values[i] === value) continue
      isSame = false
      state.values[i] = value
    }
    if (!isSame) {
      state.isKnown = false
      state.isRunning = false
      state.keys = undefined
    }
    return state
  }

  #start(rt: Runtime, state: State): void {
    if (state.operator === undefined) {
      state.operator = openNode(this.options.node, rt)
      rt.own(state.operator)
    } else state.operator.rescan()
    state.rows = []
    state.verdict = this.options.test === 'all'
    state.held = undefined
    state.isRunning = true
  }

  #keep(state: State, answer: Value): Value {
    state.answer = answer
    state.isRunning = false
    state.isKnown = true
    return answer
  }

  /** An error ends the run; a suspension does not. */
  #guard(state: State, work: () => Value): Value {
    try {
      return work()
    } catch (thrown) {
      if (thrown !== SUSPENDED) state.isRunning = false
      throw thrown
    }
  }

  #run(rt: Runtime, state: State, left: Row | undefined): Value {
    if (!state.isRunning) this.#start(rt, state)
    const operator = state.operator
    assert(operator !== undefined, 'a started subplan is open')
    switch (this.options.test) {
      case 'exists':
        return operator.next() !== undefined
      case 'scalar':
        return this.#scalar(state, operator)
      case 'array':
        for (;;) {
          const row = operator.next()
          if (row === undefined) return this.#array(state.rows)
          state.rows.push(row[0] as Value)
        }
      case 'row': {
        const row = (state.held ??= operator.next())
        if (row === undefined) return null
        if (operator.next() !== undefined) throw tooManyRows()
        return this.#compareRow(rt, left, row)
      }
      default:
        return this.#quantified(rt, state, operator, left)
    }
  }

  /** ARRAY(...): of arrays it is one with a dimension more. */
  #array(rows: Value[]): ArrayValue {
    const { elementOid, isOfArrays } = this.options
    if (!isOfArrays) return new ArrayValue(elementOid, rows)
    const stack = new ArrayStack()
    for (const row of rows) stack.push(row as ArrayValue | null)
    return stack.finish() ?? new ArrayValue(elementOid, [])
  }

  #scalar(state: State, operator: Operator): Value {
    const row = (state.held ??= operator.next())
    if (row === undefined) return null
    if (operator.next() !== undefined) throw tooManyRows()
    return row[0] as Value
  }

  #compareRow(rt: Runtime, left: Row | undefined, row: Row): Value {
    assert(this.options.compare !== undefined && left !== undefined, 'a comparison has two sides')
    return this.options.compare(rt, left, row)
  }

  #quantified(rt: Runtime, state: State, operator: Operator, left: Row | undefined): Value {
    const decisive = this.options.test === 'any'
    for (;;) {
      const row = (state.held ??= operator.next())
      if (row === undefined) return state.verdict
      const verdict = this.#compareRow(rt, left, row)
      state.held = undefined
      if (verdict === decisive) return decisive
      if (verdict === null) state.verdict = null
    }
  }

  #lookUp(rt: Runtime, state: State, left: Row, hashKey: (value: NonNullable<Value>) => unknown): Value {
    if (state.keys === undefined) {
      if (!state.isRunning) this.#start(rt, state)
      const operator = state.operator
      assert(operator !== undefined, 'a started subplan is open')
      for (;;) {
        const row = operator.next()
        if (row === undefined) break
        state.rows.push(row[0] as Value)
      }
      state.isRunning = false
      state.hasNull = state.rows.includes(null)
      state.keys = new Set(state.rows.filter((value) => value !== null).map((value) => hashKey(value)))
      state.rows = []
    }
    const value = left[0] as Value
    if (state.keys.size === 0 && !state.hasNull) return false
    if (value === null) return null
    if (state.keys.has(hashKey(value))) return true
    return state.hasNull ? null : false
  }
}

function newState(): State {
  return {
    operator: undefined,
    isRunning: false,
    isKnown: false,
    answer: null,
    values: [],
    rows: [],
    verdict: null,
    held: undefined,
    keys: undefined,
    hasNull: false,
  }
}

function tooManyRows(): SqlError {
  return new SqlError('21000', 'more than one row returned by a subquery used as an expression')
}
