// The bytes of a page. Everything that reads or changes a page goes through the constants and accessors here.
//
//   offset size  field       meaning
//        0    8  pageLsn     LSN of the last record applied to this page; u64
//        8    4  checksum    CRC-32 of the page with this field zero; set only in stored and sent images, else 0
//       12    1  type        PAGE_TYPE_*; 0 = never written
//       13    1  level       0 = leaf, 1 = parents of leaves, ...
//       14    2  count       slots (leaf, inner) or bytes of data (overflow)
//       16    4  tree        root page of the tree that owns the page
//       20    4  next        overflow: next page of the chain; free pages: next of the free list; else 0
//       24    2  heapStart   first byte of the lowest cell; PAGE_SIZE_BYTES when there is none
//       26    2  deadBytes   bytes between heapStart and the page's end that belong to no cell
//       28    4  dropNext    dropped tree roots and overflow heads: next of the list of things to be freed; else 0
//       32       body
//
// Body of leaf and inner pages: slots grow up, cells grow down.
//
//   32                                         heapStart                        8192
//   ├ slot 0 │ slot 1 │ ... ─▶     free           ◀─ │ cell │ dead │ cell │ cell ┤
//
//   slot: u16, the offset of its cell; slots are in key order.
//   cell: u16 keyLength (bit 15: the value is an overflow reference), u16 valueLength,
//         on leaves u64 LSN of the record that put this version, key, value.
//   inner cell: value = u32 child page. Slot 0 stands for "below all": its key is never compared.
//   overflow reference: u32 bytes of the whole value, u32 first overflow page.
//
// Pages carry no links between siblings: a scan walks along the parents, which read-ahead needs anyway, and an emptied
// leaf is unlinked by one change of its parent.
//
// Body of the meta page (page 0): u32 magic, u32 format version, u32 nextPage (lowest number never given out),
// u32 freeHead, u32 freeCount, u32 dropHead. Body of an overflow page: `count` bytes of data.

import { u16, u32, u64, putU16, putU32, putU64, u8 } from '../base/bytes.ts'
import type { Lsn, PageNo } from '../base/ids.ts'
import { PAGE_SIZE_BYTES } from '../base/limits.ts'

export const PAGE_HEADER_SIZE_BYTES = 32

export const PAGE_TYPE_NONE = 0
export const PAGE_TYPE_META = 1
export const PAGE_TYPE_LEAF = 2
export const PAGE_TYPE_INNER = 3
export const PAGE_TYPE_OVERFLOW = 4
export const PAGE_TYPE_FREE = 5

export const OFFSET_CHECKSUM = 8
export const OFFSET_TYPE = 12
export const OFFSET_LEVEL = 13
export const OFFSET_COUNT = 14
export const OFFSET_TREE = 16
export const OFFSET_NEXT = 20
export const OFFSET_HEAP_START = 24
export const OFFSET_DEAD_BYTES = 26
export const OFFSET_DROP_NEXT = 28

export const OFFSET_META_MAGIC = 32
export const OFFSET_META_VERSION = 36
export const OFFSET_META_NEXT_PAGE = 40
export const OFFSET_META_FREE_HEAD = 44
export const OFFSET_META_FREE_COUNT = 48
export const OFFSET_META_DROP_HEAD = 52
/** 'BORE' in a hex dump. */
export const META_MAGIC = 0x45524f42
export const META_VERSION = 1

/** Bit of a cell's key length field: the value is an overflow reference. */
export const CELL_FLAG_OVERFLOW = 0x8000
export const CELL_KEY_LENGTH_MASK = 0x07ff
export const LEAF_CELL_HEADER_SIZE_BYTES = 12
export const INNER_CELL_HEADER_SIZE_BYTES = 4
export const OVERFLOW_REFERENCE_SIZE_BYTES = 8
/** Bytes of data that one overflow page holds. */
export const OVERFLOW_DATA_SIZE_BYTES: number = PAGE_SIZE_BYTES - PAGE_HEADER_SIZE_BYTES
/** Bytes that slots and cells may fill. */
export const PAGE_BODY_SIZE_BYTES: number = PAGE_SIZE_BYTES - PAGE_HEADER_SIZE_BYTES

export function pageLsn(page: Uint8Array, at: number): Lsn {
  return u64(page, at) as Lsn
}

export function setPageLsn(page: Uint8Array, at: number, lsn: Lsn): void {
  putU64(page, at, lsn)
}

export function pageType(page: Uint8Array, at: number): number {
  return u8(page, at + OFFSET_TYPE)
}

export function pageLevel(page: Uint8Array, at: number): number {
  return u8(page, at + OFFSET_LEVEL)
}

/** Slots of a leaf or inner page, bytes of data of an overflow page. */
export function pageCount(page: Uint8Array, at: number): number {
  return u16(page, at + OFFSET_COUNT)
}

export function pageTree(page: Uint8Array, at: number): PageNo {
  return u32(page, at + OFFSET_TREE) as PageNo
}

export function pageNext(page: Uint8Array, at: number): PageNo {
  return u32(page, at + OFFSET_NEXT) as PageNo
}

export function pageDropNext(page: Uint8Array, at: number): PageNo {
  return u32(page, at + OFFSET_DROP_NEXT) as PageNo
}

/** Bytes of a cell's header on this page. */
export function cellHeaderSize(page: Uint8Array, at: number): number {
  return pageType(page, at) === PAGE_TYPE_LEAF ? LEAF_CELL_HEADER_SIZE_BYTES : INNER_CELL_HEADER_SIZE_BYTES
}

/** Position of a slot's cell in `page` (not relative to the page). */
export function cellAt(page: Uint8Array, at: number, slot: number): number {
  return at + u16(page, at + PAGE_HEADER_SIZE_BYTES + slot * 2)
}

/** Bytes of the cell at `cell`, header included. */
export function cellSize(page: Uint8Array, cell: number, headerSize: number): number {
  return headerSize + (u16(page, cell) & CELL_KEY_LENGTH_MASK) + u16(page, cell + 2)
}

/** Bytes that can still be given to cells and their slots, after compaction if need be. */
export function pageFreeBytes(page: Uint8Array, at: number): number {
  const heapStart = u16(page, at + OFFSET_HEAP_START)
  const slotsEnd = PAGE_HEADER_SIZE_BYTES + pageCount(page, at) * 2
  return heapStart - slotsEnd + u16(page, at + OFFSET_DEAD_BYTES)
}

/** The child page that a slot of an inner page points to. */
export function childAt(page: Uint8Array, at: number, slot: number): PageNo {
  const cell = cellAt(page, at, slot)
  return u32(page, cell + INNER_CELL_HEADER_SIZE_BYTES + (u16(page, cell) & CELL_KEY_LENGTH_MASK)) as PageNo
}

interface PageHeader {
  readonly type: number
  readonly level: number
  readonly tree: PageNo
  readonly next: PageNo
}

/** Makes an empty page of a type; zeroes everything but the LSN, which the caller sets. */
export function formatPage(page: Uint8Array, at: number, header: PageHeader): void {
  page.fill(0, at + PAGE_HEADER_SIZE_BYTES, at + PAGE_SIZE_BYTES)
  formatHeader(page, at, header)
}

/** The header of an empty page, without the LSN. What lies behind it is for the caller to set. */
export function formatHeader(page: Uint8Array, at: number, header: PageHeader): void {
  for (let each = at + 8; each < at + PAGE_HEADER_SIZE_BYTES; each++) page[each] = 0
  page[at + OFFSET_TYPE] = header.type
  page[at + OFFSET_LEVEL] = header.level
  putU32(page, at + OFFSET_TREE, header.tree)
  putU32(page, at + OFFSET_NEXT, header.next)
  putU16(page, at + OFFSET_HEAP_START, PAGE_SIZE_BYTES)
}
