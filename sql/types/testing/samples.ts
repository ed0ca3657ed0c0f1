// Values for property tests: what the golden files hold for a type, and a seeded generator that mixes in
// random ones.

import { builtinTypeByName } from '../registry.ts'
import type { Type } from '../type.ts'
import type { Value } from '../value.ts'
import { testContext } from './context.ts'
import { goldenContext, goldenFiles, KNOWN_DIFFERENCES } from './golden.ts'

/** A seeded generator of floats in [0, 1) (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

/** Texts of random values, for the types where the golden files are too tame. */
const RANDOM_TEXTS: Readonly<Record<string, (random: () => number) => string>> = {
  int2: (random) => String(Math.floor(random() * 65_536) - 32_768),
  int4: (random) => String(Math.floor((random() - 0.5) * 2 ** Math.floor(random() * 32))),
  int8: (random) => String(BigInt.asIntN(64, BigInt(Math.floor(random() * 2 ** 53)) ** 2n)),
  float8: (random) => String((random() - 0.5) * 10 ** Math.floor(random() * 40 - 20)),
  float4: (random) => String((random() - 0.5) * 10 ** Math.floor(random() * 20 - 10)),
  numeric: (random) =>
    `${((random() - 0.5) * 1e6).toFixed(Math.floor(random() * 8))}e${Math.floor(random() * 20 - 10)}`,
  text: randomText,
  bytea: (random) =>
    `\\x${Array.from({ length: Math.floor(random() * 6) }, () => randomByte(random)).join('')}`,
  bpchar: (random) => randomText(random) + ' '.repeat(Math.floor(random() * 3)),
  _int4: (random) =>
    `{${Array.from({ length: Math.floor(random() * 4) }, () => Math.floor(random() * 3)).join()}}`,
  _text: (random) =>
    JSON.stringify(Array.from({ length: Math.floor(random() * 4) }, () => 'ab'[Math.floor(random() * 2)]))
      .replace('[', '{')
      .replace(']', '}'),
}

function randomByte(random: () => number): string {
  return ['00', 'ff', '01', '7f', 'fe'][Math.floor(random() * 5)] as string
}

function randomText(random: () => number): string {
  const alphabet = ['a', 'b', 'A', ' ', '\u0001', 'é', '日', '\ue000', '\uffff', '\u{1f600}', '\u{10000}']
  return Array.from({ length: Math.floor(random() * 5) }, () => alphabet[Math.floor(random() * 11)]).join('')
}

/** Some values of a type, distinct or not. */
export function sampleValues(typeName: string, count: number, seed = 1): NonNullable<Value>[] {
  const type = builtinTypeByName(typeName) as Type
  const context = testContext()
  const random = seededRandom(seed)
  const values: NonNullable<Value>[] = []
  for (const file of goldenFiles()) {
    if (file.type.replaceAll('"', '') !== typeName) continue
    for (const { text, expected } of file.cases) {
      if (expected.startsWith('!') || text.includes('1e131071')) continue
      if (KNOWN_DIFFERENCES.has(`${file.name} ${text}`)) continue
      values.push(type.input(text, -1, goldenContext(file)) as NonNullable<Value>)
    }
    break
  }
  const make = RANDOM_TEXTS[typeName]
  while (values.length < count && make !== undefined) {
    values.push(type.input(make(random), -1, context) as NonNullable<Value>)
  }
  // Not always the first ones.
  return values
    .map((value) => ({ value, rank: random() }))
    .sort((a, b) => a.rank - b.rank)
    .slice(0, count)
    .map(({ value }) => value)
}
