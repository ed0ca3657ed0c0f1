// Fills a node's segments from its peers: log where it misses some, images first where the peers have collected the log.
//
//   want ─▶ (grace: it may be on its way) ─▶ task: fetch ─▶ next fetch ─▶ …      one task per segment, a few at a time
//                                              └▶ take a portion ─▶ soon ─▶ next portion ─▶ …
//
// While one portion is written the next is on its way, and between portions others are served: appends keep their
// latency (./portions.ts). The store is told while there is much to come. A task that meets anything unexpected ends; what
// is still wanted begins anew.

import type { Clock } from '../base/env.ts'
import { StorageError } from '../base/errors.ts'
import type { GroupNo, TimelineId } from '../base/ids.ts'
import type { Member } from '../message/configuration.ts'
import type { SegmentKey } from '../message/message.ts'
import type { Gossip, PeerPosition } from './gossip.ts'
import { ImageCopier } from './image-copier.ts'
import { LogCopier } from './log-copier.ts'
import { segmentNumber } from './segment-store.ts'
import type { StorageNode } from './storage-node.ts'

const TASK_COUNT_MAX = 4
/** What a peer has and we do not is on its way, mostly; only if it is so much is it fetched at once. */
const GRACE_MS = 120
const GRACE_SIZE_BYTES_MAX = 4 * 1024 * 1024
/** From so much on the store is told to expect much. */
const MUCH_SIZE_BYTES = 32 * 1024 * 1024
/** After a failure with a peer, others are preferred for so long. */
const AVOID_MS = 2000

/** What fills a segment: calls `end` once. */
export interface Copier {
  start(): void
  stop(): void
}

export class Filler {
  readonly #node: StorageNode
  readonly #gossip: Gossip
  readonly #clock: Clock
  /** Segments that peers have more of, and since when we stand where we stand. */
  readonly #wanted = new Map<number, { readonly key: SegmentKey; scl: number; sinceMs: number }>()
  readonly #tasks = new Map<number, Copier>()
  /** Peers that failed, and until when they are avoided. */
  readonly #avoided = new Map<number, number>()
  #cancel: (() => void) | undefined
  #stopped = false

  constructor(node: StorageNode, gossip: Gossip, clock: Clock) {
    this.#node = node
    this.#gossip = gossip
    this.#clock = clock
  }

  get isBusy(): boolean {
    return this.#tasks.size > 0 || this.#wanted.size > 0
  }

  stop(): void {
    this.#stopped = true
    this.#cancel?.()
    for (const task of this.#tasks.values()) task.stop()
  }

  /** A peer is ahead of this segment. */
  want({ timeline, group }: { readonly timeline: TimelineId; readonly group: GroupNo }): void {
    const key = { timeline, group }
    const number = segmentNumber(key)
    if (this.#wanted.has(number)) return
    this.#wanted.set(number, { key, scl: this.#sclOf(key), sinceMs: this.#clock.monotonicMs() })
  }

  #sclOf({ timeline, group }: SegmentKey): number {
    const held = this.#node.timelines.get(timeline)
    return held?.peek(group)?.scl ?? (group === 0 ? (held?.base ?? -1) : -1)
  }

  /** Begins what is due. */
  pump(): void {
    if (this.#stopped || !this.#gossip.isJoined) return
    const nowMs = this.#clock.monotonicMs()
    let soonestMs = Infinity
    for (const [number, wanted] of this.#wanted) {
      if (this.#tasks.size >= TASK_COUNT_MAX) break
      if (this.#tasks.has(number)) continue
      const scl = this.#sclOf(wanted.key)
      const ahead = this.#gossip.positionsOf(wanted.key).filter(({ state }) => state.scl > scl)
      if (ahead.length === 0) {
        this.#wanted.delete(number)
        continue
      }
      if (scl !== wanted.scl) Object.assign(wanted, { scl, sinceMs: nowMs })
      const most = Math.max(...ahead.map(({ state }) => state.scl))
      const dueMs = most - scl > GRACE_SIZE_BYTES_MAX ? nowMs : wanted.sinceMs + GRACE_MS
      if (dueMs <= nowMs) this.#begin(number, wanted.key, ahead)
      else soonestMs = Math.min(soonestMs, dueMs)
    }
    if (soonestMs < Infinity && this.#cancel === undefined) {
      this.#cancel = this.#clock.after(soonestMs - nowMs, () => {
        this.#cancel = undefined
        this.pump()
      })
    }
  }

  #begin(number: number, key: SegmentKey, ahead: readonly PeerPosition[]): void {
    const scl = this.#sclOf(key)
    const hasLog = ({ state }: PeerPosition): boolean => state.logAfter <= scl
    const withImages = this.#withImages(key, ahead).filter((each) => !hasLog(each))
    const chosen = this.#prefer([ahead.filter(hasLog), withImages])
    if (chosen === undefined) return
    const around = { node: this.#node, gossip: this.#gossip, clock: this.#clock }
    const end = (failed: boolean): void => {
      if (this.#tasks.get(number) !== task) return
      this.#tasks.delete(number)
      this.#wanted.delete(number)
      if (this.#tasks.size === 0) this.#expectMuch(false)
      if (failed) this.#avoid(chosen.peer)
      if (this.#gossip.positionsOf(key).some(({ state }) => state.scl > this.#sclOf(key))) this.want(key)
      this.#clock.soon(() => this.pump())
    }
    const isTail = this.#node.membership.kindOf(key.group) === 'tail'
    const task: Copier = hasLog(chosen)
      ? new LogCopier(around, key, chosen.peer, end)
      : new ImageCopier(around, key, { ...chosen, isTail }, end)
    this.#tasks.set(number, task)
    if (chosen.state.scl - scl >= MUCH_SIZE_BYTES) this.#expectMuch(true)
    task.start()
  }

  #expectMuch(isMuch: boolean): void {
    const node = this.#node
    try {
      node.write(() => node.store.expectMuch(isMuch))
      node.isFilling = isMuch
    } catch (error) {
      // A disk that cannot be written stops this node's writes.
      if (!(error instanceof StorageError)) throw error
    }
  }

  /** Who can give us images: a full peer, unless none are needed: by us, who keep log only, or of a peer that has all log. */
  #withImages({ group }: SegmentKey, ahead: readonly PeerPosition[]): readonly PeerPosition[] {
    if (this.#node.membership.kindOf(group) === 'tail') return ahead
    return ahead.filter(({ peer, state }) => peer.kind === 'full' || state.logAfter === state.birth)
  }

  /** The one with the most of the first of these lists that has any, but for those who failed lately. */
  #prefer(lists: readonly (readonly PeerPosition[])[]): PeerPosition | undefined {
    const nowMs = this.#clock.monotonicMs()
    const isGood = ({ peer }: PeerPosition): boolean => (this.#avoided.get(peer.node) ?? 0) <= nowMs
    const good = lists.map((list) => list.filter(isGood))
    const [first] = [...good, ...lists].filter(({ length }) => length > 0)
    return first?.reduce((most, each) => (each.state.scl > most.state.scl ? each : most))
  }

  #avoid(peer: Member): void {
    this.#avoided.set(peer.node, this.#clock.monotonicMs() + AVOID_MS)
  }
}

/** What copiers work with. */
export interface CopySurroundings {
  readonly node: StorageNode
  readonly gossip: Gossip
  readonly clock: Clock
}
