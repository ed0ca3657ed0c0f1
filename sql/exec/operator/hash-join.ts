// Hash join: the right side is read into a Map by key, then each left row looks its key up.
//
//   build: right rows ──key──▶ Map<key, Entry>        probe: left rows ──key──▶ entry ──▶ test ──▶ joined rows
//                                                     after that, for right and full joins: entries nobody matched
//
// A NULL in the key matches nothing. Left rows come out in their order.

import type { Row, Value } from '../../types/value.ts'
import type { Operator } from '../operator.ts'
import type { Runtime } from '../runtime.ts'
import type { PairMap, PairTest } from './nested-loop.ts'

/** A Map key for a row, or null when a part of the key is NULL. May suspend. */
export type HashKeyOf = (rt: Runtime, row: Row) => Value | string

export interface HashJoinPlan {
  readonly kind: 'inner' | 'left' | 'right' | 'full' | 'semi' | 'anti'
  readonly leftKey: HashKeyOf
  readonly rightKey: HashKeyOf
  readonly test: PairTest | undefined
  readonly map: PairMap
  readonly leftNulls: Row
  readonly rightNulls: Row
}

class Entry {
  readonly row: Row
  readonly next: Entry | undefined
  isMatched = false

  constructor(row: Row, next: Entry | undefined) {
    this.row = row
    this.next = next
  }
}

export class HashJoinOperator implements Operator {
  readonly #runtime: Runtime
  readonly #left: Operator
  readonly #right: Operator
  readonly #plan: HashJoinPlan
  readonly #table = new Map<unknown, Entry>()
  /** All entries, for right and full joins; those with a NULL in the key are only here. */
  #all: Entry[] = []
  #isBuilt = false
  #buildRow: Row | undefined
  #held: Row | undefined
  #leftRow: Row | undefined
  #entry: Entry | undefined
  #hasMatch = false
  #unmatched = -1

  constructor(runtime: Runtime, left: Operator, right: Operator, plan: HashJoinPlan) {
    this.#runtime = runtime
    this.#left = left
    this.#right = right
    this.#plan = plan
  }

  next(): Row | undefined {
    if (!this.#isBuilt) this.#build()
    if (this.#unmatched >= 0) return this.#nextUnmatched()
    const { kind, test, map, rightNulls } = this.#plan
    const runtime = this.#runtime
    for (;;) {
      if (this.#leftRow === undefined && !this.#nextLeft()) {
        if (kind !== 'right' && kind !== 'full') return undefined
        this.#unmatched = 0
        return this.#nextUnmatched()
      }
      const left = this.#leftRow as Row
      const entry = this.#entry
      if (entry === undefined) {
        const isMissing = !this.#hasMatch && (kind === 'left' || kind === 'full' || kind === 'anti')
        const row = isMissing ? map(runtime, left, rightNulls) : undefined
        this.#leftRow = undefined
        if (row !== undefined) return row
        continue
      }
      if (test !== undefined && !test(runtime, left, entry.row)) {
        runtime.tick()
        this.#entry = entry.next
        continue
      }
      const row = kind === 'anti' ? undefined : map(runtime, left, entry.row)
      entry.isMatched = true
      this.#hasMatch = true
      this.#entry = entry.next
      if (kind === 'semi' || kind === 'anti') this.#leftRow = undefined
      if (row !== undefined) return row
    }
  }

  #nextLeft(): boolean {
    // The row is held while its key is worked out.
    const row = (this.#held ??= this.#left.next())
    if (row === undefined) return false
    this.#runtime.tick()
    const key = this.#plan.leftKey(this.#runtime, row)
    this.#held = undefined
    this.#entry = key === null ? undefined : this.#table.get(key)
    this.#leftRow = row
    this.#hasMatch = false
    return true
  }

  #build(): void {
    const runtime = this.#runtime
    const { kind, rightKey } = this.#plan
    const keepsAll = kind === 'right' || kind === 'full'
    for (;;) {
      const row = (this.#buildRow ??= this.#right.next())
      if (row === undefined) break
      const key = rightKey(runtime, row)
      this.#buildRow = undefined
      if (key === null) {
        if (keepsAll) this.#all.push(new Entry(row, undefined))
        continue
      }
      const entry = new Entry(row, this.#table.get(key))
      this.#table.set(key, entry)
      if (keepsAll) this.#all.push(entry)
    }
    this.#isBuilt = true
  }

  #nextUnmatched(): Row | undefined {
    const { map, leftNulls } = this.#plan
    for (;;) {
      const entry = this.#all[this.#unmatched]
      if (entry === undefined) return undefined
      const row = entry.isMatched ? undefined : map(this.#runtime, leftNulls, entry.row)
      this.#unmatched++
      if (row !== undefined) return row
    }
  }

  rescan(): void {
    this.#left.rescan()
    this.#right.rescan()
    this.#table.clear()
    this.#all = []
    this.#isBuilt = false
    this.#buildRow = undefined
    this.#held = undefined
    this.#leftRow = undefined
    this.#entry = undefined
    this.#unmatched = -1
  }

  close(): void {
    this.#left.close()
    this.#right.close()
  }
}
