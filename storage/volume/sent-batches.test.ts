import { expect, test } from 'vitest'

import type { GroupNo, Lsn } from '../base/ids.ts'
import { BatchMemory } from './batch-memory.ts'
import { SentBatches } from './sent-batches.ts'

const FIRST = 0 as GroupNo
const SECOND = 1 as GroupNo

test('a batch is kept until a write quorum has it, and named to nodes that miss it', () => {
  const memory = new BatchMemory()
  const sent = new SentBatches()
  const a = memory.take(100, 1)
  const b = memory.take(100, 1)
  const c = memory.take(100, 1)
  sent.push(80 as Lsn, FIRST, a)
  sent.push(160 as Lsn, FIRST, b)
  sent.push(160 as Lsn, SECOND, c)
  expect(sent.above(() => 0 as Lsn)).toEqual([a, b, c])
  expect(sent.above((group) => (group === FIRST ? 160 : 80) as Lsn)).toEqual([c])
  sent.release(80 as Lsn)
  expect(sent.above(() => 0 as Lsn)).toEqual([b, c])
  sent.release(160 as Lsn)
  expect(sent.above(() => 0 as Lsn)).toEqual([])
  // Nobody uses them any more: their memory may be used again.
  expect(() => a.release()).toThrow()
})

test('memory is not handed out again while a batch in it is kept', () => {
  const memory = new BatchMemory()
  const sent = new SentBatches()
  const kept = memory.take(1000, 2)
  kept.bytes.fill(7)
  sent.push(80 as Lsn, FIRST, kept)
  kept.release()
  for (let round = 0; round < 3000; round++) {
    const other = memory.take(1000, 1)
    other.bytes.fill(1)
    other.release()
  }
  expect(kept.bytes.every((byte) => byte === 7)).toBe(true)
  sent.release(80 as Lsn)
})
