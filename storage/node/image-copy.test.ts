// Images go from store to store as they are stored: deflated once, where that pays, and never opened on the way.

import { afterEach, expect, test } from 'vitest'

import type { GroupNo, Lsn, PageNo, TimelineId } from '../base/ids.ts'
import { PAGE_SIZE_BYTES } from '../base/limits.ts'
import { SeededPrng } from '../base/testing/test-env.ts'
import { asBuffer } from './log-intake.ts'
import type { PageImage, SegmentStore } from './segment-store.ts'
import { memoryHome, sqliteHome, type StoreHome } from './testing/node-bench.ts'

const segment = { timeline: 1 as TimelineId, group: 0 as GroupNo }
const END = Number.MAX_SAFE_INTEGER as Lsn
const undo: (() => void)[] = []

afterEach(() => {
  for (const each of undo.splice(0).toReversed()) each()
})

function open(home: StoreHome): SegmentStore {
  const store = home.open()
  undo.push(
    () => home.remove(),
    () => store.close(),
  )
  return store
}

const image = (page: number, bytes: Buffer): PageImage => ({
  ...segment,
  page: page as PageNo,
  lsn: (1000 + page) as Lsn,
  bytes,
})

test.each([
  ['SQLite', sqliteHome],
  ['memory', memoryHome],
] as const)('from SQLite to %s', (_, home) => {
  const from = open(sqliteHome())
  const to = open(home())
  const chance = new SeededPrng(3)
  const pages = [Buffer.alloc(PAGE_SIZE_BYTES, 'again and again '), chance.bytes(PAGE_SIZE_BYTES)]
  from.putImages(pages.map((bytes, page) => image(page, bytes)))
  const { images, complete } = from.imagesAfter(segment, undefined, 1_000_000)
  expect(complete).toBe(true)
  expect(images.map(({ bytes }) => bytes.length < PAGE_SIZE_BYTES)).toEqual([true, false])
  to.putImages(images.map((copy) => ({ ...segment, ...copy, bytes: asBuffer(copy.bytes) })))
  for (const [page, bytes] of pages.entries())
    expect(to.imageAt(segment, page as PageNo, END)?.bytes.equals(bytes)).toBe(true)
  if (home === sqliteHome) expect(to.size(segment)).toEqual(from.size(segment))
})

test('a portion is bounded by what is stored, not by what it opens to', () => {
  const store = open(sqliteHome())
  const text = Buffer.alloc(PAGE_SIZE_BYTES, 'again and again ')
  store.putImages(Array.from({ length: 100 }, (_, page) => image(page, text)))
  const { images } = store.imagesAfter(segment, undefined, PAGE_SIZE_BYTES)
  const stored = images.reduce((sum, { bytes }) => sum + bytes.length, 0)
  expect(images.length).toBeGreaterThan(20)
  expect(stored).toBeLessThan(2 * PAGE_SIZE_BYTES)
})
