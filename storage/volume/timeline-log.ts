// The log of one timeline on the writer's side (the door's TimelineLog): what was appended and is not sent yet, what is
// sent and not durable yet, and who waits for it.
//
//   append ─▶ open run ─▶ closed runs (perhaps being deflated) ─▶ batches ══▶ nodes
//             └────────────── closed when 64 KB long, or when it is this timeline's turn to send ──┘
//
//   prior SCLs ─▶ VCL (4 of 6) ─▶ VDL (last consistency point) ─▶ onDurable callbacks, in LSN order
//
// Invariants: LSNs are handed out densely. Batches leave in LSN order, whatever order their deflating ends in. VCL and
// VDL never go back.

import { assert, must } from '../base/assert.ts'
import { copyBytes } from '../base/bytes.ts'
import type { StorageError } from '../base/errors.ts'
import type { Lsn, PageNo, TimelineId } from '../base/ids.ts'
import { LAL_BYTES } from '../base/limits.ts'
import { RECORD_SIZE_BYTES_MAX } from '../log/record.ts'
import { batchLength, encodeBatch, type RecordRun, surveyRecords } from '../message/batch.ts'
import type { BatchMemory, SharedBytes } from './batch-memory.ts'
import { DurableQueue } from './durable-queue.ts'
import { quorumLsn } from './quorum.ts'
import { ConsistencyPoints } from './vdl.ts'
import type { TimelineLog } from './volume.ts'

/** A run of records is closed at this length, so that a node never has to inflate much to get at one record. */
const RUN_SIZE_BYTES_MAX = 64 * 1024
/** Runs of at least this length are worth deflating. */
const DEFLATE_SIZE_BYTES_MIN = 16 * 1024
const OPEN_RUN_SIZE_BYTES_INITIAL = 4 * 1024
/** Buffers of closed runs that are kept for the next: a load would else leave megabytes a second to the collector. */
const SPARE_BUFFERS_MAX = 16

/** Deflates (raw deflate, fastest level) off this thread; undefined as a result means that it does not pay. */
export type Deflate = (bytes: Uint8Array, done: (deflated: Uint8Array | undefined) => void) => void

interface ClosedRun {
  readonly records: Buffer
  readonly length: number
  deflated: Uint8Array | undefined
  ready: boolean
}

/** What a timeline's log needs of its volume. */
export interface LogSurroundings {
  readonly writeQuorum: number
  readonly deflate: Deflate | undefined
  /** There is something to send at the end of this turn. */
  scheduleFlush(log: TimelineWriter): void
  /** A run became ready outside any turn of appends. */
  runReady(log: TimelineWriter): void
  readPage(log: TimelineWriter, page: PageNo, lsn: Lsn): Promise<Uint8Array>
  /** Wall time for the next batch, microseconds; never goes back. */
  wallMicros(): number
}

/** Where a log stands when the volume opens it. */
export interface LogStart {
  readonly timeline: TimelineId
  readonly base: Lsn
  readonly vdl: Lsn
  readonly tail: Lsn
  /** SCL of each node, by its index in the volume. */
  readonly scls: Lsn[]
}

export class TimelineWriter implements TimelineLog {
  readonly timeline: TimelineId
  /** The branch point: records at or below it are the parent's. */
  readonly base: Lsn
  /** SCL of each node, by its index in the volume. */
  readonly scls: Lsn[]
  /** The first LSN that this writer may hand out. */
  readonly #begin: Lsn
  #vcl: Lsn
  #tail: Lsn
  /** Last record of the batch that was sent last. */
  #sentLast: Lsn
  readonly #points: ConsistencyPoints
  readonly #surroundings: LogSurroundings
  readonly #durable = new DurableQueue()
  #open: Buffer = Buffer.allocUnsafe(OPEN_RUN_SIZE_BYTES_INITIAL)
  #openLength = 0
  readonly #closed: ClosedRun[] = []
  readonly #spare: Buffer[] = []
  #roomWaiters: { resolve: () => void; reject: (error: Error) => void }[] = []
  #failure: StorageError | undefined

  constructor(start: LogStart, surroundings: LogSurroundings) {
    this.timeline = start.timeline
    this.base = start.base
    this.scls = start.scls
    this.#vcl = start.vdl
    this.#tail = start.tail
    this.#begin = start.tail
    this.#sentLast = start.vdl
    this.#points = new ConsistencyPoints(start.vdl)
    this.#surroundings = surroundings
  }

  get vdl(): Lsn {
    return this.#points.vdl
  }

  get vcl(): Lsn {
    return this.#vcl
  }

  get tail(): Lsn {
    return this.#tail
  }

  /** LSN of the last record that was sent to any node. */
  get sentLast(): Lsn {
    return this.#sentLast
  }

  get hasUnsent(): boolean {
    return this.#openLength > 0 || this.#closed.length > 0
  }

  hasRoom(bytes: number): boolean {
    return this.#tail + bytes <= this.#limit
  }

  /** Until this writer's first batch is complete, LSNs count from where it began: recovery knows that point too. */
  get #limit(): number {
    return Math.max(this.#vcl, this.#begin) + LAL_BYTES
  }

  room(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => this.#roomWaiters.push({ resolve, reject }))
  }

  append(record: Uint8Array, offset: number, length: number, endsMtr: boolean): void {
    if (this.#failure !== undefined) throw this.#failure
    assert(
      ((record[offset + 5] as number) & 1) === (endsMtr ? 1 : 0),
      'the record says itself whether it ends its MTR',
    )
    assert(length % 8 === 0 && length <= RECORD_SIZE_BYTES_MAX, 'record length')
    assert(this.#tail + length <= this.#limit, 'append only what hasRoom() promised')
    if (this.#openLength + length > RUN_SIZE_BYTES_MAX) this.#closeRun()
    if (this.#openLength + length > this.#open.length) this.#growOpen(length)
    copyBytes(record, offset, offset + length, this.#open, this.#openLength)
    this.#openLength += length
    this.#tail = (this.#tail + length) as Lsn
    this.#surroundings.scheduleFlush(this)
  }

  #growOpen(length: number): void {
    const size = Math.min(Math.max(this.#open.length * 2, this.#openLength + length), RUN_SIZE_BYTES_MAX)
    const grown = Buffer.allocUnsafeSlow(Math.max(size, RECORD_SIZE_BYTES_MAX))
    this.#open.copy(grown, 0, 0, this.#openLength)
    this.#open = grown
  }

  #closeRun(): void {
    const run: ClosedRun = {
      records: this.#open,
      length: this.#openLength,
      deflated: undefined,
      ready: false,
    }
    this.#closed.push(run)
    this.#open = this.#spare.pop() ?? Buffer.allocUnsafeSlow(this.#open.length)
    this.#openLength = 0
    const { deflate } = this.#surroundings
    if (deflate === undefined) run.ready = true
    else {
      deflate(run.records.subarray(0, run.length), (deflated) => {
        run.deflated = deflated
        run.ready = true
        this.#surroundings.runReady(this)
      })
    }
  }

  /**
   * Encodes the next batch for `users` nodes, or returns undefined when nothing is ready: what is left is empty or
   * being deflated.
   */
  nextBatch(memory: BatchMemory, users: number): SharedBytes | undefined {
    const closed = this.#closed[0]
    if (closed !== undefined) {
      if (!closed.ready) return undefined
      this.#closed.shift()
      const batch = this.#encode(memory, users, closed)
      if (this.#spare.length < SPARE_BUFFERS_MAX) this.#spare.push(closed.records)
      return batch
    }
    if (this.#openLength === 0) return undefined
    if (this.#openLength >= DEFLATE_SIZE_BYTES_MIN && this.#surroundings.deflate !== undefined) {
      this.#closeRun()
      return this.nextBatch(memory, users)
    }
    const run = { records: this.#open, length: this.#openLength, deflated: undefined, ready: true }
    this.#openLength = 0
    return this.#encode(memory, users, run)
  }

  #encode(memory: BatchMemory, users: number, { records, length, deflated }: ClosedRun): SharedBytes {
    const run: RecordRun = surveyRecords(records, length)
    const size = batchLength(run, deflated?.length ?? length, deflated !== undefined)
    const shared = memory.take(size, users)
    const { timeline } = this
    const frame = {
      timeline,
      previous: this.#sentLast,
      vdl: this.vdl,
      wallMicros: this.#surroundings.wallMicros(),
    }
    encodeBatch(shared.bytes, frame, run, { records, rawLength: length, deflated })
    this.#sentLast = run.last
    this.#points.push(run.last, run.consistent)
    return shared
  }

  /** A node reported its SCL. */
  acknowledge(node: number, scl: Lsn): void {
    if (scl <= must(this.scls[node])) return
    this.scls[node] = scl
    const vcl = quorumLsn(this.scls, this.#surroundings.writeQuorum)
    if (vcl <= this.#vcl) return
    this.#vcl = vcl
    const vdl = this.#points.advance(vcl)
    if (this.#roomWaiters.length > 0) {
      const waiters = this.#roomWaiters
      this.#roomWaiters = []
      for (const { resolve } of waiters) resolve()
    }
    this.#durable.reach(vdl)
  }

  onDurable(lsn: Lsn, callback: (error?: Error) => void): void {
    if (lsn <= this.vdl) callback()
    else if (this.#failure !== undefined) callback(this.#failure)
    else this.#durable.add(lsn, callback)
  }

  readPage(page: PageNo, lsn: Lsn): Promise<Uint8Array> {
    return this.#surroundings.readPage(this, page, lsn)
  }

  /** Nothing will become durable any more: tells everyone who waits. */
  fail(error: StorageError): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    const waiters = this.#roomWaiters
    this.#roomWaiters = []
    for (const { reject } of waiters) reject(error)
    this.#durable.fail(error)
  }
}
