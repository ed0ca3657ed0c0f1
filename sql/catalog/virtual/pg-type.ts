// pg_type, pg_enum, pg_range: built-in types from the facts, created ones from the catalog.

import { must } from '../../../storage/base/assert.ts'
import type { Value } from '../../types/value.ts'
import { PG_CATALOG_OID } from '../bootstrap.ts'
import type { Catalog, TypeEntry } from '../catalog.ts'
import { staticRowByOid } from '../static-rows.ts'
import { systemRelationByName } from '../system-relations.ts'
import { aclValue, type Fields, type RelationSource } from './rows.ts'
import { typeStorage } from './type-storage.ts'

let columnNames: readonly string[] | undefined

/** A row of the facts by column name. */
function staticFields(relation: 'pg_type', row: readonly Value[]): Fields {
  if (columnNames === undefined) {
    const table = systemRelationByName(PG_CATALOG_OID, relation)
    columnNames = table?.kind === 'table' ? table.columns.map(({ name }) => name) : []
  }
  const fields: Record<string, Value> = {}
  for (const [i, name] of columnNames.entries()) fields[name] = row[i] ?? null
  return fields
}

/** Oids of the functions that types of a kind share: in, out, receive, send, subscript. */
const FUNCTIONS: Readonly<Record<string, readonly [number, number, number, number, number]>> = {
  array: [750, 751, 2400, 2401, 6179],
  composite: [2290, 2291, 2402, 2403, 0],
  enum: [3506, 3507, 3532, 3533, 0],
  domain: [2597, 0, 2598, 0, 0],
}

/** A domain's default, which is both the expression and its text. */
function defaultOf({ domain }: TypeEntry): Fields {
  const text = domain?.default ?? null
  return { typdefaultbin: text, typdefault: text }
}

function typeRow(catalog: Catalog, entry: TypeEntry): Fields {
  const { type } = entry
  const built = staticRowByOid('pg_type', type.oid)
  if (built !== undefined) return staticFields('pg_type', built)
  const storage = typeStorage(catalog, type.oid)
  const [input = 0, ownOutput = 0, receive = 0, ownSend = 0, subscript = 0] = FUNCTIONS[type.kind] ?? []
  const base = type.kind === 'domain' ? baseRow(catalog, type.baseOid) : undefined
  return {
    oid: type.oid,
    typname: type.name,
    typnamespace: entry.schemaOid,
    typowner: entry.ownerOid,
    typlen: storage.length,
    typbyval: storage.byValue,
    typtype: { array: 'b', composite: 'c', enum: 'e', domain: 'd' }[type.kind as string] ?? 'b',
    typcategory: type.category,
    typispreferred: false,
    typisdefined: true,
    typdelim: type.delimiter,
    typrelid: entry.relationOid,
    typsubscript: subscript,
    typelem: type.elementOid,
    typarray: type.arrayOid,
    typinput: input,
    typoutput: base?.['typoutput'] ?? ownOutput,
    typreceive: receive,
    typsend: base?.['typsend'] ?? ownSend,
    typmodin: 0,
    typmodout: base?.['typmodout'] ?? 0,
    typanalyze: type.kind === 'array' ? 3816 : (base?.['typanalyze'] ?? 0),
    typalign: storage.align,
    typstorage: storage.storage,
    typnotnull: entry.domain?.notNull === true,
    typbasetype: type.baseOid,
    typtypmod: entry.domain?.typmod ?? -1,
    typndims: 0,
    typcollation: type.isCollatable ? 100 : 0,
    ...defaultOf(entry),
    typacl: aclValue(entry.acl, catalog.shared),
  }
}

function baseRow(catalog: Catalog, oid: number): Fields {
  return typeRow(catalog, must(catalog.typeEntry(oid), 'a domain has a base type'))
}

export const pgType: RelationSource = {
  rows: function* (catalog) {
    for (const entry of catalog.types()) yield typeRow(catalog, entry)
  },
  lookups: {
    oid: (catalog, oid) => {
      const entry = catalog.typeEntry(oid as number)
      return entry === undefined ? [] : [typeRow(catalog, entry)]
    },
    typname: (catalog, name) => {
      const found: Fields[] = []
      for (const schema of catalog.schemas()) {
        const entry = catalog.typeByName(schema.oid, name as string)
        if (entry !== undefined) found.push(typeRow(catalog, entry))
      }
      return found
    },
  },
}

function* labelsOf(entry: TypeEntry): Iterable<Fields> {
  for (const { oid, label, sortOrder } of entry.labels) {
    yield { oid, enumtypid: entry.type.oid, enumsortorder: sortOrder, enumlabel: label }
  }
}

export const pgEnum: RelationSource = {
  rows: function* (catalog) {
    for (const entry of catalog.types()) yield* labelsOf(entry)
  },
  lookups: {
    enumtypid: (catalog, oid) => {
      const entry = catalog.typeEntry(oid as number)
      return entry === undefined ? [] : labelsOf(entry)
    },
  },
}
