// What `borealis storage-node` can be told; the table is all there is (flags.ts).

import { BACKUP_DEFAULTS, BACKUP_FLAGS, type BackupOptions } from './backup-options.ts'
import {
  CLUSTER_SECURITY_DEFAULTS,
  CLUSTER_SECURITY_FLAGS,
  type ClusterSecurityOptions,
} from './cluster-security-options.ts'
import { BadValue, type Flag, flagTableHelp, integer, isLoopback, readFlagTable } from './flags.ts'
import {
  LISTEN_HOST_DEFAULT,
  listenFlags,
  type ListenOptions,
  LOG_FLAGS,
  LOG_LEVEL_DEFAULT,
} from './listen-options.ts'
import { StartError } from '../start-error.ts'

export interface StorageNodeOptions extends ListenOptions, ClusterSecurityOptions, BackupOptions {
  /** Number of the node in its cluster; 0: not given. */
  readonly id: number
  /** Availability zone; empty: not given. */
  readonly az: string
}

const PORT_DEFAULT = 7000

const DEFAULTS: StorageNodeOptions = {
  id: 0,
  az: '',
  data: '',
  host: LISTEN_HOST_DEFAULT,
  port: PORT_DEFAULT,
  ...CLUSTER_SECURITY_DEFAULTS,
  ...BACKUP_DEFAULTS,
  logLevel: LOG_LEVEL_DEFAULT,
}

const ID_MAX = 65_535

const FLAGS: readonly Flag<StorageNodeOptions>[] = [
  {
    name: 'id',
    placeholder: 'N',
    help: 'number of the node, its own in the cluster and never used again',
    read: (text) => ({ id: integer(text, 1, ID_MAX) }),
  },
  {
    name: 'az',
    placeholder: 'ZONE',
    help: 'availability zone: nodes of one zone fail together',
    read: (text) => ({ az: zoneName(text) }),
  },
  ...listenFlags('data directory of this node alone', PORT_DEFAULT),
  ...CLUSTER_SECURITY_FLAGS,
  ...BACKUP_FLAGS,
  ...LOG_FLAGS,
]

/** Reads flags and environment, and the configuration file with `readFile`. Throws StartError. */
export function readStorageNodeOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string,
): StorageNodeOptions {
  const options = readFlagTable(FLAGS, DEFAULTS, { args, env, readFile })
  for (const name of ['id', 'az', 'data'] as const)
    if (options[name] === DEFAULTS[name]) throw new StartError(`--${name} is needed; see --help`)
  if (options.clusterSecret === undefined && !isLoopback(options.host)) {
    throw new StartError(
      `refusing to listen on ${options.host} without a cluster secret: anyone could read and change the data; give --cluster-secret`,
    )
  }
  const hasCertificate = options.storageTlsCert !== undefined
  if (options.storageTlsCa !== undefined && !hasCertificate)
    throw new StartError('a storage node with --storage-tls-ca needs --storage-tls-cert, too')
  return options
}

/** Lines of the help text, one for each flag. */
export function storageNodeFlagHelp(): string {
  return flagTableHelp(FLAGS)
}

function zoneName(text: string): string {
  if (!/^[\w.-]{1,63}$/.test(text)) throw new BadValue('is no name of letters, digits, "-", "_" and "."')
  return text
}
