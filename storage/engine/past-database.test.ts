// A timeline opened at a point of its past: what it shows, what it shares with the present, what it refuses.

import { expect, test } from 'vitest'
import type { Lsn, PageNo, TimelineId } from '../base/ids.ts'
import { runSuspendable } from '../base/suspend.ts'
import type { Database } from './engine.ts'
import { commit, createTree, key, openFixture, scan } from './testing/engine-fixture.ts'

const COUNT = 2000

async function putAll(database: Database, tree: PageNo, text: string, step = 1): Promise<Lsn> {
  return commit(database, (transaction) => {
    for (let i = 0; i < COUNT; i += step) transaction.put(tree, key(i), Buffer.from(text.repeat(8)), 0)
  })
}

async function texts(database: Database, tree: PageNo): Promise<string[]> {
  const view = database.view()
  database.pin(view)
  const cells = await scan(view, tree)
  database.unpin(view)
  return [...new Set(cells.map(([, value]) => value.toString().slice(0, 3)))].toSorted()
}

test('the past shows what was there, and stays while the present goes on', async () => {
  const { engine, database } = await openFixture({ poolPages: 128 })
  const tree = await createTree(database)
  const first = await putAll(database, tree, 'one')
  const second = await putAll(database, tree, 'two', 2)
  const past = await engine.openPast(database.timeline, first)
  expect(past.isPast).toBe(true)
  expect(past.head).toBe(first)
  expect(await texts(past, tree)).toEqual(['one'])
  expect(await texts(await engine.openPast(database.timeline, second), tree)).toEqual(['one', 'two'])
  await commit(database, (transaction) => {
    for (let i = 0; i < COUNT; i++) transaction.delete(tree, key(i), 0)
  })
  expect(await texts(past, tree)).toEqual(['one'])
  expect(await texts(database, tree)).toEqual([])
  expect(await engine.openPast(database.timeline, first)).toBe(past)
})

test('pages that have not changed since are the present’s frames', async () => {
  const { engine, database, volume } = await openFixture()
  const tree = await createTree(database)
  const first = await putAll(database, tree, 'one')
  const other = await createTree(database)
  await putAll(database, other, 'two')
  volume.makeDurable()
  const { poolPages } = engine.status()
  const reads = volume.pagesRead
  expect(await texts(await engine.openPast(database.timeline, first), tree)).toEqual(['one'])
  expect(volume.pagesRead).toBe(reads)
  expect(engine.status().poolPages).toBe(poolPages)
})

test('a point before the branch point is the ancestor’s, and works when the ancestor was dropped', async () => {
  const { engine, database, volume } = await openFixture()
  const tree = await createTree(database)
  const first = await putAll(database, tree, 'one')
  const branchPoint = await putAll(database, tree, 'two')
  volume.makeDurable()
  const child = await volume.createTimeline({ timeline: database.timeline, lsn: branchPoint })
  await volume.dropTimeline(database.timeline)
  engine.release(database.timeline)
  const branch = await engine.open(child)
  await putAll(branch, tree, 'own')
  expect(await texts(branch, tree)).toEqual(['own'])
  expect(await texts(await engine.openPast(child, branchPoint), tree)).toEqual(['two'])
  expect(await texts(await engine.openPast(child, first), tree)).toEqual(['one'])
})

test('what would write is refused', async () => {
  const { engine, database } = await openFixture()
  const tree = await createTree(database)
  const lsn = await putAll(database, tree, 'one')
  const past = await engine.openPast(database.timeline, lsn)
  const transaction = past.begin()
  const refused = expect.objectContaining({ kind: 'read-only' })
  expect(() => transaction.put(tree, key(1), key(1), 0)).toThrow(refused)
  expect(() => transaction.delete(tree, key(1), 0)).toThrow(refused)
  expect(() => transaction.lock(tree, key(1), 'share', 'wait')).toThrow(refused)
  expect(() => transaction.createTree()).toThrow(refused)
  expect(() => past.putNow(tree, key(1), key(1))).toThrow(refused)
  expect(await runSuspendable(() => transaction.commit())).toBe(lsn)
  await expect(engine.openPast(database.timeline, (database.head + 8) as Lsn)).rejects.toMatchObject({
    kind: 'out-of-window',
  })
  await expect(engine.openPast(99 as TimelineId, lsn)).rejects.toThrow('timeline 99 does not exist')
})
