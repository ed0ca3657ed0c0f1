// Mathematics of float8 (documentation, section 9.3), with PostgreSQL's domain errors and its checks of overflow and
// underflow. numeric's roots, powers and logarithms are in decimal-math.ts.

import { roundHalfEven } from './cast.ts'
import type { ContextDefinition, Definitions, PlainDefinition } from './definition.ts'
import { checkFloat } from './range-check.ts'
import { SqlError } from '../types/sql-error.ts'

const isInfinite = (value: number): boolean => value === Infinity || value === -Infinity

function outOfDomain(): SqlError {
  return new SqlError('22003', 'input is out of range')
}

function squareRoot(a: number): number {
  if (a < 0) throw new SqlError('2201F', 'cannot take square root of a negative number')
  return checkFloat(Math.sqrt(a), isInfinite(a), a === 0)
}

/** C's pow with PostgreSQL's errors; JavaScript differs on 1^NaN and (-1)^inf. */
export function power(base: number, exponent: number): number {
  if (Number.isNaN(base)) return exponent === 0 ? 1 : NaN
  if (Number.isNaN(exponent)) return base === 1 ? 1 : NaN
  if (base === 0 && exponent < 0) throw new SqlError('2201F', 'zero raised to a negative power is undefined')
  if (base < 0 && Math.floor(exponent) !== exponent) {
    throw new SqlError('2201F', 'a negative number raised to a non-integer power yields a complex result')
  }
  if (Math.abs(base) === 1 && isInfinite(exponent)) return 1
  const result = base ** exponent
  if (isInfinite(base) || isInfinite(exponent)) return result
  return checkFloat(result, false, base === 0)
}

/** Halves a float into two of 26 bits each, whose products are exact (Veltkamp). */
function splitFloat(a: number): readonly [high: number, low: number] {
  const scaled = a * 134217729
  const high = scaled - (scaled - a)
  return [high, a - high]
}

/** The rounding error of a * b (Dekker). */
function productError(a: number, b: number): number {
  const [aHigh, aLow] = splitFloat(a)
  const [bHigh, bLow] = splitFloat(b)
  return aLow * bLow - (a * b - aHigh * bHigh - aLow * bHigh - aHigh * bLow)
}

/** The cube root, rounded right where JavaScript's own is one unit off: one Newton step with an exact residual. */
function cubeRoot(a: number): number {
  if (a === 0 || !Number.isFinite(a)) return a
  if (Math.abs(a) < 1e-250) return cubeRoot(a * 2 ** 300) * 2 ** -100
  const root = Math.cbrt(a)
  const square = root * root
  const cube = square * root
  const residual = cube - a + productError(square, root) + productError(root, root) * root
  return root - residual / (3 * square)
}

function exponential(a: number): number {
  return checkFloat(Math.exp(a), isInfinite(a), a === -Infinity)
}

function logarithm(take: (a: number) => number): (a: number) => number {
  return (a) => {
    if (a === 0) throw new SqlError('2201E', 'cannot take logarithm of zero')
    if (a < 0) throw new SqlError('2201E', 'cannot take logarithm of a negative number')
    return checkFloat(take(a), isInfinite(a), a === 1)
  }
}

/** A function of a finite number; infinity is outside of its domain. */
function periodic(take: (a: number) => number): PlainDefinition {
  return {
    call: (a: number) => {
      if (isInfinite(a)) throw outOfDomain()
      return take(a)
    },
  }
}

/** A function of [-1, 1]. */
function inverse(take: (a: number) => number): PlainDefinition {
  return {
    call: (a: number) => {
      if (a < -1 || a > 1) throw outOfDomain()
      return take(a)
    },
  }
}

const DEGREE: number = Math.PI / 180

/** Sine of degrees in [0, 90], exact at 0, 30 and 90, as PostgreSQL scales it. */
function sineOfFirstQuadrant(degrees: number): number {
  if (degrees <= 30) return Math.sin(degrees * DEGREE) / Math.sin(30 * DEGREE) / 2
  return cosineToSixty(90 - degrees)
}

/** Cosine of degrees in [0, 60], exact at 0 and 60. */
function cosineToSixty(degrees: number): number {
  const oneMinus = 1 - Math.cos(degrees * DEGREE)
  return 1 - oneMinus / (1 - Math.cos(60 * DEGREE)) / 2
}

function cosineOfFirstQuadrant(degrees: number): number {
  if (degrees <= 60) return cosineToSixty(degrees)
  return Math.sin((90 - degrees) * DEGREE) / Math.sin(30 * DEGREE) / 2
}

function sineOfDegrees(a: number): number {
  let degrees = a % 360
  let sign = 1
  if (degrees < 0) [degrees, sign] = [-degrees, -1]
  if (degrees > 180) [degrees, sign] = [360 - degrees, -sign]
  if (degrees > 90) degrees = 180 - degrees
  return sign * sineOfFirstQuadrant(degrees)
}

function cosineOfDegrees(a: number): number {
  let degrees = Math.abs(a % 360)
  let sign = 1
  if (degrees > 180) degrees = 360 - degrees
  if (degrees > 90) [degrees, sign] = [180 - degrees, -1]
  return sign * cosineOfFirstQuadrant(degrees)
}

const tangentOf45 = sineOfFirstQuadrant(45) / cosineOfFirstQuadrant(45)

function tangentOfDegrees(a: number): number {
  let degrees = a % 360
  let sign = 1
  if (degrees < 0) [degrees, sign] = [-degrees, -1]
  if (degrees > 180) [degrees, sign] = [360 - degrees, -sign]
  if (degrees > 90) [degrees, sign] = [180 - degrees, -sign]
  const tangent = sineOfFirstQuadrant(degrees) / cosineOfFirstQuadrant(degrees) / tangentOf45
  // -0 is not what PostgreSQL gives.
  return sign * tangent + 0
}

function cotangentOfDegrees(a: number): number {
  let degrees = a % 360
  let sign = 1
  if (degrees < 0) [degrees, sign] = [-degrees, -1]
  if (degrees > 180) [degrees, sign] = [360 - degrees, -sign]
  if (degrees > 90) [degrees, sign] = [180 - degrees, -sign]
  const cotangent = (cosineOfFirstQuadrant(degrees) / sineOfFirstQuadrant(degrees)) * tangentOf45
  return sign * cotangent + 0
}

const arcSine30 = Math.asin(0.5)
const arcCosine60 = Math.acos(0.5)

function arcSineFirstQuadrant(x: number): number {
  if (x <= 0.5) return (Math.asin(x) / arcSine30) * 30
  return 90 - (Math.acos(x) / arcCosine60) * 60
}

function arcCosineFirstQuadrant(x: number): number {
  if (x <= 0.5) return 90 - (Math.asin(x) / arcSine30) * 30
  return (Math.acos(x) / arcCosine60) * 60
}

const arcTangent45 = Math.atan(1)

function widthBucket(operand: number, low: number, high: number, count: number): number {
  if (count <= 0) throw new SqlError('2201G', 'count must be greater than zero')
  if (Number.isNaN(operand) || Number.isNaN(low) || Number.isNaN(high)) {
    throw new SqlError('2201G', 'operand, lower bound, and upper bound cannot be NaN')
  }
  if (isInfinite(low) || isInfinite(high))
    throw new SqlError('2201G', 'lower and upper bounds must be finite')
  if (low === high) throw new SqlError('2201G', 'lower bound cannot equal upper bound')
  const isRising = low < high
  if (isRising ? operand < low : operand > low) return 0
  if (isRising ? operand >= high : operand <= high) {
    if (count === 0x7fff_ffff) throw new SqlError('22003', 'integer out of range')
    return count + 1
  }
  const share = isInfinite(high - low)
    ? (operand / 2 - low / 2) / (high / 2 - low / 2)
    : (operand - low) / (high - low)
  return Math.floor(share * count) + 1
}

const round = { call: (a: number): number => (Number.isFinite(a) ? roundHalfEven(a) : a) }
const ceil = { call: (a: number): number => Math.ceil(a) }

const plain: Definitions = {
  'sqrt(float8)': { call: squareRoot },
  'dsqrt(float8)': { call: squareRoot },
  'cbrt(float8)': { call: cubeRoot },
  'dcbrt(float8)': { call: cubeRoot },
  'power(float8,float8)': { call: power },
  'pow(float8,float8)': { call: power },
  'dpow(float8,float8)': { call: power },
  'exp(float8)': { call: exponential },
  'dexp(float8)': { call: exponential },
  'ln(float8)': { call: logarithm(Math.log) },
  'dlog1(float8)': { call: logarithm(Math.log) },
  'log(float8)': { call: logarithm(Math.log10) },
  'log10(float8)': { call: logarithm(Math.log10) },
  'dlog10(float8)': { call: logarithm(Math.log10) },
  'round(float8)': round,
  'dround(float8)': round,
  'trunc(float8)': { call: (a: number) => Math.trunc(a) },
  'dtrunc(float8)': { call: (a: number) => Math.trunc(a) },
  'ceil(float8)': ceil,
  'ceiling(float8)': ceil,
  'floor(float8)': { call: (a: number) => Math.floor(a) },
  'sign(float8)': { call: (a: number) => (a > 0 ? 1 : a < 0 ? -1 : 0) },
  'pi()': { call: () => Math.PI },
  'degrees(float8)': { call: (a: number) => checkFloat(a / DEGREE, isInfinite(a), a === 0) },
  'radians(float8)': { call: (a: number) => checkFloat(a * DEGREE, isInfinite(a), a === 0) },
  'width_bucket(float8,float8,float8,int4)': {
    call: (operand: number, ...rest: [number, number, number]) => widthBucket(operand, ...rest),
  },
}

const trigonometry: Definitions = {
  'sin(float8)': periodic(Math.sin),
  'cos(float8)': periodic(Math.cos),
  'tan(float8)': periodic(Math.tan),
  'cot(float8)': periodic((a) => 1 / Math.tan(a)),
  'asin(float8)': inverse(Math.asin),
  'acos(float8)': inverse(Math.acos),
  'atan(float8)': { call: (a: number) => Math.atan(a) },
  'atan2(float8,float8)': { call: (a: number, b: number) => Math.atan2(a, b) },
  'sinh(float8)': { call: (a: number) => Math.sinh(a) },
  'cosh(float8)': { call: (a: number) => Math.cosh(a) },
  'tanh(float8)': { call: (a: number) => Math.tanh(a) },
  'asinh(float8)': { call: (a: number) => Math.asinh(a) },
  'acosh(float8)': {
    call: (a: number) => {
      if (a < 1) throw outOfDomain()
      return Math.acosh(a)
    },
  },
  'atanh(float8)': inverse(Math.atanh),
  'sind(float8)': periodic(sineOfDegrees),
  'cosd(float8)': periodic(cosineOfDegrees),
  'tand(float8)': periodic(tangentOfDegrees),
  'cotd(float8)': periodic(cotangentOfDegrees),
  'asind(float8)': inverse((a) => (a >= 0 ? arcSineFirstQuadrant(a) : -arcSineFirstQuadrant(-a))),
  'acosd(float8)': inverse((a) => (a >= 0 ? arcCosineFirstQuadrant(a) : 180 - arcCosineFirstQuadrant(-a))),
  'atand(float8)': { call: (a: number) => (Math.atan(a) / arcTangent45) * 45 },
  'atan2d(float8,float8)': { call: (a: number, b: number) => (Math.atan2(a, b) / arcTangent45) * 45 },
}

const random: ContextDefinition = { context: (context) => context.random() }

/** The seed of random() is the session's: setseed asks it through a setting, as SET seed does. */
const setSeed: ContextDefinition = {
  context: (context, seed: number) => {
    if (!(seed >= -1 && seed <= 1))
      throw new SqlError('22023', `setseed parameter ${seed} is out of allowed range [-1,1]`)
    context.setSetting('seed', String(seed), false)
    return ''
  },
}

export const mathFunctions: Definitions = {
  ...plain,
  ...trigonometry,
  'random()': random,
  'setseed(float8)': setSeed,
}
