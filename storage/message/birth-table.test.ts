import { expect, test } from 'vitest'

import type { Lsn, TimelineId } from '../base/ids.ts'
import { SeededPrng } from '../base/testing/test-env.ts'
import { BirthTable } from './birth-table.ts'
import type { TimelineBirth } from './message.ts'
import { birthAt, birthCount, filterBirths, idAt, type PackedBirths, packBirths } from './packed-births.ts'

function born(id: number, parent: number): TimelineBirth {
  const timeline = parent as TimelineId
  return {
    id: id as TimelineId,
    parent: parent === 0 ? undefined : { timeline, lsn: (2 ** 45 + 8 * id) as Lsn },
    createdMicros: 1_700_000_000_000_000 + id,
  }
}

function unpacked(births: PackedBirths): TimelineBirth[] {
  return Array.from({ length: birthCount(births) }, (_, index) => birthAt(births, index))
}

test('births are what they were, whatever comes and goes beside them', () => {
  const chance = new SeededPrng(5)
  const draw = (below: number): number => Math.floor(chance.next() * below)
  const table = new BirthTable()
  const model = new Map<number, TimelineBirth>()
  for (let step = 0; step < 20_000; step++) {
    const id = 1 + draw(3000)
    if (draw(3) > 0) {
      const one = born(id, draw(50))
      table.put(one, 1 + (id % 3))
      model.set(id, one)
    } else {
      table.delete(id as TimelineId)
      model.delete(id)
    }
    expect(table.size).toBe(model.size)
    const asked = 1 + draw(3000)
    expect(table.markOf(asked as TimelineId)).toBe(model.has(asked) ? 1 + (asked % 3) : 0)
    expect(table.get(asked as TimelineId)).toEqual(model.get(asked))
    expect(table.baseOf(asked as TimelineId)).toBe(model.get(asked)?.parent?.lsn ?? 0)
  }
  const byId = (a: TimelineBirth, b: TimelineBirth): number => a.id - b.id
  const all = [...model.values()].sort(byId)
  expect([...table.values()].sort(byId)).toEqual(all)
  expect(unpacked(table.pack()).sort(byId)).toEqual(all)
  const visited = new Map<number, readonly unknown[]>()
  table.visit((id, mark, parent, lsn) => visited.set(id, [mark, parent, lsn]))
  expect(visited.size).toBe(model.size)
  for (const { id, parent } of all)
    expect(visited.get(id)).toEqual([1 + (id % 3), parent?.timeline ?? 0, parent?.lsn ?? 0])
  for (let parent = 1; parent < 55; parent++) {
    const has = all.some((birth) => birth.parent?.timeline === parent)
    expect(table.hasChildren(parent as TimelineId)).toBe(has)
  }
  for (const id of model.keys()) table.delete(id as TimelineId)
  expect([...table.values()]).toEqual([])
  expect(table.hasChildren(1 as TimelineId)).toBe(false)
})

test('packed births come out as they went in, all of them or some', () => {
  const births = Array.from({ length: 100 }, (_, at) => born(at + 1, at % 7))
  const packed = packBirths(births)
  expect(unpacked(packed)).toEqual(births)
  const odd = filterBirths(packed, (index) => idAt(packed, index) % 2 === 1)
  expect(unpacked(odd)).toEqual(births.filter(({ id }) => id % 2 === 1))
})
