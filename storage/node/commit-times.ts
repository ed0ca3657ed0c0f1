// From wall time to LSN: the newest commit at or before an instant. Batches carry the wall time of their sending, which
// never goes back; commit records inside carry the exact one. So: bisect over batches, then look into a few.

import { type Lsn, LSN_ZERO, type TimelineId } from '../base/ids.ts'
import { readU64, RECORD_HEADER_SIZE_BYTES, RECORD_TYPE_COMMIT } from '../log/record.ts'
import { readBatchHeader } from '../message/batch.ts'
import type { PageReader } from './page-reader.ts'
import type { Segment } from './segment.ts'
import type { SegmentStore } from './segment-store.ts'

export interface TimeQuery {
  readonly segment: Segment
  readonly wallMicros: number
  /** Only commits at or below this LSN count. */
  readonly below: Lsn
}

/**
 * LSN of the newest commit at or before `wallMicros` and at or below `below`, on the timeline or its ancestors; 0 if
 * there is none.
 */
export function findTime(
  store: SegmentStore,
  reader: PageReader,
  segments: ReadonlyMap<TimelineId, Segment>,
  query: TimeQuery,
): Lsn {
  let segment: Segment | undefined = query.segment
  let below = query.below
  while (segment !== undefined) {
    const found = findInSegment(store, reader, { ...query, segment, below })
    if (found > LSN_ZERO) return found
    const { parent } = segment.birth
    if (parent === undefined) return LSN_ZERO
    below = Math.min(below, parent.lsn) as Lsn
    segment = segments.get(parent.timeline)
  }
  return LSN_ZERO
}

function findInSegment(store: SegmentStore, reader: PageReader, query: TimeQuery): Lsn {
  const { segment, wallMicros } = query
  const limit = Math.min(segment.scl, query.below) as Lsn
  // The first batch sent at or after the instant may still hold commits made before it; so start there.
  let low = segment.base
  let high = limit
  while (low < high) {
    const middle = Math.floor((low + high) / 2) as Lsn
    const bytes = store.batchAt(segment.timeline, middle)
    if (bytes === undefined || readBatchHeader(bytes).wallMicros < wallMicros) low = (middle + 1) as Lsn
    else high = middle
  }
  let at = Math.min(low, limit) as Lsn
  for (;;) {
    const bytes = store.batchAt(segment.timeline, at)
    if (bytes === undefined) return LSN_ZERO
    const { first } = readBatchHeader(bytes)
    if (!segment.isAnnulled(first)) {
      const found = newestCommit(reader, segment, first, query.below, wallMicros)
      if (found > LSN_ZERO) return found
    }
    at = (first - 1) as Lsn
  }
}

function newestCommit(reader: PageReader, segment: Segment, first: Lsn, below: Lsn, wallMicros: number): Lsn {
  const { records } = reader.openBatch(segment, first)
  let found = LSN_ZERO
  for (let offset = 0; offset < records.length; offset += records.readUInt32LE(offset)) {
    if (records[offset + 4] !== RECORD_TYPE_COMMIT) continue
    const lsn = readU64(records, offset + 8) as Lsn
    if (lsn > below || segment.isAnnulled(lsn)) continue
    if (readU64(records, offset + RECORD_HEADER_SIZE_BYTES) <= wallMicros) found = lsn
  }
  return found
}
