// Arrays of the same shape made into one with a dimension more: array_agg and ARRAY(...) of arrays.

import { SqlError } from '../types/sql-error.ts'
import { ArrayValue, type Value } from '../types/value.ts'

export class ArrayStack {
  #first: ArrayValue | undefined
  #count = 0
  readonly #elements: Value[] = []

  /** @throws SqlError 22004 for a null, 2202E for an empty array or one of another shape. */
  push(value: ArrayValue | null): void {
    if (value === null) throw new SqlError('22004', 'cannot accumulate null arrays')
    if (value.dimensions.length === 0) throw new SqlError('2202E', 'cannot accumulate empty arrays')
    this.#first ??= value
    const { dimensions } = this.#first
    if (
      value.dimensions.length !== dimensions.length ||
      value.dimensions.some((size, i) => size !== dimensions[i])
    ) {
      throw new SqlError('2202E', 'cannot accumulate arrays of different dimensionality')
    }
    for (const element of value.elements) this.#elements.push(element)
    this.#count++
  }

  /** undefined when nothing was pushed. */
  finish(): ArrayValue | undefined {
    const first = this.#first
    if (first === undefined) return undefined
    const dimensions = [this.#count, ...first.dimensions]
    return new ArrayValue(first.elementOid, this.#elements, dimensions, [1, ...first.lowerBounds])
  }
}
