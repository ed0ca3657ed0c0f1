// Backup of a running server, loss of everything it had, restore to several instants: each compared row by row with what
// was there then. To a directory and to S3's API; damage is named.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import pino from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { nodeEnv } from '../server/node-env.ts'
import { restoreCluster } from '../server/restore.ts'
import { readRestoreOptions } from '../server/options/restore-options.ts'
import { type RunningServer, start } from '../server/start.ts'
import { SmallS3 } from '../storage/archive/testing/small-s3.ts'

const LOG = pino({ level: 'silent' })
const INTERVAL_MS = 200

let root: string
const s3 = new SmallS3()
let s3Url: string

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'borealis-backup-'))
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' })
  s3Url = `s3://backups/cluster?endpoint=${await s3.listen()}`
})

afterAll(() => {
  s3.close()
  rmSync(root, { recursive: true, force: true })
})

async function query(server: RunningServer, database: string, ...texts: string[]): Promise<unknown[]> {
  const client = new pg.Client({ host: '127.0.0.1', port: server.port, user: 'postgres', database })
  await client.connect()
  try {
    let rows: unknown[] = []
    for (const text of texts) ({ rows } = await client.query({ text, rowMode: 'array' }))
    return rows
  } finally {
    await client.end()
  }
}

/** All rows of all tables of all databases that this test makes. */
async function contents(server: RunningServer): Promise<unknown> {
  const found: Record<string, unknown> = {}
  const databases = await query(
    server,
    'postgres',
    `select datname from pg_database where datname not like 'template%' order by 1`,
  )
  for (const [database] of databases as [string][]) {
    const tables = await query(
      server,
      database,
      `select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1`,
    )
    for (const [table] of tables as [string][])
      found[`${database}.${table}`] = await query(server, database, `select * from ${table} order by 1`)
  }
  return found
}

/** What was there, when, and the LSN of that. */
interface Point {
  readonly micros: string
  readonly lsn: string
  readonly timeline: string
  readonly contents: unknown
}

async function point(server: RunningServer): Promise<Point> {
  const [[lsn, timeline]] = (await query(
    server,
    'postgres',
    `select pg_current_wal_lsn()::text, timeline::text from borealis.branches where name = 'postgres'`,
  )) as [[string, string]]
  const taken = await contents(server)
  const micros = new Date().toISOString()
  await pause(20)
  return { micros, lsn, timeline, contents: taken }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Some history, with three points in it; the server is killed hard at the end, its data are gone. */
async function history(backup: string, name: string): Promise<Point[]> {
  const data = join(root, name)
  const server = await start({ data, port: 0, backup, backupIntervalMs: INTERVAL_MS })
  const points: Point[] = []
  try {
    await query(
      server,
      'postgres',
      'create table t (id int primary key, x text, n numeric)',
      `insert into t select g, 'row ' || g, g / 7.0 from generate_series(1, 3000) g`,
      'create index t_x on t (x)',
    )
    points.push(await point(server))
    await pause(INTERVAL_MS * 3)
    await query(server, 'postgres', 'delete from t where id % 3 = 0', 'create database dev template postgres')
    await query(server, 'dev', `update t set x = 'dev' where id < 100`, 'create table only_here (a int)')
    points.push(await point(server))
    await query(server, 'postgres', 'drop table t', 'create table u as select generate_series(1, 50) as g')
    await query(server, 'postgres', 'drop database dev')
    points.push(await point(server))
    await pause(INTERVAL_MS * 4)
  } finally {
    await server.close(0)
    rmSync(data, { recursive: true, force: true })
  }
  return points
}

async function restoredAt(from: string, at: readonly string[], name: string): Promise<unknown> {
  const data = join(root, name)
  const options = readRestoreOptions(['--from', from, '--data', data, ...at], {}, () => '')
  await restoreCluster(options, { clock: nodeEnv.clock, log: LOG })
  const server = await start({ data, port: 0 })
  try {
    const found = await contents(server)
    // It is a cluster like any other: it takes writes.
    await query(server, 'postgres', 'create table afterwards (a int)', 'insert into afterwards values (1)')
    return found
  } finally {
    await server.close(0)
    rmSync(data, { recursive: true, force: true })
  }
}

test('three instants come back from a directory, by time and by LSN; damage is named', async () => {
  const archive = join(root, 'archive')
  const points = await history(archive, 'origin')
  for (const [index, { micros, lsn, timeline, contents: there }] of points.entries()) {
    expect(await restoredAt(archive, ['--at', micros], `time-${index}`)).toEqual(there)
    if (index === 1) {
      const at = ['--at', lsn, '--timeline', timeline]
      // The instant of that LSN's commit: the branch was made later.
      const found = (await restoredAt(archive, at, 'lsn')) as Record<string, unknown>
      expect(found).toEqual({ 'postgres.t': (there as Record<string, unknown>)['postgres.t'] })
    }
  }
  expect(await restoredAt(`file://${archive}`, [], 'latest')).toEqual(points.at(-1)?.contents)

  await expect(restoredAt(archive, ['--at', '2001-01-01T00:00:00Z'], 'early')).rejects.toThrow(
    'nothing is archived',
  )

  const [name] = readdirSync(join(archive, 'log/g0'))
  if (name === undefined) throw new Error('log was archived')
  const file = join(archive, 'log/g0', name)
  const bytes = readFileSync(file)
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
  writeFileSync(file, bytes)
  await expect(restoredAt(archive, [], 'damaged')).rejects.toThrow(`log/g0/${name}`)
  rmSync(file)
  await expect(restoredAt(archive, [], 'missing')).rejects.toThrow('is missing')
}, 240_000)

test('the same from S3', async () => {
  const points = await history(s3Url, 'origin-s3')
  const [, second] = points
  expect(await restoredAt(s3Url, ['--at', second?.micros ?? ''], 's3')).toEqual(second?.contents)
}, 240_000)
