// docker/compose.yaml as plain processes: a server and six storage nodes in three named zones, kept together by a secret.
// Nodes and writer are killed, stopped and started again; what was acknowledged is there, and SQL shows what happens.

import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Cluster, until } from './cluster.ts'

let cluster: Cluster

beforeAll(async () => {
  cluster = await Cluster.make({
    command: 'source',
    secret: 'between us',
    spareCount: 1,
    serverFlags: ['--fault-injection', '--quorum-timeout', '2s', '--segment-size', '1MB'],
  })
  await cluster.start()
  await cluster.query('create table t (a int primary key, b text)')
}, 120_000)

afterAll(() => cluster.remove())

interface Segment {
  readonly node: number
  readonly zone: string
  readonly role: string
  readonly alive: boolean
  readonly scl: string | null
}

const segments = (where = 'true'): Promise<Segment[]> =>
  cluster.query<Segment>(
    `select node, zone, role, alive, scl::text from borealis.segments where protection_group = 0 and ${where} order by node`,
  )

const insert = (from: number, to: number): Promise<unknown> =>
  cluster.query(`insert into t select g, repeat('x', 100) from generate_series(${from}, ${to}) g`)

const count = async (): Promise<number> =>
  (await cluster.query<{ n: number }>('select count(*)::int n from t'))[0]?.n ?? -1

test('six nodes in three zones serve', async () => {
  const all = await segments()
  expect(all.map(({ node, zone }) => `${node} ${zone}`)).toEqual([
    '1 az1',
    '2 az2',
    '3 az3',
    '4 az1',
    '5 az2',
    '6 az3',
  ])
  expect(all.every(({ alive, role }) => alive && role === 'member')).toBe(true)
  await insert(1, 1000)
  expect(await count()).toBe(1000)
  const [volume] = await cluster.query(
    'select vdl >= vcl as level, lal_room > 0 as room from borealis.volume',
  )
  expect(volume).toEqual({ level: true, room: true })
  expect(await cluster.query('select * from aurora_show_volume_status()')).toEqual([{ disks: 6, nodes: 6 }])
  const [{ version } = { version: '' }] = await cluster.query<{ version: string }>(
    'select aurora_version() version',
  )
  expect(version).toMatch(/^15\.\d+\.\d+$/)
})

test('a stranger is told why it may not come in', () => {
  const address = cluster.addresses[0] ?? ''
  const run = (secret: string): string =>
    spawnSync(
      process.execPath,
      [
        '--import',
        'tsx',
        'server/main.ts',
        'serve',
        '--quorum',
        '1,1,1',
        '--storage',
        address,
        '--port',
        '0',
      ].concat([
        '--data',
        `${cluster.directory}/stranger`,
        '--cluster-secret',
        secret,
        '--log-level',
        'silent',
      ]),
      { encoding: 'utf8' },
    ).stderr
  expect(run('a guess')).toContain('the caller does not know the cluster secret')
}, 60_000)

test('a zone is killed: writes go on; its nodes come back and catch up without help', async () => {
  await Promise.all([cluster.node(1).end('SIGKILL'), cluster.node(4).end('SIGKILL')])
  await insert(1001, 2000)
  expect(await count()).toBe(2000)
  expect((await segments('not alive')).map(({ node }) => node)).toEqual([1, 4])
  await Promise.all([cluster.node(1).start(), cluster.node(4).start()])
  await until('the nodes are level', async () => new Set((await segments()).map(({ scl }) => scl)).size === 1)
}, 60_000)

test('three nodes are stopped: reads go on, writes wait and fail clearly, then go on by themselves', async () => {
  for (const number of [1, 2, 3]) cluster.node(number).signal('SIGSTOP')
  const client = await cluster.client()
  try {
    await client.query("set statement_timeout = '20s'")
    const write = client.query("insert into t values (5000, 'late')").then(
      () => 'done',
      (error: Error) => error.message,
    )
    // Readers take half a second to notice that nothing becomes durable; from then on they read what is.
    await new Promise((resolve) => setTimeout(resolve, 1000))
    expect(await count()).toBe(2000)
    for (const number of [1, 2, 3]) cluster.node(number).signal('SIGCONT')
    expect(await write).toBe('done')
  } finally {
    await client.end()
  }
  await until('writes go on', async () => {
    await cluster.query('insert into t select max(a) + 1, null from t')
    return true
  })
}, 60_000)

test('writer and three nodes are killed; with three nodes it opens, and every acknowledged row is there', async () => {
  const before = await count()
  await Promise.all([1, 3, 5].map((number) => cluster.node(number).end('SIGKILL')))
  await cluster.server.end('SIGKILL')
  await cluster.startServer()
  expect(await count()).toBe(before)
  await Promise.all([1, 3, 5].map((number) => cluster.node(number).start()))
  await until('writes go on', async () => {
    await cluster.query("insert into t values (6000, 'after')")
    return true
  })
}, 90_000)

test('a server that starts waits for nodes it knows that are slow to greet', async () => {
  const before = await count()
  await cluster.server.end('SIGKILL')
  for (const number of [1, 2, 3, 4, 5, 6]) cluster.node(number).signal('SIGSTOP')
  const started = cluster.startServer()
  await new Promise((resolve) => setTimeout(resolve, 3000))
  for (const number of [1, 2, 3, 4, 5, 6]) cluster.node(number).signal('SIGCONT')
  await started
  expect(await count()).toBe(before)
}, 60_000)

test('a spare takes the place of a node', async () => {
  await cluster.query('select borealis.add_spare($1)', [cluster.addresses[6]])
  await until('the spare is registered', async () => (await segments("role = 'spare'")).length === 1)
  await cluster.node(6).end('SIGKILL')
  await cluster.query('select borealis.replace_node(6, $1)', [cluster.addresses[6]])
  await until('the spare is a member', async () => {
    const members = (await segments("role = 'member' and alive")).map(({ node }) => node)
    return members.includes(7) && !members.includes(6)
  })
  await insert(7000, 7100)
}, 90_000)

test('faults on purpose need a superuser', async () => {
  await cluster.query('create role joe login')
  const client = await cluster.client()
  try {
    await client.query('set role joe')
    await expect(client.query("select aurora_inject_crash('instance')")).rejects.toMatchObject({
      code: '42501',
    })
    await client.query('reset role')
    await client.query('select aurora_inject_disk_congestion(100, 1, false, 1, 1, 5)')
    await expect(client.query("select aurora_inject_crash('moon')")).rejects.toMatchObject({ code: '22023' })
  } finally {
    await client.end()
  }
  await insert(8000, 8100)
})
