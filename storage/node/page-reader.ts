// A page at an LSN, made from the newest image at or below it and the records since.
//
//   newest record ─pagePrev─▶ … ─▶ record ≤ lsn ─▶ … ─▶ image                     (records applied in reverse order)
//        └ from the tails, or an image above lsn      └ or the parent timeline's page at the branch point
//
// The chain of back-links is the only index that records have. A link may lead through records that a truncation
// annulled: they are stepped over, not applied.

import { StorageError } from '../base/errors.ts'
import { type Lsn, type PageNo, type TimelineId, formatLsn } from '../base/ids.ts'
import { PAGE_SIZE_BYTES } from '../base/limits.ts'
import { readU64 } from '../log/record.ts'
import { type BatchHeader, batchRecords, findRecord, readBatchHeader, verifyBatch } from '../message/batch.ts'
import { type OpenBatch, RecentBatches } from './recent-batches.ts'
import type { Segment } from './segment.ts'
import type { SegmentStore } from './segment-store.ts'

/** ../page/apply.ts, handed in so that the node's tests can use pages of their own. */
export type ApplyRecord = (page: Buffer, pageOffset: number, record: Buffer, recordOffset: number) => boolean

/** Batches that had to be inflated are kept; the others cost less to read again than to look for. */
const INFLATED_BATCHES_MAX = 32

/** A batch on this node's disk that fails its checksum or is not there. */
export class DamagedBatch extends StorageError {
  readonly timeline: TimelineId
  readonly lsn: Lsn

  constructor(timeline: TimelineId, lsn: Lsn, message: string) {
    super('corrupt', message)
    this.timeline = timeline
    this.lsn = lsn
  }
}

export class PageReader {
  pagesRead = 0
  recordsApplied = 0
  batchesRead = 0
  readonly recent: RecentBatches = new RecentBatches()
  readonly #store: SegmentStore
  readonly #segments: ReadonlyMap<TimelineId, Segment>
  readonly #apply: ApplyRecord
  /** In order of last use, the latest at the end. */
  #inflated: OpenBatch[] = []
  #latest: OpenBatch | undefined

  constructor(store: SegmentStore, segments: ReadonlyMap<TimelineId, Segment>, apply: ApplyRecord) {
    this.#store = store
    this.#segments = segments
    this.#apply = apply
  }

  /**
   * The page at the newest version ≤ lsn; all zeroes if there is none. A fresh buffer. Throws StorageError 'corrupt'.
   * The caller has checked that the segment, and those of its ancestors as far as they are visible, reach this far.
   */
  read(segment: Segment, page: PageNo, lsn: Lsn): Buffer {
    this.pagesRead++
    return this.#resolve(segment, page, lsn)
  }

  /**
   * The page as of `lsn` with the LSN of its newest record, if the timeline has records of it in there since its last
   * image.
   */
  renew(segment: Segment, page: PageNo, lsn: Lsn): { lsn: Lsn; bytes: Buffer } | undefined {
    const image = this.#store.imageAt(segment.timeline, page, lsn)
    const newest = this.#chain(segment, page, lsn, image?.lsn ?? segment.base, 1)[0]
    return newest === undefined ? undefined : { lsn: newest, bytes: this.#resolve(segment, page, lsn) }
  }

  #resolve(segment: Segment, page: PageNo, lsn: Lsn): Buffer {
    const { parent } = segment.birth
    if (lsn <= segment.base && parent !== undefined) return this.#resolveParent(segment, page, lsn)
    const image = this.#store.imageAt(segment.timeline, page, lsn)
    const floor = image?.lsn ?? segment.base
    const chain = this.#chain(segment, page, lsn, floor)
    const base =
      image?.bytes ??
      (parent === undefined ? Buffer.alloc(PAGE_SIZE_BYTES) : this.#resolveParent(segment, page, parent.lsn))
    for (let index = chain.length - 1; index >= 0; index--) this.#applyAt(segment, chain[index] as Lsn, base)
    this.recordsApplied += chain.length
    return base
  }

  #resolveParent(segment: Segment, page: PageNo, lsn: Lsn): Buffer {
    const { parent } = segment.birth
    const ancestor = parent === undefined ? undefined : this.#segments.get(parent.timeline)
    if (ancestor === undefined) {
      throw new StorageError(
        'corrupt',
        `${this.#store.where}: parent of timeline ${segment.timeline} is missing`,
      )
    }
    return this.#resolve(ancestor, page, Math.min(lsn, segment.base) as Lsn)
  }

  /** LSNs of the page's records in (floor, lsn], newest first, at most `limit` of them. */
  #chain(segment: Segment, page: PageNo, lsn: Lsn, floor: Lsn, limit: number = Infinity): Lsn[] {
    const chain: Lsn[] = []
    let at = this.#newest(segment, page, lsn)
    while (at > floor && chain.length < limit) {
      if (at <= lsn && !segment.isAnnulled(at)) chain.push(at)
      const { records, offset } = this.#record(segment, at)
      const previous = readU64(records, offset + 16) as Lsn
      if (previous >= at) throw this.#damage(segment, at, 'a back-link leads forward')
      at = previous
    }
    return chain
  }

  /** A record of the page at or above the newest one ≤ lsn from which back-links lead down; 0 if there is none. */
  #newest(segment: Segment, page: PageNo, lsn: Lsn): Lsn {
    const tail =
      segment.active.get(page)?.lsn ??
      segment.frozen.get(page)?.lsn ??
      this.#store.tail(segment.timeline, page)
    if (tail !== undefined && tail <= lsn) return tail
    return this.#store.imageAbove(segment.timeline, page, lsn) ?? tail ?? (0 as Lsn)
  }

  #applyAt(segment: Segment, lsn: Lsn, page: Buffer): void {
    const { records, offset } = this.#record(segment, lsn)
    this.#apply(page, 0, records, offset)
  }

  #record(segment: Segment, lsn: Lsn): { records: Buffer; offset: number } {
    const batch = this.openBatch(segment, lsn)
    const offset = findRecord(batch.records, batch.header, lsn)
    if (offset < 0) throw this.#damage(segment, lsn, 'the record is not in its batch')
    return { records: batch.records, offset }
  }

  /** The batch that holds the record at `lsn`, verified. Throws DamagedBatch. */
  openBatch(segment: Segment, lsn: Lsn): OpenBatch {
    const latest = this.#latest
    if (latest !== undefined && holds(latest.header, segment, lsn)) return latest
    const recent = this.recent.find(segment.timeline, lsn)
    if (recent !== undefined) return recent
    const at = this.#inflated.findIndex((batch) => holds(batch.header, segment, lsn))
    const batch = at < 0 ? this.#load(segment, lsn) : (this.#inflated.splice(at, 1)[0] as OpenBatch)
    if (batch.header.deflated) this.#inflated.push(batch)
    if (this.#inflated.length > INFLATED_BATCHES_MAX) this.#inflated.shift()
    this.#latest = batch
    return batch
  }

  #load(segment: Segment, lsn: Lsn): OpenBatch {
    const bytes = this.#store.batchAt(segment.timeline, lsn)
    if (bytes === undefined) throw this.#damage(segment, lsn, 'no batch')
    try {
      verifyBatch(bytes, this.#store.where)
    } catch (error) {
      const message = error instanceof Error ? error.message : 'unreadable'
      throw this.#damage(segment, lsn, message)
    }
    const header = readBatchHeader(bytes)
    if (!holds(header, segment, lsn)) throw this.#damage(segment, lsn, 'no batch holds the record')
    this.batchesRead++
    return { header, records: batchRecords(bytes, header) }
  }

  #damage(segment: Segment, lsn: Lsn, what: string): DamagedBatch {
    const at = `timeline ${segment.timeline} at ${formatLsn(lsn)}`
    return new DamagedBatch(segment.timeline, lsn, `${this.#store.where}: table log: ${at}: ${what}`)
  }

  /** Forgets cached batches after one was replaced. */
  forget(): void {
    this.#inflated = []
    this.#latest = undefined
  }
}

function holds(header: BatchHeader, segment: Segment, lsn: Lsn): boolean {
  return header.timeline === segment.timeline && header.first <= lsn && lsn <= header.last
}
