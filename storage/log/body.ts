// The bodies of redo records: what stands behind the header of record.ts. Writers fill `RecordWriter`, which builds one
// record at a time in a buffer of its own; readers are ../page/apply.ts and ./describe.ts.
//
//   type            page      body
//    1 initPage     any       u8 page type, u8 level, u16 count, u32 tree, u32 next, then `count` cells exactly as on the
//                             page (leaf cells with their LSN; 0 = this record's). What the page held is gone.
//    2 insertCells  any tree  u16 slot, u16 count, then cells without LSN: u16 keyLength|flags, u16 valueLength, key, value
//    3 replaceCell  leaf      u16 slot, u16 flags (cell flags, key length bits 0), u16 valueLength, u16 0, value
//    4 patchCell    leaf      u16 slot, then runs: u16 offset in the value, u16 bytes removed, u16 bytes inserted, bytes.
//                             Offsets count in the value as the runs before left it.
//    5 deleteCells  any tree  u16 slot, u16 count
//    6 truncate     any tree  u16 slot: this slot and all behind it are gone (the left half of a split)
//    7 initMeta     meta      u32 nextPage
//    8 setMeta      meta      u32 nextPage, u32 freeHead, u32 freeCount, u32 dropHead
//    9 initOverflow any       u32 tree, u32 next, data
//   10 freePage     any       u32 next free page
//   11 dropPage     tree root, overflow head   u32 next of the list of things to be freed; the rest of the page stays
//   12 initLeaf     any       u16 0, u16 count, u32 tree, then cells without LSN, as in insertCells: a leaf filled at once
//  255 commit       NO_PAGE   u64 wall time in microseconds since 1970, u64 transaction id, u32 process id, u32 role oid
//
// A record's LSN becomes the LSN of the page and of the cells it puts. Which page, and the LSN before, are in the header.

import { assert } from '../base/assert.ts'
import { copyBytes, putU16, putU32, putU64 } from '../base/bytes.ts'
import type { Lsn, PageNo } from '../base/ids.ts'
import { FLAG_ENDS_MTR, RECORD_HEADER_SIZE_BYTES, RECORD_SIZE_BYTES_MAX, recordLength } from './record.ts'
import { type CommitOrigin, NO_ORIGIN, RECORD_TYPE_COMMIT } from './record.ts'

export const RECORD_TYPE_INIT_PAGE = 1
export const RECORD_TYPE_INSERT_CELLS = 2
export const RECORD_TYPE_REPLACE_CELL = 3
export const RECORD_TYPE_PATCH_CELL = 4
export const RECORD_TYPE_DELETE_CELLS = 5
export const RECORD_TYPE_TRUNCATE = 6
export const RECORD_TYPE_INIT_META = 7
export const RECORD_TYPE_SET_META = 8
export const RECORD_TYPE_INIT_OVERFLOW = 9
export const RECORD_TYPE_FREE_PAGE = 10
export const RECORD_TYPE_DROP_PAGE = 11
export const RECORD_TYPE_INIT_LEAF = 12

export const INIT_PAGE_HEADER_SIZE_BYTES = 12
export const INIT_LEAF_HEADER_SIZE_BYTES = 8
export const INSERT_CELLS_HEADER_SIZE_BYTES = 4
/** A cell of insertCells has this many bytes before its key. */
export const INSERT_CELL_HEADER_SIZE_BYTES = 4
export const REPLACE_CELL_HEADER_SIZE_BYTES = 8
export const PATCH_RUN_HEADER_SIZE_BYTES = 6

/** Differing bytes this close together travel in one run: a run of its own costs six bytes. */
const PATCH_GAP_SIZE_BYTES = 6

/** Builds one record at a time in `bytes`, from byte 0. Start with a method named after the type, end with `finish`. */
export class RecordWriter {
  readonly bytes: Buffer = Buffer.alloc(RECORD_SIZE_BYTES_MAX)
  private type = 0
  private end = 0

  /** Bytes of body so far. */
  get bodyLength(): number {
    return this.end - RECORD_HEADER_SIZE_BYTES
  }

  initPage(pageType: number, level: number, tree: PageNo, next: PageNo): void {
    this.begin(RECORD_TYPE_INIT_PAGE)
    this.bytes[this.end] = pageType
    this.bytes[this.end + 1] = level
    putU16(this.bytes, this.end + 2, 0)
    putU32(this.bytes, this.end + 4, tree)
    putU32(this.bytes, this.end + 8, next)
    this.end += INIT_PAGE_HEADER_SIZE_BYTES
  }

  /** After initPage: one cell, as its bytes stand on a page. */
  initCell(page: Uint8Array, start: number, end: number): void {
    this.count(RECORD_HEADER_SIZE_BYTES + 2)
    this.append(page, start, end)
  }

  /** A leaf with `count` cells, which stand in bytes [0, length) as in insertCells. */
  initLeaf(tree: PageNo, cells: Uint8Array, length: number, count: number): void {
    this.begin(RECORD_TYPE_INIT_LEAF)
    this.u16(0)
    this.u16(count)
    this.u32(tree)
    this.append(cells, 0, length)
  }

  /** After initPage: `count` cells, in bytes [0, length), as they stand on a page one by one. */
  initCells(cells: Uint8Array, length: number, count: number): void {
    putU16(this.bytes, RECORD_HEADER_SIZE_BYTES + 2, count)
    this.append(cells, 0, length)
  }

  /** After initPage of an inner page: one child. */
  initChild(key: Uint8Array, keyStart: number, keyEnd: number, child: PageNo): void {
    this.count(RECORD_HEADER_SIZE_BYTES + 2)
    this.appendChild(key, keyStart, keyEnd, child)
  }

  insertCells(slot: number): void {
    this.begin(RECORD_TYPE_INSERT_CELLS)
    this.u16(slot)
    this.u16(0)
  }

  /** After insertCells: one leaf cell. */
  insertCell(
    keyBytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    flags: number,
    valueBytes: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    this.count(RECORD_HEADER_SIZE_BYTES + 2)
    this.u16((keyEnd - keyStart) | flags)
    this.u16(valueEnd - valueStart)
    this.append(keyBytes, keyStart, keyEnd)
    this.append(valueBytes, valueStart, valueEnd)
  }

  /** After insertCells: one cell of an inner page. */
  insertChild(key: Uint8Array, keyStart: number, keyEnd: number, child: PageNo): void {
    this.count(RECORD_HEADER_SIZE_BYTES + 2)
    this.appendChild(key, keyStart, keyEnd, child)
  }

  replaceCell(slot: number, flags: number, value: Uint8Array, start: number, end: number): void {
    this.begin(RECORD_TYPE_REPLACE_CELL)
    this.u16(slot)
    this.u16(flags)
    this.u16(end - start)
    this.u16(0)
    this.append(value, start, end)
  }

  /**
   * Writes the difference between two values as runs and returns true, or returns false if a replaceCell is as short.
   * Values of equal length may differ in several places; others in one.
   */
  patchCell(
    slot: number,
    before: Uint8Array,
    beforeStart: number,
    beforeEnd: number,
    after: Uint8Array,
    afterStart: number,
    afterEnd: number,
  ): boolean {
    this.begin(RECORD_TYPE_PATCH_CELL)
    this.u16(slot)
    const beforeLength = beforeEnd - beforeStart
    const afterLength = afterEnd - afterStart
    if (beforeLength === afterLength)
      this.patchEqualLength(before, beforeStart, after, afterStart, afterLength)
    else {
      const shorter = Math.min(beforeLength, afterLength)
      let prefix = 0
      while (prefix < shorter && before[beforeStart + prefix] === after[afterStart + prefix]) prefix++
      let suffix = 0
      while (suffix < shorter - prefix && before[beforeEnd - 1 - suffix] === after[afterEnd - 1 - suffix])
        suffix++
      this.patchRun(prefix, beforeLength - prefix - suffix, after, afterStart + prefix, afterEnd - suffix)
    }
    return this.bodyLength < REPLACE_CELL_HEADER_SIZE_BYTES + afterLength
  }

  deleteCells(slot: number, count: number): void {
    this.begin(RECORD_TYPE_DELETE_CELLS)
    this.u16(slot)
    this.u16(count)
  }

  truncate(slot: number): void {
    this.begin(RECORD_TYPE_TRUNCATE)
    this.u16(slot)
  }

  initMeta(nextPage: PageNo): void {
    this.begin(RECORD_TYPE_INIT_META)
    this.u32(nextPage)
  }

  setMeta(nextPage: PageNo, freeHead: PageNo, freeCount: number, dropHead: PageNo): void {
    this.begin(RECORD_TYPE_SET_META)
    this.u32(nextPage)
    this.u32(freeHead)
    this.u32(freeCount)
    this.u32(dropHead)
  }

  initOverflow(tree: PageNo, next: PageNo, data: Uint8Array, start: number, end: number): void {
    this.begin(RECORD_TYPE_INIT_OVERFLOW)
    this.u32(tree)
    this.u32(next)
    this.append(data, start, end)
  }

  freePage(next: PageNo): void {
    this.begin(RECORD_TYPE_FREE_PAGE)
    this.u32(next)
  }

  dropPage(next: PageNo): void {
    this.begin(RECORD_TYPE_DROP_PAGE)
    this.u32(next)
  }

  commit(wallMicros: number, transactionId: number, origin: CommitOrigin = NO_ORIGIN): void {
    this.begin(RECORD_TYPE_COMMIT)
    putU64(this.bytes, this.end, wallMicros)
    putU64(this.bytes, this.end + 8, transactionId)
    putU32(this.bytes, this.end + 16, origin.processId)
    putU32(this.bytes, this.end + 20, origin.roleOid)
    this.end += 24
  }

  /** Writes header and padding; the record is bytes[0, returned length). */
  finish(lsn: Lsn, pagePrev: Lsn, page: PageNo, endsMtr: boolean): number {
    const bytes = this.bytes
    const length = recordLength(this.bodyLength)
    assert(length <= RECORD_SIZE_BYTES_MAX, 'record length')
    for (let at = this.end; at < length; at++) bytes[at] = 0
    putU32(bytes, 0, length)
    bytes[4] = this.type
    bytes[5] = endsMtr ? FLAG_ENDS_MTR : 0
    bytes[6] = 0
    bytes[7] = 0
    putU64(bytes, 8, lsn)
    putU64(bytes, 16, pagePrev)
    putU32(bytes, 24, page)
    putU32(bytes, 28, this.bodyLength)
    return length
  }

  private begin(type: number): void {
    this.type = type
    this.end = RECORD_HEADER_SIZE_BYTES
  }

  private u16(value: number): void {
    putU16(this.bytes, this.end, value)
    this.end += 2
  }

  private u32(value: number): void {
    putU32(this.bytes, this.end, value)
    this.end += 4
  }

  /** Adds one to the 16-bit counter at `at`. */
  private count(at: number): void {
    const low = (this.bytes[at] as number) + 1
    this.bytes[at] = low
    if (low === 256) this.bytes[at + 1] = (this.bytes[at + 1] as number) + 1
  }

  private append(from: Uint8Array, start: number, end: number): void {
    assert(this.end + end - start <= RECORD_SIZE_BYTES_MAX, 'record fits its buffer')
    copyBytes(from, start, end, this.bytes, this.end)
    this.end += end - start
  }

  private appendChild(key: Uint8Array, keyStart: number, keyEnd: number, child: PageNo): void {
    this.u16(keyEnd - keyStart)
    this.u16(4)
    this.append(key, keyStart, keyEnd)
    this.u32(child)
  }

  private patchEqualLength(
    before: Uint8Array,
    beforeAt: number,
    after: Uint8Array,
    afterAt: number,
    length: number,
  ): void {
    let at = 0
    for (;;) {
      while (at < length && before[beforeAt + at] === after[afterAt + at]) at++
      if (at === length) return
      const start = at
      let end = at + 1
      for (at = end; at < length && at - end < PATCH_GAP_SIZE_BYTES; at++) {
        if (before[beforeAt + at] !== after[afterAt + at]) end = at + 1
      }
      this.patchRun(start, end - start, after, afterAt + start, afterAt + end)
    }
  }

  private patchRun(offset: number, removed: number, after: Uint8Array, start: number, end: number): void {
    this.u16(offset)
    this.u16(removed)
    this.u16(end - start)
    this.append(after, start, end)
  }
}
