// A log and pages for tests that need no trees: a page counts its records and hashes their LSNs, so that its bytes tell
// which records were applied, and in which order.
//
//   page:   u64 LSN │ u32 hash of the LSNs applied │ u32 how many │ zeroes

import { FIRST_GROUP, type GroupNo, type Lsn, type PageNo, type TimelineId } from '../../base/ids.ts'
import { PAGE_SIZE_BYTES } from '../../base/limits.ts'
import { readU64, recordLength, RECORD_TYPE_COMMIT, writeHeader, writeU64 } from '../../log/record.ts'
import { batchLength, encodeBatch, splitByGroup, surveyRecords } from '../batch.ts'

/** Stands in for storage/page's applyRecord. */
export function applyFakeRecord(
  page: Buffer,
  pageOffset: number,
  record: Buffer,
  recordOffset: number,
): boolean {
  const lsn = readU64(record, recordOffset + 8)
  if (lsn <= readU64(page, pageOffset)) return false
  writeU64(page, pageOffset, lsn)
  const hash = (Math.imul(page.readUInt32LE(pageOffset + 8), 31) + lsn) >>> 0
  page.writeUInt32LE(hash, pageOffset + 8)
  page.writeUInt32LE(page.readUInt32LE(pageOffset + 12) + 1, pageOffset + 12)
  return true
}

/** The page that these records make. */
export function fakePage(lsns: readonly number[]): Buffer {
  const page = Buffer.alloc(PAGE_SIZE_BYTES)
  let hash = 0
  for (const lsn of lsns) hash = (Math.imul(hash, 31) + lsn) >>> 0
  writeU64(page, 0, lsns.at(-1) ?? 0)
  page.writeUInt32LE(hash, 8)
  page.writeUInt32LE(lsns.length, 12)
  return page
}

export interface FakeChange {
  readonly page: number
  /** Default: true. */
  readonly endsMtr?: boolean | undefined
  /** Bytes of the body; default 8. */
  readonly bodyLength?: number | undefined
  /** Makes it a commit record of this time, which changes no page. */
  readonly commitMicros?: number | undefined
}

/** Writes the log of one timeline and remembers what each page must look like at any LSN. */
export class FakeLog {
  readonly timeline: TimelineId
  tail: number
  last: number
  /** LSNs of the records of each page, in order, the parent's included. */
  readonly pages: Map<number, number[]> = new Map()

  constructor(timeline: TimelineId, parent?: { log: FakeLog; lsn: number }) {
    this.timeline = timeline
    this.last = parent?.lsn ?? 0
    this.tail = (Math.floor(this.last / 8) + 1) * 8
    for (const [page, lsns] of parent?.log.pages ?? []) {
      const seen = lsns.filter((lsn) => lsn <= this.last)
      if (seen.length > 0) this.pages.set(page, seen)
    }
  }

  /** Encodes one record and moves the tail. */
  record(change: FakeChange): Buffer {
    const isCommit = change.commitMicros !== undefined
    const bodyLength = isCommit ? 16 : (change.bodyLength ?? 8)
    const bytes = Buffer.alloc(recordLength(bodyLength))
    const history = this.pages.get(change.page) ?? []
    writeHeader(bytes, 0, {
      type: isCommit ? RECORD_TYPE_COMMIT : 1,
      lsn: this.tail as Lsn,
      pagePrev: (isCommit ? 0 : (history.at(-1) ?? 0)) as Lsn,
      page: (isCommit ? 0xffff_ffff : change.page) as PageNo,
      bodyLength,
      endsMtr: change.endsMtr ?? true,
    })
    if (isCommit) writeU64(bytes, 32, change.commitMicros ?? 0)
    else bytes.fill(this.tail & 0xff, 32, 32 + bodyLength)
    if (!isCommit) this.pages.set(change.page, [...history, this.tail])
    this.last = this.tail
    this.tail += bytes.length
    return bytes
  }

  /** Encodes a batch of these changes. */
  batch(changes: readonly FakeChange[], options: FakeBatchOptions = {}): Buffer {
    const previous = (options.previous ?? this.last) as Lsn
    const records = Buffer.concat(changes.map((change) => this.record(change)))
    const run = surveyRecords(records, records.length)
    const deflated = options.deflate?.(records)
    const target = Buffer.alloc(batchLength(run, deflated?.length ?? records.length, deflated !== undefined))
    const frame = {
      timeline: this.timeline,
      group: FIRST_GROUP,
      previous,
      vdl: (options.vdl ?? 0) as Lsn,
      wallMicros: options.wallMicros ?? 0,
    }
    encodeBatch(target, frame, run, { records, rawLength: records.length, deflated })
    return target
  }

  /** Encodes one flush of these changes as a batch for each of `groups`. */
  parts(changes: readonly FakeChange[], groups: readonly number[], pagesPerGroup: number): Buffer[] {
    const previous = this.last as Lsn
    const records = Buffer.concat(changes.map((change) => this.record(change)))
    const whole = surveyRecords(records, records.length)
    return splitByGroup(records, records.length, whole, groups as GroupNo[], pagesPerGroup).map((part) => {
      const target = Buffer.alloc(batchLength(part.run, part.records.length, false))
      const frame = { timeline: this.timeline, group: part.group, previous, vdl: 0 as Lsn, wallMicros: 0 }
      const payload = { records: part.records, rawLength: part.records.length, deflated: undefined }
      encodeBatch(target, frame, part.run, payload)
      return target
    })
  }

  /** The page as it must be at `lsn`. */
  pageAt(page: number, lsn: number): Buffer {
    return fakePage((this.pages.get(page) ?? []).filter((each) => each <= lsn))
  }
}

export interface FakeBatchOptions {
  readonly previous?: number | undefined
  readonly vdl?: number | undefined
  readonly wallMicros?: number | undefined
  readonly deflate?: ((records: Buffer) => Buffer) | undefined
}
