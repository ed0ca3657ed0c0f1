// The views over catalogs that PostgreSQL defines for people: pg_tables, pg_views, pg_indexes, pg_sequences, pg_rules.

import { indexDefinition } from '../definitions.ts'
import type { Catalog, Relation } from '../catalog.ts'
import { PG_CATALOG_OID } from '../bootstrap.ts'
import { relkindOf, systemIndexesOf } from './pg-class.ts'
import type { Fields, RelationSource } from './rows.ts'

const schemaName = (catalog: Catalog, relation: Relation): string =>
  catalog.schema(relation.schemaOid)?.name ?? ''
const roleName = (catalog: Catalog, oid: number): string => catalog.shared.role(oid)?.name ?? ''

export const pgTables: RelationSource = {
  rows: function* (catalog) {
    for (const relation of catalog.relations()) {
      if (relation.kind !== 'table' || relkindOf(relation) !== 'r') continue
      yield {
        schemaname: schemaName(catalog, relation),
        tablename: relation.name,
        tableowner: roleName(catalog, relation.ownerOid),
        tablespace: null,
        hasindexes: relation.indexes.length > 0 || systemIndexesOf(relation.oid).length > 0,
        hasrules: false,
        hastriggers: relation.foreignKeys.length > 0 || relation.referencedBy.length > 0,
        rowsecurity: false,
      }
    }
  },
}

export const pgViews: RelationSource = {
  rows: function* (catalog) {
    for (const relation of catalog.relations()) {
      if (relkindOf(relation) !== 'v') continue
      yield {
        schemaname: schemaName(catalog, relation),
        viewname: relation.name,
        viewowner: roleName(catalog, relation.ownerOid),
        definition: relation.kind === 'view' ? relation.definition : null,
      }
    }
  },
}

export const pgIndexes: RelationSource = {
  rows: function* (catalog) {
    const context = { catalog, path: [PG_CATALOG_OID], deparser: undefined }
    for (const relation of catalog.relations()) {
      if (relation.kind !== 'index') continue
      const table = catalog.relation(relation.tableOid)
      yield {
        schemaname: schemaName(catalog, relation),
        tablename: table?.name ?? null,
        indexname: relation.name,
        tablespace: null,
        indexdef: indexDefinition(context, relation, 0, false),
      }
    }
  },
}

export const pgSequences: RelationSource = {
  rows: function* (catalog, server): Iterable<Fields> {
    for (const relation of catalog.relations()) {
      if (relation.kind !== 'sequence') continue
      yield {
        schemaname: schemaName(catalog, relation),
        sequencename: relation.name,
        sequenceowner: roleName(catalog, relation.ownerOid),
        data_type: relation.type,
        start_value: relation.start,
        min_value: relation.min,
        max_value: relation.max,
        increment_by: relation.increment,
        cycle: relation.cycle,
        cache_size: relation.cache,
        last_value: server.lastSequenceValue?.(relation.oid) ?? null,
      }
    }
  },
}
