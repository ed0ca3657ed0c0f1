// What a view sees: the state at its read point, while commits go on; what eviction and branches do not change.

import { expect, test } from 'vitest'
import type { Lsn, PageNo } from '../base/ids.ts'
import { engineOver, key, openFixture, read, run, scan } from './testing/engine-fixture.ts'
import { assertTreeInvariants, commit, createTree } from './testing/engine-fixture.ts'
import type { Database, View } from './engine.ts'
import { CATALOG_TREE } from './engine.ts'

async function putAll(
  database: Database,
  tree: PageNo,
  count: number,
  value: (i: number) => string,
): Promise<Lsn> {
  return commit(database, (transaction) => {
    for (let i = 0; i < count; i++) transaction.put(tree, key(i), Buffer.from(value(i)), 0)
  })
}

async function valuesOf(view: View, tree: PageNo): Promise<Set<string>> {
  return new Set((await scan(view, tree)).map(([, value]) => value.toString().replace(/[0-9]+$/, '')))
}

test('a pinned view sees its read point while commits go on, in place and across splits', async () => {
  const { database } = await openFixture()
  const tree = await createTree(database)
  const views: View[] = []
  for (let round = 0; round < 6; round++) {
    await putAll(database, tree, 300 * (round + 1), (i) => `round${round}:${'x'.repeat(round * 20)}${i}`)
    const view = database.view()
    database.pin(view)
    views.push(view)
  }
  for (const [round, view] of views.entries()) {
    const cells = await scan(view, tree)
    expect(cells.length).toBe(300 * (round + 1))
    expect(await valuesOf(view, tree)).toEqual(new Set([`round${round}:${'x'.repeat(round * 20)}`]))
  }
  for (const view of views) database.unpin(view)
})

test('a view in the past is served from the volume after its versions left the pool', async () => {
  const fixture = await openFixture({ poolPages: 128 })
  const { database } = fixture
  const tree = await createTree(database)
  const first = await putAll(database, tree, 3000, (i) => `old value of some length ${i}`)
  await putAll(database, tree, 3000, (i) => `new value of some length ${i}`)
  await commit(database, (transaction) => {
    for (let i = 0; i < 3000; i += 2) transaction.delete(tree, key(i), 0)
  })
  const past = database.view(first)
  database.pin(past)
  expect(await valuesOf(past, tree)).toEqual(new Set(['old value of some length ']))
  expect((await scan(past, tree)).length).toBe(3000)
  expect((await scan(database.view(), tree)).length).toBe(1500)
})

test('a view sees its own writes by command, merged in key order, in both directions', async () => {
  for (const chaos of [false, true]) {
    const { database } = await openFixture({ chaos })
    const tree = await createTree(database)
    await putAll(database, tree, 500, (i) => `committed${i}`)
    const transaction = database.begin()
    transaction.put(tree, key(10), Buffer.from('one'), 1)
    transaction.delete(tree, key(11), 1)
    transaction.put(tree, key(1000), Buffer.from('last'), 1)
    transaction.put(tree, key(10), Buffer.from('two'), 2)
    transaction.put(tree, key(11), Buffer.from('again'), 3)
    const view = database.view()
    database.pin(view)
    view.transaction = transaction
    const at = async (commandId: number): Promise<(string | undefined)[]> => {
      view.commandId = commandId
      const texts = []
      for (const i of [10, 11, 12, 1000]) texts.push((await read(view, tree, key(i)))?.toString())
      const cells = await scan(view, tree)
      const backwards = await scan(view, tree, { descending: true })
      expect(backwards.toReversed()).toEqual(cells)
      const scanned = new Map(cells.map(([k, v]) => [k.readUInt32BE(4), v.toString()]))
      expect([10, 11, 12, 1000].map((i) => scanned.get(i))).toEqual(texts)
      expect(cells.length).toBe(commandId <= 1 ? 500 : commandId === 4 ? 501 : 500)
      return texts
    }
    expect(await at(1)).toEqual(['committed10', 'committed11', 'committed12', undefined])
    expect(await at(2)).toEqual(['one', undefined, 'committed12', 'last'])
    expect(await at(3)).toEqual(['two', undefined, 'committed12', 'last'])
    expect(await at(4)).toEqual(['two', 'again', 'committed12', 'last'])
    transaction.abort()
    view.transaction = undefined
    expect((await read(view, tree, key(10)))?.toString()).toBe('committed10')
  }
})

test('readers see the state before a large commit until it is done, and it gives way to them', async () => {
  const { database, volume } = await openFixture({ poolPages: 512, volume: { durability: 1 } })
  const tree = await createTree(database)
  await putAll(database, tree, 2000, (i) => `before${i}`)
  const transaction = database.begin()
  const count = 60_000
  for (let i = 0; i < count; i++) transaction.put(tree, key(i), Buffer.alloc(200, 'after'), 0)
  const progress = { done: false }
  const commits = run(() => transaction.commit()).then(() => {
    progress.done = true
  })
  let reads = 0
  while (!progress.done) {
    const view = database.view()
    database.pin(view)
    const cell = await read(view, tree, key((reads * 37) % 2000))
    if (database.head === view.readLsn) expect(cell?.toString()).toMatch(/^before/)
    database.unpin(view)
    reads++
    await new Promise((resolve) => setImmediate(resolve))
  }
  await commits
  expect(reads).toBeGreaterThan(10)
  expect(volume.memoryLog(database.timeline).tail).toBeGreaterThan(count * 200)
  expect((await assertTreeInvariants(database, tree)).cells).toBe(count)
  expect((await scan(database.view(), tree)).every(([, value]) => value.length === 200)).toBe(true)
})

test('a scan of much more than the pool takes few round trips', async () => {
  let concurrent = 0
  let rounds = 0
  const onReadPage = (): void => {
    if (concurrent++ === 0) {
      rounds++
      setTimeout(() => (concurrent = 0), 1)
    }
  }
  const { database, volume } = await openFixture({ poolPages: 256, volume: { readDelayMs: 2, onReadPage } })
  const tree = await createTree(database)
  await putAll(database, tree, 40_000, (i) => `${'some text that fills pages '.repeat(4)}${i}`)
  const before = volume.pagesRead
  rounds = 0
  const view = database.view()
  database.pin(view)
  expect((await scan(view, tree)).length).toBe(40_000)
  const pages = volume.pagesRead - before
  expect(pages).toBeGreaterThan(400)
  expect(rounds).toBeLessThan(pages / 8)
})

test('row ids and trees go on after a reopen; dropped trees are freed and their pages used again', async () => {
  const { database, volume, engine } = await openFixture()
  const tree = await createTree(database)
  await commit(database, (transaction) => {
    for (let i = 0; i < 5000; i++) {
      const id = database.nextRowId(tree)
      transaction.put(tree, key(id), Buffer.alloc(i % 100 === 0 ? 20_000 : 50), 0)
    }
  })
  await engine.close()
  const again = engineOver(volume)
  const reopened = await again.open(database.timeline)
  expect(await run(() => reopened.nextRowId(tree))).toBe(5001)
  const past = reopened.view()
  reopened.pin(past)
  await commit(reopened, (transaction) => transaction.dropTree(tree))
  const pagesBefore = pageCount(reopened)
  while (freePages(reopened) < 190) await new Promise((resolve) => setTimeout(resolve, 5))
  expect((await scan(past, tree)).length).toBe(5000)
  const other = await createTree(reopened)
  await putAll(reopened, other, 5000, (i) => `${'again and again '.repeat(8)}${i}`)
  expect(pageCount(reopened)).toBeLessThan(pagesBefore + 40)
  await assertTreeInvariants(reopened, other)
  await again.close()
})

test('what nobody reads any more is freed and used again without being kept', async () => {
  const { database, engine } = await openFixture()
  const trees = [await createTree(database), await createTree(database)]
  for (const tree of trees) {
    await commit(database, (transaction) => {
      for (let i = 0; i < 10_000; i++) transaction.put(tree, key(i), Buffer.alloc(200, i), 0)
    })
    await commit(database, (transaction) => transaction.dropTree(tree))
    while (freePages(database) < 270) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(engine.status().versionPages).toBeLessThan(10)
  }
  expect(pageCount(database)).toBeLessThan(330)
})

test('an aborted createTree gives its page back', async () => {
  const { database } = await openFixture()
  const before = pageCount(database)
  for (let i = 0; i < 10; i++) {
    const transaction = database.begin()
    const tree = transaction.createTree()
    transaction.put(tree, key(1), Buffer.from('x'), 0)
    transaction.abort()
  }
  expect(pageCount(database)).toBe(before + 1)
  await createTree(database)
  expect(pageCount(database)).toBe(before + 1)
})

test('a branch sees its branch point, shares its pages with the parent, and changes only itself', async () => {
  const { database, volume, engine } = await openFixture()
  const tree = await createTree(database)
  const lsn = await putAll(database, tree, 4000, (i) => `parent${i}`)
  await new Promise((resolve) => setTimeout(resolve, 5))
  const before = engine.status().poolPages
  const branches: Database[] = []
  for (let i = 0; i < 20; i++) {
    branches.push(await engine.open(await volume.createTimeline({ timeline: database.timeline, lsn })))
  }
  for (const branch of branches) expect((await scan(branch.view(), tree)).length).toBe(4000)
  expect(engine.status().poolPages).toBeLessThan(before + 10)
  const child = branches[3] as Database
  await putAll(child, tree, 100, (i) => `child${i}`)
  await putAll(database, tree, 200, (i) => `later${i}`)
  expect((await read(child.view(), tree, key(50)))?.toString()).toBe('child50')
  expect((await read(child.view(), tree, key(150)))?.toString()).toBe('parent150')
  expect((await read(database.view(), tree, key(50)))?.toString()).toBe('later50')
  const sibling = branches[4] as Database
  expect((await read(sibling.view(), tree, key(50)))?.toString()).toBe('parent50')
  const grandchild = await engine.open(
    await volume.createTimeline({ timeline: child.timeline, lsn: await quiet(child) }),
  )
  expect((await read(grandchild.view(), tree, key(50)))?.toString()).toBe('child50')
  expect((await read(grandchild.view(), tree, key(3999)))?.toString()).toBe('parent3999')
  await commit(grandchild, (transaction) => transaction.delete(tree, key(3999), 0))
  expect(await read(grandchild.view(), tree, key(3999))).toBeUndefined()
  expect((await read(child.view(), tree, key(3999)))?.toString()).toBe('parent3999')

  const again = engineOver(volume)
  const reopened = await again.open(child.timeline)
  expect((await read(reopened.view(), tree, key(50)))?.toString()).toBe('child50')
  expect((await read(reopened.view(), tree, key(150)))?.toString()).toBe('parent150')
  expect((await scan(reopened.view(), tree)).length).toBe(4000)
})

test('putNow is visible at once and survives what transactions do', async () => {
  const { database } = await openFixture()
  const transaction = database.begin()
  transaction.put(CATALOG_TREE, key(1), Buffer.from('mine'), 0)
  const lsn = await run(() => database.putNow(CATALOG_TREE, key(7), Buffer.from('sequence')))
  expect(database.head).toBe(lsn)
  transaction.abort()
  expect((await run(() => database.getLatest(CATALOG_TREE, key(7))))?.lsn).toBeLessThan(lsn)
  await new Promise<void>((resolve) => database.onDurable(lsn, () => resolve()))
  expect(database.vdl).toBe(lsn)
})

test('head readers keep what is above the VCL', async () => {
  const { database, volume } = await openFixture({ poolPages: 128, volume: { durability: 'manual' } })
  volume.makeDurable()
  const tree = await createTree(database)
  await putAll(database, tree, 100, (i) => `early${i}`)
  volume.makeDurable()
  await putAll(database, tree, 100, (i) => `late${i}`)
  expect(database.vdl).toBeLessThan(database.head)
  expect(await valuesOf(database.view(), tree)).toEqual(new Set(['late']))
})

interface Counters {
  readonly mtr: { readonly pageCount: number; readonly freePages: number }
}

function pageCount(database: Database): number {
  return (database as unknown as Counters).mtr.pageCount
}

function freePages(database: Database): number {
  return (database as unknown as Counters).mtr.freePages
}

async function quiet(database: Database): Promise<Lsn> {
  await new Promise<void>((resolve) => database.onDurable(database.head, () => resolve()))
  return database.head
}
