// Empty trees that are loaded by one transaction: what stands in the pages afterwards, that they take changes
// like any other, and what the log got.

import { expect, test } from 'vitest'

import type { TreeId } from '../base/ids.ts'
import { SeededPrng } from '../base/testing/test-env.ts'
import {
  assertLogMakesPages,
  assertTreeInvariants,
  commit,
  createTree,
  type Fixture,
  type FixtureOptions,
  openFixture,
  read,
  run,
  scan,
} from './testing/engine-fixture.ts'

type Model = Map<string, Buffer>

function integerKey(number: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt32BE(number, 4)
  return bytes
}

const textKey = (prng: SeededPrng): Buffer => Buffer.from('k'.repeat(prng.below(30)) + prng.below(5000))
const longKey = (prng: SeededPrng): Buffer =>
  Buffer.concat([Buffer.alloc(prng.below(1100), 'x'), Buffer.from(String(prng.below(5000)))])
const mixedValue = (prng: SeededPrng): Buffer =>
  Buffer.alloc(prng.below(20) === 0 ? prng.below(40_000) : prng.below(900), 'v')

interface Load {
  readonly name: string
  readonly options?: FixtureOptions | undefined
  readonly count: number
  readonly keyOf: (prng: SeededPrng, index: number) => Buffer
  readonly valueOf: (prng: SeededPrng) => Buffer
}

const loads: Load[] = [
  {
    name: 'keys in order',
    count: 60_000,
    keyOf: (_, index) => integerKey(index),
    valueOf: (prng) => prng.bytes(8),
  },
  {
    name: 'keys out of order',
    count: 9000,
    keyOf: (prng) => integerKey(prng.below(20_000)),
    valueOf: mixedValue,
  },
  { name: 'text keys', count: 3000, keyOf: textKey, valueOf: mixedValue },
  {
    name: 'long keys, three levels and more',
    count: 3000,
    keyOf: longKey,
    valueOf: (prng) => prng.bytes(prng.below(300)),
  },
  {
    name: 'one page',
    count: 600,
    keyOf: (prng) => integerKey(prng.below(9)),
    valueOf: (prng) => prng.bytes(9),
  },
  { name: 'waits at every page', options: { chaos: true }, count: 2000, keyOf: textKey, valueOf: mixedValue },
  {
    name: 'a pool much smaller than the data',
    options: { poolPages: 128 },
    count: 12_000,
    keyOf: (_, index) => integerKey(index * 3),
    valueOf: (prng) => Buffer.alloc(300 + prng.below(400), 'w'),
  },
]

for (const load of loads) {
  test(`${load.name}: the tree holds what was put, and goes on like any other`, async () => {
    const fixture = await openFixture({ ...load.options, seed: 5 })
    const { database } = fixture
    const prng = new SeededPrng(5)
    const model: Model = new Map()
    const isNew = prng.below(2) === 0
    const old = await createTree(database)
    const transaction = database.begin()
    const tree = isNew ? transaction.createTree() : old
    for (let index = 0; index < load.count; index++) {
      const key = load.keyOf(prng, index)
      const value = load.valueOf(prng)
      transaction.put(tree, key, value, 0)
      model.set(key.toString('latin1'), value)
      if (prng.below(10) > 0) continue
      transaction.delete(tree, key, 1)
      model.delete(key.toString('latin1'))
    }
    await run(() => transaction.commit())
    await compare(fixture, tree, model)
    for (let batch = 0; batch < 3; batch++) {
      await commit(database, (next) => {
        for (let change = 0; change < 700; change++) {
          const key = load.keyOf(prng, prng.below(load.count * 2))
          const value = load.valueOf(prng)
          if (prng.below(3) === 0) {
            next.delete(tree, key, 0)
            model.delete(key.toString('latin1'))
          } else {
            next.put(tree, key, value, 0)
            model.set(key.toString('latin1'), value)
          }
        }
      })
    }
    await compare(fixture, tree, model)
    assertLogMakesPages(fixture)
    await fixture.engine.close()
  })
}

async function compare(fixture: Fixture, tree: TreeId, model: Model): Promise<void> {
  const { database } = fixture
  const { cells } = await assertTreeInvariants(database, tree)
  expect(cells).toBe(model.size)
  const view = database.view()
  database.pin(view)
  const sorted = [...model].sort(([a], [b]) => (a < b ? -1 : 1))
  const found = await scan(view, tree)
  expect(found.length).toBe(sorted.length)
  found.forEach(([key, value], index) => {
    const [text, expected] = sorted[index] as [string, Buffer]
    if (key.toString('latin1') !== text || !value.equals(expected))
      expect([key.toString('latin1'), value]).toEqual([text, expected])
  })
  for (let each = 0; each < sorted.length; each += 97) {
    const [text, expected] = sorted[each] as [string, Buffer]
    expect((await read(view, tree, Buffer.from(text, 'latin1')))?.equals(expected)).toBe(true)
  }
  database.unpin(view)
}

test('a load writes each page once and full', async () => {
  const fixture = await openFixture()
  const { database, volume } = fixture
  const transaction = database.begin()
  const tree = transaction.createTree()
  const before = volume.memoryLog(database.timeline).tail
  const rows = 20_000
  for (let index = 0; index < rows; index++)
    transaction.put(tree, integerKey(index), Buffer.alloc(100, index), 0)
  await run(() => transaction.commit())
  const { leaves } = await assertTreeInvariants(database, tree)
  expect(leaves).toBe(Math.ceil(rows / Math.floor(8160 / (108 + 14))))
  expect((volume.memoryLog(database.timeline).tail - before) / rows).toBeLessThan(108 * 1.05)
  await fixture.engine.close()
})
