// The relations of pg_catalog, information_schema and borealis: PostgreSQL's oids, columns and row types from the fact file, and
// rows computed by whoever registered a VirtualRelation under the name; without one, a relation is truly empty.
//
//   system-relation-facts.ts ──parse once──▶ Table (virtual) + row type + array     virtual-relations.ts ──▶ rows

import { must } from '../../storage/base/assert.ts'
import { NAME_OID } from '../types/oids.ts'
import type { TreeId } from '../../storage/base/ids.ts'
import { TableCodec } from '../types/row-codec.ts'
import { builtinType } from '../types/registry.ts'
import type { Type } from '../types/type.ts'
import { parseAcl } from './acl.ts'
import {
  BOREALIS_SCHEMA_OID,
  bootstrapRoleOid,
  INFORMATION_SCHEMA_OID,
  PG_CATALOG_OID,
  POSTGRES_ROLE_OID,
} from './bootstrap.ts'
import { borealisRelationFacts } from './borealis-relations.ts'
import type { Column, Index, Relation, Table, TypeEntry, VirtualRelation } from './catalog.ts'
import { arrayTypeOf, compositeTypeOf, domainTypeOf } from './created-types.ts'
import { COLUMN_DEFAULTS, INDEX_COLUMN_DEFAULTS } from './stored-objects.ts'
import { domainFacts, indexFacts, relationFacts } from './system-relation-facts.ts'

/** What pg_class and its kin show of a system relation beyond its descriptor. */
export interface SystemRelationFacts {
  /** 'r' or 'v'. */
  readonly relkind: string
  readonly isShared: boolean
  readonly toastOid: number
  readonly replicaIdentity: string
}

/** A row of pg_index about a catalog. */
export interface SystemIndexFacts {
  readonly attnums: readonly number[]
  readonly classes: readonly number[]
  readonly isShared: boolean
}

interface SystemRelations {
  readonly tables: ReadonlyMap<number, Table>
  readonly facts: ReadonlyMap<number, SystemRelationFacts>
  readonly indexes: ReadonlyMap<number, Index>
  readonly indexFacts: ReadonlyMap<number, SystemIndexFacts>
  readonly byName: ReadonlyMap<string, Relation>
  readonly types: ReadonlyMap<number, TypeEntry>
}

/** Schemas whose relations are facts. */
export type SystemSchema = 'pg_catalog' | 'information_schema' | 'borealis'

export const SYSTEM_SCHEMA_OID: Readonly<Record<SystemSchema, number>> = {
  pg_catalog: PG_CATALOG_OID,
  information_schema: INFORMATION_SCHEMA_OID,
  borealis: BOREALIS_SCHEMA_OID,
}

const NO_TREE = 0 as TreeId
const NO_CODEC = new TableCodec([{ version: 0, columns: [] }])

const rowsOf = (facts: string): string[][] => facts.split('\n').map((line) => line.split('|'))

let loaded: SystemRelations | undefined
let providers: ReadonlyMap<string, VirtualRelation> = new Map()

/** Gives computed relations their rows, by "schema.name". Called once, when the module that computes them loads. */
export function provideSystemRows(relations: ReadonlyMap<string, VirtualRelation>): void {
  providers = relations
}

const EMPTY: VirtualRelation = { rows: () => [], lookups: [] }

export function systemRelation(oid: number): Relation | undefined {
  const { tables, indexes } = load()
  return tables.get(oid) ?? indexes.get(oid)
}

export function systemRelationByName(schemaOid: number, name: string): Relation | undefined {
  return load().byName.get(`${schemaOid}.${name}`)
}

export function* systemRelations(): Iterable<Relation> {
  yield* load().tables.values()
  yield* load().indexes.values()
}

export function systemRelationFacts(oid: number): SystemRelationFacts | undefined {
  return load().facts.get(oid)
}

export function systemIndexFacts(oid: number): SystemIndexFacts | undefined {
  return load().indexFacts.get(oid)
}

/** Row types of system relations, the arrays over them, and the domains of information_schema. */
export function systemRowType(oid: number): TypeEntry | undefined {
  return load().types.get(oid)
}

export function systemRowTypes(): Iterable<TypeEntry> {
  return load().types.values()
}

/** Parses the facts, which else the first who asks waits for. */
export function loadSystemRelations(): void {
  load()
}

function load(): SystemRelations {
  loaded ??= parse()
  return loaded
}

function parse(): SystemRelations {
  const types = new Map<number, TypeEntry>()
  const domains = parseDomains(types)
  const tables = new Map<number, Table>()
  const facts = new Map<number, SystemRelationFacts>()
  const byName = new Map<string, Relation>()
  for (const row of [...rowsOf(relationFacts), ...rowsOf(borealisRelationFacts)]) {
    const table = parseTable(row, domains)
    tables.set(table.oid, table)
    byName.set(`${table.schemaOid}.${table.name}`, table)
    facts.set(table.oid, {
      relkind: must(row[3]),
      isShared: row[6] === 'true',
      toastOid: Number(row[8]),
      replicaIdentity: must(row[9]),
    })
    addRowTypes(types, table)
  }
  const indexes = new Map<number, Index>()
  const indexDetails = new Map<number, SystemIndexFacts>()
  for (const row of rowsOf(indexFacts)) {
    const index = parseIndex(row, tables)
    indexes.set(index.oid, index)
    byName.set(`${PG_CATALOG_OID}.${index.name}`, index)
    const numbers = (text: string | undefined): number[] => must(text).split(' ').map(Number)
    indexDetails.set(index.oid, {
      attnums: numbers(row[5]),
      classes: numbers(row[6]),
      isShared: row[9] === 'true',
    })
  }
  return { tables, facts, indexes, indexFacts: indexDetails, byName, types }
}

function parseDomains(types: Map<number, TypeEntry>): ReadonlyMap<string, Type> {
  const domains = new Map<string, Type>()
  for (const row of rowsOf(domainFacts)) {
    const [oid, name, arrayOid, base, typmod, check, fallback] = row as [
      string,
      string,
      string,
      string,
      string,
      string,
      string,
    ]
    const type = domainTypeOf(
      { oid: Number(oid), name, arrayOid: Number(arrayOid) },
      must(builtinType(Number(base))),
      -1,
    )
    domains.set(`information_schema.${name}`, type)
    const [checkName, checkOid, ...expression] = check.split(':') as [string, string | undefined, ...string[]]
    const checks =
      check === '-' ? [] : [{ oid: Number(checkOid), name: checkName, expression: expression.join(':') }]
    const domain = {
      baseOid: Number(base),
      typmod: Number(typmod),
      notNull: false,
      default: fallback === '-' ? undefined : fallback,
      checks,
    }
    types.set(type.oid, { ...entryOf(type, INFORMATION_SCHEMA_OID), domain })
    const array = arrayTypeOf(type, Number(arrayOid), `_${name}`)
    types.set(array.oid, entryOf(array, INFORMATION_SCHEMA_OID))
  }
  return domains
}

function entryOf(type: Type, schemaOid: number, relationOid = 0): TypeEntry {
  return {
    type,
    schemaOid,
    ownerOid: POSTGRES_ROLE_OID,
    relationOid,
    labels: [],
    domain: undefined,
    acl: undefined,
  }
}

function parseTable(row: readonly string[], domains: ReadonlyMap<string, Type>): Table {
  const [oid, schema, name, , rowType, rowArray, , acl, , , options, columnList] = row as string[]
  const virtual = (): VirtualRelation => providers.get(`${schema}.${name}`) ?? EMPTY
  const columns = must(columnList)
    .split(' ')
    .map((text, i) => parseColumn(text, i + 1, domains))
  return {
    kind: 'table',
    oid: Number(oid),
    name: must(name),
    schemaOid: SYSTEM_SCHEMA_OID[schema as SystemSchema],
    ownerOid: POSTGRES_ROLE_OID,
    acl: acl === '-' ? undefined : parseAcl(must(acl), bootstrapRoleOid),
    persistence: 'permanent',
    columns,
    tree: NO_TREE,
    clusterKey: undefined,
    codec: NO_CODEC,
    rowTypeOid: Number(rowType),
    rowArrayTypeOid: Number(rowArray),
    layouts: [],
    onCommit: 'preserve',
    indexes: [],
    checks: [],
    foreignKeys: [],
    referencedBy: [],
    virtual: {
      rows: (catalog, server) => virtual().rows(catalog, server),
      get lookups() {
        return virtual().lookups
      },
    },
    options: options === '-' ? [] : must(options).split(','),
    isCompositeType: false,
  }
}

function parseColumn(text: string, number: number, domains: ReadonlyMap<string, Type>): Column {
  const [name, type, typmod, notNull, collation] = text.split(':') as [string, string, string, string, string]
  return {
    ...COLUMN_DEFAULTS,
    number,
    name,
    type: domains.get(type)?.oid ?? Number(type),
    typmod: Number(typmod),
    collation: Number(collation),
    notNull: notNull === '!',
  }
}

function addRowTypes(types: Map<number, TypeEntry>, table: Table): void {
  const { rowTypeOid: oid, rowArrayTypeOid: arrayOid, name, schemaOid } = table
  const typeOf = (column: Column): Type =>
    builtinType(column.type) ?? types.get(column.type)?.type ?? must(builtinType(NAME_OID))
  const fields = table.columns.map((column) => ({
    name: column.name,
    type: typeOf(column),
    typmod: column.typmod,
  }))
  const type = compositeTypeOf({ oid, name, arrayOid }, fields)
  types.set(oid, entryOf(type, schemaOid, table.oid))
  if (arrayOid !== 0) types.set(arrayOid, entryOf(arrayTypeOf(type, arrayOid, `_${name}`), schemaOid))
}

function parseIndex(row: readonly string[], tables: ReadonlyMap<number, Table>): Index {
  const [oid, name, tableOid, unique, primary, attnums, , collations, constraint] = row as string[]
  const table = must(tables.get(Number(tableOid)))
  const collationOf = must(collations).split(' ').map(Number)
  return {
    kind: 'index',
    oid: Number(oid),
    name: must(name),
    schemaOid: PG_CATALOG_OID,
    ownerOid: POSTGRES_ROLE_OID,
    acl: undefined,
    persistence: 'permanent',
    tableOid: table.oid,
    tree: NO_TREE,
    isClustered: false,
    unique: unique === 'true',
    nullsNotDistinct: false,
    isPrimary: primary === 'true',
    columns: must(attnums)
      .split(' ')
      .map((attnum, i) => {
        const column = Number(attnum) - 1
        const { type } = must(table.columns[column])
        return { ...INDEX_COLUMN_DEFAULTS, column, type, collation: collationOf[i] ?? 0 }
      }),
    included: [],
    predicate: undefined,
    constraintOid: Number(constraint),
    deferrable: false,
    initiallyDeferred: false,
    method: 'btree',
    options: [],
    dependencies: [],
  }
}
