// `borealis branch ...` and `borealis backtrack` against a running server.

import { afterAll, beforeAll, expect, test } from 'vitest'
import type pg from 'pg'
import { runBranchCommand } from '../../server/client/branch-command.ts'
import { StartError } from '../../server/start-error.ts'
import { startBorealis, type TestServer } from '../support/borealis.ts'
import { connectTo } from './clients.ts'

let server: TestServer
let db: pg.Client

beforeAll(async () => {
  server = await startBorealis()
  const admin = await connectTo(server.port, 'postgres')
  await admin.query('CREATE DATABASE shop')
  await admin.end()
  db = await connectTo(server.port, 'shop')
  await db.query(`CREATE TABLE item (id int PRIMARY KEY, name text)`)
  await db.query(`INSERT INTO item VALUES (1, 'one'), (2, 'two')`)
})

afterAll(async () => {
  await db.end()
  await server.close()
})

interface Outcome {
  readonly stdout: string
  readonly stderr: string
}

/** The command in this process; what main.ts adds is the prefix of errors and the exit status. */
async function borealis(...args: readonly string[]): Promise<Outcome> {
  const flags = ['--host', '127.0.0.1', '--port', String(server.port), '--dbname', 'shop']
  try {
    return { stdout: await runBranchCommand([...flags, ...args]), stderr: '' }
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    return { stdout: '', stderr: error.message }
  }
}

test('create, list, diff, merge, drop, backtrack', async () => {
  expect(await borealis('branch', 'create', 'dev', '--ttl', '1 hour')).toEqual({
    stdout: 'created dev\n',
    stderr: '',
  })
  const listed = JSON.parse((await borealis('branch', 'list', '--json')).stdout) as Record<string, unknown>[]
  expect(listed.find(({ name }) => name === 'dev')).toMatchObject({ parent: 'shop' })
  const dev = await connectTo(server.port, 'dev')
  await dev.query(`UPDATE item SET name = 'ONE' WHERE id = 1`)
  await dev.query(`INSERT INTO item VALUES (3, 'three')`)
  await dev.query(`CREATE TABLE extra (id int)`)
  await dev.end()
  expect((await borealis('branch', 'diff', 'shop', 'dev')).stdout).toMatchInlineSnapshot(`
    " change      | kind  | object       | rows
    -------------+-------+--------------+------
     created     | table | public.extra |
     update rows | table | item         | 1
     insert rows | table | item         | 1
    (3 rows)
    "
  `)
  const detail = await borealis('branch', 'diff', 'shop', 'dev', '--table', 'item', '--json')
  expect(JSON.parse(detail.stdout)).toEqual([
    { change: 'update', old: '(1,one)', new: '(1,ONE)' },
    { change: 'insert', old: null, new: '(3,three)' },
  ])
  expect((await borealis('branch', 'merge', 'dev')).stdout).toMatchInlineSnapshot(`
    " action       | object       | rows
    --------------+--------------+------
     create table | public.extra |
     insert       | public.item  | 1
     update       | public.item  | 1
    (3 rows)
    "
  `)
  expect((await borealis('branch', 'merge', 'dev')).stdout).toBe('nothing to merge from dev\n')
  expect((await borealis('branch', 'diff', 'dev')).stdout).toBe('no difference\n')
  expect((await borealis('branch', 'drop', 'dev')).stdout).toBe('dropped dev\n')
  const before =
    (await db.query<{ lsn: string }>('SELECT pg_current_wal_lsn()::text AS lsn')).rows[0]?.lsn ?? ''
  await db.query('DELETE FROM item')
  expect((await borealis('backtrack', before)).stdout).toBe(`shop is at ${before}\n`)
  expect((await db.query('SELECT id FROM item ORDER BY 1')).rows).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }])
})

test('mistakes end with one clear line', async () => {
  expect(await borealis('branch', 'create')).toMatchObject({
    stderr: 'a name is missing; see --help',
  })
  expect(await borealis('branch', 'dance')).toMatchObject({
    stderr: 'unknown command "branch dance"; see --help',
  })
  expect(await borealis('branch', 'drop', 'nowhere')).toMatchObject({
    stderr: 'database "nowhere" does not exist',
  })
  const nobody = await borealis('branch', 'list', '--port', '1')
  expect(nobody.stderr).toContain('no connection to 127.0.0.1:1')
})
