// Composition root of the embedded volume: storage nodes in worker threads of this process, each with its own SQLite
// file under one data directory, and the volume over them.
//
//   openEmbeddedVolume ─▶ lock the directory ─▶ start the node threads ─▶ openVolume (recovery)
//   close              ─▶ send the rest, shut the nodes down, end the threads ─▶ unlock

import { randomUUID } from 'node:crypto'
import { constants, deflateRaw, deflateRawSync } from 'node:zlib'
import type { Logger } from 'pino'

import type { Clock, Prng } from '../storage/base/env.ts'
import type { Transport } from '../storage/message/transport.ts'
import { type DataDirectory, openDataDirectory } from '../storage/node/sqlite-data-directory.ts'
import type { NodeAddress } from '../storage/volume/node-link.ts'
import type { Quorum } from '../storage/volume/quorum.ts'
import { openVolume } from '../storage/volume/quorum-volume.ts'
import type { Deflate } from '../storage/volume/timeline-log.ts'
import type { Volume } from '../storage/volume/volume.ts'
import { WorkerGroup, type WorkerTransport } from './worker-transport.ts'

export interface EmbeddedVolumeOptions {
  readonly directory: string
  readonly quorum: Quorum
  readonly clock: Clock
  readonly prng: Prng
  readonly log: Logger
}

const ZONES = ['az1', 'az2', 'az3'] as const
/** Deflating pays when it saves a fifth. */
const DEFLATED_SHARE_MAX = 0.8
/** What shrinks to this share is deflated on this thread. */
const DEFLATED_SHARE_HERE_MAX = 0.25
const DEFLATE_OPTIONS = { level: constants.Z_BEST_SPEED }

/** Opens or creates the volume in a data directory. Rejects with StorageError. */
export async function openEmbeddedVolume(options: EmbeddedVolumeOptions): Promise<Volume> {
  const { quorum, clock, prng, log } = options
  const directory = openDataDirectory(options.directory, quorum.nodeCount)
  const group = new WorkerGroup()
  const transports: WorkerTransport[] = []
  try {
    for (let node = 1; node <= quorum.nodeCount; node++)
      transports.push(group.start(directory.nodeFile(node)))
    const ready = await Promise.allSettled(transports.map((transport) => transport.ready()))
    for (const [index, result] of ready.entries()) {
      if (result.status === 'rejected')
        log.error({ node: index + 1, err: result.reason }, 'storage node did not start')
    }
    const nodes = transports.map((transport, index) => address(transport, index))
    const volume = await openVolume({
      nodes,
      quorum,
      clock,
      prng,
      newClusterId: randomUUID(),
      deflate: newDeflate(),
    })
    return withUnlock(volume, directory)
  } catch (error) {
    await Promise.all(transports.map((transport) => transport.close()))
    directory.unlock()
    throw error
  }
}

/** Neighbours in the list are in different zones, so that any write quorum's worth of first nodes spans all of them. */
function address(transport: Transport, index: number): NodeAddress {
  return { id: index + 1, zone: ZONES[index % ZONES.length] ?? ZONES[0], transport }
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

/**
 * What shrinks well is deflated faster than it is handed to another thread and back (0.13 ms for 64 KB that a load logs);
 * what does not takes ten times as long and goes there. The last run tells what the next will be like.
 */
function newDeflate(): Deflate {
  let lastShare = 1
  const worthIt = (deflated: Buffer, bytes: Uint8Array): Buffer | undefined => {
    lastShare = deflated.length / bytes.length
    return lastShare <= DEFLATED_SHARE_MAX ? deflated : undefined
  }
  return (bytes, done) => {
    if (lastShare <= DEFLATED_SHARE_HERE_MAX) done(worthIt(deflateRawSync(bytes, DEFLATE_OPTIONS), bytes))
    else {
      deflateRaw(bytes, DEFLATE_OPTIONS, (error, deflated) => {
        done(error === null ? worthIt(deflated, bytes) : undefined)
      })
    }
  }
}
