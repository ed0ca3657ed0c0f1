import { expect, test } from 'vitest'

import type { Lsn, TimelineId } from '../base/ids.ts'
import { FakeLog } from '../message/testing/fake-log.ts'
import { memoryHome, NodeBench } from './testing/node-bench.ts'

const T1 = 1 as TimelineId

function pages(bench: NodeBench, above: number, upTo: number): number[] {
  const answer = bench.call({ kind: 'changed-pages', timeline: T1, above: above as Lsn, upTo: upTo as Lsn })
  if (answer.kind !== 'changed-pages') throw new Error(answer.kind)
  expect(answer.upTo).toBe(upTo)
  return [...answer.pages].sort((a, b) => a - b)
}

test('the pages with records in an interval, each once, bounds as they are written: (above, upTo]', () => {
  const bench = new NodeBench(memoryHome())
  bench.create(1)
  const log = new FakeLog(T1)
  const ends: number[] = []
  for (const list of [[7, 8], [7, 9, 7], [3], [9]]) {
    bench.append(log.batch(list.map((page) => ({ page }))))
    ends.push(log.last)
  }
  const [first = 0, second = 0, third = 0, last = 0] = ends
  expect(pages(bench, 0, last)).toEqual([3, 7, 8, 9])
  expect(pages(bench, first, second)).toEqual([7, 9])
  expect(pages(bench, second, third)).toEqual([3])
  expect(pages(bench, first, last)).toEqual([3, 7, 9])
  expect(pages(bench, last, last)).toEqual([])
  // An interval that begins and ends inside batches.
  expect(pages(bench, first - 1, second - 1)).toEqual([7, 8, 9])
})

test('a node whose log does not reach the end of the interval says so', () => {
  const bench = new NodeBench(memoryHome())
  bench.create(1)
  const log = new FakeLog(T1)
  bench.append(log.batch([{ page: 1 }]))
  const upTo = (log.last + 8) as Lsn
  const answer = bench.call({ kind: 'changed-pages', timeline: T1, above: 0 as Lsn, upTo })
  expect(answer).toMatchObject({ kind: 'failed', failure: 'behind' })
})
