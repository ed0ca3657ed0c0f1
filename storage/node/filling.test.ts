import Database from 'better-sqlite3'
import { afterEach, describe, expect, test } from 'vitest'

import { must } from '../base/assert.ts'
import { FIRST_GROUP, type GroupNo, type Lsn, type TimelineId } from '../base/ids.ts'
import { FakeLog } from '../message/testing/fake-log.ts'
import { expectPage, memoryHome, sqliteHome, type StoreHome } from './testing/node-bench.ts'
import { NodeNet, type NodeNetOptions } from './testing/node-net.ts'

const T1 = 1 as TimelineId
const KEY = { timeline: T1, group: FIRST_GROUP }
const EAGER = { collecting: { logBytesMin: 1, imageShareMin: 0 } }
const homes: StoreHome[] = []

function net(makeHome: () => StoreHome, count: number, options: NodeNetOptions = {}): NodeNet {
  const fresh = Array.from({ length: count }, makeHome)
  homes.push(...fresh)
  return new NodeNet(fresh, options)
}

afterEach(() => {
  for (const home of homes.splice(0)) home.remove()
})

/** Writes `rounds` small batches to the nodes; returns the ends of all. */
function write(cluster: NodeNet, indexes: readonly number[], log: FakeLog, rounds: number): number[] {
  const ends: number[] = []
  for (let round = 0; round < rounds; round++) {
    const changes = [{ page: round % 7 }, { page: 7, bodyLength: 300, commitMicros: undefined }]
    cluster.tell(indexes, { kind: 'append', batches: [log.batch(changes, { vdl: log.last })] })
    ends.push(log.last)
  }
  return ends
}

for (const makeHome of [memoryHome, () => sqliteHome()]) {
  describe(makeHome === memoryHome ? 'on memory' : 'on SQLite', () => {
    test('a node that begins empty takes images where its peers have collected the log, and log from there on', () => {
      const cluster = net(makeHome, 4, EAGER)
      const old = [0, 1, 2]
      cluster.stop(3)
      cluster.create(old, 1)
      const log = new FakeLog(T1)
      const ends = write(cluster, old, log, 100)
      const point = must(ends[40])
      cluster.create(old, 2, { timeline: 1, lsn: point })
      cluster.floor(old, 1, must(ends[80]))
      cluster.clock.run(30_000)
      for (const index of old)
        expect(must(cluster.node(index).timelines.segment(KEY)).start.after).toBeGreaterThan(point)
      cluster.start(3)
      cluster.join(3)
      expect(cluster.clock.run(20_000, () => cluster.scl(3, 1) === log.last)).toBe(true)
      expect(cluster.asked.get('fetch-images')).toBeGreaterThan(0)
      for (let page = 0; page < 8; page++) {
        for (const lsn of [must(ends[80]), must(ends[90]), log.last])
          expectPage(cluster.read(3, 1, page, lsn), log.pageAt(page, lsn))
        expectPage(cluster.read(3, 2, page, point), log.pageAt(page, point))
      }
      expect(() => cluster.read(3, 1, 1, must(ends[10]))).toThrow(/out-of-window/)
      write(cluster, [0, 1, 2, 3], log, 5)
      expectPage(cluster.read(3, 1, 7, log.last), log.pageAt(7, log.last))
      cluster.stop(3)
      cluster.start(3)
      expectPage(cluster.read(3, 1, 7, log.last), log.pageAt(7, log.last))
    })

    test('a node that was away for so long that its peers collected what it misses takes images too', () => {
      const cluster = net(makeHome, 4, EAGER)
      const others = [0, 1, 2]
      cluster.create([0, 1, 2, 3], 1)
      const log = new FakeLog(T1)
      write(cluster, [0, 1, 2, 3], log, 20)
      cluster.clock.run(3000)
      cluster.stop(3)
      const ends = write(cluster, others, log, 60)
      cluster.floor(others, 1, must(ends[50]))
      cluster.clock.run(30_000)
      cluster.start(3)
      cluster.join(3)
      expect(cluster.clock.run(20_000, () => cluster.scl(3, 1) === log.last)).toBe(true)
      for (let page = 0; page < 8; page++)
        expectPage(cluster.read(3, 1, page, log.last), log.pageAt(page, log.last))
    })

    test('where the only peer that has all log is gone, those that have collected it give images', () => {
      const cluster = net(makeHome, 4, EAGER)
      const old = [0, 1, 2]
      cluster.stop(3)
      cluster.create(old, 1)
      const log = new FakeLog(T1)
      const ends = write(cluster, old, log, 60)
      cluster.floor([0, 1], 1, must(ends[50]))
      cluster.clock.run(30_000)
      const logAfter = old.map((index) => must(cluster.node(index).timelines.segment(KEY)).start.after)
      expect(logAfter.map((after) => after > 0)).toEqual([true, true, false])
      for (const index of [0, 1]) cluster.stop(index)
      cluster.start(3)
      cluster.join(3)
      const asked = cluster.asked.get('fetch-log') ?? 0
      expect(cluster.clock.run(5000, () => (cluster.asked.get('fetch-log') ?? 0) > asked)).toBe(true)
      cluster.stop(2)
      for (const index of [0, 1]) cluster.start(index)
      expect(cluster.clock.run(30_000, () => cluster.scl(3, 1) === log.last)).toBe(true)
      for (let page = 0; page < 8; page++)
        expectPage(cluster.read(3, 1, page, log.last), log.pageAt(page, log.last))
    })

    test('a node that keeps log only refuses pages, makes no images, and drops what full ones have collected', () => {
      const cluster = net(makeHome, 4, { ...EAGER, kinds: ['full', 'full', 'full', 'tail'] })
      const all = [0, 1, 2, 3]
      cluster.create(all, 1)
      const log = new FakeLog(T1)
      const ends = write(cluster, all, log, 200)
      expect(() => cluster.read(3, 1, 1, log.last)).toThrow(/behind.*keeps no pages/)
      cluster.clock.run(20_000)
      expect(cluster.node(0).store.size(KEY).images).toBeGreaterThan(0)
      expect(cluster.node(3).store.size(KEY)).toMatchObject({ images: 0, batches: 200 })
      cluster.floor(all, 1, must(ends[150]))
      cluster.clock.run(30_000)
      expect(cluster.node(0).store.size(KEY).batches).toBeLessThan(60)
      cluster.floor(all, 1, must(ends[151]))
      cluster.clock.run(30_000)
      expect(cluster.node(3).store.size(KEY).batches).toBeLessThan(60)
      expect(cluster.node(3).store.recordsSinceImages(KEY)).toBe(0)
      expect(cluster.call(3, { kind: 'statistics' })).toMatchObject({
        statistics: { groups: [{ kind: 'tail' }] },
      })
    })
  })
}

test('a tail segment that begins empty begins where its peers’ log does', () => {
  const cluster = net(memoryHome, 4, { ...EAGER, kinds: ['full', 'full', 'full', 'tail'] })
  const full = [0, 1, 2]
  cluster.stop(3)
  cluster.create(full, 1)
  const log = new FakeLog(T1)
  const ends = write(cluster, full, log, 60)
  cluster.floor(full, 1, must(ends[40]))
  cluster.clock.run(30_000)
  cluster.start(3)
  cluster.join(3)
  expect(cluster.clock.run(20_000, () => cluster.scl(3, 1) === log.last)).toBe(true)
  expect(cluster.asked.get('fetch-images') ?? 0).toBe(0)
})

describe('scrubbing', () => {
  const FAST = { scrubbing: { restMs: 5000, sliceEveryMs: 10 } }

  function spoil(home: StoreHome, sql: string): void {
    const { path } = home as StoreHome & { path: string }
    const db = new Database(path)
    db.prepare(sql).run()
    db.close()
  }

  test('finds a damaged batch that nobody has read, and takes it from a peer', () => {
    const cluster = net(() => sqliteHome(), 3, FAST)
    const all = [0, 1, 2]
    cluster.create(all, 1)
    const log = new FakeLog(T1)
    write(cluster, all, log, 20)
    cluster.clock.run(5000)
    cluster.stop(0)
    spoil(must(homes[0]), 'UPDATE log SET bytes = zeroblob(length(bytes)) WHERE id = 5')
    cluster.start(0)
    expect(cluster.clock.run(30_000, () => cluster.node(0).figures.batchesRepaired === 1)).toBe(true)
    for (let page = 0; page < 8; page++)
      expectPage(cluster.read(0, 1, page, log.last), log.pageAt(page, log.last))
    expect(cluster.clock.run(30_000, () => cluster.node(0).figures.lastScrubMicros > 0)).toBe(true)
    expect(cluster.node(0).damagedBatches.size).toBe(0)
  })

  test('finds damaged images: one is made again from the log, one whose log is gone comes from a peer', () => {
    const cluster = net(() => sqliteHome(), 3, { ...FAST, ...EAGER })
    const all = [0, 1, 2]
    cluster.create(all, 1)
    const log = new FakeLog(T1)
    const ends = write(cluster, all, log, 300)
    cluster.floor(all, 1, must(ends[100]))
    cluster.clock.run(60_000)
    const { after } = must(cluster.node(0).timelines.segment(KEY)).start
    expect(after).toBeGreaterThan(0)
    cluster.stop(0)
    spoil(must(homes[0]), 'UPDATE images SET crc = crc + 1 WHERE page = 7')
    cluster.start(0)
    const count = cluster.node(0).store.size(KEY).images
    const { reader, figures, damagedImages } = cluster.node(0)
    expect(cluster.clock.run(60_000, () => figures.imagesRepaired > 0 && reader.imagesRebuilt > 0)).toBe(true)
    expect(cluster.clock.run(60_000, () => damagedImages.size === 0)).toBe(true)
    expect(cluster.node(0).store.size(KEY).images).toBe(count)
    for (const lsn of [after, must(ends[100]), log.last])
      expectPage(cluster.read(0, 1, 7, lsn), log.pageAt(7, lsn))
    expect(cluster.call(0, { kind: 'statistics' })).toMatchObject({
      statistics: { imagesRepaired: figures.imagesRepaired + reader.imagesRebuilt },
    })
  })
})

test('what timelines take, and figures by group', () => {
  const cluster = new NodeNet([memoryHome(), memoryHome()], { groups: 2 })
  cluster.create([0, 1], 1)
  const log = new FakeLog(T1)
  write(cluster, [0], log, 100)
  cluster.tell([0], {
    kind: 'open-segment',
    timeline: T1,
    group: 1 as GroupNo,
    after: log.last as Lsn,
  })
  for (const bytes of log.parts([{ page: 9 }, { page: 1 }], [0, 1], 8))
    cluster.tell([0], { kind: 'append', batches: [bytes] })
  const sizes = cluster.call(0, { kind: 'sizes', timelines: [T1, 99 as TimelineId] })
  if (sizes.kind !== 'sizes') throw new Error(sizes.kind)
  const [one, unknown] = sizes.sizes
  expect(one?.logBytes).toBeGreaterThan(100 * 88)
  expect(unknown).toBe(undefined)
  cluster.clock.run(30_000)
  const later = cluster.call(0, { kind: 'sizes', timelines: [T1] })
  if (later.kind !== 'sizes') throw new Error(later.kind)
  expect(must(later.sizes[0]).imageBytes).toBeGreaterThan(0)
  expect(must(later.sizes[0]).historyBytes).toBeGreaterThan(0)
  const answer = cluster.call(0, { kind: 'statistics' })
  expect(answer).toMatchObject({
    statistics: {
      groups: [
        { group: 0, kind: 'full', timelines: 1, gaps: 0, scl: log.last },
        { group: 1, kind: 'full', timelines: 1, gaps: 0, scl: log.last },
      ],
    },
  })
})
