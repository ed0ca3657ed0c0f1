// What the cases of bench/branching.ts run on: clients, a database of a given size, times of many runs.

import pg from 'pg'
import type { LaunchedServer } from '../../test/support/launch.ts'

/** Bytes of one row of `items` as it is stored, about. */
const ROW_SIZE_BYTES = 120

export async function connect(server: LaunchedServer, database = 'postgres'): Promise<pg.Client> {
  const client = new pg.Client({ host: '127.0.0.1', port: server.port, user: 'postgres', database })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

/** Runs statements one after another on a connection of their own. */
export async function run(server: LaunchedServer, database: string, ...statements: string[]): Promise<void> {
  const client = await connect(server, database)
  try {
    for (const statement of statements) await client.query(statement)
  } finally {
    await client.end()
  }
}

export async function ask<T>(server: LaunchedServer, database: string, text: string): Promise<T> {
  const client = await connect(server, database)
  try {
    const { rows } = await client.query<unknown[]>({ text, rowMode: 'array' })
    return rows[0]?.[0] as T
  } finally {
    await client.end()
  }
}

/** A database with a table `items` of about so many megabytes, primary key `id`. */
export async function makeDatabase(server: LaunchedServer, name: string, megabytes: number): Promise<void> {
  await run(server, 'postgres', `CREATE DATABASE ${name}`)
  const client = await connect(server, name)
  await client.query('CREATE TABLE items (id int PRIMARY KEY, quantity int, note text)')
  const count = Math.floor((megabytes * 1_000_000) / ROW_SIZE_BYTES)
  const step = 50_000
  for (let from = 1; from <= count; from += step) {
    const to = Math.min(count, from + step - 1)
    await client.query(
      `INSERT INTO items SELECT i, i % 100, repeat('x', 80) FROM generate_series(${from}, ${to}) i`,
    )
  }
  await client.end()
}

/** Milliseconds that `work` takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

/** Milliseconds of each of so many runs. */
export async function timedRuns(count: number, work: (i: number) => Promise<unknown>): Promise<number[]> {
  const times: number[] = []
  for (let i = 0; i < count; i++) times.push(await timed(() => work(i)))
  return times
}

/** The value below which so many of a hundred lie. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? Number.NaN
}
