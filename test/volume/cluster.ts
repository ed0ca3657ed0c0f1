// A server and its storage nodes as processes of their own, to be killed, stopped and started again: six nodes in three
// named zones on loopback, spares if wanted.
//
//   Cluster.start ─▶ storage-node × 6 (+ spares) ─▶ serve --storage ...      each on a port and a directory that it keeps

import { type ChildProcess, spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { freePort, waitUntilReady } from '../support/postgres.ts'

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
/** What is run: the build (npm run build), or the sources. */
type What = 'built' | 'source'
const COMMANDS: Readonly<Record<What, readonly string[]>> = {
  built: [join(ROOT, 'dist', 'server', 'main.js')],
  source: ['--import', 'tsx', join(ROOT, 'server', 'main.ts')],
}
const START_TIMEOUT_MS = 60_000
const ZONES = ['az1', 'az2', 'az3'] as const

export interface ClusterOptions {
  readonly command: What
  readonly spareCount?: number
  readonly serverFlags?: readonly string[]
  readonly nodeFlags?: readonly string[]
  readonly secret?: string
  /** Where its data lies, if not in a new directory; it may hold what an earlier cluster left there. */
  readonly directory?: string
}

/** A process that can be started again as it was. */
class Runnable {
  readonly #args: readonly string[]
  readonly #env: Readonly<Record<string, string>>
  readonly logFile: string
  #child: ChildProcess | undefined

  constructor(args: readonly string[], env: Readonly<Record<string, string>>, logFile: string) {
    this.#args = args
    this.#env = env
    this.logFile = logFile
    process.setMaxListeners(64).once('exit', () => this.#child?.kill('SIGKILL'))
  }

  get isRunning(): boolean {
    const child = this.#child
    return child !== undefined && child.exitCode === null && child.signalCode === null
  }

  get processId(): number {
    return this.#child?.pid ?? 0
  }

  /** Resolves when it has printed its line. */
  async start(): Promise<void> {
    const log = openSync(this.logFile, 'a')
    const child = spawn(process.execPath, [...this.#args], {
      cwd: ROOT,
      env: { ...process.env, ...this.#env },
      stdio: ['ignore', 'pipe', log] as const,
    })
    this.#child = child
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${this.#args.join(' ')} does not start`)),
        START_TIMEOUT_MS,
      )
      child.stdout?.once('data', () => {
        clearTimeout(timer)
        resolve()
      })
      child.once('exit', (code) => {
        clearTimeout(timer)
        reject(new Error(`status ${code}: ${readFileSync(this.logFile, 'utf8').trim().split('\n').at(-1)}`))
      })
    })
  }

  signal(signal: NodeJS.Signals): void {
    if (this.isRunning) this.#child?.kill(signal)
  }

  /** Ends it, and waits until it is gone. */
  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (child === undefined || !this.isRunning) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGCONT')
    child.kill(signal)
    await gone
  }
}

export class Cluster {
  readonly directory: string
  readonly port: number
  readonly addresses: readonly string[]
  readonly nodes: readonly Runnable[]
  readonly server: Runnable
  /** One more server that knows these nodes, on a machine of its own, as it were: when it starts it takes the volume over. */
  readonly otherServer: () => Runnable

  private constructor(options: ClusterOptions, ports: readonly number[]) {
    this.directory = options.directory ?? mkdtempSync(join(tmpdir(), 'borealis-cluster-'))
    mkdirSync(this.directory, { recursive: true })
    const command = COMMANDS[options.command]
    const env: Record<string, string> =
      options.secret === undefined ? {} : { BOREALIS_CLUSTER_SECRET: options.secret }
    const [serverPort = 0, ...nodePorts] = ports
    this.port = serverPort
    this.addresses = nodePorts.map((port) => `127.0.0.1:${port}`)
    this.nodes = nodePorts.map((port, index) => {
      const place = ['--id', String(index + 1), '--az', ZONES[index % ZONES.length] ?? ZONES[0]]
      const data = ['--data', join(this.directory, `node-${index + 1}`), '--port', String(port)]
      const log = join(this.directory, `node-${index + 1}.log`)
      const flags = ['--log-level', 'warn', ...(options.nodeFlags ?? [])]
      return new Runnable([...command, 'storage-node', ...place, ...data, ...flags], env, log)
    })
    const members = this.addresses.slice(0, 6).join(',')
    const flags = [
      '--storage',
      members,
      '--data',
      join(this.directory, 'server'),
      '--port',
      String(this.port),
    ]
    const log = join(this.directory, 'server.log')
    const rest = ['--log-level', 'warn', ...(options.serverFlags ?? [])]
    this.server = new Runnable([...command, 'serve', ...flags, ...rest], env, log)
    const apart = ['--storage', members, '--data', join(this.directory, 'other'), '--port', '0']
    this.otherServer = () => {
      const [known, place] = [join(this.directory, 'server'), join(this.directory, 'other')]
      mkdirSync(place, { recursive: true })
      copyFileSync(join(known, 'cluster.json'), join(place, 'cluster.json'))
      return new Runnable([...command, 'serve', ...apart, ...rest], env, `${place}.log`)
    }
  }

  /** Makes one; nothing runs yet. */
  static async make(options: ClusterOptions): Promise<Cluster> {
    const count = 7 + (options.spareCount ?? 0)
    const ports: number[] = []
    while (ports.length < count) ports.push(await freePort())
    return new Cluster(options, ports)
  }

  async start(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.start()))
    await this.startServer()
  }

  /** Resolves with the milliseconds from the start of the process to the first answered query. */
  async startServer(): Promise<number> {
    const startedMs = performance.now()
    await this.server.start()
    await waitUntilReady(this.port, START_TIMEOUT_MS)
    return performance.now() - startedMs
  }

  /** Number, from 1, of a node. */
  node(number: number): Runnable {
    const node = this.nodes[number - 1]
    if (node === undefined) throw new Error(`there is no node ${number}`)
    return node
  }

  async client(): Promise<pg.Client> {
    const client = new pg.Client({
      host: '127.0.0.1',
      port: this.port,
      user: 'postgres',
      database: 'postgres',
    })
    client.on('error', () => {})
    await client.connect()
    return client
  }

  async query<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    const client = await this.client()
    try {
      const { rows } = await client.query<Row>(text, values)
      return rows
    } finally {
      await client.end()
    }
  }

  /** Ends everything, the server first: politely, or as a loss of power would. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await this.server.end(signal)
    await Promise.all(this.nodes.map((node) => node.end(signal)))
  }

  /** Ends everything and removes the data. */
  async remove(): Promise<void> {
    await this.end('SIGKILL')
    rmSync(this.directory, { recursive: true, force: true })
  }
}

/** Resolves once `holds` does; rejects when it takes too long. */
export async function until(
  what: string,
  holds: () => Promise<boolean>,
  timeoutMs = 30_000,
): Promise<number> {
  const startedMs = performance.now()
  for (;;) {
    if (await holds()) return performance.now() - startedMs
    if (performance.now() - startedMs > timeoutMs) throw new Error(`${what}: not in ${timeoutMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
