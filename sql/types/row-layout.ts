// Layouts of stored rows: which column lies where. The table of bytes is in row-codec.ts.

import { assert } from '../../storage/base/assert.ts'
import type { RowSlot, Type } from './type.ts'

/** A column as it is stored: its attnum names it through all layouts. */
export interface PhysicalColumn {
  readonly attnum: number
  readonly type: Type
}

/** One way to lay out a row. */
export interface RowLayout {
  /** 0..32767 */
  readonly version: number
  readonly columns: readonly PhysicalColumn[]
}

/** Where a stored row lies: an engine Cell is one. */
export interface RowCell {
  readonly bytes: Buffer
  /** A view whose offset 0 is that of `bytes`. */
  readonly view: DataView
  readonly start: number
  readonly end: number
}

export const WIDE_FLAG = 0x8000

/** Bytes of each slot; 0 for variable columns. */
export const SLOT_SIZE_BYTES: Readonly<Record<RowSlot, number>> = {
  bool: 1,
  int2: 2,
  int4: 4,
  uint4: 4,
  int8: 8,
  float4: 4,
  float8: 8,
  date: 4,
  timestamp: 8,
  variable: 0,
}

/** A layout with its offsets worked out. */
export interface LayoutPlan {
  readonly version: number
  readonly columns: readonly PlannedColumn[]
  readonly variableCount: number
  /** Offset of the end offsets of variable columns: where the fixed part ends. */
  readonly endsOffset: number
}

export interface PlannedColumn extends PhysicalColumn {
  /** Position in the layout, and bit in the null bitmap. */
  readonly index: number
  /** Fixed slot: its offset. Variable: the number of its end offset. */
  readonly place: number
}

/** Works out the offsets of a layout. */
export function planLayout(layout: RowLayout): LayoutPlan {
  assert(layout.version >= 0 && layout.version < WIDE_FLAG, 'layout version fits 15 bits')
  let offset = 2 + Math.ceil(layout.columns.length / 8)
  let variableCount = 0
  const columns = layout.columns.map(({ attnum, type }, index): PlannedColumn => {
    const size = SLOT_SIZE_BYTES[type.rowSlot]
    const place = size === 0 ? variableCount++ : offset
    offset += size
    return { attnum, type, index, place }
  })
  return { version: layout.version, columns, variableCount, endsOffset: offset }
}
