// The reader against bytes spelled by hand, in every split.

import { expect, test } from 'vitest'
import { BAD_LENGTH, BAD_TYPE, INCOMPLETE, MessageReader } from './message-reader.ts'

const QUERY = Buffer.from([0x51, 0, 0, 0, 8, 0x61, 0x62, 0x63, 0])
const SYNC = Buffer.from([0x53, 0, 0, 0, 4])
const STARTUP = Buffer.from([0, 0, 0, 9, 0, 3, 0, 0, 0])

function body(reader: MessageReader): string {
  return reader.buffer.toString('latin1', reader.start, reader.end)
}

test('two messages in one chunk', () => {
  const reader = new MessageReader()
  reader.push(Buffer.concat([QUERY, SYNC]))
  expect(reader.next()).toBe(0x51)
  expect(body(reader)).toBe('abc\0')
  expect(reader.next()).toBe(0x53)
  expect(body(reader)).toBe('')
  expect(reader.next()).toBe(INCOMPLETE)
})

test('every split of three messages into two chunks gives the same three', () => {
  const all = Buffer.concat([QUERY, SYNC, QUERY])
  for (let cut = 0; cut <= all.length; cut++) {
    const reader = new MessageReader()
    const seen: string[] = []
    for (const chunk of [all.subarray(0, cut), all.subarray(cut)]) {
      reader.push(Buffer.from(chunk))
      for (let type = reader.next(); type > 0; type = reader.next())
        seen.push(String.fromCharCode(type) + body(reader))
    }
    expect(seen).toEqual(['Qabc\0', 'S', 'Qabc\0'])
    expect(reader.waiting).toBe(0)
  }
})

test('byte by byte', () => {
  const reader = new MessageReader()
  const seen: number[] = []
  for (const byte of Buffer.concat([QUERY, SYNC])) {
    reader.push(Buffer.from([byte]))
    const type = reader.next()
    if (type !== INCOMPLETE) seen.push(type)
  }
  expect(seen).toEqual([0x51, 0x53])
})

test('bytes that were handed out are not written again', () => {
  const reader = new MessageReader()
  reader.push(QUERY.subarray(0, 4))
  reader.push(Buffer.concat([QUERY.subarray(4), QUERY.subarray(0, 6)]))
  expect(reader.next()).toBe(0x51)
  const { buffer, start, end } = reader
  for (let i = 0; i < 10; i++) reader.push(Buffer.alloc(10_000, 0xff))
  expect(buffer.toString('latin1', start, end)).toBe('abc\0')
})

test('a large message in small chunks arrives whole', () => {
  const size = 3_000_000
  const message = Buffer.alloc(1 + 4 + size, 0x78)
  message[0] = 0x64
  message.writeInt32BE(4 + size, 1)
  const reader = new MessageReader()
  let type = INCOMPLETE
  for (let at = 0; at < message.length; at += 65_536) {
    expect(type).toBe(INCOMPLETE)
    reader.push(Buffer.from(message.subarray(at, at + 65_536)))
    type = reader.next()
  }
  expect(type).toBe(0x64)
  expect(reader.end - reader.start).toBe(size)
  expect(reader.buffer.subarray(reader.start, reader.end).equals(message.subarray(5))).toBe(true)
})

test('a declared length costs no memory before the bytes are there', () => {
  const reader = new MessageReader()
  reader.push(Buffer.from([0x64, 0x3f, 0xff, 0xff, 0xff]))
  reader.push(Buffer.from([1]))
  expect(reader.next()).toBe(INCOMPLETE)
  expect(reader.buffer.length).toBeLessThanOrEqual(1_100_000)
})

test('unknown types and impossible lengths are refused', () => {
  const refused = (bytes: readonly number[]): number => {
    const reader = new MessageReader()
    reader.push(Buffer.from(bytes))
    return reader.next()
  }
  expect(refused([0x01])).toBe(BAD_TYPE)
  expect(refused([0x7a, 0, 0, 0, 4])).toBe(BAD_TYPE)
  expect(refused([0x51, 0, 0, 0, 3])).toBe(BAD_LENGTH)
  expect(refused([0x51, 0x80, 0, 0, 0])).toBe(BAD_LENGTH)
  expect(refused([0x51, 0x40, 0, 0, 0])).toBe(BAD_LENGTH)
  expect(refused([0x53, 0, 0, 0x27, 0x11])).toBe(BAD_LENGTH)
  expect(refused([0x53, 0, 0, 0x27, 0x10])).toBe(INCOMPLETE)
})

test('startup packets have no type byte', () => {
  const reader = new MessageReader()
  reader.push(STARTUP.subarray(0, 3))
  expect(reader.nextStartup()).toBe(INCOMPLETE)
  reader.push(Buffer.concat([STARTUP.subarray(3), SYNC]))
  expect(reader.nextStartup()).toBe(0x0003_0000)
  expect(body(reader)).toBe('\0')
  expect(reader.next()).toBe(0x53)
})

test('a startup packet longer than 10,000 bytes or without a version is refused', () => {
  const reader = new MessageReader()
  reader.push(Buffer.from([0, 0, 0x27, 0x11]))
  expect(reader.nextStartup()).toBe(BAD_LENGTH)
  const short = new MessageReader()
  short.push(Buffer.from([0, 0, 0, 7, 0, 0, 0]))
  expect(short.nextStartup()).toBe(BAD_LENGTH)
})
