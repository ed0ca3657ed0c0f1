// Variance, deviation, covariance, correlation and regression (documentation, section 9.21.2).
//
//   floats     Youngs and Cramer's running sums of squares of deviations, step for step as PostgreSQL takes them
//   integers   exact sums of x and x*x, numeric at the end
//   numeric    the same

import { NumericSum } from './aggregate-sum.ts'
import {
  type AggregateDefinition,
  type Definition,
  type Definitions,
  aggregate,
  collect,
} from './definition.ts'
import { floatOverflow } from './range-check.ts'
import { numericDivide, numericMultiply, numericSubtract } from '../types/numeric-arithmetic.ts'
import { integerSquareRoot } from '../types/numeric-math.ts'
import {
  NUMERIC_NAN,
  NUMERIC_ZERO,
  Numeric,
  numericFromInt8,
  numericSign,
  powerOfTen,
} from '../types/numeric.ts'
import type { Int8, Value } from '../types/value.ts'

/** How a variance ends: over n or n - 1, and whether its root is taken. */
interface Spread {
  readonly isSample: boolean
  readonly isDeviation: boolean
}

const spreads: Readonly<Record<string, Spread>> = {
  var_pop: { isSample: false, isDeviation: false },
  var_samp: { isSample: true, isDeviation: false },
  variance: { isSample: true, isDeviation: false },
  stddev_pop: { isSample: false, isDeviation: true },
  stddev_samp: { isSample: true, isDeviation: true },
  stddev: { isSample: true, isDeviation: true },
}

class FloatMoments {
  count = 0
  sum = 0
  squares = 0

  add(value: number): this {
    this.count++
    const previous = this.count - 1
    this.sum += value
    if (previous === 0) {
      if (!Number.isFinite(value)) this.squares = NaN
      return this
    }
    const deviation = value * this.count - this.sum
    this.squares += (deviation * deviation) / (this.count * previous)
    if (!Number.isFinite(this.sum) || !Number.isFinite(this.squares)) {
      if (Number.isFinite(this.sum - value) && Number.isFinite(value)) throw floatOverflow()
      this.squares = NaN
    }
    return this
  }

  spread({ isSample, isDeviation }: Spread): Value {
    if (this.count <= (isSample ? 1 : 0)) return null
    const variance = this.squares / (isSample ? this.count - 1 : this.count)
    return isDeviation ? Math.sqrt(variance) : variance
  }
}

/** Sums of x and x*x of numerics. */
class NumericMoments {
  readonly sums: NumericSum = new NumericSum()
  readonly squares: NumericSum = new NumericSum()

  add(value: Numeric): this {
    this.sums.add(value)
    this.squares.add(numericMultiply(value, value))
    return this
  }

  spread({ isSample, isDeviation }: Spread): Value {
    const { count } = this.sums
    if (count <= (isSample ? 1 : 0)) return null
    const total = this.sums.total()
    if (total.special !== undefined) return NUMERIC_NAN
    const n = numericFromInt8(count)
    const numerator = numericSubtract(numericMultiply(n, this.squares.total()), numericMultiply(total, total))
    // Rounding cannot make it negative, but equal values make it 0 of some scale.
    if (numericSign(numerator) <= 0) return NUMERIC_ZERO
    const denominator = numericMultiply(n, numericFromInt8(isSample ? count - 1 : count))
    const variance = numericDivide(numerator, denominator)
    return isDeviation ? squareRootAt(variance) : variance
  }
}

/** The root at the scale of the variance itself: PostgreSQL takes it there, not at the scale of sqrt(numeric). */
function squareRootAt({ coefficient, scale }: Numeric): Numeric {
  // One digit more, cut; it decides the rounding, for what was cut behind it cannot.
  const longer = integerSquareRoot(coefficient * powerOfTen(scale + 2))
  return new Numeric((longer + 5n) / 10n, scale)
}

/** avg of floats: a sum that PostgreSQL takes along with the squares, whose overflow is an error too. */
const averageOfFloats: AggregateDefinition = aggregate<FloatMoments>({
  init: () => new FloatMoments(),
  step: (state, value: number) => state.add(value),
  final: ({ count, sum }) => (count === 0 ? null : sum / count),
})

function floatSpread(how: Spread): AggregateDefinition {
  return aggregate<FloatMoments>({
    init: () => new FloatMoments(),
    step: (state, value: number) => state.add(value),
    final: (state) => state.spread(how),
  })
}

function integerSpread(how: Spread): AggregateDefinition {
  return aggregate<NumericMoments>({
    init: () => new NumericMoments(),
    step: (state, value: Int8) => state.add(numericFromInt8(value)),
    final: (state) => state.spread(how),
  })
}

function numericSpread(how: Spread): AggregateDefinition {
  return aggregate<NumericMoments>({
    init: () => new NumericMoments(),
    step: (state, value: Numeric) => state.add(value),
    final: (state) => state.spread(how),
  })
}

function* spreadAggregates(): Iterable<readonly [string, Definition]> {
  for (const [name, how] of Object.entries(spreads)) {
    for (const type of ['float4', 'float8']) yield [`${name}(${type})`, floatSpread(how)]
    for (const type of ['int2', 'int4', 'int8']) yield [`${name}(${type})`, integerSpread(how)]
    yield [`${name}(numeric)`, numericSpread(how)]
  }
}

/** Running sums of two variables. PostgreSQL's regression aggregates take Y first. */
class PairMoments {
  count = 0
  sumX = 0
  sumY = 0
  xx = 0
  yy = 0
  xy = 0

  add(y: number, x: number): this {
    this.count++
    const previous = this.count - 1
    this.sumX += x
    this.sumY += y
    if (previous === 0) {
      if (!Number.isFinite(x)) this.xx = this.xy = NaN
      if (!Number.isFinite(y)) this.yy = this.xy = NaN
      return this
    }
    const dx = x * this.count - this.sumX
    const dy = y * this.count - this.sumY
    const scale = 1 / (this.count * previous)
    this.xx += dx * dx * scale
    this.yy += dy * dy * scale
    this.xy += dx * dy * scale
    if (
      !Number.isFinite(this.sumX) ||
      !Number.isFinite(this.sumY) ||
      !Number.isFinite(this.xx + this.yy + this.xy)
    ) {
      this.checkOverflow(x, y)
    }
    return this
  }

  /** Infinite sums of finite values are an error, of infinite ones NaN. */
  private checkOverflow(x: number, y: number): void {
    const wasFinite = Number.isFinite(this.sumX - x) && Number.isFinite(this.sumY - y)
    if (wasFinite && Number.isFinite(x) && Number.isFinite(y)) throw floatOverflow()
    if (!Number.isFinite(this.xx)) this.xx = NaN
    if (!Number.isFinite(this.yy)) this.yy = NaN
    if (!Number.isFinite(this.xy)) this.xy = NaN
  }
}

function pairAggregate(final: (state: PairMoments) => Value, least = 1): AggregateDefinition {
  return aggregate<PairMoments>({
    init: () => new PairMoments(),
    step: (state, y: number, x: number) => state.add(y, x),
    final: (state) => (state.count < least ? null : final(state)),
  })
}

function correlation({ xx, yy, xy }: PairMoments): Value {
  return xx === 0 || yy === 0 ? null : xy / Math.sqrt(xx * yy)
}

function determination({ xx, yy, xy }: PairMoments): Value {
  if (xx === 0) return null
  return yy === 0 ? 1 : (xy * xy) / (xx * yy)
}

const pairs: Readonly<Record<string, AggregateDefinition>> = {
  covar_pop: pairAggregate((s) => s.xy / s.count),
  covar_samp: pairAggregate((s) => s.xy / (s.count - 1), 2),
  corr: pairAggregate(correlation),
  regr_count: pairAggregate((s) => s.count, 0),
  regr_sxx: pairAggregate((s) => s.xx),
  regr_syy: pairAggregate((s) => s.yy),
  regr_sxy: pairAggregate((s) => s.xy),
  regr_avgx: pairAggregate((s) => s.sumX / s.count),
  regr_avgy: pairAggregate((s) => s.sumY / s.count),
  regr_r2: pairAggregate(determination),
  regr_slope: pairAggregate((s) => (s.xx === 0 ? null : s.xy / s.xx)),
  regr_intercept: pairAggregate((s) => (s.xx === 0 ? null : (s.sumY - (s.sumX * s.xy) / s.xx) / s.count)),
}

export const statisticsAggregates: Definitions = {
  'avg(float4)': averageOfFloats,
  'avg(float8)': averageOfFloats,
  ...collect(spreadAggregates()),
  ...collect(
    Object.entries(pairs).map(([name, definition]): [string, Definition] => [
      `${name}(float8,float8)`,
      definition,
    ]),
  ),
}
