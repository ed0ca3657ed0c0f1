// What `borealis serve` can be told, from four places: flag, environment, configuration file, default, in this order.
// The table below is all there is: the parser, the environment names and the help text follow from it.

import { PAGE_SIZE_BYTES } from '../../storage/base/limits.ts'
import { SEGMENT_SIZE_BYTES_DEFAULT } from '../../storage/message/configuration.ts'
import {
  checkFirstPassword,
  FIRST_PASSWORD_DEFAULTS,
  FIRST_PASSWORD_FLAGS,
  type FirstPasswordOptions,
} from './first-password.ts'
import { BACKUP_DEFAULTS, BACKUP_FLAGS, type BackupOptions } from './backup-options.ts'
import { AUTH_METHODS, type AuthMethod } from '../wire/authentication.ts'
import {
  CLUSTER_SECURITY_DEFAULTS,
  CLUSTER_SECURITY_FLAGS,
  type ClusterSecurityOptions,
} from './cluster-security-options.ts'
import {
  BadValue,
  DURATION_MS_MAX,
  type Flag,
  flagTableHelp,
  integer,
  isLoopback,
  isOn,
  nonEmpty,
  oneOf,
  quantity,
  readFlagTable,
  SIZE_UNITS,
  TIME_UNITS,
} from './flags.ts'
import {
  LISTEN_HOST_DEFAULT,
  listenFlags,
  type ListenOptions,
  LOG_FLAGS,
  LOG_LEVEL_DEFAULT,
} from './listen-options.ts'
import { StartError } from '../start-error.ts'
import { parseStorageAddress, parseStorageAddresses } from './storage-address.ts'

/** Nodes, and how many of them a write and a recovery read need. */
export interface Quorum {
  readonly nodeCount: number
  readonly writeCount: number
  readonly readCount: number
}

export interface ServerOptions
  extends ListenOptions, ClusterSecurityOptions, BackupOptions, FirstPasswordOptions {
  readonly quorum: Quorum
  /** Storage nodes inside this process, or the addresses of those that run elsewhere. */
  readonly storage: 'embedded' | readonly string[]
  /** Addresses of nodes that take over when one is lost. */
  readonly spares: readonly string[]
  readonly segmentSizeBytes: number
  /** Every second node keeps log only: about half the space. */
  readonly tailSegments: boolean
  /** How long new writes wait for a write quorum to come back before they fail. */
  readonly quorumTimeoutMs: number
  /** A node that has not answered for so long is replaced by a spare. */
  readonly replaceAfterMs: number
  /** Whether superusers may make nodes fail (aurora_inject_...). */
  readonly faultInjection: boolean
  readonly bufferPoolBytes: number
  readonly connectionCountMax: number
  readonly logSlowMs: number | undefined
  readonly tlsCert: string | undefined
  readonly tlsKey: string | undefined
  readonly auth: AuthMethod
  /** Undefined: never. */
  readonly idleTimeoutMs: number | undefined
  /** What SIGTERM grants to transactions that are open. */
  readonly graceMs: number
}

const PORT_DEFAULT = 5432

export const DEFAULT_OPTIONS: ServerOptions = {
  data: './borealis-data',
  host: LISTEN_HOST_DEFAULT,
  port: PORT_DEFAULT,
  quorum: { nodeCount: 6, writeCount: 4, readCount: 3 },
  storage: 'embedded',
  spares: [],
  segmentSizeBytes: SEGMENT_SIZE_BYTES_DEFAULT,
  tailSegments: false,
  quorumTimeoutMs: 30_000,
  replaceAfterMs: 60_000,
  ...BACKUP_DEFAULTS,
  ...CLUSTER_SECURITY_DEFAULTS,
  faultInjection: false,
  bufferPoolBytes: 256 * 1024 * 1024,
  connectionCountMax: 100,
  logLevel: LOG_LEVEL_DEFAULT,
  logSlowMs: undefined,
  tlsCert: undefined,
  tlsKey: undefined,
  auth: 'trust',
  ...FIRST_PASSWORD_DEFAULTS,
  idleTimeoutMs: undefined,
  graceMs: 30_000,
}

const CONNECTION_COUNT_MAX = 262_143
/** A segment of fewer pages would make a group of every table. */
const SEGMENT_SIZE_BYTES_MIN = 64 * PAGE_SIZE_BYTES
const SEGMENT_SIZE_BYTES_LIMIT = 64 * 1024 ** 4
/** Below this the pool could not hold the pages of one statement. */
const BUFFER_POOL_SIZE_BYTES_MIN = 8 * 1024 * 1024

const FLAGS: readonly Flag<ServerOptions>[] = [
  ...listenFlags('data directory (./borealis-data)', PORT_DEFAULT),
  {
    name: 'quorum',
    placeholder: 'V,W,R',
    help: 'nodes, write and read quorum (6,4,3)',
    read: (text) => ({ quorum: readQuorum(text) }),
  },
  {
    name: 'storage',
    placeholder: 'WHERE',
    help: 'embedded: nodes inside this process; or HOST:PORT,... of storage nodes (embedded)',
    read: readStorage,
  },
  {
    name: 'spares',
    placeholder: 'LIST',
    help: 'HOST:PORT,... of storage nodes that take over when one is lost (none)',
    read: (text) => ({ spares: readAddresses(text) }),
  },
  {
    name: 'segment-size',
    placeholder: 'SIZE',
    help: 'pages of a segment, for a new volume (10GB)',
    read: readSegmentSize,
  },
  {
    name: 'tail-segments',
    placeholder: undefined,
    help: 'every second node keeps log only, for a new volume: about half the space',
    read: (text) => ({ tailSegments: isOn(text) }),
  },
  {
    name: 'quorum-timeout',
    placeholder: 'TIME',
    help: 'how long writes wait for a lost write quorum before they fail (30s)',
    read: (text) => ({ quorumTimeoutMs: quantity(text, TIME_UNITS, 1, DURATION_MS_MAX) }),
  },
  {
    name: 'replace-after',
    placeholder: 'TIME',
    help: 'a node that is silent for so long is replaced by a spare (1min)',
    read: (text) => ({ replaceAfterMs: quantity(text, TIME_UNITS, 1, DURATION_MS_MAX) }),
  },
  ...CLUSTER_SECURITY_FLAGS,
  {
    name: 'fault-injection',
    placeholder: undefined,
    help: 'superusers may make storage nodes fail (aurora_inject_crash and others)',
    read: (text) => ({ faultInjection: isOn(text) }),
  },
  ...BACKUP_FLAGS,
  {
    name: 'buffer-pool',
    placeholder: 'SIZE',
    help: 'memory for pages, e.g. 512MB (256MB)',
    read: (text) => ({
      bufferPoolBytes: quantity(text, SIZE_UNITS, BUFFER_POOL_SIZE_BYTES_MIN, Number.MAX_SAFE_INTEGER),
    }),
  },
  {
    name: 'max-connections',
    placeholder: 'N',
    help: 'connections at a time, three of them for superusers (100)',
    read: (text) => ({ connectionCountMax: integer(text, 1, CONNECTION_COUNT_MAX) }),
  },
  {
    name: 'auth',
    placeholder: 'METHOD',
    help: 'trust, password, md5 or scram-sha-256 (trust, on loopback only)',
    read: (text) => ({ auth: oneOf(text, AUTH_METHODS) }),
  },
  ...FIRST_PASSWORD_FLAGS,
  {
    name: 'tls-cert',
    placeholder: 'FILE',
    help: 'certificate chain, PEM; with --tls-key turns TLS on',
    read: (text) => ({ tlsCert: nonEmpty(text) }),
  },
  {
    name: 'tls-key',
    placeholder: 'FILE',
    help: 'private key, PEM',
    read: (text) => ({ tlsKey: nonEmpty(text) }),
  },
  {
    name: 'idle-timeout',
    placeholder: 'TIME',
    help: 'end idle sessions after e.g. 10min (never)',
    read: (text) => ({ idleTimeoutMs: orNever(quantity(text, TIME_UNITS, 0, DURATION_MS_MAX)) }),
  },
  {
    name: 'grace',
    placeholder: 'TIME',
    help: 'what SIGTERM grants to open transactions (30s)',
    read: (text) => ({ graceMs: quantity(text, TIME_UNITS, 0, DURATION_MS_MAX) }),
  },
  ...LOG_FLAGS,
  {
    name: 'log-slow-ms',
    placeholder: 'N',
    help: 'log statements that take this long or longer (never)',
    read: (text) => ({ logSlowMs: integer(text, 0, DURATION_MS_MAX) }),
  },
]

/** Reads flags and environment, and the configuration file with `readFile`. Throws StartError. */
export function readOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string,
): ServerOptions {
  const options = readFlagTable(FLAGS, DEFAULT_OPTIONS, { args, env, readFile })
  checkOptions(options)
  return options
}

/** What must hold between options. Throws StartError. */
export function checkOptions(options: ServerOptions): void {
  if (options.backup !== undefined && options.storage !== 'embedded')
    throw new StartError('with --storage, backups are made by the storage nodes: give --backup to them')
  checkFirstPassword(options)
  if ((options.tlsCert === undefined) !== (options.tlsKey === undefined)) {
    throw new StartError('--tls-cert and --tls-key are given together or not at all')
  }
  const { storage } = options
  if (storage !== 'embedded') checkStorage({ ...options, storage })
  if (options.auth === 'trust' && !isLoopback(options.host)) {
    throw new StartError(
      `refusing to listen on ${options.host} without authentication: anyone could connect as superuser; give --auth scram-sha-256`,
    )
  }
}

function checkStorage({
  storage,
  quorum,
  spares,
  clusterSecret,
}: Omit<ServerOptions, 'storage'> & { readonly storage: readonly string[] }): void {
  const { nodeCount } = quorum
  if (storage.length !== nodeCount)
    throw new StartError(`--storage names ${storage.length} nodes, --quorum wants ${nodeCount}`)
  const all = [...storage, ...spares]
  if (clusterSecret === undefined && !all.every((address) => isLoopback(parseStorageAddress(address).host)))
    throw new StartError('storage nodes beyond this machine need a --cluster-secret')
}

/** Lines of the help text, one for each flag. */
export function flagHelp(): string {
  return flagTableHelp(FLAGS)
}

// ── Values ──

function orNever(durationMs: number): number | undefined {
  return durationMs === 0 ? undefined : durationMs
}

function readStorage(text: string): Partial<ServerOptions> {
  return { storage: text === 'embedded' ? text : readAddresses(text) }
}

function readAddresses(text: string): readonly string[] {
  try {
    return parseStorageAddresses(text)
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    throw new BadValue('is no list of HOST:PORT,...')
  }
}

function readSegmentSize(text: string): Partial<ServerOptions> {
  const segmentSizeBytes = quantity(text, SIZE_UNITS, SEGMENT_SIZE_BYTES_MIN, SEGMENT_SIZE_BYTES_LIMIT)
  if (segmentSizeBytes % PAGE_SIZE_BYTES !== 0) throw new BadValue(`is no multiple of ${PAGE_SIZE_BYTES}`)
  return { segmentSizeBytes }
}

/** Two write quorums overlap, and each read quorum meets each write quorum (Aurora 2017, section 2.1). */
export function readQuorum(text: string): Quorum {
  const match = /^(\d{1,2}),(\d{1,2}),(\d{1,2})$/.exec(text)
  if (match === null) throw new BadValue('is not of the form NODES,WRITE,READ')
  const nodeCount = Number(match[1])
  const writeCount = Number(match[2])
  const readCount = Number(match[3])
  if (nodeCount < 1 || writeCount > nodeCount || readCount > nodeCount || readCount < 1) {
    throw new BadValue('needs 1 to NODES nodes for each quorum')
  }
  if (writeCount * 2 <= nodeCount) throw new BadValue('needs a write quorum of more than half the nodes')
  if (writeCount + readCount <= nodeCount) throw new BadValue('needs read and write quorums that overlap')
  return { nodeCount, writeCount, readCount }
}
