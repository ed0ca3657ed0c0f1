// Reads land in one buffer again and again; another takes its place only while its bytes are needed, or a larger one when
// it was filled.

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { READ_SIZE_BYTES_INITIAL, READ_SIZE_BYTES_MAX } from './limits.ts'
import { readInPlace } from './read-buffer.ts'

class Received {
  readonly memories: Buffer[] = []
  readonly texts: string[] = []
  isNeeded = false
  round = 0
  wake: () => void = () => undefined

  receive(memory: Buffer, count: number): void {
    this.memories.push(memory)
    this.texts.push(memory.toString('latin1', 0, count))
    this.wake()
  }

  stillReads(): boolean {
    return this.isNeeded
  }

  async size(count: number): Promise<void> {
    while (this.texts.join('').length < count) await new Promise<void>((resolve) => (this.wake = resolve))
  }
}

let server: Server | undefined

async function pair(target: Received): Promise<{ readonly client: Socket; readonly socket: Socket }> {
  const opened = createServer({ allowHalfOpen: true, pauseOnConnect: true })
  server = opened
  await new Promise<void>((resolve) => opened.listen(0, '127.0.0.1', resolve))
  const client = connect((opened.address() as AddressInfo).port, '127.0.0.1')
  const [accepted] = (await once(opened, 'connection')) as [Socket]
  const socket = readInPlace(accepted, target)
  if (socket === undefined) throw new Error('this version of Node has no handle where it is looked for')
  return { client, socket }
}

afterEach(() => server?.close())

test('the same memory takes every read, and the answer goes back', async () => {
  const target = new Received()
  const { client, socket } = await pair(target)
  client.write('first')
  await target.size(5)
  client.write('second')
  await target.size(11)
  expect(target.texts).toEqual(['first', 'second'])
  expect(new Set(target.memories).size).toBe(1)
  expect(target.memories[0]?.length).toBe(READ_SIZE_BYTES_INITIAL)
  socket.write('answer')
  expect(String((await once(client, 'data'))[0])).toBe('answer')
  client.end()
  await once(socket, 'end')
  socket.end()
  await once(socket, 'close')
})

test('a statement that waits costs a second memory once, not each time', async () => {
  const target = new Received()
  const { client } = await pair(target)
  for (let round = 0; round < 6; round++) {
    target.isNeeded = true
    client.write('wait')
    await target.size(8 * round + 4)
    target.isNeeded = false
    target.round++
    client.write('done')
    await target.size(8 * round + 8)
  }
  expect(new Set(target.memories).size).toBe(2)
  client.destroy()
})

test('memory that was put aside is not used while what it held is needed', async () => {
  const target = new Received()
  const { client } = await pair(target)
  target.isNeeded = true
  for (let count = 1; count <= 4; count++) {
    client.write('wait')
    await target.size(4 * count)
  }
  expect(new Set(target.memories).size).toBe(4)
  client.destroy()
})

test('bytes that are still needed are not written over', async () => {
  const target = new Received()
  const { client, socket } = await pair(target)
  target.isNeeded = true
  client.write('first')
  await target.size(5)
  client.write('other')
  await target.size(10)
  expect(new Set(target.memories).size).toBe(2)
  expect(target.memories[0]?.toString('latin1', 0, 5)).toBe('first')
  client.destroy()
  socket.destroy()
})

test('who fills its memory gets more; a paused socket reads nothing', async () => {
  const target = new Received()
  const { client, socket } = await pair(target)
  client.write('x'.repeat(READ_SIZE_BYTES_INITIAL * 4))
  await target.size(READ_SIZE_BYTES_INITIAL * 4)
  expect(target.memories.at(-1)?.length).toBe(READ_SIZE_BYTES_MAX)
  socket.pause()
  const count = target.texts.length
  client.write('later')
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(target.texts.length).toBe(count)
  socket.resume()
  await target.size(READ_SIZE_BYTES_INITIAL * 4 + 5)
  expect(target.texts.join('').endsWith('xlater')).toBe(true)
  client.destroy()
  socket.destroy()
})
