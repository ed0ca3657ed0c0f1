// The page images and tails of a SQLite store (sqlite-segment-store.ts). Writing methods run within a transaction that
// the store has begun.

import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib'

import type { GroupNo, Lsn, PageNo, TimelineId } from '../base/ids.ts'
import { PAGE_SIZE_BYTES } from '../base/limits.ts'
import type { ImageCopy, SegmentKey } from '../message/message.ts'
import type { SegmentSizes } from './segment-sizes.ts'
import { DamagedImage, type PageImage, type PageTail, type PageVersion } from './segment-store.ts'
import type { NodeStatements } from './sqlite-statements.ts'

/** An image is stored deflated when that saves at least a quarter. */
const IMAGE_DEFLATED_SIZE_BYTES_MAX = (PAGE_SIZE_BYTES * 3) / 4

interface StoredImage {
  readonly page: PageNo
  readonly lsn: Lsn
  readonly crc: number
  readonly deflated: number
  readonly bytes: Buffer
}

export class ImageTable {
  readonly #where: string
  readonly #sql: NodeStatements
  readonly #sizes: SegmentSizes

  constructor(where: string, sql: NodeStatements, sizes: SegmentSizes) {
    this.#where = where
    this.#sql = sql
    this.#sizes = sizes
  }

  at(segment: SegmentKey, page: PageNo, lsn: Lsn): { lsn: Lsn; bytes: Buffer } | undefined {
    const { timeline, group } = segment
    const row = this.#sql.imageAt.get(timeline, group, page, lsn) as Omit<StoredImage, 'page'> | undefined
    return row === undefined ? undefined : { lsn: row.lsn, bytes: this.#open(segment, { page, ...row }) }
  }

  #open({ timeline, group }: SegmentKey, { page, lsn, crc, deflated, bytes }: StoredImage): Buffer {
    if (crc32(bytes) !== crc) throw new DamagedImage(this.#where, { timeline, group, page, lsn })
    return deflated === 0 ? bytes : inflateRawSync(bytes)
  }

  lsnAt({ timeline, group }: SegmentKey, page: PageNo, lsn: Lsn): Lsn | undefined {
    return (this.#sql.imageLsnAt.get(timeline, group, page, lsn) as { lsn: Lsn } | undefined)?.lsn
  }

  above({ timeline, group }: SegmentKey, page: PageNo, lsn: Lsn): Lsn | undefined {
    return (this.#sql.imageAbove.get(timeline, group, page, lsn) as { lsn: Lsn } | undefined)?.lsn
  }

  after(
    segment: SegmentKey,
    after: PageVersion | undefined,
    sizeMax: number,
  ): { images: readonly ImageCopy[]; complete: boolean } {
    const { timeline, group } = segment
    const images: ImageCopy[] = []
    let size = 0
    const rows = this.#sql.imagesAfter.iterate(timeline, group, after?.page ?? -1, after?.lsn ?? -1)
    for (const each of rows) {
      if (size >= sizeMax) return { images, complete: false }
      const { page, lsn, crc, bytes } = each as StoredImage
      if (crc32(bytes) !== crc) throw new DamagedImage(this.#where, { timeline, group, page, lsn })
      images.push({ page, lsn, bytes })
      size += bytes.length
    }
    return { images, complete: true }
  }

  versionsAfter(
    { timeline, group }: SegmentKey,
    after: PageVersion | undefined,
    limit: number,
  ): readonly PageVersion[] {
    const from = [after?.page ?? -1, after?.lsn ?? -1]
    return this.#sql.imageVersionsAfter.all(timeline, group, ...from, limit) as PageVersion[]
  }

  put({ timeline, group, page, lsn, bytes: given }: PageImage): void {
    const sql = this.#sql
    const bytes = storedForm(given)
    const isDeflated = bytes.length < PAGE_SIZE_BYTES
    const isNewPage = sql.hasImage.get(timeline, group, page) === undefined
    const old = sql.imageSize.get(timeline, group, page, lsn) as { size: number } | undefined
    sql.putImage.run(timeline, group, page, lsn, crc32(bytes), isDeflated ? 1 : 0, bytes)
    const added = bytes.length - (old?.size ?? 0)
    this.#sizes.addImages({ timeline, group }, old === undefined ? 1 : 0, added, isNewPage ? 1 : 0)
    sql.dropTail.run(timeline, group, page, lsn)
    sql.restartTail.run(timeline, group, page)
  }

  drop({ timeline, group }: SegmentKey, { page, lsn }: PageVersion): void {
    const old = this.#sql.imageSize.get(timeline, group, page, lsn) as { size: number } | undefined
    if (old === undefined) return
    this.#sql.dropImage.run(timeline, group, page, lsn)
    const isLast = this.#sql.hasImage.get(timeline, group, page) === undefined
    this.#sizes.addImages({ timeline, group }, -1, -old.size, isLast ? -1 : 0)
  }

  /** Drops so many images or tails; false when there are none. */
  clear({ timeline, group }: SegmentKey, limit: number): boolean {
    if (this.#sql.clearImages.run(timeline, group, limit).changes > 0) return true
    return this.#sql.clearTails.run(timeline, group, limit).changes > 0
  }

  /** Verifies images by row; returns the last row looked at, 0 when there was none. */
  scrub(after: number, limit: number, damaged: (image: SegmentKey & PageVersion) => void): number {
    const rows = this.#sql.imagesBehind.all(after, limit) as readonly {
      readonly id: number
      readonly timeline: TimelineId
      readonly grp: GroupNo
      readonly page: PageNo
      readonly lsn: Lsn
      readonly crc: number
      readonly bytes: Buffer
    }[]
    for (const { timeline, grp: group, page, lsn, crc, bytes } of rows)
      if (crc32(bytes) !== crc) damaged({ timeline, group, page, lsn })
    return rows.at(-1)?.id ?? 0
  }

  tail({ timeline, group }: SegmentKey, page: PageNo): Lsn | undefined {
    return (this.#sql.tail.get(timeline, group, page) as { lsn: Lsn } | undefined)?.lsn
  }

  putTail({ timeline, group, page, lsn, count }: PageTail): void {
    this.#sql.putTail.run(timeline, group, page, lsn, count)
  }

  longChains(countMin: number, limit: number): readonly PageTail[] {
    const longest = this.#sql.longChains.all(limit) as PageTail[]
    return longest.filter(({ count }) => count >= countMin)
  }

  recordsSinceImages({ timeline, group }: SegmentKey): number {
    return (this.#sql.sumTails.get(timeline, group) as { count: number }).count
  }
}

/** What came from another disk in its deflated form stays as it is. */
function storedForm(bytes: Buffer): Buffer {
  if (bytes.length < PAGE_SIZE_BYTES) return bytes
  const deflated = deflateRawSync(bytes, { level: 1 })
  return deflated.length <= IMAGE_DEFLATED_SIZE_BYTES_MAX ? deflated : bytes
}
