// Where a timeline is cut for an instant: at its last consistency point before the first commit that came later.

import { type Lsn, type TimelineId } from '../base/ids.ts'
import { FLAG_ENDS_MTR, readU64, RECORD_HEADER_SIZE_BYTES, RECORD_TYPE_COMMIT } from '../log/record.ts'
import { type BatchHeader, batchRecords } from '../message/batch.ts'
import type { AnnulledRange, TimelineBirth } from '../message/message.ts'

export interface CutState {
  readonly birth: TimelineBirth & { readonly id: TimelineId }
  readonly annulled: readonly AnnulledRange[]
  /** The highest consistency point so far that belongs to the instant. */
  readonly consistent: Lsn
}

/** Looks through a batch. `cut` is undefined while everything belongs to the instant. */
export function cutOf(
  bytes: Buffer,
  header: BatchHeader,
  atMicros: number,
  state: CutState,
): { readonly cut: Lsn | undefined; readonly consistent: Lsn } {
  // Commits are never later than the sending of their batch.
  if (header.wallMicros <= atMicros && state.annulled.length === 0) {
    return { cut: undefined, consistent: header.consistent > 0 ? header.consistent : state.consistent }
  }
  let { consistent } = state
  const records = batchRecords(bytes, header)
  for (let offset = 0; offset < records.length; offset += records.readUInt32LE(offset)) {
    const lsn = readU64(records, offset + 8) as Lsn
    if (state.annulled.some(({ above, upTo }) => lsn > above && lsn <= upTo)) continue
    if (records[offset + 4] === RECORD_TYPE_COMMIT) {
      const wallMicros = readU64(records, offset + RECORD_HEADER_SIZE_BYTES)
      if (wallMicros > atMicros) return { cut: consistent, consistent }
    }
    if (((records[offset + 5] as number) & FLAG_ENDS_MTR) !== 0) consistent = lsn
  }
  return { cut: undefined, consistent }
}
