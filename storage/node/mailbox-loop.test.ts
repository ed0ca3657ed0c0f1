import { expect, test } from 'vitest'

import type { Clock } from '../base/env.ts'
import { Bell, newBellMemory } from '../message/mailbox.ts'
import { type Found, MailboxLoop } from './mailbox-loop.ts'

/** The loop in this thread, with turns of the event loop by hand; `rang` is called while appends are handled. */
function makeLoop(handleAll: () => Found): { loop: MailboxLoop; volume: Bell; turn: () => number } {
  const memory = newBellMemory()
  const turns: (() => void)[] = []
  const clock: Partial<Clock> = {
    monotonicMs: () => performance.now(),
    soon: (callback) => void turns.push(callback),
  }
  const loop = new MailboxLoop(new Bell(memory), clock as Clock, handleAll)
  const turn = (): number => {
    const began = performance.now()
    for (const callback of turns.splice(0)) callback()
    return performance.now() - began
  }
  return { loop, volume: new Bell(memory), turn }
}

/** Less than a wait takes (10 ms), with room for a slow machine. */
const AT_ONCE_MS = 5

test('a message through a port that comes while appends are handled gets its turn of the event loop at once', () => {
  let appends = 0
  const { loop, volume, turn } = makeLoop(() => {
    if (appends === 0) return 'nothing'
    appends--
    volume.ringForPort()
    return 'handled'
  })
  loop.wake()
  appends = 1
  expect(turn()).toBeLessThan(AT_ONCE_MS)
  // The event loop has looked: now it waits again, and hears nothing.
  expect(turn()).toBeGreaterThan(AT_ONCE_MS)
})

test('one that came between the event loop and the wait does too', () => {
  const { loop, volume, turn } = makeLoop(() => 'nothing')
  loop.wake()
  turn()
  volume.ringForPort()
  expect(turn()).toBeLessThan(AT_ONCE_MS)
  loop.stop()
  turn()
})
