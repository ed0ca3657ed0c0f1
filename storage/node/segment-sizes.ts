// What each segment takes: counts that are kept as things come and go, so that nobody has to look through a table for
// them. In memory for all, and on disk beside the segments, as of the last checkpoint.

import type { SegmentKey } from '../message/message.ts'
import { EMPTY_SIZE, segmentNumber, type SegmentSize } from './segment-store.ts'

type Mutable = { -readonly [K in keyof SegmentSize]: number }

export class SegmentSizes {
  readonly #sizes = new Map<number, Mutable>()

  get(segment: SegmentKey): SegmentSize {
    return this.#sizes.get(segmentNumber(segment)) ?? EMPTY_SIZE
  }

  set(segment: SegmentKey, size: SegmentSize): void {
    this.#sizes.set(segmentNumber(segment), { ...size })
  }

  delete(segment: SegmentKey): void {
    this.#sizes.delete(segmentNumber(segment))
  }

  addLog(segment: SegmentKey, batches: number, bytes: number): void {
    const size = this.#made(segment)
    size.batches += batches
    size.logBytes += bytes
  }

  addImages(segment: SegmentKey, images: number, bytes: number, pages: number): void {
    const size = this.#made(segment)
    size.images += images
    size.imageBytes += bytes
    size.pages += pages
  }

  /** Batches of all segments. */
  batches(): number {
    let sum = 0
    for (const { batches } of this.#sizes.values()) sum += batches
    return sum
  }

  #made(segment: SegmentKey): Mutable {
    const key = segmentNumber(segment)
    let size = this.#sizes.get(key)
    if (size === undefined) {
      size = { ...EMPTY_SIZE }
      this.#sizes.set(key, size)
    }
    return size
  }
}
