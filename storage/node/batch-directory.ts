// Which batch begins where: the part of the log's index that is newer than the last checkpoint, in memory. Per segment
// parallel arrays sorted by first LSN; batches nearly always arrive in order, so adding is a push.

import type { Lsn } from '../base/ids.ts'
import type { SegmentKey } from '../message/message.ts'
import { segmentNumber } from './segment-store.ts'

/** Where a batch is and how long. */
export interface BatchPlace {
  readonly first: Lsn
  readonly row: number
  readonly size: number
}

interface Run {
  readonly firsts: Lsn[]
  readonly rows: number[]
  readonly sizes: number[]
}

export class BatchDirectory {
  readonly #runs = new Map<number, Run>()

  add(segment: SegmentKey, first: Lsn, row: number, size: number): void {
    const key = segmentNumber(segment)
    let run = this.#runs.get(key)
    if (run === undefined) {
      run = { firsts: [], rows: [], sizes: [] }
      this.#runs.set(key, run)
    }
    const last = run.firsts.at(-1)
    const at = last === undefined || last < first ? run.firsts.length : floor(run.firsts, first) + 1
    if (at === run.firsts.length) {
      run.firsts.push(first)
      run.rows.push(row)
      run.sizes.push(size)
      return
    }
    run.firsts.splice(at, 0, first)
    run.rows.splice(at, 0, row)
    run.sizes.splice(at, 0, size)
  }

  /** The last batch that begins at or before `lsn`. */
  atOrBefore(segment: SegmentKey, lsn: Lsn): BatchPlace | undefined {
    return this.#pick(segment, lsn, 0)
  }

  /** The first batch that begins after `lsn`. */
  after(segment: SegmentKey, lsn: Lsn): BatchPlace | undefined {
    return this.#pick(segment, lsn, 1)
  }

  #pick(segment: SegmentKey, lsn: Lsn, step: number): BatchPlace | undefined {
    const run = this.#runs.get(segmentNumber(segment))
    return run === undefined ? undefined : placeAt(run, floor(run.firsts, lsn) + step)
  }

  /** How many batches of a segment are here behind a row, and their bytes. */
  sum(segment: SegmentKey, row: number): { readonly batches: number; readonly bytes: number } {
    const run = this.#runs.get(segmentNumber(segment))
    let batches = 0
    let bytes = 0
    for (let at = 0; run !== undefined && at < run.rows.length; at++) {
      if ((run.rows[at] as number) <= row) continue
      batches++
      bytes += run.sizes[at] as number
    }
    return { batches, bytes }
  }

  /** Forgets one batch. */
  remove(segment: SegmentKey, { row, first }: BatchPlace): void {
    const run = this.#runs.get(segmentNumber(segment))
    if (run === undefined) return
    for (let at = floor(run.firsts, first); at >= 0 && run.firsts[at] === first; at--) {
      if (run.rows[at] !== row) continue
      run.firsts.splice(at, 1)
      run.rows.splice(at, 1)
      run.sizes.splice(at, 1)
    }
    if (run.rows.length === 0) this.#runs.delete(segmentNumber(segment))
  }

  /** The numbers of the segments that have batches here. */
  segments(): Iterable<number> {
    return this.#runs.keys()
  }

  /** Forgets what lies in rows up to `row`: the disk's index has it now. */
  forgetRows(row: number): void {
    for (const [key, run] of this.#runs) {
      const kept: Run = { firsts: [], rows: [], sizes: [] }
      for (let at = 0; at < run.rows.length; at++) {
        const place = placeAt(run, at)
        if (place === undefined || place.row <= row) continue
        kept.firsts.push(place.first)
        kept.rows.push(place.row)
        kept.sizes.push(place.size)
      }
      if (kept.rows.length === 0) this.#runs.delete(key)
      else this.#runs.set(key, kept)
    }
  }
}

function placeAt(run: Run, at: number): BatchPlace | undefined {
  const first = run.firsts[at]
  const row = run.rows[at]
  const size = run.sizes[at]
  return first === undefined || row === undefined || size === undefined ? undefined : { first, row, size }
}

/** Index of the last element at or below `limit`, or -1. */
function floor(sorted: readonly number[], limit: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] as number) <= limit) low = middle + 1
    else high = middle
  }
  return low - 1
}
