// The volume when nodes come and go for longer: degraded modes, replacement, zones, tails, growth, many timelines. Over
// storage nodes in memory, on the simulated network and clock.

import { expect, test } from 'vitest'

import { assert, must } from '../storage/base/assert.ts'
import type { Lsn, PageNo, TimelineId } from '../storage/base/ids.ts'
import { FakeLog } from '../storage/message/testing/fake-log.ts'
import { MemorySegmentStore } from '../storage/node/memory-segment-store.ts'
import { StorageNode } from '../storage/node/storage-node.ts'
import { DEFAULT_QUORUM } from '../storage/volume/quorum.ts'
import { SimCluster } from './volume/sim-cluster.ts'
import type { Volume } from '../storage/volume/volume.ts'

class Client {
  readonly cluster: SimCluster
  volume: Volume
  readonly fake: FakeLog
  acknowledged = 0

  constructor(cluster: SimCluster, volume: Volume, timeline: TimelineId) {
    this.cluster = cluster
    this.volume = volume
    this.fake = new FakeLog(timeline)
  }

  get log(): ReturnType<Volume['log']> {
    return this.volume.log(this.fake.timeline)
  }

  /** Appends one mini-transaction of a record. */
  append(page = this.cluster.draw(9)): number {
    const bytes = this.fake.record({ page })
    const lsn = this.fake.last
    this.log.append(bytes, 0, bytes.length, true)
    this.log.onDurable(lsn as Lsn, (error) => {
      if (error === undefined) this.acknowledged = Math.max(this.acknowledged, lsn)
    })
    return lsn
  }

  /** Appends and waits. */
  async commit(page?: number): Promise<void> {
    const lsn = this.append(page)
    expect(await this.cluster.clock.run(5000, () => this.acknowledged >= lsn)).toBe(true)
  }

  async isStuck(): Promise<boolean> {
    const lsn = this.append()
    return !(await this.cluster.clock.run(3000, () => this.acknowledged >= lsn))
  }

  async checkPages(): Promise<void> {
    for (let page = 0; page < 9; page++) {
      const image = await this.cluster.settle(this.log.readPage(page as PageNo, this.log.vdl))
      expect(Buffer.from(image).equals(this.fake.pageAt(page, this.log.vdl)), `page ${page}`).toBe(true)
    }
  }

  /** Another writer takes over. */
  async reopen(): Promise<void> {
    this.volume = await this.cluster.open()
    const { vdl, tail } = this.log
    expect(vdl).toBeGreaterThanOrEqual(this.acknowledged)
    for (const [page, lsns] of this.fake.pages)
      this.fake.pages.set(
        page,
        lsns.filter((lsn) => lsn <= vdl),
      )
    this.fake.last = vdl
    this.fake.tail = tail
  }
}

function newCluster(nodeCount = 6): SimCluster {
  const stores = Array.from({ length: nodeCount }, () => new MemorySegmentStore())
  const cluster = new SimCluster(
    7,
    DEFAULT_QUORUM,
    (node, apply) => new StorageNode(must(stores[node]), apply, { number: node + 1 }),
  )
  for (let spare = 6; spare < nodeCount; spare++) cluster.restart(spare)
  return cluster
}

async function open(cluster: SimCluster): Promise<Client> {
  const volume = await cluster.open()
  const timeline = await cluster.settle(volume.createTimeline(undefined))
  return new Client(cluster, volume, timeline)
}

test('nodes are told which timelines ended, once a write quorum has the drop, and when they come back', async () => {
  const told = new Map<number, Set<number>>()
  const stores = Array.from({ length: 6 }, () => new MemorySegmentStore())
  const cluster = new SimCluster(7, DEFAULT_QUORUM, (index, apply) => {
    const node = new StorageNode(must(stores[index]), apply, { number: index + 1 })
    told.set(index, new Set())
    return {
      handle: (message, reply) => {
        const ended = message.kind === 'read-floors' ? message.ended : []
        for (const { from, to } of ended) for (let id = from; id <= to; id++) told.get(index)?.add(id)
        node.handle(message, reply)
      },
    }
  })
  const client = await open(cluster)
  const { volume } = client
  const [first, second] = await cluster.settle(volume.createTimelines([undefined, undefined]))
  assert(first !== undefined && second !== undefined, 'two were made')
  const knowing = (id: number): number => [...told.values()].filter((ids) => ids.has(id)).length
  cluster.stop(5)
  await cluster.settle(volume.dropTimeline(first))
  expect(await cluster.clock.run(2000, () => knowing(first) === 5)).toBe(true)
  // Two nodes hear of the drop: it may not have happened.
  for (const node of [2, 3, 4]) cluster.stop(node)
  void volume.dropTimeline(second)
  expect(await cluster.clock.run(5000, () => knowing(second) > 0)).toBe(false)
  for (const node of [2, 3, 4, 5]) cluster.restart(node)
  expect(await cluster.clock.run(20_000, () => knowing(first) === 6 && knowing(second) === 6)).toBe(true)
  // Who opens the volume next finds them dead, and says so.
  for (const ids of told.values()) ids.clear()
  client.volume = await cluster.open()
  expect(await cluster.clock.run(2000, () => knowing(first) === 6 && knowing(second) === 6)).toBe(true)
  expect(knowing(client.fake.timeline)).toBe(0)
})

test('a zone lost: everything goes on; its nodes catch up by gossip', async () => {
  const cluster = newCluster()
  const client = await open(cluster)
  await client.commit()
  for (const node of [0, 3]) cluster.stop(node)
  for (let round = 0; round < 30; round++) await client.commit()
  await client.checkPages()
  for (const node of [0, 3]) cluster.restart(node)
  await client.commit()
  const isLevel = (): boolean => client.volume.status().nodes.every(({ scl }) => scl === client.fake.last)
  expect(await cluster.clock.run(20_000, isLevel)).toBe(true)
})

test('three nodes lost: nothing is acknowledged, reads go on, writers are told; one back: all goes on', async () => {
  const cluster = newCluster()
  cluster.settings = { quorumTimeoutMs: 2000 }
  const client = await open(cluster)
  for (let round = 0; round < 5; round++) await client.commit()
  for (const node of [0, 1, 2]) cluster.stop(node)
  expect(await client.isStuck()).toBe(true)
  await client.checkPages()
  cluster.restart(1)
  expect(await cluster.clock.run(20_000, () => client.acknowledged === client.fake.last)).toBe(true)
  await client.commit()
})

test('a writer that opens with three nodes reads everything, and writes once there are four', async () => {
  const cluster = newCluster()
  cluster.settings = { quorumTimeoutMs: 1000 }
  const client = await open(cluster)
  for (let round = 0; round < 5; round++) await client.commit()
  for (const node of [1, 3, 5]) cluster.stop(node)
  await client.reopen()
  expect(client.volume.isSettled).toBe(false)
  expect(client.log.hasRoom(100)).toBe(false)
  await expect(cluster.settle(client.log.room())).rejects.toMatchObject({ kind: 'no-quorum' })
  await client.checkPages()
  cluster.restart(3)
  expect(await cluster.clock.run(20_000, () => client.log.hasRoom(100))).toBe(true)
  expect(client.volume.isSettled).toBe(true)
  await client.commit()
  await client.checkPages()
})

test('what one node alone has is shown for sure only once a write quorum has it', async () => {
  const cluster = newCluster()
  cluster.settings = { resendAfterMs: undefined }
  cluster.gossipEveryMs = 1_000_000
  const client = await open(cluster)
  await client.commit()
  // A batch that reaches one node; its writer does nothing about it.
  for (const node of [0, 1, 2, 3, 4]) cluster.stop(node)
  const lsn = client.append()
  await cluster.clock.run(50)
  for (const node of [0, 1]) cluster.restart(node)
  cluster.settings = {}
  client.volume = await cluster.open()
  expect(client.log.vdl).toBe(lsn)
  expect(client.volume.isSettled).toBe(false)
  // Nothing may hang at it: the next recovery does not find it.
  const branch = client.volume.createTimeline({ timeline: client.fake.timeline, lsn: lsn as Lsn })
  expect(await Promise.race([branch, cluster.clock.run(500)])).toBe(false)
  branch.catch(() => undefined)
  cluster.stop(5)
  for (const node of [2, 3]) cluster.restart(node)
  client.volume = await cluster.open()
  expect(client.log.vdl).toBe(client.acknowledged)
  expect(client.volume.isSettled).toBe(true)
  expect(client.volume.timelines()).toHaveLength(1)
})

test('a batch that all links lose at once is sent again', async () => {
  const cluster = newCluster()
  const client = await open(cluster)
  await client.commit()
  for (let round = 0; round < 5; round++) {
    const lsn = client.append()
    cluster.clock.soon(() => cluster.cut())
    expect(await cluster.clock.run(5000, () => client.acknowledged >= lsn)).toBe(true)
  }
  await client.commit()
  await client.checkPages()
})

test('what was on its way to a timeline that was dropped is not sent again', async () => {
  const cluster = newCluster()
  const client = await open(cluster)
  await client.commit()
  const { volume } = client
  const doomed = await cluster.settle(volume.createTimeline(undefined))
  const bytes = new FakeLog(doomed).record({ page: 1 })
  // Its batch reaches nobody.
  cluster.faults.lost = 1
  volume.log(doomed).append(bytes, 0, bytes.length, true)
  await cluster.clock.run(1)
  cluster.faults.lost = 0
  cluster.cut()
  await cluster.settle(volume.dropTimeline(doomed))
  await cluster.clock.run(1000)
  cluster.cut()
  const before = volume.status().messagesSent
  await cluster.clock.run(2000)
  expect(volume.status().messagesSent - before).toBeLessThan(100)
  await client.commit()
})

test('without a write quorum timelines are neither born nor dropped, and whoever asks is told in time', async () => {
  const cluster = newCluster()
  cluster.settings = { quorumTimeoutMs: 2000 }
  const client = await open(cluster)
  await client.commit()
  const { volume } = client
  const other = await cluster.settle(volume.createTimeline(undefined))
  for (const node of [0, 1, 2]) cluster.stop(node)
  cluster.cut()
  const lsn = client.append()
  const parent = { timeline: client.fake.timeline, lsn: lsn as Lsn }
  const underWay = volume.createTimelines([parent])
  await expect(cluster.settle(underWay)).rejects.toMatchObject({ kind: 'no-quorum' })
  const numbers: TimelineId[] = []
  const late = volume.createTimeline(undefined, (id) => numbers.push(id))
  await expect(cluster.settle(late, 3000)).rejects.toMatchObject({ kind: 'no-quorum' })
  expect(numbers).toEqual([])
  await expect(cluster.settle(volume.dropTimeline(other), 3000)).rejects.toMatchObject({ kind: 'no-quorum' })
  expect(volume.timelines()).toHaveLength(2)
  cluster.restart(1)
  await cluster.settle(volume.createTimeline(parent))
  await cluster.settle(volume.dropTimeline(other))
  expect(volume.timelines()).toHaveLength(2)
})

test('a writer that has nothing to write is told of its successor', async () => {
  const cluster = newCluster()
  const told: string[] = []
  cluster.settings = { onFenced: (error) => told.push(error.kind) }
  const client = await open(cluster)
  await client.commit()
  cluster.settings = {}
  await cluster.open()
  expect(await cluster.clock.run(5000, () => told.length > 0)).toBe(true)
  expect(told).toEqual(['fenced'])
})

test('a node is replaced without a pause, and its successor counts', async () => {
  const cluster = newCluster(7)
  const client = await open(cluster)
  for (let round = 0; round < 20; round++) await client.commit()
  await cluster.settle(client.volume.addSpare(cluster.member(6)))
  await cluster.settle(client.volume.replaceNode(2, cluster.member(6)))
  const slot = (): unknown => client.volume.configuration.groups[0]?.slots[1]
  expect(slot()).toMatchObject({ member: { node: 2 }, candidate: { node: 7 } })
  for (let round = 0; round < 20; round++) await client.commit()
  expect(
    await cluster.clock.run(
      30_000,
      () => client.volume.configuration.groups[0]?.slots[1]?.candidate === undefined,
    ),
  ).toBe(true)
  expect(slot()).toMatchObject({ member: { node: 7 }, candidate: undefined })
  // Of the old six, two more go: with the new one there are four.
  for (const node of [1, 0, 2]) cluster.stop(node)
  for (let round = 0; round < 5; round++) await client.commit()
  await client.reopen()
  await client.checkPages()
  await client.commit()
  expect(slot()).toMatchObject({ member: { node: 7 } })
})

test('a replacement is turned back', async () => {
  const cluster = newCluster(7)
  const client = await open(cluster)
  await client.commit()
  await cluster.settle(client.volume.replaceNode(2, cluster.member(6)))
  cluster.stop(6)
  await cluster.settle(client.volume.revertReplacement(2))
  expect(client.volume.configuration.groups[0]?.slots[1]).toMatchObject({
    member: { node: 2 },
    candidate: undefined,
  })
  await client.commit()
  const refused = expect.objectContaining({ kind: 'unsuitable' })
  await expect(cluster.settle(client.volume.revertReplacement(2))).rejects.toEqual(refused)
  await expect(cluster.settle(client.volume.replaceNode(9, cluster.member(6)), 10_000)).rejects.toBeDefined()
})

test('a node that died is replaced by a spare, by itself', async () => {
  const cluster = newCluster(7)
  cluster.settings = { deadAfterMs: 20_000 }
  const client = await open(cluster)
  await cluster.settle(client.volume.addSpare(cluster.member(6)))
  for (let round = 0; round < 10; round++) await client.commit()
  cluster.stop(4)
  const isReplaced = (): boolean =>
    client.volume.configuration.groups[0]?.slots.some(({ member }) => member.node === 7) === true
  expect(await cluster.clock.run(15_000, isReplaced)).toBe(false)
  expect(await cluster.clock.run(60_000, isReplaced)).toBe(true)
  expect(client.volume.configuration.spares).toEqual([])
  await client.commit()
})

test('with a zone away three of four write', async () => {
  const cluster = newCluster()
  cluster.settings = { quorumTimeoutMs: 2000 }
  const client = await open(cluster)
  for (let round = 0; round < 5; round++) await client.commit()
  for (const node of [0, 3]) cluster.stop(node)
  await client.commit()
  await cluster.settle(client.volume.setZoneAway('az1', true))
  cluster.stop(1)
  for (let round = 0; round < 5; round++) await client.commit()
  await client.reopen()
  await client.commit()
  await client.checkPages()
  for (const node of [0, 1, 3]) cluster.restart(node)
  await cluster.settle(client.volume.setZoneAway('az1', false), 60_000)
  expect(client.volume.configuration.zonesAway).toEqual([])
  cluster.stop(1)
  await client.commit()
  for (const node of [2, 4]) cluster.stop(node)
  expect(await client.isStuck()).toBe(true)
  await expect(cluster.settle(client.volume.setZoneAway('az1', true))).rejects.toMatchObject({
    kind: 'no-quorum',
  })
})

test('three full segments write alone; tails are never read', async () => {
  const cluster = newCluster()
  for (const node of [1, 3, 5]) cluster.tails.add(node)
  const client = await open(cluster)
  for (let round = 0; round < 5; round++) await client.commit()
  for (const node of [1, 3, 5]) cluster.stop(node)
  for (let round = 0; round < 5; round++) await client.commit()
  await client.reopen()
  await client.commit()
  await client.checkPages()
})

test('a volume grows group by group, and a later writer finds it grown', async () => {
  const cluster = newCluster()
  cluster.pagesPerGroup = 2
  const client = await open(cluster)
  for (let page = 0; page < 9; page++) await client.commit(page)
  expect(client.volume.configuration.groups).toHaveLength(5)
  await client.checkPages()
  cluster.stop(2)
  for (let round = 0; round < 20; round++) await client.commit()
  await client.reopen()
  await client.checkPages()
  for (let round = 0; round < 20; round++) await client.commit()
  await client.checkPages()
})

test('of two writers that open at the same time at most one goes on', async () => {
  const cluster = newCluster()
  await open(cluster)
  const openings = [cluster.open(), cluster.open()].map((each) => each.catch(() => undefined))
  const writers = (await cluster.settle(Promise.all(openings))).filter((each) => each !== undefined)
  const timelines = writers.map((each) =>
    each.createTimeline(undefined).then(
      () => true,
      () => false,
    ),
  )
  let made: boolean[] = []
  void Promise.all(timelines).then((each) => (made = each))
  await cluster.clock.run(5000)
  expect(made.filter(Boolean).length).toBeLessThanOrEqual(1)
})

test('ten thousand timelines: made in few messages, opened fast, next to nothing while idle', async () => {
  const cluster = newCluster()
  cluster.settings = { resendAfterMs: undefined }
  cluster.gossipEveryMs = 10_000
  const client = await open(cluster)
  await client.commit(1)
  const parent = { timeline: client.fake.timeline, lsn: client.fake.last as Lsn }
  const before = client.volume.status().messagesSent
  const made = await cluster.settle(
    client.volume.createTimelines(Array.from({ length: 10_000 }, () => parent)),
  )
  expect(new Set(made).size).toBe(10_000)
  expect(client.volume.status().messagesSent - before).toBeLessThan(60)
  const began = process.cpuUsage()
  await client.reopen()
  const { user } = process.cpuUsage(began)
  expect(client.volume.timelines()).toHaveLength(10_001)
  // All six nodes, their states copied, and the volume: in one thread.
  expect(user / 1000).toBeLessThan(3000)
  const child = client.volume.log(must(made[5000]))
  const image = await cluster.settle(child.readPage(1 as PageNo, parent.lsn))
  expect(Buffer.from(image).equals(client.fake.pageAt(1, parent.lsn))).toBe(true)
})

test('timelines that many make at once share round trips, and one that is dropped at once stays dropped', async () => {
  const cluster = newCluster()
  const client = await open(cluster)
  await client.commit(1)
  const parent = { timeline: client.fake.timeline, lsn: client.fake.last as Lsn }
  const { volume } = client
  const before = volume.status().messagesSent
  const numbers: number[] = []
  const making = Array.from({ length: 500 }, () =>
    volume.createTimeline(parent, (id) => void numbers.push(id)),
  )
  const doomed = volume.createTimeline(parent, (id) => void numbers.push(id))
  await cluster.settle(Promise.resolve())
  const made = await cluster.settle(Promise.all([...making, doomed]))
  expect(made).toEqual(numbers)
  expect(volume.status().messagesSent - before).toBeLessThan(40)
  let dropped: Promise<void> | undefined
  const late = volume.createTimeline(parent, (id) => {
    dropped = volume.dropTimeline(id)
  })
  const lost = await cluster.settle(late)
  await cluster.settle(must(dropped))
  await client.reopen()
  const known = new Set(client.volume.timelines().map(({ id }) => id))
  expect(made.every((id) => known.has(id))).toBe(true)
  expect(known.has(lost)).toBe(false)
})
