// Functions of bit strings (documentation, section 9.6). A value is text of 0 and 1.

import type { Definitions } from './definition.ts'
import { toInt4 } from './range-check.ts'
import { SqlError } from '../types/sql-error.ts'

/** An operation on bit strings of one length, position by position; 22026 for others. */
export function pairwise(
  name: string,
  operation: (a: boolean, b: boolean) => boolean,
): (a: string, b: string) => string {
  return (a, b) => {
    if (a.length !== b.length) throw new SqlError('22026', `cannot ${name} bit strings of different sizes`)
    return Array.from(a, (bit, i) => (operation(bit === '1', b.charAt(i) === '1') ? '1' : '0')).join('')
  }
}

/** Bits fall out at one end and zeroes come in at the other; a negative count shifts the other way. */
function shiftLeft(bits: string, count: number): string {
  if (count < 0) return shiftRight(bits, -count)
  return count >= bits.length ? '0'.repeat(bits.length) : bits.slice(count) + '0'.repeat(count)
}

function shiftRight(bits: string, count: number): string {
  if (count < 0) return shiftLeft(bits, -count)
  return count >= bits.length
    ? '0'.repeat(bits.length)
    : '0'.repeat(count) + bits.slice(0, bits.length - count)
}

function substring(bits: string, start: number, count = Infinity): string {
  if (count < 0) throw new SqlError('22011', 'negative substring length not allowed')
  const from = Math.max(start - 1, 0)
  return bits.slice(from, Math.max(start - 1 + count, from))
}

function overlay(bits: string, by: string, start: number, count: number = by.length): string {
  if (start <= 0) throw new SqlError('22011', 'negative substring length not allowed')
  return substring(bits, 1, start - 1) + by + bits.slice(Math.max(toInt4(start + count) - 1, 0))
}

function checkIndex(bits: string, index: number): void {
  if (index < 0 || index >= bits.length) {
    throw new SqlError('2202E', `bit index ${index} out of valid range (0..${bits.length - 1})`)
  }
}

function bitAt(bits: string, index: number): number {
  checkIndex(bits, index)
  return bits.charAt(index) === '1' ? 1 : 0
}

function withBit(bits: string, index: number, value: number): string {
  checkIndex(bits, index)
  if (value !== 0 && value !== 1) throw new SqlError('22023', 'new bit must be 0 or 1')
  return bits.slice(0, index) + String(value) + bits.slice(index + 1)
}

export const bitFunctions: Definitions = {
  'bitand(bit,bit)': { call: pairwise('AND', (a, b) => a && b) },
  'bitor(bit,bit)': { call: pairwise('OR', (a, b) => a || b) },
  'bitxor(bit,bit)': { call: pairwise('XOR', (a, b) => a !== b) },
  'bitnot(bit)': { call: (a: string) => a.replace(/[01]/g, (bit) => (bit === '1' ? '0' : '1')) },
  'bitshiftleft(bit,int4)': { call: shiftLeft },
  'bitshiftright(bit,int4)': { call: shiftRight },
  'bitcat(varbit,varbit)': { call: (a: string, b: string) => a + b },
  'bit_count(bit)': { call: (a: string) => a.replaceAll('0', '').length },
  'bit_length(bit)': { call: (a: string) => a.length },
  'length(bit)': { call: (a: string) => a.length },
  'octet_length(bit)': { call: (a: string) => Math.ceil(a.length / 8) },
  'substring(bit,int4)': { call: (a: string, from: number) => substring(a, from) },
  'substring(bit,int4,int4)': { call: substring },
  'overlay(bit,bit,int4)': { call: (a: string, by: string, from: number) => overlay(a, by, from) },
  'overlay(bit,bit,int4,int4)': { call: overlay },
  'position(bit,bit)': { call: (a: string, part: string) => a.indexOf(part) + 1 },
  'get_bit(bit,int4)': { call: bitAt },
  'set_bit(bit,int4,int4)': { call: withBit },
}
