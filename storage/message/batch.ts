// The batch: a run of records of one timeline as it travels to storage nodes and lies on their disks. This file is its
// format; whoever writes (volume), stores (node) and repairs goes through it.
//
//   offset size  field        meaning
//        0    4  magic        'BLB1'
//        4    4  crc          CRC-32 of bytes 8 to the end
//        8    4  length       bytes of the whole batch
//       12    1  version      2
//       13    1  flags        1 = the payload is deflated (raw deflate)
//       14    2  reserved     0
//       16    4  timeline
//       20    4  recordCount
//       24    8  first        LSN of the first record
//       32    8  last         the segment is complete up to here with this batch: LSN of the last record of the flush
//       40    8  previous     `last` of the batch before it (the branch point for the first of a timeline)
//       48    8  consistent   LSN of the last record of the flush that ends a mini-transaction; 0 if none does
//       56    8  end          position behind the last record of the flush
//       64    8  vdl          the writer's VDL of this timeline when it sent the batch
//       72    8  wallMicros   wall time of sending; never goes back within a volume
//       80    4  rawLength    bytes of the payload once inflated
//       84    4  group        protection group that the records belong to
//       88       directory    deflated batches only: recordCount × (u32 page, u32 LSN of the record less `first`)
//                payload      the records
//
// All integers little-endian. A flush is what one timeline appended since the last one, LSNs (previous, last]. With one
// protection group it is one batch. With several, each group gets a batch of its own records of the flush under the same
// `previous`, `last`, `consistent` and `end`, if need be without any record (then `first` is `last`), so that every
// segment's SCL speaks of the whole log: the VCL of a timeline is the lowest of its groups' PGCLs. `previous` is the
// chain that gap detection hangs on: a segment is complete up to `last` of a batch when it is complete up to `previous`.

import { crc32, inflateRawSync } from 'node:zlib'

import { assert, must } from '../base/assert.ts'
import { StorageError } from '../base/errors.ts'
import {
  FIRST_GROUP,
  formatLsn,
  type GroupNo,
  type Lsn,
  NO_PAGE,
  type PageNo,
  type TimelineId,
} from '../base/ids.ts'
import { FLAG_ENDS_MTR, readU64, writeU64 } from '../log/record.ts'

export const BATCH_HEADER_SIZE_BYTES = 88
export const BATCH_VERSION = 2
const MAGIC = 0x31_42_4c_42
const FLAG_DEFLATED = 1
const DIRECTORY_ENTRY_SIZE_BYTES = 8
/** A record's flags and page number lie here in its header (../log/record.ts). */
const RECORD_FLAGS_OFFSET = 5
const RECORD_PAGE_OFFSET = 24

/** What a batch says about itself; its bytes apart. */
export interface BatchHeader {
  readonly timeline: TimelineId
  readonly group: GroupNo
  readonly recordCount: number
  /** LSN of the first record; `last` where there is none. */
  readonly first: Lsn
  readonly last: Lsn
  readonly previous: Lsn
  /** 0 when no record of the batch ends a mini-transaction. */
  readonly consistent: Lsn
  readonly end: Lsn
  readonly vdl: Lsn
  readonly wallMicros: number
  readonly deflated: boolean
  readonly rawLength: number
  readonly length: number
}

/** What the writer must know to close a batch; the rest follows from the records. */
export interface BatchFrame {
  readonly timeline: TimelineId
  readonly group: GroupNo
  readonly previous: Lsn
  readonly vdl: Lsn
  readonly wallMicros: number
}

/**
 * The records of a batch, summed up by a walk over their headers. Of a flush that is split by group, the parts differ in
 * `recordCount` and `first` only.
 */
export interface RecordRun {
  readonly recordCount: number
  readonly first: Lsn
  readonly last: Lsn
  readonly consistent: Lsn
  readonly end: Lsn
}

/** Walks the records in bytes [0, length) and sums them up. `length` must be the end of a record. */
export function surveyRecords(records: Buffer, length: number): RecordRun {
  let offset = 0
  let recordCount = 0
  let lastOffset = 0
  let consistentOffset = -1
  while (offset < length) {
    lastOffset = offset
    if (((records[offset + RECORD_FLAGS_OFFSET] as number) & FLAG_ENDS_MTR) !== 0) consistentOffset = offset
    const size = records.readUInt32LE(offset)
    assert(size > 0, 'a record has a length')
    offset += size
    recordCount++
  }
  assert(offset === length && recordCount > 0, 'records fill the run exactly')
  const last = readU64(records, lastOffset + 8) as Lsn
  return {
    recordCount,
    first: readU64(records, 8) as Lsn,
    last,
    consistent: (consistentOffset < 0 ? 0 : readU64(records, consistentOffset + 8)) as Lsn,
    end: (last + records.readUInt32LE(lastOffset)) as Lsn,
  }
}

/** The records of a flush that belong to one group, and their sum. */
export interface GroupRun {
  readonly group: GroupNo
  readonly run: RecordRun
  readonly records: Buffer
}

/**
 * Splits the records in bytes [0, length), whose sum is `whole`, by protection group: one part for each of `groups`,
 * in their order, if need be an empty one. Records of NO_PAGE go to the first group, which must be among `groups`, as
 * must the group of each record.
 */
export function splitByGroup(
  records: Buffer,
  length: number,
  whole: RecordRun,
  groups: readonly GroupNo[],
  pagesPerGroup: number,
): readonly GroupRun[] {
  const parts = groups.map((group) => ({ group, count: 0, first: whole.last, pieces: [] as Buffer[] }))
  for (let offset = 0; offset < length;) {
    const size = records.readUInt32LE(offset)
    const page = records.readUInt32LE(offset + RECORD_PAGE_OFFSET)
    const group = page === NO_PAGE ? FIRST_GROUP : Math.floor(page / pagesPerGroup)
    const part = must(
      parts.find((each) => each.group === group),
      'the group of a record is open',
    )
    if (part.count++ === 0) part.first = readU64(records, offset + 8) as Lsn
    part.pieces.push(records.subarray(offset, offset + size))
    offset += size
  }
  return parts.map(({ group, count, first, pieces }) => ({
    group,
    run: { ...whole, recordCount: count, first },
    records: Buffer.concat(pieces),
  }))
}

/** Bytes of the batch that `encodeBatch` makes of the same run. */
export function batchLength(run: RecordRun, payloadLength: number, deflated: boolean): number {
  return (
    BATCH_HEADER_SIZE_BYTES + (deflated ? run.recordCount * DIRECTORY_ENTRY_SIZE_BYTES : 0) + payloadLength
  )
}

/**
 * Writes a batch at `target[0]` and returns its length. `records` are the plain records [0, rawLength); `deflated` is
 * their deflated form, or undefined to store them as they are.
 */
export function encodeBatch(
  target: Buffer,
  frame: BatchFrame,
  run: RecordRun,
  payload: { records: Buffer; rawLength: number; deflated: Uint8Array | undefined },
): number {
  const { records, rawLength, deflated } = payload
  const length = batchLength(run, deflated?.length ?? rawLength, deflated !== undefined)
  assert(length <= target.length, 'the batch fits its target')
  target.writeUInt32LE(MAGIC, 0)
  target.writeUInt32LE(length, 8)
  target[12] = BATCH_VERSION
  target[13] = deflated === undefined ? 0 : FLAG_DEFLATED
  target.writeUInt16LE(0, 14)
  target.writeUInt32LE(frame.timeline, 16)
  target.writeUInt32LE(run.recordCount, 20)
  writeU64(target, 24, run.first)
  writeU64(target, 32, run.last)
  writeU64(target, 40, frame.previous)
  writeU64(target, 48, run.consistent)
  writeU64(target, 56, run.end)
  writeU64(target, 64, frame.vdl)
  writeU64(target, 72, frame.wallMicros)
  target.writeUInt32LE(rawLength, 80)
  target.writeUInt32LE(frame.group, 84)
  if (deflated === undefined) {
    records.copy(target, BATCH_HEADER_SIZE_BYTES, 0, rawLength)
  } else {
    const at = writeDirectory(target, records, rawLength, run.first)
    target.set(deflated, at)
  }
  target.writeUInt32LE(crc32(target.subarray(8, length)), 4)
  return length
}

function writeDirectory(target: Buffer, records: Buffer, rawLength: number, first: Lsn): number {
  let at = BATCH_HEADER_SIZE_BYTES
  for (let offset = 0; offset < rawLength; offset += records.readUInt32LE(offset)) {
    target.writeUInt32LE(records.readUInt32LE(offset + RECORD_PAGE_OFFSET), at)
    target.writeUInt32LE(readU64(records, offset + 8) - first, at + 4)
    at += DIRECTORY_ENTRY_SIZE_BYTES
  }
  return at
}

/** Reads a header whose batch was verified before. */
export function readBatchHeader(bytes: Buffer): BatchHeader {
  return {
    timeline: bytes.readUInt32LE(16) as TimelineId,
    group: bytes.readUInt32LE(84) as GroupNo,
    recordCount: bytes.readUInt32LE(20),
    first: readU64(bytes, 24) as Lsn,
    last: readU64(bytes, 32) as Lsn,
    previous: readU64(bytes, 40) as Lsn,
    consistent: readU64(bytes, 48) as Lsn,
    end: readU64(bytes, 56) as Lsn,
    vdl: readU64(bytes, 64) as Lsn,
    wallMicros: readU64(bytes, 72),
    deflated: ((bytes[13] as number) & FLAG_DEFLATED) !== 0,
    rawLength: bytes.readUInt32LE(80),
    length: bytes.readUInt32LE(8),
  }
}

/** Checks magic, length, version and checksum of one whole batch. Throws StorageError 'corrupt' or 'version'. */
export function verifyBatch(bytes: Buffer, where: string): void {
  if (
    bytes.length < BATCH_HEADER_SIZE_BYTES ||
    bytes.readUInt32LE(0) !== MAGIC ||
    bytes.readUInt32LE(8) !== bytes.length
  ) {
    throw new StorageError('corrupt', `${where}: log batch is cut off or not a batch (${bytes.length} bytes)`)
  }
  if (bytes.readUInt32LE(4) !== crc32(bytes.subarray(8))) {
    const lsn = formatLsn(readU64(bytes, 24) as Lsn)
    throw new StorageError('corrupt', `${where}: checksum of the log batch at ${lsn} does not match`)
  }
  if (bytes[12] !== BATCH_VERSION) {
    throw new StorageError('version', `${where}: log batch of format ${bytes[12]}, expected ${BATCH_VERSION}`)
  }
}

/** The plain records of a verified batch: a view into it, or a fresh buffer when it was deflated. */
export function batchRecords(bytes: Buffer, header: BatchHeader): Buffer {
  if (!header.deflated) return bytes.subarray(BATCH_HEADER_SIZE_BYTES)
  const start = BATCH_HEADER_SIZE_BYTES + header.recordCount * DIRECTORY_ENTRY_SIZE_BYTES
  const records = inflateRawSync(bytes.subarray(start), { maxOutputLength: Math.max(header.rawLength, 1) })
  if (records.length !== header.rawLength) {
    throw new StorageError('corrupt', `log batch at ${formatLsn(header.first)} inflates to a wrong length`)
  }
  return records
}

/** Bytes at the start of a batch that `visitPages` needs. */
export function pageListLength(header: BatchHeader): number {
  if (!header.deflated) return header.length
  return BATCH_HEADER_SIZE_BYTES + header.recordCount * DIRECTORY_ENTRY_SIZE_BYTES
}

/** Calls back with page and LSN of each record, in order, without inflating anything. */
export function visitPages(
  bytes: Buffer,
  header: BatchHeader,
  visit: (page: PageNo, lsn: Lsn) => void,
): void {
  if (header.deflated) {
    let at = BATCH_HEADER_SIZE_BYTES
    for (let index = 0; index < header.recordCount; index++) {
      visit(bytes.readUInt32LE(at) as PageNo, (header.first + bytes.readUInt32LE(at + 4)) as Lsn)
      at += DIRECTORY_ENTRY_SIZE_BYTES
    }
    return
  }
  const end = BATCH_HEADER_SIZE_BYTES + header.rawLength
  for (let offset = BATCH_HEADER_SIZE_BYTES; offset < end; offset += bytes.readUInt32LE(offset)) {
    visit(bytes.readUInt32LE(offset + RECORD_PAGE_OFFSET) as PageNo, readU64(bytes, offset + 8) as Lsn)
  }
}

/** Offset of the record with this LSN in the plain records of its batch, or -1 if it is not there. */
export function findRecord(records: Buffer, header: BatchHeader, lsn: Lsn): number {
  const dense = lsn - header.first
  if (header.end - header.first === records.length) {
    // All of the flush is here: a record lies where its LSN says. (In a part of one, a back-link may look like its LSN.)
    const isHere = dense >= 0 && dense + 32 <= records.length && readU64(records, dense + 8) === lsn
    if (isHere) return dense
  }
  for (let offset = 0; offset < records.length; offset += records.readUInt32LE(offset)) {
    if (readU64(records, offset + 8) === lsn) return offset
  }
  return -1
}
