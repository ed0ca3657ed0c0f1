// A server that was started again has nothing in its pool: the first statements wait for pages already while they are
// planned (sizes of tables), in both protocols, and answer as they did before.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { expect, test } from 'vitest'
import { startBorealis } from './support/borealis.ts'

const JOIN = 'select a.id, b.name from cold a join cold b on b.id = a.other where a.id < 4 order by a.id'

async function connected<T>(port: number, action: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' })
  await client.connect()
  try {
    return await action(client)
  } finally {
    await client.end()
  }
}

test('the first statements of a new process plan and run over cold pages', async () => {
  const data = mkdtempSync(join(tmpdir(), 'borealis-cold-'))
  try {
    let server = await startBorealis({ data })
    const expected = await connected(server.port, async (client) => {
      await client.query('create table cold (id int primary key, other int, name text)')
      await client.query("insert into cold select g, 501 - g, 'n' || g from generate_series(1, 500) g")
      return (await client.query(JOIN)).rows
    })
    await server.close()
    server = await startBorealis({ data })
    const simple = await connected(server.port, async (client) => (await client.query(JOIN)).rows)
    await server.close()
    server = await startBorealis({ data })
    const query = { name: 'j', text: JOIN.replace('4', '$1'), values: [4] }
    const extended = await connected(server.port, async (client) => (await client.query(query)).rows)
    await server.close()
    expect(expected).toEqual([
      { id: 1, name: 'n500' },
      { id: 2, name: 'n499' },
      { id: 3, name: 'n498' },
    ])
    expect(simple).toEqual(expected)
    expect(extended).toEqual(expected)
  } finally {
    rmSync(data, { recursive: true, force: true })
  }
}, 60_000)
