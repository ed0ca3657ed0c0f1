// PostgreSQL's interval: months, days and microseconds kept apart, because a month has no fixed number of
// days and a day no fixed number of hours (documentation, section 8.5.4). Parsing is in interval-parse.ts,
// text in interval-text.ts, arithmetic in interval-arithmetic.ts.

import { type Int8 } from './value.ts'

export class Interval {
  readonly months: number
  readonly days: number
  /** Microseconds; safe integer or bigint like int8. */
  readonly micros: number | bigint

  constructor(months: number, days: number, micros: number | bigint) {
    this.months = months
    this.days = days
    this.micros = micros
  }
}

export const DAYS_PER_MONTH = 30

/**
 * What intervals are compared by: a month is 30 days, a day 24 hours. Beyond 64 bits, hence days and a rest.
 */
export function intervalSpan({ months, days, micros }: Interval): {
  readonly days: number
  readonly micros: number
} {
  const wholeDays = months * DAYS_PER_MONTH + days
  if (typeof micros === 'number') {
    const extra = Math.floor(micros / 86_400_000_000)
    return { days: wholeDays + extra, micros: micros - extra * 86_400_000_000 }
  }
  const rest = ((micros % 86_400_000_000n) + 86_400_000_000n) % 86_400_000_000n
  return { days: wholeDays + Number((micros - rest) / 86_400_000_000n), micros: Number(rest) }
}

export function compareInterval(a: Interval, b: Interval): number {
  const x = intervalSpan(a)
  const y = intervalSpan(b)
  return x.days - y.days || x.micros - y.micros
}

/** The time part cut into hours, minutes, seconds and microseconds, all of its sign. */
export function intervalTime(micros: Int8): {
  hours: number
  minutes: number
  seconds: number
  fraction: number
} {
  if (typeof micros === 'bigint') {
    return {
      hours: Number(micros / 3_600_000_000n),
      minutes: Number((micros / 60_000_000n) % 60n),
      seconds: Number((micros / 1_000_000n) % 60n),
      fraction: Number(micros % 1_000_000n),
    }
  }
  return {
    hours: Math.trunc(micros / 3_600_000_000),
    minutes: Math.trunc(micros / 60_000_000) % 60,
    seconds: Math.trunc(micros / 1_000_000) % 60,
    fraction: micros % 1_000_000,
  }
}
