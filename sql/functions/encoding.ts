// bytea and what turns text into bytes and back: encode, decode, convert, checksums (documentation, section 9.5).

import { createHash } from 'node:crypto'
import type { Definitions } from './definition.ts'
import { toInt4 } from './range-check.ts'
import { receiveText } from '../types/text-types.ts'
import { SqlError } from '../types/sql-error.ts'
import type { Int8 } from '../types/value.ts'

const digest =
  (algorithm: string) =>
  (bytes: Buffer): Buffer =>
    createHash(algorithm).update(bytes).digest()

/** Base64 in lines of 76 characters, as MIME and PostgreSQL break them. */
function toBase64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/.{76}(?=.)/g, '$&\n')
}

function toEscape(bytes: Buffer): string {
  let text = ''
  for (const byte of bytes) {
    if (byte === 0x5c) text += '\\\\'
    else if (byte === 0 || byte >= 0x80) text += `\\${byte.toString(8).padStart(3, '0')}`
    else text += String.fromCharCode(byte)
  }
  return text
}

function unrecognised(encoding: string): SqlError {
  return new SqlError('22023', `unrecognized encoding: "${encoding}"`)
}

function encode(bytes: Buffer, encoding: string): string {
  switch (encoding.toLowerCase()) {
    case 'hex':
      return bytes.toString('hex')
    case 'base64':
      return toBase64(bytes)
    case 'escape':
      return toEscape(bytes)
    default:
      throw unrecognised(encoding)
  }
}

function fromHex(text: string): Buffer {
  const digits = text.replace(/[ \n\t\r]/g, '')
  const bad = /[^0-9a-fA-F]/u.exec(digits)
  if (bad !== null) throw new SqlError('22023', `invalid hexadecimal digit: "${bad[0]}"`)
  if (digits.length % 2 !== 0) throw new SqlError('22023', 'invalid hexadecimal data: odd number of digits')
  return Buffer.from(digits, 'hex')
}

function fromBase64(text: string): Buffer {
  const digits = text.replace(/[ \n\t\r]/g, '')
  const bad = /[^A-Za-z0-9+/=]/u.exec(digits)
  if (bad !== null)
    throw new SqlError('22023', `invalid symbol "${bad[0]}" found while decoding base64 sequence`)
  if (/=./.test(digits.replace(/={1,2}$/, '')))
    throw new SqlError('22023', 'unexpected "=" while decoding base64 sequence')
  if (digits.length % 4 !== 0) {
    throw new SqlError('22023', 'invalid base64 end sequence', {
      hint: 'Input data is missing padding, is truncated, or is otherwise corrupted.',
    })
  }
  return Buffer.from(digits, 'base64')
}

function fromEscape(text: string): Buffer {
  const parts: Buffer[] = []
  let rest = 0
  for (const match of text.matchAll(/\\(?:(\\)|([0-3][0-7]{2})|)/g)) {
    const [whole, backslash, octal] = match
    if (backslash === undefined && octal === undefined) {
      throw new SqlError('22P02', 'invalid input syntax for type bytea')
    }
    parts.push(Buffer.from(text.slice(rest, match.index)))
    parts.push(Buffer.from([octal === undefined ? 0x5c : Number.parseInt(octal, 8)]))
    rest = match.index + whole.length
  }
  parts.push(Buffer.from(text.slice(rest)))
  return Buffer.concat(parts)
}

function decode(text: string, encoding: string): Buffer {
  switch (encoding.toLowerCase()) {
    case 'hex':
      return fromHex(text)
    case 'base64':
      return fromBase64(text)
    case 'escape':
      return fromEscape(text)
    default:
      throw unrecognised(encoding)
  }
}

/** Encodings we can convert between: UTF8, and the one-byte ones JavaScript has. */
function bufferEncoding(name: string, role: string): 'utf8' | 'latin1' {
  const plain = name.toLowerCase().replace(/[^a-z0-9]/g, '')
  if (plain === 'utf8' || plain === 'unicode') return 'utf8'
  if (plain === 'latin1' || plain === 'iso88591') return 'latin1'
  if (plain === 'sqlascii') return 'utf8'
  throw new SqlError('22023', `invalid ${role}encoding name "${name}"`)
}

function convertFrom(bytes: Buffer, encoding: string, role = 'source '): string {
  return bufferEncoding(encoding, role) === 'latin1'
    ? bytes.toString('latin1')
    : receiveText(bytes, 0, bytes.length)
}

function convertTo(text: string, encoding: string): Buffer {
  if (bufferEncoding(encoding, 'destination ') === 'utf8') return Buffer.from(text)
  const bad = /[^\0-\xff]/u.exec(text)
  if (bad !== null) {
    const bytes = Array.from(Buffer.from(bad[0]), (byte) => `0x${byte.toString(16)}`).join(' ')
    throw new SqlError(
      '22P05',
      `character with byte sequence ${bytes} in encoding "UTF8" has no equivalent in encoding "LATIN1"`,
    )
  }
  return Buffer.from(text, 'latin1')
}

function subbytes(bytes: Buffer, start: number, count = Infinity): Buffer {
  if (count < 0) throw new SqlError('22011', 'negative substring length not allowed')
  const from = Math.max(start - 1, 0)
  return bytes.subarray(from, Math.max(start - 1 + count, from))
}

function overlayBytes(bytes: Buffer, by: Buffer, start: number, count = by.length): Buffer {
  if (start <= 0) throw new SqlError('22011', 'negative substring length not allowed')
  return Buffer.concat([
    subbytes(bytes, 1, start - 1),
    by,
    bytes.subarray(Math.max(toInt4(start + count) - 1, 0)),
  ])
}

function trimBytes(bytes: Buffer, set: Buffer, sides: 'both' | 'left' | 'right'): Buffer {
  let [start, end] = [0, bytes.length]
  if (sides !== 'right') while (start < end && set.includes(bytes[start] ?? 0)) start++
  if (sides !== 'left') while (end > start && set.includes(bytes[end - 1] ?? 0)) end--
  return bytes.subarray(start, end)
}

function indexError(index: Int8, count: number): SqlError {
  return new SqlError('2202E', `index ${index} out of valid range, 0..${count - 1}`)
}

function byteAt(bytes: Buffer, index: number): number {
  const byte = bytes[index]
  if (byte === undefined) throw indexError(index, bytes.length)
  return byte
}

function withByte(bytes: Buffer, index: number, value: number): Buffer {
  byteAt(bytes, index)
  const copy = Buffer.from(bytes)
  copy[index] = value & 0xff
  return copy
}

function bitAt(bytes: Buffer, index: Int8): number {
  if (typeof index === 'bigint' || index < 0 || index >= bytes.length * 8)
    throw indexError(index, bytes.length * 8)
  return (byteAt(bytes, Math.floor(index / 8)) >> (index % 8)) & 1
}

function withBit(bytes: Buffer, index: Int8, value: number): Buffer {
  bitAt(bytes, index)
  if (value !== 0 && value !== 1) throw new SqlError('22023', 'new bit must be 0 or 1')
  const at = Math.floor(Number(index) / 8)
  const mask = 1 << (Number(index) % 8)
  const byte = byteAt(bytes, at)
  return withByte(bytes, at, value === 1 ? byte | mask : byte & ~mask)
}

function bitCount(bytes: Buffer): number {
  let count = 0
  for (const byte of bytes) for (let rest = byte; rest !== 0; rest &= rest - 1) count++
  return count
}

const checksums: Definitions = {
  'md5(text)': { call: (a: string) => createHash('md5').update(a).digest('hex') },
  'md5(bytea)': { call: (a: Buffer) => createHash('md5').update(a).digest('hex') },
  'sha224(bytea)': { call: digest('sha224') },
  'sha256(bytea)': { call: digest('sha256') },
  'sha384(bytea)': { call: digest('sha384') },
  'sha512(bytea)': { call: digest('sha512') },
}

export const encodingFunctions: Definitions = {
  ...checksums,
  'encode(bytea,text)': { call: encode },
  'decode(text,text)': { call: decode },
  'convert_from(bytea,name)': { call: convertFrom },
  'convert_to(text,name)': { call: convertTo },
  'convert(bytea,name,name)': {
    call: (a: Buffer, from: string, to: string) => convertTo(convertFrom(a, from), to),
  },
  'length(bytea)': { call: (a: Buffer) => a.length },
  'length(bytea,name)': {
    call: (a: Buffer, encoding: string) => Array.from(convertFrom(a, encoding, '')).length,
  },
  'octet_length(bytea)': { call: (a: Buffer) => a.length },
  'bit_length(bytea)': { call: (a: Buffer) => a.length * 8 },
  'bit_count(bytea)': { call: bitCount },
  'byteacat(bytea,bytea)': { call: (a: Buffer, b: Buffer) => Buffer.concat([a, b]) },
  'substring(bytea,int4,int4)': { call: subbytes },
  'substring(bytea,int4)': { call: (a: Buffer, from: number) => subbytes(a, from) },
  'substr(bytea,int4,int4)': { call: subbytes },
  'substr(bytea,int4)': { call: (a: Buffer, from: number) => subbytes(a, from) },
  'overlay(bytea,bytea,int4,int4)': { call: overlayBytes },
  'overlay(bytea,bytea,int4)': { call: (a: Buffer, by: Buffer, from: number) => overlayBytes(a, by, from) },
  'position(bytea,bytea)': { call: (a: Buffer, part: Buffer) => a.indexOf(part) + 1 },
  'btrim(bytea,bytea)': { call: (a: Buffer, set: Buffer) => trimBytes(a, set, 'both') },
  'ltrim(bytea,bytea)': { call: (a: Buffer, set: Buffer) => trimBytes(a, set, 'left') },
  'rtrim(bytea,bytea)': { call: (a: Buffer, set: Buffer) => trimBytes(a, set, 'right') },
  'get_byte(bytea,int4)': { call: byteAt },
  'set_byte(bytea,int4,int4)': { call: withByte },
  'get_bit(bytea,int8)': { call: bitAt },
  'set_bit(bytea,int8,int4)': { call: withBit },
}
