// Filling the Cell that a reader is handed: from a slot of a leaf, or from an entry of the write set.

import { u32 } from '../base/bytes.ts'
import { LSN_ZERO, type Lsn, type PageNo } from '../base/ids.ts'
import { CELL_FLAG_OVERFLOW, CELL_KEY_LENGTH_MASK, LEAF_CELL_HEADER_SIZE_BYTES } from '../page/format.ts'
import { PAGE_HEADER_SIZE_BYTES } from '../page/format.ts'
import { type Cell, OWN_WRITE_LSN } from './engine.ts'
import type { OverflowReader } from './overflow-reader.ts'
import type { WriteSet } from './write-set.ts'

const NOTHING = Buffer.alloc(0)
const TWO_32 = 0x1_0000_0000

export function emptyCell(): Cell {
  const view = new DataView(NOTHING.buffer, NOTHING.byteOffset, 0)
  return { bytes: NOTHING, view, keyBytes: NOTHING, keyStart: 0, keyEnd: 0, start: 0, end: 0, lsn: LSN_ZERO }
}

/** Fills `cell` from a slot of the leaf at `at`. Suspends, with `cell` unchanged, if overflow pages are missing. */
export function fillFromLeaf(
  cell: Cell,
  bytes: Buffer,
  view: DataView,
  at: number,
  slot: number,
  overflow: OverflowReader,
  readLsn: Lsn,
): void {
  const from = at + view.getUint16(at + PAGE_HEADER_SIZE_BYTES + slot * 2, true)
  const keyField = view.getUint16(from, true)
  const keyStart = from + LEAF_CELL_HEADER_SIZE_BYTES
  const keyEnd = keyStart + (keyField & CELL_KEY_LENGTH_MASK)
  const lsn = (view.getUint32(from + 8, true) * TWO_32 + view.getUint32(from + 4, true)) as Lsn
  if ((keyField & CELL_FLAG_OVERFLOW) !== 0) {
    const value = overflow.read(u32(bytes, keyEnd + 4) as PageNo, u32(bytes, keyEnd), lsn, readLsn)
    cell.bytes = value
    cell.view = new DataView(value.buffer, value.byteOffset, value.length)
    cell.start = 0
    cell.end = value.length
  } else {
    if (cell.bytes !== bytes) {
      cell.bytes = bytes
      cell.view = view
    }
    cell.start = keyEnd
    cell.end = keyEnd + view.getUint16(from + 2, true)
  }
  if (cell.keyBytes !== bytes) cell.keyBytes = bytes
  cell.keyStart = keyStart
  cell.keyEnd = keyEnd
  cell.lsn = lsn
}

/** Fills `cell` from the entry that `writes` has just located at `place`. */
export function fillFromWrites(cell: Cell, writes: WriteSet, place: number): void {
  cell.bytes = writes.bytes
  cell.view = writes.view
  cell.keyBytes = writes.bytes
  cell.keyStart = writes.keyStart(place)
  cell.keyEnd = writes.keyEnd(place)
  cell.start = cell.keyEnd
  cell.end = writes.valueEnd(place)
  cell.lsn = OWN_WRITE_LSN
}
