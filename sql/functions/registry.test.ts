// The registry against itself: every definition has its facts, operators and casts have their functions, and what a
// planner relies on (commutators, negators, strategies, inline forms) holds together.

import { expect, test } from 'vitest'
import { definedSignatures } from './definitions.ts'
import type { ScalarFunction } from './function.ts'
import { builtinFunctions } from './registry.ts'
import {
  callScalar,
  functionBySignature,
  inputValue,
  outputValue,
  testContext,
  typeOid,
} from './test-context.ts'
import { SqlError } from '../types/sql-error.ts'

const registry = builtinFunctions()

test('every definition is a function of PostgreSQL', () => {
  expect(registry.all().length).toBe(definedSignatures().length)
  expect(registry.all().length).toBeGreaterThan(1300)
  expect(registry.byOid(177)).toMatchObject({
    name: 'int4pl',
    argumentTypes: [23, 23],
    returnType: 23,
    strict: true,
  })
  expect(registry.byName('no such function')).toEqual([])
})

test('operators lead to functions, and to operators that are there', () => {
  for (const operator of registry.allOperators()) {
    const fn = registry.byOid(operator.functionOid)
    expect(fn?.argumentTypes, operator.name).toHaveLength(operator.left === 0 ? 1 : 2)
    if (operator.commutator !== 0) {
      expect(registry.operatorByOid(operator.commutator), `${operator.name} ${operator.oid}`).toBeDefined()
    }
  }
  const equal = registry
    .operatorsByName('=')
    .find((operator) => operator.left === 23 && operator.right === 23)
  expect(equal).toMatchObject({ oid: 96, btree: '=', canHash: true, negator: 518, commutator: 96 })
  expect(registry.operatorsByName('||').length).toBeGreaterThan(5)
  expect(registry.operatorsByName('->>').length).toBe(4)
})

test('casts have their function, context and method', () => {
  expect(registry.cast(23, 20)).toMatchObject({ functionOid: 481, context: 'implicit', method: 'function' })
  expect(registry.cast(25, 1043)).toMatchObject({ context: 'implicit', method: 'binary' })
  expect(registry.cast(114, 3802)).toMatchObject({ context: 'assignment', method: 'io' })
  expect(registry.cast(23, 17)).toBeUndefined()
})

/** What the expression compiler makes of an inline form. */
function compileInline(fn: ScalarFunction): (...args: unknown[]) => unknown {
  const names = fn.argumentTypes.map((_, i) => `a${i}`)
  const scope = fn.inlineScope ?? {}
  const source = fn.inline?.(...names) ?? ''
  const make = new Function(...Object.keys(scope), `return (${names.join(', ')}) => ${source}`)
  return make(...Object.values(scope)) as (...args: unknown[]) => unknown
}

const inlineSamples: Readonly<Record<string, readonly unknown[]>> = {
  int2: [0, 1, -1, 7, 32767, -32768],
  int4: [0, 1, -1, 7, 2147483647, -2147483648],
  int8: [0, 1, -1, 9007199254740991, -9007199254740991, 9223372036854775807n, -9223372036854775808n],
  float4: [0, 1.5, -2.5, NaN, Infinity],
  float8: [0, 1.5, -2.5, NaN, Infinity, -Infinity, 1e308],
  text: ['', 'a', 'b', '\u{10000}', '\uffff'],
}

function attempt(compute: () => unknown): unknown {
  try {
    return compute()
  } catch (error) {
    return error instanceof SqlError ? error.message : error
  }
}

test('inline forms say what calls say', () => {
  let count = 0
  for (const fn of registry.all()) {
    if (fn.kind !== 'scalar' || fn.inline === undefined) continue
    const inline = compileInline(fn)
    const lists = fn.argumentTypes.map((oid) => inlineSamples[testContext.lookup.type(oid).name] ?? [])
    const rows = lists.reduce<unknown[][]>(
      (all, list) => all.flatMap((row) => list.map((v) => [...row, v])),
      [[]],
    )
    for (const row of rows) {
      const call = fn.call as (...args: unknown[]) => unknown
      expect(
        attempt(() => inline(...row)),
        `${fn.name}(${row.join(', ')})`,
      ).toEqual(attempt(() => call(...row)))
      count++
    }
  }
  expect(count).toBeGreaterThan(3000)
})

/** fn(arguments as text) as text, or the error's code and message. */
function evaluate(signature: string, ...args: (string | null)[]): string {
  const fn = functionBySignature(signature) as ScalarFunction
  try {
    const values = args.map((arg, i) => inputValue(fn.argumentTypes[i] ?? 0, arg))
    return outputValue(fn.returnType, callScalar(fn, fn.argumentTypes, values)) ?? 'NULL'
  } catch (error) {
    if (error instanceof SqlError) return `${error.code} ${error.message}`
    throw error
  }
}

test.each([
  ['int4pl(int4,int4)', ['2147483647', '1'], '22003 integer out of range'],
  ['int4div(int4,int4)', ['7', '-2'], '-3'],
  ['int4div(int4,int4)', ['1', '0'], '22012 division by zero'],
  ['int2mul(int2,int2)', ['300', '300'], '22003 smallint out of range'],
  ['int8pl(int8,int8)', ['9007199254740991', '1'], '9007199254740992'],
  ['int8mi(int8,int8)', ['9007199254740993', '9007199254740992'], '1'],
  ['int8mul(int8,int8)', ['4294967296', '4294967296'], '22003 bigint out of range'],
  ['numeric_div(numeric,numeric)', ['1', '3'], '0.33333333333333333333'],
  ['float8div(float8,float8)', ['1', '0'], '22012 division by zero'],
  ['int4(float8)', ['2.5'], '2'],
  ['int4(numeric)', ['2.5'], '3'],
  ['substring(text,int4,int4)', ['hello', '-1', '4'], 'he'],
  ['split_part(text,text,int4)', ['a,b,c', ',', '-1'], 'c'],
  ['lpad(text,int4,text)', ['x', '5', 'ab'], 'ababx'],
  ['upper(text)', ['straße'], 'STRAßE'],
  ['regexp_replace(text,text,text,text)', ['foobarbaz', 'b(..)', 'X\\1Y', 'g'], 'fooXarYXazY'],
  ['regexp_match(text,text)', ['abc123', '(.*?)(\\d+)'], '{abc,1}'],
  ['textlike(text,text)', ['50% off', '50\\% %'], 't'],
  ['array_append(anycompatiblearray,anycompatible)', [null, null], 'NULL'],
  ['jsonb_object_field_text(jsonb,text)', ['{"a": "x\\ny"}', 'a'], 'x\ny'],
  ['jsonb_contains(jsonb,jsonb)', ['{"a": [1, 2.0, 3]}', '{"a": [2]}'], 't'],
  ['jsonb_set(jsonb,_text,jsonb,bool)', ['{"a": [1]}', '{a,5}', '2', 't'], '{"a": [1, 2]}'],
  ['date_trunc(text,timestamp)', ['week', '2024-02-29 12:00'], '2024-02-26 00:00:00'],
  ['timestamp_pl_interval(timestamp,interval)', ['2024-01-31', '1 mon'], '2024-02-29 00:00:00'],
  ['age(timestamp,timestamp)', ['2024-03-01', '2023-12-31'], '2 mons 1 day'],
  ['extract(text,timestamp)', ['second', '2024-01-01 00:00:01.5'], '1.500000'],
])('%s of %j is %s', (signature, args, expected) => {
  if (signature.startsWith('array_append')) {
    const fn = functionBySignature(signature) as ScalarFunction
    expect(callScalar(fn, [typeOid('_int4'), 23], [null, 1], 1007)).toMatchObject({
      elementOid: 23,
      elements: [1],
    })
    return
  }
  expect(evaluate(signature, ...args)).toBe(expected)
})
