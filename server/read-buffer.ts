// Where the bytes of plain connections arrive. Node's own way gives every read a new 64 KB of memory, shrinks it, and
// takes the bytes through a stream: a third of what an answer costs, and a collection of garbage every second. Instead,
// each connection reads into one buffer again and again, through net.Socket's `onread`.
//
//   kernel ──read──▶ memory ──▶ input(memory, count)            still needed afterwards (a message whose rest is to come, a
//                      ▲                   │                    statement that waits)? then the next read gets other memory:
//                      └────── again ◀─────┘                    what was put aside before and is done with, or new
//
// Servers cannot ask for `onread` when they accept, so the accepted socket's handle is given to a socket that has it. If a
// version of Node does not have the handle where it is looked for, the socket is used as it is.

import { type ConnectOpts, Socket, type SocketConstructorOpts } from 'node:net'
import { READ_SIZE_BYTES_INITIAL, READ_SIZE_BYTES_MAX } from './limits.ts'

/** Who the bytes are for. */
export interface ReadTarget {
  /** Bytes [0, count) of `memory` have arrived. */
  receive(memory: Buffer, count: number): void
  /** Asked after each call of receive: whether the bytes in `memory` are still needed. */
  stillReads(memory: Buffer): boolean
  /** Changes whenever everything that arrived so far is done with. */
  readonly round: number
}

/** A socket over the handle of `accepted`, whose bytes go to `target` and not into a stream; undefined: no handle there. */
export function readInPlace(accepted: Socket, target: ReadTarget): Socket | undefined {
  const owner = accepted as unknown as { _handle?: object | null }
  const handle = owner._handle
  if (handle === undefined || handle === null || !('useUserBuffer' in handle)) return undefined
  owner._handle = null
  accepted.destroy()
  let memory = Buffer.allocUnsafeSlow(READ_SIZE_BYTES_INITIAL)
  let size = READ_SIZE_BYTES_INITIAL
  let aside: typeof memory | undefined
  let asideSince = 0
  const other = (): typeof memory => {
    const isDone = aside !== undefined && aside.length >= size && target.round !== asideSince
    const next = isDone && aside !== undefined ? aside : Buffer.allocUnsafeSlow(size)
    aside = memory
    asideSince = target.round
    return next
  }
  const options: SocketConstructorOpts & ConnectOpts & { handle: object } = {
    handle,
    allowHalfOpen: true,
    onread: {
      /** Asked before the first read and after each: what takes the next. */
      buffer: () => {
        if (memory.length < size || target.stillReads(memory)) memory = other()
        return memory
      },
      callback: (count) => {
        // Who fills it sends much: COPY, large statements.
        if (count === memory.length) size = READ_SIZE_BYTES_MAX
        target.receive(memory, count)
        return true
      },
    },
  }
  return new Socket(options)
}
