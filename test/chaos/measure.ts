// npm run volume:measure -- [zone] [messages] [recovery] [rebuild] [--seconds 20] [--megabytes 10,1000] [--no-build]
//
// What the volume promises, measured on processes: all four without arguments. Each line says what was measured; no bound
// is asserted, since it depends on what else the machine does.
//
//   zone      one zone (two nodes) is killed under pgbench: transactions each second, failed ones, catching up
//   messages  messages and bytes to storage for each transaction at 32 clients, beside PostgreSQL's WAL for the same
//   recovery  time from the start of a killed writer to its first answer, after so much log
//   rebuild   a lost node's segments on a spare: bytes each second while pgbench runs, and what that costs pgbench

import { parseArgs } from 'node:util'
import pg from 'pg'
import { buildBorealis, postgresServer } from '../support/launch.ts'
import { initialise, pgbench, runPgbench } from '../support/pgbench.ts'
import { Cluster, until } from '../volume/cluster.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '20' },
    megabytes: { type: 'string', default: '10,1000' },
    'no-build': { type: 'boolean', default: false },
  },
})

const SECONDS = Number(values.seconds)
const MEGABYTE = 1024 * 1024
const say = (text: string): void => void process.stdout.write(`${text}\n`)
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

interface Segment {
  readonly node: number
  readonly role: string
  readonly alive: boolean
  readonly scl: string | null
  readonly bytes: string
}

const segments = (cluster: Cluster): Promise<Segment[]> =>
  cluster.query<Segment>('select node, role, alive, scl::text, bytes from borealis.segments')

async function withCluster(spareCount: number, work: (cluster: Cluster) => Promise<void>): Promise<void> {
  const cluster = await Cluster.make({ command: 'built', spareCount })
  try {
    await cluster.start()
    await work(cluster)
  } finally {
    await cluster.remove()
  }
}

/** pgbench for so long; transactions each second as it reports them, and what failed. */
async function load(cluster: Cluster, seconds: number): Promise<{ rates: number[]; failed: string }> {
  const flags = [
    '-n',
    '-b',
    'tpcb-like',
    '-M',
    'prepared',
    '-c',
    '8',
    '-j',
    '2',
    '-T',
    String(seconds),
    '-P',
    '1',
  ]
  const { output, progress } = await pgbenchWithProgress(cluster.port, flags, seconds)
  const rates = [...progress.matchAll(/^progress: .*?, ([\d.]+) tps/gm)].map((match) => Number(match[1]))
  return { rates, failed: /number of failed transactions: (\d+)/.exec(output)?.[1] ?? '?' }
}

async function pgbenchWithProgress(
  port: number,
  flags: readonly string[],
  seconds: number,
): Promise<{ output: string; progress: string }> {
  let progress = ''
  const output = await pgbench(port, flags, seconds * 1000 + 60_000, (text) => (progress += text))
  return { output, progress }
}

function mean(rates: readonly number[]): number {
  return rates.reduce((sum, rate) => sum + rate, 0) / Math.max(1, rates.length)
}

async function measureZone(cluster: Cluster): Promise<void> {
  await initialise(cluster.port, 1)
  const killAt = Math.floor(SECONDS / 2)
  const running = load(cluster, SECONDS)
  await sleep(killAt * 1000)
  await Promise.all([cluster.node(1).end('SIGKILL'), cluster.node(4).end('SIGKILL')])
  const { rates, failed } = await running
  const before = mean(rates.slice(1, killAt - 1))
  const after = rates.slice(killAt)
  const back = after.findIndex((rate) => rate >= before * 0.8)
  say(
    `zone killed: ${before.toFixed(0)} tps before, then each second ${after.map((r) => r.toFixed(0)).join(' ')}`,
  )
  say(
    `zone killed: ${failed} failed transactions, back to 80 % after ${back < 0 ? 'never' : `${back + 1} s`}`,
  )
  await Promise.all([cluster.node(1).start(), cluster.node(4).start()])
  const tookMs = await until(
    'the nodes are level',
    async () => new Set((await segments(cluster)).map(({ scl }) => scl)).size === 1,
    120_000,
  )
  say(`zone killed: both nodes level again ${(tookMs / 1000).toFixed(1)} s after they started`)
}

interface Counters {
  readonly messages: number
  readonly bytes: number
  readonly ios: number
}

async function counters(cluster: Cluster): Promise<Counters> {
  const [row] = await cluster.query<{ messages: string; bytes: string; ios: string }>(
    'select messages_sent messages, bytes_sent bytes, ios_per_commit * commits ios from borealis.volume',
  )
  return { messages: Number(row?.messages), bytes: Number(row?.bytes), ios: Number(row?.ios) }
}

async function measureMessages(cluster: Cluster): Promise<void> {
  const run = { script: 'tpcb-like', mode: 'prepared', clients: 32, seconds: SECONDS } as const
  await initialise(cluster.port, 10)
  const before = await counters(cluster)
  const { processed, transactionsPerSecond } = await runPgbench(cluster.port, run)
  const after = await counters(cluster)
  const per = (from: number, to: number): string => ((to - from) / processed).toFixed(2)
  const figures = `${per(before.messages, after.messages)} messages, ${per(before.ios, after.ios)} I/Os`
  const bytes = ((after.bytes - before.bytes) / processed).toFixed(0)
  say(
    `32 clients: ${transactionsPerSecond.toFixed(0)} tps; a transaction, six copies: ${figures}, ${bytes} bytes`,
  )
  const postgres = await postgresServer()
  try {
    await postgres.start()
    await initialise(postgres.port, 10)
    const from = await walPosition(postgres.port)
    const theirs = await runPgbench(postgres.port, run)
    const wal = ((await walPosition(postgres.port)) - from) / theirs.processed
    say(
      `PostgreSQL: ${theirs.transactionsPerSecond.toFixed(0)} tps, ${wal.toFixed(0)} bytes of WAL a transaction, one copy`,
    )
  } finally {
    await postgres.remove()
  }
}

async function walPosition(port: number): Promise<number> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' })
  await client.connect()
  const { rows } = await client.query<{ at: string }>("select pg_current_wal_lsn() - '0/0' as at")
  await client.end()
  return Number(rows[0]?.at)
}

async function tail(cluster: Cluster): Promise<number> {
  const [row] = await cluster.query<{ at: string }>("select tail - '0/0' as at from borealis.volume")
  return Number(row?.at)
}

/** Writes log until there are so many megabytes of it. */
async function fill(cluster: Cluster, megabytes: number): Promise<void> {
  await cluster.query('create table if not exists filler (a bigserial primary key, b text)')
  const text = 'insert into filler (b) select repeat(md5(g::text), 30) from generate_series(1, 2000) g'
  while ((await tail(cluster)) < megabytes * MEGABYTE) await cluster.query(text)
}

async function measureRecovery(cluster: Cluster): Promise<void> {
  for (const megabytes of values.megabytes.split(',').map(Number)) {
    await fill(cluster, megabytes)
    await cluster.server.end('SIGKILL')
    const tookMs = await cluster.startServer()
    say(
      `recovery: first answer ${tookMs.toFixed(0)} ms after the start of the process, ${megabytes} MB of log`,
    )
  }
}

async function measureRebuild(cluster: Cluster): Promise<void> {
  const megabytes = Number(values.megabytes.split(',').at(-1))
  await initialise(cluster.port, 1)
  await fill(cluster, megabytes)
  const { rates: alone } = await load(cluster, SECONDS)
  await cluster.node(6).end('SIGKILL')
  const held = Number((await segments(cluster)).find(({ node }) => node === 1)?.bytes ?? 0)
  const startedMs = performance.now()
  await cluster.query('select borealis.replace_node(6, $1)', [cluster.addresses[6]])
  const running = load(cluster, SECONDS)
  await until(
    'the spare is a member',
    async () => (await segments(cluster)).some(({ node, role }) => node === 7 && role === 'member'),
    600_000,
  )
  const seconds = (performance.now() - startedMs) / 1000
  const { rates } = await running
  const rate = (held / MEGABYTE / seconds).toFixed(1)
  say(`rebuild: ${(held / MEGABYTE).toFixed(0)} MB in ${seconds.toFixed(1)} s, ${rate} MB/s`)
  say(`rebuild: pgbench ${mean(alone).toFixed(0)} tps before, ${mean(rates).toFixed(0)} tps meanwhile`)
}

const MEASUREMENTS: Readonly<Record<string, () => Promise<void>>> = {
  zone: () => withCluster(0, measureZone),
  messages: () => withCluster(0, measureMessages),
  recovery: () => withCluster(0, measureRecovery),
  rebuild: () => withCluster(1, measureRebuild),
}

if (!values['no-build']) buildBorealis()
for (const [name, measure] of Object.entries(MEASUREMENTS)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue
  try {
    await measure()
  } catch (error) {
    say(`${name}: ${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = 1
  }
}
process.exit()
