// Which rule fired, and the plan it made. Each rule's counter-example is here too.

import { beforeAll, describe, expect, test } from 'vitest'
import { openPlanSession, type PlanSession } from './testing/plan-fixture.ts'

let session: PlanSession

beforeAll(async () => {
  session = await openPlanSession()
  await session.run(`create table t (id int primary key, x int, s text)`)
  await session.run(`create table u (id int primary key, tid int, y int)`)
  await session.run(`create index u_tid on u (tid, y desc)`)
  await session.run(`insert into t select g, g % 10, 's' || g from generate_series(1, 200) g`)
  await session.run(`insert into u select g, g % 50, g from generate_series(1, 1000) g`)
}, 60_000)

function plan(sql: string): { readonly fired: readonly string[]; readonly lines: readonly string[] } {
  return { fired: session.plan(sql).fired, lines: session.explain(sql).map((line) => line.trim()) }
}

describe('access paths', () => {
  test('a full primary key is a point lookup', () => {
    expect(plan('select s from t where id = 5').lines).toEqual([
      'Index Scan using t_pkey on t',
      'Index Cond: (id = 5)',
    ])
  })

  test('an index prefix with a range', () => {
    expect(plan('select id from u where tid = 5 and y > 100').lines).toEqual([
      'Index Scan using u_tid on u',
      'Index Cond: ((tid = 5) AND (y > 100))',
    ])
  })

  test('no index for an expression over the column', () => {
    expect(plan('select s from t where id + 1 = 5').lines).toEqual([
      'Seq Scan on t',
      'Filter: ((id + 1) = 5)',
    ])
  })

  test('index order replaces the sort', () => {
    expect(plan('select id from t order by id desc limit 3').lines).toEqual([
      'Limit',
      'Index Scan Backward using t_pkey on t',
    ])
  })

  test('an order that the index has not is sorted', () => {
    expect(plan('select id from u where tid = 3 order by y').lines).toEqual([
      'Index Scan Backward using u_tid on u',
      'Index Cond: (tid = 3)',
    ])
    expect(plan('select id from u where tid > 3 order by y').lines).toContain('Sort')
  })
})

describe('rules', () => {
  test('PullUpSubquery', () => {
    expect(plan('select q.id from (select id, x from t where x = 3) q where q.id = 7').fired).toContain(
      'PullUpSubquery',
    )
    expect(plan('select q.id from (select id, x from t limit 3) q where q.id = 7').fired).not.toContain(
      'PullUpSubquery',
    )
    expect(plan('select q.r from (select random() r from t) q where q.r > 0.5').fired).not.toContain(
      'PullUpSubquery',
    )
  })

  test('ReduceOuterJoin', () => {
    expect(plan('select * from t left join u on u.tid = t.id where u.y > 3').fired).toContain(
      'ReduceOuterJoin',
    )
    expect(plan('select * from t left join u on u.tid = t.id where u.y is null').fired).not.toContain(
      'ReduceOuterJoin',
    )
    expect(
      plan('select * from t left join u on u.tid = t.id where coalesce(u.y, 0) = 0').fired,
    ).not.toContain('ReduceOuterJoin')
  })

  test('ExistsToSemiJoin and NotExistsToAntiJoin', () => {
    expect(plan('select * from t where exists (select 1 from u where u.tid = t.id)').fired).toContain(
      'ExistsToSemiJoin',
    )
    expect(plan('select * from t where not exists (select 1 from u where u.tid = t.id)').fired).toContain(
      'NotExistsToAntiJoin',
    )
    expect(
      plan('select * from t where exists (select count(*) from u where u.tid = t.id)').fired,
    ).not.toContain('ExistsToSemiJoin')
  })

  test('InToSemiJoin, but not NOT IN', () => {
    expect(plan('select * from t where x in (select y from u)').fired).toContain('InToSemiJoin')
    expect(plan('select * from t where x not in (select y from u)').fired).toEqual([])
  })

  test('MinMaxFromIndex', () => {
    expect(plan('select max(id) from t').fired).toContain('MinMaxFromIndex')
    expect(plan('select max(x) from t').fired).not.toContain('MinMaxFromIndex')
    expect(plan('select max(id) from t group by x').fired).not.toContain('MinMaxFromIndex')
  })

  test('AggregateOverScan', () => {
    expect(plan('select sum(x), count(*) from t where s <> $$a$$').fired).toContain('AggregateOverScan')
    expect(plan('select count(distinct x) from t').fired).not.toContain('AggregateOverScan')
    expect(plan('select x, count(*) from t group by x').fired).not.toContain('AggregateOverScan')
  })

  test('PushFilterBelowLeftJoin', () => {
    expect(plan('select * from t left join u on u.tid = t.id where t.x = 3').fired).toContain(
      'PushFilterBelowLeftJoin',
    )
    expect(plan('select * from t left join u on u.tid = t.id where u.y is null').fired).not.toContain(
      'PushFilterBelowLeftJoin',
    )
  })
})

describe('joins', () => {
  test('few outer rows look up an index', () => {
    const { lines } = plan('select u.y from t join u on u.tid = t.id where t.id = 7')
    expect(lines[0]).toBe('Nested Loop')
    expect(lines.some((line) => line.startsWith('Index Scan using u_tid'))).toBe(true)
  })

  test('many rows are hashed', () => {
    expect(plan('select u.y from t join u on u.y = t.x').lines[0]).toBe('Hash Join')
  })

  test('an inequality is a loop', () => {
    expect(
      plan('select 1 from t join u on u.y < t.x').lines.some((line) => line.startsWith('Nested Loop')),
    ).toBe(true)
  })
})
