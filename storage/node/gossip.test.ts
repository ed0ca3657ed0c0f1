import { deflateRawSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'

import { must } from '../base/assert.ts'
import { asEpoch, FIRST_GROUP, type GroupNo, type Lsn, type TimelineId } from '../base/ids.ts'
import { birthCount, NO_BIRTHS } from '../message/packed-births.ts'
import { FakeLog } from '../message/testing/fake-log.ts'
import { expectPage, memoryHome, sqliteHome, type StoreHome } from './testing/node-bench.ts'
import { NodeNet } from './testing/node-net.ts'

const T1 = 1 as TimelineId
const ALL = [0, 1, 2, 3, 4, 5]
const homes: StoreHome[] = []
const deflate = (records: Buffer): Buffer => deflateRawSync(records, { level: 1 })

function memoryNet(count = 6): NodeNet {
  return new NodeNet(Array.from({ length: count }, memoryHome))
}

function sqliteNet(count: number): NodeNet {
  const fresh = Array.from({ length: count }, () => sqliteHome())
  homes.push(...fresh)
  return new NodeNet(fresh)
}

afterEach(() => {
  for (const home of homes.splice(0)) home.remove()
})

function append(net: NodeNet, indexes: readonly number[], bytes: Buffer): void {
  net.tell(indexes, { kind: 'append', batches: [bytes] })
}

describe('a node that misses log', () => {
  test('fills a gap, and finds what it cannot see is missing', () => {
    const net = memoryNet()
    net.create(ALL, 1)
    const log = new FakeLog(T1)
    append(net, ALL, log.batch([{ page: 1 }]))
    append(net, [1, 2, 3, 4, 5], log.batch([{ page: 2 }]))
    append(net, ALL, log.batch([{ page: 1 }]))
    const seen = log.last
    expect(net.scl(0, 1)).toBeLessThan(seen)
    expect(net.clock.run(2000, () => net.scl(0, 1) === seen)).toBe(true)
    append(net, [1, 2, 3, 4], log.batch([{ page: 3 }]))
    expect(net.clock.run(10_000, () => net.scl(0, 1) === log.last && net.scl(5, 1) === log.last)).toBe(true)
    for (const page of [1, 2, 3]) expectPage(net.read(0, 1, page, log.last), log.pageAt(page, log.last))
    expect(net.node(0).figures.batchesGossiped).toBe(2)
  })

  test('catches up after it was away, with timelines that were born and died meanwhile', () => {
    const net = sqliteNet(4)
    const others = [1, 2, 3]
    net.create(ALL, 1)
    const log = new FakeLog(T1)
    append(net, ALL, log.batch([{ page: 1 }]))
    net.stop(0)
    for (let round = 0; round < 60; round++) {
      const changes = Array.from({ length: 10 }, (_, at) => ({ page: (round + at) % 7, bodyLength: 500 }))
      append(net, others, log.batch(changes, { deflate: round % 2 === 0 ? deflate : undefined }))
    }
    net.create(others, 2, { timeline: 1, lsn: log.last })
    net.create(others, 3, { timeline: 1, lsn: log.last })
    net.tell(others, { kind: 'drop-timeline', timeline: 3 as TimelineId })
    const child = new FakeLog(2 as TimelineId, { log, lsn: log.last })
    append(net, others, child.batch([{ page: 5 }]))
    net.start(0)
    net.join(0)
    expect(net.clock.run(5000, () => net.scl(0, 1) === log.last && net.scl(0, 2) === child.last)).toBe(true)
    for (let page = 0; page < 7; page++)
      expectPage(net.read(0, 2, page, child.last), child.pageAt(page, child.last))
    expect(net.node(0).timelines.get(3 as TimelineId)?.dropped ?? true).toBe(true)
  })

  test('a segment of a later group is opened where its peers have it, and filled', () => {
    const net = new NodeNet(Array.from({ length: 4 }, memoryHome), { groups: 2 })
    net.create(ALL, 1)
    const log = new FakeLog(T1)
    append(net, ALL, log.batch([{ page: 1 }]))
    const opened = log.last as Lsn
    net.tell([1, 2, 3], {
      kind: 'open-segment',
      timeline: T1,
      group: 1 as GroupNo,
      after: opened,
    })
    const [first, second] = log.parts([{ page: 9 }], [0, 1], 8) as [Buffer, Buffer]
    for (const bytes of [first, second]) append(net, [1, 2, 3], bytes)
    append(net, [0], first)
    expect(net.clock.run(10_000, () => net.scl(0, 1, 1) === log.last && net.scl(0, 1) === log.last)).toBe(
      true,
    )
    expectPage(net.read(0, 1, 9, log.last), log.pageAt(9, log.last))
    expectPage(net.read(0, 1, 9, opened), log.pageAt(9, opened))
    expectPage(net.read(0, 1, 1, log.last), log.pageAt(1, log.last))
  })
})

describe('what a truncation annulled', () => {
  test('does not come back from a peer that was not told of it', () => {
    const net = memoryNet(3)
    net.create(ALL, 1)
    const log = new FakeLog(T1)
    append(net, ALL, log.batch([{ page: 1 }]))
    const vdl = log.last
    const ghost = log.batch([{ page: 1 }])
    append(net, [2], ghost)
    net.stop(2)
    net.epoch = asEpoch(2)
    const annulled = [{ timeline: T1, ranges: [{ above: vdl as Lsn, upTo: 10_000_000 as Lsn }] }]
    for (const index of [0, 1]) {
      net.call(index, { kind: 'fence', clusterId: 'net', writer: 'w2' })
      net.tell([index], { kind: 'truncate', annulled })
      net.join(index)
    }
    // The old one comes back, fenced but not told what recovery decided; then not even fenced.
    net.start(2)
    net.clock.run(5000)
    expect([net.scl(0, 1), net.scl(1, 1)]).toEqual([vdl, vdl])
    net.call(2, { kind: 'fence', clusterId: 'net', writer: 'w2' })
    net.clock.run(10_000)
    expect([net.scl(0, 1), net.scl(1, 1)]).toEqual([vdl, vdl])
    expect(net.scl(2, 1)).toBeGreaterThan(vdl)
    net.tell([2], { kind: 'truncate', annulled })
    net.join(2)
    const next = new FakeLog(T1)
    Object.assign(next, { last: vdl, tail: 10_000_008 })
    next.pages.set(1, must(log.pages.get(1)).slice(0, 1))
    append(net, [0, 1], next.batch([{ page: 1 }]))
    expect(net.clock.run(10_000, () => net.scl(2, 1) === next.last)).toBe(true)
    for (const index of [0, 1, 2]) expectPage(net.read(index, 1, 1, next.last), next.pageAt(1, next.last))
  })

  test('what waited above a gap when a new writer came is forgotten: nothing of it is attached to the new log', () => {
    const net = memoryNet(3)
    net.create(ALL, 1)
    const log = new FakeLog(T1)
    append(net, ALL, log.batch([{ page: 1 }]))
    const { last, tail, pages } = log
    const page = must(pages.get(1))
    log.batch([{ page: 1 }])
    append(net, [2], log.batch([{ page: 2 }]))
    expect(net.node(2).intake.gaps.size).toBe(1)
    net.epoch = asEpoch(2)
    for (const index of ALL.slice(0, 3)) net.join(index)
    // Nothing was annulled: all stand at the same point. The new log's records take the same LSNs.
    const next = new FakeLog(T1)
    Object.assign(next, { last, tail })
    next.pages.set(1, page)
    append(net, [0, 1, 2], next.batch([{ page: 1 }]))
    expect([0, 1, 2].map((index) => net.scl(index, 1))).toEqual([next.last, next.last, next.last])
    net.stop(2)
    net.start(2)
    expect(net.scl(2, 1)).toBe(next.last)
    expectPage(net.read(2, 1, 2, next.last), next.pageAt(2, next.last))
  })
})

test('ten thousand idle timelines cost gossip nothing', () => {
  const net = memoryNet(3)
  const births = Array.from({ length: 10_000 }, (_, at) => ({
    id: (at + 1) as TimelineId,
    parent: at === 0 ? undefined : { timeline: T1, lsn: 0 as Lsn },
    createdMicros: 1,
  }))
  net.tell(ALL.slice(0, 3), { kind: 'create-timelines', births })
  net.clock.run(1000)
  const told = net.call(0, { kind: 'gossip', since: 0, known: 0 })
  if (told.kind !== 'gossip') throw new Error(told.kind)
  expect(birthCount(told.born)).toBe(10_000)
  // Who knows the same timelines is told of none, whoever of the two knows more of them.
  expect(net.node(1).timelines.get(births[4]?.id ?? T1)).toBeDefined()
  const { digest } = net.node(1).timelines
  expect(net.call(0, { kind: 'gossip', since: 0, known: digest })).toMatchObject({ born: NO_BIRTHS })
  net.tell([1], { kind: 'create-timelines', births: [{ ...must(births[0]), id: 10_001 as TimelineId }] })
  const more = net.call(0, { kind: 'gossip', since: 0, known: net.node(1).timelines.digest })
  if (more.kind !== 'gossip') throw new Error(more.kind)
  expect(birthCount(more.born)).toBe(10_000)
  expect(told.timelines).toHaveLength(0)
  expect(told.segments).toHaveLength(0)
  const log = new FakeLog(5 as TimelineId)
  append(net, [0], log.batch([{ page: 1 }]))
  const news = net.call(0, { kind: 'gossip', since: told.sequence, known: 0 })
  expect(news).toMatchObject({
    timelines: [],
    segments: [{ timeline: 5, group: FIRST_GROUP, scl: log.last }],
  })
  if (news.kind !== 'gossip') throw new Error(news.kind)
  expect(net.call(0, { kind: 'gossip', since: news.sequence, known: 0 })).toMatchObject({
    timelines: [],
    segments: [],
  })
  // Another life of the node begins its numbers anew: who asks with an old one is told everything.
  expect(net.call(0, { kind: 'gossip', since: told.sequence - 1_000_000, known: 0 })).toMatchObject({
    segments: [{ timeline: 5 }],
  })
})

test('a node takes no more above a gap than it has room for, and still catches up', () => {
  const net = memoryNet(3)
  net.create(ALL, 1)
  const log = new FakeLog(T1)
  append(net, ALL, log.batch([{ page: 1 }]))
  append(net, [1, 2], log.batch([{ page: 1 }]))
  for (let round = 0; round < 3000; round++) append(net, ALL, log.batch([{ page: round % 5 }]))
  expect(net.node(0).intake.gaps.size).toBe(1)
  const [gap] = net.node(0).intake.gaps
  expect(gap?.gapCount).toBe(2048)
  expect(net.clock.run(20_000, () => net.scl(0, 1) === log.last)).toBe(true)
  for (let page = 0; page < 5; page++) expectPage(net.read(0, 1, page, log.last), log.pageAt(page, log.last))
})
