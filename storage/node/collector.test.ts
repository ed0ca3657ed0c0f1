import { statSync } from 'node:fs'
import { deflateRawSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'

import { must } from '../base/assert.ts'
import type { Lsn, TimelineId } from '../base/ids.ts'
import { SeededPrng } from '../base/testing/test-env.ts'
import type { IdRange } from '../message/message.ts'
import { FakeLog } from '../message/testing/fake-log.ts'
import { Background } from './background.ts'
import { Collector, type CollectorLimits } from './collector.ts'
import { expectPage, memoryHome, NodeBench, sqliteHome, type StoreHome } from './testing/node-bench.ts'
import { HandClock } from './testing/node-net.ts'

const homes: StoreHome[] = []
const ALWAYS: CollectorLimits = { logBytesMin: 1, imageShareMin: 0 }
const deflate = (records: Buffer): Buffer => deflateRawSync(records, { level: 1 })

afterEach(() => {
  for (const home of homes.splice(0)) home.remove()
})

/** A node whose background collects as soon as it may. */
class Collecting {
  readonly bench: NodeBench
  readonly clock = new HandClock()
  readonly #limits: CollectorLimits
  readonly #ended: IdRange[] = []
  #background: Background
  #collectedBefore = 0

  constructor(home: StoreHome, limits: CollectorLimits = ALWAYS) {
    homes.push(home)
    this.#limits = limits
    this.bench = new NodeBench(home)
    this.#background = this.#start()
  }

  #start(): Background {
    const around = { clock: this.clock, wasHeardSince: () => false, positionsOf: () => [] }
    const collector = new Collector(this.bench.node, around, this.#limits)
    const background = new Background(this.bench.node, this.clock, [collector])
    background.touch()
    return background
  }

  /** Batches that all lives of the node collected. */
  get collected(): number {
    return this.#collectedBefore + this.bench.node.figures.batchesCollected
  }

  reopen(): void {
    this.#collectedBefore = this.collected
    this.#background.stop()
    this.bench.reopen()
    this.#background = this.#start()
    this.#tell([])
  }

  floor(timeline: number, lsn: number): void {
    this.#tell([{ timeline: timeline as TimelineId, lsn: lsn as Lsn }])
  }

  #tell(floors: readonly { timeline: TimelineId; lsn: Lsn }[]): void {
    this.bench.call({ kind: 'read-floors', floors, ended: this.#ended })
    this.#background.touch()
  }

  /** A drop that this node knows of, and perhaps no other. */
  hearOfDrop(timeline: number): void {
    this.bench.call({ kind: 'drop-timeline', timeline: timeline as TimelineId })
    this.#background.touch()
  }

  /** A drop that a write quorum has. */
  drop(timeline: number): void {
    this.hearOfDrop(timeline)
    this.#ended.push({ from: timeline as TimelineId, to: timeline as TimelineId })
    this.#tell([])
  }

  run(ms: number): void {
    this.#background.touch()
    this.clock.run(ms)
  }
}

/** What anyone may read: a timeline that is never collected. */
interface Model {
  readonly log: FakeLog
  readonly parent: { readonly id: number; readonly lsn: number } | undefined
  floor: number
  dropped: boolean
  /** Consistency points. */
  readonly ends: number[]
}

for (const makeHome of [memoryHome, sqliteHome]) {
  describe(makeHome === memoryHome ? 'on memory' : 'on SQLite', () => {
    test('log below the floor goes, pages stay readable from there on, and below it reads fail', () => {
      const node = new Collecting(makeHome())
      const { bench } = node
      bench.create(1)
      const log = new FakeLog(1 as TimelineId)
      const ends: number[] = []
      for (let round = 0; round < 200; round++) {
        const vdl = log.last
        bench.append(log.batch([{ page: round % 10 }, { page: 3, bodyLength: 400 }], { vdl }))
        ends.push(log.last)
      }
      const before = bench.store.statistics()
      const floor = must(ends[150])
      node.floor(1, floor)
      node.run(20_000)
      const after = bench.store.statistics()
      expect(after.batches).toBeLessThan(60)
      expect(bench.node.figures.batchesCollected).toBe(before.batches - after.batches)
      const check = (): void => {
        for (const lsn of [floor, floor + 4, must(ends[170]), log.last])
          for (let page = 0; page < 11; page++) expectPage(bench.read(1, page, lsn), log.pageAt(page, lsn))
        expect(() => bench.read(1, 3, must(ends[20]))).toThrow(/out-of-window/)
      }
      check()
      node.reopen()
      check()
      // What comes after goes on as if nothing had happened.
      bench.append(log.batch([{ page: 3 }, { page: 77 }], { vdl: log.last }))
      expectPage(bench.read(1, 3, log.last), log.pageAt(3, log.last))
      const fetch = { kind: 'fetch-log', timeline: 1 as TimelineId, group: 0 as never, sizeMax: 1e6 } as const
      expect(bench.call({ ...fetch, after: 8 as Lsn })).toMatchObject({ failure: 'out-of-window' })
    })

    test('a dropped timeline goes whole, but for what a child reads; then the child goes, and all of it', () => {
      const node = new Collecting(makeHome())
      const { bench } = node
      bench.create(1)
      const root = new FakeLog(1 as TimelineId)
      for (let round = 0; round < 30; round++) bench.append(root.batch([{ page: round % 7 }]))
      const point = root.last
      for (let round = 0; round < 30; round++) bench.append(root.batch([{ page: round % 9 }]))
      bench.create(2, { timeline: 1, lsn: point })
      const child = new FakeLog(2 as TimelineId, { log: root, lsn: point })
      bench.append(child.batch([{ page: 2 }]))
      bench.create(3, { timeline: 2, lsn: point })
      node.drop(1)
      node.run(20_000)
      expect(bench.store.size({ timeline: 1 as TimelineId, group: 0 as never }).batches).toBe(0)
      for (let page = 0; page < 9; page++) {
        expectPage(bench.read(2, page, child.last), child.pageAt(page, child.last))
        expectPage(bench.read(3, page, point), root.pageAt(page, point))
      }
      expect(() => bench.read(1, 1, root.last)).toThrow(/out-of-window/)
      node.drop(2)
      node.run(20_000)
      node.reopen()
      // The third is a branch of the second at its very beginning: it reads the first.
      for (let page = 0; page < 9; page++) expectPage(bench.read(3, page, point), root.pageAt(page, point))
      node.drop(3)
      node.run(30_000)
      expect(bench.store.statistics()).toMatchObject({ batches: 0, images: 0 })
      // Nothing stays but that their numbers are dead, so that none is given out again and none comes back to life.
      expect([...bench.store.timelines()]).toEqual([])
      expect(bench.store.dead().ranges).toEqual([{ from: 1, to: 3 }])
      bench.create(3)
      bench.create(4)
      node.run(30_000)
      node.reopen()
      expect(Array.from(bench.store.timelines(), ({ birth }) => birth.id)).toEqual([4])
    })

    test('nothing goes for a drop that no write quorum has: the next writer may find the timeline alive', () => {
      const node = new Collecting(makeHome())
      const { bench } = node
      bench.create(1)
      const root = new FakeLog(1 as TimelineId)
      for (let round = 0; round < 30; round++)
        bench.append(root.batch([{ page: round % 7 }], { vdl: root.last }))
      const point = root.last
      bench.create(2, { timeline: 1, lsn: point })
      const child = new FakeLog(2 as TimelineId, { log: root, lsn: point })
      bench.append(child.batch([{ page: 2 }]))
      for (let round = 0; round < 30; round++)
        bench.append(root.batch([{ page: round % 7 }], { vdl: root.last }))
      node.hearOfDrop(2)
      // Its parent is collected up to its end, but for what the branch reads.
      node.floor(1, root.last)
      node.run(20_000)
      expect(node.collected).toBeGreaterThan(0)
      node.reopen()
      node.run(20_000)
      bench.epoch = 2
      bench.call({ kind: 'fence', clusterId: 'test', writer: 'w2' })
      bench.call({ kind: 'settle-timelines', dead: [], revived: [2 as TimelineId] })
      const [first] = bench.node.timelines.get(2 as TimelineId)?.segments ?? []
      expect(first?.scl).toBe(child.last)
      for (let page = 0; page < 7; page++)
        expectPage(bench.read(2, page, child.last), child.pageAt(page, child.last))
      node.drop(2)
      node.run(20_000)
      expect(Array.from(bench.store.timelines(), ({ birth }) => birth.id)).toEqual([1])
    })

    test('the newest commit of what was collected is remembered', () => {
      const node = new Collecting(makeHome())
      const { bench } = node
      bench.create(1)
      const log = new FakeLog(1 as TimelineId)
      const ends: number[] = []
      for (let round = 0; round < 50; round++) {
        const at = round * 100
        bench.append(
          log.batch([{ page: 1, commitMicros: at }, { page: 2 }], { vdl: log.last, wallMicros: at }),
        )
        ends.push(log.last)
      }
      node.floor(1, must(ends[30]))
      node.run(20_000)
      const timeOf = (lsn: number): unknown =>
        bench.call({ kind: 'time-of', timeline: 1 as TimelineId, lsn: lsn as Lsn })
      expect(timeOf(must(ends[30]))).toMatchObject({ wallMicros: 3000 })
      expect(timeOf(log.last)).toMatchObject({ wallMicros: 4900 })
      expect(timeOf(must(ends[10]))).toMatchObject({ failure: 'out-of-window' })
      const find = { kind: 'find-time', timeline: 1 as TimelineId, below: log.last as Lsn } as const
      expect(bench.call({ ...find, wallMicros: 3050 })).toMatchObject({ wallMicros: 3000 })
      expect(bench.call({ ...find, wallMicros: 50 })).toMatchObject({ failure: 'out-of-window' })
    })
  })
}

/** One history: whatever is still needed is what a timeline that is never collected would say. */
function history(seed: number, home: StoreHome, rounds: number): Collecting {
  const prng = new SeededPrng(seed)
  const node = new Collecting(home)
  const { bench } = node
  const models = new Map<number, Model>()
  const born = (id: number, parent: Model['parent']): void => {
    bench.create(id, parent && { timeline: parent.id, lsn: parent.lsn })
    const of = parent && { log: must(models.get(parent.id)).log, lsn: parent.lsn }
    models.set(id, {
      log: new FakeLog(id as TimelineId, of),
      parent,
      floor: 0,
      dropped: false,
      ends: parent === undefined ? [] : [parent.lsn],
    })
  }
  born(1, undefined)
  let lastId = 1
  const alive = (): [number, Model][] => [...models].filter(([, { dropped }]) => !dropped)
  for (let round = 0; round < rounds; round++) {
    const living = alive()
    const [id, model] = must(living[prng.below(living.length)])
    const { log, ends } = model
    const event = prng.below(100)
    if (event < 70) {
      const changes = Array.from({ length: 1 + prng.below(6) }, (_, at) => ({
        page: prng.below(8),
        commitMicros: at === 0 && prng.below(3) === 0 ? round : undefined,
      }))
      bench.append(log.batch(changes, { vdl: log.last, deflate: prng.below(4) === 0 ? deflate : undefined }))
      ends.push(log.last)
    } else if (event < 78 && ends.length > 0) {
      const readable = ends.filter((lsn) => lsn >= model.floor)
      const lsn =
        prng.below(2) === 0
          ? must(readable.at(-1) ?? ends.at(-1))
          : must(readable[prng.below(readable.length)] ?? ends.at(-1))
      if (lsn >= model.floor) born(++lastId, { id, lsn })
    } else if (event < 88 && ends.length > 0) {
      const floor = must(ends[prng.below(ends.length)])
      if (floor > model.floor) {
        model.floor = floor
        node.floor(id, floor)
      }
    } else if (event < 91 && living.length > 1) {
      model.dropped = true
      node.drop(id)
    } else if (event < 93) node.reopen()
    else node.run(prng.below(3000))
    for (let read = 0; read < 3; read++) {
      const now = alive()
      const [at, seen] = must(now[prng.below(now.length)])
      const lowest = Math.max(seen.floor, seen.parent?.lsn ?? 0)
      const lsn = prng.below(3) === 0 ? seen.log.last : lowest + prng.below(seen.log.last - lowest + 1)
      const page = prng.below(9)
      const what = `seed ${seed}, round ${round}: page ${page} of ${at} at ${lsn}`
      expectPage(bench.read(at, page, lsn), seen.log.pageAt(page, lsn), what)
    }
    // What nobody needs may fail, but is never wrong.
    const [at, seen] = must([...models][prng.below(models.size)])
    const lsn = prng.below(seen.log.last + 1)
    const page = prng.below(9)
    const answer = bench.call({
      kind: 'read-page',
      timeline: at as TimelineId,
      page: page as never,
      lsn: lsn as Lsn,
    })
    const what = `seed ${seed}, round ${round}: page ${page} of ${at} at ${lsn}`
    if (answer.kind === 'page') expectPage(Buffer.from(answer.image), seen.log.pageAt(page, lsn), what)
    else expect(JSON.stringify(answer), what).toMatch(/out-of-window|timeline \d+ is not known/)
  }
  return node
}

test('random timelines, branches, drops and floors: every needed read is what it was', () => {
  for (let seed = 1; seed <= 12; seed++) {
    const node = history(seed, memoryHome(), 250)
    node.run(60_000)
    expect(node.collected, `seed ${seed}`).toBeGreaterThan(10)
  }
})

test('and the same on disk', () => {
  for (let seed = 101; seed <= 102; seed++) history(seed, sqliteHome(), 200)
})

test('what was collected goes back to the file system, and diskBytes says what is left', () => {
  const home = sqliteHome()
  const node = new Collecting(home)
  const { bench } = node
  bench.create(1)
  const log = new FakeLog(1 as TimelineId)
  let floor = 0
  for (let round = 0; round < 1000; round++) {
    bench.append(log.batch([{ page: round % 10, bodyLength: 8000 }, { page: 3 }], { vdl: log.last }))
    if (round === 990) floor = log.last
    node.run(20)
  }
  const before = bench.store.statistics().diskBytes
  expect(before).toBeGreaterThan(8_000_000)
  node.floor(1, floor)
  node.run(120_000)
  const { logBytes, imageBytes } = bench.store.size({ timeline: 1 as TimelineId, group: 0 as never })
  const { diskBytes } = bench.store.statistics()
  expect(logBytes + imageBytes).toBeLessThan(400_000)
  // A store keeps some free pages: less than a sixteenth of what it takes, or 512.
  expect(diskBytes).toBeGreaterThan(logBytes + imageBytes)
  expect(diskBytes).toBeLessThan(logBytes + imageBytes + 600 * 4096)
  bench.store.close()
  expect(statSync(home.path).size).toBe(diskBytes)
})
