// A segment on one node: how far its log is complete, and where each page's newest record lies. Pure bookkeeping in
// memory; the bytes are in the SegmentStore.
//
//   batches ──accept──▶ next: SCL moves, and on over every pending batch that follows
//                       gap: kept pending under the LSN that it continues
//                       known, annulled: nothing to do
//
//   page ─▶ newest record:   active (being filled) → frozen (being written to the store) → store.tail
//
//   birth ─────── start.after ─────────────────── scl ──── pending ───
//     └ no record   └ collected: only images         └ log, complete
//
// Invariants: every record in (start.after, scl] is held and none of it is missing; start.after is never annulled, so it
// is at or below SCL, in memory as after a crash. SCL goes back only in truncate. What most segments never need (maps) is
// made when it is needed first: thousands of timelines are idle.

import { assert } from '../base/assert.ts'
import { type GroupNo, type Lsn, NO_PAGE, type PageNo, type TimelineId } from '../base/ids.ts'
import { PAGE_CHAIN_LENGTH_BUSY_MAX } from '../base/limits.ts'
import { type BatchHeader, visitPages } from '../message/batch.ts'
import { firstLsnAfter } from '../message/lsn-grid.ts'
import type { AnnulledRange, SegmentKey, SegmentState } from '../message/message.ts'
import type { LogStart, SegmentMark, StoredSegment } from './segment-store.ts'
import type { Timeline } from './timeline.ts'

export type Acceptance = 'next' | 'gap' | 'known' | 'annulled'

/** Whether the store still holds a batch as it came. */
export type SoundCheck = (header: BatchHeader) => boolean

/** Newest record of a page and the number of records, since the map that holds it was begun or an image was made. */
export interface TailEntry {
  lsn: Lsn
  count: number
}

export type TailMap = Map<PageNo, TailEntry>

export class Segment implements SegmentKey {
  readonly owner: Timeline
  readonly group: GroupNo
  /** What begin, the disk or a collection said last; `start` is that, below what was annulled since. */
  #begun: LogStart
  #start: LogStart
  scl: Lsn
  consistent: Lsn
  end: Lsn
  /** Highest VDL that any batch told. */
  vdl: Lsn
  /** Batches above a gap, by the LSN that they continue. */
  pending: Map<Lsn, BatchHeader> | undefined = undefined
  /** None of them ends at or below this. */
  #pendingAbove = 0
  active: TailMap | undefined = undefined
  frozen: TailMap | undefined = undefined
  /** Pages that got so many records, all of them lately, that they should have an image even while the node is busy. */
  long: Set<PageNo> | undefined = undefined
  /** The node's sequence number when this moved last (../message: gossip). */
  moved = 0

  constructor(owner: Timeline, group: GroupNo, stored?: Pick<StoredSegment, 'start' | 'mark'>) {
    this.owner = owner
    this.group = group
    const { base } = owner
    this.#begun = stored?.start ?? { birth: base, after: base, commits: [] }
    this.#start = this.#lower(this.#begun)
    // Log that was collected after the checkpoint may have been above where that stood.
    const mark = stored?.mark !== undefined && stored.mark.scl >= this.start.after ? stored.mark : undefined
    this.scl = mark?.scl ?? this.start.after
    this.consistent = mark?.consistent ?? this.start.after
    this.end = mark?.end ?? firstLsnAfter(this.start.after)
    this.vdl = mark?.vdl ?? this.start.after
  }

  get start(): LogStart {
    return this.#start
  }

  set start(start: LogStart) {
    this.#begun = start
    this.#start = this.#lower(start)
  }

  /** A segment that was opened above the point where a truncation cut begins at that point: it holds nothing below. */
  #lower(start: LogStart): LogStart {
    for (const { above, upTo } of this.annulled)
      if (start.after > above && start.after <= upTo)
        return { birth: Math.min(start.birth, above) as Lsn, after: above, commits: start.commits }
    return start
  }

  get timeline(): TimelineId {
    return this.owner.birth.id
  }

  /** The LSN at which the timeline branched off its parent; 0 for a root. */
  get base(): Lsn {
    return this.owner.base
  }

  get annulled(): readonly AnnulledRange[] {
    return this.owner.annulled
  }

  get gapCount(): number {
    return this.pending?.size ?? 0
  }

  isAnnulled(lsn: Lsn): boolean {
    for (const range of this.annulled) if (lsn > range.above && lsn <= range.upTo) return true
    return false
  }

  /** Up to where a batch that counts makes the log complete: a truncation may have cut through it. */
  lastOf(header: BatchHeader): Lsn {
    for (const range of this.annulled)
      if (header.last > range.above && header.last <= range.upTo) return range.above
    return header.last
  }

  /** Whether nothing of a batch counts: the truncation that took its end took all of it. */
  isVoid(header: BatchHeader): boolean {
    return this.lastOf(header) <= header.previous
  }

  /** What a batch is to this segment now. Changes nothing. */
  judge(header: BatchHeader): Acceptance {
    if (this.isVoid(header)) return 'annulled'
    if (this.lastOf(header) <= this.scl || this.pending?.has(header.previous) === true) return 'known'
    return header.previous === this.scl ? 'next' : 'gap'
  }

  /**
   * Takes a batch that the store holds now. Returns those it makes complete, in order: itself and pending ones, but none
   * that rotted while it waited, nor what follows such a one.
   */
  accept(header: BatchHeader, judged: Acceptance, isSound: SoundCheck): readonly BatchHeader[] {
    if (judged === 'gap') {
      const last = this.lastOf(header) - 1
      this.#pendingAbove = this.pending === undefined ? last : Math.min(this.#pendingAbove, last)
      this.pending ??= new Map()
      this.pending.set(header.previous, header)
      return []
    }
    assert(judged === 'next', 'only a batch that is new is accepted')
    this.#advance(header)
    return this.pending === undefined ? [header] : [header, ...this.takePending(isSound)]
  }

  /** Moves over the pending batches that follow now, and returns them. Those that lie below now are forgotten. */
  takePending(isSound: SoundCheck): readonly BatchHeader[] {
    const complete: BatchHeader[] = []
    const { pending } = this
    if (pending === undefined) return complete
    for (;;) {
      const follower = pending.get(this.scl)
      if (follower === undefined) break
      pending.delete(follower.previous)
      if (!isSound(follower)) break
      this.#advance(follower)
      complete.push(follower)
    }
    if (this.scl > this.#pendingAbove) this.#forgetPassed(pending)
    if (pending.size === 0) this.pending = undefined
    return complete
  }

  /** What waits and lies below now came another way. */
  #forgetPassed(pending: Map<Lsn, BatchHeader>): void {
    this.#pendingAbove = Infinity
    for (const [previous, header] of pending) {
      const last = this.lastOf(header)
      if (last <= this.scl) pending.delete(previous)
      else this.#pendingAbove = Math.min(this.#pendingAbove, last - 1)
    }
  }

  #advance(header: BatchHeader): void {
    const last = this.lastOf(header)
    assert(last > this.scl, 'SCL moves forward')
    if (last === header.last) {
      if (header.consistent > 0) this.consistent = header.consistent
      this.end = header.end
    } else {
      this.consistent = last
      this.end = firstLsnAfter(last)
    }
    this.scl = last
    if (header.vdl > this.vdl) this.vdl = header.vdl
  }

  /** Adds the pages of a complete batch to the active tails. `bytes` need only reach over the page list. */
  index(bytes: Buffer, header: BatchHeader): number {
    const active = (this.active ??= new Map())
    const before = active.size
    visitPages(bytes, header, (page, lsn) => {
      if (page === NO_PAGE) return
      const entry = active.get(page)
      if (entry === undefined) active.set(page, { lsn, count: 1 })
      else {
        entry.lsn = lsn
        entry.count++
        if (entry.count % PAGE_CHAIN_LENGTH_BUSY_MAX === 0) (this.long ??= new Set()).add(page)
      }
    })
    return active.size - before
  }

  /** A page got an image of nearly all its records: the next ones count from here. */
  renewed(page: PageNo): void {
    const active = this.active?.get(page)
    if (active !== undefined) active.count = 0
    const frozen = this.frozen?.get(page)
    if (frozen !== undefined) frozen.count = 0
  }

  /** The timeline's ranges are new: SCL goes back to the point below them that this segment had reached. */
  truncate(): void {
    this.#start = this.#lower(this.#begun)
    this.#pendingAbove = 0
    for (const [previous, header] of this.pending ?? [])
      if (this.isVoid(header)) this.pending?.delete(previous)
    if (this.pending?.size === 0) this.pending = undefined
    for (const range of this.annulled) {
      if (this.scl <= range.above || this.scl > range.upTo) continue
      this.scl = range.above
      this.consistent = range.above
      this.end = firstLsnAfter(range.above)
      this.vdl = Math.min(this.vdl, range.above) as Lsn
    }
  }

  /** The log begins behind `start.after` from now on, a consistency point, and is complete at least up to there. */
  begin(start: LogStart): void {
    this.start = start
    const { after } = this.start
    if (this.scl >= after) return
    this.scl = after
    this.consistent = after
    this.end = firstLsnAfter(after)
    this.vdl = after
  }

  mark(): SegmentMark {
    const { timeline, group, scl, consistent, end, vdl } = this
    return { timeline, group, scl, consistent, end, vdl, hasGap: this.gapCount > 0 }
  }

  state(): SegmentState {
    const { timeline, group, scl, consistent, end, start } = this
    return { timeline, group, scl, consistent, end, logAfter: start.after, birth: start.birth }
  }
}
