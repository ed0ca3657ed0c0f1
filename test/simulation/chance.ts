// Chance from a seed, in streams of its own for each part of the simulation: one more draw by the network does not
// change what the disks draw, so that a history stays nearly the same while it is being looked into.

import { must } from '../../storage/base/assert.ts'
import { SeededPrng } from '../../storage/base/testing/test-env.ts'

export class Chance extends SeededPrng {
  readonly #seed: number

  constructor(seed: number) {
    super(seed)
    this.#seed = seed
  }

  /** A stream of its own, named so that the same name gives the same stream. */
  stream(name: string): Chance {
    let hash = this.#seed ^ 0x5bd1e995
    for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193)
    return new Chance(hash ^ (hash >>> 15))
  }

  /** True with this probability. */
  happens(probability: number): boolean {
    return this.next() < probability
  }

  /** A float in [low, high). */
  between(low: number, high: number): number {
    return low + this.next() * (high - low)
  }

  /** An exponential wait of this mean, so that events come at random times. */
  wait(mean: number): number {
    return -Math.log(1 - this.next()) * mean
  }

  pick<T>(items: readonly T[]): T {
    return must(items[this.below(items.length)], 'something to pick from')
  }

  /** One of these by weight, or undefined when nothing weighs anything. */
  weighted<T extends string>(weights: Readonly<Partial<Record<T, number>>>): T | undefined {
    const entries = Object.entries(weights) as [T, number][]
    let at = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0)
    for (const [item, weight] of entries) {
      at -= weight
      if (weight > 0 && at < 0) return item
    }
    return undefined
  }

  shuffled<T>(items: readonly T[]): T[] {
    const result = [...items]
    for (let at = result.length - 1; at > 0; at--) {
      const other = this.below(at + 1)
      const item = must(result[at])
      result[at] = must(result[other])
      result[other] = item
    }
    return result
  }
}
