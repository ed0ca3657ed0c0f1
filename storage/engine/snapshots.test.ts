// Many sessions at once over a small pool, slow page reads and late durability: each commits random changes to keys it
// locks, and checks views it took at various times against copies of the model taken at the same moments.

import { expect, test } from 'vitest'
import { StorageError } from '../base/errors.ts'
import type { TreeId } from '../base/ids.ts'
import { SeededPrng } from '../base/testing/test-env.ts'
import type { Database, View } from './engine.ts'
import { assertLogMakesPages, assertTreeInvariants, createTree, key } from './testing/engine-fixture.ts'
import { type FixtureOptions, openFixture, read, run, scan } from './testing/engine-fixture.ts'

type Model = Map<number, string>

const KEYS = 3000

/** The committed state, replaced by a changed copy at each commit. */
class World {
  model: Model = new Map()
  readonly database: Database
  readonly tree: TreeId
  readonly prng: SeededPrng

  constructor(database: Database, tree: TreeId, prng: SeededPrng) {
    this.database = database
    this.tree = tree
    this.prng = prng
  }

  /** One transaction: locks, stages, commits. A deadlock ends it without effect. */
  async change(): Promise<void> {
    const { database, tree, prng } = this
    const transaction = database.begin()
    const changes: Model = new Map()
    const count = prng.below(10) === 0 ? 900 : 1 + prng.below(20)
    try {
      for (let i = 0; i < count; i++) {
        const row = prng.below(KEYS)
        const bytes = key(row)
        await run(() => transaction.lock(tree, bytes, 'no-key-update', 'wait'))
        const value =
          prng.below(4) === 0 ? '' : `${row}:${'v'.repeat(prng.below(prng.below(50) === 0 ? 9000 : 300))}`
        if (value === '') transaction.delete(tree, bytes, 0)
        else transaction.put(tree, bytes, Buffer.from(value), 0)
        changes.set(row, value)
      }
    } catch (error) {
      expect((error as StorageError).kind).toBe('deadlock')
      transaction.abort()
      return
    }
    await run(() => transaction.commit())
    this.merge(changes)
  }

  private merge(changes: Model): void {
    this.model = new Map(this.model)
    for (const [row, value] of changes) {
      if (value === '') this.model.delete(row)
      else this.model.set(row, value)
    }
  }
}

async function checkView(world: World, view: View, model: Model): Promise<void> {
  for (let i = 0; i < 5; i++) {
    const row = world.prng.below(KEYS)
    expect((await read(view, world.tree, key(row)))?.toString()).toBe(model.get(row))
  }
  const low = world.prng.below(KEYS)
  const high = low + world.prng.below(300)
  const cells = await scan(view, world.tree, {
    low: key(low),
    high: key(high),
    descending: world.prng.below(2) === 0,
  })
  const found = cells.map(([k, v]) => `${k.readUInt32BE(4)}=${v.toString()}`).sort()
  const expected = [...model]
    .filter(([row]) => row >= low && row < high)
    .map(([row, value]) => `${row}=${value}`)
  expect(found).toEqual(expected.sort())
}

const SMALL_AND_SLOW: FixtureOptions = { poolPages: 160, volume: { durability: 2, readDelayMs: 1 } }

for (const { name, options } of [
  { name: 'small pool, slow storage', options: SMALL_AND_SLOW },
  { name: 'accesses suspend now and then', options: { chaos: true } },
]) {
  test(`${name}: pinned views keep their state while commits go on`, async () => {
    const fixture = await openFixture(options)
    const tree = await createTree(fixture.database)
    const prng = new SeededPrng(11)
    const world = new World(fixture.database, tree, prng)
    const views: { view: View; model: Model }[] = []
    for (let round = 0; round < 60; round++) {
      // One commit at a time changes the model, so that a view and its copy of the model fit; reads run beside it.
      const reads = views
        .filter(() => prng.below(3) === 0)
        .map(({ view, model }) => checkView(world, view, model))
      await Promise.all([world.change(), ...reads])
      const view = fixture.database.view()
      fixture.database.pin(view)
      views.push({ view, model: world.model })
      if (views.length > 8) {
        const [gone] = views.splice(prng.below(views.length), 1)
        if (gone !== undefined) fixture.database.unpin(gone.view)
      }
    }
    for (const { view, model } of views) await checkView(world, view, model)
    expect((await assertTreeInvariants(fixture.database, tree)).cells).toBe(world.model.size)
    assertLogMakesPages(fixture)
    await fixture.engine.close()
  })
}

test('sessions that lock and commit at the same time lose no update', async () => {
  const { database, engine } = await openFixture(SMALL_AND_SLOW)
  const tree = await createTree(database)
  const prng = new SeededPrng(5)
  const expected = new Map<number, number>()
  const session = async (): Promise<void> => {
    for (let i = 0; i < 40; i++) {
      const rows = [prng.below(20), 20 + prng.below(3000)]
      const transaction = database.begin()
      for (const row of rows) {
        const bytes = key(row)
        await run(() => transaction.lock(tree, bytes, 'update', 'wait'))
        const before = await run(() => {
          const cell = database.getLatest(tree, bytes)
          return cell === undefined ? 0 : cell.view.getUint32(cell.start, true)
        })
        const value = Buffer.alloc(200)
        value.writeUInt32LE(before + 1)
        transaction.put(tree, bytes, value, 0)
      }
      await run(() => transaction.commit())
      for (const row of rows) expected.set(row, (expected.get(row) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: 8 }, session))
  const found = new Map(
    (await scan(database.view(), tree)).map(([k, v]) => [k.readUInt32BE(4), v.readUInt32LE()]),
  )
  expect(found).toEqual(new Map([...expected].sort(([a], [b]) => a - b)))
  await engine.close()
})

test('a page read that fails for a while does not break a large commit', async () => {
  let failures = 0
  const onReadPage = (): void => {
    if (failures > 0) {
      failures--
      throw new StorageError('io', 'a node went away')
    }
  }
  const { database } = await openFixture({ poolPages: 128, volume: { onReadPage } })
  const tree = await createTree(database)
  for (let round = 0; round < 2; round++) {
    const transaction = database.begin()
    for (let i = 0; i < 6000; i++) transaction.put(tree, key(i * 7), Buffer.alloc(150, round), 0)
    failures = round * 3
    await run(() => transaction.commit())
  }
  expect(failures).toBe(0)
  expect((await scan(database.view(), tree)).every(([, value]) => value[0] === 1)).toBe(true)
})
