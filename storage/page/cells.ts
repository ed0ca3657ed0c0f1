// Cells of one page: insert, delete, compact. All of it is a pure function of the page's bytes, so that whoever applies
// the same records has the same bytes, dead ones included. Callers have checked slots and room.

import { copyBytes, putU16, u16 } from '../base/bytes.ts'
import { PAGE_SIZE_BYTES } from '../base/limits.ts'
import { OFFSET_COUNT, OFFSET_DEAD_BYTES, OFFSET_HEAP_START, PAGE_HEADER_SIZE_BYTES } from './format.ts'
import { cellHeaderSize, cellSize } from './format.ts'

const scratch = Buffer.alloc(PAGE_SIZE_BYTES)

/** Opens `count` slots at `slot`; each must be filled with placeCell at once. */
export function openSlots(page: Buffer, at: number, slot: number, count: number): void {
  const total = u16(page, at + OFFSET_COUNT)
  const from = at + PAGE_HEADER_SIZE_BYTES + slot * 2
  if (slot < total) page.copyWithin(from + count * 2, from, at + PAGE_HEADER_SIZE_BYTES + total * 2)
  putU16(page, at + OFFSET_COUNT, total + count)
}

/** Reserves `size` bytes for the cell of a slot and returns their position in `page`. The gap must be large enough. */
export function placeCell(page: Buffer, at: number, slot: number, size: number): number {
  const offset = u16(page, at + OFFSET_HEAP_START) - size
  putU16(page, at + OFFSET_HEAP_START, offset)
  putU16(page, at + PAGE_HEADER_SIZE_BYTES + slot * 2, offset)
  return at + offset
}

/** Compacts the page if the gap between slots and cells is below `size` bytes. */
export function makeGap(page: Buffer, at: number, size: number): void {
  const slotsEnd = PAGE_HEADER_SIZE_BYTES + u16(page, at + OFFSET_COUNT) * 2
  if (u16(page, at + OFFSET_HEAP_START) - slotsEnd < size) compact(page, at)
}

/** Takes slots [slot, slot + count) and their cells off the page. */
export function removeSlots(page: Buffer, at: number, slot: number, count: number): void {
  const total = u16(page, at + OFFSET_COUNT)
  const slots = at + PAGE_HEADER_SIZE_BYTES
  const header = cellHeaderSize(page, at)
  let heapStart = u16(page, at + OFFSET_HEAP_START)
  let dead = u16(page, at + OFFSET_DEAD_BYTES)
  for (let i = slot; i < slot + count; i++) {
    const offset = u16(page, slots + i * 2)
    const size = cellSize(page, at + offset, header)
    if (offset === heapStart) heapStart += size
    else dead += size
  }
  if (slot + count < total) page.copyWithin(slots + slot * 2, slots + (slot + count) * 2, slots + total * 2)
  if (total === count) {
    heapStart = PAGE_SIZE_BYTES
    dead = 0
  }
  putU16(page, at + OFFSET_COUNT, total - count)
  putU16(page, at + OFFSET_HEAP_START, heapStart)
  putU16(page, at + OFFSET_DEAD_BYTES, dead)
}

/** Moves all cells together at the page's end, in slot order, and zeroes what becomes free. */
export function compact(page: Buffer, at: number): void {
  const total = u16(page, at + OFFSET_COUNT)
  const slots = at + PAGE_HEADER_SIZE_BYTES
  const header = cellHeaderSize(page, at)
  page.copy(scratch, 0, at, at + PAGE_SIZE_BYTES)
  let heapStart = PAGE_SIZE_BYTES
  for (let slot = 0; slot < total; slot++) {
    const offset = u16(page, slots + slot * 2)
    const size = cellSize(scratch, offset, header)
    heapStart -= size
    copyBytes(scratch, offset, offset + size, page, at + heapStart)
    putU16(page, slots + slot * 2, heapStart)
  }
  page.fill(0, slots + total * 2, at + heapStart)
  putU16(page, at + OFFSET_HEAP_START, heapStart)
  putU16(page, at + OFFSET_DEAD_BYTES, 0)
}
