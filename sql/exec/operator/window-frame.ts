// Window frames: which rows of a partition a window function sees for its current row (documentation, section 4.2.8).
//
//   partition   0 ......... start ......... current ......... end ......... n
//                           └──────────── frame ──────────────┘   minus EXCLUDE's rows

import { SqlError } from '../../types/sql-error.ts'
import type { Row, Value } from '../../types/value.ts'
import type { Runtime } from '../runtime.ts'

export interface FrameSide {
  readonly kind: 'unbounded-preceding' | 'preceding' | 'current-row' | 'following' | 'unbounded-following'
  readonly offset: ((rt: Runtime) => Value) | undefined
  /** RANGE with an offset: whether row j's key lies at or after (start), at or before (end) row i's key moved by it. */
  readonly reaches: ((rt: Runtime, keyJ: Value, keyI: Value, offset: Value) => boolean) | undefined
}

export interface FramePlan {
  readonly mode: 'rows' | 'range' | 'groups'
  readonly start: FrameSide
  readonly end: FrameSide
  readonly exclude: 'no-others' | 'current-row' | 'group' | 'ties'
  /** Slot of the one ORDER BY key that RANGE offsets move along. */
  readonly keySlot: number
}

/** The rows of one partition and where its peer groups begin and end. */
export class Partition {
  readonly rows: readonly Row[]
  /** Index of each row's peer group. */
  readonly groupOf: Int32Array
  /** First row of each peer group, and the row count at the end. */
  readonly groupStarts: number[] = []

  constructor(rows: readonly Row[], peers: (a: Row, b: Row) => boolean) {
    this.rows = rows
    this.groupOf = new Int32Array(rows.length)
    for (let i = 0; i < rows.length; i++) {
      if (i === 0 || !peers(rows[i - 1] as Row, rows[i] as Row)) this.groupStarts.push(i)
      this.groupOf[i] = this.groupStarts.length - 1
    }
    this.groupStarts.push(rows.length)
  }

  groupStart(group: number): number {
    if (group < 0) return 0
    return this.groupStarts[Math.min(group, this.groupStarts.length - 1)] as number
  }

  peersStart(row: number): number {
    return this.groupStart(this.groupOf[row] as number)
  }

  peersEnd(row: number): number {
    return this.groupStart((this.groupOf[row] as number) + 1)
  }
}

export class FrameFinder {
  readonly #plan: FramePlan
  readonly #runtime: Runtime
  readonly #startOffset: Value
  readonly #endOffset: Value

  constructor(plan: FramePlan, runtime: Runtime) {
    this.#plan = plan
    this.#runtime = runtime
    this.#startOffset = readOffset(plan, plan.start, 'starting', runtime)
    this.#endOffset = readOffset(plan, plan.end, 'ending', runtime)
  }

  /** First row of the frame. */
  start(partition: Partition, row: number): number {
    const { length } = partition.rows
    const at = this.#bound(partition, row, this.#plan.start, this.#startOffset, false)
    return Math.max(0, Math.min(at, length))
  }

  /** The row after the frame's last. */
  end(partition: Partition, row: number): number {
    const { length } = partition.rows
    const at = this.#bound(partition, row, this.#plan.end, this.#endOffset, true)
    return Math.max(0, Math.min(at, length))
  }

  #bound(partition: Partition, row: number, side: FrameSide, offset: Value, isEnd: boolean): number {
    const { length } = partition.rows
    const { mode } = this.#plan
    switch (side.kind) {
      case 'unbounded-preceding':
        return 0
      case 'unbounded-following':
        return length
      case 'current-row':
        if (mode === 'rows') return isEnd ? row + 1 : row
        return isEnd ? partition.peersEnd(row) : partition.peersStart(row)
      default: {
        const sign = side.kind === 'preceding' ? -1 : 1
        if (mode === 'rows') return row + sign * Number(offset) + (isEnd ? 1 : 0)
        if (mode === 'groups') {
          const group = (partition.groupOf[row] as number) + sign * Number(offset) + (isEnd ? 1 : 0)
          return partition.groupStart(group)
        }
        return this.#range(partition, row, side, offset, isEnd)
      }
    }
  }

  /** By the key's value: rows are in its order, NULLs together at one end, peers of each other only. */
  #range(partition: Partition, row: number, side: FrameSide, offset: Value, isEnd: boolean): number {
    const slot = this.#plan.keySlot
    const { rows } = partition
    const key = (rows[row] as Row)[slot] as Value
    if (key === null) return isEnd ? partition.peersEnd(row) : partition.peersStart(row)
    const reaches = side.reaches
    if (reaches === undefined) throw new Error('a RANGE offset has a comparison')
    const test = (index: number): boolean => {
      const other = (rows[index] as Row)[slot] as Value
      return other !== null && reaches(this.#runtime, other, key, offset)
    }
    if (!isEnd) {
      let at = this.#firstKey(partition)
      while (at < rows.length && (rows[at] as Row)[slot] !== null && !test(at)) at++
      return at
    }
    let at = this.#firstKey(partition)
    while (at < rows.length && test(at)) at++
    return at
  }

  /** The first row whose key is not NULL. */
  #firstKey(partition: Partition): number {
    let at = 0
    const { rows } = partition
    while (at < rows.length && (rows[at] as Row)[this.#plan.keySlot] === null) at++
    return at
  }

  /** Whether EXCLUDE takes row j out of row i's frame. */
  excludes(partition: Partition, i: number, j: number): boolean {
    switch (this.#plan.exclude) {
      case 'no-others':
        return false
      case 'current-row':
        return i === j
      case 'group':
        return partition.groupOf[i] === partition.groupOf[j]
      case 'ties':
        return i !== j && partition.groupOf[i] === partition.groupOf[j]
    }
  }
}

function readOffset(plan: FramePlan, side: FrameSide, name: 'starting' | 'ending', runtime: Runtime): Value {
  if (side.offset === undefined) return null
  const value = side.offset(runtime)
  if (value === null) throw new SqlError('22004', `frame ${name} offset must not be null`)
  if (plan.mode !== 'range' && Number(value) < 0)
    throw new SqlError('22013', `frame ${name} offset must not be negative`)
  return value
}
