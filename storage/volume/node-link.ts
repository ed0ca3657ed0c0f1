// The volume's side of one storage node: numbered requests, the one append in flight, the queue behind it, and what the
// node is known to hold.
//
//   live ── queue too long, 'behind', connection back ──▶ lagging ── catch-up.ts ──▶ live
//    └────── disk error, connection lost ──▶ failed ◀──────┘
//
// A node that is slow or gone never holds anything up but its own queue, which is bounded.

import { assert, must } from '../base/assert.ts'
import type { Clock } from '../base/env.ts'
import { StorageError } from '../base/errors.ts'
import { asEpoch, type Epoch, type Lsn, type TimelineId } from '../base/ids.ts'
import type { NodeMessage, VolumeMessage } from '../message/message.ts'
import type { Transport } from '../message/transport.ts'
import type { SharedBytes } from './batch-memory.ts'

/** A node whose queue outgrows one of these fetches from its peers instead. */
const QUEUE_SIZE_BYTES_MAX = 16 * 1024 * 1024
const QUEUE_BATCHES_MAX = 8192
/** Bytes of batches sent in one message. */
export const MESSAGE_SIZE_BYTES_MAX: number = 1024 * 1024
const LATENCY_WEIGHT = 0.2

/** One way to describe a node: where it is and how to talk to it. */
export interface NodeAddress {
  readonly id: number
  readonly zone: string
  readonly transport: Transport
}

type WithoutBase<M> = M extends unknown ? Omit<M, 'id' | 'volumeEpoch' | 'membershipEpoch'> : never
/** A request without its number and epochs, which the link fills in. */
export type NodeRequest = WithoutBase<VolumeMessage>
type Failed = Extract<NodeMessage, { kind: 'failed' }>

/** A batch as it waits for one node. */
export interface QueuedBatch {
  readonly shared: SharedBytes
  readonly queuedMs: number
}

interface Pending {
  readonly message: VolumeMessage
  readonly settle: (answer: NodeMessage) => void
  cancelTimeout: (() => void) | undefined
  cancelResend: (() => void) | undefined
}

/** What the volume wants to hear from its links. */
export interface LinkEvents {
  /** The node answered an append: these segments stand here now, and the link is idle. */
  appended(link: NodeLink, segments: readonly { timeline: TimelineId; scl: Lsn }[]): void
  /** The node needs to be caught up. */
  lagging(link: NodeLink): void
  /** The node refused the volume's epoch. */
  fenced(error: StorageError): void
  failed(link: NodeLink): void
}

export interface LinkSettings {
  readonly clock: Clock
  /** Sends a request again when its answer is this late; undefined where transports lose nothing. */
  readonly resendAfterMs: number | undefined
}

export class NodeLink {
  readonly id: number
  readonly zone: string
  volumeEpoch: Epoch = asEpoch(0)
  membershipEpoch: Epoch = asEpoch(0)
  mode: 'joining' | 'live' | 'lagging' | 'failed' = 'joining'
  /** Whether new batches are queued for it (a lagging node that is nearly there gets them again). */
  accepting = false
  error: StorageError | undefined
  /** Round trip of reads in ms, smoothed; grows when reads fail. */
  readLatencyMs = 0
  messagesSent = 0
  readonly #transport: Transport
  readonly #settings: LinkSettings
  readonly #events: LinkEvents
  readonly #pending = new Map<number, Pending>()
  #nextId = 1
  #queue: QueuedBatch[] = []
  #queueSize = 0
  #inFlight: readonly QueuedBatch[] | undefined

  constructor(address: NodeAddress, settings: LinkSettings, events: LinkEvents) {
    this.id = address.id
    this.zone = address.zone
    this.#transport = address.transport
    this.#settings = settings
    this.#events = events
    this.#transport.onMessage((answer) => this.#receive(answer))
    this.#transport.onClose((reason) => {
      const kind = reason instanceof StorageError ? reason.kind : 'io'
      this.fail(new StorageError(kind, `node ${this.id}: ${reason.message}`))
    })
  }

  /** Whether a batch handed over now would leave at once. */
  get isIdle(): boolean {
    return this.mode === 'live' && this.#inFlight === undefined
  }

  /** Whether the queue may be sent: also to a node that is nearly caught up. */
  get isSendable(): boolean {
    return (
      this.#inFlight === undefined && (this.mode === 'live' || (this.mode === 'lagging' && this.accepting))
    )
  }

  get queueLength(): number {
    return this.#queue.length
  }

  get queueSize(): number {
    return this.#queueSize
  }

  /** When the oldest waiting batch was queued; undefined if none waits. */
  get waitingSinceMs(): number | undefined {
    return this.#queue[0]?.queuedMs
  }

  /** Sends a request and returns its answer. Rejects with StorageError when the node refuses or is gone. */
  request(request: NodeRequest, timeoutMs?: number): Promise<NodeMessage> {
    return new Promise((resolve, reject) => {
      const settle = (answer: NodeMessage): void => {
        if (answer.kind === 'failed') reject(this.#toError(answer))
        else resolve(answer)
      }
      this.#send(request, settle, timeoutMs)
    })
  }

  #send(request: NodeRequest, settle: (answer: NodeMessage) => void, timeoutMs: number | undefined): void {
    const id = this.#nextId++
    if (this.mode === 'failed') return settle(gone(id, this.error))
    const { volumeEpoch, membershipEpoch } = this
    // The union loses its link between kind and fields on the way through Omit and spread.
    const message = { ...request, id, volumeEpoch, membershipEpoch } as VolumeMessage
    const pending: Pending = { message, settle, cancelTimeout: undefined, cancelResend: undefined }
    this.#pending.set(id, pending)
    const { clock, resendAfterMs } = this.#settings
    if (timeoutMs !== undefined) {
      pending.cancelTimeout = clock.after(timeoutMs, () => {
        if (this.#take(id) === undefined) return
        settle(gone(id, new StorageError('io', `node ${this.id} did not answer in ${timeoutMs} ms`)))
      })
    }
    if (resendAfterMs !== undefined) this.#resendLater(pending, resendAfterMs)
    this.messagesSent++
    this.#transport.send(message)
  }

  #resendLater(pending: Pending, delayMs: number): void {
    pending.cancelResend = this.#settings.clock.after(delayMs, () => {
      this.messagesSent++
      this.#transport.send(pending.message)
      this.#resendLater(pending, delayMs)
    })
  }

  #receive(answer: NodeMessage): void {
    this.#take(answer.id)?.settle(answer)
  }

  /** Removes a pending request and its timers. */
  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id)
    if (pending === undefined) return undefined
    this.#pending.delete(id)
    pending.cancelTimeout?.()
    pending.cancelResend?.()
    return pending
  }

  /** Puts a batch into the queue; `flush` sends it. */
  enqueue(shared: SharedBytes): void {
    if (!this.accepting) return shared.release()
    this.#queue.push({ shared, queuedMs: this.#settings.clock.monotonicMs() })
    this.#queueSize += shared.bytes.length
    if (this.#queueSize > QUEUE_SIZE_BYTES_MAX || this.#queue.length > QUEUE_BATCHES_MAX) this.lag()
  }

  /** Sends what is queued, if nothing is in flight. */
  flush(): void {
    if (this.#inFlight !== undefined || this.#queue.length === 0 || this.mode === 'failed') return
    const sent = this.#takeMessage()
    this.#inFlight = sent
    const batches = sent.map(({ shared }) => shared.bytes)
    this.#send({ kind: 'append', batches }, (answer) => this.#appended(sent, answer), undefined)
  }

  #takeMessage(): QueuedBatch[] {
    let count = 0
    let size = 0
    while (count < this.#queue.length) {
      const length = must(this.#queue[count]).shared.bytes.length
      if (count > 0 && size + length > MESSAGE_SIZE_BYTES_MAX) break
      size += length
      count++
    }
    this.#queueSize -= size
    return this.#queue.splice(0, count)
  }

  #appended(sent: readonly QueuedBatch[], answer: NodeMessage): void {
    assert(this.#inFlight === sent || this.mode === 'failed', 'one append is in flight at a time')
    this.#inFlight = undefined
    for (const { shared } of sent) shared.release()
    if (answer.kind === 'appended') return this.#events.appended(this, answer.segments)
    if (answer.kind !== 'failed' || this.mode === 'failed') return
    if (answer.failure === 'fenced') this.#events.fenced(this.#toError(answer))
    else if (answer.fatal) this.fail(this.#toError(answer))
    else this.lag()
  }

  /** From here on the node is filled from its peers. */
  lag(): void {
    this.#dropQueue()
    this.accepting = false
    if (this.mode === 'lagging' || this.mode === 'failed') return
    this.mode = 'lagging'
    this.#events.lagging(this)
  }

  /** Gives up on the node until it joins again. */
  fail(error: StorageError): void {
    if (this.mode === 'failed') return
    this.mode = 'failed'
    this.error = error
    this.accepting = false
    this.#dropQueue()
    for (const id of [...this.#pending.keys()]) this.#take(id)?.settle(gone(id, error))
    this.#events.failed(this)
  }

  #dropQueue(): void {
    for (const { shared } of this.#queue) shared.release()
    this.#queue = []
    this.#queueSize = 0
  }

  /** Takes the time of a read into account; `undefined` for one that failed. */
  observeRead(tookMs: number | undefined): void {
    const observed = tookMs ?? this.readLatencyMs * 4 + 10
    this.readLatencyMs += (observed - this.readLatencyMs) * LATENCY_WEIGHT
  }

  #toError(answer: Failed): NodeError {
    const kind = answer.failure === 'behind' ? 'io' : answer.failure
    const name = `node ${this.id}: `
    const message = answer.message.startsWith(name) ? answer.message : name + answer.message
    return new NodeError(kind, message, answer)
  }

  async close(): Promise<void> {
    if (this.mode !== 'failed') await this.request({ kind: 'shut-down' }, 5000).catch(() => undefined)
    this.mode = 'failed'
    await this.#transport.close()
  }
}

/** A node's refusal, with what it said about the cause. */
export class NodeError extends StorageError {
  readonly answer: Failed

  constructor(kind: StorageError['kind'], message: string, answer: Failed) {
    super(kind, message, answer.detail)
    this.answer = answer
  }
}

/** The answer that takes the place of one that will not come. */
function gone(id: number, error: StorageError | undefined): Failed {
  const failure = error?.kind ?? 'io'
  const message = error?.message ?? 'the node is gone'
  return { kind: 'failed', id, failure, message, detail: error?.detail, damaged: undefined, fatal: false }
}
