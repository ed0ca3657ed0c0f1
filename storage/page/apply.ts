// applyRecord: the one function that changes a page. The engine, a replica and a storage node run this same code.
// Records and their bodies are described in ../log/body.ts, pages in ./format.ts.
//
// A record that does not fit its page is corruption (it came from a disk or a peer), not an assertion.

import { copyBytes, copyWords, putU16, putU32, putU64, u16, u32, u64, u8, viewOf } from '../base/bytes.ts'
import { StorageError } from '../base/errors.ts'
import type { Lsn, PageNo } from '../base/ids.ts'
import { PAGE_SIZE_BYTES } from '../base/limits.ts'
import * as body from '../log/body.ts'
import { RECORD_HEADER_SIZE_BYTES } from '../log/record.ts'
import { makeGap, openSlots, placeCell, removeSlots } from './cells.ts'
import * as format from './format.ts'

const newCell = Buffer.alloc(PAGE_SIZE_BYTES)
const TWO_32 = 0x1_0000_0000

/**
 * Applies the record at `recordOffset` of `record` to the page image at `pageOffset` of `page` (PAGE_SIZE_BYTES long,
 * all zeroes if the page was never written). Pure but for those bytes, and idempotent: a record whose LSN is at or below
 * the page's LSN changes nothing and returns false. Sets the page's LSN. Throws StorageError 'corrupt' if the record does
 * not fit the page.
 */
export function applyRecord(page: Buffer, pageOffset: number, record: Buffer, recordOffset: number): boolean {
  const lsn = u64(record, recordOffset + 8) as Lsn
  if (lsn <= format.pageLsn(page, pageOffset)) return false
  const start = recordOffset + RECORD_HEADER_SIZE_BYTES
  const end = start + u32(record, recordOffset + 28)
  const type = u8(record, recordOffset + 4)
  if (type < handlers.length) (handlers[type] as Handler)(page, pageOffset, record, start, end, lsn)
  else refuse('unknown record type', page, pageOffset, lsn)
  format.setPageLsn(page, pageOffset, lsn)
  return true
}

type Handler = (page: Buffer, at: number, record: Buffer, start: number, end: number, lsn: Lsn) => void

// In the order of the record types of ../log/body.ts.
const handlers: readonly Handler[] = [
  (page, at, _record, _start, _end, lsn) => refuse('record type 0', page, at, lsn),
  initPage,
  insertCells,
  replaceCell,
  patchCell,
  deleteCells,
  truncate,
  initMeta,
  setMeta,
  initOverflow,
  freePage,
  dropPage,
  initLeaf,
]

function refuse(what: string, page: Buffer, at: number, lsn: Lsn): never {
  const state = `page of type ${format.pageType(page, at)} at LSN ${format.pageLsn(page, at)}`
  throw new StorageError('corrupt', `log record at LSN ${lsn} does not fit its page: ${what} (${state})`)
}

function requireTree(page: Buffer, at: number, lsn: Lsn): void {
  const type = format.pageType(page, at)
  if (type !== format.PAGE_TYPE_LEAF && type !== format.PAGE_TYPE_INNER)
    refuse('not a tree page', page, at, lsn)
}

function requireLeafSlot(page: Buffer, at: number, slot: number, lsn: Lsn): void {
  if (format.pageType(page, at) !== format.PAGE_TYPE_LEAF) refuse('not a leaf', page, at, lsn)
  if (slot >= format.pageCount(page, at)) refuse(`no slot ${slot}`, page, at, lsn)
}

function initPage(page: Buffer, at: number, record: Buffer, start: number, end: number, lsn: Lsn): void {
  const type = u8(record, start)
  const count = u16(record, start + 2)
  const tree = u32(record, start + 4) as PageNo
  const next = u32(record, start + 8) as PageNo
  const cells = start + body.INIT_PAGE_HEADER_SIZE_BYTES
  if (end - cells + count * 2 > format.PAGE_BODY_SIZE_BYTES) refuse('content exceeds a page', page, at, lsn)
  format.formatPage(page, at, { type, level: u8(record, start + 1), tree, next })
  const header = format.cellHeaderSize(page, at)
  let from = cells
  for (let slot = 0; slot < count; slot++) {
    const size = format.cellSize(record, from, header)
    const cell = placeCell(page, at, slot, size)
    copyBytes(record, from, from + size, page, cell)
    if (type === format.PAGE_TYPE_LEAF && u64(page, cell + 4) === 0) putU64(page, cell + 4, lsn)
    from += size
  }
  if (from !== end) refuse('content ends elsewhere', page, at, lsn)
  putU16(page, at + format.OFFSET_COUNT, count)
}

/** Touches every byte of the page once: what comes here is mostly a load into memory that was never used. */
function initLeaf(page: Buffer, at: number, record: Buffer, start: number, end: number, lsn: Lsn): void {
  const count = u16(record, start + 2)
  const tree = u32(record, start + 4) as PageNo
  let from = start + body.INIT_LEAF_HEADER_SIZE_BYTES
  if (end - from + count * (2 + 8) > format.PAGE_BODY_SIZE_BYTES)
    refuse('content exceeds a page', page, at, lsn)
  format.formatHeader(page, at, { type: format.PAGE_TYPE_LEAF, level: 0, tree, next: 0 as PageNo })
  const source = viewOf(record)
  const target = viewOf(page)
  const lsnLow = lsn >>> 0
  const lsnHigh = Math.floor(lsn / TWO_32)
  let slot = at + format.PAGE_HEADER_SIZE_BYTES
  const slotsEnd = slot + count * 2
  let cell = at + PAGE_SIZE_BYTES
  for (; slot < slotsEnd; slot += 2) {
    const size = format.cellSize(record, from, body.INSERT_CELL_HEADER_SIZE_BYTES)
    if (from + size > end) refuse('content ends elsewhere', page, at, lsn)
    cell -= size + 8
    putU16(page, slot, cell - at)
    target.setInt32(cell, source.getInt32(from, true), true)
    target.setUint32(cell + 4, lsnLow, true)
    target.setUint32(cell + 8, lsnHigh, true)
    copyWords(source, from + body.INSERT_CELL_HEADER_SIZE_BYTES, from + size, target, cell + 4 + 8)
    from += size
  }
  if (from !== end) refuse('content ends elsewhere', page, at, lsn)
  putU16(page, at + format.OFFSET_COUNT, count)
  putU16(page, at + format.OFFSET_HEAP_START, cell - at)
  page.fill(0, slotsEnd, cell)
}

function insertCells(page: Buffer, at: number, record: Buffer, start: number, end: number, lsn: Lsn): void {
  requireTree(page, at, lsn)
  const slot = u16(record, start)
  const count = u16(record, start + 2)
  if (slot > format.pageCount(page, at)) refuse(`no slot ${slot}`, page, at, lsn)
  const leaf = format.pageType(page, at) === format.PAGE_TYPE_LEAF
  const lsnSize = leaf ? 8 : 0
  const cells = start + body.INSERT_CELLS_HEADER_SIZE_BYTES
  const total = end - cells + count * (2 + lsnSize)
  if (total > format.pageFreeBytes(page, at)) refuse('no room', page, at, lsn)
  makeGap(page, at, total)
  openSlots(page, at, slot, count)
  let from = cells
  for (let i = 0; i < count; i++) {
    const size = format.cellSize(record, from, body.INSERT_CELL_HEADER_SIZE_BYTES)
    const cell = placeCell(page, at, slot + i, size + lsnSize)
    putU32(page, cell, u32(record, from))
    if (leaf) putU64(page, cell + 4, lsn)
    copyBytes(record, from + body.INSERT_CELL_HEADER_SIZE_BYTES, from + size, page, cell + 4 + lsnSize)
    from += size
  }
}

function replaceCell(page: Buffer, at: number, record: Buffer, start: number, end: number, lsn: Lsn): void {
  const slot = u16(record, start)
  requireLeafSlot(page, at, slot, lsn)
  const valueLength = u16(record, start + 4)
  const value = start + body.REPLACE_CELL_HEADER_SIZE_BYTES
  if (value + valueLength !== end) refuse('value ends elsewhere', page, at, lsn)
  const old = format.cellAt(page, at, slot)
  const keyLength = u16(page, old) & format.CELL_KEY_LENGTH_MASK
  const valueAt = format.LEAF_CELL_HEADER_SIZE_BYTES + keyLength
  putU16(newCell, 0, keyLength | u16(record, start + 2))
  copyBytes(
    page,
    old + format.LEAF_CELL_HEADER_SIZE_BYTES,
    old + valueAt,
    newCell,
    format.LEAF_CELL_HEADER_SIZE_BYTES,
  )
  copyBytes(record, value, end, newCell, valueAt)
  putCell(page, at, slot, valueAt, valueLength, lsn)
}

function patchCell(page: Buffer, at: number, record: Buffer, start: number, end: number, lsn: Lsn): void {
  const slot = u16(record, start)
  requireLeafSlot(page, at, slot, lsn)
  const old = format.cellAt(page, at, slot)
  const valueAt = format.LEAF_CELL_HEADER_SIZE_BYTES + (u16(page, old) & format.CELL_KEY_LENGTH_MASK)
  let valueLength = u16(page, old + 2)
  if (patchInPlace(page, old + valueAt, valueLength, record, start + 2, end)) {
    putU64(page, old + 4, lsn)
    return
  }
  copyBytes(page, old, old + valueAt + valueLength, newCell, 0)
  for (let run = start + 2; run < end;) {
    const offset = u16(record, run)
    const removed = u16(record, run + 2)
    const inserted = u16(record, run + 4)
    if (offset + removed > valueLength) refuse('patch outside the value', page, at, lsn)
    if (valueLength - removed + inserted > PAGE_SIZE_BYTES / 2)
      refuse('patched value too large', page, at, lsn)
    newCell.copyWithin(valueAt + offset + inserted, valueAt + offset + removed, valueAt + valueLength)
    run += body.PATCH_RUN_HEADER_SIZE_BYTES
    copyBytes(record, run, run + inserted, newCell, valueAt + offset)
    run += inserted
    valueLength += inserted - removed
  }
  putCell(page, at, slot, valueAt, valueLength, lsn)
}

/** Copies the runs over the value if none changes its length; otherwise changes nothing and returns false. */
function patchInPlace(
  page: Buffer,
  value: number,
  length: number,
  record: Buffer,
  start: number,
  end: number,
): boolean {
  for (let run = start; run < end; run += body.PATCH_RUN_HEADER_SIZE_BYTES + u16(record, run + 4)) {
    if (u16(record, run + 2) !== u16(record, run + 4) || u16(record, run) + u16(record, run + 4) > length)
      return false
  }
  for (let run = start; run < end;) {
    const bytes = run + body.PATCH_RUN_HEADER_SIZE_BYTES
    const next = bytes + u16(record, run + 4)
    copyBytes(record, bytes, next, page, value + u16(record, run))
    run = next
  }
  return true
}

/** Puts `newCell`, whose flags and key length are set, in the place of a slot's cell. */
function putCell(
  page: Buffer,
  at: number,
  slot: number,
  valueAt: number,
  valueLength: number,
  lsn: Lsn,
): void {
  const old = format.cellAt(page, at, slot)
  const oldSize = format.cellSize(page, old, format.LEAF_CELL_HEADER_SIZE_BYTES)
  const size = valueAt + valueLength
  putU16(newCell, 2, valueLength)
  putU64(newCell, 4, lsn)
  if (size <= oldSize) {
    copyBytes(newCell, 0, size, page, old)
    const dead = at + format.OFFSET_DEAD_BYTES
    putU16(page, dead, u16(page, dead) + oldSize - size)
    return
  }
  if (size - oldSize > format.pageFreeBytes(page, at)) refuse('no room', page, at, lsn)
  removeSlots(page, at, slot, 1)
  makeGap(page, at, size + 2)
  openSlots(page, at, slot, 1)
  copyBytes(newCell, 0, size, page, placeCell(page, at, slot, size))
}

function deleteCells(page: Buffer, at: number, record: Buffer, start: number, _end: number, lsn: Lsn): void {
  requireTree(page, at, lsn)
  const slot = u16(record, start)
  const count = u16(record, start + 2)
  if (slot + count > format.pageCount(page, at)) refuse(`no slots ${slot} to ${slot + count}`, page, at, lsn)
  removeSlots(page, at, slot, count)
}

function truncate(page: Buffer, at: number, record: Buffer, start: number, _end: number, lsn: Lsn): void {
  requireTree(page, at, lsn)
  const slot = u16(record, start)
  const count = format.pageCount(page, at)
  if (slot > count) refuse(`no slot ${slot}`, page, at, lsn)
  removeSlots(page, at, slot, count - slot)
}

function initMeta(page: Buffer, at: number, record: Buffer, start: number): void {
  const none = 0 as PageNo
  format.formatPage(page, at, { type: format.PAGE_TYPE_META, level: 0, tree: none, next: none })
  putU32(page, at + format.OFFSET_META_MAGIC, format.META_MAGIC)
  putU32(page, at + format.OFFSET_META_VERSION, format.META_VERSION)
  putU32(page, at + format.OFFSET_META_NEXT_PAGE, u32(record, start))
}

function setMeta(page: Buffer, at: number, record: Buffer, start: number, _end: number, lsn: Lsn): void {
  if (format.pageType(page, at) !== format.PAGE_TYPE_META) refuse('not the meta page', page, at, lsn)
  copyBytes(record, start, start + 16, page, at + format.OFFSET_META_NEXT_PAGE)
}

function initOverflow(page: Buffer, at: number, record: Buffer, start: number, end: number, lsn: Lsn): void {
  const length = end - start - 8
  if (length > format.OVERFLOW_DATA_SIZE_BYTES) refuse('content exceeds a page', page, at, lsn)
  const tree = u32(record, start) as PageNo
  const next = u32(record, start + 4) as PageNo
  format.formatPage(page, at, { type: format.PAGE_TYPE_OVERFLOW, level: 0, tree, next })
  putU16(page, at + format.OFFSET_COUNT, length)
  copyBytes(record, start + 8, end, page, at + format.PAGE_HEADER_SIZE_BYTES)
}

function freePage(page: Buffer, at: number, record: Buffer, start: number): void {
  const next = u32(record, start) as PageNo
  format.formatPage(page, at, { type: format.PAGE_TYPE_FREE, level: 0, tree: 0 as PageNo, next })
}

function dropPage(page: Buffer, at: number, record: Buffer, start: number, _end: number, lsn: Lsn): void {
  if (format.pageType(page, at) === format.PAGE_TYPE_NONE) refuse('never written', page, at, lsn)
  putU32(page, at + format.OFFSET_DROP_NEXT, u32(record, start))
}
