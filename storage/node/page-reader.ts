// A page at an LSN, made from the newest image at or below it and the records since.
//
//   newest record ─pagePrev─▶ … ─▶ record ≤ lsn ─▶ … ─▶ image                     (records applied in reverse order)
//        └ from the tails, or an image above lsn      └ or the parent timeline's page at the branch point
//
// The chain of back-links is the only index that records have. A link may lead through records that a truncation
// annulled: they are stepped over, not applied. Where a child's chain leads into its parent, the record it leads to must
// be here: a node that was away when the parent's segment was opened may not even know that there is one.

import { StorageError } from '../base/errors.ts'
import { formatLsn, type GroupNo, type Lsn, LSN_ZERO, type PageNo } from '../base/ids.ts'
import { PAGE_CHAIN_LENGTH_BUSY_MAX, PAGE_SIZE_BYTES } from '../base/limits.ts'
import { readU64 } from '../log/record.ts'
import { type BatchHeader, batchRecords, findRecord, readBatchHeader, verifyBatch } from '../message/batch.ts'
import type { SegmentKey } from '../message/message.ts'
import type { ReadPoints } from './read-points.ts'
import { type OpenBatch, RecentBatches } from './recent-batches.ts'
import { Refusal } from './refusal.ts'
import type { Segment } from './segment.ts'
import { DamagedImage, type PageVersion, type SegmentStore } from './segment-store.ts'
import type { Timeline, Timelines } from './timeline.ts'

/** ../page/apply.ts, handed in so that the node's tests can use pages of their own. */
export type ApplyRecord = (page: Buffer, pageOffset: number, record: Buffer, recordOffset: number) => boolean

/** Batches that had to be inflated are kept; the others cost less to read again than to look for. */
const INFLATED_BATCHES_MAX = 32

/** A batch on this node's disk that fails its checksum or is not there. */
export class DamagedBatch extends StorageError {
  readonly batch: SegmentKey & { readonly lsn: Lsn }

  constructor({ timeline, group }: SegmentKey, lsn: Lsn, message: string) {
    super('corrupt', message)
    this.batch = { timeline, group, lsn }
  }
}

/** So many records of a chain are held from the way down to the way up; of longer ones the rest is looked up again. */
const LINKS_HELD_MAX = 2 * PAGE_CHAIN_LENGTH_BUSY_MAX

/** A record, in the records of its batch. */
interface FoundRecord {
  readonly records: Buffer
  readonly offset: number
}

interface ChainLink {
  readonly lsn: Lsn
  readonly found: FoundRecord | undefined
}

export class PageReader {
  pagesRead = 0
  recordsApplied = 0
  batchesRead = 0
  /** Images that were damaged and made again from the log. */
  imagesRebuilt = 0
  readonly recent: RecentBatches = new RecentBatches()
  readonly #store: SegmentStore
  readonly #timelines: Timelines
  readonly #points: ReadPoints
  readonly #apply: ApplyRecord
  /** In order of last use, the latest at the end. */
  #inflated: OpenBatch[] = []
  #latest: OpenBatch | undefined

  constructor(store: SegmentStore, timelines: Timelines, points: ReadPoints, apply: ApplyRecord) {
    this.#store = store
    this.#timelines = timelines
    this.#points = points
    this.#apply = apply
  }

  /**
   * The page at the newest version ≤ lsn; all zeroes if there is none. A fresh buffer. Throws StorageError: 'corrupt',
   * 'out-of-window' where the log was collected and the page is not needed any more; or a Refusal ('behind') where the
   * segment, or one of an ancestor, does not reach this far.
   */
  read(timeline: Timeline, group: GroupNo, page: PageNo, lsn: Lsn): Buffer {
    this.pagesRead++
    return this.#resolve(timeline, group, { page, lsn }, false, LSN_ZERO)
  }

  /**
   * The page as of `lsn` with the LSN of its newest record, if the timeline has records of it in there since its last
   * image. Throws as read does.
   */
  renew(segment: Segment, page: PageNo, lsn: Lsn): { lsn: Lsn; bytes: Buffer } | undefined {
    const image = this.#store.imageLsnAt(segment, page, lsn)
    const newest = this.#chain(segment, page, lsn, floorOf(segment, image), 1).links[0]
    if (newest === undefined) return undefined
    return {
      lsn: newest.lsn,
      bytes: this.#resolve(segment.owner, segment.group, { page, lsn }, false, LSN_ZERO),
    }
  }

  /** The page at one of its versions that lies in the log, or at a point that a child reads. */
  version(segment: Segment, version: PageVersion): Buffer {
    return this.#resolve(segment.owner, segment.group, version, false, LSN_ZERO)
  }

  /**
   * `isPoint`: a child reads the timeline here, so what is needed for that was kept. `link`: the record that a child's
   * first record of the page follows, 0 if none is known.
   */
  #resolve(timeline: Timeline, group: GroupNo, at: PageVersion, isPoint: boolean, link: Lsn): Buffer {
    const segment = timeline.segment(group)
    const { page, lsn } = at
    if (segment === undefined || lsn <= segment.start.birth)
      return this.#resolveParent(timeline, group, at, isPoint, link)
    const { after, birth } = segment.start
    if (segment.scl < lsn) throw behind(timeline, segment.scl)
    // Of a dropped timeline whose log is gone, only what its children read was kept.
    const isEmptied = timeline.dropped && after > birth && after >= segment.scl
    if (lsn < after || isEmptied) {
      if (!isPoint && !this.#points.has(timeline, lsn)) throw this.#outOfWindow(timeline, lsn)
      const kept = this.#image(segment, page, lsn)
      return kept?.bytes ?? this.#resolveParent(timeline, group, at, false, LSN_ZERO)
    }
    const image = this.#image(segment, page, lsn)
    const { links, next } = this.#chain(segment, page, lsn, floorOf(segment, image?.lsn))
    const follows = links.length > 0 ? next : link
    const base = image?.bytes ?? this.#resolveParent(timeline, group, at, isPoint, follows)
    for (let index = links.length - 1; index >= 0; index--) {
      const { lsn: own, found } = links[index] as ChainLink
      const { records, offset } = found ?? this.#record(segment, own)
      this.#apply(base, 0, records, offset)
    }
    this.recordsApplied += links.length
    return base
  }

  #resolveParent(
    timeline: Timeline,
    group: GroupNo,
    { page, lsn }: PageVersion,
    isPoint: boolean,
    link: Lsn,
  ): Buffer {
    const { parent } = timeline.birth
    if (parent === undefined) {
      if (link > LSN_ZERO) throw behind(timeline, LSN_ZERO)
      return Buffer.alloc(PAGE_SIZE_BYTES)
    }
    const ancestor = this.#timelines.get(parent.timeline)
    if (ancestor === undefined) {
      const message = `${this.#store.where}: parent of timeline ${timeline.birth.id} is missing`
      throw new StorageError('corrupt', message)
    }
    const isOwnPoint = lsn >= parent.lsn && timeline.isWhole
    const at = Math.min(lsn, parent.lsn) as Lsn
    return this.#resolve(ancestor, group, { page, lsn: at }, isOwnPoint || (isPoint && at === lsn), link)
  }

  #outOfWindow(timeline: Timeline, lsn: Lsn): StorageError {
    const what = `timeline ${timeline.birth.id} at ${formatLsn(lsn)}`
    return new StorageError('out-of-window', `${what} is older than what is kept`)
  }

  /** The newest image at or below `lsn`. One that is damaged is made again if the log for it is here. */
  #image(
    segment: Segment,
    page: PageNo,
    lsn: Lsn,
  ): { readonly lsn: Lsn; readonly bytes: Buffer } | undefined {
    try {
      return this.#store.imageAt(segment, page, lsn)
    } catch (error) {
      if (!(error instanceof DamagedImage) || !this.rebuild(segment, error.image)) throw error
      return this.#image(segment, page, lsn)
    }
  }

  /** Makes a damaged image again from the log; false when the log is collected, or still to come, and a peer must help. */
  rebuild(segment: Segment, damaged: PageVersion): boolean {
    const { page, lsn } = damaged
    if (lsn <= segment.start.after || lsn > segment.scl) return false
    // The newest image may be all that leads to the newest record: without it the page's tail must.
    const tail = this.#store.tail(segment, page)
    if ((tail ?? 0) < lsn && this.#store.imageAbove(segment, page, lsn) === undefined)
      this.#store.putTails([{ timeline: segment.timeline, group: segment.group, page, lsn, count: 1 }])
    this.#store.dropImages(segment, [damaged])
    const bytes = this.version(segment, damaged)
    const { timeline, group } = segment
    this.#store.putImages([{ timeline, group, page, lsn, bytes }])
    this.imagesRebuilt++
    return true
  }

  /** The page's records in (floor, lsn], newest first, at most `limit` of them, and what the last one follows. */
  #chain(
    segment: Segment,
    page: PageNo,
    lsn: Lsn,
    floor: Lsn,
    limit: number = Infinity,
  ): { readonly links: readonly ChainLink[]; readonly next: Lsn } {
    const links: ChainLink[] = []
    let at = this.#newest(segment, page, lsn)
    while (at > floor && links.length < limit) {
      const found = this.#record(segment, at)
      const { records, offset } = found
      if (at <= lsn && !segment.isAnnulled(at))
        links.push({ lsn: at, found: links.length < LINKS_HELD_MAX ? found : undefined })
      const previous = readU64(records, offset + 16) as Lsn
      if (previous >= at) throw this.#damage(segment, at, 'a back-link leads forward')
      at = previous
    }
    return { links, next: at }
  }

  /** A record of the page at or above the newest one ≤ lsn from which back-links lead down; 0 if there is none. */
  #newest(segment: Segment, page: PageNo, lsn: Lsn): Lsn {
    const tail =
      segment.active?.get(page)?.lsn ?? segment.frozen?.get(page)?.lsn ?? this.#store.tail(segment, page)
    if (tail !== undefined && tail <= lsn) return tail
    return this.#store.imageAbove(segment, page, lsn) ?? tail ?? (0 as Lsn)
  }

  #record(segment: Segment, lsn: Lsn): FoundRecord {
    const batch = this.openBatch(segment, lsn)
    const offset = findRecord(batch.records, batch.header, lsn)
    if (offset < 0) throw this.#damage(segment, lsn, 'the record is not in its batch')
    return { records: batch.records, offset }
  }

  /** The batch that holds the record at `lsn`, verified. Throws DamagedBatch. */
  openBatch(segment: Segment, lsn: Lsn): OpenBatch {
    const latest = this.#latest
    if (latest !== undefined && holds(latest.header, segment, lsn)) return latest
    const recent = this.recent.find(segment, lsn)
    if (recent !== undefined) return recent
    const at = this.#inflated.findIndex((batch) => holds(batch.header, segment, lsn))
    const batch = at < 0 ? this.#load(segment, lsn) : (this.#inflated.splice(at, 1)[0] as OpenBatch)
    if (batch.header.deflated) this.#inflated.push(batch)
    if (this.#inflated.length > INFLATED_BATCHES_MAX) this.#inflated.shift()
    this.#latest = batch
    return batch
  }

  #load(segment: Segment, lsn: Lsn): OpenBatch {
    const bytes = this.#store.batchAt(segment, lsn)
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
    return new DamagedBatch(segment, lsn, `${this.#store.where}: table log: ${at}: ${what}`)
  }

  /** Forgets cached batches after one was replaced. */
  forget(): void {
    this.#inflated = []
    this.#latest = undefined
  }
}

function holds(header: BatchHeader, segment: Segment, lsn: Lsn): boolean {
  const { timeline, group } = segment
  return header.timeline === timeline && header.group === group && header.first <= lsn && lsn <= header.last
}

function behind(timeline: Timeline, scl: Lsn): Refusal {
  return new Refusal('behind', `timeline ${timeline.birth.id} is complete to ${formatLsn(scl)} only`)
}

/** Records of a page at or below this are in its image: what was collected always is. */
function floorOf(segment: Segment, image: Lsn | undefined): Lsn {
  return Math.max(image ?? 0, segment.start.after) as Lsn
}
