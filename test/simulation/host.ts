// A machine that runs a storage node: its process, its disk, its place. The process comes and goes; the disk stays.
//
//   network ─▶ inbox (when the disk is slow) ─▶ node.handle ─▶ SimDisk
//                                                   └─ Crash thrown at a write: the host is down from here on

import { StorageError } from '../../storage/base/errors.ts'
import type { GroupNo, Lsn, TimelineId } from '../../storage/base/ids.ts'
import type { Member } from '../../storage/message/configuration.ts'
import type { VolumeMessage } from '../../storage/message/message.ts'
import type { Peers, Reply } from '../../storage/message/transport.ts'
import type { PageImage, StoredBatch } from '../../storage/node/segment-store.ts'
import type { Bug, Handle } from './bugs.ts'
import type { Chance } from './chance.ts'
import type { Coverage } from './coverage.ts'
import { Crash, type CrashPoint, SimDisk } from './disk.ts'
import type { Guard, Network, Server } from './network.ts'
import { type NodeProcess, startNode } from './processes.ts'
import type { Life, Scheduler } from './scheduler.ts'

export const NODE_COUNT = 6

/** What hosts have in common. */
export interface HostSurroundings {
  readonly scheduler: Scheduler
  readonly network: Network
  readonly coverage: Coverage
  readonly bug: Bug
  /** Every other of the first six holds log only. */
  readonly hasTails: boolean
  /** Nodes whose disks may damage what was once written. */
  readonly rottenNodes: readonly number[]
  persisted(host: Host, batch: StoredBatch): void
  imaged(host: Host, image: PageImage): void
  /** How a node finds the others. */
  peersOf(host: Host, life: Life, guard: Guard): Peers
}

export class Host implements Server {
  readonly address: number
  readonly zone: string
  readonly disk: SimDisk
  /** Mean time that a request waits for the disk, ms; 0 when the disk is healthy. */
  slownessMs = 0
  /** Taken out of the volume: nobody starts it again. */
  isRetired = false
  process: NodeProcess | undefined
  /** The highest SCL that it ever acknowledged to a writer, by segment. */
  readonly acknowledged: Map<string, Lsn> = new Map()
  startCount = 0
  readonly #around: HostSurroundings
  readonly #chance: Chance
  #life: Life | undefined
  #inboxFreeMs = 0

  constructor(address: number, zone: string, around: HostSurroundings, chance: Chance) {
    this.address = address
    this.zone = zone
    this.#around = around
    this.#chance = chance.stream(`host ${address}`)
    this.disk = new SimDisk(`node ${address}`, this.#chance.stream('disk'), {
      coverage: around.coverage,
      persisted: (batch) => around.persisted(this, batch),
      imaged: (image) => around.imaged(this, image),
    })
    this.disk.isRotten = around.rottenNodes.includes(address)
  }

  /** What the volume is told of it. */
  get member(): Member {
    const isTail = this.#around.hasTails && this.address <= NODE_COUNT && this.address % 2 === 0
    return { node: this.address, zone: this.zone, address: undefined, kind: isTail ? 'tail' : 'full' }
  }

  get isUp(): boolean {
    return this.process !== undefined
  }

  start(): void {
    if (this.isUp) return
    const { scheduler } = this.#around
    const life: Life = { name: `node ${this.address}.${++this.startCount}`, isAlive: true }
    this.#life = life
    this.#inboxFreeMs = 0
    scheduler.note('start', this.address)
    this.#guard(() => {
      const disk = this.disk.open()
      const store = this.#around.bug.store?.(this, disk) ?? disk
      this.process = startNode({
        number: this.address,
        store,
        clock: this.#guardedClock(life),
        prng: this.#chance.stream(life.name),
        peers: this.#around.peersOf(this, life, (work) => this.#guard(work)),
      })
    })
  }

  /** Dies at once; `point` undefined: between two writes. Otherwise at the next write to the disk. */
  crash(point?: CrashPoint): void {
    if (!this.isUp) return
    if (point !== undefined) {
      this.disk.crashPoint = point
      return
    }
    this.#die()
  }

  #die(): void {
    const { scheduler, network, coverage } = this.#around
    scheduler.note('crash', this.address)
    coverage.count('node crash')
    if (this.#life !== undefined) this.#life.isAlive = false
    this.process = undefined
    this.disk.crash()
    network.reset(this.address)
  }

  receive(message: VolumeMessage, reply: Reply): void {
    if (!this.isUp) return
    const { scheduler } = this.#around
    if (this.slownessMs === 0 && this.#inboxFreeMs <= scheduler.nowMs) return this.#handle(message, reply)
    // One after the other, as a disk serves them.
    this.#inboxFreeMs = Math.max(this.#inboxFreeMs, scheduler.nowMs) + this.#chance.wait(this.slownessMs)
    scheduler.after(this.#inboxFreeMs - scheduler.nowMs, this.#life, () => this.#handle(message, reply))
  }

  #handle(message: VolumeMessage, reply: Reply): void {
    const { bug } = this.#around
    const life = this.#life
    const answer: Reply = (message) => {
      if (life?.isAlive !== true || !this.disk.isAlive) return
      if (message.kind === 'appended') for (const segment of message.segments) this.#acknowledge(segment)
      if (message.kind === 'images') this.#around.coverage.count('image copied', message.images.length)
      reply(message)
    }
    this.#guard(() => {
      const handle: Handle = (request, back) => this.process?.handle(request, back)
      if (bug.handle === undefined) handle(message, answer)
      else bug.handle(this, message, answer, handle)
    })
  }

  #acknowledge({ timeline, group, scl }: { timeline: TimelineId; group: GroupNo; scl: Lsn }): void {
    const name = `${timeline}/${group}`
    this.acknowledged.set(name, Math.max(this.acknowledged.get(name) ?? 0, scl) as Lsn)
  }

  /** The clock of a process, whose timers may run into a crash as well. */
  #guardedClock(life: Life): ReturnType<Scheduler['clockOf']> {
    const clock = this.#around.scheduler.clockOf(life)
    return {
      ...clock,
      after: (delayMs, callback) => clock.after(delayMs, () => this.#guard(callback)),
      soon: (callback) => clock.soon(() => this.#guard(callback)),
    }
  }

  /** Runs code of the process; a crash at a write or a disk it cannot open ends the process. */
  #guard(work: () => void): void {
    try {
      work()
    } catch (thrown) {
      if (!(thrown instanceof Crash) && !(thrown instanceof StorageError && this.process === undefined))
        throw thrown
    }
    if (this.isUp && !this.disk.isAlive) this.#die()
  }
}
