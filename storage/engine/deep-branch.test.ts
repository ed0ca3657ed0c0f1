// Branches of branches: each level changes something, and all read what they should, whatever is in the pool.

import { expect, test } from 'vitest'
import type { Lsn } from '../base/ids.ts'
import type { Database } from './engine.ts'
import { commit, createTree, engineOver, key, openFixture, read, scan } from './testing/engine-fixture.ts'

const KEYS = 1500

test.each([
  ['large pool', 4096, false],
  ['small pool', 128, false],
  ['large pool, suspending', 4096, true],
])('%s: a chain of branches, each with a change of its own', async (_, poolPages, chaos) => {
  const { volume, engine, database } = await openFixture({ poolPages, chaos })
  const tree = await createTree(database)
  await commit(database, (transaction) => {
    for (let i = 0; i < KEYS; i++) transaction.put(tree, key(i), Buffer.from('root'.repeat(6)), 0)
  })
  const depth = 60
  const levels: { database: Database; head: Lsn }[] = [{ database, head: database.head }]
  let parent = database
  for (let level = 1; level <= depth; level++) {
    volume.makeDurable()
    const timeline = await volume.createTimeline({ timeline: parent.timeline, lsn: parent.head })
    const branch = await engine.open(timeline)
    await commit(branch, (transaction) =>
      transaction.put(tree, key(level * 20), Buffer.from(`level ${level}`), 0),
    )
    levels.push({ database: branch, head: branch.head })
    parent = branch
  }
  // Ancestors go on after their branches were made.
  for (const one of [levels[0], levels[30]]) {
    if (one === undefined) continue
    await commit(one.database, (transaction) => {
      for (let i = 0; i < KEYS; i += 10) transaction.put(tree, key(i), Buffer.from('later'), 0)
    })
  }
  volume.makeDurable()
  const again = engineOver(volume, { poolPages })
  for (const level of [1, 31, 32, depth]) {
    for (const from of [engine, again]) {
      const branch = await from.open((levels[level] as { database: Database }).database.timeline)
      for (const at of [1, level, level + 1]) {
        if (at > depth) continue
        const cell = await read(branch.view(), tree, key(at * 20))
        expect(String(cell), `level ${level}, key of ${at}`).toBe(
          at <= level ? `level ${at}` : 'root'.repeat(6),
        )
      }
      const cells = await scan(branch.view(), tree)
      const own = cells.filter(([, bytes]) => bytes.toString().startsWith('level'))
      expect(own.length).toBe(level)
      expect(cells.filter(([, bytes]) => bytes.toString() === 'later').length).toBe(0)
    }
  }
})
