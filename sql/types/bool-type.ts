// bool: input takes any unique prefix of true/false/yes/no, on/off (two letters at least), 1 and 0, in any
// case.

import type { Behaviour } from './define-type.ts'
import { expectBytes, invalidSyntax, trimSpace } from './input-errors.ts'

export function parseBool(text: string): boolean {
  if (text === 't' || text === 'true') return true
  if (text === 'f' || text === 'false') return false
  const word = trimSpace(text).toLowerCase()
  if (word !== '') {
    if (word === '1' || word === 'on' || 'true'.startsWith(word) || 'yes'.startsWith(word)) return true
    if (word === '0' || word === 'of' || word === 'off' || 'false'.startsWith(word) || 'no'.startsWith(word))
      return false
  }
  throw invalidSyntax('boolean', text)
}

export const boolBehaviour: Behaviour<boolean> = {
  input: parseBool,
  output: (value) => (value ? 't' : 'f'),
  receive(bytes, start, end) {
    expectBytes(start, end, 1)
    return bytes[start] !== 0
  },
  send: (value, writer) => writer.uint8(value ? 1 : 0),
  writeText: (value, writer) => writer.uint8(value ? 0x74 : 0x66),
  compare: (a, b) => Number(a) - Number(b),
  hashKey: (value) => value,
  encodeKey: (value, writer) => writer.uint8(value ? 1 : 0),
  rowSlot: 'bool',
}
