// The same statements here and on PostgreSQL 15 (BOREALIS_TEST_PG): same rows, same errors.

import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SqlError } from '../types/sql-error.ts'
import { HAS_ORACLE } from '../types/testing/oracle.ts'
import { openPlanSession, type PlanSession } from './testing/plan-fixture.ts'
import { comparable, readScript } from './testing/script.ts'

const asText: pg.CustomTypesConfig = { getTypeParser: () => (value: string) => value }

describe.skipIf(!HAS_ORACLE).each(['queries', 'changes'])('%s', (name) => {
  const script = readScript(name)
  const schema = `plan_${name}`
  let client: pg.Client
  let session: PlanSession

  beforeAll(async () => {
    client = new pg.Client({
      host: '127.0.0.1',
      port: Number(process.env['BOREALIS_TEST_PG']),
      user: 'postgres',
      database: 'postgres',
    })
    await client.connect()
    await client.query(
      `drop schema if exists ${schema} cascade; create schema ${schema}; set search_path to ${schema}`,
    )
    session = await openPlanSession()
    for (const statement of script.setup) {
      await client.query(statement)
      await session.run(statement)
    }
  }, 60_000)

  afterAll(async () => {
    await client.query(`drop schema ${schema} cascade`)
    await client.end()
  })

  async function theirs(statement: string): Promise<readonly string[]> {
    try {
      const { rows } = await client.query<(string | null)[]>({
        text: statement,
        rowMode: 'array',
        types: asText,
      })
      return rows.map((row) => row.map((value) => value ?? '').join('|'))
    } catch (error) {
      const { code, message, detail } = error as pg.DatabaseError
      return [`${code} ${message} ${detail ?? ''}`]
    }
  }

  async function ours(statement: string): Promise<readonly string[]> {
    try {
      return await session.text(statement)
    } catch (error) {
      if (!(error instanceof SqlError)) throw error
      return [`${error.code} ${error.message} ${error.fields.detail ?? ''}`]
    }
  }

  test('gives what PostgreSQL gives', async () => {
    const differences: unknown[] = []
    for (const statement of script.statements) {
      const [theirRows, ourRows] = [await theirs(statement), await ours(statement)]
      const [expected, actual] = [comparable(statement, theirRows), comparable(statement, ourRows)]
      if (JSON.stringify(expected) !== JSON.stringify(actual))
        differences.push({ statement, expected, actual })
    }
    expect(differences).toEqual([])
  }, 120_000)
})
