// The hot log: where a node puts a batch before it acknowledges it. One write to space that is there already, durable
// when it returns; the store moves what has gathered into its tables later, many batches in one transaction. (Aurora
// 2017, section 3.3: the incoming queue and the hot log are the only steps that a writer waits for. Why not SQLite at
// once: docs/decisions/0005-hot-log.md.)
//
// The file is a ring of frames, each the batches of one append. Its format:
//
//   offset size  field      meaning
//        0    4  magic      'BHL2'
//        4    4  crc        CRC-32 of bytes 8 to `length`, begun with the store's salt
//        8    8  position   where the frame begins, counted over all laps; its place in the file is position mod size
//       16    4  length     bytes of the frame, a multiple of 8
//       20    4  count      number of batches
//       24    8  row        number of the first batch; the others follow
//                           (an entry of timeline 0 is no batch: births of timelines, see stored-births.ts)
//       32       directory  count × (u32 timeline, u32 group, u32 length, u64 first LSN)
//                batches    one after the other, unpadded; zeroes up to `length`
//
//   │ free │ moved, not yet durable in the tables │ hot: only here │ next frame │ free ... │
//          └ keep ─────────────────────────────────┴ begin ─────────┴ end                   all ≤ keep + size
//
// All integers little-endian. A frame never wraps: one that does not fit before the file's end begins the next lap.
//
// Reading back. The tables know `begin`, since moving a frame and moving `begin` past it is one transaction. From there on
// the nearest sound frame at or above where the last one ended is the next: it skips the rest of a lap, and a frame that
// rotted (its batches are missing then, and peers have them). Nothing stale comes back: a position is written once per
// lap and never again, so what older laps left fails the comparison of `position` with the place it was found at. A frame
// that was torn ends the log: whatever was written behind it waited for it to be durable, so there is nothing.
// The salt keeps bytes that a user stored from ever passing for a frame.

import { crc32 } from 'node:zlib'

import { assert } from '../base/assert.ts'
import { putU32, putU64, u32, u64 } from '../base/bytes.ts'
import type { GroupNo, Lsn, TimelineId } from '../base/ids.ts'
import type { SegmentKey } from '../message/message.ts'
import type { StoredBatch } from './segment-store.ts'

export const HOT_LOG_SIZE_BYTES: number = 4 * 1024 * 1024
/** A frame larger than this costs as much as a transaction of its own: it would be written twice. */
export const HOT_FRAME_SIZE_BYTES_MAX: number = 16 * 1024
const MAGIC = 0x32_4c_48_42
const MAGIC_BYTES = Buffer.from('BHL2', 'latin1')
const HEADER_SIZE_BYTES = 32
const ENTRY_SIZE_BYTES = 20

/** What entries that hold births of timelines stand under. */
export const BIRTHS: SegmentKey = { timeline: 0 as TimelineId, group: 0 as GroupNo }

export function isBirths({ timeline }: SegmentKey): boolean {
  return timeline === BIRTHS.timeline
}

/** The file, or part of a file, that a hot log lies in. Throws StorageError. */
export interface HotFile {
  readonly sizeBytes: number
  /** Writes bytes [0, length) at `at`; they are durable when it returns, but for what HotFiles.together says. */
  write(bytes: Buffer, length: number, at: number): void
  read(at: number, length: number): Buffer
  close(): void
}

/** Where the tables stand with the hot log. */
export interface HotLogMark {
  readonly salt: number
  /** Position of the first frame whose batches are not in the tables. */
  readonly begin: number
}

/** A batch with its number in order of arrival. */
export interface HotBatch extends StoredBatch {
  readonly row: number
}

interface Place extends SegmentKey {
  readonly first: Lsn
  /** Of its bytes, in the file. */
  readonly at: number
  readonly length: number
}

interface Frame {
  readonly position: number
  readonly length: number
  readonly row: number
  readonly places: readonly Place[]
}

export class HotLog {
  readonly #file: HotFile
  readonly #salt: number
  readonly #scratch = Buffer.alloc(HOT_FRAME_SIZE_BYTES_MAX)
  /** Frames from `begin` on, in order. */
  readonly #frames: Frame[] = []
  readonly #places = new Map<number, Place>()
  #keep: number
  #begin: number
  #end: number
  /** Entries with births. */
  #births = 0

  /** Reads back what the file holds from the mark on. */
  constructor(file: HotFile, mark: HotLogMark) {
    this.#file = file
    this.#salt = mark.salt
    this.#keep = mark.begin
    this.#begin = mark.begin
    this.#end = mark.begin
    const bytes = file.read(0, file.sizeBytes)
    for (;;) {
      const frame = this.#nextFrame(bytes)
      if (frame === undefined) return
      this.#add(frame)
    }
  }

  /** Bytes that are only here. */
  get hotSizeBytes(): number {
    return this.#end - this.#begin
  }

  /** Bytes that are in the tables and may not be overwritten yet. */
  get movedSizeBytes(): number {
    return this.#begin - this.#keep
  }

  /** Whether births of timelines are here that the tables do not have. */
  get hasBirths(): boolean {
    return this.#births > 0
  }

  /** Number of the newest batch here; undefined if there is none. */
  get lastRow(): number | undefined {
    const frame = this.#frames.at(-1)
    return frame === undefined ? undefined : frame.row + frame.places.length - 1
  }

  /** Writes the batches as one frame, durably. False, and nothing happened, if the frame is too large or finds no room. */
  append(row: number, batches: readonly StoredBatch[]): boolean {
    let length = HEADER_SIZE_BYTES + batches.length * ENTRY_SIZE_BYTES
    for (const { bytes } of batches) length += bytes.length
    length = (length + 7) & ~7
    const size = this.#file.sizeBytes
    if (length > HOT_FRAME_SIZE_BYTES_MAX || length > size) return false
    const left = size - (this.#end % size)
    const position = left < length ? this.#end + left : this.#end
    if (position + length > this.#keep + size) return false
    const frame = this.#encode({ position, length, row }, batches)
    this.#file.write(this.#scratch, length, position % size)
    this.#add(frame)
    return true
  }

  #encode(head: Omit<Frame, 'places'>, batches: readonly StoredBatch[]): Frame {
    const { position, length, row } = head
    const target = this.#scratch
    putU32(target, 0, MAGIC)
    putU64(target, 8, position)
    putU32(target, 16, length)
    putU32(target, 20, batches.length)
    putU64(target, 24, row)
    let entryAt = HEADER_SIZE_BYTES
    let at = HEADER_SIZE_BYTES + batches.length * ENTRY_SIZE_BYTES
    const start = position % this.#file.sizeBytes
    const places: Place[] = []
    for (const { timeline, group, first, bytes } of batches) {
      putU32(target, entryAt, timeline)
      putU32(target, entryAt + 4, group)
      putU32(target, entryAt + 8, bytes.length)
      putU64(target, entryAt + 12, first)
      target.set(bytes, at)
      places.push({ timeline, group, first, at: start + at, length: bytes.length })
      entryAt += ENTRY_SIZE_BYTES
      at += bytes.length
    }
    target.fill(0, at, length)
    putU32(target, 4, crc32(target.subarray(8, length), this.#salt))
    return { ...head, places }
  }

  #add(frame: Frame): void {
    this.#frames.push(frame)
    frame.places.forEach((place, index) => {
      this.#places.set(frame.row + index, place)
      if (isBirths(place)) this.#births++
    })
    this.#end = frame.position + frame.length
  }

  /** The nearest sound frame at or above the end, within one lap of `begin`. */
  #nextFrame(bytes: Buffer): Frame | undefined {
    const size = bytes.length
    const limit = this.#begin + size - HEADER_SIZE_BYTES
    const lap = this.#end - (this.#end % size)
    const inThisLap = this.#frameBetween(bytes, {
      lap,
      from: this.#end,
      upTo: Math.min(limit, lap + size - 1),
    })
    if (inThisLap !== undefined || limit < lap + size) return inThisLap
    return this.#frameBetween(bytes, { lap: lap + size, from: lap + size, upTo: limit })
  }

  /** The first sound frame that begins in these positions of the lap that begins at `lap`. */
  #frameBetween(
    bytes: Buffer,
    { lap, from, upTo }: { readonly lap: number; readonly from: number; readonly upTo: number },
  ): Frame | undefined {
    // What was written in older laps is full of frames too: most of the file is looked at by native code only.
    let at = bytes.indexOf(MAGIC_BYTES, from - lap)
    while (at >= 0 && lap + at <= upTo) {
      const isHere = at % 8 === 0 && at + HEADER_SIZE_BYTES <= bytes.length && u64(bytes, at + 8) === lap + at
      if (isHere && this.#isSound(bytes, at)) return decode(bytes, at)
      at = bytes.indexOf(MAGIC_BYTES, at + 1)
    }
    return undefined
  }

  #isSound(bytes: Buffer, at: number): boolean {
    const length = u32(bytes, at + 16)
    if (length < HEADER_SIZE_BYTES || length > HOT_FRAME_SIZE_BYTES_MAX || at + length > bytes.length)
      return false
    return crc32(bytes.subarray(at + 8, at + length), this.#salt) === u32(bytes, at + 4)
  }

  /** The bytes of a batch, if it is here. */
  read(row: number): Buffer | undefined {
    const place = this.#places.get(row)
    return place === undefined ? undefined : this.#file.read(place.at, place.length)
  }

  /** Visits every batch that is here, in order of arrival, without its bytes. */
  visit(visitor: (row: number, batch: SegmentKey & { first: Lsn; length: number }) => void): void {
    for (const [row, place] of this.#places) visitor(row, place)
  }

  /** Batches of the oldest frames, up to about `sizeMax` bytes but at least one frame's, and the position behind them. */
  oldest(sizeMax: number): { readonly batches: readonly HotBatch[]; readonly upTo: number } {
    const batches: HotBatch[] = []
    let upTo = this.#begin
    for (const { position, length, row, places } of this.#frames) {
      if (upTo > this.#begin && position + length - this.#begin > sizeMax) break
      const start = places[0]?.at ?? 0
      const end = places.at(-1)
      const bytes = this.#file.read(start, end === undefined ? 0 : end.at + end.length - start)
      places.forEach((place, index) => {
        const { timeline, group, first, at } = place
        const own = bytes.subarray(at - start, at - start + place.length)
        batches.push({ row: row + index, timeline, group, first, bytes: own })
      })
      upTo = position + length
    }
    return { batches, upTo }
  }

  /** The frames below `upTo` are in the tables now; `durably`: and those are on disk, so their space is free. */
  moved(upTo: number, durably: boolean): void {
    assert(upTo >= this.#begin && upTo <= this.#end, 'what is moved was here')
    let count = 0
    for (const { position, row, places } of this.#frames) {
      if (position >= upTo) break
      places.forEach((place, index) => {
        this.#places.delete(row + index)
        if (isBirths(place)) this.#births--
      })
      count++
    }
    this.#frames.splice(0, count)
    this.#begin = upTo
    if (durably) this.#keep = upTo
  }

  close(): void {
    this.#file.close()
  }
}

function decode(bytes: Buffer, at: number): Frame {
  const count = u32(bytes, at + 20)
  const places: Place[] = []
  let batchAt = at + HEADER_SIZE_BYTES + count * ENTRY_SIZE_BYTES
  for (let index = 0; index < count; index++) {
    const entryAt = at + HEADER_SIZE_BYTES + index * ENTRY_SIZE_BYTES
    const timeline = u32(bytes, entryAt) as TimelineId
    const group = u32(bytes, entryAt + 4) as GroupNo
    const length = u32(bytes, entryAt + 8)
    places.push({ timeline, group, first: u64(bytes, entryAt + 12) as Lsn, at: batchAt, length })
    batchAt += length
  }
  return {
    position: u64(bytes, at + 8),
    length: u32(bytes, at + 16),
    row: u64(bytes, at + 24),
    places,
  }
}
