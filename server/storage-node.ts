// The composition root of a storage node that is a process of its own: options in, a running node out.
//
//   lock the directory ─▶ open the store ─▶ listen        TCP ─▶ HostedNode ─▶ TcpPeers ─▶ the other nodes

import type { Logger } from 'pino'

import { startArchiver } from '../storage/archive/start-archiver.ts'
import type { StorageError } from '../storage/base/errors.ts'
import type { Callee } from '../storage/message/greeting.ts'
import { HostedNode } from '../storage/node/hosted-node.ts'
import { openNodeDirectory } from '../storage/node/sqlite-node-directory.ts'
import { archiveSettings } from './options/backup-options.ts'
import { loadClusterSecurity } from './nodes/cluster-security.ts'
import { onceUnlocked } from './nodes/lock-patience.ts'
import { nodeEnv } from './node-env.ts'
import { NodeListener } from './nodes/node-listener.ts'
import type { StorageNodeOptions } from './options/storage-node-options.ts'
import { TcpPeers } from './nodes/tcp-transport.ts'

/** A storage node that takes connections. */
export interface RunningStorageNode {
  readonly host: string
  readonly port: number
  /** Answers what it was asked, then lets go of everything. */
  close(): Promise<void>
}

/** Starts a storage node. Rejects with StartError or StorageError, whose messages are fit for the user. */
export async function startStorageNode(
  options: StorageNodeOptions,
  log: Logger,
): Promise<RunningStorageNode> {
  const { clock, prng } = nodeEnv
  const { id, az } = options
  const security = loadClusterSecurity(options)
  const directory = await onceUnlocked(() => openNodeDirectory(options.data, id, az))
  const unfinished: (() => unknown)[] = [() => directory.unlock()]
  try {
    const self = (): Callee => ({ clusterId: node.clusterId, node: id, zone: az })
    const caller = (): { clusterId: string; role: 'peer'; node: number } => ({
      clusterId: node.clusterId,
      role: 'peer',
      node: id,
    })
    const peers = new TcpPeers({ security, caller, clock })
    const node = new HostedNode({
      path: directory.file,
      node: id,
      clock,
      prng,
      peers,
      crash: () => process.kill(process.pid, 'SIGKILL'),
    })
    unfinished.push(() => node.shutDown())
    const archive = archiveSettings(options)
    const warn = (err: StorageError): void => log.warn({ err }, 'backup')
    const archiver =
      archive && (await startArchiver(archive, { local: node.local, clock, env: process.env, warn }))
    unfinished.push(() => archiver?.stop(false))
    const listener = await NodeListener.open({
      host: options.host,
      port: options.port,
      security,
      clock,
      log,
      self,
      handle: (message, reply) => node.handle(message, reply),
    })
    log.info({ node: id, zone: az, data: directory.path, cluster: node.clusterId }, 'storage node serves')
    return {
      host: options.host,
      port: listener.port,
      async close() {
        await listener.close()
        await peers.close()
        await archiver?.stop(true)
        node.shutDown()
        directory.unlock()
      },
    }
  } catch (error) {
    for (const undo of unfinished.toReversed()) await undo()
    throw error
  }
}
