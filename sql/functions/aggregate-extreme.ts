// count, min, max, and the aggregates that fold with one operation: bool_and, bool_or, every, bit_and, bit_or, bit_xor
// (documentation, section 9.21). All are strict but count(*): rows with a null argument do not reach them.

import {
  type AggregateDefinition,
  type Definition,
  type Definitions,
  aggregate,
  collect,
} from './definition.ts'
import { pairwise } from './bit.ts'
import { compareValues } from './comparison.ts'
import type { FunctionContext } from './function.ts'
import { compareFloat } from './range-check.ts'
import { compareText } from '../types/text.ts'
import { type Int8, type Value, int8 } from '../types/value.ts'

class Count {
  rows = 0
}

const count: AggregateDefinition = aggregate<Count>({
  init: () => new Count(),
  step: (state) => {
    state.rows++
    return state
  },
  final: (state) => state.rows,
  combine: (a, b) => {
    a.rows += b.rows
    return a
  },
})

/** What a fold has so far; null before its first row, and its result when there was none. */
class Folded<T extends NonNullable<Value>> {
  value: T | null = null
}

function fold<T extends NonNullable<Value>>(operation: (a: T, b: T) => T): AggregateDefinition {
  return aggregate<Folded<T>>({
    init: () => new Folded<T>(),
    step: (state, value: T) => {
      state.value = state.value === null ? value : operation(state.value, value)
      return state
    },
    final: (state) => state.value,
    combine: (a, b) => {
      if (b.value !== null) a.value = a.value === null ? b.value : operation(a.value, b.value)
      return a
    },
  })
}

/** Types whose values JavaScript's < orders. */
const primitiveTypes = [
  'int2',
  'int4',
  'int8',
  'oid',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'money',
  'xid8',
]
const floatTypes = ['float4', 'float8']
const askedTypes = ['numeric', 'interval', 'timetz', 'inet', 'pg_lsn', 'tid', 'bpchar', 'anyarray', 'anyenum']

class Extreme {
  value: Value = null
  readonly context: FunctionContext
  readonly type: number

  constructor(context: FunctionContext, type: number) {
    this.context = context
    this.type = type
  }

  /** Takes the value unless what there is lies on the wanted side of it (-1: below): of equal ones the last. */
  offer(value: NonNullable<Value>, side: number): this {
    if (this.value === null || compareValues(this.context, this.type, this.value, value) * side <= 0)
      this.value = value
    return this
  }
}

function askedExtreme(side: number): AggregateDefinition {
  return aggregate<Extreme>({
    init: (context, [type = 0]) => new Extreme(context, type),
    step: (state, value: NonNullable<Value>) => state.offer(value, side),
    final: (state) => state.value,
    combine: (a, b) => (b.value === null ? a : a.offer(b.value, side)),
  })
}

function* extremes(): Iterable<readonly [string, Definition]> {
  for (const type of primitiveTypes) {
    yield [`min(${type})`, fold<Int8>((a, b) => (b < a ? b : a))]
    yield [`max(${type})`, fold<Int8>((a, b) => (b > a ? b : a))]
  }
  for (const type of floatTypes) {
    yield [`min(${type})`, fold<number>((a, b) => (compareFloat(a, b) < 0 ? a : b))]
    yield [`max(${type})`, fold<number>((a, b) => (compareFloat(a, b) > 0 ? a : b))]
  }
  yield ['min(text)', fold<string>((a, b) => (compareText(b, a) < 0 ? b : a))]
  yield ['max(text)', fold<string>((a, b) => (compareText(b, a) > 0 ? b : a))]
  for (const type of askedTypes) {
    yield [`min(${type})`, askedExtreme(-1)]
    yield [`max(${type})`, askedExtreme(1)]
  }
}

function* bitFolds(): Iterable<readonly [string, Definition]> {
  for (const type of ['int2', 'int4']) {
    yield [`bit_and(${type})`, fold<number>((a, b) => a & b)]
    yield [`bit_or(${type})`, fold<number>((a, b) => a | b)]
    yield [`bit_xor(${type})`, fold<number>((a, b) => a ^ b)]
  }
  yield ['bit_and(int8)', fold<Int8>((a, b) => int8(BigInt(a) & BigInt(b)))]
  yield ['bit_or(int8)', fold<Int8>((a, b) => int8(BigInt(a) | BigInt(b)))]
  yield ['bit_xor(int8)', fold<Int8>((a, b) => int8(BigInt(a) ^ BigInt(b)))]
  yield ['bit_and(bit)', fold<string>(pairwise('AND', (a, b) => a && b))]
  yield ['bit_or(bit)', fold<string>(pairwise('OR', (a, b) => a || b))]
  yield ['bit_xor(bit)', fold<string>(pairwise('XOR', (a, b) => a !== b))]
}

export const extremeAggregates: Definitions = {
  'count()': { ...count, strict: false },
  'count(any)': count,
  'bool_and(bool)': fold<boolean>((a, b) => a && b),
  'bool_or(bool)': fold<boolean>((a, b) => a || b),
  'every(bool)': fold<boolean>((a, b) => a && b),
  ...collect(extremes()),
  ...collect(bitFolds()),
}
