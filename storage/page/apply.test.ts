// The bytes of records and pages. The hexadecimal in here is the format: a change of it is a new version of the disk.

import { expect, test } from 'vitest'
import { StorageError } from '../base/errors.ts'
import type { Lsn, PageNo } from '../base/ids.ts'
import { PAGE_SIZE_BYTES } from '../base/limits.ts'
import { SeededPrng } from '../base/testing/test-env.ts'
import { RecordWriter } from '../log/body.ts'
import { describeRecord } from '../log/describe.ts'
import { applyRecord } from './apply.ts'
import { sealPage, unsealPage } from './checksum.ts'
import * as format from './format.ts'

const PAGE = 7 as PageNo
const TREE = 5 as PageNo
const NONE = 0 as PageNo

/** A page to which records are applied as they are written. */
class Bench {
  readonly page: Buffer = Buffer.alloc(PAGE_SIZE_BYTES)
  readonly writer: RecordWriter = new RecordWriter()
  private lsn = 64

  /** Finishes the record in the writer, applies it and returns a copy of it. */
  apply(): Buffer {
    const previous = format.pageLsn(this.page, 0)
    const length = this.writer.finish(this.lsn as Lsn, previous, PAGE, false)
    const record = Buffer.from(this.writer.bytes.subarray(0, length))
    this.lsn += length
    expect(applyRecord(this.page, 0, record, 0)).toBe(true)
    return record
  }

  insert(slot: number, key: string, value: string): Buffer {
    this.writer.insertCells(slot)
    this.writer.insertCell(Buffer.from(key), 0, key.length, 0, Buffer.from(value), 0, value.length)
    return this.apply()
  }

  cells(): string[] {
    const cells: string[] = []
    for (let slot = 0; slot < format.pageCount(this.page, 0); slot++) {
      const cell = format.cellAt(this.page, 0, slot)
      const key = cell + format.LEAF_CELL_HEADER_SIZE_BYTES
      const value = key + (this.page.readUInt16LE(cell) & format.CELL_KEY_LENGTH_MASK)
      const end = value + this.page.readUInt16LE(cell + 2)
      const lsn = this.page.readUInt32LE(cell + 4)
      cells.push(
        `${this.page.toString('latin1', key, value)}=${this.page.toString('latin1', value, end)}@${lsn}`,
      )
    }
    return cells
  }
}

function leaf(): Bench {
  const bench = new Bench()
  bench.writer.initPage(format.PAGE_TYPE_LEAF, 0, TREE, NONE)
  bench.apply()
  return bench
}

test('each record: its bytes, its description, what it does', () => {
  const bench = new Bench()
  const { writer } = bench
  const records: Buffer[] = []
  writer.initPage(format.PAGE_TYPE_LEAF, 0, TREE, NONE)
  records.push(bench.apply())
  writer.insertCells(0)
  writer.insertCell(Buffer.from('aa'), 0, 2, 0, Buffer.from('first'), 0, 5)
  writer.insertCell(Buffer.from('bb'), 0, 2, 0, Buffer.from('second value'), 0, 12)
  records.push(bench.apply())
  expect(bench.cells()).toEqual(['aa=first@112', 'bb=second value@112'])
  const before = Buffer.from('second value')
  expect(writer.patchCell(1, before, 0, 12, Buffer.from('second valve'), 0, 12)).toBe(true)
  records.push(bench.apply())
  writer.patchCell(1, Buffer.from('second valve'), 0, 12, Buffer.from('second, longer valve'), 0, 20)
  records.push(bench.apply())
  expect(bench.cells()).toEqual(['aa=first@112', 'bb=second, longer valve@232'])
  writer.replaceCell(0, format.CELL_FLAG_OVERFLOW, Buffer.from('refs'), 0, 4)
  records.push(bench.apply())
  writer.deleteCells(1, 1)
  records.push(bench.apply())
  expect(bench.cells()).toEqual(['aa=refs@280'])
  writer.truncate(0)
  records.push(bench.apply())
  expect(bench.cells()).toEqual([])
  writer.dropPage(9 as PageNo)
  records.push(bench.apply())
  writer.freePage(8 as PageNo)
  records.push(bench.apply())
  writer.initOverflow(TREE, 3 as PageNo, Buffer.from('data'), 0, 4)
  records.push(bench.apply())
  writer.initMeta(2 as PageNo)
  records.push(bench.apply())
  writer.setMeta(10 as PageNo, 4 as PageNo, 1, 9 as PageNo)
  records.push(bench.apply())
  writer.initPage(format.PAGE_TYPE_INNER, 1, TREE, NONE)
  writer.initChild(Buffer.alloc(0), 0, 0, 11 as PageNo)
  records.push(bench.apply())
  writer.insertCells(1)
  writer.insertChild(Buffer.from('m'), 0, 1, 12 as PageNo)
  records.push(bench.apply())
  expect([format.childAt(bench.page, 0, 0), format.childAt(bench.page, 0, 1)]).toEqual([11, 12])
  writer.commit(1_700_000_000_000_000, 77)
  const length = writer.finish(1000 as Lsn, 0 as Lsn, 0xffff_ffff as PageNo, true)
  records.push(Buffer.from(writer.bytes.subarray(0, length)))
  const text = records.map((record) => `${describeRecord(record, 0)}\n  ${record.toString('hex')}`).join('\n')
  expect(text).toMatchInlineSnapshot(`
    "64 page 7 prev 0 initPage leaf level 0 tree 5 next 0: 
      300000000100000040000000000000000000000000000000070000000c00000002000000050000000000000000000000
    112 page 7 prev 64 insertCells slot 0: "aa"="first", "bb"="second value"
      480000000200000070000000000000004000000000000000070000002100000000000200020005006161666972737402000c0062627365636f6e642076616c756500000000000000
    184 page 7 prev 112 patchCell slot 1: at 10 -1 +"v"
      3000000004000000b8000000000000007000000000000000070000000900000001000a00010001007600000000000000
    232 page 7 prev 184 patchCell slot 1: at 6 -0 +", longer"
      3000000004000000e800000000000000b800000000000000070000001000000001000600000008002c206c6f6e676572
    280 page 7 prev 232 replaceCell slot 0: ~"refs"
      30000000030000001801000000000000e800000000000000070000000c00000000000080040000007265667300000000
    328 page 7 prev 280 deleteCells slot 1 count 1
      28000000050000004801000000000000180100000000000007000000040000000100010000000000
    368 page 7 prev 328 truncate from slot 0
      28000000060000007001000000000000480100000000000007000000020000000000000000000000
    408 page 7 prev 368 dropPage next 9
      280000000b0000009801000000000000700100000000000007000000040000000900000000000000
    448 page 7 prev 408 freePage next 8
      280000000a000000c001000000000000980100000000000007000000040000000800000000000000
    488 page 7 prev 448 initOverflow tree 5 next 3: "data"
      3000000009000000e801000000000000c001000000000000070000000c00000005000000030000006461746100000000
    536 page 7 prev 488 initMeta nextPage 2
      28000000070000001802000000000000e80100000000000007000000040000000200000000000000
    576 page 7 prev 536 setMeta nextPage 10 freeHead 4 freeCount 1 dropHead 9
      30000000080000004002000000000000180200000000000007000000100000000a000000040000000100000009000000
    624 page 7 prev 576 initPage inner level 1 tree 5 next 0: -=0b000000
      3800000001000000700200000000000040020000000000000700000014000000030101000500000000000000000004000b00000000000000
    680 page 7 prev 624 insertCells slot 1: "m"=0c000000
      3000000002000000a8020000000000007002000000000000070000000d00000001000100010004006d0c000000000000
    1000 no page commit at 1700000000000000 transaction 77 END
      38000000ff010000e8030000000000000000000000000000ffffffff1800000000401e18240a06004d000000000000000000000000000000"
  `)
})

test('the bytes of a leaf', () => {
  const bench = leaf()
  bench.insert(0, 'key1', 'value1')
  bench.insert(1, 'key2', 'value2')
  const { page } = bench
  expect(page.subarray(0, 36).toString('hex')).toMatchInlineSnapshot(
    `"a80000000000000000000000020002000500000000000000d41f000000000000ea1fd41f"`,
  )
  expect(page.subarray(36, PAGE_SIZE_BYTES - 44).every((byte) => byte === 0)).toBe(true)
  expect(page.subarray(PAGE_SIZE_BYTES - 44).toString('hex')).toMatchInlineSnapshot(
    `"04000600a8000000000000006b65793276616c7565320400060070000000000000006b65793176616c756531"`,
  )
})

test('a record applies once, and what does not fit is corruption', () => {
  const bench = leaf()
  const record = bench.insert(0, 'key', 'value')
  const image = Buffer.from(bench.page)
  expect(applyRecord(bench.page, 0, record, 0)).toBe(false)
  expect(bench.page.equals(image)).toBe(true)
  const attempts: ((writer: RecordWriter) => void)[] = [
    (writer) => writer.deleteCells(0, 2),
    (writer) => writer.truncate(2),
    (writer) => writer.replaceCell(1, 0, Buffer.from('x'), 0, 1),
    (writer) => writer.patchCell(3, Buffer.from('a'), 0, 1, Buffer.from('b'), 0, 1),
    (writer) => writer.patchCell(0, Buffer.from('longer value'), 0, 12, Buffer.from('longer valve'), 0, 12),
    (writer) => writer.setMeta(1 as PageNo, NONE, 0, NONE),
    (writer) => {
      writer.insertCells(2)
      writer.insertCell(Buffer.from('a'), 0, 1, 0, Buffer.alloc(1), 0, 1)
    },
    (writer) => {
      writer.insertCells(1)
      writer.insertCell(Buffer.from('a'), 0, 1, 0, Buffer.alloc(8140), 0, 8140)
    },
  ]
  for (const attempt of attempts) {
    attempt(bench.writer)
    bench.writer.finish(100_000 as Lsn, 0 as Lsn, PAGE, false)
    expect(() => applyRecord(bench.page, 0, bench.writer.bytes, 0)).toThrow(StorageError)
    expect(bench.page.equals(image)).toBe(true)
  }
})

test('random changes of one leaf give what a list gives, compactions included', () => {
  const prng = new SeededPrng(3)
  const bench = leaf()
  const model: { key: string; value: string }[] = []
  for (let step = 0; step < 4000; step++) {
    const slot = prng.below(model.length + 1)
    const here = model[slot]
    const value = String.fromCharCode(97 + prng.below(26)).repeat(prng.below(300))
    const room = format.pageFreeBytes(bench.page, 0)
    if (here !== undefined && prng.below(3) === 0) {
      bench.writer.deleteCells(slot, 1)
      bench.apply()
      model.splice(slot, 1)
    } else if (here !== undefined && prng.below(2) === 0) {
      const after = prng.below(2) === 0 ? value : here.value.slice(0, prng.below(300)) + value.slice(0, 20)
      if (after.length - here.value.length > room) continue
      const [a, b] = [Buffer.from(here.value), Buffer.from(after)]
      if (!bench.writer.patchCell(slot, a, 0, a.length, b, 0, b.length))
        bench.writer.replaceCell(slot, 0, b, 0, b.length)
      bench.apply()
      here.value = after
    } else if (value.length + 24 <= room) {
      bench.insert(slot, `key${step}`, value)
      model.splice(slot, 0, { key: `key${step}`, value })
    }
    const cells = bench.cells().map((cell) => cell.slice(0, cell.lastIndexOf('@')))
    if (step % 50 === 0) expect(cells).toEqual(model.map((one) => `${one.key}=${one.value}`))
  }
})

test('a sealed page tells when a bit of it changed', () => {
  const bench = leaf()
  bench.insert(0, 'key', 'value')
  const image = Buffer.from(bench.page)
  sealPage(image, 0)
  const damaged = Buffer.from(image)
  expect(unsealPage(image, 0)).toBe(true)
  expect(image.equals(bench.page)).toBe(true)
  damaged[5000] = (damaged[5000] as number) ^ 1
  expect(unsealPage(damaged, 0)).toBe(false)
  expect(unsealPage(Buffer.alloc(PAGE_SIZE_BYTES), 0)).toBe(true)
})

test('a leaf filled at once is as one filled cell by cell', () => {
  const cells = Buffer.concat([
    Buffer.from([2, 0, 5, 0]),
    Buffer.from('aafirst'),
    Buffer.from([2, 0, 12, 0]),
    Buffer.from('bbsecond value'),
  ])
  const bench = new Bench()
  bench.writer.initLeaf(TREE, cells, cells.length, 2)
  const record = bench.apply()
  expect(record.subarray(32, 40).toString('hex')).toBe('0000020005000000')
  expect(describeRecord(record, 0)).toBe(
    '64 page 7 prev 0 initLeaf tree 5: "aa"="first", "bb"="second value"',
  )
  expect(bench.cells()).toEqual(['aa=first@64', 'bb=second value@64'])
  const other = leaf()
  other.insert(0, 'aa', 'first')
  other.insert(1, 'bb', 'second value')
  expect(bench.page.subarray(8, 100).toString('hex')).toBe(other.page.subarray(8, 100).toString('hex'))
  bench.writer.initLeaf(TREE, cells, cells.length - 1, 2)
  expect(() => bench.apply()).toThrow(StorageError)
})
