// The past for a session: borealis.as_of, name@when, startup options; read only, with the catalog of then.

import type pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBorealis, type TestServer } from '../support/borealis.ts'
import { client, rows, value } from './client.ts'

let server: TestServer
let shop: pg.Client
/** When t had one row and a table that is gone now. */
let then: string
let lsn: string
const open: pg.Client[] = []

async function connect(database: string, options?: string): Promise<pg.Client> {
  const made = await client(server, database, options)
  open.push(made)
  return made
}

beforeAll(async () => {
  server = await startBorealis()
  const admin = await connect('postgres')
  await admin.query('CREATE DATABASE shop')
  shop = await connect('shop')
  await shop.query('CREATE TABLE t (n int PRIMARY KEY, s serial); CREATE TABLE gone (n int)')
  await shop.query('INSERT INTO t VALUES (1); INSERT INTO gone VALUES (7)')
  then = String(await value(shop, 'SELECT clock_timestamp()::text'))
  lsn = String(await value(shop, 'SELECT pg_current_wal_lsn()'))
  await shop.query('INSERT INTO t VALUES (2)')
  await shop.query('DROP TABLE gone')
  await shop.query('ALTER TABLE t ADD COLUMN note text')
})

afterAll(async () => {
  await Promise.all(open.map((one) => one.end()))
  await server.close()
})

test('SET borealis.as_of reads the past with its catalog, RESET the present', async () => {
  const session = await connect('shop')
  expect(await rows(session, 'SELECT n FROM t ORDER BY n')).toEqual([[1], [2]])
  await session.query(`SET borealis.as_of = '${then}'`)
  expect(await value(session, 'SHOW borealis.as_of')).toMatch(/^0\/[0-9A-F]+$/)
  expect(await rows(session, 'SELECT * FROM t')).toEqual([[1, 1]])
  expect(await rows(session, 'SELECT * FROM gone')).toEqual([[7]])
  expect(
    await value(
      session,
      "SELECT count(*)::int FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0",
    ),
  ).toBe(2)
  expect(await value(session, 'SELECT pg_current_wal_lsn() <= $$FFFF/0$$')).toBe(true)
  await session.query(`SET borealis.as_of = '${lsn}'`)
  expect(await rows(session, 'SELECT n FROM t')).toEqual([[1]])
  await session.query('RESET borealis.as_of')
  expect(await rows(session, 'SELECT n, note FROM t ORDER BY n')).toEqual([
    [1, null],
    [2, null],
  ])
  await session.query('INSERT INTO t VALUES (3); DELETE FROM t WHERE n = 3')
})

test('SET LOCAL ends with the transaction, whose own writes are not part of the past', async () => {
  const session = await connect('shop')
  await session.query('BEGIN')
  await session.query("INSERT INTO t VALUES (10, 0, 'new')")
  await session.query('SAVEPOINT s')
  await session.query(`SET LOCAL borealis.as_of = '${lsn}'`)
  expect(await rows(session, 'SELECT n FROM t')).toEqual([[1]])
  await expect(session.query('DELETE FROM t')).rejects.toMatchObject({ code: '25006' })
  await session.query('ROLLBACK TO s')
  expect(await rows(session, 'SELECT n FROM t ORDER BY n')).toEqual([[1], [2], [10]])
  await session.query(`SET LOCAL borealis.as_of = '${lsn}'`)
  await session.query('COMMIT')
  expect(await rows(session, 'SELECT n FROM t ORDER BY n')).toEqual([[1], [2], [10]])
  await session.query('DELETE FROM t WHERE n = 10')
})

test('nothing is written in the past', async () => {
  const session = await connect('shop')
  await session.query(`SET borealis.as_of = '${lsn}'`)
  expect(await value(session, 'SHOW transaction_read_only')).toBe('on')
  for (const statement of [
    'INSERT INTO t VALUES (5)',
    'UPDATE t SET n = 5',
    'CREATE TABLE u (n int)',
    "SELECT nextval('t_s_seq')",
    'DROP TABLE t',
    'TRUNCATE t',
    'COPY t FROM STDIN',
    'SELECT * FROM t FOR UPDATE',
  ]) {
    await expect(session.query(statement), statement).rejects.toMatchObject({ code: '25006' })
  }
  await session.query("SET borealis.as_of = ''")
  expect(await value(session, 'SHOW transaction_read_only')).toBe('off')
})

test('prepared statements and cursors work on either side', async () => {
  const session = await connect('shop')
  const count = { name: 'count', text: 'SELECT count(*)::int AS c FROM t' }
  expect((await session.query(count)).rows).toEqual([{ c: 2 }])
  await session.query(`SET borealis.as_of = '${lsn}'`)
  expect((await session.query(count)).rows).toEqual([{ c: 1 }])
  await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ; DECLARE c CURSOR FOR SELECT n FROM t')
  await shop.query('INSERT INTO t VALUES (20)')
  expect(await rows(session, 'FETCH ALL FROM c')).toEqual([[1]])
  await session.query('COMMIT; RESET borealis.as_of')
  expect((await session.query(count)).rows).toEqual([{ c: 3 }])
  await shop.query('DELETE FROM t WHERE n = 20')
})

test('name@when opens the past of a database, and startup options do too', async () => {
  for (const name of [`shop@${lsn}`, `shop@${then.replace(' ', 'T').replace('+00', 'Z')}`]) {
    const past = await connect(name)
    expect(await rows(past, 'SELECT n FROM t')).toEqual([[1]])
    expect(await rows(past, 'SELECT current_database()::text')).toEqual([['shop']])
    await expect(past.query('INSERT INTO t VALUES (5)')).rejects.toMatchObject({ code: '25006' })
    await past.query('BEGIN; SELECT * FROM gone; SAVEPOINT s; SELECT * FROM t; ROLLBACK TO s; COMMIT')
    expect(await value(past, 'SELECT pg_try_advisory_xact_lock(1)')).toBe(true)
  }
  const session = await connect('shop', `-c borealis.as_of=${lsn}`)
  expect(await rows(session, 'SELECT n FROM t')).toEqual([[1]])
  await session.query("SET borealis.as_of = 'now'")
  expect(await rows(session, 'SELECT n FROM t ORDER BY n')).toEqual([[1], [2]])
  await session.query('RESET borealis.as_of')
  expect(await rows(session, 'SELECT n FROM t')).toEqual([[1]])
})

test('points that do not exist are refused by name', async () => {
  const failure = (database: string): Promise<unknown> =>
    connect(database).then(
      () => undefined,
      (error: unknown) => error,
    )
  expect(await failure('shop@-3 days')).toMatchObject({ code: '72000', severity: 'FATAL' })
  expect(await failure('shop@FF/0')).toMatchObject({ code: '22023', severity: 'FATAL' })
  expect(await failure('shop@whenever')).toMatchObject({ code: '22007', severity: 'FATAL' })
  expect(await failure('nosuch@-1 min')).toMatchObject({ code: '3D000', severity: 'FATAL' })
  const session = await connect('shop')
  await expect(session.query("SET borealis.as_of = '+1 day'")).rejects.toMatchObject({ code: '22023' })
  expect(await value(session, 'SHOW borealis.as_of')).toBe('')
})

test('the past goes on after its database moved', async () => {
  const session = await connect('shop')
  await session.query(`SET borealis.as_of = '${lsn}'`)
  const present = await connect('shop')
  await present.query('INSERT INTO t VALUES (30)')
  const late = String(await value(present, 'SELECT clock_timestamp()::text'))
  await present.query(`ALTER DATABASE shop BACKTRACK_TO '${then}'`)
  expect(await rows(present, 'SELECT n FROM t')).toEqual([[1]])
  expect(await rows(session, 'SELECT n FROM t')).toEqual([[1]])
  await session.query(`SET borealis.as_of = '${late}'`)
  expect(await rows(session, 'SELECT n FROM t ORDER BY n')).toEqual([[1], [2], [30]])
  await session.query('RESET borealis.as_of')
  await session.query('INSERT INTO t VALUES (40)')
  expect(await rows(present, 'SELECT n FROM t ORDER BY n')).toEqual([[1], [40]])
})
