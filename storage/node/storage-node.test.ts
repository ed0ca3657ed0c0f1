import { deflateRawSync } from 'node:zlib'
import Database from 'better-sqlite3'
import { afterEach, describe, expect, test } from 'vitest'

import type { Clock } from '../base/env.ts'
import { must } from '../base/assert.ts'
import { FIRST_GROUP, type Lsn, type TimelineId } from '../base/ids.ts'
import { SeededPrng } from '../base/testing/test-env.ts'
import type { NodeMessage } from '../message/message.ts'
import { FakeLog } from '../message/testing/fake-log.ts'
import { Background } from './background.ts'
import { expectPage, memoryHome, NodeBench, sqliteHome, type StoreHome } from './testing/node-bench.ts'

const T1 = 1 as TimelineId
const G0 = FIRST_GROUP
const deflate = (records: Buffer): Buffer => deflateRawSync(records, { level: 1 })
const homes: StoreHome[] = []

function keep<H extends StoreHome>(home: H): H {
  homes.push(home)
  return home
}

function batchesOf(answer: NodeMessage): Buffer[] {
  if (answer.kind !== 'log') throw new Error(answer.kind)
  return answer.batches.map((bytes) => Buffer.from(bytes))
}

afterEach(() => {
  for (const home of homes.splice(0)) home.remove()
})

/** A clock that stands still: ticks run when the test says so. */
class HandClock implements Clock {
  nowMs = 0
  #timers: { at: number; callback: () => void }[] = []
  wallMicros = (): number => this.nowMs * 1000
  monotonicMs = (): number => this.nowMs
  soon = (callback: () => void): void => callback()
  after(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.nowMs + delayMs, callback }
    this.#timers.push(timer)
    return () => void (this.#timers = this.#timers.filter((each) => each !== timer))
  }
  /** Lets time pass, in order, as long as there is something to do within `ms`. */
  run(ms: number): void {
    const until = this.nowMs + ms
    for (;;) {
      const next = this.#timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0]
      if (next === undefined) break
      this.#timers = this.#timers.filter((each) => each !== next)
      this.nowMs = next.at
      next.callback()
    }
    this.nowMs = until
  }
}

for (const makeHome of [memoryHome, sqliteHome]) {
  describe(makeHome === memoryHome ? 'on memory' : 'on SQLite', () => {
    test('SCL moves over batches in order, stops at a gap, and jumps when it closes', () => {
      const bench = new NodeBench(keep(makeHome()))
      bench.create(1)
      const log = new FakeLog(T1)
      const batches = [1, 2, 3, 4, 5].map((page) => ({
        bytes: log.batch([{ page }, { page }]),
        last: log.last,
      }))
      const [a, b, c, d, e] = batches as [(typeof batches)[0], ...typeof batches]
      expect(bench.append(a.bytes)).toBe(a.last)
      expect(bench.append(c?.bytes as Buffer)).toBe(a.last)
      expect(bench.append(e?.bytes as Buffer)).toBe(a.last)
      expect(bench.append(b?.bytes as Buffer)).toBe(c?.last)
      expect(bench.append(b?.bytes as Buffer)).toBe(c?.last)
      bench.reopen()
      expect(bench.append(a.bytes)).toBe(c?.last)
      expect(bench.append(d?.bytes as Buffer)).toBe(e?.last)
      for (const page of [1, 2, 3, 4, 5])
        expectPage(bench.read(1, page, log.last), log.pageAt(page, log.last))
    })

    test('a message with batches of two timelines, in order and doubled', () => {
      const bench = new NodeBench(keep(makeHome()))
      bench.create(1)
      bench.create(2)
      const one = new FakeLog(T1)
      const two = new FakeLog(2 as TimelineId)
      const batches = [one.batch([{ page: 1 }]), two.batch([{ page: 1 }]), one.batch([{ page: 1 }])]
      const answer = bench.call({ kind: 'append', batches: [...batches, ...batches] })
      expect(answer).toMatchObject({
        segments: [
          { timeline: 1, scl: one.last },
          { timeline: 2, scl: two.last },
        ],
      })
      expectPage(bench.read(2, 1, two.last), two.pageAt(1, two.last))
    })

    test('older epochs are fenced, unknown newer ones are behind', () => {
      const bench = new NodeBench(keep(makeHome()))
      bench.create(1)
      const log = new FakeLog(T1)
      const batches = [log.batch([{ page: 1 }])]
      bench.epoch = 7
      expect(bench.call({ kind: 'append', batches })).toMatchObject({ kind: 'failed', failure: 'behind' })
      expect(bench.call({ kind: 'fence', clusterId: 'test', writer: 'w' })).toMatchObject({ kind: 'state' })
      expect(bench.call({ kind: 'append', batches })).toMatchObject({ kind: 'appended' })
      for (const request of [
        { kind: 'append', batches },
        { kind: 'fence', clusterId: 'test', writer: 'w' },
      ] as const) {
        const answer = bench.call({ ...request, volumeEpoch: 6 })
        expect(answer).toMatchObject({ kind: 'failed', failure: 'fenced', fatal: false })
      }
      bench.reopen()
      expect(bench.call({ kind: 'append', batches, volumeEpoch: 6 })).toMatchObject({ failure: 'fenced' })
      expect(bench.call({ kind: 'fence', clusterId: 'other', writer: 'w', volumeEpoch: 8 })).toMatchObject({
        failure: 'fenced',
      })
    })

    test('a new writer takes away what waits above a gap, but not what was annulled: chains lead through it', () => {
      const bench = new NodeBench(keep(makeHome()))
      bench.create(1)
      const log = new FakeLog(T1)
      const whole = log.batch([{ page: 1 }, { page: 3 }])
      const cutAt = log.last as Lsn
      const pages = [1, 3].map((page) => log.pageAt(page, cutAt))
      bench.append(whole, log.batch([{ page: 3 }]), log.batch([{ page: 1 }]))
      new Background(bench.node, new HandClock()).settle()
      const ranges = [{ above: cutAt, upTo: 10_000_000 as Lsn }]
      bench.epoch = 2
      bench.call({ kind: 'fence', clusterId: 'test', writer: 'w' })
      bench.call({ kind: 'truncate', annulled: [{ timeline: T1, ranges }] })
      log.last = cutAt
      log.tail = 10_000_008
      const missing = log.batch([{ page: 1 }])
      const waiting = log.batch([{ page: 3 }])
      expect(bench.append(waiting)).toBe(cutAt)
      bench.epoch = 3
      bench.call({ kind: 'fence', clusterId: 'test', writer: 'w' })
      bench.reopen()
      expect([1, 3].map((page) => bench.read(1, page, cutAt))).toEqual(pages)
      // The older writer's batch is gone: what comes before it is not followed by it.
      expect(bench.append(missing)).toBeLessThan(log.last)
    })

    test('truncation: nothing above the VDL is left, nor can it come back', () => {
      const bench = new NodeBench(keep(makeHome()))
      bench.create(1)
      const log = new FakeLog(T1)
      const whole = log.batch([{ page: 1 }, { page: 2 }])
      const vdl = log.last
      const before = { tail: log.tail, pages: new Map(log.pages) }
      // A batch whose first record ends an MTR and whose others belong to one that never ended.
      const cut = log.batch([{ page: 1 }, { page: 1, endsMtr: false }, { page: 2, endsMtr: false }])
      const cutAt = before.tail
      const lost = log.batch([{ page: 3 }])
      bench.append(whole, cut, lost)
      const ranges = [{ above: cutAt as Lsn, upTo: 10_000_000 as Lsn }]
      expect(vdl).toBeLessThan(cutAt)
      bench.epoch = 2
      bench.call({ kind: 'fence', clusterId: 'test', writer: 'w' })
      expect(bench.call({ kind: 'truncate', annulled: [{ timeline: T1, ranges }] })).toMatchObject({
        kind: 'done',
      })
      const check = (): void => {
        expect(bench.append(lost, cut)).toBe(cutAt)
        expectPage(bench.read(1, 1, cutAt), log.pageAt(1, cutAt))
        expectPage(bench.read(1, 2, cutAt), log.pageAt(2, cutAt))
        expectPage(bench.read(1, 3, cutAt), log.pageAt(3, cutAt))
      }
      check()
      bench.reopen()
      check()
      const next = new FakeLog(T1)
      for (const [page, lsns] of log.pages)
        next.pages.set(
          page,
          lsns.filter((lsn) => lsn <= cutAt),
        )
      next.last = cutAt
      next.tail = 10_000_008
      expect(bench.append(next.batch([{ page: 1 }, { page: 3 }]))).toBe(next.last)
      for (const page of [1, 2, 3]) expectPage(bench.read(1, page, next.last), next.pageAt(page, next.last))
      // A node that missed it all gets the same from this one's log.
      const other = new NodeBench(keep(makeHome()))
      other.create(1)
      other.call({ kind: 'truncate', annulled: [{ timeline: T1, ranges }] })
      const fetched = bench.call({
        kind: 'fetch-log',
        timeline: T1,
        group: G0,
        after: 0 as Lsn,
        sizeMax: 1e6,
      })
      expect(fetched).toMatchObject({ kind: 'log', scl: next.last })
      expect(other.append(...batchesOf(fetched))).toBe(next.last)
      for (const page of [1, 2, 3]) expectPage(other.read(1, page, next.last), next.pageAt(page, next.last))
    })

    test('pages at any LSN are what the model says, with images, branches, checkpoints and reopening in between', () => {
      const prng = new SeededPrng(makeHome === memoryHome ? 1 : 2)
      const draw = (below: number): number => Math.floor(prng.next() * below)
      const bench = new NodeBench(keep(makeHome()))
      const clock = new HandClock()
      let background = new Background(bench.node, clock)
      bench.create(1)
      const logs = [new FakeLog(T1)]
      for (let round = 0; round < 250; round++) {
        const log = logs[draw(logs.length)] as FakeLog
        const changes = Array.from({ length: 1 + draw(12) }, () => ({ page: draw(6) }))
        bench.append(log.batch(changes, { vdl: log.last, deflate: draw(3) === 0 ? deflate : undefined }))
        background.touch()
        if (draw(20) === 0) clock.run(draw(2) === 0 ? 400 : 5000)
        if (draw(60) === 0) {
          background.stop()
          bench.reopen()
          background = new Background(bench.node, clock)
        }
        if (draw(50) === 0 && logs.length < 5) {
          const parent = logs[draw(logs.length)] as FakeLog
          const lsn = parent.last
          const id = logs.length + 1
          bench.create(id, { timeline: parent.timeline, lsn })
          logs.push(new FakeLog(id as TimelineId, { log: parent, lsn }))
        }
        const seen = logs[draw(logs.length)] as FakeLog
        const page = draw(7)
        const lsn = draw(4) === 0 ? seen.last : draw(seen.last + 1)
        const what = `page ${page} at ${lsn}, round ${round}`
        expectPage(bench.read(seen.timeline, page, lsn), seen.pageAt(page, lsn), what)
      }
      clock.run(60_000)
      expect(bench.store.statistics().images).toBeGreaterThan(3)
      let unindexed = 0
      bench.store.visitUnindexed(() => unindexed++)
      expect(unindexed).toBe(0)
    })

    test('a read above the SCL is refused, on the timeline and on its ancestors', () => {
      const bench = new NodeBench(keep(makeHome()))
      bench.create(1)
      const log = new FakeLog(T1)
      bench.append(log.batch([{ page: 1 }]))
      const scl = log.last
      log.batch([{ page: 1 }])
      bench.create(2, { timeline: 1, lsn: log.last })
      expect(() => bench.read(1, 1, log.last)).toThrow(/behind/)
      expect(() => bench.read(2, 1, log.last)).toThrow(/behind/)
      expectPage(bench.read(2, 1, scl), log.pageAt(1, scl))
      expect(() => bench.read(3, 1, scl)).toThrow(/timeline 3 is not known/)
    })

    test('time to LSN: the newest commit at or before, through ancestors', () => {
      const bench = new NodeBench(keep(makeHome()))
      bench.create(1)
      const log = new FakeLog(T1)
      const commits: { at: number; lsn: number }[] = []
      for (let batch = 0; batch < 30; batch++) {
        const changes = [0, 1, 2].map((each) => ({ page: 1, commitMicros: batch * 100 + each * 10 }))
        const bytes = log.batch(changes, { wallMicros: batch * 100 + 50, vdl: 0 })
        for (const [each, { commitMicros }] of changes.entries()) {
          commits.push({ at: commitMicros, lsn: log.last - (2 - each) * 48 })
        }
        bench.append(bytes)
      }
      const branchLsn = commits[44]?.lsn ?? 0
      bench.create(2, { timeline: 1, lsn: branchLsn })
      const child = new FakeLog(2 as TimelineId, { log, lsn: branchLsn })
      bench.append(child.batch([{ page: 1, commitMicros: 9000 }], { wallMicros: 9100 }))
      const find = (timeline: number, wallMicros: number, below: number): unknown =>
        bench.call({ kind: 'find-time', timeline: timeline as TimelineId, wallMicros, below: below as Lsn })
      for (const instant of [-1, 0, 5, 10, 20, 99, 100, 1234, 2919, 2920, 99_999]) {
        const expected = commits.filter(({ at }) => at <= instant).at(-1)?.lsn ?? 0
        expect(find(1, instant, log.last), `at ${instant}`).toMatchObject({ lsn: expected })
      }
      expect(find(2, 8999, child.last)).toMatchObject({ lsn: branchLsn })
      expect(find(2, 9000, child.last)).toMatchObject({ lsn: child.last })
    })

    test('dropping a timeline keeps what its children read', () => {
      const bench = new NodeBench(keep(makeHome()))
      bench.create(1)
      const log = new FakeLog(T1)
      bench.append(log.batch([{ page: 1 }]))
      bench.create(2, { timeline: 1, lsn: log.last })
      expect(bench.call({ kind: 'drop-timeline', timeline: T1 })).toMatchObject({ kind: 'done' })
      bench.reopen()
      expectPage(bench.read(2, 1, log.last), log.pageAt(1, log.last))
      expect(bench.call({ kind: 'query' })).toMatchObject({
        state: { timelines: [{ dropped: true }, { dropped: false }] },
      })
    })
  })
}

test('a batch that is damaged on the way is refused and changes nothing', () => {
  const bench = new NodeBench(keep(memoryHome()))
  bench.create(1)
  const log = new FakeLog(T1)
  const bytes = log.batch([{ page: 1 }])
  const damaged = Buffer.from(bytes)
  damaged[100] = 0xaa
  expect(bench.call({ kind: 'append', batches: [damaged] })).toMatchObject({
    failure: 'corrupt',
    fatal: false,
  })
  expect(bench.append(bytes)).toBe(log.last)
})

test('damage on disk is named, refuses the read, and is repaired from a peer', () => {
  const home = keep(sqliteHome())
  const bench = new NodeBench(home)
  const peer = new NodeBench(keep(memoryHome()))
  const log = new FakeLog(T1)
  const batches = [1, 2, 3].map((page) => log.batch([{ page }], { vdl: 0 }))
  for (const each of [bench, peer]) {
    each.create(1)
    each.append(...batches)
  }
  bench.store.checkpoint(
    bench.store.position(),
    [...bench.node.timelines.segments()].map((segment) => segment.mark()),
  )
  bench.store.putTails(
    [1, 2, 3].map((page) => ({
      timeline: T1,
      group: G0,
      page: page as never,
      lsn: (8 + (page - 1) * 40) as Lsn,
      count: 1,
    })),
  )
  bench.store.close()
  const db = new Database(home.path)
  const row = db.prepare('SELECT bytes FROM log WHERE first = 48').get() as { bytes: Buffer }
  row.bytes[95] = 0x77
  db.prepare('UPDATE log SET bytes = ? WHERE first = 48').run(row.bytes)
  db.close()
  bench.reopen()
  expectPage(bench.read(1, 1, log.last), log.pageAt(1, log.last))
  const read = { kind: 'read-page', timeline: T1, page: 2 as never, lsn: log.last as Lsn } as const
  const answer = bench.call(read)
  expect(answer).toMatchObject({ kind: 'failed', failure: 'corrupt', damaged: { timeline: 1, lsn: 48 } })
  expect((answer as { message: string }).message).toContain(home.path)
  expect((answer as { message: string }).message).toContain('0/30')
  const fetched = peer.call({ kind: 'fetch-log', timeline: T1, group: G0, after: 47 as Lsn, sizeMax: 1 })
  expect(batchesOf(fetched)).toHaveLength(1)
  expect(bench.call({ kind: 'repair', batch: batchesOf(fetched)[0] as Buffer })).toMatchObject({
    kind: 'done',
  })
  expectPage(bench.read(1, 2, log.last), log.pageAt(2, log.last))
})

test('damage above the last checkpoint is reported with the state', () => {
  const home = keep(sqliteHome())
  const bench = new NodeBench(home)
  bench.create(1)
  const log = new FakeLog(T1)
  const batches = [1, 2, 3].map((page) => ({ bytes: log.batch([{ page }]), last: log.last }))
  for (const { bytes } of batches) bench.append(bytes)
  bench.store.close()
  const db = new Database(home.path)
  db.prepare('UPDATE log SET bytes = zeroblob(128) WHERE first = ?').run((batches[0]?.last ?? 0) + 40)
  db.close()
  bench.reopen()
  const answer = bench.call({ kind: 'query' })
  if (answer.kind !== 'state') throw new Error(answer.kind)
  expect(answer.state.damage).toContain(home.path)
  expect(answer.state.segments[0]?.scl).toBe(batches[0]?.last)
  expect(bench.append(batches[1]?.bytes as Buffer)).toBe(log.last)
})

test('a damaged image is made again from the log by the read that meets it', () => {
  const home = keep(sqliteHome())
  const bench = new NodeBench(home)
  bench.create(1)
  const log = new FakeLog(T1)
  bench.append(log.batch([{ page: 1 }]))
  bench.store.putImages([
    { timeline: T1, group: G0, page: 1 as never, lsn: log.last as Lsn, bytes: log.pageAt(1, log.last) },
  ])
  expectPage(bench.read(1, 1, log.last), log.pageAt(1, log.last))
  bench.store.close()
  const db = new Database(home.path)
  db.prepare('UPDATE images SET crc = crc + 1').run()
  db.close()
  bench.reopen()
  expectPage(bench.read(1, 1, log.last), log.pageAt(1, log.last))
  expect(bench.node.reader.imagesRebuilt).toBe(1)
  bench.reopen()
  expectPage(bench.read(1, 1, log.last), log.pageAt(1, log.last))
  expect(bench.node.reader.imagesRebuilt).toBe(0)
})

test('a disk that is full acknowledges nothing more and loses nothing', () => {
  const home = keep(sqliteHome({ sizeBytesMax: 400_000 }))
  const bench = new NodeBench(home)
  bench.create(1)
  const log = new FakeLog(T1)
  let held = 0
  let answer = bench.call({ kind: 'query' })
  for (let round = 0; round < 100; round++) {
    const before = log.last
    answer = bench.call({
      kind: 'append',
      batches: [log.batch(Array.from({ length: 16 }, () => ({ page: 1, bodyLength: 4000 })))],
    })
    if (answer.kind !== 'appended') break
    expect(before).toBe(held)
    held = log.last
  }
  expect(answer).toMatchObject({ kind: 'failed', failure: 'disk-full', fatal: true })
  expect((answer as { message: string }).message).toContain(home.path)
  expect(held).toBeGreaterThan(0)
  const more = bench.call({ kind: 'append', batches: [new FakeLog(T1).batch([{ page: 1 }])] })
  expect(more).toMatchObject({ failure: 'disk-full' })
  expectPage(bench.read(1, 1, held), log.pageAt(1, held))
  bench.reopen()
  expectPage(bench.read(1, 1, held), log.pageAt(1, held))
  expect(() => bench.read(1, 1, log.last)).toThrow(/behind/)
})

test('the newest image of a page, made again after its tail was forgotten, has every record', () => {
  const bench = new NodeBench(keep(memoryHome()))
  bench.create(1)
  const log = new FakeLog(T1)
  bench.append(log.batch([{ page: 1 }, { page: 1 }, { page: 1 }]))
  const lsn = log.last as Lsn
  const image = { timeline: T1, group: G0, page: 1 as never, lsn }
  bench.store.putImages([{ ...image, bytes: log.pageAt(1, lsn) }])
  bench.store.checkpoint(bench.store.position(), [must(bench.node.timelines.get(T1)?.peek(G0)).mark()])
  bench.reopen()
  const segment = must(bench.node.timelines.get(T1)?.peek(G0))
  expect(bench.store.tail(segment, image.page)).toBe(undefined)
  expect(bench.node.reader.rebuild(segment, image)).toBe(true)
  expectPage(bench.read(1, 1, lsn), log.pageAt(1, lsn))
})

test('a batch that rotted while it waited above a gap is missing, and comes again', () => {
  const bench = new NodeBench(keep(memoryHome()))
  bench.create(1)
  const log = new FakeLog(T1)
  const first = log.batch([{ page: 1 }])
  const reached = log.last
  const second = log.batch([{ page: 1 }, { page: 2 }])
  bench.append(second)
  const held = must(bench.store.batchAt({ timeline: T1, group: G0 }, log.last as Lsn))
  held.fill(7, held.length - 20)
  expect(bench.append(first)).toBe(reached)
  expect(bench.append(second)).toBe(log.last)
  for (const page of [1, 2]) expectPage(bench.read(1, page, log.last), log.pageAt(page, log.last))
})

test('damage that a peer meets above what is durable is told to the next writer, until it is mended or annulled', () => {
  const home = keep(memoryHome())
  const bench = new NodeBench(home)
  bench.create(1)
  const log = new FakeLog(T1)
  const durable = log.batch([{ page: 1 }])
  const vdl = log.last
  const later = log.batch([{ page: 2 }], { vdl })
  bench.append(durable, later)
  const damage = (): unknown => {
    const answer = bench.call({ kind: 'query' })
    return answer.kind === 'state' ? answer.state.damage : answer
  }
  const rot = (bytes: Buffer, first: number): void => {
    const rotten = Buffer.from(bytes)
    rotten[bytes.length - 1] = 0x77
    bench.store.replaceBatch({ timeline: T1, group: G0, first: first as Lsn, bytes: rotten })
  }
  const fetch = (after: number): NodeMessage =>
    bench.call({ kind: 'fetch-log', timeline: T1, group: G0, after: after as Lsn, sizeMax: 1 })
  // A write quorum has what is durable: a peer will mend it, and the SCL may be believed.
  rot(durable, 8)
  expect(fetch(0)).toMatchObject({ failure: 'corrupt', damaged: { lsn: 8 } })
  expect(damage()).toBe(undefined)
  rot(later, log.last)
  expect(damage()).toBe(undefined)
  expect(fetch(vdl)).toMatchObject({ failure: 'corrupt', damaged: { lsn: log.last } })
  expect(damage()).toMatch(/timeline 1 is damaged at 0\/30/)
  const ranges = [{ above: vdl as Lsn, upTo: 10_000_000 as Lsn }]
  bench.call({ kind: 'truncate', annulled: [{ timeline: T1, ranges }] })
  expect(damage()).toBe(undefined)
})
