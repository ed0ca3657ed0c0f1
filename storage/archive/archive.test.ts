// From a node's segments through an archive to a restored node: what comes back is what was there at the instant, and
// nothing that is damaged or missing goes unseen.

import { expect, test } from 'vitest'

import { must } from '../base/assert.ts'
import type { Clock } from '../base/env.ts'
import type { StorageError } from '../base/errors.ts'
import type { Lsn, TimelineId } from '../base/ids.ts'
import { readBatchHeader } from '../message/batch.ts'
import type { AnnulledRange, ImageCopy, SegmentKey, SegmentState, TimelineBirth } from '../message/message.ts'
import { FakeLog } from '../message/testing/fake-log.ts'
import { Archiver } from './archiver.ts'
import { MemoryObjectStore } from './object-store.ts'
import { restore, type RestoreTarget } from './restore.ts'
import { FakeNode } from './testing/fake-node.ts'

const SECOND = 1_000_000
const DAY_MS = 86_400_000

/** Wall time that tests move, and timers that they fire. */
class HandClock implements Clock {
  micros = 1000 * SECOND
  #timers: (() => void)[] = []

  wallMicros(): number {
    return this.micros
  }

  monotonicMs(): number {
    return this.micros / 1000
  }

  after(_delayMs: number, callback: () => void): () => void {
    this.#timers.push(callback)
    return () => void (this.#timers = this.#timers.filter((each) => each !== callback))
  }

  soon(callback: () => void): void {
    callback()
  }

  /** Fires what waits, and gives its promises time to settle. */
  async fire(): Promise<void> {
    const timers = this.#timers
    this.#timers = []
    for (const timer of timers) timer()
    for (let turn = 0; turn < 100; turn++) await Promise.resolve()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** What a restore put where. */
class Recorder implements RestoreTarget {
  readonly timelines: number[] = []
  readonly dropped: number[] = []
  readonly begun = new Map<number, number>()
  readonly batches = new Map<number, Buffer[]>()
  readonly images: (ImageCopy & { timeline: number })[] = []
  readonly annulled = new Map<number, readonly AnnulledRange[]>()

  putTimeline(birth: TimelineBirth): void {
    this.timelines.push(birth.id)
  }

  dropTimeline(timeline: TimelineId): void {
    this.dropped.push(timeline)
  }

  beginSegment({ timeline, logAfter }: SegmentState): void {
    this.begun.set(timeline, logAfter)
  }

  putImages({ timeline }: SegmentKey, images: readonly ImageCopy[]): void {
    this.images.push(...images.map((image) => ({ ...image, timeline })))
  }

  append(batches: readonly Buffer[]): void {
    for (const batch of batches) {
      const { timeline } = readBatchHeader(batch)
      this.batches.set(timeline, [...(this.batches.get(timeline) ?? []), batch])
    }
  }

  annul(timeline: TimelineId, ranges: readonly AnnulledRange[]): void {
    this.annulled.set(timeline, ranges)
  }

  bytes(timeline: number): Buffer {
    return Buffer.concat(this.batches.get(timeline) ?? [])
  }
}

interface Scene {
  readonly clock: HandClock
  readonly store: MemoryObjectStore
  readonly warnings: string[]
  readonly archive: (node: FakeNode) => Archiver
}

function scene(): Scene {
  const clock = new HandClock()
  const store = new MemoryObjectStore()
  const warnings: string[] = []
  const archive = (local: FakeNode): Archiver => {
    const archiver = new Archiver({
      store,
      local,
      clock,
      intervalMs: 1000,
      baseIntervalMs: DAY_MS,
      retentionMs: 2 * DAY_MS,
      warn: (error) => warnings.push(error.message),
    })
    archiver.start()
    return archiver
  }
  return { clock, store, warnings, archive }
}

/** One commit at the clock's time, sent at once. */
function commit(clock: HandClock, node: FakeNode, log: FakeLog, page: number): Buffer {
  const at = clock.micros
  const changes = [
    { page, endsMtr: false },
    { page: 0, commitMicros: at },
  ]
  const batch = log.batch(changes, { wallMicros: at + 10 })
  node.append(log.timeline, batch)
  return batch
}

async function restored(store: MemoryObjectStore, atMicros?: number): Promise<Recorder> {
  const target = new Recorder()
  await restore({ store, atMicros, target })
  return target
}

async function refusal(store: MemoryObjectStore, atMicros?: number): Promise<StorageError> {
  return restored(store, atMicros).then(
    () => {
      throw new Error('it was restored')
    },
    (error: unknown) => error as StorageError,
  )
}

test('each instant comes back: every commit up to it, none after', async () => {
  const { clock, store, archive, warnings } = scene()
  const node = new FakeNode(1)
  node.addTimeline(2, clock.micros)
  const log = new FakeLog(2 as TimelineId)
  archive(node)
  const sent: Buffer[] = []
  const instants: number[] = []
  for (let round = 0; round < 20; round++) {
    sent.push(commit(clock, node, log, round % 3))
    instants.push(clock.micros)
    clock.micros += SECOND
    if (round % 3 === 0) await clock.fire()
  }
  await clock.fire()
  expect(warnings).toEqual([])
  expect((await restored(store)).bytes(2).equals(Buffer.concat(sent))).toBe(true)
  for (const [index, instant] of instants.entries()) {
    const target = await restored(store, instant + SECOND / 2)
    expect(target.bytes(2).equals(Buffer.concat(sent.slice(0, index + 1)))).toBe(true)
    expect(target.annulled.get(2)).toBeUndefined()
  }
})

test('a batch with commits of both sides of the instant is cut inside', async () => {
  const { clock, store, archive } = scene()
  const node = new FakeNode(1)
  node.addTimeline(2, clock.micros)
  const log = new FakeLog(2 as TimelineId)
  archive(node)
  const begin = clock.micros
  const changes = [0, 1, 2, 3].flatMap((second) => [
    { page: 1, endsMtr: false },
    { page: 0, commitMicros: begin + second * SECOND },
  ])
  const batch = log.batch(changes, { wallMicros: begin + 5 * SECOND })
  node.append(2, batch)
  clock.micros += 10 * SECOND
  await clock.fire()
  const target = await restored(store, begin + 1.5 * SECOND)
  expect(target.bytes(2).equals(batch)).toBe(true)
  const { last } = readBatchHeader(batch)
  const cut = must(target.annulled.get(2)?.[0])
  expect(cut.upTo).toBe(last)
  // Two of four transactions, each of a change (40 bytes) and a commit (48).
  expect(cut.above).toBe(8 + 40 + 48 + 40)
})

test('branches, drops and what recovery annulled', async () => {
  const { clock, store, archive } = scene()
  const node = new FakeNode(1)
  node.addTimeline(2, clock.micros)
  const log = new FakeLog(2 as TimelineId)
  archive(node)
  const first = commit(clock, node, log, 1)
  const lost = log.batch([{ page: 1 }], { wallMicros: clock.micros })
  node.append(2, lost)
  await clock.fire()
  clock.micros += SECOND
  const { last } = readBatchHeader(first)
  node.annul(2, [{ above: last, upTo: (last + 10_000_000) as Lsn }])
  const again = new FakeLog(2 as TimelineId)
  again.tail = last + 10_000_008
  again.last = last
  const second = commit(clock, node, again, 1)
  clock.micros += SECOND
  const before = clock.micros
  clock.micros += SECOND
  node.addTimeline(3, clock.micros, { timeline: 2, lsn: last })
  await clock.fire()
  const target = await restored(store)
  expect(target.timelines).toEqual([2, 3])
  expect(target.bytes(2).equals(Buffer.concat([first, lost, second]))).toBe(true)
  expect(target.annulled.get(2)).toEqual([{ above: last, upTo: last + 10_000_000 }])
  expect((await restored(store, before)).timelines).toEqual([2])
})

test('a base serves when the log before it is collected, and what is older than the retention goes', async () => {
  const { clock, store, archive } = scene()
  const node = new FakeNode(1)
  node.addTimeline(2, clock.micros)
  const log = new FakeLog(2 as TimelineId)
  archive(node)
  let kept: Buffer[] = []
  for (let day = 0; day < 6; day++) {
    const batch = commit(clock, node, log, 1)
    kept.push(batch)
    await clock.fire()
    const { last } = readBatchHeader(batch)
    node.addImage(2, 1, last, log.pageAt(1, last))
    node.collect(2, last)
    kept = kept.slice(-1)
    clock.micros += DAY_MS * 1000 + SECOND
  }
  await clock.fire()
  const newest = await restored(store)
  expect(log.pageAt(1, log.last).equals(must(newest.images.at(-1)).bytes)).toBe(true)
  expect(newest.begun.get(2)).toBe(readBatchHeader(must(kept[0])).last)
  const refused = await refusal(store, 1000 * SECOND + 1)
  expect(refused.kind).toBe('out-of-window')
  expect((await refusal(store, 1)).kind).toBe('out-of-window')
  const sequences = [...store.objects.keys()].filter((name) => name.startsWith('log/'))
  expect(sequences.length).toBeLessThan(6)
})

test('a damaged or missing object is named', async () => {
  const { clock, store, archive } = scene()
  const node = new FakeNode(1)
  node.addTimeline(2, clock.micros)
  const log = new FakeLog(2 as TimelineId)
  archive(node)
  for (let round = 0; round < 6; round++) {
    commit(clock, node, log, 1)
    clock.micros += SECOND
    await clock.fire()
  }
  const names = [...store.objects.keys()].filter((name) => /^(log|base)\/.*\d+$/.test(name))
  expect(names.length).toBeGreaterThan(3)
  for (const name of names) {
    const sound = must(store.objects.get(name))
    for (const at of [0, 5, 20, sound.length >> 1, sound.length - 1]) {
      const bad = Buffer.from(sound)
      bad[at] = (bad[at] ?? 0) ^ 0x10
      store.objects.set(name, bad)
      const error = await refusal(store)
      expect(error.message).toContain(name)
    }
    store.objects.set(name, sound.subarray(0, sound.length - 9))
    expect((await refusal(store)).message).toContain(name)
    store.objects.delete(name)
    expect((await refusal(store)).message).toContain(name)
    store.objects.set(name, sound)
  }
  expect((await restored(store)).batches.get(2)?.length).toBe(6)
})

test('another node takes the duty over when the first is silent, and both together do no harm', async () => {
  const { clock, store, archive, warnings } = scene()
  const log = new FakeLog(2 as TimelineId)
  const [one, two] = [new FakeNode(1), new FakeNode(2)]
  for (const node of [one, two]) node.addTimeline(2, clock.micros)
  const sent: Buffer[] = []
  const both = (): void => {
    const batch = commit(clock, one, log, 1)
    two.append(2, batch)
    sent.push(batch)
    clock.micros += SECOND
  }
  const first = archive(one)
  both()
  await clock.fire()
  archive(two)
  both()
  await clock.fire()
  expect([...store.objects.keys()].some((name) => name.endsWith('.n2'))).toBe(false)
  await first.stop(false)
  both()
  clock.micros += 60 * SECOND
  await clock.fire()
  expect([...store.objects.keys()].some((name) => name.endsWith('.n2'))).toBe(true)
  both()
  archive(one)
  await clock.fire()
  clock.micros += SECOND
  await clock.fire()
  expect((await restored(store)).bytes(2).equals(Buffer.concat(sent))).toBe(true)
  expect(warnings).toEqual([])
})

test('log that was collected before it was archived brings a new base', async () => {
  const { clock, store, archive } = scene()
  const node = new FakeNode(1)
  node.addTimeline(2, clock.micros)
  const log = new FakeLog(2 as TimelineId)
  archive(node)
  commit(clock, node, log, 1)
  await clock.fire()
  const unseen = commit(clock, node, log, 1)
  const { last } = readBatchHeader(unseen)
  node.addImage(2, 1, last, log.pageAt(1, last))
  node.collect(2, last)
  commit(clock, node, log, 2)
  clock.micros += SECOND
  await clock.fire()
  clock.micros += SECOND
  await clock.fire()
  const target = await restored(store)
  expect(target.images.map(({ lsn }) => lsn)).toEqual([last])
  expect(target.begun.get(2)).toBe(last)
})

test('the archive of another cluster is left alone', async () => {
  const { clock, archive, warnings } = scene()
  const node = new FakeNode(1)
  const stranger = new FakeNode(1, 'c2')
  archive(node)
  await clock.fire()
  archive(stranger)
  await clock.fire()
  expect(warnings).toEqual(['memory: holds the backup of another cluster'])
})
