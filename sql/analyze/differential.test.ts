// Analysis against PostgreSQL: the same statement gives the same parameter types, column names and types, or the same
// SQLSTATE, message, position, detail and hint. BOREALIS_TEST_PG names the port of a PostgreSQL 15.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { must } from '../../storage/base/assert.ts'
import { loadParser, parseSql } from '../parse/parse.ts'
import { HAS_ORACLE } from '../types/testing/oracle.ts'
import { analyze } from './analyze.ts'
import { KNOWN_DIFFERENCES } from './testing/differences.ts'
import { type Description, describeOurs, DescribeOracle } from './testing/describe-oracle.ts'
import { type FakeCatalog, fakeCatalog, fakeContext } from './testing/fake-catalog.ts'
import { SCHEMA, STATEMENTS } from './testing/statements.ts'

const schema = 'public_analyze'

describe.skipIf(!HAS_ORACLE)('like PostgreSQL', () => {
  let catalog: FakeCatalog
  let oracle: DescribeOracle
  const expected = new Map<string, Description>()

  beforeAll(async () => {
    await loadParser()
    catalog = fakeCatalog(SCHEMA)
    oracle = await DescribeOracle.open(schema, SCHEMA)
    for (const statement of STATEMENTS) expected.set(statement, await oracle.describe(statement))
  })

  afterAll(async () => {
    await oracle.close(schema)
  })

  test.each(STATEMENTS)('%s', (text) => {
    const ours = describeOurs(() => analyze(must(parseSql(text)[0]), fakeContext(catalog)), catalog)
    expect(ours).toBe(KNOWN_DIFFERENCES.get(text) ?? must(expected.get(text)))
  })
})
