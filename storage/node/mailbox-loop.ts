// How a node's thread waits for its mailbox (../message/mailbox.ts) and still is an ordinary thread with an event loop.
//
//   awake: turn of the event loop ─▶ wait for the bell, handle the append, wait again ... ten ms at most ─┐
//            ▲   timers, the port, input and output get their turn in between                             │
//            └────────────────────────────────────────────────────────────────────────────────────────────┘
//   parked: after a while without a ring it sleeps in the event loop, at no cost, until a message through the port wakes it
//
// Waiting on memory instead of on the event loop saves processor time and a wake-up (measured: docs/decisions/0005-hot-log.md).

import type { Clock } from '../base/env.ts'
import type { Mailbox } from '../message/mailbox.ts'
import type { VolumeMessage } from '../message/message.ts'

/** What else the thread has to do is late by this much at most; not so messages through the port, which ring too. */
const TURN_MS = 10
/** So many turns in vain, and the node parks. */
const TURNS_IN_VAIN_MAX = 3

export class MailboxLoop {
  readonly #mailbox: Mailbox
  readonly #clock: Clock
  readonly #handle: (message: VolumeMessage) => void
  #running = false
  #stopped = false
  /** Turns of the event loop without a ring. */
  #inVain = 0
  #rings = 0

  /** `handle` answers the append it is given, and releases the mailbox when it does: at once, as a rule. */
  constructor(mailbox: Mailbox, clock: Clock, handle: (message: VolumeMessage) => void) {
    this.#mailbox = mailbox
    this.#clock = clock
    this.#handle = handle
  }

  /** Something came through the port: more may follow in the mailbox. */
  wake(): void {
    if (this.#running || this.#stopped) return
    this.#running = true
    this.#inVain = 0
    this.#mailbox.unpark()
    this.#clock.soon(this.#turn)
  }

  stop(): void {
    this.#stopped = true
  }

  readonly #turn = (): void => {
    if (this.#stopped) return
    const untilMs = this.#clock.monotonicMs() + TURN_MS
    while (this.#handleNext(untilMs - this.#clock.monotonicMs()));
    if (this.#inVain >= TURNS_IN_VAIN_MAX && this.#mailbox.park(this.#rings)) this.#running = false
    else this.#clock.soon(this.#turn)
  }

  /** Handles the next append, waiting for it if need be. False: there was none, or something came through the port. */
  #handleNext(timeoutMs: number): boolean {
    if (timeoutMs <= 0) return false
    const mailbox = this.#mailbox
    this.#rings = mailbox.rings
    let message = mailbox.take()
    if (message === undefined) {
      if (!mailbox.wait(this.#rings, timeoutMs)) {
        this.#inVain++
        return false
      }
      message = mailbox.take()
    }
    this.#inVain = 0
    if (message === undefined) return false
    this.#handle(message)
    // An answer that is late may wait for the event loop.
    return !mailbox.isFull
  }
}
