// Arithmetic and bits of int2, int4, int8 and what mixes them (documentation, section 9.3). The mixed ones
// (int24pl, int84div, ...) compute in the wider type. int8 arguments are Int8: number when safe, else bigint.

import { type Definition, type Definitions, collect, inlined, inlinedCall } from './definition.ts'
import {
  addInt8,
  divideInt2,
  divideInt4,
  divideInt8,
  multiplyInt8,
  remainderInt4,
  remainderInt8,
  subtractInt8,
  toInt2,
  toInt4,
  toInt8,
} from './range-check.ts'
import { type Int8, int8 } from '../types/value.ts'

const scope = { toInt2, toInt4, divideInt2, divideInt4, remainderInt4 }
const wideScope = { addInt8, subtractInt8, multiplyInt8, divideInt8, remainderInt8 }

type Width = 2 | 4 | 8

/** 'int4' + 'pl' for equal widths, 'int24' + 'pl' for unequal ones; and the argument list. */
function signature(a: Width, b: Width, operation: string): string {
  return `int${a === b ? a : `${a}${b}`}${operation}(int${a},int${b})`
}

function* narrow(a: 2 | 4, b: 2 | 4): Iterable<readonly [string, Definition]> {
  const [to, check] = a === 2 && b === 2 ? [toInt2, 'toInt2'] : [toInt4, 'toInt4']
  const [divide, divideName] = a === 2 && b === 2 ? [divideInt2, 'divideInt2'] : [divideInt4, 'divideInt4']
  const operation = (
    name: string,
    call: (x: number, y: number) => number,
    inline: (x: string, y: string) => string,
  ): [string, Definition] => [signature(a, b, name), inlined(call, inline, scope)]
  yield operation(
    'pl',
    (x, y) => to(x + y),
    (x, y) => `${check}(${x} + ${y})`,
  )
  yield operation(
    'mi',
    (x, y) => to(x - y),
    (x, y) => `${check}(${x} - ${y})`,
  )
  yield operation(
    'mul',
    (x, y) => to(x * y),
    (x, y) => `${check}(${x} * ${y})`,
  )
  yield operation('div', divide, (x, y) => `${divideName}(${x}, ${y})`)
  if (a === b) yield operation('mod', remainderInt4, (x, y) => `remainderInt4(${x}, ${y})`)
}

function* wide(a: Width, b: Width): Iterable<readonly [string, Definition]> {
  const operation = (name: string, called: keyof typeof wideScope): [string, Definition] => [
    signature(a, b, name),
    inlinedCall(wideScope, called),
  ]
  yield operation('pl', 'addInt8')
  yield operation('mi', 'subtractInt8')
  yield operation('mul', 'multiplyInt8')
  yield operation('div', 'divideInt8')
  if (a === b) yield operation('mod', 'remainderInt8')
}

const big =
  (operation: (a: bigint, b: bigint) => bigint) =>
  (a: Int8, b: Int8): Int8 =>
    int8(BigInt.asIntN(64, operation(BigInt(a), BigInt(b))))

const negateInt8 = (a: Int8): Int8 => subtractInt8(0, a)
const absInt8 = (a: Int8): Int8 => (a < 0 ? negateInt8(a) : a)

/** Never negative, so the gcd of the lowest integer and 0 is out of range of its type: the caller checks. */
function gcd(a: number, b: number): number {
  let [x, y] = [Math.abs(a), Math.abs(b)]
  while (y !== 0) [x, y] = [y, x % y]
  return x
}

function lcmInt4(a: number, b: number): number {
  if (a === 0 || b === 0) return 0
  return toInt4(Math.abs((a / gcd(a, b)) * b))
}

function gcdBig(a: bigint, b: bigint): bigint {
  let [x, y] = [a < 0n ? -a : a, b < 0n ? -b : b]
  while (y !== 0n) [x, y] = [y, x % y]
  return x
}

function lcmBig(a: Int8, b: Int8): Int8 {
  if (a === 0 || b === 0) return 0
  const [x, y] = [BigInt(a), BigInt(b)]
  const product = (x / gcdBig(x, y)) * y
  return toInt8(product < 0n ? -product : product)
}

/** -2^63 % -1 is 0 in PostgreSQL, -2^63 / -1 out of range; both fall out of the checked helpers. */
const mods: Definitions = {
  'mod(int2,int2)': inlined(remainderInt4, (a, b) => `remainderInt4(${a}, ${b})`, scope),
  'mod(int4,int4)': inlined(remainderInt4, (a, b) => `remainderInt4(${a}, ${b})`, scope),
  'mod(int8,int8)': inlinedCall(wideScope, 'remainderInt8'),
}

const smaller = <T extends Int8>(a: T, b: T): T => (a < b ? a : b)
const larger = <T extends Int8>(a: T, b: T): T => (a > b ? a : b)

const signs: Definitions = {
  'int2um(int2)': { call: (a: number) => toInt2(-a) },
  'int4um(int4)': inlined(
    (a: number) => toInt4(-a),
    (a) => `toInt4(-(${a}))`,
    scope,
  ),
  'int8um(int8)': { call: negateInt8 },
  'int2up(int2)': { call: (a: number) => a },
  'int4up(int4)': { call: (a: number) => a },
  'int8up(int8)': { call: (a: Int8) => a },
  'int2abs(int2)': { call: (a: number) => toInt2(Math.abs(a)) },
  'int4abs(int4)': { call: (a: number) => toInt4(Math.abs(a)) },
  'int8abs(int8)': { call: absInt8 },
  'abs(int2)': { call: (a: number) => toInt2(Math.abs(a)) },
  'abs(int4)': { call: (a: number) => toInt4(Math.abs(a)) },
  'abs(int8)': { call: absInt8 },
  'int4inc(int4)': { call: (a: number) => toInt4(a + 1) },
  'int8inc(int8)': { call: (a: Int8) => addInt8(a, 1) },
  'int8dec(int8)': { call: (a: Int8) => subtractInt8(a, 1) },
}

const extremes: Definitions = collect(
  ['int2', 'int4', 'int8'].flatMap((type): [string, Definition][] => [
    [`${type}larger(${type},${type})`, { call: larger }],
    [`${type}smaller(${type},${type})`, { call: smaller }],
  ]),
)

const bits: Definitions = {
  'int2and(int2,int2)': inlined(
    (a: number, b: number) => a & b,
    (a, b) => `(${a} & ${b})`,
  ),
  'int4and(int4,int4)': inlined(
    (a: number, b: number) => a & b,
    (a, b) => `(${a} & ${b})`,
  ),
  'int2or(int2,int2)': inlined(
    (a: number, b: number) => a | b,
    (a, b) => `(${a} | ${b})`,
  ),
  'int4or(int4,int4)': inlined(
    (a: number, b: number) => a | b,
    (a, b) => `(${a} | ${b})`,
  ),
  'int2xor(int2,int2)': inlined(
    (a: number, b: number) => a ^ b,
    (a, b) => `(${a} ^ ${b})`,
  ),
  'int4xor(int4,int4)': inlined(
    (a: number, b: number) => a ^ b,
    (a, b) => `(${a} ^ ${b})`,
  ),
  'int2not(int2)': { call: (a: number) => ~a },
  'int4not(int4)': { call: (a: number) => ~a },
  'int2shl(int2,int4)': { call: (a: number, b: number) => ((a << b) << 16) >> 16 },
  'int4shl(int4,int4)': { call: (a: number, b: number) => a << b },
  'int2shr(int2,int4)': { call: (a: number, b: number) => a >> b },
  'int4shr(int4,int4)': { call: (a: number, b: number) => a >> b },
  'int8and(int8,int8)': { call: big((a, b) => a & b) },
  'int8or(int8,int8)': { call: big((a, b) => a | b) },
  'int8xor(int8,int8)': { call: big((a, b) => a ^ b) },
  'int8not(int8)': { call: (a: Int8) => int8(~BigInt(a)) },
  // The processor takes the count modulo 64, as PostgreSQL leaves it to.
  'int8shl(int8,int4)': { call: big((a, b) => a << (b & 63n)) },
  'int8shr(int8,int4)': { call: big((a, b) => a >> (b & 63n)) },
}

const divisors: Definitions = {
  'gcd(int4,int4)': { call: (a: number, b: number) => toInt4(gcd(a, b)) },
  'lcm(int4,int4)': { call: lcmInt4 },
  'gcd(int8,int8)': { call: (a: Int8, b: Int8) => toInt8(gcdBig(BigInt(a), BigInt(b))) },
  'lcm(int8,int8)': { call: lcmBig },
}

export const integerFunctions: Definitions = {
  ...collect([
    ...narrow(2, 2),
    ...narrow(2, 4),
    ...narrow(4, 2),
    ...narrow(4, 4),
    ...wide(8, 8),
    ...wide(8, 4),
    ...wide(4, 8),
    ...wide(8, 2),
    ...wide(2, 8),
  ]),
  ...mods,
  ...signs,
  ...extremes,
  ...bits,
  ...divisors,
}
