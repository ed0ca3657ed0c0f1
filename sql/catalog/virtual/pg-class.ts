// pg_class, pg_index, pg_namespace: relations of all kinds, built-in ones included.

import { must } from '../../../storage/base/assert.ts'
import { INT2_OID, OID_OID } from '../../types/oids.ts'
import type { Value } from '../../types/value.ts'
import type { Catalog, Index, IndexColumn, Relation, Table } from '../catalog.ts'
import { defaultOperatorClass } from '../operator-class.ts'
import { vectorOf } from '../static-rows.ts'
import { systemIndexFacts, systemRelationFacts, systemRelations } from '../system-relations.ts'
import { aclValue, type Fields, optionsValue, type RelationSource } from './rows.ts'

const METHOD_OIDS: Readonly<Record<string, number>> = {
  btree: 403,
  hash: 405,
  gist: 783,
  gin: 2742,
  spgist: 4000,
  brin: 3580,
}
const HEAP_METHOD_OID = 2
/** pg_global. */
const SHARED_TABLESPACE_OID = 1664

const PERSISTENCE: Readonly<Record<Relation['persistence'], string>> = {
  permanent: 'p',
  unlogged: 'u',
  temporary: 't',
}

export function relkindOf(relation: Relation): string {
  switch (relation.kind) {
    case 'table':
      if (relation.virtual !== undefined) return systemRelationFacts(relation.oid)?.relkind ?? 'r'
      return relation.isCompositeType ? 'c' : 'r'
    case 'view':
      return 'v'
    case 'sequence':
      return 'S'
    case 'index':
      return 'i'
  }
}

function methodOf(relation: Relation): number {
  if (relation.kind === 'index') return METHOD_OIDS[relation.method] ?? 0
  const relkind = relkindOf(relation)
  return relkind === 'r' ? HEAP_METHOD_OID : 0
}

function attributeCount(relation: Relation): number {
  if (relation.kind === 'sequence') return 3
  return relation.columns.length + (relation.kind === 'index' ? relation.included.length : 0)
}

/** What only tables can have. */
function tableFields(relation: Relation): Fields {
  if (relation.kind !== 'table') return { relhasindex: false, relchecks: 0, relhastriggers: false }
  return {
    relhasindex: relation.indexes.length > 0 || systemIndexesOf(relation.oid).length > 0,
    relchecks: relation.checks.length,
    relhastriggers: relation.foreignKeys.length > 0 || relation.referencedBy.length > 0,
  }
}

function replicaIdentity(relation: Relation): string {
  const relkind = relkindOf(relation)
  if (relation.kind !== 'table' || relkind === 'v' || relkind === 'c') return 'n'
  return systemRelationFacts(relation.oid)?.replicaIdentity ?? 'd'
}

function classRow(catalog: Catalog, relation: Relation): Fields {
  const relkind = relkindOf(relation)
  const system = systemRelationFacts(relation.oid)
  const hasStorage = relkind === 'r' || relkind === 'i' || relkind === 'S'
  const isShared = system?.isShared === true || systemIndexFacts(relation.oid)?.isShared === true
  return {
    oid: relation.oid,
    relname: relation.name,
    relnamespace: relation.schemaOid,
    reltype: 'rowTypeOid' in relation ? relation.rowTypeOid : 0,
    reloftype: 0,
    relowner: relation.ownerOid,
    relam: methodOf(relation),
    relfilenode: hasStorage ? relation.oid : 0,
    reltablespace: isShared ? SHARED_TABLESPACE_OID : 0,
    relpages: 0,
    reltuples: hasStorage && relation.kind === 'table' ? -1 : 0,
    relallvisible: 0,
    reltoastrelid: 0,
    relisshared: isShared,
    relpersistence: PERSISTENCE[relation.persistence],
    relkind,
    relnatts: attributeCount(relation),
    ...tableFields(relation),
    relhasrules: relkind === 'v',
    relhassubclass: false,
    relrowsecurity: false,
    relforcerowsecurity: false,
    relispopulated: true,
    relreplident: replicaIdentity(relation),
    relispartition: false,
    relrewrite: 0,
    relfrozenxid: relkind === 'r' ? 3 : 0,
    relminmxid: relkind === 'r' ? 1 : 0,
    relacl: aclValue(relation.acl, catalog.shared),
    reloptions: 'options' in relation ? optionsValue(relation.options) : null,
    relpartbound: null,
  }
}

let systemIndexes: ReadonlyMap<number, readonly Index[]> | undefined

/** The indexes PostgreSQL has on a catalog: shown, not used. */
export function systemIndexesOf(tableOid: number): readonly Index[] {
  if (systemIndexes === undefined) {
    const byTable = new Map<number, Index[]>()
    for (const relation of systemRelations()) {
      if (relation.kind !== 'index') continue
      const list = byTable.get(relation.tableOid) ?? []
      list.push(relation)
      byTable.set(relation.tableOid, list)
    }
    systemIndexes = byTable
  }
  return systemIndexes.get(tableOid) ?? []
}

export const pgClass: RelationSource = {
  rows: function* (catalog) {
    for (const relation of catalog.relations()) yield classRow(catalog, relation)
  },
  lookups: {
    oid: (catalog, oid) => {
      const relation = catalog.relation(oid as number)
      return relation === undefined ? [] : [classRow(catalog, relation)]
    },
    relname: (catalog, name) => {
      const found: Fields[] = []
      for (const schema of catalog.schemas()) {
        const relation = catalog.relationByName(schema.oid, name as string)
        if (relation !== undefined) found.push(classRow(catalog, relation))
      }
      return found
    },
  },
}

/** The table of an index. */
export function tableOfIndex(catalog: Catalog, index: Index): Table {
  const table = catalog.relation(index.tableOid)
  if (table?.kind !== 'table') throw new Error('an index is on a table')
  return table
}

/** Attnum of a key column; 0 for an expression. */
function attnumOf(table: Table, column: number): number {
  return column < 0 ? 0 : must(table.columns[column]).number
}

function optionBits(column: IndexColumn): number {
  return (column.descending ? 1 : 0) | (column.nullsFirst ? 2 : 0)
}

function indexRow(catalog: Catalog, index: Index): Fields {
  const table = tableOfIndex(catalog, index)
  const system = systemIndexFacts(index.oid)
  const keys = index.columns.map((column) => attnumOf(table, column.column))
  const included = index.included.map((column) => attnumOf(table, column))
  const expressions = index.columns.flatMap((column) => column.expression ?? [])
  const classes =
    system?.classes ?? index.columns.map((column) => defaultOperatorClass(catalog, index.method, column))
  return {
    indexrelid: index.oid,
    indrelid: index.tableOid,
    indnatts: keys.length + included.length,
    indnkeyatts: keys.length,
    indisunique: index.unique,
    indnullsnotdistinct: index.nullsNotDistinct,
    indisprimary: index.isPrimary,
    indisexclusion: false,
    indimmediate: !index.deferrable,
    indisclustered: false,
    indisvalid: true,
    indcheckxmin: false,
    indisready: true,
    indislive: true,
    indisreplident: false,
    indkey: vectorOf(INT2_OID, [...keys, ...included]),
    indcollation: vectorOf(
      OID_OID,
      index.columns.map((column) => column.collation),
    ),
    indclass: vectorOf(OID_OID, classes),
    indoption: vectorOf(INT2_OID, index.columns.map(optionBits)),
    indexprs: expressions.length === 0 ? null : expressions.join(', '),
    indpred: index.predicate ?? null,
  }
}

function indexesOf(catalog: Catalog, tableOid: Value): readonly Index[] {
  const relation = catalog.relation(tableOid as number)
  if (relation?.kind !== 'table') return []
  return relation.virtual === undefined ? relation.indexes : systemIndexesOf(relation.oid)
}

export const pgIndex: RelationSource = {
  rows: function* (catalog) {
    for (const relation of catalog.relations())
      if (relation.kind === 'index') yield indexRow(catalog, relation)
  },
  lookups: {
    indrelid: (catalog, oid) => indexesOf(catalog, oid).map((index) => indexRow(catalog, index)),
    indexrelid: (catalog, oid) => {
      const index = catalog.relation(oid as number)
      return index?.kind === 'index' ? [indexRow(catalog, index)] : []
    },
  },
}

export const pgNamespace: RelationSource = {
  rows: function* (catalog) {
    for (const schema of catalog.schemas()) {
      yield {
        oid: schema.oid,
        nspname: schema.name,
        nspowner: schema.ownerOid,
        nspacl: aclValue(schema.acl, catalog.shared),
      }
    }
  },
}
