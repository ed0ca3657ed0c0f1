import { expect, test } from 'vitest'

import { ByteWriter } from './byte-writer.ts'

test('texts that repeat themselves are written like others', () => {
  const texts = ['a'.repeat(84), 'ä€𝄞'.repeat(20), 'a'.repeat(85), 'x'.repeat(300), 'short', 'b'.repeat(84)]
  const pattern = [0, 0, 0, 1, 1, 0, 1, 1, 1, 2, 0, 0, 4, 0, 3, 3, 3, 5, 0, 5, 5, 5, 2, 2, 2]
  const writer = new ByteWriter(16)
  let expected = ''
  for (const each of pattern) {
    const text = texts[each] ?? ''
    const start = writer.length
    expect(writer.utf8(text)).toBe(Buffer.byteLength(text))
    expect(writer.bytes.toString('utf8', start, writer.length)).toBe(text)
    expected += text
  }
  expect(writer.copy().toString()).toBe(expected)
})
