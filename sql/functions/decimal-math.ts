// Roots, powers and logarithms of numeric (documentation, section 9.3).

import type { Definitions } from './definition.ts'
import { numericExp, numericLn, numericLog, numericPower, numericSqrt } from '../types/numeric-math.ts'
import { type Numeric, numericFromInt8 } from '../types/numeric.ts'

const TEN: Numeric = numericFromInt8(10)
const log10 = (value: Numeric): Numeric => numericLog(TEN, value)

export const decimalMathFunctions: Definitions = {
  'sqrt(numeric)': { call: numericSqrt },
  'numeric_sqrt(numeric)': { call: numericSqrt },
  'exp(numeric)': { call: numericExp },
  'numeric_exp(numeric)': { call: numericExp },
  'ln(numeric)': { call: numericLn },
  'numeric_ln(numeric)': { call: numericLn },
  'log(numeric,numeric)': { call: numericLog },
  'numeric_log(numeric,numeric)': { call: numericLog },
  'log(numeric)': { call: log10 },
  'log10(numeric)': { call: log10 },
  'pow(numeric,numeric)': { call: numericPower },
  'power(numeric,numeric)': { call: numericPower },
  'numeric_power(numeric,numeric)': { call: numericPower },
}
