import { expect, test } from 'vitest'

import type { Lsn, TimelineId } from '../base/ids.ts'
import { SeededPrng } from '../base/testing/test-env.ts'
import { BirthTable } from './birth-table.ts'
import type { StoredTimeline } from './segment-store.ts'

function born(id: number, parent: number): StoredTimeline {
  const timeline = parent as TimelineId
  return {
    birth: {
      id: id as TimelineId,
      parent: parent === 0 ? undefined : { timeline, lsn: (2 ** 45 + 8 * id) as Lsn },
      createdMicros: 1_700_000_000_000_000 + id,
    },
    dropped: false,
    isWhole: id % 3 > 0,
    annulled: [],
  }
}

test('births are what they were, whatever comes and goes beside them', () => {
  const chance = new SeededPrng(5)
  const draw = (below: number): number => Math.floor(chance.next() * below)
  const table = new BirthTable()
  const model = new Map<number, StoredTimeline>()
  for (let step = 0; step < 20_000; step++) {
    const id = 1 + draw(3000)
    if (draw(3) > 0) {
      const one = born(id, draw(50))
      table.put(one)
      model.set(id, one)
    } else {
      table.delete(id as TimelineId)
      model.delete(id)
    }
    expect(table.size).toBe(model.size)
    const asked = 1 + draw(3000)
    expect(table.has(asked as TimelineId)).toBe(model.has(asked))
    expect(table.get(asked as TimelineId)).toEqual(model.get(asked))
  }
  const byId = (a: StoredTimeline, b: StoredTimeline): number => a.birth.id - b.birth.id
  expect([...table.values()].sort(byId)).toEqual([...model.values()].sort(byId))
  for (let parent = 1; parent < 55; parent++) {
    const has = [...model.values()].some(({ birth }) => birth.parent?.timeline === parent)
    expect(table.hasChildren(parent as TimelineId)).toBe(has)
  }
  for (const id of model.keys()) table.delete(id as TimelineId)
  expect([...table.values()]).toEqual([])
  expect(table.hasChildren(1 as TimelineId)).toBe(false)
})
