// Objects in the words of messages: `table t`, `column a of table t`, `constraint c on table t`. Names are qualified
// where the search path does not lead to the object. (PostgreSQL's getObjectDescription.)

import { CLASS_OID } from './bootstrap.ts'
import type { Catalog, Dependency, Relation } from './catalog.ts'
import { quoteIdentifier } from '../functions/quote.ts'

const NOUNS: Readonly<Record<Relation['kind'], string>> = {
  table: 'table',
  view: 'view',
  sequence: 'sequence',
  index: 'index',
}

/** The name, qualified unless a lookup along the path (schema oids) finds this very object. */
export function visibleName(catalog: Catalog, path: readonly number[], relation: Relation): string {
  for (const schemaOid of path) {
    const found = catalog.relationByName(schemaOid, relation.name)
    if (found === undefined) continue
    if (found.oid === relation.oid) return quoteIdentifier(relation.name)
    break
  }
  const schema = catalog.schema(relation.schemaOid)?.name
  const name = quoteIdentifier(relation.name)
  return schema === undefined ? name : `${quoteIdentifier(schema)}.${name}`
}

function describeRelation(catalog: Catalog, path: readonly number[], relation: Relation): string {
  const noun = relation.kind === 'table' && relation.isCompositeType ? 'composite type' : NOUNS[relation.kind]
  return `${noun} ${visibleName(catalog, path, relation)}`
}

export function visibleTypeName(catalog: Catalog, path: readonly number[], oid: number): string {
  const entry = catalog.typeEntry(oid)
  if (entry === undefined) return String(oid)
  if (entry.type.kind === 'array') return `${visibleTypeName(catalog, path, entry.type.elementOid)}[]`
  const name = quoteIdentifier(entry.type.name)
  for (const schemaOid of path) {
    const found = catalog.typeByName(schemaOid, entry.type.name)
    if (found === undefined) continue
    if (found.type.oid === oid) return name
    break
  }
  const schema = catalog.schema(entry.schemaOid)?.name
  return schema === undefined ? name : `${quoteIdentifier(schema)}.${name}`
}

/** What messages call the object. */
export function describeObject(catalog: Catalog, path: readonly number[], address: Dependency): string {
  const { classOid, objectOid, subId } = address
  switch (classOid) {
    case CLASS_OID.pg_class: {
      const relation = catalog.relation(objectOid)
      if (relation === undefined) return `relation ${objectOid}`
      const whole = describeRelation(catalog, path, relation)
      if (subId === 0 || !('columns' in relation) || relation.kind === 'index') return whole
      const column = relation.columns.find((item) => item.number === subId)
      return `column ${column === undefined ? subId : quoteIdentifier(column.name)} of ${whole}`
    }
    case CLASS_OID.pg_rewrite: {
      const view = catalog.relation(objectOid)
      return view === undefined
        ? `rule ${objectOid}`
        : `rule _RETURN on ${describeRelation(catalog, path, view)}`
    }
    case CLASS_OID.pg_type:
      return `type ${visibleTypeName(catalog, path, objectOid)}`
    case CLASS_OID.pg_namespace:
      return `schema ${quoteIdentifier(catalog.schema(objectOid)?.name ?? String(objectOid))}`
    case CLASS_OID.pg_constraint:
      return describeConstraint(catalog, path, objectOid)
    case CLASS_OID.pg_attrdef:
      return describeDefault(catalog, path, objectOid)
    case CLASS_OID.pg_authid:
      return `role ${catalog.shared.role(objectOid)?.name ?? objectOid}`
    case CLASS_OID.pg_database:
      return `database ${catalog.shared.database(objectOid)?.name ?? objectOid}`
    case CLASS_OID.pg_proc:
      return `function ${catalog.functions.byOid(objectOid)?.name ?? objectOid}`
    default:
      return `object ${objectOid}`
  }
}

function describeConstraint(catalog: Catalog, path: readonly number[], oid: number): string {
  for (const relation of catalog.relations()) {
    if (relation.kind !== 'table') continue
    const name =
      relation.checks.find((check) => check.oid === oid)?.name ??
      relation.foreignKeys.find((key) => key.oid === oid)?.name ??
      relation.indexes.find((index) => index.constraintOid === oid)?.name
    if (name !== undefined)
      return `constraint ${quoteIdentifier(name)} on ${describeRelation(catalog, path, relation)}`
  }
  for (const { domain, type } of catalog.types()) {
    const check = domain?.checks.find((item) => item.oid === oid)
    if (check !== undefined)
      return `constraint ${quoteIdentifier(check.name)} on type ${visibleTypeName(catalog, path, type.oid)}`
  }
  return `constraint ${oid}`
}

function describeDefault(catalog: Catalog, path: readonly number[], oid: number): string {
  for (const relation of catalog.relations()) {
    if (relation.kind !== 'table') continue
    const column = relation.columns.find((item) => item.defaultOid === oid)
    if (column === undefined) continue
    return `default value for column ${quoteIdentifier(column.name)} of ${describeRelation(catalog, path, relation)}`
  }
  return `default value ${oid}`
}
