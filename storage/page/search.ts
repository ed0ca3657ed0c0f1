// Search in a page, in place: memcmp of the wanted key against the cells' keys, with a fast path for keys of four and
// eight bytes (integers), which are compared as big-endian numbers.
//
// Both kinds of pages are searched for the first slot whose key is ≥ the wanted one. On a leaf the answer says whether
// that key is equal; on an inner page the child to follow is the last one whose key is ≤ the wanted key, and slot 0
// stands for "below all".

import { compareRanges } from '../base/bytes.ts'
import { PAGE_TYPE_LEAF, CELL_KEY_LENGTH_MASK, INNER_CELL_HEADER_SIZE_BYTES } from './format.ts'
import { LEAF_CELL_HEADER_SIZE_BYTES, OFFSET_COUNT, OFFSET_TYPE, PAGE_HEADER_SIZE_BYTES } from './format.ts'

/** Fewer cells than this are searched by halves. */
const GUESS_COUNT_MIN = 8

/** A key to search for: bytes and, for short keys, the same as big-endian numbers. One object serves a whole descent. */
export class SearchKey {
  bytes: Uint8Array = new Uint8Array(0)
  start = 0
  end = 0
  /** First and second four bytes as numbers, where the length is 4 or 8. */
  high = 0
  low = 0

  set(bytes: Uint8Array, start: number, end: number): this {
    this.bytes = bytes
    this.start = start
    this.end = end
    const length = end - start
    if (length === 8) {
      this.high = bigEndian32(bytes, start)
      this.low = bigEndian32(bytes, start + 4)
    } else if (length === 4) {
      this.high = bigEndian32(bytes, start)
    }
    return this
  }
}

function bigEndian32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  )
}

/**
 * The slot of `key` on the leaf at `at`, or, if it is not there, ~(the slot where it would be inserted), a negative
 * number. `bytes` and `view` are the same memory.
 */
export function findSlot(bytes: Buffer, view: DataView, at: number, key: SearchKey): number {
  return search(bytes, view, at, 0, LEAF_CELL_HEADER_SIZE_BYTES, key)
}

/** The slot of the child of the inner page at `at` that leads to `key`. */
export function findChild(bytes: Buffer, view: DataView, at: number, key: SearchKey): number {
  const slot = search(bytes, view, at, 1, INNER_CELL_HEADER_SIZE_BYTES, key)
  return slot >= 0 ? slot : ~slot - 1
}

/** Search by halves from slot `low` on; for integers, around the place where an even spread would put the key. */
function search(
  bytes: Buffer,
  view: DataView,
  at: number,
  first: number,
  header: number,
  key: SearchKey,
): number {
  const length = key.end - key.start
  const slots = at + PAGE_HEADER_SIZE_BYTES
  let low = first
  let high = view.getUint16(at + OFFSET_COUNT, true)
  // The next slot to look at, and how far the one after it is; step 0: halves from here on.
  let middle = guess(view, at, low, high, header, key)
  let step = middle < 0 ? 0 : 1
  let turned = 0
  while (low < high) {
    if (step === 0) middle = (low + high) >>> 1
    const order = compareCell(bytes, view, at + view.getUint16(slots + middle * 2, true), header, key, length)
    if (order === 0) return middle
    if (order < 0) low = middle + 1
    else high = middle
    if (step === 0) continue
    // Gallop away from the guess while the order stays, then halve what is between.
    if (turned !== 0 && order < 0 !== turned < 0) step = 0
    turned = order
    middle = order < 0 ? Math.min(low + step - 1, high - 1) : Math.max(high - step, low)
    step *= 4
  }
  return ~low
}

/**
 * Where an integer key would be if the page's keys were evenly spread from the first to the last; -1 if that cannot be
 * said.
 */
function guess(
  view: DataView,
  at: number,
  low: number,
  high: number,
  header: number,
  key: SearchKey,
): number {
  const length = key.end - key.start
  if (high - low < GUESS_COUNT_MIN || (length !== 8 && length !== 4)) return -1
  const slots = at + PAGE_HEADER_SIZE_BYTES
  const first = at + view.getUint16(slots + low * 2, true)
  const last = at + view.getUint16(slots + (high - 1) * 2, true)
  if ((view.getUint16(first, true) & CELL_KEY_LENGTH_MASK) !== length) return -1
  if ((view.getUint16(last, true) & CELL_KEY_LENGTH_MASK) !== length) return -1
  let start = view.getUint32(first + header)
  let end = view.getUint32(last + header)
  let wanted = key.high
  if (length === 8) {
    start = start * 0x1_0000_0000 + view.getUint32(first + header + 4)
    end = end * 0x1_0000_0000 + view.getUint32(last + header + 4)
    wanted = wanted * 0x1_0000_0000 + key.low
  }
  if (wanted <= start) return low
  if (wanted >= end) return high - 1
  return low + Math.floor(((wanted - start) / (end - start)) * (high - low - 1))
}

/** Order of a cell's key relative to the wanted key: negative if the cell comes first. */
function compareCell(
  bytes: Buffer,
  view: DataView,
  cell: number,
  header: number,
  key: SearchKey,
  length: number,
): number {
  const cellKeyLength = view.getUint16(cell, true) & CELL_KEY_LENGTH_MASK
  const keyStart = cell + header
  if (cellKeyLength === length) {
    if (length === 8) {
      const high = view.getUint32(keyStart)
      if (high !== key.high) return high < key.high ? -1 : 1
      const low = view.getUint32(keyStart + 4)
      return low === key.low ? 0 : low < key.low ? -1 : 1
    }
    if (length === 4) {
      const high = view.getUint32(keyStart)
      return high === key.high ? 0 : high < key.high ? -1 : 1
    }
  }
  return compareRanges(bytes, keyStart, keyStart + cellKeyLength, key.bytes, key.start, key.end)
}

/** Order of the key of the cell in `slot` relative to `key`; for callers that already know where to look. */
export function compareSlot(bytes: Buffer, view: DataView, at: number, slot: number, key: SearchKey): number {
  const header =
    view.getUint8(at + OFFSET_TYPE) === PAGE_TYPE_LEAF
      ? LEAF_CELL_HEADER_SIZE_BYTES
      : INNER_CELL_HEADER_SIZE_BYTES
  const cell = at + view.getUint16(at + PAGE_HEADER_SIZE_BYTES + slot * 2, true)
  return compareCell(bytes, view, cell, header, key, key.end - key.start)
}
