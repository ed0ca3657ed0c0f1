// The first password of user postgres, by a real client: it counts when the data is made, and only then.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { testClock } from '../../storage/base/testing/test-env.ts'
import { MemoryVolume } from '../../storage/volume/memory-volume.ts'
import { openTestCluster } from '../../sql/ddl/testing/ddl-fixture.ts'
import { readOptions, type ServerOptions } from './options.ts'
import { start } from '../start.ts'

const QUORUM = { nodeCount: 1, writeCount: 1, readCount: 1 }
const WRONG = 'password authentication failed for user "postgres"'

let directory = ''

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'borealis-password-'))
})

afterEach(() => rmSync(directory, { recursive: true, force: true }))

async function ask(port: number, password: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres', password })
  try {
    await client.connect()
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

async function served(options: Partial<ServerOptions>, use: (port: number) => Promise<void>): Promise<void> {
  const data = join(directory, 'data')
  const server = await start({ data, port: 0, quorum: QUORUM, auth: 'scram-sha-256', ...options })
  try {
    await use(server.port)
  } finally {
    await server.close()
  }
}

test('new data has the password; old data keeps its own', async () => {
  await served({ password: 'first ü' }, async (port) => {
    expect(await ask(port, 'first ü', 'select 1 one')).toEqual([{ one: 1 }])
    await expect(ask(port, 'other', 'select 1')).rejects.toThrow(WRONG)
  })
  await served({ password: 'other', auth: 'password' }, async (port) => {
    await expect(ask(port, 'other', 'select 1')).rejects.toThrow(WRONG)
    await ask(port, 'first ü', "alter role postgres password 'third'")
  })
  await served({}, async (port) => {
    expect(await ask(port, 'third', 'select current_user::text who')).toEqual([{ who: 'postgres' }])
  })
}, 60_000)

test('the first line of a file is one, and the file is not needed later', async () => {
  const passwordFile = join(directory, 'secret')
  writeFileSync(passwordFile, 'from a file\r\nand more\n')
  await served({ passwordFile }, async (port) => {
    expect(await ask(port, 'from a file', 'select 1 one')).toEqual([{ one: 1 }])
  })
  rmSync(passwordFile)
  await served({ passwordFile }, async (port) => {
    expect(await ask(port, 'from a file', 'select 1 one')).toEqual([{ one: 1 }])
  })
}, 60_000)

test('data that nobody could log in to is not made; the next start makes it', async () => {
  const none = async (): Promise<void> => undefined
  await expect(served({}, none)).rejects.toThrow('needs the first password of user postgres')
  const missing = join(directory, 'missing')
  await expect(served({ passwordFile: missing }, none)).rejects.toThrow(`cannot read ${missing}`)
  writeFileSync(missing, '\n')
  await expect(served({ passwordFile: missing }, none)).rejects.toThrow('is empty')
  await served({ password: 'at last' }, async (port) => {
    expect(await ask(port, 'at last', 'select 1 one')).toEqual([{ one: 1 }])
  })
}, 60_000)

test('a cluster whose making a crash cut short is made anew', async () => {
  const volume = new MemoryVolume({
    clock: testClock,
  })
  await volume.createTimeline(undefined)
  await volume.createTimeline(undefined)
  const { cluster } = await openTestCluster({ volume })
  expect(cluster.shared.roleByName('postgres')?.superuser).toBe(true)
  expect([...cluster.shared.databases()].map(({ name }) => name).toSorted()).toEqual([
    'postgres',
    'template0',
    'template1',
  ])
})

test('where it comes from', () => {
  const read = (args: readonly string[], env: Record<string, string> = {}): ServerOptions =>
    readOptions(args, env, () => '')
  expect(read([], { BOREALIS_PASSWORD: 'x' }).password).toBe('x')
  expect(read([], { BOREALIS_PASSWORD_FILE: '/run/secrets/x' }).passwordFile).toBe('/run/secrets/x')
  expect(() => read(['--password', 'x', '--password-file', 'y'])).toThrow('not given together')
  expect(() => read(['--password', ''])).toThrow('is empty')
})
