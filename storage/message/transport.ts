// How messages get from a volume to one storage node and back: the seam between worker threads of one process, TCP
// and the seeded simulator. A transport promises nothing: messages may be lost, late, doubled or reordered,
// and whoever sends deals with it. Bytes inside a sent message belong to the sender and stay unchanged until the node
// answered that message; a transport that delivers later than that copies them.
//
// A transport is one connection: what is sent before it stands waits for it, and once it is lost (onClose) nothing that
// was sent and not answered will be answered; whoever still wants the node asks for a new transport.

import type { NodeMessage, VolumeMessage } from './message.ts'

/** The volume's end of a connection to one node. */
export interface Transport {
  send(message: VolumeMessage): void
  /** Sets the one receiver of answers. */
  onMessage(receive: (message: NodeMessage) => void): void
  /** Sets the one receiver of the news that nothing will come any more (worker ended, connection lost or refused). */
  onClose(receive: (reason: Error) => void): void
  /** Lets go of the connection once what was sent is handled. */
  close(): Promise<void>
}

/** The node's end: how it answers. The bytes of `transfer` may be moved instead of copied. */
export type Reply = (message: NodeMessage, transfer?: ArrayBuffer) => void

/** How a node reaches the other nodes of its volume. */
export interface Peers {
  /** The way to a peer, by its number and address (./configuration.ts); the same object until it is closed. */
  reach(node: number, address: string | undefined): Transport
}
