// A socket that carries frames of the storage protocol (storage/message/frame.ts), plain or TLS, either side of it.
//
//   send × n in one turn ──cork──▶ one write of the socket        no Nagle: who waits for an answer waits for no timer
//   chunk ──▶ FrameReader ──▶ onFrame × n                         a stream that is no frames ends the connection
//
// A reader has copied all of a chunk when it asks for the next: plain connections read into the same memory again and
// again (read-buffer.ts, or `onread` of a connection that is dialed).
//
// Invariants: after `onEnd` was called, once, nothing is called any more and what is sent vanishes. Whoever takes no
// answers while it goes on asking is cut off before the process runs out of memory.

import type { Socket, TcpSocketConnectOpts } from 'node:net'
import { TLSSocket } from 'node:tls'

import { StorageError } from '../../storage/base/errors.ts'
import {
  type Frame,
  FRAME_HEAD_SIZE_BYTES_MAX,
  FRAME_TAIL_SIZE_BYTES_MAX,
  FrameReader,
} from '../../storage/message/frame.ts'
import { READ_SIZE_BYTES_MAX, STORAGE_UNSENT_SIZE_BYTES_MAX } from '../limits.ts'
import { readInPlace, type ReadTarget } from '../read-buffer.ts'

const KEEP_ALIVE_MS = 10_000

export interface FrameSocketEvents {
  /** A whole frame. May throw StorageError: that ends the connection. */
  frame(frame: Frame): void
  /** The connection is gone. */
  end(reason: StorageError): void
}

/** Where a connection that is dialed puts what it reads. */
export type ReadInto = NonNullable<TcpSocketConnectOpts['onread']>

export class FrameSocket implements ReadTarget {
  readonly #socket: Socket
  readonly #events: FrameSocketEvents
  readonly #reader = new FrameReader()
  #isCorked = false
  #hasEnded = false

  /** Whatever arrived is done with. */
  readonly round = 0

  private constructor(open: (self: FrameSocket) => Socket, events: FrameSocketEvents) {
    this.#events = events
    const socket = open(this)
    this.#socket = socket
    socket.setNoDelay(true)
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('end', () => this.end(new StorageError('io', 'the connection was closed')))
    socket.on('error', (error) => this.end(connectionError(socket, error)))
    socket.on('close', () => this.end(new StorageError('io', 'the connection was closed')))
  }

  /** Takes over a socket that was accepted. */
  static accepted(socket: Socket, events: FrameSocketEvents): FrameSocket {
    const own = (self: FrameSocket): Socket =>
      socket instanceof TLSSocket ? socket : (readInPlace(socket, self) ?? socket)
    return new FrameSocket(own, events)
  }

  /** `dial` begins a connection, which may read into what it is given. */
  static dialed(dial: (into: ReadInto) => Socket, events: FrameSocketEvents): FrameSocket {
    return new FrameSocket((self) => {
      const buffer = Buffer.allocUnsafeSlow(READ_SIZE_BYTES_MAX)
      const callback = (count: number): boolean => {
        self.receive(buffer, count)
        return true
      }
      return dial({ buffer, callback })
    }, events)
  }

  receive(memory: Buffer, count: number): void {
    this.#receive(memory.subarray(0, count))
  }

  stillReads(): boolean {
    return false
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
