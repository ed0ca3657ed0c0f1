// Time that jumps from event to event: one queue for the whole cluster, and with it the order in which everything
// happens. Nothing in a simulated history waits for a real clock.
//
//   after(ms, life, callback) ─▶ heap by (time, order) ─▶ run: take the first, call it, let promises settle, again
//
// A life is one process between start and crash. What a dead process still had to do never happens: that is how a
// crash strikes at any await.
//
// Every event that matters is mixed into one hash, in order. The same seed gives the same hash, or something in the
// cluster depends on more than the seed.

import { must } from '../../storage/base/assert.ts'
import type { Clock } from '../../storage/base/env.ts'

/** A process between its start and its crash. */
export interface Life {
  readonly name: string
  isAlive: boolean
}

interface SimEvent {
  readonly atMs: number
  readonly order: number
  readonly life: Life | undefined
  /** undefined once it was called off. */
  callback: (() => void) | undefined
}

/** Simulated time begins here, so that differences between times are seen to be computed, not assumed. */
const START_MS = 1_000_000

export class Scheduler {
  nowMs: number = START_MS
  eventCount = 0
  /** Hash of all that was noted so far. */
  hash = 0
  /** Prints what is noted; for a person who looks at one seed. */
  onNote: ((text: string) => void) | undefined
  readonly #heap: SimEvent[] = []
  readonly #words = new Map<string, number>()
  #order = 0

  /** Milliseconds since the history began. */
  get elapsedMs(): number {
    return this.nowMs - START_MS
  }

  /** Calls back after `delayMs`, unless `life` is over by then; the returned function calls it off. */
  after(delayMs: number, life: Life | undefined, callback: () => void): () => void {
    const event: SimEvent = {
      atMs: this.nowMs + Math.max(delayMs, 0),
      order: this.#order++,
      life,
      callback,
    }
    this.#push(event)
    return () => void (event.callback = undefined)
  }

  /** Resolves after `delayMs`; never if `life` ends before. */
  pause(delayMs: number, life?: Life): Promise<void> {
    return new Promise((resolve) => void this.after(delayMs, life, resolve))
  }

  /** The clock that a process sees. */
  clockOf(life: Life): Clock {
    return {
      wallMicros: () => Math.round(this.nowMs * 1000),
      monotonicMs: () => this.nowMs,
      after: (delayMs, callback) => this.after(delayMs, life, callback),
      soon: (callback) => void this.after(0, life, callback),
    }
  }

  /** Lets events happen until `done` says so; false if it did not within `ms`. */
  async run(ms: number, done: () => boolean = () => false): Promise<boolean> {
    const untilMs = this.nowMs + ms
    for (;;) {
      // Promises that are ready go first, as they do in a real event loop.
      await new Promise(setImmediate)
      if (done()) return true
      const next = this.#next(untilMs)
      if (next === undefined) {
        this.nowMs = untilMs
        return done()
      }
      this.nowMs = next.atMs
      this.eventCount++
      next.callback?.()
    }
  }

  /** Runs until the promise is settled, and returns or throws what it did. */
  async settle<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
    let settled = false
    const settle = (): void => void (settled = true)
    promise.then(settle, settle)
    if (!(await this.run(ms, () => settled))) throw new Error(`${what}: not settled within ${ms} ms`)
    return promise
  }

  /** Mixes an event into the hash. Words and integers only: they are the same in every run. */
  note(word: string, a = 0, b = 0, c = 0): void {
    let number = this.#words.get(word)
    if (number === undefined) {
      number = this.#words.size + 1
      this.#words.set(word, number)
    }
    let hash = this.hash
    hash = Math.imul(hash ^ number, 0x9e3779b1) ^ ((this.nowMs * 1000) | 0)
    hash = Math.imul(hash ^ (hash >>> 15) ^ a, 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13) ^ b, 0xc2b2ae35)
    this.hash = Math.imul(hash ^ (hash >>> 16) ^ c, 0x9e3779b1) >>> 0
    this.onNote?.(`${this.elapsedMs.toFixed(3).padStart(10)} ${word} ${a} ${b} ${c}`)
  }

  /** Takes the next event of a living process up to a time, or undefined if there is none. */
  #next(untilMs: number): SimEvent | undefined {
    for (;;) {
      const first = this.#heap[0]
      if (first === undefined) return undefined
      const isOver = first.callback === undefined || first.life?.isAlive === false
      if (!isOver && first.atMs > untilMs) return undefined
      this.#pop()
      if (!isOver) return first
    }
  }

  #push(event: SimEvent): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(event)
    while (at > 0) {
      const parent = (at - 1) >>> 1
      const above = must(heap[parent])
      if (isBefore(above, event)) break
      heap[at] = above
      at = parent
    }
    heap[at] = event
  }

  #pop(): void {
    const heap = this.#heap
    const last = must(heap.pop())
    if (heap.length === 0) return
    let at = 0
    for (;;) {
      let child = at * 2 + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(must(heap[child + 1]), must(heap[child]))) child++
      const below = must(heap[child])
      if (isBefore(last, below)) break
      heap[at] = below
      at = child
    }
    heap[at] = last
  }
}

function isBefore(a: SimEvent, b: SimEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}
