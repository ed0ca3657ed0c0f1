// npm run bench -- [--seconds 10] [--rounds 2] [--scale 10] [--only TEXT] [--quorum 6,4,3]
//
// pgbench against PostgreSQL 15 and Borealis, both fresh, on this machine, in turn (A B A B): initialisation, then each
// script in each mode at each number of clients. Prints a table of medians and ratios and writes it as JSON to bench/out.
// --cost [--count 30000] instead prints what a transaction costs the server's thread without network and disk.
// --only keeps the cases whose name contains TEXT, e.g. "select-only prepared" or "tpcb".

import { parseArgs } from 'node:util'
import { borealisServer, buildBorealis, type LaunchedServer, postgresServer } from '../test/support/launch.ts'
import { initialise, type PgbenchMode, type PgbenchScript, runPgbench } from '../test/support/pgbench.ts'
import { noPostgres } from '../test/support/postgres.ts'
import { type Measured, median, writeReport } from './report.ts'
import { printCost } from './statement-cost.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '2' },
    scale: { type: 'string', default: '10' },
    only: { type: 'string', default: '' },
    quorum: { type: 'string', default: '6,4,3' },
    cost: { type: 'boolean', default: false },
    count: { type: 'string', default: '30000' },
  },
})

interface Case {
  readonly name: string
  readonly script: PgbenchScript
  readonly mode: PgbenchMode
  readonly clients: number
}

const SCRIPTS: readonly PgbenchScript[] = ['select-only', 'tpcb-like', 'simple-update']
const MODES: readonly PgbenchMode[] = ['simple', 'prepared']
const CLIENTS: readonly number[] = [1, 8, 32]

const CASES: readonly Case[] = SCRIPTS.flatMap((script) =>
  MODES.flatMap((mode) =>
    CLIENTS.map((clients) => ({ name: `${script} ${mode} ${clients}`, script, mode, clients })),
  ),
)

const POSTGRES_SETTINGS = { fsync: 'on', shared_buffers: '512MB', max_connections: '200' }

async function main(): Promise<void> {
  if (values.cost) {
    const options = { count: Number(values.count), rounds: Number(values.rounds) }
    for (const chosen of CASES.filter(({ name }) => name.includes(values.only)))
      await printCost(chosen, options)
    process.exit(0)
  }
  if (noPostgres !== undefined) {
    process.stdout.write(`skipped: ${noPostgres}\n`)
    return
  }
  const seconds = Number(values.seconds)
  const rounds = Number(values.rounds)
  buildBorealis()
  const servers = [
    await postgresServer(POSTGRES_SETTINGS),
    await borealisServer(['--quorum', values.quorum, '--max-connections', '200']),
  ]
  try {
    for (const server of servers) await server.start()
    const idle = servers.map((server) => server.residentBytes())
    const measured = [await measureInitialisation(servers, rounds)]
    for (const chosen of CASES.filter(({ name }) => name.includes(values.only))) {
      measured.push(await measureCase(servers, chosen, rounds, seconds))
    }
    const loaded = servers.map((server) => server.residentBytes())
    const options = {
      seconds,
      rounds,
      scale: Number(values.scale),
      quorum: values.quorum,
      postgres: POSTGRES_SETTINGS,
    }
    writeReport({
      measured,
      options,
      idleBytes: idle,
      loadedBytes: loaded,
      names: servers.map(({ name }) => name),
    })
  } finally {
    for (const server of servers) await server.remove()
  }
}

async function measureInitialisation(servers: readonly LaunchedServer[], rounds: number): Promise<Measured> {
  const runs = servers.map((): number[] => [])
  for (let round = 0; round < rounds; round++) {
    for (const [index, server] of servers.entries()) {
      runs[index]?.push(await initialise(server.port, Number(values.scale)))
    }
  }
  return progress({ name: 'initialise (s)', runs, lowerIsBetter: true, failed: [0, 0] })
}

async function measureCase(
  servers: readonly LaunchedServer[],
  chosen: Case,
  rounds: number,
  seconds: number,
): Promise<Measured> {
  const runs = servers.map((): number[] => [])
  const failed = servers.map(() => 0)
  for (let round = 0; round < rounds; round++) {
    for (const [index, server] of servers.entries()) {
      const result = await runPgbench(server.port, { ...chosen, seconds })
      runs[index]?.push(result.transactionsPerSecond)
      failed[index] = (failed[index] ?? 0) + result.failed
    }
  }
  return progress({ name: chosen.name, runs, lowerIsBetter: false, failed })
}

function progress(measured: Measured): Measured {
  const figures = measured.runs.map((runs) => median(runs).toFixed(measured.lowerIsBetter ? 2 : 0))
  process.stderr.write(`${measured.name}: ${figures.join(' | ')}\n`)
  return measured
}

await main()
