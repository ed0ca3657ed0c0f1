// The B-tree against a sorted map: random batches of puts and deletes, after each of which the tree's invariants hold and
// reads, scans in both directions and bounded scans give what the map gives. Keys and values of very different lengths.

import { expect, test } from 'vitest'
import { SeededPrng } from '../base/testing/test-env.ts'
import {
  assertLogMakesPages,
  assertTreeInvariants,
  commit,
  createTree,
  openFixture,
} from './testing/engine-fixture.ts'
import { type Fixture, type FixtureOptions, read, run, scan } from './testing/engine-fixture.ts'
import type { TreeId } from '../base/ids.ts'

/** The model: keys as latin1 text, whose order is that of their bytes. */
type Model = Map<string, Buffer>

interface Workload {
  readonly name: string
  readonly options?: FixtureOptions | undefined
  readonly keyOf: (prng: SeededPrng) => Buffer
  readonly valueOf: (prng: SeededPrng) => Buffer
  readonly batches: number
  readonly batchSize: number
}

function integerKey(prng: SeededPrng, bound: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt32BE(prng.below(bound), 4)
  return bytes
}

const shortKey = (prng: SeededPrng): Buffer => integerKey(prng, 20_000)
const textKey = (prng: SeededPrng): Buffer => Buffer.from('k'.repeat(prng.below(30)) + prng.below(3000))
const longKey = (prng: SeededPrng): Buffer =>
  Buffer.concat([Buffer.alloc(prng.below(1100), 'x'), Buffer.from(String(prng.below(500)))])
const smallValue = (prng: SeededPrng): Buffer => prng.bytes(prng.below(200))
const mixedValue = (prng: SeededPrng): Buffer =>
  Buffer.alloc(prng.below(10) === 0 ? prng.below(40_000) : prng.below(900), 'v')

const workloads: Workload[] = [
  { name: 'integer keys', keyOf: shortKey, valueOf: smallValue, batches: 40, batchSize: 400 },
  { name: 'text keys, overflow values', keyOf: textKey, valueOf: mixedValue, batches: 30, batchSize: 150 },
  { name: 'long keys', keyOf: longKey, valueOf: smallValue, batches: 30, batchSize: 100 },
  {
    name: 'every page access suspends now and then',
    options: { chaos: true },
    keyOf: textKey,
    valueOf: mixedValue,
    batches: 8,
    batchSize: 100,
  },
  {
    name: 'a pool much smaller than the data',
    options: { poolPages: 128 },
    keyOf: (prng) => integerKey(prng, 100_000),
    valueOf: (prng) => Buffer.alloc(300 + prng.below(400), 'w'),
    batches: 12,
    batchSize: 700,
  },
]

for (const workload of workloads) {
  for (const seed of [1, 2]) {
    test(`${workload.name}, seed ${seed}`, async () => {
      const fixture = await openFixture({ ...workload.options, seed })
      const tree = await createTree(fixture.database)
      const prng = new SeededPrng(seed)
      const model: Model = new Map()
      for (let batch = 0; batch < workload.batches; batch++) {
        await runBatch(fixture, tree, model, prng, workload, batch)
        const shape = await assertTreeInvariants(fixture.database, tree)
        expect(shape.cells).toBe(model.size)
      }
      await compareScans(fixture, tree, model, prng)
      expect(assertLogMakesPages(fixture)).toBeGreaterThan(3)
      await fixture.engine.close()
    })
  }
}

async function runBatch(
  fixture: Fixture,
  tree: TreeId,
  model: Model,
  prng: SeededPrng,
  workload: Workload,
  batch: number,
): Promise<void> {
  const { database } = fixture
  // Every fifth batch deletes far more than it puts, so that leaves become empty and pages are freed and used again.
  const deletes = batch % 5 === 4 ? 0.9 : 0.2
  const transaction = database.begin()
  const known = [...model.keys()]
  const emptiesAll = batch % 11 === 10
  if (emptiesAll) {
    for (const text of known) transaction.delete(tree, Buffer.from(text, 'latin1'), 0)
    model.clear()
  }
  const changes = emptiesAll ? 0 : workload.batchSize
  for (let i = 0; i < changes; i++) {
    if (prng.next() < deletes) {
      const text =
        known.length > 0 && prng.below(4) > 0 ? (known[prng.below(known.length)] as string) : 'missing'
      transaction.delete(tree, Buffer.from(text, 'latin1'), 0)
      model.delete(text)
    } else {
      const key = workload.keyOf(prng)
      const value = workload.valueOf(prng)
      transaction.put(tree, key, value, 0)
      model.set(key.toString('latin1'), value)
    }
  }
  await run(() => transaction.commit())
}

async function compareScans(fixture: Fixture, tree: TreeId, model: Model, prng: SeededPrng): Promise<void> {
  const view = fixture.database.view()
  fixture.database.pin(view)
  const sorted = [...model].sort(([a], [b]) => (a < b ? -1 : 1))
  const asText = (cells: [Buffer, Buffer][]): [string, string][] =>
    cells.map(([key, value]) => [key.toString('latin1'), value.toString('latin1')])
  const expected = sorted.map(([key, value]): [string, string] => [key, value.toString('latin1')])
  expect(asText(await scan(view, tree))).toEqual(expected)
  expect(asText(await scan(view, tree, { descending: true }))).toEqual(expected.toReversed())
  for (let i = 0; i < 20; i++) {
    const bounds = [prng.below(sorted.length), prng.below(sorted.length)]
      .map((at) => sorted[at]?.[0] ?? '')
      .sort()
    const [low = '', high = ''] = bounds
    const within = expected.filter(([key]) => key >= low && key < high)
    const options = { low: Buffer.from(low, 'latin1'), high: Buffer.from(high, 'latin1') }
    expect(asText(await scan(view, tree, options))).toEqual(within)
    expect(asText(await scan(view, tree, { ...options, descending: true }))).toEqual(within.toReversed())
  }
  for (let i = 0; i < 50; i++) {
    const [key, value] = sorted[prng.below(sorted.length)] as [string, Buffer]
    expect((await read(view, tree, Buffer.from(key, 'latin1')))?.equals(value)).toBe(true)
  }
  expect(await read(view, tree, Buffer.from('nothing of the kind'))).toBeUndefined()
  fixture.database.unpin(view)
}

test('rows loaded in key order fill their pages and log about their own bytes', async () => {
  const fixture = await openFixture()
  const { database, volume } = fixture
  const tree = await createTree(database)
  const before = volume.memoryLog(database.timeline).tail
  const rows = 20_000
  const rowBytes = 108
  await commit(database, (transaction) => {
    for (let i = 0; i < rows; i++) {
      const bytes = Buffer.alloc(8)
      bytes.writeUInt32BE(i, 4)
      transaction.put(tree, bytes, Buffer.alloc(100, i), 0)
    }
  })
  const logged = volume.memoryLog(database.timeline).tail - before
  expect(logged / rows).toBeLessThan(rowBytes * 1.08)
  const { leaves } = await assertTreeInvariants(database, tree)
  expect(leaves).toBe(Math.ceil(rows / Math.floor(8160 / (rowBytes + 14))))
})

test('an update of four bytes in a row logs one record of 48 bytes beside the commit', async () => {
  const fixture = await openFixture()
  const { database, volume } = fixture
  const tree = await createTree(database)
  const row = Buffer.alloc(100, 'r')
  await commit(database, (transaction) => transaction.put(tree, Buffer.from('00000001'), row, 0))
  const before = volume.memoryLog(database.timeline).tail
  row.writeInt32BE(42, 50)
  await commit(database, (transaction) => transaction.put(tree, Buffer.from('00000001'), row, 0))
  expect(volume.memoryLog(database.timeline).tail - before).toBe(48 + 56)
})
