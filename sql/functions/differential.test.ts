// Asks PostgreSQL and our registry the same: every immutable function whose argument types have samples below is called
// with combinations of them (the same ones in every run), and the answers, values or SQLSTATE and message, must agree.
// Runs where BOREALIS_TEST_PG names the port of a PostgreSQL 15, else it is skipped.

import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ScalarFunction } from './function.ts'
import { builtinFunctions } from './registry.ts'
import { callScalar, inputValue, outputValue, testContext } from './test-context.ts'
import { knownDifferences, samples } from './differential-samples.ts'
import { SqlError } from '../types/sql-error.ts'

const port = process.env['BOREALIS_TEST_PG']
const client = new pg.Client({
  host: '127.0.0.1',
  port: Number(port ?? 0),
  user: 'postgres',
  database: 'postgres',
  types: { getTypeParser: () => (text: string) => text },
})

/** Combinations a function gets at most. */
const COMBINATIONS_MAX = Number(process.env['BOREALIS_TEST_COMBINATIONS'] ?? 12)

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
    return lists.reduce<(string | null)[][]>((rows, list) => rows.flatMap((row) => list.map((v) => [...row, v])), [[]])
  }
  const random = randomFrom(fn.oid)
  return Array.from({ length: COMBINATIONS_MAX }, () =>
    lists.map((list) => list[Math.floor(random() * list.length)] ?? null),
  )
}

async function askPostgres(fn: ScalarFunction, args: readonly (string | null)[]): Promise<{ text: string; type: number }> {
  const list = args.map((arg, i) => {
    const variadic = fn.variadicType !== 0 && i === args.length - 1 ? 'variadic ' : ''
    const type = testContext.lookup.type(fn.argumentTypes[i] ?? 0).name
    return variadic + (arg === null ? `null::pg_catalog."${type}"` : `${client.escapeLiteral(arg)}::pg_catalog."${type}"`)
  })
  try {
    const result = await client.query({ text: `select pg_catalog."${fn.name}"(${list.join(', ')})`, rowMode: 'array' })
    const value: unknown = result.rows[0]?.[0]
    return { text: value === null ? 'NULL' : String(value), type: result.fields[0]?.dataTypeID ?? 0 }
  } catch (error) {
    const { code, message } = error as { code: string; message: string }
    return { text: `${code} ${message}`, type: 0 }
  }
}

function askUs(fn: ScalarFunction, args: readonly (string | null)[], returnType: number): string {
  try {
    const values = args.map((arg, i) => inputValue(fn.argumentTypes[i] ?? 0, arg))
    const type = returnType === 0 ? fn.returnType : returnType
    return outputValue(type, callScalar(fn, fn.argumentTypes, values, type)) ?? 'NULL'
  } catch (error) {
    if (error instanceof SqlError) return `${error.code} ${error.message}`
    return `not an SqlError: ${String(error)}`
  }
}

const scalars = builtinFunctions()
  .all()
  .filter((fn): fn is ScalarFunction => fn.kind === 'scalar' && fn.volatility !== 'volatile')
  .filter((fn) => fn.argumentTypes.every((oid) => samples(testContext.lookup.type(oid).name) !== undefined))

test.skipIf(port === undefined)('every function answers as PostgreSQL does', { timeout: 120_000 }, async () => {
  const differences: string[] = []
  let count = 0
  for (const fn of scalars) {
    for (const args of combinations(fn)) {
      const call = `${fn.name}(${args.map((arg, i) => `${testContext.lookup.type(fn.argumentTypes[i] ?? 0).name} ${arg}`).join(', ')})`
      const theirs = await askPostgres(fn, args)
      const ours = askUs(fn, args, theirs.type)
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
})
