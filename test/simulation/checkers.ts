// Looks at the cluster from outside, all along: at the rightful writer's positions, at what single nodes claim and
// hold, and at the end at everything.

import type { Lsn, PageNo } from '../../storage/base/ids.ts'
import { asEpoch } from '../../storage/base/ids.ts'
import type { NodeMessage, NodeState, SegmentState, VolumeMessage } from '../../storage/message/message.ts'
import { unpackedState } from '../../storage/message/testing/unpacked-state.ts'
import type { Chance } from './chance.ts'
import type { Host } from './host.ts'
import { type TimelineModel, Violation } from './model.ts'
import { membersOf, tailsOf } from './operator.ts'
import { mustEqual } from './reads.ts'
import type { World } from './world.ts'

const CHECK_EVERY_MS = 25
/** A look at more would cost more than all the rest. */
const SEGMENTS_AT_ONCE = 3
/** Messages under way to one process at once: more means that a queue is not bounded. */
const UNDER_WAY_MAX = 2000

type Question = VolumeMessage extends infer M
  ? M extends VolumeMessage
    ? Omit<M, 'id' | 'volumeEpoch' | 'membershipEpoch'>
    : never
  : never

export class Checkers {
  readonly #world: World
  readonly #chance: Chance

  constructor(world: World) {
    this.#world = world
    this.#chance = world.chance.stream('checkers')
  }

  start(): void {
    this.#world.scheduler.after(CHECK_EVERY_MS, undefined, () => {
      this.check()
      this.start()
    })
  }

  check(): void {
    const { writer, hosts, network } = this.#world
    try {
      if (writer?.isUsable === true) writer.check()
      const up = [...hosts.values()].filter((host) => host.isUp)
      if (up.length > 0) this.#checkSegments(this.#chance.pick(up))
      for (const [address, count] of network.underWay)
        if (count > UNDER_WAY_MAX) throw new Violation(`${count} messages are under way to ${address}`)
    } catch (error) {
      if (!(error instanceof Violation)) throw error
      this.#world.violate(error.message)
    }
  }

  /** A node must hold what it claims: any page of a segment at any needed LSN up to its SCL. */
  #checkSegments(host: Host): void {
    const state = stateOf(host)
    if (state === undefined) return
    for (let times = 0; times < SEGMENTS_AT_ONCE && state.segments.length > 0; times++) {
      const segment = this.#chance.pick(state.segments)
      const timeline = this.#world.model.timelines.get(segment.timeline)
      if (timeline?.fate !== 'live') continue
      this.#checkKept(host, segment, timeline)
      const highest = Math.min(segment.scl, timeline.vdl)
      const low = timeline.readableFrom
      if (highest < low) continue
      const lsn = timeline.pointAtOrBelow(
        this.#chance.happens(0.5) ? highest : this.#chance.between(low, highest),
      )
      if (lsn < low || this.#lacksAncestor(state, segment, timeline)) continue
      this.checkPage(host, state, segment, timeline, this.#drawPage(segment), lsn)
    }
  }

  /**
   * Whether an ancestor has a segment in this group that the node was not told of yet: it cannot know, so the volume
   * does not ask it (Timelines.isHeld), and neither do we before all have caught up.
   */
  #lacksAncestor(state: NodeState, { group }: SegmentState, { id, parent }: TimelineModel): boolean {
    if (parent === undefined) return false
    const births = new Map(state.timelines.map(({ birth }) => [birth.id, birth]))
    const others = [...this.#world.hosts.values()].map((host) => (host.isUp ? stateOf(host) : undefined))
    for (let at = births.get(id)?.parent?.timeline; at !== undefined; at = births.get(at)?.parent?.timeline) {
      const isIt = (held: SegmentState): boolean => held.timeline === at && held.group === group
      if (state.segments.some(isIt)) continue
      if (others.some((other) => other === undefined || other.segments.some(isIt))) return true
    }
    return false
  }

  /** What a node acknowledged it has for ever, as far as recovery let it stand. */
  #checkKept(
    { address, acknowledged, disk }: Host,
    { group, scl }: SegmentState,
    timeline: TimelineModel,
  ): void {
    const said = acknowledged.get(`${timeline.id}/${group}`)
    if (said === undefined || disk.isRotten) return
    const kept = timeline.pointAtOrBelow(Math.min(said, timeline.vdl))
    if (scl < kept)
      throw new Violation(
        `node ${address}, timeline ${timeline.id}, group ${group}: SCL ${scl} after ${said} was acknowledged`,
      )
  }

  #drawPage({ group }: SegmentState): PageNo {
    const { pagesPerSegment } = this.#world.plan
    return (group * pagesPerSegment + this.#chance.below(pagesPerSegment)) as PageNo
  }

  /** Reads a page of one node. It may be unable to answer, and says why; it must not be wrong. */
  checkPage(
    host: Host,
    state: NodeState,
    { group, scl }: SegmentState,
    timeline: TimelineModel,
    page: PageNo,
    lsn: Lsn,
  ): string | undefined {
    const answer = ask(host, { kind: 'read-page', timeline: timeline.id, page, lsn }, state)
    const what = `node ${host.address} (SCL ${scl}), timeline ${timeline.id}, group ${group}, page ${page} at ${lsn}`
    if (answer?.kind === 'page') {
      mustEqual(answer.image, timeline.pageAt(page, lsn), what)
      this.#world.coverage.count('segment checked')
      return undefined
    }
    if (answer?.kind === 'failed' && answer.failure === 'out-of-window' && !host.disk.isRotten)
      throw new Violation(`${what}: ${answer.message}`)
    return `${what}: ${answer?.kind === 'failed' ? answer.message : 'no answer'}`
  }

  /** Every full member serves every page of every segment as the model says. Throws a Violation. */
  checkAll(): void {
    const { writer, hosts, model } = this.#world
    if (writer === undefined) return
    const { configuration } = writer.volume
    const tails = tailsOf(configuration)
    for (const node of membersOf(configuration).members) {
      if (tails.has(node)) continue
      const host = hosts.get(node)
      const state = host && stateOf(host)
      if (host === undefined || state === undefined) throw new Violation(`member ${node} is not there`)
      for (const segment of state.segments) {
        const timeline = model.timelines.get(segment.timeline)
        if (timeline?.fate === 'live') this.#checkWhole(host, state, segment, timeline)
      }
    }
  }

  /** All pages of a segment, at the end and at some other LSN that is still needed. */
  #checkWhole(host: Host, state: NodeState, segment: SegmentState, timeline: TimelineModel): void {
    const { pagesPerSegment, pageCount } = this.#world.plan
    const first = segment.group * pagesPerSegment
    for (let page = first; page < Math.min(first + pagesPerSegment, pageCount); page++) {
      const low = timeline.readableFrom
      const between = timeline.pointAtOrBelow(this.#chance.between(low, timeline.vdl))
      for (const lsn of page % 2 === 0 ? [timeline.vdl] : [timeline.vdl, Math.max(low, between) as Lsn]) {
        const refusal = this.checkPage(host, state, segment, timeline, page as PageNo, lsn)
        // What a disk has damaged is mended by and by.
        if (refusal !== undefined && !host.disk.isRotten) throw new Violation(refusal)
      }
    }
  }

  /** A member that does not know the writer or its configuration yet. */
  strangers(): string | undefined {
    const { writer, hosts } = this.#world
    if (writer === undefined) return 'there is no writer'
    const { volumeEpoch, configuration } = writer.volume
    for (const node of membersOf(configuration).members) {
      const host = hosts.get(node)
      const state = host && stateOf(host)
      if (state === undefined) return `member ${node} is down`
      if (state.volumeEpoch !== volumeEpoch) return `member ${node} is in volume epoch ${state.volumeEpoch}`
      if (state.membershipEpoch !== configuration.membershipEpoch)
        return `member ${node} is in membership epoch ${state.membershipEpoch}`
    }
    return undefined
  }

  /** What is still missing on members before all of them hold everything; undefined when nothing is. */
  lag(): string | undefined {
    const { writer, hosts, model } = this.#world
    if (writer === undefined) return 'there is no writer'
    const { configuration } = writer.volume
    for (const node of membersOf(configuration).members) {
      const host = hosts.get(node)
      const state = host && stateOf(host)
      if (state === undefined) return `member ${node} is down`
      if (state.damage !== undefined) return `member ${node}: ${state.damage}`
      for (const [timeline, last] of model.needed()) {
        const held = state.segments.filter((segment) => segment.timeline === timeline.id)
        if (!held.some(({ group }) => group === 0)) return `member ${node} has no timeline ${timeline.id}`
        for (const { group, scl } of held) {
          const target = Math.max(last, timeline.base)
          if (scl < target)
            return `member ${node}: timeline ${timeline.id}, group ${group} at ${scl} of ${target}`
        }
      }
    }
    return undefined
  }

  /** Adds up what nodes count themselves. */
  countBackground(): void {
    const { hosts, coverage } = this.#world
    for (const host of hosts.values()) {
      const answer = host.isUp ? ask(host, { kind: 'statistics' }, stateOf(host)) : undefined
      if (answer?.kind !== 'statistics') continue
      const { statistics } = answer
      coverage.count('batch collected', statistics.batchesCollected)
      coverage.count('image collected', statistics.imagesCollected)
      coverage.count('batch gossiped', statistics.batchesGossiped)
      coverage.count('image made', statistics.images)
    }
  }
}

/** Asks a node directly, past the network and past what a bug does to it. Nodes answer before they return. */
export function ask(host: Host, question: Question, state: NodeState | undefined): NodeMessage | undefined {
  const epochs = {
    id: 0,
    volumeEpoch: state?.volumeEpoch ?? asEpoch(0),
    membershipEpoch: state?.membershipEpoch ?? asEpoch(0),
  }
  let answer: NodeMessage | undefined
  // The union loses its link between kind and fields on the way through Omit and spread.
  host.process?.handle({ ...question, ...epochs }, (message) => void (answer = message))
  return answer
}

export function stateOf(host: Host): NodeState | undefined {
  const answer = ask(host, { kind: 'query' }, undefined)
  return answer?.kind === 'state' ? unpackedState(answer.state) : undefined
}
