// The way from the volume to storage nodes in worker threads of this process and back: a thread hosts the nodes of one
// zone, or of all where there are few processors (storage/node/worker.ts). Appends and their acknowledgements go through
// shared memory (storage/message/mailbox.ts), all other messages through a port of each node.
//
//   send(append) ─▶ mailbox, and the thread's bell once for all nodes that are sent something in this turn ══▶ nodes
//                   look at all slots ◀─ one wake-up message ◀─ doorbell pressed? ◀─ answer slots ◀══════════╯
//   send(other)  ─▶ port (and bell) ─▶ node ─▶ port
//
// Nothing is lost while the thread lives. An append may overtake another message; the volume does not mind.

import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads'

import type { ArchiveSettings } from '../../storage/archive/start-archiver.ts'
import { StorageError } from '../../storage/base/errors.ts'
import { Bell, Doorbell, Mailbox, newMailboxMemory, WAKE_UP } from '../../storage/message/mailbox.ts'
import type { NodeMessage, VolumeMessage } from '../../storage/message/message.ts'
import type { Transport } from '../../storage/message/transport.ts'
import type { ReachRequest, ServeRequest } from '../../storage/node/thread-peers.ts'
import type { NodeGreeting, NodeSettings } from '../../storage/node/threaded-node.ts'
import type { ThreadRequest } from '../../storage/node/worker.ts'
import { hasThreadsByZone, type StorageThread, StorageThreads } from '../storage-threads.ts'

/** Where a node of the volume is to live. */
export interface NodePlace extends Omit<NodeSettings, 'mailbox' | 'port' | 'archive'> {
  readonly zone: string
}

export interface WorkerGroupOptions {
  /** How many nodes there are to be at most. */
  readonly nodeCount: number
  /** Where the nodes back up to. */
  readonly archive: ArchiveSettings | undefined
  /** Threads that were started ahead. */
  readonly threads?: StorageThreads | undefined
}

const ALL_ZONES = 'all'

/** The nodes of one volume: whichever of them has something to say, all are listened to. */
export class WorkerGroup {
  readonly #archive: ArchiveSettings | undefined
  readonly #supply: StorageThreads
  readonly #doorbell: Doorbell
  readonly #threads = new Map<string, NodeThread>()
  readonly #members = new Map<number, WorkerTransport>()

  constructor({ nodeCount, archive, threads }: WorkerGroupOptions) {
    this.#archive = archive
    const isFitting = threads !== undefined && nodeCount <= threads.nodeCount
    if (!isFitting) threads?.endUntaken()
    this.#supply = isFitting ? threads : new StorageThreads(nodeCount)
    this.#doorbell = new Doorbell(this.#supply.doorbell)
  }

  /** Begins a node's life in its thread; the one that it had before, if any, has ended. */
  start(place: NodePlace): WorkerTransport {
    const thread = this.#thread(hasThreadsByZone ? place.zone : ALL_ZONES)
    const transport = new WorkerTransport(place, thread, (request) => this.#connect(request))
    this.#members.set(place.node, transport)
    return transport
  }

  #thread(name: string): NodeThread {
    const running = this.#threads.get(name)
    if (running !== undefined && !running.hasEnded) return running
    const thread = new NodeThread(this.#supply.take(), this.#archive, () => this.#listen())
    this.#threads.set(name, thread)
    return thread
  }

  /** A node wants to talk to another one: that one gets the other end of the channel. */
  #connect({ node, port }: ReachRequest): void {
    const target = this.#members.get(node)
    if (target === undefined || target.hasEnded) port.close()
    else target.serve(port)
  }

  #listen(): void {
    this.#doorbell.reset()
    for (const member of this.#members.values()) member.receiveAnswer()
  }
}

/** A thread that hosts nodes. */
class NodeThread {
  readonly #worker: Worker
  readonly #archive: ArchiveSettings | undefined
  readonly #bell: Bell
  readonly #endings = new Set<(reason: Error) => void>()
  #nodeCount = 0
  #isRinging = false
  #endReason: Error | undefined

  /** `listen`: there are answers in mailboxes. */
  constructor({ worker, data }: StorageThread, archive: ArchiveSettings | undefined, listen: () => void) {
    this.#bell = new Bell(data.bell)
    this.#archive = archive
    this.#worker = worker
    this.#worker.on('message', listen)
    this.#worker.on('error', (error: Error) => this.#end(error))
    this.#worker.on('exit', () => this.#end(new Error('the storage thread ended')))
  }

  get hasEnded(): boolean {
    return this.#endReason !== undefined
  }

  #end(reason: Error): void {
    if (this.#endReason !== undefined) return
    this.#endReason = reason
    for (const ended of this.#endings) ended(reason)
    this.#endings.clear()
  }

  /** `ended` is called when the thread ends first. Returns what lets go of the node; it resolves when that is done. */
  attach(
    place: NodePlace,
    memory: { readonly mailbox: SharedArrayBuffer; readonly port: MessagePort },
    ended: (reason: Error) => void,
  ): () => Promise<void> {
    const { node, path, hotPath, regionCount, region } = place
    const settings = { node, path, hotPath, regionCount, region, archive: this.#archive }
    this.#post({ kind: 'attach', ...settings, ...memory }, memory.port)
    this.#endings.add(ended)
    this.#nodeCount++
    return async () => {
      if (!this.#endings.delete(ended)) return
      this.#nodeCount--
      this.#post({ kind: 'detach', node })
      if (this.#nodeCount === 0) await this.#terminate()
    }
  }

  #post(request: ThreadRequest, transfer?: MessagePort): void {
    this.#worker.postMessage(request, transfer === undefined ? [] : [transfer])
    this.#bell.ringForPort()
  }

  async #terminate(): Promise<void> {
    this.#end(new Error('the storage thread ended'))
    await this.#worker.terminate()
  }

  /** Rings at the end of this turn; what sleeps too deeply is sent a message through `port`. */
  ringSoon(port: MessagePort): void {
    if (this.#isRinging) return
    this.#isRinging = true
    queueMicrotask(() => {
      this.#isRinging = false
      if (!this.#bell.ring()) port.postMessage(WAKE_UP)
    })
  }

  /** Something was sent through a port, so that there is no need to wake who sleeps. */
  ringForPort(): void {
    this.#bell.ringForPort()
  }
}

export class WorkerTransport implements Transport {
  readonly #thread: NodeThread
  readonly #port: MessagePort
  readonly #mailbox: Mailbox
  readonly #detach: () => Promise<void>
  readonly #greeting: Promise<void>
  #receive: (message: NodeMessage) => void = () => undefined
  #closed: (reason: Error) => void = () => undefined
  #endReason: Error | undefined

  /** `connect` is told whom the node wants to reach. */
  constructor(place: NodePlace, thread: NodeThread, connect: (request: ReachRequest) => void) {
    const mailbox = newMailboxMemory()
    const { port1, port2 } = new MessageChannel()
    this.#mailbox = new Mailbox(mailbox)
    this.#thread = thread
    this.#port = port1
    this.#greeting = new Promise((resolve, reject) => {
      this.#closed = reject
      port1.once('message', (greeting: NodeGreeting) => {
        if (greeting.kind === 'refused')
          return this.#end(new StorageError(greeting.failure, greeting.message))
        port1.on('message', (message: NodeMessage | ReachRequest) => {
          if (message.kind === 'reach') connect(message)
          else this.#receive(message)
        })
        resolve()
      })
    })
    this.#greeting.catch(() => undefined)
    this.#detach = thread.attach(place, { mailbox, port: port2 }, (reason) => this.#end(reason))
  }

  #end(reason: Error): void {
    this.#endReason ??= reason
    this.#port.close()
    this.#closed(this.#endReason)
  }

  get hasEnded(): boolean {
    return this.#endReason !== undefined
  }

  /** Lets another node talk to this one through a port. */
  serve(port: MessagePort): void {
    const request: ServeRequest = { kind: 'serve', port }
    this.#port.postMessage(request, [port])
    this.#thread.ringForPort()
  }

  /** Resolves once the node serves; rejects with StorageError when it refuses. */
  ready(): Promise<void> {
    return this.#greeting
  }

  send(message: VolumeMessage): void {
    if (message.kind === 'append' && this.#mailbox.put(message)) return this.#thread.ringSoon(this.#port)
    // A channel has no origin, whatever this rule takes it for.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    this.#port.postMessage(message)
    this.#thread.ringForPort()
  }

  /** Hands on the acknowledgement in the mailbox, if there is one. */
  receiveAnswer(): void {
    const answer = this.#mailbox.takeAnswer()
    if (answer !== undefined) this.#receive(answer)
  }

  onMessage(receive: (message: NodeMessage) => void): void {
    this.#receive = receive
  }

  onClose(receive: (reason: Error) => void): void {
    this.#closed = receive
    const reason = this.#endReason
    if (reason !== undefined) queueMicrotask(() => receive(reason))
  }

  async close(): Promise<void> {
    this.#closed = () => undefined
    this.#endReason ??= new Error('the storage node was let go of')
    this.#port.close()
    await this.#detach()
  }
}
