// The message loop seen from a socket: answers, errors, pipelining, skipping to Sync, COPY, broken messages.

import pg from 'pg'
import { serialize } from 'pg-protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FakeServer, startFake } from './support/fake-server.ts'
import { RawClient, reportFields } from './support/raw-client.ts'

let fake: FakeServer

beforeAll(async () => {
  fake = await startFake()
})

afterAll(async () => {
  await fake.server.close()
})

test('startup: authentication, parameters, key, ready', async () => {
  const client = await RawClient.login(fake.port, { application_name: 'x', options: '-c a=b' })
  expect(client.lines).toEqual([
    'R 0',
    'S server_version=15.0',
    'S client_encoding=UTF8',
    'S standard_conforming_strings=on',
    'K',
    'Z I',
  ])
  const request = fake.backend.requests.at(-1)
  expect([...(request?.parameters ?? [])]).toContainEqual(['a', 'b'])
  expect(request?.processId).toBe(client.processId)
  expect(request?.remoteAddress).toBe('127.0.0.1')
  client.close()
})

test('simple query: one answer for each statement, one ReadyForQuery', async () => {
  const client = await RawClient.login(fake.port)
  expect(await client.query('select 1; begin')).toEqual([
    'T ?column?:23:0',
    'D 1',
    'C SELECT 1',
    'C BEGIN',
    'Z T',
  ])
  expect(await client.query('commit')).toEqual(['C COMMIT', 'Z I'])
  expect(await client.query('')).toEqual(['I', 'Z I'])
  expect(await client.query('notice')).toEqual(['N NOTICE 00000 hello', 'C NOTICE', 'Z I'])
  client.close()
})

test('an error in a simple query: fields, then ready; a half-written row is taken back', async () => {
  const client = await RawClient.login(fake.port)
  await client.query('begin')
  expect(await client.query('select 1; error; select 1')).toEqual([
    'T ?column?:23:0',
    'D 1',
    'C SELECT 1',
    'E ERROR 22012 division by zero',
    'Z E',
  ])
  const fields = reportFields(client.bodies.at(-2) ?? Buffer.alloc(0))
  expect([...fields.keys()].join('')).toBe('SVCMDHtPFLR')
  expect(fields.get('P')).toBe('8')
  client.close()
})

test('a bug of ours is XX000, is logged with its stack, and the session goes on', async () => {
  const client = await RawClient.login(fake.port)
  const before = fake.logged.length
  expect(await client.query('assert')).toEqual(['E ERROR XX000 assertion failed: on purpose', 'Z I'])
  expect(fake.logged.slice(before)).toMatchObject([
    { level: 50, code: 'XX000', err: { type: 'AssertionError' } },
  ])
  expect(await client.query('select 1')).toContain('D 1')
  client.close()
})

test('extended protocol, pipelined in one write', async () => {
  const client = await RawClient.login(fake.port)
  client.send(
    serialize.parse({ name: 's', text: 'select 1' }),
    serialize.describe({ type: 'S', name: 's' }),
    serialize.bind({ statement: 's', binary: true }),
    serialize.describe({ type: 'P' }),
    serialize.execute(),
    serialize.close({ type: 'S', name: 's' }),
    serialize.sync(),
    serialize.query('select 1'),
  )
  expect(await client.until('Z')).toEqual([
    '1',
    't 23',
    'T ?column?:23:0',
    '2',
    'T ?column?:23:1',
    'D \0\0\0\u0001',
    'C SELECT 1',
    '3',
    'Z I',
  ])
  expect(await client.until('Z')).toEqual(['T ?column?:23:0', 'D 1', 'C SELECT 1', 'Z I'])
  client.close()
})

test('after an error everything up to Sync is skipped, simple queries too', async () => {
  const client = await RawClient.login(fake.port)
  client.send(
    serialize.parse({ text: 'bad' }),
    serialize.bind(),
    serialize.execute(),
    serialize.query('select 1'),
    serialize.sync(),
    serialize.parse({ text: 'select 1' }),
    serialize.sync(),
  )
  expect(await client.until('Z')).toEqual(['E ERROR 42601 syntax error at or near "bad"', 'Z I'])
  expect(await client.until('Z')).toEqual(['1', 'Z I'])
  client.close()
})

test('answers leave at Flush', async () => {
  const client = await RawClient.login(fake.port)
  client.send(serialize.parse({ text: 'select 1' }), serialize.flush())
  expect(await client.until('1')).toEqual(['1'])
  client.send(serialize.sync())
  await client.until('Z')
  client.close()
})

test('row limits and PortalSuspended', async () => {
  const client = await RawClient.login(fake.port)
  client.send(
    serialize.parse({ text: 'rows 3' }),
    serialize.bind(),
    serialize.execute({ rows: 2 }),
    serialize.execute({ rows: 2 }),
    serialize.sync(),
  )
  expect(await client.until('Z')).toEqual(['1', '2', 'D 1', 'D 2', 's', 'D 3', 'C SELECT 3', 'Z I'])
  client.close()
})

test('a waiting statement keeps the order; the answers before it are not held back', async () => {
  const client = await RawClient.login(fake.port)
  client.send(serialize.query('select 1'), serialize.query('sleep'), serialize.query('notice'))
  expect(await client.until('Z')).toContain('D 1')
  fake.backend.sessions.at(-1)?.wake?.()
  expect(await client.until('Z')).toEqual(['Z I'])
  expect(await client.until('Z')).toContain('N NOTICE 00000 hello')
  expect(await client.query('wait; select 1')).toEqual([
    'C WAIT',
    'T ?column?:23:0',
    'D 1',
    'C SELECT 1',
    'Z I',
  ])
  client.close()
})

test('a crowd, whose answers leave together: order, statements that wait, half-closed and lost clients', async () => {
  const crowd = await Promise.all(Array.from({ length: 16 }, () => RawClient.login(fake.port)))
  const round = async (text: string): Promise<void> => {
    const answers = await Promise.all(crowd.map((client) => client.query(text)))
    for (const answer of answers) expect(answer.at(-1)).toBe('Z I')
  }
  for (let turn = 0; turn < 50; turn++) await round(turn % 3 === 0 ? 'wait' : 'select 1')
  // Two statements that come in one turn but not in one read; the second waits, the first one's answer does not.
  const answers = crowd.map((client) => client.until('Z'))
  for (const client of crowd) {
    client.send(serialize.query('select 1'))
    client.send(serialize.query('sleep'))
  }
  for (const answer of await Promise.all(answers)) expect(answer.at(-2)).toBe('C SELECT 1')
  for (const session of fake.backend.sessions.slice(-crowd.length)) session.wake?.()
  for (const client of crowd) expect(await client.until('Z')).toEqual(['Z I'])
  await round('error')
  const [halfClosed, lost] = crowd.splice(0, 2)
  const ends = crowd.map((client) => client.query('rows 3'))
  halfClosed?.send(serialize.query('select 1'))
  halfClosed?.socket.end()
  lost?.send(serialize.query('select 1'))
  lost?.socket.destroy()
  for (const answer of await Promise.all(ends)) expect(answer.at(-1)).toBe('Z I')
  expect((await halfClosed?.untilClosed())?.at(-1)).toBe('Z I')
  await round('select 1')
  for (const client of crowd) client.close()
})

test('CancelRequest stops what runs; a wrong key does not', async () => {
  const client = await RawClient.login(fake.port)
  client.send(serialize.query('sleep'))
  const wrong = await RawClient.open(fake.port)
  wrong.send(serialize.cancel(client.processId, client.secret ^ 1))
  await wrong.untilClosed()
  expect(client.lines.at(-1)).toBe('Z I')
  const right = await RawClient.open(fake.port)
  right.send(serialize.cancel(client.processId, client.secret))
  expect(await right.untilClosed()).toEqual([])
  expect(await client.until('Z')).toEqual(['E ERROR 57014 canceling statement due to user request', 'Z I'])
  client.close()
})

test('COPY in: data, done', async () => {
  const client = await RawClient.login(fake.port)
  client.send(serialize.query('copy in'))
  expect(await client.until('G')).toEqual(['G'])
  client.send(
    serialize.copyData(Buffer.from('1\n')),
    serialize.flush(),
    serialize.sync(),
    serialize.copyData(Buffer.from('22\n')),
  )
  client.send(serialize.copyDone())
  expect(await client.until('Z')).toEqual(['C COPY 1', 'Z I'])
  expect(fake.backend.sessions.at(-1)?.copiedBytes).toBe(5)
  client.close()
})

test('COPY in: the client gives up', async () => {
  const client = await RawClient.login(fake.port)
  client.send(serialize.query('copy in'))
  await client.until('G')
  client.send(serialize.copyFail('no more'), serialize.copyData(Buffer.from('late')), serialize.copyDone())
  expect(await client.until('Z')).toEqual(['E ERROR 57014 COPY from stdin failed: no more', 'Z I'])
  expect(await client.query('select 1')).toContain('D 1')
  client.close()
})

test('COPY in the extended protocol: the Sync that a driver sends behind Execute is ignored', async () => {
  const client = await RawClient.login(fake.port)
  client.send(serialize.parse({ text: 'copy in' }), serialize.bind(), serialize.execute(), serialize.sync())
  expect(await client.until('G')).toEqual(['1', '2', 'G'])
  client.send(serialize.copyData(Buffer.from('x')), serialize.copyDone(), serialize.sync())
  expect(await client.until('Z')).toEqual(['C COPY 1', 'Z I'])
  client.send(serialize.parse({ text: 'copy in' }), serialize.bind(), serialize.execute())
  await client.until('G')
  client.send(serialize.copyFail('x'), serialize.parse({ text: 'select 1' }), serialize.sync())
  expect(await client.until('Z')).toEqual(['E ERROR 57014 COPY from stdin failed: x', 'Z I'])
  client.close()
})

test('another message during COPY ends it, and the connection', async () => {
  const client = await RawClient.login(fake.port)
  client.send(serialize.query('copy in'))
  await client.until('G')
  client.send(serialize.query('select 1'))
  expect(await client.untilClosed()).toEqual([
    'E ERROR 08P01 unexpected message type 0x51 during COPY from stdin',
    'E FATAL 08P01 terminating connection because protocol synchronization was lost',
  ])
})

test('broken bodies are errors; the connection goes on', async () => {
  const client = await RawClient.login(fake.port)
  client.send(Buffer.from([0x51, 0, 0, 0, 6, 0x61, 0x62]))
  expect(await client.until('Z')).toEqual(['E ERROR 08P01 invalid string in message', 'Z I'])
  client.send(Buffer.from([0x51, 0, 0, 0, 7, 0x61, 0, 0x62]))
  expect(await client.until('Z')).toEqual(['E ERROR 08P01 invalid message format', 'Z I'])
  client.send(Buffer.from([0x44, 0, 0, 0, 6, 0x58, 0]), serialize.sync())
  expect(await client.until('Z')).toEqual(['E ERROR 08P01 invalid DESCRIBE message subtype 88', 'Z I'])
  client.send(Buffer.from([0x46, 0, 0, 0, 4]))
  expect(await client.until('Z')).toEqual(['E ERROR 0A000 function call message is not supported', 'Z I'])
  client.send(Buffer.from([0x51, 0, 0, 0, 7, 0xc3, 0x28, 0]))
  expect(await client.until('Z')).toEqual([
    'E ERROR 22021 invalid byte sequence for encoding "UTF8": 0xc3 0x28',
    'Z I',
  ])
  client.close()
})

test('a broken message fails the transaction it came in', async () => {
  const client = await RawClient.login(fake.port)
  await client.query('begin')
  client.send(Buffer.from([0x51, 0, 0, 0, 6, 0x61, 0x62]))
  expect(await client.until('Z')).toEqual(['E ERROR 08P01 invalid string in message', 'Z E'])
  client.send(Buffer.from([0x53, 0, 0, 0, 5, 0]))
  expect(await client.until('Z')).toEqual(['E ERROR 08P01 invalid message format', 'Z E'])
  expect(fake.backend.sessions.at(-1)?.failCount).toBe(2)
  client.close()
})

test('an unknown message type ends the connection with a word, a wrong length without', async () => {
  const client = await RawClient.login(fake.port)
  client.send(Buffer.from([0x7a, 0, 0, 0, 4]))
  expect(await client.untilClosed()).toEqual(['E FATAL 08P01 invalid frontend message type 122'])
  const other = await RawClient.login(fake.port)
  other.send(Buffer.from([0x51, 0x7f, 0xff, 0xff, 0xff]))
  expect(await other.untilClosed()).toEqual([])
})

test('Terminate closes the session', async () => {
  const client = await RawClient.login(fake.port)
  client.send(serialize.query('select 1'), serialize.end())
  expect(await client.untilClosed()).toContain('D 1')
  expect(fake.backend.sessions.at(-1)?.isClosed).toBe(true)
})

test('a client that half-closes still gets its answers', async () => {
  const client = await RawClient.login(fake.port)
  client.socket.end(serialize.query('wait'))
  expect(await client.untilClosed()).toEqual(['C WAIT', 'Z I'])
})

test('a client that vanishes during a statement: it is cancelled and the session closed', async () => {
  const client = await RawClient.login(fake.port)
  const session = fake.backend.sessions.at(-1)
  client.send(serialize.query('sleep'))
  await expect.poll(() => session?.wake !== undefined).toBe(true)
  client.socket.resetAndDestroy()
  await expect.poll(() => session?.isClosed).toBe(true)
})

test('a slow reader: the session waits, memory does not grow, all rows arrive', async () => {
  const client = await RawClient.login(fake.port)
  client.socket.pause()
  client.send(serialize.query('rows 400000'))
  await new Promise((resolve) => setTimeout(resolve, 100))
  client.socket.resume()
  const lines = await client.until('Z')
  expect(lines.length).toBe(400_003)
  expect(lines.at(-2)).toBe('C SELECT 400000')
  client.close()
})

test('bytes behind a waiting statement are bounded, then all are answered', async () => {
  const client = await RawClient.login(fake.port)
  client.send(serialize.query('sleep'))
  const query = serialize.query('select 1')
  for (let i = 0; i < 40; i++) client.send(Buffer.concat(Array.from({ length: 1000 }, () => query)))
  await expect.poll(() => fake.backend.sessions.at(-1)?.wake !== undefined).toBe(true)
  fake.backend.sessions.at(-1)?.wake?.()
  await expect
    .poll(() => client.lines.filter((line) => line === 'D 1').length, { timeout: 10_000 })
    .toBe(40_000)
  client.close()
})

test('the pg driver', async () => {
  const client = new pg.Client({ host: '127.0.0.1', port: fake.port, user: 'postgres', database: 'postgres' })
  await client.connect()
  expect((await client.query('select 1')).rows).toEqual([{ '?column?': 1 }])
  const prepared = await client.query({ name: 'q', text: 'select 1', values: [] })
  expect(prepared.rows).toEqual([{ '?column?': 1 }])
  await expect(client.query('error')).rejects.toMatchObject({
    code: '22012',
    detail: 'd',
    hint: 'h',
    position: '8',
    table: 't',
  })
  await client.end()
})
