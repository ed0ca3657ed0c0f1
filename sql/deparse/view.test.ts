// Views deparse to what PostgreSQL's pg_get_viewdef prints, plain and pretty. Needs a PostgreSQL 15 to compare with
// (BOREALIS_TEST_PG names its port).

import pg from 'pg'
import { beforeAll, describe, expect, test } from 'vitest'
import { must } from '../../storage/base/assert.ts'
import { analyzeNode } from '../analyze/analyze.ts'
import { type FakeCatalog, fakeCatalog, fakeContext } from '../analyze/testing/fake-catalog.ts'
import { loadParser, parseSql } from '../parse/parse.ts'
import { HAS_ORACLE } from '../types/testing/oracle.ts'
import { deparseQuery } from './query.ts'
import { SCHEMA, VIEWS } from './testing/views.ts'

describe.skipIf(!HAS_ORACLE)('pg_get_viewdef', () => {
  let catalog: FakeCatalog
  const expected = new Map<string, readonly [string, string]>()
  const names = new Map<string, readonly string[]>()

  /** A column list where the query's own names are not unique. */
  async function columnNames(client: pg.Client, view: string): Promise<string> {
    const { fields } = await client.query(`select * from (${view}) s limit 0`)
    const own = fields.map((field) => field.name)
    if (new Set(own).size === own.length) return ''
    const list = own.map((_, i) => `c${i + 1}`)
    names.set(view, list)
    return `(${list.join()})`
  }

  beforeAll(async () => {
    await loadParser()
    catalog = fakeCatalog(SCHEMA)
    const client = new pg.Client({
      host: '127.0.0.1',
      port: Number(process.env['BOREALIS_TEST_PG']),
      user: 'postgres',
      database: 'postgres',
    })
    await client.connect()
    await client.query('begin')
    await client.query('create schema deparse_views; set local search_path = deparse_views')
    await client.query(SCHEMA)
    for (const view of VIEWS) {
      await client.query(`create view w ${await columnNames(client, view)} as ${view}`)
      const { rows } = await client.query<{ plain: string; pretty: string }>(
        `select pg_get_viewdef('w'::regclass) as plain, pg_get_viewdef('w'::regclass, true) as pretty`,
      )
      await client.query('drop view w')
      expected.set(view, [must(rows[0]).plain, must(rows[0]).pretty])
    }
    await client.query('rollback')
    await client.end()
  })

  test.each(VIEWS)('%s', (view) => {
    const statement = must(parseSql(view)[0])
    const { body } = analyzeNode(statement.node, statement.source, fakeContext(catalog))
    if (!('targets' in body)) throw new Error('a view is a query')
    const searchPath = [2200]
    const [plain, pretty] = must(expected.get(view))
    const outputNames = names.get(view)
    expect(`${deparseQuery(body, { catalog, searchPath, outputNames })};`).toBe(plain)
    expect(`${deparseQuery(body, { catalog, searchPath, outputNames, pretty: true })};`).toBe(pretty)
  })
})
