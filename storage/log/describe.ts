// A record as one readable line, for golden tests and for looking into a log:
//
//   128 page 7 prev 64 insertCells slot 3: "key"="value", 00000007=~[100 bytes]
//
// Keys and values that are printable ASCII are quoted; others are hexadecimal, shortened.

import { u16, u32, u8 } from '../base/bytes.ts'
import { NO_PAGE } from '../base/ids.ts'
import * as body from './body.ts'
import { RECORD_HEADER_SIZE_BYTES, RECORD_TYPE_COMMIT, readHeader, readU64 } from './record.ts'

const PAGE_TYPES = ['none', 'meta', 'leaf', 'inner', 'overflow', 'free']
const OVERFLOW_FLAG = 0x8000
const KEY_LENGTH_MASK = 0x07ff
const SHOWN_BYTES_MAX = 24

/** Describes the record at `offset`. */
export function describeRecord(record: Buffer, offset: number): string {
  const header = readHeader(record, offset)
  const start = offset + RECORD_HEADER_SIZE_BYTES
  const end = start + u32(record, offset + 28)
  const page = header.page === NO_PAGE ? 'no page' : `page ${header.page} prev ${header.pagePrev}`
  return `${header.lsn} ${page} ${describeBody(header.type, record, start, end)}${header.endsMtr ? ' END' : ''}`
}

function describeBody(type: number, record: Buffer, start: number, end: number): string {
  switch (type) {
    case body.RECORD_TYPE_INIT_PAGE:
      return describeInitPage(record, start, end)
    case body.RECORD_TYPE_INSERT_CELLS: {
      const cells = describeCells(record, start + body.INSERT_CELLS_HEADER_SIZE_BYTES, end, 0)
      return `insertCells slot ${u16(record, start)}: ${cells}`
    }
    case body.RECORD_TYPE_REPLACE_CELL: {
      const value = start + body.REPLACE_CELL_HEADER_SIZE_BYTES
      const mark = (u16(record, start + 2) & OVERFLOW_FLAG) === 0 ? '' : '~'
      return `replaceCell slot ${u16(record, start)}: ${mark}${show(record, value, end)}`
    }
    case body.RECORD_TYPE_PATCH_CELL:
      return `patchCell slot ${u16(record, start)}: ${describeRuns(record, start + 2, end)}`
    case body.RECORD_TYPE_DELETE_CELLS:
      return `deleteCells slot ${u16(record, start)} count ${u16(record, start + 2)}`
    case body.RECORD_TYPE_TRUNCATE:
      return `truncate from slot ${u16(record, start)}`
    case body.RECORD_TYPE_INIT_META:
      return `initMeta nextPage ${u32(record, start)}`
    case body.RECORD_TYPE_SET_META:
      return (
        `setMeta nextPage ${u32(record, start)} freeHead ${u32(record, start + 4)}` +
        ` freeCount ${u32(record, start + 8)} dropHead ${u32(record, start + 12)}`
      )
    case body.RECORD_TYPE_INIT_OVERFLOW: {
      const data = show(record, start + 8, end)
      return `initOverflow tree ${u32(record, start)} next ${u32(record, start + 4)}: ${data}`
    }
    case body.RECORD_TYPE_FREE_PAGE:
      return `freePage next ${u32(record, start)}`
    case body.RECORD_TYPE_DROP_PAGE:
      return `dropPage next ${u32(record, start)}`
    case body.RECORD_TYPE_INIT_LEAF: {
      const cells = describeCells(record, start + body.INIT_LEAF_HEADER_SIZE_BYTES, end, 0)
      return `initLeaf tree ${u32(record, start + 4)}: ${cells}`
    }
    case RECORD_TYPE_COMMIT:
      return `commit at ${readU64(record, start)} transaction ${readU64(record, start + 8)}`
    default:
      return `type ${type}: ${show(record, start, end)}`
  }
}

function describeInitPage(record: Buffer, start: number, end: number): string {
  const type = u8(record, start)
  const leaf = PAGE_TYPES[type] === 'leaf'
  const cells = describeCells(record, start + body.INIT_PAGE_HEADER_SIZE_BYTES, end, leaf ? 8 : 0)
  const head = `initPage ${PAGE_TYPES[type] ?? type} level ${u8(record, start + 1)} tree ${u32(record, start + 4)}`
  return `${head} next ${u32(record, start + 8)}: ${cells}`
}

/** Cells, each with `lsnSize` bytes of LSN between its lengths and its key. */
function describeCells(record: Buffer, start: number, end: number, lsnSize: number): string {
  const cells: string[] = []
  for (let at = start; at < end;) {
    const key = at + 4 + lsnSize
    const value = key + (u16(record, at) & KEY_LENGTH_MASK)
    const next = value + u16(record, at + 2)
    const mark = (u16(record, at) & OVERFLOW_FLAG) === 0 ? '' : '~'
    const lsn = lsnSize === 0 ? '' : `@${readU64(record, at + 4)}`
    cells.push(`${show(record, key, value)}${lsn}=${mark}${show(record, value, next)}`)
    at = next
  }
  return cells.join(', ')
}

function describeRuns(record: Buffer, start: number, end: number): string {
  const runs: string[] = []
  for (let at = start; at < end;) {
    const bytes = at + body.PATCH_RUN_HEADER_SIZE_BYTES
    const next = bytes + u16(record, at + 4)
    runs.push(`at ${u16(record, at)} -${u16(record, at + 2)} +${show(record, bytes, next)}`)
    at = next
  }
  return runs.join(', ')
}

function show(record: Buffer, start: number, end: number): string {
  const shown = record.subarray(start, Math.min(end, start + SHOWN_BYTES_MAX))
  const rest = end - start > SHOWN_BYTES_MAX ? `[${end - start} bytes]` : ''
  const printable = shown.length > 0 && shown.every((byte) => byte >= 0x20 && byte < 0x7f)
  return (printable ? `"${shown.toString('latin1')}"` : shown.toString('hex') || '-') + rest
}
