// When answers leave: each at once, or those of one turn of the event loop together at its end.
//
//   few connections busy     read, answer, write │ read, answer, write │ …            nobody waits
//   many                     read, answer │ read, answer │ … │ end of turn: write, write, …
//
// A write wakes the process that waits for it. Between two answers that leave one by one a client with many connections
// deals with the first and sleeps again, and is woken anew for the second: with tens of busy connections these wake-ups,
// and the caches that two processes take from each other, cost a tenth of a server's throughput. With a few the client can use
// a processor that would be idle, so its answer should not wait for others'.
//
// Invariant: what waits leaves before the turn in which it was written ends.

import type { Clock } from '../../storage/base/env.ts'
import { ANSWERS_A_TURN_MIN } from '../limits.ts'

/** So many turns the mean looks back. */
const TURNS_REMEMBERED = 8

export interface Answerer {
  /** Writes what it has. */
  leave(): void
}

export class AnswerTurns {
  readonly #clock: Clock
  #waiting: Answerer[] = []
  /** Answers of this turn so far, and in the mean of the last ones. */
  #count = 0
  #mean = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** `answerer` has an answer: true if it is to wait until leave() is called, false if it may go at once. */
  defers(answerer: Answerer): boolean {
    if (this.#count++ === 0) this.#clock.soon(this.#end)
    if (this.#mean < ANSWERS_A_TURN_MIN) return false
    this.#waiting.push(answerer)
    return true
  }

  readonly #end = (): void => {
    this.#mean += (this.#count - this.#mean) / TURNS_REMEMBERED
    this.#count = 0
    if (this.#waiting.length === 0) return
    const waiting = this.#waiting
    this.#waiting = []
    for (const answerer of waiting) answerer.leave()
  }
}
