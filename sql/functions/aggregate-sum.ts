// sum, and avg of what is exact (documentation, section 9.21). Their results are wider than what they add: int4 sums
// to int8, int8 to numeric, averages of integers are numeric.
//
//   integers   added as numbers while that is exact, the rest carried over into a bigint
//   numeric    a bigint at the largest scale seen; NaN and the infinities are only counted
//   float      plain addition in the order of the rows, as PostgreSQL does; its avg is in aggregate-statistics.ts

import {
  type AggregateDefinition,
  type Definition,
  type Definitions,
  aggregate,
  collect,
} from './definition.ts'
import { addFloat, addFloat4, addInt8, toInt8 } from './range-check.ts'
import { numericDivide } from '../types/numeric-arithmetic.ts'
import {
  NUMERIC_INFINITY,
  NUMERIC_NAN,
  NUMERIC_NEGATIVE_INFINITY,
  Numeric,
  makeNumeric,
  numericFromInt8,
  powerOfTen,
} from '../types/numeric.ts'
import type { Int8, Value } from '../types/value.ts'

/** Above this the next int4 could leave the safe integers: move what there is into the bigint. */
const SPILL_AT = 2 ** 52

/** A sum of integers, exact at any size. */
class IntegerSum {
  count = 0
  small = 0
  big = 0n

  add(value: Int8): this {
    this.count++
    if (typeof value === 'bigint' || value > SPILL_AT || value < -SPILL_AT) {
      this.big += BigInt(value)
      return this
    }
    this.small += value
    if (this.small > SPILL_AT || this.small < -SPILL_AT) {
      this.big += BigInt(this.small)
      this.small = 0
    }
    return this
  }

  addSum(other: IntegerSum): this {
    this.count += other.count
    this.big += other.total()
    return this
  }

  total(): bigint {
    return this.big + BigInt(this.small)
  }
}

/** A sum of numerics. */
export class NumericSum {
  count = 0
  coefficient = 0n
  scale = 0
  nans = 0
  positives = 0
  negatives = 0

  add(value: Numeric): this {
    this.count++
    if (value.special !== undefined) this.addSpecial(value.special)
    else this.addFinite(value.coefficient, value.scale)
    return this
  }

  private addSpecial(special: 'NaN' | 'Infinity' | '-Infinity'): void {
    if (special === 'NaN') this.nans++
    else if (special === 'Infinity') this.positives++
    else this.negatives++
  }

  private addFinite(coefficient: bigint, scale: number): void {
    if (scale > this.scale) {
      this.coefficient *= powerOfTen(scale - this.scale)
      this.scale = scale
    }
    this.coefficient += scale < this.scale ? coefficient * powerOfTen(this.scale - scale) : coefficient
  }

  addSum(other: NumericSum): this {
    this.count += other.count
    this.nans += other.nans
    this.positives += other.positives
    this.negatives += other.negatives
    this.addFinite(other.coefficient, other.scale)
    return this
  }

  total(): Numeric {
    if (this.nans > 0 || (this.positives > 0 && this.negatives > 0)) return NUMERIC_NAN
    if (this.positives > 0) return NUMERIC_INFINITY
    if (this.negatives > 0) return NUMERIC_NEGATIVE_INFINITY
    return makeNumeric(this.coefficient, this.scale)
  }
}

function integerAggregate(final: (state: IntegerSum) => Value): AggregateDefinition {
  return aggregate<IntegerSum>({
    init: () => new IntegerSum(),
    step: (state, value: Int8) => state.add(value),
    final: (state) => (state.count === 0 ? null : final(state)),
    combine: (a, b) => a.addSum(b),
  })
}

const sumToInt8 = integerAggregate((state) => toInt8(state.total()))
const sumToNumeric = integerAggregate((state) => new Numeric(state.total(), 0))
const averageOfIntegers = integerAggregate((state) =>
  numericDivide(new Numeric(state.total(), 0), numericFromInt8(state.count)),
)

function numericAggregate(final: (state: NumericSum) => Value): AggregateDefinition {
  return aggregate<NumericSum>({
    init: () => new NumericSum(),
    step: (state, value: Numeric) => state.add(value),
    final: (state) => (state.count === 0 ? null : final(state)),
    combine: (a, b) => a.addSum(b),
  })
}

/** PostgreSQL averages special values to NaN or the infinity, whatever the count. */
function averageOfNumerics(state: NumericSum): Numeric {
  const total = state.total()
  return total.special === undefined ? numericDivide(total, numericFromInt8(state.count)) : total
}

class Running<T> {
  value: T | null = null
}

function running<T extends NonNullable<Value>>(add: (a: T, b: T) => T): AggregateDefinition {
  return aggregate<Running<T>>({
    init: () => new Running<T>(),
    step: (state, value: T) => {
      state.value = state.value === null ? value : add(state.value, value)
      return state
    },
    final: (state) => state.value,
    combine: (a, b) => {
      if (b.value !== null) a.value = a.value === null ? b.value : add(a.value, b.value)
      return a
    },
  })
}

export const sumAggregates: Definitions = {
  'sum(int2)': sumToInt8,
  'sum(int4)': sumToInt8,
  'sum(int8)': sumToNumeric,
  'sum(money)': running<Int8>(addInt8),
  'sum(float4)': running<number>(addFloat4),
  'sum(float8)': running<number>(addFloat),
  'sum(numeric)': numericAggregate((state) => state.total()),
  'avg(numeric)': numericAggregate(averageOfNumerics),
  ...collect(
    ['int2', 'int4', 'int8'].map((type): [string, Definition] => [`avg(${type})`, averageOfIntegers]),
  ),
}
