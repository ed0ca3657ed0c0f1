import { expect, test } from 'vitest'

import type { Clock } from '../base/env.ts'
import type { SharedBytes } from './batch-memory.ts'
import { LogWriter } from './log-writer.ts'
import type { NodeLink } from './node-link.ts'
import type { Gauge } from './quorum.ts'
import type { TimelineWriter } from './timeline-log.ts'

/** What the log writer sees of a node: idle, or with a message on its way. */
class FakeLink {
  mode = 'live'
  isIdle = true
  sentCount = 0
  queueSize = 0
  readonly host: string
  readonly place: number
  #queued = 0

  constructor(place: number) {
    this.place = place
    this.host = `az${(place % 3) + 1}`
  }

  get queueLength(): number {
    return this.#queued
  }

  get waitingSinceMs(): number | undefined {
    return this.#queued > 0 ? 0 : undefined
  }

  enqueue(_batch: SharedBytes): void {
    this.#queued++
  }

  flush(): void {
    if (!this.isIdle || this.#queued === 0) return
    this.#queued = 0
    this.isIdle = false
    this.sentCount++
  }
}

const stillClock: Clock = {
  wallMicros: () => 0,
  monotonicMs: () => 0,
  after: () => () => undefined,
  soon: (callback) => callback(),
}

/** A log that always has one more batch, once a gathering. */
function endlessLog(): TimelineWriter {
  let turn = 0
  const batch = { bytes: Buffer.alloc(100) } as unknown as SharedBytes
  return {
    dueInMs: () => 0,
    nextBatch: () => (turn++ % 2 === 0 ? batch : undefined),
  } as unknown as TimelineWriter
}

/** The hosts of nodes with a message on its way. */
function hostsOf(links: readonly FakeLink[]): string[] {
  return links
    .filter(({ isIdle }) => !isIdle)
    .map(({ host }) => host)
    .toSorted()
}

test('nodes of one host that answer together get the next batch together; the third zone trails', async () => {
  const links = Array.from({ length: 6 }, (_, place) => new FakeLink(place))
  const writer = new LogWriter(stillClock)
  const anyFour = (mask: number): boolean => mask.toString(2).replaceAll('0', '').length >= 4
  writer.target(links as unknown as NodeLink[], { sizeMin: 4, holds: anyFour } as unknown as Gauge)
  const log = endlessLog()
  for (let batch = 1; batch <= 3; batch++) {
    writer.schedule(log)
    expect(hostsOf(links)).toEqual(['az1', 'az1', 'az2', 'az2'])
    const busy = links.filter(({ isIdle }) => !isIdle)
    writer.schedule(log)
    // Their thread answers for all of them in one event.
    for (const link of busy) {
      link.isIdle = true
      writer.answered()
    }
    await Promise.resolve()
    expect(hostsOf(links)).toEqual(['az1', 'az1', 'az2', 'az2'])
    for (const link of links) link.isIdle = true
  }
  expect(links.filter(({ host }) => host === 'az3').every(({ sentCount }) => sentCount === 0)).toBe(true)
})
