// Timelines that nobody uses are rows of numbers; what they held is there again when somebody does.

import { expect, test } from 'vitest'

import { FIRST_GROUP, type Lsn, type TimelineId } from '../base/ids.ts'
import type { Epoch } from '../base/ids.ts'
import type { NodeState, TimelineBirth } from '../message/message.ts'
import { FakeLog } from '../message/testing/fake-log.ts'
import {
  birthAt,
  birthCount,
  bornSegment,
  bornState,
  NO_BIRTHS,
  packBirths,
} from '../message/packed-births.ts'
import { BatchMemory } from './batch-memory.ts'
import type { LogSurroundings } from './log-surroundings.ts'
import { Gauge } from './quorum.ts'
import type { TimelineWriter } from './timeline-log.ts'
import { Timelines } from './timelines.ts'

const T1 = 1 as TimelineId
const T2 = 2 as TimelineId
const T3 = 3 as TimelineId
const PLACES = [0, 1, 2]

function birth(id: TimelineId, parent?: TimelineId, lsn = 0): TimelineBirth {
  return { id, parent: parent && { timeline: parent, lsn: lsn as Lsn }, createdMicros: id }
}

function newTimelines(): Timelines {
  const memory: { timelines?: Timelines } = {}
  const surroundings: LogSurroundings = {
    deflate: undefined,
    pagesPerGroup: 1000,
    quorum: new Gauge([[{ count: 2, nodes: PLACES }]], (node) => node),
    hasQuorum: true,
    known: 0b111,
    tracked: (log) => void memory.timelines?.tracked.add(log),
    monotonicMs: () => 0,
    scheduleFlush: () => undefined,
    openGroup: () => undefined,
    readPage: () => Promise.reject(new Error('nobody reads')),
    wallMicros: () => 1,
  }
  memory.timelines = new Timelines(surroundings)
  return memory.timelines
}

/** Appends a mini-transaction, sends it, and has some nodes acknowledge it. */
function write(log: TimelineWriter, records: FakeLog, places: readonly number[]): void {
  const bytes = records.record({ page: 1, endsMtr: true })
  log.append(bytes, 0, bytes.length, true)
  const batches = new BatchMemory()
  while (log.nextBatch(batches, 1) !== undefined);
  for (const place of places) log.acknowledge(place, FIRST_GROUP, log.sentLast)
}

function stateOf(births: readonly TimelineBirth[], segments: NodeState['segments'] = []): NodeState {
  return {
    protocol: 1,
    clusterId: 'c',
    volumeEpoch: 1 as Epoch,
    membershipEpoch: 1 as Epoch,
    configuration: undefined,
    born: NO_BIRTHS,
    timelines: births.map(bornState),
    dead: [],
    segments,
    damage: undefined,
  }
}

test('a timeline that was only looked at is a row again once it is released', () => {
  const timelines = newTimelines()
  timelines.addBorn(packBirths([birth(T1), birth(T2, T1, 80)]))
  const log = timelines.log(T2)
  expect(timelines.log(T2)).toBe(log)
  timelines.settle()
  expect(timelines.peek(T2)).toBe(log)
  timelines.release(T2)
  timelines.settle()
  expect(timelines.peek(T2)).toBeUndefined()
  expect([...timelines.known()]).toEqual([])
  expect(timelines.birthOf(T2)).toEqual(birth(T2, T1, 80))
  expect([timelines.vdlOf(T2), timelines.log(T2).tail]).toEqual([80, 88])
  expect(() => log.append(Buffer.alloc(64), 0, 64, true)).toThrow('given back')
})

test('a log that was written goes on where it was, and is kept while anything of it is under way', () => {
  const timelines = newTimelines()
  timelines.addNew(birth(T1))
  const records = new FakeLog(T1)
  const log = timelines.log(T1)
  write(log, records, [0, 1])
  timelines.release(T1)
  for (let look = 0; look < 3; look++) timelines.settle()
  // A known node has not all of it yet.
  expect(timelines.peek(T1)).toBe(log)
  expect(timelines.tracked.has(log)).toBe(true)
  log.acknowledge(2, FIRST_GROUP, log.sentLast)
  const { tail, vdl } = log
  for (let look = 0; look < 3; look++) timelines.settle()
  expect(timelines.peek(T1)).toBeUndefined()
  expect(timelines.tracked.size).toBe(0)
  expect(timelines.vdlOf(T1)).toBe(vdl)
  expect(timelines.isHeld(2, T1, vdl)).toBe(true)
  const again = timelines.log(T1)
  expect([again.tail, again.vdl]).toEqual([tail, vdl])
  write(again, records, [0])
  expect(again.vdl).toBe(vdl)
  again.acknowledge(2, FIRST_GROUP, again.sentLast)
  expect(again.vdl).toBe(again.sentLast)
})

test('a log in use lets go of its buffers when it rests, and none of its callers notices', () => {
  const timelines = newTimelines()
  timelines.addNew(birth(T1))
  const records = new FakeLog(T1)
  const log = timelines.log(T1)
  for (let round = 0; round < 4; round++) {
    write(log, records, [0, 1, 2])
    timelines.settle()
    expect(timelines.tracked.has(log)).toBe(true)
    timelines.settle()
    expect(timelines.tracked.has(log)).toBe(false)
    expect(PLACES.map((place) => log.reach(place))).toEqual(PLACES.map(() => log.sentLast))
  }
  // A node that comes back with less is noticed, whether the log rests or not.
  const behind = { ...bornSegment(birth(T1)), scl: 8 as Lsn }
  timelines.restate(1, stateOf([birth(T1)], [behind]))
  expect(timelines.isHeld(1, T1, log.vdl)).toBe(false)
  expect(timelines.isHeld(0, T1, log.vdl)).toBe(true)
  timelines.release(T1)
  for (let look = 0; look < 3; look++) timelines.settle()
  expect(timelines.peek(T1)).toBe(log)
})

test('a node that comes back with less than a resting log has is noticed', () => {
  const timelines = newTimelines()
  timelines.addNew(birth(T1))
  const log = timelines.log(T1)
  write(log, new FakeLog(T1), [0, 1, 2])
  timelines.release(T1)
  for (let look = 0; look < 3; look++) timelines.settle()
  expect(timelines.peek(T1)).toBeUndefined()
  timelines.restate(2, stateOf([birth(T1)]))
  expect(timelines.isHeld(2, T1, timelines.vdlOf(T1))).toBe(false)
  expect(timelines.isHeld(1, T1, timelines.vdlOf(T1))).toBe(true)
})

test('rows count among the living, the dead, the needed and the unknown as logs do', () => {
  const timelines = newTimelines()
  const births = [birth(T1), birth(T2, T1, 80), birth(T3, T2, 80), birth(5 as TimelineId, T1, 40)]
  timelines.addBorn(packBirths(births))
  const log = timelines.log(T1)
  write(log, new FakeLog(T1), [0, 1, 2])
  timelines.drop(T2)
  timelines.drop(5 as TimelineId)
  expect(timelines.dead()).toEqual([
    { from: 2, to: 2 },
    { from: 4, to: 5 },
  ])
  expect(timelines.living().map(({ id }) => id)).toEqual([1, 3])
  // T3 reads T1 through T2, which was never written; nodes know T2 for it.
  expect([...timelines.needed()]).toEqual([[T1, Infinity]])
  expect([...timelines.rooted()].sort((a, b) => a - b)).toEqual([1, 2, 3])
  expect(timelines.unknownTo(stateOf([birth(T1)])).map(({ id }) => id)).toEqual([2, 3])
  expect(timelines.unknownTo({ ...stateOf([]), born: packBirths([birth(T2, T1, 80), birth(T1)]) })).toEqual([
    birth(T3, T2, 80),
  ])
  timelines.drop(T1)
  expect([...timelines.needed()]).toEqual([[T1, 80]])
  timelines.drop(T3)
  expect([...timelines.needed()]).toEqual([])
  expect(birthCount(packBirths(timelines.living()))).toBe(0)
  expect(birthAt(packBirths(births), 2)).toEqual(births[2])
})
