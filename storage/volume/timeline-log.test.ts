// When the log of a timeline wants to be sent.

import { expect, test } from 'vitest'

import { type Lsn, LSN_ZERO, type TimelineId } from '../base/ids.ts'
import { type FakeChange, FakeLog } from '../message/testing/fake-log.ts'
import { BatchMemory } from './batch-memory.ts'
import { Gauge } from './quorum.ts'
import { FIRST_GROUP_ONLY } from './open-group.ts'
import type { LogSurroundings } from './log-surroundings.ts'
import { TimelineWriter } from './timeline-log.ts'

const TIMELINE = 1 as TimelineId
const memory = new BatchMemory()

function newLog(): { log: TimelineWriter; append: (change: Omit<FakeChange, 'page'>) => void } {
  const surroundings: LogSurroundings = {
    deflate: (bytes, done) => done(bytes.subarray(0, bytes.length >> 1)),
    pagesPerGroup: 1000,
    quorum: new Gauge([], () => 0),
    hasQuorum: true,
    known: 0b11_1111,
    tracked: () => undefined,
    monotonicMs: () => 0,
    scheduleFlush: () => undefined,
    openGroup: () => undefined,
    readPage: () => Promise.reject(new Error('nobody reads')),
    wallMicros: () => 1,
  }
  const start = {
    birth: { id: TIMELINE, parent: undefined, createdMicros: 0 },
    dropped: false,
    annulled: [],
    groups: FIRST_GROUP_ONLY,
    vdl: LSN_ZERO,
    tail: 8 as Lsn,
  }
  const log = new TimelineWriter(start, surroundings)
  const records = new FakeLog(TIMELINE)
  const append = (change: Omit<FakeChange, 'page'>): void => {
    const bytes = records.record({ page: 1, ...change })
    log.append(bytes, 0, bytes.length, change.endsMtr ?? true)
  }
  return { log, append }
}

function sendAll(log: TimelineWriter): number {
  let batches = 0
  while (log.nextBatch(memory, 1) !== undefined) batches++
  return batches
}

test('the end of a mini-transaction leaves at once, and takes what was held before along', () => {
  const { log, append } = newLog()
  append({ endsMtr: true })
  expect(log.dueInMs(100)).toBe(0)
  expect(sendAll(log)).toBe(1)
  append({ endsMtr: false })
  expect(log.dueInMs(100)).toBeGreaterThan(0)
  append({ endsMtr: true })
  expect(log.dueInMs(100)).toBe(0)
  expect(sendAll(log)).toBe(1)
})

test('records in the middle of a mini-transaction wait, but not for long', () => {
  const { log, append } = newLog()
  append({ endsMtr: false })
  const wait = log.dueInMs(100)
  expect(wait).toBeGreaterThan(0)
  expect(log.dueInMs(101)).toBe(wait - 1)
  expect(log.dueInMs(100 + wait)).toBe(0)
  expect(sendAll(log)).toBe(1)
  // The next wait begins anew.
  append({ endsMtr: false })
  expect(log.dueInMs(1000)).toBe(wait)
})

test('a load leaves in portions, without waiting', () => {
  const { log, append } = newLog()
  let appended = 0
  while (log.dueInMs(100) > 0 || appended === 0) {
    append({ endsMtr: false, bodyLength: 8000 })
    appended += 8000
  }
  expect(appended).toBeGreaterThan(1_000_000)
  expect(appended).toBeLessThan(3_000_000)
  expect(sendAll(log)).toBeGreaterThan(16)
  append({ endsMtr: false })
  expect(log.dueInMs(200)).toBeGreaterThan(0)
})
