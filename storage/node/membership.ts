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

  /** Everyone that has a group in common with this node, each once. */
  peers(): readonly Member[] {
    const peers = new Map<number, Member>()
    for (const group of this.groups()) for (const peer of this.peersOf(group)) peers.set(peer.node, peer)
    return [...peers.values()]
  }
}
