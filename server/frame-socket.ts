// A socket that carries frames of the storage protocol (storage/message/frame.ts), plain or TLS, either side of it.
//
//   send × n in one turn ──cork──▶ one write of the socket        no Nagle: who waits for an answer waits for no timer
//   chunk ──▶ FrameReader ──▶ onFrame × n                         a stream that is no frames ends the connection
//
// Invariants: after `onEnd` was called, once, nothing is called any more and what is sent vanishes. Whoever takes no
// answers while it goes on asking is cut off before the process runs out of memory.

import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

import { StorageError } from '../storage/base/errors.ts'
import {
  type Frame,
  FRAME_HEAD_SIZE_BYTES_MAX,
  FRAME_TAIL_SIZE_BYTES_MAX,
  FrameReader,
} from '../storage/message/frame.ts'
import { STORAGE_UNSENT_SIZE_BYTES_MAX } from './limits.ts'

const KEEP_ALIVE_MS = 10_000

export interface FrameSocketEvents {
  /** A whole frame. May throw StorageError: that ends the connection. */
  frame(frame: Frame): void
  /** The connection is gone. */
  end(reason: StorageError): void
}

export class FrameSocket {
  readonly #socket: Socket
  readonly #events: FrameSocketEvents
  readonly #reader = new FrameReader()
  #isCorked = false
  #hasEnded = false

  constructor(socket: Socket, events: FrameSocketEvents) {
    this.#socket = socket
    this.#events = events
    socket.setNoDelay(true)
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('error', (error) => this.end(connectionError(socket, error)))
    socket.on('close', () => this.end(new StorageError('io', 'the connection was closed')))
  }

  /** The other side has proved who it is: it may send large frames from now on. */
  trust(): void {
    this.#reader.sizeMax = FRAME_HEAD_SIZE_BYTES_MAX + FRAME_TAIL_SIZE_BYTES_MAX
  }

  /** Sends the pieces of a frame, together with what else is sent in this turn. */
  send(pieces: readonly Buffer[]): void {
    if (this.#hasEnded) return
    const socket = this.#socket
    if (!this.#isCorked) {
      this.#isCorked = true
      socket.cork()
      process.nextTick(() => this.#uncork())
    }
    for (const piece of pieces) socket.write(piece)
    if (socket.writableLength > STORAGE_UNSENT_SIZE_BYTES_MAX)
      this.end(new StorageError('io', 'the other side does not read what it is sent'))
  }

  #uncork(): void {
    this.#isCorked = false
    this.#socket.uncork()
  }

  #receive(chunk: Buffer): void {
    const reader = this.#reader
    try {
      reader.push(chunk)
      while (!this.#hasEnded) {
        const frame = reader.next()
        if (frame === undefined) return
        this.#events.frame(frame)
      }
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      this.end(error)
    }
  }

  /** Ends the connection, sending `farewell` first if there is one. */
  end(reason: StorageError, farewell?: Buffer): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    const socket = this.#socket
    if (farewell === undefined) socket.destroy()
    else socket.end(farewell, () => socket.destroySoon())
    this.#events.end(reason)
  }
}

/** A certificate that is not accepted will not be the next time either. */
function connectionError(socket: Socket, { message }: Error): StorageError {
  const isStranger = socket instanceof TLSSocket && Boolean(socket.authorizationError)
  return isStranger
    ? new StorageError('refused', `its certificate is not accepted: ${message}`)
    : new StorageError('io', message)
}
