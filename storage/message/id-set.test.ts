import { expect, test } from 'vitest'

import { SeededPrng } from '../base/testing/test-env.ts'
import type { TimelineId } from '../base/ids.ts'
import { equalIds, idsBetween, IdSet } from './id-set.ts'

test('a set of numbers is what a set of numbers is, in as few ranges as there can be', () => {
  const prng = new SeededPrng(7)
  for (let round = 0; round < 200; round++) {
    const set = new IdSet()
    const model = new Set<number>()
    for (let step = 0; step < 30; step++) {
      const from = 1 + Math.floor(prng.next() * 60)
      const to = from + Math.floor(prng.next() * prng.next() * 12)
      set.add({ from: from as TimelineId, to: to as TimelineId })
      for (let id = from; id <= to; id++) model.add(id)
      const numbers = Array.from({ length: 80 }, (_, at) => at)
      expect(numbers.filter((id) => set.has(id as TimelineId))).toEqual(numbers.filter((id) => model.has(id)))
      const begins = [...model].filter((id) => !model.has(id - 1))
      expect(set.ranges.map(({ from: begin }) => begin)).toEqual(begins.sort((a, b) => a - b))
      expect(set.last).toBe(Math.max(...model))
    }
    const others = numbersUpTo(70).filter((id) => !model.has(id))
    expect(equalIds(idsBetween(model as Set<TimelineId>, 70), new IdSet(asRanges(others)).ranges)).toBe(true)
  }
})

function numbersUpTo(last: number): number[] {
  return Array.from({ length: last }, (_, at) => at + 1)
}

function asRanges(ids: readonly number[]): { from: TimelineId; to: TimelineId }[] {
  return ids.map((id) => ({ from: id as TimelineId, to: id as TimelineId }))
}
