// What a node gives to a peer that fills itself: log, in order and without a gap, and images.

import { formatLsn, type Lsn } from '../base/ids.ts'
import { readBatchHeader, verifyBatch } from '../message/batch.ts'
import type { ImageCopy } from '../message/message.ts'
import { DamagedBatch } from './page-reader.ts'
import { Refusal } from './refusal.ts'
import type { Segment } from './segment.ts'
import type { PageVersion, SegmentStore } from './segment-store.ts'

/** A peer's wishes are bounded. */
const SIZE_BYTES_MAX = 8 * 1024 * 1024

/** The batches above `after` that follow each other. Throws a Refusal where the log was collected, or DamagedBatch. */
export function fetchLog(
  store: SegmentStore,
  segment: Segment,
  { after, sizeMax }: { readonly after: Lsn; readonly sizeMax: number },
): { batches: readonly Uint8Array[]; scl: Lsn } {
  const { scl, start } = segment
  if (after < start.after) {
    throw new Refusal(
      'out-of-window',
      `log of timeline ${segment.timeline} begins at ${formatLsn(start.after)}`,
    )
  }
  const batches: Buffer[] = []
  if (after >= scl) return { batches, scl }
  const around = store.batchAt(segment, after)
  const first = around === undefined ? undefined : readBatchHeader(around)
  const isWithin = first !== undefined && segment.lastOf(first) > after && !segment.isVoid(first)
  let at = after
  let size = 0
  const take = (bytes: Buffer): boolean => {
    const header = readBatchHeader(bytes)
    if (segment.isVoid(header) || segment.lastOf(header) <= at) return true
    if (header.previous > at && batches.length > 0) return false
    if (!isSound(store, segment, bytes, batches.length === 0)) return false
    batches.push(bytes)
    size += bytes.length
    at = segment.lastOf(header)
    return at < scl && size < sizeMax
  }
  if (isWithin && around !== undefined && !take(around)) return { batches, scl }
  const from = isWithin ? first.first : after
  const rest = Math.max(Math.min(sizeMax, SIZE_BYTES_MAX) - size, 1)
  for (const bytes of store.batchesAfter(segment, from, rest)) if (!take(bytes)) break
  if (batches.length === 0) takeFar(store, segment, at, take)
  if (batches.length === 0)
    throw new DamagedBatch(
      segment,
      (after + 1) as Lsn,
      `${store.where}: table log: no batch follows ${formatLsn(after)}`,
    )
  return { batches, scl }
}

/** Where annulled batches fill the first portion: goes on until one counts. */
function takeFar(store: SegmentStore, segment: Segment, after: Lsn, take: (bytes: Buffer) => boolean): void {
  let from = after
  for (;;) {
    const bytes = store.batchAfter(segment, from)
    if (bytes === undefined || !take(bytes)) return
    from = readBatchHeader(bytes).first
    if (from > segment.scl) return
  }
}

/** Whether a batch is sound. The first one must be: it throws DamagedBatch. */
function isSound(store: SegmentStore, segment: Segment, bytes: Buffer, isFirst: boolean): boolean {
  try {
    verifyBatch(bytes, `${store.where}: table log`)
    return true
  } catch (error) {
    if (!isFirst) return false
    const { first } = readBatchHeader(bytes)
    throw new DamagedBatch(segment, first, error instanceof Error ? error.message : 'unreadable')
  }
}

/** Images behind `after`. */
export function fetchImages(
  store: SegmentStore,
  segment: Segment,
  { after, sizeMax }: { readonly after: PageVersion | undefined; readonly sizeMax: number },
): { images: readonly ImageCopy[]; complete: boolean } {
  return store.imagesAfter(segment, after, Math.min(sizeMax, SIZE_BYTES_MAX))
}
