// How a node comes to take part in this writer's epoch: at the opening, and each time it comes back.
//
//   joining ─▶ fence ─▶ (a write quorum is fenced?) ─▶ align ─▶ live
//                │                                      what is dead, births, segments, truncations; configuration last
//                └─▶ may be read from
//
// Nothing but a fence is written to any node before a write quorum is fenced: recoveries that died half way leave
// nothing that a later one does not see. A node goes live at once, whatever it misses: its peers fill it (gossip).

import type { Clock } from '../base/env.ts'
import { StorageError } from '../base/errors.ts'
import { FIRST_GROUP, type Lsn, type TimelineId } from '../base/ids.ts'
import { equalIds } from '../message/id-set.ts'
import type { AnnulledRange, NodeState } from '../message/message.ts'
import type { Agreement } from './agreement.ts'
import type { Members } from './members.ts'
import type { NodeLink } from './node-link.ts'
import { equalRanges } from './recovery-plan.ts'
import type { Timelines } from './timelines.ts'

const PAUSE_MS = 200
const FENCE_TIMEOUT_MS = 2000
const ALIGN_TIMEOUT_MS = 15_000
/** Births in one message. */
const BIRTHS_MAX = 1000

export interface JoiningEvents {
  /** The node's segments are known, and it may be read from. */
  readable(): void
  /** The node is aligned, and its SCLs are known. */
  live(link: NodeLink): void
  /** Another writer has taken the volume over. */
  fenced(error: StorageError): void
  isClosed(): boolean
}

export class Joining {
  readonly #members: Members
  readonly #timelines: Timelines
  readonly #agreement: Agreement
  readonly #clock: Clock
  readonly #events: JoiningEvents
  readonly #busy = new Set<NodeLink>()
  /** Places that promised this epoch. */
  #fenced = 0
  #waiting: (() => void)[] = []

  constructor(
    parts: { members: Members; timelines: Timelines; agreement: Agreement; clock: Clock },
    events: JoiningEvents,
  ) {
    this.#members = parts.members
    this.#timelines = parts.timelines
    this.#agreement = parts.agreement
    this.#clock = parts.clock
    this.#events = events
  }

  /** Brings in all nodes of a volume that opens: those that are `fenced` are so together, none waits for the next. */
  open(links: readonly NodeLink[], fenced: ReadonlyMap<NodeLink, NodeState>): void {
    for (const { place } of fenced.keys()) this.#fenced |= 1 << place
    for (const link of links) void this.join(link, fenced.get(link))
  }

  /** Whether anything but a fence may be written to nodes. */
  get mayWrite(): boolean {
    return this.#members.quorum.holds(this.#fenced)
  }

  /** Brings a node in, over and over until it is live, gone, or no target any more. */
  async join(link: NodeLink, fenced?: NodeState): Promise<void> {
    if (this.#busy.has(link)) return
    this.#busy.add(link)
    let state = fenced
    // One that refuses what it is sent at once would else be brought in a thousand times a second.
    if (this.#clock.monotonicMs() < link.liveMs + PAUSE_MS) await this.#pause()
    while (this.#isWanted(link)) {
      try {
        state ??= await this.#fence(link)
        if (await this.#bring(link, state)) break
      } catch (error) {
        if (!(error instanceof StorageError)) throw error
        link.error = error
        if (error.kind === 'fenced') this.#events.fenced(error)
      }
      state = undefined
      if (!this.#isWanted(link)) break
      await this.#pause()
    }
    this.#busy.delete(link)
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => void this.#clock.after(PAUSE_MS, resolve))
  }

  #isWanted(link: NodeLink): boolean {
    const { isClosed } = this.#events
    return (
      link.mode === 'joining' && this.#members.isTarget(link) && this.#members.isCurrent(link) && !isClosed()
    )
  }

  async #fence(link: NodeLink): Promise<NodeState> {
    const { clusterId, writer } = this.#members
    const answer = await link.request({ kind: 'fence', clusterId, writer }, FENCE_TIMEOUT_MS)
    if (answer.kind === 'state') return answer.state
    throw new StorageError('io', `node ${link.id} answered a fence with ${answer.kind}`)
  }

  /** False when the node must be fenced again: what it said may be out of date. */
  async #bring(link: NodeLink, state: NodeState): Promise<boolean> {
    link.membershipEpoch = state.membershipEpoch
    this.#fenced |= 1 << link.place
    link.isReadable = true
    this.#events.readable()
    this.#timelines.restate(link.place, state)
    if (!this.mayWrite) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
      return false
    }
    for (const wake of this.#waiting.splice(0)) wake()
    const { version } = this.#timelines
    const { latest } = this.#members
    const isStale = await this.#align(link, state)
    const isCurrent = version === this.#timelines.version && latest === this.#members.latest
    if (isStale || !isCurrent || !this.#isWanted(link)) return false
    link.goLive()
    this.#agreement.aligned(link)
    this.#events.live(link)
    return true
  }

  /** Another node will get this place. */
  forgetPlace(place: number): void {
    this.#fenced &= ~(1 << place)
  }

  /** Those who wait for a write quorum look again; for the end of the volume. */
  wake(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }

  // --- alignment

  /** Gives a fenced node what it misses and takes from it what never happened. True if it must be asked again. */
  async #align(link: NodeLink, state: NodeState): Promise<boolean> {
    if (await this.#settle(link, state)) return true
    await this.#bear(link, state)
    const hasStrays = this.#openStrays(state)
    await this.#alignSegments(link, state)
    const annulled = this.#truncations(state)
    if (annulled.length > 0) await link.request({ kind: 'truncate', annulled }, ALIGN_TIMEOUT_MS)
    const { latest } = this.#members
    if ((state.configuration?.membershipEpoch ?? -1) < latest.membershipEpoch) await link.configure(latest)
    link.membershipEpoch = latest.membershipEpoch
    return hasStrays
  }

  /** Tells which numbers are dead. True if something must begin anew that the node dropped for a writer that lost. */
  async #settle(link: NodeLink, { timelines, dead: known }: NodeState): Promise<boolean> {
    const dead = this.#timelines.dead()
    const revived = timelines
      .filter(({ dropped, birth }) => dropped && this.#timelines.isLiving(birth.id))
      .map(({ birth }) => birth.id)
    if (revived.length === 0 && equalIds(dead, known)) return false
    await link.request({ kind: 'settle-timelines', dead, revived }, ALIGN_TIMEOUT_MS)
    return revived.length > 0
  }

  /** The dropped ones are dead by now where they are born. */
  async #bear(link: NodeLink, state: NodeState): Promise<void> {
    const all = this.#timelines.unknownTo(state)
    for (let from = 0; from < all.length; from += BIRTHS_MAX) {
      const births = all.slice(from, from + BIRTHS_MAX)
      await link.request({ kind: 'create-timelines', births }, ALIGN_TIMEOUT_MS)
    }
  }

  /** What was annulled of timelines of which the node knows otherwise. */
  #truncations({ timelines }: NodeState): { timeline: TimelineId; ranges: readonly AnnulledRange[] }[] {
    const told = new Map(timelines.map(({ birth, annulled }) => [birth.id, annulled]))
    for (const { birth, annulled } of this.#timelines.known())
      if (annulled.length > 0 && !told.has(birth.id)) told.set(birth.id, [])
    return [...told].flatMap(([timeline, known]) => {
      const ranges = this.#timelines.annulledOf(timeline)
      if (this.#timelines.birthOf(timeline) === undefined || equalRanges(ranges, known)) return []
      return [{ timeline, ranges }]
    })
  }

  /** Segments of ours that a writer began to open and died over: they are opened everywhere, as if they were needed. */
  #openStrays({ segments }: NodeState): boolean {
    let found = false
    for (const { timeline, group } of segments) {
      if (group === FIRST_GROUP || this.#timelines.birthOf(timeline) === undefined) continue
      if (this.#timelines.groupsOf(timeline).some((open) => open.group === group)) continue
      this.#timelines.log(timeline).reachGroup(group)
      found = true
    }
    return found
  }

  async #alignSegments(link: NodeLink, { segments }: NodeState): Promise<void> {
    const held = new Map<string, Lsn>()
    for (const { timeline, group, scl } of segments) {
      if (group !== FIRST_GROUP) held.set(`${timeline}/${group}`, scl)
    }
    const wide = [...this.#timelines.known()].filter(({ groups }) => groups.length > 1)
    if (wide.length === 0) return
    const rooted = this.#timelines.rooted()
    for (const { birth, groups } of wide) {
      const timeline = birth.id
      if (!rooted.has(timeline)) continue
      for (const { group, after } of groups) {
        const scl = held.get(`${timeline}/${group}`)
        if (group === FIRST_GROUP || (scl !== undefined && scl >= after)) continue
        await link.request({ kind: 'open-segment', timeline, group, after }, ALIGN_TIMEOUT_MS)
      }
    }
  }
}
