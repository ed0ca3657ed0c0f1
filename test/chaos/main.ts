// npm run chaos -- [--seconds 600] [--clients 8] [--seed N] [--no-build]
//
// A server on six storage nodes, all processes of their own, under TPC-B-like clients that write down each number whose
// COMMIT was acknowledged, while nodes and the writer are killed, stopped and started again at random. At the end every
// node runs, and the record is compared: every acknowledged number is there, none that failed for certain is, and the
// four sums agree. What went wrong is printed, and the exit status is 1.
//
//   clients: begin, insert number, update × 3, insert, commit ──acknowledged──▶ ledger
//   nemesis: kill │ SIGSTOP, SIGCONT │ start again, of a node, a zone, the writer ...

import { readFileSync, statSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type pg from 'pg'
import { buildBorealis } from '../support/launch.ts'
import { initialise, readSums } from '../support/pgbench.ts'
import { Seeded } from '../support/seeded.ts'
import { Cluster, until } from '../volume/cluster.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '600' },
    clients: { type: 'string', default: '8' },
    seed: { type: 'string', default: String(process.pid) },
    'no-build': { type: 'boolean', default: false },
  },
})

/** Of a start that took longer the server's log is shown. */
const SLOW_START_MS = 3_000

interface Ledger {
  /** Numbers whose COMMIT was acknowledged. */
  readonly acknowledged: Set<number>
  /** Numbers whose transaction failed before COMMIT was sent: they may not be there. */
  readonly failed: Set<number>
  next: number
  unknown: number
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const say = (text: string): void => void process.stdout.write(`${text}\n`)

/** One client: transactions until the end, over as many connections as it takes. */
async function client(
  cluster: Cluster,
  ledger: Ledger,
  chance: Seeded,
  isOver: () => boolean,
): Promise<void> {
  while (!isOver()) {
    let session: pg.Client | undefined
    try {
      session = await cluster.client()
      await session.query("set statement_timeout = '15s'")
      while (!isOver()) await transact(session, ledger, chance)
    } catch {
      await sleep(100)
    }
    // Not awaited: a writer that is gone does not answer a farewell.
    void session?.end().catch(() => {})
  }
}

async function transact(session: pg.Client, ledger: Ledger, chance: Seeded): Promise<void> {
  const id = ledger.next++
  const delta = chance.below(10_001) - 5_000
  const account = 1 + chance.below(100_000)
  const teller = 1 + chance.below(10)
  try {
    await session.query('begin')
    await session.query('insert into ledger values ($1, $2)', [id, delta])
    await session.query('update pgbench_accounts set abalance = abalance + $1 where aid = $2', [
      delta,
      account,
    ])
    await session.query('update pgbench_tellers set tbalance = tbalance + $1 where tid = $2', [delta, teller])
    await session.query('update pgbench_branches set bbalance = bbalance + $1 where bid = 1', [delta])
    const history = 'insert into pgbench_history (tid, bid, aid, delta, mtime) values ($1, 1, $2, $3, now())'
    await session.query(history, [teller, account, delta])
  } catch (error) {
    ledger.failed.add(id)
    throw error
  }
  try {
    await session.query('commit')
  } catch (error) {
    ledger.unknown++
    throw error
  }
  ledger.acknowledged.add(id)
}

/** Does something bad, waits, undoes it. At most three nodes are away at a time. */
async function nemesis(cluster: Cluster, chance: Seeded, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    await sleep(500 + chance.below(2_500))
    const first = 1 + chance.below(6)
    const count = [1, 1, 1, 2, 2, 3][chance.below(6)] ?? 1
    const victims = Array.from({ length: count }, (_, i) => 1 + ((first - 1 + i * 3 + (i > 1 ? 1 : 0)) % 6))
    const deed = chance.below(8)
    if (deed < 3) {
      say(`kill nodes ${victims.join(', ')}`)
      await Promise.all(victims.map((number) => cluster.node(number).end('SIGKILL')))
      await sleep(chance.below(4_000))
      await Promise.all(victims.map((number) => cluster.node(number).start()))
    } else if (deed < 6) {
      say(`stop nodes ${victims.join(', ')}`)
      for (const number of victims) cluster.node(number).signal('SIGSTOP')
      await sleep(chance.below(6_000))
      for (const number of victims) cluster.node(number).signal('SIGCONT')
    } else {
      say(`kill the writer${deed === 7 ? ` and nodes ${victims.join(', ')}` : ''}`)
      await cluster.server.end('SIGKILL')
      if (deed === 7) await Promise.all(victims.map((number) => cluster.node(number).end('SIGKILL')))
      await sleep(chance.below(1_000))
      const known = statSync(cluster.server.logFile).size
      const tookMs = await cluster.startServer()
      say(`the writer serves again after ${tookMs.toFixed(0)} ms`)
      if (tookMs > SLOW_START_MS) say(readFileSync(cluster.server.logFile).subarray(known).toString())
      if (deed === 7) await Promise.all(victims.map((number) => cluster.node(number).start()))
    }
  }
}

/** What is wrong, a line each. */
async function verify(cluster: Cluster, ledger: Ledger): Promise<string[]> {
  const wrong: string[] = []
  const rows = await cluster.query<{ id: string }>('select id from ledger')
  const present = new Set(rows.map(({ id }) => Number(id)))
  const lost = [...ledger.acknowledged].filter((id) => !present.has(id))
  if (lost.length > 0) wrong.push(`${lost.length} acknowledged are lost, e.g. ${lost.slice(0, 5).join(', ')}`)
  const ghosts = [...ledger.failed].filter((id) => present.has(id))
  if (ghosts.length > 0)
    wrong.push(`${ghosts.length} that failed are there, e.g. ${ghosts.slice(0, 5).join(', ')}`)
  const { accounts, tellers, branches, history } = await readSums(cluster.port)
  if (accounts !== tellers || tellers !== branches || branches !== history)
    wrong.push(`the sums differ: ${accounts}, ${tellers}, ${branches}, ${history}`)
  return wrong
}

async function main(): Promise<void> {
  if (!values['no-build']) buildBorealis()
  const chance = new Seeded(Number(values.seed))
  say(`seed ${values.seed}`)
  const serverFlags = ['--quorum-timeout', '10s', '--log-level', 'debug']
  const cluster = await Cluster.make({ command: 'built', serverFlags })
  const ledger: Ledger = { acknowledged: new Set(), failed: new Set(), next: 1, unknown: 0 }
  let wrong: string[] = []
  try {
    await cluster.start()
    await initialise(cluster.port, 1)
    await cluster.query('create table ledger (id bigint primary key, delta int not null)')
    const endMs = performance.now() + Number(values.seconds) * 1000
    const isOver = (): boolean => performance.now() > endMs
    const clients = Array.from({ length: Number(values.clients) }, () =>
      client(cluster, ledger, chance, isOver),
    )
    await nemesis(cluster, chance, isOver)
    await Promise.race([Promise.all(clients), sleep(30_000)])
    await until('commits go on', async () => {
      await cluster.query('create table if not exists at_the_end ()')
      return true
    })
    wrong = await verify(cluster, ledger)
  } catch (error) {
    wrong = [`it ended early: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`]
  } finally {
    await cluster.remove()
  }
  const { acknowledged, failed, unknown } = ledger
  say(`${acknowledged.size} acknowledged, ${failed.size} failed, ${unknown} of unknown outcome`)
  for (const line of wrong) say(`WRONG ${line}`)
  process.exit(wrong.length === 0 ? 0 : 1)
}

await main()
