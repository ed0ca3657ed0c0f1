// What `borealis storage-node` can be told; the table is all there is (flags.ts).

import { BACKUP_DEFAULTS, BACKUP_FLAGS, type BackupOptions } from './backup-options.ts'
import type { ClusterSecurityOptions } from './cluster-security.ts'
import {
  BadValue,
  type Flag,
  flagTableHelp,
  integer,
  isLoopback,
  LOG_LEVELS,
  nonEmpty,
  oneOf,
  PORT_MAX,
  readFlagTable,
} from './flags.ts'
import { StartError } from './listener.ts'

export interface StorageNodeOptions extends ClusterSecurityOptions, BackupOptions {
  /** Number of the node in its cluster; 0: not given. */
  readonly id: number
  /** Availability zone; empty: not given. */
  readonly az: string
  readonly data: string
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly logLevel: string
}

const DEFAULTS: StorageNodeOptions = {
  id: 0,
  az: '',
  data: '',
  host: '127.0.0.1',
  port: 7000,
  clusterSecret: undefined,
  storageTlsCert: undefined,
  storageTlsKey: undefined,
  storageTlsCa: undefined,
  ...BACKUP_DEFAULTS,
  logLevel: 'info',
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
  {
    name: 'data',
    placeholder: 'DIR',
    help: 'data directory of this node alone',
    read: (text) => ({ data: nonEmpty(text) }),
  },
  {
    name: 'host',
    placeholder: 'H',
    help: 'address to listen on (127.0.0.1)',
    read: (text) => ({ host: nonEmpty(text) }),
  },
  {
    name: 'port',
    placeholder: 'N',
    help: 'port; 0 takes any (7000)',
    read: (text) => ({ port: integer(text, 0, PORT_MAX) }),
  },
  {
    name: 'cluster-secret',
    placeholder: 'TEXT',
    help: 'what nodes and server prove to each other to know; better in BOREALIS_CLUSTER_SECRET (none)',
    read: (text) => ({ clusterSecret: nonEmpty(text) }),
  },
  {
    name: 'storage-tls-cert',
    placeholder: 'FILE',
    help: 'certificate chain, PEM; with --storage-tls-key turns TLS on',
    read: (text) => ({ storageTlsCert: nonEmpty(text) }),
  },
  {
    name: 'storage-tls-key',
    placeholder: 'FILE',
    help: 'its private key, PEM',
    read: (text) => ({ storageTlsKey: nonEmpty(text) }),
  },
  {
    name: 'storage-tls-ca',
    placeholder: 'FILE',
    help: 'authority that the certificates of the others must be of, PEM',
    read: (text) => ({ storageTlsCa: nonEmpty(text) }),
  },
  ...BACKUP_FLAGS,
  {
    name: 'log-level',
    placeholder: 'LEVEL',
    help: 'trace, debug, info, warn, error, fatal or silent (info)',
    read: (text) => ({ logLevel: oneOf(text, LOG_LEVELS) }),
  },
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
