import { expect, test } from 'vitest'
import type { Catalog, Table } from '../catalog/catalog.ts'
import { emptyServer, openTestCluster } from './testing/ddl-fixture.ts'
import type { Row } from '../types/value.ts'

async function catalogWithTables(): Promise<{
  catalog: Catalog
  rows: (schema: number, name: string) => Row[]
}> {
  const { session } = await openTestCluster()
  const one = await session()
  await one.run('create table p (id serial primary key, code varchar(10) unique)')
  await one.run(
    'create table c (p_id int references p on delete cascade, n numeric(8,2), t timestamp(3), a int[])',
  )
  const { catalog } = one
  const server = emptyServer(one.database.database.timeline)
  const rows = (schema: number, name: string): Row[] => {
    const relation = catalog.relationByName(schema, name) as Table
    return [...(relation.virtual?.rows(catalog, server) ?? [])]
  }
  return { catalog, rows }
}

test('every computed relation gives rows of its width', async () => {
  const { catalog, rows } = await catalogWithTables()
  let count = 0
  for (const relation of catalog.relations()) {
    if (relation.kind !== 'table' || relation.virtual === undefined) continue
    for (const row of rows(relation.schemaOid, relation.name))
      expect(row).toHaveLength(relation.columns.length)
    count++
  }
  expect(count).toBe(212)
})

test('lookups find what a scan finds', async () => {
  const { catalog, rows } = await catalogWithTables()
  const server = emptyServer(1 as never)
  for (const relation of catalog.relations()) {
    if (relation.kind !== 'table' || relation.virtual === undefined) continue
    for (const lookup of relation.virtual.lookups) {
      const all = rows(relation.schemaOid, relation.name)
      const keys = new Set(all.slice(-40).map((row) => row[lookup.column] ?? null))
      for (const key of keys) {
        const wanted = all.filter((row) => row[lookup.column] === key)
        const found = [...lookup.find(catalog, key, server)].filter((row) => row[lookup.column] === key)
        expect(
          found,
          `${relation.name} by ${relation.columns[lookup.column]?.name} = ${String(key)}`,
        ).toEqual(wanted)
      }
    }
  }
})

test('pg_class, pg_attribute and pg_constraint show a created table', async () => {
  const { catalog, rows } = await catalogWithTables()
  const { oid } = catalog.relationByName(2200, 'c') as Table
  const classRow = rows(11, 'pg_class').find((row) => row[0] === oid)
  expect(classRow?.slice(1, 3)).toEqual(['c', 2200])
  const names = rows(11, 'pg_attribute').flatMap((row) =>
    row[0] === oid && (row[5] as number) > 0 ? [row[1]] : [],
  )
  expect(names).toEqual(['p_id', 'n', 't', 'a'])
  const constraints = rows(11, 'pg_constraint').filter((row) => row[7] === oid)
  expect(constraints.map((row) => [row[1], row[3]])).toEqual([['c_p_id_fkey', 'f']])
})

test('information_schema.columns gives types in the words of the standard', async () => {
  const { rows } = await catalogWithTables()
  const shown = rows(13207, 'columns').filter((row) => row[2] === 'c')
  expect(shown.map((row) => [row[3], row[7], row[8], row[10], row[12], row[13]])).toEqual([
    ['p_id', 'integer', null, 32, 0, null],
    ['n', 'numeric', null, 8, 2, null],
    ['t', 'timestamp without time zone', null, null, null, 3],
    ['a', 'ARRAY', null, null, null, null],
  ])
})
