import { afterAll, beforeAll, expect, test } from 'vitest'
import type pg from 'pg'
import { startBorealis, type TestServer } from '../support/borealis.ts'
import { connectTo, errorOf } from './clients.ts'

let server: TestServer
let db: pg.Client

beforeAll(async () => {
  server = await startBorealis()
  const admin = await connectTo(server.port, 'postgres')
  await admin.query('CREATE DATABASE shop')
  await admin.end()
  db = await connectTo(server.port, 'shop')
  await db.query('CREATE TABLE items (id int PRIMARY KEY, name text, price int)')
  await db.query(`INSERT INTO items SELECT i, 'item ' || i, i FROM generate_series(1, 5000) i`)
})

afterAll(async () => {
  await db.end()
  await server.close()
})

async function rows(text: string, values: unknown[] = []): Promise<unknown[][]> {
  return (await db.query({ text, values, rowMode: 'array' })).rows as unknown[][]
}

async function lsn(): Promise<string> {
  return String((await rows('SELECT pg_current_wal_lsn()::text'))[0]?.[0])
}

async function inDatabase(name: string, ...statements: string[]): Promise<void> {
  const client = await connectTo(server.port, name)
  for (const statement of statements) await client.query(statement)
  await client.end()
}

const DIFF = 'SELECT change, old::text, new::text FROM borealis.diff(NULL::items, $1::text, $2::text)'

test('between two LSNs: a row for each row that changed, in order of the key', async () => {
  const before = await lsn()
  await db.query(`UPDATE items SET price = 0 WHERE id IN (7, 4000)`)
  await db.query(`UPDATE items SET price = price WHERE id = 8`)
  await db.query(`DELETE FROM items WHERE id = 9`)
  await db.query(`INSERT INTO items VALUES (0, 'first', 1), (9000, 'last', 2)`)
  await db.query(`INSERT INTO items VALUES (9001, 'short-lived', 2)`)
  await db.query(`DELETE FROM items WHERE id = 9001`)
  const after = await lsn()
  await db.query(`UPDATE items SET price = 1 WHERE id = 100`)
  const forward = [
    ['insert', null, '(0,first,1)'],
    ['update', '(7,"item 7",7)', '(7,"item 7",0)'],
    ['delete', '(9,"item 9",9)', null],
    ['update', '(4000,"item 4000",4000)', '(4000,"item 4000",0)'],
    ['insert', null, '(9000,last,2)'],
  ]
  expect(await rows(DIFF, [before, after])).toEqual(forward)
  const backward = forward.map(([change, old, current]) => [
    change === 'insert' ? 'delete' : change === 'delete' ? 'insert' : change,
    current,
    old,
  ])
  expect(await rows(DIFF, [after, before])).toEqual(backward)
  expect(await rows(DIFF, [after, after])).toEqual([])
  const now = await rows(
    `SELECT (new).id, (old).price FROM borealis.diff(NULL::items, $1::pg_lsn, $2::pg_lsn)`,
    [after, await lsn()],
  )
  expect(now).toEqual([[100, 100]])
})

test('between branches, and against the model of a full comparison', async () => {
  await db.query('CREATE DATABASE left_one TEMPLATE shop')
  await db.query('CREATE DATABASE right_one TEMPLATE shop')
  // Both give out the same LSNs from here on, for different rows.
  await inDatabase(
    'left_one',
    `UPDATE items SET name = 'left' WHERE id % 500 = 1`,
    `DELETE FROM items WHERE id = 77`,
  )
  await inDatabase(
    'right_one',
    `UPDATE items SET name = 'right' WHERE id % 500 = 1`,
    `DELETE FROM items WHERE id = 78`,
  )
  const model = `
    SELECT CASE WHEN a.id IS NULL THEN 'insert' WHEN b.id IS NULL THEN 'delete' ELSE 'update' END, a::text, b::text
    FROM borealis.in_branch(NULL::items, $1) a FULL JOIN borealis.in_branch(NULL::items, $2) b ON a.id = b.id
    WHERE a IS DISTINCT FROM b ORDER BY coalesce(a.id, b.id)`
  for (const ends of [
    ['left_one', 'right_one'],
    ['shop', 'left_one'],
    ['right_one', 'shop'],
  ]) {
    const expected = await rows(model, ends)
    expect(expected.length).toBeGreaterThan(9)
    expect(await rows(DIFF, ends)).toEqual(expected)
  }
})

test('tables without a primary key: whole rows that went and came, with their number', async () => {
  await db.query('CREATE TABLE bag (a int, b text)')
  await db.query(`INSERT INTO bag VALUES (1, 'x'), (1, 'x'), (2, 'y')`)
  const before = await lsn()
  await db.query(`UPDATE bag SET b = 'z' WHERE a = 2`)
  await db.query(`INSERT INTO bag VALUES (1, 'x'), (NULL, NULL)`)
  const changes = await rows(
    `SELECT change, old::text, new::text FROM borealis.diff(NULL::bag, $1) ORDER BY 1, 2, 3`,
    [before],
  )
  expect(changes).toEqual([
    ['delete', '(2,y)', null],
    ['insert', null, '(,)'],
    ['insert', null, '(1,x)'],
    ['insert', null, '(2,z)'],
  ])
})

test('across TRUNCATE, ALTER TABLE and a table that is not there at one end', async () => {
  await db.query('CREATE TABLE thing (id int PRIMARY KEY, a text)')
  const empty = await lsn()
  await db.query(`INSERT INTO thing VALUES (1, 'one'), (2, 'two')`)
  const two = await lsn()
  await db.query('TRUNCATE thing')
  await db.query(`INSERT INTO thing VALUES (2, 'two'), (3, 'three')`)
  await db.query('ALTER TABLE thing ADD COLUMN b int DEFAULT 5')
  const diff = `SELECT change, old::text, new::text FROM borealis.diff(NULL::thing, $1, $2)`
  expect(await rows(diff, [two, 'now'])).toEqual([
    ['delete', '(1,one,)', null],
    ['update', '(2,two,)', '(2,two,5)'],
    ['insert', null, '(3,three,5)'],
  ])
  expect(await rows(diff, [empty, two])).toEqual([
    ['insert', null, '(1,one,)'],
    ['insert', null, '(2,two,)'],
  ])
  expect(await rows(`SELECT count(*) FROM borealis.diff(NULL::thing, 'left_one')`)).toEqual([['2']])
  await db.query('CREATE TABLE newest (id int)')
  const error = await rows(`SELECT * FROM borealis.diff(NULL::newest, $1, $1)`, [two]).catch(errorOf)
  expect(error).toMatchObject({ code: '42P01' })
})

test('history: every version of a row, with its commit’s LSN, time, process and role', async () => {
  const [[pid]] = (await rows('SELECT pg_backend_pid()')) as [[number]]
  await db.query('CREATE TABLE account (owner text, no int, balance int, PRIMARY KEY (owner, no))')
  await db.query(`INSERT INTO account VALUES ('ann', 1, 10), ('bob', 1, 20)`)
  const noon = await lsn()
  await db.query(`UPDATE account SET balance = 11 WHERE owner = 'ann'`)
  await db.query(`UPDATE account SET balance = 21 WHERE owner = 'bob'`)
  await db.query(`DELETE FROM account WHERE owner = 'ann'`)
  await db.query(`INSERT INTO account VALUES ('ann', 2, 5)`)
  await db.query(`INSERT INTO account VALUES ('ann', 1, 30)`)
  const found = await rows(
    `SELECT change, version::text, process_id, role, time BETWEEN now() - interval '1 min' AND now(), lsn > $1
     FROM borealis.history(NULL::account, 'ann', 1)`,
    [noon],
  )
  expect(found).toEqual([
    ['insert', '(ann,1,10)', pid, 'postgres', true, false],
    ['update', '(ann,1,11)', pid, 'postgres', true, true],
    ['delete', null, pid, 'postgres', true, true],
    ['insert', '(ann,1,30)', pid, 'postgres', true, true],
  ])
  expect(await rows(`SELECT change FROM borealis.history(NULL::account, 'bob', 1::bigint)`)).toEqual([
    ['insert'],
    ['update'],
  ])
  expect(await rows(`SELECT change FROM borealis.history(NULL::account, 'nobody', 1)`)).toEqual([])
  const few = await rows(`SELECT * FROM borealis.history(NULL::account, 'ann')`).catch(errorOf)
  expect(few).toMatchObject({ code: '42883', message: 'the primary key of table "account" has 2 columns' })
  const bag = await rows(`SELECT * FROM borealis.history(NULL::bag, 1)`).catch(errorOf)
  expect(bag).toMatchObject({ code: '42P10' })
})

test('history reaches back over a branch point, and names each side’s commits', async () => {
  await db.query(`CREATE TABLE doc (id bigserial PRIMARY KEY, body text)`)
  await db.query(`INSERT INTO doc (body) VALUES ('draft')`)
  await db.query('CREATE DATABASE edits TEMPLATE shop')
  const client = await connectTo(server.port, 'edits')
  await client.query(`UPDATE doc SET body = 'edited'`)
  const found = await client.query(`SELECT change, (version).body FROM borealis.history(NULL::doc, 1)`)
  expect(found.rows).toEqual([
    { change: 'insert', body: 'draft' },
    { change: 'update', body: 'edited' },
  ])
  await client.end()
})
