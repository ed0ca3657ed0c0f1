// How a node in a worker thread reaches the other nodes of its process: by channels that the parent hands on. Their ports
// keep no thread alive.
//
//   node A: reach(B) ─▶ new channel ──{ reach: B, port }──▶ parent ──{ serve: port }──▶ node B
//              │                                             (B is gone: the port is closed)
//              └════════════ requests and answers, thread to thread ════════════▶ B's handle

import { MessageChannel, type MessagePort } from 'node:worker_threads'

import { StorageError } from '../base/errors.ts'
import type { NodeMessage, VolumeMessage } from '../message/message.ts'
import type { Peers, Reply, Transport } from '../message/transport.ts'

/** A node's wish to talk to another one; the port is transferred. */
export interface ReachRequest {
  readonly kind: 'reach'
  readonly node: number
  readonly port: MessagePort
}

/** The parent's word to a node that another one wants to talk to it. */
export interface ServeRequest {
  readonly kind: 'serve'
  readonly port: MessagePort
}

/** Answers whoever is at the other end of a port. */
export function servePort(port: MessagePort, handle: (message: VolumeMessage, reply: Reply) => void): void {
  port.on('message', (message: VolumeMessage) =>
    handle(message, (answer, transfer) => port.postMessage(answer, transfer === undefined ? [] : [transfer])),
  )
  port.unref()
}

export class ThreadPeers implements Peers {
  readonly #ask: (request: ReachRequest) => void
  readonly #open = new Map<number, PortTransport>()

  /** `ask` sends a request to the parent, transferring its port. */
  constructor(ask: (request: ReachRequest) => void) {
    this.#ask = ask
  }

  reach(node: number): Transport {
    const known = this.#open.get(node)
    if (known !== undefined) return known
    const { port1, port2 } = new MessageChannel()
    const transport = new PortTransport(port1, () => {
      if (this.#open.get(node) === transport) this.#open.delete(node)
    })
    this.#open.set(node, transport)
    this.#ask({ kind: 'reach', node, port: port2 })
    return transport
  }
}

class PortTransport implements Transport {
  readonly #port: MessagePort
  #receive: (message: NodeMessage) => void = () => undefined
  #closed: (reason: Error) => void = () => undefined
  #isClosed = false

  constructor(port: MessagePort, ended: () => void) {
    this.#port = port
    port.on('message', (message: NodeMessage) => this.#receive(message))
    port.on('close', () => {
      this.#isClosed = true
      ended()
      this.#closed(new StorageError('io', 'the other node is gone'))
    })
    port.unref()
  }

  send(message: VolumeMessage): void {
    // A channel has no origin, whatever this rule takes it for.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    if (!this.#isClosed) this.#port.postMessage(message)
  }

  onMessage(receive: (message: NodeMessage) => void): void {
    this.#receive = receive
  }

  onClose(receive: (reason: Error) => void): void {
    this.#closed = receive
    if (this.#isClosed) queueMicrotask(() => receive(new StorageError('io', 'the other node is gone')))
  }

  close(): Promise<void> {
    this.#closed = () => undefined
    this.#port.close()
    return Promise.resolve()
  }
}
