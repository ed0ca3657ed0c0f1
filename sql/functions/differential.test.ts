// Asks PostgreSQL and our registry the same: every immutable function whose argument types have samples below is called
// with combinations of them (the same ones in every run), and the answers, values or SQLSTATE and message, must agree.
// Runs where BOREALIS_TEST_PG names the port of a PostgreSQL 15, else it is skipped.

import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AggregateFunction, ScalarFunction, SetFunction } from './function.ts'
import { builtinFunctions } from './registry.ts'
import {
  callAggregate,
  callScalar,
  callSet,
  functionBySignature,
  inputValue,
  outputValue,
  testContext,
  typeOid,
} from './test-context.ts'
import { knownDifferences, samples, setCalls } from './differential-samples.ts'
import { ANYENUM_OID } from '../types/oids.ts'
import { SqlError } from '../types/sql-error.ts'
import type { Row, Value } from '../types/value.ts'

const port = process.env['BOREALIS_TEST_PG']
const client = new pg.Client({
  host: '127.0.0.1',
  port: Number(port ?? 0),
  user: 'postgres',
  database: 'postgres',
  types: { getTypeParser: () => (text: string) => text },
})

/** Combinations a function gets at most. */
const COMBINATIONS_MAX = Number(process.env['BOREALIS_TEST_COMBINATIONS'] ?? 6)

beforeAll(async () => {
  if (port === undefined) return
  await client.connect()
  await client.query(`set timezone = 'UTC'; set lc_messages = 'C'`)
})
afterAll(async () => {
  if (port !== undefined) await client.end()
})

/** A small generator with a seed, so that failures come back (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

function combinations(fn: ScalarFunction): (string | null)[][] {
  const lists = fn.argumentTypes.map((oid, i) => samples(testContext.lookup.type(oid).name, fn.name, i) ?? [])
  const total = lists.reduce((product, list) => product * list.length, 1)
  if (total <= COMBINATIONS_MAX) {
    return lists.reduce<(string | null)[][]>(
      (rows, list) => rows.flatMap((row) => list.map((v) => [...row, v])),
      [[]],
    )
  }
  const random = randomFrom(fn.oid)
  return Array.from({ length: COMBINATIONS_MAX }, () =>
    lists.map((list) => list[Math.floor(random() * list.length)] ?? null),
  )
}

async function askPostgres(
  fn: ScalarFunction,
  args: readonly (string | null)[],
): Promise<{ text: string; type: number }> {
  const list = args.map((arg, i) => {
    const variadic = fn.variadicType !== 0 && i === args.length - 1 ? 'variadic ' : ''
    const type = testContext.lookup.type(fn.argumentTypes[i] ?? 0).name
    return (
      variadic +
      (arg === null ? `null::pg_catalog."${type}"` : `${client.escapeLiteral(arg)}::pg_catalog."${type}"`)
    )
  })
  return ask(`select pg_catalog."${fn.name}"(${list.join(', ')})`)
}

/** All values of all rows as one text, and the type of the first column. */
async function ask(text: string): Promise<{ text: string; type: number }> {
  try {
    const { rows, fields } = await client.query<unknown[]>({ text, rowMode: 'array' })
    const shown = rows.map((row) => row.map((value) => (value === null ? 'NULL' : String(value))).join('|'))
    return { text: shown.join('\n'), type: fields[0]?.dataTypeID ?? 0 }
  } catch (error) {
    const { code, message } = error as { code: string; message: string }
    return { text: `${code} ${message}`, type: 0 }
  }
}

/** What `compute` gives, or the error that it throws, as ask() would show it. */
function outcome(compute: () => string): string {
  try {
    return compute()
  } catch (error) {
    if (error instanceof SqlError) return `${error.code} ${error.message}`
    return `not an SqlError: ${String(error)}`
  }
}

function askUs(fn: ScalarFunction, args: readonly (string | null)[], returnType: number): string {
  return outcome(() => {
    const values = args.map((arg, i) => inputValue(fn.argumentTypes[i] ?? 0, arg))
    const type = returnType === 0 ? fn.returnType : returnType
    return outputValue(type, callScalar(fn, fn.argumentTypes, values, type)) ?? 'NULL'
  })
}

/** Only the sign of a three-way comparison means anything. */
const signOnly = (text: string): string => (/^-?\d+$/.test(text) ? String(Math.sign(Number(text))) : text)

const scalars = builtinFunctions()
  .all()
  .filter((fn): fn is ScalarFunction => fn.kind === 'scalar' && fn.volatility !== 'volatile')
  .filter((fn) => fn.argumentTypes.every((oid) => samples(testContext.lookup.type(oid).name) !== undefined))

test.skipIf(port === undefined)(
  'every function answers as PostgreSQL does',
  { timeout: 120_000 },
  async () => {
    const differences: string[] = []
    let count = 0
    for (const fn of scalars) {
      for (const args of combinations(fn)) {
        const call = `${fn.name}(${args.map((arg, i) => `${testContext.lookup.type(fn.argumentTypes[i] ?? 0).name} ${arg}`).join(', ')})`
        const theirs = await askPostgres(fn, args)
        const ours = askUs(fn, args, theirs.type)
        if (fn.name.endsWith('cmp') && signOnly(ours) === signOnly(theirs.text)) continue
        // A type that cannot be read yet cannot be compared: its own tests will say so.
        if (/^0A000 type .* is not supported$/.test(ours)) continue
        // What needs a session's services has its tests where they are.
        if (ours.includes('no services in this test')) continue
        count++
        if (ours !== theirs.text && !knownDifferences.some((known) => known.test(call))) {
          differences.push(`${call}\n     PostgreSQL ${theirs.text}\n     ours       ${ours}`)
        }
      }
    }
    expect(count).toBeGreaterThan(3000)
    expect(differences).toEqual([])
  },
)

const aggregates = builtinFunctions()
  .all()
  .filter((fn): fn is AggregateFunction => fn.kind === 'aggregate' && fn.argumentTypes.length === 1)
  .filter(
    (fn) => fn.directArgumentCount === 0 && fn.name !== 'mode' && !fn.argumentTypes.includes(ANYENUM_OID),
  )

/** Types that stand for polymorphic arguments of aggregates. */
const standIns: Readonly<Record<string, readonly string[]>> = {
  any: ['int4', 'text'],
  anyelement: ['int4', 'text', 'jsonb', 'timestamp', 'float8', 'bool'],
  anynonarray: ['int4', 'text', 'numeric'],
  anyarray: ['_int4'],
}

test.skipIf(port === undefined)(
  'every aggregate answers as PostgreSQL does',
  { timeout: 60_000 },
  async () => {
    const differences: string[] = []
    for (const fn of aggregates) {
      const declared = testContext.lookup.type(fn.argumentTypes[0] ?? 0).name
      for (const name of standIns[declared] ?? [declared]) {
        const all = samples(name) ?? []
        const type = typeOid(name)
        for (const list of [
          [],
          all.slice(0, 1),
          all.slice(0, 3),
          all.filter((text) => !/inf|nan/i.test(text ?? '')),
          all,
        ]) {
          const rows = list.map(
            (text, i) => `(${i}, ${text === null ? 'null' : client.escapeLiteral(text)}::"${name}")`,
          )
          const from =
            rows.length === 0 ? `(select 1, null::"${name}" where false)` : `(values ${rows.join(', ')})`
          const sql = `select pg_catalog."${fn.name}"(x order by i) from ${from} v(i, x)`
          const theirs = await ask(sql)
          const ours = outcome(() => {
            const values = list.map((text) => [inputValue(type, text)])
            return outputValue(theirs.type || fn.returnType, callAggregate(fn, [type], values)) ?? 'NULL'
          })
          if (/^0A000 type .* is not supported$/.test(ours)) continue
          if (ours !== theirs.text)
            differences.push(`${sql}\n     PostgreSQL ${theirs.text}\n     ours       ${ours}`)
        }
      }
    }
    expect(aggregates.length).toBeGreaterThan(80)
    expect(differences).toEqual([])
  },
)

test.skipIf(port === undefined)('two-argument aggregates and sets answer as PostgreSQL does', async () => {
  const differences: string[] = []
  for (const name of [
    'covar_pop',
    'covar_samp',
    'corr',
    'regr_count',
    'regr_sxx',
    'regr_avgy',
    'regr_r2',
    'regr_slope',
    'regr_intercept',
  ]) {
    const fn = functionBySignature(`${name}(float8,float8)`) as AggregateFunction
    for (const pairs of [
      [],
      [[1, 2]],
      [
        [1, 2],
        [2, 5],
        [4, 7.5],
      ],
      [
        [1, 1],
        [1, 2],
      ],
      [
        [1, 1],
        [2, 1],
      ],
    ]) {
      const from =
        pairs.length === 0
          ? '(select 1.0, 2.0 where false)'
          : `(values ${pairs.map((p) => `(${p.join(',')}::float8)`).join(',')})`
      const theirs = await ask(`select ${name}(y::float8, x) from ${from} v(y, x)`)
      const ours = outcome(
        () => outputValue(fn.returnType, callAggregate(fn, fn.argumentTypes, pairs)) ?? 'NULL',
      )
      if (ours !== theirs.text)
        differences.push(`${name} ${JSON.stringify(pairs)}: ${theirs.text}, ours ${ours}`)
    }
  }
  for (const [signature, ...args] of setCalls) {
    const fn = functionBySignature(signature) as SetFunction
    const list = args.map(
      (arg, i) => `${client.escapeLiteral(arg)}::${testContext.lookup.type(fn.argumentTypes[i] ?? 0).name}`,
    )
    const theirs = await ask(`select * from pg_catalog.${fn.name}(${list.join(', ')})`)
    const ours = outcome(() => {
      const values = args.map((arg, i) => inputValue(fn.argumentTypes[i] ?? 0, arg))
      const types =
        fn.columns.length > 0 ? fn.columns.map((column) => column.type) : [theirs.type || fn.returnType]
      const rows = callSet(fn, values).map((row) => (fn.columns.length > 1 ? (row as Row) : [row as Value]))
      return rows
        .map((row) => row.map((value, i) => outputValue(types[i] ?? 0, value) ?? 'NULL').join('|'))
        .join('\n')
    })
    if (ours !== theirs.text)
      differences.push(`${signature} ${args.join(', ')}:\n${theirs.text}\nours\n${ours}`)
  }
  expect(differences).toEqual([])
})
