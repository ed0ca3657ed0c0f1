// Whoever runs the cluster: registers spares, replaces members, takes zones out of the quorum and back in, changes his
// mind, and throws away what was replaced, though not at once.

import { StorageError } from '../../storage/base/errors.ts'
import type { Configuration } from '../../storage/message/configuration.ts'
import type { Chance } from './chance.ts'
import { type World, ZONES } from './world.ts'
import type { Writer } from './writer.ts'

/** A host that was replaced lives on for this long, mean ms, and says what it knows. */
const RETIRE_AFTER_MS = 200
const HOST_COUNT_MAX = 14
const ZONE_SHARE = 0.15

/** Members that hold log only. */
export function tailsOf({ groups }: Configuration): Set<number> {
  const members = groups.flatMap(({ slots }) => slots.map(({ member }) => member))
  return new Set(members.filter(({ kind }) => kind === 'tail').map(({ node }) => node))
}

/** Nodes that hold segments, and nodes that are being filled to. */
export function membersOf(configuration: Configuration): {
  members: Set<number>
  candidates: Map<number, number>
} {
  const members = new Set<number>()
  const candidates = new Map<number, number>()
  for (const { slots } of configuration.groups) {
    for (const { member, candidate } of slots) {
      members.add(member.node)
      if (candidate !== undefined) candidates.set(candidate.node, member.node)
    }
  }
  return { members, candidates }
}

export class Operator {
  readonly #world: World
  readonly #chance: Chance
  /** Replacements that were begun, old node by new. */
  readonly #begun = new Map<number, number>()
  #isOn = true

  constructor(world: World) {
    this.#world = world
    this.#chance = world.chance.stream('operator')
  }

  start(): void {
    const { membershipEveryMs } = this.#world.plan
    if (membershipEveryMs === Infinity) return
    this.#world.scheduler.after(this.#chance.wait(membershipEveryMs), undefined, () => {
      if (!this.#isOn) return
      void this.#change()
      this.start()
    })
  }

  stop(): void {
    this.#isOn = false
  }

  /** Takes back every zone, over and over until all are in. */
  async takeZonesBack(): Promise<void> {
    for (;;) {
      const { writer, scheduler } = this.#world
      const zone = writer?.isUsable === true ? writer.volume.configuration.zonesAway[0] : undefined
      if (writer?.isUsable === true && zone === undefined) return
      try {
        if (writer !== undefined && zone !== undefined) await writer.volume.setZoneAway(zone, false)
      } catch (error) {
        if (!(error instanceof StorageError)) return this.#world.violate(String((error as Error).stack))
      }
      await scheduler.pause(20)
    }
  }

  async #change(): Promise<void> {
    const { writer } = this.#world
    if (writer === undefined || !writer.isUsable) return
    this.#look(writer.volume.configuration)
    try {
      await this.#step(writer)
    } catch (error) {
      if (!(error instanceof StorageError)) return this.#world.violate(String((error as Error).stack))
      this.#world.scheduler.note(`operator: ${error.message}`)
    }
  }

  async #step({ volume }: Writer): Promise<void> {
    const { coverage, hosts } = this.#world
    const { configuration } = volume
    if (this.#chance.happens(ZONE_SHARE)) return this.#shiftZone(volume)
    const { members, candidates } = membersOf(configuration)
    const [candidate] = candidates
    if (candidate !== undefined) {
      if (!this.#chance.happens(0.3)) return
      await volume.revertReplacement(candidate[1])
      coverage.count('replacement reverted')
      return
    }
    const spare = configuration.spares[0]
    if (spare === undefined) {
      if (hosts.size < HOST_COUNT_MAX) await this.#addSpare(volume)
      return
    }
    // The dead are replaced first, as a rule.
    const dead = [...members].filter((node) => hosts.get(node)?.isUp !== true)
    const node =
      dead.length > 0 && this.#chance.happens(0.7) ? this.#chance.pick(dead) : this.#chance.pick([...members])
    this.#begun.set(spare.node, node)
    await volume.replaceNode(node, spare)
    coverage.count('replacement begun')
  }

  async #shiftZone(volume: Writer['volume']): Promise<void> {
    const away = volume.configuration.zonesAway[0]
    await volume.setZoneAway(away ?? this.#chance.pick(ZONES), away === undefined)
    this.#world.coverage.count(away === undefined ? 'zone taken out' : 'zone taken back')
  }

  async #addSpare(volume: Writer['volume']): Promise<void> {
    const { members } = membersOf(volume.configuration)
    const zone = this.#world.hosts.get(this.#chance.pick([...members]))?.zone ?? 'az1'
    const host = this.#world.addHost(zone)
    host.start()
    await volume.addSpare(host.member)
    this.#world.coverage.count('spare added')
  }

  /** Notices replacements that ended, and retires the old hosts in a while. */
  #look(configuration: Configuration): void {
    const { members } = membersOf(configuration)
    for (const [spare, old] of this.#begun) {
      if (!members.has(spare) || members.has(old)) continue
      this.#begun.delete(spare)
      this.#world.coverage.count('replacement ended')
      this.#world.scheduler.after(this.#chance.wait(RETIRE_AFTER_MS), undefined, () => {
        const host = this.#world.hosts.get(old)
        if (host === undefined) return
        host.isRetired = true
        host.crash()
      })
    }
  }
}
