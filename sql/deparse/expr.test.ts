// CHECK constraints and defaults deparse to what PostgreSQL's pg_get_expr prints, plain and pretty.

import pg from 'pg'
import { beforeAll, describe, expect, test } from 'vitest'
import { must } from '../../storage/base/assert.ts'
import { analyzeExpressionText } from '../analyze/analyze.ts'
import { type FakeCatalog, fakeCatalog, fakeContext } from '../analyze/testing/fake-catalog.ts'
import { loadParser } from '../parse/parse.ts'
import { HAS_ORACLE } from '../types/testing/oracle.ts'
import { deparseExpr } from './expr.ts'
import { SCHEMA } from './testing/views.ts'

const CHECKS: readonly string[] = [
  `a > 0`,
  `a > 0 and b <> ''`,
  `a > 0 or a < -10 and b is not null`,
  `not (a = 1 or b = 'x')`,
  `a in (1, 2, 3)`,
  `a not in (1, 2) and b in ('x')`,
  `b in ('x', 'y')`,
  `vc in ('x', 'y')`,
  `vc = 'x' or vc like 'y%'`,
  `a between 1 and 10`,
  `length(b) <= 10`,
  `c >= 0.5 and c < 1e3`,
  `c + 1 > a * 2 - 1`,
  `(a + 1) * 2 > a - (1 - a)`,
  `-a < 5`,
  `a = -5`,
  `d > '2020-01-01'::timestamptz`,
  `d + interval '1 day' > now()`,
  `extract(year from d) > 2000`,
  `b ~ '^[a-z]+$' and b !~* 'x\\d'`,
  `b similar to 'a%' escape '!'`,
  `b like 'a!%' escape '!'`,
  `coalesce(a, 0) = 0`,
  `nullif(b, '') is not null`,
  `case when a > 0 then b = 'x' else true end`,
  `case a when 1 then true when 2 then b is null end`,
  `a is distinct from 1 and b is not distinct from 'x'`,
  `(a > 1) is true and (a < 5) is not false`,
  `g[1] > 0 and g[1:2] = '{1,2}' and 5 = any (g)`,
  `array[a, 2] <> array[1, 2]`,
  `h ->> 'k' = 'v' and h ? 'k'`,
  `row(a, b) = row(1, 'x')`,
  `(a, b) < (1, 'x')`,
  `b::varchar(3) = 'abc' and a::text = '1'`,
  `a::bigint > 5 and 5::smallint < a`,
  `substring(b from 1 for 2) = 'ab' and trim(both from b) = b`,
  `position('a' in b) > 0 and overlay(b placing 'x' from 1 for 1) <> b`,
  `b collate "C" > 'a'`,
  `"E f" is null`,
  `greatest(a, 1) > least(a, 2)`,
  `upper(b) = b and "left"(b, 1) = 'x'`,
  `concat(a, b) <> 'x' and format('%s', b) <> 'y'`,
  `current_date > '2020-01-01' and current_user <> 'x'`,
  `true`,
  `null`,
  `a % 2 = 0 and a / 2 > 1 and a ^ 2 > 4`,
  `b || 'x' || b <> 'y'`,
  `d at time zone 'UTC' > '2020-01-01'`,
  `not a > 1 and not b is null`,
  `(a > 1 and b = 'x') and c > 2`,
  `a > 1 and (b = 'x' and c > 2)`,
]

describe.skipIf(!HAS_ORACLE)('pg_get_expr', () => {
  let catalog: FakeCatalog
  const expected = new Map<string, readonly [string, string]>()

  beforeAll(async () => {
    await loadParser()
    catalog = fakeCatalog(SCHEMA)
    const port = Number(process.env['BOREALIS_TEST_PG'])
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' })
    await client.connect()
    await client.query('begin')
    await client.query('create schema deparse_checks; set local search_path = deparse_checks')
    await client.query(SCHEMA)
    for (const check of CHECKS) {
      await client.query(`alter table t add constraint k check (${check})`)
      const { rows } = await client.query<{ plain: string; pretty: string }>(
        `select pg_get_expr(conbin, conrelid) as plain, pg_get_expr(conbin, conrelid, true) as pretty
        from pg_constraint where conname = 'k' and conrelid = 't'::regclass`,
      )
      await client.query('alter table t drop constraint k')
      expected.set(check, [must(rows[0]).plain, must(rows[0]).pretty])
    }
    await client.query('rollback')
    await client.end()
  })

  test.each(CHECKS)('%s', (check) => {
    const table = catalog.relationByName(2200, 't')
    if (table?.kind !== 'table') throw new Error('t is a table')
    const expr = analyzeExpressionText(check, fakeContext(catalog), { kind: 'check', table })
    const [plain, pretty] = must(expected.get(check))
    expect(deparseExpr(expr, { catalog, searchPath: [2200] })).toBe(plain)
    expect(deparseExpr(expr, { catalog, searchPath: [2200], pretty: true })).toBe(pretty)
    // What was printed means the same.
    const again = analyzeExpressionText(plain, fakeContext(catalog), { kind: 'check', table })
    expect(deparseExpr(again, { catalog, searchPath: [2200] })).toBe(plain)
  })
})
