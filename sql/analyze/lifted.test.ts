// Lifting must not be noticed: where a lifted statement is analysed without error, parameters and outputs are what they
// are with the literals in place.

import { beforeAll, expect, test } from 'vitest'
import { must } from '../../storage/base/assert.ts'
import { liftedKinds, liftedText, liftLiterals } from '../parse/lift.ts'
import { loadParser, parseSql } from '../parse/parse.ts'
import type { AnalysedStatement } from '../tree/query.ts'
import { SqlError } from '../types/sql-error.ts'
import { NotLiftable } from './analysis.ts'
import { analyze } from './analyze.ts'
import { type FakeCatalog, fakeCatalog, fakeContext } from './testing/fake-catalog.ts'
import { SCHEMA, STATEMENTS } from './testing/statements.ts'

let catalog: FakeCatalog

beforeAll(async () => {
  await loadParser()
  catalog = fakeCatalog(SCHEMA)
})

/** Result columns and the shape of the tree, with every literal and parameter written alike. */
function shapeOf({ body }: AnalysedStatement): string {
  return JSON.stringify(body, (key, value: unknown) => {
    if (key === 'location' || key === 'table' || key === 'index') return undefined
    if (typeof value === 'bigint') return String(value)
    if (typeof value !== 'object' || value === null) return value
    if ('kind' in value && (value.kind === 'constant' || value.kind === 'parameter')) {
      return { literal: 'type' in value ? value.type : 0 }
    }
    return 'oid' in value ? { oid: value.oid } : value
  })
}

test('every statement that lifts means the same', () => {
  let lifted = 0
  for (const text of STATEMENTS) {
    const result = liftLiterals(text)
    if (result === undefined) continue
    let ours: AnalysedStatement
    try {
      const context = fakeContext(catalog, { liftedKinds: liftedKinds(result.key) })
      ours = analyze(must(parseSql(liftedText(result.key))[0]), context)
    } catch (error) {
      // Then the original is run, and says what is wrong.
      expect(error instanceof SqlError || error instanceof NotLiftable, String(error)).toBe(true)
      continue
    }
    lifted++
    expect(
      ours.parameterTypes.every((type) => type > 0),
      text,
    ).toBe(true)
    let plain: AnalysedStatement
    try {
      plain = analyze(must(parseSql(text)[0]), fakeContext(catalog))
    } catch (error) {
      // The literal's text is wrong for its type: it fails when it is read, before the plan runs.
      expect((error as SqlError).code, text).toMatch(/^22|^42704/)
      continue
    }
    expect(shapeOf(ours), text).toBe(shapeOf(plain))
  }
  expect(lifted).toBeGreaterThan(100)
})
