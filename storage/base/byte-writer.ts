// A growing buffer that messages, rows and keys are written into. Big-endian integers, as the wire and index keys want
// them. One writer lives long and is reset, so that the hot path allocates nothing.

import { assert } from './assert.ts'
import { copyBytes, copyWords, viewOf } from './bytes.ts'

const SIZE_BYTES_MAX = 0x7fff_0000
/** Texts, keys and rows up to this length are handed out without a new object each time. */
const VIEW_COUNT = 256

const NO_VIEWS: (Buffer | undefined)[] = []
/** Longer texts are not compared with the last. */
const REPEATED_LENGTH_MAX = 256
const NO_BYTES: DataView = new DataView(new ArrayBuffer(0))

export class ByteWriter {
  /** The bytes; only [0, length) is meaningful, and the object changes when the buffer grows. */
  bytes: Buffer
  /** The same bytes, for copyWords. */
  view: DataView
  /** Bytes written so far. */
  length = 0
  /** Views of the first bytes of `#viewed`, by their number. */
  #views: (Buffer | undefined)[] = NO_VIEWS
  #viewed: Buffer | undefined
  /** The last longer text, and its bytes once it was written twice. */
  #repeated = ''
  #repeatedLength = 0
  #repeatedView: DataView = NO_BYTES

  constructor(initialSizeBytes = 1024) {
    this.bytes = Buffer.allocUnsafeSlow(initialSizeBytes)
    this.view = viewOf(this.bytes)
  }

  reset(): void {
    this.length = 0
  }

  /** Makes room for `count` more bytes; afterwards they may be written directly and `length` advanced. */
  reserve(count: number): void {
    const needed = this.length + count
    if (needed > this.bytes.length) this.#grow(needed)
  }

  uint8(value: number): void {
    this.reserve(1)
    this.bytes[this.length++] = value
  }

  int16(value: number): void {
    this.reserve(2)
    const { bytes } = this
    bytes[this.length++] = value >> 8
    bytes[this.length++] = value
  }

  int32(value: number): void {
    this.reserve(4)
    this.setInt32(this.length, value)
    this.length += 4
  }

  /** Overwrites four bytes at `offset`, for lengths known only afterwards. */
  setInt32(offset: number, value: number): void {
    const { bytes } = this
    bytes[offset] = value >> 24
    bytes[offset + 1] = value >> 16
    bytes[offset + 2] = value >> 8
    bytes[offset + 3] = value
  }

  /** Appends bytes [start, end) of `source`. */
  raw(source: Uint8Array, start = 0, end: number = source.length): void {
    const count = end - start
    this.reserve(count)
    if (count <= 24) {
      const { bytes } = this
      for (let i = start, at = this.length; i < end; i++, at++) bytes[at] = source[i] as number
    } else {
      this.bytes.set(start === 0 && end === source.length ? source : source.subarray(start, end), this.length)
    }
    this.length += count
  }

  /** Appends text as UTF-8, with no terminator. Returns the bytes written. */
  utf8(text: string): number {
    const { length } = text
    this.reserve(length * 3)
    const { bytes } = this
    const start = this.length
    if (length <= 24) {
      let i = 0
      for (; i < length; i++) {
        const code = text.charCodeAt(i)
        if (code > 0x7f) break
        bytes[start + i] = code
      }
      if (i === length) {
        this.length = start + length
        return length
      }
    }
    if (text === this.#repeated && this.#repeatedLength > 0) {
      copyWords(this.#repeatedView, 0, this.#repeatedLength, this.view, start)
      this.length = start + this.#repeatedLength
      return this.#repeatedLength
    }
    const count = bytes.write(text, start, 'utf8')
    this.length = start + count
    if (length <= REPEATED_LENGTH_MAX) this.#remember(text, start, count)
    return count
  }

  /** Keeps the bytes of a text that is written for the second time in a row: in a load, a column often repeats itself. */
  #remember(text: string, start: number, count: number): void {
    if (text === this.#repeated) {
      if (this.#repeatedView.byteLength === 0)
        this.#repeatedView = viewOf(Buffer.alloc(REPEATED_LENGTH_MAX * 3))
      copyWords(this.view, start, start + count, this.#repeatedView, 0)
      this.#repeatedLength = count
    } else {
      this.#repeated = text
      this.#repeatedLength = 0
    }
  }

  /** Appends text as UTF-8 and a zero byte. */
  cstring(text: string): void {
    this.utf8(text)
    this.uint8(0)
  }

  /** What was written, in place: to be used before the next write. Short ones come from a few arrays made once. */
  written(): Buffer {
    const { length } = this
    if (length >= VIEW_COUNT) return this.bytes.subarray(0, length)
    if (this.#viewed !== this.bytes) {
      this.#viewed = this.bytes
      this.#views = []
    }
    return (this.#views[length] ??= this.bytes.subarray(0, length))
  }

  /** A copy of what was written. */
  copy(): Buffer {
    const copy = Buffer.allocUnsafe(this.length)
    copyBytes(this.bytes, 0, this.length, copy, 0)
    return copy
  }

  #grow(needed: number): void {
    assert(needed <= SIZE_BYTES_MAX, 'a message stays below 2 GiB')
    const size = Math.min(SIZE_BYTES_MAX, Math.max(needed, this.bytes.length * 2))
    const grown = Buffer.allocUnsafeSlow(size)
    grown.set(this.bytes.subarray(0, this.length))
    this.bytes = grown
    this.view = viewOf(grown)
  }
}
