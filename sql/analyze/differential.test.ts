// Analysis against PostgreSQL: the same statement gives the same parameter types, column names and types, or the same
// SQLSTATE, message, position, detail and hint. PostgreSQL's answers are recorded in testing/statements.golden.txt; with
// BOREALIS_TEST_PG the record itself is compared with a PostgreSQL 15, and UPDATE_GOLDEN=1 writes it.

import { beforeAll, describe, expect, test } from 'vitest'
import { must } from '../../storage/base/assert.ts'
import { loadParser, parseSql } from '../parse/parse.ts'
import { HAS_ORACLE } from '../types/testing/oracle.ts'
import { analyze } from './analyze.ts'
import { describeOurs, DescribeOracle } from './testing/describe-oracle.ts'
import { KNOWN_DIFFERENCES } from './testing/differences.ts'
import { type FakeCatalog, fakeCatalog, fakeContext } from './testing/fake-catalog.ts'
import { IS_RECORDING, readRecorded, writeRecorded } from './testing/recorded.ts'
import { SCHEMA, STATEMENTS } from './testing/statements.ts'

const url = new URL('testing/statements.golden.txt', import.meta.url)
const schema = 'public_analyze'
const recorded = readRecorded(url)
let catalog: FakeCatalog

beforeAll(async () => {
  await loadParser()
  catalog = fakeCatalog(SCHEMA)
})

test.skipIf(!HAS_ORACLE)('the record is what PostgreSQL says', async () => {
  const oracle = await DescribeOracle.open(schema, SCHEMA)
  const answers = new Map<string, string>()
  for (const statement of STATEMENTS) answers.set(statement, await oracle.describe(statement))
  await oracle.close(schema)
  if (IS_RECORDING) writeRecorded(url, answers)
  else expect(recorded).toEqual(answers)
})

describe.skipIf(IS_RECORDING)('like PostgreSQL', () => {
  test.each(STATEMENTS)('%s', (text) => {
    const ours = describeOurs(() => analyze(must(parseSql(text)[0]), fakeContext(catalog)), catalog)
    expect(ours).toBe(KNOWN_DIFFERENCES.get(text) ?? must(recorded.get(text)))
  })
})
