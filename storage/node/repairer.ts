// Mends what was found damaged on this node's disk, from a peer's copy: batches of log as they are, images as the page at a
// point that is still read. What can be made again from the log here is not asked of anyone.
//
//   damaged batch ─▶ peer: fetch-log just below it ─▶ node.repair
//   damaged image ─▶ the log is here? made again : peer: read-page at a point that finds it ─▶ put

import type { Clock } from '../base/env.ts'
import { StorageError } from '../base/errors.ts'
import type { Lsn } from '../base/ids.ts'
import { PAGE_SIZE_BYTES } from '../base/limits.ts'
import { readU64 } from '../log/record.ts'
import { BATCH_HEADER_SIZE_BYTES, readBatchHeader } from '../message/batch.ts'
import type { Member } from '../message/configuration.ts'
import type { NodeMessage, SegmentKey } from '../message/message.ts'
import type { Gossip } from './gossip.ts'
import { asBuffer } from './log-intake.ts'
import { Refusal } from './refusal.ts'
import type { PageVersion } from './segment-store.ts'
import type { Segment } from './segment.ts'
import type { StorageNode } from './storage-node.ts'

/** Between attempts at the same thing, each with another peer. */
const RETRY_MS = 500

type DamagedBatchKey = SegmentKey & { readonly lsn: Lsn }
type DamagedImageKey = SegmentKey & PageVersion

export class Repairer {
  readonly #node: StorageNode
  readonly #gossip: Gossip
  readonly #clock: Clock
  /** When what may be tried again, and how often it was. */
  readonly #tried = new Map<string, { readonly atMs: number; readonly count: number }>()

  constructor(node: StorageNode, gossip: Gossip, clock: Clock) {
    this.#node = node
    this.#gossip = gossip
    this.#clock = clock
  }

  get isWaiting(): boolean {
    return this.#node.damagedBatches.size > 0 || this.#node.damagedImages.size > 0
  }

  /** Tries one repair; false if there is nothing to do now. */
  work(): boolean {
    for (const [name, batch] of this.#node.damagedBatches) {
      if (this.#isDue(name)) return this.#mendBatch(name, batch)
    }
    for (const [name, image] of this.#node.damagedImages) {
      if (this.#isDue(name)) return this.#mendImage(name, image)
    }
    return false
  }

  #isDue(name: string): boolean {
    const tried = this.#tried.get(name)
    return tried === undefined || this.#clock.monotonicMs() - tried.atMs >= RETRY_MS
  }

  #segment({ timeline, group }: SegmentKey): Segment | undefined {
    return this.#node.timelines.get(timeline)?.peek(group)
  }

  /** The peers of a segment in turn; undefined when this node may not take anything from any. */
  #nextPeer(name: string, { group }: SegmentKey, wantsPages: boolean): Member | undefined {
    const count = (this.#tried.get(name)?.count ?? 0) + 1
    this.#tried.set(name, { atMs: this.#clock.monotonicMs(), count })
    if (!this.#gossip.isJoined) return undefined
    const peers = this.#node.membership.peersOf(group).filter(({ kind }) => !wantsPages || kind === 'full')
    return peers[count % Math.max(peers.length, 1)]
  }

  /** Not now; returns that nothing was done. */
  #later(name: string): false {
    const count = (this.#tried.get(name)?.count ?? 0) + 1
    this.#tried.set(name, { atMs: this.#clock.monotonicMs(), count })
    return false
  }

  #mended(name: string): void {
    this.#tried.delete(name)
    this.#node.damagedBatches.delete(name)
    this.#node.damagedImages.delete(name)
  }

  // --- batches

  #mendBatch(name: string, damaged: DamagedBatchKey): boolean {
    const segment = this.#segment(damaged)
    // What was collected or annulled since needs no repair.
    if (segment === undefined || damaged.lsn <= segment.start.after || segment.isAnnulled(damaged.lsn)) {
      this.#mended(name)
      return true
    }
    const peer = this.#nextPeer(name, damaged, false)
    if (peer === undefined) return false
    const { timeline, group } = damaged
    const request = {
      kind: 'fetch-log',
      timeline,
      group,
      after: (damaged.lsn - 1) as Lsn,
      sizeMax: 1,
    } as const
    this.#gossip.link(peer).request(request, this.#gossip.epochs(), (answer) => {
      this.#guard(() => {
        if (this.#putBatch(damaged, answer)) this.#mended(name)
      })
    })
    return true
  }

  #putBatch(damaged: DamagedBatchKey, answer: NodeMessage | undefined): boolean {
    const batch = answer?.kind === 'log' ? answer.batches[0] : undefined
    if (batch === undefined || batch.length < BATCH_HEADER_SIZE_BYTES || !this.#gossip.isJoined) return false
    const bytes = asBuffer(batch)
    const { timeline, group, previous, last } = readBatchHeader(bytes)
    const isIt = timeline === damaged.timeline && group === damaged.group
    // All LSNs of the segment up to its last are its own from the one on that it continues.
    if (!isIt || previous >= damaged.lsn || last < damaged.lsn) return false
    this.#node.repair(bytes)
    this.#node.figures.batchesRepaired++
    return true
  }

  // --- images

  #mendImage(name: string, damaged: DamagedImageKey): boolean {
    const segment = this.#segment(damaged)
    const { page, lsn } = damaged
    if (segment === undefined || this.#node.store.imageLsnAt(segment, page, lsn) !== lsn) {
      this.#mended(name)
      return true
    }
    // One that a peer gave ahead of the log, say: it is made again once that is here, or lies below where that begins.
    if (lsn > segment.scl) return this.#later(name)
    if (this.#isRebuilt(segment, damaged)) {
      this.#mended(name)
      return true
    }
    const point = this.#pointOf(segment, damaged)
    const peer = point === undefined ? undefined : this.#nextPeer(name, damaged, true)
    if (point === undefined) {
      // Nobody can read it.
      this.#node.store.dropImages(segment, [damaged])
      this.#mended(name)
      return true
    }
    if (peer === undefined) return false
    const request = { kind: 'read-page', timeline: damaged.timeline, page, lsn: point } as const
    this.#gossip.link(peer).request(request, this.#gossip.epochs(), (answer) => {
      this.#guard(() => {
        if (this.#putImage(segment, damaged, answer)) this.#mended(name)
      })
    })
    return true
  }

  /** False, too, when log of an ancestor is still to come: until then a peer may have the page. */
  #isRebuilt(segment: Segment, damaged: PageVersion): boolean {
    try {
      return this.#node.reader.rebuild(segment, damaged)
    } catch (error) {
      if (error instanceof Refusal) return false
      throw error
    }
  }

  /** A point that is read and finds this version: the log's beginning, or a child's. */
  #pointOf(segment: Segment, { page, lsn }: PageVersion): Lsn | undefined {
    const next = this.#node.store.imageAbove(segment, page, lsn) ?? Infinity
    const { after } = segment.start
    if (lsn <= after && after < next && !segment.owner.dropped) return after
    return this.#node.points.of(segment.owner).find((point) => lsn <= point && point < next)
  }

  #putImage(segment: Segment, damaged: DamagedImageKey, answer: NodeMessage | undefined): boolean {
    if (answer?.kind !== 'page' || answer.image.length !== PAGE_SIZE_BYTES) return false
    const bytes = asBuffer(answer.image)
    // A page says which version it is in its first eight bytes.
    if (readU64(bytes, 0) !== damaged.lsn) return false
    const { timeline, group, page, lsn } = damaged
    this.#node.write(() => {
      this.#node.store.dropImages(segment, [damaged])
      this.#node.store.putImages([{ timeline, group, page, lsn, bytes }])
    })
    this.#node.figures.imagesRepaired++
    return true
  }

  /** What goes wrong with a peer's answer is tried again with another's. */
  #guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      if (!(error instanceof StorageError) && !(error instanceof Refusal)) throw error
    }
  }
}
