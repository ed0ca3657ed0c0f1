// The real clock and real chance, given to the layers below by the composition roots.

import { randomFillSync } from 'node:crypto'
import type { Clock, Prng } from '../storage/base/env.ts'

const MICROS_PER_MS = 1000
/** How often the system's clock is looked at. */
const CHECK_INTERVAL_MS = 10

/** Wall time with microsecond digits: the start of the process plus the monotonic time since, corrected when it drifts. */
class NodeClock implements Clock {
  #originMs = performance.timeOrigin
  #checkedMs = -Infinity

  wallMicros(): number {
    const monotonicMs = performance.now()
    const nowMs = this.#originMs + monotonicMs
    if (monotonicMs - this.#checkedMs < CHECK_INTERVAL_MS) return Math.floor(nowMs * MICROS_PER_MS)
    this.#checkedMs = monotonicMs
    const systemMs = Date.now()
    // The system's clock was set, or the machine slept: follow it.
    if (Math.abs(systemMs - nowMs) > 50) {
      this.#originMs += systemMs - nowMs
      return systemMs * MICROS_PER_MS
    }
    return Math.floor(nowMs * MICROS_PER_MS)
  }

  monotonicMs(): number {
    return performance.now()
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = setTimeout(callback, delayMs)
    timer.unref()
    return () => clearTimeout(timer)
  }

  soon(callback: () => void): void {
    setImmediate(callback)
  }
}

const DRAW_SIZE_BYTES = 6

/** Unpredictable chance, taken from the operating system by the block. */
class NodePrng implements Prng {
  readonly #block = Buffer.alloc(DRAW_SIZE_BYTES * 512)
  #at = this.#block.length

  next(): number {
    if (this.#at === this.#block.length) {
      randomFillSync(this.#block)
      this.#at = 0
    }
    // 48 random bits: as many as a double takes without a bigint.
    const draw = this.#block.readUIntBE(this.#at, DRAW_SIZE_BYTES)
    this.#at += DRAW_SIZE_BYTES
    return draw / 2 ** 48
  }
}

/** The environment of a real process. */
export const nodeEnv: { readonly clock: Clock; readonly prng: Prng } = {
  clock: new NodeClock(),
  prng: new NodePrng(),
}
