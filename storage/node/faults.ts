// Faults that a node lets happen to itself for a while, for tests of operations: Aurora's fault injection queries.
//
//   inject ─▶ until it has passed:  requests fail ('io') with a probability, or wait with one before they are handled

import type { Clock, Prng } from '../base/env.ts'
import type { Fault, NodeMessage, VolumeMessage } from '../message/message.ts'

type Handle = (message: VolumeMessage) => void

export class Faults {
  readonly #clock: Clock
  readonly #prng: Prng
  #failure = { probability: 0, untilMs: -Infinity }
  #congestion = { probability: 0, delayMsMin: 0, delayMsMax: 0, untilMs: -Infinity }
  /** A congested disk serves in order. */
  #freeMs = 0

  constructor(clock: Clock, prng: Prng) {
    this.#clock = clock
    this.#prng = prng
  }

  /** Lets a fault happen from now on; a crash is the host's business. */
  inject(fault: Fault): void {
    if (fault.kind === 'crash') return
    const untilMs = this.#clock.monotonicMs() + fault.durationMs
    const { probability } = fault
    if (fault.kind === 'disk-failure') this.#failure = { probability, untilMs }
    else {
      const { delayMsMin, delayMsMax } = fault
      this.#congestion = { probability, delayMsMin, delayMsMax, untilMs }
    }
  }

  /** Passes a request on, now or later, or returns the answer that it fails with. */
  meet(message: VolumeMessage, handle: Handle): NodeMessage | undefined {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs < this.#failure.untilMs && this.#prng.next() < this.#failure.probability)
      return failed(message.id)
    const { probability, delayMsMin, delayMsMax, untilMs } = this.#congestion
    const isCongested = nowMs < untilMs && this.#prng.next() < probability
    if (!isCongested && nowMs >= this.#freeMs) {
      handle(message)
      return undefined
    }
    const delayMs = isCongested ? delayMsMin + this.#prng.next() * (delayMsMax - delayMsMin) : 0
    this.#freeMs = Math.max(this.#freeMs, nowMs + delayMs)
    // Bytes of a message belong to the sender until it is answered: they are still there then.
    this.#clock.after(this.#freeMs - nowMs, () => handle(message))
    return undefined
  }
}

function failed(id: number): NodeMessage {
  const message = 'the disk failed (injected)'
  return { kind: 'failed', id, failure: 'io', message, detail: undefined, damaged: undefined, fatal: false }
}
