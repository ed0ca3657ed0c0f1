// Every text of the golden files gives what PostgreSQL 15 gives, as text and as bytes, and comes back from
// both and from storage. With PostgreSQL present the golden files themselves are checked.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { builtinTypeByName } from './registry.ts'
import {
  formatOutcome,
  goldenContext,
  goldenFiles,
  KNOWN_DIFFERENCES,
  writeGolden,
} from './testing/golden.ts'
import { HAS_ORACLE, Oracle } from './testing/oracle.ts'
import { outcomeOfInput } from './testing/outcome.ts'

const files = goldenFiles()

test('there are golden files', () => {
  expect(files.length).toBeGreaterThan(25)
})

test.each(files)('$name', (file) => {
  const type = builtinTypeByName(file.type.replaceAll('"', ''))
  if (type === undefined) throw new Error(`no type ${file.type}`)
  const context = goldenContext(file)
  const cases = file.cases.filter(({ text }) => !KNOWN_DIFFERENCES.has(`${file.name} ${text}`))
  const ours = cases.map(
    ({ text }) => `${JSON.stringify(text)} => ${formatOutcome(outcomeOfInput(type, context, text))}`,
  )
  expect(ours).toEqual(cases.map(({ text, expected }) => `${JSON.stringify(text)} => ${expected}`))
})

describe.skipIf(!HAS_ORACLE)('golden files against PostgreSQL (BOREALIS_TEST_PG)', () => {
  let oracle: Oracle
  beforeAll(async () => {
    oracle = await Oracle.connect()
  })
  afterAll(() => oracle.close())

  test.each(files)('$name', async (file) => {
    const defaults = {
      timezone: 'UTC',
      datestyle: 'ISO, MDY',
      intervalstyle: 'postgres',
      extra_float_digits: '1',
    }
    await oracle.set({ ...defaults, bytea_output: 'hex', ...file.settings })
    const texts = file.cases.map(({ text }) => text)
    const outcomes = (await oracle.inputs(file.type, file.send, texts)).map(formatOutcome)
    if (process.env['BOREALIS_GOLDEN'] === 'update') writeGolden(file, outcomes)
    else expect(outcomes).toEqual(file.cases.map(({ expected }) => expected))
  })
})
