// Views deparse to what PostgreSQL's pg_get_viewdef prints, plain and pretty; CHECK constraints to what pg_get_expr
// prints. PostgreSQL's answers are recorded (see analyze/testing/recorded.ts).

import pg from 'pg'
import { beforeAll, describe, expect, test } from 'vitest'
import { must } from '../../storage/base/assert.ts'
import { analyzeExpressionText, analyzeNode } from '../analyze/analyze.ts'
import { type FakeCatalog, fakeCatalog, fakeContext } from '../analyze/testing/fake-catalog.ts'
import { IS_RECORDING, readRecorded, writeRecorded } from '../analyze/testing/recorded.ts'
import { loadParser, parseSql } from '../parse/parse.ts'
import type { Query } from '../tree/query.ts'
import { HAS_ORACLE } from '../types/testing/oracle.ts'
import { deparseExpr } from './expr.ts'
import { deparseQuery } from './query.ts'
import { CHECKS, SCHEMA, VIEWS } from './testing/views.ts'

const url = new URL('testing/views.golden.txt', import.meta.url)
const recorded = readRecorded(url)
let catalog: FakeCatalog

beforeAll(async () => {
  await loadParser()
  catalog = fakeCatalog(SCHEMA)
})

/** Both texts as one: as they are recorded. */
const both = (plain: string, pretty: string): string => `${plain}\n--\n${pretty}`

function queryOf(text: string): Query {
  const statement = must(parseSql(text)[0])
  const { body } = analyzeNode(statement.node, statement.source, fakeContext(catalog))
  if (!('targets' in body)) throw new Error('a view is a query')
  return body
}

/** Names for the view's columns where the query's own are not unique. */
function namesFor(query: Query): readonly string[] | undefined {
  const own = query.targets.map((target) => target.name)
  return new Set(own).size === own.length ? undefined : own.map((_, i) => `c${i + 1}`)
}

async function askPostgres(): Promise<Map<string, string>> {
  const port = Number(process.env['BOREALIS_TEST_PG'])
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' })
  await client.connect()
  await client.query('begin')
  await client.query('create schema deparse_views; set local search_path = deparse_views')
  await client.query(SCHEMA)
  const answers = new Map<string, string>()
  const ask = async (text: string, query: string): Promise<void> => {
    const { rows } = await client.query<{ plain: string; pretty: string }>(query)
    answers.set(text, both(must(rows[0]).plain, must(rows[0]).pretty))
  }
  for (const view of VIEWS) {
    const names = namesFor(queryOf(view))
    await client.query(`create view w ${names === undefined ? '' : `(${names.join()})`} as ${view}`)
    await ask(
      view,
      `select pg_get_viewdef('w'::regclass) as plain, pg_get_viewdef('w'::regclass, true) as pretty`,
    )
    await client.query('drop view w')
  }
  for (const check of CHECKS) {
    await client.query(`alter table t add constraint k check (${check})`)
    await ask(
      check,
      `select pg_get_expr(conbin, conrelid) as plain, pg_get_expr(conbin, conrelid, true) as pretty
      from pg_constraint where conname = 'k' and conrelid = 't'::regclass`,
    )
    await client.query('alter table t drop constraint k')
  }
  await client.query('rollback')
  await client.end()
  return answers
}

test.skipIf(!HAS_ORACLE)('the record is what PostgreSQL prints', async () => {
  const answers = await askPostgres()
  if (IS_RECORDING) writeRecorded(url, answers)
  else expect(recorded).toEqual(answers)
})

const searchPath = [2200]

describe.skipIf(IS_RECORDING)('pg_get_viewdef', () => {
  test.each(VIEWS)('%s', (view) => {
    const query = queryOf(view)
    const options = { catalog, searchPath, outputNames: namesFor(query) }
    const ours = both(
      `${deparseQuery(query, options)};`,
      `${deparseQuery(query, { ...options, pretty: true })};`,
    )
    expect(ours).toBe(must(recorded.get(view)))
    // What was printed can be read, and prints the same again.
    if (options.outputNames !== undefined) return
    expect(deparseQuery(queryOf(deparseQuery(query, options)), options)).toBe(deparseQuery(query, options))
  })
})

describe.skipIf(IS_RECORDING)('pg_get_expr', () => {
  test.each(CHECKS)('%s', (check) => {
    const table = catalog.relationByName(2200, 't')
    if (table?.kind !== 'table') throw new Error('t is a table')
    const bind = (text: string): ReturnType<typeof analyzeExpressionText> =>
      analyzeExpressionText(text, fakeContext(catalog), { kind: 'check', table })
    const plain = deparseExpr(bind(check), { catalog, searchPath })
    const pretty = deparseExpr(bind(check), { catalog, searchPath, pretty: true })
    expect(both(plain, pretty)).toBe(must(recorded.get(check)))
    // What was printed means the same; but the elements of an array under a cast are cast one by one.
    if (!plain.includes('])::')) expect(deparseExpr(bind(plain), { catalog, searchPath })).toBe(plain)
  })
})
