// Functions of intervals alone: arithmetic, justification, and sum and avg over them (documentation, section 9.9).
//
//   interval * float: what months and days leave over cascades down, a month as 30 days, a day as 24 hours.

import { roundHalfEven } from './cast.ts'
import { compareInterval, Interval } from '../types/interval.ts'
import { type AggregateDefinition, type Definitions, aggregate } from './definition.ts'
import { divisionByZero } from './range-check.ts'
import { INT8_MAX, INT8_MIN } from '../types/int8.ts'
import { SqlError } from '../types/sql-error.ts'
import { type Int8, int8 } from '../types/value.ts'

const DAY_MICROS = 86_400_000_000n
const DAY_SECONDS = 86_400

const outOfRange = (): SqlError => new SqlError('22008', 'interval out of range')

/** An interval whose fields are checked against int4 and int8. */
function make(months: number, days: number, micros: Int8): Interval {
  const isInt4 = (value: number): boolean => value >= -2147483648 && value <= 2147483647
  const isInt8 = typeof micros === 'number' || (micros >= INT8_MIN && micros <= INT8_MAX)
  if (!isInt4(months) || !isInt4(days) || !isInt8) throw outOfRange()
  return new Interval(months + 0, days + 0, typeof micros === 'number' ? micros + 0 : int8(micros))
}

export function add(a: Interval, b: Interval): Interval {
  return make(a.months + b.months, a.days + b.days, sum(a.micros, b.micros))
}

function sum(a: Int8, b: Int8): Int8 {
  const total = Number(a) + Number(b)
  return Number.isSafeInteger(total) ? total : BigInt(a) + BigInt(b)
}

function negate({ months, days, micros }: Interval): Interval {
  return make(-months, -days, -BigInt(micros))
}

export const subtract = (a: Interval, b: Interval): Interval => {
  return make(a.months - b.months, a.days - b.days, BigInt(a.micros) - BigInt(b.micros))
}

/** To whole microseconds, so that the remainders of float products do not carry their noise along. */
const roundSeconds = (value: number): number => roundHalfEven(value * 1e6) / 1e6

/** `apply` multiplies or divides a number by the factor. */
function scale({ months, days, micros }: Interval, apply: (value: number) => number): Interval {
  const wholeMonths = Math.trunc(apply(months))
  let wholeDays = Math.trunc(apply(days))
  if (!Number.isFinite(wholeMonths) || !Number.isFinite(wholeDays)) throw outOfRange()
  const monthDays = roundSeconds((apply(months) - wholeMonths) * 30)
  let seconds = roundSeconds((apply(days) - wholeDays + monthDays - Math.trunc(monthDays)) * DAY_SECONDS)
  if (Math.abs(seconds) >= DAY_SECONDS) {
    const carried = Math.trunc(seconds / DAY_SECONDS)
    wholeDays += carried
    seconds -= carried * DAY_SECONDS
  }
  const time = roundHalfEven(apply(Number(micros)) + seconds * 1e6)
  if (!(time >= -9223372036854775808 && time < 9223372036854775808)) throw outOfRange()
  return make(
    wholeMonths,
    wholeDays + Math.trunc(monthDays),
    Number.isSafeInteger(time) ? time : BigInt(time),
  )
}

export const multiply = (a: Interval, factor: number): Interval => scale(a, (value) => value * factor)

function divide(a: Interval, divisor: number): Interval {
  if (divisor === 0) throw divisionByZero()
  return scale(a, (value) => value / divisor)
}

/** Whole days out of the time part. */
function justifyHours({ months, days, micros }: Interval): Interval {
  const whole = BigInt(micros) / DAY_MICROS
  return alignTime(months, days + Number(whole), BigInt(micros) - whole * DAY_MICROS)
}

/** Days and time of one sign. */
function alignTime(months: number, days: number, micros: bigint): Interval {
  if (days > 0 && micros < 0n) return make(months, days - 1, micros + DAY_MICROS)
  if (days < 0 && micros > 0n) return make(months, days + 1, micros - DAY_MICROS)
  return make(months, days, micros)
}

/** Whole months out of the days. */
function justifyDays({ months, days, micros }: Interval): Interval {
  const whole = Math.trunc(days / 30)
  const [allMonths, rest] = [months + whole, days - whole * 30]
  if (allMonths > 0 && rest < 0) return make(allMonths - 1, rest + 30, micros)
  if (allMonths < 0 && rest > 0) return make(allMonths + 1, rest - 30, micros)
  return make(allMonths, rest, micros)
}

/** Both, and all three fields of one sign. */
function justify({ months, days, micros }: Interval): Interval {
  const wholeDays = BigInt(micros) / DAY_MICROS
  const time = BigInt(micros) - wholeDays * DAY_MICROS
  const allDays = days + Number(wholeDays)
  const wholeMonths = Math.trunc(allDays / 30)
  let [resultMonths, rest] = [months + wholeMonths, allDays - wholeMonths * 30]
  if (resultMonths > 0 && (rest < 0 || (rest === 0 && time < 0n)))
    [resultMonths, rest] = [resultMonths - 1, rest + 30]
  else if (resultMonths < 0 && (rest > 0 || (rest === 0 && time > 0n)))
    [resultMonths, rest] = [resultMonths + 1, rest - 30]
  return alignTime(resultMonths, rest, time)
}

class IntervalSum {
  count = 0
  sum: Interval = new Interval(0, 0, 0)
}

function summing(final: (state: IntervalSum) => Interval): AggregateDefinition {
  return aggregate<IntervalSum>({
    init: () => new IntervalSum(),
    step: (state, value: Interval) => {
      state.sum = add(state.sum, value)
      state.count++
      return state
    },
    final: (state) => (state.count === 0 ? null : final(state)),
    combine: (a, b) => {
      a.sum = add(a.sum, b.sum)
      a.count += b.count
      return a
    },
  })
}

export const intervalFunctions: Definitions = {
  'interval_pl(interval,interval)': { call: add },
  'interval_mi(interval,interval)': { call: subtract },
  'interval_um(interval)': { call: negate },
  'interval_mul(interval,float8)': { call: multiply },
  'mul_d_interval(float8,interval)': { call: (factor: number, a: Interval) => multiply(a, factor) },
  'interval_div(interval,float8)': { call: divide },
  'interval_larger(interval,interval)': {
    call: (a: Interval, b: Interval) => (compareInterval(a, b) > 0 ? a : b),
  },
  'interval_smaller(interval,interval)': {
    call: (a: Interval, b: Interval) => (compareInterval(a, b) < 0 ? a : b),
  },
  'justify_hours(interval)': { call: justifyHours },
  'justify_days(interval)': { call: justifyDays },
  'justify_interval(interval)': { call: justify },
  'sum(interval)': summing((state) => state.sum),
  'avg(interval)': summing((state) => divide(state.sum, state.count)),
}
