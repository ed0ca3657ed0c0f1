// From wall time to LSN and back: the newest commit at or before an instant, or at or below an LSN. Batches carry the wall
// time of their sending, which never goes back; commit records inside carry the exact one, which never goes back either
// and is never later than their sending. So: bisect over batches, then look into a few. Commit records are in the first
// group. Of those that were collected the newest is remembered.
//
//   sent before T        sent at T or later
//   ──┬────┬────┬───┃─┬────┬────┬────┬──     a writer with a backlog sends late: the commit looked for is in any batch
//     ◀── down ─────┃────▶ up ▶ commit > T    up to the first commit made after T; if in none of them, it is below

import { StorageError } from '../base/errors.ts'
import { FIRST_GROUP, formatLsn, type Lsn, LSN_ZERO } from '../base/ids.ts'
import { readU64, RECORD_HEADER_SIZE_BYTES, RECORD_TYPE_COMMIT } from '../log/record.ts'
import { readBatchHeader } from '../message/batch.ts'
import type { PageReader } from './page-reader.ts'
import type { ReadPoints } from './read-points.ts'
import { Refusal } from './refusal.ts'
import type { Segment } from './segment.ts'
import type { KeptCommit, SegmentStore } from './segment-store.ts'
import type { Timeline, Timelines } from './timeline.ts'

export interface Commit {
  readonly lsn: Lsn
  readonly wallMicros: number
}

export const NO_COMMIT: Commit = { lsn: LSN_ZERO, wallMicros: 0 }

/** What is looked for: the newest commit at or below `below` of which the wall time is at most `wallMicros`. */
export interface CommitBounds {
  readonly below: Lsn
  readonly wallMicros: number
}

export class CommitTimes {
  readonly #store: SegmentStore
  readonly #reader: PageReader
  readonly #timelines: Timelines
  readonly #points: ReadPoints

  constructor(store: SegmentStore, reader: PageReader, timelines: Timelines, points: ReadPoints) {
    this.#points = points
    this.#store = store
    this.#reader = reader
    this.#timelines = timelines
  }

  /** On the timeline or its ancestors; NO_COMMIT if there is none. Throws 'out-of-window' where the log is collected. */
  find(timeline: Timeline, bounds: CommitBounds): Commit {
    let at: Timeline | undefined = timeline
    let { below } = bounds
    while (at !== undefined) {
      const segment = at.segment(FIRST_GROUP)
      const found = segment && this.#findInSegment(segment, { ...bounds, below })
      if (found !== undefined) return found
      const parent: Timeline['birth']['parent'] = at.birth.parent
      if (parent === undefined) return NO_COMMIT
      below = Math.min(below, parent.lsn) as Lsn
      at = this.#timelines.get(parent.timeline)
    }
    return NO_COMMIT
  }

  #findInSegment(segment: Segment, bounds: CommitBounds): Commit | undefined {
    if (segment.scl < bounds.below) {
      const { timeline, scl } = segment
      throw new Refusal('behind', `timeline ${timeline} is complete to ${formatLsn(scl)} only`)
    }
    const from = this.#startOf(segment, bounds)
    return (
      this.#searchUp(segment, from, bounds) ??
      this.#searchDown(segment, from, bounds) ??
      this.#findCollected(segment, bounds)
    )
  }

  /** Where the first batch is that was sent at or after the instant; all that was sent before it was made before. */
  #startOf(segment: Segment, { below, wallMicros }: CommitBounds): Lsn {
    const limit = Math.min(segment.scl, below) as Lsn
    let low = segment.start.after
    let high = limit
    while (low < high) {
      const middle = Math.floor((low + high) / 2) as Lsn
      const bytes = this.#store.batchAt(segment, middle)
      if (bytes === undefined || readBatchHeader(bytes).wallMicros < wallMicros) low = (middle + 1) as Lsn
      else high = middle
    }
    return Math.min(low, limit) as Lsn
  }

  /** The newest commit within bounds in the batch at `from` or one behind it, up to the first commit after the instant. */
  #searchUp(segment: Segment, from: Lsn, bounds: CommitBounds): Commit | undefined {
    let found: Commit | undefined
    let bytes = this.#store.batchAt(segment, from)
    while (bytes !== undefined) {
      const { first } = readBatchHeader(bytes)
      if (first > Math.min(segment.scl, bounds.below)) break
      if (first > segment.start.after) {
        const { newest, isLast } = this.#newestIn(segment, first, bounds)
        found = newest ?? found
        if (isLast) break
      }
      bytes = this.#store.batchAfter(segment, first)
    }
    return found
  }

  /** The newest commit within bounds in the batch at `from` or one before it. */
  #searchDown(segment: Segment, from: Lsn, bounds: CommitBounds): Commit | undefined {
    let at = from
    for (;;) {
      const bytes = this.#store.batchAt(segment, at)
      if (bytes === undefined) return undefined
      const { first } = readBatchHeader(bytes)
      if (first <= segment.start.after) return undefined
      const { newest } = this.#newestIn(segment, first, bounds)
      if (newest !== undefined) return newest
      at = (first - 1) as Lsn
    }
  }

  /** What is remembered of log that is gone: of its end, and of the points that children read. */
  #findCollected(
    { start, timeline, owner }: Segment,
    { below, wallMicros }: CommitBounds,
  ): Commit | undefined {
    const { after, birth, commits } = start
    if (after <= birth || below <= birth) return undefined
    const at = Math.min(below, after) as Lsn
    const kept = commits.find((each) => each.at === at)
    if (kept?.lsn === LSN_ZERO) return undefined
    if (kept !== undefined && kept.wallMicros <= wallMicros)
      return { lsn: kept.lsn, wallMicros: kept.wallMicros }
    const what = `commits of timeline ${timeline} before ${formatLsn(after)}`
    if (kept === undefined && (at === after || this.#points.has(owner, at)))
      throw new Refusal('behind', `${what} are not known here`)
    throw new StorageError('out-of-window', `${what} are older than what is kept`)
  }

  /** What must be remembered of a segment's commits when its log shall begin behind `after`. */
  kept(segment: Segment, after: Lsn): readonly KeptCommit[] {
    if (segment.group !== FIRST_GROUP) return []
    const { start, owner } = segment
    const points = [...this.#points.of(owner).filter((point) => point > start.birth && point < after), after]
    return points.flatMap((at) => {
      const known = start.commits.find((each) => each.at === Math.min(at, start.after))
      if (at <= start.after) return known ?? []
      const found = this.#searchDown(segment, at, { below: at, wallMicros: Infinity })
      if (found !== undefined) return { at, ...found }
      if (known !== undefined) return { at, lsn: known.lsn, wallMicros: known.wallMicros }
      return start.after <= start.birth ? { at, ...NO_COMMIT } : []
    })
  }

  /** The newest commit within bounds in the batch that begins at `first`, and whether younger ones follow it there. */
  #newestIn(
    segment: Segment,
    first: Lsn,
    { below, wallMicros }: CommitBounds,
  ): { readonly newest: Commit | undefined; readonly isLast: boolean } {
    let newest: Commit | undefined
    if (segment.isAnnulled(first)) return { newest, isLast: false }
    const { records } = this.#reader.openBatch(segment, first)
    for (let offset = 0; offset < records.length; offset += records.readUInt32LE(offset)) {
      if (records[offset + 4] !== RECORD_TYPE_COMMIT) continue
      const lsn = readU64(records, offset + 8) as Lsn
      if (lsn > below || segment.isAnnulled(lsn)) continue
      const micros = readU64(records, offset + RECORD_HEADER_SIZE_BYTES)
      if (micros > wallMicros) return { newest, isLast: true }
      newest = { lsn, wallMicros: micros }
    }
    return { newest, isLast: false }
  }
}
