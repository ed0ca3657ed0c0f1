// Entry of the worker thread that is an embedded storage node. The parent starts it with a NodeWorkerData, waits for
// { kind: 'ready' } or { kind: 'refused' }, and talks VolumeMessage / NodeMessage from then on: appends through a mailbox,
// whatever else through the port.
//
// Nodes of one process reach each other through channels that the parent hands on; their ports keep no thread alive:
//
//   node A: reach(B) ─▶ new channel ──{ reach: B, port }──▶ parent ──{ serve: port }──▶ node B
//              │                                             (B is gone: the port is closed)
//              └════════════ requests and answers, thread to thread ════════════▶ B's handle

import { randomInt } from 'node:crypto'
import { MessageChannel, type MessagePort, parentPort, workerData } from 'node:worker_threads'

import type { Archiver } from '../archive/archiver.ts'
import { type ArchiveSettings, startArchiver } from '../archive/start-archiver.ts'
import { must } from '../base/assert.ts'
import type { Clock, Prng } from '../base/env.ts'
import { StorageError, type StorageErrorKind } from '../base/errors.ts'
import { Doorbell, Mailbox, WAKE_UP } from '../message/mailbox.ts'
import type { NodeMessage, VolumeMessage } from '../message/message.ts'
import type { Peers, Reply, Transport } from '../message/transport.ts'
import { HostedNode } from './hosted-node.ts'
import { MailboxLoop } from './mailbox-loop.ts'

export interface NodeWorkerData {
  /** The SQLite file of this node. */
  readonly path: string
  /** Its number. */
  readonly node: number
  /** Memory of its Mailbox, and of the Doorbell that it shares with the other nodes of its volume. */
  readonly mailbox: SharedArrayBuffer
  readonly doorbell: SharedArrayBuffer
  /** Where to back up to; undefined: nowhere. */
  readonly archive: ArchiveSettings | undefined
}

/** First word of a worker. */
export type NodeWorkerGreeting =
  | { readonly kind: 'ready' }
  | { readonly kind: 'refused'; readonly failure: StorageErrorKind; readonly message: string }

/** A thread's wish to talk to another one; the port is transferred. */
export interface ReachRequest {
  readonly kind: 'reach'
  readonly node: number
  readonly port: MessagePort
}

/** The parent's word to a thread that another one wants to talk to it. */
export interface ServeRequest {
  readonly kind: 'serve'
  readonly port: MessagePort
}

const threadClock: Clock = {
  wallMicros: () => Math.round((performance.timeOrigin + performance.now()) * 1000),
  monotonicMs: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    timer.unref()
    return () => clearTimeout(timer)
  },
  soon: (callback) => void setImmediate(callback),
}

const CHANCES = 2 ** 47
const threadPrng: Prng = { next: () => randomInt(CHANCES) / CHANCES }

/** What backups fail on is said on standard error: a thread has no log of its own. */
async function startBackup(
  { archive }: NodeWorkerData,
  { local }: HostedNode,
): Promise<Archiver | undefined> {
  if (archive === undefined) return undefined
  const warn = (error: StorageError): void => void process.stderr.write(`backup: ${error.message}\n`)
  return startArchiver(archive, { local, clock: threadClock, env: process.env, warn })
}

/** Answers whoever is at the other end of a port. */
function servePort(port: MessagePort, handle: (message: VolumeMessage, reply: Reply) => void): void {
  port.on('message', (message: VolumeMessage) =>
    handle(message, (answer, transfer) => port.postMessage(answer, transfer === undefined ? [] : [transfer])),
  )
  port.unref()
}

class ThreadPeers implements Peers {
  readonly #ask: (request: ReachRequest) => void
  readonly #open = new Map<number, PortTransport>()

  /** `ask` sends a request to the parent, transferring its port. */
  constructor(ask: (request: ReachRequest) => void) {
    this.#ask = ask
  }

  reach(node: number): Transport {
    const known = this.#open.get(node)
    if (known !== undefined) return known
    const { port1, port2 } = new MessageChannel()
    const transport = new PortTransport(port1, () => {
      if (this.#open.get(node) === transport) this.#open.delete(node)
    })
    this.#open.set(node, transport)
    this.#ask({ kind: 'reach', node, port: port2 })
    return transport
  }
}

class PortTransport implements Transport {
  readonly #port: MessagePort
  #receive: (message: NodeMessage) => void = () => undefined
  #closed: (reason: Error) => void = () => undefined
  #isClosed = false

  constructor(port: MessagePort, ended: () => void) {
    this.#port = port
    port.on('message', (message: NodeMessage) => this.#receive(message))
    port.on('close', () => {
      this.#isClosed = true
      ended()
      this.#closed(new StorageError('io', 'the other node is gone'))
    })
    port.unref()
  }

  send(message: VolumeMessage): void {
    // A channel has no origin, whatever this rule takes it for.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    // A thread has no origin, whatever this rule takes it for.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    if (!this.#isClosed) this.#port.postMessage(message)
  }

  onMessage(receive: (message: NodeMessage) => void): void {
    this.#receive = receive
  }

  onClose(receive: (reason: Error) => void): void {
    this.#closed = receive
    if (this.#isClosed) queueMicrotask(() => receive(new StorageError('io', 'the other node is gone')))
  }

  close(): Promise<void> {
    this.#closed = () => undefined
    this.#port.close()
    return Promise.resolve()
  }
}

function run(data: NodeWorkerData): void {
  const port = must(parentPort, 'this file is the entry of a worker thread')
  const greet = (greeting: NodeWorkerGreeting): void => port.postMessage(greeting)
  const peers = new ThreadPeers((request) => port.postMessage(request, [request.port]))
  let node: HostedNode
  try {
    node = new HostedNode({ path: data.path, node: data.node, clock: threadClock, prng: threadPrng, peers })
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    greet({ kind: 'refused', failure: error.kind, message: error.message })
    return
  }
  const archiver = startBackup(data, node)
  const reply = (answer: NodeMessage, transfer?: ArrayBuffer): void => {
    port.postMessage(answer, transfer === undefined ? [] : [transfer])
  }
  const mailbox = new Mailbox(data.mailbox)
  const doorbell = new Doorbell(data.doorbell)
  const replyByMailbox = (answer: NodeMessage): void => {
    mailbox.release()
    if (!mailbox.answer(answer)) reply(answer)
    else if (doorbell.press()) port.postMessage(WAKE_UP)
  }
  // An append stays in its slot until it is answered, which an injected fault may delay.
  let isAnswering = false
  const loop = new MailboxLoop(mailbox, threadClock, (message) => {
    if (isAnswering) return
    isAnswering = true
    node.handle(message, (answer) => {
      isAnswering = false
      replyByMailbox(answer)
    })
  })
  port.on('message', (message: VolumeMessage | ServeRequest | typeof WAKE_UP) => {
    loop.wake()
    if (message === WAKE_UP) return
    if (message.kind === 'serve') return servePort(message.port, (each, answer) => node.handle(each, answer))
    if (message.kind === 'shut-down') {
      loop.stop()
      void archiver
        .then((running) => running?.stop(true))
        .finally(() => {
          node.shutDown()
          reply({ kind: 'done', id: message.id })
          port.close()
        })
      return
    }
    node.handle(message, reply)
  })
  greet({ kind: 'ready' })
}

run(workerData as NodeWorkerData)
