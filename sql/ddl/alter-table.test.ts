import { expect, test } from 'vitest'
import { must } from '../../storage/base/assert.ts'
import type { Table } from '../catalog/catalog.ts'
import type { Row } from '../types/value.ts'
import { openTestCluster, type DdlSession } from './testing/ddl-fixture.ts'

function tableNamed(session: DdlSession, name: string): Table {
  const relation = session.catalog.relationByName(2200, name)
  if (relation?.kind !== 'table') throw new Error(`no table ${name}`)
  return relation
}

/** All rows of a table as the newest commit has them, columns in order, dropped ones left out. */
async function rowsOf(session: DdlSession, name: string): Promise<Row[]> {
  await session.run(`create table copy as select * from ${name}`)
  const table = tableNamed(session, 'copy')
  const { database } = session.database
  const decode = table.codec.compileDecoder(table.columns.map((column) => column.number))
  const cursor = database.cursor(database.view(), table.tree)
  cursor.seek(undefined, undefined)
  const rows: Row[] = []
  for (;;) {
    const more = await new Promise<boolean>((resolve) => resolve(retry(() => cursor.next())))
    if (!more) break
    rows.push(decode(cursor.cell))
  }
  cursor.close()
  await session.run('drop table copy')
  return rows
}

async function retry<T>(step: () => T): Promise<T> {
  const { settled } = await import('../catalog/wait.ts')
  return settled(step)
}

for (const chaos of [false, true]) {
  const where = !chaos ? '' : ', with every page access suspending'

  test(`columns come and go, change their type and their rules${where}`, async () => {
    const { session } = await openTestCluster({ chaos })
    const one = await session()
    await one.run("create table t as select g as a, 'x' || g as b from generate_series(1, 3) g")
    await one.run('alter table t add column c int default 7, add column d int default 1 not null')
    expect(await rowsOf(one, 't')).toEqual([
      [1, 'x1', 7, 1],
      [2, 'x2', 7, 1],
      [3, 'x3', 7, 1],
    ])
    await one.run('alter table t drop column b, alter column a type text using (a * 10)::text')
    await one.run('alter table t add primary key (a), add column g int generated always as (c + d) stored')
    expect(await rowsOf(one, 't')).toEqual([
      ['10', 7, 1, 8],
      ['20', 7, 1, 8],
      ['30', 7, 1, 8],
    ])
    expect(tableNamed(one, 't').indexes).toMatchObject([{ name: 't_pkey', isClustered: false }])
    await expect(one.run('alter table t add check (c < 7)')).rejects.toMatchObject({ code: '23514' })
    await expect(one.run('alter table t add unique (c)')).rejects.toMatchObject({
      code: '23505',
      message: 'could not create unique index "t_c_key"',
      fields: { detail: 'Key (c)=(7) is duplicated.' },
    })
  })
}

test('a clustered primary key that goes leaves rows with row ids', async () => {
  const { session } = await openTestCluster()
  const one = await session()
  await one.run('create table t (a int primary key, b int)')
  expect(tableNamed(one, 't').clusterKey).toEqual([0])
  await one.run('alter table t drop constraint t_pkey')
  expect(tableNamed(one, 't')).toMatchObject({ clusterKey: undefined, indexes: [] })
  await one.run('alter table t add primary key (b)')
  expect(tableNamed(one, 't').clusterKey).toEqual([1])
})

test('foreign keys are checked against the rows that are there', async () => {
  const { session } = await openTestCluster()
  const one = await session()
  await one.run('create table p as select g as id from generate_series(1, 3) g')
  await one.run('alter table p add primary key (id)')
  await one.run('create table c as select g as p_id from generate_series(2, 4) g')
  await expect(one.run('alter table c add foreign key (p_id) references p')).rejects.toMatchObject({
    code: '23503',
    fields: { detail: 'Key (p_id)=(4) is not present in table "p".' },
  })
  await one.run('alter table c add foreign key (p_id) references p not valid')
  await expect(one.run('alter table c validate constraint c_p_id_fkey')).rejects.toMatchObject({
    code: '23503',
  })
})

test('renames reach views, checks and defaults that say the old name', async () => {
  const { session } = await openTestCluster()
  const one = await session()
  await one.run('create table t (id serial, n int check (n > 0), d int generated always as (n * 2) stored)')
  await one.run('create view v as select id, n from t where n > 1')
  await one.run('alter table t rename column n to amount')
  await one.run('alter table t rename to things')
  await one.run('alter sequence t_id_seq rename to things_seq')
  const table = tableNamed(one, 'things')
  expect(table.checks).toMatchObject([{ name: 't_n_check', expression: '(amount > 0)' }])
  expect(table.columns.map((column) => column.default)).toEqual([
    expect.stringMatching(/^nextval\('\d+'::regclass\)$/),
    undefined,
    '(amount * 2)',
  ])
  const view = must(one.catalog.relationByName(2200, 'v'))
  expect(view).toMatchObject({
    definition:
      ' SELECT things.id,\n    things.amount AS n\n   FROM public.things\n  WHERE (things.amount > 1);',
  })
})

test('a branch sees what its template had, and goes its own way', async () => {
  const { session } = await openTestCluster()
  const one = await session()
  await one.run('create table t (a int)')
  await one.run('create database dev template postgres')
  const two = await session('dev')
  expect(two.catalog.relationByName(2200, 't')).toEqual(one.catalog.relationByName(2200, 't'))
  expect(two.catalog.version).toBe(one.catalog.version)
  await two.run('drop table t')
  await one.run('create table u (a int)')
  expect(two.catalog.relationByName(2200, 't')).toBeUndefined()
  expect(two.catalog.relationByName(2200, 'u')).toBeUndefined()
  expect(one.catalog.relationByName(2200, 't')).toBeDefined()
})

test('the catalog of a read point in the past', async () => {
  const { session } = await openTestCluster()
  const one = await session()
  await one.run('create table t (a int)')
  const past = one.database.database.view()
  await one.run('drop table t')
  const then = await retry(() => one.database.at(past))
  expect(then.relationByName(2200, 't')).toBeDefined()
  expect(one.catalog.relationByName(2200, 't')).toBeUndefined()
})

test('temporary tables of a server that was killed are gone when it starts again', async () => {
  const { session, volume } = await openTestCluster()
  const one = await session()
  await one.run('create temp table tmp (a serial primary key)')
  expect(one.catalog.schemaByName('pg_temp_1')).toBeDefined()
  const again = await (await openTestCluster({ volume })).session()
  expect(again.catalog.schemaByName('pg_temp_1')).toBeUndefined()
  expect([...again.catalog.relations()].filter((relation) => relation.persistence === 'temporary')).toEqual(
    [],
  )
})

test('a dropped database gives its timeline back', async () => {
  const { session, volume } = await openTestCluster()
  const one = await session()
  const before = volume.timelines().length
  await one.run('create database dev')
  expect(volume.timelines()).toHaveLength(before + 1)
  await one.run('drop database dev')
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(volume.timelines()).toHaveLength(before)
})
