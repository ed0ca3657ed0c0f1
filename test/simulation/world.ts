// One cluster in one thread: hosts with storage nodes, writers, the network between them, and the model they are held
// against. Everything in it follows from the seed.
//
//            workload ─▶ writer (QuorumVolume) ═ network ═▶ hosts 1..6, spares 7.. (StorageNode on a SimDisk)
//   nemesis ─▶ network, hosts, disks, writers               ═ gossip ═
//   operator ─▶ members                         checkers ─▶ model, writer, hosts

import { must } from '../../storage/base/assert.ts'
import { StorageError } from '../../storage/base/errors.ts'
import type { PageNo } from '../../storage/base/ids.ts'
import type { PageImage, StoredBatch } from '../../storage/node/segment-store.ts'
import type { Volume } from '../../storage/volume/volume.ts'
import type { Bug } from './bugs.ts'
import type { Chance } from './chance.ts'
import { Coverage } from './coverage.ts'
import { Host, type HostSurroundings, NODE_COUNT } from './host.ts'
import { Model, Violation } from './model.ts'
import { FIRST_WRITER, Network } from './network.ts'
import { membersOf } from './operator.ts'
import type { Plan } from './plan.ts'
import { startVolume } from './processes.ts'
import { differenceOf, Reads } from './reads.ts'
import { type Life, Scheduler } from './scheduler.ts'
import { checkFound, takeOver, Writer } from './writer.ts'

export const ZONES = ['az1', 'az2', 'az3'] as const

/** Where a batch's checksum lies (storage/message/batch.ts). */
const BATCH_CHECKSUM_OFFSET = 4

/** An opening of the volume that is under way. */
export interface Opening {
  readonly address: number
  readonly life: Life
}

export class World {
  readonly plan: Plan
  readonly bug: Bug
  readonly chance: Chance
  readonly scheduler: Scheduler = new Scheduler()
  readonly coverage: Coverage = new Coverage()
  readonly network: Network
  readonly model: Model = new Model()
  readonly reads: Reads
  readonly hosts: Map<number, Host> = new Map()
  readonly openings: Set<Opening> = new Set()
  /** The rightful writer; it may have died. */
  writer: Writer | undefined
  /** The first thing that must not happen and did. */
  violation: string | undefined
  /** How far the history is, 0 to 1. */
  progress = 0
  readonly #around: HostSurroundings
  readonly #readChance: Chance
  readonly #persisted = new Map<string, number>()
  #ghosts: Writer[] = []
  #writerCount = 0
  #volumeEpoch = 0

  constructor(chance: Chance, plan: Plan, bug: Bug) {
    this.plan = plan
    this.bug = bug
    this.chance = chance
    this.network = new Network(this.scheduler, this.chance.stream('network'), this.coverage)
    this.reads = new Reads(this)
    this.#readChance = chance.stream('reads of what is not settled')
    this.#around = {
      scheduler: this.scheduler,
      network: this.network,
      coverage: this.coverage,
      bug,
      hasTails: plan.tails,
      rottenNodes: plan.rottenNodes,
      persisted: (host, batch) => this.#checkPersisted(host, batch),
      imaged: (host, image) => this.#checkImage(host, image),
      peersOf: (host, life, guard) => this.network.peersOf(host.address, life, this.hosts, guard),
    }
    for (let node = 1; node <= NODE_COUNT; node++)
      this.addHost(must(ZONES[(node - 1) % ZONES.length])).start()
  }

  violate(what: string): void {
    this.violation ??= what
  }

  addHost(zone: string): Host {
    const host = new Host(this.hosts.size + 1, zone, this.#around, this.chance)
    this.hosts.set(host.address, host)
    return host
  }

  /** A batch reached a disk: wherever else in the volume the same LSNs lie, the bytes are the same, for ever. */
  #checkPersisted(host: Host, { timeline, group, first, bytes }: StoredBatch): void {
    const name = `${timeline}/${group}/${first}`
    const checksum = bytes.readUInt32LE(BATCH_CHECKSUM_OFFSET)
    const known = this.#persisted.get(name)
    this.#persisted.set(name, checksum)
    if (known === undefined || known === checksum || this.writer === undefined) return
    // A node that left the volume may have kept what nobody else did.
    const { members } = membersOf(this.writer.volume.configuration)
    for (const node of members) {
      const disk = this.hosts.get(node)?.disk
      const held = disk?.isRotten === false ? disk.held({ timeline, group }, first) : undefined
      if (held === undefined || held.readUInt32LE(BATCH_CHECKSUM_OFFSET) === checksum) continue
      this.violate(
        `timeline ${timeline}, group ${group}: LSN ${first} differs between ${host.address} and ${node}`,
      )
    }
  }

  /** An image is made of what is durable, and is what the model says. */
  #checkImage({ address }: Host, { timeline: id, page, lsn, bytes }: PageImage): void {
    const timeline = this.model.timelines.get(id)
    if (timeline?.fate !== 'live' || lsn > timeline.vdl) return
    const difference = differenceOf(bytes, timeline.pageAt(page, lsn))
    if (difference !== undefined)
      this.violate(`node ${address}: image of timeline ${id}, page ${page} at ${lsn}: ${difference}`)
  }

  /** Writers that live on though another has taken over. */
  ghosts(): readonly Writer[] {
    this.#ghosts = this.#ghosts.filter(({ life }) => life.isAlive)
    return this.#ghosts
  }

  groupCount(): number {
    return this.writer?.volume.configuration.groups.length ?? 1
  }

  /** Begins to open the volume with another writer. */
  openWriter(): void {
    const address = FIRST_WRITER + this.#writerCount++
    const life: Life = { name: `writer ${this.#writerCount}`, isAlive: true }
    const opening = { address, life }
    this.openings.add(opening)
    this.scheduler.note('open', address)
    const done = (): void => void this.openings.delete(opening)
    let writer: Writer | undefined
    startVolume({
      clock: this.scheduler.clockOf(life),
      prng: this.chance.stream(life.name),
      plan: this.plan,
      nodes: [...this.hosts.values()].filter(({ isRetired }) => !isRetired).map((host) => host.member),
      reach: ({ node }) => this.network.connect(address, life, must(this.hosts.get(node), 'a host')),
      onFenced: (error) => writer?.fenced(error),
    })
      .then(async (volume) => {
        writer = new Writer(this, address, life, volume)
        if (!volume.isSettled) await this.#settled(writer)
        done()
        this.#opened(writer, volume)
      })
      .catch((error: unknown) => {
        done()
        if (!(error instanceof StorageError))
          this.violate(
            error instanceof Violation ? error.message : `opening failed: ${String((error as Error).stack)}`,
          )
        else this.scheduler.note(`not opened: ${error.kind} ${error.message}`, address)
        life.isAlive = false
      })
  }

  /**
   * It met a read quorum only: it can be read, but what it shows is no more than it found, and the writer before it is the
   * rightful one until it is settled.
   */
  async #settled(writer: Writer): Promise<void> {
    const { scheduler, coverage } = this
    scheduler.note('opened for reading', writer.address, writer.volume.volumeEpoch)
    coverage.count('opening with a read quorum')
    let isOver = false
    const read = (): void => {
      if (isOver || !writer.life.isAlive) return
      const timeline = this.#readChance.pick(this.model.live())
      scheduler.after(this.#readChance.wait(this.plan.readEveryMs), writer.life, read)
      if (writer.volume.timeline(timeline.id) === undefined) return
      const { vdl } = writer.volume.log(timeline.id)
      const low = timeline.readableFrom
      if (vdl < low || writer.failure !== undefined) return
      const page = this.#readChance.below(this.plan.pageCount) as PageNo
      void this.reads.check(writer, timeline, page, vdl)
      coverage.count('read before the volume is settled')
    }
    if (writer.life.isAlive) checkFound(this, writer)
    read()
    try {
      await writer.volume.untilSettled()
    } finally {
      isOver = true
    }
  }

  #opened(writer: Writer, volume: Volume): void {
    this.scheduler.note('opened', writer.address, volume.volumeEpoch)
    if (!writer.life.isAlive) return
    if (volume.volumeEpoch <= this.#volumeEpoch) {
      // A later one was faster: this one was fenced before it began.
      if (volume.volumeEpoch === this.#volumeEpoch) this.violate(`volume epoch ${volume.volumeEpoch} twice`)
      writer.life.isAlive = false
      return
    }
    this.#volumeEpoch = volume.volumeEpoch
    this.coverage.count('recovery')
    try {
      takeOver(this, writer)
    } catch (error) {
      return this.violate((error as Error).message)
    }
    if (this.writer !== undefined) this.#ghosts.push(this.writer)
    this.writer = writer
  }
}
