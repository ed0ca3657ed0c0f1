// Which batch begins where: the part of the log's index that is newer than the last checkpoint, in memory. Per timeline
// two parallel arrays sorted by first LSN; batches nearly always arrive in order, so adding is a push.

import type { Lsn, TimelineId } from '../base/ids.ts'

interface Run {
  readonly firsts: number[]
  readonly rows: number[]
}

export class BatchDirectory {
  readonly #runs = new Map<TimelineId, Run>()

  add(timeline: TimelineId, first: Lsn, row: number): void {
    let run = this.#runs.get(timeline)
    if (run === undefined) {
      run = { firsts: [], rows: [] }
      this.#runs.set(timeline, run)
    }
    const last = run.firsts.at(-1)
    if (last === undefined || last < first) {
      run.firsts.push(first)
      run.rows.push(row)
      return
    }
    const at = floor(run.firsts, first) + 1
    run.firsts.splice(at, 0, first)
    run.rows.splice(at, 0, row)
  }

  /** First LSN and row of the last batch that begins at or before `lsn`. */
  atOrBefore(timeline: TimelineId, lsn: Lsn): { first: number; row: number } | undefined {
    return this.#pick(timeline, lsn, 0)
  }

  /** First LSN and row of the first batch that begins after `lsn`. */
  after(timeline: TimelineId, lsn: Lsn): { first: number; row: number } | undefined {
    return this.#pick(timeline, lsn, 1)
  }

  #pick(timeline: TimelineId, lsn: Lsn, step: number): { first: number; row: number } | undefined {
    const run = this.#runs.get(timeline)
    if (run === undefined) return undefined
    const at = floor(run.firsts, lsn) + step
    const first = run.firsts[at]
    const row = run.rows[at]
    return first === undefined || row === undefined ? undefined : { first, row }
  }

  /** Forgets what lies in rows up to `row`: the disk's index has it now. */
  forgetRows(row: number): void {
    for (const [timeline, run] of this.#runs) {
      const firsts: number[] = []
      const rows: number[] = []
      run.rows.forEach((each, index) => {
        if (each <= row) return
        rows.push(each)
        firsts.push(run.firsts[index] as number)
      })
      if (rows.length === 0) this.#runs.delete(timeline)
      else this.#runs.set(timeline, { firsts, rows })
    }
  }
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
