// Collects a full segment below its floor, in slices.
//
//   survey       walk the log from where it begins, up to where it shall begin: which version of which page does a needed
//                point find, and which one the log's new beginning?
//   materialise  those versions as images
//   begin        the log begins there now (one transaction)
//   drop         the log below
//   sweep        images that no needed point finds
//
//   image v1 ─── v2 ──●──── v3 ─────── S ──── v4 ─── floor ── v5 ───▶
//         └ goes  └ point  └ base of the log    └ goes: v5… no: v4 is what the floor finds
//
// The log begins at the end of a flush that ends a mini-transaction, at or below the VDL, and never behind its last batch:
// who copies the segment finds there where to go on. A dropped timeline keeps nothing but what its children's points find.

import { type Lsn, NO_PAGE, type PageNo } from '../base/ids.ts'
import { type BatchHeader, readBatchHeader, verifyBatch, visitPages } from '../message/batch.ts'
import type { CollectorJob, CollectorLimits } from './collector.ts'
import { DamagedBatch } from './page-reader.ts'
import type { Segment } from './segment.ts'
import type { PageImage, PageVersion } from './segment-store.ts'
import type { StorageNode } from './storage-node.ts'
import type { Timeline } from './timeline.ts'

const SURVEYED_AT_ONCE_BYTES = 512 * 1024
const IMAGES_AT_ONCE = 8
const DROPPED_AT_ONCE_BYTES = 1024 * 1024
const SWEPT_AT_ONCE = 1000
/** Pages that one step of the log's beginning covers. */
const PAGES_PER_STEP = 65_536
/** Steps of a dropped timeline end where its last child's point is passed: then all of its log may go. */
const NOWHERE = Number.MAX_SAFE_INTEGER

type Phase = 'survey' | 'materialise' | 'begin' | 'drop' | 'sweep'

export class LogCollector implements CollectorJob {
  readonly timeline: Timeline
  readonly #node: StorageNode
  readonly #segment: Segment
  readonly #floor: Lsn
  readonly #points: readonly Lsn[]
  /** As of the beginning of this job: one that is dropped meanwhile is another job's. */
  readonly #isDropped: boolean
  /** The log may begin here, or before. */
  readonly #limit: Lsn
  #phase: Phase = 'survey'
  /** Behind which batch the survey goes on; pages seen since the last point, up to the last flush that could be the end. */
  #at: Lsn
  #end: Lsn
  #pages = new Map<PageNo, Lsn>()
  #tentative = new Map<PageNo, Lsn>()
  #pointAt: number
  /** Versions to be materialised, and how many are. */
  readonly #wanted = new Map<string, PageVersion>()
  #versions: Iterator<PageVersion> | undefined
  #swept: PageVersion | undefined
  #hasMoved = false

  constructor(node: StorageNode, segment: Segment, floor: Lsn, limits: CollectorLimits) {
    this.#node = node
    this.#segment = segment
    this.timeline = segment.owner
    const { owner, start, scl, vdl } = segment
    this.#isDropped = owner.dropped
    this.#floor = owner.dropped ? (NOWHERE as Lsn) : (Math.min(floor, vdl) as Lsn)
    this.#points = node.points.of(owner)
    this.#limit = Math.min(this.#floor, scl) as Lsn
    this.#at = start.after
    this.#end = start.after
    this.#pointAt = this.#points.findIndex((point) => point > start.after)
    if (!this.#isWorthIt(limits)) this.#phase = 'drop'
  }

  #isWorthIt({ logBytesMin, imageShareMin }: CollectorLimits): boolean {
    const { logBytes, imageBytes } = this.#node.store.size(this.#segment)
    if (this.#isDropped) return this.#segment.start.after < this.#segment.scl
    return Math.min(logBytes, this.#span()) >= Math.max(logBytesMin, imageBytes * imageShareMin)
  }

  /** Bytes of LSNs from where the log begins to the limit, less what was annulled. */
  #span(): number {
    const { start, annulled } = this.#segment
    let span = this.#limit - start.after
    for (const { above, upTo } of annulled)
      span -= Math.max(Math.min(upTo, this.#limit) - Math.max(above, start.after), 0)
    return span
  }

  work(): boolean {
    const { timelines } = this.#node
    if (timelines.get(this.#segment.timeline)?.peek(this.#segment.group) !== this.#segment) return false
    switch (this.#phase) {
      case 'survey':
        return this.#survey()
      case 'materialise':
        return this.#materialise()
      case 'begin':
        return this.#begin()
      case 'drop':
        return this.#drop()
      default:
        return this.#sweep()
    }
  }

  // --- survey

  #survey(): boolean {
    const segment = this.#segment
    const { store } = this.#node
    const batches = store.batchesAfter(segment, this.#at, SURVEYED_AT_ONCE_BYTES)
    for (const bytes of batches) {
      const header = readBatchHeader(bytes)
      this.#at = header.first
      if (segment.isVoid(header)) continue
      const last = segment.lastOf(header)
      if (last > this.#limit || (!this.#isDropped && last >= segment.scl)) return this.#surveyed()
      this.#check(bytes, header)
      visitPages(bytes, header, (page, lsn) => this.#see(page, lsn))
      if (last === header.last && header.consistent !== header.last) continue
      this.#passTo(last)
      if (this.#wanted.size + this.#pages.size >= PAGES_PER_STEP) return this.#surveyed()
    }
    return batches.length > 0 || this.#surveyed()
  }

  #check(bytes: Buffer, header: BatchHeader): void {
    try {
      verifyBatch(bytes, `${this.#node.store.where}: table log`)
    } catch (error) {
      throw new DamagedBatch(
        this.#segment,
        header.first,
        error instanceof Error ? error.message : 'unreadable',
      )
    }
  }

  #see(page: PageNo, lsn: Lsn): void {
    if (page === NO_PAGE || this.#segment.isAnnulled(lsn)) return
    while (lsn > this.#nextPoint()) this.#passPoint()
    this.#tentative.set(page, lsn)
  }

  #nextPoint(): number {
    return this.#pointAt < 0 ? Infinity : (this.#points[this.#pointAt] ?? Infinity)
  }

  /** Whatever was seen since the last point is found by this one. */
  #passPoint(): void {
    for (const pages of [this.#pages, this.#tentative]) {
      for (const [page, lsn] of pages) this.#want(page, lsn)
      pages.clear()
    }
    this.#pointAt++
  }

  #want(page: PageNo, lsn: Lsn): void {
    this.#wanted.set(`${page}/${lsn}`, { page, lsn })
  }

  /** The log could begin here. */
  #passTo(lsn: Lsn): void {
    for (const [page, seen] of this.#tentative) this.#pages.set(page, seen)
    this.#tentative.clear()
    this.#end = lsn
  }

  #surveyed(): boolean {
    if (this.#end <= this.#segment.start.after) {
      this.#phase = this.#isDropped && this.#segment.scl > this.#segment.start.after ? 'begin' : 'drop'
      return true
    }
    while (this.#nextPoint() <= this.#end) this.#passPoint()
    // The base of the log that stays. A dropped timeline without a point ahead needs none.
    if (!this.#isDropped || this.#nextPoint() < Infinity)
      for (const [page, lsn] of this.#pages) this.#want(page, lsn)
    this.#pages.clear()
    this.#tentative.clear()
    this.#versions = this.#wanted.values()
    this.#phase = 'materialise'
    return true
  }

  // --- images

  #materialise(): boolean {
    const { store, reader } = this.#node
    const { timeline, group } = this.#segment
    const images: PageImage[] = []
    for (let looked = 0; looked < IMAGES_AT_ONCE * 8 && images.length < IMAGES_AT_ONCE; looked++) {
      const next = this.#versions?.next()
      if (next === undefined || next.done === true) {
        this.#phase = 'begin'
        break
      }
      const { page, lsn } = next.value
      if (store.imageLsnAt(this.#segment, page, lsn) === lsn) continue
      images.push({ timeline, group, page, lsn, bytes: reader.version(this.#segment, next.value) })
    }
    if (images.length > 0) store.putImages(images)
    return true
  }

  #begin(): boolean {
    const segment = this.#segment
    const { store, timelines, commits } = this.#node
    // Behind the last point of a dropped timeline nothing is read: the rest of the log goes with it.
    const isLast = this.#isDropped && this.#nextPoint() === Infinity
    const after = isLast ? segment.scl : this.#end
    if (!this.#isAsItWas(after)) {
      this.#node.collectable.add(this.timeline)
      return false
    }
    if (after > segment.start.after) {
      segment.start = { birth: segment.start.birth, after, commits: commits.kept(segment, after) }
      store.startLog(segment, segment.start, undefined)
      timelines.noteSegment(segment)
      this.#hasMoved = true
    }
    this.#phase = 'drop'
    return true
  }

  /** Whether what is read below `after` is still what was found out when this job began. */
  #isAsItWas(after: Lsn): boolean {
    const below = (points: readonly Lsn[]): string => points.filter((point) => point <= after).join()
    const points = this.#node.points.of(this.timeline)
    return this.timeline.dropped === this.#isDropped && below(points) === below(this.#points)
  }

  #drop(): boolean {
    const { store, figures } = this.#node
    const { after } = this.#segment.start
    const dropped = store.dropLog(this.#segment, -1 as Lsn, after, DROPPED_AT_ONCE_BYTES)
    figures.batchesCollected += dropped
    if (dropped === 0) this.#phase = 'sweep'
    return true
  }

  // --- sweep

  /** A page's versions are judged together: what comes of the last page of a slice waits for the next. */
  #sweep(): boolean {
    const { store, figures } = this.#node
    const found = store.imageVersionsAfter(this.#segment, this.#swept, SWEPT_AT_ONCE)
    const isLast = found.length < SWEPT_AT_ONCE
    const lastPage = found.at(-1)?.page
    const firstPage = found[0]?.page
    const whole = isLast || firstPage === lastPage ? found : found.filter(({ page }) => page !== lastPage)
    const doomed = whole.filter((version, at) => {
      const next = whole[at + 1]
      return !this.#isNeeded(version.lsn, next?.page === version.page ? next.lsn : Infinity)
    })
    if (doomed.length > 0) store.dropImages(this.#segment, doomed)
    figures.imagesCollected += doomed.length
    this.#swept = whole.at(-1)
    // A step covers so many pages only: the next one is another job.
    if (isLast && this.#hasMoved) this.#node.collectable.add(this.#segment.owner)
    return !isLast
  }

  /** Whether a needed point finds the version at `lsn`, whose successor among the images is at `next`. */
  #isNeeded(lsn: Lsn, next: number): boolean {
    const { after } = this.#segment.start
    if (this.#points.some((point) => lsn <= point && point < next)) return true
    if (this.#isDropped && after >= this.#segment.scl) return false
    return next > this.#floor || (lsn <= after && after < next)
  }
}
