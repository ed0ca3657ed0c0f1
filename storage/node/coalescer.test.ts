import { afterEach, expect, test } from 'vitest'

import { FIRST_GROUP, type TimelineId } from '../base/ids.ts'
import { PAGE_CHAIN_LENGTH_BUSY_MAX, PAGE_CHAIN_LENGTH_MAX } from '../base/limits.ts'
import { FakeLog } from '../message/testing/fake-log.ts'
import { Coalescer } from './coalescer.ts'
import { expectPage, memoryHome, NodeBench, sqliteHome, type StoreHome } from './testing/node-bench.ts'
import { Checkpointer } from './checkpointer.ts'

const T1 = 1 as TimelineId
const homes: StoreHome[] = []

afterEach(() => {
  for (const home of homes.splice(0)) home.remove()
})

for (const makeHome of [memoryHome, sqliteHome]) {
  function makeBench(): { bench: NodeBench; coalescer: Coalescer; log: FakeLog } {
    const home = makeHome()
    homes.push(home)
    const bench = new NodeBench(home)
    bench.create(1)
    return { bench, coalescer: new Coalescer(bench.node), log: new FakeLog(T1) }
  }

  /** Each of these pages gets `count` records, a batch each; every batch tells the VDL before it. */
  function change(bench: NodeBench, log: FakeLog, pages: readonly number[], count: number): void {
    for (let turn = 0; turn < count; turn++)
      bench.append(
        log.batch(
          pages.map((page) => ({ page })),
          { vdl: log.last },
        ),
      )
  }

  function checkpoint(bench: NodeBench): void {
    const checkpointer = new Checkpointer(bench.node)
    checkpointer.begin()
    while (checkpointer.isUnderWay) checkpointer.continue()
  }

  const imageCount = ({ store }: NodeBench): number => store.size({ timeline: T1, group: FIRST_GROUP }).images

  test(`${makeHome.name}: a page that changes all the time gets images before any checkpoint, also on a busy node`, () => {
    const { bench, coalescer, log } = makeBench()
    change(bench, log, [1, 2], PAGE_CHAIN_LENGTH_BUSY_MAX - 1)
    expect(coalescer.work(false)).toBe(false)
    change(bench, log, [1], 2)
    expect(coalescer.work(false)).toBe(true)
    expect(imageCount(bench)).toBe(1)
    expect(coalescer.work(false)).toBe(false)
    // Its records count from the image on, in memory and in the store.
    change(bench, log, [1], PAGE_CHAIN_LENGTH_MAX)
    checkpoint(bench)
    expect(bench.store.longChains(PAGE_CHAIN_LENGTH_BUSY_MAX - 1, 9)).toMatchObject([{ page: 2 }])
    const read = bench.node.reader.recordsApplied
    for (const page of [1, 2]) expectPage(bench.read(1, page, log.last), log.pageAt(page, log.last))
    expect(bench.node.reader.recordsApplied - read).toBeLessThan(
      PAGE_CHAIN_LENGTH_MAX + PAGE_CHAIN_LENGTH_BUSY_MAX + 2,
    )
  })

  test(`${makeHome.name}: shorter chains wait until the node is idle, longer ones do not`, () => {
    const { bench, coalescer, log } = makeBench()
    change(bench, log, [1, 2], PAGE_CHAIN_LENGTH_MAX + 1)
    checkpoint(bench)
    expect(coalescer.work(false)).toBe(false)
    expect(coalescer.work(true)).toBe(true)
    expect(imageCount(bench)).toBe(2)
    for (let part = 0; part < 2; part++) {
      change(bench, log, [3], PAGE_CHAIN_LENGTH_BUSY_MAX / 2 + 1)
      checkpoint(bench)
    }
    expect(coalescer.work(false)).toBe(true)
    expect(imageCount(bench)).toBe(3)
    expectPage(bench.read(1, 3, log.last), log.pageAt(3, log.last))
  })

  test(`${makeHome.name}: a segment that goes takes its pages along`, () => {
    const { bench, coalescer, log } = makeBench()
    change(bench, log, [1], PAGE_CHAIN_LENGTH_BUSY_MAX + 1)
    const { intake, timelines, register } = bench.node
    expect(intake.long.size).toBe(1)
    const segment = timelines.segment({ timeline: T1, group: FIRST_GROUP })
    if (segment === undefined) throw new Error('the segment is there')
    register.forgetSegment(segment)
    expect(intake.long.size).toBe(0)
    expect(coalescer.work(false)).toBe(false)
  })
}
