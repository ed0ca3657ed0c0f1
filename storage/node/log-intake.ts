// How batches come into a node, from the writer or from a peer.
//
//   bytes ─▶ verify, judge ─▶ store.append (one durable write) ─▶ SCL moves ─▶ (answer) ─▶ pages indexed in memory
//                  └ above a gap and too many wait there already: left out, a peer has it later
//
// What lies above a gap is stored too and waits in memory by its header; the number of those is bounded. SCL moves over a
// batch only when its pages can be indexed: one that rotted while it waited is missing, and comes again from a peer.

import type { GroupNo, Lsn } from '../base/ids.ts'
import { type BatchHeader, pageListLength, readBatchHeader, verifyBatch } from '../message/batch.ts'
import type { PageReader } from './page-reader.ts'
import type { Acceptance, Segment } from './segment.ts'
import type { SegmentStore, StoredBatch } from './segment-store.ts'
import type { Timelines } from './timeline.ts'

/** Batches that may wait above gaps, on the whole node. */
const PENDING_COUNT_MAX = 2048

/** A batch on its way through the node. */
interface Arrival {
  readonly segment: Segment
  readonly header: BatchHeader
  readonly bytes: Buffer
  readonly judged: Acceptance
}

/** Complete batches that are not indexed yet. `pageList` is that of the first; the store has the others. */
interface Indexable {
  readonly segment: Segment
  readonly complete: readonly BatchHeader[]
  readonly pageList: Buffer
}

/** What became of some batches. */
export interface Taken {
  /** The segments they belong to, each once. */
  readonly segments: readonly Segment[]
  /** How many were stored. */
  readonly stored: number
  readonly indexable: readonly Indexable[]
}

/** What the intake needs of its node. */
export interface IntakeSurroundings {
  readonly store: SegmentStore
  readonly timelines: Timelines
  readonly reader: PageReader
  /** The segment of a batch; throws when the node does not have it. */
  segmentOf(header: BatchHeader): Segment
  /** False for a group of which this node keeps log only. */
  keepsPages(group: GroupNo): boolean
  /** Runs a write to the disk. */
  write(work: () => void): void
}

export class LogIntake {
  /** Pages in active tails, bytes of records and batches that came since the last checkpoint began: when to begin the next. */
  unindexed: { pages: number; bytes: number; batches: number } = { pages: 0, bytes: 0, batches: 0 }
  /** Segments that took batches since the last checkpoint began. */
  changed: Set<Segment> = new Set()
  /** Segments with pages that change all the time (Segment.long). */
  readonly long: Set<Segment> = new Set()
  /** Segments with batches above a gap. */
  readonly gaps: Set<Segment> = new Set()
  readonly #around: IntakeSurroundings

  constructor(around: IntakeSurroundings) {
    this.#around = around
  }

  /** Verifies and stores batches; SCLs have moved when it returns. `index` is due once the sender has its answer. */
  take(batches: readonly Uint8Array[]): Taken {
    const arrivals = batches.map((batch) => this.#arrive(asBuffer(batch)))
    const fresh = arrivals.filter(({ judged }) => judged === 'next' || judged === 'gap')
    const kept = this.#withRoom(fresh)
    if (kept.length > 0) this.#around.write(() => this.#around.store.append(kept.map(toStored)))
    const segments = new Set<Segment>()
    for (const { segment } of arrivals) segments.add(segment)
    const indexable: Indexable[] = []
    for (const { segment, header, bytes } of kept) {
      const judged = segment.judge(header)
      if (judged !== 'next' && judged !== 'gap') continue
      const complete = this.#accept(segment, header, judged)
      // The sender may reuse its memory once it has our answer.
      const pageList = Buffer.from(bytes.subarray(0, pageListLength(header)))
      indexable.push({ segment, complete, pageList })
    }
    return { segments: [...segments], stored: kept.length, indexable }
  }

  #arrive(bytes: Buffer): Arrival {
    verifyBatch(bytes, 'message')
    const header = readBatchHeader(bytes)
    const segment = this.#around.segmentOf(header)
    return { segment, header, bytes, judged: segment.judge(header) }
  }

  #withRoom(fresh: readonly Arrival[]): readonly Arrival[] {
    if (this.gaps.size === 0) return fresh
    let room = PENDING_COUNT_MAX
    for (const segment of this.gaps) room -= segment.gapCount
    if (room >= fresh.length) return fresh
    // One that continues another of this message is as good as that one.
    const ends = new Set<string>()
    return fresh.filter(({ segment, header, judged }) => {
      const { timeline, group } = header
      const follows = judged === 'next' || ends.has(`${timeline}/${group}/${header.previous}`)
      if (follows) ends.add(`${timeline}/${group}/${segment.lastOf(header)}`)
      return follows || room-- > 0
    })
  }

  #accept(segment: Segment, header: BatchHeader, judged: Acceptance): readonly BatchHeader[] {
    const complete = segment.accept(header, judged, this.#isSound)
    this.moved(segment)
    return complete
  }

  /** What waited above a gap is indexed from the disk: had it rotted, its pages would be without their records. */
  readonly #isSound = (header: BatchHeader): boolean => {
    const bytes = this.#around.store.batchAt(header, header.first)
    return bytes !== undefined && soundHeader(bytes)?.first === header.first
  }

  /** The segment's SCL or its gaps are not what they were. */
  moved(segment: Segment): void {
    this.changed.add(segment)
    this.#around.timelines.noteSegment(segment)
    if (segment.pending === undefined) this.gaps.delete(segment)
    else this.gaps.add(segment)
  }

  /** Adds the pages of what was taken to the index in memory. */
  index(taken: Taken): void {
    for (const { segment, complete, pageList } of taken.indexable) this.#index(segment, complete, pageList)
  }

  #index(segment: Segment, complete: readonly BatchHeader[], bytes: Buffer | undefined): void {
    if (!this.#around.keepsPages(segment.group)) {
      for (const { rawLength } of complete) this.unindexed.bytes += rawLength
      this.unindexed.batches += complete.length
      return
    }
    for (const [index, header] of complete.entries()) {
      const pageList =
        index === 0 && bytes !== undefined ? bytes : this.#around.store.batchAt(segment, header.first)
      if (pageList === undefined) continue
      this.unindexed.pages += segment.index(pageList, header)
      this.unindexed.bytes += header.rawLength
      this.#around.reader.recent.add(header, pageList)
      this.unindexed.batches++
    }
    if (segment.long !== undefined) this.long.add(segment)
  }

  /** Moves a segment, whose log or ranges were changed otherwise, over what it holds above. */
  reconnect(segment: Segment): void {
    this.#index(segment, segment.takePending(this.#isSound), undefined)
    const { store } = this.#around
    for (;;) {
      const next = store.batchAfter(segment, segment.scl)
      const header = next === undefined ? undefined : soundHeader(next)
      if (header === undefined || segment.judge(header) !== 'next') break
      this.#index(segment, segment.accept(header, 'next', this.#isSound), undefined)
    }
    this.moved(segment)
  }

  /** Takes what the store holds, when the node opens. Returns what damage it found. */
  reload(
    marked: Iterable<Segment>,
  ): readonly { readonly segment: Segment; readonly lsn: Lsn; readonly why: string }[] {
    const { store, timelines } = this.#around
    for (const segment of marked) this.#reloadGaps(segment)
    const damage: { segment: Segment; lsn: Lsn; why: string }[] = []
    store.visitUnindexed((batch) => {
      const segment = timelines.segment(batch)
      if (segment === undefined) return
      try {
        verifyBatch(batch.bytes, `${store.where}: table log`)
      } catch (error) {
        // What it held is missing from here on; the volume is told, and a peer has it.
        const why = error instanceof Error ? error.message : 'unreadable'
        damage.push({ segment, lsn: batch.first, why })
        return
      }
      this.#restore(segment, readBatchHeader(batch.bytes), batch.bytes)
    })
    return damage
  }

  /** What waited above a gap when the last checkpoint was written. */
  #reloadGaps(segment: Segment): void {
    this.#around.store.visitHeaders(segment, segment.scl, (head) => {
      this.#restore(segment, readBatchHeader(head), undefined)
      return segment.gapCount < PENDING_COUNT_MAX
    })
  }

  #restore(segment: Segment, header: BatchHeader, bytes: Buffer | undefined): void {
    const judged = segment.judge(header)
    if (judged !== 'next' && judged !== 'gap') return
    // Of what waits only the header was looked at.
    if (judged === 'next' && bytes === undefined && !this.#isSound(header)) return
    this.#index(segment, this.#accept(segment, header, judged), bytes)
  }
}

function soundHeader(bytes: Buffer): BatchHeader | undefined {
  try {
    verifyBatch(bytes, 'log')
    return readBatchHeader(bytes)
  } catch {
    return undefined
  }
}

function toStored({ header, bytes }: Arrival): StoredBatch {
  return { timeline: header.timeline, group: header.group, first: header.first, bytes }
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
