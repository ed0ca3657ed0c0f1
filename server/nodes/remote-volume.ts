// Composition root of a volume on storage nodes in other processes: meets the nodes whose addresses were given, learns
// their numbers and zones from their greetings, and opens the volume over TCP.
//
//   lock the data directory ─▶ greet every node ─▶ openVolume (recovery) ─▶ remember the cluster
//
//   DIR/cluster.json   the cluster's name and its nodes as they were seen last: what a server that starts while nodes are
//                      away knows of them, and what keeps it from taking six empty disks for its volume

import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'

import type { Clock, Prng } from '../../storage/base/env.ts'
import { StorageError } from '../../storage/base/errors.ts'
import type { Member } from '../../storage/message/configuration.ts'
import type { Caller } from '../../storage/message/greeting.ts'
import { type LockedDirectory, openServerDirectory } from '../../storage/node/sqlite-node-directory.ts'
import type { Quorum } from '../../storage/volume/quorum.ts'
import { openVolume } from '../../storage/volume/quorum-volume.ts'
import type { Volume } from '../../storage/volume/volume.ts'
import { type ClusterSecurity, loadClusterSecurity } from './cluster-security.ts'
import type { ClusterSecurityOptions } from '../options/cluster-security-options.ts'
import { newDeflate } from './deflate.ts'
import { logSettling } from './embedded-volume.ts'
import { onceUnlocked } from './lock-patience.ts'
import { STORAGE_DIAL_TIMEOUT_MS } from '../limits.ts'
import { StartError } from '../start-error.ts'
import { type TcpSurroundings, TcpTransport } from './tcp-transport.ts'

export interface RemoteVolumeOptions extends ClusterSecurityOptions {
  readonly data: string
  readonly storage: readonly string[]
  readonly spares: readonly string[]
  readonly quorum: Quorum
  readonly segmentSizeBytes: number
  readonly tailSegments: boolean
  readonly quorumTimeoutMs: number
  readonly replaceAfterMs: number
}

interface Surroundings {
  readonly clock: Clock
  readonly prng: Prng
  readonly log: Logger
}

/** Nodes that are remembered are waited for so long, and on until a read quorum was met. */
const KNOWN_NODE_PATIENCE_MS = 500

/** A node as it was met, or as it is remembered. */
interface KnownNode {
  readonly address: string
  readonly node: number
  readonly zone: string
}

/** What DIR/cluster.json says. */
interface Memory {
  readonly clusterId: string
  readonly nodes: readonly KnownNode[]
}

/** A volume, and how to find out about a node that it shall have. */
export interface RemoteVolume {
  readonly volume: Volume
  /** Greets the node at an address. Rejects with StorageError. */
  meet(address: string): Promise<Member>
}

/** Opens or creates the volume on these nodes. Rejects with StorageError or StartError. */
export async function openRemoteVolume(
  options: RemoteVolumeOptions,
  around: Surroundings,
): Promise<RemoteVolume> {
  const directory = await onceUnlocked(() => openServerDirectory(options.data))
  around.log.debug('the data directory is locked')
  try {
    return await new Opening(options, around, directory).open()
  } catch (error) {
    directory.unlock()
    throw error
  }
}

class Opening {
  readonly #options: RemoteVolumeOptions
  readonly #around: Surroundings
  readonly #directory: LockedDirectory
  readonly #security: ClusterSecurity
  readonly #memory: Memory
  #clusterId: string
  /** Nodes that have greeted back. */
  #metCount = 0

  constructor(options: RemoteVolumeOptions, around: Surroundings, directory: LockedDirectory) {
    this.#options = options
    this.#around = around
    this.#directory = directory
    this.#security = loadClusterSecurity(options)
    this.#memory = readMemory(directory.path)
    this.#clusterId = this.#memory.clusterId
  }

  async open(): Promise<RemoteVolume> {
    const { quorum, storage, spares } = this.#options
    const { clock, prng } = this.#around
    const { met, isNew } = await this.#meetAll([...storage, ...spares])
    if (isNew && this.#clusterId !== '')
      throw new StartError(
        `the storage nodes are empty, but ${this.#directory.path} belongs to cluster ${this.#clusterId}`,
      )
    const members = alternateZones(storage.flatMap((address) => met.get(address) ?? []))
    const others = spares.flatMap((address) => met.get(address) ?? [])
    if (isNew && members.length + others.length < storage.length + spares.length)
      throw new StartError(
        'a new volume needs all of its storage nodes; see above for those that are missing',
      )
    const nodes = [
      ...members.map((node, index) =>
        this.#member(node, this.#options.tailSegments && index >= quorum.nodeCount / 2),
      ),
      ...others.map((node) => this.#member(node, false)),
    ]
    const volume = await openVolume({
      nodes,
      reach: ({ node, address = '' }) => new TcpTransport({ address, node }, this.#tcp()),
      quorum,
      clock,
      prng,
      newClusterId: randomUUID(),
      segmentSizeBytes: this.#options.segmentSizeBytes,
      deflate: newDeflate(),
      quorumTimeoutMs: this.#options.quorumTimeoutMs,
      deadAfterMs: this.#options.replaceAfterMs,
      onStep: (step, node) => this.#around.log.debug({ step, node }, 'opening the volume'),
      onFenced: (error) => this.#around.log.error({ err: error }, 'another writer has taken the volume over'),
    })
    logSettling(volume, this.#around.log)
    this.#clusterId = volume.configuration.clusterId
    this.#remember([...met.values()])
    return {
      volume: this.#withUnlock(volume),
      meet: async (address) => this.#member(await this.#meet(address), false),
    }
  }

  #member({ node, zone, address }: KnownNode, isTail: boolean): Member {
    return { node, zone, address, kind: isTail ? 'tail' : 'full' }
  }

  #tcp(): TcpSurroundings {
    const caller = (): Caller => ({ clusterId: this.#clusterId, role: 'writer', node: 0 })
    return { security: this.#security, caller, clock: this.#around.clock }
  }

  /** Greets all; those that do not answer are taken from memory. `isNew`: of those that answer not one belongs to a cluster. */
  async #meetAll(
    addresses: readonly string[],
  ): Promise<{ readonly met: ReadonlyMap<string, KnownNode>; readonly isNew: boolean }> {
    const met = new Map<string, KnownNode>()
    const clusters = new Set<string>()
    const greetings = await Promise.allSettled(addresses.map((address) => this.#greet(address, clusters)))
    for (const [index, greeting] of greetings.entries()) {
      const address = addresses[index] ?? ''
      if (greeting.status === 'fulfilled') {
        met.set(address, greeting.value)
        continue
      }
      this.#refuseStrangers(greeting.reason)
      this.#around.log.warn({ address, reason: String(greeting.reason) }, 'storage node is away')
      const remembered = this.#memory.nodes.find((node) => node.address === address)
      if (remembered !== undefined) met.set(address, remembered)
    }
    if (clusters.size === 0 && this.#clusterId !== '')
      throw new StartError(`none of the storage nodes of cluster ${this.#clusterId} answers`)
    clusters.delete('')
    if (clusters.size > 1)
      throw new StartError(`the storage nodes belong to different clusters: ${[...clusters].join(' and ')}`)
    checkNumbers([...met.values()])
    return { met, isNew: clusters.size === 0 }
  }

  async #greet(address: string, clusters: Set<string>): Promise<KnownNode> {
    const transport = new TcpTransport({ address, node: undefined }, this.#tcp())
    const stopWaiting = this.#boundWait(transport, address)
    try {
      const { node, zone, clusterId } = await transport.greeted()
      clusters.add(clusterId)
      this.#around.log.debug({ address, node }, 'storage node greeted')
      this.#metCount++
      return { address, node, zone }
    } finally {
      stopWaiting()
      await transport.close()
    }
  }

  /** One that is remembered is not waited for as long as dialing may take: who starts again wants to serve soon. */
  #boundWait(transport: TcpTransport, address: string): () => void {
    const { clock } = this.#around
    const isKnown = this.#memory.nodes.some((known) => known.address === address)
    if (!isKnown) return clock.after(STORAGE_DIAL_TIMEOUT_MS, () => void transport.close())
    const look = (): void => {
      if (this.#metCount >= this.#options.quorum.readCount) void transport.close()
      else cancel = clock.after(KNOWN_NODE_PATIENCE_MS, look)
    }
    let cancel = clock.after(KNOWN_NODE_PATIENCE_MS, look)
    return () => cancel()
  }

  #meet(address: string): Promise<KnownNode> {
    return this.#greet(address, new Set())
  }

  /** A node that is away may come back; one that refuses will not change its mind. */
  #refuseStrangers(reason: unknown): void {
    if (reason instanceof StorageError && (reason.kind === 'refused' || reason.kind === 'version'))
      throw reason
  }

  #remember(met: readonly KnownNode[]): void {
    const memory: Memory = { clusterId: this.#clusterId, nodes: met }
    const file = join(this.#directory.path, 'cluster.json')
    writeFileSync(`${file}.new`, `${JSON.stringify(memory, undefined, 1)}\n`)
    renameSync(`${file}.new`, file)
  }

  /** The volume, whose close() also unlocks the directory. */
  #withUnlock(volume: Volume): Volume {
    const close = volume.close.bind(volume)
    volume.close = async () => {
      await close()
      this.#directory.unlock()
    }
    return volume
  }
}

function readMemory(path: string): Memory {
  const file = join(path, 'cluster.json')
  if (!existsSync(file)) return { clusterId: '', nodes: [] }
  try {
    // Written by #remember only.
    return JSON.parse(readFileSync(file, 'utf8')) as Memory
  } catch (error) {
    throw new StartError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function checkNumbers(nodes: readonly KnownNode[]): void {
  const byNumber = new Map<number, string>()
  for (const { node, address } of nodes) {
    const other = byNumber.get(node)
    if (other !== undefined && other !== address)
      throw new StartError(`the storage nodes at ${other} and ${address} both have number ${node}`)
    byNumber.set(node, address)
  }
}

/** Neighbours in different zones as far as that goes, so that the first nodes of the list span all zones. */
function alternateZones(nodes: readonly KnownNode[]): readonly KnownNode[] {
  const rank = new Map<KnownNode, number>()
  const counts = new Map<string, number>()
  for (const node of nodes) {
    const count = counts.get(node.zone) ?? 0
    rank.set(node, count)
    counts.set(node.zone, count + 1)
  }
  return nodes.toSorted((a, b) => (rank.get(a) ?? 0) - (rank.get(b) ?? 0))
}
