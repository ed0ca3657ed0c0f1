import { expect, test } from 'vitest'

import { StorageError } from '../base/errors.ts'
import { Patience } from './patience.ts'

const ERROR = new StorageError('no-quorum', 'too few')

test('whoever waits goes on at the next look, and is told when it takes too long', async () => {
  let nowMs = 0
  let isThere = false
  const patience = new Patience(() => nowMs)
  const early = patience.until(() => isThere)
  nowMs = 100
  const late = patience.until(() => isThere)
  patience.look()
  patience.expire(50, ERROR)
  await expect(early).rejects.toBe(ERROR)
  isThere = true
  patience.look()
  await expect(late).resolves.toBe(undefined)
  await expect(patience.until(() => isThere)).resolves.toBe(undefined)
})

test('work that is waited for settles as it does, or the wait ends before', async () => {
  const patience = new Patience(() => 0)
  await expect(patience.within(Promise.resolve(1))).resolves.toBe(1)
  await expect(patience.within(Promise.reject(ERROR))).rejects.toBe(ERROR)
  const never = patience.within(new Promise(() => undefined))
  patience.fail(ERROR)
  await expect(never).rejects.toBe(ERROR)
})
