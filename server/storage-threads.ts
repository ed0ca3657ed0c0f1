// The threads that embedded storage nodes live in, as they are before a node does: started when one is needed, or ahead,
// while the process has still to load what will need them.
//
//   startAhead ─▶ a thread loads its code ─┐
//                                          ├▶ take ─▶ worker-transport.ts attaches nodes
//   (none is left) ─▶ a thread is started ─┘

import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'

import { newBellMemory } from '../storage/message/mailbox.ts'
import type { NodeThreadData } from '../storage/node/worker.ts'

/** A node needs little: most of its memory is SQLite's page cache, outside the heap. */
const NODE_HEAP_SIZE_MB = 96
const THREAD_YOUNG_HEAP_SIZE_MB = 4
/** What a thread that is started ahead has heap for. */
const NODE_COUNT_AHEAD = 6

/**
 * With so many processors each zone has a thread of its own. With fewer they would only take turns, and each would compile
 * the same code for itself (docs/decisions/0009-one-thread-a-zone.md).
 */
const PROCESSORS_FOR_ZONES = 4
const ZONE_COUNT = 3

export const hasThreadsByZone: boolean = availableParallelism() >= PROCESSORS_FOR_ZONES

/** A thread, and what it was started with. */
export interface StorageThread {
  readonly worker: Worker
  readonly data: NodeThreadData
}

/** The threads of one volume. */
export class StorageThreads {
  /** Memory of the Doorbell that all of them press. */
  readonly doorbell: SharedArrayBuffer = new SharedArrayBuffer(4)
  readonly nodeCount: number
  readonly #ahead = new Set<StorageThread>()

  /** For so many nodes at most. */
  constructor(nodeCount: number) {
    this.nodeCount = nodeCount
  }

  static startAhead(): StorageThreads {
    const threads = new StorageThreads(NODE_COUNT_AHEAD)
    for (let left = hasThreadsByZone ? ZONE_COUNT : 1; left > 0; left--) {
      const thread = threads.#start()
      const forget = (): void => void threads.#ahead.delete(thread)
      threads.#ahead.add(thread)
      thread.worker.once('error', forget).once('exit', forget)
    }
    return threads
  }

  take(): StorageThread {
    for (const thread of this.#ahead) {
      this.#ahead.delete(thread)
      return thread
    }
    return this.#start()
  }

  #start(): StorageThread {
    const data = { bell: newBellMemory(), doorbell: this.doorbell }
    return { worker: startThread(data, this.nodeCount), data }
  }

  /** Ends those that nobody took. */
  endUntaken(): void {
    for (const { worker } of this.#ahead) void worker.terminate()
    this.#ahead.clear()
  }
}

function startThread(workerData: NodeThreadData, nodeCount: number): Worker {
  const options = {
    workerData,
    resourceLimits: {
      maxOldGenerationSizeMb: NODE_HEAP_SIZE_MB * nodeCount,
      maxYoungGenerationSizeMb: THREAD_YOUNG_HEAP_SIZE_MB,
      stackSizeMb: 2,
    },
  }
  if (!import.meta.url.endsWith('.ts'))
    return new Worker(new URL('storage-thread.js', import.meta.url), options)
  // From source: a thread does not inherit tsx, so it begins by registering it; as CommonJS, which needs no threads of
  // its own for that.
  const tsxModule = createRequire(import.meta.url).resolve('tsx/cjs/api')
  const entry = fileURLToPath(new URL('../storage/node/worker.ts', import.meta.url))
  const boot = `require(${JSON.stringify(tsxModule)}).register(); require(${JSON.stringify(entry)})`
  return new Worker(boot, { ...options, eval: true, execArgv: [] })
}
