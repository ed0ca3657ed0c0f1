// Lengths and precisions: what type modifiers are, how they print, what they do to values; and malformed
// binary input.

import { describe, expect, test } from 'vitest'
import { builtinTypeByName } from './registry.ts'
import { testContext } from './testing/context.ts'
import type { Type } from './type.ts'
import type { Value } from './value.ts'

const context = testContext()

function type(name: string): Type {
  const found = builtinTypeByName(name)
  if (found === undefined) throw new Error(name)
  return found
}

describe('type modifiers are PostgreSQL’s numbers', () => {
  test.each([
    ['varchar', ['10'], 14, '(10)'],
    ['bpchar', ['3'], 7, '(3)'],
    ['numeric', ['5', '2'], 327_686, '(5,2)'],
    ['numeric', ['3', '-2'], 198_658, '(3,-2)'],
    ['timestamp', ['3'], 3, '(3) without time zone'],
    ['timestamptz', ['0'], 0, '(0) with time zone'],
    ['time', ['9'], 6, '(6) without time zone'],
    ['bit', ['8'], 8, '(8)'],
    ['varbit', ['8'], 8, '(8)'],
    ['interval', ['4'], 327_679, ' year'],
    ['interval', ['32767', '3'], 2_147_418_115, '(3)'],
    ['_varchar', ['4'], 8, '(4)'],
  ])('%s %s', (name, args, typmod, shown) => {
    expect(type(name).typmodIn(args)).toBe(typmod)
    expect(type(name).typmodOut(typmod)).toBe(shown)
  })

  test.each([
    ['varchar', ['0'], '22023', 'length for type varchar must be at least 1'],
    ['bpchar', ['10485761'], '22023', 'length for type char cannot exceed 10485760'],
    ['numeric', ['1001'], '22023', 'NUMERIC precision 1001 must be between 1 and 1000'],
    ['numeric', ['1', '2', '3'], '22023', 'invalid NUMERIC type modifier'],
    ['int4', ['4'], '42601', 'type modifier is not allowed for type "int4"'],
    ['timestamp', ['-1'], '22023', 'TIMESTAMP(-1) precision must not be negative'],
  ])('%s %s is refused', (name, args, code, message) => {
    expect(() => type(name).typmodIn(args)).toThrow(expect.objectContaining({ code, message }))
  })
})

/** name, modifier, value, result of a cast, result of an assignment or its error. */
const COERCIONS: readonly (readonly [string, string[], string, string, string])[] = [
  ['varchar', ['3'], 'abcdef', 'abc', '!22001 value too long for type character varying(3)'],
  ['varchar', ['3'], 'abc  ', 'abc', 'abc'],
  ['varchar', ['2'], '日本語', '日本', '!22001 value too long for type character varying(2)'],
  ['bpchar', ['5'], 'ab', 'ab   ', 'ab   '],
  ['bpchar', ['2'], 'abc', 'ab', '!22001 value too long for type character(2)'],
  ['numeric', ['4', '1'], '123.45', '123.5', '123.5'],
  ['numeric', ['4', '1'], '1234.5', '!22003 numeric field overflow', '!22003 numeric field overflow'],
  ['numeric', ['3', '-2'], '12345', '12300', '12300'],
  ['numeric', ['3', '0'], 'NaN', 'NaN', 'NaN'],
  ['numeric', ['3', '0'], 'Infinity', '!22003 numeric field overflow', '!22003 numeric field overflow'],
  ['timestamp', ['1'], '2024-01-01 00:00:00.25', '2024-01-01 00:00:00.3', '2024-01-01 00:00:00.3'],
  ['timestamp', ['0'], '1999-12-31 23:59:59.5', '1999-12-31 23:59:59', '1999-12-31 23:59:59'],
  ['time', ['0'], '23:59:59.9', '24:00:00', '24:00:00'],
  ['interval', ['4'], '1 year 5 mons 3 days', '1 year', '1 year'],
  ['interval', ['1032'], '3 days 04:05:06', '3 days 04:00:00', '3 days 04:00:00'],
  ['interval', ['32767', '0'], '1.5 s', '00:00:02', '00:00:02'],
  ['bit', ['4'], '101', '1010', '!22026 bit string length 3 does not match type bit(4)'],
  ['varbit', ['2'], '101', '10', '!22001 bit string too long for type bit varying(2)'],
  ['_numeric', ['3', '1'], '{1.26,NULL}', '{1.3,NULL}', '{1.3,NULL}'],
]

test.each(COERCIONS)('%s %j of %s', (name, args, text, cast, assigned) => {
  const target = type(name)
  const typmod = target.typmodIn(args)
  const apply = (explicit: boolean): string => {
    try {
      const value = target.applyTypmod(
        target.input(text, -1, context) as NonNullable<Value>,
        typmod,
        explicit,
      )
      return target.output(value as NonNullable<Value>, context)
    } catch (thrown) {
      const { code, message } = thrown as { code: string; message: string }
      return `!${code} ${message}`
    }
  }
  expect([apply(true), apply(false)]).toEqual([cast, assigned])
})

test('the detail of a numeric overflow names the limit', () => {
  const overflow = (args: string[], text: string): unknown => {
    try {
      return type('numeric').input(text, type('numeric').typmodIn(args), context)
    } catch (thrown) {
      return (thrown as { fields: { detail: string } }).fields.detail
    }
  }
  const head = 'A field with precision'
  expect(overflow(['4', '1'], '1234.5')).toBe(
    `${head} 4, scale 1 must round to an absolute value less than 10^3.`,
  )
  expect(overflow(['2', '2'], '1')).toBe(`${head} 2, scale 2 must round to an absolute value less than 1.`)
  expect(overflow(['2', '4'], '1')).toBe(
    `${head} 2, scale 4 must round to an absolute value less than 10^-2.`,
  )
  expect(overflow(['3', '0'], 'inf')).toBe(`${head} 3, scale 0 cannot hold an infinite value.`)
})

describe('malformed binary input is refused', () => {
  test.each([
    ['int4', '0000', '08P01'],
    ['int4', '0000000000', '22P03'],
    ['float8', '00', '08P01'],
    ['text', 'ff', '22021'],
    ['text', '6100', '22021'],
    ['uuid', '00', '08P01'],
    ['numeric', '000100000000', '08P01'],
    ['numeric', '00010000200000000001', '22P03'],
    ['numeric', '00010000000000002710', '22P03'],
    ['date', '7ffffffe', '22008'],
    ['timestamp', '7ffffffffffffffe', '22008'],
    ['time', 'ffffffffffffffff', '22008'],
    ['timetz', '00000000000000000000ea60', '22009'],
    ['jsonb', '0231', 'XX000'],
    ['jsonb', '017b', '22P02'],
    ['_int4', '00000001', '08P01'],
    ['_int4', '000000070000000000000017', '54000'],
    ['_int4', '000000010000000000000019000000010000000100000000', '42804'],
    ['_int4', '0000000100000000000000177fffffff00000001', '08P01'],
    ['inet', '0421000401020304', '22P03'],
    ['varbit', '00000010ff', '08P01'],
    ['bool', '', '08P01'],
  ])('%s %s', (name, hex, code) => {
    const bytes = Buffer.from(`ee${hex}`, 'hex')
    expect(() => type(name).receive(bytes, 1, bytes.length, -1, context)).toThrow(
      expect.objectContaining({ code }),
    )
  })
})
