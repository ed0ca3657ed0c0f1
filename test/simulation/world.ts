// One cluster in one thread: hosts with storage nodes, writers, the network between them, and the model they are held
// against. Everything in it follows from the seed.
//
//            workload ─▶ writer (QuorumVolume) ═ network ═▶ hosts 1..6, spares 7.. (StorageNode on a SimDisk)
//   nemesis ─▶ network, hosts, disks, writers               ═ gossip ═
//   operator ─▶ members                         checkers ─▶ model, writer, hosts

import { must } from '../../storage/base/assert.ts'
import { StorageError } from '../../storage/base/errors.ts'
import type { StoredBatch } from '../../storage/node/segment-store.ts'
import type { Volume } from '../../storage/volume/volume.ts'
import type { Bug } from './bugs.ts'
import type { Chance } from './chance.ts'
import { Coverage } from './coverage.ts'
import { Host, type HostSurroundings } from './host.ts'
import { Model } from './model.ts'
import { FIRST_WRITER, Network } from './network.ts'
import type { Plan } from './plan.ts'
import { startVolume } from './processes.ts'
import { Reads } from './reads.ts'
import { type Life, Scheduler } from './scheduler.ts'
import { takeOver, Writer } from './writer.ts'

export const ZONES = ['az1', 'az2', 'az3'] as const
export const NODE_COUNT = 6

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
    this.#around = {
      scheduler: this.scheduler,
      network: this.network,
      coverage: this.coverage,
      bug,
      rottenNodes: plan.rottenNodes,
      persisted: (batch) => this.#checkPersisted(batch),
      peersOf: (host, life) => ({ reach: (node) => this.#connect(host.address, life, node) }),
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

  #connect(from: number, life: Life, node: number): ReturnType<Network['connect']> {
    return this.network.connect(from, life, must(this.hosts.get(node), 'a host of that number'))
  }

  /** A batch reached a disk: wherever else the same LSNs lie, the bytes are the same, for ever. */
  #checkPersisted({ timeline, group, first, bytes }: StoredBatch): void {
    const name = `${timeline}/${group}/${first}`
    const checksum = bytes.readUInt32LE(BATCH_CHECKSUM_OFFSET)
    const known = this.#persisted.get(name)
    if (known === undefined) this.#persisted.set(name, checksum)
    else if (known !== checksum)
      this.violate(`timeline ${timeline}, group ${group}: LSN ${first} is there twice, differently`)
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
    startVolume({
      clock: this.scheduler.clockOf(life),
      prng: this.chance.stream(life.name),
      plan: this.plan,
      life,
      reach: (node) => this.#connect(address, life, node),
    }).then(
      (volume) => {
        done()
        this.#opened(new Writer(this, address, life, volume), volume)
      },
      (error: unknown) => {
        done()
        if (!(error instanceof StorageError))
          this.violate(`opening failed: ${String((error as Error).stack)}`)
        else this.scheduler.note(`not opened: ${error.kind} ${error.message}`, address)
        life.isAlive = false
      },
    )
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
