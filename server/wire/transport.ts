// A connection's socket, plain or TLS: bytes in go to the reader and wake whoever parses, bytes out come from the sink.
//
//   socket ──chunk──▶ reader ──▶ onInput()       nobody is called while the transport is held: bytes wait, and beyond
//      ◀──bytes────── sink                       a bound the socket is paused, so that the client feels it.
//                                                A transport begins held
//
// Invariants: after the socket closed, `isLost` is true, onInput has been called once more, writes vanish and `drained`
// does not wait. `hasEnded` means the client will send nothing more; what it sent is still answered.

import type { Socket } from 'node:net'
import { type SecureContext, TLSSocket } from 'node:tls'
import { LINGER_TIMEOUT_MS, WAITING_INPUT_SIZE_BYTES_MAX } from '../limits.ts'
import { MessageReader } from './message-reader.ts'
import type { ByteOutlet } from './message-sink.ts'
import { nodeEnv } from '../node-env.ts'
import { readInPlace, type ReadTarget } from '../read-buffer.ts'

export class Transport implements ByteOutlet, ReadTarget {
  readonly reader: MessageReader = new MessageReader()
  readonly remoteAddress: string | undefined
  /** The client has closed its side. */
  hasEnded = false
  /** The socket is gone. */
  isLost = false
  round = 0
  /** Called after bytes arrived, the client ended, or the socket was lost; never while held. */
  onInput: () => void = () => {}
  /** Called once when the socket is gone, held or not. */
  onLost: () => void = () => {}

  #socket: Socket
  #isHeld = true
  #isPaused = false
  #drain: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined

  constructor(accepted: Socket) {
    const socket = readInPlace(accepted, this) ?? accepted.resume()
    this.#socket = socket
    this.remoteAddress = socket.remoteAddress
    socket.setNoDelay(true)
    socket.setKeepAlive(true)
    this.#listen(socket)
  }

  get isSecure(): boolean {
    return this.#socket instanceof TLSSocket
  }

  /** Stops calling onInput: a statement runs. */
  hold(): void {
    this.#isHeld = true
  }

  /** Goes on calling onInput for what arrives from now on; the caller looks at the reader for what has arrived. */
  release(): void {
    this.#isHeld = false
    this.round++
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#socket.resume()
  }

  /** Waits until something happens that calls onInput. For the handshake, which is no hot path. */
  more(): Promise<void> {
    return new Promise((resolve) => {
      this.onInput = () => {
        this.onInput = () => {}
        this.hold()
        resolve()
      }
      this.release()
    })
  }

  write(bytes: Buffer): boolean {
    if (this.isLost) return true
    const socket = this.#socket
    socket.write(bytes)
    // A plain socket tries the system call at once: nothing queued means that the kernel has a copy.
    return socket.writableLength === 0
  }

  drained(): Promise<void> | undefined {
    const socket = this.#socket
    if (this.isLost || socket.writableLength === 0 || !socket.writableNeedDrain) return undefined
    if (this.#drain === undefined) {
      let resolve: () => void = () => {}
      const promise = new Promise<void>((resolved) => {
        resolve = resolved
      })
      this.#drain = { promise, resolve }
    }
    return this.#drain.promise
  }

  /** Continues over TLS, as the server of the handshake. Resolves when it is done, or the socket lost. */
  secure(secureContext: SecureContext): Promise<void> {
    const plain = this.#socket
    plain.removeAllListeners()
    const secured = new TLSSocket(plain, { isServer: true, secureContext })
    this.#socket = secured
    this.#listen(secured)
    plain.on('error', () => secured.destroy())
    plain.on('close', () => secured.destroy())
    this.release()
    return new Promise((resolve) => {
      secured.once('secure', () => resolve())
      secured.once('close', () => resolve())
    })
  }

  /** Sends what is queued, then closes. A client that does not read it in time is cut off. */
  end(): void {
    if (this.isLost) return
    const socket = this.#socket
    this.#isHeld = true
    socket.removeAllListeners('data')
    socket.resume()
    socket.end()
    const cancel = nodeEnv.clock.after(LINGER_TIMEOUT_MS, () => socket.destroy())
    socket.once('close', cancel)
    if (this.hasEnded) return
    // The client closes its side when it sees ours; destroying earlier could take our last bytes away (RST).
    socket.once('end', () => socket.destroy())
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #listen(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => this.receive(chunk, chunk.length))
    socket.on('drain', () => this.#releaseWriters())
    socket.on('end', () => {
      this.hasEnded = true
      if (!this.#isHeld) this.onInput()
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      this.isLost = true
      this.hasEnded = true
      this.#releaseWriters()
      this.onLost()
      if (!this.#isHeld) this.onInput()
    })
  }

  receive(chunk: Buffer, count: number): void {
    this.reader.push(chunk, count)
    if (!this.#isHeld) {
      this.onInput()
    } else if (!this.#isPaused && this.reader.waiting > WAITING_INPUT_SIZE_BYTES_MAX) {
      this.#isPaused = true
      this.#socket.pause()
    }
  }

  /** A statement that waits may still read the message it came with. */
  stillReads(memory: Buffer): boolean {
    return this.#isHeld || !this.reader.hasLeft(memory)
  }

  #releaseWriters(): void {
    const drain = this.#drain
    this.#drain = undefined
    drain?.resolve()
  }
}
