// What the engine's tests share: an engine over a volume in memory, small drivers, and checks of its pages.

import { assert, must } from '../../base/assert.ts'
import type { Lsn, PageNo, TreeId } from '../../base/ids.ts'
import { PAGE_SIZE_BYTES } from '../../base/limits.ts'
import { runSuspendable } from '../../base/suspend.ts'
import { SeededPrng, testClock } from '../../base/testing/test-env.ts'
import { applyRecord } from '../../page/apply.ts'
import * as format from '../../page/format.ts'
import { u16, u32 } from '../../base/bytes.ts'
import { MemoryVolume, type MemoryVolumeOptions } from '../../volume/memory-volume.ts'
import { createEngine } from '../create-engine.ts'
import type { Cell, Database, Engine, Transaction, View } from '../engine.ts'
import type { TimelineDatabase } from '../timeline-database.ts'

export interface Fixture {
  readonly volume: MemoryVolume
  readonly engine: Engine
  readonly database: Database
}

export interface FixtureOptions {
  readonly poolPages?: number | undefined
  readonly volume?: Partial<MemoryVolumeOptions> | undefined
  /** Page accesses suspend now and then. */
  readonly chaos?: boolean | undefined
  readonly seed?: number | undefined
}

export async function openFixture(options: FixtureOptions = {}): Promise<Fixture> {
  const volume = new MemoryVolume({ clock: testClock, ...options.volume })
  const timeline = await volume.createTimeline(undefined)
  const engine = engineOver(volume, options)
  return { volume, engine, database: await engine.open(timeline) }
}

export function engineOver(volume: MemoryVolume, options: FixtureOptions = {}): Engine {
  const chaos = options.chaos === true ? new SeededPrng(options.seed ?? 1) : undefined
  return createEngine({
    volume,
    clock: testClock,
    poolSizeBytes: (options.poolPages ?? 4096) * PAGE_SIZE_BYTES,
    chaos,
  })
}

/** Runs something that may suspend, as a session does. */
export async function run<T>(step: () => T): Promise<T> {
  return runSuspendable(step)
}

/** Runs a transaction of puts and deletes that stage everything first. */
export async function commit(database: Database, stage: (transaction: Transaction) => void): Promise<Lsn> {
  const transaction = database.begin()
  stage(transaction)
  return run(() => transaction.commit())
}

export async function createTree(database: Database): Promise<TreeId> {
  const transaction = database.begin()
  const tree = transaction.createTree()
  await run(() => transaction.commit())
  return tree
}

/** An eight-byte key, big-endian. */
export function key(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt32BE(Math.floor(value / 0x1_0000_0000), 0)
  bytes.writeUInt32BE(value % 0x1_0000_0000, 4)
  return bytes
}

export function cellKey(cell: Cell): Buffer {
  return Buffer.from(cell.keyBytes.subarray(cell.keyStart, cell.keyEnd))
}

export function cellValue(cell: Cell): Buffer {
  return Buffer.from(cell.bytes.subarray(cell.start, cell.end))
}

export async function read(view: View, tree: TreeId, wanted: Uint8Array): Promise<Buffer | undefined> {
  return run(() => {
    const cell = view.database.get(view, tree, wanted)
    return cell && cellValue(cell)
  })
}

export interface ScanOptions {
  readonly low?: Uint8Array | undefined
  readonly high?: Uint8Array | undefined
  readonly descending?: boolean | undefined
}

/** All cells of a tree as `view` sees it, as [key, value] in hex or latin1. */
export async function scan(view: View, tree: TreeId, options: ScanOptions = {}): Promise<[Buffer, Buffer][]> {
  const cursor = view.database.cursor(view, tree)
  cursor.seek(options.low, options.high, options.descending)
  const cells: [Buffer, Buffer][] = []
  for (;;) {
    // A cell is valid in the turn in which it was found.
    const more = await run(() => {
      const found = cursor.next()
      if (found) cells.push([cellKey(cursor.cell), cellValue(cursor.cell)])
      return found
    })
    if (!more) break
  }
  cursor.close()
  return cells
}

export interface TreeShape {
  readonly depth: number
  readonly leaves: number
  readonly cells: number
}

/**
 * Walks the newest pages of a tree and asserts what must hold: levels, key order within the separators, sizes that add up,
 * overflow chains of the right length, no page reached twice.
 */
export async function assertTreeInvariants(database: Database, tree: TreeId): Promise<TreeShape> {
  const { space } = database as TimelineDatabase
  const seen = new Set<number>()
  let leaves = 0
  let cells = 0
  let depth = 0

  const image = async (page: PageNo): Promise<Buffer> =>
    run(() => {
      const frame = space.read(page, database.head)
      const at = space.pool.offset(frame)
      return Buffer.from(space.pool.buffer(frame).subarray(at, at + PAGE_SIZE_BYTES))
    })

  const visit = async (page: PageNo, level: number, low: Buffer, high: Buffer | undefined): Promise<void> => {
    assert(!seen.has(page), 'a page is reached once')
    seen.add(page)
    const bytes = await image(page)
    const actual = format.pageLevel(bytes, 0)
    if (level < 0) depth = actual
    else assert(actual === level, 'levels go down by one')
    assert(format.pageTree(bytes, 0) === tree, 'page belongs to its tree')
    const keys = assertPage(bytes)
    const leaf = actual === 0
    assert(
      format.pageType(bytes, 0) === (leaf ? format.PAGE_TYPE_LEAF : format.PAGE_TYPE_INNER),
      'type fits level',
    )
    assert(leaf || keys.length > 0, 'inner pages have children')
    if (leaf) {
      leaves++
      cells += keys.length
    }
    for (let slot = 0; slot < keys.length; slot++) {
      const here = must(keys[slot])
      if (leaf || slot > 0) {
        assert(here.compare(low) >= 0, 'keys are at or above the lower separator')
        assert(high === undefined || here.compare(high) < 0, 'keys are below the upper separator')
      }
      if (leaf) await assertChain(bytes, slot)
      else
        await visit(
          format.childAt(bytes, 0, slot),
          actual - 1,
          slot === 0 ? low : here,
          keys[slot + 1] ?? high,
        )
    }
  }

  const assertChain = async (leaf: Buffer, slot: number): Promise<void> => {
    const cell = format.cellAt(leaf, 0, slot)
    const field = u16(leaf, cell)
    if ((field & format.CELL_FLAG_OVERFLOW) === 0) return
    const reference = cell + format.LEAF_CELL_HEADER_SIZE_BYTES + (field & format.CELL_KEY_LENGTH_MASK)
    let left = u32(leaf, reference)
    for (let page = u32(leaf, reference + 4); page !== 0;) {
      assert(!seen.has(page), 'an overflow page is reached once')
      seen.add(page)
      const bytes = await image(page as PageNo)
      assert(format.pageType(bytes, 0) === format.PAGE_TYPE_OVERFLOW, 'chains consist of overflow pages')
      left -= format.pageCount(bytes, 0)
      page = format.pageNext(bytes, 0)
    }
    assert(left === 0, 'the chain has the bytes of the value')
  }

  await visit(tree, -1, Buffer.alloc(0), undefined)
  return { depth, leaves, cells }
}

/** Checks slots and heap of a tree page; returns its keys, which must ascend (on inner pages from slot 1 on). */
function assertPage(bytes: Buffer): Buffer[] {
  const header = format.cellHeaderSize(bytes, 0)
  const count = format.pageCount(bytes, 0)
  const heapStart = u16(bytes, format.OFFSET_HEAP_START)
  assert(format.PAGE_HEADER_SIZE_BYTES + count * 2 <= heapStart, 'slots and cells do not overlap')
  const keys: Buffer[] = []
  const ranges: [number, number][] = []
  let size = 0
  for (let slot = 0; slot < count; slot++) {
    const cell = format.cellAt(bytes, 0, slot)
    const length = format.cellSize(bytes, cell, header)
    assert(cell >= heapStart && cell + length <= PAGE_SIZE_BYTES, 'cells lie in the heap')
    ranges.push([cell, cell + length])
    size += length
    const start = cell + header
    keys.push(bytes.subarray(start, start + (u16(bytes, cell) & format.CELL_KEY_LENGTH_MASK)))
  }
  ranges.sort((a, b) => a[0] - b[0])
  for (let i = 1; i < ranges.length; i++)
    assert(must(ranges[i - 1])[1] <= must(ranges[i])[0], 'cells do not overlap')
  const dead = u16(bytes, format.OFFSET_DEAD_BYTES)
  assert(size + dead === PAGE_SIZE_BYTES - heapStart, 'cells and dead bytes fill the heap')
  const first = format.pageType(bytes, 0) === format.PAGE_TYPE_INNER ? 2 : 1
  for (let i = first; i < keys.length; i++)
    assert(must(keys[i - 1]).compare(must(keys[i])) < 0, 'keys ascend')
  return keys
}

/** Replays the whole log of a root timeline from zero pages and compares every page that the pool holds. Returns how many. */
export function assertLogMakesPages(fixture: Fixture): number {
  const { space } = fixture.database as TimelineDatabase
  const pages = new Map<number, Buffer>()
  for (const { chunk, offset } of fixture.volume.memoryLog(fixture.database.timeline).records) {
    const page = u32(chunk, offset + 24)
    if (page === 0xffff_ffff) continue
    let image = pages.get(page)
    if (image === undefined) pages.set(page, (image = Buffer.alloc(PAGE_SIZE_BYTES)))
    assert(applyRecord(image, 0, chunk, offset), 'records apply in order')
    assert(!applyRecord(image, 0, chunk, offset), 'a record applies once')
  }
  let compared = 0
  for (const [page, image] of pages) {
    const frame = space.resident(page as PageNo)
    if (frame < 0) continue
    const at = space.pool.offset(frame)
    const inPool = space.pool.buffer(frame).subarray(at, at + PAGE_SIZE_BYTES)
    assert(inPool.equals(image), 'the log makes the bytes of the pool')
    compared++
  }
  return compared
}
