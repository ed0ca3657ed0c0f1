// npm run volume:measure -- [zone] [messages] [recovery] [rebuild] [--seconds 20] [--megabytes 10,1000] [--repeat 5]
//                           [--keep DIR] [--no-build]
//
// What the volume promises, measured on processes: all four without arguments. Each line says what was measured; no bound
// is asserted, since it depends on what else the machine does. With --keep, databases that take long to load are loaded
// into DIR the first time, and copied from there.
//
//   zone      one zone (two nodes) is killed under pgbench: transactions each second, failed ones, catching up
//   messages  messages and bytes to storage for each transaction at 32 clients, beside PostgreSQL's WAL for the same
//   recovery  time from the start of a killed server to its first answer, after so much log (measure-recovery.ts)
//   rebuild   a lost node's segments on a spare: bytes each second while pgbench runs, and what that costs pgbench
//             (measure-rebuild.ts)

import { parseArgs } from 'node:util'
import pg from 'pg'
import { buildBorealis, postgresServer } from '../support/launch.ts'
import { initialise, runPgbench } from '../support/pgbench.ts'
import { Cluster, until } from '../volume/cluster.ts'
import { load, mean, segments, sleep } from './load.ts'
import { measureRebuild } from './measure-rebuild.ts'
import { measureRecovery } from './measure-recovery.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '20' },
    megabytes: { type: 'string', default: '10,1000' },
    repeat: { type: 'string', default: '5' },
    keep: { type: 'string' },
    'no-build': { type: 'boolean', default: false },
  },
})

const SECONDS = Number(values.seconds)
const MEGABYTES = values.megabytes.split(',').map(Number)
const say = (text: string): void => void process.stdout.write(`${text}\n`)

async function withCluster(work: (cluster: Cluster) => Promise<void>): Promise<void> {
  const cluster = await Cluster.make({ command: 'built' })
  try {
    await cluster.start()
    await work(cluster)
  } finally {
    await cluster.remove()
  }
}

async function measureZone(cluster: Cluster): Promise<void> {
  await initialise(cluster.port, 1)
  const killAt = Math.floor(SECONDS / 2)
  const running = load(cluster.port, SECONDS)
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
    async () => new Set((await segments(cluster.port)).map(({ scl }) => scl)).size === 1,
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

const MEASUREMENTS: Readonly<Record<string, () => Promise<void>>> = {
  zone: () => withCluster(measureZone),
  messages: () => withCluster(measureMessages),
  recovery: () =>
    measureRecovery({ megabytes: MEGABYTES, repeat: Number(values.repeat), keepUnder: values.keep, say }),
  rebuild: () =>
    measureRebuild({ megabytes: MEGABYTES.at(-1) ?? 0, seconds: SECONDS, keepUnder: values.keep, say }),
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
