// Lets faults happen: draws what and when from the plan, and ends each after a while. It stops with everything healed.

import type { Chance } from './chance.ts'
import type { CrashPoint } from './disk.ts'
import type { Host } from './host.ts'
import { type Address, FAIR, type Partition } from './network.ts'
import type { FaultKind } from './plan.ts'
import { type World, ZONES } from './world.ts'

const KEEPER_EVERY_MS = 20
const GHOST_LIFE_MS = 300

export class Nemesis {
  readonly #world: World
  readonly #chance: Chance
  /** Hosts that are down, cut off or full on purpose. */
  readonly #afflicted = new Set<Host>()
  #isOn = true

  constructor(world: World) {
    this.#world = world
    this.#chance = world.chance.stream('nemesis')
  }

  start(): void {
    this.#world.network.weather = this.#world.plan.weather
    this.#next()
  }

  #next(): void {
    const { plan, scheduler } = this.#world
    if (plan.faultEveryMs === Infinity) return
    scheduler.after(this.#chance.wait(plan.faultEveryMs), undefined, () => {
      if (!this.#isOn) return
      const kind = this.#chance.weighted(plan.faults)
      if (kind !== undefined) this.#strike(kind)
      this.#next()
    })
  }

  #strike(kind: FaultKind): void {
    const { scheduler } = this.#world
    scheduler.note(kind)
    switch (kind) {
      case 'node crash':
        return this.#crash(this.#victims(1))
      case 'crash at write':
        return this.#crash(this.#victims(1), this.#chance.pick<CrashPoint>(['before', 'after', 'torn']))
      case 'zone':
        return this.#loseZone()
      case 'partition':
        return this.#partition()
      case 'writer crash':
        return this.#crashWriter()
      case 'second writer':
        return this.#secondWriter()
      case 'best informed':
        return this.#crashBestInformed()
      case 'full':
        return this.#afflict(
          'disk full',
          (host) => (host.disk.isFull = true),
          (host) => (host.disk.isFull = false),
        )
      case 'slow':
        return this.#afflict(
          'disk slow',
          (host) => (host.slownessMs = this.#chance.between(1, 30)),
          (host) => (host.slownessMs = 0),
        )
      case 'rot':
        return this.#rot()
      case 'cut':
        return this.#cut()
    }
  }

  /** Healthy hosts to strike, as many as may still go down. */
  #victims(count: number, among: (host: Host) => boolean = () => true): Host[] {
    const healthy = [...this.#world.hosts.values()].filter(
      (host) => host.isUp && !host.isRetired && !this.#afflicted.has(host) && among(host),
    )
    const room = Math.max(this.#world.plan.downMax - this.#afflicted.size, 0)
    return this.#chance.shuffled(healthy).slice(0, Math.min(count, room))
  }

  /** Something befalls these hosts, and ends after a while. */
  #befall(hosts: readonly Host[], begin: (host: Host) => void, end: (host: Host) => void): void {
    const { plan, scheduler } = this.#world
    for (const host of hosts) {
      this.#afflicted.add(host)
      begin(host)
      scheduler.after(this.#chance.wait(plan.faultMs), undefined, () => {
        if (!this.#afflicted.delete(host)) return
        end(host)
      })
    }
  }

  #crash(hosts: readonly Host[], point?: CrashPoint): void {
    this.#befall(
      hosts,
      (host) => host.crash(point),
      (host) => {
        host.disk.crashPoint = undefined
        if (!host.isRetired) host.start()
      },
    )
  }

  #loseZone(): void {
    const zone = this.#chance.pick(ZONES)
    const hosts = this.#victims(Infinity, (host) => host.zone === zone)
    if (hosts.length < 2) return
    this.#world.coverage.count('zone lost')
    this.#crash(hosts)
  }

  #afflict(what: 'disk full' | 'disk slow', begin: (host: Host) => void, end: (host: Host) => void): void {
    const hosts = this.#victims(1)
    this.#world.coverage.count(what, hosts.length)
    this.#befall(hosts, begin, (host) => {
      end(host)
      // Someone notices, makes room and starts it again.
      if (what === 'disk full') {
        host.crash()
        if (!host.isRetired) host.start()
      }
    })
  }

  #partition(): void {
    const { network, scheduler, plan, coverage, writer } = this.#world
    const inside = new Set<Address>(this.#victims(1 + this.#chance.below(3)).map(({ address }) => address))
    if (writer !== undefined && this.#chance.happens(0.2)) inside.add(writer.address)
    if (inside.size === 0) return
    const partition: Partition = { inside, direction: this.#chance.pick(['both', 'both', 'in', 'out']) }
    network.partitions.add(partition)
    coverage.count('partition')
    scheduler.after(
      this.#chance.wait(plan.faultMs),
      undefined,
      () => void network.partitions.delete(partition),
    )
  }

  // --- writers

  #crashWriter(): void {
    const { openings, coverage, writer } = this.#world
    const opening = [...openings][0]
    if (opening !== undefined && this.#chance.happens(0.7)) {
      this.#world.openings.delete(opening)
      opening.life.isAlive = false
      coverage.count('writer crash while opening')
    } else if (writer?.life.isAlive === true) {
      writer.life.isAlive = false
      coverage.count('writer crash')
    }
  }

  /** Another writer opens the volume while the old one is at work, and it stays alive for a while. */
  #secondWriter(): void {
    const old = this.#world.writer
    if (old?.life.isAlive !== true) return
    this.#world.coverage.count('second writer')
    this.#world.openWriter()
    const lifeMs = this.#chance.wait(GHOST_LIFE_MS)
    this.#world.scheduler.after(lifeMs, undefined, () => {
      if (old.isStale) old.life.isAlive = false
    })
  }

  /** The worst moment: those who know most go down together with the writer. */
  #crashBestInformed(): void {
    const { writer, coverage, plan } = this.#world
    if (writer?.life.isAlive !== true) return
    const best = [...writer.volume.status().nodes].sort((a, b) => b.scl - a.scl).map(({ id }) => id)
    const hosts = this.#victims(Math.min(2, plan.downMax), (host) => best.slice(0, 2).includes(host.address))
    writer.life.isAlive = false
    coverage.count('writer crash')
    this.#crash(hosts)
  }

  /** All connections of the writer break at once, with what is under way in them. */
  #cut(): void {
    const { writer, network, coverage } = this.#world
    if (writer?.life.isAlive !== true) return
    network.cut(writer.address)
    coverage.count('all connections of a writer broken')
  }

  #rot(): void {
    const { plan, hosts } = this.#world
    if (plan.rottenNodes.length === 0) return
    hosts.get(this.#chance.pick(plan.rottenNodes))?.disk.rot()
  }

  /** Sees to it that there is a writer, as whoever runs the server would. Goes on until the end of the history. */
  keepWriter(): void {
    const { scheduler, writer, openings } = this.#world
    if (openings.size === 0 && writer?.isUsable !== true) {
      if (writer !== undefined && !writer.isStale && this.#chance.happens(0.5)) writer.life.isAlive = false
      this.#world.openWriter()
    }
    scheduler.after(this.#chance.wait(KEEPER_EVERY_MS), undefined, () => this.keepWriter())
  }

  /** No more faults; everything that is to live, lives. */
  heal(): void {
    this.#isOn = false
    const { network, hosts } = this.#world
    network.weather = FAIR
    network.partitions.clear()
    this.#afflicted.clear()
    for (const host of hosts.values()) {
      const wasFull = host.disk.isFull
      host.disk.isFull = false
      host.disk.crashPoint = undefined
      host.slownessMs = 0
      if (wasFull) host.crash()
      if (!host.isRetired) host.start()
    }
  }
}
