// PostgreSQL's numeric. (Door; the body is being built.)
export class Numeric {
  /** Unscaled digits; the value is coefficient / 10^scale. Meaningless for specials. */
  readonly coefficient: bigint
  /** Display scale: digits after the point that are printed, zeroes included. */
  readonly scale: number
  readonly special: 'NaN' | 'Infinity' | '-Infinity' | undefined

  constructor(coefficient: bigint, scale: number, special?: 'NaN' | 'Infinity' | '-Infinity') {
    this.coefficient = coefficient
    this.scale = scale
    this.special = special
  }
}
