// What a node is in its volume: which groups it keeps segments of, of what kind, and who its peers are there. Follows
// from the configuration and the node's own number. A node that was not given a number (in tests, or before it joined a
// cluster) keeps everything.

import { FIRST_GROUP, type GroupNo, NO_PAGE, type PageNo } from '../base/ids.ts'
import { type Configuration, groupOfPage, type Member, type SegmentKind } from '../message/configuration.ts'

export class Membership {
  readonly node: number
  readonly configuration: Configuration | undefined
  readonly #own = new Map<GroupNo, Member>()

  constructor(node: number, configuration: Configuration | undefined) {
    this.node = node
    this.configuration = configuration
    for (const { group, slots } of configuration?.groups ?? []) {
      for (const { member, candidate } of slots) {
        if (member.node === node) this.#own.set(group, member)
        else if (candidate?.node === node) this.#own.set(group, candidate)
      }
    }
  }

  get #isOpen(): boolean {
    return this.node === 0 || this.configuration === undefined
  }

  keeps(group: GroupNo): boolean {
    return this.#isOpen || this.#own.has(group)
  }

  kindOf(group: GroupNo): SegmentKind {
    return this.#own.get(group)?.kind ?? 'full'
  }

  /** The groups that the node keeps segments of. */
  groups(): readonly GroupNo[] {
    if (!this.#isOpen) return [...this.#own.keys()]
    return this.configuration?.groups.map(({ group }) => group) ?? [FIRST_GROUP]
  }

  groupOf(page: PageNo): GroupNo {
    if (this.configuration === undefined || page === NO_PAGE) return FIRST_GROUP
    return groupOfPage(page, this.configuration.segmentSizeBytes)
  }

  /** The other members and candidates of a group. */
  peersOf(group: GroupNo): readonly Member[] {
    const found = this.configuration?.groups.find((each) => each.group === group)
    const holders = found?.slots.flatMap(({ member, candidate }) => [
      member,
      ...(candidate ? [candidate] : []),
    ])
    return (holders ?? []).filter(({ node }) => node !== this.node)
  }

  /**
   * Whether this node and those that `has` holds for meet every write quorum. While members change it may be counted either
   * way, so a slot counts when all are there that hold it; one in a zone that is away may not count at all.
   */
  meetsWrites(has: (node: number) => boolean): boolean {
    if (this.#isOpen || this.configuration === undefined) return true
    const { groups, quorum, zonesAway } = this.configuration
    const isThere = ({ node, zone }: Member): boolean =>
      !zonesAway.includes(zone) && (node === this.node || has(node))
    const slots = groups[0]?.slots ?? []
    const there = slots.filter(
      ({ member, candidate }) => isThere(member) && (candidate === undefined || isThere(candidate)),
    )
    return there.length >= quorum.readCount
  }

  /** Everyone that has a group in common with this node, each once. */
  peers(): readonly Member[] {
    const peers = new Map<number, Member>()
    for (const group of this.groups()) for (const peer of this.peersOf(group)) peers.set(peer.node, peer)
    return [...peers.values()]
  }
}
