import { describe, expect, test } from 'vitest'
import { ByteWriter } from '../../storage/base/byte-writer.ts'
import { builtinType, builtinTypeByName } from './registry.ts'
import { testContext } from './testing/context.ts'
import type { Type, TypeContext } from './type.ts'
import { arrayType, compositeType, domainType, enumType } from './user-types.ts'
import { RecordValue, type Value } from './value.ts'

function builtin(name: string): Type {
  const type = builtinTypeByName(name)
  if (type === undefined) throw new Error(name)
  return type
}

const mood = enumType({ oid: 16_400, name: 'mood', arrayOid: 16_401 }, [
  { oid: 1, label: 'sad', sortOrder: 1 },
  { oid: 3, label: 'ok', sortOrder: 1.5 },
  { oid: 2, label: 'happy', sortOrder: 2 },
])
const moods = arrayType(mood, 16_401, '_mood')
const pair = compositeType(
  { oid: 16_410, name: 'pair', arrayOid: 0 },
  [
    { name: 'a', type: builtin('int4'), typmod: -1 },
    { name: 'b', type: builtin('text'), typmod: -1 },
    { name: 'm', type: mood, typmod: -1 },
  ],
  builtinType,
)
const own = new Map([mood, moods, pair].map((type) => [type.oid, type]))
const context: TypeContext = testContext({
  lookup: { ...testContext().lookup, type: (oid) => own.get(oid) ?? testContext().lookup.type(oid) },
})

/** Through binary and through storage. */
function roundTrips(type: Type, value: NonNullable<Value>): Value[] {
  const writer = new ByteWriter(8)
  type.send(value, writer, context)
  const sent = writer.copy()
  writer.reset()
  type.encodeStored(value, writer)
  const stored = writer.copy()
  return [type.receive(sent, 0, sent.length, -1, context), type.decodeStored(stored, 0, stored.length)]
}

test('an enum orders by its sort order and is kept by the oid of its label', () => {
  expect(mood.compare?.('sad', 'ok')).toBeLessThan(0)
  expect(mood.compare?.('happy', 'ok')).toBeGreaterThan(0)
  expect(roundTrips(mood, 'ok')).toEqual(['ok', 'ok'])
  expect(() => mood.input('angry', -1, context)).toThrow(
    expect.objectContaining({ code: '22P02', message: 'invalid input value for enum mood: "angry"' }),
  )
  const value = moods.input('{ok,NULL,sad}', -1, context) as NonNullable<Value>
  expect(moods.output(value, context)).toBe('{ok,NULL,sad}')
  expect(roundTrips(moods, value)).toEqual([value, value])
})

test('a domain reads with the typmod of its base', () => {
  const zip = domainType({ oid: 16_420, name: 'zip', arrayOid: 0 }, builtin('varchar'), 5 + 4)
  expect(zip).toMatchObject({ kind: 'domain', baseOid: 1043, category: 'S' })
  expect(zip.input('12345', -1, context)).toBe('12345')
  expect(() => zip.input('123456', -1, context)).toThrow(expect.objectContaining({ code: '22001' }))
})

describe('composite types', () => {
  test.each([
    ['(1,b,ok)', '(1,b,ok)'],
    ['(1,"a b",)', '(1,"a b",)'],
    [' (,,) ', '(,,)'],
    ['(1,"x""y\\\\z",sad)', '(1,"x""y\\\\z",sad)'],
    ['(1,"",sad)', '(1,"",sad)'],
    ['(1,a"b c"d,)', '(1,"ab cd",)'],
  ])('%s is %s and survives', (text, shown) => {
    const value = pair.input(text, -1, context) as NonNullable<Value>
    expect(pair.output(value, context)).toBe(shown)
    expect(roundTrips(pair, value)).toEqual([value, value])
  })

  test.each([
    ['1,2,3', 'Missing left parenthesis.'],
    ['(1,b)', 'Too few columns.'],
    ['(1,b,ok,4)', 'Too many columns.'],
    ['(1,b,ok', 'Unexpected end of input.'],
    ['(1,b,ok) x', 'Junk after right parenthesis.'],
  ])('%s is refused: %s', (text, detail) => {
    expect(() => pair.input(text, -1, context)).toThrow(
      expect.objectContaining({
        code: '22P02',
        message: `malformed record literal: "${text}"`,
        fields: expect.objectContaining({ detail }) as unknown,
      }),
    )
  })

  test('anonymous records print and compare, but cannot be read', () => {
    const record = builtin('record')
    const make = (...fields: Value[]): RecordValue =>
      new RecordValue(2249, fields, { names: ['f1', 'f2'], types: [23, 25] })
    expect(record.output(make(1, 'a,b'), context)).toBe('(1,"a,b")')
    expect(record.compare?.(make(1, 'a'), make(1, 'b'))).toBeLessThan(0)
    expect(record.compare?.(make(1, null), make(1, 'b'))).toBeGreaterThan(0)
    expect(() => record.input('(1,2)', -1, context)).toThrow(expect.objectContaining({ code: '0A000' }))
  })
})
