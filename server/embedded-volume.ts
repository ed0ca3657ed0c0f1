// Composition root of the embedded volume: storage nodes in worker threads of this process, each with its own SQLite
// file under one data directory, and the volume over them.
//
//   openEmbeddedVolume ─▶ lock the directory ─▶ start the node threads ─▶ openVolume (recovery)
//   close              ─▶ send the rest, shut the nodes down, end the threads ─▶ unlock

import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { constants, deflateRaw } from 'node:zlib'
import type { Logger } from 'pino'

import type { Clock, Prng } from '../storage/base/env.ts'
import { StorageError } from '../storage/base/errors.ts'
import type { Member } from '../storage/message/configuration.ts'
import type { NodeMessage, VolumeMessage } from '../storage/message/message.ts'
import type { Transport } from '../storage/message/transport.ts'
import { type DataDirectory, openDataDirectory } from '../storage/node/sqlite-data-directory.ts'
import type { NodeWorkerData, NodeWorkerGreeting } from '../storage/node/worker.ts'
import type { Quorum } from '../storage/volume/quorum.ts'
import { openVolume } from '../storage/volume/quorum-volume.ts'
import type { Volume } from '../storage/volume/volume.ts'

export interface EmbeddedVolumeOptions {
  readonly directory: string
  readonly quorum: Quorum
  readonly clock: Clock
  readonly prng: Prng
  readonly log: Logger
}

export const ZONES = ['az1', 'az2', 'az3'] as const
/** A node thread needs little: most of its memory is SQLite's page cache, outside the heap. */
const NODE_HEAP_SIZE_MB = 96
const NODE_YOUNG_HEAP_SIZE_MB = 4
/** Deflating pays when it saves a fifth. */
const DEFLATED_SHARE_MAX = 0.8

/** Opens or creates the volume in a data directory. Rejects with StorageError. */
export async function openEmbeddedVolume(options: EmbeddedVolumeOptions): Promise<Volume> {
  const { quorum, clock, prng, log } = options
  const directory = openDataDirectory(options.directory, quorum.nodeCount)
  const transports: WorkerTransport[] = []
  try {
    for (let node = 1; node <= quorum.nodeCount; node++)
      transports.push(new WorkerTransport(directory.nodeFile(node)))
    const ready = await Promise.allSettled(transports.map((transport) => transport.ready()))
    for (const [index, result] of ready.entries()) {
      if (result.status === 'rejected')
        log.error({ node: index + 1, err: result.reason }, 'storage node did not start')
    }
    const volume = await openVolume({
      nodes: transports.map((_, index) => member(index)),
      reach: threadsOf(transports, directory),
      quorum,
      clock,
      prng,
      newClusterId: randomUUID(),
      deflate: deflateOffThread,
    })
    return withUnlock(volume, directory)
  } catch (error) {
    await Promise.all(transports.map((transport) => transport.close()))
    directory.unlock()
    throw error
  }
}

/** Neighbours in the list are in different zones, so that any write quorum's worth of first nodes spans all of them. */
function member(index: number): Member {
  return { node: index + 1, zone: ZONES[index % ZONES.length] ?? ZONES[0], address: undefined, kind: 'full' }
}

/** The threads that were started, and fresh ones where those ended. */
function threadsOf(
  started: readonly WorkerTransport[],
  directory: DataDirectory,
): (member: Member) => Transport {
  const taken = new Set<number>()
  return ({ node }) => {
    const transport = taken.has(node) ? undefined : started[node - 1]
    taken.add(node)
    return transport ?? new WorkerTransport(directory.nodeFile(node))
  }
}

/** The volume, whose close() also unlocks the directory. */
function withUnlock(volume: Volume, directory: DataDirectory): Volume {
  const close = volume.close.bind(volume)
  volume.close = async () => {
    await close()
    directory.unlock()
  }
  return volume
}

function deflateOffThread(bytes: Uint8Array, done: (deflated: Uint8Array | undefined) => void): void {
  deflateRaw(bytes, { level: constants.Z_BEST_SPEED }, (error, deflated) => {
    const pays = error === null && deflated.length <= bytes.length * DEFLATED_SHARE_MAX
    done(pays ? deflated : undefined)
  })
}

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

/** Messages to a node in a worker thread: in order, never lost while the thread lives. */
class WorkerTransport implements Transport {
  readonly #worker: Worker
  readonly #greeting: Promise<NodeWorkerGreeting>
  #receive: (message: NodeMessage) => void = () => undefined
  #closed: (reason: Error) => void = () => undefined
  #endReason: Error | undefined

  constructor(path: string) {
    const workerData: NodeWorkerData = { path }
    this.#worker = startThread(workerData)
    this.#greeting = new Promise((resolve, reject) => {
      this.#worker.once('message', (greeting: NodeWorkerGreeting) => {
        if (greeting.kind === 'refused')
          return this.#end(new StorageError(greeting.failure, greeting.message), reject)
        this.#worker.on('message', (message: NodeMessage) => this.#receive(message))
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

  /** Resolves once the node serves; rejects with StorageError when it refuses. */
  async ready(): Promise<void> {
    await this.#greeting
  }

  send(message: VolumeMessage): void {
    // A thread has no origin, whatever this rule takes it for.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    this.#worker.postMessage(message)
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
