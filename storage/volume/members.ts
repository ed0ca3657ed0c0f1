// The nodes of a volume as this writer knows them: a link to each, at a place of its own, and which of them count.
//
//   configuration ─▶ targets: members and candidates, in the order in which they are preferred for writes
//                    spares:  connected, hold nothing
//   links by place ─▶ live (bits) ─▶ quorum.holds(live)?
//
// All groups of a volume lie on the same nodes. A place that became free is given out again.

import { assert, must } from '../base/assert.ts'
import { asEpoch, type Epoch } from '../base/ids.ts'
import type { Configuration, Member } from '../message/configuration.ts'
import { NodeLink, type LinkEvents, type LinkSettings } from './node-link.ts'
import { Gauge, type QuorumRules, rulesOf, slotsOf } from './quorum.ts'

/** Places are bits of an integer. */
const PLACES_MAX = 30

export class Members {
  clusterId = ''
  volumeEpoch: Epoch = asEpoch(0)
  /** Drawn by this writer: another one that chose the same epoch is told apart. */
  readonly writer: string
  /** What makes a write now, and what recovery must hear. While members change: by the old rules and by the new ones. */
  quorum: Gauge = new Gauge([], () => 0)
  reads: Gauge = new Gauge([], () => 0)
  /** Nodes that batches go to. */
  targets: readonly NodeLink[] = []
  #configuration: Configuration | undefined
  #latest: Configuration | undefined
  readonly #links: (NodeLink | undefined)[] = []
  readonly #settings: LinkSettings
  readonly #events: LinkEvents

  constructor(writer: string, settings: LinkSettings, events: LinkEvents) {
    this.writer = writer
    this.#settings = settings
    this.#events = events
  }

  /** The configuration in force. */
  get configuration(): Configuration {
    return must(this.#configuration, 'the volume is open')
  }

  /** The configuration that nodes are told: a newer one than that in force while a change is under way. */
  get latest(): Configuration {
    return must(this.#latest, 'the volume is open')
  }

  get links(): readonly NodeLink[] {
    return this.#links.filter((link) => link !== undefined)
  }

  /** Places of the live nodes, as bits. */
  get live(): number {
    let live = 0
    for (const link of this.#links) if (link?.mode === 'live') live |= 1 << link.place
    return live
  }

  /** Places of the nodes whose segments' standing is known, as bits. */
  get known(): number {
    let known = 0
    for (const link of this.#links) if (link?.isReadable === true) known |= 1 << link.place
    return known
  }

  link(node: number): NodeLink | undefined {
    return this.#links.find((link) => link?.id === node)
  }

  isTarget(link: NodeLink): boolean {
    return this.targets.includes(link)
  }

  /** Whether this link is still that to its node. */
  isCurrent(link: NodeLink): boolean {
    return this.#links[link.place] === link
  }

  /** The link to a node, made if there is none. */
  connect(member: Member): NodeLink {
    const known = this.link(member.node)
    if (known !== undefined) return known
    const free = this.#links.indexOf(undefined)
    const place = free < 0 ? this.#links.length : free
    assert(place < PLACES_MAX, 'a volume has few nodes')
    const link = new NodeLink(member, place, this.#settings, this.#events)
    link.volumeEpoch = this.volumeEpoch
    this.#links[place] = link
    return link
  }

  /** A node leaves: its place is free. */
  async retire(link: NodeLink): Promise<void> {
    if (this.#links[link.place] === link) this.#links[link.place] = undefined
    await link.abandon()
  }

  /** Rules by which places are counted. */
  gauge(rule: QuorumRules['write']): Gauge {
    return new Gauge(rule, (node) => must(this.link(node), 'a member has a link').place)
  }

  /** Links to all members and candidates, by slot, the candidates last; and to spares. */
  connectAll(configuration: Configuration): readonly NodeLink[] {
    const slots = slotsOf(configuration)
    const members = slots.map(({ member }) => this.connect(member))
    const candidates = slots.flatMap(({ candidate }) => candidate ?? []).map((each) => this.connect(each))
    for (const spare of configuration.spares) this.connect(spare)
    return [...members, ...candidates]
  }

  /** From now on this configuration is in force. */
  adopt(configuration: Configuration): void {
    this.#configuration = configuration
    this.#latest = configuration
    this.targets = this.connectAll(configuration)
    this.follow(rulesOf(configuration))
  }

  /** From now on writes follow these rules. */
  follow(rules: QuorumRules): void {
    this.quorum = this.gauge(rules.write)
    this.reads = this.gauge(rules.read)
  }

  /** A change to `next` begins: its nodes are targets as well, and nodes that align are told of it once `isTold`. */
  prepare(next: Configuration): void {
    const added = this.connectAll(next)
    this.targets = [...this.targets, ...added.filter((link) => !this.targets.includes(link))]
  }

  tell(next: Configuration): void {
    this.#latest = next
  }

  isSpare(link: NodeLink): boolean {
    return this.#configuration?.spares.some(({ node }) => node === link.id) === true && !this.isTarget(link)
  }
}
