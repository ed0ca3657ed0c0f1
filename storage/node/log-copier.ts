// Copies log from a peer, from where our segment stands on, until it stands where the peer's does: batches as they are,
// many of them in one durable write (./portions.ts).

import type { Lsn } from '../base/ids.ts'
import { StorageError } from '../base/errors.ts'
import { BATCH_HEADER_SIZE_BYTES, readBatchHeader } from '../message/batch.ts'
import type { Member } from '../message/configuration.ts'
import type { NodeMessage, SegmentKey } from '../message/message.ts'
import type { Copier, CopySurroundings } from './filler.ts'
import { asBuffer } from './log-intake.ts'
import { type Fetched, Portions } from './portions.ts'
import { Refusal } from './refusal.ts'

export class LogCopier implements Copier {
  readonly #around: CopySurroundings
  readonly #key: SegmentKey
  readonly #peer: Member
  readonly #portions: Portions<Uint8Array>
  /** What was fetched reaches here. */
  #reached: Lsn | undefined

  constructor(around: CopySurroundings, key: SegmentKey, peer: Member, end: (failed: boolean) => void) {
    this.#around = around
    this.#key = key
    this.#peer = peer
    this.#portions = new Portions<Uint8Array>({
      clock: around.clock,
      fetch: (sizeMax, done) => this.#fetch(sizeMax, done),
      sizeOf: ({ length }) => length,
      write: (batches, size) => this.#take(batches, size),
      isFilling: () => around.node.isFilling,
      isBusy: () => around.gossip.isBusy,
      end,
    })
  }

  start(): void {
    this.#reached = this.#around.node.timelines.segment(this.#key)?.scl
    this.#portions.start()
  }

  stop(): void {
    this.#portions.stop()
  }

  #fetch(sizeMax: number, done: (fetched: Fetched<Uint8Array> | undefined) => void): void {
    const { gossip } = this.#around
    const after = this.#reached
    if (after === undefined) return done(undefined)
    const request = { kind: 'fetch-log', ...this.#key, after, sizeMax } as const
    gossip.link(this.#peer).request(request, gossip.epochs(), (answer) => done(this.#judge(answer)))
  }

  #judge(answer: NodeMessage | undefined): Fetched<Uint8Array> | undefined {
    const last = answer?.kind === 'log' ? answer.batches.at(-1) : undefined
    if (answer?.kind !== 'log' || last === undefined || !this.#isOurs(answer.batches)) {
      // It has nothing for us, whatever it told: let it tell again.
      if (answer !== undefined) this.#around.gossip.distrust(this.#peer)
      return undefined
    }
    const reached = this.#reachOf(asBuffer(last))
    if (reached <= (this.#reached ?? reached)) return undefined
    this.#reached = reached
    return { pieces: answer.batches, isLast: reached >= answer.scl }
  }

  /** Where the log stands with this batch: nothing of it that was annulled counts. */
  #reachOf(batch: Buffer): Lsn {
    const header = readBatchHeader(batch)
    return this.#around.node.timelines.segment(this.#key)?.lastOf(header) ?? header.last
  }

  #isOurs(batches: readonly Uint8Array[]): boolean {
    return batches.every((batch) => {
      if (batch.length < BATCH_HEADER_SIZE_BYTES) return false
      const { timeline, group } = readBatchHeader(asBuffer(batch))
      return timeline === this.#key.timeline && group === this.#key.group
    })
  }

  #take(batches: readonly Uint8Array[], size: number): boolean {
    const { node, gossip } = this.#around
    if (!gossip.isJoined) return false
    try {
      const taken = node.intake.take(batches)
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
