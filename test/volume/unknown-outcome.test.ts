// A commit that is in the log, and of which nobody knows whether it will be durable: its client is told just that (08007),
// however its wait ends, and never that it was rolled back. Through a real client, over storage nodes that are stopped.

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type pg from 'pg'

import { Cluster, until } from './cluster.ts'

let cluster: Cluster

beforeAll(async () => {
  cluster = await Cluster.make({ command: 'source', serverFlags: ['--quorum-timeout', '2s'] })
  await cluster.start()
  await cluster.query('create table t (a text primary key)')
}, 120_000)

afterAll(() => cluster.remove())

beforeEach(async () => {
  await until('writes go on', async () => {
    await cluster.query('delete from t')
    return true
  })
}, 60_000)

/** Three of six nodes: nothing becomes durable, and nobody is told so. */
const stopNodes = (): void => [1, 2, 3].forEach((number) => cluster.node(number).signal('SIGSTOP'))
const goOn = (): void => [1, 2, 3].forEach((number) => cluster.node(number).signal('SIGCONT'))

const rows = async (): Promise<string[]> =>
  (await cluster.query<{ a: string }>('select a from t order by a')).map(({ a }) => a)

const UNKNOWN = {
  code: '08007',
  message: expect.stringContaining('the outcome of the transaction is not known') as string,
}

async function withClient(use: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = await cluster.client()
  try {
    await use(client)
  } finally {
    goOn()
    await client.end()
  }
}

test('a timeout while a commit waits tells that its outcome is unknown, and the session goes on', async () => {
  await withClient(async (client) => {
    await client.query("set statement_timeout = '500ms'")
    stopNodes()
    await expect(client.query("insert into t values ('simple')")).rejects.toMatchObject(UNKNOWN)
    await expect(client.query('insert into t values ($1)', ['extended'])).rejects.toMatchObject(UNKNOWN)
    goOn()
    await client.query("set statement_timeout = '20s'")
    await client.query('select 1')
  })
  // They were not rolled back.
  await until('both are durable', async () => (await rows()).join() === 'extended,simple')
}, 60_000)

test('so does one at COMMIT; what is not committed is rolled back and says so', async () => {
  await withClient(async (client) => {
    await client.query("set statement_timeout = '500ms'")
    await client.query('begin')
    await client.query("insert into t values ('block')")
    stopNodes()
    await expect(client.query('commit')).rejects.toMatchObject(UNKNOWN)
    // The transaction is over: not in a block, and not a failed one.
    await client.query("set statement_timeout = '20s'")
    goOn()
    await client.query('begin')
    await client.query("insert into t values ('undone')")
    await expect(client.query('select 1 / 0')).rejects.toMatchObject({ code: '22012' })
    expect((await client.query('commit')).command).toBe('ROLLBACK')
  })
  await until('it is durable', async () => (await rows()).join() === 'block')
}, 60_000)

test('a cancelled wait for a commit tells the same', async () => {
  await withClient(async (client) => {
    const [{ pid } = { pid: 0 }] = (await client.query<{ pid: number }>('select pg_backend_pid() pid')).rows
    stopNodes()
    const commit = client.query("insert into t values ('cancelled')")
    const outcome = expect(commit).rejects.toMatchObject(UNKNOWN)
    await new Promise((resolve) => setTimeout(resolve, 300))
    await cluster.query(`select pg_cancel_backend(${pid})`)
    await outcome
  })
  await until('it is durable', async () => (await rows()).join() === 'cancelled')
}, 60_000)

test('another writer takes over while a commit waits: its client is told, and the connection ends', async () => {
  const other = cluster.otherServer()
  try {
    await withClient(async (client) => {
      stopNodes()
      const commit = client.query("insert into t values ('taken over')")
      const outcome = expect(commit).rejects.toMatchObject({ ...UNKNOWN, severity: 'FATAL' })
      await new Promise((resolve) => setTimeout(resolve, 300))
      await other.start()
      await outcome
    })
  } finally {
    await other.end('SIGKILL')
    await cluster.server.end('SIGKILL')
    await cluster.startServer()
  }
  // It may be there or not: the one thing that it was not is acknowledged.
  expect(['', 'taken over']).toContain((await rows()).join())
}, 90_000)
