// The outside world as the storage layers see it. Below the composition roots nothing touches a clock, a timer, chance
// or a disk but through these interfaces, so that the whole cluster runs under the seeded simulator.

/** Time. Wall time is microseconds since 1970-01-01 UTC; monotonic time is milliseconds from an arbitrary start. */
export interface Clock {
  wallMicros(): number
  monotonicMs(): number
  /** Calls back once after `delayMs`; the returned function cancels it. The timer keeps no process alive. */
  after(delayMs: number, callback: () => void): () => void
  /** Calls back after the input and output that is waiting now has been served. */
  soon(callback: () => void): void
}

/** Chance, from a seed in the simulator. */
export interface Prng {
  /** A float in [0, 1). */
  next(): number
}
