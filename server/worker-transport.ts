// The way from the volume to a storage node in a worker thread of this process and back. Appends and their
// acknowledgements go through shared memory (storage/message/mailbox.ts), all other messages through the thread's port.
//
//   send(append) ─▶ mailbox + bell ══▶ node ══▶ answer slot ─▶ doorbell pressed? ─▶ one wake-up message ─▶ look at all slots
//   send(other)  ─▶ port (and bell) ─▶ node ─▶ port
//
// Nothing is lost while the thread lives. An append may overtake another message; the volume does not mind.

import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { type MessagePort, Worker } from 'node:worker_threads'

import type { ArchiveSettings } from '../storage/archive/start-archiver.ts'
import { StorageError } from '../storage/base/errors.ts'
import { Doorbell, Mailbox, newMailboxMemory, WAKE_UP } from '../storage/message/mailbox.ts'
import type { NodeMessage, VolumeMessage } from '../storage/message/message.ts'
import type { Transport } from '../storage/message/transport.ts'
import type {
  NodeWorkerData,
  NodeWorkerGreeting,
  ReachRequest,
  ServeRequest,
} from '../storage/node/worker.ts'

/** A node thread needs little: most of its memory is SQLite's page cache, outside the heap. */
const NODE_HEAP_SIZE_MB = 96
const NODE_YOUNG_HEAP_SIZE_MB = 4

function startThread(workerData: NodeWorkerData): Worker {
  const options = {
    workerData,
    resourceLimits: {
      maxOldGenerationSizeMb: NODE_HEAP_SIZE_MB,
      maxYoungGenerationSizeMb: NODE_YOUNG_HEAP_SIZE_MB,
      stackSizeMb: 2,
    },
  }
  if (!import.meta.url.endsWith('.ts'))
    return new Worker(new URL('../storage/node/worker.js', import.meta.url), options)
  // From source: a thread does not inherit tsx, so it begins by registering it; as CommonJS, which needs no threads of
  // its own for that.
  const tsxModule = createRequire(import.meta.url).resolve('tsx/cjs/api')
  const entry = fileURLToPath(new URL('../storage/node/worker.ts', import.meta.url))
  const boot = `require(${JSON.stringify(tsxModule)}).register(); require(${JSON.stringify(entry)})`
  return new Worker(boot, { ...options, eval: true, execArgv: [] })
}

/** The nodes of one volume: whichever of them has something to say, all are listened to. */
export class WorkerGroup {
  readonly #doorbellMemory = new SharedArrayBuffer(4)
  readonly #doorbell = new Doorbell(this.#doorbellMemory)
  readonly #members = new Map<number, WorkerTransport>()
  readonly #archive: ArchiveSettings | undefined

  /** `archive`: where the nodes back up to. */
  constructor(archive: ArchiveSettings | undefined) {
    this.#archive = archive
  }

  /** Starts a thread for the node whose files are at `path`; the one it had before, if any, has ended. */
  start(node: number, path: string): WorkerTransport {
    const transport = new WorkerTransport(
      { node, path, doorbell: this.#doorbellMemory, archive: this.#archive },
      (message) => {
        if (message === WAKE_UP) this.#listen()
        else this.#connect(message)
      },
    )
    this.#members.set(node, transport)
    return transport
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

export class WorkerTransport implements Transport {
  readonly #worker: Worker
  readonly #mailbox: Mailbox
  readonly #greeting: Promise<NodeWorkerGreeting>
  #receive: (message: NodeMessage) => void = () => undefined
  #closed: (reason: Error) => void = () => undefined
  #endReason: Error | undefined

  /** `forGroup` gets what is not an answer to the volume. */
  constructor(
    data: Omit<NodeWorkerData, 'mailbox'>,
    forGroup: (message: ReachRequest | typeof WAKE_UP) => void,
  ) {
    const mailbox = newMailboxMemory()
    this.#mailbox = new Mailbox(mailbox)
    this.#worker = startThread({ ...data, mailbox })
    this.#greeting = new Promise((resolve, reject) => {
      this.#worker.once('message', (greeting: NodeWorkerGreeting) => {
        if (greeting.kind === 'refused')
          return this.#end(new StorageError(greeting.failure, greeting.message), reject)
        this.#worker.on('message', (message: NodeMessage | ReachRequest | typeof WAKE_UP) => {
          if (message === WAKE_UP || message.kind === 'reach') forGroup(message)
          else this.#receive(message)
        })
        resolve(greeting)
      })
      this.#worker.on('error', (error: Error) => this.#end(error, reject))
      this.#worker.on('exit', () => this.#end(new Error('the storage thread ended'), reject))
    })
    this.#greeting.catch(() => undefined)
  }

  #end(reason: Error, reject: (reason: Error) => void): void {
    this.#endReason ??= reason
    reject(this.#endReason)
    this.#closed(this.#endReason)
  }

  get hasEnded(): boolean {
    return this.#endReason !== undefined
  }

  /** Lets another node talk to this one through a port. */
  serve(port: MessagePort): void {
    const request: ServeRequest = { kind: 'serve', port }
    this.#worker.postMessage(request, [port])
  }

  /** Resolves once the node serves; rejects with StorageError when it refuses. */
  async ready(): Promise<void> {
    await this.#greeting
  }

  send(message: VolumeMessage): void {
    const isInMailbox = message.kind === 'append' && this.#mailbox.put(message)
    if (!isInMailbox) this.#post(message)
    if (!this.#mailbox.ring() && isInMailbox) this.#post(WAKE_UP)
  }

  #post(message: VolumeMessage | typeof WAKE_UP): void {
    // A thread has no origin, whatever this rule takes it for.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    this.#worker.postMessage(message)
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
    await this.#worker.terminate()
  }
}
