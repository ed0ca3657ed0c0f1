// The log of a SQLite store (sqlite-segment-store.ts): the hot log, the table it is moved to, and the index of both.
//
//   hot log ──insertHot──▶ table log ──index (at checkpoints)──▶ table log_index
//      └────── directory: what the index does not have yet ──┘

import { type GroupNo, type Lsn, LSN_ZERO, type TimelineId } from '../base/ids.ts'
import { BATCH_HEADER_SIZE_BYTES } from '../message/batch.ts'
import type { SegmentKey } from '../message/message.ts'
import { BatchDirectory, type BatchPlace } from './batch-directory.ts'
import { BIRTHS, type HotLog, isBirths } from './hot-log.ts'
import type { SegmentSizes } from './segment-sizes.ts'
import { segmentOfNumber, type StoredBatch, type StoredTimeline } from './segment-store.ts'
import { DATABASE_PAGE_SIZE_BYTES, translateSqliteError } from './sqlite-schema.ts'
import type { NodeStatements } from './sqlite-statements.ts'
import type { SqliteTransactions } from './sqlite-transactions.ts'
import { decodeBirths, encodeBirths } from './stored-births.ts'

interface LogRow {
  readonly id: number
  readonly timeline: TimelineId
  readonly grp: GroupNo
  readonly first: Lsn
}

/** What a log table works with. */
export interface LogTableParts {
  readonly where: string
  readonly sql: NodeStatements
  readonly hot: HotLog
  readonly sizes: SegmentSizes
  readonly transactions: SqliteTransactions
  /** What is in the index. */
  readonly indexedTo: number
  /** Within a transaction: puts timelines that were only in the hot log into their table. */
  readonly putTimelines: (timelines: readonly StoredTimeline[]) => void
}

export class LogTable {
  readonly #where: string
  readonly #sql: NodeStatements
  readonly #hot: HotLog
  readonly #sizes: SegmentSizes
  readonly #transactions: SqliteTransactions
  readonly #putTimelines: LogTableParts['putTimelines']
  readonly #directory = new BatchDirectory()
  #position: number
  #indexedTo: number

  /** `sizes` has what the last checkpoint wrote, and gets what came since. */
  constructor({ where, sql, hot, sizes, transactions, indexedTo, putTimelines }: LogTableParts) {
    this.#where = where
    this.#sql = sql
    this.#hot = hot
    this.#sizes = sizes
    this.#transactions = transactions
    this.#putTimelines = putTimelines
    this.#indexedTo = indexedTo
    const lastRow = (sql.lastRow.get() as { id: number | null }).id ?? 0
    // What was dropped may have been the newest; its numbers are not used again while they count as indexed.
    this.#position = Math.max(hot.lastRow ?? 0, lastRow, indexedTo)
    for (const each of sql.rowsAfter.iterate(indexedTo)) {
      const { id, timeline, grp, first, size } = each as LogRow & { size: number }
      this.#arrived({ timeline, group: grp }, { first, row: id, size })
    }
    hot.visit((row, batch) => {
      if (!isBirths(batch)) this.#arrived(batch, { first: batch.first, row, size: batch.length })
    })
    // Who reads timelines reads their table.
    if (hot.hasBirths) transactions.derived(() => this.insertHot(Infinity))
  }

  #arrived(segment: SegmentKey, { first, row, size }: BatchPlace): void {
    this.#directory.add(segment, first, row, size)
    this.#sizes.addLog(segment, 1, size)
  }

  get position(): number {
    return this.#position
  }

  append(batches: readonly StoredBatch[]): void {
    let row = this.#position
    if (this.#hot.append(row + 1, batches)) this.#transactions.fsyncs++
    else {
      this.#transactions.durable(() => {
        const upTo = this.insertHot(Infinity)
        for (const [index, batch] of batches.entries()) this.#insert(row + 1 + index, batch)
        return upTo
      })
    }
    for (const batch of batches)
      this.#arrived(batch, { first: batch.first, row: ++row, size: batch.bytes.length })
    this.#position = row
  }

  /** Puts births into the hot log, durably. False, and nothing happened, if there is no room. */
  appendBirths(timelines: readonly StoredTimeline[]): boolean {
    const births = { ...BIRTHS, first: LSN_ZERO, bytes: encodeBirths(timelines) }
    if (!this.#hot.append(this.#position + 1, [births])) return false
    this.#transactions.fsyncs++
    this.#position++
    return true
  }

  /** Within a transaction that is about timelines: those that are only in the hot log come first. As insertHot. */
  insertBirths(): number | undefined {
    return this.#hot.hasBirths ? this.insertHot(Infinity) : undefined
  }

  #insert(row: number, { timeline, group, first, bytes }: StoredBatch): void {
    this.#transactions.walPages += bytes.length / DATABASE_PAGE_SIZE_BYTES
    this.#sql.append.run(row, timeline, group, first, bytes)
  }

  /** Within a transaction: copies the oldest of the hot log to its table, and returns how far the hot log was moved then. */
  insertHot(sizeMax: number): number {
    const { batches, upTo } = this.#hot.oldest(sizeMax)
    for (const batch of batches) {
      if (isBirths(batch)) this.#putTimelines(decodeBirths(batch.bytes))
      else this.#insert(batch.row, batch)
    }
    if (batches.length > 0) this.#sql.setHotBegin.run(upTo)
    return upTo
  }

  replace(batch: StoredBatch): void {
    const place = this.#rowAt(batch, batch.first)
    if (place === undefined || place.first !== batch.first) return
    this.#transactions.durable(() => {
      const upTo = this.insertHot(Infinity)
      this.#sql.replaceBatch.run(batch.bytes, place.row)
      return upTo
    })
  }

  at(segment: SegmentKey, lsn: Lsn): Buffer | undefined {
    const found = this.#rowAt(segment, lsn)
    return found === undefined ? undefined : this.#batchOf(found.row)
  }

  after(segment: SegmentKey, lsn: Lsn): Buffer | undefined {
    const found = this.#rowAfter(segment, lsn)
    return found === undefined ? undefined : this.#batchOf(found.row)
  }

  #rowAt(segment: SegmentKey, lsn: Lsn): { first: number; row: number } | undefined {
    const recent = this.#directory.atOrBefore(segment, lsn)
    const { timeline, group } = segment
    const indexed = this.#sql.rowAt.get(timeline, group, lsn) as { first: number; row: number } | undefined
    if (recent === undefined || indexed === undefined) return recent ?? indexed
    return recent.first >= indexed.first ? recent : indexed
  }

  #rowAfter(segment: SegmentKey, lsn: Lsn): { first: Lsn; row: number } | undefined {
    const recent = this.#directory.after(segment, lsn)
    const { timeline, group } = segment
    const indexed = this.#sql.rowAfter.get(timeline, group, lsn) as { first: Lsn; row: number } | undefined
    if (recent === undefined || indexed === undefined) return recent ?? indexed
    return recent.first <= indexed.first ? recent : indexed
  }

  #batchOf(row: number): Buffer | undefined {
    try {
      return this.#hot.read(row) ?? (this.#sql.batch.get(row) as { bytes: Buffer } | undefined)?.bytes
    } catch (error) {
      throw translateSqliteError(error, this.#where)
    }
  }

  allAfter(segment: SegmentKey, lsn: Lsn, sizeMax: number): readonly Buffer[] {
    const batches: Buffer[] = []
    let size = 0
    let at = lsn
    // What the index has before the first recent one, in one go; where the two mingle, one by one.
    const recent = this.#directory.after(segment, lsn)?.first ?? Number.MAX_SAFE_INTEGER
    const { timeline, group } = segment
    for (const each of this.#sql.batchesBetween.iterate(timeline, group, lsn, recent)) {
      const { first, bytes } = each as { first: Lsn; bytes: Buffer }
      batches.push(bytes)
      at = first
      size += bytes.length
      if (size >= sizeMax) return batches
    }
    for (;;) {
      const place = this.#rowAfter(segment, at)
      const bytes = place === undefined ? undefined : this.#batchOf(place.row)
      if (place === undefined || bytes === undefined) return batches
      batches.push(bytes)
      at = place.first
      size += bytes.length
      if (size >= sizeMax) return batches
    }
  }

  visitHeaders(segment: SegmentKey, lsn: Lsn, visit: (header: Buffer) => boolean): void {
    let place = this.#rowAfter(segment, lsn)
    while (place !== undefined) {
      const { row, first } = place
      const found = this.#sql.batchHead.get(BATCH_HEADER_SIZE_BYTES, row) as { bytes: Buffer } | undefined
      const head = this.#hot.read(row) ?? found?.bytes
      if (head !== undefined && !visit(head)) return
      place = this.#rowAfter(segment, first)
    }
  }

  visitUnindexed(visit: (batch: StoredBatch) => void): void {
    for (const each of this.#sql.batchesAfter.iterate(this.#indexedTo)) visit(batchOf(each))
    for (const batch of this.#hot.oldest(Infinity).batches) if (!isBirths(batch)) visit(batch)
  }

  drop(segment: SegmentKey, above: Lsn, upTo: Lsn, sizeMax: number): number {
    const { timeline, group } = segment
    const doomed: BatchPlace[] = []
    let size = 0
    for (const each of this.#sql.sizesBetween.iterate(timeline, group, above, upTo)) {
      if (size >= sizeMax) break
      doomed.push(each as BatchPlace)
      size += (each as BatchPlace).size
    }
    const recent: BatchPlace[] = []
    let place = this.#directory.after(segment, above)
    while (place !== undefined && place.first <= upTo && size < sizeMax) {
      recent.push(place)
      size += place.size
      place = this.#directory.after(segment, place.first)
    }
    const count = doomed.length + recent.length
    if (count === 0) return 0
    this.#transactions.derived(() => {
      const moved = recent.length > 0 ? this.insertHot(Infinity) : undefined
      for (const { first } of doomed) this.#sql.unindexBatch.run(timeline, group, first)
      for (const { row } of [...doomed, ...recent]) this.#sql.deleteBatch.run(row)
      for (const each of recent) this.#directory.remove(segment, each)
      this.#sizes.addLog(segment, -count, -size)
      this.writeSize(segment, this.#indexedTo)
      return moved
    })
    return count
  }

  /** Within a transaction: writes what the segment takes, less the log that is not indexed: openings find that by themselves. */
  writeSize(segment: SegmentKey, indexedTo: number = this.#indexedTo): void {
    const { batches, logBytes, images, imageBytes, pages } = this.#sizes.get(segment)
    const recent = this.#directory.sum(segment, indexedTo)
    const { timeline, group } = segment
    this.#sql.makeSegment.run(timeline, group)
    const log = [batches - recent.batches, logBytes - recent.bytes]
    this.#sql.setSize.run(...log, images, imageBytes, pages, timeline, group)
  }

  scrub(after: number, sizeMax: number, visit: (batch: StoredBatch) => void): number {
    const taken: (StoredBatch & { readonly id: number })[] = []
    let size = 0
    for (const each of this.#sql.batchesAfter.iterate(after)) {
      taken.push({ id: (each as LogRow).id, ...batchOf(each) })
      size += (each as { bytes: Buffer }).bytes.length
      if (size >= sizeMax) break
    }
    for (const batch of taken) {
      if (this.#rowAt(batch, batch.first)?.row === batch.id) visit(batch)
      else this.#dropOrphan(batch)
    }
    return taken.at(-1)?.id ?? 0
  }

  /** A batch that came a second time, because the first copy was damaged or had been annulled: the index has that one. */
  #dropOrphan(batch: StoredBatch & { readonly id: number }): void {
    this.#transactions.derived(() => {
      this.#sql.deleteBatch.run(batch.id)
      this.#sizes.addLog(batch, -1, -batch.bytes.length)
      this.#directory.remove(batch, { first: batch.first, row: batch.id, size: batch.bytes.length })
      this.writeSize(batch)
    })
  }

  /** Within a transaction: indexes what is at or before `position`; `indexed` when it is committed. */
  index(position: number): number {
    const upTo = this.insertHot(Infinity)
    this.#sql.indexLog.run(this.#indexedTo, position)
    this.#sql.setIndexedTo.run(position)
    for (const number of this.#directory.segments()) this.writeSize(segmentOfNumber(number), position)
    return upTo
  }

  indexed(position: number): void {
    this.#directory.forgetRows(position)
    this.#indexedTo = position
  }
}

function batchOf(row: unknown): StoredBatch {
  const { timeline, grp, first, bytes } = row as LogRow & { bytes: Buffer }
  return { timeline, group: grp, first, bytes }
}
