// Functions of numeric that its arithmetic answers directly (documentation, section 9.3), and its casts. Roots, powers
// and logarithms are in math.ts.

import { type Definitions, inlined } from './definition.ts'
import { floatOverflow } from './range-check.ts'
import {
  coefficientAt,
  numericAbs,
  numericAdd,
  numericCeil,
  numericDivide,
  numericDivideTruncated,
  numericFloor,
  numericModulo,
  numericMultiply,
  numericNegate,
  numericRound,
  numericSubtract,
  numericToInt2,
  numericToInt4,
  numericToInt8,
  numericTruncate,
} from '../types/numeric-arithmetic.ts'
import {
  NUMERIC_NAN,
  Numeric,
  absolute,
  compareNumeric,
  numericFromFloat,
  numericFromInt8,
  numericSign,
  numericToFloat8,
  trimScale,
} from '../types/numeric.ts'
import { SqlError } from '../types/sql-error.ts'
import { type Int8, type Value } from '../types/value.ts'

const scope = { numericAdd, numericSubtract, numericMultiply, numericDivide }

function signOf(a: Numeric): Numeric {
  return a.special === 'NaN' ? a : numericFromInt8(numericSign(a))
}

/** The least scale that keeps the value. */
function minScale(a: Numeric): Value {
  return a.special === undefined ? trimScale(a).scale : null
}

/** gcd of decimals, at the larger scale. */
function gcd(a: Numeric, b: Numeric): Numeric {
  if (a.special !== undefined || b.special !== undefined) return NUMERIC_NAN
  const scale = Math.max(a.scale, b.scale)
  let x = absolute(coefficientAt(a.coefficient, a.scale, scale))
  let y = absolute(coefficientAt(b.coefficient, b.scale, scale))
  while (y !== 0n) [x, y] = [y, x % y]
  return new Numeric(x, scale)
}

function lcm(a: Numeric, b: Numeric): Numeric {
  if (a.special !== undefined || b.special !== undefined) return NUMERIC_NAN
  const scale = Math.max(a.scale, b.scale)
  if (a.coefficient === 0n || b.coefficient === 0n) return new Numeric(0n, scale)
  const product = numericMultiply(numericDivideTruncated(a, gcd(a, b)), b)
  return numericAbs(numericRound(product, scale))
}

function factorial(n: Int8): Numeric {
  if (n < 0) throw new SqlError('22003', 'factorial of a negative number is undefined')
  if (n > 32177) throw new SqlError('22003', 'value overflows numeric format')
  let product = 1n
  for (let i = 2n; i <= n; i++) product *= i
  return new Numeric(product, 0)
}

/** float4 overflows where float8 does not; PostgreSQL reads the numeric's text as a float4. */
export function numericToFloat4(a: Numeric): number {
  if (a.special !== undefined) return numericToFloat8(a)
  const value = Math.fround(numericToFloat8(a))
  if (!Number.isFinite(value)) throw floatOverflow()
  return value
}

function widthBucket(operand: Numeric, low: Numeric, high: Numeric, count: number): number {
  if (count <= 0) throw new SqlError('2201G', 'count must be greater than zero')
  if ([operand, low, high].some((a) => a.special === 'NaN')) {
    throw new SqlError('2201G', 'operand, lower bound, and upper bound cannot be NaN')
  }
  if (low.special !== undefined || high.special !== undefined) {
    throw new SqlError('2201G', 'lower and upper bounds must be finite')
  }
  const direction = compareNumeric(low, high)
  if (direction === 0) throw new SqlError('2201G', 'lower bound cannot equal upper bound')
  const isBelow = compareNumeric(operand, low) * -direction < 0
  const isAbove = compareNumeric(operand, high) * -direction >= 0
  if (isBelow) return 0
  if (isAbove) {
    if (count === 0x7fff_ffff) throw new SqlError('22003', 'integer out of range')
    return count + 1
  }
  const share = numericMultiply(numericSubtract(operand, low), numericFromInt8(count))
  return numericToInt4(numericFloor(numericDivideTruncated(share, numericSubtract(high, low)))) + 1
}

const arithmetic: Definitions = {
  'numeric_add(numeric,numeric)': inlined(numericAdd, (a, b) => `numericAdd(${a}, ${b})`, scope),
  'numeric_sub(numeric,numeric)': inlined(numericSubtract, (a, b) => `numericSubtract(${a}, ${b})`, scope),
  'numeric_mul(numeric,numeric)': inlined(numericMultiply, (a, b) => `numericMultiply(${a}, ${b})`, scope),
  'numeric_div(numeric,numeric)': inlined(numericDivide, (a, b) => `numericDivide(${a}, ${b})`, scope),
  'numeric_mod(numeric,numeric)': { call: numericModulo },
  'mod(numeric,numeric)': { call: numericModulo },
  'numeric_div_trunc(numeric,numeric)': { call: numericDivideTruncated },
  'div(numeric,numeric)': { call: numericDivideTruncated },
  'numeric_uminus(numeric)': { call: numericNegate },
  'numeric_uplus(numeric)': { call: (a: Numeric) => a },
  'numeric_abs(numeric)': { call: numericAbs },
  'abs(numeric)': { call: numericAbs },
  'numeric_inc(numeric)': { call: (a: Numeric) => numericAdd(a, numericFromInt8(1)) },
  'numeric_larger(numeric,numeric)': { call: (a: Numeric, b: Numeric) => (compareNumeric(a, b) > 0 ? a : b) },
  'numeric_smaller(numeric,numeric)': {
    call: (a: Numeric, b: Numeric) => (compareNumeric(a, b) < 0 ? a : b),
  },
}

const shapes: Definitions = {
  'sign(numeric)': { call: signOf },
  'round(numeric,int4)': { call: numericRound },
  'round(numeric)': { call: (a: Numeric) => numericRound(a, 0) },
  'trunc(numeric,int4)': { call: numericTruncate },
  'trunc(numeric)': { call: (a: Numeric) => numericTruncate(a, 0) },
  'ceil(numeric)': { call: numericCeil },
  'ceiling(numeric)': { call: numericCeil },
  'floor(numeric)': { call: numericFloor },
  'scale(numeric)': { call: (a: Numeric): Value => (a.special === undefined ? a.scale : null) },
  'min_scale(numeric)': { call: minScale },
  'trim_scale(numeric)': { call: trimScale },
  'gcd(numeric,numeric)': { call: gcd },
  'lcm(numeric,numeric)': { call: lcm },
  'factorial(int8)': { call: factorial },
  'width_bucket(numeric,numeric,numeric,int4)': {
    call: (operand: Numeric, ...rest: [Numeric, Numeric, number]) => widthBucket(operand, ...rest),
  },
}

const casts: Definitions = {
  'numeric(int2)': { call: numericFromInt8 },
  'numeric(int4)': { call: numericFromInt8 },
  'numeric(int8)': { call: numericFromInt8 },
  'numeric(float4)': { call: (a: number) => numericFromFloat(a, 6) },
  'numeric(float8)': { call: (a: number) => numericFromFloat(a, 15) },
  'int2(numeric)': { call: numericToInt2 },
  'int4(numeric)': { call: numericToInt4 },
  'int8(numeric)': { call: numericToInt8 },
  'float4(numeric)': { call: numericToFloat4 },
  'float8(numeric)': { call: numericToFloat8 },
}

export const decimalFunctions: Definitions = { ...arithmetic, ...shapes, ...casts }
