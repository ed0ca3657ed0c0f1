// Questions about a timeline's own log that need no page: which pages have records in an interval of LSNs, and which
// commit a record belongs to. Both walk batches; the first looks at their page lists only and inflates nothing.
//
//   batches of the timeline ─▶ (above, upTo] ─▶ page lists ─▶ set of page numbers
//
// A long interval is answered in parts, so that no answer takes long: the asker goes on behind `upTo` of the last one.

import { formatLsn, type Lsn, LSN_ZERO, NO_PAGE, type PageNo } from '../base/ids.ts'
import { NO_ORIGIN, readU64, RECORD_HEADER_SIZE_BYTES, RECORD_TYPE_COMMIT } from '../log/record.ts'
import { type BatchHeader, readBatchHeader, verifyBatch, visitPages } from '../message/batch.ts'
import type { CommitRecord } from '../message/message.ts'
import { DamagedBatch, type PageReader } from './page-reader.ts'
import { Refusal } from './refusal.ts'
import type { Segment } from './segment.ts'
import type { SegmentStore } from './segment-store.ts'

/** Bytes of batches that one answer looks at. */
const SURVEY_SIZE_BYTES_MAX = 8 * 1024 * 1024

export interface PageInterval {
  readonly above: Lsn
  readonly upTo: Lsn
}

export interface ChangedPages {
  readonly pages: Uint32Array<ArrayBuffer>
  /** The answer covers records up to here; below the question's `upTo` when there is more. */
  readonly upTo: Lsn
}

/**
 * Pages with a record in (above, upTo], each once, of the timeline's own log in these groups. Throws DamagedBatch, and a
 * Refusal where that log was collected.
 */
export function changedPages(
  store: SegmentStore,
  segments: readonly Segment[],
  interval: PageInterval,
): ChangedPages {
  const pages = new Set<PageNo>()
  let { upTo } = interval
  // What one group's answer leaves out, the others' leave out too.
  for (const segment of segments) upTo = survey(store, segment, { ...interval, upTo }, pages)
  return { pages: Uint32Array.from(pages), upTo }
}

/** Adds the pages of one segment; returns how far it came. */
function survey(store: SegmentStore, segment: Segment, interval: PageInterval, pages: Set<PageNo>): Lsn {
  const { above, upTo } = interval
  const { after, birth } = segment.start
  if (above < after && after > birth && upTo > birth) {
    const message = `log of timeline ${segment.timeline} begins at ${formatLsn(after)}`
    throw new Refusal('out-of-window', message)
  }
  let size = 0
  for (const { header, bytes } of batchesOf(store, segment, above)) {
    if (header.first > upTo) break
    visitPages(bytes, header, (page, lsn) => {
      if (page === NO_PAGE || lsn <= above || lsn > upTo || segment.isAnnulled(lsn)) return
      pages.add(page)
    })
    size += bytes.length
    if (size >= SURVEY_SIZE_BYTES_MAX && header.last < upTo) return header.last
  }
  return upTo
}

/** The first commit record at or above `lsn` on the timeline's own log: the commit that wrote the record there. */
export function commitOf(
  store: SegmentStore,
  reader: PageReader,
  segment: Segment,
  lsn: Lsn,
): CommitRecord | undefined {
  for (const { header } of batchesOf(store, segment, (lsn - 1) as Lsn)) {
    const { records } = reader.openBatch(segment, header.first)
    for (let offset = 0; offset < records.length; offset += records.readUInt32LE(offset)) {
      const at = readU64(records, offset + 8) as Lsn
      if (records[offset + 4] !== RECORD_TYPE_COMMIT || at < lsn || segment.isAnnulled(at)) continue
      return commitRecordAt(records, offset, at)
    }
  }
  return undefined
}

/** Reads the body of a commit record; those of older logs name no session. */
function commitRecordAt(records: Buffer, offset: number, lsn: Lsn): CommitRecord {
  const body = offset + RECORD_HEADER_SIZE_BYTES
  const hasSession = records.readUInt32LE(offset + 28) >= 24
  return {
    lsn,
    wallMicros: readU64(records, body),
    transactionId: readU64(records, body + 8),
    origin: hasSession
      ? { processId: records.readUInt32LE(body + 16), roleOid: records.readUInt32LE(body + 20) }
      : NO_ORIGIN,
  }
}

/** The batches that hold records above `lsn`, in order, verified; annulled ones left out. */
function* batchesOf(
  store: SegmentStore,
  segment: Segment,
  lsn: Lsn,
): Iterable<{ readonly header: BatchHeader; readonly bytes: Buffer }> {
  let bytes = lsn > LSN_ZERO ? store.batchAt(segment, lsn) : undefined
  if (bytes === undefined || readBatchHeader(bytes).last <= lsn) bytes = store.batchAfter(segment, lsn)
  while (bytes !== undefined) {
    const header = readBatchHeader(bytes)
    if (header.first > segment.scl) return
    if (!segment.isAnnulled(header.first)) yield { header, bytes: sound(store, segment, header, bytes) }
    bytes = store.batchAfter(segment, header.first)
  }
}

function sound(store: SegmentStore, segment: Segment, header: BatchHeader, bytes: Buffer): Buffer {
  try {
    verifyBatch(bytes, `${store.where}: table log`)
    return bytes
  } catch (error) {
    throw new DamagedBatch(segment, header.first, error instanceof Error ? error.message : 'unreadable')
  }
}
