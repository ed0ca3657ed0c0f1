// The types whose values are strings of any kind: text, varchar, bpchar, name, "char", cstring, unknown and
// bool's neighbours in simplicity. Text is stored as UTF-8; a NUL character is refused where text enters
// (22021).

import type { ByteWriter } from '../../storage/base/byte-writer.ts'
import type { Behaviour } from './define-type.ts'
import { SqlError } from './sql-error.ts'
import { characterCount, compareText, firstCharacters } from './text.ts'
import { writeKeyText } from './key-bytes.ts'

/** Bytes of a name, without the NUL that ends it (NAMEDATALEN - 1). */
export const NAME_SIZE_BYTES_MAX = 63

/** Longest length varchar(n) and char(n) take. */
const LENGTH_MAX = 10_485_760

/** Added to the length in typmods, for PostgreSQL's sake: the size of its length word. */
const TYPMOD_HEADER = 4

const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Text from a client's bytes: 22021 when they are no UTF-8 or hold a NUL. */
export function receiveText(bytes: Buffer, start: number, end: number): string {
  let text = ''
  try {
    text = utf8Decoder.decode(bytes.subarray(start, end))
  } catch {
    throw invalidEncoding(bytes, start, end)
  }
  if (text.includes('\0')) throw new SqlError('22021', 'invalid byte sequence for encoding "UTF8": 0x00')
  return text
}

/** Names the first bytes that are no UTF-8, as many as their lead byte announces. */
function invalidEncoding(bytes: Buffer, start: number, end: number): SqlError {
  let at = start
  for (; at < end;) {
    const lead = bytes[at] as number
    const size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
    const next = Math.min(at + size, end)
    if (lead === 0 || !isUtf8(bytes.subarray(at, next))) {
      const hex = Array.from(bytes.subarray(at, lead < 0xc0 || lead > 0xf7 ? at + 1 : next), formatByte)
      return new SqlError('22021', `invalid byte sequence for encoding "UTF8": ${hex.join(' ')}`)
    }
    at = next
  }
  return new SqlError('22021', 'invalid byte sequence for encoding "UTF8"')
}

function isUtf8(bytes: Buffer): boolean {
  try {
    utf8Decoder.decode(bytes)
    return true
  } catch {
    return false
  }
}

function formatByte(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`
}

function sendText(value: string, writer: ByteWriter): void {
  writer.utf8(value)
}

function identity(value: string): string {
  return value
}

export const textBehaviour: Behaviour<string> = {
  input: identity,
  output: identity,
  receive: receiveText,
  send: sendText,
  writeText: sendText,
  compare: compareText,
  hashKey: identity,
  encodeKey: writeKeyText,
}

/** varchar(n), char(n) -> n + 4. */
function lengthTypmodIn(typeName: string): (args: readonly string[]) => number {
  return (args) => {
    const [first] = args
    if (first === undefined || args.length !== 1) throw new SqlError('22023', 'invalid type modifier')
    const length = Number(first)
    if (!Number.isInteger(length))
      throw new SqlError('22P02', `invalid input syntax for type integer: "${first}"`)
    if (length < 1) throw new SqlError('22023', `length for type ${typeName} must be at least 1`)
    if (length > LENGTH_MAX) {
      throw new SqlError('22023', `length for type ${typeName} cannot exceed ${LENGTH_MAX}`)
    }
    return length + TYPMOD_HEADER
  }
}

function lengthTypmodOut(typmod: number): string {
  return typmod > TYPMOD_HEADER ? `(${typmod - TYPMOD_HEADER})` : ''
}

/** Cuts text to a length: silently when explicit or when only blanks go, else 22001. */
function truncate(value: string, length: number, explicit: boolean, typeName: string): string {
  if (value.length <= length) return value
  const kept = firstCharacters(value, length)
  if (kept.length === value.length) return value
  for (let i = explicit ? value.length : kept.length; i < value.length; i++) {
    if (value.charCodeAt(i) !== 0x20) {
      throw new SqlError('22001', `value too long for type ${typeName}(${length})`)
    }
  }
  return kept
}

function applyVarcharTypmod(value: string, typmod: number, explicit: boolean): string {
  return typmod < TYPMOD_HEADER
    ? value
    : truncate(value, typmod - TYPMOD_HEADER, explicit, 'character varying')
}

export const varcharBehaviour: Behaviour<string> = {
  ...textBehaviour,
  input: (text, typmod) => applyVarcharTypmod(text, typmod, false),
  receive: (bytes, start, end, typmod) => applyVarcharTypmod(receiveText(bytes, start, end), typmod, false),
  typmodIn: lengthTypmodIn('varchar'),
  typmodOut: lengthTypmodOut,
  applyTypmod: applyVarcharTypmod,
}

function applyBpcharTypmod(value: string, typmod: number, explicit: boolean): string {
  if (typmod < TYPMOD_HEADER) return value
  const length = typmod - TYPMOD_HEADER
  const count = characterCount(value)
  if (count < length) return value + ' '.repeat(length - count)
  return count === length ? value : truncate(value, length, explicit, 'character')
}

/** Without trailing blanks, which char(n) does not count in comparisons. */
export function trimBlanks(value: string): string {
  let end = value.length
  while (end > 0 && value.charCodeAt(end - 1) === 0x20) end--
  return end === value.length ? value : value.slice(0, end)
}

export const bpcharBehaviour: Behaviour<string> = {
  ...textBehaviour,
  input: (text, typmod) => applyBpcharTypmod(text, typmod, false),
  receive: (bytes, start, end, typmod) => applyBpcharTypmod(receiveText(bytes, start, end), typmod, false),
  compare: (a, b) => (a === b ? 0 : compareText(trimBlanks(a), trimBlanks(b))),
  hashKey: trimBlanks,
  encodeKey: (value, writer) => writeKeyText(trimBlanks(value), writer),
  typmodIn: lengthTypmodIn('char'),
  typmodOut: lengthTypmodOut,
  applyTypmod: applyBpcharTypmod,
}

/** Cuts a name to the longest prefix of whole characters that fits 63 bytes. */
export function truncateName(text: string): string {
  if (text.length * 3 <= NAME_SIZE_BYTES_MAX || Buffer.byteLength(text) <= NAME_SIZE_BYTES_MAX) return text
  const bytes = Buffer.from(text)
  let end = NAME_SIZE_BYTES_MAX
  while (((bytes[end] as number) & 0xc0) === 0x80) end--
  return bytes.toString('utf8', 0, end)
}

export const nameBehaviour: Behaviour<string> = {
  ...textBehaviour,
  input: truncateName,
  receive(bytes, start, end) {
    const text = receiveText(bytes, start, end)
    if (end - start > NAME_SIZE_BYTES_MAX) {
      throw new SqlError('42622', 'identifier too long', {
        detail: 'Identifier must be less than 64 characters.',
      })
    }
    return text
  },
}

// "char" is one byte. Bytes from 0x80 on print as \ooo; the byte 0 prints as nothing. We keep the printed
// text.
const CHAR_OCTAL = /^\\([0-7]{3})$/

/** "char": the text of its byte. */
export function charFromByte(byte: number): string {
  if (byte === 0) return ''
  return byte < 0x80 ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`
}

/** "char": its byte, 0..255. */
export function charToByte(value: string): number {
  const octal = CHAR_OCTAL.exec(value)
  if (octal !== null) return Number.parseInt(octal[1] as string, 8) & 0xff
  return Buffer.from(value.slice(0, 2))[0] ?? 0
}

export const charBehaviour: Behaviour<string> = {
  ...textBehaviour,
  input: (text) => charFromByte(charToByte(text)),
  receive(bytes, start, end) {
    if (end === start) throw new SqlError('08P01', 'no data left in message')
    if (end - start > 1) throw new SqlError('22P03', 'incorrect binary data format')
    return charFromByte(bytes[start] as number)
  },
  send: (value, writer) => writer.uint8(charToByte(value)),
  compare: (a, b) => charToByte(a) - charToByte(b),
  encodeKey: (value, writer) => writer.uint8(charToByte(value)),
  encodeStored: (value, writer) => writer.uint8(charToByte(value)),
  decodeStored: (bytes, start) => charFromByte(bytes[start] as number),
}

/** A string type without order or equality: json's textual brothers, cstring, unknown. */
export const plainStringBehaviour: Behaviour<string> = {
  input: identity,
  output: identity,
  receive: receiveText,
  send: sendText,
  writeText: sendText,
}
