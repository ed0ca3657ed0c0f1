// pg_identify_object: type, schema, name and identity of an object, names always qualified.

import { quoteIdentifier } from '../functions/quote.ts'
import { CLASS_OID } from './bootstrap.ts'
import type { Catalog, Dependency } from './catalog.ts'
import { findConstraint } from './definitions.ts'

type Identity = readonly [
  type: string | null,
  schema: string | null,
  name: string | null,
  identity: string | null,
]

const UNKNOWN: Identity = [null, null, null, null]

export function identifyObject(catalog: Catalog, { classOid, objectOid, subId }: Dependency): Identity {
  const schemaName = (oid: number): string => quoteIdentifier(catalog.schema(oid)?.name ?? '')
  switch (classOid) {
    case CLASS_OID.pg_class: {
      const relation = catalog.relation(objectOid)
      if (relation === undefined) return UNKNOWN
      const schema = schemaName(relation.schemaOid)
      const name = quoteIdentifier(relation.name)
      const type = relation.kind === 'table' && relation.isCompositeType ? 'composite type' : relation.kind
      if (subId === 0 || relation.kind === 'index' || relation.kind === 'sequence') {
        return [type, schema, name, `${schema}.${name}`]
      }
      const column = relation.columns.find((item) => item.number === subId)
      return [`${type} column`, schema, name, `${schema}.${name}.${quoteIdentifier(column?.name ?? '')}`]
    }
    case CLASS_OID.pg_type: {
      const entry = catalog.typeEntry(objectOid)
      if (entry === undefined) return UNKNOWN
      const schema = schemaName(entry.schemaOid)
      const name = quoteIdentifier(entry.type.name)
      return ['type', schema, name, `${schema}.${name}`]
    }
    case CLASS_OID.pg_namespace: {
      const schema = catalog.schema(objectOid)
      if (schema === undefined) return UNKNOWN
      return ['schema', null, quoteIdentifier(schema.name), quoteIdentifier(schema.name)]
    }
    case CLASS_OID.pg_authid: {
      const role = catalog.shared.role(objectOid)
      return role === undefined
        ? UNKNOWN
        : ['role', null, quoteIdentifier(role.name), quoteIdentifier(role.name)]
    }
    case CLASS_OID.pg_database: {
      const database = catalog.shared.database(objectOid)
      if (database === undefined) return UNKNOWN
      return ['database', null, quoteIdentifier(database.name), quoteIdentifier(database.name)]
    }
    case CLASS_OID.pg_constraint: {
      const found = findConstraint(catalog, objectOid)
      if (found === undefined) return UNKNOWN
      const { table } = found
      const name =
        found.kind === 'check'
          ? found.check.name
          : found.kind === 'foreign'
            ? found.key.name
            : found.index.name
      const on = `${schemaName(table.schemaOid)}.${quoteIdentifier(table.name)}`
      return ['table constraint', schemaName(table.schemaOid), null, `${quoteIdentifier(name)} on ${on}`]
    }
    default:
      return UNKNOWN
  }
}
