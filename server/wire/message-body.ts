// Reads the bodies of front-end messages (PostgreSQL documentation, section 55.7). A body that is shorter or longer
// than it says ends as SqlError 08P01 with PostgreSQL's words (pqformat.c); text that is not UTF-8 as 22021.

import { isUtf8 } from 'node:buffer'
import { readInt16, readInt32 } from './message-reader.ts'
import { NameCache } from './name-cache.ts'
import { MessageError, protocolViolation } from './wire-error.ts'

const REPLACEMENT = '\ufffd'

/** A position inside one message body; the connection has one and points it at each message. */
export class MessageBody {
  bytes: Buffer = Buffer.alloc(0)
  at = 0
  end = 0
  readonly #names = new NameCache()

  reset(bytes: Buffer, start: number, end: number): void {
    this.bytes = bytes
    this.at = start
    this.end = end
  }

  uint8(): number {
    this.#need(1)
    return this.bytes[this.at++] as number
  }

  int16(): number {
    this.#need(2)
    const value = readInt16(this.bytes, this.at)
    this.at += 2
    return value
  }

  /** A count: PostgreSQL reads it unsigned. */
  uint16(): number {
    return this.int16() & 0xffff
  }

  int32(): number {
    this.#need(4)
    const value = readInt32(this.bytes, this.at)
    this.at += 4
    return value
  }

  /** Steps over `count` bytes and returns where they begin. */
  skip(count: number): number {
    if (count < 0) throw protocolViolation('insufficient data left in message')
    this.#need(count)
    const start = this.at
    this.at += count
    return start
  }

  /** Text up to a zero byte. */
  text(): string {
    const { bytes, at } = this
    const zero = bytes.indexOf(0, at)
    if (zero < 0 || zero >= this.end) throw protocolViolation('invalid string in message')
    this.at = zero + 1
    return decodeUtf8(bytes, at, zero)
  }

  /** Like `text`, for names, which repeat: the same bytes give the same string without decoding. */
  name(): string {
    const { bytes, end } = this
    const start = this.at
    let zero = start
    while (zero < end && bytes[zero] !== 0) zero++
    if (zero === end) throw protocolViolation('invalid string in message')
    this.at = zero + 1
    if (zero === start) return ''
    return (
      this.#names.lookup(bytes, start, zero) ??
      this.#names.store(bytes, start, zero, decodeUtf8(bytes, start, zero))
    )
  }

  /** The body must end here. */
  finish(): void {
    if (this.at !== this.end) throw protocolViolation('invalid message format')
  }

  #need(count: number): void {
    if (this.at + count > this.end) throw protocolViolation('insufficient data left in message')
  }
}

/** Decodes bytes [start, end), refusing what is not UTF-8. */
export function decodeUtf8(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('utf8', start, end)
  if (text.includes(REPLACEMENT) && !isUtf8(bytes.subarray(start, end))) throw invalidUtf8(bytes, start, end)
  return text
}

/** Names the first bad sequence, in PostgreSQL's words (report_invalid_encoding). */
function invalidUtf8(bytes: Buffer, start: number, end: number): MessageError {
  let at = start
  while (at < end) {
    const length = sequenceLength(bytes[at] as number)
    if (at + length > end || !isUtf8(bytes.subarray(at, at + length))) break
    at += length
  }
  const shown: string[] = []
  const bad = bytes.subarray(at, Math.min(end, at + sequenceLength(bytes[at] as number)))
  for (const byte of bad) shown.push(`0x${byte.toString(16).padStart(2, '0')}`)
  return new MessageError('22021', `invalid byte sequence for encoding "UTF8": ${shown.join(' ')}`)
}

/** Bytes of the UTF-8 sequence that `lead` begins (pg_utf_mblen): 1 for what begins none. */
function sequenceLength(lead: number): number {
  if ((lead & 0xe0) === 0xc0) return 2
  if ((lead & 0xf0) === 0xe0) return 3
  if ((lead & 0xf8) === 0xf0) return 4
  return 1
}
