// How a copier takes what it fetches: in portions that are one durable write each, with the next answer on its way while
// one is written, and with pauses that leave the disk and the processor to those who wait for them.
//
//   fetch ─▶ gathered ─▶ enough for a portion, or the end? ─▶ write ─▶ pause ─▶ …
//     ▲──────────┘ at once, until a portion is ahead of what is written
//
// Invariants: one fetch at a time, one write at a time. After `end` was called, once, nothing is called any more.

import type { Clock } from '../base/env.ts'

/** One durable write; whoever appends meanwhile waits for one at most. */
const PORTION_SIZE_BYTES = 4 * 1024 * 1024
/** Where there is much to come: four waits for the disk, whatever the size (the store's cache must hold it). */
const PORTION_SIZE_BYTES_FILLING = 16 * 1024 * 1024
/** While there are others to be served, so much of the time that a write took passes before the next. */
const PAUSE_SHARE = 0.25
/** Where there is much to come, the others are the quorum: this node owes its appends a turn, and little more. */
const PAUSE_SHARE_FILLING = 0.03
/** Reading so much keeps a peer from its appends for some milliseconds. */
const FETCH_SIZE_BYTES = 2 * 1024 * 1024
/** Where there is much to come a round trip costs more than that: writers do not wait for one peer that is late. */
const FETCH_SIZE_BYTES_FILLING = 8 * 1024 * 1024
const PAUSE_MS_MAX = 250

/** What a fetch brought. */
export interface Fetched<Piece> {
  readonly pieces: readonly Piece[]
  /** Nothing follows. */
  readonly isLast: boolean
}

export interface PortionSteps<Piece> {
  readonly clock: Clock
  /** Asks for so much of what follows all that was fetched; calls back once, with undefined when it failed. */
  fetch(sizeMax: number, done: (fetched: Fetched<Piece> | undefined) => void): void
  sizeOf(piece: Piece): number
  /** Writes a portion; false when it cannot. */
  write(pieces: readonly Piece[], size: number): boolean
  /** Whether there is much to come. */
  isFilling(): boolean
  /** Whether somebody waits for this node. */
  isBusy(): boolean
  /** Everything is written, or it failed. */
  end(failed: boolean): void
}

export class Portions<Piece> {
  readonly #steps: PortionSteps<Piece>
  #gathered: Piece[] = []
  #size = 0
  #isFetching = false
  #isPausing = false
  #isLast = false
  #stopped = false

  constructor(steps: PortionSteps<Piece>) {
    this.#steps = steps
  }

  start(): void {
    this.#step()
  }

  stop(): void {
    this.#stopped = true
  }

  #finish(failed: boolean): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#steps.end(failed)
  }

  /** Fetches and writes what is due. */
  #step(): void {
    const portion = this.#steps.isFilling() ? PORTION_SIZE_BYTES_FILLING : PORTION_SIZE_BYTES
    const isDue = this.#size >= portion || (this.#isLast && this.#size > 0)
    if (!this.#isFetching && !this.#isLast && this.#size < 2 * portion) this.#fetch()
    if (this.#stopped || this.#isPausing) return
    if (isDue) this.#write()
    else if (this.#isLast) this.#finish(false)
  }

  #fetch(): void {
    this.#isFetching = true
    const sizeMax = this.#steps.isFilling() ? FETCH_SIZE_BYTES_FILLING : FETCH_SIZE_BYTES
    this.#steps.fetch(sizeMax, (fetched) => {
      if (this.#stopped) return
      this.#isFetching = false
      if (fetched === undefined) return this.#finish(true)
      for (const piece of fetched.pieces) {
        this.#gathered.push(piece)
        this.#size += this.#steps.sizeOf(piece)
      }
      this.#isLast = fetched.isLast
      this.#step()
    })
  }

  #write(): void {
    const { clock } = this.#steps
    const pieces = this.#gathered
    const size = this.#size
    this.#gathered = []
    this.#size = 0
    const startedMs = clock.monotonicMs()
    if (!this.#steps.write(pieces, size)) return this.#finish(true)
    if (this.#isLast && this.#size === 0) return this.#finish(false)
    const tookMs = clock.monotonicMs() - startedMs
    this.#isPausing = true
    const goOn = (): void => {
      this.#isPausing = false
      if (!this.#stopped) this.#step()
    }
    const share = this.#steps.isFilling() ? PAUSE_SHARE_FILLING : PAUSE_SHARE
    if (this.#steps.isBusy()) clock.after(Math.min(tookMs * share, PAUSE_MS_MAX), goOn)
    else clock.soon(goOn)
  }
}
