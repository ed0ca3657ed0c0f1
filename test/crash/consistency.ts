// npm run consistency -- [--seconds 5] [--scale 1] [--postgres]
//
// pgbench's three scripts at 1, 8, 32 and 64 clients in all three modes: no transaction may fail, and afterwards the sums
// must agree. TPC-B adds the same delta to an account, a teller, a branch and the history; simple-update to an account
// and the history only. So accounts = history always, and tellers = branches = what TPC-B contributed.

import { parseArgs } from 'node:util'
import { borealisServer, buildBorealis, postgresServer } from '../support/launch.ts'
import { initialise, type PgbenchMode, type PgbenchScript, readSums, runPgbench } from '../support/pgbench.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    scale: { type: 'string', default: '10' },
    postgres: { type: 'boolean', default: false },
  },
})

const SCRIPTS: readonly PgbenchScript[] = ['select-only', 'tpcb-like', 'simple-update']
const MODES: readonly PgbenchMode[] = ['simple', 'extended', 'prepared']
const CLIENTS: readonly number[] = [1, 8, 32, 64]

async function main(): Promise<void> {
  if (!values.postgres) buildBorealis()
  const server = await (values.postgres ? postgresServer() : borealisServer())
  let problems = 0
  try {
    await server.start()
    await initialise(server.port, Number(values.scale))
    for (const script of SCRIPTS) {
      for (const mode of MODES) {
        for (const clients of CLIENTS) {
          problems += await check(server.port, script, mode, clients)
        }
      }
    }
  } finally {
    await server.remove()
  }
  process.stdout.write(problems === 0 ? 'all sums agree, nothing failed\n' : `${problems} problems\n`)
  process.exitCode = problems === 0 ? 0 : 1
}

async function check(
  port: number,
  script: PgbenchScript,
  mode: PgbenchMode,
  clients: number,
): Promise<number> {
  const result = await runPgbench(port, { script, mode, clients, seconds: Number(values.seconds) })
  const sums = await readSums(port)
  const agrees = sums.accounts === sums.history && sums.tellers === sums.branches
  const isGood = agrees && result.failed === 0 && result.processed > 0
  const figures = `${result.transactionsPerSecond.toFixed(0)} tps, ${result.failed} failed`
  const verdict = isGood ? 'ok' : `WRONG ${JSON.stringify(sums)}`
  process.stdout.write(`${script} ${mode} ${clients}: ${figures}: ${verdict}\n`)
  return isGood ? 0 : 1
}

await main()
