// A SegmentStore in one SQLite file (schema and settings: sqlite-schema.ts) and the hot log before it (hot-log.ts).
//
//   append ─▶ hot log (one write) ─▶ acknowledged ─ ─ housekeep, checkpoint ─▶ table log: many batches, one transaction
//          └▶ too large, or no room there: one transaction with all that is hot ──────▲
//
// Whatever the door calls durable, besides append, runs with synchronous=FULL. Derived data runs with
// synchronous=NORMAL: SQLite then writes its WAL without waiting, and the next fsync carries it along. So does the move
// from the hot log, whose space is not used again before such an fsync. A derived row never survives without the batches
// it was derived from: those are durable, here or there, before anything is derived.

import type Database from 'better-sqlite3'
import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib'

import { StorageError } from '../base/errors.ts'
import { type Epoch, type Lsn, type PageNo, type TimelineId, formatLsn } from '../base/ids.ts'
import { PAGE_SIZE_BYTES } from '../base/limits.ts'
import type { AnnulledRange, TimelineBirth } from '../message/message.ts'
import { BatchDirectory } from './batch-directory.ts'
import { HOT_LOG_SIZE_BYTES, HotLog, type HotLogMark } from './hot-log.ts'
import {
  lowerMark,
  type PageImage,
  type PageTail,
  type SegmentMark,
  type SegmentStore,
  type StoredBatch,
  type StoredTimeline,
  type StoreIdentity,
  type StoreStatistics,
} from './segment-store.ts'
import { openHotFile } from './sqlite-hot-file.ts'
import {
  DATABASE_PAGE_SIZE_BYTES,
  openNodeDatabase,
  translateSqliteError,
  WAL_CHECKPOINT_IDLE_PAGES,
  WAL_CHECKPOINT_PAGES,
} from './sqlite-schema.ts'
import { type NodeStatements, prepareStatements, type TimelineRow } from './sqlite-statements.ts'

/** An image is stored deflated when that saves at least a quarter. */
const IMAGE_DEFLATED_SIZE_BYTES_MAX = (PAGE_SIZE_BYTES * 3) / 4
/** A guess at the pages that a transaction of derived data writes. */
const DERIVED_PAGES = 32
/** The hot log is moved in portions of this size, a few milliseconds each; less waits until nothing else is to be done. */
const MOVED_AT_ONCE_BYTES = 256 * 1024
/** Once this much was moved without an fsync, the next move does one. */
const MOVED_UNSYNCED_BYTES_MAX = HOT_LOG_SIZE_BYTES / 4

export class SqliteSegmentStore implements SegmentStore {
  readonly where: string
  readonly #db: Database.Database
  readonly #sql: NodeStatements
  readonly #hot: HotLog
  readonly #directory = new BatchDirectory()
  /** About how many pages SQLite's WAL got since it was last copied back. */
  #walPages = 0
  #position: number
  #indexedTo: number
  #identity: StoreIdentity

  /** Opens or creates the file at `path`, and the hot log beside it; `sizeBytesMax` bounds its size. Throws StorageError. */
  constructor(path: string, limits: { readonly sizeBytesMax?: number | undefined } = {}) {
    this.where = path
    this.#db = openNodeDatabase(path)
    if (limits.sizeBytesMax !== undefined) {
      this.#db.pragma(`max_page_count = ${Math.ceil(limits.sizeBytesMax / DATABASE_PAGE_SIZE_BYTES)}`)
    }
    this.#sql = prepareStatements(this.#db)
    const meta = this.#sql.meta.get() as {
      cluster_id: string
      volume_epoch: Epoch
      membership_epoch: Epoch
      indexed_to: number
    }
    this.#identity = {
      clusterId: meta.cluster_id,
      volumeEpoch: meta.volume_epoch,
      membershipEpoch: meta.membership_epoch,
    }
    this.#indexedTo = meta.indexed_to
    this.#hot = this.#openHotLog(`${path}-hot`)
    const lastRow = (this.#sql.lastRow.get() as { id: number | null }).id ?? 0
    this.#position = this.#hot.lastRow ?? lastRow
    for (const row of this.#sql.rowsAfter.iterate(this.#indexedTo)) {
      const { id, timeline, first } = row as { id: number; timeline: TimelineId; first: Lsn }
      this.#directory.add(timeline, first, id)
    }
    this.#hot.visit((row, timeline, first) => this.#directory.add(timeline, first, row))
  }

  #openHotLog(path: string): HotLog {
    try {
      return new HotLog(openHotFile(path, HOT_LOG_SIZE_BYTES), this.#sql.hotLog.get() as HotLogMark)
    } catch (error) {
      this.#db.close()
      throw error
    }
  }

  identity(): StoreIdentity {
    return this.#identity
  }

  setIdentity(identity: StoreIdentity): void {
    this.#durable(() => this.#writeIdentity(identity))
    this.#identity = identity
  }

  #writeIdentity(identity: StoreIdentity): void {
    this.#sql.setMeta.run(identity.clusterId, identity.volumeEpoch, identity.membershipEpoch)
  }

  timelines(): readonly StoredTimeline[] {
    const ranges = new Map<TimelineId, AnnulledRange[]>()
    for (const row of this.#sql.annulled.iterate()) {
      const { timeline, above, up_to: upTo } = row as { timeline: TimelineId; above: Lsn; up_to: Lsn }
      const list = ranges.get(timeline)
      if (list === undefined) ranges.set(timeline, [{ above, upTo }])
      else list.push({ above, upTo })
    }
    return (this.#sql.timelines.all() as TimelineRow[]).map((row) => ({
      birth: {
        id: row.id,
        parent: row.parent === null ? undefined : { timeline: row.parent, lsn: row.parent_lsn ?? (0 as Lsn) },
        createdMicros: row.created_micros,
      },
      dropped: row.dropped !== 0,
      mark: markOf(row),
      annulled: ranges.get(row.id) ?? [],
    }))
  }

  putTimeline(birth: TimelineBirth): void {
    const { parent } = birth
    this.#durable(() =>
      this.#sql.putTimeline.run(birth.id, parent?.timeline ?? null, parent?.lsn ?? null, birth.createdMicros),
    )
  }

  dropTimeline(timeline: TimelineId): void {
    this.#durable(() => this.#sql.dropTimeline.run(timeline))
  }

  truncate(
    identity: StoreIdentity,
    timelines: readonly { timeline: TimelineId; ranges: readonly AnnulledRange[]; mark: SegmentMark }[],
  ): void {
    const marks = new Map(this.timelines().map((stored) => [stored.birth.id, stored.mark]))
    this.#durable(() => {
      this.#writeIdentity(identity)
      for (const { timeline, ranges, mark } of timelines) {
        this.#sql.deleteAnnulled.run(timeline)
        for (const range of ranges) this.#sql.putAnnulled.run(timeline, range.above, range.upTo)
        const old = marks.get(timeline)
        if (old !== undefined) this.#setMark(lowerMark(old, mark))
      }
    })
    this.#identity = identity
  }

  #setMark(mark: SegmentMark): void {
    this.#sql.setMark.run(mark.scl, mark.consistent, mark.end, mark.vdl, mark.timeline)
  }

  append(batches: readonly StoredBatch[]): void {
    let row = this.#position
    if (!this.#hot.append(row + 1, batches)) {
      this.#durable(() => {
        const upTo = this.#insertHot(Infinity)
        for (const [index, batch] of batches.entries()) this.#insert(row + 1 + index, batch)
        return upTo
      })
    }
    for (const batch of batches) this.#directory.add(batch.timeline, batch.first, ++row)
    this.#position = row
  }

  #insert(row: number, { timeline, first, bytes }: StoredBatch): void {
    this.#walPages += bytes.length / DATABASE_PAGE_SIZE_BYTES
    this.#sql.append.run(row, timeline, first, bytes)
  }

  /** Within a transaction: copies the oldest of the hot log to its table, and returns how far the hot log was moved then. */
  #insertHot(sizeMax: number): number {
    const { batches, upTo } = this.#hot.oldest(sizeMax)
    for (const batch of batches) this.#insert(batch.row, batch)
    if (batches.length > 0) this.#sql.setHotBegin.run(upTo)
    return upTo
  }

  replaceBatch(batch: StoredBatch): void {
    const row = this.#rowAt(batch.timeline, batch.first)
    if (row === undefined || row.first !== batch.first) return
    this.#durable(() => {
      const upTo = this.#insertHot(Infinity)
      this.#sql.replaceBatch.run(batch.bytes, row.row)
      return upTo
    })
  }

  batchAt(timeline: TimelineId, lsn: Lsn): Buffer | undefined {
    const found = this.#rowAt(timeline, lsn)
    return found === undefined ? undefined : this.#batchOf(found.row)
  }

  #rowAt(timeline: TimelineId, lsn: Lsn): { first: number; row: number } | undefined {
    const recent = this.#directory.atOrBefore(timeline, lsn)
    const indexed = this.#sql.rowAt.get(timeline, lsn) as { first: number; row: number } | undefined
    if (recent === undefined || indexed === undefined) return recent ?? indexed
    return recent.first > indexed.first ? recent : indexed
  }

  batchAfter(timeline: TimelineId, lsn: Lsn): Buffer | undefined {
    const recent = this.#directory.after(timeline, lsn)
    const indexed = this.#sql.rowAfter.get(timeline, lsn) as { first: number; row: number } | undefined
    if (recent === undefined || (indexed !== undefined && indexed.first < recent.first)) {
      return indexed === undefined ? undefined : this.#batchOf(indexed.row)
    }
    return this.#batchOf(recent.row)
  }

  #batchOf(row: number): Buffer | undefined {
    try {
      return this.#hot.read(row) ?? (this.#sql.batch.get(row) as { bytes: Buffer } | undefined)?.bytes
    } catch (error) {
      throw translateSqliteError(error, this.where)
    }
  }

  visitUnindexed(visit: (batch: StoredBatch) => void): void {
    for (const row of this.#sql.batchesAfter.iterate(this.#indexedTo)) visit(row as StoredBatch)
    for (const batch of this.#hot.oldest(Infinity).batches) visit(batch)
  }

  imageAt(timeline: TimelineId, page: PageNo, lsn: Lsn): { lsn: Lsn; bytes: Buffer } | undefined {
    const row = this.#sql.imageAt.get(timeline, page, lsn) as
      | { lsn: Lsn; crc: number; deflated: number; bytes: Buffer }
      | undefined
    if (row === undefined) return undefined
    if (crc32(row.bytes) !== row.crc) {
      const at = `page ${page} of timeline ${timeline} at ${formatLsn(row.lsn)}`
      throw new StorageError('corrupt', `${this.where}: table images: checksum of ${at} does not match`)
    }
    return { lsn: row.lsn, bytes: row.deflated === 0 ? row.bytes : inflateRawSync(row.bytes) }
  }

  imageAbove(timeline: TimelineId, page: PageNo, lsn: Lsn): Lsn | undefined {
    return (this.#sql.imageAbove.get(timeline, page, lsn) as { lsn: Lsn } | undefined)?.lsn
  }

  putImages(images: readonly PageImage[]): void {
    this.#derived(() => {
      for (const image of images) {
        const deflated = deflateRawSync(image.bytes, { level: 1 })
        const pays = deflated.length <= IMAGE_DEFLATED_SIZE_BYTES_MAX
        const bytes = pays ? deflated : image.bytes
        this.#sql.putImage.run(image.timeline, image.page, image.lsn, crc32(bytes), pays ? 1 : 0, bytes)
        this.#sql.dropTail.run(image.timeline, image.page, image.lsn)
        this.#sql.restartTail.run(image.timeline, image.page)
      }
    })
  }

  dropImage(timeline: TimelineId, page: PageNo, lsn: Lsn): void {
    this.#derived(() => this.#sql.dropImage.run(timeline, page, lsn))
  }

  tail(timeline: TimelineId, page: PageNo): Lsn | undefined {
    return (this.#sql.tail.get(timeline, page) as { lsn: Lsn } | undefined)?.lsn
  }

  putTails(tails: readonly PageTail[]): void {
    this.#derived(() => {
      for (const tail of tails) this.#sql.putTail.run(tail.timeline, tail.page, tail.lsn, tail.count)
    })
  }

  longChains(countMin: number, limit: number): readonly PageTail[] {
    const longest = this.#sql.longChains.all(limit) as PageTail[]
    return longest.filter(({ count }) => count >= countMin)
  }

  position(): number {
    return this.#position
  }

  checkpoint(position: number, marks: readonly SegmentMark[]): void {
    this.#derived(() => {
      const upTo = this.#insertHot(Infinity)
      this.#sql.indexLog.run(this.#indexedTo, position)
      for (const mark of marks) this.#setMark(mark)
      this.#sql.setIndexedTo.run(position)
      return upTo
    })
    this.#directory.forgetRows(position)
    this.#indexedTo = position
  }

  housekeep(idle: boolean): void {
    if (this.#hot.hotSizeBytes >= (idle ? 1 : MOVED_AT_ONCE_BYTES)) {
      const move = (): number => this.#insertHot(MOVED_AT_ONCE_BYTES)
      if (this.#hot.movedSizeBytes < MOVED_UNSYNCED_BYTES_MAX) this.#derived(move)
      else this.#durable(move)
    }
    if (this.#walPages < (idle ? WAL_CHECKPOINT_IDLE_PAGES : WAL_CHECKPOINT_PAGES)) return
    this.#walPages = 0
    this.#db.pragma('wal_checkpoint(PASSIVE)')
  }

  statistics(): StoreStatistics {
    const images = this.#sql.countImages.get() as { count: number }
    const pages = this.#db.pragma('page_count', { simple: true }) as number
    const longChains = this.#sql.countLongChains.get() as { count: number }
    return {
      batches: this.#position,
      diskBytes: pages * DATABASE_PAGE_SIZE_BYTES,
      images: images.count,
      longChains: longChains.count,
    }
  }

  /** Leaves nothing in the hot log, unless the disk is full: then the next opening finds it there. */
  close(): void {
    if (!this.#db.open) return
    try {
      if (this.#hot.hotSizeBytes > 0) this.#durable(() => this.#insertHot(Infinity))
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
    } finally {
      this.#hot.close()
      this.#db.close()
    }
  }

  #durable(work: () => unknown): void {
    this.#transact(work, true)
  }

  #derived(work: () => unknown): void {
    this.#walPages += DERIVED_PAGES
    this.#db.pragma('synchronous = NORMAL')
    try {
      this.#transact(work, false)
    } finally {
      this.#db.pragma('synchronous = FULL')
    }
  }

  /** Runs a transaction. If `work` moves part of the hot log, it returns how far; it writes something then. */
  #transact(work: () => unknown, durably: boolean): void {
    try {
      this.#sql.begin.run()
      const upTo = work()
      this.#sql.commit.run()
      if (typeof upTo === 'number') this.#hot.moved(upTo, durably)
    } catch (error) {
      if (this.#db.inTransaction) this.#sql.rollback.run()
      throw translateSqliteError(error, this.where)
    }
  }
}

function markOf(row: TimelineRow): SegmentMark | undefined {
  if (row.scl === null || row.consistent === null || row.end_lsn === null || row.vdl === null)
    return undefined
  return { timeline: row.id, scl: row.scl, consistent: row.consistent, end: row.end_lsn, vdl: row.vdl }
}
