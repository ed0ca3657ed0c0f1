// Roots, exponentials, logarithms and powers of numeric. The scale of a result follows PostgreSQL's rule: at
// least 16 significant digits, not fewer than the arguments show, at most 1000 after the point. The digits
// are right to the last one: everything is computed with guard digits in fixed point on bigints, then rounded
// half away from zero.

import {
  absolute,
  digitCount,
  makeNumeric,
  Numeric,
  NUMERIC_INFINITY,
  NUMERIC_NAN,
  NUMERIC_ZERO,
  numericOverflow,
  numericSign,
  numericToFloat8,
  powerOfTen,
} from './numeric.ts'
import {
  coefficientAt,
  DISPLAY_SCALE_MAX,
  divideRounded,
  divideToScale,
  divisionByZero,
  leadingDigit,
  numericMultiply,
  numericRound,
  RESULT_SCALE_MAX,
  SIGNIFICANT_DIGITS_MIN,
} from './numeric-arithmetic.ts'
import { SqlError } from './sql-error.ts'

const ONE: Numeric = new Numeric(1n, 0)
const GUARD_DIGITS = 12
const LOG10_E = 0.434294481903252
const LN_10 = 2.302585092994046
/** Decimal digits before the point that the format holds. */
const INTEGER_DIGITS_MAX = 131_072

/** The scale that leaves 16 significant digits to a result of so many decimal digits before the point. */
function resultScale(weight: number, ...scales: number[]): number {
  const scale = Math.max(SIGNIFICANT_DIGITS_MIN - weight, 0, ...scales)
  return Math.min(scale, DISPLAY_SCALE_MAX)
}

/** floor(sqrt(value)) */
export function integerSquareRoot(value: bigint): bigint {
  if (value < 2n) return value
  let root = BigInt(
    Math.floor(Math.sqrt(Number(value >> BigInt(Math.max(0, value.toString(2).length - 1000))))),
  )
  root <<= BigInt(Math.max(0, value.toString(2).length - 1000) >> 1)
  // Newton's method from above ends exactly at the floor.
  root += 1n
  while (root * root <= value) root *= 2n
  for (;;) {
    const next = (root + value / root) >> 1n
    if (next >= root) return root
    root = next
  }
}

export function numericSqrt(value: Numeric): Numeric {
  if (value.special !== undefined && value.special !== '-Infinity') return value
  if (numericSign(value) < 0) throw new SqlError('2201F', 'cannot take square root of a negative number')
  const { weight } = leadingDigit(value)
  const scale = resultScale(Math.trunc(((weight + 1) * 4) / 2) - 1, value.scale)
  // Twice the root, so that the last bit says which way to round.
  const doubled = integerSquareRoot(coefficientAt(value.coefficient * 4n, value.scale, scale * 2))
  return makeNumeric((doubled + 1n) >> 1n, scale)
}

const lnTwoCache = new Map<number, bigint>()

/** ln 2 in fixed point. */
function lnTwo(digits: number): bigint {
  let value = lnTwoCache.get(digits)
  if (value === undefined) {
    value = 2n * inverseHyperbolicTangent(1n, 3n, powerOfTen(digits))
    if (lnTwoCache.size < 64) lnTwoCache.set(digits, value)
  }
  return value
}

/** atanh(numerator / denominator) * unit, for arguments well below 1. */
function inverseHyperbolicTangent(numerator: bigint, denominator: bigint, unit: bigint): bigint {
  const ratio = (numerator * unit) / denominator
  const square = (ratio * ratio) / unit
  let power = ratio
  let sum = ratio
  for (let n = 3n; power !== 0n; n += 2n) {
    power = (power * square) / unit
    sum += power / n
  }
  return sum
}

/** ln of a positive numeric in fixed point with so many digits after the point; the last few are guards. */
function fixedLn({ coefficient, scale }: Numeric, digits: number): bigint {
  const unit = powerOfTen(digits)
  const denominator = powerOfTen(scale)
  // value = mantissa * 2^exponent with a mantissa near 1, kept as a fraction so that nothing is lost near 1.
  const exponent = coefficient.toString(2).length - denominator.toString(2).length
  let numerator = coefficient
  let base = denominator
  if (exponent > 0) base <<= BigInt(exponent)
  else numerator <<= BigInt(-exponent)
  let shift = BigInt(exponent)
  if (numerator * 3n > base * 4n) {
    base <<= 1n
    shift += 1n
  } else if (numerator * 3n < base * 2n) {
    numerator <<= 1n
    shift -= 1n
  }
  return 2n * inverseHyperbolicTangent(numerator - base, numerator + base, unit) + shift * lnTwo(digits)
}

/** exp of a fixed-point number with `digits` after the point; the result in fixed point with `outDigits`. */
function fixedExp(value: bigint, digits: number, outDigits: number): bigint {
  const unit = powerOfTen(digits)
  const two = lnTwo(digits)
  const exponent = value / two - (value < 0n ? 1n : 0n)
  let rest = value - exponent * two
  // Halving the argument eight times makes the series short; squaring takes it back.
  const halvings = 8n
  rest >>= halvings
  let term = unit
  let sum = unit
  for (let n = 1n; term !== 0n; n++) {
    term = (term * rest) / (unit * n)
    sum += term
  }
  for (let i = 0n; i < halvings; i++) sum = (sum * sum) / unit
  const scaled = exponent >= 0n ? sum << exponent : sum
  const out = coefficientAt(scaled, digits, outDigits)
  return exponent >= 0n
    ? out
    : divideRounded(
        coefficientAt(sum, digits, outDigits + GUARD_DIGITS),
        powerOfTen(GUARD_DIGITS) << -exponent,
      )
}

/** A float8 for estimates: infinite when too large, 0 when too small. */
function estimate(value: Numeric): number {
  if (value.special !== undefined) return Number(value.special)
  const digits = digitCount(absolute(value.coefficient)) - value.scale
  if (digits > 300) return value.coefficient < 0n ? -Infinity : Infinity
  return digits < -300 ? 0 : numericToFloat8(value)
}

/** exp(x) with a given scale, x in fixed point; `weight`: digits before the point that the result has. */
function expToScale(value: bigint, digits: number, weight: number, scale: number): Numeric {
  const needed = Math.max(scale + Math.max(weight, 0) + 24 + GUARD_DIGITS, digits)
  const extended = value * powerOfTen(needed - digits)
  return makeNumeric(divideRounded(fixedExp(extended, needed, scale + 24), powerOfTen(24)), scale)
}

export function numericExp(value: Numeric): Numeric {
  if (value.special !== undefined) return value.special === '-Infinity' ? NUMERIC_ZERO : value
  const approximate = estimate(value)
  const decimal = Math.trunc(Math.max(-RESULT_SCALE_MAX, Math.min(RESULT_SCALE_MAX, approximate * LOG10_E)))
  const scale = resultScale(decimal, value.scale)
  if (Math.abs(approximate) >= RESULT_SCALE_MAX * 3) {
    if (approximate > 0) throw numericOverflow()
    return new Numeric(0n, scale)
  }
  return expToScale(value.coefficient, value.scale, decimal, scale)
}

/** The decimal exponent of ln(value), roughly: PostgreSQL chooses scales by it. */
function lnWeight(value: Numeric): number {
  if (numericSign(value) <= 0) return 0
  const unit = powerOfTen(value.scale)
  if (value.coefficient * 10n >= unit * 9n && value.coefficient * 10n <= unit * 11n) {
    // ln(1 + x) is about x.
    const difference = new Numeric(value.coefficient - unit, value.scale)
    if (difference.coefficient === 0n) return 0
    const { weight, digit } = leadingDigit(difference)
    return weight * 4 + Math.trunc(Math.log10(digit))
  }
  const { weight } = leadingDigit(value)
  const { leading, dropped } = leadingDigits(value, 2)
  void weight
  return Math.trunc(Math.log10(Math.abs(Math.log(leading) + dropped * LN_10)))
}

/** The first digits in base 10000 as one number, and the power of ten that it must be multiplied with. */
function leadingDigits(value: Numeric, count: number): { leading: number; dropped: number } {
  const { weight, digit } = leadingDigit(value)
  let leading = digit
  let dropped = weight * 4
  let rest = absolute(value.coefficient)
  for (let i = 1; i < count; i++) {
    const place = value.scale + dropped - 4
    const remaining = rest - coefficientAtFloor(leading, value.scale + dropped)
    if (remaining === 0n) break
    const next = place >= 0 ? remaining / powerOfTen(place) : remaining * powerOfTen(-place)
    leading = leading * 10_000 + Number(next % 10_000n)
    dropped -= 4
    rest = absolute(value.coefficient)
  }
  return { leading, dropped }
}

function coefficientAtFloor(leading: number, place: number): bigint {
  const digits = BigInt(leading)
  return place >= 0 ? digits * powerOfTen(place) : digits / powerOfTen(-place)
}

function checkLogarithm(value: Numeric): void {
  const sign = numericSign(value)
  if (value.special === 'NaN' || sign > 0) return
  throw new SqlError('2201E', `cannot take logarithm of ${sign === 0 ? 'zero' : 'a negative number'}`)
}

export function numericLn(value: Numeric): Numeric {
  checkLogarithm(value)
  if (value.special !== undefined) return value
  const scale = resultScale(lnWeight(value), value.scale)
  const digits = scale + GUARD_DIGITS
  return makeNumeric(divideRounded(fixedLn(value, digits), powerOfTen(GUARD_DIGITS)), scale)
}

/** log(base, value) */
export function numericLog(base: Numeric, value: Numeric): Numeric {
  if (base.special === 'NaN' || value.special === 'NaN') return NUMERIC_NAN
  checkLogarithm(base)
  checkLogarithm(value)
  if (base.special !== undefined) return value.special === undefined ? NUMERIC_ZERO : NUMERIC_NAN
  if (value.special !== undefined) return NUMERIC_INFINITY
  const baseWeight = lnWeight(base)
  const valueWeight = lnWeight(value)
  const scale = resultScale(valueWeight - baseWeight, base.scale, value.scale)
  const digits = scale + Math.abs(valueWeight) + 2 * Math.abs(baseWeight) + GUARD_DIGITS
  const lnBase = fixedLn(base, digits)
  if (lnBase === 0n) throw divisionByZero()
  const lnValue = fixedLn(value, digits)
  return divideToScale(new Numeric(lnValue, 0), new Numeric(lnBase, 0), scale, true)
}

function isInteger(value: Numeric): boolean {
  return value.scale === 0 || value.coefficient % powerOfTen(value.scale) === 0n
}

/** power(base, exponent), specials included (documentation, section 9.3). */
export function numericPower(base: Numeric, exponent: Numeric): Numeric {
  if (base.special !== undefined || exponent.special !== undefined) return powerOfSpecial(base, exponent)
  if (base.coefficient === 0n && exponent.coefficient < 0n) {
    throw new SqlError('2201F', 'zero raised to a negative power is undefined')
  }
  if (isInteger(exponent)) {
    const whole = exponent.coefficient / powerOfTen(exponent.scale)
    if (whole >= -0x8000_0000n && whole <= 0x7fff_ffffn) return integerPower(base, Number(whole))
  } else if (base.coefficient < 0n) {
    throw new SqlError('2201F', 'a negative number raised to a non-integer power yields a complex result')
  }
  if (base.coefficient === 0n) return new Numeric(0n, SIGNIFICANT_DIGITS_MIN)
  return realPower(base, exponent)
}

function powerOfSpecial(base: Numeric, exponent: Numeric): Numeric {
  const isOne = (value: Numeric): boolean =>
    value.special === undefined && value.coefficient === powerOfTen(value.scale)
  if (base.special === 'NaN')
    return exponent.special === undefined && exponent.coefficient === 0n ? ONE : NUMERIC_NAN
  if (exponent.special === 'NaN') return isOne(base) ? ONE : NUMERIC_NAN
  const exponentSign = numericSign(exponent)
  if (isOne(base) || exponentSign === 0) return ONE
  const baseSign = numericSign(base)
  if (exponent.special !== undefined) {
    if (baseSign === 0) {
      if (exponentSign < 0) throw new SqlError('2201F', 'zero raised to a negative power is undefined')
      return NUMERIC_ZERO
    }
    const isUnit = base.special === undefined && absolute(base.coefficient) === powerOfTen(base.scale)
    if (isUnit) return ONE
    const isLarge = base.special !== undefined || absolute(base.coefficient) > powerOfTen(base.scale)
    return isLarge === exponentSign > 0 ? NUMERIC_INFINITY : NUMERIC_ZERO
  }
  if (baseSign > 0) return exponentSign > 0 ? NUMERIC_INFINITY : NUMERIC_ZERO
  if (!isInteger(exponent)) {
    throw new SqlError('2201F', 'a negative number raised to a non-integer power yields a complex result')
  }
  if (exponentSign < 0) return NUMERIC_ZERO
  const isOdd = (exponent.coefficient / powerOfTen(exponent.scale)) % 2n !== 0n
  return isOdd ? base : NUMERIC_INFINITY
}

/** base ^ exponent for integers of int4. */
function integerPower(base: Numeric, exponent: number): Numeric {
  let weight = 0
  if (base.coefficient !== 0n) {
    const { leading, dropped } = leadingDigits(base, 4)
    weight = exponent * (Math.log10(leading) + dropped)
  }
  if (weight > INTEGER_DIGITS_MAX) throw numericOverflow()
  // Unlike other results, those of integer exponents show 16 digits after the point, however large they are.
  const scale = resultScale(0, base.scale)
  if (weight + 1 < -DISPLAY_SCALE_MAX) return new Numeric(0n, scale)
  if (exponent === 0) return new Numeric(powerOfTen(scale), scale)
  if (exponent === 1) return numericRound(base, scale)
  if (exponent === -1) return divideToScale(ONE, base, scale, true)
  if (exponent === 2) return numericRound(numericMultiply(base, base), scale)
  if (base.coefficient === 0n) return new Numeric(0n, scale)
  // Multiplying keeps this many digits, enough for the result and the errors of all steps.
  const digits =
    Math.max(scale + Math.trunc(weight), 0) + 2 * GUARD_DIGITS + Math.ceil(Math.log10(Math.abs(exponent) + 1))
  const power = floatingPower(base, Math.abs(exponent), digits)
  if (exponent > 0) return makeNumeric(coefficientAt(power.coefficient, power.scale, scale), scale)
  return divideToScale(ONE, power, scale, true)
}

/** Repeated squaring, cut to so many significant digits. The scale of the result may be negative. */
function floatingPower(base: Numeric, exponent: number, digits: number): Numeric {
  let result: Numeric = ONE
  let square: Numeric = base
  for (let rest = exponent; ;) {
    if (rest % 2 === 1) result = cutProduct(result, square, digits)
    rest = Math.floor(rest / 2)
    if (rest === 0) return result
    square = cutProduct(square, square, digits)
  }
}

function cutProduct(a: Numeric, b: Numeric, digits: number): Numeric {
  const product = a.coefficient * b.coefficient
  const scale = a.scale + b.scale
  const excess = digitCount(absolute(product)) - digits
  if (excess <= 0) return new Numeric(product, scale)
  return new Numeric(divideRounded(product, powerOfTen(excess)), scale - excess)
}

/** exp(exponent * ln(base)) for a positive base, or a negative one and an integer beyond int4. */
function realPower(base: Numeric, exponent: Numeric): Numeric {
  const isNegative = base.coefficient < 0n && (exponent.coefficient / powerOfTen(exponent.scale)) % 2n !== 0n
  const magnitude = new Numeric(absolute(base.coefficient), base.scale)
  const weight = lnWeight(magnitude)
  // PostgreSQL's estimate, with its rounding: the scale of the result hangs on it.
  const roughScale = Math.max(8 - weight, 0)
  const roughLn = coefficientAt(
    fixedLn(magnitude, roughScale + GUARD_DIGITS),
    roughScale + GUARD_DIGITS,
    roughScale,
  )
  const roughProduct = coefficientAt(roughLn * exponent.coefficient, roughScale + exponent.scale, roughScale)
  const rough = estimate(new Numeric(roughProduct, roughScale))
  if (Math.abs(rough) > RESULT_SCALE_MAX * 3.01) {
    if (rough > 0) throw numericOverflow()
    return new Numeric(0n, DISPLAY_SCALE_MAX)
  }
  const decimal = Math.trunc(rough * LOG10_E)
  const scale = resultScale(decimal, base.scale, exponent.scale)
  const exponentDigits = Math.max(digitCount(absolute(exponent.coefficient)) - exponent.scale, 0)
  // Twice the scale, because results like 1.00000000004999999999987 lie close to a half.
  const digits = scale + Math.min(scale, 64) + Math.max(decimal, 0) + exponentDigits + GUARD_DIGITS + 4
  const product = divideRounded(fixedLn(magnitude, digits) * exponent.coefficient, powerOfTen(exponent.scale))
  const result = expToScale(product, digits, decimal, scale)
  return isNegative ? new Numeric(-result.coefficient, result.scale) : result
}
