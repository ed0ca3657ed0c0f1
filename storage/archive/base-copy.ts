// A base: a copy of everything a node holds of a group, so that a restore need not begin at the birth of the cluster.
// What a node holds, log that was not collected and images, is enough for every LSN that it can still serve.
//
// The log is copied before the images: what is collected in between leaves images behind, which are copied after.

import type { Clock } from '../base/env.ts'
import type { GroupNo, Lsn, PageNo, TimelineId } from '../base/ids.ts'
import { type BaseRecord, baseComplete, baseFolder, basePart, encodeRecord } from './format.ts'
import type { ObjectStore } from './object-store.ts'
import { ObjectWriter } from './object-writer.ts'
import type { SegmentState } from '../message/message.ts'
import { type Movement, reachOf, type SegmentReader } from './segment-reader.ts'

const SLICE_BYTES = 1024 * 1024
const PART_SIZE_BYTES = 8 * 1024 * 1024

export interface BaseOrder {
  readonly store: ObjectStore
  readonly clock: Clock
  readonly reader: SegmentReader
  readonly group: GroupNo
  /** Sequence of the newest log object. */
  readonly sequence: number
}

/** Copies a base; resolves with how far each timeline's log is in it. Rejects with StorageError. */
export async function copyBase(order: BaseOrder): Promise<ReadonlyMap<TimelineId, Lsn>> {
  const copy = new BaseCopy(order)
  return copy.run()
}

class BaseCopy {
  readonly #order: BaseOrder
  readonly #startedMicros: number
  readonly #folder: string
  readonly #clusterId: string
  readonly #movement: Movement
  #writer: ObjectWriter
  #parts = 0

  constructor(order: BaseOrder) {
    this.#order = order
    const { clock, reader, group } = order
    this.#startedMicros = clock.wallMicros()
    this.#folder = baseFolder(group, this.#startedMicros, reader.node)
    this.#clusterId = reader.configuration()?.clusterId ?? ''
    this.#movement = reader.movement(0)
    this.#writer = this.#newWriter(true)
  }

  #newWriter(first: boolean): ObjectWriter {
    const timelines = first ? this.#movement.timelines : []
    return new ObjectWriter({ clusterId: this.#clusterId, group: this.#order.group, timelines })
  }

  async run(): Promise<ReadonlyMap<TimelineId, Lsn>> {
    const { store, clock, group, sequence } = this.#order
    const reached = new Map<TimelineId, Lsn>()
    const segments = this.#movement.segments.filter((segment) => segment.group === group)
    for (const segment of segments) reached.set(segment.timeline, await this.#copyLog(segment))
    for (const { timeline } of segments) await this.#copyImages(timeline)
    await this.#closePart()
    const record: BaseRecord = {
      parts: this.#parts,
      startedMicros: this.#startedMicros,
      completedMicros: clock.wallMicros(),
      nextSequence: sequence + 1,
    }
    await store.put(baseComplete(this.#folder), encodeRecord(record))
    return reached
  }

  async #copyLog(segment: SegmentState): Promise<Lsn> {
    const { reader } = this.#order
    const { timeline, logAfter } = segment
    let after = logAfter
    for (;;) {
      const batches = reader.log(segment, after, SLICE_BYTES)
      const isFirst = after === logAfter
      // A first run without a batch says from where on the segment's log is there.
      if (batches.length > 0 || isFirst)
        this.#writer.addRun(timeline, after, batches, isFirst ? segment : undefined)
      if (batches.length === 0) return after
      after = reachOf(batches, after)
      await this.#closeFullPart()
    }
  }

  async #copyImages(timeline: TimelineId): Promise<void> {
    const { reader, group } = this.#order
    let after: { page: PageNo; lsn: Lsn } | undefined
    for (;;) {
      const { images, complete } = reader.images({ timeline, group }, after, SLICE_BYTES)
      for (const image of images) this.#writer.addImage(timeline, image)
      const last = images.at(-1)
      if (complete || last === undefined) return
      after = { page: last.page, lsn: last.lsn }
      await this.#closeFullPart()
    }
  }

  async #closeFullPart(): Promise<void> {
    if (this.#writer.size >= PART_SIZE_BYTES) await this.#closePart()
  }

  async #closePart(): Promise<void> {
    this.#parts++
    const bytes = this.#writer.close(this.#order.clock.wallMicros())
    await this.#order.store.put(basePart(this.#folder, this.#parts), bytes)
    this.#writer = this.#newWriter(false)
  }
}
