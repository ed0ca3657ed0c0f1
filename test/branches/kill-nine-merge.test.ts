// kill -9 in the middle of merges: afterwards the database holds all of a merge or nothing of it, and all of it where it
// was acknowledged.
//
// One round: a branch that changed many rows of two tables, and the schema, is merged; the server is killed somewhere in
// between, or just after; it starts again, and the sums of both tables and the catalog must tell the same story.

import type pg from 'pg'
import { afterAll, expect, test } from 'vitest'
import { freePort } from '../support/postgres.ts'
import { connectTo, KilledServer } from './killed-server.ts'

const ROUNDS = 3
const ROWS = 3000
const server = new KilledServer()
let mergeMs = 0

afterAll(() => server.remove())

interface State {
  readonly a: string
  readonly b: string
  readonly tables: string
}

async function stateOf(client: pg.Client): Promise<State | undefined> {
  const { rows } = await client.query<State>(
    `SELECT (SELECT sum(v) FROM a) AS a, (SELECT sum(v) FROM b) AS b,
       (SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE relname LIKE 'made%' AND relkind = 'r') AS tables`,
  )
  return rows[0]
}

test('a merge that was cut off is there as a whole or not at all', async () => {
  const port = await freePort()
  await server.start(port)
  const first = await connectTo(port, 'postgres')
  await first.query('CREATE DATABASE main')
  await first.end()
  const main = await connectTo(port, 'main')
  await main.query('CREATE TABLE a (id int PRIMARY KEY, v int); CREATE TABLE b (id int PRIMARY KEY, v int)')
  await main.query(`INSERT INTO a SELECT i, 0 FROM generate_series(1, ${ROWS}) i`)
  await main.query(`INSERT INTO b SELECT i, 0 FROM generate_series(1, ${ROWS}) i`)
  await main.end()
  let acknowledged = 0
  for (let round = 1; round <= ROUNDS; round++) {
    const client = await connectTo(port, 'main')
    await client.query(`CREATE DATABASE dev${round} TEMPLATE main`)
    const dev = await connectTo(port, `dev${round}`)
    await dev.query(`UPDATE a SET v = v + 1; UPDATE b SET v = v + 1; CREATE TABLE made${round} (id int)`)
    await dev.end()
    const before = await stateOf(client)
    const started = performance.now()
    const merging = client.query(`SELECT * FROM borealis.merge('dev${round}')`).then(
      () => true,
      () => false,
    )
    // The first round tells how long a merge takes; later ones are killed at other parts of it.
    if (round === 1) await merging
    else await new Promise((resolve) => setTimeout(resolve, (mergeMs * round) / ROUNDS))
    mergeMs ||= performance.now() - started
    await server.kill()
    const wasAcknowledged = await merging
    await client.end().catch(() => undefined)
    await server.start(port)
    const again = await connectTo(port, 'main')
    const after = await stateOf(again)
    const tables = [before?.tables, `made${round}`].filter(Boolean).join(',')
    const merged = { a: String(Number(before?.a) + ROWS), b: String(Number(before?.b) + ROWS), tables }
    expect(wasAcknowledged ? [merged] : [before, merged]).toContainEqual(after)
    if (wasAcknowledged) acknowledged++
    // What is there can be merged on: either nothing is left to do, or all of it.
    const { rows } = await again.query<{ action: string }>(`SELECT action FROM borealis.merge('dev${round}')`)
    expect(rows.length).toBe(after?.a === merged.a ? 0 : 3)
    expect(await stateOf(again)).toEqual(merged)
    await again.end()
  }
  expect(acknowledged).toBeGreaterThan(0)
}, 180_000)
