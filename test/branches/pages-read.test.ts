// What comparisons and reads of another branch ask of storage, counted: a volume in memory that counts, an engine with an
// empty pool, a real client.

import { afterAll, beforeAll, expect, test } from 'vitest'
import type pg from 'pg'
import { openLog } from '../../server/log.ts'
import { nodeEnv } from '../../server/node-env.ts'
import { DEFAULT_OPTIONS } from '../../server/options/options.ts'
import { type RunningServer, runServer } from '../../server/running-server.ts'
import { createBackend } from '../../sql/session/backend.ts'
import { createEngine } from '../../storage/engine/create-engine.ts'
import { StorageError } from '../../storage/base/errors.ts'
import { MemoryVolume } from '../../storage/volume/memory-volume.ts'
import { connectTo } from './clients.ts'

const { clock, prng } = nodeEnv
const ROWS = 40_000
let volume: MemoryVolume
let server: RunningServer
let db: pg.Client
const lsns: string[] = []

/** A server over the volume with nothing in its pool. */
async function open(): Promise<void> {
  server = await runServer({ ...DEFAULT_OPTIONS, port: 0 }, openLog('warn'), async () => {
    const engine = createEngine({ volume, clock, poolSizeBytes: 64 << 20 })
    const backend = await createBackend({ engine, volume, clock, prng })
    return {
      backend,
      async close() {
        await backend.close(0)
        await engine.close()
      },
    }
  })
  db = await connectTo(server.port, 'postgres')
}

async function reopen(): Promise<void> {
  await db.end()
  await server.close()
  await open()
}

async function lsn(): Promise<void> {
  lsns.push((await db.query<{ lsn: string }>('SELECT pg_current_wal_lsn()::text AS lsn')).rows[0]?.lsn ?? '')
}

beforeAll(async () => {
  volume = new MemoryVolume({ clock })
  await open()
  await db.query('CREATE TABLE big (id int PRIMARY KEY, filler text)')
  await db.query(`INSERT INTO big SELECT i, repeat('x', 100) FROM generate_series(1, ${ROWS}) i`)
  await db.query('CREATE TABLE busy (id int PRIMARY KEY, n int)')
  await db.query('INSERT INTO busy SELECT i, 0 FROM generate_series(1, 20000) i')
  await lsn()
  await db.query(`UPDATE big SET filler = 'changed' WHERE id IN (10, 20000, 39990)`)
  await db.query('DELETE FROM big WHERE id = 5000')
  await lsn()
  await db.query('UPDATE busy SET n = 1')
  await lsn()
  await db.query(`CREATE DATABASE limb TEMPLATE postgres`)
  const limb = await connectTo(server.port, 'limb')
  await limb.query(`UPDATE big SET filler = 'limb' WHERE id = 30000`)
  await limb.end()
}, 120_000)

afterAll(async () => {
  await db.end()
  await server.close()
})

/** Pages that a query has storage make, from an empty pool; those that opening databases takes are not counted. */
async function pagesOf(text: string, values: unknown[] = []): Promise<{ pages: number; rows: number }> {
  await reopen()
  // Catalogs, and the plans' figures of the table.
  await db.query('EXPLAIN SELECT * FROM big WHERE id = 1')
  await db.query(`SELECT * FROM borealis.in_branch(NULL::busy, 'limb') WHERE id = 1`)
  const before = volume.pagesRead
  const { rows } = await db.query({ text, values })
  return { pages: volume.pagesRead - before, rows: rows.length }
}

test('diff reads the pages that changed, on both sides, and none of the table’s others', async () => {
  const leaves = Math.ceil(ROWS / 60)
  const few = await pagesOf('SELECT * FROM borealis.diff(NULL::big, $1::pg_lsn, $2::pg_lsn)', [
    lsns[0],
    lsns[1],
  ])
  expect(few.rows).toBe(4)
  // Four leaves, twice; the catalog's and the way down to each.
  expect(few.pages).toBeLessThan(40)
  // Another table changed from end to end: the tree's inner pages tell which pages are not ours.
  const among = await pagesOf('SELECT * FROM borealis.diff(NULL::big, $1::pg_lsn, $2::pg_lsn)', [
    lsns[0],
    lsns[2],
  ])
  expect(among.rows).toBe(4)
  expect(among.pages).toBeLessThan(60)
  const branches = await pagesOf(`SELECT * FROM borealis.diff(NULL::big, 'postgres', 'limb')`)
  expect(branches.rows).toBe(1)
  expect(branches.pages).toBeLessThan(30)
  const whole = await pagesOf('SELECT count(*) FROM big')
  expect(whole.pages).toBeGreaterThan(leaves / 2)
})

test('where the log of the interval is not kept any more, both sides are read whole', async () => {
  const { changedPages } = volume
  volume.changedPages = () => Promise.reject(new StorageError('out-of-window', 'collected'))
  const found = await pagesOf('SELECT * FROM borealis.diff(NULL::big, $1::pg_lsn, $2::pg_lsn)', [
    lsns[0],
    lsns[1],
  ])
  volume.changedPages = changedPages
  expect(found.rows).toBe(4)
  expect(found.pages).toBeGreaterThan(ROWS / 120)
})

test('a point lookup in a branch, or in the past, reads the way to one row', async () => {
  const point = await pagesOf(`SELECT * FROM borealis.in_branch(NULL::big, 'limb') WHERE id = 777`)
  expect(point).toMatchObject({ rows: 1 })
  expect(point.pages).toBeLessThan(8)
  const range = await pagesOf(
    `SELECT id FROM borealis.in_branch(NULL::big, 'limb') WHERE id BETWEEN 100 AND 150`,
  )
  expect(range).toMatchObject({ rows: 51 })
  expect(range.pages).toBeLessThan(12)
  const past = await pagesOf('SELECT * FROM borealis.as_of(NULL::big, $1::pg_lsn) WHERE id = 10', [lsns[0]])
  expect(past).toMatchObject({ rows: 1 })
  expect(past.pages).toBeLessThan(30)
  const lateral = await pagesOf(
    `SELECT o.id FROM generate_series(1, 3) k, LATERAL borealis.in_branch(NULL::big, 'limb') o WHERE o.id = k * 1000`,
  )
  expect(lateral.rows).toBe(3)
})

test('history reads the versions of one row', async () => {
  const found = await pagesOf('SELECT * FROM borealis.history(NULL::big, 20000)')
  expect(found.rows).toBe(2)
  expect(found.pages).toBeLessThan(60)
})
