import { expect, test } from 'vitest'
import { ByteWriter } from '../../storage/base/byte-writer.ts'
import {
  compileKeyEncoder,
  compileKeyPrefixEncoder,
  type KeyColumn,
  keyTooLarge,
  prefixEnd,
  writeNotNullPrefix,
} from './key-codec.ts'
import { builtinTypeByName, builtinTypes } from './registry.ts'
import { sampleValues, seededRandom } from './testing/samples.ts'
import type { Type } from './type.ts'
import type { Row, Value } from './value.ts'

const SAMPLES = 60

function keyOf(encode: (writer: ByteWriter) => void): Buffer {
  const writer = new ByteWriter(16)
  encode(writer)
  return writer.copy()
}

const sampledTypes: readonly (readonly [string, Type, readonly NonNullable<Value>[]])[] = builtinTypes()
  .filter(({ encodeKey }) => encodeKey !== undefined)
  .map((type) => [type.name, type, sampleValues(type.name, SAMPLES)] as const)
  .filter(([, , values]) => values.length > 1)

test('many types have keys and samples', () => {
  expect(sampledTypes.map(([name]) => name)).toEqual(
    expect.arrayContaining([
      'bool',
      'int2',
      'int4',
      'int8',
      'float4',
      'float8',
      'numeric',
      'text',
      'bytea',
      'uuid',
      'date',
    ]),
  )
  expect(sampledTypes.length).toBeGreaterThan(30)
})

test.each(sampledTypes)(
  'memcmp of %s keys is the order of values, and hash keys are equal for equal values',
  (_, type, values) => {
    const { compare, encodeKey, hashKey } = type
    if (compare === undefined || encodeKey === undefined || hashKey === undefined)
      throw new Error('not comparable')
    const keys = values.map((value) => keyOf((writer) => encodeKey(value, writer)))
    for (let i = 0; i < values.length; i++) {
      for (let j = 0; j < values.length; j++) {
        const a = values[i] as NonNullable<Value>
        const b = values[j] as NonNullable<Value>
        const order = Math.sign(compare(a, b))
        const x = keys[i] as Buffer
        const y = keys[j] as Buffer
        if (Math.sign(Buffer.compare(x, y)) !== order) expect([a, b, x, y]).toBe(order)
        if (order !== 0 && y.subarray(0, x.length).equals(x)) expect([a, b]).toBe('no prefix of each other')
        const sameHash = new Set([hashKey(a), hashKey(b)]).size === 1
        if (sameHash !== (order === 0)) expect([a, b, hashKey(a), hashKey(b)]).toBe(order)
      }
    }
  },
)

function column(typeName: string, options: Partial<KeyColumn> = {}): KeyColumn {
  const type = builtinTypeByName(typeName) as Type
  return { type, descending: false, nullsFirst: false, nullable: true, ...options }
}

/** The order an index promises. */
function compareRows(columns: readonly KeyColumn[], a: Row, b: Row): number {
  for (const [i, { type, descending, nullsFirst }] of columns.entries()) {
    const x = a[i] ?? null
    const y = b[i] ?? null
    if (x === null || y === null) {
      if (x === y) continue
      return (x === null) === nullsFirst ? -1 : 1
    }
    const order = Math.sign(type.compare?.(x, y) ?? 0)
    if (order !== 0) return descending ? -order : order
  }
  return 0
}

test('keys of several columns order by column, direction and place of NULLs', () => {
  const random = seededRandom(7)
  for (let round = 0; round < 20; round++) {
    const columns = ['text', 'int4', 'numeric', 'bytea'].map((name) =>
      column(name, { descending: random() < 0.5, nullsFirst: random() < 0.5 }),
    )
    const samples = columns.map(({ type }) => sampleValues(type.name, 4, round))
    const rows: Row[] = Array.from({ length: 25 }, () =>
      samples.map((values) =>
        random() < 0.2 ? null : (values[Math.floor(random() * values.length)] ?? null),
      ),
    )
    const encode = compileKeyEncoder(columns)
    const encodePrefix = compileKeyPrefixEncoder(columns)
    for (const a of rows) {
      for (const b of rows) {
        const x = keyOf((writer) => encode(a, writer))
        const y = keyOf((writer) => encode(b, writer))
        expect(Math.sign(Buffer.compare(x, y))).toBe(compareRows(columns, a, b))
        const prefix = keyOf((writer) => encodePrefix(a, 2, writer))
        const end = prefixEnd(prefix)
        const isInRange = Buffer.compare(prefix, y) <= 0 && (end === undefined || Buffer.compare(y, end) < 0)
        expect(isInRange).toBe(compareRows(columns.slice(0, 2), a, b) === 0)
      }
    }
  }
})

test('the prefix of all non-NULL values bounds them on both sides, wherever NULLs lie', () => {
  for (const nullsFirst of [true, false]) {
    const key = column('int4', { nullsFirst })
    const encode = compileKeyEncoder([key])
    const low = keyOf((writer) => writeNotNullPrefix(key, writer))
    const high = prefixEnd(low) as Buffer
    for (const value of [-0x8000_0000, 0, 0x7fff_ffff]) {
      const bytes = keyOf((writer) => encode([value], writer))
      expect(Buffer.compare(low, bytes)).toBeLessThan(0)
      expect(Buffer.compare(bytes, high)).toBeLessThan(0)
    }
    const ofNull = keyOf((writer) => encode([null], writer))
    expect(Buffer.compare(ofNull, low) < 0).toBe(nullsFirst)
    expect(Buffer.compare(ofNull, high) >= 0).toBe(!nullsFirst)
  }
})

test('prefixEnd skips trailing ff, and there is none above ff', () => {
  expect(prefixEnd(Buffer.from([1, 2]))).toEqual(Buffer.from([1, 3]))
  expect(prefixEnd(Buffer.from([1, 0xff, 0xff]))).toEqual(Buffer.from([2]))
  expect(prefixEnd(Buffer.from([0xff]))).toBeUndefined()
  expect(prefixEnd(Buffer.alloc(0))).toBeUndefined()
})

test('a type without order makes no key, and a large key has an error to say so', () => {
  expect(() => compileKeyEncoder([column('json')])).toThrow(
    expect.objectContaining({
      code: '42704',
      message: 'data type json has no default operator class for access method "btree"',
    }),
  )
  expect(keyTooLarge(5000, 'i')).toMatchObject({ code: '54000' })
})
