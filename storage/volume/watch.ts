// What the volume looks after twice a second: nodes that say nothing, segments that stand still, those who wait for room
// in vain, read floors that moved, and timelines that ended.
//
//   live node, behind, and standing still ──▶ where do its segments stand by now? (its peers fill it; nobody else tells)
//                                         └─▶ it is sent again what no write quorum has
//   node silent for a while ──▶ asked something that it refuses a writer that was fenced ──▶ silent for long: given up
//
// Nothing of this is on the path of a commit.

import type { Clock } from '../base/env.ts'
import { StorageError } from '../base/errors.ts'
import type { Lsn, TimelineId } from '../base/ids.ts'
import { IdSet } from '../message/id-set.ts'
import type { IdRange } from '../message/message.ts'
import type { Members } from './members.ts'
import type { NodeLink } from './node-link.ts'
import type { Patience } from './patience.ts'
import type { TimelineWriter } from './timeline-log.ts'
import type { Timelines } from './timelines.ts'

const LOOK_MS = 500
const PING_AFTER_MS = 3000
const REQUEST_TIMEOUT_MS = 5000
/** A connection on which nothing came for so long, though something was asked, is given up. */
const SILENCE_MS_MAX = 12_000

interface Floor {
  readonly timeline: TimelineId
  readonly lsn: Lsn
}

export interface WatchEvents {
  /** Another round of steps that nobody waits for. */
  tend(): void
  /** A live node has nothing under way, misses something, and did not move: it may be that nobody else has it either. */
  stuck(link: NodeLink): void
  /** Whether new writes may go on. */
  hasQuorum(): boolean
  isSettled(): boolean
}

export class Watch {
  readonly #members: Members
  readonly #timelines: Timelines
  readonly #clock: Clock
  readonly #patience: Patience
  readonly #quorumTimeoutMs: number
  readonly #events: WatchEvents
  /** What to ask each node for next time. */
  readonly #sequences = new Map<NodeLink, number>()
  readonly #polled = new Set<NodeLink>()
  /** Where logs stood on each node at the last look, if they were behind. */
  #behind = new Map<NodeLink, ReadonlyMap<TimelineWriter, Lsn>>()
  #floors = new Map<TimelineId, Lsn>()
  /** Timelines that ended since nodes were told last. */
  #ended = new IdSet()
  #cancel: (() => void) | undefined

  constructor(
    parts: {
      members: Members
      timelines: Timelines
      clock: Clock
      patience: Patience
      quorumTimeoutMs: number
    },
    events: WatchEvents,
  ) {
    this.#members = parts.members
    this.#timelines = parts.timelines
    this.#clock = parts.clock
    this.#patience = parts.patience
    this.#quorumTimeoutMs = parts.quorumTimeoutMs
    this.#events = events
  }

  start(): void {
    this.#cancel ??= this.#clock.after(LOOK_MS, () => {
      this.#cancel = undefined
      this.#look()
      this.start()
    })
  }

  stop(): void {
    this.#cancel?.()
  }

  setReadFloor(timeline: TimelineId, lsn: Lsn): void {
    this.#floors.set(timeline, lsn)
  }

  /** A write quorum has the drop of a timeline. */
  setEnded(timeline: TimelineId): void {
    this.#ended.add({ from: timeline, to: timeline })
  }

  /** A node joined anew: what it counted before is forgotten, and what it was told. */
  joined(link: NodeLink): void {
    this.#sequences.delete(link)
    if (this.#events.isSettled()) this.tellEnded([link])
  }

  /** Tells nodes of all timelines that ended, once the volume is settled. */
  tellEnded(links: readonly NodeLink[]): void {
    this.#tell(links, [], this.#timelines.ended())
  }

  isAlive(link: NodeLink): boolean {
    return this.#clock.monotonicMs() - link.heardMs < SILENCE_MS_MAX
  }

  #look(): void {
    const nowMs = this.#clock.monotonicMs()
    const before = this.#behind
    this.#behind = new Map()
    for (const link of this.#members.links) {
      const silentMs = nowMs - link.heardMs
      if (silentMs > SILENCE_MS_MAX && link.member.address !== undefined && link.mode !== 'failed') {
        link.fail(new StorageError('io', `node ${link.id} has said nothing for ${Math.round(silentMs)} ms`))
      } else if (this.#stands(link, before.get(link))) {
        if (link.isIdle && link.queueLength === 0) this.#events.stuck(link)
        void this.#poll(link)
      } else if (silentMs > PING_AFTER_MS) void this.#ping(link)
    }
    if (!this.#events.hasQuorum()) this.#expire(nowMs)
    this.#timelines.settle()
    this.#sendFloors()
    this.#events.tend()
  }

  /** Whether a live node is behind on some log and has not moved there since the last look. */
  #stands(link: NodeLink, before: ReadonlyMap<TimelineWriter, Lsn> | undefined): boolean {
    if (link.mode !== 'live') return false
    let behind: Map<TimelineWriter, Lsn> | undefined
    let stands = false
    for (const log of this.#timelines.tracked) {
      const reach = log.reach(link.place)
      if (reach >= log.sentLast) continue
      behind ??= new Map()
      behind.set(log, reach)
      if (before?.get(log) === reach) stands = true
    }
    if (behind !== undefined) this.#behind.set(link, behind)
    return stands
  }

  /** Asks something that a node refuses to answer once it was fenced by another writer. */
  async #ping(link: NodeLink): Promise<void> {
    if (this.#polled.has(link)) return
    this.#polled.add(link)
    const isLive = link.mode === 'live'
    const ping = isLive
      ? ({ kind: 'read-floors', floors: [], ended: [] } as const)
      : ({ kind: 'query' } as const)
    await link.request(ping, REQUEST_TIMEOUT_MS).catch(() => undefined)
    this.#polled.delete(link)
  }

  /** Asks every live node where its segments stand. */
  async pollAll(): Promise<void> {
    const live = this.#members.targets.filter(({ mode }) => mode === 'live')
    await Promise.all(live.map((link) => this.#poll(link)))
  }

  async #poll(link: NodeLink): Promise<void> {
    if (this.#polled.has(link)) return
    this.#polled.add(link)
    try {
      const since = this.#sequences.get(link) ?? 0
      const answer = await link.request({ kind: 'gossip', since, known: 0 }, REQUEST_TIMEOUT_MS)
      if (answer.kind !== 'gossip' || link.mode !== 'live') return
      this.#sequences.set(link, answer.sequence)
      for (const { timeline, group, scl } of answer.segments) {
        this.#timelines.peek(timeline)?.acknowledge(link.place, group, scl)
      }
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
    } finally {
      this.#polled.delete(link)
    }
  }

  /** Those who have waited for room for too long while there is no write quorum are told so. */
  #expire(nowMs: number): void {
    const detail =
      'What was acknowledged is safe; reads go on. Writes go on when enough storage nodes are back.'
    const error = new StorageError('no-quorum', 'too few storage nodes answer to write', detail)
    const sinceMs = nowMs - this.#quorumTimeoutMs
    for (const log of this.#timelines.logs()) log.expireRooms(sinceMs, error)
    this.#patience.expire(sinceMs, error)
  }

  #sendFloors(): void {
    // Until it is settled, what lies below a floor may be what another recovery finds to be the end.
    if (!this.#events.isSettled()) return
    const floors = [...this.#floors].map(([timeline, lsn]) => ({ timeline, lsn }))
    const ended = this.#ended.ranges
    this.#floors = new Map()
    this.#ended = new IdSet()
    this.#tell(this.#members.targets, floors, ended)
  }

  #tell(links: readonly NodeLink[], floors: readonly Floor[], ended: readonly IdRange[]): void {
    if (floors.length === 0 && ended.length === 0) return
    for (const link of links) {
      if (link.mode !== 'live') continue
      link.request({ kind: 'read-floors', floors, ended }, REQUEST_TIMEOUT_MS).catch(() => {
        // A floor that is not heard is a floor that is set again later; what ended is not, and all may hear it twice.
        if (link.mode === 'live') this.#ended.add(...ended)
      })
    }
  }
}
