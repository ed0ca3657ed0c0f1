// The object stores by the same tests: memory, a directory, and S3's API as a small server of ours speaks it.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { listAll, MemoryObjectStore, type ObjectStore } from './object-store.ts'
import { openObjectStore } from './open-store.ts'
import { SmallS3 } from './testing/small-s3.ts'

const directory = mkdtempSync(join(tmpdir(), 'borealis-objects-'))
const s3 = new SmallS3()
const stores = new Map<string, ObjectStore>()
const environment = { ...process.env }
let endpoint = ''

beforeAll(async () => {
  endpoint = await s3.listen()
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' })
  stores.set('memory', new MemoryObjectStore())
  stores.set('directory', await openObjectStore(`file://${directory}`, {}))
  stores.set('s3', await openObjectStore(`s3://backups/some/prefix?endpoint=${endpoint}`, process.env))
})

afterAll(() => {
  for (const store of stores.values()) store.close()
  s3.close()
  process.env = environment
  rmSync(directory, { recursive: true, force: true })
})

describe.each(['memory', 'directory', 's3'])('%s', (kind) => {
  function store(): ObjectStore {
    const found = stores.get(kind)
    if (found === undefined) throw new Error('made before')
    return found
  }

  test('what was put is there whole, and nothing else', async () => {
    expect(await store().get('log/g0/000000000001.n1')).toBeUndefined()
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 7) & 0xff))
    await store().put('log/g0/000000000001.n1', bytes)
    expect((await store().get('log/g0/000000000001.n1'))?.equals(bytes)).toBe(true)
    await store().put('log/g0/000000000001.n1', Buffer.from('other'))
    expect((await store().get('log/g0/000000000001.n1'))?.toString()).toBe('other')
    await store().delete('log/g0/000000000001.n1')
    expect(await store().get('log/g0/000000000001.n1')).toBeUndefined()
    await store().delete('log/g0/000000000001.n1')
  })

  test('names are listed in order, below a prefix and behind a name', async () => {
    for (const name of ['a/2', 'a/10', 'a/1', 'ab', 'b/1', 'a/c/d'])
      await store().put(name, Buffer.from(name))
    expect(await store().list('a/', '', 10)).toEqual(['a/1', 'a/10', 'a/2', 'a/c/d'])
    expect(await store().list('a/', 'a/10', 1)).toEqual(['a/2'])
    expect(await store().list('none/', '', 10)).toEqual([])
    expect(await listAll(store(), 'a')).toEqual(['a/1', 'a/10', 'a/2', 'a/c/d', 'ab'])
  })
})

test('S3 is addressed path-style below the prefix', () => {
  expect(s3.paths.every((path) => path.startsWith('/backups/some/prefix/') || path === '/backups/')).toBe(
    true,
  )
})

test('an unfinished file of a directory is no object', async () => {
  writeFileSync(join(directory, 'half.part'), 'half')
  expect(await stores.get('directory')?.list('half', '', 10)).toEqual([])
})

test('a bucket that is not there and a location of another kind are named', async () => {
  const wrong = await openObjectStore(`s3://missing/x?endpoint=${endpoint}`, process.env)
  await expect(wrong.put('a', Buffer.from('a'))).rejects.toMatchObject({
    name: 'StorageError',
    kind: 'not-writable',
  })
  wrong.close()
  await expect(openObjectStore('ftp://host/x', {})).rejects.toThrow('is not a backup location')
})
