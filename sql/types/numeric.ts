// PostgreSQL's numeric: an exact decimal, coefficient / 10^scale on a bigint. The scale is the display scale,
// so 1.0 and 1.00 are equal but print differently. Arithmetic is in numeric-arithmetic.ts, roots and
// logarithms in numeric-math.ts, the Type in numeric-type.ts.
//
// Limits are PostgreSQL's: 131072 digits before the point, 16383 after it (documentation, section 8.1.2).

import { invalidSyntax, trimSpace } from './input-errors.ts'
import { SqlError } from './sql-error.ts'
import type { Int8 } from './value.ts'

export type NumericSpecial = 'NaN' | 'Infinity' | '-Infinity'

export class Numeric {
  /** Unscaled digits; the value is coefficient / 10^scale. Meaningless for specials. */
  readonly coefficient: bigint
  /** Display scale: digits after the point that are printed, zeroes included. */
  readonly scale: number
  readonly special: NumericSpecial | undefined

  constructor(coefficient: bigint, scale: number, special?: NumericSpecial) {
    this.coefficient = coefficient
    this.scale = scale
    this.special = special
  }
}

export const NUMERIC_NAN: Numeric = new Numeric(0n, 0, 'NaN')
export const NUMERIC_INFINITY: Numeric = new Numeric(0n, 0, 'Infinity')
export const NUMERIC_NEGATIVE_INFINITY: Numeric = new Numeric(0n, 0, '-Infinity')
export const NUMERIC_ZERO: Numeric = new Numeric(0n, 0)

/** Digits before and after the point that the format holds. */
const INTEGER_DIGITS_MAX = 131_072
export const NUMERIC_SCALE_MAX = 16_383

const POWERS: bigint[] = [1n]

/** 10^exponent, remembered. */
export function powerOfTen(exponent: number): bigint {
  const known = POWERS[exponent]
  if (known !== undefined) return known
  if (exponent > 4096) return 10n ** BigInt(exponent)
  for (let i = POWERS.length; i <= exponent; i++) POWERS.push((POWERS[i - 1] as bigint) * 10n)
  return POWERS[exponent] as bigint
}

export function absolute(value: bigint): bigint {
  return value < 0n ? -value : value
}

/** Number of decimal digits of a non-negative bigint; 0 has none. */
export function digitCount(value: bigint): number {
  if (value === 0n) return 0
  if (value < 1_000_000_000_000_000n) return String(Number(value)).length
  return value.toString().length
}

export function numericOverflow(): SqlError {
  return new SqlError('22003', 'value overflows numeric format')
}

/** A finite numeric whose size is checked against the format: 22003. */
export function makeNumeric(coefficient: bigint, scale: number): Numeric {
  if (scale > NUMERIC_SCALE_MAX) throw numericOverflow()
  // A bigint below 2^4000 is far from the limit, and most are.
  if (coefficient > 1_000_000_000_000_000_000n || coefficient < -1_000_000_000_000_000_000n) {
    if (digitCount(absolute(coefficient)) - scale > INTEGER_DIGITS_MAX) throw numericOverflow()
  }
  return new Numeric(coefficient, scale)
}

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/
const SPECIALS: ReadonlyMap<string, Numeric> = new Map([
  ['nan', NUMERIC_NAN],
  ['inf', NUMERIC_INFINITY],
  ['+inf', NUMERIC_INFINITY],
  ['-inf', NUMERIC_NEGATIVE_INFINITY],
  ['infinity', NUMERIC_INFINITY],
  ['+infinity', NUMERIC_INFINITY],
  ['-infinity', NUMERIC_NEGATIVE_INFINITY],
])
const EXPONENT_LIMIT = 0x3fff_ffff

/** Parses numeric's text form; 22P02, or 22003 beyond the format's limits. */
export function parseNumeric(text: string): Numeric {
  const word = trimSpace(text)
  const match = DECIMAL.exec(word)
  if (match === null || (match[2] === '' && (match[3] ?? '') === '')) {
    const special = SPECIALS.get(word.toLowerCase())
    if (special === undefined) throw invalidSyntax('numeric', text)
    return special
  }
  const [, sign, whole = '', fraction = '', exponentText] = match
  const exponent = exponentText === undefined ? 0 : Number(exponentText)
  if (Math.abs(exponent) >= EXPONENT_LIMIT) throw numericOverflow()
  let scale = fraction.length - exponent
  const digits = whole + fraction
  let coefficient = digits.length < 16 ? BigInt(Number(digits)) : BigInt(digits)
  if (scale < 0) {
    if (coefficient !== 0n && -scale > INTEGER_DIGITS_MAX) throw numericOverflow()
    if (coefficient !== 0n) coefficient *= powerOfTen(-scale)
    scale = 0
  }
  return makeNumeric(sign === '-' ? -coefficient : coefficient, scale)
}

/** Numeric's text form: always `scale` digits after the point. */
export function formatNumeric(value: Numeric): string {
  if (value.special !== undefined) return value.special
  const { coefficient, scale } = value
  if (scale === 0) return coefficient.toString()
  const digits = absolute(coefficient)
    .toString()
    .padStart(scale + 1, '0')
  const point = digits.length - scale
  return `${coefficient < 0n ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`
}

/** -1, 0 or 1; NaN counts as 1. */
export function numericSign(value: Numeric): number {
  if (value.special !== undefined) return value.special === '-Infinity' ? -1 : 1
  return value.coefficient > 0n ? 1 : value.coefficient < 0n ? -1 : 0
}

function specialRank(special: NumericSpecial | undefined): number {
  return special === undefined ? 0 : special === 'NaN' ? 2 : special === 'Infinity' ? 1 : -1
}

/** PostgreSQL's order: -Infinity, finite, Infinity, NaN; NaN equals itself. */
export function compareNumeric(a: Numeric, b: Numeric): number {
  if (a.special !== undefined || b.special !== undefined)
    return specialRank(a.special) - specialRank(b.special)
  let x = a.coefficient
  let y = b.coefficient
  if (a.scale < b.scale) x *= powerOfTen(b.scale - a.scale)
  else if (b.scale < a.scale) y *= powerOfTen(a.scale - b.scale)
  return x < y ? -1 : x > y ? 1 : 0
}

/** The same value without trailing zeroes after the point (numeric_trim_scale). */
export function trimScale(value: Numeric): Numeric {
  let { coefficient, scale } = value
  if (scale === 0 || value.special !== undefined) return value
  if (coefficient === 0n) return NUMERIC_ZERO
  while (scale >= 8 && coefficient % 100_000_000n === 0n) {
    coefficient /= 100_000_000n
    scale -= 8
  }
  while (scale > 0 && coefficient % 10n === 0n) {
    coefficient /= 10n
    scale--
  }
  return new Numeric(coefficient, scale)
}

/** A Map key that is equal exactly for equal numerics, whatever their scale. */
export function hashNumeric(value: Numeric): bigint | string {
  if (value.special !== undefined) return value.special
  const { coefficient, scale } = trimScale(value)
  return scale === 0 ? coefficient : `${coefficient}e-${scale}`
}

/** An integer as numeric. */
export function numericFromInt8(value: Int8): Numeric {
  return new Numeric(BigInt(value), 0)
}

/** A float as numeric, through its 15 (float4: 6) significant digits, as PostgreSQL's casts do. */
export function numericFromFloat(value: number, digits: 6 | 15): Numeric {
  if (Number.isNaN(value)) return NUMERIC_NAN
  if (!Number.isFinite(value)) return value > 0 ? NUMERIC_INFINITY : NUMERIC_NEGATIVE_INFINITY
  const [mantissa = '', exponent = '0'] = value.toExponential(digits - 1).split('e')
  return parseNumeric(`${mantissa.includes('.') ? mantissa.replace(/\.?0+$/, '') : mantissa}e${exponent}`)
}

/** The nearest float8; 22003 beyond its range. */
export function numericToFloat8(value: Numeric): number {
  if (value.special !== undefined) return Number(value.special)
  const { coefficient, scale } = value
  const isSmall = coefficient >= -9007199254740992n && coefficient <= 9007199254740992n
  // Both exact, so that one division rounds once.
  if (isSmall && scale <= 22) return Number(coefficient) / Number(powerOfTen(scale))
  const result = Number(formatNumeric(value))
  if (!Number.isFinite(result) || (result === 0 && coefficient !== 0n)) {
    throw new SqlError('22003', `"${formatNumeric(value)}" is out of range for type double precision`)
  }
  return result
}
