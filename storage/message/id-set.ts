// A set of timeline numbers as ranges. Numbers are given out one after the other and most that were ever given out are
// dead, so the dead ones make a few ranges, however many there are: at most one more than timelines live.

import type { TimelineId } from '../base/ids.ts'
import type { IdRange } from './message.ts'

export class IdSet {
  /** Ascending, disjoint, and with at least one number between any two. */
  #ranges: IdRange[] = []

  constructor(ranges: readonly IdRange[] = []) {
    this.add(...ranges)
  }

  get ranges(): readonly IdRange[] {
    return this.#ranges
  }

  /** The highest number; 0 if there is none. */
  get last(): number {
    return this.#ranges.at(-1)?.to ?? 0
  }

  has(id: TimelineId): boolean {
    const range = this.#ranges[this.#firstFrom(id)]
    return range !== undefined && range.from <= id
  }

  add(...added: readonly IdRange[]): void {
    for (const range of added) this.#add(range)
  }

  /** Adds a range, made one with those that it touches. */
  #add({ from, to }: IdRange): void {
    const at = this.#firstFrom(from - 1)
    let end = at
    let [low, high] = [from, to]
    for (
      let held = this.#ranges[end];
      held !== undefined && held.from <= to + 1;
      held = this.#ranges[++end]
    ) {
      if (held.from < low) low = held.from
      if (held.to > high) high = held.to
    }
    this.#ranges.splice(at, end - at, { from: low, to: high })
  }

  /** Index of the first range that ends at or above a number. */
  #firstFrom(id: number): number {
    let low = 0
    let high = this.#ranges.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#ranges[middle] as IdRange).to < id) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** The numbers from 1 to `last` that are not among these, in any order, each once. */
export function idsBetween(ids: Iterable<TimelineId>, last: number): readonly IdRange[] {
  const ranges: IdRange[] = []
  let from = 1
  for (const id of [...ids].sort((a, b) => a - b)) {
    if (id > last) break
    if (id > from) ranges.push({ from: from as TimelineId, to: (id - 1) as TimelineId })
    from = id + 1
  }
  if (from <= last) ranges.push({ from: from as TimelineId, to: last as TimelineId })
  return ranges
}

export function equalIds(a: readonly IdRange[], b: readonly IdRange[]): boolean {
  return a.length === b.length && a.every(({ from, to }, at) => from === b[at]?.from && to === b[at]?.to)
}
