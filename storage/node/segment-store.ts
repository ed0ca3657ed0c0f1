// The door of a node's disk: what a storage node asks of wherever it keeps things. Two implementations, tested by the
// same tests: memory-segment-store.ts and sqlite-segment-store.ts.
//
// Everything is synchronous. What is said to be durable survives kill -9 and loss of power when the call returns; the
// rest (images, tails, checkpoints) is derived from the log and may be lost back to an earlier, consistent state.
//
//   append ─────▶ log (batches in order of arrival)  ──▶ "unindexed" until the next checkpoint
//   putTails ───▶ tail (page → its newest record)     │
//   putImages ──▶ images (page, LSN → bytes)          ▼
//   checkpoint ─▶ marks of the segments; what was unindexed when `position()` was taken is indexed now
//
// A store knows nothing of the meaning of LSNs: gaps, epochs and annulled ranges are the node's business.

import type { Epoch, Lsn, PageNo, TimelineId } from '../base/ids.ts'
import type { AnnulledRange, TimelineBirth } from '../message/message.ts'

export interface StoreIdentity {
  /** Empty until the node joined a cluster. */
  readonly clusterId: string
  readonly volumeEpoch: Epoch
  readonly membershipEpoch: Epoch
}

/** Where a segment stood at its last checkpoint. */
export interface SegmentMark {
  readonly timeline: TimelineId
  readonly scl: Lsn
  readonly consistent: Lsn
  readonly end: Lsn
  readonly vdl: Lsn
}

export interface StoredTimeline {
  readonly birth: TimelineBirth
  readonly dropped: boolean
  /** undefined when nothing was checkpointed yet: the branch point then. */
  readonly mark: SegmentMark | undefined
  readonly annulled: readonly AnnulledRange[]
}

export interface StoredBatch {
  readonly timeline: TimelineId
  readonly first: Lsn
  readonly bytes: Buffer
}

export interface PageImage {
  readonly timeline: TimelineId
  readonly page: PageNo
  readonly lsn: Lsn
  readonly bytes: Buffer
}

/** The newest record of a page as far as checkpoints know, and how many came since its last image. */
export interface PageTail {
  readonly timeline: TimelineId
  readonly page: PageNo
  readonly lsn: Lsn
  readonly count: number
}

export interface StoreStatistics {
  readonly batches: number
  readonly diskBytes: number
  readonly images: number
  readonly longChains: number
}

export interface SegmentStore {
  identity(): StoreIdentity
  /** Durable. */
  setIdentity(identity: StoreIdentity): void

  timelines(): readonly StoredTimeline[]
  /** Durable. A timeline that is there already stays as it is. */
  putTimeline(birth: TimelineBirth): void
  /** Durable. */
  dropTimeline(timeline: TimelineId): void
  /** Durable, together: replaces the annulled ranges of these timelines and their marks. */
  truncate(
    identity: StoreIdentity,
    timelines: readonly { timeline: TimelineId; ranges: readonly AnnulledRange[]; mark: SegmentMark }[],
  ): void

  /** Durable, in one transaction. The bytes are copied. Throws StorageError 'disk-full' or 'io': nothing was stored. */
  append(batches: readonly StoredBatch[]): void
  /** Replaces a batch that is there with a sound copy. Durable. */
  replaceBatch(batch: StoredBatch): void
  /** The batch with the highest first LSN at or below `lsn`. Its bytes are unverified. */
  batchAt(timeline: TimelineId, lsn: Lsn): Buffer | undefined
  /** The batch with the lowest first LSN above `lsn`. Its bytes are unverified. */
  batchAfter(timeline: TimelineId, lsn: Lsn): Buffer | undefined
  /** Visits what was appended since the last checkpoint, in order of arrival. */
  visitUnindexed(visit: (batch: StoredBatch) => void): void

  /** The newest image at or below `lsn`; verified. Throws StorageError 'corrupt'. */
  imageAt(
    timeline: TimelineId,
    page: PageNo,
    lsn: Lsn,
  ): { readonly lsn: Lsn; readonly bytes: Buffer } | undefined
  /** LSN of the oldest image above `lsn`. */
  imageAbove(timeline: TimelineId, page: PageNo, lsn: Lsn): Lsn | undefined
  /** Stores images and forgets the tails that they cover. */
  putImages(images: readonly PageImage[]): void
  dropImage(timeline: TimelineId, page: PageNo, lsn: Lsn): void

  tail(timeline: TimelineId, page: PageNo): Lsn | undefined
  /** Moves tails forward; counts add up. */
  putTails(tails: readonly PageTail[]): void
  /** The pages with most records since their last image, at least `countMin` (PAGE_CHAIN_LENGTH_MAX or more). */
  longChains(countMin: number, limit: number): readonly PageTail[]

  /** Names the log's end now, for `checkpoint`. */
  position(): number
  /** From now on nothing appended at or before `position` is unindexed: its tails were put, its segments stood at `marks`. */
  checkpoint(position: number, marks: readonly SegmentMark[]): void

  /** Housekeeping that is due, away from any request. `idle`: nobody is waiting, so do what is worth doing. */
  housekeep(idle: boolean): void
  statistics(): StoreStatistics
  /** Where it is, for error messages. */
  readonly where: string
  close(): void
}

/** The mark after a truncation: what was checkpointed, but never above where the truncation put the segment. */
export function lowerMark(checkpointed: SegmentMark, truncated: SegmentMark): SegmentMark {
  return checkpointed.scl <= truncated.scl ? checkpointed : truncated
}
