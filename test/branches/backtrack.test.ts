// ALTER DATABASE ... BACKTRACK_TO, through node-postgres: sessions stay, DDL and data go back, and forwards again.

import type pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBorealis, type TestServer } from '../support/borealis.ts'
import { client, rows, value } from './client.ts'

let server: TestServer
let admin: pg.Client
const open: pg.Client[] = []

async function connect(database: string): Promise<pg.Client> {
  const made = await client(server, database)
  open.push(made)
  return made
}

/** The database's time, in full precision. */
function now(on: pg.Client): Promise<string> {
  return value(on, 'SELECT clock_timestamp()::text') as Promise<string>
}

beforeAll(async () => {
  server = await startBorealis()
  admin = await client(server, 'postgres')
})

afterAll(async () => {
  await admin.end()
  await Promise.all(open.map((one) => one.end()))
  await server.close()
})

test('a database goes back across data, DDL, TRUNCATE and DROP TABLE, and forwards again', async () => {
  await admin.query('CREATE DATABASE shop')
  const shop = await connect('shop')
  await shop.query('CREATE TABLE orders (id int PRIMARY KEY, total int)')
  await shop.query('CREATE TABLE lines (id int)')
  await shop.query('CREATE TABLE gone (id int)')
  await shop.query(
    'INSERT INTO orders SELECT i, i * 10 FROM generate_series(1, 500) i; INSERT INTO lines VALUES (1)',
  )
  await shop.query('INSERT INTO gone VALUES (7)')
  const good = await now(admin)
  const lsn = await value(shop, 'SELECT pg_current_wal_lsn()')
  await shop.query('UPDATE orders SET total = 0')
  await shop.query('ALTER TABLE orders ADD COLUMN note text')
  await shop.query('TRUNCATE lines')
  await shop.query('DROP TABLE gone')
  await shop.query('CREATE TABLE fresh (id int)')
  const bad = await now(admin)

  await admin.query(`ALTER DATABASE shop BACKTRACK_TO '${good}'`)
  expect(await rows(shop, 'SELECT count(*)::int, sum(total)::int FROM orders')).toEqual([[500, 1252500]])
  expect(await rows(shop, 'SELECT id FROM lines')).toEqual([[1]])
  expect(await rows(shop, 'SELECT id FROM gone')).toEqual([[7]])
  await expect(shop.query('SELECT note FROM orders')).rejects.toMatchObject({ code: '42703' })
  await expect(shop.query('SELECT * FROM fresh')).rejects.toMatchObject({ code: '42P01' })
  await shop.query('INSERT INTO orders VALUES (1000, 1)')
  const own = await now(admin)

  // Undone: a time after the target means what the name showed then.
  await shop.query(`ALTER DATABASE shop BACKTRACK_TO '${bad}'`)
  expect(await rows(shop, 'SELECT count(*)::int, sum(total)::int, count(note)::int FROM orders')).toEqual([
    [500, 0, 0],
  ])
  expect(await rows(shop, 'SELECT id FROM lines')).toEqual([])
  await shop.query('SELECT * FROM fresh')
  await expect(shop.query('SELECT * FROM gone')).rejects.toMatchObject({ code: '42P01' })

  // And once more, to what was written between the two.
  await shop.query(`ALTER DATABASE shop BACKTRACK_TO '${own}'`)
  expect(await value(shop, 'SELECT total FROM orders WHERE id = 1000')).toBe(1)
  await shop.query(`ALTER DATABASE shop BACKTRACK_TO '${lsn}'`)
  expect(await rows(shop, 'SELECT count(*)::int FROM orders WHERE total > 0')).toEqual([[500]])
})

test('open sessions stay: running transactions get 40001, idle ones go on', async () => {
  await admin.query('CREATE DATABASE busy')
  const [idle, inBlock, afterSavepoint, running, committing, ending] = await Promise.all(
    Array.from({ length: 6 }, () => connect('busy')),
  )
  if (!idle || !inBlock || !afterSavepoint || !running || !committing || !ending)
    throw new Error('six clients')
  await idle.query('CREATE TABLE t (n int PRIMARY KEY)')
  await idle.query('INSERT INTO t VALUES (1)')
  const good = await now(admin)
  await idle.query('INSERT INTO t VALUES (2)')
  await idle.query({ name: 'count', text: 'SELECT count(*)::int FROM t' })
  for (const one of [inBlock, committing, ending]) await one.query('BEGIN; SELECT * FROM t')
  await afterSavepoint.query('BEGIN; SAVEPOINT s; INSERT INTO t VALUES (9)')
  await committing.query('INSERT INTO t VALUES (3)')
  const sleeping = expect(running.query('SELECT pg_sleep(60)')).rejects.toMatchObject({ code: '40001' })
  await new Promise((resolve) => setTimeout(resolve, 50))

  await admin.query(`ALTER DATABASE busy BACKTRACK_TO '${good}'`)
  await sleeping
  expect(await value(running, 'SELECT count(*)::int FROM t')).toBe(1)
  expect((await idle.query({ name: 'count', text: 'SELECT count(*)::int FROM t' })).rows).toEqual([
    { count: 1 },
  ])
  await expect(inBlock.query('SELECT * FROM t')).rejects.toMatchObject({
    code: '40001',
    message: 'database "busy" was moved to another point of its history',
    detail: expect.stringContaining('BACKTRACK_TO'),
  })
  await expect(inBlock.query('SELECT 1')).rejects.toMatchObject({ code: '25P02' })
  await inBlock.query('ROLLBACK')
  expect(await rows(inBlock, 'SELECT * FROM t')).toEqual([[1]])
  await expect(afterSavepoint.query('SELECT 1')).rejects.toMatchObject({ code: '40001' })
  await afterSavepoint.query('ROLLBACK TO s')
  await expect(afterSavepoint.query('SELECT 1')).rejects.toMatchObject({ code: '40001' })
  await afterSavepoint.query('ROLLBACK')
  expect(await rows(afterSavepoint, 'SELECT * FROM t')).toEqual([[1]])
  await expect(committing.query('COMMIT')).rejects.toMatchObject({ code: '40001' })
  expect(await rows(committing, 'SELECT * FROM t')).toEqual([[1]])
  await ending.query('ROLLBACK')
  expect(await rows(ending, 'SELECT * FROM t')).toEqual([[1]])
  await ending.query('INSERT INTO t VALUES (5)')
  expect(await rows(idle, 'SELECT * FROM t')).toEqual([[1], [5]])
})

test('what cannot be done is refused', async () => {
  const busy = await connect('busy')
  await expect(busy.query("ALTER DATABASE busy BACKTRACK_TO '-2 days'")).rejects.toMatchObject({
    code: '72000',
    detail: expect.stringContaining('The window reaches from'),
  })
  await expect(busy.query("ALTER DATABASE nosuch BACKTRACK_TO '-1 min'")).rejects.toMatchObject({
    code: '3D000',
  })
  await busy.query('BEGIN')
  await expect(busy.query("ALTER DATABASE busy BACKTRACK_TO '-1 s'")).rejects.toMatchObject({ code: '25001' })
  await busy.query('ROLLBACK')
  await admin.query('CREATE ROLE stranger LOGIN')
  await busy.query('SET ROLE stranger')
  await expect(busy.query("ALTER DATABASE busy BACKTRACK_TO '-1 s'")).rejects.toMatchObject({ code: '42501' })
})
