// The frame: how messages lie in a stream of bytes between two processes. Whoever reads a stream gives its chunks to a
// FrameReader as they come and takes whole, verified frames out.
//
//   offset size  field        meaning
//        0    3  magic        'BLF'
//        3    1  version      1, of this layout; what the contents mean is the protocol's version (greeting.ts)
//        4    1  kind         1 greeting, 2 request, 3 answer
//        5    3  reserved     0
//        8    4  headLength   bytes of the head
//       12    4  tailLength   bytes of the tail
//       16    4  crc          CRC-32 of bytes 0 to 15, the head and the tail
//       20       head         the fields of the message (field.ts); the lengths of its byte strings, not their bytes
//                tail         the byte strings of the message one behind the other: batches, page images
//
// All integers little-endian. Two parts, so that bytes stay bytes: a sender hands its batches to the socket as they lie
// in memory, and a receiver's batches are ranges of the one buffer that the frame was gathered in.
//
// A stream whose next bytes are no frame cannot be read on: every error here ends the connection.

import { crc32 } from 'node:zlib'

import { StorageError } from '../base/errors.ts'
import { putU32, u32 } from '../base/bytes.ts'

export const FRAME_HEADER_SIZE_BYTES = 20
export const FRAME_VERSION = 1
const MAGIC = Buffer.from('BLF', 'latin1')
const CRC_OFFSET = 16

/** Bytes of the head of a frame: the state of a node of some hundred thousand timelines. */
export const FRAME_HEAD_SIZE_BYTES_MAX: number = 32 * 1024 * 1024
/** Bytes of the tail of a frame: a message's worth of batches or images, of which one may be as large as a commit. */
export const FRAME_TAIL_SIZE_BYTES_MAX: number = 64 * 1024 * 1024
/** Bytes of a frame from someone who has not proved yet who it is. */
export const GREETING_SIZE_BYTES_MAX: number = 4096

export const FRAME_KINDS = { greeting: 1, request: 2, answer: 3 } as const
export type FrameKind = keyof typeof FRAME_KINDS

/** A whole frame whose checksum is right. The bytes are the receiver's. */
export interface Frame {
  readonly kind: FrameKind
  readonly head: Buffer
  readonly tail: Buffer
}

/**
 * The bytes of a frame, in pieces that are to be written one behind the other: the first is new (header and head), the
 * others are those of `tail` as they are. Small tails are copied behind the head: one piece is cheaper to send.
 */
export function encodeFrame(kind: FrameKind, head: Uint8Array, tail: readonly Uint8Array[]): Buffer[] {
  const tailLength = tail.reduce((sum, bytes) => sum + bytes.length, 0)
  if (head.length > FRAME_HEAD_SIZE_BYTES_MAX || tailLength > FRAME_TAIL_SIZE_BYTES_MAX)
    throw new StorageError('too-large', `a message of ${head.length} + ${tailLength} bytes fits no frame`)
  const isSmall = tailLength <= COPIED_SIZE_BYTES_MAX
  const first = Buffer.allocUnsafe(FRAME_HEADER_SIZE_BYTES + head.length + (isSmall ? tailLength : 0))
  MAGIC.copy(first, 0)
  first[3] = FRAME_VERSION
  first.fill(0, 4, 8)
  first[4] = FRAME_KINDS[kind]
  putU32(first, 8, head.length)
  putU32(first, 12, tailLength)
  first.set(head, FRAME_HEADER_SIZE_BYTES)
  if (isSmall) {
    let at = FRAME_HEADER_SIZE_BYTES + head.length
    for (const bytes of tail) {
      first.set(bytes, at)
      at += bytes.length
    }
  }
  let crc = checksum(first.subarray(FRAME_HEADER_SIZE_BYTES), checksum(first.subarray(0, CRC_OFFSET), 0))
  const pieces: Buffer[] = [first]
  if (!isSmall) {
    for (const bytes of tail) {
      crc = checksum(bytes, crc)
      pieces.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    }
  }
  putU32(first, CRC_OFFSET, crc)
  return pieces
}

/** CRC-32 of what `crc` is of, and these bytes behind it. zlib takes an empty buffer without memory as a wish to begin anew. */
function checksum(bytes: Uint8Array, crc: number): number {
  return bytes.length === 0 ? crc : crc32(bytes, crc)
}

/** Tails up to this size are copied rather than sent as pieces of their own. */
const COPIED_SIZE_BYTES_MAX = 32 * 1024

/** Cuts a stream into frames. After it threw once it is of no more use. */
export class FrameReader {
  /** Bytes of head and tail together; raised once the other side has proved who it is. */
  sizeMax: number = GREETING_SIZE_BYTES_MAX
  readonly #header = Buffer.alloc(FRAME_HEADER_SIZE_BYTES)
  #headerLength = 0
  #body: Buffer | undefined
  #bodyLength = 0
  #chunk: Buffer = Buffer.alloc(0)
  #at = 0

  /** Takes a chunk of the stream. The caller then calls `next` until it returns undefined. */
  push(chunk: Buffer): void {
    this.#chunk =
      this.#at === this.#chunk.length ? chunk : Buffer.concat([this.#chunk.subarray(this.#at), chunk])
    this.#at = 0
  }

  /** The next whole frame, or undefined when more bytes are needed. Throws StorageError 'corrupt' or 'version'. */
  next(): Frame | undefined {
    if (this.#headerLength < FRAME_HEADER_SIZE_BYTES) {
      this.#headerLength += this.#take(this.#header, this.#headerLength)
      // Strangers are recognised by their first bytes, however few they send.
      this.#checkMagic()
      if (this.#headerLength < FRAME_HEADER_SIZE_BYTES) return undefined
      this.#body = Buffer.allocUnsafeSlow(this.#checkedLength())
      this.#bodyLength = 0
    }
    const body = this.#body ?? Buffer.alloc(0)
    this.#bodyLength += this.#take(body, this.#bodyLength)
    if (this.#bodyLength < body.length) return undefined
    this.#headerLength = 0
    this.#body = undefined
    return this.#finish(body)
  }

  /** Copies what there is of the chunk to `target` from `filled` on; returns how much. */
  #take(target: Buffer, filled: number): number {
    const count = Math.min(target.length - filled, this.#chunk.length - this.#at)
    this.#chunk.copy(target, filled, this.#at, this.#at + count)
    this.#at += count
    return count
  }

  #checkMagic(): void {
    const count = Math.min(this.#headerLength, MAGIC.length)
    if (this.#header.compare(MAGIC, 0, count, 0, count) !== 0)
      throw new StorageError('corrupt', 'the other side does not speak the storage protocol')
    if (this.#headerLength > MAGIC.length && this.#header[3] !== FRAME_VERSION) {
      const version = this.#header[3]
      throw new StorageError('version', `frame version ${version}, expected ${FRAME_VERSION}`)
    }
  }

  #checkedLength(): number {
    const headLength = u32(this.#header, 8)
    const tailLength = u32(this.#header, 12)
    const isOversized =
      headLength > FRAME_HEAD_SIZE_BYTES_MAX ||
      tailLength > FRAME_TAIL_SIZE_BYTES_MAX ||
      headLength + tailLength > this.sizeMax
    if (isOversized)
      throw new StorageError('corrupt', `a frame of ${headLength} + ${tailLength} bytes is too large`)
    return headLength + tailLength
  }

  #finish(body: Buffer): Frame {
    const header = this.#header
    const crc = checksum(body, checksum(header.subarray(0, CRC_OFFSET), 0))
    if (crc !== u32(header, CRC_OFFSET))
      throw new StorageError('corrupt', 'the checksum of a frame does not match')
    const kind = kindOf(header[4] ?? 0)
    if (kind === undefined || (header[5] ?? 0) + (header[6] ?? 0) + (header[7] ?? 0) !== 0)
      throw new StorageError('corrupt', `a frame of unknown kind ${header[4]}`)
    const headLength = u32(header, 8)
    return { kind, head: body.subarray(0, headLength), tail: body.subarray(headLength) }
  }
}

function kindOf(code: number): FrameKind | undefined {
  if (code === FRAME_KINDS.request) return 'request'
  if (code === FRAME_KINDS.answer) return 'answer'
  return code === FRAME_KINDS.greeting ? 'greeting' : undefined
}
