// The figures of issue "Branches, backtrack and the past", each measured on a server of its own process. A case prints what
// it found beside what is aimed at; PostgreSQL's CREATE DATABASE ... TEMPLATE stands beside ours where it can do the same.

import type { LaunchedServer } from '../../test/support/launch.ts'
import { median } from '../report.ts'
import { ask, connect, makeDatabase, percentile, run, timed, timedRuns } from './servers.ts'

export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** PostgreSQL's value, where it has one. */
  readonly peer?: number | undefined
  /** What is aimed at: at most (or, for rates, at least) this. */
  readonly aim?: number | undefined
}

export interface FigureOptions {
  readonly server: LaunchedServer
  readonly peer: LaunchedServer | undefined
  readonly largeMegabytes: number
  readonly runs: number
  readonly depth: number
  readonly siblings: number
  readonly idleBranches: number
}

/** What a start leaves to be done in the background is done by then, and V8 has given back what opening took. */
const SETTLE_MS = 20_000

export type Case = (options: FigureOptions) => Promise<readonly Figure[]>

/** Creates branches of one database, one after another. */
async function creations(server: LaunchedServer, template: string, runs: number): Promise<number[]> {
  const client = await connect(server)
  const prefix = `made_${template}`
  const times = await timedRuns(runs, (i) =>
    client.query(`CREATE DATABASE ${prefix}_${i} TEMPLATE ${template}`),
  )
  for (let i = 0; i < runs; i++) await client.query(`DROP DATABASE ${prefix}_${i}`)
  await client.end()
  return times
}

function creationFigures(what: string, times: readonly number[], peer?: number): Figure[] {
  return [
    { name: `create a branch, ${what}: median`, value: median(times), unit: 'ms', aim: 5, peer },
    { name: `create a branch, ${what}: 99th percentile`, value: percentile(times, 99), unit: 'ms', aim: 20 },
  ]
}

const sizes: Case = async ({ server, peer, largeMegabytes, runs }) => {
  const figures: Figure[] = []
  for (const megabytes of new Set([10, largeMegabytes])) {
    const name = `size_${megabytes}`
    await makeDatabase(server, name, megabytes)
    let other: number | undefined
    if (peer !== undefined) {
      await makeDatabase(peer, name, megabytes)
      other = median(await creations(peer, name, 3))
    }
    figures.push(...creationFigures(`${megabytes} MB`, await creations(server, name, runs), other))
  }
  return figures
}

const siblingCount: Case = async ({ server, siblings, runs }) => {
  const client = await connect(server)
  for (let i = 0; i < siblings; i++) await client.query(`CREATE DATABASE sibling_${i} TEMPLATE size_10`)
  await client.end()
  return creationFigures(`${siblings} siblings`, await creations(server, 'size_10', runs))
}

const clients: Case = async ({ server }) => {
  const clientCount = 32
  const seconds = 4
  let made = 0
  const end = performance.now() + seconds * 1000
  const worker = async (number: number): Promise<void> => {
    const client = await connect(server)
    for (let i = 0; performance.now() < end; i++) {
      await client.query(`CREATE DATABASE many_${number}_${i} TEMPLATE size_10`)
      made++
    }
    await client.end()
  }
  await Promise.all(Array.from({ length: clientCount }, (_, i) => worker(i)))
  return [{ name: `create branches, ${clientCount} clients`, value: made / seconds, unit: '/s', aim: 500 }]
}

const depths: Case = async ({ server, depth, runs }) => {
  await run(server, 'postgres', 'CREATE DATABASE deep_1 TEMPLATE size_10')
  const client = await connect(server)
  for (let d = 2; d <= depth; d++) {
    // Each level has something of its own, else it would stand on its ancestor.
    await run(server, `deep_${d - 1}`, `UPDATE items SET quantity = ${d} WHERE id = ${d}`)
    await client.query(`CREATE DATABASE deep_${d} TEMPLATE deep_${d - 1}`)
  }
  await client.end()
  const figures = creationFigures(`depth ${depth}`, await creations(server, `deep_${depth}`, runs))
  for (const d of [1, depth]) {
    const reader = await connect(server, `deep_${d}`)
    const read = (id: number): Promise<unknown> =>
      reader.query({ name: 'read', text: 'SELECT quantity FROM items WHERE id = $1', values: [id] })
    await read(1)
    const first = await timedRuns(200, (i) => read(2000 + i * 100))
    const again = await timedRuns(200, (i) => read(2000 + i * 100))
    await reader.end()
    figures.push({ name: `point read at depth ${d}, page new`, value: median(first), unit: 'ms' })
    figures.push({ name: `point read at depth ${d}, page known`, value: median(again), unit: 'ms' })
  }
  return figures
}

const connections: Case = async ({ server, runs }) => {
  const admin = await connect(server)
  const cold: number[] = []
  const warm: number[] = []
  /** Until the first answer is there; the goodbye is not waited for by anybody. */
  const answerMs = async (name: string): Promise<number> => {
    const beganMs = performance.now()
    const client = await connect(server, name)
    await client.query('SELECT quantity FROM items WHERE id = 77')
    const tookMs = performance.now() - beganMs
    await client.end()
    return tookMs
  }
  for (let i = 0; i < runs; i++) {
    await admin.query(`CREATE DATABASE visited_${i} TEMPLATE size_10`)
    cold.push(await answerMs(`visited_${i}`))
    warm.push(await answerMs(`visited_${i}`))
  }
  await admin.end()
  return [
    { name: 'connect to a new branch and first answer', value: median(cold), unit: 'ms', aim: 10 },
    { name: 'the same again', value: median(warm), unit: 'ms', aim: 2 },
  ]
}

const writes: Case = async ({ server }) => {
  await run(server, 'postgres', 'CREATE DATABASE written TEMPLATE size_10')
  const count = 2000
  const ownBytes = (): Promise<string> =>
    ask(server, 'written', "SELECT own_bytes FROM borealis.branches WHERE name = 'written'")
  const before = Number(await ownBytes())
  await run(server, 'written', `UPDATE items SET note = repeat('y', 80) WHERE id <= ${count}`)
  const grown = Number(await ownBytes()) - before
  return [{ name: 'own bytes of a branch per changed byte', value: grown / (count * 80), unit: 'x', aim: 3 }]
}

const backtracks: Case = async ({ server, largeMegabytes }) => {
  const name = `size_${largeMegabytes}`
  const client = await connect(server, name)
  const moments: string[] = []
  const end = performance.now() + 5000
  while (performance.now() < end) {
    const { rows } = await client.query<{ t: string }>('SELECT clock_timestamp()::text AS t')
    moments.push(rows[0]?.t ?? '')
    await client.query('UPDATE items SET quantity = quantity + 1 WHERE id BETWEEN $1 AND $1 + 500', [
      moments.length * 50,
    ])
  }
  const targets = [0, Math.floor(moments.length / 2), moments.length - 1]
  const times = await timedRuns(targets.length, (i) =>
    client.query(`ALTER DATABASE ${name} BACKTRACK_TO '${moments[targets[i] ?? 0]}'`),
  )
  await client.end()
  return [
    {
      name: `backtrack, ${largeMegabytes} MB: slowest of three distances`,
      value: Math.max(...times),
      unit: 'ms',
      aim: 100,
    },
  ]
}

const past: Case = async ({ server }) => {
  await run(server, 'postgres', 'CREATE DATABASE remembered TEMPLATE size_10')
  const client = await connect(server, 'remembered')
  const sum = (): Promise<unknown> => client.query('SELECT sum(quantity) FROM items')
  const { rows } = await client.query<{ lsn: string }>('SELECT pg_current_wal_lsn()::text AS lsn')
  await client.query('UPDATE items SET quantity = quantity + 1 WHERE id % 50 = 0')
  await sum()
  const now = median(await timedRuns(15, sum))
  await client.query(`SET borealis.as_of = '${rows[0]?.lsn}'`)
  const first = await timed(sum)
  const then = median(await timedRuns(15, sum))
  await client.end()
  return [
    { name: 'scan of the past, warm, against the present', value: then / now, unit: 'x', aim: 2 },
    { name: 'scan of the past, first', value: first, unit: 'ms' },
  ]
}

/** After a restart a server holds what its databases take and little of what it took to make them. */
async function residentAfterRestart(server: LaunchedServer): Promise<{ bytes: number; startMs: number }> {
  await server.stop()
  const startMs = await server.start()
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
  return { bytes: server.residentBytes(), startMs }
}

const idle: Case = async ({ server, idleBranches }) => {
  const without = await residentAfterRestart(server)
  const before = server.residentBytes()
  const makers = Array.from({ length: 8 }, async (_, number) => {
    const client = await connect(server)
    for (let i = number; i < idleBranches; i += 8)
      await client.query(`CREATE DATABASE idle_${i} TEMPLATE size_10`)
    await client.end()
  })
  const ms = await timed(() => Promise.all(makers))
  const grown = (server.residentBytes() - before) / idleBranches
  const client = await connect(server)
  const asked = async (text: string): Promise<number> => median(await timedRuns(5, () => client.query(text)))
  const branchesMs = await asked('SELECT * FROM borealis.branches')
  const listMs = await asked(
    'SELECT datname, pg_get_userbyid(datdba), datacl::text FROM pg_database ORDER BY 1',
  )
  await client.end()
  const filled = await residentAfterRestart(server)
  const each = (filled.bytes - without.bytes) / idleBranches
  const name = `${idleBranches} idle branches`
  return [
    { name: `${name}: memory each, while they are made`, value: grown, unit: 'bytes' },
    { name: `${name}: memory each, after a restart`, value: each, unit: 'bytes' },
    { name: `${name}: made by 8 clients`, value: (idleBranches / ms) * 1000, unit: '/s' },
    { name: `${name}: SELECT * FROM borealis.branches`, value: branchesMs, unit: 'ms' },
    { name: `${name}: a list of databases`, value: listMs, unit: 'ms' },
    {
      name: `${name}: start of the server (without: ${without.startMs.toFixed(0)} ms)`,
      value: filled.startMs,
      unit: 'ms',
    },
  ]
}

/** In this order: later ones use databases of earlier ones. */
export const CASES: Readonly<Record<string, Case>> = {
  sizes,
  connections,
  writes,
  past,
  clients,
  backtracks,
  siblings: siblingCount,
  depths,
  idle,
}
