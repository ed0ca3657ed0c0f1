// A SegmentStore in plain memory: for tests, and for a volume that need not outlive its process. The model that the
// SQLite store is compared with, so it does everything in the most obvious way.

import { inflateRawSync } from 'node:zlib'

import { type Lsn, type PageNo, type TimelineId, asEpoch } from '../base/ids.ts'
import { PAGE_SIZE_BYTES } from '../base/limits.ts'
import type { Configuration } from '../message/configuration.ts'
import { IdSet } from '../message/id-set.ts'
import type { ImageCopy, SegmentKey } from '../message/message.ts'
import {
  type DeadNumbers,
  EMPTY_SIZE,
  type LogStart,
  lowerMark,
  type PageImage,
  type PageTail,
  type PageVersion,
  type SegmentMark,
  segmentNumber,
  type SegmentSize,
  type SegmentStore,
  type StoredBatch,
  type StoredSegment,
  type StoredTimeline,
  type StoreIdentity,
  type StoreStatistics,
  type Truncation,
} from './segment-store.ts'

/** Index of the last element whose `key` is at or below `limit`, or -1. `items` are sorted by it. */
function floorIndex<T>(items: readonly T[], limit: number, key: (item: T) => number): number {
  let low = 0
  let high = items.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (key(items[middle] as T) <= limit) low = middle + 1
    else high = middle
  }
  return low - 1
}

const firstOf = (batch: StoredBatch): number => batch.first
const lsnOf = (image: PageImage): number => image.lsn

/** A batch and its place in the order of arrival, counted from 1. */
interface Arrived extends StoredBatch {
  readonly row: number
}

interface Contents {
  readonly key: SegmentKey
  start: LogStart | undefined
  mark: SegmentMark | undefined
  /** Sorted by first LSN. */
  batches: Arrived[]
  /** Sorted by LSN, per page. */
  readonly images: Map<PageNo, PageImage[]>
  readonly tails: Map<PageNo, PageTail>
}

export class MemorySegmentStore implements SegmentStore {
  readonly where = 'memory'
  #identity: StoreIdentity = {
    clusterId: '',
    volumeEpoch: asEpoch(0),
    writer: '',
    joinedEpoch: asEpoch(0),
  }
  #configuration: Configuration | undefined
  readonly #timelines = new Map<TimelineId, StoredTimeline>()
  #dead = new IdSet()
  #deadEpoch = asEpoch(0)
  readonly #segments = new Map<number, Contents>()
  #position = 0
  #indexedTo = 0
  #fsyncs = 0

  identity(): StoreIdentity {
    return this.#identity
  }

  setIdentity(identity: StoreIdentity): void {
    this.#fsyncs++
    this.#identity = identity
  }

  configuration(): Configuration | undefined {
    return this.#configuration
  }

  setConfiguration(configuration: Configuration, identity: StoreIdentity): void {
    this.setIdentity(identity)
    this.#configuration = configuration
  }

  timelines(): Iterable<StoredTimeline> {
    return this.#timelines.values()
  }

  segments(): readonly StoredSegment[] {
    return [...this.#segments.values()].map(({ key, start, mark }) => ({ ...key, start, mark }))
  }

  putTimelines(timelines: readonly StoredTimeline[]): void {
    this.#fsyncs++
    for (const stored of timelines)
      if (!this.#timelines.has(stored.birth.id)) this.#timelines.set(stored.birth.id, stored)
  }

  dead(): DeadNumbers {
    return { epoch: this.#deadEpoch, ranges: this.#dead.ranges }
  }

  bury({ epoch, ranges }: DeadNumbers): void {
    this.#fsyncs++
    this.#dead = new IdSet(ranges)
    this.#deadEpoch = epoch
    for (const [id, stored] of this.#timelines)
      if (this.#dead.has(id)) this.#timelines.set(id, { ...stored, dropped: true })
  }

  reviveTimeline(timeline: TimelineId): void {
    this.#fsyncs++
    const stored = this.#timelines.get(timeline)
    if (stored !== undefined) this.#timelines.set(timeline, { ...stored, dropped: false })
  }

  dropTimeline(timeline: TimelineId): void {
    this.#fsyncs++
    this.#dead.add({ from: timeline, to: timeline })
    const stored = this.#timelines.get(timeline)
    if (stored !== undefined) this.#timelines.set(timeline, { ...stored, dropped: true })
  }

  forgetTimeline(timeline: TimelineId): void {
    this.#timelines.delete(timeline)
    for (const [number, { key }] of this.#segments)
      if (key.timeline === timeline) this.#segments.delete(number)
  }

  openSegment(start: LogStart, mark: SegmentMark): void {
    this.#fsyncs++
    this.startLog(mark, start, mark)
  }

  truncate(truncations: readonly Truncation[]): void {
    this.#fsyncs++
    for (const { timeline, ranges, marks } of truncations) {
      const stored = this.#timelines.get(timeline)
      if (stored !== undefined) this.#timelines.set(timeline, { ...stored, annulled: ranges })
      for (const mark of marks) {
        const contents = this.#segments.get(segmentNumber(mark))
        if (contents?.mark !== undefined) contents.mark = lowerMark(contents.mark, mark)
      }
    }
  }

  #contents(segment: SegmentKey): Contents | undefined {
    return this.#segments.get(segmentNumber(segment))
  }

  #made({ timeline, group }: SegmentKey): Contents {
    const key = { timeline, group }
    let contents = this.#contents(key)
    if (contents === undefined) {
      contents = { key, start: undefined, mark: undefined, batches: [], images: new Map(), tails: new Map() }
      this.#segments.set(segmentNumber(key), contents)
    }
    return contents
  }

  append(batches: readonly StoredBatch[]): void {
    this.#fsyncs++
    for (const { timeline, group, first, bytes } of batches) {
      const contents = this.#made({ timeline, group })
      const kept = { timeline, group, first, bytes: Buffer.from(bytes), row: ++this.#position }
      const at = floorIndex(contents.batches, first, firstOf)
      const replaces = contents.batches[at]?.first === first
      contents.batches.splice(replaces ? at : at + 1, replaces ? 1 : 0, kept)
    }
  }

  replaceBatch(batch: StoredBatch): void {
    this.#fsyncs++
    const batches = this.#contents(batch)?.batches ?? []
    const at = floorIndex(batches, batch.first, firstOf)
    const old = batches[at]
    if (old === undefined || old.first !== batch.first) return
    batches[at] = { ...old, bytes: Buffer.from(batch.bytes) }
  }

  #batchesFrom(segment: SegmentKey, lsn: Lsn): readonly Arrived[] {
    const batches = this.#contents(segment)?.batches ?? []
    return batches.slice(floorIndex(batches, lsn, firstOf) + 1)
  }

  batchAt(segment: SegmentKey, lsn: Lsn): Buffer | undefined {
    const batches = this.#contents(segment)?.batches ?? []
    return batches[floorIndex(batches, lsn, firstOf)]?.bytes
  }

  batchAfter(segment: SegmentKey, lsn: Lsn): Buffer | undefined {
    const batches = this.#contents(segment)?.batches ?? []
    return batches[floorIndex(batches, lsn, firstOf) + 1]?.bytes
  }

  batchesAfter(segment: SegmentKey, lsn: Lsn, sizeMax: number): readonly Buffer[] {
    return takeSize(this.#batchesFrom(segment, lsn), sizeMax).map(({ bytes }) => bytes)
  }

  visitHeaders(segment: SegmentKey, lsn: Lsn, visit: (header: Buffer) => boolean): void {
    for (const { bytes } of this.#batchesFrom(segment, lsn)) if (!visit(bytes)) return
  }

  visitUnindexed(visit: (batch: StoredBatch) => void): void {
    for (const batch of this.#rowsAfter(this.#indexedTo)) visit(batch)
  }

  #rowsAfter(row: number): readonly Arrived[] {
    const all = [...this.#segments.values()].flatMap(({ batches }) => batches)
    return all.filter((batch) => batch.row > row).sort((a, b) => a.row - b.row)
  }

  dropLog(segment: SegmentKey, above: Lsn, upTo: Lsn, sizeMax: number): number {
    const contents = this.#contents(segment)
    if (contents === undefined) return 0
    const doomed = contents.batches.filter(({ first }) => first > above && first <= upTo)
    const dropped = new Set(takeSize(doomed, sizeMax))
    contents.batches = contents.batches.filter((batch) => !dropped.has(batch))
    return dropped.size
  }

  #image(segment: SegmentKey, page: PageNo, lsn: Lsn, step: number): PageImage | undefined {
    const images = this.#contents(segment)?.images.get(page) ?? []
    return images[floorIndex(images, lsn, lsnOf) + step]
  }

  imageAt(segment: SegmentKey, page: PageNo, lsn: Lsn): { lsn: Lsn; bytes: Buffer } | undefined {
    const image = this.#image(segment, page, lsn, 0)
    return image === undefined ? undefined : { lsn: image.lsn, bytes: Buffer.from(image.bytes) }
  }

  imageLsnAt(segment: SegmentKey, page: PageNo, lsn: Lsn): Lsn | undefined {
    return this.#image(segment, page, lsn, 0)?.lsn
  }

  imageAbove(segment: SegmentKey, page: PageNo, lsn: Lsn): Lsn | undefined {
    return this.#image(segment, page, lsn, 1)?.lsn
  }

  #imagesBehind(segment: SegmentKey, after: PageVersion | undefined): readonly PageImage[] {
    const all = [...(this.#contents(segment)?.images.values() ?? [])].flat()
    const sorted = all.sort((a, b) => a.page - b.page || a.lsn - b.lsn)
    if (after === undefined) return sorted
    return sorted.filter(({ page, lsn }) => page > after.page || (page === after.page && lsn > after.lsn))
  }

  imagesAfter(
    segment: SegmentKey,
    after: PageVersion | undefined,
    sizeMax: number,
  ): { images: readonly ImageCopy[]; complete: boolean } {
    const behind = this.#imagesBehind(segment, after)
    const images = takeSize(behind, sizeMax).map(({ page, lsn, bytes }) => ({
      page,
      lsn,
      bytes: Buffer.from(bytes),
    }))
    return { images, complete: images.length === behind.length }
  }

  imageVersionsAfter(
    segment: SegmentKey,
    after: PageVersion | undefined,
    limit: number,
  ): readonly PageVersion[] {
    return this.#imagesBehind(segment, after)
      .slice(0, limit)
      .map(({ page, lsn }) => ({ page, lsn }))
  }

  putImages(images: readonly PageImage[]): void {
    for (const image of images) {
      const contents = this.#made(image)
      const list = contents.images.get(image.page) ?? []
      contents.images.set(image.page, list)
      const at = floorIndex(list, image.lsn, lsnOf)
      const replaces = list[at]?.lsn === image.lsn
      list.splice(replaces ? at : at + 1, replaces ? 1 : 0, { ...image, bytes: plainCopy(image.bytes) })
      const tail = contents.tails.get(image.page)
      if (tail !== undefined && tail.lsn <= image.lsn) contents.tails.delete(image.page)
      else if (tail !== undefined) contents.tails.set(image.page, { ...tail, count: 1 })
    }
  }

  dropImages(segment: SegmentKey, versions: readonly PageVersion[]): void {
    const images = this.#contents(segment)?.images
    for (const { page, lsn } of versions) {
      const kept = (images?.get(page) ?? []).filter((image) => image.lsn !== lsn)
      if (kept.length === 0) images?.delete(page)
      else images?.set(page, kept)
    }
  }

  tail(segment: SegmentKey, page: PageNo): Lsn | undefined {
    return this.#contents(segment)?.tails.get(page)?.lsn
  }

  putTails(tails: readonly PageTail[]): void {
    for (const tail of tails) {
      const contents = this.#made(tail)
      const old = contents.tails.get(tail.page)
      contents.tails.set(tail.page, { ...tail, count: tail.count + (old?.count ?? 0) })
    }
  }

  longChains(countMin: number, limit: number): readonly PageTail[] {
    const tails = [...this.#segments.values()].flatMap((contents) => [...contents.tails.values()])
    const long = tails.filter(({ count }) => count >= countMin)
    return long.sort((a, b) => b.count - a.count).slice(0, limit)
  }

  recordsSinceImages(segment: SegmentKey): number {
    return [...(this.#contents(segment)?.tails.values() ?? [])].reduce((sum, { count }) => sum + count, 0)
  }

  startLog(segment: SegmentKey, start: LogStart, mark: SegmentMark | undefined): void {
    const contents = this.#made(segment)
    contents.start = start
    if (mark !== undefined) contents.mark = mark
  }

  clear(segment: SegmentKey): boolean {
    this.#segments.delete(segmentNumber(segment))
    return true
  }

  size(segment: SegmentKey): SegmentSize {
    const contents = this.#contents(segment)
    if (contents === undefined) return EMPTY_SIZE
    const images = [...contents.images.values()].flat()
    return {
      batches: contents.batches.length,
      logBytes: contents.batches.reduce((sum, { bytes }) => sum + bytes.length, 0),
      images: images.length,
      imageBytes: images.reduce((sum, { bytes }) => sum + bytes.length, 0),
      pages: contents.images.size,
    }
  }

  scrubLog(after: number, sizeMax: number, visit: (batch: StoredBatch) => void): number {
    const taken = takeSize(this.#rowsAfter(after), sizeMax)
    for (const batch of taken) visit(batch)
    return taken.at(-1)?.row ?? 0
  }

  scrubImages(): number {
    // What lies in memory does not rot.
    return 0
  }

  expectMuch(): void {
    // It is all the same to memory.
  }

  position(): number {
    return this.#position
  }

  checkpoint(position: number, marks: readonly SegmentMark[]): void {
    this.#indexedTo = position
    for (const mark of marks) this.#made(mark).mark = mark
  }

  housekeep(): void {
    // Memory needs no housekeeping.
  }

  statistics(): StoreStatistics {
    const sizes = [...this.#segments.values()].map(({ key }) => this.size(key))
    const sum = (pick: (size: SegmentSize) => number): number =>
      sizes.reduce((total, size) => total + pick(size), 0)
    return {
      batches: sum(({ batches }) => batches),
      diskBytes: sum(({ logBytes, imageBytes }) => logBytes + imageBytes),
      images: sum(({ images }) => images),
      longChains: this.longChains(1, Infinity).length,
      fsyncs: this.#fsyncs,
    }
  }

  close(): void {
    // The contents stay, so that a test can open another node on them.
  }
}

/** The first of these, at least one if any, until they have `sizeMax` bytes. */
function takeSize<T extends { readonly bytes: Buffer }>(items: readonly T[], sizeMax: number): readonly T[] {
  let size = 0
  const end = items.findIndex(({ bytes }) => (size += bytes.length) >= sizeMax)
  return end < 0 ? items : items.slice(0, end + 1)
}

function plainCopy(bytes: Buffer): Buffer {
  return bytes.length < PAGE_SIZE_BYTES ? inflateRawSync(bytes) : Buffer.from(bytes)
}
