import { expect, test } from 'vitest'

import { copyWords, viewOf } from './bytes.ts'
import { SeededPrng } from './testing/test-env.ts'

test('copyWords copies the range and nothing else, wherever it lies', () => {
  const prng = new SeededPrng(7)
  const from = prng.bytes(400)
  for (let length = 0; length <= 100; length++) {
    const start = prng.below(200)
    const at = prng.below(200)
    const to = Buffer.alloc(400, 0xee)
    const expected = Buffer.from(to)
    from.copy(expected, at, start, start + length)
    copyWords(viewOf(from), start, start + length, viewOf(to), at)
    expect(to).toEqual(expected)
  }
})
