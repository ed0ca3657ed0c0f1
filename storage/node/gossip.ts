// Gossip: how a node learns what its peers have, and fills what it misses (Aurora 2017, section 3.3, step 4).
//
//   round ─▶ one peer: "who moved since sequence n?" ─▶ timelines I do not know, segments ahead of mine
//                                                            └─▶ Filler: fetch-log, fetch-images
//
// A peer counts only when it was brought into the same volume epoch: one that was not told of a truncation yet may hold
// records that never happened, and births that nobody acknowledged. This node counts only when it was brought in itself:
// then it knows every range that was annulled, and refuses what lies in one, whoever sends it.
//
// Sequence numbers make idle timelines free: a round between nodes where nothing moves is two small messages.

import type { Clock, Prng } from '../base/env.ts'
import { StorageError } from '../base/errors.ts'
import type { Epoch } from '../base/ids.ts'
import type { Member } from '../message/configuration.ts'
import type { NodeMessage, SegmentKey, SegmentState } from '../message/message.ts'
import { birthCount, parentAt } from '../message/packed-births.ts'
import type { Peers } from '../message/transport.ts'
import { Filler } from './filler.ts'
import type { Membership } from './membership.ts'
import { PeerLink } from './peer-link.ts'
import { segmentNumber, segmentOfNumber } from './segment-store.ts'
import type { StorageNode } from './storage-node.ts'

/** Between rounds: when nothing moves, when something does, when a gap is open, and while there are peers not heard yet. */
const IDLE_MS = 3000
const ACTIVE_MS = 400
const GAP_MS = 40
const UNHEARD_MS = 15
/** A node counts as active for so long after it was written to or had something to fill. */
const ACTIVE_FOR_MS = 2000
/** And as busy for so long after it was written to. */
const BUSY_FOR_MS = 300

/** What a node is given to reach others. */
export interface PeerSurroundings {
  readonly clock: Clock
  readonly prng: Prng
  readonly peers: Peers
}

/** Where a peer's segment stood when it told last. */
export interface PeerPosition {
  readonly peer: Member
  readonly state: SegmentState
}

interface Contact {
  /** What it told when it answered last; 0 when it never did in this volume epoch. */
  sequence: number
  epoch: number
  /** As of when it was asked: what it tells of a timeline that is not known here is not kept. */
  resurfaced: number
  heardMs: number
  isAsked: boolean
}

export class Gossip {
  readonly #node: StorageNode
  readonly #clock: Clock
  readonly #prng: Prng
  readonly #peers: Peers
  readonly #links = new Map<number, PeerLink>()
  readonly #contacts = new Map<number, Contact>()
  /** What peers told of segments: of those that are ahead of ours, and of those that we keep log of only. */
  readonly #positions = new Map<number, PeerPosition[]>()
  readonly #filler: Filler
  /** The shape of the tree of timelines, and the configuration, when the positions were looked through last. */
  #shape = -1
  #membership: Membership | undefined
  #cancel: (() => void) | undefined
  #dueMs = Infinity
  #activeMs = -Infinity
  #stopped = false

  constructor(node: StorageNode, around: PeerSurroundings) {
    this.#node = node
    this.#clock = around.clock
    this.#prng = around.prng
    this.#peers = around.peers
    this.#filler = new Filler(node, this, around.clock)
    this.#schedule(UNHEARD_MS)
  }

  /** A request was handled: log may have come, or the news that this node may talk to its peers. */
  touch(): void {
    if (this.#stopped) return
    this.#activeMs = this.#clock.monotonicMs()
    this.#schedule(this.#node.intake.gaps.size > 0 ? GAP_MS : ACTIVE_MS)
  }

  stop(): void {
    this.#stopped = true
    this.#cancel?.()
    this.#filler.stop()
    for (const link of this.#links.values()) link.close()
  }

  /** Whether this node was brought into its volume epoch, and may take from others. */
  get isJoined(): boolean {
    const { joinedEpoch, volumeEpoch } = this.#node.store.identity()
    return joinedEpoch > 0 && joinedEpoch === volumeEpoch && this.#node.isWritable
  }

  /** Whether a writer is at work, which background work gives way to. */
  get isBusy(): boolean {
    return this.#clock.monotonicMs() - this.#activeMs < BUSY_FOR_MS
  }

  /** Whether a peer was asked after an instant, in this volume epoch, and told what it knows. */
  wasHeardSince(node: number, ms: number): boolean {
    const contact = this.#contacts.get(node)
    return contact?.epoch === this.#node.store.identity().volumeEpoch && contact.heardMs > ms
  }

  link(peer: Member): PeerLink {
    const transport = this.#peers.reach(peer.node, peer.address)
    const known = this.#links.get(peer.node)
    if (known?.transport === transport) return known
    known?.close()
    const link = new PeerLink(transport, this.#clock)
    this.#links.set(peer.node, link)
    return link
  }

  positionsOf(segment: SegmentKey): readonly PeerPosition[] {
    return this.#positions.get(segmentNumber(segment)) ?? []
  }

  /** What a peer told turned out wrong: it is asked for everything again. */
  distrust(peer: Member): void {
    this.#contacts.delete(peer.node)
    for (const [key, positions] of this.#positions)
      this.#positions.set(
        key,
        positions.filter((each) => each.peer.node !== peer.node),
      )
  }

  /** Runs the next round within `delayMs`. */
  #schedule(delayMs: number): void {
    const dueMs = this.#clock.monotonicMs() + delayMs
    if (this.#stopped || (this.#cancel !== undefined && this.#dueMs <= dueMs)) return
    this.#cancel?.()
    this.#dueMs = dueMs
    this.#cancel = this.#clock.after(delayMs, () => {
      this.#cancel = undefined
      this.#round()
    })
  }

  #round(): void {
    if (this.#stopped) return
    if (this.isJoined) {
      const peer = this.#pick()
      if (peer !== undefined) this.#ask(peer)
      this.#reconsider()
      this.#filler.pump()
    }
    this.#schedule(this.#pauseMs())
  }

  #pauseMs(): number {
    if (!this.isJoined) return IDLE_MS
    if (this.#isUnheard()) return this.#node.membership.peers().length > 0 ? UNHEARD_MS * 4 : IDLE_MS
    if (this.#node.intake.gaps.size > 0) return GAP_MS
    const isActive = this.#filler.isBusy || this.#clock.monotonicMs() - this.#activeMs < ACTIVE_FOR_MS
    return isActive ? ACTIVE_MS : IDLE_MS
  }

  /** Peers that never answered in this epoch first, then at random; nobody who owes an answer. */
  #pick(): Member | undefined {
    const peers = this.#node.membership
      .peers()
      .filter(({ node }) => this.#contacts.get(node)?.isAsked !== true)
    const unheard = peers.filter((peer) => this.#isNew(peer))
    const from = unheard.length > 0 && this.#prng.next() < 0.7 ? unheard : peers
    return from[Math.floor(this.#prng.next() * from.length)]
  }

  /** Whether there are peers that never answered, of whom one could be asked now. */
  #isUnheard(): boolean {
    const peers = this.#node.membership.peers()
    return peers.some((peer) => this.#isNew(peer) && this.#contacts.get(peer.node)?.isAsked !== true)
  }

  #isNew({ node }: Member): boolean {
    const contact = this.#contacts.get(node)
    return contact === undefined || contact.epoch !== this.#node.store.identity().volumeEpoch
  }

  #ask(peer: Member): void {
    const epoch = this.#node.store.identity().joinedEpoch
    const { resurfaced } = this.#node.timelines
    const contact = this.#contacts.get(peer.node) ?? {
      sequence: 0,
      epoch: 0,
      resurfaced,
      heardMs: -Infinity,
      isAsked: false,
    }
    this.#contacts.set(peer.node, contact)
    contact.isAsked = true
    const askedMs = this.#clock.monotonicMs()
    if (contact.resurfaced !== resurfaced) Object.assign(contact, { resurfaced, sequence: 0 })
    const since = contact.epoch === epoch ? contact.sequence : 0
    const { digest: known } = this.#node.timelines
    this.link(peer).request({ kind: 'gossip', since, known }, this.epochs(), (answer) => {
      contact.isAsked = false
      if (answer?.kind === 'gossip') this.#learn(peer, contact, askedMs, answer)
    })
  }

  epochs(): { readonly volumeEpoch: Epoch; readonly membershipEpoch: Epoch } {
    const { membershipEpoch } = this.#node
    return { volumeEpoch: this.#node.store.identity().volumeEpoch, membershipEpoch }
  }

  #learn(
    peer: Member,
    contact: Contact,
    askedMs: number,
    answer: Extract<NodeMessage, { kind: 'gossip' }>,
  ): void {
    if (this.#stopped || !this.isJoined || answer.volumeEpoch !== this.#node.store.identity().volumeEpoch)
      return
    if (this.#contacts.get(peer.node) !== contact) return
    try {
      this.#node.register.learn(answer.born, answer.timelines)
    } catch (error) {
      // The disk is full or broken: this node takes nothing any more (StorageNode.fail).
      if (error instanceof StorageError) return
      throw error
    }
    if (!this.#knowsParents(answer)) return this.distrust(peer)
    for (const state of answer.segments) this.#note(peer, state)
    contact.sequence = answer.sequence
    contact.epoch = answer.volumeEpoch
    contact.heardMs = askedMs
    this.#filler.pump()
    if (this.#filler.isBusy || this.#isUnheard()) this.#schedule(this.#pauseMs())
  }

  /** A child's parent may have been told of, and forgotten here, before the child was born. */
  #knowsParents({ born, timelines: states }: Extract<NodeMessage, { kind: 'gossip' }>): boolean {
    const { timelines } = this.#node
    for (let index = 0; index < birthCount(born); index++) {
      const parent = parentAt(born, index)
      if (parent !== 0 && !timelines.has(parent)) return false
    }
    return states.every(({ birth, dropped }) => {
      return dropped || birth.parent === undefined || timelines.has(birth.parent.timeline)
    })
  }

  #note(peer: Member, state: SegmentState): void {
    const { membership, timelines } = this.#node
    const timeline = timelines.get(state.timeline)
    if (timeline === undefined) return
    const key = segmentNumber(state)
    const others = (this.#positions.get(key) ?? []).filter((each) => each.peer.node !== peer.node)
    const own = timeline.peek(state.group)?.scl ?? (state.group === 0 ? timeline.base : -1)
    const isAhead = state.scl > own
    if (isAhead || membership.kindOf(state.group) === 'tail') others.push({ peer, state })
    if (others.length === 0) this.#positions.delete(key)
    else this.#positions.set(key, others)
    if (isAhead) this.#want(state)
  }

  /**
   * What is not kept here is not fetched. Nor is what is to go here: of a dropped timeline nothing is read above its last
   * child's branch point, and where it was collected there is no base any more for what follows.
   */
  #want(key: SegmentKey): void {
    const { membership, timelines, points } = this.#node
    const timeline = membership.keeps(key.group) ? timelines.get(key.timeline) : undefined
    if (timeline === undefined) return
    const scl = timeline.peek(key.group)?.scl ?? -1
    if (timeline.dropped && scl >= (points.of(timeline).at(-1) ?? -1)) return
    this.#filler.want(key)
  }

  /**
   * What was not wanted when its positions were told may be since: for a branch that was not heard of then, or in a group
   * that was not. Of who left the volume nothing is to be had.
   */
  #reconsider(): void {
    const { timelines, membership } = this.#node
    if (this.#shape === timelines.shape && this.#membership === membership) return
    this.#shape = timelines.shape
    this.#membership = membership
    const peers = new Set(membership.peers().map(({ node }) => node))
    for (const [number, positions] of this.#positions) {
      const key = segmentOfNumber(number)
      const left = positions.filter(({ peer }) => peers.has(peer.node))
      if (left.length === 0 || timelines.get(key.timeline) === undefined) this.#positions.delete(number)
      else {
        if (left.length < positions.length) this.#positions.set(number, left)
        this.#want(key)
      }
    }
  }
}
