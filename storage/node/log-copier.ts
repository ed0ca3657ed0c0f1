// Copies log from a peer, from where our segment stands on, until it stands where the peer's does.
//
//   fetch ─▶ batches ─▶ fetch of what follows them
//               └▶ portion ─▶ intake ─▶ soon ─▶ portion ─▶ … ─▶ nothing left: the end, or the next answer

import type { Lsn } from '../base/ids.ts'
import { StorageError } from '../base/errors.ts'
import { readBatchHeader } from '../message/batch.ts'
import type { Member } from '../message/configuration.ts'
import type { NodeMessage, SegmentKey } from '../message/message.ts'
import type { Copier, CopySurroundings } from './filler.ts'
import { asBuffer } from './log-intake.ts'
import { Refusal } from './refusal.ts'

const FETCH_SIZE_BYTES = 8 * 1024 * 1024
/** One durable write; whoever appends meanwhile waits for one at most. */
const PORTION_SIZE_BYTES = 4 * 1024 * 1024

export class LogCopier implements Copier {
  readonly #around: CopySurroundings
  readonly #key: SegmentKey
  readonly #peer: Member
  readonly #end: (failed: boolean) => void
  /** Fetched and not taken yet. */
  #batches: readonly Uint8Array[] = []
  #answer: Extract<NodeMessage, { kind: 'log' }> | undefined
  #isFetching = false
  #isTaking = false
  /** The last answer had nothing new, or reached where the peer stands. */
  #isDone = false
  #stopped = false

  constructor(around: CopySurroundings, key: SegmentKey, peer: Member, end: (failed: boolean) => void) {
    this.#around = around
    this.#key = key
    this.#peer = peer
    this.#end = end
  }

  start(): void {
    const scl = this.#around.node.timelines.segment(this.#key)?.scl
    if (scl === undefined) this.#finish(true)
    else this.#fetch(scl)
  }

  stop(): void {
    this.#stopped = true
  }

  #finish(failed: boolean): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#end(failed)
  }

  #fetch(after: Lsn): void {
    const { gossip } = this.#around
    this.#isFetching = true
    const request = { kind: 'fetch-log', ...this.#key, after, sizeMax: FETCH_SIZE_BYTES } as const
    gossip.link(this.#peer).request(request, gossip.epochs(), (answer) => {
      if (this.#stopped) return
      this.#isFetching = false
      if (answer?.kind !== 'log') {
        if (answer?.kind === 'failed') gossip.distrust(this.#peer)
        return this.#finish(true)
      }
      this.#answer = answer
      if (!this.#isTaking) this.#next()
    })
  }

  /** Turns to the batches of the last answer, having asked for what follows them. */
  #next(): void {
    const answer = this.#answer
    this.#answer = undefined
    if (answer === undefined) {
      if (!this.#isFetching) this.#finish(false)
      return
    }
    const last = answer.batches.at(-1)
    if (last === undefined || !this.#isOurs(answer.batches)) {
      // It has nothing for us, whatever it told: let it tell again.
      if (!this.#isDone) this.#around.gossip.distrust(this.#peer)
      return this.#finish(!this.#isDone)
    }
    const reached = this.#reachOf(asBuffer(last))
    this.#isDone = reached >= answer.scl
    if (!this.#isDone) this.#fetch(reached)
    this.#batches = answer.batches
    this.#takePortion()
  }

  /** Where the log stands with this batch: nothing of it that was annulled counts. */
  #reachOf(batch: Buffer): Lsn {
    const header = readBatchHeader(batch)
    return this.#around.node.timelines.segment(this.#key)?.lastOf(header) ?? header.last
  }

  #isOurs(batches: readonly Uint8Array[]): boolean {
    return batches.every((batch) => {
      if (batch.length < 88) return false
      const { timeline, group } = readBatchHeader(asBuffer(batch))
      return timeline === this.#key.timeline && group === this.#key.group
    })
  }

  #takePortion(): void {
    this.#isTaking = true
    if (this.#stopped) return
    if (!this.#around.gossip.isJoined) return this.#finish(true)
    let size = 0
    const end = this.#batches.findIndex(({ length }) => (size += length) >= PORTION_SIZE_BYTES)
    const portion = end < 0 ? this.#batches : this.#batches.slice(0, end + 1)
    this.#batches = this.#batches.slice(portion.length)
    if (!this.#take(portion, size)) return this.#finish(true)
    if (this.#batches.length > 0) return this.#around.clock.soon(() => this.#takePortion())
    this.#isTaking = false
    this.#around.clock.soon(() => {
      if (!this.#stopped && !this.#isTaking) this.#next()
    })
  }

  #take(portion: readonly Uint8Array[], size: number): boolean {
    const { node } = this.#around
    try {
      const taken = node.intake.take(portion)
      node.intake.index(taken)
      node.figures.batchesGossiped += taken.stored
      node.figures.bytesGossiped += size
      return true
    } catch (error) {
      if (error instanceof StorageError || error instanceof Refusal) return false
      throw error
    }
  }
}
