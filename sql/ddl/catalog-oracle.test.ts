// The built-in rows of catalogs against a fresh database of PostgreSQL 15 (BOREALIS_TEST_PG names its port).

import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { must } from '../../storage/base/assert.ts'
import type { Catalog, Table } from '../catalog/catalog.ts'
import { neutralContext } from '../catalog/created-types.ts'
import { HAS_ORACLE } from '../types/testing/oracle.ts'
import { emptyServer, openTestCluster } from './testing/ddl-fixture.ts'

/** Which rows to compare, and columns that may differ: figures of storage, and node trees, which we keep as SQL. */
const RELATIONS: Readonly<Record<string, { readonly where: string; readonly except?: readonly string[] }>> = {
  pg_type: { where: "typnamespace in (11, 'information_schema'::regnamespace)", except: ['typdefaultbin'] },
  pg_proc: { where: 'pronamespace = 11', except: ['proargdefaults', 'prosqlbody'] },
  pg_operator: { where: 'true' },
  pg_opclass: { where: 'true' },
  pg_opfamily: { where: 'true' },
  pg_amop: { where: 'true' },
  pg_amproc: { where: 'true' },
  pg_cast: { where: 'true' },
  pg_aggregate: { where: 'true' },
  pg_am: { where: 'true' },
  pg_range: { where: 'true' },
  pg_conversion: { where: 'true' },
  pg_ts_config: { where: 'true' },
  pg_ts_dict: { where: 'true' },
  pg_tablespace: { where: 'true' },
  pg_collation: { where: "collprovider <> 'i'" },
  pg_class: {
    where: "relnamespace in (11, 'information_schema'::regnamespace) and relkind in ('r', 'v', 'i')",
    except: [
      'relfilenode',
      'relpages',
      'reltuples',
      'relallvisible',
      'reltoastrelid',
      'relfrozenxid',
      'relminmxid',
      'relchecks',
      'relhastriggers',
    ],
  },
  pg_attribute: {
    where: `attrelid in (select oid from pg_class
      where relnamespace in (11, 'information_schema'::regnamespace) and relkind in ('r', 'v', 'i'))`,
    // Column grants of pg_subscription are not kept.
    except: ['attoptions', 'attacl'],
  },
  pg_index: {
    where: 'indrelid in (select oid from pg_class where relnamespace = 11)',
    except: ['indisclustered', 'indcheckxmin'],
  },
  pg_authid: { where: "rolname ~ '^pg_|^postgres$'", except: ['rolpassword'] },
  pg_auth_members: { where: 'roleid < 16384' },
}

describe.skipIf(!HAS_ORACLE)('rows as PostgreSQL has them', () => {
  let client: pg.Client
  let catalog: Catalog

  beforeAll(async () => {
    const { session } = await openTestCluster()
    catalog = (await session()).catalog
    client = new pg.Client({
      host: '127.0.0.1',
      port: Number(process.env['BOREALIS_TEST_PG']),
      user: 'postgres',
      database: 'template1',
    })
    await client.connect()
  })
  afterAll(() => client.end())

  /** Our rows, each as text by column. */
  function ours(name: string, columns: readonly string[]): (string | null)[][] {
    const table = catalog.relationByName(11, name) as Table
    const context = neutralContext((oid) => must(catalog.type(oid)))
    const rows = [...must(table.virtual).rows(catalog, emptyServer(1 as never))]
    const at = columns.map((column) => table.columns.findIndex((item) => item.name === column))
    return rows.map((row) =>
      at.map((i) => {
        const value = row[i] ?? null
        if (must(catalog.type(must(table.columns[i]).type)).name.startsWith('reg')) return String(value)
        return value === null ? null : must(catalog.type(must(table.columns[i]).type)).output(value, context)
      }),
    )
  }

  test.each(Object.entries(RELATIONS))('%s', async (name, { where, except = [] }) => {
    const table = catalog.relationByName(11, name) as Table
    const shown = table.columns.filter((column) => !except.includes(column.name))
    const columns = shown.map((column) => column.name)
    const select = shown.map((column) => {
      const type = must(catalog.type(column.type)).name
      return type.startsWith('reg') ? `${column.name}::oid::text` : `${column.name}::text`
    })
    const { rows } = await client.query<(string | null)[]>({
      text: `select ${select.join(', ')} from ${name} where ${where}`,
      rowMode: 'array',
    })
    const key = (row: readonly (string | null)[]): string => row.map(String).join('|')
    const wanted = rows.map((row) =>
      row.map((field, i) => (shown[i]?.type === 16 && field !== null ? field.charAt(0) : field)),
    )
    const have = new Set(ours(name, columns).map(key))
    const missing = wanted.filter((row) => !have.has(key(row))).map(key)
    expect(missing.slice(0, 5)).toEqual([])
    expect(wanted.length).toBeGreaterThan(0)
  })
})
