// Two sessions that meet at a row or a key: who waits, what the waiter does with what it finds (documentation, 13.2).

import { beforeEach, describe, expect, test } from 'vitest'
import type { ExecutionContext } from '../exec/execution.ts'
import { openPlanSessions, type PlanSession } from './testing/plan-fixture.ts'

let a: PlanSession
let b: PlanSession

beforeEach(async () => {
  const sessions = await openPlanSessions(2)
  a = sessions[0] as PlanSession
  b = sessions[1] as PlanSession
  await a.run('create table t (id int primary key, x int, u int unique)')
  await a.run('create table c (id int primary key, tid int references t (id))')
  await a.run('insert into t values (1, 10, 100), (2, 20, 200), (3, 30, 300)')
  await b.ddl.commit()
})

/** Starts a statement of the second session that must wait for the first, whose transaction then ends. */
async function whileOpen(
  first: string,
  second: string,
  end: 'commit' | 'rollback',
  context: Partial<ExecutionContext> = {},
): Promise<unknown> {
  a.ddl.begin()
  await a.run(first)
  b.ddl.begin()
  const waiting = b.run(second, { context }).catch((error: unknown) => (error as { code: string }).code)
  let isDone = false
  void waiting.then(() => (isDone = true))
  for (let i = 0; i < 20; i++) await Promise.resolve()
  expect(isDone).toBe(false)
  if (end === 'commit') await a.ddl.commit()
  else a.ddl.rollback()
  const result = await waiting
  if (typeof result !== 'string') await b.ddl.commit()
  return result
}

describe('UPDATE after a lock wait', () => {
  test('goes on from the newest version', async () => {
    await whileOpen('update t set x = x + 1 where id = 1', 'update t set x = x + 5 where id = 1', 'commit')
    expect(await a.text('select x from t where id = 1')).toEqual(['16'])
  })

  test('goes on from the old version when the other rolled back', async () => {
    await whileOpen('update t set x = x + 1 where id = 1', 'update t set x = x + 5 where id = 1', 'rollback')
    expect(await a.text('select x from t where id = 1')).toEqual(['15'])
  })

  test('leaves a row alone that no longer fits', async () => {
    const rows = await whileOpen(
      'update t set x = 99 where id = 2',
      'update t set u = 0 where x = 20 returning id',
      'commit',
    )
    expect(rows).toEqual([])
  })

  test('leaves a row alone that is gone', async () => {
    const rows = await whileOpen(
      'delete from t where id = 2',
      'update t set x = 1 where id = 2 returning id',
      'commit',
    )
    expect(rows).toEqual([])
  })

  test('keeps no page for the version that it found', async () => {
    const view = b.ddl.database.database.view()
    await whileOpen('update t set x = 11 where id = 1', 'update t set x = x + 1 where id = 1', 'commit', {
      view,
    })
    expect(view.isSpent).toBe(true)
    expect(await a.text('select x from t where id = 1')).toEqual(['12'])
  })

  test('an update that finds its rows by something else keeps its view', async () => {
    const view = b.ddl.database.database.view()
    await whileOpen('update t set x = 11 where id = 1', 'update t set x = x + 1 where x = 10', 'commit', {
      view,
    })
    expect(view.isSpent).toBe(false)
  })

  test('fails with 40001 under REPEATABLE READ', async () => {
    const context = { isolation: 'repeatable read' } as const
    expect(
      await whileOpen(
        'update t set x = 1 where id = 1',
        'update t set x = 2 where id = 1',
        'commit',
        context,
      ),
    ).toBe('40001')
  })
})

describe('keys', () => {
  test('a duplicate waits, then fails', async () => {
    expect(
      await whileOpen('insert into t values (9, 1, 1)', 'insert into t values (9, 2, 2)', 'commit'),
    ).toBe('23505')
  })

  test('a duplicate waits, then succeeds when the other rolled back', async () => {
    await whileOpen('insert into t values (9, 1, 1)', 'insert into t values (9, 2, 2)', 'rollback')
    expect(await a.text('select x from t where id = 9')).toEqual(['2'])
  })

  test('a secondary unique key too', async () => {
    expect(
      await whileOpen('insert into t values (8, 1, 77)', 'insert into t values (9, 2, 77)', 'commit'),
    ).toBe('23505')
  })

  test('ON CONFLICT waits for the other insert', async () => {
    const second =
      'insert into t values (9, 2, 2) on conflict (id) do update set x = t.x + excluded.x returning x'
    expect(await whileOpen('insert into t values (9, 1, 1)', second, 'commit')).toEqual([[3]])
  })
})

describe('foreign keys', () => {
  test('a parent that is referred to cannot be deleted meanwhile', async () => {
    expect(await whileOpen('insert into c values (1, 3)', 'delete from t where id = 3', 'commit')).toBe(
      '23503',
    )
  })

  test('a parent that is being deleted cannot be referred to', async () => {
    expect(await whileOpen('delete from t where id = 3', 'insert into c values (1, 3)', 'commit')).toBe(
      '23503',
    )
  })

  test('an update of other columns does not keep references out', async () => {
    a.ddl.begin()
    await a.run('update t set x = 0 where id = 3')
    await b.run('insert into c values (1, 3)')
    await a.ddl.commit()
    expect(await a.text('select count(*) from c')).toEqual(['1'])
  })
})

describe('FOR UPDATE', () => {
  test('gives the newest version', async () => {
    expect(
      await whileOpen(
        'update t set x = 11 where id = 1',
        'select x from t where id = 1 for update',
        'commit',
      ),
    ).toEqual([[11]])
  })

  test('leaves out what no longer fits, subqueries in the condition included', async () => {
    const second = 'select id from t where x in (select 10 union select 30) order by id for update'
    expect(await whileOpen('update t set x = 11 where id = 1', second, 'commit')).toEqual([[3]])
  })

  test('SKIP LOCKED leaves locked rows out, NOWAIT fails', async () => {
    a.ddl.begin()
    await a.run('select * from t where id = 2 for update')
    b.ddl.begin()
    expect(await b.run('select id from t order by id for update skip locked')).toEqual([[1], [3]])
    const failed = await b
      .run('select id from t where id = 2 for update nowait')
      .catch((e: unknown) => (e as { code: string }).code)
    expect(failed).toBe('55P03')
    await a.ddl.commit()
  })
})
