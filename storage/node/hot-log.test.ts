import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'

import type { GroupNo, Lsn, TimelineId } from '../base/ids.ts'
import { SeededPrng } from '../base/testing/test-env.ts'
import { type HotFile, HotLog } from './hot-log.ts'
import type { StoredBatch, StoredTimeline } from './segment-store.ts'
import { SqliteSegmentStore } from './sqlite-segment-store.ts'

const SALT = 0x1234_5678
const S1 = { timeline: 1 as TimelineId, group: 0 as GroupNo }

/** A file in memory whose writes can be cut off. */
class MemoryFile implements HotFile {
  readonly sizeBytes: number
  bytes: Buffer
  /** The next write stops after this share of its bytes, as in a crash. */
  cutAt: number | undefined

  constructor(sizeBytes: number) {
    this.sizeBytes = sizeBytes
    this.bytes = Buffer.alloc(sizeBytes)
  }

  write(bytes: Buffer, length: number, at: number): void {
    expect(at + length).toBeLessThanOrEqual(this.sizeBytes)
    bytes.copy(this.bytes, at, 0, Math.floor(length * (this.cutAt ?? 1)))
    if (this.cutAt !== undefined) throw new Error('crash')
  }

  read(at: number, length: number): Buffer {
    return Buffer.from(this.bytes.subarray(at, at + length))
  }

  close(): void {}
}

function batch(number: number, length: number): StoredBatch {
  return {
    timeline: (1 + (number % 3)) as TimelineId,
    group: (number % 2) as GroupNo,
    first: (number * 8) as Lsn,
    bytes: Buffer.alloc(length, number),
  }
}

function contents(log: HotLog): [row: number, first: number, length: number, fill: number | undefined][] {
  return log.oldest(Infinity).batches.map(({ row, first, bytes }) => [row, first, bytes.length, bytes[0]])
}

test('a frame has these bytes', () => {
  const file = new MemoryFile(1024)
  new HotLog(file, { salt: SALT, begin: 2048 }).append(7, [batch(1, 5), batch(2, 4)])
  // magic, crc, position, length, count, row; two entries; nine bytes and seven of padding
  expect(file.bytes.subarray(0, 88).toString('hex')).toBe(
    '42484c320d268add00080000000000005800000002000000070000000000000002000000010000000500000008000000' +
      '00000000030000000000000004000000100000000000000001010101010202020200000000000000',
  )
})

test('what is written is read back, in order, from the mark on', () => {
  const file = new MemoryFile(4096)
  const log = new HotLog(file, { salt: SALT, begin: 0 })
  expect(log.append(1, [batch(1, 100)])).toBe(true)
  expect(log.append(2, [batch(2, 30), batch(3, 0), batch(4, 7)])).toBe(true)
  const first = log.oldest(1)
  expect(first.batches.map(({ row }) => row)).toEqual([1])
  const again = new HotLog(file, { salt: SALT, begin: 0 })
  expect(contents(again)).toEqual(contents(log))
  expect(again.lastRow).toBe(4)
  expect(again.read(4)).toEqual(Buffer.alloc(7, 4))
  expect(again.read(5)).toBe(undefined)
  const later = new HotLog(file, { salt: SALT, begin: first.upTo })
  expect(contents(later).map(([row]) => row)).toEqual([2, 3, 4])
  expect(contents(new HotLog(file, { salt: SALT + 1, begin: 0 }))).toEqual([])
})

test('space is used again only once what lay there is durable elsewhere', () => {
  const file = new MemoryFile(1024)
  const log = new HotLog(file, { salt: SALT, begin: 0 })
  let row = 1
  while (log.append(row, [batch(row, 100)])) row++
  expect(row).toBe(1 + Math.floor(1024 / 152))
  log.moved(log.oldest(300).upTo, false)
  expect(log.append(row, [batch(row, 100)])).toBe(false)
  log.moved(log.oldest(1).upTo, true)
  expect(log.append(row, [batch(row, 100)])).toBe(true)
  expect(contents(log).at(-1)).toEqual([row, row * 8, 100, row])
  expect(log.append(row, [batch(row, 20_000)])).toBe(false)
})

test('any cut through a write ends the log there and loses nothing before it', () => {
  for (let cut = 0; cut < 1; cut += 0.04) {
    const file = new MemoryFile(1024)
    // An older lap left its bytes everywhere.
    const old = new HotLog(file, { salt: SALT, begin: 0 })
    for (let row = 1; row <= 6; row++) old.append(row, [batch(row, 100)])
    old.moved(old.oldest(Infinity).upTo, true)
    const log = new HotLog(file, { salt: SALT, begin: 912 })
    log.append(7, [batch(7, 60)])
    file.cutAt = cut
    expect(() => log.append(8, [batch(8, 150)])).toThrow('crash')
    file.cutAt = undefined
    const begin = 912
    const opened = new HotLog(file, { salt: SALT, begin })
    expect(
      contents(opened).map(([row]) => row),
      `cut ${cut}`,
    ).toEqual([7])
    expect(opened.append(8, [batch(9, 10)])).toBe(true)
    const once = new HotLog(file, { salt: SALT, begin })
    expect(contents(once).map(([row, first]) => [row, first])).toEqual([
      [7, 56],
      [8, 72],
    ])
  }
})

test('a frame that rotted is passed over; those behind it are there', () => {
  const file = new MemoryFile(2048)
  const log = new HotLog(file, { salt: SALT, begin: 0 })
  for (let row = 1; row <= 5; row++) log.append(row, [batch(row, 100)])
  for (const at of [152 * 2 + 4, 152 * 2 + 16, 152 * 2 + 120]) {
    const rotten = new MemoryFile(2048)
    file.bytes.copy(rotten.bytes)
    rotten.bytes[at] = (rotten.bytes[at] as number) ^ 0x40
    const rows = contents(new HotLog(rotten, { salt: SALT, begin: 0 })).map(([row]) => row)
    expect(rows, `byte ${at}`).toEqual([1, 2, 4, 5])
  }
})

test('lap after lap, with crashes in between, what is read back is what was acknowledged', () => {
  const chance = new SeededPrng(11)
  const draw = (below: number): number => Math.floor(chance.next() * below)
  const file = new MemoryFile(8192)
  let begin = 0
  let log = new HotLog(file, { salt: SALT, begin })
  let expected: [number, number, number, number | undefined][] = []
  let row = 1
  for (let step = 0; step < 5000; step++) {
    const action = draw(20)
    if (action === 0) {
      log = new HotLog(file, { salt: SALT, begin })
    } else if (action < 5) {
      const { batches, upTo } = log.oldest(draw(3000))
      begin = upTo
      log.moved(upTo, draw(2) === 0)
      expected = expected.slice(batches.length)
    } else {
      const batches = Array.from({ length: 1 + draw(3) }, (_, index) => batch(row + index, 1 + draw(700)))
      if (action === 6) file.cutAt = chance.next()
      try {
        if (!log.append(row, batches)) continue
      } catch {
        log = new HotLog(file, { salt: SALT, begin })
        // What a cut took may be padding only; then the frame is there though nobody was told.
        if (contents(log).length === expected.length) continue
      } finally {
        file.cutAt = undefined
      }
      for (const each of batches) expected.push([row++, each.first, each.bytes.length, each.bytes[0]])
    }
    expect(contents(log)).toEqual(expected)
  }
  expect(begin).toBeGreaterThan(20 * 8192)
})

const made: string[] = []
afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true })
})

function temporaryPath(): string {
  const directory = mkdtempSync(join(tmpdir(), 'borealis-hot-'))
  made.push(directory)
  return join(directory, 'segments.sqlite')
}

test('a store serves batches from wherever they lie, also after its process was killed', () => {
  const path = temporaryPath()
  const store = new SqliteSegmentStore(path)
  const rounds = 700
  for (let number = 1; number <= rounds; number++) {
    store.append([{ ...batch(number, 100 + ((number * 37) % 3000)), ...S1 }])
    if (number % 100 === 0) store.housekeep(number % 200 === 0)
    if (number === 200 || number === 500) store.checkpoint(store.position() - 10, [])
    if (number % 150 === 0) store.append([{ ...batch(++number, 40_000), ...S1 }])
  }
  check(store)
  let unindexed = 0
  store.visitUnindexed(() => unindexed++)
  expect(unindexed).toBe(store.position() - 490)
  // The lock of the first is the operating system's, per process: closing it hides nothing from what is read here.
  const killed = copyOf(path)
  check(killed)
  expect(killed.position()).toBe(store.position())
  killed.close()
  store.close()
  const reopened = new SqliteSegmentStore(path)
  check(reopened)
  reopened.close()

  function check(each: SqliteSegmentStore): void {
    for (let number = 1; number <= rounds; number += 13) {
      const found = each.batchAt(S1, (number * 8 + 5) as Lsn)
      expect(found?.[0], `batch ${number}`).toBe(number & 0xff)
      expect(each.batchAfter(S1, (number * 8 - 8) as Lsn)?.[0]).toBe(number & 0xff)
    }
  }
})

/** The store as another process would find it, had this one been killed now. */
function copyOf(path: string): SqliteSegmentStore {
  const copy = temporaryPath()
  for (const suffix of ['', '-wal', '-hot']) copyFileSync(path + suffix, copy + suffix)
  return new SqliteSegmentStore(copy)
}

test('a hot log that cannot be opened is an error that names it', () => {
  const path = temporaryPath()
  mkdirSync(`${path}-hot`)
  expect(() => new SqliteSegmentStore(path)).toThrow(expect.objectContaining({ kind: 'io' }))
  expect(() => new SqliteSegmentStore(path)).toThrow(`${path}-hot`)
})

test('timelines that were put are there after a kill, and what happened to them since', () => {
  const path = temporaryPath()
  const store = new SqliteSegmentStore(path)
  const born = (id: number, createdMicros = id): StoredTimeline => ({
    birth: {
      id: id as TimelineId,
      parent: id === 1 ? undefined : { timeline: 1 as TimelineId, lsn: (8 * 2 ** 40 + id) as Lsn },
      createdMicros,
    },
    dropped: false,
    isWhole: id % 2 === 0,
    annulled: [],
  })
  const range = { above: 8 as Lsn, upTo: 80 as Lsn }
  store.putTimelines([born(1), born(2)])
  store.append([batch(1, 100)])
  store.putTimelines([born(3)])
  store.putTimelines([born(2, 99)])
  const hot = copyOf(path)
  expect([...hot.timelines()]).toEqual([born(1), born(2), born(3)])
  expect(hot.batchAt(batch(1, 0), 8 as Lsn)).toEqual(batch(1, 100).bytes)
  hot.close()
  store.dropTimeline(2 as TimelineId)
  store.putTimelines([born(4)])
  store.truncate([{ timeline: 4 as TimelineId, ranges: [range], marks: [] }])
  store.putTimelines([born(5)])
  store.forgetTimeline(5 as TimelineId)
  // Its number is given out again: the younger one counts, whatever of the other the hot log still has.
  store.putTimelines([born(5, 55)])
  const killed = copyOf(path)
  const all = [
    born(1),
    { ...born(2), dropped: true },
    born(3),
    { ...born(4), annulled: [range] },
    born(5, 55),
  ]
  expect([...killed.timelines()]).toEqual(all)
  killed.close()
  store.close()
})

test('births by the thousand fit, in one go or one by one', () => {
  const path = temporaryPath()
  const store = new SqliteSegmentStore(path)
  const births = Array.from({ length: 3000 }, (_, index): StoredTimeline => {
    const id = (index + 1) as TimelineId
    return {
      birth: { id, parent: undefined, createdMicros: id },
      dropped: false,
      isWhole: true,
      annulled: [],
    }
  })
  store.putTimelines(births.slice(0, 1000))
  for (const each of births.slice(1000)) {
    store.putTimelines([each])
    store.housekeep(false)
  }
  const killed = copyOf(path)
  expect([...killed.timelines()]).toEqual(births)
  killed.close()
  store.close()
})
