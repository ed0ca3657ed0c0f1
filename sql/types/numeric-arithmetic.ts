// Arithmetic of numeric with PostgreSQL's rules for the scale of results (numeric.c's comments are their
// source):
//
//   a + b, a - b, a % b    the larger scale
//   a * b                  the sum of the scales
//   a / b                  at least 16 significant digits, not less than either scale, at most 1000
//   round, trunc           the scale asked for, 0..2000
//
// All results are exact or rounded half away from zero.

import { outOfRange } from './input-errors.ts'
import { INT8_MAX, INT8_MIN } from './int8.ts'
import {
  absolute,
  digitCount,
  makeNumeric,
  Numeric,
  NUMERIC_INFINITY,
  NUMERIC_NAN,
  NUMERIC_NEGATIVE_INFINITY,
  NUMERIC_SCALE_MAX,
  NUMERIC_ZERO,
  numericSign,
  powerOfTen,
} from './numeric.ts'
import { SqlError } from './sql-error.ts'
import { int8, type Int8 } from './value.ts'

/** Significant digits that a division gives at least. */
export const SIGNIFICANT_DIGITS_MIN = 16
export const DISPLAY_SCALE_MAX = 1000
export const RESULT_SCALE_MAX = 2000

export function divisionByZero(): SqlError {
  return new SqlError('22012', 'division by zero')
}

function isNaNumber(value: Numeric): boolean {
  return value.special === 'NaN'
}

function infinity(sign: number): Numeric {
  return sign < 0 ? NUMERIC_NEGATIVE_INFINITY : NUMERIC_INFINITY
}

/** The coefficient at a larger scale. */
function scaleUp(value: Numeric, scale: number): bigint {
  return scale === value.scale ? value.coefficient : value.coefficient * powerOfTen(scale - value.scale)
}

/** numerator / denominator rounded half away from zero; the denominator is positive. */
export function divideRounded(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator
  const rest = numerator - quotient * denominator
  if (absolute(rest) * 2n < denominator) return quotient
  return numerator < 0n ? quotient - 1n : quotient + 1n
}

/** The coefficient at any scale, rounded half away from zero where digits go. `scale` may be negative. */
export function coefficientAt(coefficient: bigint, from: number, to: number): bigint {
  if (to >= from) return coefficient * powerOfTen(to - from)
  return divideRounded(coefficient, powerOfTen(from - to))
}

export function numericAdd(a: Numeric, b: Numeric): Numeric {
  if (a.special !== undefined || b.special !== undefined) {
    if (isNaNumber(a) || isNaNumber(b)) return NUMERIC_NAN
    if (a.special === undefined) return b
    return b.special === undefined || a.special === b.special ? a : NUMERIC_NAN
  }
  if (a.scale === b.scale) return makeNumeric(a.coefficient + b.coefficient, a.scale)
  const scale = Math.max(a.scale, b.scale)
  return makeNumeric(scaleUp(a, scale) + scaleUp(b, scale), scale)
}

export function numericNegate(value: Numeric): Numeric {
  if (value.special === undefined) return new Numeric(-value.coefficient, value.scale)
  return isNaNumber(value) ? value : infinity(-numericSign(value))
}

export function numericAbs(value: Numeric): Numeric {
  return value.special === '-Infinity' || value.coefficient < 0n ? numericNegate(value) : value
}

export function numericSubtract(a: Numeric, b: Numeric): Numeric {
  if (a.special !== undefined || b.special !== undefined) return numericAdd(a, numericNegate(b))
  if (a.scale === b.scale) return makeNumeric(a.coefficient - b.coefficient, a.scale)
  const scale = Math.max(a.scale, b.scale)
  return makeNumeric(scaleUp(a, scale) - scaleUp(b, scale), scale)
}

export function numericMultiply(a: Numeric, b: Numeric): Numeric {
  if (a.special !== undefined || b.special !== undefined) {
    const sign = numericSign(a) * numericSign(b)
    return isNaNumber(a) || isNaNumber(b) || sign === 0 ? NUMERIC_NAN : infinity(sign)
  }
  const scale = a.scale + b.scale
  const product = a.coefficient * b.coefficient
  if (scale <= NUMERIC_SCALE_MAX) return makeNumeric(product, scale)
  return makeNumeric(coefficientAt(product, scale, NUMERIC_SCALE_MAX), NUMERIC_SCALE_MAX)
}

/** The weight of the first digit in base 10000, and that digit: what PostgreSQL reckons scales from. */
export function leadingDigit(value: Numeric): { weight: number; digit: number } {
  const magnitude = absolute(value.coefficient)
  if (magnitude === 0n) return { weight: 0, digit: 0 }
  const count = digitCount(magnitude)
  const exponent = count - 1 - value.scale
  const weight = Math.floor(exponent / 4)
  const leading = exponent - weight * 4 + 1
  const digit =
    count > leading
      ? Number(magnitude / powerOfTen(count - leading))
      : Number(magnitude) * 10 ** (leading - count)
  return { weight, digit }
}

/** The scale of a / b. */
export function quotientScale(a: Numeric, b: Numeric): number {
  const x = leadingDigit(a)
  const y = leadingDigit(b)
  const weight = x.weight - y.weight - (x.digit <= y.digit ? 1 : 0)
  const scale = Math.max(SIGNIFICANT_DIGITS_MIN - weight * 4, a.scale, b.scale, 0)
  return Math.min(scale, DISPLAY_SCALE_MAX)
}

/** Division of specials, shared by `/` and div(). */
function divideSpecial(a: Numeric, b: Numeric): Numeric {
  if (isNaNumber(a) || isNaNumber(b)) return NUMERIC_NAN
  if (a.special === undefined) return NUMERIC_ZERO
  if (b.special !== undefined) return NUMERIC_NAN
  const sign = numericSign(b)
  if (sign === 0) throw divisionByZero()
  return infinity(numericSign(a) * sign)
}

/** a / b with `scale` digits, rounded or cut. */
export function divideToScale(a: Numeric, b: Numeric, scale: number, rounds: boolean): Numeric {
  // (ca / 10^sa) / (cb / 10^sb) * 10^scale
  const shift = scale - a.scale + b.scale
  let numerator = a.coefficient
  let denominator = b.coefficient
  if (shift >= 0) numerator *= powerOfTen(shift)
  else denominator *= powerOfTen(-shift)
  if (denominator < 0n) {
    numerator = -numerator
    denominator = -denominator
  }
  return makeNumeric(rounds ? divideRounded(numerator, denominator) : numerator / denominator, scale)
}

export function numericDivide(a: Numeric, b: Numeric): Numeric {
  if (a.special !== undefined || b.special !== undefined) return divideSpecial(a, b)
  if (b.coefficient === 0n) throw divisionByZero()
  return divideToScale(a, b, quotientScale(a, b), true)
}

/** div(a, b): the quotient's integer part. */
export function numericDivideTruncated(a: Numeric, b: Numeric): Numeric {
  if (a.special !== undefined || b.special !== undefined) return divideSpecial(a, b)
  if (b.coefficient === 0n) throw divisionByZero()
  return divideToScale(a, b, 0, false)
}

/** The remainder, with the sign of the dividend. */
export function numericModulo(a: Numeric, b: Numeric): Numeric {
  if (a.special !== undefined || b.special !== undefined) {
    if (isNaNumber(a) || isNaNumber(b)) return NUMERIC_NAN
    if (a.special === undefined) return a
    if (numericSign(b) === 0) throw divisionByZero()
    return NUMERIC_NAN
  }
  if (b.coefficient === 0n) throw divisionByZero()
  const scale = Math.max(a.scale, b.scale)
  return makeNumeric(scaleUp(a, scale) % scaleUp(b, scale), scale)
}

function clampScale(scale: number): number {
  return Math.max(-RESULT_SCALE_MAX, Math.min(RESULT_SCALE_MAX, scale))
}

/** round(value, scale): half away from zero; a negative scale rounds before the point. */
export function numericRound(value: Numeric, scale: number): Numeric {
  if (value.special !== undefined) return value
  const to = clampScale(scale)
  const rounded = coefficientAt(value.coefficient, value.scale, to)
  return to >= 0 ? makeNumeric(rounded, to) : makeNumeric(rounded * powerOfTen(-to), 0)
}

/** trunc(value, scale): towards zero. */
export function numericTruncate(value: Numeric, scale: number): Numeric {
  if (value.special !== undefined) return value
  const to = clampScale(scale)
  if (to >= value.scale) return makeNumeric(value.coefficient * powerOfTen(to - value.scale), to)
  const kept = value.coefficient / powerOfTen(value.scale - to)
  return to >= 0 ? new Numeric(kept, to) : makeNumeric(kept * powerOfTen(-to), 0)
}

export function numericFloor(value: Numeric): Numeric {
  if (value.special !== undefined || value.scale === 0) return value
  const unit = powerOfTen(value.scale)
  const whole = value.coefficient / unit
  return new Numeric(whole * unit > value.coefficient ? whole - 1n : whole, 0)
}

export function numericCeil(value: Numeric): Numeric {
  if (value.special !== undefined || value.scale === 0) return value
  const unit = powerOfTen(value.scale)
  const whole = value.coefficient / unit
  return new Numeric(whole * unit < value.coefficient ? whole + 1n : whole, 0)
}

/** The nearest integer in [min, max]; 22003 'integer out of range' and the like, 0A000 for specials. */
function toInteger(value: Numeric, min: bigint, max: bigint, typeName: string): bigint {
  if (value.special !== undefined) {
    throw new SqlError('0A000', `cannot convert ${isNaNumber(value) ? 'NaN' : 'infinity'} to ${typeName}`)
  }
  const rounded =
    value.scale === 0 ? value.coefficient : divideRounded(value.coefficient, powerOfTen(value.scale))
  if (rounded < min || rounded > max) throw outOfRange(typeName)
  return rounded
}

export function numericToInt8(value: Numeric): Int8 {
  return int8(toInteger(value, INT8_MIN, INT8_MAX, 'bigint'))
}

export function numericToInt4(value: Numeric): number {
  return Number(toInteger(value, -0x8000_0000n, 0x7fff_ffffn, 'integer'))
}

export function numericToInt2(value: Numeric): number {
  return Number(toInteger(value, -0x8000n, 0x7fffn, 'smallint'))
}
