// The log of one timeline on the writer's side (the door's TimelineLog): what was appended and is not sent yet, what is
// sent and not durable yet, and who waits for it.
//
//   append ─▶ open run ─▶ closed runs (perhaps being deflated) ─▶ batches, one per open group ══▶ nodes
//             └────────────── closed when 64 KB long, or when it is this timeline's turn to send ──┘
//
//   SCLs of each group's segments ─▶ PGCL (a write quorum) ─▶ VCL (the lowest) ─▶ VDL (last consistency point) ─▶ callbacks
//
// Invariants: LSNs are handed out densely. Batches leave in LSN order, whatever order their deflating ends in. VCL and
// VDL never go back. A record of a group leaves only when this timeline's segment in that group is open. A batch that no
// write quorum has yet is kept, for all links may have lost it: a node that misses it is sent it again (./sent-batches.ts).
//
// A volume has thousands of these, nearly all idle: until its first use a log has no buffers, no queues and no SCLs. All
// nodes whose standing is known then stand at its last LSN.

import { assert } from '../base/assert.ts'
import { copyBytes, u32 } from '../base/bytes.ts'
import { StorageError } from '../base/errors.ts'
import {
  FIRST_GROUP,
  type GroupNo,
  type Lsn,
  LSN_ZERO,
  NO_PAGE,
  type PageNo,
  type TimelineId,
} from '../base/ids.ts'
import { LAL_BYTES } from '../base/limits.ts'
import { RECORD_SIZE_BYTES_MAX } from '../log/record.ts'
import { batchLength, encodeBatch, type RecordRun, splitByGroup, surveyRecords } from '../message/batch.ts'
import type { AnnulledRange, TimelineBirth } from '../message/message.ts'
import type { BatchMemory, SharedBytes } from './batch-memory.ts'
import { DurableQueue } from './durable-queue.ts'
import type { LogStart, LogSurroundings } from './log-surroundings.ts'
import type { Gauge } from './quorum.ts'
import { continuation, isLevel, type OpenGroup, type SegmentStanding, type Track } from './open-group.ts'
import { RoomQueue } from './room-queue.ts'
import { SentBatches } from './sent-batches.ts'
import { ConsistencyPoints } from './vdl.ts'
import type { TimelineLog } from './volume.ts'

/** A run of records is closed at this length, so that a node never has to inflate much to get at one record. */
const RUN_SIZE_BYTES_MAX = 64 * 1024
/** Runs of at least this length are worth deflating. */
const DEFLATE_SIZE_BYTES_MIN = 16 * 1024
const OPEN_RUN_SIZE_BYTES_INITIAL = 4 * 1024
/** A record's page number lies here in its header (../log/record.ts). */
const RECORD_PAGE_OFFSET = 24
/** Buffers of closed runs that are kept for the next: a load would else leave megabytes a second to the collector. */
const SPARE_BUFFERS_MAX = 64
/**
 * Nobody waits for the records of a mini-transaction whose end is still to come: they go out so many bytes at a time, or
 * when the oldest has waited long. For a load that is a tenth of the messages and of the fsyncs.
 */
const HELD_RUNS_MAX = 32
const HELD_MS_MAX = 30

interface ClosedRun {
  readonly records: Buffer
  readonly length: number
  deflated: Uint8Array | undefined
  ready: boolean
}

export class TimelineWriter implements TimelineLog {
  readonly birth: TimelineBirth
  readonly annulled: readonly AnnulledRange[]
  #dropped: boolean
  /** The first LSN that this writer may hand out. */
  readonly #begin: Lsn
  readonly #surroundings: LogSurroundings
  #groups: readonly OpenGroup[]
  /** The same as #groups, with SCLs; undefined while all known nodes stand at #sentLast. */
  #tracks: Track[] | undefined
  #vcl: Lsn
  #vdl: Lsn
  #tail: Lsn
  /** No LSN above this is handed out now. */
  #limit: number
  /** Last record of the batch that was sent last, and the last consistency point up to it. */
  #sentLast: Lsn
  #sentConsistent: Lsn
  #points: ConsistencyPoints | undefined
  #sent: SentBatches | undefined
  #durable: DurableQueue | undefined
  #rooms: RoomQueue | undefined
  #open: Buffer | undefined
  #openLength = 0
  #closed: ClosedRun[] | undefined
  #spare: Buffer[] | undefined
  /** Something unsent ends its mini-transaction. */
  #isAwaited = false
  /** Since when what is unsent is held back; undefined: it is not. */
  #heldSinceMs: number | undefined
  /** Batches of other groups of a flush whose first batch was taken. */
  #ready: SharedBytes[] | undefined
  /** Groups whose segments are being opened: nothing is sent until they are. */
  #opening: GroupNo[] | undefined
  #failure: StorageError | undefined
  /** #sentLast at the last look. */
  #restedAt: Lsn = LSN_ZERO

  constructor(start: LogStart, surroundings: LogSurroundings) {
    this.birth = start.birth
    this.#dropped = start.dropped
    this.annulled = start.annulled
    this.#groups = start.groups
    this.#vcl = start.vdl
    this.#vdl = start.vdl
    this.#tail = start.tail
    this.#begin = start.tail
    this.#limit = start.tail + LAL_BYTES
    this.#sentLast = start.vdl
    this.#sentConsistent = start.vdl
    this.#surroundings = surroundings
  }

  get timeline(): TimelineId {
    return this.birth.id
  }

  get dropped(): boolean {
    return this.#dropped
  }

  /** It is dropped: nodes may refuse its batches from now on, and nobody needs those that no write quorum has. */
  drop(): void {
    this.#dropped = true
    this.#sent?.release(Infinity as Lsn)
  }

  /** The branch point: records at or below it are the parent's. */
  get base(): Lsn {
    return this.birth.parent?.lsn ?? LSN_ZERO
  }

  get vdl(): Lsn {
    return this.#vdl
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

  /** The last consistency point that was sent to any node. */
  get sentConsistent(): Lsn {
    return this.#sentConsistent
  }

  /** Groups in which the timeline has a segment. */
  get groups(): readonly OpenGroup[] {
    return this.#groups
  }

  get hasUnsent(): boolean {
    return this.#openLength > 0 || (this.#closed?.length ?? 0) > 0 || (this.#ready?.length ?? 0) > 0
  }

  /** Somebody appended what is not durable yet. */
  get isOutstanding(): boolean {
    return this.hasUnsent || this.#vcl < this.#sentLast
  }

  // --- room

  hasRoom(bytes: number): boolean {
    return this.#tail + bytes <= this.#limit && this.#surroundings.hasQuorum
  }

  room(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    this.#rooms ??= new RoomQueue()
    return this.#rooms.wait(this.#surroundings.monotonicMs())
  }

  /** There may be room again: everyone looks for himself. */
  wakeRooms(): void {
    this.#rooms?.wake()
  }

  /** Fails those who have waited for room since before `sinceMs`. */
  expireRooms(sinceMs: number, error: StorageError): void {
    this.#rooms?.expire(sinceMs, error)
  }

  // --- appending

  append(record: Uint8Array, offset: number, length: number, endsMtr: boolean): void {
    if (this.#failure !== undefined) throw this.#failure
    assert(
      ((record[offset + 5] as number) & 1) === (endsMtr ? 1 : 0),
      'the record says itself whether it ends its MTR',
    )
    assert(length % 8 === 0 && length <= RECORD_SIZE_BYTES_MAX, 'record length')
    assert(this.#tail + length <= this.#limit, 'append only what hasRoom() promised')
    const page = u32(record, offset + RECORD_PAGE_OFFSET)
    if (page >= this.#surroundings.pagesPerGroup && page !== NO_PAGE)
      this.reachGroup(Math.floor(page / this.#surroundings.pagesPerGroup) as GroupNo)
    if (this.#openLength + length > RUN_SIZE_BYTES_MAX) this.#closeRun()
    const open = this.#roomInOpen(length)
    copyBytes(record, offset, offset + length, open, this.#openLength)
    this.#openLength += length
    this.#tail = (this.#tail + length) as Lsn
    if (endsMtr) this.#isAwaited = true
    this.#surroundings.scheduleFlush(this)
  }

  /** Nothing more is sent until the timeline has a segment in this group. */
  reachGroup(group: GroupNo): void {
    if (this.#opening?.includes(group) === true) return
    if (this.#groups.some((open) => open.group === group)) return
    this.#opening = [...(this.#opening ?? []), group]
    this.#surroundings.openGroup(this, group)
  }

  #roomInOpen(length: number): Buffer {
    const open = this.#open
    const needed = this.#openLength + length
    if (open !== undefined && needed <= open.length) return open
    const doubled = Math.max((open?.length ?? 0) * 2, OPEN_RUN_SIZE_BYTES_INITIAL)
    const size = Math.min(Math.max(doubled, needed), RUN_SIZE_BYTES_MAX)
    const grown = Buffer.allocUnsafeSlow(Math.max(size, RECORD_SIZE_BYTES_MAX))
    open?.copy(grown, 0, 0, this.#openLength)
    this.#open = grown
    return grown
  }

  #closeRun(): void {
    const records = this.#open
    assert(records !== undefined, 'a run has records')
    const run: ClosedRun = { records, length: this.#openLength, deflated: undefined, ready: false }
    this.#closed ??= []
    this.#closed.push(run)
    this.#open = this.#spare?.pop() ?? Buffer.allocUnsafeSlow(records.length)
    this.#openLength = 0
    const { deflate } = this.#surroundings
    // What will be split by group is sent as it is.
    if (deflate === undefined || this.#groups.length > 1) run.ready = true
    else {
      deflate(run.records.subarray(0, run.length), (deflated) => {
        run.deflated = deflated
        run.ready = true
        this.#surroundings.scheduleFlush(this)
      })
    }
  }

  // --- sending

  /** In how many milliseconds what is unsent should leave; 0: now. */
  dueInMs(nowMs: number): number {
    if (this.#isAwaited || (this.#closed?.length ?? 0) >= HELD_RUNS_MAX) return 0
    this.#heldSinceMs ??= nowMs
    return Math.max(0, this.#heldSinceMs + HELD_MS_MAX - nowMs)
  }

  /** Nothing is unsent: what comes next is judged anew. */
  #sentAll(): void {
    this.#heldSinceMs = undefined
    if (!this.#isAwaited) return
    this.#isAwaited = false
    this.#spare = undefined
  }

  /**
   * Encodes the next batch for `users` links, or returns undefined when nothing is ready: what is left is empty, being
   * deflated, or waits for a segment to be opened.
   */
  nextBatch(memory: BatchMemory, users: number): SharedBytes | undefined {
    if (this.#ready !== undefined && this.#ready.length > 0) return this.#ready.shift()
    if (this.#opening !== undefined) return undefined
    const closed = this.#closed?.[0]
    if (closed !== undefined) {
      if (!closed.ready) return undefined
      this.#closed?.shift()
      const batch = this.#encode(memory, users, closed)
      this.#spare ??= []
      if (this.#spare.length < SPARE_BUFFERS_MAX) this.#spare.push(closed.records)
      return batch
    }
    const records = this.#open
    if (this.#openLength === 0 || records === undefined) {
      this.#sentAll()
      return undefined
    }
    if (this.#openLength >= DEFLATE_SIZE_BYTES_MIN && this.#surroundings.deflate !== undefined) {
      this.#closeRun()
      return this.nextBatch(memory, users)
    }
    const run = { records, length: this.#openLength, deflated: undefined, ready: true }
    this.#openLength = 0
    return this.#encode(memory, users, run)
  }

  #encode(memory: BatchMemory, users: number, { records, length, deflated }: ClosedRun): SharedBytes {
    const run: RecordRun = surveyRecords(records, length)
    const frame = {
      timeline: this.birth.id,
      group: FIRST_GROUP,
      vdl: this.#vdl,
      wallMicros: this.#surroundings.wallMicros(),
    }
    const tracks = this.#track()
    this.#points ??= new ConsistencyPoints(this.#vdl)
    this.#points.push(run.last, run.consistent)
    this.#sent ??= new SentBatches()
    const keep = this.#sent
    this.#sentLast = run.last
    if (run.consistent > 0) this.#sentConsistent = run.consistent
    if (tracks.length === 1) {
      const size = batchLength(run, deflated?.length ?? length, deflated !== undefined)
      const shared = memory.take(size, users + 1)
      const previous = continuation(tracks, FIRST_GROUP, run.last)
      encodeBatch(shared.bytes, { ...frame, previous }, run, { records, rawLength: length, deflated })
      keep.push(run.last, FIRST_GROUP, shared)
      return shared
    }
    const groups = tracks.map(({ group }) => group)
    const parts = splitByGroup(records, length, run, groups, this.#surroundings.pagesPerGroup)
    const [first, ...rest] = parts.map((part) => {
      const rawLength = part.records.length
      const shared = memory.take(batchLength(part.run, rawLength, false), users + 1)
      const payload = { records: part.records, rawLength, deflated: undefined }
      const previous = continuation(tracks, part.group, run.last)
      encodeBatch(shared.bytes, { ...frame, group: part.group, previous }, part.run, payload)
      keep.push(run.last, part.group, shared)
      return shared
    })
    assert(first !== undefined, 'a timeline has a segment')
    this.#ready = rest
    return first
  }

  /** Batches above the VCL that a live node does not have, as far as is known; perhaps they are on their way to it. */
  missing(place: number): readonly SharedBytes[] {
    const tracks = this.#tracks
    if (this.#sent === undefined || tracks === undefined || this.#dropped) return []
    return this.#sent.above((group) => {
      const track = tracks.find((each) => each.group === group)
      return track?.scls[place] ?? LSN_ZERO
    })
  }

  /** The segment is about to be opened: nodes that join from now on get it. */
  announce(open: OpenGroup): void {
    this.#groups = [...this.#groups, open]
  }

  /** The segment is open at a write quorum. */
  opened(open: OpenGroup): void {
    const tracks = this.#track()
    if (!tracks.some(({ group }) => group === open.group)) {
      // It holds all that was sent, since nothing of that is its.
      tracks.push({ ...open, sent: open.after, scls: tracks[0]?.scls.map(() => this.#sentLast) ?? [] })
    }
    const opening = this.#opening?.filter((group) => group !== open.group) ?? []
    this.#opening = opening.length === 0 ? undefined : opening
    this.#surroundings.scheduleFlush(this)
  }

  // --- SCLs

  /** The SCLs of the segments, from here on one by one. */
  #track(): Track[] {
    if (this.#tracks !== undefined) return this.#tracks
    const { known } = this.#surroundings
    const scls = Array.from({ length: 32 - Math.clz32(known) }, (_, place) =>
      (known & (1 << place)) === 0 ? LSN_ZERO : this.#sentLast,
    )
    this.#tracks = this.#groups.map((open) => ({ ...open, sent: this.#sentLast, scls: [...scls] }))
    this.#surroundings.tracked(this)
    return this.#tracks
  }

  /** A node reported the SCL of a segment. */
  acknowledge(place: number, group: GroupNo, scl: Lsn): void {
    const tracks = this.#tracks
    if (tracks === undefined) return
    for (const track of tracks) {
      if (track.group !== group) continue
      if (scl <= (track.scls[place] ?? LSN_ZERO)) return
      track.scls[place] = scl
      this.advance()
      return
    }
  }

  /** A live node joined, or was filled: where its segment stands, be it lower than it was. */
  restate(place: number, group: GroupNo, scl: Lsn): void {
    if (this.#tracks === undefined && scl >= this.#sentLast) return
    for (const track of this.#track()) if (track.group === group) track.scls[place] = scl
    this.advance()
  }

  /** Another node will get this place. */
  forgetPlace(place: number): void {
    for (const { scls } of this.#tracks ?? []) if (place < scls.length) scls[place] = LSN_ZERO
  }

  /** Where its segments stand, as far as that is tracked. */
  get standings(): readonly SegmentStanding[] {
    return this.#tracks ?? []
  }

  /** How far all segments of the timeline on a live node are complete. */
  reach(place: number): Lsn {
    if (this.#tracks === undefined) return this.#sentLast
    let lowest: number = Infinity
    for (const { scls } of this.#tracks) lowest = Math.min(lowest, scls[place] ?? LSN_ZERO)
    return lowest as Lsn
  }

  /** The LSN that this rule has reached in every group. */
  reached(quorum: Gauge): Lsn {
    if (this.#tracks === undefined) return quorum.holds(this.#surroundings.known) ? this.#sentLast : LSN_ZERO
    let lowest: number = Infinity
    for (const { scls } of this.#tracks) lowest = Math.min(lowest, quorum.lsn(scls))
    return lowest as Lsn
  }

  /** Takes in what SCLs, or the rule, say by now. */
  advance(): void {
    const vcl = this.reached(this.#surroundings.quorum)
    if (vcl <= this.#vcl) return
    this.#vcl = vcl
    // Until this writer's first batch is complete, LSNs count from where it began: recovery knows that point too.
    this.#limit = Math.max(vcl, this.#begin) + LAL_BYTES
    this.#sent?.release(vcl)
    if (this.#points !== undefined) this.#vdl = this.#points.advance(vcl)
    this.#rooms?.wake()
    this.#durable?.reach(this.#vdl)
  }

  // --- rest

  /**
   * Looks from time to time: a log in which nothing moved since, and of which every node whose standing is known has all, lets
   * go of what only writing needs. True if it did: its SCLs are not tracked any more.
   */
  relax(): boolean {
    const hasMoved = this.#restedAt !== this.#sentLast
    this.#restedAt = this.#sentLast
    if (hasMoved || !this.#isAtRest) return false
    if (!isLevel(this.#tracks ?? [], this.#surroundings.known, this.#sentLast)) return false
    this.#tracks = undefined
    this.#points = undefined
    this.#sent = undefined
    this.#durable = undefined
    this.#open = undefined
    this.#closed = undefined
    this.#spare = undefined
    this.#ready = undefined
    return true
  }

  get #isAtRest(): boolean {
    if (this.isOutstanding || this.#vdl < this.#sentLast || this.#opening !== undefined) return false
    return this.#failure === undefined && this.#rooms?.isEmpty !== false
  }

  /** Where it stands, if it is at rest or was dropped: then it is of no use any more, and fails those who use it. */
  retire(): LogStart | undefined {
    if (!this.#dropped && (this.#tracks !== undefined || !this.#isAtRest)) return undefined
    this.fail(new StorageError('closed', `the log of timeline ${this.timeline} was given back`))
    const { birth, dropped, annulled, groups, vdl, tail } = this
    return { birth, dropped, annulled, groups, vdl, tail }
  }

  onDurable(lsn: Lsn, callback: (error?: Error) => void): void {
    if (lsn <= this.#vdl) callback()
    else if (this.#failure !== undefined) callback(this.#failure)
    else {
      this.#durable ??= new DurableQueue()
      this.#durable.add(lsn, callback)
    }
  }

  readPage(page: PageNo, lsn: Lsn): Promise<Uint8Array> {
    return this.#surroundings.readPage(this, page, lsn)
  }

  /** Nothing will become durable any more: tells everyone who waits. */
  fail(error: StorageError): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    this.#rooms?.fail(error)
    this.#durable?.fail(error)
  }
}
