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
  await db.query('CREATE TABLE orders (id int PRIMARY KEY, who text, total numeric(10,2))')
  await db.query(`INSERT INTO orders SELECT i, 'c' || i % 7, i FROM generate_series(1, 1000) i`)
})

afterAll(async () => {
  await db.end()
  await server.close()
})

const rows = async (text: string, values: unknown[] = []): Promise<unknown[][]> =>
  (await db.query({ text, values, rowMode: 'array' })).rows as unknown[][]

async function branch(name: string, ...statements: string[]): Promise<void> {
  await db.query(`CREATE DATABASE ${name} TEMPLATE shop`)
  const client = await connectTo(server.port, name)
  for (const statement of statements) await client.query(statement)
  await client.end()
}

test('as_of reads one table as it was, beside the present', async () => {
  const [[lsn]] = (await rows('SELECT pg_current_wal_lsn()::text')) as [[string]]
  await db.query('UPDATE orders SET total = total + 1000 WHERE id <= 10')
  await db.query('DELETE FROM orders WHERE id = 20')
  const found = await rows(
    `SELECT o.id, o.total, n.total FROM borealis.as_of(NULL::orders, $1::text) o LEFT JOIN orders n USING (id)
     WHERE o.id IN (1, 10, 11, 20) ORDER BY 1`,
    [lsn],
  )
  expect(found).toEqual([
    [1, '1.00', '1001.00'],
    [10, '10.00', '1010.00'],
    [11, '11.00', '11.00'],
    [20, '20.00', null],
  ])
  expect(await rows('SELECT count(*) FROM borealis.as_of(NULL::orders, $1::pg_lsn)', [lsn])).toEqual([
    ['1000'],
  ])
  expect(await rows(`SELECT count(*) FROM borealis.as_of(NULL::orders, 'now')`)).toEqual([['999']])
  expect(await rows(`SELECT count(*) FROM borealis.as_of(NULL::orders, NULL)`)).toEqual([['0']])
})

test('in_branch reads another branch; LATERAL aggregates over many in one statement', async () => {
  for (const i of [1, 2, 3]) {
    await branch(`b${i}`, `UPDATE orders SET total = ${i}`, `DELETE FROM orders WHERE id > ${i * 10}`)
  }
  const found = await rows(
    `SELECT b.datname, count(*), sum(o.total) FROM pg_database b, LATERAL borealis.in_branch(NULL::orders, b.datname) o
     WHERE b.datname LIKE 'b_' GROUP BY 1 ORDER BY 1`,
  )
  expect(found).toEqual([
    ['b1', '10', '10.00'],
    ['b2', '19', '38.00'],
    ['b3', '29', '87.00'],
  ])
  const point = await rows(`SELECT total FROM borealis.in_branch(NULL::orders, 'b2') o WHERE id = 7`)
  expect(point).toEqual([['2.00']])
  const whole = await rows(`SELECT o FROM borealis.in_branch(NULL::orders, 'b2') o WHERE id = 7`)
  expect(whole).toEqual([['(7,c0,2.00)']])
  const list = await rows(`SELECT (borealis.in_branch(NULL::orders, 'b1')).id ORDER BY 1 LIMIT 2`)
  expect(list).toEqual([[1], [2]])
  const past = await rows(`SELECT count(*) FROM borealis.in_branch(NULL::orders, 'b1', '0/0'::pg_lsn)`).catch(
    errorOf,
  )
  expect(past).toMatchObject({ code: '72000' })
})

test('columns are matched by name: one that is missing is NULL, a changed type is an error', async () => {
  await branch(
    'shaped',
    'ALTER TABLE orders ADD COLUMN note text',
    `UPDATE orders SET note = 'n' || id`,
    'ALTER TABLE orders DROP COLUMN who',
  )
  const here = await rows(
    `SELECT * FROM borealis.in_branch(NULL::orders, 'shaped') WHERE id = 3 AND who IS NULL`,
  )
  expect(here).toEqual([[3, null, '1003.00']])
  await db.query('ALTER TABLE orders ADD COLUMN note text')
  const noted = await rows(
    `SELECT id, note FROM borealis.in_branch(NULL::orders, 'shaped') WHERE note = 'n3'`,
  )
  expect(noted).toEqual([[3, 'n3']])
  expect(await rows(`SELECT note FROM borealis.in_branch(NULL::orders, 'b1') WHERE id = 3`)).toEqual([[null]])
  await branch('retyped', 'ALTER TABLE orders ALTER COLUMN total TYPE text')
  const error = await rows(`SELECT * FROM borealis.in_branch(NULL::orders, 'retyped')`).catch(errorOf)
  expect(error).toMatchObject({
    code: '42804',
    message: 'column "total" of relation "orders" has another type there',
    detail: 'It is numeric here and text in database "retyped".',
  })
})

test('errors name what is missing', async () => {
  const failing = async (text: string): Promise<unknown> => rows(text).catch(errorOf)
  expect(await failing(`SELECT * FROM borealis.in_branch(NULL::orders, 'nowhere')`)).toMatchObject({
    code: '3D000',
    message: 'database "nowhere" does not exist',
  })
  expect(await failing(`SELECT * FROM borealis.in_branch(1, 'b1')`)).toMatchObject({ code: '42809' })
  expect(await failing(`SELECT * FROM borealis.in_branch(NULL::orders)`)).toMatchObject({ code: '42883' })
  expect(await failing(`SELECT * FROM borealis.nothing(1)`)).toMatchObject({ code: '42883' })
  await db.query('CREATE TABLE late (id int)')
  expect(await failing(`SELECT * FROM borealis.in_branch(NULL::late, 'b1')`)).toMatchObject({
    code: '42P01',
    message: 'relation "public.late" does not exist in database "b1"',
  })
})

test('the session’s role needs SELECT on the table there, and CONNECT', async () => {
  await db.query('CREATE ROLE reader LOGIN')
  await branch('private')
  await db.query('GRANT SELECT ON orders TO reader')
  const reader = await connectTo(server.port, 'shop', 'reader')
  const read = (name: string): Promise<unknown> =>
    reader.query(`SELECT count(*) FROM borealis.in_branch(NULL::orders, '${name}')`).catch(errorOf)
  expect(await read('private')).toMatchObject({
    code: '42501',
    message: 'permission denied for table orders',
  })
  await branch('open')
  expect(await read('open')).toMatchObject({ rows: [{ count: '999' }] })
  await db.query('REVOKE CONNECT ON DATABASE open FROM PUBLIC')
  expect(await read('open')).toMatchObject({
    code: '42501',
    message: 'permission denied for database "open"',
  })
  // What was allowed then is not allowed now, also not by going back.
  await db.query('REVOKE SELECT ON orders FROM reader')
  const back = `SELECT count(*) FROM borealis.as_of(NULL::orders, $1::text)`
  const [[lsn]] = (await rows('SELECT pg_current_wal_lsn()::text')) as [[string]]
  expect(await reader.query(back, [lsn]).catch(errorOf)).toMatchObject({ code: '42501' })
  await db.query('GRANT SELECT ON orders TO reader')
  expect(await reader.query(back, [lsn])).toMatchObject({ rows: [{ count: '999' }] })
  await reader.end()
})

test('a transaction sees its own writes in its own database, and one state of another', async () => {
  const other = await connectTo(server.port, 'b1')
  await db.query('BEGIN')
  await db.query(`INSERT INTO orders (id, total) VALUES (5000, 1)`)
  expect(await rows(`SELECT id FROM borealis.in_branch(NULL::orders, 'shop') WHERE id >= 5000`)).toEqual([
    [5000],
  ])
  await db.query('ROLLBACK')
  await other.query('UPDATE orders SET total = 77 WHERE id = 1')
  expect(await rows(`SELECT total FROM borealis.in_branch(NULL::orders, 'b1') WHERE id = 1`)).toEqual([
    ['77.00'],
  ])
  await other.end()
})

test('the functions are in pg_proc, with their arguments’ names', async () => {
  const found = await rows(
    `SELECT p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid) FROM pg_proc p
     JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname = 'borealis' AND proname IN ('diff', 'history', 'as_of')
     AND NOT proargtypes[1] IN (1184, 3220) ORDER BY 1`,
  )
  expect(found).toMatchInlineSnapshot(`
    [
      [
        "as_of",
        ""row" anyelement, "when" text",
        "SETOF anyelement",
      ],
      [
        "diff",
        ""row" anyelement, "from" text, "to" text DEFAULT 'now'::text",
        "TABLE(change text, old anyelement, new anyelement)",
      ],
      [
        "history",
        ""row" anyelement, VARIADIC key "any"",
        "TABLE(lsn pg_lsn, "time" timestamp with time zone, process_id integer, role name, change text, version anyelement)",
      ],
    ]
  `)
})

test('a join with another branch looks its rows up by key, with the indexes there', async () => {
  const text = `SELECT n.id, o.total FROM orders n JOIN borealis.in_branch(NULL::orders, 'b2') o USING (id) WHERE n.id = 7`
  const plan = await rows(`EXPLAIN (COSTS off) ${text}`)
  expect(plan.map(([line]) => line)).toEqual([
    'Nested Loop',
    '  ->  Index Scan using orders_pkey on orders n',
    '        Index Cond: (n.id = 7)',
    '  ->  Branch Scan on o',
    '        Filter: (n.id = o.id)',
  ])
  expect(await rows(text)).toEqual([[7, '2.00']])
})

test('a statement that is cancelled, or fails, leaves nothing behind', async () => {
  await db.query('SET statement_timeout = 20')
  const slow = `SELECT count(*) FROM generate_series(1, 100000), LATERAL borealis.in_branch(NULL::orders, 'b1')`
  expect(await rows(slow).catch(errorOf)).toMatchObject({ code: '57014' })
  await db.query('RESET statement_timeout')
  const failing = `SELECT 1 / (id - 7) FROM borealis.in_branch(NULL::orders, 'b2')`
  expect(await rows(failing).catch(errorOf)).toMatchObject({ code: '22012' })
  expect(await rows(`SELECT count(*) FROM borealis.in_branch(NULL::orders, 'b1')`)).toEqual([['10']])
})

test('EXPLAIN names the scan', async () => {
  const plan = await rows(
    `EXPLAIN (COSTS off) SELECT * FROM borealis.in_branch(NULL::orders, 'b1') o WHERE id = 1`,
  )
  expect(plan.map(([line]) => line)).toMatchInlineSnapshot(`
    [
      "Branch Scan on o",
      "  Filter: (id = 1)",
    ]
  `)
})
