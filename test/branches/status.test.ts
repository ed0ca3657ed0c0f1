// What one can see of branches, backtracks and the log: views of schema borealis, lsn_at, time_at, pg_current_wal_lsn.

import type pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBorealis, type TestServer } from '../support/borealis.ts'
import { client, rows, value } from './client.ts'

let server: TestServer
let admin: pg.Client
let shop: pg.Client

beforeAll(async () => {
  server = await startBorealis()
  admin = await client(server, 'postgres')
  await admin.query('CREATE DATABASE shop')
  shop = await client(server, 'shop')
  await shop.query('CREATE TABLE t (n int)')
})

afterAll(async () => {
  await shop.end()
  await admin.end()
  await server.close()
})

test('borealis.branches shows where each came from and what it holds', async () => {
  await admin.query("CREATE DATABASE dev TEMPLATE shop TTL '1 hour'")
  await admin.query('CREATE DATABASE dev2 TEMPLATE dev')
  const sql = `SELECT name, parent, depth, expires_at BETWEEN now() + '59 min' AND now() + '61 min', retention::text
    FROM borealis.branches WHERE name IN ('postgres', 'shop', 'dev', 'dev2') ORDER BY depth, name`
  expect(await rows(admin, sql)).toEqual([
    ['postgres', null, 0, null, '24:00:00'],
    ['shop', 'template1', 1, null, '24:00:00'],
    ['dev', 'shop', 2, true, '24:00:00'],
    ['dev2', 'dev', 3, null, '24:00:00'],
  ])
  await admin.query('DROP DATABASE dev')
  expect(await value(admin, "SELECT parent FROM borealis.branches WHERE name = 'dev2'")).toBeNull()
})

test('sizes are bytes on disk: a branch begins with none of its own, and grows with what is written in it', async () => {
  // Digits of digests: the log deflates them to about half.
  const text = "(SELECT string_agg(md5(i || ' ' || j), '') FROM generate_series(1, 20) j)"
  await shop.query(`CREATE TABLE large AS SELECT i, ${text} AS text FROM generate_series(1, 2000) i`)
  await admin.query('CREATE DATABASE sized TEMPLATE shop')
  const sizes =
    "SELECT own_bytes::int, shared_bytes::int, history_bytes::int FROM borealis.branches WHERE name = 'sized'"
  const [[own, shared, history] = []] = await rows(admin, sizes)
  expect([own, history]).toEqual([0, 0])
  expect(shared).toBeGreaterThan((2000 * 640) / 3)
  const databaseSize = "SELECT pg_database_size('sized')::int"
  expect(await value(admin, databaseSize)).toBe(shared)
  const sized = await client(server, 'sized')
  const changed = 500 * 640
  await sized.query('UPDATE large SET text = reverse(text) WHERE i <= 500')
  const grown = async (): Promise<number> => Number((await rows(admin, sizes))[0]?.[0])
  await expect.poll(grown).toBeGreaterThan(changed / 3)
  expect(await grown()).toBeLessThan(3 * changed)
  expect(Number(await value(admin, databaseSize))).toBeGreaterThan(Number(shared))
  expect(Number(await value(sized, databaseSize))).toBeGreaterThan(2000 * 640)
  await sized.query('SELECT pg_sleep(0.05)')
  await admin.query("ALTER DATABASE sized BACKTRACK_TO '-50 ms'")
  await sized.query('DELETE FROM large WHERE i <= 500')
  const listed =
    'SELECT sum(own_bytes + history_bytes)::int > 0, bool_and(own_bytes >= 0) FROM borealis.branches'
  expect(await rows(admin, listed)).toEqual([[true, true]])
  await sized.end()
  await admin.query('DROP DATABASE sized WITH (FORCE)')
})

test('where a branch stands', async () => {
  await admin.query('CREATE DATABASE dev TEMPLATE shop')
  const dev = await client(server, 'dev')
  await dev.query('INSERT INTO t SELECT generate_series(1, 1000)')
  await dev.end()
  expect(await value(admin, "SELECT branch_lsn < head_lsn FROM borealis.branches WHERE name = 'dev'")).toBe(
    true,
  )
  await admin.query('DROP DATABASE dev')
  expect(await value(admin, "SELECT col_description('borealis.branches'::regclass, 11)")).toMatch(
    /^bytes on disk/,
  )
})

test('lsn_at and time_at are each other’s inverse, through backtracks', async () => {
  const before = String(await value(shop, 'SELECT clock_timestamp()::text'))
  const first = await value(shop, 'SELECT pg_current_wal_lsn()')
  await shop.query('INSERT INTO t VALUES (1)')
  const second = await value(shop, 'SELECT pg_current_wal_lsn()')
  const after = String(await value(shop, 'SELECT clock_timestamp()::text'))
  await shop.query('INSERT INTO t VALUES (2)')
  await shop.query(`ALTER DATABASE shop BACKTRACK_TO '${before}'`)
  expect(
    await rows(shop, `SELECT borealis.lsn_at('${before}'::timestamptz), borealis.lsn_at('${after}')`),
  ).toEqual([[first, second]])
  const between = `SELECT borealis.time_at('${second}') BETWEEN '${before}' AND '${after}'`
  expect(await value(shop, between)).toBe(true)
  expect(await value(shop, `SELECT borealis.lsn_at(borealis.time_at('${first}'))`)).toBe(first)
  expect(await value(shop, 'SELECT borealis.lsn_at(NULL::timestamptz)')).toBeNull()
  await expect(shop.query("SELECT borealis.lsn_at('-3 days')")).rejects.toMatchObject({ code: '72000' })
})

test('borealis.backtracks tells what was done', async () => {
  const sql = `SELECT name, role, target LIKE '20%', from_lsn > to_lsn, from_timeline = to_timeline,
    time > now() - interval '1 min' FROM borealis.backtracks`
  expect(await rows(admin, sql)).toEqual([['shop', 'postgres', true, true, true, true]])
  const history = "SELECT history_bytes > 0 FROM borealis.branches WHERE name = 'shop'"
  expect(await value(admin, history)).toBe(true)
})

test('positions in the log', async () => {
  const [[insert, write] = []] = await rows(shop, 'SELECT pg_current_wal_insert_lsn(), pg_current_wal_lsn()')
  expect(insert).toBe(write)
  await shop.query('INSERT INTO t VALUES (3)')
  expect(await value(shop, `SELECT pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '${write}') > 0`)).toBe(true)
  expect(
    await rows(shop, "SELECT '0/20'::pg_lsn - '0/10', '0/10'::pg_lsn + 16, '0/20'::pg_lsn - 16::numeric"),
  ).toEqual([['16', '0/20', '0/10']])
  expect(await rows(shop, 'SELECT pg_last_wal_replay_lsn(), pg_last_wal_receive_lsn()')).toEqual([
    [null, null],
  ])
})
