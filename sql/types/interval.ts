// PostgreSQL's interval. (Door; the body is being built.)
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
