// Timelines that end: what is dead stays dead, but for the word of a newer writer.

import { afterEach, describe, expect, test } from 'vitest'

import { must } from '../base/assert.ts'
import { FIRST_GROUP, type Lsn, type PageNo, type TimelineId } from '../base/ids.ts'
import { readU64 } from '../log/record.ts'
import type { IdRange, TimelineState } from '../message/message.ts'
import { NO_BIRTHS, packBirths } from '../message/packed-births.ts'
import { FakeLog } from '../message/testing/fake-log.ts'
import { Erasure } from './erasure.ts'
import { memoryHome, NodeBench, sqliteHome, type StoreHome } from './testing/node-bench.ts'

const T1 = 1 as TimelineId
const T2 = 2 as TimelineId
const homes: StoreHome[] = []

afterEach(() => {
  for (const home of homes.splice(0)) home.remove()
})

function range(from: number, to: number): IdRange {
  return { from: from as TimelineId, to: to as TimelineId }
}

/** A page says which version it is in its first eight bytes. */
function lsnOf(page: Buffer): Lsn {
  return readU64(page, 0) as Lsn
}

function fence(bench: NodeBench, epoch: number): void {
  bench.epoch = epoch
  bench.call({ kind: 'fence', clusterId: 'test', writer: `w${epoch}` })
}

/** What the node knows of timelines: their numbers, the dropped ones negative. */
function known(bench: NodeBench): number[] {
  const ids: number[] = []
  bench.node.timelines.visit((id, _parent, _base, { dropped }) => ids.push(dropped ? -Number(id) : id))
  return ids.sort((a, b) => Math.abs(a) - Math.abs(b))
}

for (const makeHome of [memoryHome, sqliteHome]) {
  const newBench = (): NodeBench => {
    const home = makeHome()
    homes.push(home)
    return new NodeBench(home)
  }

  describe(makeHome === memoryHome ? 'on memory' : 'on SQLite', () => {
    test('a birth that comes after the drop is one of a dropped timeline, whoever tells it', () => {
      const bench = newBench()
      bench.create(1)
      bench.call({ kind: 'drop-timeline', timeline: T2 })
      bench.call({ kind: 'drop-timeline', timeline: 3 as TimelineId })
      bench.create(2)
      expect(known(bench)).toEqual([1, -2])
      const told: TimelineState = {
        birth: { id: 3 as TimelineId, parent: undefined, createdMicros: 5 },
        dropped: false,
        annulled: [],
      }
      bench.node.register.learn(NO_BIRTHS, [told])
      bench.node.register.learn(packBirths([told.birth]), [])
      expect(known(bench)).toEqual([1, -2])
      bench.reopen()
      expect(known(bench)).toEqual([1, -2])
      expect(bench.store.dead().ranges).toEqual([range(2, 3)])
    })

    test('a writer tells what is dead: it replaces the word of those before, and its own only adds up', () => {
      const bench = newBench()
      for (const id of [1, 2, 3]) bench.create(id)
      bench.call({ kind: 'drop-timeline', timeline: 3 as TimelineId })
      fence(bench, 2)
      const first = { kind: 'settle-timelines', dead: [range(2, 2)], revived: [] } as const
      bench.call(first)
      expect(known(bench)).toEqual([1, -2, -3])
      expect(bench.store.dead()).toEqual({ epoch: 2, ranges: [range(2, 2)] })
      bench.call({ kind: 'drop-timeline', timeline: T1 })
      // The first message once more, late.
      bench.call(first)
      bench.reopen()
      expect(known(bench)).toEqual([-1, -2, -3])
      expect(bench.store.dead()).toEqual({ epoch: 2, ranges: [range(1, 2)] })
    })

    test('what was dropped for a writer that lost is as it was; the next one’s own drop is for good', () => {
      const bench = newBench()
      bench.create(1)
      const log = new FakeLog(T1)
      const batch = log.batch([{ page: 1 }])
      bench.append(batch)
      bench.call({ kind: 'drop-timeline', timeline: T1 })
      fence(bench, 2)
      const settle = { kind: 'settle-timelines', dead: [], revived: [T1] } as const
      bench.call(settle)
      expect(known(bench)).toEqual([1])
      bench.reopen()
      expect(known(bench)).toEqual([1])
      expect(bench.node.timelines.get(T1)?.firstState().scl).toBe(log.last)
      expect(bench.read(1, 1, log.last)).toEqual(log.pageAt(1, log.last as Lsn))
      // Once more, late.
      bench.call(settle)
      expect(bench.node.timelines.get(T1)?.firstState().scl).toBe(log.last)
      bench.call({ kind: 'drop-timeline', timeline: T1 })
      bench.call(settle)
      expect(known(bench)).toEqual([-1])
    })

    test('a branch that is heard of after its parent was dropped has what it reads, if the log for it is there', () => {
      const bench = newBench()
      bench.create(1)
      const log = new FakeLog(T1)
      bench.append(log.batch([{ page: 1 }]))
      const early = log.last as Lsn
      bench.append(log.batch([{ page: 1 }, { page: 2 }]))
      const after = log.last as Lsn
      bench.append(log.batch([{ page: 2 }]))
      const point = log.last as Lsn
      bench.append(log.batch([{ page: 1 }]))
      // Its log was collected below a floor while it lived: what is above is made from images and the log since.
      const segment = must(bench.node.timelines.get(T1)?.segments[0])
      const images = [1, 2].map((page) => {
        const bytes = log.pageAt(page, after)
        return { timeline: T1, group: FIRST_GROUP, page: page as PageNo, lsn: lsnOf(bytes), bytes }
      })
      bench.store.putImages(images)
      segment.start = { birth: segment.start.birth, after, commits: [] }
      bench.store.startLog(segment, segment.start, undefined)
      while (bench.store.dropLog(segment, -1 as Lsn, after, 1e6) > 0);
      bench.call({ kind: 'drop-timeline', timeline: T1 })
      bench.create(2, { timeline: 1, lsn: point })
      bench.create(3, { timeline: 1, lsn: early })
      for (const page of [1, 2]) expect(bench.read(2, page, point)).toEqual(log.pageAt(page, point))
      expect(() => bench.read(3, 1, early)).toThrow(/out-of-window/)
      // That is what keeps the parent from being erased.
      bench.call({ kind: 'read-floors', floors: [], ended: [range(1, 1)] })
      expect(bench.node.points.isNeeded(segment.owner)).toBe(true)
      expect(bench.node.points.of(segment.owner)).toEqual([point])
    })

    test('what was collected all the same, though a writer to come finds it alive, begins anew: nothing is answered wrongly', () => {
      const bench = newBench()
      bench.create(1)
      const log = new FakeLog(T1)
      const batch = log.batch([{ page: 1 }])
      bench.append(batch)
      bench.call({ kind: 'drop-timeline', timeline: T1 })
      bench.call({ kind: 'read-floors', floors: [], ended: [range(1, 1)] })
      const timeline = bench.node.timelines.get(T1)
      expect(timeline && new Erasure(bench.node, timeline).work()).toBe(true)
      fence(bench, 2)
      bench.call({ kind: 'settle-timelines', dead: [], revived: [T1] })
      bench.reopen()
      expect(bench.node.timelines.get(T1)?.firstState().scl).toBe(0)
      expect(bench.append(batch)).toBe(log.last)
      expect(bench.read(1, 1, log.last)).toEqual(log.pageAt(1, log.last as Lsn))
    })
  })
}
