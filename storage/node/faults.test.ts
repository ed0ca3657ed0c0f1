// Injected faults hit as many requests as they were told to, for as long, and keep the order.

import { expect, test } from 'vitest'

import type { Clock } from '../base/env.ts'
import type { Epoch } from '../base/ids.ts'
import { SeededPrng } from '../base/testing/test-env.ts'
import type { Fault, VolumeMessage } from '../message/message.ts'
import { Faults } from './faults.ts'

const COUNT = 2000

/** A clock that goes on when it is told to. */
class HandClock implements Clock {
  nowMs = 0
  #due: { readonly atMs: number; readonly callback: () => void }[] = []

  wallMicros(): number {
    return this.nowMs * 1000
  }

  monotonicMs(): number {
    return this.nowMs
  }

  after(delayMs: number, callback: () => void): () => void {
    const entry = { atMs: this.nowMs + delayMs, callback }
    this.#due.push(entry)
    return () => (this.#due = this.#due.filter((each) => each !== entry))
  }

  soon(callback: () => void): void {
    this.after(0, callback)
  }

  advance(byMs: number): void {
    this.nowMs += byMs
    const due = this.#due.filter(({ atMs }) => atMs <= this.nowMs)
    this.#due = this.#due.filter(({ atMs }) => atMs > this.nowMs)
    for (const { callback } of due.sort((a, b) => a.atMs - b.atMs)) callback()
  }
}

const request = (id: number): VolumeMessage => ({
  kind: 'statistics',
  id,
  volumeEpoch: 1 as Epoch,
  membershipEpoch: 1 as Epoch,
})

/** Requests, one each millisecond of which `gapMs` pass: how many were late, and the order in which they were handled. */
function run(fault: Fault, gapMs: number): { late: number; failed: number; order: readonly number[] } {
  const clock = new HandClock()
  const faults = new Faults(clock, new SeededPrng(7))
  faults.inject(fault)
  const order: number[] = []
  let late = 0
  let failed = 0
  for (let id = 1; id <= COUNT; id++) {
    const answer = faults.meet(request(id), (due) => order.push(due.id))
    if (answer !== undefined) failed++
    else if (order.at(-1) !== id) late++
    clock.advance(gapMs)
  }
  clock.advance(1_000_000)
  return { late, failed, order }
}

test.each([0, 10, 50, 100])('congestion of %i per cent delays as many', (percentage) => {
  const congestion = {
    kind: 'disk-congestion',
    probability: percentage / 100,
    delayMsMin: 1,
    delayMsMax: 4,
    durationMs: 1_000_000,
  } as const
  const { late, order } = run(congestion, 10)
  expect(Math.abs(late / COUNT - percentage / 100)).toBeLessThan(0.03)
  expect(order).toEqual(Array.from({ length: COUNT }, (_, index) => index + 1))
})

test('what comes behind a congested request waits for it', () => {
  const congestion = {
    kind: 'disk-congestion',
    probability: 0.1,
    delayMsMin: 50,
    delayMsMax: 50,
    durationMs: 1_000_000,
  } as const
  const { late, order } = run(congestion, 1)
  expect(late).toBeGreaterThan(COUNT / 2)
  expect(order).toEqual(order.toSorted((a, b) => a - b))
  expect(order.length).toBe(COUNT)
})

test('a fault is over when its time is', () => {
  const failure = { kind: 'disk-failure', probability: 1, durationMs: 1000 } as const
  expect(run(failure, 10)).toMatchObject({ failed: 100, late: 0 })
})
