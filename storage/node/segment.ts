// One timeline on one node: how far its log is complete, and where each page's newest record lies. Pure bookkeeping in
// memory; the bytes are in the SegmentStore.
//
//   batches ──accept──▶ next: SCL moves, and on over every pending batch that follows
//                       gap: kept pending under the LSN that it continues
//                       known, annulled: nothing to do
//
//   page ─▶ newest record:   active (being filled) → frozen (being written to the store) → store.tail
//
// Invariants: every record at or below `scl` is held and none of it is missing. SCL goes back only in truncate.

import { assert } from '../base/assert.ts'
import type { Lsn, PageNo, TimelineId } from '../base/ids.ts'
import { LSN_ZERO, NO_PAGE } from '../base/ids.ts'
import { type BatchHeader, visitPages } from '../message/batch.ts'
import { firstLsnAfter } from '../message/lsn-grid.ts'
import type { AnnulledRange, SegmentState, TimelineBirth } from '../message/message.ts'
import type { SegmentMark, StoredTimeline } from './segment-store.ts'

export type Acceptance = 'next' | 'gap' | 'known' | 'annulled'

/** Newest record of a page and the number of records, since the map that holds it was begun. */
export interface TailEntry {
  lsn: Lsn
  count: number
}

export class Segment {
  readonly birth: TimelineBirth
  dropped: boolean
  annulled: readonly AnnulledRange[]
  scl: Lsn
  consistent: Lsn
  end: Lsn
  /** Highest VDL that any batch told. */
  vdl: Lsn
  /** Batches above a gap, by the LSN that they continue. */
  readonly pending: Map<Lsn, BatchHeader> = new Map()
  active: Map<PageNo, TailEntry> = new Map()
  frozen: Map<PageNo, TailEntry> = new Map()

  constructor(stored: StoredTimeline) {
    this.birth = stored.birth
    this.dropped = stored.dropped
    this.annulled = stored.annulled
    const base = stored.birth.parent?.lsn ?? LSN_ZERO
    this.scl = stored.mark?.scl ?? base
    this.consistent = stored.mark?.consistent ?? base
    this.end = stored.mark?.end ?? firstLsnAfter(base)
    this.vdl = stored.mark?.vdl ?? base
  }

  get timeline(): TimelineId {
    return this.birth.id
  }

  /** The LSN at which the timeline branched off its parent; 0 for a root. */
  get base(): Lsn {
    return this.birth.parent?.lsn ?? LSN_ZERO
  }

  isAnnulled(lsn: Lsn): boolean {
    for (const range of this.annulled) if (lsn > range.above && lsn <= range.upTo) return true
    return false
  }

  /** Last record of a batch that counts: a truncation may have cut through it. */
  lastOf(header: BatchHeader): Lsn {
    for (const range of this.annulled)
      if (header.last > range.above && header.last <= range.upTo) return range.above
    return header.last
  }

  /** What a batch is to this segment now. Changes nothing. */
  judge(header: BatchHeader): Acceptance {
    if (this.isAnnulled(header.first)) return 'annulled'
    if (this.lastOf(header) <= this.scl || this.pending.has(header.previous)) return 'known'
    return header.previous === this.scl ? 'next' : 'gap'
  }

  /** Takes a batch that the store holds now. Returns those it makes complete, in order: itself and pending ones. */
  accept(header: BatchHeader, judged: Acceptance): readonly BatchHeader[] {
    if (judged === 'gap') {
      this.pending.set(header.previous, header)
      return []
    }
    assert(judged === 'next', 'only a batch that is new is accepted')
    this.#advance(header)
    if (this.pending.size === 0) return [header]
    const complete = [header]
    for (;;) {
      const follower = this.pending.get(this.scl)
      if (follower === undefined) return complete
      this.pending.delete(this.scl)
      this.#advance(follower)
      complete.push(follower)
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
    const before = this.active.size
    visitPages(bytes, header, (page, lsn) => {
      if (page === NO_PAGE) return
      const entry = this.active.get(page)
      if (entry === undefined) this.active.set(page, { lsn, count: 1 })
      else {
        entry.lsn = lsn
        entry.count++
      }
    })
    return this.active.size - before
  }

  /** Forgets everything in the ranges: SCL goes back to the point below them that this segment had reached. */
  truncate(ranges: readonly AnnulledRange[]): void {
    this.annulled = ranges
    for (const [previous, header] of this.pending)
      if (this.isAnnulled(header.first)) this.pending.delete(previous)
    for (const range of ranges) {
      if (this.scl <= range.above || this.scl > range.upTo) continue
      this.scl = range.above
      this.consistent = range.above
      this.end = firstLsnAfter(range.above)
      this.vdl = Math.min(this.vdl, range.above) as Lsn
    }
  }

  mark(): SegmentMark {
    return {
      timeline: this.timeline,
      scl: this.scl,
      consistent: this.consistent,
      end: this.end,
      vdl: this.vdl,
    }
  }

  state(): SegmentState {
    return { timeline: this.timeline, scl: this.scl, consistent: this.consistent, end: this.end }
  }
}
