// kill -9 in the middle of creating, dropping and backtracking: afterwards there is the state before or the state after,
// acknowledged statements are the state after, and nothing is left half done.
//
// One round: several clients create, drop and move databases as fast as they can, writing down what they asked for and
// what was acknowledged; the server is killed; it starts again; every database is looked into.

import { afterAll, expect, test } from 'vitest'
import { freePort } from '../support/postgres.ts'
import { Seeded } from '../support/seeded.ts'
import { connectTo, KilledServer } from './killed-server.ts'

const ROUNDS = 3
const server = new KilledServer()

afterAll(() => server.remove())

/** What must be true of one database after the crash: any of these row sets; undefined: that it is not there. */
type Possible = readonly (readonly number[] | undefined)[]

interface Client {
  readonly name: string
  possible: Possible
}

async function numbers(port: number, database: string): Promise<number[] | undefined> {
  try {
    const client = await connectTo(port, database)
    const { rows } = await client.query<{ n: number }>('SELECT n FROM t ORDER BY n')
    await client.end()
    return rows.map(({ n }) => n)
  } catch (error) {
    if ((error as { code?: string }).code === '3D000') return undefined
    throw error
  }
}

/** Creates, changes, moves back and drops its own database until the server is gone. */
async function work(port: number, client: Client, round: number): Promise<void> {
  const admin = await connectTo(port, 'postgres')
  const step = async (sql: string, after: readonly number[] | undefined): Promise<void> => {
    client.possible = [...client.possible, after]
    await admin.query(sql)
    client.possible = [after]
  }
  try {
    await step(`DROP DATABASE IF EXISTS ${client.name}`, undefined)
    for (let turn = 0; ; turn++) {
      await step(`CREATE DATABASE ${client.name} TEMPLATE source`, [1, 2])
      const own = await connectTo(port, client.name)
      const before = await own.query<{ t: string }>('SELECT clock_timestamp()::text AS t')
      const number = 1000 * round + turn + 10
      client.possible = [...client.possible, [1, 2, number]]
      await own.query(`INSERT INTO t VALUES (${number})`)
      client.possible = [[1, 2, number]]
      const after = await own.query<{ t: string }>('SELECT clock_timestamp()::text AS t')
      await step(`ALTER DATABASE ${client.name} BACKTRACK_TO '${before.rows[0]?.t}'`, [1, 2])
      await step(`ALTER DATABASE ${client.name} BACKTRACK_TO '${after.rows[0]?.t}'`, [1, 2, number])
      await own.end()
      await step(`DROP DATABASE ${client.name} WITH (FORCE)`, undefined)
    }
  } catch (error) {
    const { code = '' } = error as { code?: string }
    // The connection broke; anything else is a finding.
    if (/^[0-9A-Z]{5}$/.test(code) && !code.startsWith('57')) throw error
  } finally {
    await admin.end().catch(() => undefined)
  }
}

test('kill -9 leaves the state before or the state after', { timeout: 120_000 }, async () => {
  const port = await freePort()
  const chance = new Seeded(7)
  await server.start(port)
  const admin = await connectTo(port, 'postgres')
  await admin.query('CREATE DATABASE source')
  const source = await connectTo(port, 'source')
  await source.query('CREATE TABLE t (n int PRIMARY KEY); INSERT INTO t VALUES (1), (2)')
  await source.end()
  await admin.end()
  const clients: Client[] = Array.from({ length: 4 }, (_, i) => ({ name: `own${i}`, possible: [undefined] }))
  for (let round = 1; round <= ROUNDS; round++) {
    const working = clients.map((client) => work(port, client, round))
    await new Promise((resolve) => setTimeout(resolve, 200 + chance.below(600)))
    await server.kill()
    await Promise.all(working)
    await server.start(port)
    for (const client of clients) {
      const found = await numbers(port, client.name)
      expect(client.possible, `round ${round}, ${client.name}`).toContainEqual(found)
      client.possible = [found]
    }
    expect(await numbers(port, 'source')).toEqual([1, 2])
  }
  const again = await connectTo(port, 'postgres')
  await again.query('CREATE DATABASE last TEMPLATE source')
  expect(await numbers(port, 'last')).toEqual([1, 2])
  await again.end()
  await server.kill()
})
