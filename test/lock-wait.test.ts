// A change by key that waits for another transaction: cancelled while it waits, and carried on from the newest version.

import pg from 'pg'
import { afterAll, beforeAll, beforeEach, afterEach, expect, test } from 'vitest'
import { startBorealis, type TestServer } from './support/borealis.ts'

let server: TestServer
let holder: pg.Client
let waiter: pg.Client

beforeAll(async () => {
  server = await startBorealis()
  const client = await open()
  await client.query('create table t (id int primary key, n int)')
  await client.end()
})

afterAll(() => server.close())

async function open(): Promise<pg.Client> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port: server.port,
    user: 'postgres',
    database: 'postgres',
  })
  await client.connect()
  return client
}

beforeEach(async () => {
  holder = await open()
  waiter = await open()
  await holder.query('truncate t')
  await holder.query('insert into t values (1, 10), (2, 20)')
})

afterEach(async () => {
  await holder.end()
  await waiter.end()
})

/** Sends a statement of the second client; resolves, with its result to come, when it has begun and so waits. */
async function begun(sql: string): Promise<{ readonly pid: number; readonly result: Promise<unknown> }> {
  const own = await waiter.query('select pg_backend_pid() as pid')
  const pid: number = own.rows[0].pid
  const result = waiter.query(sql).then(
    (done: pg.QueryResult) => done.rowCount,
    (error: { code: string }) => error.code,
  )
  for (;;) {
    const { rows } = await holder.query('select query from pg_stat_activity where pid = $1', [pid])
    if (rows[0]?.query === sql) return { pid, result }
  }
}

test.each([
  'update t set n = n + 1 where id = 1',
  'delete from t where id = 1',
  'insert into t values (3, 0)',
])('cancelled while it waits: %s', async (sql) => {
  await holder.query('begin')
  await holder.query('update t set n = 11 where id = 1')
  await holder.query('insert into t values (3, 30)')
  await waiter.query('begin')
  await waiter.query('update t set n = 21 where id = 2')
  await waiter.query('savepoint s')
  const { pid, result } = await begun(sql)
  await holder.query('select pg_cancel_backend($1)', [pid])
  expect(await result).toBe('57014')
  await waiter.query('rollback to s')
  await holder.query('commit')
  // What it waited for is not its own, and nothing of the statement is left.
  await waiter.query('commit')
  const { rows } = await holder.query('select id, n from t order by id')
  expect(rows).toEqual([
    { id: 1, n: 11 },
    { id: 2, n: 21 },
    { id: 3, n: 30 },
  ])
})

test('many commits go by while an update waits; it goes on from the newest version', async () => {
  await holder.query('begin')
  await holder.query('update t set n = 100 where id = 1')
  const { result } = await begun('update t set n = n + 1 where id = 1 and n >= 10')
  const third = await open()
  for (let i = 0; i < 50; i++) await third.query('update t set n = n + 1 where id = 2')
  await third.end()
  await holder.query('commit')
  expect(await result).toBe(1)
  const { rows } = await holder.query('select n from t order by id')
  expect(rows).toEqual([{ n: 101 }, { n: 70 }])
})

test('a row that no longer fits when the wait is over is left alone', async () => {
  await holder.query('begin')
  await holder.query('update t set n = 1 where id = 1')
  const { result } = await begun('update t set n = n + 1 where id = 1 and n = 10')
  await holder.query('commit')
  expect(await result).toBe(0)
})

test.each([
  'update t set n = n + 1 where id = 1',
  'select * from t where id = 1 for update',
  'insert into t values (3, 0)',
  'select pg_advisory_lock(7)',
  'alter table t add column x int',
  'truncate t',
])('lock_timeout ends the wait: %s', async (sql) => {
  await holder.query('begin')
  await holder.query('update t set n = 11 where id = 1')
  await holder.query('insert into t values (3, 30)')
  await holder.query('select pg_advisory_xact_lock(7)')
  await waiter.query("set lock_timeout = '50ms'")
  await expect(waiter.query(sql)).rejects.toMatchObject({
    code: '55P03',
    message: 'canceling statement due to lock timeout',
  })
  await holder.query('commit')
  // Nobody waits for anything any more, and nothing was kept.
  await waiter.query('begin')
  await waiter.query('lock table t')
  await waiter.query('select pg_advisory_xact_lock(7)')
  await waiter.query('commit')
})

test('a wait that was cancelled is not granted later, not even in a block with a savepoint', async () => {
  await holder.query('begin')
  await holder.query('lock table t')
  await waiter.query('begin')
  await waiter.query('savepoint s')
  await waiter.query('set statement_timeout = 50')
  await expect(waiter.query('select * from t')).rejects.toMatchObject({ code: '57014' })
  await waiter.query('rollback to s')
  await holder.query('commit')
  await holder.query("set lock_timeout = '2s'")
  await holder.query('begin')
  await holder.query('lock table t')
  await holder.query('commit')
  await waiter.query('rollback')
})

test('what a session has locked keeps its own transaction from nothing', async () => {
  await waiter.query("set lock_timeout = '2s'")
  await waiter.query('select pg_advisory_lock(8)')
  await waiter.query('begin')
  await waiter.query('select pg_advisory_xact_lock(8), pg_advisory_xact_lock(9)')
  await waiter.query('select pg_advisory_lock(9)')
  await waiter.query('commit')
  const { rows } = await holder.query('select pg_try_advisory_lock(8) as a, pg_try_advisory_lock(9) as b')
  expect(rows).toEqual([{ a: false, b: false }])
})
