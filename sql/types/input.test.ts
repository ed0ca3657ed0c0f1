// Every text of the golden files gives what PostgreSQL 15 gives, as text and as bytes, and comes back from both and from
// storage. With PostgreSQL present the golden files themselves are checked.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { builtinTypeByName } from './registry.ts'
import { testContext } from './testing/context.ts'
import { formatOutcome, type GoldenFile, goldenFiles, writeGolden } from './testing/golden.ts'
import { HAS_ORACLE, Oracle } from './testing/oracle.ts'
import { outcomeOfInput } from './testing/outcome.ts'
import type { TypeContext } from './type.ts'

const files = goldenFiles()

/** PostgreSQL's settings as a TypeContext. */
function contextOf({ settings }: GoldenFile): TypeContext {
  const [style = 'ISO', order = 'MDY'] = (settings['datestyle'] ?? '')
    .split(', ')
    .filter((word) => word !== '')
  return testContext({
    timeZone: settings['timezone'] ?? 'UTC',
    dateStyle: { style: style as 'ISO', order: order as 'MDY' },
    intervalStyle: (settings['intervalstyle'] ?? 'postgres') as 'postgres',
    extraFloatDigits: Number(settings['extra_float_digits'] ?? 1),
    byteaOutput: (settings['bytea_output'] ?? 'hex') as 'hex',
  })
}

/** Where we differ on purpose: file and text. */
const KNOWN_DIFFERENCES = new Set([
  // PostgreSQL 15 takes this ragged literal for an empty array, which later versions call a bug.
  '_int4.txt {{{2}},{1}}',
  // It overlooks one character behind a macaddr8.
  'macaddr8.txt 08:00:2b:01:02:03x',
  // Names of some local mean times (HMT, MMT), which Node's zone data does not have.
  'timestamptz-german.txt 1868-05-04 15:48:28 Pacific/Apia',
  'timestamptz-german.txt 1902-07-17 11:54:36 Africa/Casablanca',
  'timestamptz-german.txt 1890-02-26 17:51:54 America/Sao_Paulo',
])

test('there are golden files', () => {
  expect(files.length).toBeGreaterThan(25)
})

test.each(files)('$name', (file) => {
  const type = builtinTypeByName(file.type.replaceAll('"', ''))
  if (type === undefined) throw new Error(`no type ${file.type}`)
  const context = contextOf(file)
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
