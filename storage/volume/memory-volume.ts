// A Volume in memory: the log of each timeline as it was appended, and pages made from it by applyRecord on demand. It
// loses everything at the end of the process. For tests of what is above, and the model that other volumes are compared
// with.
//
//   append ─▶ log chunk ─▶ chain of its page        readPage: nearest image below + records of the chain up to the LSN
//
// What was appended becomes durable at the end of the turn of the event loop, or after a delay, or by hand.

import { assert, must } from '../base/assert.ts'
import { u32, u64, u8 } from '../base/bytes.ts'
import type { Clock } from '../base/env.ts'
import { StorageError } from '../base/errors.ts'
import {
  type Epoch,
  LSN_ZERO,
  type Lsn,
  NO_PAGE,
  type PageNo,
  type TimelineId,
  asTimelineId,
} from '../base/ids.ts'
import { LAL_BYTES, PAGE_SIZE_BYTES } from '../base/limits.ts'
import { RECORD_TYPE_COMMIT } from '../log/record.ts'
import { type Configuration, SEGMENT_SIZE_BYTES_DEFAULT } from '../message/configuration.ts'
import type { CommitRecord, TimelineSize } from '../message/message.ts'
import { applyRecord } from '../page/apply.ts'
import type { CommitPoint, SegmentStatus, TimelineInfo, TimelineLog, Volume, VolumeStatus } from './volume.ts'

const CHUNK_SIZE_BYTES = 1 << 20
/** Records between two kept images of a page. */
const IMAGE_EVERY = 64

export interface MemoryVolumeOptions {
  readonly clock: Clock
  /** When appended records become durable: at the end of the turn (default), after milliseconds, or by `makeDurable`. */
  readonly durability?: 'turn' | 'manual' | number | undefined
  /** Milliseconds that a page read takes; default: answered in the next turn. */
  readonly readDelayMs?: number | undefined
  /** Called at each page read, before it is answered; may throw. */
  readonly onReadPage?: ((timeline: TimelineId, page: PageNo, lsn: Lsn) => void) | undefined
}

export class MemoryVolume implements Volume {
  readonly volumeEpoch: Epoch = 1 as Epoch
  readonly options: MemoryVolumeOptions
  pagesRead = 0
  private readonly infos = new Map<TimelineId, TimelineInfo>()
  private readonly dropped = new Set<TimelineId>()
  private readonly logs = new Map<TimelineId, MemoryLog>()
  private nextTimeline = 1

  constructor(options: MemoryVolumeOptions) {
    this.options = options
  }

  get isNew(): boolean {
    return this.infos.size === 0
  }

  readonly isSettled = true

  untilSettled(): Promise<void> {
    return Promise.resolve()
  }

  timelines(): readonly TimelineInfo[] {
    return [...this.infos.values()].filter(({ id }) => !this.dropped.has(id))
  }

  timeline(id: TimelineId): TimelineInfo | undefined {
    return this.infos.get(id)
  }

  async createTimelines(
    parents: readonly ({ timeline: TimelineId; lsn: Lsn } | undefined)[],
  ): Promise<readonly TimelineId[]> {
    return Promise.all(parents.map((parent) => this.createTimeline(parent)))
  }

  async createTimeline(
    parent: { timeline: TimelineId; lsn: Lsn } | undefined,
    numbered?: (id: TimelineId) => void,
  ): Promise<TimelineId> {
    const id = asTimelineId(this.nextTimeline++)
    const base = parent && { log: this.memoryLog(parent.timeline), lsn: parent.lsn }
    this.infos.set(id, { id, parent, createdMicros: this.options.clock.wallMicros() })
    this.logs.set(id, new MemoryLog(this, id, base))
    numbered?.(id)
    return id
  }

  async dropTimeline(timeline: TimelineId): Promise<void> {
    this.dropped.add(timeline)
  }

  log(timeline: TimelineId): TimelineLog {
    return this.memoryLog(timeline)
  }

  release(): void {}

  vdlOf(timeline: TimelineId): Lsn {
    return this.log(timeline).vdl
  }

  /** The log with what tests need beyond the door. */
  memoryLog(timeline: TimelineId): MemoryLog {
    return must(this.logs.get(timeline), 'a timeline of this volume')
  }

  async commitAt(timeline: TimelineId, wallMicros: number, below?: Lsn): Promise<CommitPoint | undefined> {
    return this.memoryLog(timeline).commitAt(wallMicros, below ?? (Infinity as Lsn))
  }

  async timeAtLsn(timeline: TimelineId, lsn: Lsn): Promise<number> {
    return (await this.commitAt(timeline, Infinity, lsn))?.wallMicros ?? 0
  }

  async sizes(timelines: readonly TimelineId[]): Promise<readonly TimelineSize[]> {
    return timelines.map((timeline) => {
      const { tail, base } = this.memoryLog(timeline)
      return { timeline, logBytes: tail - base, imageBytes: 0, historyBytes: 0 }
    })
  }

  async changedPages(timeline: TimelineId, above: Lsn, upTo: Lsn): Promise<ReadonlySet<PageNo>> {
    return this.memoryLog(timeline).changedPages(above, upTo)
  }

  async commitOf(timeline: TimelineId, lsn: Lsn): Promise<CommitRecord | undefined> {
    return this.memoryLog(timeline).commits.find((commit) => commit.lsn >= lsn)
  }

  setReadFloor(): void {}

  /** One node that is this process. */
  readonly configuration: Configuration = MEMORY_CONFIGURATION

  async segments(): Promise<readonly SegmentStatus[]> {
    return []
  }

  replaceNode(): Promise<void> {
    return noNodes()
  }

  revertReplacement(): Promise<void> {
    return noNodes()
  }

  addSpare(): Promise<void> {
    return noNodes()
  }

  setZoneAway(): Promise<void> {
    return noNodes()
  }

  inject(): Promise<void> {
    return noNodes()
  }

  /** Makes everything appended so far durable. */
  makeDurable(): void {
    for (const log of this.logs.values()) log.makeDurable()
  }

  status(): VolumeStatus {
    return { ...NO_MESSAGES, pagesRead: this.pagesRead }
  }

  async close(): Promise<void> {
    this.makeDurable()
  }
}

function noNodes(): Promise<never> {
  return Promise.reject(new StorageError('unsuitable', 'a volume in memory has no storage nodes'))
}

const MEMORY_CONFIGURATION: Configuration = {
  clusterId: 'memory',
  membershipEpoch: 1 as Epoch,
  geometryEpoch: 1 as Epoch,
  segmentSizeBytes: SEGMENT_SIZE_BYTES_DEFAULT,
  quorum: { nodeCount: 1, writeCount: 1, readCount: 1, fullWriteCount: 0 },
  zonesAway: [],
  groups: [],
  spares: [],
}

const NO_MESSAGES: VolumeStatus = {
  nodes: [],
  batchesSent: 0,
  messagesSent: 0,
  appendsSent: 0,
  messagesReceived: 0,
  bytesSent: 0,
  pagesRead: 0,
  hedgedReads: 0,
  membershipEpoch: 1 as Epoch,
  geometryEpoch: 1 as Epoch,
}

interface LoggedRecord {
  readonly lsn: Lsn
  readonly chunk: Buffer
  readonly offset: number
}

/** A page's records in LSN order, and images made on the way: images[i] has the first (i + 1) * IMAGE_EVERY applied. */
interface PageHistory {
  readonly records: LoggedRecord[]
  readonly images: Buffer[]
}

interface DurableWaiter {
  readonly lsn: Lsn
  readonly callback: (error?: Error) => void
}

export class MemoryLog implements TimelineLog {
  readonly timeline: TimelineId
  readonly base: Lsn
  tail: Lsn
  vdl: Lsn
  vcl: Lsn
  /** Every record in order, for tests that replay the log. */
  readonly records: LoggedRecord[] = []
  private readonly volume: MemoryVolume
  private readonly parent: { readonly log: MemoryLog; readonly lsn: Lsn } | undefined
  private readonly pages = new Map<PageNo, PageHistory>()
  readonly commits: CommitRecord[] = []
  private chunk = Buffer.alloc(0)
  private used = 0
  private newest: Lsn
  private consistent: Lsn
  private waiters: DurableWaiter[] = []
  private roomWaiters: (() => void)[] = []
  private scheduled = false

  constructor(volume: MemoryVolume, timeline: TimelineId, parent: { log: MemoryLog; lsn: Lsn } | undefined) {
    this.volume = volume
    this.timeline = timeline
    this.parent = parent
    const start = parent?.lsn ?? LSN_ZERO
    this.base = start
    this.tail = (Math.floor(start / 8) * 8 + 8) as Lsn
    this.vdl = this.vcl = this.newest = this.consistent = start
  }

  hasRoom(bytes: number): boolean {
    return this.tail + bytes <= this.vcl + LAL_BYTES
  }

  room(): Promise<void> {
    return new Promise((resolve) => this.roomWaiters.push(resolve))
  }

  append(record: Uint8Array, offset: number, length: number, endsMtr: boolean): void {
    const lsn = u64(record, offset + 8) as Lsn
    assert(lsn === this.tail && u32(record, offset) === length && length % 8 === 0, 'records are dense')
    if (this.used + length > this.chunk.length) {
      this.chunk = Buffer.allocUnsafeSlow(CHUNK_SIZE_BYTES)
      this.used = 0
    }
    this.chunk.set(record.subarray(offset, offset + length), this.used)
    const logged = { lsn, chunk: this.chunk, offset: this.used }
    this.used += length
    this.records.push(logged)
    this.tail = (lsn + length) as Lsn
    this.newest = lsn
    if (endsMtr) this.consistent = lsn
    const page = u32(record, offset + 24) as PageNo
    if (page !== NO_PAGE) this.history(page).records.push(logged)
    else if (u8(record, offset + 4) === RECORD_TYPE_COMMIT) {
      this.commits.push({
        lsn,
        wallMicros: u64(record, offset + 32),
        transactionId: u64(record, offset + 40),
        origin: { processId: u32(record, offset + 48), roleOid: u32(record, offset + 52) },
      })
    }
    this.schedule()
  }

  onDurable(lsn: Lsn, callback: (error?: Error) => void): void {
    if (lsn <= this.vdl) callback()
    else this.waiters.push({ lsn, callback })
  }

  async readPage(page: PageNo, lsn: Lsn): Promise<Uint8Array> {
    const { options } = this.volume
    assert(lsn <= this.vcl || lsn <= (this.parent?.lsn ?? 0), 'pages are read at or below the VCL')
    options.onReadPage?.(this.timeline, page, lsn)
    this.volume.pagesRead++
    const delayMs = options.readDelayMs
    await new Promise<void>((resolve) => {
      if (delayMs === undefined) options.clock.soon(resolve)
      else options.clock.after(delayMs, resolve)
    })
    return this.pageAt(page, lsn)
  }

  /** The page at the newest version ≤ lsn, as a copy. */
  pageAt(page: PageNo, lsn: Lsn): Buffer {
    const history = this.pages.get(page)
    let count = history === undefined ? 0 : history.records.length
    while (count > 0 && must(history?.records[count - 1]).lsn > lsn) count--
    if (history === undefined || count === 0) {
      if (this.parent === undefined) return Buffer.alloc(PAGE_SIZE_BYTES)
      return this.parent.log.pageAt(page, Math.min(lsn, this.parent.lsn) as Lsn)
    }
    const imageCount = Math.min(history.images.length, Math.floor(count / IMAGE_EVERY))
    const image =
      imageCount > 0
        ? Buffer.from(must(history.images[imageCount - 1]))
        : (this.parent?.log.pageAt(page, this.parent.lsn) ?? Buffer.alloc(PAGE_SIZE_BYTES))
    for (let i = imageCount * IMAGE_EVERY; i < count; i++) {
      const { chunk, offset } = must(history.records[i])
      applyRecord(image, 0, chunk, offset)
      if ((i + 1) % IMAGE_EVERY === 0) history.images.push(Buffer.from(image))
    }
    return image
  }

  commitAt(wallMicros: number, below: Lsn): CommitPoint | undefined {
    const commit = this.commits.findLast((one) => one.wallMicros <= wallMicros && one.lsn <= below)
    if (commit !== undefined || this.parent === undefined) return commit
    return this.parent.log.commitAt(wallMicros, Math.min(below, this.parent.lsn) as Lsn)
  }

  changedPages(above: Lsn, upTo: Lsn): ReadonlySet<PageNo> {
    const pages = new Set<PageNo>()
    for (const { lsn, chunk, offset } of this.records) {
      const page = u32(chunk, offset + 24) as PageNo
      if (lsn > above && lsn <= upTo && page !== NO_PAGE) pages.add(page)
    }
    return pages
  }

  makeDurable(): void {
    this.scheduled = false
    this.vcl = this.newest
    this.vdl = this.consistent
    const waiters = this.waiters
    this.waiters = waiters.filter((one) => one.lsn > this.vdl)
    for (const one of waiters) if (one.lsn <= this.vdl) one.callback()
    const roomWaiters = this.roomWaiters
    this.roomWaiters = []
    for (const resolve of roomWaiters) resolve()
  }

  /** Fails everyone who waits for durability, as a lost quorum would. */
  failWaiters(error: StorageError): void {
    for (const one of this.waiters.splice(0)) one.callback(error)
  }

  private history(page: PageNo): PageHistory {
    let history = this.pages.get(page)
    if (history === undefined) {
      history = { records: [], images: [] }
      this.pages.set(page, history)
    }
    return history
  }

  private schedule(): void {
    const { clock, durability } = this.volume.options
    if (this.scheduled || durability === 'manual') return
    this.scheduled = true
    if (typeof durability === 'number') clock.after(durability, () => this.makeDurable())
    else clock.soon(() => this.makeDurable())
  }
}
