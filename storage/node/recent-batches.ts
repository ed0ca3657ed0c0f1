// The newest batches of a node as they came, so that the records of pages that change all the time are at hand when
// their chain is walked. First in, first out, within a number of bytes; per timeline in LSN order.

import type { Lsn, TimelineId } from '../base/ids.ts'
import { type BatchHeader, batchRecords } from '../message/batch.ts'

const RECENT_SIZE_BYTES_MAX = 2 * 1024 * 1024
/** What a batch costs beyond its bytes. */
const OVERHEAD_BYTES = 300

/** A batch in plain form. */
export interface OpenBatch {
  readonly header: BatchHeader
  readonly records: Buffer
}

interface Run {
  batches: OpenBatch[]
  head: number
}

export class RecentBatches {
  readonly #runs = new Map<TimelineId, Run>()
  #order: TimelineId[] = []
  #head = 0
  #size = 0

  /** Adds a plain batch that follows all that were added of its timeline. The bytes are kept. */
  add(header: BatchHeader, bytes: Buffer): void {
    if (header.deflated) return
    const batch = { header, records: batchRecords(bytes, header) }
    const run = this.#runs.get(header.timeline)
    if (run === undefined) this.#runs.set(header.timeline, { batches: [batch], head: 0 })
    else run.batches.push(batch)
    this.#order.push(header.timeline)
    this.#size += header.length + OVERHEAD_BYTES
    while (this.#size > RECENT_SIZE_BYTES_MAX && this.#head < this.#order.length) this.#forgetOldest()
  }

  #forgetOldest(): void {
    const timeline = this.#order[this.#head++] as TimelineId
    if (this.#head > 4096) {
      this.#order = this.#order.slice(this.#head)
      this.#head = 0
    }
    const run = this.#runs.get(timeline)
    const oldest = run?.batches[run.head]
    if (run === undefined || oldest === undefined) return
    this.#size -= oldest.header.length + OVERHEAD_BYTES
    run.head++
    if (run.head === run.batches.length) this.#runs.delete(timeline)
    else if (run.head > 1024) {
      run.batches = run.batches.slice(run.head)
      run.head = 0
    }
  }

  /** The batch that holds the record at `lsn`, if it is here. */
  find(timeline: TimelineId, lsn: Lsn): OpenBatch | undefined {
    const run = this.#runs.get(timeline)
    if (run === undefined) return undefined
    let low = run.head
    let high = run.batches.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((run.batches[middle] as OpenBatch).header.last < lsn) low = middle + 1
      else high = middle
    }
    const found = run.batches[low]
    return found !== undefined && found.header.first <= lsn ? found : undefined
  }
}
