// npm run bench:branching -- [--runs 100] [--large 500] [--depth 1024] [--siblings 1000] [--idle 10000] [--only sizes,past]
//
// What branches, backtracks and the past cost, on a fresh server, and beside it PostgreSQL's CREATE DATABASE ... TEMPLATE
// where there is a PostgreSQL. Then five workloads in the shapes of BranchBench (arXiv 2604.17180), see branching/workloads.ts.
// The table is printed and written as JSON to bench/out.

import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { borealisServer, buildBorealis, postgresServer } from '../test/support/launch.ts'
import { noPostgres } from '../test/support/postgres.ts'
import { CASES, type Figure } from './branching/figures.ts'
import { WORKLOADS } from './branching/workloads.ts'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100' },
    large: { type: 'string', default: '500' },
    depth: { type: 'string', default: '1024' },
    siblings: { type: 'string', default: '1000' },
    idle: { type: 'string', default: '10000' },
    only: { type: 'string', default: '' },
    scale: { type: 'string', default: '1' },
  },
})

const OUT = join(dirname(fileURLToPath(import.meta.url)), 'out')

function line({ name, value, unit, peer, aim }: Figure): string {
  const shown = `${value.toFixed(value < 100 ? 2 : 0)} ${unit}`
  const beside = peer === undefined ? '' : `PostgreSQL ${peer.toFixed(1)} ${unit}`
  const aimed = aim === undefined ? '' : `(aim ${aim} ${unit})`
  return `${name.padEnd(58)} ${shown.padStart(14)}  ${aimed.padEnd(16)} ${beside}\n`
}

async function main(): Promise<void> {
  const wanted = values.only === '' ? undefined : new Set(['sizes', ...values.only.split(',')])
  const isWanted = (name: string): boolean => wanted === undefined || wanted.has(name)
  buildBorealis()
  const server = await borealisServer(['--max-connections', '200'])
  const peer = noPostgres === undefined ? await postgresServer({ fsync: 'on' }) : undefined
  const all: Figure[] = []
  const add = (figures: readonly Figure[]): void => {
    for (const figure of figures) {
      all.push(figure)
      process.stdout.write(line(figure))
    }
  }
  try {
    await server.start()
    await peer?.start()
    const options = {
      server,
      peer,
      largeMegabytes: Number(values.large),
      runs: Number(values.runs),
      depth: Number(values.depth),
      siblings: Number(values.siblings),
      idleBranches: Number(values.idle),
    }
    for (const [name, measure] of Object.entries(CASES)) if (isWanted(name)) add(await measure(options))
    for (const [name, work] of Object.entries(WORKLOADS)) {
      if (isWanted(name)) add([await work(server, Number(values.scale))])
    }
  } finally {
    await server.remove()
    await peer?.remove()
  }
  mkdirSync(OUT, { recursive: true })
  const report = { takenAt: new Date().toISOString(), cpus: cpus().length, options: values, figures: all }
  writeFileSync(join(OUT, 'branching.json'), `${JSON.stringify(report, null, 2)}\n`)
}

await main()
