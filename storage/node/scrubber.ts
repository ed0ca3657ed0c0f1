// Scrubbing: walks log and images slowly, again and again, verifies their checksums, and has repaired what is damaged
// before anybody misses it (Aurora 2017, section 3.3, step 8).
//
//   pass: log from the first batch to the last ─▶ images ─▶ done; the next pass begins some hours later
//
// A slice is small and slices are far apart: a pass over a terabyte takes days, and nobody notices it.

import type { Clock } from '../base/env.ts'
import { verifyBatch } from '../message/batch.ts'
import type { Chore } from './background.ts'
import type { Repairer } from './repairer.ts'
import type { StorageNode } from './storage-node.ts'

export interface ScrubberPace {
  /** From the start of the node to the first pass: whoever starts it waits for other things. Default: a slice's time. */
  readonly beginMs?: number | undefined
  /** From the end of a pass to the beginning of the next. */
  readonly restMs: number
  /** Between slices. */
  readonly sliceEveryMs: number
}

const PACE: ScrubberPace = { beginMs: 60_000, restMs: 6 * 3600 * 1000, sliceEveryMs: 100 }
const LOG_BYTES_PER_SLICE = 256 * 1024
const IMAGES_PER_SLICE = 64

export class Scrubber implements Chore {
  readonly #node: StorageNode
  readonly #repairer: Repairer
  readonly #clock: Clock
  readonly #pace: ScrubberPace
  /** Where the pass stands: in the log until that is done, then in the images. */
  #place: { readonly table: 'log' | 'images'; readonly after: number } = { table: 'log', after: 0 }
  #dueMs: number

  constructor(node: StorageNode, repairer: Repairer, clock: Clock, pace: ScrubberPace = PACE) {
    this.#node = node
    this.#repairer = repairer
    this.#clock = clock
    this.#pace = pace
    this.#dueMs = clock.monotonicMs() + (pace.beginMs ?? pace.sliceEveryMs)
  }

  get isWaiting(): boolean {
    return this.#repairer.isWaiting || this.#isInPass
  }

  get #isInPass(): boolean {
    return this.#place.table === 'images' || this.#place.after > 0
  }

  work(): boolean {
    if (this.#repairer.work()) return true
    const nowMs = this.#clock.monotonicMs()
    if (nowMs < this.#dueMs) return false
    const { table, after } = this.#place
    const next = table === 'log' ? this.#scrubLog(after) : this.#scrubImages(after)
    this.#dueMs = nowMs + this.#pace.sliceEveryMs
    if (next > 0) this.#place = { table, after: next }
    else if (table === 'log') this.#place = { table: 'images', after: 0 }
    else {
      this.#place = { table: 'log', after: 0 }
      this.#dueMs = nowMs + this.#pace.restMs
      this.#node.figures.lastScrubMicros = this.#clock.wallMicros()
    }
    return true
  }

  #scrubLog(after: number): number {
    const { store, damagedBatches } = this.#node
    return store.scrubLog(after, LOG_BYTES_PER_SLICE, ({ timeline, group, first, bytes }) => {
      try {
        verifyBatch(bytes, store.where)
      } catch {
        damagedBatches.set(`${timeline}/${group}/${first}`, { timeline, group, lsn: first })
      }
    })
  }

  #scrubImages(after: number): number {
    const { store, damagedImages } = this.#node
    return store.scrubImages(after, IMAGES_PER_SLICE, (image) => {
      const { timeline, group, page, lsn } = image
      damagedImages.set(`${timeline}/${group}/${page}/${lsn}`, image)
    })
  }
}
