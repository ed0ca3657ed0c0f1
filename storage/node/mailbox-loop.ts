// How a node's thread waits for its mailbox (../message/mailbox.ts) and still is an ordinary thread with an event loop.
//
//   awake: turn of the event loop ─▶ append in the mailbox? handle it ─▶ wait for the bell, a few ms at most ─┐
//            ▲   timers, the port, input and output get their turn in between                                 │
//            └────────────────────────────────────────────────────────────────────────────────────────────────┘
//   parked: after a while without a ring it sleeps in the event loop, at no cost, until a message through the port wakes it
//
// Waiting on memory instead of on the event loop saves half of the processor time that a message takes (measured:
// docs/decisions/0005-hot-log.md).

import type { Clock } from '../base/env.ts'
import type { Mailbox } from '../message/mailbox.ts'
import type { VolumeMessage } from '../message/message.ts'

/** What else the thread has to do is late by this much at most. */
const WAIT_MS = 5
/** So many waits in vain, and the node parks. */
const WAITS_IN_VAIN_MAX = 6

export class MailboxLoop {
  readonly #mailbox: Mailbox
  readonly #clock: Clock
  readonly #handle: (message: VolumeMessage) => void
  #running = false
  #stopped = false
  #inVain = 0

  /** `handle` answers the append it is given, and releases the mailbox when it does. */
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
    const { rings } = this.#mailbox
    const message = this.#mailbox.take()
    if (message !== undefined) {
      this.#inVain = 0
      this.#handle(message)
    } else if (!this.#mailbox.wait(rings, WAIT_MS)) {
      this.#inVain++
      if (this.#inVain >= WAITS_IN_VAIN_MAX && this.#mailbox.park(rings)) {
        this.#running = false
        return
      }
    }
    this.#clock.soon(this.#turn)
  }
}
