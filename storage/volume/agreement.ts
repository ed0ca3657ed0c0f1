// Something that a write quorum must have on disk: the birth of a timeline, a segment, a configuration.
//
//   spread(request) ─▶ every live node ─▶ done ──────────────┐
//                      a node that is not live, or refuses:  ├─▶ quorum ─▶ resolved
//                      done once it is aligned (./joining.ts)┘
//
// Whoever calls has already put what it says where joining finds it, so that a node that becomes live later has it too.

import type { StorageError } from '../base/errors.ts'
import type { NodeMessage } from '../message/message.ts'
import type { Members } from './members.ts'
import { NodeError, type NodeLink, type NodeRequest } from './node-link.ts'

interface Pending {
  /** Places that have it, as bits. */
  done: number
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

export class Agreement {
  readonly #members: Members
  readonly #pending = new Set<Pending>()
  #failure: StorageError | undefined

  constructor(members: Members) {
    this.#members = members
  }

  /** Sends to every node; resolves when a write quorum has it. Rejects when the volume fails. */
  spread(request: NodeRequest): Promise<void> {
    return this.carry((link) => link.request(request))
  }

  /** The same, of whatever `tell` says to a node. */
  carry(tell: (link: NodeLink) => Promise<NodeMessage>): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      const pending: Pending = { done: 0, resolve, reject }
      this.#pending.add(pending)
      for (const link of this.#members.targets)
        if (link.mode === 'live') this.#tell(link, tell(link), pending)
    })
  }

  #tell(link: NodeLink, answer: Promise<NodeMessage>, pending: Pending): void {
    answer.then(
      () => this.#done(link, pending),
      (error: unknown) => {
        // Its alignment tells it again.
        if (error instanceof NodeError && error.answer.fatal) link.fail(error)
        else link.lag(error instanceof NodeError ? error : undefined)
      },
    )
  }

  #done(link: NodeLink, pending: Pending): void {
    if (!this.#members.isCurrent(link)) return
    pending.done |= 1 << link.place
    this.#settle(pending)
  }

  #settle(pending: Pending): void {
    if (!this.#members.quorum.holds(pending.done)) return
    if (this.#pending.delete(pending)) pending.resolve()
  }

  /** An aligned node has everything. */
  aligned(link: NodeLink): void {
    for (const pending of [...this.#pending]) this.#done(link, pending)
  }

  /** Another node will get this place. */
  forgetPlace(place: number): void {
    for (const pending of this.#pending) pending.done &= ~(1 << place)
  }

  /** The rules changed. */
  reconsider(): void {
    for (const pending of [...this.#pending]) this.#settle(pending)
  }

  fail(error: StorageError): void {
    this.#failure ??= error
    for (const { reject } of this.#pending) reject(error)
    this.#pending.clear()
  }
}
