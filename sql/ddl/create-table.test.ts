import { expect, test } from 'vitest'
import { must } from '../../storage/base/assert.ts'
import type { Table } from '../catalog/catalog.ts'
import { SqlError } from '../types/sql-error.ts'
import { type DdlSession, openTestCluster } from './testing/ddl-fixture.ts'

function tableNamed(session: DdlSession, name: string): Table {
  const relation = must(session.catalog.relationByName(2200, name), `relation ${name}`)
  if (relation.kind !== 'table') throw new Error(`${name} is no table`)
  return relation
}

test('a new cluster has the databases and roles of initdb', async () => {
  const { cluster } = await openTestCluster()
  expect([...cluster.shared.databases()].map(({ name }) => name).sort()).toEqual([
    'postgres',
    'template0',
    'template1',
  ])
  expect(cluster.shared.roleByName('postgres')?.superuser).toBe(true)
})

test('CREATE TABLE with keys is stored and survives a new start', async () => {
  const { volume, session } = await openTestCluster()
  const first = await session()
  expect(
    await first.run('create table t (id int primary key, name text not null, code varchar(10) unique)'),
  ).toEqual(['CREATE TABLE'])
  const table = tableNamed(first, 't')
  expect(table.clusterKey).toEqual([0])
  expect(table.indexes.map(({ name, isClustered }) => [name, isClustered])).toEqual([
    ['t_pkey', true],
    ['t_code_key', false],
  ])
  expect(table.columns.map(({ name, notNull, typmod }) => [name, notNull, typmod])).toEqual([
    ['id', true, -1],
    ['name', true, -1],
    ['code', false, 14],
  ])
  const again = await (await openTestCluster({ volume })).session()
  const loaded = tableNamed(again, 't')
  expect({ ...loaded, codec: undefined }).toEqual({ ...table, codec: undefined })
})

test('a name is taken once', async () => {
  const { session } = await openTestCluster()
  const one = await session()
  await one.run('create table t (a int)')
  await expect(one.run('create table t (a int)')).rejects.toMatchObject({
    code: '42P07',
    message: 'relation "t" already exists',
  })
  await one.run('create table if not exists t (b int)')
  expect(one.notices.at(-1)?.message).toBe('relation "t" already exists, skipping')
})

test('DDL in a transaction is seen by it alone until commit, and rollback forgets it', async () => {
  const { session } = await openTestCluster()
  const one = await session()
  const two = await session()
  one.begin()
  await one.run('create table t (a int)')
  expect(one.catalog.relationByName(2200, 't')).toBeDefined()
  expect(two.catalog.relationByName(2200, 't')).toBeUndefined()
  one.rollback()
  expect(one.catalog.relationByName(2200, 't')).toBeUndefined()
  one.begin()
  await one.run('create table t (a int)')
  await one.commit()
  expect(two.catalog.relationByName(2200, 't')).toBeDefined()
})

test('two makers of one name wait for each other; the second fails', async () => {
  const { session } = await openTestCluster()
  const one = await session()
  const two = await session()
  one.begin()
  await one.run('create table t (a int)')
  const second = two.run('create table t (b int)').catch((error: unknown) => error)
  await one.commit()
  expect(await second).toBeInstanceOf(SqlError)
})

test('savepoints undo catalog changes with the writes', async () => {
  const { session } = await openTestCluster()
  const one = await session()
  one.begin()
  await one.run('create table a (x int)')
  const mark = one.editor().mark()
  const savepoint = one.transaction().savepoint()
  await one.run('create table b (x int)')
  one.transaction().rollbackTo(savepoint)
  one.editor().rollbackTo(mark)
  await one.commit()
  expect(one.catalog.relationByName(2200, 'a')).toBeDefined()
  expect(one.catalog.relationByName(2200, 'b')).toBeUndefined()
})

test('serial columns own their sequence', async () => {
  const { session } = await openTestCluster()
  const one = await session()
  await one.run('create table t (id bigserial, n int generated always as identity (start 5))')
  const [id, n] = tableNamed(one, 't').columns
  const sequence = one.catalog.relationByName(2200, 't_id_seq')
  expect(id?.default).toBe(`nextval('${sequence?.oid}'::regclass)`)
  expect(n?.identity).toBe('always')
  expect(one.catalog.relationByName(2200, 't_n_seq')).toMatchObject({ kind: 'sequence', start: 5, type: 23 })
})

test('foreign keys rest on unique indexes', async () => {
  const { session } = await openTestCluster()
  const one = await session()
  await one.run('create table p (id int primary key, other int)')
  await one.run('create table c (p_id int references p on delete cascade, self int)')
  expect(tableNamed(one, 'c').foreignKeys).toMatchObject([
    { name: 'c_p_id_fkey', onDelete: 'cascade', columns: [0] },
  ])
  expect(tableNamed(one, 'p').referencedBy).toHaveLength(1)
  await expect(one.run('create table d (a int references p(other))')).rejects.toMatchObject({ code: '42830' })
  await expect(one.run('create table d (a text references p)')).rejects.toMatchObject({
    code: '42804',
    fields: { detail: 'Key columns "a" and "id" are of incompatible types: text and integer.' },
  })
})

test('DROP TABLE refuses, then cascades', async () => {
  const { session } = await openTestCluster()
  const one = await session()
  await one.run('create table p (id int primary key)')
  await one.run('create table c (p_id int references p)')
  await expect(one.run('drop table p')).rejects.toMatchObject({
    code: '2BP01',
    message: 'cannot drop table p because other objects depend on it',
    fields: {
      detail: 'constraint c_p_id_fkey on table c depends on table p',
      hint: 'Use DROP ... CASCADE to drop the dependent objects too.',
    },
  })
  await one.run('drop table p cascade')
  expect(one.notices.at(-1)?.message).toBe('drop cascades to constraint c_p_id_fkey on table c')
  expect(tableNamed(one, 'c').foreignKeys).toEqual([])
  await one.run('drop table if exists p')
  expect(one.notices.at(-1)?.message).toBe('table "p" does not exist, skipping')
  await one.run('drop table c')
})
