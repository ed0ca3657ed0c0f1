// Nested loop: for each row of the left side the right side is run anew, with values of the left row handed down
// through runtime slots (LATERAL, inner index lookups), or is replayed (a materialised right side).

import type { Row } from '../../types/value.ts'
import type { Operator } from '../operator.ts'
import type { Runtime } from '../runtime.ts'

export type JoinKind = 'inner' | 'left' | 'semi' | 'anti'
/** Condition over a left and a right row. */
export type PairTest = (rt: Runtime, l: Row, r: Row) => boolean
/** The joined row. `r` is a row of NULLs for a left row without a match. */
export type PairMap = (rt: Runtime, l: Row, r: Row) => Row

export interface NestedLoopPlan {
  readonly kind: JoinKind
  /** Hands the left row's values down. */
  readonly handDown: ((rt: Runtime, l: Row) => void) | undefined
  readonly test: PairTest | undefined
  readonly map: PairMap
  readonly nullRow: Row
}

export class NestedLoopOperator implements Operator {
  readonly #runtime: Runtime
  readonly #left: Operator
  readonly #right: Operator
  readonly #plan: NestedLoopPlan
  #leftRow: Row | undefined
  #rightRow: Row | undefined
  #hasMatch = false

  constructor(runtime: Runtime, left: Operator, right: Operator, plan: NestedLoopPlan) {
    this.#runtime = runtime
    this.#left = left
    this.#right = right
    this.#plan = plan
  }

  next(): Row | undefined {
    const { kind, test, map, nullRow } = this.#plan
    const runtime = this.#runtime
    for (;;) {
      if (this.#leftRow === undefined && !this.#nextLeft()) return undefined
      const left = this.#leftRow as Row
      const right = (this.#rightRow ??= this.#right.next())
      if (right === undefined) {
        const isMissing = !this.#hasMatch && (kind === 'left' || kind === 'anti')
        const row = isMissing ? map(runtime, left, nullRow) : undefined
        this.#leftRow = undefined
        if (row !== undefined) return row
        continue
      }
      runtime.tick()
      if (test !== undefined && !test(runtime, left, right)) {
        this.#rightRow = undefined
        continue
      }
      const row = kind === 'anti' ? undefined : map(runtime, left, right)
      this.#rightRow = undefined
      this.#hasMatch = true
      if (kind === 'semi' || kind === 'anti') this.#leftRow = undefined
      if (row !== undefined) return row
    }
  }

  #nextLeft(): boolean {
    const row = this.#left.next()
    if (row === undefined) return false
    this.#plan.handDown?.(this.#runtime, row)
    this.#right.rescan()
    this.#leftRow = row
    this.#rightRow = undefined
    this.#hasMatch = false
    return true
  }

  rescan(): void {
    this.#left.rescan()
    this.#right.forget?.()
    this.#leftRow = undefined
    this.#rightRow = undefined
  }

  close(): void {
    this.#left.close()
    this.#right.close()
  }
}
