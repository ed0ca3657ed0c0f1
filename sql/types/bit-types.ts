// bit(n) and bit varying(n): strings of 0 and 1 (documentation, section 8.10). Sent and stored as an i32
// count of bits and the bits packed from the highest of each byte.

import type { ByteWriter } from '../../storage/base/byte-writer.ts'
import type { Behaviour } from './define-type.ts'
import { insufficientData } from './input-errors.ts'
import { parseInt4 } from './integer-types.ts'
import { writeKeyText } from './key-bytes.ts'
import { SqlError } from './sql-error.ts'

const LENGTH_MAX = 83_886_080

function parseBits(text: string): string {
  const prefix = text[0]
  if (prefix === 'x' || prefix === 'X') {
    return Array.from(text.slice(1), (digit) => {
      if (!/^[0-9a-fA-F]$/.test(digit))
        throw new SqlError('22P02', `"${digit}" is not a valid hexadecimal digit`)
      return Number.parseInt(digit, 16).toString(2).padStart(4, '0')
    }).join('')
  }
  const bits = prefix === 'b' || prefix === 'B' ? text.slice(1) : text
  const wrong = /[^01]/u.exec(bits)
  if (wrong !== null) throw new SqlError('22P02', `"${wrong[0]}" is not a valid binary digit`)
  return bits
}

function writeBits(value: string, writer: ByteWriter): void {
  writer.int32(value.length)
  for (let at = 0; at < value.length; at += 8) {
    writer.uint8(Number.parseInt(value.slice(at, at + 8).padEnd(8, '0'), 2))
  }
}

function readBits(bytes: Buffer, start: number, end: number): string {
  if (end - start < 4) throw insufficientData()
  const length = bytes.readInt32BE(start)
  if (length < 0) throw new SqlError('22P03', 'invalid length in external bit string')
  if (end - start < 4 + Math.ceil(length / 8)) throw insufficientData()
  let text = ''
  for (let at = start + 4; text.length < length; at++)
    text += (bytes[at] as number).toString(2).padStart(8, '0')
  return text.slice(0, length)
}

function typmodIn(typeName: string): (args: readonly string[]) => number {
  return (args) => {
    if (args.length !== 1) throw new SqlError('22023', 'invalid type modifier')
    const length = parseInt4(args[0] as string)
    if (length < 1) throw new SqlError('22023', `length for type ${typeName} must be at least 1`)
    if (length > LENGTH_MAX)
      throw new SqlError('22023', `length for type ${typeName} cannot exceed ${LENGTH_MAX}`)
    return length
  }
}

function applyBitTypmod(value: string, typmod: number, explicit: boolean): string {
  if (typmod <= 0 || value.length === typmod) return value
  if (!explicit) {
    throw new SqlError('22026', `bit string length ${value.length} does not match type bit(${typmod})`)
  }
  return value.slice(0, typmod).padEnd(typmod, '0')
}

function applyVarbitTypmod(value: string, typmod: number, explicit: boolean): string {
  if (typmod <= 0 || value.length <= typmod) return value
  if (!explicit) throw new SqlError('22001', `bit string too long for type bit varying(${typmod})`)
  return value.slice(0, typmod)
}

function bitBehaviourOf(typeName: string, apply: typeof applyBitTypmod): Behaviour<string> {
  return {
    input: (text, typmod) => apply(parseBits(text), typmod, false),
    output: (value) => value,
    receive: (bytes, start, end, typmod) => apply(readBits(bytes, start, end), typmod, false),
    send: writeBits,
    // Strings of 0 and 1 compare as their packed bytes do, then by length.
    compare: (a, b) => (a < b ? -1 : a > b ? 1 : 0),
    hashKey: (value) => value,
    encodeKey: writeKeyText,
    encodeStored: writeBits,
    decodeStored: readBits,
    typmodIn: typmodIn(typeName),
    applyTypmod: apply,
  }
}

export const bitBehaviour: Behaviour<string> = bitBehaviourOf('bit', applyBitTypmod)
export const varbitBehaviour: Behaviour<string> = bitBehaviourOf('varbit', applyVarbitTypmod)
