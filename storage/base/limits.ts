// Every bound of the storage layers, with its unit, and the relations between them asserted when this module loads.

import { assert } from './assert.ts'

/** Bytes of a page. */
export const PAGE_SIZE_BYTES = 8192

/** A cell (key and value together) above this many bytes keeps its value in overflow pages. */
export const CELL_INLINE_SIZE_BYTES_MAX = 2000

/** Bytes of a key. PostgreSQL's btree limit is 2704. */
export const KEY_SIZE_BYTES_MAX = 1200

/** Bytes of a value: 1 GiB less a page, PostgreSQL's limit of a field. */
export const VALUE_SIZE_BYTES_MAX: number = 0x4000_0000 - PAGE_SIZE_BYTES

/** LSN allocation limit: no LSN above VCL + LAL is handed out (Aurora 2017, section 4.2.1: 10 million). */
export const LAL_BYTES = 10_000_000

/** A batch that the log writer sends is closed at this size. */
export const BATCH_SIZE_BYTES_MAX = 1_048_576

/** A page's records since its last image before a storage node that is idle writes a new image (coalesces). */
export const PAGE_CHAIN_LENGTH_MAX = 64

/** And before one that is busy does: coalescing gives way to those who wait, within bounds. */
export const PAGE_CHAIN_LENGTH_BUSY_MAX = 512

assert(CELL_INLINE_SIZE_BYTES_MAX * 4 <= PAGE_SIZE_BYTES, 'a leaf holds at least four cells')
assert(KEY_SIZE_BYTES_MAX < CELL_INLINE_SIZE_BYTES_MAX, 'a key always fits its cell')
assert(PAGE_CHAIN_LENGTH_MAX < PAGE_CHAIN_LENGTH_BUSY_MAX, 'an idle node does more')
assert(BATCH_SIZE_BYTES_MAX * 4 < LAL_BYTES, 'several batches fit below the allocation limit')
