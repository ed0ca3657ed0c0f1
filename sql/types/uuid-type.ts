// uuid: 32 hex digits, a hyphen after any group of four, braces around (documentation, section 8.12). The
// value is the canonical text; stored and sent it is 16 bytes, and the order of the text is the order of the
// bytes.

import type { ByteWriter } from '../../storage/base/byte-writer.ts'
import type { Behaviour } from './define-type.ts'
import { expectBytes, invalidSyntax } from './input-errors.ts'

const CANONICAL = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const LOOSE = /^(?:[0-9a-f]{4}-?){7}[0-9a-f]{4}$/

export function parseUuid(text: string): string {
  if (CANONICAL.test(text)) return text
  const lower = text.toLowerCase()
  const inner = lower.startsWith('{') && lower.endsWith('}') ? lower.slice(1, -1) : lower
  if (!LOOSE.test(inner)) throw invalidSyntax('uuid', text)
  return hyphenate(inner.replaceAll('-', ''))
}

function hyphenate(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** The value of a lower-case hex digit. */
function nibble(code: number): number {
  return code <= 0x39 ? code - 0x30 : code - 0x57
}

function writeUuid(value: string, writer: ByteWriter): void {
  writer.reserve(16)
  const { bytes } = writer
  let at = writer.length
  for (let i = 0; i < 36; i += 2) {
    if (value.charCodeAt(i) === 0x2d) i++
    bytes[at++] = (nibble(value.charCodeAt(i)) << 4) | nibble(value.charCodeAt(i + 1))
  }
  writer.length = at
}

function readUuid(bytes: Buffer, start: number): string {
  return hyphenate(bytes.toString('hex', start, start + 16))
}

export const uuidBehaviour: Behaviour<string> = {
  input: parseUuid,
  output: (value) => value,
  receive(bytes, start, end) {
    expectBytes(start, end, 16)
    return readUuid(bytes, start)
  },
  send: writeUuid,
  compare: (a, b) => (a < b ? -1 : a > b ? 1 : 0),
  hashKey: (value) => value,
  encodeKey: writeUuid,
  encodeStored: writeUuid,
  decodeStored: readUuid,
}
