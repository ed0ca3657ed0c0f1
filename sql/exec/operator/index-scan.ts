// Index scans: ranges of keys in a tree, each cell through a compiled reader. Over a secondary index, each entry names
// the row's key and the row is fetched from the table's tree.
//
//   bounds(rt) ──▶ [low, high) ranges in index order ──▶ cursor ──▶ (row key ──▶ get) ──▶ reader

import type { ByteWriter } from '../../../storage/base/byte-writer.ts'
import type { TreeId } from '../../../storage/base/ids.ts'
import type { Cursor } from '../../../storage/engine/engine.ts'
import { rowKeyOf } from '../modify/index-key.ts'
import type { Operator } from '../operator.ts'
import type { Runtime } from '../runtime.ts'
import { lookupScratch } from '../scratch.ts'
import type { Row } from '../../types/value.ts'
import type { RowReader } from './row-reader.ts'

/** Keys in [low, high); undefined: no bound. */
export interface KeyRange {
  readonly low: Buffer | undefined
  readonly high: Buffer | undefined
}

export interface IndexScanPlan {
  readonly tableTree: TreeId
  readonly indexTree: TreeId
  /** The index is the table itself. */
  readonly isClustered: boolean
  readonly rowKeySize: number
  readonly descending: boolean
  /** The ranges to read, in the order of the scan. Evaluated at the start of each scan. */
  readonly ranges: (rt: Runtime, writer: ByteWriter) => readonly KeyRange[]
  readonly read: RowReader
}

export class IndexScanOperator implements Operator {
  readonly #runtime: Runtime
  readonly #plan: IndexScanPlan
  readonly #cursor: Cursor
  #ranges: readonly KeyRange[] | undefined
  #range = 0
  #isPositioned = false
  #count = 0
  /** Key of a row that is to be fetched: the cursor's cell may be gone by then. */
  #rowKey: Buffer | undefined

  constructor(runtime: Runtime, plan: IndexScanPlan) {
    this.#runtime = runtime
    this.#plan = plan
    this.#cursor = runtime.database.cursor(runtime.view, plan.indexTree)
    runtime.own(this)
  }

  next(): Row | undefined {
    const runtime = this.#runtime
    const plan = this.#plan
    this.#ranges ??= plan.ranges(runtime, lookupScratch)
    for (;;) {
      if (this.#rowKey === undefined && !this.#advance()) return undefined
      const rowKey = this.#rowKey
      const cell =
        rowKey === undefined ? this.#cursor.cell : runtime.database.get(runtime.view, plan.tableTree, rowKey)
      this.#rowKey = undefined
      if (cell === undefined) continue
      const row = plan.read(runtime, cell)
      if (row !== undefined) return row
    }
  }

  /** Moves to the next entry in any range. */
  #advance(): boolean {
    const { descending, isClustered, rowKeySize } = this.#plan
    const cursor = this.#cursor
    if ((++this.#count & 127) === 0) this.#runtime.context.checkpoint()
    for (;;) {
      const range = this.#ranges?.[this.#range]
      if (range === undefined) return false
      if (!this.#isPositioned) {
        cursor.seek(range.low, range.high, descending)
        this.#isPositioned = true
      }
      if (cursor.next()) {
        if (!isClustered) this.#rowKey = rowKeyOf(cursor.cell, rowKeySize)
        return true
      }
      this.#range++
      this.#isPositioned = false
    }
  }

  rescan(): void {
    this.#ranges = undefined
    this.#range = 0
    this.#isPositioned = false
    this.#rowKey = undefined
  }

  close(): void {
    this.#cursor.close()
    this.#ranges = []
  }
}

export interface PointLookupPlan {
  readonly tableTree: TreeId
  /** undefined: the key is the row's own. */
  readonly indexTree: TreeId | undefined
  readonly rowKeySize: number
  /** Writes the key; false when a part is NULL or out of the column's range: no row then. */
  readonly key: (rt: Runtime, writer: ByteWriter) => boolean
  readonly read: RowReader
}

/** At most one row: a full unique key. */
export class PointLookupOperator implements Operator {
  readonly #runtime: Runtime
  readonly #plan: PointLookupPlan
  #isDone = false

  constructor(runtime: Runtime, plan: PointLookupPlan) {
    this.#runtime = runtime
    this.#plan = plan
  }

  next(): Row | undefined {
    if (this.#isDone) return undefined
    const row = lookUp(this.#runtime, this.#plan)
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

/** The row under a full unique key, through the plan's reader. */
export function lookUp(runtime: Runtime, plan: PointLookupPlan): Row | undefined {
  const writer = lookupScratch
  writer.reset()
  if (!plan.key(runtime, writer)) return undefined
  const { database, view } = runtime
  let key: Buffer = writer.written()
  if (plan.indexTree !== undefined) {
    const entry = database.get(view, plan.indexTree, key)
    if (entry === undefined) return undefined
    key = rowKeyOf(entry, plan.rowKeySize)
  }
  const cell = database.get(view, plan.tableTree, key)
  return cell === undefined ? undefined : plan.read(runtime, cell)
}
