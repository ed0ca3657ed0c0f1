// A commit whose log cannot be known to fit at once: it is applied in slices and does not wait for room that never comes.

import { expect, test } from 'vitest'
import { commit, createTree, key, openFixture, scan } from './testing/engine-fixture.ts'

test('an update of every cell on full pages is committed', async () => {
  const { database } = await openFixture()
  const tree = await createTree(database)
  const put = (text: string): Promise<unknown> =>
    commit(database, (transaction) => {
      for (let i = 0; i < 800; i++) transaction.put(tree, key(i), Buffer.from(text), 0)
    })
  await put('a'.repeat(40))
  await put('b'.repeat(40))
  await put('c'.repeat(60))
  const cells = await scan(database.view(), tree)
  expect(cells.length).toBe(800)
  expect(new Set(cells.map(([, value]) => value.toString()))).toEqual(new Set(['c'.repeat(60)]))
}, 10_000)
