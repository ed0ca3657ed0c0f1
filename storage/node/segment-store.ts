// The door of a node's disk: what a storage node asks of wherever it keeps things. Two implementations, tested by the
// same tests: memory-segment-store.ts and sqlite-segment-store.ts.
//
// Everything is synchronous. What is said to be durable survives kill -9 and loss of power when the call returns; the
// rest (images, tails, checkpoints, collections) is derived from the log and may be lost back to an earlier, consistent
// state: of derived changes a crash leaves those before some moment and none after it, and a durable change other than
// append and births (putTimelines) carries all derived ones before it along.
//
//   append ─────▶ log (batches in order of arrival)  ──▶ "unindexed" until the next checkpoint
//   putTails ───▶ tail (page → its newest record)     │
//   putImages ──▶ images (page, LSN → bytes)          ▼
//   checkpoint ─▶ marks of the segments; what was unindexed when `position()` was taken is indexed now
//   startLog ───▶ the log begins behind an LSN: what lies below is dropped, slice by slice, by dropLog
//
// A store knows nothing of the meaning of LSNs: gaps, epochs and annulled ranges are the node's business.

import { StorageError } from '../base/errors.ts'
import { type Epoch, formatLsn, type GroupNo, type Lsn, type PageNo, type TimelineId } from '../base/ids.ts'
import type { Configuration } from '../message/configuration.ts'
import type { AnnulledRange, IdRange, ImageCopy, SegmentKey, TimelineBirth } from '../message/message.ts'

export interface StoreIdentity {
  /** Empty until the node joined a cluster. */
  readonly clusterId: string
  readonly volumeEpoch: Epoch
  /** The writer that fenced the node with this epoch. */
  readonly writer: string
  /** The volume epoch of the writer that configured the node last: it was told all that recovery decided in that one. */
  readonly joinedEpoch: Epoch
}

/** Where a segment stood at its last checkpoint. */
export interface SegmentMark extends SegmentKey {
  readonly scl: Lsn
  readonly consistent: Lsn
  readonly end: Lsn
  readonly vdl: Lsn
  /** Whether batches above a gap were held: they are looked for when the node opens. */
  readonly hasGap: boolean
}

/** The newest commit of a timeline's own log at or below `at`, a point whose log is gone; `lsn` is 0 if there is none. */
export interface KeptCommit {
  readonly at: Lsn
  readonly lsn: Lsn
  readonly wallMicros: number
}

/** Where a segment's log begins, and what is remembered of the commits before. */
export interface LogStart {
  /** The group holds no record of the timeline itself at or below this: the branch point, or where it was opened. */
  readonly birth: Lsn
  /** Log at or below this is not here. A consistency point, as the birth is. */
  readonly after: Lsn
  /** For `after`, and for each point below that a child reads. Missing where only a peer that is gone knew. */
  readonly commits: readonly KeptCommit[]
}

/** A segment that has more to tell than that its timeline was born. */
export interface StoredSegment extends SegmentKey {
  /** undefined: the log is whole from the timeline's birth on. */
  readonly start: LogStart | undefined
  /** undefined when nothing was checkpointed yet. */
  readonly mark: SegmentMark | undefined
}

export interface StoredTimeline {
  readonly birth: TimelineBirth
  readonly dropped: boolean
  /** False when it became known after its parent's version at the branch point may have been collected here. */
  readonly isWhole: boolean
  readonly annulled: readonly AnnulledRange[]
}

/** Numbers under which no timeline lives, and the volume epoch of the writer that told them first as a whole. */
export interface DeadNumbers {
  readonly epoch: Epoch
  readonly ranges: readonly IdRange[]
}

export interface StoredBatch extends SegmentKey {
  readonly first: Lsn
  readonly bytes: Buffer
}

export interface PageImage extends SegmentKey {
  readonly page: PageNo
  readonly lsn: Lsn
  /** PAGE_SIZE_BYTES bytes, or fewer: those deflated (raw deflate), as imagesAfter gives them. */
  readonly bytes: Buffer
}

/** The newest record of a page as far as checkpoints know, and how many came since its last image. */
export interface PageTail extends SegmentKey {
  readonly page: PageNo
  readonly lsn: Lsn
  readonly count: number
}

/** Names a version of a page. */
export interface PageVersion {
  readonly page: PageNo
  readonly lsn: Lsn
}

/** What a segment takes, in bytes as they are stored. Kept counts. */
export interface SegmentSize {
  readonly batches: number
  readonly logBytes: number
  readonly images: number
  readonly imageBytes: number
  /** Pages that have an image. */
  readonly pages: number
}

export interface StoreStatistics {
  readonly batches: number
  readonly diskBytes: number
  readonly images: number
  readonly longChains: number
  /** Durable changes since the store was opened. */
  readonly fsyncs: number
}

/** What annuls records of a timeline: its whole list of ranges, and where its segments stand from now on. */
export interface Truncation {
  readonly timeline: TimelineId
  readonly ranges: readonly AnnulledRange[]
  readonly marks: readonly SegmentMark[]
}

export interface SegmentStore {
  identity(): StoreIdentity
  /** Durable. */
  setIdentity(identity: StoreIdentity): void
  configuration(): Configuration | undefined
  /** Durable, together. */
  setConfiguration(configuration: Configuration, identity: StoreIdentity): void

  /** In order of their numbers. Nothing else is asked of the store before the last was taken. */
  timelines(): Iterable<StoredTimeline>
  segments(): readonly StoredSegment[]
  /**
   * Durable, in one step. A timeline that is there already stays as it is. Births alone, under numbers above all that were
   * ever forgotten, carry no derived changes along.
   */
  putTimelines(timelines: readonly StoredTimeline[]): void
  dead(): DeadNumbers
  /** Durable. Replaces the dead numbers; timelines that are there under one of them are dropped. */
  bury(dead: DeadNumbers): void
  /** Durable. A timeline that is here was not dropped after all; its number is not dead. */
  reviveTimeline(timeline: TimelineId): void
  /** Durable. The number is dead from now on; the timeline may be here or not. */
  dropTimeline(timeline: TimelineId): void
  /** Its contents are gone already: nothing is left of it. Derived. */
  forgetTimeline(timeline: TimelineId): void
  /** Durable. The segment begins at `start`, where `mark` stands. */
  openSegment(start: LogStart, mark: SegmentMark): void
  /** Durable, together: replaces the annulled ranges of these timelines; their marks are lowered to these. */
  truncate(truncations: readonly Truncation[]): void

  /** Durable, in one transaction. The bytes are copied. Throws StorageError 'disk-full' or 'io': nothing was stored. */
  append(batches: readonly StoredBatch[]): void
  /** Replaces a batch that is there with a sound copy. Durable. */
  replaceBatch(batch: StoredBatch): void
  /** The batch with the highest first LSN at or below `lsn`. Its bytes are unverified. */
  batchAt(segment: SegmentKey, lsn: Lsn): Buffer | undefined
  /** The batch with the lowest first LSN above `lsn`. Its bytes are unverified. */
  batchAfter(segment: SegmentKey, lsn: Lsn): Buffer | undefined
  /** The batches with first LSNs above `lsn`, in order, at least one if any, until they have `sizeMax` bytes. Unverified. */
  batchesAfter(segment: SegmentKey, lsn: Lsn, sizeMax: number): readonly Buffer[]
  /** Visits the first bytes, header included, of the batches with first LSNs above `lsn` in order, until told to stop. */
  visitHeaders(segment: SegmentKey, lsn: Lsn, visit: (header: Buffer) => boolean): void
  /** Visits what was appended since the last checkpoint, in order of arrival. */
  visitUnindexed(visit: (batch: StoredBatch) => void): void
  /** Drops the batches with first LSNs in (above, upTo], from the lowest on, about `sizeMax` bytes of them. Derived. */
  dropLog(segment: SegmentKey, above: Lsn, upTo: Lsn, sizeMax: number): number

  /** The newest image at or below `lsn`; verified. Throws DamagedImage. */
  imageAt(
    segment: SegmentKey,
    page: PageNo,
    lsn: Lsn,
  ): { readonly lsn: Lsn; readonly bytes: Buffer } | undefined
  /** LSN of the newest image at or below `lsn`. */
  imageLsnAt(segment: SegmentKey, page: PageNo, lsn: Lsn): Lsn | undefined
  /** LSN of the oldest image above `lsn`. */
  imageAbove(segment: SegmentKey, page: PageNo, lsn: Lsn): Lsn | undefined
  /** Images behind `after` in the order of (page, LSN), at least one if any, until they have `sizeMax` bytes. Verified, as stored. */
  imagesAfter(
    segment: SegmentKey,
    after: PageVersion | undefined,
    sizeMax: number,
  ): { readonly images: readonly ImageCopy[]; readonly complete: boolean }
  /** Which images there are behind `after` in the order of (page, LSN), `limit` at most. */
  imageVersionsAfter(
    segment: SegmentKey,
    after: PageVersion | undefined,
    limit: number,
  ): readonly PageVersion[]
  /** Stores images and forgets the tails that they cover. */
  putImages(images: readonly PageImage[]): void
  dropImages(segment: SegmentKey, versions: readonly PageVersion[]): void

  tail(segment: SegmentKey, page: PageNo): Lsn | undefined
  /** Moves tails forward; counts add up. */
  putTails(tails: readonly PageTail[]): void
  /** The pages with most records since their last image, at least `countMin` (PAGE_CHAIN_LENGTH_MAX or more). */
  longChains(countMin: number, limit: number): readonly PageTail[]
  /** Records since the last images of their pages, as far as checkpoints know. */
  recordsSinceImages(segment: SegmentKey): number

  /**
   * The log begins at `start`, and if `mark` is given stands there now: what lies below is in images. Derived. What is
   * below stays until dropLog takes it away.
   */
  startLog(segment: SegmentKey, start: LogStart, mark: SegmentMark | undefined): void
  /** Drops about `limit` of what the segment holds; true when nothing is left and it is as its timeline's birth. Derived. */
  clear(segment: SegmentKey, limit: number): boolean
  size(segment: SegmentKey): SegmentSize

  /** Visits log behind `after` (0: from the start), about `sizeMax` bytes; returns what to go on with, 0 at the end. */
  scrubLog(after: number, sizeMax: number, visit: (batch: StoredBatch) => void): number
  /** Verifies images behind `after`, `limit` at most; returns what to go on with, 0 at the end. */
  scrubImages(after: number, limit: number, damaged: (image: SegmentKey & PageVersion) => void): number

  /**
   * Much is about to be written in large portions, or that is over: the store may write another way meanwhile, at which
   * what is derived costs as much as what is durable. Throws StorageError.
   */
  expectMuch(isMuch: boolean): void

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

const GROUP_STEP = 0x1_0000_0000

/** One number that names a segment: groups stay far below 2^20. */
export function segmentNumber({ timeline, group }: SegmentKey): number {
  return group * GROUP_STEP + timeline
}

export function segmentOfNumber(number: number): SegmentKey {
  const timeline = (number % GROUP_STEP) as TimelineId
  return { timeline, group: ((number - timeline) / GROUP_STEP) as GroupNo }
}

export const EMPTY_SIZE: SegmentSize = { batches: 0, logBytes: 0, images: 0, imageBytes: 0, pages: 0 }

/** An image on this node's disk that fails its checksum. */
export class DamagedImage extends StorageError {
  readonly image: SegmentKey & PageVersion

  constructor(where: string, image: SegmentKey & PageVersion) {
    const { timeline, page, lsn } = image
    const at = `page ${page} of timeline ${timeline} at ${formatLsn(lsn)}`
    super('corrupt', `${where}: table images: checksum of ${at} does not match`)
    this.image = image
  }
}
