// Entry of a worker thread that is the host of embedded storage nodes, those of one zone or of all: they share the thread's
// bell and wait for the disk together, so that a batch costs one wake-up, and one sync a zone, however many of them get it. The
// parent starts the thread with a NodeThreadData, attaches nodes (each greets through its port: threaded-node.ts) and may
// detach them again. The thread ends when its last node was shut down.
//
//   bell ─▶ take the appends of all mailboxes ─▶ each node writes its copy ─▶ sync ─▶ answers ─▶ doorbell

import { randomInt } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'

import { must } from '../base/assert.ts'
import type { Clock, Prng } from '../base/env.ts'
import { StorageError } from '../base/errors.ts'
import { Bell, Doorbell, WAKE_UP } from '../message/mailbox.ts'
import { type Found, MailboxLoop } from './mailbox-loop.ts'
import { HotFiles } from './sqlite-hot-file.ts'
import { type NodeGreeting, type NodeSettings, ThreadedNode } from './threaded-node.ts'

export interface NodeThreadData {
  /** Memory of the thread's Bell, and of the Doorbell that it shares with all threads of its volume. */
  readonly bell: SharedArrayBuffer
  readonly doorbell: SharedArrayBuffer
}

/** The parent's word to the thread. */
export type ThreadRequest =
  | ({ readonly kind: 'attach' } & NodeSettings)
  | { readonly kind: 'detach'; readonly node: number }

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

class NodeThread {
  readonly #parent = must(parentPort, 'this file is the entry of a worker thread')
  readonly #nodes = new Map<number, ThreadedNode>()
  readonly #doorbell: Doorbell
  readonly #loop: MailboxLoop
  readonly #hotFiles = new HotFiles()

  constructor(data: NodeThreadData) {
    this.#doorbell = new Doorbell(data.doorbell)
    this.#loop = new MailboxLoop(new Bell(data.bell), threadClock, () => this.#handleAppends())
  }

  listen(): void {
    this.#parent.on('message', (request: ThreadRequest) => {
      if (request.kind === 'attach') this.#attach(request)
      else this.#detach(request.node)
    })
  }

  #attach(settings: NodeSettings): void {
    const { node, hotPath, regionCount, region, port } = settings
    const greet = (greeting: NodeGreeting): void => port.postMessage(greeting)
    try {
      const attached = new ThreadedNode(settings, {
        hotRegion: this.#hotFiles.region(hotPath, regionCount, region),
        clock: threadClock,
        prng: threadPrng,
        answered: this.#wakeParent,
        woken: () => this.#loop.wake(),
        ended: () => this.#end(node),
      })
      this.#nodes.set(node, attached)
      greet({ kind: 'ready' })
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      greet({ kind: 'refused', failure: error.kind, message: error.message })
    }
  }

  #detach(node: number): void {
    this.#nodes.get(node)?.detach()
    this.#nodes.delete(node)
  }

  #end(node: number): void {
    this.#nodes.delete(node)
    if (this.#nodes.size > 0) return
    this.#loop.stop()
    this.#hotFiles.close()
    this.#parent.close()
  }

  #handleAppends(): Found {
    let found: Found = 'nothing'
    let failed: StorageError | undefined
    try {
      this.#hotFiles.together(() => {
        for (const node of this.#nodes.values()) {
          const taken = node.take()
          if (taken === 'later' || found === 'nothing') found = taken
        }
      })
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      failed = error
    }
    // All answers first, so that the parent finds them when it wakes.
    let isAnswered = false
    for (const node of this.#nodes.values()) isAnswered = node.release(failed) || isAnswered
    if (isAnswered) this.#wakeParent()
    return found
  }

  readonly #wakeParent = (): void => {
    // A thread has no origin, whatever this rule takes it for.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    if (this.#doorbell.press()) this.#parent.postMessage(WAKE_UP)
  }
}

new NodeThread(workerData as NodeThreadData).listen()
