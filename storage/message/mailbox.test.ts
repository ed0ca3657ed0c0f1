import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'

import { asEpoch, type GroupNo, type Lsn, type TimelineId } from '../base/ids.ts'
import { Bell, Doorbell, Mailbox, newBellMemory, newMailboxMemory } from './mailbox.ts'
import type { VolumeMessage } from './message.ts'

function append(id: number, ...lengths: number[]): Extract<VolumeMessage, { kind: 'append' }> {
  const batches = lengths.map((length, index) => Buffer.alloc(length, id + index))
  return { kind: 'append', id, volumeEpoch: asEpoch(2 ** 40 + 1), membershipEpoch: asEpoch(7), batches }
}

/** Both sides, each with its own view. */
function pair(): { volume: Mailbox; node: Mailbox } {
  const memory = newMailboxMemory()
  return { volume: new Mailbox(memory), node: new Mailbox(memory) }
}

test('an append arrives as it was sent, and the slot is full until it is answered', () => {
  const { volume, node } = pair()
  expect(node.take()).toBe(undefined)
  const sent = append(2 ** 35, 100, 1, 4097)
  expect(volume.put(sent)).toBe(true)
  const { batches, ...taken } = node.take() ?? { batches: [] }
  expect({ ...taken, batches: batches.map((bytes) => Buffer.from(bytes)) }).toEqual(sent)
  expect(volume.put(append(2, 5))).toBe(false)
  node.release()
  expect(node.take()).toBe(undefined)
  expect(volume.put(append(2, 5))).toBe(true)
})

test('an acknowledgement arrives as it was sent', () => {
  const { volume, node } = pair()
  const segments = [1, 2, 3].map((id) => ({
    timeline: id as TimelineId,
    group: (id * 7) as GroupNo,
    scl: (2 ** 40 + id) as Lsn,
  }))
  const answer = { kind: 'appended', id: 2 ** 35, segments } as const
  expect(volume.takeAnswer()).toBe(undefined)
  expect(node.answer(answer)).toBe(true)
  expect(node.answer(answer)).toBe(false)
  expect(volume.takeAnswer()).toEqual(answer)
  expect(volume.takeAnswer()).toBe(undefined)
  expect(node.answer(answer)).toBe(true)
})

test('what does not fit is left to others', () => {
  const { volume, node } = pair()
  expect(volume.put(append(1, 200_000, 100_000))).toBe(false)
  expect(volume.put(append(1, ...Array.from({ length: 100_000 }, () => 1)))).toBe(false)
  expect(node.take()).toBe(undefined)
  const segment = { timeline: 1 as TimelineId, group: 0 as GroupNo, scl: 1 as Lsn }
  const segments = Array.from({ length: 65 }, () => segment)
  expect(node.answer({ kind: 'appended', id: 1, segments })).toBe(false)
  expect(node.answer({ kind: 'done', id: 1 })).toBe(false)
})

test('the bell ends a wait, a ring before the wait too; a parked thread needs a message', () => {
  const memory = newBellMemory()
  const [volume, thread] = [new Bell(memory), new Bell(memory)]
  const { rings } = thread
  expect(thread.wait(rings, 1)).toBe(false)
  expect(volume.ring()).toBe(true)
  expect(thread.wait(rings, 60_000)).toBe(true)
  expect(thread.park(rings)).toBe(false)
  expect(volume.ring()).toBe(true)
  expect(thread.park(thread.rings)).toBe(true)
  expect(volume.ring()).toBe(false)
  thread.unpark()
  expect(volume.ring()).toBe(true)
})

test('a thread that waits hears the bell', async () => {
  const memory = newBellMemory()
  const code = `const w = new Int32Array(require('node:worker_threads').workerData)
    const rings = Atomics.load(w, 0); require('node:worker_threads').parentPort.postMessage('waiting')
    Atomics.wait(w, 0, rings, 60000); require('node:worker_threads').parentPort.postMessage(Atomics.load(w, 0))`
  const worker = new Worker(code, { eval: true, workerData: memory })
  const said = (): Promise<unknown> => new Promise((resolve) => worker.once('message', resolve))
  expect(await said()).toBe('waiting')
  const heard = said()
  new Bell(memory).ring()
  expect(await heard).toBe(1)
  await worker.terminate()
})

test('the doorbell is pressed once until somebody looks', () => {
  const doorbell = new Doorbell(new SharedArrayBuffer(4))
  expect([doorbell.press(), doorbell.press()]).toEqual([true, false])
  doorbell.reset()
  expect(doorbell.press()).toBe(true)
})
