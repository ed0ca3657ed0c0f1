// Splits COPY FROM's binary format into rows and fields (documentation: COPY, "Binary Format").
//
//   header: signature 11 bytes, flags int32, extension length int32 + bytes
//   row:    field count int16 (-1: end), each field int32 length (-1: NULL) + bytes

import { SqlError } from '../../types/sql-error.ts'
import { BINARY_HEADER } from './copy-out.ts'

export class BinaryScanner {
  bytes: Buffer = Buffer.alloc(0)
  readonly starts: number[] = []
  /** Below the start: NULL. */
  readonly ends: number[] = []
  rowNumber = 0
  #position = 0
  #isHeaderDone = false
  #isEnded = false

  push(message: Buffer, start: number, end: number): void {
    this.bytes = Buffer.concat([this.bytes.subarray(this.#position), message.subarray(start, end)])
    this.#position = 0
  }

  release(): void {
    this.bytes = this.bytes.subarray(this.#position)
    this.#position = 0
  }

  /** SqlError 22P04 if the data broke off. */
  finish(): void {
    if (!this.#isEnded) throw new SqlError('22P04', 'unexpected EOF in COPY data')
  }

  /** Reads a row of so many fields; false when it is not whole yet, or at the end. */
  nextRow(columnCount: number): boolean {
    if (this.#isEnded || !this.#readHeader()) return false
    const { bytes } = this
    let at = this.#position
    if (at + 2 > bytes.length) return false
    const count = bytes.readInt16BE(at)
    at += 2
    if (count === -1) {
      this.#isEnded = true
      this.#position = at
      return false
    }
    if (count !== columnCount) {
      throw new SqlError('22P04', `row field count is ${count}, expected ${columnCount}`)
    }
    for (let i = 0; i < count; i++) {
      if (at + 4 > bytes.length) return false
      const length = bytes.readInt32BE(at)
      at += 4
      if (length < -1) throw new SqlError('22P04', 'invalid field size')
      if (length > 0 && at + length > bytes.length) return false
      this.starts[i] = at
      this.ends[i] = at + length
      if (length > 0) at += length
    }
    this.#position = at
    this.rowNumber++
    return true
  }

  #readHeader(): boolean {
    if (this.#isHeaderDone) return true
    const { bytes } = this
    if (bytes.length < 19) return false
    if (bytes.compare(BINARY_HEADER, 0, 11, 0, 11) !== 0) {
      throw new SqlError('22P04', 'COPY file signature not recognized')
    }
    const extension = bytes.readInt32BE(15)
    if (extension < 0) throw new SqlError('22P04', 'invalid COPY file header (missing length)')
    if (bytes.length < 19 + extension) return false
    this.#position = 19 + extension
    this.#isHeaderDone = true
    return true
  }
}
