// An archive object: a piece of a segment's log or of its page images, as it lies in the object store. This file is its
// format; archiver and restore go through it.
//
//   offset size  field
//        0    4  magic       'BLA1'
//        4    4  version     1
//        8    4  headLength
//       12       head        JSON: ArchiveHead
//                payload     what the head lists, one after another: batches (../message/batch.ts), then images
//      -32   32  digest      SHA-256 of everything before it
//
// Integers little-endian. A batch carries its own checksum as well. Names, all below one prefix:
//
//   cluster                            JSON ClusterRecord: whose backup this is
//   position/g<group>                  JSON ArchivePosition: how far the log is archived, and who is at it
//   log/g<group>/<sequence>.n<node>    the log as it comes; two nodes may, around a takeover, write the same sequence
//   base/g<group>/<id>/<part>          a copy of all segments of the group: log that a node still had, and images
//   base/g<group>/<id>/complete        JSON BaseRecord, written last: without it the base is not one

import { createHash } from 'node:crypto'

import { StorageError } from '../base/errors.ts'
import type { GroupNo, Lsn, PageNo, TimelineId } from '../base/ids.ts'
import type { SegmentState, TimelineState } from '../message/message.ts'

export const ARCHIVE_VERSION = 1
const MAGIC = 0x31_41_4c_42
const PREAMBLE_SIZE_BYTES = 12
const DIGEST_SIZE_BYTES = 32

/** A run of batches of one segment that follow each other from `after` to `scl`. */
export interface ArchivedRun {
  readonly timeline: TimelineId
  /** The writer's first run of a segment says where the segment begins. */
  readonly segment?: SegmentState | undefined
  readonly after: Lsn
  readonly scl: Lsn
  /** Bytes of each batch. */
  readonly lengths: readonly number[]
}

export interface ArchivedImage {
  readonly timeline: TimelineId
  readonly page: PageNo
  readonly lsn: Lsn
  /** Bytes in the payload; below PAGE_SIZE_BYTES it is deflated (raw deflate). */
  readonly length: number
}

export interface ArchiveHead {
  readonly clusterId: string
  readonly group: GroupNo
  /** Wall time of writing, microseconds since 1970. */
  readonly wallMicros: number
  /** Timelines that are new or changed since the writer's last object. */
  readonly timelines: readonly TimelineState[]
  readonly runs: readonly ArchivedRun[]
  readonly images: readonly ArchivedImage[]
}

export interface ClusterRecord {
  readonly version: number
  readonly clusterId: string
  readonly segmentSizeBytes: number
}

export interface ArchivePosition {
  /** The node that archives the group, until then (microseconds since 1970) nobody else does. */
  readonly node: number
  readonly untilMicros: number
  /** Sequence of the newest log object, 0 before the first. */
  readonly sequence: number
  /** When this was written: everything that was durable a little before is archived. */
  readonly wallMicros: number
  /** When the newest base was completed; 0: there is none yet. */
  readonly baseMicros: number
  /** [timeline, LSN up to which its log is archived]. */
  readonly segments: readonly (readonly [number, number])[]
}

export interface BaseRecord {
  readonly parts: number
  readonly startedMicros: number
  readonly completedMicros: number
  /** The first log object that may hold what the base does not. */
  readonly nextSequence: number
}

export interface ArchiveObject {
  readonly head: ArchiveHead
  /** In the order of the head's runs. */
  readonly batches: readonly Buffer[]
  /** In the order of the head's images. */
  readonly images: readonly Buffer[]
}

/** Writes an object; `pieces` are the batches and images that `head` lists, in its order. */
export function encodeArchive(head: ArchiveHead, pieces: readonly Uint8Array[]): Buffer {
  const json = Buffer.from(JSON.stringify(head))
  const preamble = Buffer.alloc(PREAMBLE_SIZE_BYTES)
  preamble.writeUInt32LE(MAGIC, 0)
  preamble.writeUInt32LE(ARCHIVE_VERSION, 4)
  preamble.writeUInt32LE(json.length, 8)
  const hash = createHash('sha256')
  const parts = [preamble, json, ...pieces]
  for (const part of parts) hash.update(part)
  return Buffer.concat([...parts, hash.digest()])
}

/** Reads an object, every byte of it verified. Throws StorageError 'corrupt' or 'version' that names the object. */
export function decodeArchive(bytes: Buffer, name: string): ArchiveObject {
  const end = bytes.length - DIGEST_SIZE_BYTES
  if (end < PREAMBLE_SIZE_BYTES || bytes.readUInt32LE(0) !== MAGIC) {
    throw new StorageError('corrupt', `backup object ${name} is cut off or not one (${bytes.length} bytes)`)
  }
  const digest = createHash('sha256').update(bytes.subarray(0, end)).digest()
  if (!digest.equals(bytes.subarray(end))) {
    throw new StorageError('corrupt', `backup object ${name}: its checksum does not match`)
  }
  const version = bytes.readUInt32LE(4)
  if (version !== ARCHIVE_VERSION) {
    throw new StorageError(
      'version',
      `backup object ${name} has format ${version}, expected ${ARCHIVE_VERSION}`,
    )
  }
  const payload = PREAMBLE_SIZE_BYTES + bytes.readUInt32LE(8)
  const head = JSON.parse(bytes.toString('utf8', PREAMBLE_SIZE_BYTES, payload)) as ArchiveHead
  let at = payload
  const take = (length: number): Buffer => bytes.subarray(at, (at += length))
  const batches = head.runs.flatMap(({ lengths }) => lengths.map(take))
  const images = head.images.map(({ length }) => take(length))
  if (at !== end)
    throw new StorageError('corrupt', `backup object ${name}: its lists and its length disagree`)
  return { head, batches, images }
}

/** Reads one of the JSON records. Throws StorageError 'corrupt' that names the object. */
export function decodeRecord<Shape>(bytes: Buffer, name: string): Shape {
  try {
    return JSON.parse(bytes.toString('utf8')) as Shape
  } catch {
    throw new StorageError('corrupt', `backup object ${name} is damaged`)
  }
}

export function encodeRecord(record: ClusterRecord | ArchivePosition | BaseRecord): Buffer {
  return Buffer.from(JSON.stringify(record))
}

// --- names

const SEQUENCE_DIGITS = 12
const ID_DIGITS = 17

export const CLUSTER_NAME = 'cluster'

export function positionName(group: GroupNo): string {
  return `position/g${group}`
}

export function logPrefix(group: GroupNo): string {
  return `log/g${group}/`
}

export function logName(group: GroupNo, sequence: number, node: number): string {
  return `${logPrefix(group)}${digits(sequence, SEQUENCE_DIGITS)}.n${node}`
}

/** The sequence in a log object's name. */
export function sequenceOf(name: string): number {
  return Number.parseInt(name.slice(name.lastIndexOf('/') + 1), 10)
}

export function basePrefix(group: GroupNo): string {
  return `base/g${group}/`
}

/** `base/g0/00001732313123456-3/`; in the order of time. */
export function baseFolder(group: GroupNo, startedMicros: number, node: number): string {
  return `${basePrefix(group)}${digits(startedMicros, ID_DIGITS)}-${node}/`
}

export function basePart(folder: string, part: number): string {
  return `${folder}${digits(part, SEQUENCE_DIGITS)}`
}

export function baseComplete(folder: string): string {
  return `${folder}complete`
}

function digits(value: number, width: number): string {
  return value.toString().padStart(width, '0')
}
