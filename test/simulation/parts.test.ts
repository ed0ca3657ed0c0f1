// The simulation's own parts: a simulated world that forgives too much finds nothing.

import { expect, test } from 'vitest'

import { asEpoch, FIRST_GROUP, type Lsn, type PageNo, type TimelineId } from '../../storage/base/ids.ts'
import type { PageImage, StoredBatch } from '../../storage/node/segment-store.ts'
import { Chance } from './chance.ts'
import { Coverage } from './coverage.ts'
import { Crash, SimDisk } from './disk.ts'
import { TimelineModel } from './model.ts'
import { Network } from './network.ts'
import { drawPlan } from './plan.ts'
import { Scheduler } from './scheduler.ts'

const TIMELINE = 1 as TimelineId

function newDisk(seed = 1): { disk: SimDisk; persisted: StoredBatch[]; coverage: Coverage } {
  const coverage = new Coverage()
  const persisted: StoredBatch[] = []
  const around = {
    coverage,
    persisted: (batch: StoredBatch) => void persisted.push(batch),
    imaged: () => undefined,
  }
  return { disk: new SimDisk('disk', new Chance(seed), around), persisted, coverage }
}

function batchAt(first: number): StoredBatch {
  return { timeline: TIMELINE, group: FIRST_GROUP, first: first as Lsn, bytes: Buffer.alloc(100, first) }
}

function imageAt(lsn: number): PageImage {
  const page = 0 as PageNo
  return { timeline: TIMELINE, group: FIRST_GROUP, page, lsn: lsn as Lsn, bytes: Buffer.alloc(8192, 1) }
}

const SEGMENT = { timeline: TIMELINE, group: FIRST_GROUP }

test('events happen in the order of their time, then of their making, and never to the dead', async () => {
  const scheduler = new Scheduler()
  const life = { name: 'short', isAlive: true }
  const seen: string[] = []
  scheduler.after(2, undefined, () => void seen.push('c'))
  scheduler.after(1, undefined, () => void seen.push('a'))
  scheduler.after(1, undefined, () => void seen.push('b'))
  scheduler.after(1.5, undefined, () => void (life.isAlive = false))
  scheduler.after(3, life, () => void seen.push('dead'))
  const cancel = scheduler.after(1, undefined, () => void seen.push('cancelled'))
  cancel()
  expect(await scheduler.run(10)).toBe(false)
  expect(seen).toEqual(['a', 'b', 'c'])
  expect(scheduler.elapsedMs).toBe(10)
})

test('a crash keeps what is durable and a beginning of what is derived behind it', () => {
  const kept = new Set<number>()
  for (let seed = 1; seed <= 40; seed++) {
    const { disk } = newDisk(seed)
    const store = disk.open()
    store.putImages([imageAt(8)])
    store.setIdentity({ clusterId: '', volumeEpoch: asEpoch(1), writer: '', joinedEpoch: asEpoch(0) })
    for (const lsn of [16, 24]) store.putImages([imageAt(lsn)])
    store.append([batchAt(16)])
    store.putImages([imageAt(32)])
    disk.crash()
    expect(() => store.identity()).toThrow(Crash)
    const after = disk.open()
    expect(after.batchAt(SEGMENT, 16 as Lsn)?.[0]).toBe(16)
    const newest = after.imageLsnAt(SEGMENT, 0 as PageNo, 100 as Lsn)
    kept.add(newest ?? 0)
  }
  expect([...kept].sort((a, b) => a - b)).toEqual([8, 16, 24, 32])
})

test('a host that dies at a write has written all of it or nothing', () => {
  for (const [point, isThere] of [
    ['before', false],
    ['after', true],
    ['torn', false],
  ] as const) {
    const { disk } = newDisk()
    disk.crashPoint = point
    const store = disk.open()
    expect(() => store.append([batchAt(8), batchAt(16)])).toThrow(Crash)
    expect(disk.isAlive).toBe(false)
    disk.crash()
    const after = disk.open()
    expect(after.batchAt(SEGMENT, 16 as Lsn) !== undefined).toBe(isThere)
  }
})

test('rot damages what is read, now and after a restart', () => {
  const { disk, coverage } = newDisk(3)
  disk.isRotten = true
  const store = disk.open()
  store.append([batchAt(8)])
  store.putImages([imageAt(8)])
  store.setIdentity({ clusterId: '', volumeEpoch: asEpoch(1), writer: '', joinedEpoch: asEpoch(0) })
  for (let times = 0; times < 20; times++) disk.rot()
  expect(coverage.counts.get('batch rotten')).toBeGreaterThan(0)
  expect(coverage.counts.get('image rotten')).toBeGreaterThan(0)
  disk.crash()
  for (const each of [store, disk.open()]) {
    if (each === store) continue
    expect(each.batchAt(SEGMENT, 8 as Lsn)?.equals(batchAt(8).bytes)).toBe(false)
    expect(() => each.imageAt(SEGMENT, 0 as PageNo, 8 as Lsn)).toThrow('does not match')
    each.putImages([imageAt(8)])
    expect(each.imageAt(SEGMENT, 0 as PageNo, 8 as Lsn)?.lsn).toBe(8)
  }
})

test('the network loses, doubles, cuts off and tells of the dead', async () => {
  const scheduler = new Scheduler()
  const coverage = new Coverage()
  const network = new Network(scheduler, new Chance(7), coverage)
  network.weather = { lost: 0.2, doubled: 0.2, delayMs: 1, late: 0.1, resets: 1 }
  const server = { address: 1, isUp: true, startCount: 1, heard: 0, receive: () => void server.heard++ }
  const life = { name: 'client', isAlive: true }
  const transport = network.connect(1000, life, server)
  const news: string[] = []
  transport.onClose(() => void news.push('lost'))
  const send = (): void => transport.send({ kind: 'query', id: 1 } as never)
  for (let times = 0; times < 200; times++) send()
  await scheduler.run(1000)
  const { counts } = coverage
  expect(server.heard).toBe(200 - (counts.get('message lost') ?? 0) + (counts.get('message doubled') ?? 0))
  expect(counts.get('message lost')).toBeGreaterThan(10)

  network.partitions.add({ inside: new Set([1]), direction: 'both' })
  const before = server.heard
  send()
  await scheduler.run(1000)
  expect(server.heard).toBe(before)

  server.isUp = false
  network.reset(1)
  await scheduler.run(100)
  expect(news).toEqual(['lost'])
  expect(transport.isOver).toBe(true)
})

test('a process has one connection to each server, and hears when it meets another life of it', async () => {
  const scheduler = new Scheduler()
  const network = new Network(scheduler, new Chance(7), new Coverage())
  network.weather = { lost: 0, doubled: 0, delayMs: 1, late: 0, resets: 0 }
  const server = { address: 1, isUp: true, startCount: 1, heard: 0, receive: () => void server.heard++ }
  const peers = network.peersOf(1000, { name: 'client', isAlive: true }, new Map([[1, server]]))
  const transport = peers.reach(1, undefined)
  let isLost = false
  transport.onClose(() => void (isLost = true))
  const send = (): void => transport.send({ kind: 'query', id: 1 } as never)
  send()
  await scheduler.run(100)
  expect(server.heard).toBe(1)
  expect(peers.reach(1, undefined)).toBe(transport)
  server.startCount++
  send()
  await scheduler.run(100)
  expect(server.heard).toBe(1)
  expect(isLost).toBe(true)
  expect(peers.reach(1, undefined)).not.toBe(transport)
})

test('the model forgets what recovery did not find', () => {
  const timeline = new TimelineModel(TIMELINE, undefined)
  const { log } = timeline
  for (let times = 0; times < 3; times++) {
    log.record({ page: 1 })
    timeline.points.push(log.last as Lsn)
  }
  const [, , second, third] = timeline.points
  const before = timeline.takeOver(second as Lsn, 1000 as Lsn)
  expect(before).toBe(log)
  expect(timeline.points).not.toContain(third)
  expect(timeline.log.tail).toBe(1000)
  expect(timeline.pageAt(1 as PageNo, third as Lsn).readUInt32LE(12)).toBe(2)
  expect(timeline.pointAtOrBelow(Number(second) + 1)).toBe(second)
})

test('plans differ from seed to seed and are the same for the same', () => {
  const plans = [1, 2, 3, 4, 5].map((seed) => JSON.stringify(drawPlan(new Chance(seed))))
  expect(new Set(plans).size).toBe(5)
  expect(JSON.stringify(drawPlan(new Chance(1)))).toBe(plans[0])
})
