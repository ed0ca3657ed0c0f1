// npm run crash -- [--rounds 20] [--clients 8] [--seed N] [--postgres]
//
// kill -9 under load, over and over: pgbench runs TPC-B, and clients of our own run the same transaction with a number
// of theirs in it, writing down each number whose COMMIT was acknowledged. After each kill the server is started again;
// it must answer within two seconds, hold every number that was written down, and the four sums must agree.
//
//   start ─▶ load ─▶ SIGKILL ─▶ start (timed) ─▶ every acknowledged number there? sums equal? ─▶ load ...

import { parseArgs } from 'node:util'
import pg from 'pg'
import { borealisServer, buildBorealis, type LaunchedServer, postgresServer } from '../support/launch.ts'
import { initialise, pgbench, readSums } from '../support/pgbench.ts'
import { Seeded } from '../support/seeded.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    clients: { type: 'string', default: '8' },
    scale: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(process.pid) },
    postgres: { type: 'boolean', default: false },
  },
})

const RESTART_LIMIT_MS = 2_000
const LOAD_MIN_MS = 500
const LOAD_SPREAD_MS = 2_500

interface Ledger {
  /** Numbers whose COMMIT was acknowledged. */
  readonly acknowledged: Set<number>
  next: number
}

async function main(): Promise<void> {
  if (!values.postgres) buildBorealis()
  const server = await (values.postgres ? postgresServer() : borealisServer())
  const chance = new Seeded(Number(values.seed))
  const ledger: Ledger = { acknowledged: new Set(), next: 1 }
  const restarts: number[] = []
  let problems = 0
  process.stdout.write(`${server.name}, seed ${values.seed}\n`)
  try {
    await server.start()
    await initialise(server.port, Number(values.scale))
    await run(server.port, 'create table ledger (id bigint primary key, delta int not null)')
    for (let round = 1; round <= Number(values.rounds); round++) {
      const before = ledger.acknowledged.size
      await loadAndKill(server, ledger, chance)
      const restartMs = await server.start()
      restarts.push(restartMs)
      const wrong = await verify(server.port, ledger)
      const verdict =
        wrong !== '' ? `WRONG ${wrong}` : restartMs > RESTART_LIMIT_MS ? 'right, but late' : 'ok'
      if (verdict !== 'ok') problems++
      const count = ledger.acknowledged.size - before
      const facts = `${count} acknowledged, serving again after ${restartMs.toFixed(0)} ms`
      process.stdout.write(`round ${round}: ${facts}: ${verdict}\n`)
    }
  } finally {
    await server.remove()
  }
  const slowest = Math.max(...restarts).toFixed(0)
  process.stdout.write(
    `${ledger.acknowledged.size} acknowledged, slowest restart ${slowest} ms, ${problems} problems\n`,
  )
  process.exitCode = problems === 0 ? 0 : 1
}

/** Runs load for a random while, then kills the server in the middle of it. */
async function loadAndKill(server: LaunchedServer, ledger: Ledger, chance: Seeded): Promise<void> {
  const clientCount = Number(values.clients)
  const writers = Array.from({ length: clientCount }, () => write(server.port, ledger, chance))
  const half = String(Math.max(1, clientCount >> 1))
  // pgbench ends with an error when its server dies; that is the plan.
  const bench = pgbench(server.port, ['-n', '-b', 'tpcb-like', '-M', 'prepared', '-c', half, '-T', '60'], {
    timeoutMs: 120_000,
  }).catch(() => '')
  await new Promise((resolve) => setTimeout(resolve, LOAD_MIN_MS + chance.below(LOAD_SPREAD_MS)))
  await server.kill()
  await Promise.all([...writers, bench])
}

/** TPC-B's transaction with a number of ours, until the server is gone. */
async function write(port: number, ledger: Ledger, chance: Seeded): Promise<void> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' })
  client.on('error', () => {})
  const accountCount = 100_000 * Number(values.scale)
  const tellerCount = 10 * Number(values.scale)
  try {
    await client.connect()
    for (;;) {
      const id = ledger.next++
      const delta = chance.below(10_001) - 5_000
      const account = 1 + chance.below(accountCount)
      const teller = 1 + chance.below(tellerCount)
      const branch = 1 + chance.below(Number(values.scale))
      await client.query('begin')
      await client.query('insert into ledger values ($1, $2)', [id, delta])
      await client.query('update pgbench_accounts set abalance = abalance + $1 where aid = $2', [
        delta,
        account,
      ])
      await client.query('update pgbench_tellers set tbalance = tbalance + $1 where tid = $2', [
        delta,
        teller,
      ])
      await client.query('update pgbench_branches set bbalance = bbalance + $1 where bid = $2', [
        delta,
        branch,
      ])
      await client.query(
        'insert into pgbench_history (tid, bid, aid, delta, mtime) values ($1, $2, $3, $4, current_timestamp)',
        [teller, branch, account, delta],
      )
      await client.query('commit')
      ledger.acknowledged.add(id)
    }
  } catch (error) {
    // The connection broke, which is the plan; an error that the server sent is not.
    const { code } = error as { code?: string }
    const isBroken =
      code === undefined || !/^[0-9A-Z]{5}$/.test(code) || code.startsWith('57P') || code === 'EPIPE'
    if (!isBroken) process.stdout.write(`a writer failed: ${String(error)}\n`)
  }
  await client.end().catch(() => {})
}

/** What is wrong, or an empty text. */
async function verify(port: number, ledger: Ledger): Promise<string> {
  const rows = await run<{ id: string }>(port, 'select id from ledger')
  const present = new Set(rows.map(({ id }) => Number(id)))
  const lost = [...ledger.acknowledged].filter((id) => !present.has(id))
  if (lost.length > 0)
    return `${lost.length} acknowledged transactions are lost, e.g. ${lost.slice(0, 5).join(', ')}`
  const sums = await readSums(port)
  const agrees =
    sums.accounts === sums.history && sums.tellers === sums.branches && sums.tellers === sums.history
  return agrees ? '' : `the sums differ: ${JSON.stringify(sums)}`
}

async function run<Row extends pg.QueryResultRow>(port: number, text: string): Promise<Row[]> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' })
  await client.connect()
  const { rows } = await client.query<Row>(text)
  await client.end()
  return rows
}

await main()
