// A redo record: one physiological change to one page. This file is the format of its header, shared by whoever writes
// (engine), carries (volume) and applies (storage nodes, replicas, the engine itself) records. Bodies are the business of
// ../page/apply.ts.
//
//   offset size  field       meaning
//        0    4  length      bytes of the whole record, header included; a multiple of 8 (padded with zeroes)
//        4    1  type        RecordType
//        5    1  flags       1 = ends its mini-transaction: a consistency point
//        6    2  reserved    0
//        8    8  lsn         position of byte 0 in the timeline's log; u64
//       16    8  pagePrev    LSN of the previous record of the same page (0: none on this timeline's history); u64
//       24    4  page        page number
//       28    4  bodyLength  bytes of the body that follow; the rest up to `length` is padding
//
// All integers little-endian. A record is at most RECORD_SIZE_BYTES_MAX long. LSNs of one timeline are dense: the next
// record's lsn is lsn + length, so a timeline's log has no gap that length does not account for. Records carry no
// checksum: the batch they travel in does.

import { assert } from '../base/assert.ts'
import { type Lsn, type PageNo } from '../base/ids.ts'
import { PAGE_SIZE_BYTES } from '../base/limits.ts'

export const RECORD_HEADER_SIZE_BYTES = 32
/**
 * The last record of every transaction's MTR: page = NO_PAGE, body = u64 wall time in microseconds since 1970, u64
 * transaction id, u32 process id of its session and u32 oid of its role (0: none; absent in older logs). It changes no
 * page; it is what maps time to LSN.
 */
export const RECORD_TYPE_COMMIT = 255

/** Who commits, as the log keeps it. */
export interface CommitOrigin {
  /** As pg_backend_pid() has it; 0: no session. */
  readonly processId: number
  readonly roleOid: number
}
export const NO_ORIGIN: CommitOrigin = { processId: 0, roleOid: 0 }
/** An initialise-page record carries a whole page; nothing is longer. */
export const RECORD_SIZE_BYTES_MAX: number = RECORD_HEADER_SIZE_BYTES + PAGE_SIZE_BYTES + 64
export const FLAG_ENDS_MTR = 1

const TWO_32 = 0x1_0000_0000

export interface RecordHeader {
  readonly length: number
  readonly type: number
  readonly endsMtr: boolean
  readonly lsn: Lsn
  readonly pagePrev: Lsn
  readonly page: PageNo
}

/** Bytes that a record with a body of this size takes in the log. */
export function recordLength(bodyLength: number): number {
  return (RECORD_HEADER_SIZE_BYTES + bodyLength + 7) & ~7
}

/** Writes an unsigned 64-bit integer that is a safe integer. */
export function writeU64(bytes: Buffer, offset: number, value: number): void {
  bytes.writeUInt32LE(value % TWO_32, offset)
  bytes.writeUInt32LE(Math.floor(value / TWO_32), offset + 4)
}

export function readU64(bytes: Buffer, offset: number): number {
  return bytes.readUInt32LE(offset + 4) * TWO_32 + bytes.readUInt32LE(offset)
}

/** Writes the header at `offset`; the caller writes the body behind it and zeroes the padding. Returns the length. */
export function writeHeader(
  bytes: Buffer,
  offset: number,
  record: { type: number; lsn: Lsn; pagePrev: Lsn; page: PageNo; bodyLength: number; endsMtr: boolean },
): number {
  const length = recordLength(record.bodyLength)
  assert(length <= RECORD_SIZE_BYTES_MAX, 'record length')
  bytes.writeUInt32LE(length, offset)
  bytes[offset + 4] = record.type
  bytes[offset + 5] = record.endsMtr ? FLAG_ENDS_MTR : 0
  bytes[offset + 6] = 0
  bytes[offset + 7] = 0
  writeU64(bytes, offset + 8, record.lsn)
  writeU64(bytes, offset + 16, record.pagePrev)
  bytes.writeUInt32LE(record.page, offset + 24)
  bytes.writeUInt32LE(record.bodyLength, offset + 28)
  return length
}

export function readHeader(bytes: Buffer, offset: number): RecordHeader {
  return {
    length: bytes.readUInt32LE(offset),
    type: bytes[offset + 4] as number,
    endsMtr: ((bytes[offset + 5] as number) & FLAG_ENDS_MTR) !== 0,
    lsn: readU64(bytes, offset + 8) as Lsn,
    pagePrev: readU64(bytes, offset + 16) as Lsn,
    page: bytes.readUInt32LE(offset + 24) as PageNo,
  }
}
