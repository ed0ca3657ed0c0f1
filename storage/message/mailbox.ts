// Two slots of memory that a volume and a node in a thread of the same process share: one for an append on its way to
// the node, one for the node's acknowledgement. With the bell of the node's thread, which it shares with the other nodes
// there, they replace a structured clone and two wake-ups of an event loop by a copy and a ring; everything else, and
// whatever does not fit, goes as a message through the node's port.
//
//   volume                        shared memory                       node
//     put(append) ───copy───▶ request: empty → full ──bell──▶ take() … persist …
//     takeAnswer() ◀───────── answer:  full ◀── empty ◀────── answer(appended): the request is empty again
//
//   offset size  field          meaning
//        0    4  request        0 empty, 1 full
//        4    4  answer         0 empty, 1 full
//        8    8  answer id      then u32 count, u32 0, count × (u32 timeline, u32 group, u64 SCL)
//     1048    8  request id     then u64 volume epoch, u64 membership epoch, u32 count, u32 0, count × u32 length, and
//                               the batches, each at a multiple of eight
//
// The two words are read and written by Atomics only, and a slot's contents only by the side that may: the sender while
// it is empty, the receiver while it is full.

import { putU32, putU64, u32, u64 } from '../base/bytes.ts'
import type { Epoch, GroupNo, Lsn, TimelineId } from '../base/ids.ts'
import type { NodeMessage, VolumeMessage } from './message.ts'

const REQUEST = 0
const ANSWER = 1
const ANSWER_OFFSET = 8
const ANSWER_HEADER_SIZE_BYTES = 16
const ANSWER_SEGMENTS_MAX = 64
const REQUEST_OFFSET: number = ANSWER_OFFSET + ANSWER_HEADER_SIZE_BYTES + ANSWER_SEGMENTS_MAX * 16
const REQUEST_HEADER_SIZE_BYTES = 32
const MAILBOX_SIZE_BYTES: number = 256 * 1024

/** As a message in either direction: look into the mailbox. */
export const WAKE_UP = 0

type Append = Extract<VolumeMessage, { kind: 'append' }>
type Appended = Extract<NodeMessage, { kind: 'appended' }>

export function newMailboxMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(MAILBOX_SIZE_BYTES)
}

/** Either side's view of the memory. */
export class Mailbox {
  readonly #words: Int32Array
  readonly #bytes: Buffer

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory, 0, 2)
    this.#bytes = Buffer.from(memory)
  }

  // --- the volume's side

  /** Copies an append into its slot; false if it does not fit or the slot is full. */
  put(message: Append): boolean {
    if (Atomics.load(this.#words, REQUEST) !== 0) return false
    const { batches } = message
    const bytes = this.#bytes
    let at = align(REQUEST_OFFSET + REQUEST_HEADER_SIZE_BYTES + batches.length * 4)
    let end = at
    for (const batch of batches) end = align(end + batch.length)
    if (end > bytes.length) return false
    putU64(bytes, REQUEST_OFFSET, message.id)
    putU64(bytes, REQUEST_OFFSET + 8, message.volumeEpoch)
    putU64(bytes, REQUEST_OFFSET + 16, message.membershipEpoch)
    putU32(bytes, REQUEST_OFFSET + 24, batches.length)
    let lengthAt = REQUEST_OFFSET + REQUEST_HEADER_SIZE_BYTES
    for (const batch of batches) {
      putU32(bytes, lengthAt, batch.length)
      bytes.set(batch, at)
      lengthAt += 4
      at = align(at + batch.length)
    }
    Atomics.store(this.#words, REQUEST, 1)
    return true
  }

  takeAnswer(): Appended | undefined {
    if (Atomics.load(this.#words, ANSWER) === 0) return undefined
    const bytes = this.#bytes
    const segments: { timeline: TimelineId; group: GroupNo; scl: Lsn }[] = []
    const count = u32(bytes, ANSWER_OFFSET + 8)
    for (let at = ANSWER_OFFSET + ANSWER_HEADER_SIZE_BYTES; segments.length < count; at += 16) {
      const timeline = u32(bytes, at) as TimelineId
      const group = u32(bytes, at + 4) as GroupNo
      segments.push({ timeline, group, scl: u64(bytes, at + 8) as Lsn })
    }
    const id = u64(bytes, ANSWER_OFFSET)
    Atomics.store(this.#words, ANSWER, 0)
    return { kind: 'appended', id, segments }
  }

  // --- the node's side

  /** The append in the slot, its batches in place: they stay until `release`. */
  take(): Append | undefined {
    if (Atomics.load(this.#words, REQUEST) === 0) return undefined
    const bytes = this.#bytes
    const count = u32(bytes, REQUEST_OFFSET + 24)
    let at = align(REQUEST_OFFSET + REQUEST_HEADER_SIZE_BYTES + count * 4)
    const batches: Uint8Array[] = []
    for (let index = 0; index < count; index++) {
      const length = u32(bytes, REQUEST_OFFSET + REQUEST_HEADER_SIZE_BYTES + index * 4)
      batches.push(bytes.subarray(at, at + length))
      at = align(at + length)
    }
    return {
      kind: 'append',
      id: u64(bytes, REQUEST_OFFSET),
      volumeEpoch: u64(bytes, REQUEST_OFFSET + 8) as Epoch,
      membershipEpoch: u64(bytes, REQUEST_OFFSET + 16) as Epoch,
      batches,
    }
  }

  /** Whether an append is in the slot, taken or not. */
  get isFull(): boolean {
    return Atomics.load(this.#words, REQUEST) !== 0
  }

  /** The append that was taken is answered: its slot is empty again. */
  release(): void {
    Atomics.store(this.#words, REQUEST, 0)
  }

  /** Puts an answer into its slot; false if it does not fit or the slot is full. */
  answer(message: NodeMessage): boolean {
    if (message.kind !== 'appended' || message.segments.length > ANSWER_SEGMENTS_MAX) return false
    if (Atomics.load(this.#words, ANSWER) !== 0) return false
    const bytes = this.#bytes
    putU64(bytes, ANSWER_OFFSET, message.id)
    putU32(bytes, ANSWER_OFFSET + 8, message.segments.length)
    let at = ANSWER_OFFSET + ANSWER_HEADER_SIZE_BYTES
    for (const { timeline, group, scl } of message.segments) {
      putU32(bytes, at, timeline)
      putU32(bytes, at + 4, group)
      putU64(bytes, at + 8, scl)
      at += 16
    }
    Atomics.store(this.#words, ANSWER, 1)
    return true
  }
}

const RINGS = 0
const PARKED = 1
const PORT_RINGS = 2
const BELL_SIZE_BYTES = 12

export function newBellMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(BELL_SIZE_BYTES)
}

/**
 * What a thread of nodes waits on. Three words: how often something was sent to the thread, into a mailbox or through a port;
 * 1 while it sleeps in its event loop, where only a message through a port wakes it; and how often it came through a port,
 * since that is found by a turn of the event loop only.
 */
export class Bell {
  readonly #words: Int32Array

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory)
  }

  // --- the volume's side

  /** Tells the thread that there is something. False if it sleeps too deeply: then it needs a message through a port. */
  ring(): boolean {
    Atomics.add(this.#words, RINGS, 1)
    if (Atomics.load(this.#words, PARKED) !== 0) return false
    Atomics.notify(this.#words, RINGS)
    return true
  }

  /** Tells the thread of a message that was sent through a port, which wakes it if it sleeps. */
  ringForPort(): void {
    Atomics.add(this.#words, PORT_RINGS, 1)
    this.ring()
  }

  // --- the thread's side

  /** How often it rang for a port. */
  get portRings(): number {
    return Atomics.load(this.#words, PORT_RINGS)
  }

  /** How often the bell rang; for `wait`. */
  get rings(): number {
    return Atomics.load(this.#words, RINGS)
  }

  /** Blocks this thread until the bell has rung more often than `rings`, or `timeoutMs` have passed. False: no ring. */
  wait(rings: number, timeoutMs: number): boolean {
    return Atomics.wait(this.#words, RINGS, rings, timeoutMs) !== 'timed-out'
  }

  /** Says that only a message through a port wakes the thread from now on. False, and it is not so, if the bell rang since. */
  park(rings: number): boolean {
    Atomics.store(this.#words, PARKED, 1)
    if (this.rings === rings) return true
    this.unpark()
    return false
  }

  unpark(): void {
    Atomics.store(this.#words, PARKED, 0)
  }
}

/** A flag shared by all nodes of a volume: whether the volume's thread was told already that there are answers. */
export class Doorbell {
  readonly #word: Int32Array

  constructor(memory: SharedArrayBuffer) {
    this.#word = new Int32Array(memory, 0, 1)
  }

  /** True for whoever must wake the volume: nobody has since it last looked. */
  press(): boolean {
    return Atomics.exchange(this.#word, 0, 1) === 0
  }

  /** The volume is about to look at every answer slot. */
  reset(): void {
    Atomics.store(this.#word, 0, 0)
  }
}

function align(offset: number): number {
  return (offset + 7) & ~7
}
