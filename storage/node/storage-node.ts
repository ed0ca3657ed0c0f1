// A storage node: answers the volume's messages from its SegmentStore. Single-threaded, synchronous, driven by messages
// from one side and by its background (./background.ts) from the other.
//
//   append ─▶ check epoch, checksums ─▶ store.append (one transaction, one fsync) ─▶ answer ─▶ index pages in memory
//
// Invariants. Nothing is acknowledged before it is on disk. Once fenced with epoch e, nothing below e is ever accepted.
// A disk that failed once while writing is not written to again until the node is restarted: its state is unknown.

import { unreachable } from '../base/assert.ts'
import { StorageError } from '../base/errors.ts'
import { type Epoch, type Lsn, type TimelineId, formatLsn } from '../base/ids.ts'
import { type BatchHeader, pageListLength, readBatchHeader, verifyBatch } from '../message/batch.ts'
import {
  type FailureKind,
  type NodeMessage,
  type NodeState,
  PROTOCOL_VERSION,
  type VolumeMessage,
} from '../message/message.ts'
import type { Reply } from '../message/transport.ts'
import { findTime } from './commit-times.ts'
import { type ApplyRecord, DamagedBatch, PageReader } from './page-reader.ts'
import { type Acceptance, Segment } from './segment.ts'
import type { SegmentStore, StoredBatch } from './segment-store.ts'

/** A request that cannot be served here or now though nothing is broken. */
class Refusal extends Error {
  readonly kind: FailureKind

  constructor(kind: FailureKind, message: string) {
    super(message)
    this.kind = kind
  }
}

/** A batch of an append on its way through the node. */
interface Arrival {
  readonly segment: Segment
  readonly header: BatchHeader
  readonly bytes: Buffer
  readonly judged: Acceptance
}

export class StorageNode {
  readonly store: SegmentStore
  readonly reader: PageReader
  readonly segments: Map<TimelineId, Segment> = new Map()
  /** Pages in active tails, bytes of records and batches that came since the last checkpoint began: when to begin the next. */
  unindexed: { pages: number; bytes: number; batches: number } = { pages: 0, bytes: 0, batches: 0 }
  #failed: StorageError | undefined
  #damage: string | undefined

  /** Reads what the store holds: marks, and the log since the last checkpoint. Throws StorageError. */
  constructor(store: SegmentStore, apply: ApplyRecord) {
    this.store = store
    this.reader = new PageReader(store, this.segments, apply)
    for (const stored of store.timelines()) this.segments.set(stored.birth.id, new Segment(stored))
    store.visitUnindexed((batch) => this.#reload(batch))
  }

  #reload(batch: StoredBatch): void {
    const segment = this.segments.get(batch.timeline)
    if (segment === undefined) return
    try {
      verifyBatch(batch.bytes, `${this.store.where}: table log`)
    } catch (error) {
      // What it held is missing from here on; the volume is told, trusts other nodes, and sends it again.
      this.#damage = error instanceof Error ? error.message : 'unreadable'
      return
    }
    const header = readBatchHeader(batch.bytes)
    const judged = segment.judge(header)
    if (judged !== 'next' && judged !== 'gap') return
    this.#index(segment, segment.accept(header, judged), batch.bytes)
  }

  /** Whether background work may write. */
  get isWritable(): boolean {
    return this.#failed === undefined
  }

  /** Marks the node as failed for writing. */
  fail(error: StorageError): void {
    this.#failed ??= error
  }

  /** Handles one message and answers it exactly once, before it returns. */
  handle(message: VolumeMessage, reply: Reply): void {
    try {
      this.#dispatch(message, reply)
    } catch (error) {
      reply(this.#failure(message.id, error))
    }
  }

  #dispatch(message: VolumeMessage, reply: Reply): void {
    if (message.kind !== 'query' && message.kind !== 'fence') this.#checkEpochs(message)
    const { id } = message
    switch (message.kind) {
      case 'query':
        return reply({ kind: 'state', id, state: this.#state() })
      case 'fence':
        this.#fence(message)
        return reply({ kind: 'state', id, state: this.#state() })
      case 'append':
        return this.#append(message, reply)
      case 'read-page':
        return this.#readPage(message, reply)
      case 'fetch-log':
        return reply({ kind: 'log', id, ...this.#fetchLog(message.timeline, message.after, message.sizeMax) })
      case 'find-time': {
        const segment = this.#segment(message.timeline)
        const found = findTime(this.store, this.reader, this.segments, { segment, ...message })
        return reply({ kind: 'time', id, ...found })
      }
      case 'statistics':
        return reply({ kind: 'statistics', id, statistics: this.#statistics() })
      case 'truncate':
      case 'create-timeline':
      case 'drop-timeline':
      case 'repair':
        this.#checkWritable()
        this.#change(message)
        return reply({ kind: 'done', id })
      case 'read-floor':
      case 'shut-down':
        return reply({ kind: 'done', id })
      default:
        return unreachable(message)
    }
  }

  #checkEpochs(message: VolumeMessage): void {
    const identity = this.store.identity()
    this.#checkNotOlder(message.volumeEpoch, identity.volumeEpoch)
    this.#checkNotOlder(message.membershipEpoch, identity.membershipEpoch)
    if (message.volumeEpoch > identity.volumeEpoch) {
      throw new Refusal(
        'behind',
        `node knows volume epoch ${identity.volumeEpoch} and was not told of newer ones`,
      )
    }
  }

  #checkNotOlder(sent: Epoch, known: Epoch): void {
    if (sent < known)
      throw new Refusal('fenced', `another writer has opened the volume (epoch ${known}, yours ${sent})`)
  }

  #checkWritable(): void {
    if (this.#failed !== undefined) throw this.#failed
  }

  #fence(message: VolumeMessage & { kind: 'fence' }): void {
    this.#checkWritable()
    const known = this.store.identity()
    this.#checkNotOlder(message.volumeEpoch, known.volumeEpoch)
    this.#checkNotOlder(message.membershipEpoch, known.membershipEpoch)
    if (known.clusterId !== '' && known.clusterId !== message.clusterId) {
      throw new Refusal(
        'fenced',
        `${this.store.where} belongs to cluster ${known.clusterId}, not ${message.clusterId}`,
      )
    }
    const { clusterId, volumeEpoch, membershipEpoch } = message
    if (known.clusterId === clusterId && known.volumeEpoch === volumeEpoch) return
    this.#write(() => this.store.setIdentity({ clusterId, volumeEpoch, membershipEpoch }))
  }

  #change(
    message: Extract<VolumeMessage, { kind: 'truncate' | 'create-timeline' | 'drop-timeline' | 'repair' }>,
  ): void {
    switch (message.kind) {
      case 'truncate':
        return this.#truncate(message)
      case 'create-timeline': {
        const { birth } = message
        if (this.segments.has(birth.id)) return
        this.#write(() => this.store.putTimeline(birth))
        this.segments.set(birth.id, new Segment({ birth, dropped: false, mark: undefined, annulled: [] }))
        return
      }
      case 'drop-timeline': {
        const segment = this.#segment(message.timeline)
        this.#write(() => this.store.dropTimeline(message.timeline))
        segment.dropped = true
        return
      }
      case 'repair': {
        const bytes = asBuffer(message.batch)
        verifyBatch(bytes, 'repair')
        const { timeline, first } = readBatchHeader(bytes)
        this.#write(() => this.store.replaceBatch({ timeline, first, bytes }))
        this.reader.forget()
        return
      }
      default:
        return unreachable(message)
    }
  }

  #truncate(message: VolumeMessage & { kind: 'truncate' }): void {
    const changed: { segment: Segment; ranges: Segment['annulled'] }[] = []
    for (const { timeline, ranges } of message.annulled) {
      const segment = this.segments.get(timeline)
      if (segment !== undefined && !sameRanges(segment.annulled, ranges)) changed.push({ segment, ranges })
    }
    if (changed.length === 0) return
    for (const { segment, ranges } of changed) segment.truncate(ranges)
    const identity = this.store.identity()
    this.#write(() => {
      const entries = changed.map(({ segment, ranges }) => ({
        timeline: segment.timeline,
        ranges,
        mark: segment.mark(),
      }))
      this.store.truncate(identity, entries)
    })
  }

  #append(message: VolumeMessage & { kind: 'append' }, reply: Reply): void {
    this.#checkWritable()
    const arrivals = message.batches.map((batch) => this.#arrive(asBuffer(batch)))
    const fresh = arrivals.filter(({ judged }) => judged === 'next' || judged === 'gap')
    if (fresh.length > 0) this.#write(() => this.store.append(fresh.map(toStored)))
    const touched = new Set(arrivals.map(({ segment }) => segment))
    const indexable: { segment: Segment; complete: readonly BatchHeader[]; pageList: Buffer }[] = []
    for (const { segment, header, bytes } of fresh) {
      const judged = segment.judge(header)
      if (judged !== 'next' && judged !== 'gap') continue
      const complete = segment.accept(header, judged)
      // The sender may reuse its memory once it has our answer.
      const pageList = Buffer.from(bytes.subarray(0, pageListLength(header)))
      indexable.push({ segment, complete, pageList })
    }
    const segments = [...touched].map(({ timeline, scl }) => ({ timeline, scl }))
    reply({ kind: 'appended', id: message.id, segments })
    for (const { segment, complete, pageList } of indexable) this.#index(segment, complete, pageList)
  }

  #arrive(bytes: Buffer): Arrival {
    verifyBatch(bytes, 'message')
    const header = readBatchHeader(bytes)
    const segment = this.#segment(header.timeline)
    return { segment, header, bytes, judged: segment.judge(header) }
  }

  /** Adds complete batches to the page index. `bytes` is the page list of the first; the store has the others. */
  #index(segment: Segment, complete: readonly BatchHeader[], bytes: Buffer): void {
    for (const [index, header] of complete.entries()) {
      const pageList = index === 0 ? bytes : this.store.batchAt(segment.timeline, header.first)
      if (pageList === undefined) continue
      this.unindexed.pages += segment.index(pageList, header)
      this.unindexed.bytes += header.rawLength
      this.reader.recent.add(header, pageList)
      this.unindexed.batches++
    }
  }

  #readPage(message: VolumeMessage & { kind: 'read-page' }, reply: Reply): void {
    const segment = this.#segment(message.timeline)
    this.#checkReach(segment, message.lsn)
    const image = this.reader.read(segment, message.page, message.lsn)
    const own =
      image.byteOffset === 0 && image.byteLength === image.buffer.byteLength ? image : Uint8Array.from(image)
    const bytes = new Uint8Array(own.buffer as ArrayBuffer)
    reply({ kind: 'page', id: message.id, image: bytes }, bytes.buffer)
  }

  /** Refuses a read that this node's log, or that of an ancestor, does not reach. */
  #checkReach(segment: Segment, lsn: Lsn): void {
    let at: Segment | undefined = segment
    let reach = lsn
    while (at !== undefined) {
      if (reach > at.base && at.scl < reach) {
        throw new Refusal('behind', `timeline ${at.timeline} is complete to ${formatLsn(at.scl)} only`)
      }
      const { parent } = at.birth
      if (parent === undefined) return
      reach = Math.min(reach, parent.lsn) as Lsn
      at = this.#segment(parent.timeline)
    }
  }

  #fetchLog(timeline: TimelineId, after: Lsn, sizeMax: number): { batches: Uint8Array[]; scl: Lsn } {
    const segment = this.#segment(timeline)
    const batches: Uint8Array[] = []
    let size = 0
    let at = after
    while (at < segment.scl && size < sizeMax) {
      const bytes = this.#batchFollowing(segment, at)
      if (bytes === undefined) break
      batches.push(bytes)
      size += bytes.length
      at = segment.lastOf(readBatchHeader(bytes))
    }
    return { batches, scl: segment.scl }
  }

  /** The batch that holds the first record above `lsn`. */
  #batchFollowing(segment: Segment, lsn: Lsn): Buffer | undefined {
    const around = this.store.batchAt(segment.timeline, lsn)
    if (around !== undefined && segment.lastOf(readBatchHeader(around)) > lsn)
      return this.#sound(segment, around)
    let at = lsn
    for (;;) {
      const next = this.store.batchAfter(segment.timeline, at)
      if (next === undefined) return undefined
      const header = readBatchHeader(next)
      if (!segment.isAnnulled(header.first)) return this.#sound(segment, next)
      at = header.first
    }
  }

  #sound(segment: Segment, bytes: Buffer): Buffer {
    try {
      verifyBatch(bytes, `${this.store.where}: table log`)
      return bytes
    } catch (error) {
      const { first } = readBatchHeader(bytes)
      throw new DamagedBatch(segment.timeline, first, error instanceof Error ? error.message : 'unreadable')
    }
  }

  #segment(timeline: TimelineId): Segment {
    const segment = this.segments.get(timeline)
    if (segment === undefined) throw new Refusal('behind', `timeline ${timeline} is not known here`)
    return segment
  }

  #state(): NodeState {
    const timelines = [...this.segments.values()].map((segment) => ({
      ...segment.state(),
      birth: segment.birth,
      dropped: segment.dropped,
      annulled: segment.annulled,
    }))
    return { protocol: PROTOCOL_VERSION, ...this.store.identity(), timelines, damage: this.#damage }
  }

  #statistics(): Extract<NodeMessage, { kind: 'statistics' }>['statistics'] {
    let gaps = 0
    for (const segment of this.segments.values()) gaps += segment.pending.size
    const { pagesRead, recordsApplied, batchesRead } = this.reader
    return { ...this.store.statistics(), gaps, pagesRead, recordsApplied, batchesRead }
  }

  /** Runs a write; a disk error makes the node refuse all writes from then on. */
  #write(work: () => void): void {
    try {
      work()
    } catch (error) {
      if (error instanceof StorageError) this.fail(error)
      throw error
    }
  }

  #failure(id: number, error: unknown): NodeMessage {
    const damaged = error instanceof DamagedBatch ? { timeline: error.timeline, lsn: error.lsn } : undefined
    const fatal = error === this.#failed
    if (error instanceof StorageError) {
      const { message, detail } = error
      return { kind: 'failed', id, failure: error.kind, message, detail, damaged, fatal }
    }
    if (error instanceof Refusal) {
      return {
        kind: 'failed',
        id,
        failure: error.kind,
        message: error.message,
        detail: undefined,
        damaged,
        fatal,
      }
    }
    throw error
  }
}

function toStored({ header, bytes }: Arrival): StoredBatch {
  return { timeline: header.timeline, first: header.first, bytes }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function sameRanges(a: Segment['annulled'], b: Segment['annulled']): boolean {
  return (
    a.length === b.length &&
    a.every((range, at) => range.above === b[at]?.above && range.upTo === b[at]?.upTo)
  )
}
