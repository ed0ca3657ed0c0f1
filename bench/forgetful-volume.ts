// A volume that keeps nothing, for benches of what is above it: what is appended counts as durable at the end of the turn
// of the event loop. Pages must stay in the buffer pool; one that was never written is all zeroes.

import { must } from '../storage/base/assert.ts'
import { copyBytes } from '../storage/base/bytes.ts'
import type { Clock } from '../storage/base/env.ts'
import { LSN_ZERO, type Lsn, type PageNo, type TimelineId } from '../storage/base/ids.ts'
import { PAGE_SIZE_BYTES } from '../storage/base/limits.ts'
import { MemoryVolume } from '../storage/volume/memory-volume.ts'
import type { TimelineLog } from '../storage/volume/volume.ts'

export class ForgetfulVolume extends MemoryVolume {
  appendedBytes = 0
  readonly #logs = new Map<TimelineId, ForgetfulLog>()

  override async createTimeline(parent: { timeline: TimelineId; lsn: Lsn } | undefined): Promise<TimelineId> {
    const id = await super.createTimeline(parent)
    this.#logs.set(id, new ForgetfulLog(this, this.options.clock, id, parent?.lsn ?? LSN_ZERO))
    return id
  }

  override log(timeline: TimelineId): TimelineLog {
    return must(this.#logs.get(timeline), 'a timeline of this volume')
  }

  override async close(): Promise<void> {}
}

class ForgetfulLog implements TimelineLog {
  readonly timeline: TimelineId
  tail: Lsn
  vdl: Lsn
  vcl: Lsn
  readonly #volume: ForgetfulVolume
  readonly #clock: Clock
  readonly #memory = Buffer.alloc(1 << 20)
  #used = 0
  #newest: Lsn
  #waiters: { readonly lsn: Lsn; readonly callback: (error?: Error) => void }[] = []
  #isScheduled = false

  constructor(volume: ForgetfulVolume, clock: Clock, timeline: TimelineId, base: Lsn) {
    this.#volume = volume
    this.#clock = clock
    this.timeline = timeline
    this.tail = (Math.floor(base / 8) * 8 + 8) as Lsn
    this.vdl = this.vcl = this.#newest = base
  }

  hasRoom(): boolean {
    return true
  }

  room(): Promise<void> {
    return Promise.resolve()
  }

  append(record: Uint8Array, offset: number, length: number): void {
    if (this.#used + length > this.#memory.length) this.#used = 0
    copyBytes(record, offset, offset + length, this.#memory, this.#used)
    this.#used += length
    this.#volume.appendedBytes += length
    this.#newest = this.tail
    this.tail = (this.tail + length) as Lsn
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#clock.soon(() => this.#makeDurable())
  }

  onDurable(lsn: Lsn, callback: (error?: Error) => void): void {
    if (lsn <= this.vdl) callback()
    else this.#waiters.push({ lsn, callback })
  }

  readPage(_page: PageNo, _lsn: Lsn): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(PAGE_SIZE_BYTES))
  }

  #makeDurable(): void {
    this.#isScheduled = false
    this.vdl = this.vcl = this.#newest
    const waiters = this.#waiters
    this.#waiters = []
    for (const { callback } of waiters) callback()
  }
}
