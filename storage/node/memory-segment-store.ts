// A SegmentStore in plain memory: for tests, and for a volume that need not outlive its process. The model that the
// SQLite store is compared with, so it does everything in the most obvious way.

import type { Lsn, PageNo, TimelineId } from '../base/ids.ts'
import { asEpoch } from '../base/ids.ts'
import type { AnnulledRange, TimelineBirth } from '../message/message.ts'
import {
  lowerMark,
  type PageImage,
  type PageTail,
  type SegmentMark,
  type SegmentStore,
  type StoredBatch,
  type StoredTimeline,
  type StoreIdentity,
  type StoreStatistics,
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

interface TimelineContents {
  stored: StoredTimeline
  /** Sorted by first LSN. */
  batches: StoredBatch[]
  /** Sorted by LSN, per page. */
  images: Map<PageNo, PageImage[]>
  tails: Map<PageNo, PageTail>
}

export class MemorySegmentStore implements SegmentStore {
  readonly where = 'memory'
  #identity: StoreIdentity = { clusterId: '', volumeEpoch: asEpoch(0), membershipEpoch: asEpoch(0) }
  readonly #timelines = new Map<TimelineId, TimelineContents>()
  #unindexed: StoredBatch[] = []
  #position = 0

  identity(): StoreIdentity {
    return this.#identity
  }

  setIdentity(identity: StoreIdentity): void {
    this.#identity = identity
  }

  timelines(): readonly StoredTimeline[] {
    return [...this.#timelines.values()].map((contents) => contents.stored)
  }

  putTimeline(birth: TimelineBirth): void {
    if (this.#timelines.has(birth.id)) return
    const stored: StoredTimeline = { birth, dropped: false, mark: undefined, annulled: [] }
    this.#timelines.set(birth.id, { stored, batches: [], images: new Map(), tails: new Map() })
  }

  dropTimeline(timeline: TimelineId): void {
    const contents = this.#timelines.get(timeline)
    if (contents !== undefined) contents.stored = { ...contents.stored, dropped: true }
  }

  truncate(
    identity: StoreIdentity,
    timelines: readonly { timeline: TimelineId; ranges: readonly AnnulledRange[]; mark: SegmentMark }[],
  ): void {
    this.#identity = identity
    for (const { timeline, ranges, mark } of timelines) {
      const contents = this.#timelines.get(timeline)
      if (contents === undefined) continue
      const checkpointed =
        contents.stored.mark === undefined ? undefined : lowerMark(contents.stored.mark, mark)
      contents.stored = { ...contents.stored, annulled: ranges, mark: checkpointed }
    }
  }

  append(batches: readonly StoredBatch[]): void {
    for (const batch of batches) {
      const contents = this.#timelines.get(batch.timeline)
      if (contents === undefined) continue
      const kept = { ...batch, bytes: Buffer.from(batch.bytes) }
      const at = floorIndex(contents.batches, batch.first, firstOf)
      contents.batches.splice(at + 1, 0, kept)
      this.#unindexed.push(kept)
      this.#position++
    }
  }

  replaceBatch(batch: StoredBatch): void {
    const batches = this.#timelines.get(batch.timeline)?.batches ?? []
    const at = floorIndex(batches, batch.first, firstOf)
    const old = batches[at]
    if (old === undefined || old.first !== batch.first) return
    const kept = { ...batch, bytes: Buffer.from(batch.bytes) }
    batches[at] = kept
    this.#unindexed = this.#unindexed.map((each) => (each === old ? kept : each))
  }

  batchAt(timeline: TimelineId, lsn: Lsn): Buffer | undefined {
    const batches = this.#timelines.get(timeline)?.batches ?? []
    return batches[floorIndex(batches, lsn, firstOf)]?.bytes
  }

  batchAfter(timeline: TimelineId, lsn: Lsn): Buffer | undefined {
    const batches = this.#timelines.get(timeline)?.batches ?? []
    return batches[floorIndex(batches, lsn, firstOf) + 1]?.bytes
  }

  visitUnindexed(visit: (batch: StoredBatch) => void): void {
    for (const batch of this.#unindexed) visit(batch)
  }

  imageAt(timeline: TimelineId, page: PageNo, lsn: Lsn): { lsn: Lsn; bytes: Buffer } | undefined {
    const images = this.#timelines.get(timeline)?.images.get(page) ?? []
    const image = images[floorIndex(images, lsn, lsnOf)]
    return image === undefined ? undefined : { lsn: image.lsn, bytes: Buffer.from(image.bytes) }
  }

  imageAbove(timeline: TimelineId, page: PageNo, lsn: Lsn): Lsn | undefined {
    const images = this.#timelines.get(timeline)?.images.get(page) ?? []
    return images[floorIndex(images, lsn, lsnOf) + 1]?.lsn
  }

  putImages(images: readonly PageImage[]): void {
    for (const image of images) {
      const contents = this.#timelines.get(image.timeline)
      if (contents === undefined) continue
      const list = contents.images.get(image.page) ?? []
      contents.images.set(image.page, list)
      const at = floorIndex(list, image.lsn, lsnOf)
      const replaces = list[at]?.lsn === image.lsn
      list.splice(replaces ? at : at + 1, replaces ? 1 : 0, { ...image, bytes: Buffer.from(image.bytes) })
      const tail = contents.tails.get(image.page)
      if (tail !== undefined && tail.lsn <= image.lsn) contents.tails.delete(image.page)
      else if (tail !== undefined) contents.tails.set(image.page, { ...tail, count: 1 })
    }
  }

  dropImage(timeline: TimelineId, page: PageNo, lsn: Lsn): void {
    const images = this.#timelines.get(timeline)?.images.get(page) ?? []
    const at = floorIndex(images, lsn, lsnOf)
    if (images[at]?.lsn === lsn) images.splice(at, 1)
  }

  tail(timeline: TimelineId, page: PageNo): Lsn | undefined {
    return this.#timelines.get(timeline)?.tails.get(page)?.lsn
  }

  putTails(tails: readonly PageTail[]): void {
    for (const tail of tails) {
      const contents = this.#timelines.get(tail.timeline)
      const old = contents?.tails.get(tail.page)
      contents?.tails.set(tail.page, { ...tail, count: tail.count + (old?.count ?? 0) })
    }
  }

  longChains(countMin: number, limit: number): readonly PageTail[] {
    const tails = [...this.#timelines.values()].flatMap((contents) => [...contents.tails.values()])
    const long = tails.filter(({ count }) => count >= countMin)
    return long.sort((a, b) => b.count - a.count).slice(0, limit)
  }

  position(): number {
    return this.#position
  }

  checkpoint(position: number, marks: readonly SegmentMark[]): void {
    const kept = this.#position - position
    this.#unindexed = kept === 0 ? [] : this.#unindexed.slice(-kept)
    for (const mark of marks) {
      const contents = this.#timelines.get(mark.timeline)
      if (contents !== undefined) contents.stored = { ...contents.stored, mark }
    }
  }

  housekeep(): void {
    // Memory needs no housekeeping.
  }

  statistics(): StoreStatistics {
    const all = [...this.#timelines.values()]
    const batches = all.flatMap((contents) => contents.batches)
    return {
      batches: batches.length,
      diskBytes: batches.reduce((sum, batch) => sum + batch.bytes.length, 0),
      images: all.reduce(
        (sum, { images }) => sum + [...images.values()].reduce((n, list) => n + list.length, 0),
        0,
      ),
      longChains: this.longChains(1, Infinity).length,
    }
  }

  close(): void {
    // The contents stay, so that a test can open another node on them.
  }
}
