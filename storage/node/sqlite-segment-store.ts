// A SegmentStore in one SQLite file (schema and settings: sqlite-schema.ts) and the hot log before it (hot-log.ts).
//
//   append ─▶ hot log (one write) ─▶ acknowledged ─ ─ housekeep, checkpoint ─▶ table log: many batches, one transaction
//          └▶ too large, or no room there: one transaction with all that is hot ──────▲
//
// Whatever the door calls durable, besides append, runs with synchronous=FULL. Derived data runs with
// synchronous=NORMAL: SQLite then writes its WAL without waiting, and the next fsync carries it along. So does the move
// from the hot log, whose space is not used again before such an fsync. A derived row never survives without the batches
// it was derived from: those are durable, here or there, before anything is derived.
//
// While much is expected (a node that fills itself), SQLite runs with a rollback journal: new pages are then written once,
// to their place, where WAL mode writes them twice, and large transactions do not wait for small ones' sake. All commits
// are durable meanwhile, derived ones too.

import type Database from 'better-sqlite3'
import { existsSync, rmSync } from 'node:fs'

import { StorageError } from '../base/errors.ts'
import type { Lsn, PageNo, TimelineId } from '../base/ids.ts'
import type { Configuration } from '../message/configuration.ts'
import type { ImageCopy, SegmentKey } from '../message/message.ts'
import { HOT_LOG_SIZE_BYTES, type HotFile, HotLog, type HotLogMark } from './hot-log.ts'
import { SegmentSizes } from './segment-sizes.ts'
import {
  type DeadNumbers,
  type KeptCommit,
  type LogStart,
  lowerMark,
  type PageImage,
  type PageTail,
  type PageVersion,
  type SegmentMark,
  segmentNumber,
  type SegmentSize,
  type SegmentStore,
  type StoredBatch,
  type StoredSegment,
  type StoredTimeline,
  type StoreIdentity,
  type StoreStatistics,
  type Truncation,
} from './segment-store.ts'
import { openHotFile } from './sqlite-hot-file.ts'
import { ImageTable } from './sqlite-image-table.ts'
import { LogTable } from './sqlite-log-table.ts'
import {
  BULK_CACHE_SIZE_KIB,
  CACHE_SIZE_KIB,
  DATABASE_PAGE_SIZE_BYTES,
  openNodeDatabase,
  translateSqliteError,
  WAL_CHECKPOINT_IDLE_PAGES,
  WAL_CHECKPOINT_PAGES,
} from './sqlite-schema.ts'
import { type MetaRow, type NodeStatements, prepareStatements, type SegmentRow } from './sqlite-statements.ts'
import { isJustBorn } from './stored-births.ts'
import { TimelineTable } from './sqlite-timeline-table.ts'
import { SqliteTransactions } from './sqlite-transactions.ts'

/** The hot log is moved in portions of this size, a few milliseconds each; less waits until nothing else is to be done. */
const MOVED_AT_ONCE_BYTES = 256 * 1024
/** Once this much was moved without an fsync, the next move does one. */
const MOVED_UNSYNCED_BYTES_MAX = HOT_LOG_SIZE_BYTES / 4
/** Free pages go back to the file system once they are this many and more than this share, so many at a time. */
const FREE_PAGES_MIN = 512
const FREE_PAGES_SHARE_MIN = 1 / 16
const FREE_PAGES_AT_ONCE = 256
/** Bytes of log that `clear` drops at a time. */
const CLEARED_AT_ONCE_BYTES = 2 * 1024 * 1024

export interface SqliteStoreOptions {
  /** Bounds the size of the SQLite file. */
  readonly sizeBytesMax?: number | undefined
  /** Where the hot log lies; undefined: in a file beside the SQLite file. */
  readonly hotRegion?: HotFile | undefined
}

export class SqliteSegmentStore implements SegmentStore {
  readonly where: string
  readonly #db: Database.Database
  readonly #sql: NodeStatements
  readonly #hot: HotLog
  readonly #transactions: SqliteTransactions
  readonly #sizes = new SegmentSizes()
  readonly #timelines: TimelineTable
  readonly #log: LogTable
  readonly #images: ImageTable
  #identity: StoreIdentity
  /** The highest number of a timeline that was forgotten: whether that is on disk yet, nobody knows. */
  #forgotten = 0
  #configuration: Configuration | undefined

  /** Opens or creates the file at `path`. Throws StorageError. */
  constructor(path: string, options: SqliteStoreOptions = {}) {
    this.where = path
    const { sizeBytesMax, hotRegion } = options
    if (hotRegion !== undefined) leaveOwnHotFile(path)
    this.#db = openNodeDatabase(path)
    if (sizeBytesMax !== undefined) {
      this.#db.pragma(`max_page_count = ${Math.ceil(sizeBytesMax / DATABASE_PAGE_SIZE_BYTES)}`)
    }
    this.#sql = prepareStatements(this.#db)
    this.#timelines = new TimelineTable(this.#sql)
    this.#images = new ImageTable(path, this.#sql, this.#sizes)
    const meta = this.#sql.meta.get() as MetaRow
    this.#identity = {
      clusterId: meta.cluster_id,
      volumeEpoch: meta.volume_epoch,
      writer: meta.writer,
      joinedEpoch: meta.joined_epoch,
    }
    if (meta.configuration !== null) this.#configuration = JSON.parse(meta.configuration) as Configuration
    this.#hot = this.#openHotLog(hotRegion)
    this.#transactions = new SqliteTransactions(this.#db, this.#sql, this.#hot, path)
    this.#readSizes()
    this.#log = new LogTable({
      where: path,
      sql: this.#sql,
      hot: this.#hot,
      sizes: this.#sizes,
      transactions: this.#transactions,
      indexedTo: meta.indexed_to,
      putTimelines: (timelines) => this.#timelines.put(timelines),
    })
  }

  #openHotLog(region: HotFile | undefined): HotLog {
    try {
      const file = region ?? openHotFile(ownHotFile(this.where))
      return new HotLog(file, this.#sql.hotLog.get() as HotLogMark)
    } catch (error) {
      this.#db.close()
      throw error
    }
  }

  #readSizes(): void {
    for (const row of this.#sql.segments.all() as SegmentRow[]) {
      const { batches, log_bytes: logBytes, images, image_bytes: imageBytes, pages } = row
      const key = { timeline: row.timeline, group: row.grp }
      this.#sizes.set(key, { batches, logBytes, images, imageBytes, pages })
    }
  }

  identity(): StoreIdentity {
    return this.#identity
  }

  setIdentity(identity: StoreIdentity): void {
    this.#transactions.durable(() => this.#writeIdentity(identity))
    this.#identity = identity
  }

  #writeIdentity({ clusterId, volumeEpoch, writer, joinedEpoch }: StoreIdentity): void {
    this.#sql.setMeta.run(clusterId, volumeEpoch, writer, joinedEpoch)
  }

  configuration(): Configuration | undefined {
    return this.#configuration
  }

  setConfiguration(configuration: Configuration, identity: StoreIdentity): void {
    this.#transactions.durable(() => {
      this.#writeIdentity(identity)
      this.#sql.setConfiguration.run(JSON.stringify(configuration))
    })
    this.#identity = identity
    this.#configuration = configuration
  }

  timelines(): Iterable<StoredTimeline> {
    return this.#timelines.all()
  }

  segments(): readonly StoredSegment[] {
    return (this.#sql.segments.all() as SegmentRow[]).map((row) => ({
      timeline: row.timeline,
      group: row.grp,
      start: startOf(row),
      mark: markOf(row),
    }))
  }

  putTimelines(timelines: readonly StoredTimeline[]): void {
    const isNew = timelines.every((one) => isJustBorn(one) && one.birth.id > this.#forgotten)
    if (isNew && this.#log.appendBirths(timelines)) return
    this.#transactions.durable(this.#ofTimelines(() => this.#timelines.put(timelines)))
  }

  /** Work on the table of timelines: those that are only in the hot log come first. */
  #ofTimelines(work: () => void): () => number | undefined {
    return () => {
      const upTo = this.#log.insertBirths()
      work()
      return upTo
    }
  }

  dead(): DeadNumbers {
    return this.#timelines.dead()
  }

  bury(dead: DeadNumbers): void {
    this.#transactions.durable(this.#ofTimelines(() => this.#timelines.bury(dead)))
  }

  reviveTimeline(timeline: TimelineId): void {
    this.#transactions.durable(this.#ofTimelines(() => this.#timelines.revive(timeline)))
  }

  dropTimeline(timeline: TimelineId): void {
    this.#transactions.durable(this.#ofTimelines(() => this.#timelines.drop(timeline)))
  }

  forgetTimeline(timeline: TimelineId): void {
    this.#forgotten = Math.max(this.#forgotten, timeline)
    this.#transactions.derived(this.#ofTimelines(() => this.#timelines.forget(timeline)))
  }

  openSegment(start: LogStart, mark: SegmentMark): void {
    this.#transactions.durable(() => this.#writeStart(mark, start, mark))
  }

  startLog(segment: SegmentKey, start: LogStart, mark: SegmentMark | undefined): void {
    this.#transactions.derived(() => this.#writeStart(segment, start, mark))
  }

  #writeStart({ timeline, group }: SegmentKey, start: LogStart, mark: SegmentMark | undefined): void {
    this.#sql.makeSegment.run(timeline, group)
    this.#sql.setStart.run(start.birth, start.after, JSON.stringify(start.commits), timeline, group)
    if (mark !== undefined) this.#writeMark(mark)
  }

  #writeMark(mark: SegmentMark): void {
    const { scl, consistent, end, vdl, hasGap, timeline, group } = mark
    this.#sql.makeSegment.run(timeline, group)
    this.#sql.setMark.run(scl, consistent, end, vdl, hasGap ? 1 : 0, timeline, group)
  }

  truncate(truncations: readonly Truncation[]): void {
    const write = (): void => {
      for (const { timeline, ranges, marks } of truncations) {
        this.#timelines.annul(timeline, ranges)
        for (const mark of marks) {
          const row = this.#sql.segment.get(mark.timeline, mark.group) as SegmentRow | undefined
          const old = row === undefined ? undefined : markOf(row)
          if (old !== undefined) this.#writeMark(lowerMark(old, mark))
        }
      }
    }
    this.#transactions.durable(this.#ofTimelines(write))
  }

  append(batches: readonly StoredBatch[]): void {
    this.#log.append(batches)
  }

  replaceBatch(batch: StoredBatch): void {
    this.#log.replace(batch)
  }

  batchAt(segment: SegmentKey, lsn: Lsn): Buffer | undefined {
    return this.#log.at(segment, lsn)
  }

  batchAfter(segment: SegmentKey, lsn: Lsn): Buffer | undefined {
    return this.#log.after(segment, lsn)
  }

  batchesAfter(segment: SegmentKey, lsn: Lsn, sizeMax: number): readonly Buffer[] {
    return this.#log.allAfter(segment, lsn, sizeMax)
  }

  visitHeaders(segment: SegmentKey, lsn: Lsn, visit: (header: Buffer) => boolean): void {
    this.#log.visitHeaders(segment, lsn, visit)
  }

  visitUnindexed(visit: (batch: StoredBatch) => void): void {
    this.#log.visitUnindexed(visit)
  }

  dropLog(segment: SegmentKey, above: Lsn, upTo: Lsn, sizeMax: number): number {
    return this.#log.drop(segment, above, upTo, sizeMax)
  }

  imageAt(segment: SegmentKey, page: PageNo, lsn: Lsn): { lsn: Lsn; bytes: Buffer } | undefined {
    return this.#images.at(segment, page, lsn)
  }

  imageLsnAt(segment: SegmentKey, page: PageNo, lsn: Lsn): Lsn | undefined {
    return this.#images.lsnAt(segment, page, lsn)
  }

  imageAbove(segment: SegmentKey, page: PageNo, lsn: Lsn): Lsn | undefined {
    return this.#images.above(segment, page, lsn)
  }

  imagesAfter(
    segment: SegmentKey,
    after: PageVersion | undefined,
    sizeMax: number,
  ): { images: readonly ImageCopy[]; complete: boolean } {
    return this.#images.after(segment, after, sizeMax)
  }

  imageVersionsAfter(
    segment: SegmentKey,
    after: PageVersion | undefined,
    limit: number,
  ): readonly PageVersion[] {
    return this.#images.versionsAfter(segment, after, limit)
  }

  putImages(images: readonly PageImage[]): void {
    this.#transactions.derived(() => {
      for (const image of images) this.#images.put(image)
      const keys = new Map(images.map((image) => [segmentNumber(image), image]))
      for (const key of keys.values()) this.#log.writeSize(key)
    })
  }

  dropImages(segment: SegmentKey, versions: readonly PageVersion[]): void {
    this.#transactions.derived(() => {
      for (const version of versions) this.#images.drop(segment, version)
      this.#log.writeSize(segment)
    })
  }

  tail(segment: SegmentKey, page: PageNo): Lsn | undefined {
    return this.#images.tail(segment, page)
  }

  putTails(tails: readonly PageTail[]): void {
    this.#transactions.derived(() => {
      for (const tail of tails) this.#images.putTail(tail)
    })
  }

  longChains(countMin: number, limit: number): readonly PageTail[] {
    return this.#images.longChains(countMin, limit)
  }

  recordsSinceImages(segment: SegmentKey): number {
    return this.#images.recordsSinceImages(segment)
  }

  clear(segment: SegmentKey, limit: number): boolean {
    if (this.dropLog(segment, -1 as Lsn, Number.MAX_SAFE_INTEGER as Lsn, CLEARED_AT_ONCE_BYTES) > 0)
      return false
    let more = false
    this.#transactions.derived(() => {
      more = this.#images.clear(segment, limit)
      if (!more) this.#sql.deleteSegment.run(segment.timeline, segment.group)
    })
    if (!more) this.#sizes.delete(segment)
    return !more
  }

  size(segment: SegmentKey): SegmentSize {
    return this.#sizes.get(segment)
  }

  scrubLog(after: number, sizeMax: number, visit: (batch: StoredBatch) => void): number {
    return this.#log.scrub(after, sizeMax, visit)
  }

  scrubImages(after: number, limit: number, damaged: (image: SegmentKey & PageVersion) => void): number {
    return this.#images.scrub(after, limit, damaged)
  }

  expectMuch(isMuch: boolean): void {
    if (this.#transactions.isEachDurable === isMuch) return
    try {
      this.#db.pragma(`journal_mode = ${isMuch ? 'TRUNCATE' : 'WAL'}`)
      this.#db.pragma(`cache_size = -${isMuch ? BULK_CACHE_SIZE_KIB : CACHE_SIZE_KIB}`)
    } catch (error) {
      throw translateSqliteError(error, this.where)
    }
    this.#transactions.isEachDurable = isMuch
    this.#transactions.walPages = 0
  }

  position(): number {
    return this.#log.position
  }

  checkpoint(position: number, marks: readonly SegmentMark[]): void {
    this.#transactions.derived(() => {
      for (const mark of marks) this.#writeMark(mark)
      return this.#log.index(position)
    })
    this.#log.indexed(position)
  }

  housekeep(idle: boolean): void {
    // Each portion that is written takes along what is hot.
    if (this.#transactions.isEachDurable && this.#hot.hotSizeBytes < HOT_LOG_SIZE_BYTES / 2) return
    if (this.#hot.hotSizeBytes >= (idle ? 1 : MOVED_AT_ONCE_BYTES)) {
      const move = (): number => this.#log.insertHot(MOVED_AT_ONCE_BYTES)
      if (this.#hot.movedSizeBytes < MOVED_UNSYNCED_BYTES_MAX) this.#transactions.derived(move)
      else this.#transactions.durable(move)
    }
    if (this.#transactions.isEachDurable) return
    if (idle) this.#giveBackSpace()
    if (this.#transactions.walPages < (idle ? WAL_CHECKPOINT_IDLE_PAGES : WAL_CHECKPOINT_PAGES)) return
    this.#transactions.walPages = 0
    this.#db.pragma('wal_checkpoint(PASSIVE)')
  }

  #giveBackSpace(): void {
    const free = this.#db.pragma('freelist_count', { simple: true }) as number
    if (free < FREE_PAGES_MIN || free < this.#pageCount() * FREE_PAGES_SHARE_MIN) return
    this.#db.pragma('synchronous = NORMAL')
    this.#db.pragma(`incremental_vacuum(${FREE_PAGES_AT_ONCE})`)
    this.#db.pragma('synchronous = FULL')
    this.#transactions.walPages += FREE_PAGES_AT_ONCE
  }

  #pageCount(): number {
    return this.#db.pragma('page_count', { simple: true }) as number
  }

  statistics(): StoreStatistics {
    const images = this.#sql.countImages.get() as { count: number }
    const longChains = this.#sql.countLongChains.get() as { count: number }
    return {
      batches: this.#sizes.batches(),
      diskBytes: this.#pageCount() * DATABASE_PAGE_SIZE_BYTES,
      images: images.count,
      longChains: longChains.count,
      fsyncs: this.#transactions.fsyncs,
    }
  }

  /** Leaves nothing in the hot log, unless the disk is full: then the next opening finds it there. */
  close(): void {
    if (!this.#db.open) return
    try {
      if (this.#hot.hotSizeBytes > 0) this.#transactions.durable(() => this.#log.insertHot(Infinity))
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
    } finally {
      this.#hot.close()
      this.#db.close()
    }
  }
}

function ownHotFile(path: string): string {
  return `${path}-hot`
}

/** A node that had a hot log of its own takes it into its tables before it begins to write elsewhere. */
function leaveOwnHotFile(path: string): void {
  if (!existsSync(ownHotFile(path))) return
  new SqliteSegmentStore(path).close()
  rmSync(ownHotFile(path))
}

function startOf(row: SegmentRow): LogStart | undefined {
  const { start_birth: birth, start_after: after } = row
  if (birth === null || after === null) return undefined
  return { birth, after, commits: JSON.parse(row.start_commits ?? '[]') as KeptCommit[] }
}

function markOf(row: SegmentRow): SegmentMark | undefined {
  const { timeline, grp: group, scl, consistent, end_lsn: end, vdl, has_gap: hasGap } = row
  if (scl === null || consistent === null || end === null || vdl === null) return undefined
  return { timeline, group, scl, consistent, end, vdl, hasGap: hasGap === 1 }
}
