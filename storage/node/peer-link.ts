// A node's way to one of its peers: requests with an answer, or none in time. What a peer does not answer is asked of
// another, so nothing here is sent twice.

import type { Clock } from '../base/env.ts'
import type { NodeMessage, VolumeMessage } from '../message/message.ts'
import type { Transport } from '../message/transport.ts'

const REQUEST_TIMEOUT_MS = 5000

/** The fields of a request that its kind has. */
export type PeerRequest = VolumeMessage extends infer M
  ? M extends VolumeMessage
    ? Omit<M, 'id' | 'volumeEpoch' | 'membershipEpoch'>
    : never
  : never

/** Called once: with the answer, or with undefined when none came. */
export type Answered = (answer: NodeMessage | undefined) => void

export class PeerLink {
  readonly transport: Transport
  readonly #clock: Clock
  readonly #waiting = new Map<number, { readonly done: Answered; readonly cancel: () => void }>()
  #nextId = 1

  constructor(transport: Transport, clock: Clock) {
    this.transport = transport
    this.#clock = clock
    transport.onMessage((answer) => this.#settle(answer.id, answer))
    transport.onClose(() => this.close())
  }

  request(
    request: PeerRequest,
    epochs: Pick<VolumeMessage, 'volumeEpoch' | 'membershipEpoch'>,
    done: Answered,
  ): void {
    const id = this.#nextId++
    const cancel = this.#clock.after(REQUEST_TIMEOUT_MS, () => this.#settle(id, undefined))
    this.#waiting.set(id, { done, cancel })
    this.transport.send({ ...request, ...epochs, id })
  }

  #settle(id: number, answer: NodeMessage | undefined): void {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return
    this.#waiting.delete(id)
    waiting.cancel()
    waiting.done(answer)
  }

  /** Nothing will be answered any more. */
  close(): void {
    for (const id of [...this.#waiting.keys()]) this.#settle(id, undefined)
  }
}
