// How a thread of nodes waits for their mailboxes (../message/mailbox.ts) and still is an ordinary thread with an event loop.
//
//   awake: turn of the event loop ─▶ wait for the bell, handle what came, wait again ... ten ms at most ─┐
//            ▲   timers, ports, input and output get their turn in between                               │
//            └───────────────────────────────────────────────────────────────────────────────────────────┘
//   parked: after a while without a ring it sleeps in the event loop, at no cost, until a message through a port wakes it
//
// Waiting on memory instead of on the event loop saves processor time and a wake-up (measured: docs/decisions/0005-hot-log.md).

import type { Clock } from '../base/env.ts'
import type { Bell } from '../message/mailbox.ts'

/** What else the thread has to do is late by this much at most; not so messages through a port, which ring too. */
const TURN_MS = 10
/** So many turns in vain, and the thread parks. */
const TURNS_IN_VAIN_MAX = 3

/** What a look into the mailboxes found. 'later': something that can be answered only after a turn of the event loop. */
export type Found = 'nothing' | 'handled' | 'later'

export class MailboxLoop {
  readonly #bell: Bell
  readonly #clock: Clock
  readonly #handleAll: () => Found
  #running = false
  #stopped = false
  /** Turns of the event loop without a ring. */
  #inVain = 0
  #rings = 0
  /** Rings for ports before the event loop's last turn: what they were for was found in it. */
  #portRings = 0

  /** `handleAll` handles every append that is in a mailbox. */
  constructor(bell: Bell, clock: Clock, handleAll: () => Found) {
    this.#bell = bell
    this.#clock = clock
    this.#handleAll = handleAll
  }

  /** Something came through a port: more may follow in a mailbox. */
  wake(): void {
    if (this.#running || this.#stopped) return
    this.#running = true
    this.#inVain = 0
    this.#bell.unpark()
    this.#clock.soon(this.#turn)
  }

  stop(): void {
    this.#stopped = true
  }

  readonly #turn = (): void => {
    if (this.#stopped) return
    const untilMs = this.#clock.monotonicMs() + TURN_MS
    while (this.#handleNext(untilMs - this.#clock.monotonicMs()));
    this.#portRings = this.#bell.portRings
    if (this.#inVain >= TURNS_IN_VAIN_MAX && this.#bell.park(this.#rings)) this.#running = false
    else this.#clock.soon(this.#turn)
  }

  /** Handles the next appends, waiting for them if need be. False: there were none, or something came through a port. */
  #handleNext(timeoutMs: number): boolean {
    if (timeoutMs <= 0) return false
    const bell = this.#bell
    this.#rings = bell.rings
    let found = this.#handleAll()
    // It rang since the event loop looked, perhaps while appends were handled: a wait would not end by that any more.
    if (bell.portRings !== this.#portRings) {
      this.#inVain = 0
      return false
    }
    if (found === 'nothing') {
      if (!bell.wait(this.#rings, timeoutMs)) {
        this.#inVain++
        return false
      }
      found = this.#handleAll()
    }
    this.#inVain = 0
    return found === 'handled'
  }
}
