// bytea: hex (\x...) and escape forms (documentation, section 8.4).

import type { ByteWriter } from '../../storage/base/byte-writer.ts'
import type { Behaviour } from './define-type.ts'
import { isSpace } from './input-errors.ts'
import { writeKeyBytes } from './key-bytes.ts'
import { SqlError } from './sql-error.ts'

/** bytea input: hex when it begins with \x, else the escape form. */
export function parseBytea(text: string): Buffer {
  if (text.startsWith('\\x')) return parseHex(text, 2)
  if (!text.includes('\\')) return Buffer.from(text)
  return parseEscape(text)
}

/** Hex digits from `from` on, blanks between pairs allowed (also what decode(..., 'hex') takes). */
export function parseHex(text: string, from: number): Buffer {
  const bytes = Buffer.allocUnsafe((text.length - from) >> 1)
  let length = 0
  let at = from
  while (at < text.length) {
    const code = text.charCodeAt(at)
    if (isSpace(code) && code !== 0x0b && code !== 0x0c) {
      at++
      continue
    }
    const high = hexDigit(text, at)
    if (at + 1 >= text.length) throw new SqlError('22023', 'invalid hexadecimal data: odd number of digits')
    bytes[length++] = (high << 4) | hexDigit(text, at + 1)
    at += 2
  }
  return bytes.subarray(0, length)
}

function hexDigit(text: string, at: number): number {
  const code = text.charCodeAt(at)
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const letter = code | 0x20
  if (letter >= 0x61 && letter <= 0x66) return letter - 0x61 + 10
  const character = String.fromCodePoint(text.codePointAt(at) as number)
  throw new SqlError('22023', `invalid hexadecimal digit: "${character}"`)
}

/** \\ is a backslash, \nnn a byte in octal; all else stands for its UTF-8 bytes. */
function parseEscape(text: string): Buffer {
  const source = Buffer.from(text)
  const bytes = Buffer.allocUnsafe(source.length)
  let length = 0
  for (let at = 0; at < source.length;) {
    const byte = source[at] as number
    if (byte !== 0x5c) {
      bytes[length++] = byte
      at++
    } else if (source[at + 1] === 0x5c) {
      bytes[length++] = 0x5c
      at += 2
    } else {
      const octal = source.toString('latin1', at + 1, at + 4)
      if (!/^[0-3][0-7][0-7]$/.test(octal)) throw new SqlError('22P02', 'invalid input syntax for type bytea')
      bytes[length++] = Number.parseInt(octal, 8)
      at += 4
    }
  }
  return bytes.subarray(0, length)
}

/** The escape form: printable ASCII as it is, \\ for a backslash, \nnn for the rest. */
export function formatEscape(value: Buffer): string {
  let text = ''
  for (const byte of value) {
    if (byte === 0x5c) text += '\\\\'
    else if (byte < 0x20 || byte > 0x7e) text += `\\${byte.toString(8).padStart(3, '0')}`
    else text += String.fromCharCode(byte)
  }
  return text
}

const HEX_DIGITS = Buffer.from('0123456789abcdef')

function writeHex(value: Buffer, writer: ByteWriter): void {
  writer.reserve(value.length * 2 + 2)
  const { bytes } = writer
  let at = writer.length
  bytes[at++] = 0x5c
  bytes[at++] = 0x78
  for (let i = 0; i < value.length; i++) {
    const byte = value[i] as number
    bytes[at++] = HEX_DIGITS[byte >> 4] as number
    bytes[at++] = HEX_DIGITS[byte & 15] as number
  }
  writer.length = at
}

export const byteaBehaviour: Behaviour<Buffer> = {
  input: parseBytea,
  output: (value, context) =>
    context.byteaOutput === 'hex' ? `\\x${value.toString('hex')}` : formatEscape(value),
  receive: copyBytes,
  send: (value, writer) => writer.raw(value),
  writeText(value, writer, context) {
    if (context.byteaOutput === 'hex') writeHex(value, writer)
    else writer.utf8(formatEscape(value))
  },
  compare: (a, b) => Buffer.compare(a, b),
  hashKey: (value) => value.toString('latin1'),
  encodeKey: writeKeyBytes,
  encodeStored: (value, writer) => writer.raw(value),
  decodeStored: copyBytes,
}

/** Bytes of a page or a message live only for a moment: values own theirs. */
function copyBytes(bytes: Buffer, start: number, end: number): Buffer {
  const copy = Buffer.allocUnsafe(end - start)
  copy.set(bytes.subarray(start, end))
  return copy
}
