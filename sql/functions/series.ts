// generate_series over integers and numeric, and generate_subscripts (documentation, section 9.25). The series of
// timestamps is in datetime.ts. All are generators: a LIMIT above stops them.

import type { Definitions } from './definition.ts'
import { INT8_MAX, INT8_MIN } from '../types/int8.ts'
import { numericAdd } from '../types/numeric-arithmetic.ts'
import { type Numeric, compareNumeric, numericFromInt8, numericSign } from '../types/numeric.ts'
import { SqlError } from '../types/sql-error.ts'
import { type ArrayValue, type Int8, int8 } from '../types/value.ts'

function zeroStep(): SqlError {
  return new SqlError('22023', 'step size cannot equal zero')
}

/** A bound may be the type's last value: the step over it ends the series. */
function* int4Series(start: number, stop: number, step = 1): Iterable<number> {
  if (step === 0) throw zeroStep()
  if (step > 0) for (let i = start; i <= stop && i <= 2147483647; i += step) yield i
  else for (let i = start; i >= stop && i >= -2147483648; i += step) yield i
}

function* int8Series(start: Int8, stop: Int8, step: Int8 = 1): Iterable<Int8> {
  if (step === 0) throw zeroStep()
  const isSmall = [start, stop, step].every((value) => typeof value === 'number' && Math.abs(value) < 2 ** 52)
  if (isSmall) {
    const [first, last, by] = [Number(start), Number(stop), Number(step)]
    if (by > 0) for (let i = first; i <= last; i += by) yield i
    else for (let i = first; i >= last; i += by) yield i
    return
  }
  const [last, by] = [BigInt(stop), BigInt(step)]
  for (let i = BigInt(start); by > 0n ? i <= last : i >= last; i += by) {
    if (i > INT8_MAX || i < INT8_MIN) return
    yield int8(i)
  }
}

function checkFinite(value: Numeric, what: string): void {
  if (value.special === undefined) return
  const name = value.special === 'NaN' ? 'NaN' : 'infinity'
  throw new SqlError('22023', `${what} cannot be ${name}`)
}

const ONE: Numeric = numericFromInt8(1)

function* numericSeries(start: Numeric, stop: Numeric, step: Numeric = ONE): Iterable<Numeric> {
  checkFinite(start, 'start value')
  checkFinite(stop, 'stop value')
  checkFinite(step, 'step size')
  const direction = numericSign(step)
  if (direction === 0) throw zeroStep()
  for (let value = start; compareNumeric(value, stop) * direction <= 0; value = numericAdd(value, step))
    yield value
}

function* subscripts(array: ArrayValue, dimension: number, reverse = false): Iterable<number> {
  const lower = array.lowerBounds[dimension - 1]
  const length = array.dimensions[dimension - 1]
  if (lower === undefined || length === undefined) return
  const upper = lower + length - 1
  if (reverse) for (let i = upper; i >= lower; i--) yield i
  else for (let i = lower; i <= upper; i++) yield i
}

export const seriesFunctions: Definitions = {
  'generate_series(int4,int4)': { rows: (_context, start: number, stop: number) => int4Series(start, stop) },
  'generate_series(int4,int4,int4)': {
    rows: (_context, start: number, ...rest: [number, number]) => int4Series(start, ...rest),
  },
  'generate_series(int8,int8)': { rows: (_context, start: Int8, stop: Int8) => int8Series(start, stop) },
  'generate_series(int8,int8,int8)': {
    rows: (_context, start: Int8, ...rest: [Int8, Int8]) => int8Series(start, ...rest),
  },
  'generate_series(numeric,numeric)': {
    rows: (_context, start: Numeric, stop: Numeric) => numericSeries(start, stop),
  },
  'generate_series(numeric,numeric,numeric)': {
    rows: (_context, start: Numeric, ...rest: [Numeric, Numeric]) => numericSeries(start, ...rest),
  },
  'generate_subscripts(anyarray,int4)': {
    rows: (_context, array: ArrayValue, dimension: number) => subscripts(array, dimension),
  },
  'generate_subscripts(anyarray,int4,bool)': {
    rows: (_context, array: ArrayValue, dimension: number, reverse: boolean) =>
      subscripts(array, dimension, reverse),
  },
}
