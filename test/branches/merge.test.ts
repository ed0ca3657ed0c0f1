import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type pg from 'pg'
import { startBorealis, type TestServer } from '../support/borealis.ts'
import { connectTo, errorOf } from './clients.ts'

let server: TestServer
let admin: pg.Client
let db: pg.Client
let dev: pg.Client
let number = 0

beforeAll(async () => {
  server = await startBorealis()
  admin = await connectTo(server.port, 'postgres')
  await admin.query('CREATE DATABASE seed')
  const seed = await connectTo(server.port, 'seed')
  await seed.query(`
    CREATE TABLE customer (id serial PRIMARY KEY, name text NOT NULL UNIQUE);
    CREATE TABLE invoice (id int PRIMARY KEY, customer int NOT NULL REFERENCES customer, total int CHECK (total >= 0));
    CREATE INDEX invoice_customer ON invoice (customer);
    CREATE TABLE note (body text);
    INSERT INTO customer (name) VALUES ('ann'), ('bob'), ('cid'), ('dan');
    INSERT INTO invoice SELECT i, 1 + i % 4, i FROM generate_series(1, 400) i;
    INSERT INTO note VALUES ('same'), ('same'), ('other')`)
  await seed.end()
})

afterAll(async () => {
  await Promise.all([admin, db, dev].map((client) => client?.end()))
  await server.close()
})

/** main and dev, fresh branches: dev parted from main. */
beforeEach(async () => {
  await Promise.all([db, dev].map((client) => client?.end()))
  number++
  await admin.query(`CREATE DATABASE main${number} TEMPLATE seed`)
  await admin.query(`CREATE DATABASE dev${number} TEMPLATE main${number}`)
  db = await connectTo(server.port, `main${number}`)
  dev = await connectTo(server.port, `dev${number}`)
})

async function rows(client: pg.Client, text: string, values: unknown[] = []): Promise<unknown[][]> {
  return (await client.query({ text, values, rowMode: 'array' })).rows as unknown[][]
}

const merge = (options = ''): Promise<unknown[][]> =>
  rows(db, `SELECT * FROM borealis.merge('dev${number}'${options})`)

test('a view that the branch changed keeps its owner, privileges and comment', async () => {
  await admin.query('CREATE ROLE keeper; CREATE ROLE viewer')
  await db.query(`
    CREATE VIEW named AS SELECT id, name FROM customer;
    ALTER VIEW named OWNER TO keeper;
    GRANT SELECT ON named TO viewer;
    COMMENT ON VIEW named IS 'who';
    COMMENT ON COLUMN named.name IS 'how they are called'`)
  await admin.query(`CREATE DATABASE view${number} TEMPLATE main${number}`)
  const branch = await connectTo(server.port, `view${number}`)
  await branch.query(`DROP VIEW named; CREATE VIEW named AS SELECT name, id FROM customer; ALTER VIEW named OWNER TO keeper;
    GRANT SELECT ON named TO viewer; COMMENT ON VIEW named IS 'who, and their number'`)
  await branch.end()
  await rows(db, `SELECT * FROM borealis.merge('view${number}')`)
  const state = `SELECT pg_get_userbyid(relowner), relacl::text, obj_description(oid, 'pg_class'), pg_get_viewdef(oid)
    FROM pg_class WHERE relname = 'named'`
  expect(await rows(db, state)).toEqual([
    [
      'keeper',
      '{keeper=arwdDxt/keeper,viewer=r/keeper}',
      'who, and their number',
      expect.stringMatching(/SELECT customer.name,\s+customer.id/),
    ],
  ])
  await db.query('DROP VIEW named')
  await admin.query(`DROP DATABASE view${number}`)
})

test('rows that only the branch changed come over; ours stay', async () => {
  await dev.query(`UPDATE invoice SET total = 1000 WHERE id IN (5, 300)`)
  await dev.query(`DELETE FROM invoice WHERE id = 7`)
  await dev.query(`INSERT INTO customer (name) VALUES ('eve')`)
  await dev.query(`INSERT INTO invoice SELECT 500, max(id), 50 FROM customer`)
  await db.query(`UPDATE invoice SET total = 2000 WHERE id = 6`)
  await db.query(`DELETE FROM invoice WHERE id = 8`)
  const before = await rows(db, `SELECT count(*), sum(total) FROM invoice`)
  expect(before).toEqual([['399', String(80200 - 6 + 2000 - 8)]])
  expect(await merge()).toEqual([
    ['insert', 'public.customer', '1'],
    ['insert', 'public.invoice', '1'],
    ['update', 'public.invoice', '2'],
    ['delete', 'public.invoice', '1'],
    ['move sequence', 'public.customer_id_seq', null],
  ])
  const after = await rows(
    db,
    `SELECT id, customer, total FROM invoice WHERE id IN (5, 6, 7, 8, 300, 500) ORDER BY 1`,
  )
  expect(after).toEqual([
    [5, 2, 1000],
    [6, 3, 2000],
    [300, 1, 1000],
    [500, expect.any(Number), 50],
  ])
  // Indexes and sequences go with the rows.
  expect(await rows(db, `SELECT id FROM invoice WHERE customer > 4`)).toEqual([[500]])
  const next = `INSERT INTO customer (name) VALUES ('fay') RETURNING id > (SELECT max(id) FROM customer)`
  expect(await rows(db, next)).toEqual([[true]])
  // What was merged is no difference any more.
  await db.query(`DELETE FROM customer WHERE name = 'fay'`)
  expect(await merge()).toEqual([])
})

test('a row that both changed is a conflict, shown as a table and decided by on_conflict', async () => {
  await dev.query(`UPDATE invoice SET total = 11 WHERE id = 1`)
  await db.query(`UPDATE invoice SET total = 22 WHERE id = 1`)
  await dev.query(`DELETE FROM invoice WHERE id = 2`)
  await db.query(`UPDATE invoice SET total = 33 WHERE id = 2`)
  await dev.query(`UPDATE invoice SET total = 44 WHERE id = 3`)
  await db.query(`UPDATE invoice SET total = 44 WHERE id = 3`)
  await dev.query(`UPDATE invoice SET total = 55 WHERE id = 4`)
  expect(await rows(db, `SELECT * FROM borealis.merge_conflicts('dev${number}')`)).toEqual([
    [
      'public.invoice',
      { id: 1 },
      { id: 1, customer: 2, total: 1 },
      { id: 1, customer: 2, total: 22 },
      { id: 1, customer: 2, total: 11 },
    ],
    ['public.invoice', { id: 2 }, { id: 2, customer: 3, total: 2 }, { id: 2, customer: 3, total: 33 }, null],
  ])
  expect(await merge().catch(errorOf)).toMatchObject({
    code: 'BM001',
    message: `merge of database "dev${number}" has 2 conflicts`,
    detail: 'Both sides changed public.invoice {"id": 1}, public.invoice {"id": 2}.',
  })
  const four = `SELECT id, total FROM invoice WHERE id <= 4 ORDER BY 1`
  expect(await rows(db, four)).toEqual([
    [1, 22],
    [2, 33],
    [3, 44],
    [4, 4],
  ])
  await db.query('BEGIN')
  expect(await merge(`, on_conflict => 'ours'`)).toEqual([['update', 'public.invoice', '1']])
  expect(await rows(db, four)).toEqual([
    [1, 22],
    [2, 33],
    [3, 44],
    [4, 55],
  ])
  await db.query('ROLLBACK')
  expect(await merge(`, on_conflict => 'theirs'`)).toEqual([
    ['update', 'public.invoice', '2'],
    ['delete', 'public.invoice', '1'],
  ])
  expect(await rows(db, four)).toEqual([
    [1, 11],
    [3, 44],
    [4, 55],
  ])
  expect(await merge(`, on_conflict => 'both'`).catch(errorOf)).toMatchObject({ code: '22023' })
})

test('constraints hold: a merge that breaks one changes nothing', async () => {
  await dev.query(`INSERT INTO customer (id, name) VALUES (10, 'new')`)
  await db.query(`INSERT INTO customer (id, name) VALUES (11, 'new')`)
  expect(await merge().catch(errorOf)).toMatchObject({ code: '23505' })
  await db.query(`DELETE FROM customer WHERE id = 11`)
  await dev.query(`INSERT INTO invoice VALUES (600, 4, 1)`)
  await db.query(`DELETE FROM invoice WHERE customer = 4`)
  await db.query(`DELETE FROM customer WHERE id = 4`)
  expect(await merge().catch(errorOf)).toMatchObject({ code: '23503' })
  expect(await rows(db, `SELECT count(*) FROM invoice WHERE id = 600`)).toEqual([['0']])
})

test('tables without a primary key are merged as bags of rows', async () => {
  await dev.query(`DELETE FROM note WHERE body = 'other'`)
  await dev.query(`INSERT INTO note VALUES ('same'), ('theirs')`)
  await db.query(`INSERT INTO note VALUES ('ours')`)
  await merge()
  expect(await rows(db, `SELECT body FROM note ORDER BY 1`)).toEqual([
    ['ours'],
    ['same'],
    ['same'],
    ['same'],
    ['theirs'],
  ])
})

test('schema changes of the branch are carried over, with rows in them', async () => {
  await dev.query(`
    CREATE SCHEMA lab;
    CREATE TYPE mood AS ENUM ('sad', 'glad');
    CREATE TABLE lab.probe (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, m mood DEFAULT 'glad', of int REFERENCES customer);
    INSERT INTO lab.probe (of) VALUES (1), (2);
    ALTER TABLE customer ADD COLUMN email text;
    UPDATE customer SET email = name || '@example.org';
    ALTER TABLE customer ALTER COLUMN email SET NOT NULL;
    ALTER TABLE customer ADD CONSTRAINT customer_email UNIQUE (email);
    ALTER TABLE invoice ALTER COLUMN total TYPE bigint;
    ALTER TABLE invoice ADD COLUMN paid boolean NOT NULL DEFAULT false;
    DROP INDEX invoice_customer;
    DROP TABLE note;
    CREATE VIEW debtor AS SELECT c.name, sum(i.total) AS owes FROM customer c JOIN invoice i ON i.customer = c.id GROUP BY 1`)
  await dev.query(`UPDATE invoice SET paid = true WHERE id = 9`)
  await db.query(`UPDATE invoice SET total = 12345 WHERE id = 10`)
  await db.query(`CREATE TABLE ours_only (id int PRIMARY KEY)`)
  const diff = await rows(
    db,
    `SELECT change, kind, object FROM borealis.schema_diff('main${number}', 'dev${number}')`,
  )
  expect(diff).toEqual([
    ['created', 'schema', 'lab'],
    ['created', 'type', 'public.mood'],
    ['dropped', 'table', 'public.note'],
    ['dropped', 'table', 'public.ours_only'],
    ['created', 'table', 'lab.probe'],
    ['altered', 'column', 'public.invoice.total'],
    ['created', 'column', 'public.customer.email'],
    ['created', 'column', 'public.invoice.paid'],
    ['created', 'constraint', 'public.customer.customer_email'],
    ['created', 'constraint', 'lab.probe.probe_of_fkey'],
    ['dropped', 'index', 'public.invoice_customer'],
    ['created', 'view', 'public.debtor'],
  ])
  const definition = await rows(
    db,
    `SELECT to_definition FROM borealis.schema_diff('main${number}', 'dev${number}') WHERE object = 'lab.probe'`,
  )
  expect(definition).toEqual([
    [
      'CREATE TABLE lab.probe (id bigint GENERATED ALWAYS AS IDENTITY NOT NULL, ' +
        `m mood DEFAULT 'glad'::mood, of integer, CONSTRAINT probe_pkey PRIMARY KEY (id))`,
    ],
  ])
  await merge()
  expect(await rows(db, `SELECT id, m, of FROM lab.probe ORDER BY 1`)).toEqual([
    ['1', 'glad', 1],
    ['2', 'glad', 2],
  ])
  expect(await rows(db, `INSERT INTO lab.probe (of) VALUES (3) RETURNING id > 2`)).toEqual([[true]])
  expect(await rows(db, `SELECT email FROM customer WHERE id = 2`)).toEqual([['bob@example.org']])
  expect(await rows(db, `SELECT id, total, paid FROM invoice WHERE id IN (9, 10) ORDER BY 1`)).toEqual([
    [9, '9', true],
    [10, '12345', false],
  ])
  const left = await rows(
    db,
    `SELECT change, kind, object FROM borealis.schema_diff('main${number}', 'dev${number}')`,
  )
  expect(left).toEqual([['dropped', 'table', 'public.ours_only']])
  expect(await rows(db, `SELECT owes FROM debtor WHERE name = 'dan'`)).toEqual([['20100']])
  expect(await db.query(`INSERT INTO customer (name) VALUES ('x')`).catch(errorOf)).toMatchObject({
    code: '23502',
  })
})

test('a second merge begins where the first one ended, in either direction', async () => {
  const total = (client: pg.Client, id: number): Promise<unknown[][]> =>
    rows(client, `SELECT total FROM invoice WHERE id = ${id}`)
  await dev.query('UPDATE invoice SET total = 100 WHERE id IN (1, 2, 3)')
  await db.query('UPDATE invoice SET total = 7 WHERE id = 3')
  await merge(`, on_conflict => 'ours'`)
  expect(await rows(db, 'SELECT total FROM invoice WHERE id < 4 ORDER BY id')).toEqual([[100], [100], [7]])
  // What was merged is ours now: it may be changed here, and is not a conflict the next time.
  await db.query('UPDATE invoice SET total = 200 WHERE id = 1')
  await dev.query('UPDATE invoice SET total = 300 WHERE id = 4')
  expect(await merge()).toEqual([['update', 'public.invoice', '1']])
  expect(await rows(db, 'SELECT total FROM invoice WHERE id < 5 ORDER BY id')).toEqual([
    [200],
    [100],
    [7],
    [300],
  ])
  expect(await merge()).toEqual([])
  // The other way round: dev gets what main decided.
  expect(await rows(dev, `SELECT * FROM borealis.merge('main${number}')`)).toEqual([
    ['update', 'public.invoice', '2'],
  ])
  expect(await rows(dev, 'SELECT total FROM invoice WHERE id < 5 ORDER BY id')).toEqual([
    [200],
    [100],
    [7],
    [300],
  ])
  // Both change a row that was merged before: that is one.
  await dev.query('UPDATE invoice SET total = 1 WHERE id = 2')
  await db.query('UPDATE invoice SET total = 2 WHERE id = 2')
  await expect(merge()).rejects.toMatchObject({ code: 'BM001' })
  expect(await total(db, 2)).toEqual([[2]])
})

test('a merge that a backtrack of the branch went behind is no base any more', async () => {
  await db.query('SELECT pg_sleep(0.02)')
  const {
    rows: [before],
  } = await dev.query<{ now: string }>('SELECT clock_timestamp()::text AS now')
  await dev.query('SELECT pg_sleep(0.02)')
  await dev.query('UPDATE invoice SET total = 100 WHERE id = 1')
  await merge()
  await admin.query(`ALTER DATABASE dev${number} BACKTRACK_TO '${before?.now}'`)
  await dev.query('UPDATE invoice SET total = 50 WHERE id = 2')
  expect(await merge()).toEqual([['update', 'public.invoice', '1']])
  expect(await rows(db, 'SELECT total FROM invoice WHERE id < 3 ORDER BY id')).toEqual([[100], [50]])
})

test('a merge that was rolled back is not remembered', async () => {
  await dev.query('UPDATE invoice SET total = 100 WHERE id = 1')
  await db.query('BEGIN')
  await merge()
  await db.query('ROLLBACK')
  expect(await merge()).toEqual([['update', 'public.invoice', '1']])
})

test('owners, privileges and comments are carried over', async () => {
  const [reader, keeper] = [`reader${number}`, `keeper${number}`]
  await admin.query(`CREATE ROLE ${reader}; CREATE ROLE ${keeper}`)
  await db.query(`COMMENT ON TABLE note IS 'old'; GRANT SELECT, DELETE ON customer TO ${reader}`)
  await admin.query(`CREATE DATABASE attributes${number} TEMPLATE main${number}`)
  const branch = await connectTo(server.port, `attributes${number}`)
  await branch.query(`
    CREATE TABLE fresh (id int PRIMARY KEY);
    ALTER TABLE fresh OWNER TO ${keeper};
    COMMENT ON COLUMN fresh.id IS 'it''s a key';
    GRANT SELECT ON invoice TO PUBLIC;
    GRANT INSERT ON invoice TO ${reader} WITH GRANT OPTION;
    REVOKE DELETE ON customer FROM ${reader};
    COMMENT ON TABLE note IS NULL;
    COMMENT ON COLUMN invoice.total IS 'in cents';
    ALTER TABLE note OWNER TO ${keeper}`)
  await branch.end()
  const all = `SELECT relname, relowner::regrole::text, (SELECT array_agg(a ORDER BY a) FROM unnest(relacl::text[]) a), obj_description(oid, 'pg_class'),
      col_description(oid, 1), col_description(oid, 3)
    FROM pg_class WHERE relname IN ('fresh', 'invoice', 'customer', 'note') ORDER BY 1`
  await rows(db, `SELECT * FROM borealis.merge('attributes${number}')`)
  const [customer, fresh, invoice, note] = await rows(db, all)
  expect(customer?.[2]).toEqual(['postgres=arwdDxt/postgres', `${reader}=r/postgres`])
  expect(fresh).toEqual(['fresh', keeper, null, null, `it's a key`, null])
  expect(invoice?.[2]).toEqual(['=r/postgres', 'postgres=arwdDxt/postgres', `${reader}=a*/postgres`])
  expect(invoice?.[5]).toBe('in cents')
  expect(note).toEqual(['note', keeper, null, null, null, null])
  const left = `SELECT * FROM borealis.schema_diff('main${number}', 'attributes${number}')`
  expect(await rows(db, left)).toEqual([])
})

test('privileges on columns and default privileges are carried over, each by itself', async () => {
  const [reader, maker] = [`column_reader${number}`, `maker${number}`]
  await admin.query(`CREATE ROLE ${reader}; CREATE ROLE ${maker}`)
  await db.query(`
    GRANT SELECT (id, total) ON invoice TO ${reader};
    GRANT UPDATE (name) ON customer TO PUBLIC;
    CREATE VIEW totals AS SELECT customer, sum(total) AS total FROM invoice GROUP BY 1;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT ON TABLES TO ${reader}`)
  await admin.query(`CREATE DATABASE rights${number} TEMPLATE main${number}`)
  const branch = await connectTo(server.port, `rights${number}`)
  await branch.query(`
    REVOKE SELECT (id) ON invoice FROM ${reader};
    GRANT SELECT (customer) ON invoice TO ${reader} WITH GRANT OPTION;
    GRANT SELECT (total) ON totals TO ${reader};
    REVOKE UPDATE (name) ON customer FROM PUBLIC;
    CREATE TABLE late (a int PRIMARY KEY, b int);
    GRANT INSERT (a), REFERENCES (b) ON late TO ${reader};
    ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE INSERT ON TABLES FROM ${reader};
    ALTER DEFAULT PRIVILEGES FOR ROLE ${maker} GRANT USAGE ON SEQUENCES TO ${reader} WITH GRANT OPTION;
    ALTER DEFAULT PRIVILEGES FOR ROLE ${maker} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC`)
  await db.query(`GRANT SELECT (name) ON customer TO ${reader}`)
  const onColumns = `SELECT attrelid::regclass::text, attname, array_agg(item ORDER BY item)
    FROM (SELECT attrelid, attname, unnest(attacl)::text AS item FROM pg_attribute) a GROUP BY 1, 2 ORDER BY 1, 2`
  const defaults = `SELECT defaclrole::regrole::text, coalesce(nspname, ''), defaclobjtype, array_agg(item ORDER BY item)
    FROM (SELECT d.*, unnest(defaclacl)::text AS item FROM pg_default_acl d) d
    LEFT JOIN pg_namespace n ON n.oid = defaclnamespace GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`
  const expectedDefaults = await rows(branch, defaults)
  expect(await rows(db, defaults)).not.toEqual(expectedDefaults)
  await rows(db, `SELECT * FROM borealis.merge('rights${number}')`)
  expect(await rows(db, onColumns)).toEqual([
    ['customer', 'name', [`${reader}=r/postgres`]],
    ['invoice', 'customer', [`${reader}=r*/postgres`]],
    ['invoice', 'total', [`${reader}=r/postgres`]],
    ['late', 'a', [`${reader}=a/postgres`]],
    ['late', 'b', [`${reader}=x/postgres`]],
    ['totals', 'total', [`${reader}=r/postgres`]],
  ])
  expect(await rows(db, defaults)).toEqual(expectedDefaults)
  expect(expectedDefaults).toEqual([
    [maker, '', 'S', [`${reader}=U*/${maker}`, `${maker}=rwU/${maker}`]],
    [maker, '', 'f', [`${maker}=X/${maker}`]],
    ['postgres', 'public', 'r', [`${reader}=r/postgres`]],
  ])
  const left = `SELECT change, object FROM borealis.schema_diff('rights${number}', 'main${number}')`
  expect(await rows(db, left)).toEqual([['created', `public.customer.name: SELECT for ${reader}`]])
  await branch.end()
})

test('an object that both altered differently is a conflict', async () => {
  await dev.query(`ALTER TABLE customer ADD COLUMN rank int DEFAULT 1`)
  await db.query(`ALTER TABLE customer ADD COLUMN rank text`)
  expect(await rows(db, `SELECT * FROM borealis.merge_conflicts('dev${number}')`)).toEqual([
    ['public.customer.rank', { kind: 'column' }, null, 'text', 'integer DEFAULT 1'],
  ])
  expect(await merge().catch(errorOf)).toMatchObject({ code: 'BM001' })
})

test('what cannot be merged', async () => {
  expect(await rows(db, `SELECT * FROM borealis.merge('main${number}')`).catch(errorOf)).toMatchObject({
    code: '22023',
  })
  expect(await rows(db, `SELECT * FROM borealis.merge('nowhere')`).catch(errorOf)).toMatchObject({
    code: '3D000',
  })
  await db.query('BEGIN')
  await db.query(`INSERT INTO note VALUES ('first')`)
  expect(await merge().catch(errorOf)).toMatchObject({ code: '25001' })
  await db.query('ROLLBACK')
  await db.query('BEGIN READ ONLY')
  expect(await merge().catch(errorOf)).toMatchObject({ code: '25006' })
  await db.query('ROLLBACK')
})

test('the session’s role needs the rights to what a merge writes', async () => {
  await admin.query('DROP ROLE IF EXISTS merger')
  await admin.query('CREATE ROLE merger LOGIN')
  await db.query('GRANT SELECT ON ALL TABLES IN SCHEMA public TO merger')
  await dev.query('GRANT SELECT ON ALL TABLES IN SCHEMA public TO merger')
  await dev.query('UPDATE invoice SET total = 9 WHERE id = 1')
  const merger = await connectTo(server.port, `main${number}`, 'merger')
  const attempt = (): Promise<unknown> =>
    rows(merger, `SELECT * FROM borealis.merge('dev${number}')`).catch(errorOf)
  expect(await attempt()).toMatchObject({ code: '42501', message: 'permission denied for table invoice' })
  await db.query('GRANT INSERT, UPDATE, DELETE ON invoice TO merger')
  expect(await attempt()).toEqual([['update', 'public.invoice', '1']])
  await merger.end()
})
