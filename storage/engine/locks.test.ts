// Locks through the engine's door: conflict tables, fairness, waiting by suspension, deadlocks, cancelling, savepoints.

import { expect, test } from 'vitest'
import { StorageError } from '../base/errors.ts'
import { CATALOG_TREE, type LockStrength, type TableLockMode, type Transaction } from './engine.ts'
import { key, openFixture, run } from './testing/engine-fixture.ts'

const row = key(1)
const STRENGTHS: LockStrength[] = ['key-share', 'share', 'no-key-update', 'update']

/** Starts something that may wait; tells whether it is done. */
function start(step: () => boolean): { done: boolean; result: Promise<boolean>; error: unknown } {
  const started = { done: false, result: Promise.resolve(false), error: undefined as unknown }
  started.result = run(step).then(
    (value) => {
      started.done = true
      return value
    },
    (error: unknown) => {
      started.error = error
      return false
    },
  )
  return started
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('row lock strengths conflict as in table 13.3', async () => {
  const { database } = await openFixture()
  const conflicts = STRENGTHS.map((held) =>
    STRENGTHS.map((wanted) => {
      const [a, b] = [database.begin(), database.begin()]
      a.lock(CATALOG_TREE, row, held, 'wait')
      const got = b.lock(CATALOG_TREE, row, wanted, 'skip')
      a.abort()
      b.abort()
      return got ? '-' : 'X'
    }).join(''),
  )
  expect(conflicts).toEqual(['---X', '--XX', '-XXX', 'XXXX'])
})

test('table lock modes conflict as in table 13.2', async () => {
  const { database } = await openFixture()
  const modes = [1, 2, 3, 4, 5, 6, 7, 8] as TableLockMode[]
  const conflicts = modes.map((held) =>
    modes
      .map((wanted) => {
        const [a, b] = [database.begin(), database.begin()]
        a.lockTable(77, held, 'wait')
        const got = b.lockTable(77, wanted, 'skip')
        a.abort()
        b.abort()
        return got ? '-' : 'X'
      })
      .join(''),
  )
  expect(conflicts).toEqual([
    '-------X',
    '------XX',
    '----XXXX',
    '---XXXXX',
    '--XX-XXX',
    '--XXXXXX',
    '-XXXXXXX',
    'XXXXXXXX',
  ])
})

test('waiters are served in order, and a weak lock does not overtake a strong one', async () => {
  const { database } = await openFixture()
  const [a, b, c] = [database.begin(), database.begin(), database.begin()]
  a.lockTable(5, 1, 'wait')
  const strong = start(() => b.lockTable(5, 8, 'wait'))
  const weak = start(() => c.lockTable(5, 1, 'wait'))
  await settle()
  expect([strong.done, weak.done]).toEqual([false, false])
  a.abort()
  await settle()
  expect([strong.done, weak.done]).toEqual([true, false])
  await run(() => b.commit())
  await settle()
  expect(weak.done).toBe(true)
})

test('nowait fails, skip says no, and both leave nothing behind', async () => {
  const { database } = await openFixture()
  const [a, b] = [database.begin(), database.begin()]
  a.lock(CATALOG_TREE, row, 'update', 'wait')
  expect(() => b.lock(CATALOG_TREE, row, 'share', 'nowait')).toThrow(StorageError)
  expect(b.lock(CATALOG_TREE, row, 'share', 'skip')).toBe(false)
  a.abort()
  expect(database.begin().lock(CATALOG_TREE, row, 'update', 'nowait')).toBe(true)
})

test('a deadlock is found by the one who closes the cycle, which is listed', async () => {
  const { database, engine } = await openFixture()
  const session = (pid: number): Transaction => database.begin(engine.lockOwner(database, pid))
  const [a, b, c] = [session(101), session(102), session(103)]
  a.lock(CATALOG_TREE, key(1), 'update', 'wait')
  b.lock(CATALOG_TREE, key(2), 'update', 'wait')
  c.lockTable(9, 8, 'wait')
  const first = start(() => a.lock(CATALOG_TREE, key(2), 'update', 'wait'))
  const second = start(() => b.lockTable(9, 1, 'wait'))
  const third = start(() => c.lock(CATALOG_TREE, key(1), 'share', 'wait'))
  await settle()
  expect(third.error).toBeInstanceOf(StorageError)
  expect((third.error as StorageError).kind).toBe('deadlock')
  expect((third.error as StorageError).detail).toBe(
    [
      'Process 103 waits for ShareLock on transaction 1; blocked by process 101.',
      'Process 101 waits for ShareLock on transaction 2; blocked by process 102.',
      'Process 102 waits for AccessShareLock on relation 9; blocked by process 103.',
    ].join('\n'),
  )
  c.abort()
  await settle()
  expect(second.done).toBe(true)
  b.abort()
  await settle()
  expect(first.done).toBe(true)
})

test('two holders of a share lock that both want more: one is the victim', async () => {
  const { database } = await openFixture()
  const [a, b] = [database.begin(), database.begin()]
  a.lock(CATALOG_TREE, row, 'share', 'wait')
  b.lock(CATALOG_TREE, row, 'share', 'wait')
  const first = start(() => a.lock(CATALOG_TREE, row, 'update', 'wait'))
  const second = start(() => b.lock(CATALOG_TREE, row, 'update', 'wait'))
  await settle()
  expect((second.error as StorageError).kind).toBe('deadlock')
  b.abort()
  await settle()
  expect(first.done).toBe(true)
})

test('a wait can be cancelled, and those behind it move up', async () => {
  const { database } = await openFixture()
  const [a, b, c] = [database.begin(), database.begin(), database.begin()]
  a.lockTable(5, 1, 'wait')
  const strong = start(() => b.lockTable(5, 8, 'wait'))
  const weak = start(() => c.lockTable(5, 1, 'wait'))
  await settle()
  b.cancelWait(new StorageError('cancelled', 'canceling statement due to user request'))
  await settle()
  expect((strong.error as StorageError).kind).toBe('cancelled')
  expect(weak.done).toBe(true)
  b.cancelWait(new Error('nobody waits'))
})

test('rolling back to a savepoint releases the locks taken since', async () => {
  const { database } = await openFixture()
  const [a, b] = [database.begin(), database.begin()]
  a.lock(CATALOG_TREE, key(1), 'update', 'wait')
  const savepoint = a.savepoint()
  a.lock(CATALOG_TREE, key(2), 'update', 'wait')
  a.lock(CATALOG_TREE, key(1), 'share', 'wait')
  a.rollbackTo(savepoint)
  expect(b.lock(CATALOG_TREE, key(2), 'update', 'skip')).toBe(true)
  expect(b.lock(CATALOG_TREE, key(1), 'key-share', 'skip')).toBe(false)
})

test('very many locks of one transaction hold, roll back and are released', async () => {
  const { database } = await openFixture()
  const [a, b] = [database.begin(), database.begin()]
  const count = 20_000
  let savepoint = a.savepoint()
  for (let i = 0; i < count; i++) {
    if (i === count / 2) savepoint = a.savepoint()
    a.lock(CATALOG_TREE, key(i), 'no-key-update', 'wait')
  }
  const tries = [0, 100, 5000, 9999, 15_000, 19_999]
  expect(tries.map((i) => b.lock(CATALOG_TREE, key(i), 'update', 'skip'))).toEqual(tries.map(() => false))
  expect(tries.map((i) => b.lock(CATALOG_TREE, key(i), 'key-share', 'skip'))).toEqual(tries.map(() => true))
  b.abort()
  a.rollbackTo(savepoint)
  const c = database.begin()
  expect(c.lock(CATALOG_TREE, key(15_001), 'update', 'skip')).toBe(true)
  expect(c.lock(CATALOG_TREE, key(5001), 'update', 'skip')).toBe(false)
  const waiting = start(() => c.lock(CATALOG_TREE, key(5002), 'share', 'wait'))
  await settle()
  expect(waiting.done).toBe(false)
  a.abort()
  await settle()
  expect(waiting.done).toBe(true)
  expect(c.lock(CATALOG_TREE, key(5001), 'update', 'skip')).toBe(true)
})

test('locks of a session count, outlive transactions and never block its own transaction', async () => {
  const { database, engine } = await openFixture()
  const owner = engine.lockOwner(database, 7)
  expect(owner.lock('advisory', 7, 'wait')).toBe(true)
  expect(owner.lock('advisory', 7, 'wait')).toBe(true)
  const own = database.begin(owner)
  expect(own.lockObject('advisory', 7, 'skip')).toBe(true)
  await run(() => own.commit())
  const other = database.begin()
  expect(other.lockObject('advisory', 7, 'skip')).toBe(false)
  expect(owner.unlock('advisory', 7)).toBe(true)
  expect(other.lockObject('advisory', 7, 'skip')).toBe(false)
  expect(owner.unlock('advisory', 7)).toBe(true)
  expect(owner.unlock('advisory', 7)).toBe(false)
  expect(other.lockObject('advisory', 7, 'skip')).toBe(true)
})
