// Functions that live beside the types: numeric arithmetic and mathematics, templates of to_char and its
// inverses. The golden files hold PostgreSQL's answers.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { formatIntervalPattern, formatTimestampPattern, formatTimestampTzPattern } from './format-datetime.ts'
import { formatFloatPattern, formatIntegerPattern, formatNumericPattern } from './format-numeric.ts'
import type { Interval } from './interval.ts'
import { formatNumeric, type Numeric, parseNumeric, trimScale } from './numeric.ts'
import * as arithmetic from './numeric-arithmetic.ts'
import { numericExp, numericLn, numericLog, numericPower, numericSqrt } from './numeric-math.ts'
import { parseDatePattern, parseTimestampPattern } from './parse-datetime-pattern.ts'
import { parseNumericPattern } from './parse-numeric-pattern.ts'
import { builtinTypeByName } from './registry.ts'
import { SqlError } from './sql-error.ts'
import { testContext } from './testing/context.ts'
import { formatOutcome, type GoldenFile, goldenFunctions, writeGolden } from './testing/golden.ts'
import { HAS_ORACLE, Oracle, quote } from './testing/oracle.ts'
import type { Type, TypeContext } from './type.ts'
import type { Int8, Value } from './value.ts'

type Call = (args: readonly string[], context: TypeContext) => string | null

function type(name: string): Type {
  const found = builtinTypeByName(name)
  if (found === undefined) throw new Error(name)
  return found
}

function read<V extends Value>(name: string, text: string | undefined, context: TypeContext): V {
  return type(name).input(text ?? '', -1, context) as V
}

function unary(apply: (a: Numeric) => Numeric): Call {
  return ([a = '']) => formatNumeric(apply(parseNumeric(a)))
}

function binary(apply: (a: Numeric, b: Numeric) => Numeric): Call {
  return ([a = '', b = '']) => formatNumeric(apply(parseNumeric(a), parseNumeric(b)))
}

const calls: Readonly<Record<string, Call>> = {
  sqrt: unary(numericSqrt),
  ln: unary(numericLn),
  exp: unary(numericExp),
  floor: unary(arithmetic.numericFloor),
  ceil: unary(arithmetic.numericCeil),
  trim_scale: unary(trimScale),
  round: ([a = '', scale]) => formatNumeric(arithmetic.numericRound(parseNumeric(a), Number(scale))),
  trunc: ([a = '', scale]) => formatNumeric(arithmetic.numericTruncate(parseNumeric(a), Number(scale))),
  '+': binary(arithmetic.numericAdd),
  '-': binary(arithmetic.numericSubtract),
  '*': binary(arithmetic.numericMultiply),
  '/': binary(arithmetic.numericDivide),
  '%': binary(arithmetic.numericModulo),
  div: binary(arithmetic.numericDivideTruncated),
  power: binary(numericPower),
  log: binary(numericLog),
  'to_char timestamp': ([a, b = ''], context) => formatTimestampPattern(read('timestamp', a, context), b),
  'to_char timestamptz': ([a, b = ''], context) =>
    formatTimestampTzPattern(read('timestamptz', a, context), b, context),
  'to_char interval': ([a, b = ''], context) =>
    formatIntervalPattern(read<Interval>('interval', a, context), b),
  'to_char numeric': ([a = '', b = '']) => formatNumericPattern(parseNumeric(a), b),
  'to_char float8': ([a, b = ''], context) => formatFloatPattern(read('float8', a, context), b, 15),
  'to_char float4': ([a, b = ''], context) => formatFloatPattern(read('float4', a, context), b, 6),
  'to_char int4': ([a, b = ''], context) => formatIntegerPattern(read<Int8>('int4', a, context), b, false),
  'to_char int8': ([a, b = ''], context) => formatIntegerPattern(read<Int8>('int8', a, context), b, true),
  to_timestamp: ([a = '', b = ''], context) =>
    type('timestamptz').output(parseTimestampPattern(a, b, context), context),
  to_date: ([a = '', b = ''], context) => type('date').output(parseDatePattern(a, b), context),
  to_number: ([a = '', b = '']) => {
    const value = parseNumericPattern(a, b)
    return value === null ? null : formatNumeric(value)
  },
}

/** The call as SQL, its result as text; NULL is shown as nothing. */
function toSql(text: string): string {
  const [name = '', first = '', second] = JSON.parse(text) as string[]
  const [functionName = '', typeName] = name.split(' ')
  if (typeName !== undefined)
    return `coalesce(to_char(${quote(first)}::${typeName}, ${quote(second ?? '')}), '')`
  if (functionName.startsWith('to_'))
    return `coalesce(${functionName}(${quote(first)}, ${quote(second ?? '')})::text, '')`
  const a = `${quote(first)}::numeric`
  if (functionName === 'round' || functionName === 'trunc') return `${functionName}(${a}, ${second})::text`
  if (second === undefined) return `${functionName}(${a})::text`
  const b = `${quote(second)}::numeric`
  return /^\w/.test(functionName) ? `${functionName}(${a}, ${b})::text` : `(${a} ${functionName} ${b})::text`
}

function ourOutcome(text: string, context: TypeContext): string {
  const [name = '', ...args] = JSON.parse(text) as string[]
  try {
    const result = calls[name]?.(args, context) ?? ''
    return formatOutcome({ text: result, binary: '' })
  } catch (thrown) {
    if (!(thrown instanceof SqlError)) throw thrown
    const { detail = '', hint = '' } = thrown.fields
    return formatOutcome({ code: thrown.code, message: thrown.message, detail, hint })
  }
}

const files: readonly GoldenFile[] = ['numeric', 'datetime-templates', 'number-templates'].map(
  goldenFunctions,
)

test.each(files)('$name', (file) => {
  expect(file.cases.length).toBeGreaterThan(500)
  const context = testContext({ timeZone: file.settings['timezone'] ?? 'UTC' })
  const ours = file.cases.map(({ text }) => `${text} => ${ourOutcome(text, context)}`)
  expect(ours).toEqual(file.cases.map(({ text, expected }) => `${text} => ${expected}`))
})

describe.skipIf(!HAS_ORACLE)('golden files against PostgreSQL (BOREALIS_TEST_PG)', () => {
  let oracle: Oracle
  beforeAll(async () => {
    oracle = await Oracle.connect()
  })
  afterAll(() => oracle.close())

  test.each(files)('$name', async (file) => {
    await oracle.set({ timezone: 'UTC', ...file.settings })
    const outcomes = await oracle.evaluate(
      file.cases.map(({ text }) => toSql(text)),
      'textsend',
    )
    const shown = outcomes.map((outcome) =>
      formatOutcome('text' in outcome ? { ...outcome, binary: '' } : outcome),
    )
    if (process.env['BOREALIS_GOLDEN'] === 'update') writeGolden(file, shown)
    else expect(shown).toEqual(file.cases.map(({ expected }) => expected))
  })
})
