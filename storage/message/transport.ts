// How messages get from a volume to one storage node and back: the seam between worker threads of one process, TCP
// and the seeded simulator. A transport promises nothing: messages may be lost, late, doubled or reordered,
// and whoever sends deals with it. Bytes inside a sent message belong to the sender and stay unchanged until the node
// answered that message; a transport that delivers later than that copies them.
//
// A thread that ended is gone for good. A transport to another process is not: it connects again by itself, with growing
// pauses, for as long as it is not closed. Each loss is told (onClose): what was sent and not answered will not be
// answered. What is sent while there is no connection is lost, or answered 'failed' (io) at once by the transport.

import type { NodeMessage, VolumeMessage } from './message.ts'

/** The volume's end of a connection to one node. */
export interface Transport {
  send(message: VolumeMessage): void
  /** Sets the one receiver of answers. */
  onMessage(receive: (message: NodeMessage) => void): void
  /** Sets the one receiver of the news that what was sent will not be answered (worker ended, connection lost). */
  onClose(receive: (reason: Error) => void): void
  /** Sets the one receiver of the news that the connection is back; never called where a loss is for good. */
  onOpen?(receive: () => void): void
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
