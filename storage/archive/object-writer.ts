// Gathers what becomes one archive object.

import { deflateRawSync } from 'node:zlib'

import type { GroupNo, Lsn, TimelineId } from '../base/ids.ts'
import { PAGE_SIZE_BYTES } from '../base/limits.ts'
import type { ImageCopy, SegmentState, TimelineState } from '../message/message.ts'
import { type ArchivedImage, type ArchivedRun, encodeArchive } from './format.ts'
import { reachOf } from './segment-reader.ts'

export interface ObjectOpening {
  readonly clusterId: string
  readonly group: GroupNo
  readonly timelines: readonly TimelineState[]
}

export class ObjectWriter {
  readonly #opening: ObjectOpening
  readonly #runs: ArchivedRun[] = []
  readonly #batches: Uint8Array[] = []
  readonly #imageList: ArchivedImage[] = []
  readonly #images: Uint8Array[] = []
  /** Bytes of payload so far. */
  size = 0

  constructor(opening: ObjectOpening) {
    this.#opening = opening
  }

  get isEmpty(): boolean {
    return this.size === 0 && this.#opening.timelines.length === 0
  }

  /** `segment`: its state, with the first run of it. */
  addRun(timeline: TimelineId, after: Lsn, batches: readonly Buffer[], segment?: SegmentState): void {
    const lengths = batches.map(({ length }) => length)
    this.#runs.push({ timeline, segment, after, scl: reachOf(batches, after), lengths })
    this.#batches.push(...batches)
    this.size += lengths.reduce((sum, length) => sum + length, 0)
  }

  addImage(timeline: TimelineId, { page, lsn, bytes }: ImageCopy): void {
    const deflated = bytes.length < PAGE_SIZE_BYTES ? bytes : deflateRawSync(bytes, { level: 1 })
    const stored = deflated.length < PAGE_SIZE_BYTES ? deflated : bytes
    this.#imageList.push({ timeline, page, lsn, length: stored.length })
    this.#images.push(stored)
    this.size += stored.length
  }

  close(wallMicros: number): Buffer {
    const head = { ...this.#opening, wallMicros, runs: this.#runs, images: this.#imageList }
    return encodeArchive(head, [...this.#batches, ...this.#images])
  }
}
