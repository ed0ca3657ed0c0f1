// information_schema's views of constraints. NOT NULL counts as a check constraint with a made-up name, as in PostgreSQL.

import type { Catalog, Index, ReferentialAction, Relation, Table } from '../catalog.ts'
import { typeNameFields } from './data-type.ts'
import { relkindOf } from './pg-class.ts'
import type { Fields, RelationSource } from './rows.ts'

const yesNo = (value: boolean): string => (value ? 'YES' : 'NO')
const schemaOf = (catalog: Catalog, oid: number): string => catalog.schema(oid)?.name ?? ''

function* userTables(catalog: Catalog): Iterable<Table> {
  for (const relation of catalog.relations()) {
    if (relation.kind === 'table' && relkindOf(relation) === 'r') yield relation
  }
}

const constraintName = (catalog: Catalog, table: Relation, name: string): Fields => ({
  constraint_catalog: catalog.databaseName,
  constraint_schema: schemaOf(catalog, table.schemaOid),
  constraint_name: name,
})

const tableName = (catalog: Catalog, table: Relation): Fields => ({
  table_catalog: catalog.databaseName,
  table_schema: schemaOf(catalog, table.schemaOid),
  table_name: table.name,
})

interface NotNull {
  readonly table: Table
  readonly name: string
  readonly column: string
}

function* notNulls(table: Table): Iterable<NotNull> {
  for (const { notNull, isDropped, number, name } of table.columns) {
    if (notNull && !isDropped)
      yield { table, name: `${table.schemaOid}_${table.oid}_${number}_not_null`, column: name }
  }
}

const keysOf = (table: Table): Index[] => table.indexes.filter((index) => index.constraintOid !== 0)

const tableConstraints: RelationSource = {
  rows: function* (catalog) {
    for (const table of userTables(catalog)) {
      const row = (name: string, type: string, deferrable = false, deferred = false): Fields => ({
        ...constraintName(catalog, table, name),
        ...tableName(catalog, table),
        constraint_type: type,
        is_deferrable: yesNo(deferrable),
        initially_deferred: yesNo(deferred),
        enforced: 'YES',
      })
      for (const index of keysOf(table)) {
        yield {
          ...row(
            index.name,
            index.isPrimary ? 'PRIMARY KEY' : 'UNIQUE',
            index.deferrable,
            index.initiallyDeferred,
          ),
          nulls_distinct: index.isPrimary ? null : yesNo(!index.nullsNotDistinct),
        }
      }
      for (const key of table.foreignKeys)
        yield row(key.name, 'FOREIGN KEY', key.deferrable, key.initiallyDeferred)
      for (const check of table.checks) yield row(check.name, 'CHECK')
      for (const { name } of notNulls(table)) yield row(name, 'CHECK')
    }
  },
}

const keyColumnUsage: RelationSource = {
  rows: function* (catalog) {
    for (const table of userTables(catalog)) {
      for (const index of keysOf(table)) {
        for (const [i, { column }] of index.columns.entries()) {
          yield {
            ...constraintName(catalog, table, index.name),
            ...tableName(catalog, table),
            column_name: table.columns[column]?.name ?? null,
            ordinal_position: i + 1,
            position_in_unique_constraint: null,
          }
        }
      }
      for (const key of table.foreignKeys) {
        const target = catalog.relation(key.indexOid)
        for (const [i, column] of key.columns.entries()) {
          const position =
            target?.kind === 'index'
              ? target.columns.findIndex((item) => item.column === key.referencedColumns[i]) + 1
              : i + 1
          yield {
            ...constraintName(catalog, table, key.name),
            ...tableName(catalog, table),
            column_name: table.columns[column]?.name ?? null,
            ordinal_position: i + 1,
            position_in_unique_constraint: position,
          }
        }
      }
    }
  },
}

/** Columns a constraint is about; a foreign key's are the referenced ones. */
const constraintColumnUsage: RelationSource = {
  rows: function* (catalog) {
    for (const table of userTables(catalog)) {
      const row = (of: Table, column: string | undefined, name: string): Fields => ({
        ...tableName(catalog, of),
        column_name: column ?? null,
        ...constraintName(catalog, table, name),
      })
      for (const index of keysOf(table)) {
        for (const { column } of index.columns) yield row(table, table.columns[column]?.name, index.name)
      }
      for (const check of table.checks) {
        for (const { objectOid, subId } of check.dependencies) {
          if (objectOid !== table.oid || subId <= 0) continue
          yield row(table, table.columns.find((column) => column.number === subId)?.name, check.name)
        }
      }
      for (const key of table.foreignKeys) {
        const target = catalog.relation(key.referencedOid)
        if (target?.kind !== 'table') continue
        for (const column of key.referencedColumns) yield row(target, target.columns[column]?.name, key.name)
      }
    }
  },
}

const constraintTableUsage: RelationSource = {
  rows: function* (catalog) {
    for (const table of userTables(catalog)) {
      for (const index of keysOf(table)) {
        yield { ...tableName(catalog, table), ...constraintName(catalog, table, index.name) }
      }
      for (const key of table.foreignKeys) {
        const target = catalog.relation(key.referencedOid)
        if (target !== undefined)
          yield { ...tableName(catalog, target), ...constraintName(catalog, table, key.name) }
      }
    }
  },
}

const RULES: Readonly<Record<ReferentialAction, string>> = {
  'no-action': 'NO ACTION',
  restrict: 'RESTRICT',
  cascade: 'CASCADE',
  'set-null': 'SET NULL',
  'set-default': 'SET DEFAULT',
}

const referentialConstraints: RelationSource = {
  rows: function* (catalog) {
    for (const table of userTables(catalog)) {
      for (const key of table.foreignKeys) {
        const index = catalog.relation(key.indexOid)
        const isConstraint = index?.kind === 'index' && index.constraintOid !== 0
        yield {
          ...constraintName(catalog, table, key.name),
          unique_constraint_catalog: isConstraint ? catalog.databaseName : null,
          unique_constraint_schema: isConstraint ? schemaOf(catalog, index.schemaOid) : null,
          unique_constraint_name: isConstraint ? index.name : null,
          match_option: key.match === 'full' ? 'FULL' : 'NONE',
          update_rule: RULES[key.onUpdate],
          delete_rule: RULES[key.onDelete],
        }
      }
    }
  },
}

const checkConstraints: RelationSource = {
  rows: function* (catalog) {
    for (const table of userTables(catalog)) {
      for (const check of table.checks) {
        yield { ...constraintName(catalog, table, check.name), check_clause: `(${check.expression})` }
      }
      for (const { name, column } of notNulls(table)) {
        yield { ...constraintName(catalog, table, name), check_clause: `${column} IS NOT NULL` }
      }
    }
    for (const { domain, schemaOid } of catalog.types()) {
      for (const check of domain?.checks ?? []) {
        yield {
          constraint_catalog: catalog.databaseName,
          constraint_schema: schemaOf(catalog, schemaOid),
          constraint_name: check.name,
          check_clause: `(${check.expression})`,
        }
      }
    }
  },
}

const domainConstraints: RelationSource = {
  rows: function* (catalog) {
    for (const { domain, schemaOid, type } of catalog.types()) {
      for (const check of domain?.checks ?? []) {
        yield {
          constraint_catalog: catalog.databaseName,
          constraint_schema: schemaOf(catalog, schemaOid),
          constraint_name: check.name,
          ...typeNameFields(catalog, type.oid, 'domain'),
          is_deferrable: 'NO',
          initially_deferred: 'NO',
        }
      }
    }
  },
}

export const constraintViews: Readonly<Record<string, RelationSource>> = {
  table_constraints: tableConstraints,
  key_column_usage: keyColumnUsage,
  constraint_column_usage: constraintColumnUsage,
  constraint_table_usage: constraintTableUsage,
  referential_constraints: referentialConstraints,
  check_constraints: checkConstraints,
  domain_constraints: domainConstraints,
}
