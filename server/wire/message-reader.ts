// Cuts the bytes of a connection into messages (PostgreSQL documentation, section 55.7), whatever way the network
// split them, without copying a message that arrived in one piece.
//
//   buffer   ....│ message │ message │ first half of a mess      push(chunk) appends; if the room behind `end` is
//                ▲ #at                                    ▲ #end  too small, the unread rest moves to a larger buffer
//
// Invariant: bytes that were handed out (`buffer` between `start` and `end` of a message) are never written again, so
// that a statement which waits may go on reading its message while more bytes arrive. A buffer is only appended to, or
// left behind.

import { assert } from '../../storage/base/assert.ts'
import {
  LARGE_MESSAGE_SIZE_BYTES_MAX,
  SMALL_MESSAGE_SIZE_BYTES_MAX,
  STARTUP_SIZE_BYTES_MAX,
} from '../limits.ts'

/** `next` and `nextStartup`: the message is not complete yet. */
export const INCOMPLETE = 0
/** `next`: the type byte names no message of the protocol; `badType` holds it. */
export const BAD_TYPE = -1
/** `next` and `nextStartup`: the length word is below its minimum or above the type's limit. */
export const BAD_LENGTH = -2

const LENGTH_SIZE_BYTES = 4
const HEADER_SIZE_BYTES = 5
/** A protocol version or request code follows the length word of each startup packet. */
const STARTUP_SIZE_BYTES_MIN = 8
const APPEND_SIZE_BYTES_MIN = 16 * 1024
/** How far a declared length is believed before the bytes are there. */
const TRUSTED_SIZE_BYTES_MAX = 1024 * 1024

const EMPTY = Buffer.alloc(0)

/** Largest length word for each type byte; 0 for bytes that are no message. */
function lengthLimits(): Int32Array {
  const limits = new Int32Array(256)
  for (const type of 'QFBPd') limits[type.charCodeAt(0)] = LARGE_MESSAGE_SIZE_BYTES_MAX
  for (const type of 'XCDEHScf') limits[type.charCodeAt(0)] = SMALL_MESSAGE_SIZE_BYTES_MAX
  return limits
}

const LENGTH_LIMITS = lengthLimits()

export class MessageReader {
  /** Holds the current message. */
  buffer: Buffer = EMPTY
  /** First byte of the current message's body. */
  start = 0
  /** One past its last byte. */
  end = 0
  /** The type byte that `next` refused. */
  badType = 0

  #at = 0
  #limit = 0
  /** True when the room behind #limit in `buffer` belongs to this reader. */
  #ownsBuffer = false

  /** Bytes received and not yet cut into messages. */
  get waiting(): number {
    return this.#limit - this.#at
  }

  /** Appends the first `count` bytes of what the socket read. They are the reader's until it `hasLeft` them. */
  push(chunk: Buffer, count: number = chunk.length): void {
    const waiting = this.#limit - this.#at
    if (waiting === 0) {
      this.buffer = chunk
      this.#at = 0
      this.#limit = count
      this.#ownsBuffer = false
      return
    }
    if (!this.#ownsBuffer || this.#limit + count > this.buffer.length) this.#grow(waiting, count)
    chunk.copy(this.buffer, this.#limit, 0, count)
    this.#limit += count
  }

  /** Whether a chunk may be written over, as far as bytes that were not cut into messages yet are concerned. */
  hasLeft(chunk: Buffer): boolean {
    return this.buffer !== chunk || this.#limit === this.#at
  }

  /**
   * Moves to the next message and returns its type byte, or INCOMPLETE, BAD_TYPE, BAD_LENGTH. `lengthMax` replaces the
   * limit of the type, and admits every type (for the authentication exchange).
   */
  next(lengthMax = 0): number {
    const at = this.#at
    if (at + HEADER_SIZE_BYTES > this.#limit) {
      // A byte that starts no message is refused before its length has arrived.
      return at < this.#limit && lengthMax === 0 && !this.#isKnown(at) ? BAD_TYPE : INCOMPLETE
    }
    const { buffer } = this
    const type = buffer[at] as number
    const limit = lengthMax === 0 ? (LENGTH_LIMITS[type] as number) : lengthMax
    if (limit === 0) {
      this.badType = type
      return BAD_TYPE
    }
    const length = readInt32(buffer, at + 1)
    if (length < LENGTH_SIZE_BYTES || length > limit) return BAD_LENGTH
    const end = at + 1 + length
    if (end > this.#limit) return INCOMPLETE
    this.start = at + HEADER_SIZE_BYTES
    this.end = end
    this.#at = end
    return type
  }

  /** Moves to the next startup packet (which has no type byte) and returns its request code. */
  nextStartup(): number {
    const at = this.#at
    if (at + LENGTH_SIZE_BYTES > this.#limit) return INCOMPLETE
    const length = readInt32(this.buffer, at)
    if (length < STARTUP_SIZE_BYTES_MIN || length > STARTUP_SIZE_BYTES_MAX) return BAD_LENGTH
    if (at + length > this.#limit) return INCOMPLETE
    this.start = at + STARTUP_SIZE_BYTES_MIN
    this.end = at + length
    this.#at = this.end
    return readInt32(this.buffer, at + LENGTH_SIZE_BYTES)
  }

  #isKnown(at: number): boolean {
    this.badType = this.buffer[at] as number
    return LENGTH_LIMITS[this.badType] !== 0
  }

  /** Moves the unread bytes to a buffer with room for the rest of their message, as far as its length is credible. */
  #grow(waiting: number, extra: number): void {
    const needed = waiting + extra
    let wanted = needed
    if (waiting >= HEADER_SIZE_BYTES) {
      const declared = readInt32(this.buffer, this.#at + 1) + 1
      if (declared > needed && declared <= LARGE_MESSAGE_SIZE_BYTES_MAX + 1) {
        wanted = Math.min(declared, Math.max(TRUSTED_SIZE_BYTES_MAX, needed * 2))
      }
    }
    const grown = Buffer.allocUnsafeSlow(Math.max(wanted, needed + APPEND_SIZE_BYTES_MIN))
    this.buffer.copy(grown, 0, this.#at, this.#limit)
    this.buffer = grown
    this.#at = 0
    this.#limit = waiting
    this.#ownsBuffer = true
    assert(grown.length >= needed, 'the grown buffer holds old and new bytes')
  }
}

/** Signed 32-bit big-endian integer. */
export function readInt32(bytes: Buffer, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  )
}

/** Signed 16-bit big-endian integer. */
export function readInt16(bytes: Buffer, at: number): number {
  return (((bytes[at] as number) << 24) >> 16) | (bytes[at + 1] as number)
}
