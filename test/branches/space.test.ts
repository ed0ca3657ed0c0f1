// What is dropped, and what has aged, gives its space back: told by SQL, and seen in the files of the storage nodes.

import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBorealis, type TestServer } from '../support/borealis.ts'
import { client, rows, value } from './client.ts'

const MIB = 1024 * 1024
/** Collecting is background work: floors are looked at every ten seconds, space is given back when nothing else is to do. */
const PATIENCE = { timeout: 90_000, interval: 500 }

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

/** Bytes of all segments of all nodes, as they say. */
async function segmentBytes(): Promise<number> {
  return Number(await value(admin, 'SELECT sum(bytes)::text FROM borealis.segments'))
}

/** Bytes of the files of the nodes' stores; the rings of the hot log have a fixed size. */
function fileBytes(directory: string = server.directory): number {
  let sum = 0
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) sum += fileBytes(path)
    else if (path.endsWith('.sqlite')) sum += statSync(path, { throwIfNoEntry: false })?.size ?? 0
  }
  return sum
}

/** Writes rows that do not deflate well: some 800 bytes each. */
async function fill(on: pg.Client, table: string, from: number, to: number): Promise<void> {
  await on.query(
    `INSERT INTO ${table} SELECT i, (SELECT string_agg(md5(i || ' ' || j), '') FROM generate_series(1, 25) j)
     FROM generate_series(${from}, ${to}) i`,
  )
}

test(
  'what a dropped parent shares stays until its last branch goes; then its space comes back',
  { timeout: 200_000 },
  async () => {
    const before = await segmentBytes()
    await admin.query('CREATE DATABASE trunk')
    const trunk = await client(server, 'trunk')
    await trunk.query('CREATE TABLE leaf (id int PRIMARY KEY, text text)')
    await fill(trunk, 'leaf', 1, 5000)
    await admin.query('CREATE DATABASE left_twig TEMPLATE trunk')
    await admin.query('CREATE DATABASE right_twig TEMPLATE trunk')
    // Of this no branch knows: it goes with the trunk.
    await fill(trunk, 'leaf', 5001, 12_000)
    await trunk.end()
    const sum = 'SELECT count(*)::int, sum(length(text))::int FROM leaf'
    const shared = "SELECT shared_bytes::int FROM borealis.branches WHERE name = 'right_twig'"
    const sharedBytes = Number(await value(admin, shared))
    expect(sharedBytes).toBeGreaterThan(2 * MIB)
    const full = await segmentBytes()
    // What came last may still be in write-ahead files.
    await expect.poll(fileBytes, PATIENCE).toBeGreaterThan(0.8 * full)
    const fullFiles = fileBytes()
    expect(full - before).toBeGreaterThan(6 * 2 * sharedBytes * 0.9)

    await admin.query('DROP DATABASE trunk')
    await admin.query('DROP DATABASE left_twig')
    const twig = await client(server, 'right_twig')
    expect(await rows(twig, sum)).toEqual([[5000, 5000 * 800]])
    expect(Number(await value(admin, shared))).toBeGreaterThan(0.9 * sharedBytes)
    expect((await segmentBytes()) - before).toBeGreaterThan(6 * sharedBytes * 0.9)
    await fill(twig, 'leaf', 5001, 5010)
    expect(await rows(twig, sum)).toEqual([[5010, 5010 * 800]])
    await twig.end()

    await admin.query('DROP DATABASE right_twig')
    await expect.poll(segmentBytes, PATIENCE).toBeLessThan(before + 0.05 * (full - before))
    await expect.poll(fileBytes, PATIENCE).toBeLessThan(fullFiles / 2)
  },
)

test(
  'history beyond the retention is given up, and the present stays as it is',
  { timeout: 200_000 },
  async () => {
    await admin.query('CREATE DATABASE aging')
    await admin.query("ALTER DATABASE aging SET borealis.retention = '1s'")
    const aging = await client(server, 'aging')
    await aging.query('CREATE TABLE leaf (id int PRIMARY KEY, text text)')
    await fill(aging, 'leaf', 1, 3000)
    await admin.query('CREATE DATABASE kept TEMPLATE aging')
    for (let round = 0; round < 5; round++)
      await aging.query(`UPDATE leaf SET text = reverse(text) || ${round}`)
    const history = "SELECT history_bytes::int FROM borealis.branches WHERE name = 'aging'"
    const own = "SELECT own_bytes::int FROM borealis.branches WHERE name = 'aging'"
    const all = "SELECT (own_bytes + history_bytes)::int FROM borealis.branches WHERE name = 'aging'"
    const grown = Number(await value(admin, all))
    expect(grown).toBeGreaterThan(5 * MIB)
    const state =
      'SELECT count(*)::int, sum(length(text))::int, md5(string_agg(text, id::text ORDER BY id)) FROM leaf'
    const present = await rows(aging, state)
    const size = async (): Promise<number> => Number(await value(admin, all))
    await expect.poll(size, PATIENCE).toBeLessThan(grown / 2)
    expect(Number(await value(admin, own))).toBeGreaterThan(3000 * 400)
    expect(Number(await value(admin, history))).toBeLessThan(grown / 2)
    expect(await rows(aging, state)).toEqual(present)
    await expect(aging.query("SELECT * FROM borealis.as_of(NULL::leaf, '-1 min')")).rejects.toMatchObject({
      code: '72000',
    })
    await aging.end()
    // A branch holds what its parent was where it branched off, however short the parent's retention is.
    const kept = await client(server, 'kept')
    expect(await rows(kept, 'SELECT count(*)::int, sum(length(text))::int FROM leaf')).toEqual([
      [3000, 3000 * 800],
    ])
    await kept.end()
  },
)
