// Before the first query: negotiation, TLS, passwords, limits, and how the server ends.

import { execFileSync } from 'node:child_process'
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect as connectSocket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import pg from 'pg'
import { serialize } from 'pg-protocol'
import { afterEach, expect, test } from 'vitest'
import { md5Verifier, type AuthMethod } from '../server/wire/authentication.ts'
import type { RoleLogin } from '../sql/session/session.ts'
import { startFake, type FakeServer } from './support/fake-server.ts'
import { RawClient } from './support/raw-client.ts'

const running: FakeServer[] = []

async function start(...args: Parameters<typeof startFake>): Promise<FakeServer> {
  const fake = await startFake(...args)
  running.push(fake)
  return fake
}

afterEach(async () => {
  for (const fake of running.splice(0)) await fake.server.close()
})

const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])
const GSS_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 48])

function startupPacket(version: number, pairs: readonly string[]): Buffer {
  const body = Buffer.from([...pairs.map((text) => `${text}\0`), '\0'].join(''))
  const head = Buffer.alloc(8)
  head.writeInt32BE(8 + body.length, 0)
  head.writeInt32BE(version, 4)
  return Buffer.concat([head, body])
}

test('protocol 3.2 and unknown options are negotiated down to 3.0', async () => {
  const fake = await start()
  const client = await RawClient.open(fake.port)
  client.send(startupPacket(0x30002, ['user', 'postgres', '_pq_.a', '1']))
  const lines = await client.until('Z')
  expect(lines.slice(0, 2)).toEqual(['v', 'R 0'])
  expect(client.bodies[0]?.toString('hex')).toBe(
    '00030000' + '00000001' + Buffer.from('_pq_.a\0').toString('hex'),
  )
  expect(lines.at(-1)).toBe('Z I')
  client.close()
})

test('protocols that are not 3 are refused', async () => {
  const fake = await start()
  const client = await RawClient.open(fake.port)
  client.send(startupPacket(0x40000, ['user', 'postgres']))
  expect(await client.untilClosed()).toEqual([
    'E FATAL 0A000 unsupported frontend protocol 4.0: server supports 3.0 to 3.0',
  ])
})

test('a startup packet byte by byte', async () => {
  const fake = await start()
  const client = await RawClient.open(fake.port)
  client.socket.setNoDelay(true)
  for (const byte of serialize.startup({ user: 'postgres', database: 'postgres' })) {
    client.send(Buffer.from([byte]))
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect((await client.until('Z')).at(-1)).toBe('Z I')
  client.close()
})

test('what is no startup packet closes the connection', async () => {
  const fake = await start()
  for (const bytes of ['GET / HTTP/1.1\r\n\r\n', '\0\0\0\x04', '\x16\x03\x01\x02\x00']) {
    const client = await RawClient.open(fake.port)
    client.send(Buffer.from(bytes, 'latin1'))
    expect(await client.untilClosed()).toEqual([])
  }
})

test('errors of the session end the connection: no such database', async () => {
  const fake = await start()
  const client = await RawClient.open(fake.port)
  client.send(serialize.startup({ user: 'postgres', database: 'nowhere' }))
  expect(await client.untilClosed()).toEqual(['R 0', 'E FATAL 3D000 database "nowhere" does not exist'])
})

test('GSSENCRequest and SSLRequest are answered N, then the startup goes on', async () => {
  const fake = await start()
  const client = await RawClient.open(fake.port)
  client.send(GSS_REQUEST)
  expect(await client.firstByte()).toBe('N')
  client.send(SSL_REQUEST)
  expect(await client.firstByte()).toBe('N')
  client.send(serialize.startup({ user: 'postgres', database: 'postgres' }))
  expect((await client.until('Z')).at(-1)).toBe('Z I')
  client.close()
})

test('TLS: the pg driver over it, plain clients beside it, injected bytes refused', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'borealis-tls-'))
  const tlsKey = join(directory, 'key.pem')
  const tlsCert = join(directory, 'cert.pem')
  const subject = ['-subj', '/CN=localhost', '-days', '2', '-keyout', tlsKey, '-out', tlsCert]
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', ...subject],
    {
      stdio: 'ignore',
    },
  )
  try {
    const fake = await start({ tlsCert, tlsKey })
    const ssl = { rejectUnauthorized: false }
    const client = new pg.Client({ host: '127.0.0.1', port: fake.port, user: 'postgres', database: 'x', ssl })
    await client.connect()
    expect((await client.query('rows 20000')).rows.length).toBe(20_000)
    await client.end()

    const plain = await RawClient.login(fake.port)
    expect(await plain.query('select 1')).toContain('D 1')
    plain.close()

    const attacked = await RawClient.open(fake.port)
    attacked.send(SSL_REQUEST, serialize.startup({ user: 'postgres' }))
    expect(await attacked.untilClosed()).toEqual([
      'E FATAL 08P01 received unencrypted data after SSL request',
    ])

    // A client that breaks off in the middle of the TLS handshake is nobody else's trouble.
    const socket = connectSocket({ port: fake.port, host: '127.0.0.1' })
    socket.on('error', () => {})
    socket.write(SSL_REQUEST)
    await new Promise((resolve) => socket.once('data', resolve))
    socket.write('this is not TLS')
    await new Promise((resolve) => socket.once('close', resolve))
    expect(connectTls).toBeTypeOf('function')
    const again = await RawClient.login(fake.port)
    again.close()
  } finally {
    rmSync(directory, { recursive: true })
  }
})

function scramVerifier(password: string): string {
  const salt = Buffer.from('0123456789abcdef')
  const salted = pbkdf2Sync(password, salt, 4096, 32, 'sha256')
  const clientKey = createHmac('sha256', salted).update('Client Key').digest()
  const stored = createHash('sha256').update(clientKey).digest('base64')
  const server = createHmac('sha256', salted).update('Server Key').digest('base64')
  return `SCRAM-SHA-256$4096:${salt.toString('base64')}$${stored}:${server}`
}

const ROLES: ReadonlyMap<string, Partial<RoleLogin>> = new Map<string, Partial<RoleLogin>>([
  ['scram', { password: scramVerifier('secret') }],
  ['md5', { password: md5Verifier('secret', 'md5') }],
  ['none', {}],
  ['expired', { password: scramVerifier('secret'), validUntilMicros: 1 }],
  ['nologin', { password: scramVerifier('secret'), canLogin: false }],
])

/** 'ok', or the SQLSTATE and message that the driver got. */
async function attempt(port: number, user: string, password: string): Promise<string> {
  const client = new pg.Client({ host: '127.0.0.1', port, user, password, database: 'x' })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query('select 1')
    await client.end()
    return 'ok'
  } catch (error) {
    const { code, message } = error as { code: string; message: string }
    return `${code} ${message}`
  }
}

const REFUSED = (user: string): string => `28P01 password authentication failed for user "${user}"`
const NO_LOGIN = '28000 role "nologin" is not permitted to log in'

test.each<readonly [AuthMethod, string, string, string]>([
  ['scram-sha-256', 'scram', 'secret', 'ok'],
  ['scram-sha-256', 'scram', 'wrong', REFUSED('scram')],
  ['scram-sha-256', 'md5', 'secret', REFUSED('md5')],
  ['scram-sha-256', 'none', 'secret', REFUSED('none')],
  ['scram-sha-256', 'stranger', 'secret', REFUSED('stranger')],
  ['scram-sha-256', 'expired', 'secret', REFUSED('expired')],
  ['scram-sha-256', 'nologin', 'secret', NO_LOGIN],
  ['md5', 'md5', 'secret', 'ok'],
  ['md5', 'md5', 'wrong', REFUSED('md5')],
  ['md5', 'scram', 'secret', 'ok'],
  ['md5', 'stranger', 'secret', REFUSED('stranger')],
  ['password', 'md5', 'secret', 'ok'],
  ['password', 'scram', 'secret', 'ok'],
  ['password', 'scram', 'wrong', REFUSED('scram')],
  ['password', 'none', 'secret', REFUSED('none')],
  ['trust', 'stranger', '', '28000 role "stranger" does not exist'],
  ['trust', 'nologin', '', NO_LOGIN],
  ['trust', 'none', '', 'ok'],
])('%s: %s with "%s" gives %s', async (auth, user, password, outcome) => {
  const fake = await start({ auth }, { roles: ROLES })
  expect(await attempt(fake.port, user, password)).toBe(outcome)
})

test('an empty password, and a message that is no password', async () => {
  const fake = await start({ auth: 'password' }, { roles: ROLES })
  const client = await RawClient.open(fake.port)
  client.send(serialize.startup({ user: 'scram' }))
  expect(await client.until('R')).toEqual(['R 3'])
  client.send(serialize.password(''))
  expect(await client.untilClosed()).toEqual(['E FATAL 28P01 empty password returned by client'])
  const other = await RawClient.open(fake.port)
  other.send(serialize.startup({ user: 'scram' }))
  await other.until('R')
  other.send(serialize.query('select 1'))
  expect(await other.untilClosed()).toEqual(['E FATAL 08P01 expected password response, got message type 81'])
})

test('connection slots: the last are for superusers, then nobody', async () => {
  const roles = new Map<string, Partial<RoleLogin>>([
    ['user', {}],
    ['postgres', { isSuperuser: true }],
  ])
  const fake = await start({ connectionCountMax: 5 }, { roles })
  const clients = [
    await RawClient.login(fake.port, { user: 'user' }),
    await RawClient.login(fake.port, { user: 'user' }),
  ]
  const refused = await RawClient.open(fake.port)
  refused.send(serialize.startup({ user: 'user' }))
  expect((await refused.untilClosed()).at(-1)).toBe(
    'E FATAL 53300 remaining connection slots are reserved for non-replication superuser connections',
  )
  for (let i = 0; i < 3; i++) clients.push(await RawClient.login(fake.port))
  const last = await RawClient.open(fake.port)
  last.send(serialize.startup({ user: 'postgres' }))
  expect(await last.untilClosed()).toEqual(['E FATAL 53300 sorry, too many clients already'])
  clients[0]?.send(serialize.end())
  await clients[0]?.untilClosed()
  clients.push(await RawClient.login(fake.port))
  for (const client of clients) client.close()
})

test('drain: idle sessions end with 57P01, open transactions may finish', async () => {
  const fake = await start()
  const idle = await RawClient.login(fake.port)
  const busy = await RawClient.login(fake.port)
  await busy.query('begin')
  const closed = fake.server.close(10_000)
  const FAREWELL = 'E FATAL 57P01 terminating connection due to administrator command'
  expect(await idle.untilClosed()).toEqual([FAREWELL])
  await expect(RawClient.open(fake.port)).rejects.toThrow()
  expect(await busy.query('select 1')).toContain('D 1')
  busy.send(serialize.query('commit'))
  expect(await busy.untilClosed()).toEqual(['C COMMIT', 'Z I', FAREWELL])
  await closed
  expect(fake.backend.isClosed).toBe(true)
})

test('fast shutdown: what runs is cancelled', async () => {
  const fake = await start()
  const client = await RawClient.login(fake.port)
  client.send(serialize.query('sleep'))
  await expect.poll(() => fake.backend.sessions.at(-1)?.wake !== undefined).toBe(true)
  await fake.server.close(0)
  expect(await client.untilClosed()).toEqual([
    'E FATAL 57P01 terminating connection due to administrator command',
  ])
})

test('idle sessions end after the idle timeout', async () => {
  const fake = await start({ idleTimeoutMs: 50 })
  const client = await RawClient.login(fake.port)
  expect(await client.untilClosed()).toEqual([
    'E FATAL 57P05 terminating connection due to idle-session timeout',
  ])
})

test('slow statements are logged with their text, prepared ones too', async () => {
  const fake = await start({ logSlowMs: 0 })
  const client = await RawClient.login(fake.port)
  await client.query('wait')
  client.send(
    serialize.parse({ name: 's', text: 'rows 2' }),
    serialize.bind({ statement: 's' }),
    serialize.execute(),
    serialize.sync(),
  )
  await client.until('Z')
  expect(fake.logged).toMatchObject([
    { msg: 'slow statement', statement: 'wait' },
    { msg: 'slow statement', statement: 'rows 2' },
  ])
  client.close()
})

test('a port in use is one clear message, and the backend is closed again', async () => {
  const fake = await start()
  await expect(startFake({ port: fake.port })).rejects.toThrow(
    `port ${fake.port} on 127.0.0.1 is already in use`,
  )
})
