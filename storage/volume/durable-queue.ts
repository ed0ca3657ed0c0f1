// Who waits for which LSN to be durable. Commits register in LSN order, so this is a queue; a latecomer with a lower LSN
// (a reader that saw unsafe data) is sorted in.

import type { Lsn } from '../base/ids.ts'
import { must } from '../base/assert.ts'

type Callback = (error?: Error) => void

export class DurableQueue {
  #lsns: Lsn[] = []
  #callbacks: Callback[] = []
  #head = 0

  add(lsn: Lsn, callback: Callback): void {
    let at = this.#lsns.length
    while (at > this.#head && must(this.#lsns[at - 1]) > lsn) at--
    if (at === this.#lsns.length) {
      this.#lsns.push(lsn)
      this.#callbacks.push(callback)
    } else {
      this.#lsns.splice(at, 0, lsn)
      this.#callbacks.splice(at, 0, callback)
    }
  }

  /** Calls everyone at or below `vdl`, lowest LSN first. Callbacks may add. */
  reach(vdl: Lsn): void {
    while (this.#head < this.#lsns.length && must(this.#lsns[this.#head]) <= vdl) {
      const callback = must(this.#callbacks[this.#head])
      this.#head++
      callback()
    }
    if (this.#head === this.#lsns.length || this.#head > 4096) {
      this.#lsns = this.#lsns.slice(this.#head)
      this.#callbacks = this.#callbacks.slice(this.#head)
      this.#head = 0
    }
  }

  /** Calls everyone with the error. */
  fail(error: Error): void {
    const callbacks = this.#callbacks.slice(this.#head)
    this.#lsns = []
    this.#callbacks = []
    this.#head = 0
    for (const callback of callbacks) callback(error)
  }
}
