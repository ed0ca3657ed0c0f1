// From an LSN of a timeline to the wall time of the newest commit at or below it, by reading an archive.

import { StorageError } from '../base/errors.ts'
import { formatLsn, type Lsn, type TimelineId } from '../base/ids.ts'
import { readU64, RECORD_HEADER_SIZE_BYTES, RECORD_TYPE_COMMIT } from '../log/record.ts'
import { batchRecords, readBatchHeader } from '../message/batch.ts'
import type { ObjectStore } from './object-store.ts'
import { restore, type RestoreTarget } from './restore.ts'

/** Microseconds since 1970. Rejects with StorageError, 'out-of-window' if the archive has no such LSN. */
export async function findInstant(store: ObjectStore, timeline: TimelineId, lsn: Lsn): Promise<number> {
  let micros = 0
  let reached = 0
  const nothing = (): void => undefined
  const target: RestoreTarget = {
    putTimeline: nothing,
    dropTimeline: nothing,
    beginSegment: nothing,
    putImages: nothing,
    annul: nothing,
    append(batches) {
      for (const bytes of batches) {
        const header = readBatchHeader(bytes)
        if (header.timeline !== timeline || header.group !== 0) continue
        reached = Math.max(reached, header.last)
        if (header.first <= lsn) micros = Math.max(micros, newestCommit(batchRecords(bytes, header), lsn))
      }
    },
  }
  await restore({ store, atMicros: undefined, target })
  if (micros === 0 || lsn > reached) {
    const range = `Its log is archived up to ${formatLsn(reached as Lsn)}.`
    throw new StorageError(
      'out-of-window',
      `no commit of timeline ${timeline} at ${formatLsn(lsn)} is archived`,
      range,
    )
  }
  return micros
}

function newestCommit(records: Buffer, upTo: Lsn): number {
  let micros = 0
  for (let offset = 0; offset < records.length; offset += records.readUInt32LE(offset)) {
    if (readU64(records, offset + 8) > upTo) break
    if (records[offset + 4] === RECORD_TYPE_COMMIT)
      micros = readU64(records, offset + RECORD_HEADER_SIZE_BYTES)
  }
  return micros
}
