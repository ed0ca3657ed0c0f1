// information_schema: the standard's view of the same catalog (documentation, chapter 37). The views are the same for
// every role here: objects a role has no rights on are not left out.

import type { Value } from '../../types/value.ts'
import type { Catalog, Column, Relation, Sequence, Table, View } from '../catalog.ts'
import { constraintViews } from './information-constraints.ts'
import { privilegeViews } from './information-privileges.ts'
import { routineViews } from './information-routines.ts'
import { dataTypeName, typeFacts, typeNameFields, underlying } from './data-type.ts'
import { displayDefault, type WithColumns } from './information-names.ts'
import { relkindOf } from './pg-class.ts'
import type { Fields, RelationSource } from './rows.ts'

const yesNo = (value: boolean): string => (value ? 'YES' : 'NO')
const schemaOf = (catalog: Catalog, oid: number): string => catalog.schema(oid)?.name ?? ''
const roleOf = (catalog: Catalog, oid: number): string => catalog.shared.role(oid)?.name ?? ''

function isListed(relation: Relation): relation is WithColumns {
  const relkind = relkindOf(relation)
  return relkind === 'r' || relkind === 'v'
}

function* listed(catalog: Catalog): Iterable<WithColumns> {
  for (const relation of catalog.relations()) if (isListed(relation)) yield relation
}

const isBase = (relation: Relation): boolean => relkindOf(relation) === 'r'

function columnRow(catalog: Catalog, relation: WithColumns, column: Column, position: number): Fields {
  const { type } = underlying(catalog, column)
  const isDomain = type !== column.type
  return {
    table_catalog: catalog.databaseName,
    table_schema: schemaOf(catalog, relation.schemaOid),
    table_name: relation.name,
    column_name: column.name,
    ordinal_position: column.number === 0 ? position : column.number,
    column_default: column.generated ? null : displayDefault(catalog, column),
    is_nullable: yesNo(!column.notNull),
    data_type: dataTypeName(catalog, type),
    ...typeFacts(catalog, column),
    ...(isDomain ? typeNameFields(catalog, column.type, 'domain') : {}),
    ...typeNameFields(catalog, type, 'udt'),
    dtd_identifier: String(column.number),
    is_self_referencing: 'NO',
    is_identity: yesNo(column.identity !== undefined),
    ...identityFields(catalog, column),
    is_generated: column.generated ? 'ALWAYS' : 'NEVER',
    generation_expression: column.generated ? displayDefault(catalog, column) : null,
    is_updatable: yesNo(isBase(relation)),
  }
}

function identityFields(catalog: Catalog, column: Column): Fields {
  if (column.identity === undefined) return { identity_cycle: 'NO' }
  const sequence = catalog.relation(column.sequenceOid)
  const common = { identity_generation: column.identity === 'always' ? 'ALWAYS' : 'BY DEFAULT' }
  if (sequence?.kind !== 'sequence') return common
  return {
    ...common,
    identity_start: String(sequence.start),
    identity_increment: String(sequence.increment),
    identity_maximum: String(sequence.max),
    identity_minimum: String(sequence.min),
    identity_cycle: yesNo(sequence.cycle),
  }
}

function* columnsOf(catalog: Catalog, relation: WithColumns): Iterable<Fields> {
  for (const [i, column] of relation.columns.entries()) {
    if (!column.isDropped) yield columnRow(catalog, relation, column, i + 1)
  }
}

const columns: RelationSource = {
  rows: function* (catalog) {
    for (const relation of listed(catalog)) yield* columnsOf(catalog, relation)
  },
  lookups: {
    table_name: function* (catalog, name) {
      for (const schema of catalog.schemas()) {
        const relation = catalog.relationByName(schema.oid, name as string)
        if (relation !== undefined && isListed(relation)) yield* columnsOf(catalog, relation)
      }
    },
  },
}

const tables: RelationSource = {
  rows: function* (catalog) {
    for (const relation of listed(catalog)) {
      const isTemporary = relation.persistence === 'temporary'
      yield {
        table_catalog: catalog.databaseName,
        table_schema: schemaOf(catalog, relation.schemaOid),
        table_name: relation.name,
        table_type: isTemporary ? 'LOCAL TEMPORARY' : isBase(relation) ? 'BASE TABLE' : 'VIEW',
        is_insertable_into: yesNo(isBase(relation)),
        is_typed: 'NO',
        commit_action: isTemporary ? 'PRESERVE' : null,
      }
    }
  },
}

const views: RelationSource = {
  rows: function* (catalog) {
    for (const relation of listed(catalog)) {
      if (isBase(relation)) continue
      yield {
        table_catalog: catalog.databaseName,
        table_schema: schemaOf(catalog, relation.schemaOid),
        table_name: relation.name,
        view_definition: relation.kind === 'view' ? relation.definition : null,
        check_option: 'NONE',
        is_updatable: 'NO',
        is_insertable_into: 'NO',
        is_trigger_updatable: 'NO',
        is_trigger_deletable: 'NO',
        is_trigger_insertable_into: 'NO',
      }
    }
  },
}

/** What a view's definition names, tables and columns. */
function* viewUsage(
  catalog: Catalog,
): Iterable<{ readonly view: View; readonly table: Relation; readonly column: number }> {
  for (const relation of catalog.relations()) {
    if (relation.kind !== 'view') continue
    for (const needed of relation.dependencies) {
      const table = needed.classOid === 1259 ? catalog.relation(needed.objectOid) : undefined
      if (table !== undefined) yield { view: relation, table, column: needed.subId }
    }
  }
}

const viewName = (catalog: Catalog, view: View): Fields => ({
  view_catalog: catalog.databaseName,
  view_schema: schemaOf(catalog, view.schemaOid),
  view_name: view.name,
})

const tableName = (catalog: Catalog, table: Relation): Fields => ({
  table_catalog: catalog.databaseName,
  table_schema: schemaOf(catalog, table.schemaOid),
  table_name: table.name,
})

const viewTableUsage: RelationSource = {
  rows: function* (catalog) {
    const seen = new Set<string>()
    for (const { view, table } of viewUsage(catalog)) {
      const key = `${view.oid}.${table.oid}`
      if (seen.has(key)) continue
      seen.add(key)
      yield { ...viewName(catalog, view), ...tableName(catalog, table) }
    }
  },
}

const viewColumnUsage: RelationSource = {
  rows: function* (catalog) {
    for (const { view, table, column } of viewUsage(catalog)) {
      if (column === 0 || !('columns' in table) || table.kind === 'index') continue
      const name = (table as Table).columns.find((item) => item.number === column)?.name
      if (name !== undefined)
        yield { ...viewName(catalog, view), ...tableName(catalog, table), column_name: name }
    }
  },
}

const schemata: RelationSource = {
  rows: function* (catalog) {
    for (const schema of catalog.schemas()) {
      yield {
        catalog_name: catalog.databaseName,
        schema_name: schema.name,
        schema_owner: roleOf(catalog, schema.ownerOid),
      }
    }
  },
}

const SEQUENCE_BITS: Readonly<Record<number, number>> = { 21: 16, 23: 32, 20: 64 }

function sequenceRow(catalog: Catalog, sequence: Sequence): Fields {
  return {
    sequence_catalog: catalog.databaseName,
    sequence_schema: schemaOf(catalog, sequence.schemaOid),
    sequence_name: sequence.name,
    data_type: dataTypeName(catalog, sequence.type),
    numeric_precision: SEQUENCE_BITS[sequence.type] ?? null,
    numeric_precision_radix: 2,
    numeric_scale: 0,
    start_value: String(sequence.start),
    minimum_value: String(sequence.min),
    maximum_value: String(sequence.max),
    increment: String(sequence.increment),
    cycle_option: yesNo(sequence.cycle),
  }
}

const sequences: RelationSource = {
  rows: function* (catalog) {
    for (const relation of catalog.relations()) {
      if (relation.kind !== 'sequence' || isIdentity(catalog, relation)) continue
      yield sequenceRow(catalog, relation)
    }
  },
}

function isIdentity(catalog: Catalog, sequence: Sequence): boolean {
  const table = catalog.relation(sequence.ownedByTable)
  if (table?.kind !== 'table') return false
  return table.columns.find((column) => column.number === sequence.ownedByColumn)?.identity !== undefined
}

const domains: RelationSource = {
  rows: function* (catalog) {
    for (const entry of catalog.types()) {
      const { domain, type } = entry
      if (domain === undefined) continue
      const typed = { type: domain.baseOid, typmod: domain.typmod, collation: type.isCollatable ? 100 : 0 }
      yield {
        ...typeNameFields(catalog, type.oid, 'domain'),
        data_type: dataTypeName(catalog, domain.baseOid),
        ...typeFacts(catalog, typed),
        domain_default: domain.default ?? null,
        ...typeNameFields(catalog, domain.baseOid, 'udt'),
        dtd_identifier: '1',
      }
    }
  },
}

const userDefinedTypes: RelationSource = {
  rows: function* (catalog) {
    for (const relation of catalog.relations()) {
      if (relation.kind !== 'table' || !relation.isCompositeType) continue
      yield {
        user_defined_type_catalog: catalog.databaseName,
        user_defined_type_schema: schemaOf(catalog, relation.schemaOid),
        user_defined_type_name: relation.name,
        user_defined_type_category: 'STRUCTURED',
        is_instantiable: 'YES',
      }
    }
  },
}

const attributes: RelationSource = {
  rows: function* (catalog) {
    for (const relation of catalog.relations()) {
      if (relation.kind !== 'table' || !relation.isCompositeType) continue
      for (const column of relation.columns) {
        if (column.isDropped) continue
        yield {
          udt_catalog: catalog.databaseName,
          udt_schema: schemaOf(catalog, relation.schemaOid),
          udt_name: relation.name,
          attribute_name: column.name,
          ordinal_position: column.number,
          attribute_default: null,
          is_nullable: yesNo(!column.notNull),
          data_type: dataTypeName(catalog, column.type),
          ...typeFacts(catalog, column),
          ...typeNameFields(catalog, column.type, 'attribute_udt'),
          dtd_identifier: String(column.number),
          is_derived_reference_attribute: 'NO',
        }
      }
    }
  },
}

/** Elements of array columns. */
const elementTypes: RelationSource = {
  rows: function* (catalog) {
    for (const relation of listed(catalog)) {
      for (const column of relation.columns) {
        const type = column.isDropped ? undefined : catalog.type(column.type)
        if (type?.kind !== 'array' || type.length !== -1) continue
        const element = { ...column, type: type.elementOid }
        yield {
          object_catalog: catalog.databaseName,
          object_schema: schemaOf(catalog, relation.schemaOid),
          object_name: relation.name,
          object_type: 'TABLE',
          collection_type_identifier: String(column.number),
          data_type: dataTypeName(catalog, type.elementOid),
          ...elementFacts(catalog, element),
          ...typeNameFields(catalog, type.elementOid, 'udt'),
          dtd_identifier: `a${column.number}`,
        }
      }
    }
  },
}

/** The standard's columns that PostgreSQL leaves NULL for elements. */
function elementFacts(catalog: Catalog, column: Column): Fields {
  const {
    collation_catalog = null,
    collation_schema = null,
    collation_name = null,
  } = typeFacts(catalog, column)
  return { collation_catalog, collation_schema, collation_name }
}

const columnUdtUsage: RelationSource = {
  rows: function* (catalog) {
    for (const relation of listed(catalog)) {
      for (const column of relation.columns) {
        if (column.isDropped) continue
        const { type } = underlying(catalog, column)
        yield {
          ...typeNameFields(catalog, type, 'udt'),
          ...tableName(catalog, relation),
          column_name: column.name,
        }
      }
    }
  },
}

const one = (make: (catalog: Catalog) => Record<string, Value>): RelationSource => ({
  rows: (catalog) => [make(catalog)],
})

/** By view name; the rest of information_schema is empty. */
export const informationSchema: Readonly<Record<string, RelationSource>> = {
  information_schema_catalog_name: one((catalog) => ({ catalog_name: catalog.databaseName })),
  schemata,
  tables,
  columns,
  views,
  view_table_usage: viewTableUsage,
  view_column_usage: viewColumnUsage,
  sequences,
  domains,
  user_defined_types: userDefinedTypes,
  attributes,
  element_types: elementTypes,
  column_udt_usage: columnUdtUsage,
  character_sets: one((catalog) => ({
    character_set_name: 'UTF8',
    character_repertoire: 'UCS',
    form_of_use: 'UTF8',
    default_collate_catalog: catalog.databaseName,
  })),
  ...constraintViews,
  ...privilegeViews,
  ...routineViews,
}
