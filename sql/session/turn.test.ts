import { expect, test } from 'vitest'

import { suspend } from '../../storage/base/suspend.ts'
import { SqlError } from '../types/sql-error.ts'
import { Turns } from './turn.ts'

const NOTHING = { before: (): void => undefined, after: (): void => undefined }
const CANCEL = new SqlError('57014', 'cancelled')
const CLOCK = {
  wallMicros: (): number => 0,
  monotonicMs: (): number => 0,
  after: (): (() => void) => () => undefined,
  soon: (callback: () => void): void => callback(),
}

/** A step that waits for `until` once, and returns when it is called again. */
function waitingFor(until: Promise<unknown>): () => string {
  let hasWaited = false
  return () => {
    if (!hasWaited) {
      hasWaited = true
      suspend(until)
    }
    return 'done'
  }
}

test('a cancel ends a wait at once', async () => {
  const turns = new Turns(CLOCK, { isHeld: () => false, leaveLock: () => undefined })
  const driven = turns.drive(waitingFor(new Promise(() => undefined)), NOTHING)
  turns.cancel(CANCEL)
  await expect(driven).rejects.toBe(CANCEL)
})

test('what cannot be given up is waited for; the cancel ends the next wait', async () => {
  let isHeld = true
  const turns = new Turns(CLOCK, { isHeld: () => isHeld, leaveLock: () => undefined })
  let goOn: (value?: unknown) => void = () => undefined
  const driven = turns.drive(waitingFor(new Promise((resolve) => (goOn = resolve))), NOTHING)
  turns.cancel(CANCEL)
  goOn()
  await expect(driven).resolves.toBe('done')
  isHeld = false
  await expect(turns.drive(waitingFor(new Promise(() => undefined)), NOTHING)).rejects.toBe(CANCEL)
})
