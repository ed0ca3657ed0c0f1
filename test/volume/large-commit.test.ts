// A commit so large that its write set is applied in slices is durable when its client is told, as any other.

import pg from 'pg'
import { expect, test } from 'vitest'
import { startBorealis } from '../support/borealis.ts'

test('a large commit is durable when it is acknowledged', async () => {
  const server = await startBorealis({ quorum: { nodeCount: 1, writeCount: 1, readCount: 1 } })
  const client = new pg.Client({
    host: '127.0.0.1',
    port: server.port,
    user: 'postgres',
    database: 'postgres',
  })
  await client.connect()
  try {
    await client.query('create table t (a int primary key, b text)')
    await client.query("insert into t select g, repeat('x', 50) from generate_series(1, 20000) g")
    const { rows } = await client.query<{ durable: boolean }>(
      'select pg_current_wal_flush_lsn() = pg_current_wal_insert_lsn() as durable',
    )
    expect(rows[0]?.durable).toBe(true)
  } finally {
    await client.end()
    await server.close()
  }
}, 120_000)
