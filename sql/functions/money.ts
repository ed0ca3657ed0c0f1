// Arithmetic of money (documentation, section 8.2). A value is Int8 hundredths, as the C locale counts money.

import { roundHalfEven } from './cast.ts'
import { type Definition, type Definitions, collect } from './definition.ts'
import {
  addInt8,
  divideFloat,
  divideInt8,
  divisionByZero,
  multiplyFloat,
  multiplyInt8,
  numberToInt8,
  outOfRange,
  subtractInt8,
} from './range-check.ts'
import { numericMultiply, numericToInt8 } from '../types/numeric-arithmetic.ts'
import { Numeric, numericFromInt8 } from '../types/numeric.ts'
import type { Int8 } from '../types/value.ts'

/** Hundredths in one unit of money. */
const HUNDRED = 100
const HUNDRED_NUMERIC: Numeric = numericFromInt8(HUNDRED)

/** Rounded hundredths that must fit. */
function toMoney(hundredths: number): Int8 {
  const rounded = roundHalfEven(hundredths)
  if (!(rounded >= -9223372036854775808 && rounded < 9223372036854775808)) throw outOfRange('money')
  return numberToInt8(rounded)
}

const scale = (value: Int8, factor: number): Int8 => toMoney(multiplyFloat(Number(value), factor))
const divide = (value: Int8, divisor: number): Int8 => toMoney(divideFloat(Number(value), divisor))

function* scaling(): Iterable<readonly [string, Definition]> {
  for (const [type, name] of [
    ['int2', 'int2'],
    ['int4', 'int4'],
    ['int8', 'int8'],
  ] as const) {
    yield [`cash_mul_${name}(money,${type})`, { call: multiplyInt8 }]
    yield [`${name}_mul_cash(${type},money)`, { call: multiplyInt8 }]
    yield [`cash_div_${name}(money,${type})`, { call: divideInt8 }]
  }
  for (const [type, name] of [
    ['float4', 'flt4'],
    ['float8', 'flt8'],
  ] as const) {
    yield [`cash_mul_${name}(money,${type})`, { call: scale }]
    yield [`${name}_mul_cash(${type},money)`, { call: (factor: number, value: Int8) => scale(value, factor) }]
    yield [`cash_div_${name}(money,${type})`, { call: divide }]
  }
}

export const moneyFunctions: Definitions = {
  ...collect(scaling()),
  'cash_pl(money,money)': { call: addInt8 },
  'cash_mi(money,money)': { call: subtractInt8 },
  'cash_div_cash(money,money)': {
    call: (a: Int8, b: Int8) => {
      if (b === 0) throw divisionByZero()
      return Number(a) / Number(b)
    },
  },
  'numeric(money)': { call: (value: Int8) => new Numeric(BigInt(value), 2) },
  'money(numeric)': { call: (value: Numeric) => numericToInt8(numericMultiply(value, HUNDRED_NUMERIC)) },
  'money(int4)': { call: (value: number) => multiplyInt8(value, HUNDRED) },
  'money(int8)': { call: (value: Int8) => multiplyInt8(value, HUNDRED) },
}
