// Reads: a page is asked of ONE segment that is known to hold enough log, the quickest of late; now and then another
// one, so that its time stays known. If the answer is late a second node is asked too; if it is an error, the next.

import { must } from '../base/assert.ts'
import type { Clock, Prng } from '../base/env.ts'
import { StorageError } from '../base/errors.ts'
import { formatLsn, type Lsn, type PageNo, type TimelineId } from '../base/ids.ts'
import type { SegmentKey } from '../message/message.ts'
import { NodeError, type NodeLink } from './node-link.ts'

/** One read in so many goes to a node other than the quickest. */
const PROBE_EVERY = 64
/** A second node is asked after this many times the usual latency, and at least this long. */
const HEDGE_FACTOR = 4
const HEDGE_MS_MIN = 10
/** A node that does not answer at all in this time counts as an error. */
const READ_TIMEOUT_MS = 5000
/** Rounds over all nodes, with a pause in between, before a read fails. */
const ROUNDS_MAX = 40
const ROUND_PAUSE_MS = 50

export interface PageRequest {
  readonly timeline: TimelineId
  readonly page: PageNo
  readonly lsn: Lsn
}

export interface PageSourceSettings {
  readonly clock: Clock
  readonly prng: Prng
  /** Nodes whose segment is known to reach the LSN. */
  candidates(request: PageRequest): readonly NodeLink[]
  /** A node said that this batch of its log is damaged. */
  damaged(link: NodeLink, segment: SegmentKey, lsn: Lsn): void
}

export class PageSource {
  pagesRead = 0
  /** Reads for which a second node was asked because the first was late. */
  hedgedReads = 0
  readonly #settings: PageSourceSettings

  constructor(settings: PageSourceSettings) {
    this.#settings = settings
  }

  /** Rejects with StorageError when no node can answer. */
  async read(request: PageRequest): Promise<Uint8Array> {
    this.pagesRead++
    let error: unknown
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const candidates = this.#order(this.#settings.candidates(request))
      if (candidates.length > 0) {
        try {
          return await this.#readFromAny(request, candidates)
        } catch (thrown) {
          error = thrown
          if (thrown instanceof StorageError && (thrown.kind === 'fenced' || thrown.kind === 'closed'))
            throw thrown
        }
      }
      await new Promise<void>((resolve) => void this.#settings.clock.after(ROUND_PAUSE_MS, resolve))
    }
    if (error !== undefined) throw error
    const what = `page ${request.page} of timeline ${request.timeline} at ${formatLsn(request.lsn)}`
    throw new StorageError('no-quorum', `no storage node can serve ${what}`)
  }

  /** Quickest first; now and then a random one before it. */
  #order(links: readonly NodeLink[]): NodeLink[] {
    const ordered = [...links].sort((a, b) => a.readLatencyMs - b.readLatencyMs)
    if (ordered.length > 1 && this.pagesRead % PROBE_EVERY === 0) {
      const probe = 1 + Math.floor(this.#settings.prng.next() * (ordered.length - 1))
      ordered.unshift(...ordered.splice(probe, 1))
    }
    return ordered
  }

  #readFromAny(request: PageRequest, candidates: readonly NodeLink[]): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      let asked = 0
      let open = 0
      let cancelHedge: (() => void) | undefined
      const askNext = (): void => {
        const link = must(candidates[asked++])
        open++
        cancelHedge?.()
        cancelHedge = this.#hedge(link, () => {
          if (asked >= candidates.length) return
          this.hedgedReads++
          askNext()
        })
        this.#ask(link, request).then(
          (image) => {
            cancelHedge?.()
            resolve(image)
          },
          (error: unknown) => {
            open--
            if (asked < candidates.length) askNext()
            else if (open === 0) {
              cancelHedge?.()
              reject(error)
            }
          },
        )
      }
      askNext()
    })
  }

  #hedge(link: NodeLink, late: () => void): () => void {
    const delayMs = Math.max(HEDGE_MS_MIN, link.readLatencyMs * HEDGE_FACTOR)
    return this.#settings.clock.after(delayMs, late)
  }

  async #ask(link: NodeLink, { timeline, page, lsn }: PageRequest): Promise<Uint8Array> {
    const begun = this.#settings.clock.monotonicMs()
    try {
      const answer = await link.request({ kind: 'read-page', timeline, page, lsn }, READ_TIMEOUT_MS)
      link.observeRead(this.#settings.clock.monotonicMs() - begun)
      if (answer.kind === 'page') return answer.image
      throw new StorageError('io', `node ${link.id} answered a read with ${answer.kind}`)
    } catch (error) {
      link.observeRead(undefined)
      const damaged = error instanceof NodeError ? error.answer.damaged : undefined
      if (damaged !== undefined) this.#settings.damaged(link, damaged, damaged.lsn)
      throw error
    }
  }
}
