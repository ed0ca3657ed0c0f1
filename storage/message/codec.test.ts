import { expect, test } from 'vitest'

import { SeededPrng } from '../base/testing/test-env.ts'
import type { Epoch } from '../base/ids.ts'
import { StorageError } from '../base/errors.ts'
import { decodeAnswer, decodeRequest, encodeAnswer, encodeRequest } from './codec.ts'
import { FieldReader, FieldWriter } from './field.ts'
import { encodeFrame, type Frame, FRAME_HEADER_SIZE_BYTES, FrameReader } from './frame.ts'
import { SAMPLE_ANSWERS, SAMPLE_REQUESTS } from './testing/sample-messages.ts'

const SIZE_MAX = 400_000

function newReader(): FrameReader {
  const reader = new FrameReader()
  reader.sizeMax = SIZE_MAX
  return reader
}

/** All frames of a stream that arrives in pieces of these lengths, the last one repeated. */
function framesOf(stream: Buffer, lengths: () => number): Frame[] {
  const reader = newReader()
  const frames: Frame[] = []
  for (let at = 0; at < stream.length;) {
    const length = lengths()
    reader.push(stream.subarray(at, at + length))
    at += length
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) frames.push(frame)
  }
  return frames
}

test('a request has these bytes', () => {
  const [query] = SAMPLE_REQUESTS
  expect(Buffer.concat(encodeRequest(query as (typeof SAMPLE_REQUESTS)[0])).toString('hex')).toBe(
    // magic and version, request, head of 5 bytes, no tail, crc; query, id 7, volume epoch 3, membership epoch 300
    '424c4601020000000500000000000000' + '6d5b370f' + '010703ac02',
  )
  const page = encodeAnswer({ kind: 'page', id: 300, image: Buffer.from([1, 2, 3]) })
  expect(Buffer.concat(page).toString('hex')).toBe('424c460103000000040000000300000069e09dff03ac0203010203')
})

test('every message comes out as it went in, however the stream is cut', () => {
  const prng = new SeededPrng(4)
  const requests = Buffer.concat(SAMPLE_REQUESTS.flatMap(encodeRequest))
  const answers = Buffer.concat(SAMPLE_ANSWERS.flatMap(encodeAnswer))
  for (const lengths of [() => 1 << 20, () => 1 + Math.floor(prng.next() * 70), () => 65_536]) {
    expect(framesOf(requests, lengths).map(decodeRequest)).toEqual(SAMPLE_REQUESTS)
    expect(framesOf(answers, lengths).map(decodeAnswer)).toEqual(SAMPLE_ANSWERS)
  }
})

test('large byte strings are sent as they lie in memory and come out as ranges of the frame', () => {
  const shared = Buffer.from(new SharedArrayBuffer(64_000))
  shared.fill(9)
  const request = { kind: 'append', id: 1, volumeEpoch: 1 as Epoch, membershipEpoch: 1 as Epoch } as const
  const pieces = encodeRequest({ ...request, batches: [shared] })
  expect(pieces).toHaveLength(2)
  expect(pieces[1]?.buffer).toBe(shared.buffer)
  const [frame] = framesOf(Buffer.concat(pieces), () => 10_000)
  const message = decodeRequest(frame as Frame)
  expect(message.kind === 'append' && message.batches[0]?.buffer).toBe(frame?.tail.buffer)
})

test('numbers up to 2^53 - 1 survive, larger ones are refused', () => {
  const writer = new FieldWriter()
  const numbers = [
    0,
    1,
    127,
    128,
    16_383,
    16_384,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 32,
    2 ** 45 + 3,
    Number.MAX_SAFE_INTEGER,
  ]
  for (const number of numbers) writer.count(number)
  const reader = new FieldReader(writer.head.copy(), Buffer.alloc(0))
  expect(numbers.map(() => reader.count())).toEqual(numbers)
  reader.finish()
  const tooLarge = Buffer.from('ffffffffffffffffff7f', 'hex')
  expect(() => new FieldReader(tooLarge, Buffer.alloc(0)).count()).toThrow(/a number is too large/)
})

test('any flipped bit and any cut is found', () => {
  const stream = Buffer.concat(encodeAnswer({ kind: 'page', id: 1, image: Buffer.from('page') }))
  for (let bit = 0; bit < stream.length * 8; bit++) {
    const flipped = Buffer.from(stream)
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
    const reader = newReader()
    reader.push(flipped)
    // A longer length is found once so many bytes came.
    reader.push(Buffer.alloc(SIZE_MAX))
    expect(() => reader.next(), `bit ${bit}`).toThrow(StorageError)
  }
  const reader = newReader()
  reader.push(stream.subarray(0, stream.length - 1))
  expect(reader.next()).toBeUndefined()
})

test('strangers and giants are told apart by their first bytes', () => {
  const say = (bytes: Buffer | string) => () => {
    const reader = newReader()
    reader.push(Buffer.from(bytes))
    return reader.next()
  }
  expect(say('G')).toThrow(/does not speak the storage protocol/)
  expect(say('BLG')).toThrow(/does not speak the storage protocol/)
  expect(say('BLF\x02')).toThrow(/frame version 2, expected 1/)
  expect(say('BL')()).toBeUndefined()
  const [frame] = encodeFrame('request', Buffer.alloc(SIZE_MAX + 1), [])
  expect(say((frame as Buffer).subarray(0, FRAME_HEADER_SIZE_BYTES))).toThrow(/is too large/)
})

test('whatever bytes a frame holds, they are a message or an error, never more', () => {
  const prng = new SeededPrng(11)
  const below = (n: number): number => Math.floor(prng.next() * n)
  const frames = [
    ...framesOf(Buffer.concat(SAMPLE_REQUESTS.flatMap(encodeRequest)), () => 1 << 20),
    ...framesOf(Buffer.concat(SAMPLE_ANSWERS.flatMap(encodeAnswer)), () => 1 << 20),
  ]
  let refused = 0
  for (let round = 0; round < 10_000; round++) {
    const { kind, head, tail } = frames[below(frames.length)] as Frame
    let bytes = Buffer.from(head)
    for (let change = below(3); change >= 0; change--) {
      const at = below(bytes.length + 1)
      if (at < bytes.length) bytes[at] = below(256)
      if (below(4) === 0)
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(below(bytes.length + 1))])
    }
    const frame = { kind, head: bytes, tail: below(3) === 0 ? tail.subarray(below(tail.length + 1)) : tail }
    try {
      const message = kind === 'request' ? decodeRequest(frame) : decodeAnswer(frame)
      // What was accepted is well typed: it can be written again.
      if (message.kind !== 'failed') {
        if (kind === 'request') encodeRequest(message as ReturnType<typeof decodeRequest>)
        else encodeAnswer(message as ReturnType<typeof decodeAnswer>)
      }
    } catch (error) {
      if (!(error instanceof StorageError) || error.kind !== 'corrupt') throw error
      refused++
    }
  }
  expect(refused).toBeGreaterThan(2_500)
})
