import { deflateRawSync } from 'node:zlib'
import { expect, test } from 'vitest'

import { assert } from '../base/assert.ts'
import { type GroupNo, type Lsn, NO_PAGE, type PageNo, type TimelineId } from '../base/ids.ts'
import {
  BATCH_HEADER_SIZE_BYTES,
  type BatchHeader,
  batchLength,
  batchRecords,
  encodeBatch,
  findRecord,
  readBatchHeader,
  splitByGroup,
  surveyRecords,
  verifyBatch,
  visitPages,
} from './batch.ts'
import { FakeLog } from './testing/fake-log.ts'

const deflate = (records: Buffer): Buffer => deflateRawSync(records, { level: 1 })

test('a batch has these bytes', () => {
  const log = new FakeLog(7 as TimelineId)
  const bytes = log.batch([{ page: 3, endsMtr: false }, { page: 4 }], {
    vdl: 0,
    wallMicros: 1_700_000_000_000_000,
  })
  // magic, crc, length, version, timeline, two records, first 8, last 48, previous 0, consistent 48, end 88, ...
  expect(bytes.subarray(0, BATCH_HEADER_SIZE_BYTES).toString('hex')).toBe(
    '424c4231ad238efba800000002000000070000000200000008000000000000003000000000000000' +
      '000000000000000030000000000000005800000000000000000000000000000000401e18240a06005000000000000000',
  )
  expect(bytes.length).toBe(BATCH_HEADER_SIZE_BYTES + 80)
})

test('what is written is read back, plain and deflated', () => {
  for (const options of [{}, { deflate }]) {
    const log = new FakeLog(1 as TimelineId)
    log.batch([{ page: 9 }])
    const before = log.last
    const bytes = log.batch([{ page: 1, endsMtr: false }, { page: 2 }, { page: 1, endsMtr: false }], {
      ...options,
      vdl: before,
      wallMicros: 12,
    })
    verifyBatch(bytes, 'test')
    const header = readBatchHeader(bytes)
    expect(header).toMatchObject({
      timeline: 1,
      recordCount: 3,
      previous: before,
      vdl: before,
      wallMicros: 12,
    })
    expect(header.last).toBe(log.last)
    expect(header.end).toBe(log.tail)
    expect(header.consistent).toBe(log.last - 40)
    expect(header.deflated).toBe('deflate' in options)
    const records = batchRecords(bytes, header)
    expect(surveyRecords(records, records.length)).toMatchObject({ first: header.first, last: header.last })
    const seen: [PageNo, Lsn][] = []
    visitPages(bytes, header, (page, lsn) => seen.push([page, lsn]))
    expect(seen).toEqual([
      [1, header.first],
      [2, header.first + 40],
      [1, header.first + 80],
    ])
    expect(findRecord(records, header, (header.first + 40) as Lsn)).toBe(40)
    expect(findRecord(records, header, (header.first + 44) as Lsn)).toBe(-1)
  }
})

test('any flipped bit and any cut is found', () => {
  const bytes = new FakeLog(1 as TimelineId).batch([{ page: 1 }])
  for (let at = 0; at < bytes.length; at++) {
    const flipped = Buffer.from(bytes)
    flipped[at] = (flipped[at] as number) ^ 0x10
    expect(() => verifyBatch(flipped, 'here'), `byte ${at}`).toThrow(
      expect.objectContaining({ kind: 'corrupt' }),
    )
  }
  expect(() => verifyBatch(bytes.subarray(0, 100), 'here')).toThrow(/here: .* cut off/)
})

test('damage names the LSN', () => {
  const bytes = new FakeLog(1 as TimelineId).batch([{ page: 1 }])
  bytes[bytes.length - 1] = 0xee
  expect(() => verifyBatch(bytes, '/data/node-1')).toThrow('/data/node-1: checksum of the log batch at 0/8')
})

test('a flush is split by group: sparse LSNs, an empty part, one common frame', () => {
  const log = new FakeLog(1 as TimelineId)
  const changes = [{ page: 3 }, { page: 25 }, { page: 4 }, { page: 29, endsMtr: false }]
  const records = Buffer.concat([
    ...changes.map((change) => log.record(change)),
    log.record({ page: 0, commitMicros: 9 }),
  ])
  const whole = surveyRecords(records, records.length)
  const groups = [0, 1, 2] as GroupNo[]
  const parts = splitByGroup(records, records.length, whole, groups, 10)
  expect(parts.map(({ group, run }) => [group, run.recordCount, run.first])).toEqual([
    [0, 3, 8],
    [1, 0, log.last],
    [2, 2, 48],
  ])
  const seen = new Map<number, [number, number][]>()
  for (const way of [undefined, deflate]) {
    for (const { group, run, records: own } of parts) {
      const deflated = way?.(own)
      const bytes = Buffer.alloc(batchLength(run, deflated?.length ?? own.length, deflated !== undefined))
      const frame = { timeline: 1 as TimelineId, group, previous: 0 as Lsn, vdl: 0 as Lsn, wallMicros: 0 }
      encodeBatch(bytes, frame, run, { records: own, rawLength: own.length, deflated })
      verifyBatch(bytes, 'here')
      const header = readBatchHeader(bytes)
      const { last, consistent, end } = header
      expect(header.group).toBe(group)
      expect({ last, consistent, end }).toEqual({ last: log.last, consistent: log.last, end: log.tail })
      const pages: [number, number][] = []
      visitPages(bytes, header, (page, lsn) => pages.push([page, lsn]))
      seen.set(group, pages)
      const plain = batchRecords(bytes, header)
      for (const [, lsn] of pages) expect(findRecord(plain, header, lsn as Lsn)).toBeGreaterThanOrEqual(0)
      expect(findRecord(plain, header, 16 as Lsn)).toBe(-1)
    }
    expect([...seen]).toEqual([
      [
        0,
        [
          [3, 8],
          [4, 88],
          [NO_PAGE, 168],
        ],
      ],
      [1, []],
      [
        2,
        [
          [25, 48],
          [29, 128],
        ],
      ],
    ])
  }
})

test('a record of a split flush is found by its own LSN, not by a back-link that looks like one', () => {
  const log = new FakeLog(1 as TimelineId)
  const changes = [
    { page: 0 },
    { page: 0 },
    { page: 0 },
    { page: 25, bodyLength: 16 },
    { page: 0 },
    { page: 0 },
  ]
  const records = Buffer.concat(changes.map((change) => log.record(change)))
  const whole = surveyRecords(records, records.length)
  const [first] = splitByGroup(records, records.length, whole, [0, 2] as GroupNo[], 10)
  assert(first !== undefined, 'a part for the first group')
  const bytes = Buffer.alloc(batchLength(first.run, first.records.length, false))
  const frame = {
    timeline: 1 as TimelineId,
    group: first.group,
    previous: 0 as Lsn,
    vdl: 0 as Lsn,
    wallMicros: 0,
  }
  const payload = { records: first.records, rawLength: first.records.length, deflated: undefined }
  encodeBatch(bytes, frame, first.run, payload)
  const header = readBatchHeader(bytes)
  expect(findRecord(batchRecords(bytes, header), header, 176 as Lsn)).toBe(120)
})

test('in a part of a flush a back-link is not taken for the record it leads to', () => {
  const log = new FakeLog(1 as TimelineId)
  // The second record of page 25 leads back to the first, from where that would lie in the whole flush.
  const changes = [{ page: 25 }, { page: 3, bodyLength: 16 }, { page: 25 }, { page: 25 }]
  const records = Buffer.concat(changes.map((change) => log.record(change)))
  const whole = surveyRecords(records, records.length)
  const [, part] = splitByGroup(records, records.length, whole, [0, 2] as GroupNo[], 10)
  const own = part?.records ?? Buffer.alloc(0)
  const header = { first: 8, end: log.tail } as BatchHeader
  for (const [at, lsn] of [8, 96, 136].entries()) expect(findRecord(own, header, lsn as Lsn)).toBe(at * 40)
})
