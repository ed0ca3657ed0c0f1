// CREATE DATABASE ... TEMPLATE as a branch, through node-postgres.

import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBorealis, type TestServer } from '../support/borealis.ts'

let server: TestServer
let admin: pg.Client

async function client(database: string): Promise<pg.Client> {
  const made = new pg.Client({ host: '127.0.0.1', port: server.port, user: 'postgres', database })
  await made.connect()
  return made
}

/** The rows of a query, as arrays of values. */
async function rows(on: pg.Client, text: string): Promise<(string | number | null)[][]> {
  return (await on.query<(string | number | null)[]>({ text, rowMode: 'array' })).rows
}

beforeAll(async () => {
  server = await startBorealis()
  admin = await client('postgres')
})

afterAll(async () => {
  await admin.end()
  await server.close()
})

test('a branch as of a time, an LSN and now holds what its template held then', async () => {
  await admin.query('CREATE DATABASE source')
  const source = await client('source')
  await source.query('CREATE TABLE t (n int PRIMARY KEY)')
  await source.query('INSERT INTO t VALUES (1)')
  const [[time, lsn] = []] = await rows(source, 'SELECT clock_timestamp()::text, pg_current_wal_lsn()')
  await source.query('INSERT INTO t VALUES (2)')
  await source.query('DROP TABLE t')
  await admin.query(`CREATE DATABASE by_time TEMPLATE source AS_OF '${time}'`)
  await admin.query(`CREATE DATABASE by_lsn TEMPLATE source AS_OF '${lsn}'`)
  await admin.query(`CREATE DATABASE by_now TEMPLATE source AS_OF now`)
  for (const name of ['by_time', 'by_lsn']) {
    const branch = await client(name)
    expect(await rows(branch, 'SELECT n FROM t')).toEqual([[1]])
    await branch.query('INSERT INTO t VALUES (3)')
    await branch.end()
  }
  const now = await client('by_now')
  await expect(now.query('SELECT n FROM t')).rejects.toMatchObject({ code: '42P01' })
  await now.end()
  await source.end()
})

test('points that cannot be had are named, with the window', async () => {
  const create = (when: string): Promise<unknown> =>
    admin.query(`CREATE DATABASE never TEMPLATE source AS_OF '${when}'`)
  await expect(create('soon')).rejects.toMatchObject({
    code: '22007',
    message: 'invalid point in time: "soon"',
  })
  await expect(create('1 hour')).rejects.toMatchObject({ code: '22023' })
  await expect(create('FFFF/0')).rejects.toMatchObject({ code: '22023' })
  await expect(create('-3 days')).rejects.toMatchObject({
    code: '72000',
    detail: expect.stringMatching(/^The window reaches from its creation to 20.*LSN/),
  })
})

test('many clients make and use branches at once, and of two with one name one wins', async () => {
  await admin.query('CREATE DATABASE common')
  const common = await client('common')
  await common.query('CREATE TABLE t (n int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 100)')
  const made = Array.from({ length: 24 }, async (_, i) => {
    const own = await client('postgres')
    await own.query(`CREATE DATABASE many_${i} TEMPLATE common`)
    await own.end()
    const branch = await client(`many_${i}`)
    await branch.query(`INSERT INTO t VALUES (${1000 + i})`)
    const found = await rows(branch, 'SELECT count(*)::int, max(n) FROM t')
    await branch.end()
    return found[0]
  })
  expect(await Promise.all(made)).toEqual(Array.from({ length: 24 }, (_, i) => [101, 1000 + i]))
  expect(await rows(common, 'SELECT count(*)::int FROM t')).toEqual([[100]])
  await common.end()
  const rivals = await Promise.all(Array.from({ length: 5 }, () => client('postgres')))
  const results = await Promise.allSettled(rivals.map((one) => one.query('CREATE DATABASE one_name')))
  const lost = results.filter((result) => result.status === 'rejected')
  expect(lost.map(({ reason }) => (reason as { code?: string }).code)).toEqual(Array(4).fill('42P04'))
  await Promise.all(rivals.map((one) => one.end()))
})
