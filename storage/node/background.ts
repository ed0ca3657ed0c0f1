// What a node does when nobody waits: it checkpoints its page index, coalesces long chains of records into page images
// and lets the store keep house. All of it is derived from the log and may stop anywhere.
//
//   touch() ─▶ tick in a while ─▶ a slice of work ─▶ tick again, soon when idle, later when requests keep coming
//                                                     nothing left ─▶ sleep until the next touch()
//
//   checkpoint: freeze the active tails ─▶ write them to the store in slices ─▶ checkpoint the position
//   coalesce:   the store's long chains ─▶ read the page at the VDL ─▶ store the image
//
// Images are made at or below the VDL only, so that no truncation ever reaches one. Chains are measured per page: the
// length of the log does not matter.

import type { Clock } from '../base/env.ts'
import { StorageError } from '../base/errors.ts'
import type { PageNo, TimelineId } from '../base/ids.ts'
import { PAGE_CHAIN_LENGTH_MAX } from '../base/limits.ts'
import type { TailEntry } from './segment.ts'
import { lowerMark, type PageImage, type PageTail, type SegmentMark } from './segment-store.ts'
import type { StorageNode } from './storage-node.ts'

/** A checkpoint begins when this much was appended since the last: what an opening node must look through at most. */
const UNINDEXED_BYTES_MAX = 4 * 1024 * 1024
const UNINDEXED_BATCHES_MAX = 4096
const UNINDEXED_PAGES_MAX = 32_768
/** An idle node writes a checkpoint when at least this much is new. */
const UNINDEXED_BYTES_IDLE = 256 * 1024
const TAILS_PER_SLICE = 256
const IMAGES_PER_SLICE = 4
const IDLE_AFTER_MS = 300
const TICK_BUSY_MS = 60
/** A checkpoint that was begun goes on faster: what is appended meanwhile waits for the next. */
const TICK_CHECKPOINT_MS = 15
/** Even an idle node leaves most of the processor alone: those who are served from the buffer pool do not show here. */
const TICK_IDLE_MS = 20
/** An idle node looks again after this long whether it may checkpoint what little there is. */
const TICK_LAST_MS = 1500

interface Checkpoint {
  readonly position: number
  readonly marks: readonly SegmentMark[]
  readonly tails: Iterator<PageTail>
}

export class Background {
  readonly #node: StorageNode
  readonly #clock: Clock
  #cancel: (() => void) | undefined
  #touchedMs = 0
  #checkpoint: Checkpoint | undefined
  /** Long chains that could not be shortened: their records are above the VDL. Forgotten at each checkpoint. */
  readonly #stuck = new Set<string>()
  #restful = false

  constructor(node: StorageNode, clock: Clock) {
    this.#node = node
    this.#clock = clock
  }

  /** A request was handled: there may be work now, and it had better give way. */
  touch(): void {
    this.#touchedMs = this.#clock.monotonicMs()
    this.#restful = false
    if (this.#cancel === undefined) this.#schedule(TICK_BUSY_MS)
  }

  /** Finishes a checkpoint at once, so that the next opening finds little to look through. */
  settle(): void {
    if (!this.#node.isWritable) return
    if (this.#checkpoint === undefined) this.#beginCheckpoint()
    while (this.#checkpoint !== undefined) this.#continueCheckpoint(this.#checkpoint)
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  #schedule(delayMs: number): void {
    this.#cancel = this.#clock.after(delayMs, () => {
      this.#cancel = undefined
      this.#tick()
    })
  }

  #tick(): void {
    if (!this.#node.isWritable) return
    const idle = this.#clock.monotonicMs() - this.#touchedMs >= IDLE_AFTER_MS
    try {
      const worked = this.#slice(idle)
      this.#node.store.housekeep(idle)
      if (worked || !idle) return this.#schedule(this.#nextTickMs(idle))
      if (!this.#restful) this.#schedule(TICK_LAST_MS)
      this.#restful = true
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      // Damage is reported to whoever reads; a disk that cannot be written stops this node's writes.
      if (error.kind === 'corrupt') this.#schedule(TICK_LAST_MS)
      else this.#node.fail(error)
    }
  }

  #nextTickMs(idle: boolean): number {
    if (this.#checkpoint !== undefined) return TICK_CHECKPOINT_MS
    return idle ? TICK_IDLE_MS : TICK_BUSY_MS
  }

  /** Does a millisecond or two of work; false if there is none. */
  #slice(idle: boolean): boolean {
    if (this.#checkpoint !== undefined) {
      this.#continueCheckpoint(this.#checkpoint)
      return true
    }
    const { pages, bytes, batches } = this.#node.unindexed
    const full =
      bytes >= UNINDEXED_BYTES_MAX || batches >= UNINDEXED_BATCHES_MAX || pages >= UNINDEXED_PAGES_MAX
    if (full || (idle && bytes >= UNINDEXED_BYTES_IDLE) || (this.#restful && bytes > 0)) {
      if (this.#beginCheckpoint()) return true
    }
    return this.#coalesce()
  }

  /** False while a gap is open: batches above it would be passed over when the node opens the next time. */
  #beginCheckpoint(): boolean {
    const { segments, store } = this.#node
    const marks: SegmentMark[] = []
    for (const segment of segments.values()) {
      if (segment.pending.size > 0) return false
      marks.push(segment.mark())
    }
    const frozen: { timeline: TimelineId; tails: ReadonlyMap<PageNo, TailEntry> }[] = []
    for (const segment of segments.values()) {
      if (segment.active.size === 0) continue
      segment.frozen = segment.active
      segment.active = new Map()
      frozen.push({ timeline: segment.timeline, tails: segment.frozen })
    }
    this.#node.unindexed = { pages: 0, bytes: 0, batches: 0 }
    this.#checkpoint = { position: store.position(), marks, tails: eachTail(frozen) }
    return true
  }

  #continueCheckpoint(checkpoint: Checkpoint): void {
    const { segments, store } = this.#node
    const tails: PageTail[] = []
    while (tails.length < TAILS_PER_SLICE) {
      const next = checkpoint.tails.next()
      if (next.done === true) break
      tails.push(next.value)
    }
    if (tails.length > 0) store.putTails(tails)
    if (tails.length === TAILS_PER_SLICE) return
    // A truncation since the freeze may have put a segment back.
    const marks = checkpoint.marks.map((mark) => lowerMark(mark, segments.get(mark.timeline)?.mark() ?? mark))
    store.checkpoint(checkpoint.position, marks)
    for (const segment of segments.values()) segment.frozen = new Map()
    this.#stuck.clear()
    this.#checkpoint = undefined
  }

  #coalesce(): boolean {
    const { segments, store, reader } = this.#node
    const images: PageImage[] = []
    for (const { timeline, page } of store.longChains(
      PAGE_CHAIN_LENGTH_MAX,
      IMAGES_PER_SLICE + this.#stuck.size,
    )) {
      const segment = segments.get(timeline)
      if (segment === undefined || this.#stuck.has(`${timeline}/${page}`)) continue
      const image = reader.renew(segment, page, segment.vdl)
      if (image === undefined) this.#stuck.add(`${timeline}/${page}`)
      else images.push({ timeline, page, ...image })
      if (images.length === IMAGES_PER_SLICE) break
    }
    if (images.length > 0) store.putImages(images)
    return images.length > 0
  }
}

function* eachTail(
  frozen: readonly { timeline: TimelineId; tails: ReadonlyMap<PageNo, TailEntry> }[],
): Generator<PageTail, void> {
  for (const { timeline, tails } of frozen) {
    for (const [page, { lsn, count }] of tails) yield { timeline, page, lsn, count }
  }
}
