// Arithmetic that stays inside its type. Results of int2, int4 and int8 are checked here, and nowhere else; so are the
// overflow and underflow of floats. These names are also in scope of inlined expressions (see function.ts).
// Error messages and codes: PostgreSQL 15, src tests int2/int4/int8/float8.

import { INT8_MAX, INT8_MIN } from '../types/int8.ts'
import { SqlError } from '../types/sql-error.ts'
import { type Int8, int8 } from '../types/value.ts'

export function outOfRange(type: string): SqlError {
  return new SqlError('22003', `${type} out of range`)
}

export function divisionByZero(): SqlError {
  return new SqlError('22012', 'division by zero')
}

/** `value | 0` also turns -0, which JavaScript's * and % produce, into 0. */
export function toInt2(value: number): number {
  if ((value << 16) >> 16 !== value) throw outOfRange('smallint')
  return value | 0
}

export function toInt4(value: number): number {
  if ((value | 0) !== value) throw outOfRange('integer')
  return value | 0
}

export function toInt8(value: bigint): Int8 {
  if (value < INT8_MIN || value > INT8_MAX) throw outOfRange('bigint')
  return int8(value)
}

/** An integral JavaScript number of any size to int8 (the way back from float arithmetic). */
export function numberToInt8(value: number): Int8 {
  if (Number.isSafeInteger(value)) return value + 0
  if (!(value >= -9223372036854775808 && value < 9223372036854775808)) throw outOfRange('bigint')
  return int8(BigInt(value))
}

export function divideInt4(a: number, b: number): number {
  if (b === 0) throw divisionByZero()
  return toInt4(Math.trunc(a / b))
}

export function divideInt2(a: number, b: number): number {
  if (b === 0) throw divisionByZero()
  return toInt2(Math.trunc(a / b))
}

export function remainderInt4(a: number, b: number): number {
  if (b === 0) throw divisionByZero()
  return (a % b) | 0
}

const isSmall = (value: number): boolean => value <= 9007199254740991 && value >= -9007199254740991

export function addInt8(a: Int8, b: Int8): Int8 {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b
    if (isSmall(sum)) return sum
  }
  return toInt8(BigInt(a) + BigInt(b))
}

export function subtractInt8(a: Int8, b: Int8): Int8 {
  if (typeof a === 'number' && typeof b === 'number') {
    const difference = a - b
    if (isSmall(difference)) return difference
  }
  return toInt8(BigInt(a) - BigInt(b))
}

export function multiplyInt8(a: Int8, b: Int8): Int8 {
  if (typeof a === 'number' && typeof b === 'number') {
    const product = a * b
    if (isSmall(product)) return product + 0
  }
  return toInt8(BigInt(a) * BigInt(b))
}

/** Exact on numbers: |a| < 2^53, so the quotient's error stays below its distance to the next integer. */
export function divideInt8(a: Int8, b: Int8): Int8 {
  if (b === 0) throw divisionByZero()
  if (typeof a === 'number' && typeof b === 'number') return Math.trunc(a / b) + 0
  return toInt8(BigInt(a) / BigInt(b))
}

export function remainderInt8(a: Int8, b: Int8): Int8 {
  if (b === 0) throw divisionByZero()
  if (typeof a === 'number' && typeof b === 'number') return (a % b) + 0
  return int8(BigInt(a) % BigInt(b))
}

/** PostgreSQL's check_float8_val: an infinity or a zero must have come from one. */
export function checkFloat(result: number, infinityAllowed: boolean, zeroAllowed: boolean): number {
  if ((result === Infinity || result === -Infinity) && !infinityAllowed) throw floatOverflow()
  if (result === 0 && !zeroAllowed) throw floatUnderflow()
  return result
}

export function floatOverflow(): SqlError {
  return new SqlError('22003', 'value out of range: overflow')
}

export function floatUnderflow(): SqlError {
  return new SqlError('22003', 'value out of range: underflow')
}

const isInfinite = (value: number): boolean => value === Infinity || value === -Infinity

export function addFloat(a: number, b: number): number {
  const sum = a + b
  if (isInfinite(sum) && !isInfinite(a) && !isInfinite(b)) throw floatOverflow()
  return sum
}

export function subtractFloat(a: number, b: number): number {
  const difference = a - b
  if (isInfinite(difference) && !isInfinite(a) && !isInfinite(b)) throw floatOverflow()
  return difference
}

export function multiplyFloat(a: number, b: number): number {
  return checkFloat(a * b, isInfinite(a) || isInfinite(b), a === 0 || b === 0)
}

export function divideFloat(a: number, b: number): number {
  if (b === 0 && a === a) throw divisionByZero()
  return checkFloat(a / b, isInfinite(a), a === 0 || isInfinite(b))
}

export const addFloat4 = (a: number, b: number): number => {
  const sum = Math.fround(a + b)
  if (isInfinite(sum) && !isInfinite(a) && !isInfinite(b)) throw floatOverflow()
  return sum
}

export const subtractFloat4 = (a: number, b: number): number => addFloat4(a, -b)

export function multiplyFloat4(a: number, b: number): number {
  return checkFloat(Math.fround(a * b), isInfinite(a) || isInfinite(b), a === 0 || b === 0)
}

export function divideFloat4(a: number, b: number): number {
  if (b === 0 && a === a) throw divisionByZero()
  return checkFloat(Math.fround(a / b), isInfinite(a), a === 0 || isInfinite(b))
}

/** The order of floats: NaN equals itself and is above everything. */
export function compareFloat(a: number, b: number): number {
  if (a < b) return -1
  if (a > b) return 1
  if (a === b) return 0
  return a === a ? -1 : b === b ? 1 : 0
}
