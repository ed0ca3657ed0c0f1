// The volume's side of one storage node: the connection, numbered requests, the one append in flight, the queue behind
// it, and what is known of how the node does.
//
//   joining ── fenced, aligned (./joining.ts) ──▶ live ── queue too long, 'behind', no answer ──▶ joining
//      ▲                                           │
//      └── a fresh connection ◀── failed ◀─────────┘ disk error, connection lost
//
// A node that is slow or gone never holds anything up but its own queue, which is bounded. What was queued or under way
// to a node that stopped being live is let go of: it gets that from its peers, and what no write quorum has yet is sent
// again when it is live again (./sent-batches.ts).

import { must } from '../base/assert.ts'
import type { Clock } from '../base/env.ts'
import { StorageError } from '../base/errors.ts'
import { asEpoch, type Epoch, type GroupNo, type Lsn, type TimelineId } from '../base/ids.ts'
import type { Configuration, Member } from '../message/configuration.ts'
import type { NodeMessage, VolumeMessage } from '../message/message.ts'
import type { Transport } from '../message/transport.ts'
import type { SharedBytes } from './batch-memory.ts'

/** A node whose queue outgrows one of these fetches from its peers instead. */
const QUEUE_SIZE_BYTES_MAX = 16 * 1024 * 1024
const QUEUE_BATCHES_MAX = 8192
/** Bytes of batches sent in one message. */
export const MESSAGE_SIZE_BYTES_MAX: number = 1024 * 1024
const LATENCY_WEIGHT = 0.2
/** Pause before a fresh connection: doubled after each failure. */
const RECONNECT_MS_MIN = 100
const RECONNECT_MS_MAX = 2000

type WithoutBase<M> = M extends unknown ? Omit<M, 'id' | 'volumeEpoch' | 'membershipEpoch'> : never
/** A request without its number and epochs, which the link fills in. */
export type NodeRequest = WithoutBase<VolumeMessage>
type Failed = Extract<NodeMessage, { kind: 'failed' }>
export type AppendedSegment = { readonly timeline: TimelineId; readonly group: GroupNo; readonly scl: Lsn }

/** A batch as it waits for one node. */
interface QueuedBatch {
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
  appended(link: NodeLink, segments: readonly AppendedSegment[]): void
  /** The node must be fenced and aligned before it is sent anything else. */
  joining(link: NodeLink): void
  /** The node refused the volume's epoch. */
  fenced(error: StorageError): void
  failed(link: NodeLink): void
}

export interface LinkSettings {
  readonly clock: Clock
  /** Sends a request again when its answer is this late; undefined where transports lose nothing. */
  readonly resendAfterMs: number | undefined
  readonly reach: (member: Member) => Transport
}

export class NodeLink {
  readonly member: Member
  /** Where the volume's arrays have this node. */
  readonly place: number
  volumeEpoch: Epoch = asEpoch(0)
  membershipEpoch: Epoch = asEpoch(0)
  mode: 'joining' | 'live' | 'failed' = 'joining'
  /** It was fenced on this connection: where its segments stand is known, and it may be asked for pages. */
  isReadable = false
  error: StorageError | undefined
  /** Round trip of reads in ms, smoothed; grows when reads fail. */
  readLatencyMs = 0
  messagesSent = 0
  appendsSent = 0
  messagesReceived = 0
  /** When it went live last. */
  liveMs: number = -Infinity
  /** When the node last said anything. */
  heardMs: number
  readonly #settings: LinkSettings
  readonly #events: LinkEvents
  readonly #pending = new Map<number, Pending>()
  #transport: Transport | undefined
  #reconnectMs = RECONNECT_MS_MIN
  #cancelReconnect: (() => void) | undefined
  #isClosed = false
  #nextId = 1
  #queue: QueuedBatch[] = []
  #queueSize = 0
  #inFlight: readonly QueuedBatch[] | undefined
  #inFlightId = 0
  /** Membership epoch of the newest configuration that the node was sent. */
  #toldEpoch: Epoch = asEpoch(0)

  constructor(member: Member, place: number, settings: LinkSettings, events: LinkEvents) {
    this.member = member
    this.place = place
    this.#settings = settings
    this.#events = events
    this.heardMs = settings.clock.monotonicMs()
    this.#connect()
  }

  get id(): number {
    return this.member.node
  }

  get zone(): string {
    return this.member.zone
  }

  /** Nodes of one host write what they are sent together: the server itself hosts those without an address, by zone. */
  get host(): string {
    return this.member.address ?? this.member.zone
  }

  /** Whether a batch handed over now would leave at once. */
  get isIdle(): boolean {
    return this.mode === 'live' && this.#inFlight === undefined
  }

  get queueLength(): number {
    return this.#queue.length
  }

  get queueSize(): number {
    return this.#queueSize
  }

  /** Whether it would soon be too long. */
  get isCrowded(): boolean {
    return this.#queueSize > QUEUE_SIZE_BYTES_MAX / 2 || this.#queue.length > QUEUE_BATCHES_MAX / 2
  }

  /** When the oldest waiting batch was queued; undefined if none waits. */
  get waitingSinceMs(): number | undefined {
    return this.#queue[0]?.queuedMs
  }

  // --- the connection

  #connect(): void {
    const transport = this.#settings.reach(this.member)
    this.#transport = transport
    transport.onMessage((answer) => {
      if (this.#transport === transport) this.#receive(answer)
    })
    transport.onClose((reason) => {
      if (this.#transport !== transport) return
      const kind = reason instanceof StorageError ? reason.kind : 'io'
      this.fail(new StorageError(kind, `node ${this.id}: ${reason.message}`))
    })
  }

  #reconnectLater(): void {
    this.#cancelReconnect = this.#settings.clock.after(this.#reconnectMs, () => {
      this.#cancelReconnect = undefined
      if (this.#isClosed) return
      this.#connect()
      this.mode = 'joining'
      this.#events.joining(this)
    })
    this.#reconnectMs = Math.min(this.#reconnectMs * 2, RECONNECT_MS_MAX)
  }

  /** The node is fenced and aligned: batches are queued for it from now on. */
  goLive(): void {
    if (this.mode !== 'joining') return
    this.mode = 'live'
    this.liveMs = this.#settings.clock.monotonicMs()
    this.isReadable = true
    this.error = undefined
    this.#reconnectMs = RECONNECT_MS_MIN
    // It answered the fence, so whatever was sent before is dealt with, even if its answer was lost.
    this.#land()
  }

  /** From here on the node must be aligned again, and gets from its peers what it misses. */
  lag(error?: StorageError): void {
    this.#dropQueue()
    if (this.mode !== 'live') return
    this.mode = 'joining'
    this.error = error
    this.#events.joining(this)
  }

  /** Gives up this connection; another is made in a while. */
  fail(error: StorageError): void {
    if (this.mode === 'failed') return
    this.mode = 'failed'
    this.isReadable = false
    this.error = error
    this.#dropQueue()
    const transport = this.#transport
    this.#transport = undefined
    void transport?.close()
    for (const id of [...this.#pending.keys()]) this.#take(id)?.settle(gone(id, error))
    this.#land()
    this.#events.failed(this)
    if (!this.#isClosed) this.#reconnectLater()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelReconnect?.()
    if (this.mode !== 'failed') await this.request({ kind: 'shut-down' }, 5000).catch(() => undefined)
    await this.abandon()
  }

  /** Lets go of the connection without a word. */
  async abandon(): Promise<void> {
    this.#isClosed = true
    this.#cancelReconnect?.()
    this.mode = 'failed'
    const transport = this.#transport
    this.#transport = undefined
    for (const id of [...this.#pending.keys()]) this.#take(id)?.settle(gone(id, this.error))
    await transport?.close()
  }

  // --- requests

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
    if (this.#transport === undefined) return settle(gone(id, this.error))
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
      this.#transport?.send(pending.message)
      this.#resendLater(pending, delayMs)
    })
  }

  #receive(answer: NodeMessage): void {
    this.messagesReceived++
    this.heardMs = this.#settings.clock.monotonicMs()
    const pending = this.#take(answer.id)
    if (pending === undefined) return
    const judged = this.#judge(pending.message, answer)
    pending.settle(judged)
    // Whatever it was that the node refused: a writer that is idle hears of its successor by this.
    if (judged.kind === 'failed' && judged.failure === 'fenced' && this.mode === 'live')
      this.#events.fenced(this.#toError(judged))
  }

  /** A request that left before the node was told of new members is not from an older writer, only out of date. */
  #judge({ kind, membershipEpoch }: VolumeMessage, answer: NodeMessage): NodeMessage {
    const isRefused = answer.kind === 'failed' && answer.failure === 'fenced' && kind !== 'fence'
    const isOutdated = membershipEpoch < Math.max(this.#toldEpoch, this.membershipEpoch)
    return isRefused && isOutdated ? { ...answer, failure: 'behind' } : answer
  }

  /** Tells the node of a configuration; what is sent from now on carries its epoch. */
  configure(configuration: Configuration): Promise<NodeMessage> {
    const { membershipEpoch } = configuration
    const told = this.request({ kind: 'configure', configuration })
    this.membershipEpoch = membershipEpoch
    if (membershipEpoch > this.#toldEpoch) this.#toldEpoch = membershipEpoch
    return told
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

  // --- batches

  /** Puts a batch into the queue; `flush` sends it. */
  enqueue(shared: SharedBytes): void {
    if (this.mode !== 'live') return shared.release()
    this.#queue.push({ shared, queuedMs: this.#settings.clock.monotonicMs() })
    this.#queueSize += shared.bytes.length
    if (this.#queueSize > QUEUE_SIZE_BYTES_MAX || this.#queue.length > QUEUE_BATCHES_MAX) this.lag()
  }

  /** Sends what is queued, if nothing is in flight. */
  flush(): void {
    if (this.#inFlight !== undefined || this.#queue.length === 0 || this.mode !== 'live') return
    const sent = this.#takeMessage()
    this.#inFlight = sent
    this.#sendInFlight(sent)
  }

  /**
   * Sends what is in flight. A node that was told of new members before this reached it refuses it: then it goes out once
   * more, which is faster than to align the node anew.
   */
  #sendInFlight(sent: readonly QueuedBatch[]): void {
    this.appendsSent++
    this.#inFlightId = this.#nextId
    const epoch = this.membershipEpoch
    const settle = (answer: NodeMessage): void => {
      const isOutdated = answer.kind === 'failed' && answer.failure === 'behind' && epoch < this.#toldEpoch
      if (isOutdated && this.#inFlight === sent && this.mode === 'live') this.#sendInFlight(sent)
      else this.#appended(sent, answer)
    }
    const batches = sent.map(({ shared }) => shared.bytes)
    this.#send({ kind: 'append', batches }, settle, undefined)
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
    if (this.#inFlight === sent) this.#land()
    if (answer.kind === 'appended') return this.#events.appended(this, answer.segments)
    if (answer.kind !== 'failed' || this.mode === 'failed') return
    const error = this.#toError(answer)
    if (answer.failure === 'fenced') this.#events.fenced(error)
    else if (answer.fatal) this.fail(error)
    else this.lag(error)
  }

  /** Nothing is in flight any more: neither sent again nor, if it was not answered yet, waited for. */
  #land(): void {
    this.#take(this.#inFlightId)
    for (const { shared } of this.#inFlight ?? []) shared.release()
    this.#inFlight = undefined
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
