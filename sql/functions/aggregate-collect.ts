// Aggregates that keep their rows: string_agg, array_agg, and the ordered-set ones (mode, percentile_cont,
// percentile_disc), whose rows arrive in the order of WITHIN GROUP (documentation, sections 9.21.1 and 9.21.3).

import { type AggregateDefinition, type Definitions, aggregate } from './definition.ts'
import { ArrayStack } from './array-stack.ts'
import { compareValues } from './comparison.ts'
import type { FunctionContext } from './function.ts'
import { add as addIntervals, multiply, subtract } from './interval.ts'
import type { Interval } from '../types/interval.ts'
import { FLOAT8_OID, INTERVAL_OID } from '../types/oids.ts'
import { SqlError } from '../types/sql-error.ts'
import { ArrayValue, type Value } from '../types/value.ts'

/** Text with the separator of each but the first row before it. Nulls are left out; a null separator is none. */
const stringAggregate: AggregateDefinition = aggregate<{ text: string | null }>({
  strict: false,
  init: () => ({ text: null }),
  step: (state, value: string | null, separator: string | null) => {
    if (value !== null) state.text = state.text === null ? value : state.text + (separator ?? '') + value
    return state
  },
  final: (state) => state.text,
})

const bytesAggregate: AggregateDefinition = aggregate<Buffer[]>({
  strict: false,
  init: () => [],
  step: (parts, value: Buffer | null, separator: Buffer | null) => {
    if (value === null) return parts
    if (parts.length > 0 && separator !== null) parts.push(separator)
    parts.push(value)
    return parts
  },
  final: (parts) => (parts.length === 0 ? null : Buffer.concat(parts)),
})

class Collected {
  readonly type: number
  readonly values: Value[] = []

  constructor(type: number) {
    this.type = type
  }
}

const arrayAggregate: AggregateDefinition = aggregate<Collected>({
  strict: false,
  init: (_context, [type = 0]) => new Collected(type),
  step: (state, value: Value) => {
    state.values.push(value)
    return state
  },
  final: (state) => (state.values.length === 0 ? null : new ArrayValue(state.type, state.values)),
  combine: (a, b) => {
    for (const value of b.values) a.values.push(value)
    return a
  },
})

/** Arrays become one of a dimension more; all must have the same shape. */
const arrayOfArrays: AggregateDefinition = aggregate<ArrayStack>({
  strict: false,
  init: () => new ArrayStack(),
  step: (stack, value: ArrayValue | null) => {
    stack.push(value)
    return stack
  },
  final: (stack) => stack.finish() ?? null,
})

/** The most frequent value, the first of several in the given order: equal ones arrive together. */
class Mode {
  readonly context: FunctionContext
  readonly type: number
  best: Value = null
  bestCount = 0
  last: Value = null
  lastCount = 0

  constructor(context: FunctionContext, type: number) {
    this.context = context
    this.type = type
  }

  add(value: NonNullable<Value>): this {
    const isSame = this.last !== null && compareValues(this.context, this.type, this.last, value) === 0
    this.lastCount = isSame ? this.lastCount + 1 : 1
    this.last = isSame ? this.last : value
    if (this.lastCount > this.bestCount) [this.best, this.bestCount] = [this.last, this.lastCount]
    return this
  }
}

const mode: AggregateDefinition = aggregate<Mode>({
  init: (context, types) => new Mode(context, types.at(-1) ?? 0),
  step: (state, value: NonNullable<Value>) => state.add(value),
  final: (state) => state.best,
})

function checkFraction(fraction: number): void {
  if (fraction < 0 || fraction > 1 || Number.isNaN(fraction)) {
    throw new SqlError('22003', `percentile value ${fraction} is not between 0 and 1`)
  }
}

/** The first value whose share of the rows reaches the fraction. */
function discrete(values: readonly Value[], fraction: number): Value {
  checkFraction(fraction)
  return values[Math.max(Math.ceil(fraction * values.length), 1) - 1] ?? null
}

/** Between the two values around the fraction's place, linearly. */
function continuous(values: readonly Value[], fraction: number): Value {
  checkFraction(fraction)
  const place = fraction * (values.length - 1)
  const low = Math.floor(place)
  const [a, b] = [Number(values[low]), Number(values[Math.ceil(place)])]
  return low === Math.ceil(place) ? a : a + (b - a) * (place - low)
}

/** The same between intervals. */
function continuousInterval(values: readonly Value[], fraction: number): Value {
  checkFraction(fraction)
  const place = fraction * (values.length - 1)
  const low = Math.floor(place)
  const [a, b] = [values[low] as Interval, values[Math.ceil(place)] as Interval]
  return low === Math.ceil(place) ? a : addIntervals(a, multiply(subtract(b, a), place - low))
}

type Percentile = (values: readonly Value[], fraction: number) => Value

/** Direct arguments come to `final` behind the context. */
function percentile(pick: Percentile): AggregateDefinition {
  return aggregate<Value[]>({
    init: () => [],
    step: (values, value: Value) => {
      values.push(value)
      return values
    },
    final: (values, _context, fraction = null) =>
      values.length === 0 || fraction === null ? null : pick(values, Number(fraction)),
  })
}

function percentiles(pick: Percentile, elementType: number | undefined): AggregateDefinition {
  return aggregate<Collected>({
    init: (_context, types) => new Collected(elementType ?? types.at(-1) ?? 0),
    step: (state, value: Value) => {
      state.values.push(value)
      return state
    },
    final: (state, _context, fractions = null) => {
      if (state.values.length === 0 || !(fractions instanceof ArrayValue)) return null
      const picked = fractions.elements.map((f) => (f === null ? null : pick(state.values, Number(f))))
      return new ArrayValue(state.type, picked, fractions.dimensions, fractions.lowerBounds)
    },
  })
}

export const collectAggregates: Definitions = {
  'string_agg(text,text)': stringAggregate,
  'string_agg(bytea,bytea)': bytesAggregate,
  'array_agg(anynonarray)': arrayAggregate,
  'array_agg(anyarray)': arrayOfArrays,
  'mode(anyelement)': mode,
  'percentile_disc(float8,anyelement)': percentile(discrete),
  'percentile_disc(_float8,anyelement)': percentiles(discrete, undefined),
  'percentile_cont(float8,float8)': percentile(continuous),
  'percentile_cont(float8,interval)': percentile(continuousInterval),
  'percentile_cont(_float8,interval)': percentiles(continuousInterval, INTERVAL_OID),
  'percentile_cont(_float8,float8)': percentiles(continuous, FLOAT8_OID),
}
