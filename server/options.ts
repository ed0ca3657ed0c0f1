// What `borealis serve` can be told, from four places: flag, environment, configuration file, default, in this order.
// The table below is all there is: the parser, the environment names and the help text follow from it.

import { isIPv4, isIPv6 } from 'node:net'
import { AUTH_METHODS, type AuthMethod } from './authentication.ts'
import { StartError } from './listener.ts'

/** Nodes, and how many of them a write and a recovery read need. */
export interface Quorum {
  readonly nodeCount: number
  readonly writeCount: number
  readonly readCount: number
}

export interface ServerOptions {
  readonly data: string
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly quorum: Quorum
  readonly storage: 'embedded'
  readonly bufferPoolBytes: number
  readonly connectionCountMax: number
  readonly logLevel: string
  readonly logSlowMs: number | undefined
  readonly tlsCert: string | undefined
  readonly tlsKey: string | undefined
  readonly auth: AuthMethod
  /** Undefined: never. */
  readonly idleTimeoutMs: number | undefined
  /** What SIGTERM grants to transactions that are open. */
  readonly graceMs: number
}

export const DEFAULT_OPTIONS: ServerOptions = {
  data: './borealis-data',
  host: '127.0.0.1',
  port: 5432,
  quorum: { nodeCount: 6, writeCount: 4, readCount: 3 },
  storage: 'embedded',
  bufferPoolBytes: 256 * 1024 * 1024,
  connectionCountMax: 100,
  logLevel: 'info',
  logSlowMs: undefined,
  tlsCert: undefined,
  tlsKey: undefined,
  auth: 'trust',
  idleTimeoutMs: undefined,
  graceMs: 30_000,
}

const LOG_LEVELS: readonly string[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']
const PORT_MAX = 65_535
const CONNECTION_COUNT_MAX = 262_143
const DURATION_MS_MAX = 0x7fff_ffff
/** Below this the pool could not hold the pages of one statement. */
const BUFFER_POOL_SIZE_BYTES_MIN = 8 * 1024 * 1024

const SIZE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  kb: 1024,
  mb: 1024 ** 2,
  gb: 1024 ** 3,
  tb: 1024 ** 4,
}
const TIME_UNITS: Readonly<Record<string, number>> = { '': 1, ms: 1, s: 1000, min: 60_000, h: 3_600_000 }

interface Flag {
  readonly name: string
  readonly placeholder: string
  readonly help: string
  /** Reads the value, or throws a plain Error that says what was expected. */
  readonly read: (text: string) => Partial<ServerOptions>
}

const FLAGS: readonly Flag[] = [
  {
    name: 'data',
    placeholder: 'DIR',
    help: 'data directory (./borealis-data)',
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
    help: 'port; 0 takes any (5432)',
    read: (text) => ({ port: integer(text, 0, PORT_MAX) }),
  },
  {
    name: 'quorum',
    placeholder: 'V,W,R',
    help: 'nodes, write and read quorum (6,4,3)',
    read: (text) => ({ quorum: readQuorum(text) }),
  },
  {
    name: 'storage',
    placeholder: 'WHERE',
    help: 'embedded: nodes inside this process (embedded)',
    read: readStorage,
  },
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
  {
    name: 'log-level',
    placeholder: 'LEVEL',
    help: 'trace, debug, info, warn, error, fatal or silent (info)',
    read: (text) => ({ logLevel: oneOf(text, LOG_LEVELS) }),
  },
  {
    name: 'log-slow-ms',
    placeholder: 'N',
    help: 'log statements that take this long or longer (never)',
    read: (text) => ({ logSlowMs: integer(text, 0, DURATION_MS_MAX) }),
  },
]

const CONFIG_FLAG = 'config'

/** Reads flags and environment, and the configuration file with `readFile`. Throws StartError. */
export function readOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string,
): ServerOptions {
  const given = readFlags(args)
  const configPath = given.get(CONFIG_FLAG) ?? env[environmentName(CONFIG_FLAG)]
  const configured = configPath === undefined ? new Map<string, string>() : readConfig(configPath, readFile)
  let options = DEFAULT_OPTIONS
  for (const flag of FLAGS) {
    const name = environmentName(flag.name)
    if (given.has(flag.name)) options = apply(options, flag, given.get(flag.name) ?? '', `--${flag.name}`)
    else if (env[name] !== undefined) options = apply(options, flag, env[name], name)
    else if (configured.has(flag.name))
      options = apply(options, flag, configured.get(flag.name) ?? '', `${flag.name} in ${configPath}`)
  }
  checkOptions(options)
  return options
}

/** What must hold between options. Throws StartError. */
export function checkOptions(options: ServerOptions): void {
  if ((options.tlsCert === undefined) !== (options.tlsKey === undefined)) {
    throw new StartError('--tls-cert and --tls-key are given together or not at all')
  }
  if (options.auth === 'trust' && !isLoopback(options.host)) {
    throw new StartError(
      `refusing to listen on ${options.host} without authentication: anyone could connect as superuser; give --auth scram-sha-256`,
    )
  }
}

/** Lines of the help text, one for each flag. */
export function flagHelp(): string {
  const rows = FLAGS.map((flag) => [`--${flag.name} ${flag.placeholder}`, flag.help] as const)
  const all = [...rows, [`--${CONFIG_FLAG} FILE`, 'lines of NAME = VALUE, names as the flags above'] as const]
  const width = Math.max(...all.map(([left]) => left.length))
  return all.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n')
}

function apply(options: ServerOptions, flag: Flag, text: string, source: string): ServerOptions {
  try {
    return { ...options, ...flag.read(text) }
  } catch (error) {
    if (!(error instanceof BadValue)) throw error
    throw new StartError(`${source}: "${text}" ${error.message}`)
  }
}

function readFlags(args: readonly string[]): Map<string, string> {
  const given = new Map<string, string>()
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? ''
    const match = /^--([a-z-]+)(?:=(.*))?$/s.exec(arg)
    const name = match?.[1] ?? ''
    if (name !== CONFIG_FLAG && !FLAGS.some((flag) => flag.name === name))
      throw new StartError(`unknown option "${arg}"; see --help`)
    const value = match?.[2] ?? args[++i]
    if (value === undefined) throw new StartError(`--${name} needs a value; see --help`)
    given.set(name, value)
  }
  return given
}

function readConfig(path: string, readFile: (path: string) => string): Map<string, string> {
  let text: string
  try {
    text = readFile(path)
  } catch (error) {
    throw new StartError(`cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`)
  }
  const configured = new Map<string, string>()
  for (const [index, line] of text.split('\n').entries()) {
    const content = line.trim()
    if (content === '' || content.startsWith('#')) continue
    const match = /^([a-z-]+)\s*=\s*(?:'([^']*)'|([^#]*?))\s*(?:#.*)?$/.exec(content)
    const name = match?.[1] ?? ''
    if (!FLAGS.some((flag) => flag.name === name)) {
      throw new StartError(
        `${path}:${index + 1}: expected NAME = VALUE with the name of a flag, found "${content}"`,
      )
    }
    configured.set(name, match?.[2] ?? match?.[3] ?? '')
  }
  return configured
}

function environmentName(flagName: string): string {
  return `BOREALIS_${flagName.replaceAll('-', '_').toUpperCase()}`
}

/** Whether only this machine can reach the address. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true
  return isIPv4(host) ? host.startsWith('127.') : isIPv6(host) && /^::ffff:127\./i.test(host)
}

// ── Values ──

class BadValue extends Error {}

function nonEmpty(text: string): string {
  if (text === '') throw new BadValue('is empty')
  return text
}

function integer(text: string, min: number, max: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : -1
  if (value < min || value > max) throw new BadValue(`is not an integer from ${min} to ${max}`)
  return value
}

function oneOf<T extends string>(text: string, allowed: readonly T[]): T {
  const found = allowed.find((value) => value === text)
  if (found === undefined) throw new BadValue(`is not one of ${allowed.join(', ')}`)
  return found
}

function quantity(text: string, units: Readonly<Record<string, number>>, min: number, max: number): number {
  const match = /^(\d{1,15})\s*([a-zA-Z]*)$/.exec(text)
  const unit = match === null ? undefined : units[(match[2] ?? '').toLowerCase()]
  const value = unit === undefined ? -1 : Number(match?.[1]) * unit
  const names = Object.keys(units)
    .filter((name) => name !== '')
    .join(', ')
  if (value < 0) throw new BadValue(`is not a number with a unit (${names})`)
  if (value < min || value > max) throw new BadValue(`is not between ${min} and ${max}`)
  return value
}

function orNever(durationMs: number): number | undefined {
  return durationMs === 0 ? undefined : durationMs
}

function readStorage(text: string): Partial<ServerOptions> {
  if (text !== 'embedded') throw new BadValue('is not supported: only "embedded" is')
  return { storage: 'embedded' }
}

/** Two write quorums overlap, and each read quorum meets each write quorum (Aurora 2017, section 2.1). */
function readQuorum(text: string): Quorum {
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
