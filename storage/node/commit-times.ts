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

/** A commit: LSN and wall time of its record; both 0 if there is none. */
export interface CommitFound {
  readonly lsn: Lsn
  readonly wallMicros: number
}

const NONE: CommitFound = { lsn: LSN_ZERO, wallMicros: 0 }

/**
 * The newest commit at or before `wallMicros` and at or below `below`, on the timeline or its ancestors.
 */
export function findTime(
  store: SegmentStore,
  reader: PageReader,
  segments: ReadonlyMap<TimelineId, Segment>,
  query: TimeQuery,
): CommitFound {
  let segment: Segment | undefined = query.segment
  let below = query.below
  while (segment !== undefined) {
    const found = findInSegment(store, reader, { ...query, segment, below })
    if (found.lsn > LSN_ZERO) return found
    const { parent } = segment.birth
    if (parent === undefined) return NONE
    below = Math.min(below, parent.lsn) as Lsn
    segment = segments.get(parent.timeline)
  }
  return NONE
}

function findInSegment(store: SegmentStore, reader: PageReader, query: TimeQuery): CommitFound {
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
    if (bytes === undefined) return NONE
    const { first } = readBatchHeader(bytes)
    if (!segment.isAnnulled(first)) {
      const found = newestCommit(reader, segment, first, query)
      if (found.lsn > LSN_ZERO) return found
    }
    at = (first - 1) as Lsn
  }
}

function newestCommit(reader: PageReader, segment: Segment, first: Lsn, query: TimeQuery): CommitFound {
  const { records } = reader.openBatch(segment, first)
  let found = NONE
  for (let offset = 0; offset < records.length; offset += records.readUInt32LE(offset)) {
    if (records[offset + 4] !== RECORD_TYPE_COMMIT) continue
    const lsn = readU64(records, offset + 8) as Lsn
    if (lsn > query.below || segment.isAnnulled(lsn)) continue
    const wallMicros = readU64(records, offset + RECORD_HEADER_SIZE_BYTES)
    if (wallMicros <= query.wallMicros) found = { lsn, wallMicros }
  }
  return found
}
