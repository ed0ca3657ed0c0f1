// Estimated rows against those that are there, within a factor: what one column says, composite keys, groups.

import { beforeAll, expect, test, vi } from 'vitest'

import { openPlanSession, type PlanSession } from './testing/plan-fixture.ts'

let session: PlanSession

beforeAll(async () => {
  session = await openPlanSession()
  await session.run(
    `create table orders (w int, d int, o int, customer int, state text, primary key (w, d, o))`,
  )
  await session.run(`create table lines (w int, d int, o int, n int, item int, primary key (w, d, o, n))`)
  await session.run(
    `insert into orders select w, d, o, (o * 7) % 50, case when o % 10 = 0 then null when o % 2 = 0 then 'rare' || o else 'often' end
     from generate_series(1, 5) w, generate_series(1, 10) d, generate_series(1, 40) o`,
  )
  await session.run(
    `insert into lines select w, d, o, n, (o * 13 + n) % 100
     from generate_series(1, 5) w, generate_series(1, 10) d, generate_series(1, 40) o, generate_series(1, 5) n`,
  )
}, 60_000)

/** Rows that the plan's root expects. */
function estimated(sql: string): number {
  const options = { analyze: false, verbose: false, costs: true, buffers: false, timing: false }
  const { estimate } = session.plan(sql).explain(options, session.ddl.catalog)
  return Math.max(1, Math.round(estimate?.rows ?? 0))
}

async function expectClose(sql: string, factor: number): Promise<void> {
  const rows = await session.run(sql)
  const guess = estimated(sql)
  const actual = Math.max(1, rows.length)
  expect(
    Math.max(guess, actual) / Math.min(guess, actual),
    `${guess} rows guessed, ${actual} there`,
  ).toBeLessThan(factor)
}

test.each([
  'select * from orders where customer = 7',
  'select * from orders where w = 3',
  'select * from orders where w = 3 and d = 4',
  "select * from orders where state = 'often'",
  "select * from orders where state = 'rare4'",
  'select * from orders where state is null',
  'select * from orders where state is not null',
  'select * from orders where customer < 10',
  'select * from orders where 40 <= customer',
  'select * from orders where customer <> 3',
  'select * from lines where item in (1, 2, 3, 4)',
])('one table: %s', async (sql) => expectClose(sql, 2))

test.each([
  'select * from orders a join lines b on a.w = b.w and a.d = b.d and a.o = b.o',
  'select * from orders a join lines b on a.w = b.w and a.d = b.d and a.o = b.o where a.customer = 7',
  'select * from orders a join lines b on a.w = b.w and a.d = b.d and a.o = b.o where b.item < 20',
  'select * from orders a left join lines b on a.w = b.w and a.d = b.d and a.o = b.o and b.n = 9',
  'select * from orders a join orders b on a.customer = b.customer where a.w = 1 and b.w = 2',
  'select * from orders a where exists (select 1 from lines b where b.w = a.w and b.d = a.d and b.o = a.o)',
])('joins: %s', async (sql) => expectClose(sql, 2.5))

test.each([
  'select customer, count(*) from orders group by customer',
  'select w, d, count(*) from lines group by w, d',
  'select count(*) from lines',
])('groups: %s', async (sql) => expectClose(sql, 2))

test('a table that grows is sampled anew', async () => {
  await session.run('create table growing (id int primary key, x int)')
  await session.run('insert into growing select g, 1 from generate_series(1, 100) g')
  expect(estimated('select * from growing where x = 1')).toBe(100)
  await session.run('insert into growing select g, g from generate_series(101, 5000) g')
  expect(estimated('select * from growing where x = 1')).toBeLessThan(200)
})

test('an equality with a unique key needs no sample, one with another column does', async () => {
  await session.run('create table keyed (id int primary key, x int)')
  await session.run('insert into keyed select g, g % 10 from generate_series(1, 1000) g')
  const sample = vi.spyOn(session.ddl.database.database, 'sample')
  expect(estimated('select * from keyed where id = 5')).toBe(1)
  expect(sample).not.toHaveBeenCalled()
  expect(estimated('select * from keyed where x = 5')).toBeGreaterThan(20)
  expect(sample).toHaveBeenCalled()
  sample.mockRestore()
})
