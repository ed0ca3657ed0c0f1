// Composition root of the embedded volume: storage nodes under one data directory, each with its own SQLite file, those of
// a zone in one worker thread of this process with one file for their hot logs; and the volume over them.
//
//   openEmbeddedVolume ─▶ lock the directory ─▶ start the zones' threads and nodes ─▶ openVolume (recovery)
//   close              ─▶ send the rest, shut the nodes down, end the threads ─▶ unlock

import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'

import type { ArchiveSettings } from '../../storage/archive/start-archiver.ts'
import type { Clock, Prng } from '../../storage/base/env.ts'
import type { StorageError } from '../../storage/base/errors.ts'
import type { Member } from '../../storage/message/configuration.ts'
import type { Transport } from '../../storage/message/transport.ts'
import { type DataDirectory, openDataDirectory } from '../../storage/node/sqlite-data-directory.ts'
import type { Quorum } from '../../storage/volume/quorum.ts'
import { openVolume } from '../../storage/volume/quorum-volume.ts'
import type { Volume } from '../../storage/volume/volume.ts'
import { newDeflate } from './deflate.ts'
import { onceUnlocked } from './lock-patience.ts'
import type { StorageThreads } from '../storage-threads.ts'
import { WorkerGroup, type WorkerTransport } from './worker-transport.ts'

export interface EmbeddedVolumeOptions {
  readonly directory: string
  readonly quorum: Quorum
  readonly segmentSizeBytes?: number | undefined
  /** The second half of the nodes keeps log only. */
  readonly tailSegments?: boolean | undefined
  readonly quorumTimeoutMs?: number | undefined
  readonly replaceAfterMs?: number | undefined
  readonly archive?: ArchiveSettings | undefined
  /** Threads that were started ahead. */
  readonly threads?: StorageThreads | undefined
  readonly clock: Clock
  readonly prng: Prng
  readonly log: Logger
}

export const ZONES = ['az1', 'az2', 'az3'] as const

/** Opens or creates the volume in a data directory. Rejects with StorageError. */
export async function openEmbeddedVolume(options: EmbeddedVolumeOptions): Promise<Volume> {
  const { quorum, clock, prng, log } = options
  const directory = await onceUnlocked(() => openDataDirectory(options.directory, quorum.nodeCount))
  const { nodeCount } = quorum
  const group = new WorkerGroup({ nodeCount, archive: options.archive, threads: options.threads })
  const start = (node: number): WorkerTransport =>
    group.start({
      node,
      path: directory.nodeFile(node),
      zone: zoneOf(node),
      hotPath: directory.zoneFile(zoneOf(node)),
      regionCount: Math.ceil(nodeCount / ZONES.length),
      region: Math.floor((node - 1) / ZONES.length),
    })
  const transports: WorkerTransport[] = []
  try {
    for (let node = 1; node <= nodeCount; node++) transports.push(start(node))
    const ready = await Promise.allSettled(transports.map((transport) => transport.ready()))
    for (const [index, result] of ready.entries()) {
      if (result.status === 'rejected')
        log.error({ node: index + 1, err: result.reason }, 'storage node did not start')
    }
    const volume = await openVolume({
      nodes: transports.map((_, index) =>
        member(index + 1, options.tailSegments === true && index >= nodeCount / 2),
      ),
      reach: threadsOf(transports, ({ node }) => start(node)),
      quorum,
      clock,
      prng,
      newClusterId: randomUUID(),
      segmentSizeBytes: options.segmentSizeBytes,
      deflate: newDeflate(),
      quorumTimeoutMs: options.quorumTimeoutMs,
      deadAfterMs: options.replaceAfterMs,
      onStep: (step, node) => log.debug({ step, node }, 'opening the volume'),
      onFenced: (error) => log.error({ err: error }, 'another writer has taken the volume over'),
    })
    logSettling(volume, log)
    return withUnlock(volume, directory)
  } catch (error) {
    await Promise.all(transports.map((transport) => transport.close()))
    directory.unlock()
    throw error
  }
}

/** Says what an opening with too few storage nodes means. */
export function logSettling(volume: Volume, log: Logger): void {
  if (volume.isSettled) return
  log.warn('too few storage nodes to write: what is read may turn out never to have been durable')
  volume.untilSettled().then(
    () => log.warn('enough storage nodes are back: everything that is read is durable'),
    (error: StorageError) => {
      // Another writer is reported where it is noticed, and a close is no news.
      if (error.kind === 'corrupt')
        log.error({ err: error }, 'a damaged storage node keeps the volume from being written')
    },
  )
}

/** The zones in turn, so that any nodes that are lost by number are of different ones. */
function zoneOf(node: number): string {
  return ZONES[(node - 1) % ZONES.length] ?? ZONES[0]
}

function member(node: number, isTail: boolean): Member {
  return { node, zone: zoneOf(node), address: undefined, kind: isTail ? 'tail' : 'full' }
}

/** The nodes that were started, and fresh lives of them where those ended. */
function threadsOf(
  started: readonly WorkerTransport[],
  start: (member: Member) => WorkerTransport,
): (member: Member) => Transport {
  const taken = new Set<number>()
  return (member) => {
    const transport = taken.has(member.node) ? undefined : started[member.node - 1]
    taken.add(member.node)
    return transport ?? start(member)
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
