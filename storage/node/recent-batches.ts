// The newest batches of a node as they came, so that the records of pages that change all the time are at hand when
// their chain is walked. First in, first out, within a number of bytes; per segment in LSN order.

import type { Lsn } from '../base/ids.ts'
import { type BatchHeader, batchRecords } from '../message/batch.ts'
import type { SegmentKey } from '../message/message.ts'
import { segmentNumber } from './segment-store.ts'

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
  readonly #runs = new Map<number, Run>()
  /** Numbers of segments, in order of arrival of their batches. */
  #order: number[] = []
  #head = 0
  #size = 0

  /** Adds a plain batch that follows all that were added of its segment. The bytes are kept. */
  add(header: BatchHeader, bytes: Buffer): void {
    if (header.deflated) return
    const batch = { header, records: batchRecords(bytes, header) }
    const key = segmentNumber(header)
    const run = this.#runs.get(key)
    if (run === undefined) this.#runs.set(key, { batches: [batch], head: 0 })
    else run.batches.push(batch)
    this.#order.push(key)
    this.#size += header.length + OVERHEAD_BYTES
    while (this.#size > RECENT_SIZE_BYTES_MAX && this.#head < this.#order.length) this.#forgetOldest()
  }

  #forgetOldest(): void {
    const key = this.#order[this.#head++] as number
    if (this.#head > 4096) {
      this.#order = this.#order.slice(this.#head)
      this.#head = 0
    }
    const run = this.#runs.get(key)
    const oldest = run?.batches[run.head]
    if (run === undefined || oldest === undefined) return
    this.#size -= oldest.header.length + OVERHEAD_BYTES
    run.head++
    if (run.head === run.batches.length) this.#runs.delete(key)
    else if (run.head > 1024) {
      run.batches = run.batches.slice(run.head)
      run.head = 0
    }
  }

  clear(): void {
    this.#runs.clear()
    this.#order = []
    this.#head = 0
    this.#size = 0
  }

  /** The batch that holds the record at `lsn`, if it is here. */
  find(segment: SegmentKey, lsn: Lsn): OpenBatch | undefined {
    const run = this.#runs.get(segmentNumber(segment))
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
