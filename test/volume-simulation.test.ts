// The volume over six storage nodes on a network that loses, doubles, delays and reorders, with nodes and writers that
// die at random: nothing acknowledged is lost, the VDL never goes back, pages are what the log says, an old writer is
// never acknowledged anything, and everything goes on once the faults stop. One seed is one history.

import { expect, test } from 'vitest'

import { must } from '../storage/base/assert.ts'
import type { Lsn, PageNo } from '../storage/base/ids.ts'
import { FakeLog } from '../storage/message/testing/fake-log.ts'
import { MemorySegmentStore } from '../storage/node/memory-segment-store.ts'
import { StorageNode } from '../storage/node/storage-node.ts'
import { DEFAULT_QUORUM, type Quorum } from '../storage/volume/quorum.ts'
import { type OpenNode, SimCluster } from './volume/sim-cluster.ts'
import type { Volume } from '../storage/volume/volume.ts'

/** Nodes on memory stores that survive them. */
function memoryNodes(count: number): OpenNode {
  const stores = Array.from({ length: count }, () => new MemorySegmentStore())
  return (node, apply) => new StorageNode(must(stores[node]), apply)
}

/** What a client of one timeline knows. */
interface Client {
  readonly fake: FakeLog
  acknowledged: number
  highestVdl: number
  /** Every LSN at which a mini-transaction ended. */
  readonly consistent: Set<number>
  /** VDL that the latest writer found. */
  recoveredVdl: number
}

class History {
  readonly cluster: SimCluster
  volume: Volume
  readonly clients: Client[] = []
  readonly errors: string[] = []
  generation = 0

  constructor(cluster: SimCluster, volume: Volume) {
    this.cluster = cluster
    this.volume = volume
  }

  async addTimeline(parent?: { client: Client; lsn: number }): Promise<void> {
    const at = parent && { timeline: parent.client.fake.timeline, lsn: parent.lsn as Lsn }
    const id = await this.cluster.settle(this.volume.createTimeline(at))
    const fake = new FakeLog(id, parent && { log: parent.client.fake, lsn: parent.lsn })
    const base = parent?.lsn ?? 0
    this.clients.push({
      fake,
      acknowledged: base,
      highestVdl: base,
      recoveredVdl: 0,
      consistent: new Set([base]),
    })
    expect(this.volume.log(id).tail).toBe(fake.tail)
  }

  /** Appends one mini-transaction and remembers when it is acknowledged. */
  async append(client: Client, size: number): Promise<void> {
    const { fake } = client
    const log = this.volume.log(fake.timeline)
    if (!log.hasRoom(size * 4096)) return
    const { generation } = this
    let lsn = 0
    // Now and then one that is appended in slices; its writer may die in the middle.
    const isWide = this.cluster.draw(8) === 0
    for (let record = 0; record < size; record++) {
      const endsMtr = record === size - 1
      if (isWide && record > 0 && this.cluster.draw(4) === 0) {
        await this.cluster.clock.run(this.cluster.draw(15))
        if (this.cluster.draw(8) === 0) return this.replaceWriter()
      }
      const bodyLength = isWide ? 4000 : 8
      const bytes = fake.record({ page: this.cluster.draw(9), endsMtr, bodyLength })
      log.append(bytes, 0, bytes.length, endsMtr)
      lsn = fake.last
    }
    client.consistent.add(lsn)
    log.onDurable(lsn as Lsn, (error) => {
      if (error !== undefined) return
      if (generation < this.generation) {
        // It may learn late of what was durable before it was replaced.
        if (lsn > client.recoveredVdl) this.errors.push('an old writer was acknowledged')
        return
      }
      if (log.vdl < lsn) this.errors.push('acknowledged above the VDL')
      if (lsn <= client.acknowledged) this.errors.push('acknowledged out of order')
      client.acknowledged = Math.max(client.acknowledged, lsn)
    })
  }

  check(): void {
    for (const client of this.clients) {
      const { vdl } = this.volume.log(client.fake.timeline)
      if (vdl < client.highestVdl) this.errors.push(`VDL went back from ${client.highestVdl} to ${vdl}`)
      client.highestVdl = vdl
    }
  }

  async checkPages(): Promise<void> {
    for (const { fake } of this.clients) {
      const { vdl } = this.volume.log(fake.timeline)
      for (const lsn of [vdl, this.cluster.draw(vdl + 1)]) {
        const page = this.cluster.draw(9)
        const image = await this.cluster.settle(
          this.volume.log(fake.timeline).readPage(page as PageNo, lsn as Lsn),
        )
        if (!Buffer.from(image).equals(fake.pageAt(page, lsn)))
          this.errors.push(`page ${page} at ${lsn} differs`)
      }
    }
  }

  /** The writer dies; another opens the volume while what the old one sent still arrives. */
  async replaceWriter(): Promise<void> {
    const { cluster } = this
    const old = this.volume
    const oldPages = new Map(this.clients[0]?.fake.pages)
    this.volume = await cluster.open()
    this.generation++
    for (const client of this.clients) {
      const { vdl, tail } = this.volume.log(client.fake.timeline)
      client.recoveredVdl = vdl
      if (!client.consistent.has(vdl)) this.errors.push(`VDL ${vdl} is inside a mini-transaction`)
      if (vdl < client.acknowledged) this.errors.push(`lost: acknowledged ${client.acknowledged}, VDL ${vdl}`)
      for (const [page, lsns] of client.fake.pages)
        client.fake.pages.set(
          page,
          lsns.filter((lsn) => lsn <= vdl),
        )
      client.fake.last = vdl
      client.fake.tail = tail
    }
    if (cluster.draw(2) === 0) this.#writeAsOld(old, oldPages)
  }

  /** The old writer is not dead after all. */
  #writeAsOld(old: Volume, pages: ReadonlyMap<number, number[]>): void {
    const client = must(this.clients[0])
    const log = old.log(client.fake.timeline)
    const ghost = new FakeLog(client.fake.timeline)
    ghost.tail = log.tail
    for (const [page, lsns] of pages) ghost.pages.set(page, lsns)
    const bytes = ghost.record({ page: 1 })
    try {
      log.append(bytes, 0, bytes.length, true)
      log.onDurable(ghost.last as Lsn, (error) => {
        if (error === undefined) this.errors.push('a fenced writer was acknowledged')
      })
    } catch {
      // It knows already that it is fenced.
    }
  }
}

async function runHistory(seed: number, quorum: Quorum, pagesPerGroup: number): Promise<void> {
  const cluster = new SimCluster(seed, quorum, memoryNodes(quorum.nodeCount))
  cluster.pagesPerGroup = pagesPerGroup
  const history = new History(cluster, await cluster.open())
  expect(history.volume.isNew).toBe(true)
  await history.addTimeline()
  await history.addTimeline()
  Object.assign(cluster.faults, { lost: 0.03, doubled: 0.03, delayMs: 4 })
  const mayFail = quorum.nodeCount - quorum.writeCount
  let down: number[] = []
  for (let step = 0; step < 120; step++) {
    const client = must(history.clients[cluster.draw(history.clients.length)])
    await history.append(client, 1 + cluster.draw(cluster.draw(10) === 0 ? 60 : 6))
    await cluster.clock.run(cluster.draw(12))
    history.check()
    const event = cluster.draw(60)
    if (event === 0 && down.length < mayFail) {
      const node = cluster.drawUp()
      cluster.stop(node)
      down.push(node)
    } else if (event < 4 && down.length > 0) {
      cluster.restart(must(down.shift()))
    } else if (event === 5) {
      await history.replaceWriter()
    } else if (event === 6 && history.clients.length < 5) {
      await history.addTimeline({ client, lsn: history.volume.log(client.fake.timeline).vdl })
    } else if (event === 7 && down.length === 0) {
      // The worst moment: whoever knows most goes down with the writer.
      for (const { id } of [...history.volume.status().nodes]
        .sort((a, b) => b.scl - a.scl)
        .slice(0, mayFail)) {
        cluster.stop(id - 1)
        down.push(id - 1)
      }
      await history.replaceWriter()
      if (cluster.draw(2) === 0) {
        // And at once the other way round: those who came to know it only now.
        for (const node of down.splice(0)) cluster.restart(node)
        for (const { id } of [...history.volume.status().nodes]
          .sort((a, b) => b.scl - a.scl)
          .slice(0, mayFail)) {
          cluster.stop(id - 1)
          down.push(id - 1)
        }
        await history.replaceWriter()
      }
    } else if (event < 12) await history.checkPages()
    expect(history.errors, `seed ${seed}, step ${step}`).toEqual([])
  }
  // Faults stop: everything becomes durable, everywhere.
  Object.assign(cluster.faults, { lost: 0, doubled: 0, delayMs: 1 })
  for (const node of down) cluster.restart(node)
  down = []
  const isDurable = (): boolean =>
    history.clients.every(({ fake }) => history.volume.log(fake.timeline).vdl >= fake.last)
  expect(await cluster.clock.run(30_000, isDurable), `seed ${seed} goes on`).toBe(true)
  await history.checkPages()
  await history.replaceWriter()
  await history.checkPages()
  expect(history.errors, `seed ${seed}`).toEqual([])
}

const seedCount = Number(process.env['SIM_SEEDS'] ?? 8)
const firstSeed = Number(process.env['SIM_START'] ?? 1)

test.each([
  ['six nodes', DEFAULT_QUORUM, 1000],
  ['six nodes and three groups', DEFAULT_QUORUM, 3],
  ['three nodes', { nodeCount: 3, writeCount: 2, readCount: 2 }, 1000],
] as const)(
  'histories over %s',
  async (_, quorum, pagesPerGroup) => {
    for (let seed = firstSeed; seed < firstSeed + seedCount; seed++)
      await runHistory(seed, quorum, pagesPerGroup)
  },
  600_000,
)

test('timelines are kept apart: ids never come back', async () => {
  const cluster = new SimCluster(1, DEFAULT_QUORUM, memoryNodes(6))
  const volume = await cluster.open()
  const first = await cluster.settle(volume.createTimeline(undefined))
  await cluster.settle(volume.dropTimeline(first))
  expect(volume.timelines()).toEqual([])
  const again = await cluster.open()
  expect(again.timelines()).toEqual([])
  expect(again.isNew).toBe(false)
  expect(await cluster.settle(again.createTimeline(undefined))).not.toBe(first)
})
