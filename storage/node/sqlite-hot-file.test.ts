// Nodes of one thread share a file of hot logs: each has its own copy there, and finds its own again.

import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'

import type { GroupNo, Lsn, TimelineId } from '../base/ids.ts'
import { HOT_LOG_SIZE_BYTES, type HotFile } from './hot-log.ts'
import type { StoredBatch } from './segment-store.ts'
import { HotFiles } from './sqlite-hot-file.ts'
import { SqliteSegmentStore } from './sqlite-segment-store.ts'

const S1 = { timeline: 1 as TimelineId, group: 0 as GroupNo }

const made: string[] = []
afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true })
})

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'borealis-hot-file-'))
  made.push(directory)
  return directory
}

function batch(number: number, fill: number): StoredBatch {
  return { ...S1, first: (number * 8) as Lsn, bytes: Buffer.alloc(300 + number, fill) }
}

test('a write outside of `together` is for its region alone', () => {
  const files = new HotFiles()
  const path = join(temporaryDirectory(), 'hot')
  const [first, second] = [files.region(path, 2, 0), files.region(path, 2, 1)]
  first.write(Buffer.from('first'), 5, 0)
  second.write(Buffer.from('second'), 6, HOT_LOG_SIZE_BYTES - 6)
  expect(first.read(0, 5).toString()).toBe('first')
  expect(second.read(0, 5)).toEqual(Buffer.alloc(5))
  expect(second.read(HOT_LOG_SIZE_BYTES - 6, 6).toString()).toBe('second')
  expect(() => files.region(path, 2, 2)).toThrow()
  files.close()
})

test('stores that write together find their own batches again after their process was killed', () => {
  const directory = temporaryDirectory()
  const files = new HotFiles()
  // Two in one file, a third in another.
  const names = ['a', 'b', 'c']
  const regionIn = (opened: HotFiles, place: string, index: number): HotFile =>
    opened.region(join(place, index < 2 ? 'hot' : 'other'), 2, index % 2)
  const stores = names.map(
    (name, i) => new SqliteSegmentStore(join(directory, name), { hotRegion: regionIn(files, directory, i) }),
  )
  for (let number = 1; number <= 40; number++) {
    files.together(() => stores.forEach((store, fill) => store.append([batch(number, 100 * fill + number)])))
    if (number === 20) stores[0]?.housekeep(true)
  }
  expect(existsSync(join(directory, 'a-hot'))).toBe(false)

  const copy = temporaryDirectory()
  cpSync(directory, copy, { recursive: true })
  const copied = new HotFiles()
  for (const [fill, name] of names.entries()) {
    const store = new SqliteSegmentStore(join(copy, name), { hotRegion: regionIn(copied, copy, fill) })
    for (let number = 1; number <= 40; number++)
      expect(store.batchAt(S1, (number * 8) as Lsn)).toEqual(batch(number, 100 * fill + number).bytes)
    store.close()
  }
  for (const store of stores) store.close()
})

test('a store that had a hot log of its own takes what is in it along', () => {
  const directory = temporaryDirectory()
  const path = join(directory, 'segments.sqlite')
  const alone = new SqliteSegmentStore(path)
  alone.append([batch(1, 1)])
  const copy = temporaryDirectory()
  cpSync(directory, copy, { recursive: true })
  alone.close()

  const moved = join(copy, 'segments.sqlite')
  const files = new HotFiles()
  const store = new SqliteSegmentStore(moved, { hotRegion: files.region(join(copy, 'hot'), 2, 1) })
  expect(existsSync(`${moved}-hot`)).toBe(false)
  store.append([batch(2, 2)])
  expect(store.batchAt(S1, 8 as Lsn)).toEqual(batch(1, 1).bytes)
  expect(store.batchAt(S1, 16 as Lsn)).toEqual(batch(2, 2).bytes)
  store.close()
  files.close()
})

test('what fails inside is thrown on, and the next write is durable by itself again', () => {
  const files = new HotFiles()
  const region = files.region(join(temporaryDirectory(), 'hot'), 2, 0)
  const fail = (): void => {
    region.write(Buffer.from('x'), 1, 0)
    throw new Error('inside')
  }
  expect(() => files.together(fail)).toThrow('inside')
  region.write(Buffer.from('y'), 1, 0)
  expect(region.read(0, 1).toString()).toBe('y')
  files.close()
  expect(() => region.write(Buffer.from('z'), 1, 0)).toThrow(expect.objectContaining({ kind: 'io' }))
})

const TURNS = 120

test('files that are synced at the same time', async () => {
  const files = new HotFiles()
  const directory = temporaryDirectory()
  const regions = ['a', 'b', 'c'].map((name) => files.region(join(directory, name), 2, 0))
  // The second thread takes part after a while.
  for (let turn = 0; turn < TURNS; turn++) {
    files.together(() => regions.forEach((region) => region.write(Buffer.from([turn]), 1, turn)))
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const written = Buffer.from(Array.from({ length: TURNS }, (_, turn) => turn))
  for (const region of regions) expect(region.read(0, TURNS)).toEqual(written)
  files.close()
})
