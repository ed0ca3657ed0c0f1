// Restore: reads an archive and fills fresh nodes with what the cluster held at one instant.
//
//   archive ─▶ newest base before the instant ─▶ log objects, in sequence ─▶ each timeline cut at its last commit by then
//                                                                         ─▶ the nodes' stores
//
// Every byte that is used is verified on the way: each object's digest, each batch's checksum, the chain of batches from
// one object to the next, and the sequence of objects. Anything amiss stops the restore with the object's name. The
// protection group 0 has the commit records, so it is restored first and says where each timeline is cut.

import { inflateRawSync } from 'node:zlib'

import { StorageError } from '../base/errors.ts'
import { FIRST_GROUP, formatLsn, type GroupNo, type Lsn, LSN_ZERO, type TimelineId } from '../base/ids.ts'
import { PAGE_SIZE_BYTES } from '../base/limits.ts'
import { readBatchHeader, verifyBatch } from '../message/batch.ts'
import type {
  AnnulledRange,
  ImageCopy,
  SegmentKey,
  SegmentState,
  TimelineBirth,
  TimelineState,
} from '../message/message.ts'
import {
  type ArchivedRun,
  type ArchiveObject,
  type ArchivePosition,
  basePart,
  CLUSTER_NAME,
  type ClusterRecord,
  decodeArchive,
  decodeRecord,
  logName,
  logPrefix,
  positionName,
  sequenceOf,
} from './format.ts'
import { cutOf } from './cut.ts'
import { listAll, type ObjectStore } from './object-store.ts'
import { findBases, type FoundBase } from './prune.ts'

/** The nodes that are filled, all alike. Calls throw StorageError. */
export interface RestoreTarget {
  putTimeline(birth: TimelineBirth): void
  dropTimeline(timeline: TimelineId): void
  /** The segment's log begins behind `logAfter`. Comes before anything else of the segment. */
  beginSegment(segment: SegmentState): void
  putImages(segment: SegmentKey, images: readonly ImageCopy[]): void
  append(batches: readonly Buffer[]): void
  /** All ranges of a timeline that never happened, so far. */
  annul(timeline: TimelineId, ranges: readonly AnnulledRange[]): void
}

/** The instant: microseconds since 1970, or undefined for the newest that is archived. */
export interface RestoreOrder {
  readonly store: ObjectStore
  readonly atMicros: number | undefined
  readonly target: RestoreTarget
}

export interface Restored {
  readonly objectsRead: number
  /** Where each timeline was cut. */
  readonly cuts: ReadonlyMap<TimelineId, Lsn>
}

/** How many protection groups the archive has, and how large their segments are. Rejects with StorageError. */
export async function countGroups(
  store: ObjectStore,
): Promise<{ readonly groups: number; readonly segmentSizeBytes: number }> {
  const bytes = await store.get(CLUSTER_NAME)
  if (bytes === undefined) throw new StorageError('io', `${store.where} holds no backup`)
  const { segmentSizeBytes } = decodeRecord<ClusterRecord>(bytes, CLUSTER_NAME)
  let groups = 0
  while ((await store.get(positionName(groups as GroupNo))) !== undefined) groups++
  if (groups === 0) throw new StorageError('io', `${store.where}: the backup has not begun`)
  return { groups, segmentSizeBytes }
}

/** Rejects with StorageError: 'corrupt' naming the object, 'out-of-window' naming the window. */
export async function restore(order: RestoreOrder): Promise<Restored> {
  const { groups } = await countGroups(order.store)
  const restoring = new Restoring(order)
  for (let group = FIRST_GROUP; group < groups; group = (group + 1) as GroupNo) await restoring.group(group)
  return { objectsRead: restoring.objectsRead, cuts: restoring.cuts }
}

/** A timeline on its way. */
interface Progress {
  readonly birth: TimelineBirth
  annulled: readonly AnnulledRange[]
  dropped: boolean
  /** Complete up to here in the group that is being restored; undefined until its segment begins. */
  reached: Lsn | undefined
  /** Nothing above belongs to the instant; undefined while it is not known (group 0 finds it). */
  cut: Lsn | undefined
  /** Highest consistency point met that belongs to the instant. */
  consistent: Lsn
}

const NO_POSITION: ArchivePosition = {
  node: 0,
  untilMicros: 0,
  sequence: 0,
  wallMicros: 0,
  baseMicros: 0,
  segments: [],
}

class Restoring {
  objectsRead = 0
  readonly cuts = new Map<TimelineId, Lsn>()
  readonly #order: RestoreOrder
  readonly #timelines = new Map<TimelineId, Progress>()
  #atMicros: number
  #group: GroupNo = FIRST_GROUP
  #base: FoundBase = { folder: '', parts: 0, startedMicros: 0, completedMicros: 0, nextSequence: 1 }

  #position: ArchivePosition = NO_POSITION

  constructor(order: RestoreOrder) {
    this.#order = order
    this.#atMicros = order.atMicros ?? Number.MAX_SAFE_INTEGER
  }

  async group(group: GroupNo): Promise<void> {
    const { store } = this.#order
    const name = positionName(group)
    const bytes = await store.get(name)
    if (bytes === undefined) throw new StorageError('corrupt', `backup object ${name} is missing`)
    const position = decodeRecord<ArchivePosition>(bytes, name)
    if (this.#order.atMicros === undefined) this.#atMicros = Math.min(this.#atMicros, position.wallMicros)
    this.#group = group
    for (const progress of this.#timelines.values()) progress.reached = undefined
    const base = await this.#chooseBase(position)
    this.#base = base
    this.#position = position
    for (let part = 1; part <= base.parts; part++) await this.#object(basePart(base.folder, part), true)
    for (const log of await this.#logNames(base, position)) await this.#object(log, false)
    if (this.#timelines.size === 0) throw this.#outOfWindow(base.startedMicros, position)
    this.#close(position)
  }

  async #chooseBase(position: ArchivePosition): Promise<FoundBase> {
    const bases = await findBases(this.#order.store, this.#group)
    const oldest = bases[0]
    if (oldest === undefined || this.#atMicros > position.wallMicros) {
      throw this.#outOfWindow(oldest?.startedMicros, position)
    }
    // The first base holds the log back to where the node had it: perhaps to before it was begun.
    return bases.findLast(({ completedMicros }) => completedMicros <= this.#atMicros) ?? oldest
  }

  #outOfWindow(fromMicros: number | undefined, { wallMicros }: ArchivePosition): StorageError {
    const from = fromMicros === undefined ? 'nowhere' : timeText(fromMicros)
    const window = `The backup reaches from ${from} to ${timeText(wallMicros)}.`
    return new StorageError('out-of-window', `nothing is archived of ${timeText(this.#atMicros)}`, window)
  }

  /** The log objects behind a base, none missing. */
  async #logNames(base: FoundBase, position: ArchivePosition): Promise<string[]> {
    const prefix = logPrefix(this.#group)
    const all = await listAll(this.#order.store, prefix)
    const names = all.filter((name) => sequenceOf(name) >= base.nextSequence)
    const there = new Set(names.map(sequenceOf))
    for (let sequence = base.nextSequence; sequence <= position.sequence; sequence++) {
      if (!there.has(sequence)) {
        const missing = logName(this.#group, sequence, position.node)
        throw new StorageError('corrupt', `backup object ${missing} is missing`)
      }
    }
    return names
  }

  async #object(name: string, isBase: boolean): Promise<void> {
    const bytes = await this.#order.store.get(name)
    if (bytes === undefined) throw new StorageError('corrupt', `backup object ${name} is missing`)
    this.objectsRead++
    const object = decodeArchive(bytes, name)
    for (const state of object.head.timelines) this.#timeline(state, object.head.wallMicros)
    let at = 0
    for (const run of object.head.runs) {
      const batches = object.batches.slice(at, (at += run.lengths.length))
      const progress = this.#timelines.get(run.timeline)
      if (progress !== undefined) this.#run(progress, run, batches, name)
    }
    if (isBase) this.#images(object, name)
  }

  #timeline(state: TimelineState, wallMicros: number): void {
    const { birth, annulled } = state
    if (birth.createdMicros > this.#atMicros) return
    const { target } = this.#order
    let progress = this.#timelines.get(birth.id)
    if (progress === undefined) {
      const consistent = birth.parent?.lsn ?? LSN_ZERO
      progress = { birth, annulled: [], dropped: false, reached: undefined, cut: undefined, consistent }
      this.#timelines.set(birth.id, progress)
      target.putTimeline(birth)
    }
    if (annulled.length > progress.annulled.length) {
      progress.annulled = annulled
      for (const { above, upTo } of annulled) {
        const { reached } = progress
        if (reached !== undefined && reached > above && reached <= upTo) progress.reached = above
      }
      target.annul(birth.id, annulled)
    }
    if (state.dropped && wallMicros <= this.#atMicros && !progress.dropped) {
      progress.dropped = true
      target.dropTimeline(birth.id)
    }
  }

  #run(progress: Progress, run: ArchivedRun, batches: readonly Buffer[], name: string): void {
    const { target } = this.#order
    if (progress.reached === undefined) {
      const { segment } = run
      if (segment === undefined)
        throw new StorageError('corrupt', `an object before backup object ${name} is missing`)
      progress.reached = segment.logAfter
      if (segment.logAfter > progress.consistent) this.#beginLate(progress, segment.logAfter)
      target.beginSegment(segment)
    }
    const taken: Buffer[] = []
    for (const bytes of batches) {
      verifyBatch(bytes, `backup object ${name}`)
      if (this.#take(progress, bytes, name)) taken.push(bytes)
    }
    if (taken.length > 0) target.append(taken)
  }

  /** The log before `after` was collected before the base was begun; so an earlier instant cannot be told. */
  #beginLate(progress: Progress, after: Lsn): void {
    if (this.#group !== FIRST_GROUP) return
    if (this.#atMicros < this.#base.startedMicros)
      throw this.#outOfWindow(this.#base.startedMicros, this.#position)
    progress.consistent = after
  }

  /** Whether a batch holds something that belongs to the instant and is not there yet. */
  #take(progress: Progress, bytes: Buffer, name: string): boolean {
    const header = readBatchHeader(bytes)
    const reached = progress.reached ?? LSN_ZERO
    if (progress.cut !== undefined && reached >= progress.cut) return false
    const annulled = progress.annulled.some(({ above, upTo }) => header.first > above && header.first <= upTo)
    if (annulled || header.last <= reached) return false
    if (header.previous > reached) {
      const missing = `log of timeline ${progress.birth.id} from ${formatLsn(reached)} to ${formatLsn(header.previous)}`
      throw new StorageError('corrupt', `an object before backup object ${name} is missing: ${missing}`)
    }
    if (this.#group === FIRST_GROUP) {
      const { cut, consistent } = cutOf(bytes, header, this.#atMicros, progress)
      progress.consistent = consistent
      progress.cut = cut
      if (cut !== undefined && cut <= reached) return false
    }
    progress.reached = header.last
    return true
  }

  #images({ head, images }: ArchiveObject, name: string): void {
    for (const [index, { timeline, page, lsn, length }] of head.images.entries()) {
      const progress = this.#timelines.get(timeline)
      const stored = images[index]
      if (progress === undefined || stored === undefined) continue
      const bytes = length < PAGE_SIZE_BYTES ? inflateRawSync(stored) : stored
      if (bytes.length !== PAGE_SIZE_BYTES) {
        throw new StorageError('corrupt', `backup object ${name}: page ${page} has a wrong length`)
      }
      // Images above the cut are of no use, and do no harm once they are annulled; but the cut may be known already.
      if (progress.cut !== undefined && lsn > progress.cut) continue
      this.#order.target.putImages({ timeline, group: this.#group }, [{ page, lsn, bytes }])
    }
  }

  /** Cuts every timeline, and checks that the archive held all that its position promises. */
  #close(position: ArchivePosition): void {
    const { target } = this.#order
    const promised = new Map(position.segments)
    for (const [timeline, progress] of this.#timelines) {
      const reached = progress.reached ?? progress.birth.parent?.lsn ?? LSN_ZERO
      if (progress.cut === undefined && reached < (promised.get(timeline) ?? 0) && !progress.dropped) {
        const missing = `timeline ${timeline} ends at ${formatLsn(reached)}`
        throw new StorageError('corrupt', `backup of group ${this.#group}: ${missing}, more was archived`)
      }
      const cut = progress.cut ?? progress.consistent
      progress.cut = cut
      this.cuts.set(timeline, cut)
      if (reached > cut) {
        progress.annulled = [...progress.annulled, { above: cut, upTo: reached }]
        target.annul(timeline, progress.annulled)
      }
    }
  }
}

function timeText(micros: number): string {
  return micros === Number.MAX_SAFE_INTEGER ? 'now' : new Date(micros / 1000).toISOString()
}
