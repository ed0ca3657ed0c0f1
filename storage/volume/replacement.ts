// Members change in two steps, each of them reversible (Aurora 2018, section 4.1):
//
//   ABCDEF ── replaceNode(F, G) ──▶ ABCDEF and ABCDEG ── G is whole ──▶ ABCDEG
//      ▲                                   │
//      └──── revertReplacement(F), or G is dead
//
// The candidate is filled by its peers while it gets every new batch; nothing waits for it. A member that says nothing
// for long is replaced by a spare by itself, but only while a write quorum of the others does answer: if all are silent,
// it is this side that was away.

import type { Clock } from '../base/env.ts'
import { StorageError } from '../base/errors.ts'
import type { Configuration, Member, Slot } from '../message/configuration.ts'
import type { Members } from './members.ts'
import type { NodeLink } from './node-link.ts'
import { slotsOf } from './quorum.ts'
import { isEmpty } from './recovery.ts'
import type { Reconfiguration } from './reconfiguration.ts'
import type { Timelines } from './timelines.ts'

const QUERY_TIMEOUT_MS = 5000
/** Who was heard within this time is surely there. */
const FRESH_MS = 10_000

export class Replacement {
  readonly #members: Members
  readonly #timelines: Timelines
  readonly #reconfiguration: Reconfiguration
  readonly #clock: Clock
  readonly #deadAfterMs: number
  /** A step that is being taken by itself. */
  #isBusy = false

  constructor(parts: {
    members: Members
    timelines: Timelines
    reconfiguration: Reconfiguration
    clock: Clock
    deadAfterMs: number
  }) {
    this.#members = parts.members
    this.#timelines = parts.timelines
    this.#reconfiguration = parts.reconfiguration
    this.#clock = parts.clock
    this.#deadAfterMs = parts.deadAfterMs
  }

  /** The first step. Rejects with StorageError 'unsuitable' where it makes no sense. */
  async replace(node: number, spare: Member): Promise<void> {
    if (this.#isTarget(spare.node)) throw unsuitable(`node ${spare.node} is a member already`)
    await this.#checkEmpty(spare)
    await this.#reconfiguration.change((current) => {
      const slot = slotsOf(current).find(({ member }) => member.node === node)
      if (slot === undefined) throw unsuitable(`node ${node} is no member`)
      checkFree(current, spare)
      if (slot.candidate !== undefined)
        throw unsuitable(`node ${node} is being replaced by ${slot.candidate.node}`)
      const candidate = { ...spare, zone: spare.zone, kind: slot.member.kind }
      const spares = current.spares.filter((each) => each.node !== spare.node)
      return {
        ...withSlots(current, (each) => (each.member.node === node ? { ...each, candidate } : each)),
        spares,
      }
    })
  }

  /** Back from the first step. */
  async revert(node: number): Promise<void> {
    await this.#reconfiguration.change((current) => {
      const slot = slotsOf(current).find(({ member }) => member.node === node)
      if (slot?.candidate === undefined) throw unsuitable(`node ${node} is not being replaced`)
      return withSlots(current, (each) =>
        each.member.node === node ? { ...each, candidate: undefined } : each,
      )
    })
  }

  async addSpare(spare: Member): Promise<void> {
    if (this.#isTarget(spare.node)) throw unsuitable(`node ${spare.node} is a member already`)
    await this.#checkEmpty(spare)
    await this.#reconfiguration.change((current) => {
      checkFree(current, spare)
      const others = current.spares.filter(({ node }) => node !== spare.node)
      return { ...current, spares: [...others, spare] }
    })
  }

  async setZoneAway(zone: string, away: boolean): Promise<void> {
    await this.#reconfiguration.change((current) => {
      const isAway = current.zonesAway.includes(zone)
      if (isAway === away) return undefined
      if (!away) return { ...current, zonesAway: current.zonesAway.filter((each) => each !== zone) }
      const zones = slotsOf(current).map(({ member }) => member.zone)
      const left = zones.filter((each) => each !== zone).length
      if (!zones.includes(zone)) throw unsuitable(`no member is in zone ${zone}`)
      if (current.zonesAway.length > 0) throw unsuitable(`zone ${current.zonesAway.join()} is away already`)
      if (left < 3) throw unsuitable(`without zone ${zone} only ${left} members are left`)
      return { ...current, zonesAway: [zone] }
    })
  }

  /** Takes the step that is due, if there is one. */
  async tend(): Promise<void> {
    if (this.#isBusy) return
    this.#isBusy = true
    try {
      await this.#step()
    } catch (error) {
      // It is tried again at the next look.
      if (!(error instanceof StorageError)) throw error
    } finally {
      this.#isBusy = false
    }
  }

  async #step(): Promise<void> {
    const { configuration } = this.#members
    for (const { member, candidate } of slotsOf(configuration)) {
      if (candidate === undefined) {
        const spare = this.#isDead(member.node) ? this.#freshSpare(configuration, member) : undefined
        if (spare !== undefined) await this.replace(member.node, spare)
        continue
      }
      if (this.#isWhole(candidate.node)) await this.#finish(member.node)
      else if (this.#isDead(candidate.node)) await this.revert(member.node)
    }
  }

  /** The second step. */
  #finish(node: number): Promise<void> {
    return this.#reconfiguration.change((current) =>
      withSlots(current, (slot) =>
        slot.member.node === node && slot.candidate !== undefined
          ? { member: slot.candidate, candidate: undefined }
          : slot,
      ),
    )
  }

  /** It has all that is durable of every timeline that somebody can read. */
  #isWhole(node: number): boolean {
    const link = this.#members.link(node)
    if (link?.mode !== 'live') return false
    for (const [timeline, upTo] of this.#timelines.needed()) {
      const log = this.#timelines.peek(timeline)
      if (log !== undefined && log.reach(link.place) < Math.min(log.vcl, upTo)) return false
    }
    return true
  }

  #isDead(node: number): boolean {
    const link = this.#members.link(node)
    if (link === undefined || this.#silentMs(link) < this.#deadAfterMs) return false
    let fresh = 0
    for (const each of this.#members.targets) {
      if (each.mode === 'live' && this.#silentMs(each) < FRESH_MS) fresh |= 1 << each.place
    }
    return this.#members.quorum.holds(fresh)
  }

  #silentMs(link: NodeLink): number {
    return this.#clock.monotonicMs() - link.heardMs
  }

  /** A spare that answers, of the same zone where there is one. */
  #freshSpare({ spares }: Configuration, { zone }: Member): Member | undefined {
    const fresh = spares.filter(({ node }) => {
      const link = this.#members.link(node)
      return link !== undefined && this.#silentMs(link) < FRESH_MS
    })
    return fresh.find((spare) => spare.zone === zone) ?? fresh[0]
  }

  #isTarget(node: number): boolean {
    return this.#members.targets.some(({ id }) => id === node)
  }

  /** A node that once held segments of the volume must come back empty: what it has may never have happened. */
  async #checkEmpty(spare: Member): Promise<void> {
    const link = this.#members.connect(spare)
    try {
      const answer = await link.request({ kind: 'query' }, QUERY_TIMEOUT_MS)
      if (answer.kind !== 'state') throw new StorageError('io', `node ${spare.node} answered ${answer.kind}`)
      const { clusterId } = answer.state
      if (clusterId !== '' && clusterId !== this.#members.clusterId) {
        throw unsuitable(`node ${spare.node} belongs to cluster ${clusterId}`)
      }
      if (!isEmpty(answer.state))
        throw unsuitable(`node ${spare.node} holds segments already: empty it first`)
    } catch (error) {
      // While it was asked it may have become a member: by a change that was under way before.
      if (!this.#members.isSpare(link) && !this.#isTarget(link.id)) await this.#members.retire(link)
      throw error
    }
  }
}

function withSlots(configuration: Configuration, change: (slot: Slot) => Slot): Configuration {
  const groups = configuration.groups.map(({ group, slots }) => ({ group, slots: slots.map(change) }))
  return { ...configuration, groups }
}

function unsuitable(message: string): StorageError {
  return new StorageError('unsuitable', message)
}

/**
 * A node has one slot, or none: in two it would count twice, and of two kinds have no pages of what came to it as log. A
 * change that was under way when the node was looked at may have taken it.
 */
function checkFree(current: Configuration, spare: Member): void {
  const isTaken = slotsOf(current).some(
    ({ member, candidate }) => member.node === spare.node || candidate?.node === spare.node,
  )
  if (isTaken) throw unsuitable(`node ${spare.node} is a member already`)
}
