// Entry of the worker thread that is an embedded storage node. The parent starts it with a NodeWorkerData, waits for
// { kind: 'ready' } or { kind: 'refused' }, and talks VolumeMessage / NodeMessage from then on: appends through a mailbox,
// whatever else through the port.

import { randomInt } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'

import type { Archiver } from '../archive/archiver.ts'
import { type ArchiveSettings, startArchiver } from '../archive/start-archiver.ts'
import { must } from '../base/assert.ts'
import type { Clock, Prng } from '../base/env.ts'
import { StorageError, type StorageErrorKind } from '../base/errors.ts'
import { Doorbell, Mailbox, WAKE_UP } from '../message/mailbox.ts'
import type { NodeMessage, VolumeMessage } from '../message/message.ts'
import { HostedNode } from './hosted-node.ts'
import { MailboxLoop } from './mailbox-loop.ts'
import { servePort, type ServeRequest, ThreadPeers } from './thread-peers.ts'

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
