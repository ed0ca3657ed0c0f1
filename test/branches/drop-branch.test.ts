// DROP DATABASE of branches and their parents, with and without FORCE, and TTL: a branch that goes by itself.

import type pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBorealis, type TestServer } from '../support/borealis.ts'
import { client, rows, value } from './client.ts'

let server: TestServer
let admin: pg.Client

beforeAll(async () => {
  server = await startBorealis()
  admin = await client(server, 'postgres')
})

afterAll(async () => {
  await admin.end()
  await server.close()
})

async function exists(name: string): Promise<boolean> {
  return (await value(admin, `SELECT count(*)::int FROM pg_database WHERE datname = '${name}'`)) === 1
}

test('a parent can go while its children stay, to any depth', async () => {
  await admin.query('CREATE DATABASE d0')
  const first = await client(server, 'd0')
  await first.query('CREATE TABLE t (n int)')
  await first.query('INSERT INTO t SELECT generate_series(1, 300)')
  await first.end()
  for (let depth = 1; depth <= 6; depth++) {
    await admin.query(`CREATE DATABASE d${depth} TEMPLATE d${depth - 1}`)
    const branch = await client(server, `d${depth}`)
    await branch.query(`INSERT INTO t VALUES (${1000 + depth})`)
    await branch.end()
    await admin.query(`DROP DATABASE d${depth - 1}`)
  }
  const last = await client(server, 'd6')
  expect(await rows(last, 'SELECT count(*)::int, max(n) FROM t')).toEqual([[306, 1006]])
  await last.end()
})

test('FORCE ends sessions, without it they are an obstacle', async () => {
  await admin.query('CREATE DATABASE busy')
  const idle = await client(server, 'busy')
  const past = await client(server, 'busy@now').catch(() => undefined)
  const waiting = await client(server, 'busy')
  const ends = [idle, waiting].map(
    (one) => new Promise<{ code?: string }>((resolve) => one.once('error', (error) => resolve(error))),
  )
  const sleeping = expect(waiting.query('SELECT pg_sleep(60)')).rejects.toMatchObject({ code: '57P01' })
  await expect(admin.query('DROP DATABASE busy')).rejects.toMatchObject({ code: '55006' })
  await admin.query('DROP DATABASE busy WITH (FORCE)')
  await sleeping
  await ends[0]
  expect(await exists('busy')).toBe(false)
  await past?.end()
  await expect(client(server, 'busy')).rejects.toMatchObject({ code: '3D000' })
  expect((await admin.query('DROP DATABASE IF EXISTS busy (FORCE)')).command).toBe('DROP')
  await expect(admin.query('DROP DATABASE busy')).rejects.toMatchObject({ code: '3D000' })
})

test('pg_terminate_backend ends an idle session', async () => {
  const idle = await client(server, 'postgres')
  const ended = new Promise((resolve) => idle.once('error', resolve))
  const pid = await value(idle, 'SELECT pg_backend_pid()')
  expect(await value(admin, `SELECT pg_terminate_backend(${pid})`)).toBe(true)
  await ended
})

test('a branch with a TTL goes when it has passed, its sessions with it', async () => {
  await admin.query("CREATE DATABASE brief TEMPLATE d6 TTL '600 ms'")
  await admin.query("CREATE DATABASE longer TEMPLATE d6 TTL '1 hour'")
  await admin.query("ALTER DATABASE longer TTL '900 ms'")
  await admin.query("CREATE DATABASE kept TEMPLATE d6 TTL '700 ms'")
  await admin.query('ALTER DATABASE kept TTL NONE')
  const session = await client(server, 'brief')
  const ended = new Promise((resolve) => session.once('error', resolve))
  expect(await value(session, 'SELECT count(*)::int FROM t')).toBe(306)
  await ended
  const deadline = Date.now() + 5000
  while (((await exists('brief')) || (await exists('longer'))) && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 50))
  expect(await exists('brief')).toBe(false)
  expect(await exists('longer')).toBe(false)
  expect(await exists('kept')).toBe(true)
  await expect(admin.query("CREATE DATABASE never TTL '-1 hour'")).rejects.toMatchObject({ code: '22023' })
  await expect(admin.query("CREATE DATABASE never TTL 'soon'")).rejects.toMatchObject({ code: '22007' })
})

test('retention decides how far back one can go', async () => {
  const kept = await client(server, 'kept')
  await kept.query('SELECT pg_sleep(0.3)')
  await kept.query("ALTER DATABASE kept SET borealis.retention = '200ms'")
  await expect(kept.query("SET borealis.as_of = '-10 min'")).rejects.toMatchObject({ code: '72000' })
  await kept.query("SET borealis.as_of = '-100 ms'; SELECT count(*) FROM t; RESET borealis.as_of")
  await kept.query("ALTER DATABASE kept SET borealis.retention = '72h'")
  await expect(kept.query("ALTER DATABASE kept SET borealis.retention = 'long'")).rejects.toMatchObject({
    code: '22023',
  })
  await kept.end()
  const again = await client(server, 'kept')
  expect(await value(again, 'SHOW borealis.retention')).toBe('3d')
  await expect(again.query("SET borealis.retention = '1h'")).rejects.toMatchObject({ code: '55P02' })
  await again.end()
})

test('what a backtrack left is forgotten after the retention', { timeout: 60_000 }, async () => {
  await admin.query('CREATE DATABASE moved TEMPLATE d6')
  const moved = await client(server, 'moved')
  const before = String(await value(moved, 'SELECT clock_timestamp()::text'))
  await moved.query('INSERT INTO t VALUES (2000)')
  await moved.query(`ALTER DATABASE moved BACKTRACK_TO '${before}'`)
  await moved.query('INSERT INTO t VALUES (3000)')
  const remembered = "SELECT count(*)::int FROM borealis.backtracks WHERE name = 'moved'"
  expect(await value(admin, remembered)).toBe(1)
  await moved.query("ALTER DATABASE moved SET borealis.retention = '100ms'")
  const deadline = Date.now() + 30_000
  while ((await value(admin, remembered)) === 1 && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 200))
  expect(await value(admin, remembered)).toBe(0)
  expect(await rows(moved, 'SELECT count(*)::int, max(n) FROM t')).toEqual([[307, 3000]])
  await expect(moved.query(`ALTER DATABASE moved BACKTRACK_TO '${before}'`)).rejects.toMatchObject({
    code: '72000',
  })
  await moved.end()
})

test('PostgreSQL’s own options are accepted', async () => {
  await admin.query(
    `CREATE DATABASE options WITH OWNER = postgres TEMPLATE = template0 ENCODING = 'UTF8' STRATEGY = 'file_copy'
     LC_COLLATE = 'C.UTF-8' LC_CTYPE = 'C.UTF-8' TABLESPACE = pg_default ALLOW_CONNECTIONS = true
     CONNECTION LIMIT = 5 IS_TEMPLATE = false`,
  )
  expect(await value(admin, "SELECT datconnlimit FROM pg_database WHERE datname = 'options'")).toBe(5)
  await expect(admin.query('CREATE DATABASE never NOSUCH 1')).rejects.toMatchObject({ code: '42601' })
})
