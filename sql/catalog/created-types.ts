// Types that users make (enums, domains, row types) and the arrays over all of them, from stored objects.
//
// They may refer to each other in any order (a composite of a domain over an enum's array), so an entry is built when it
// is first asked for; a type cannot contain itself, which DDL sees to.

import { must } from '../../storage/base/assert.ts'
import { arrayBehaviour } from '../types/array-type.ts'
import { type Behaviour, defineType } from '../types/define-type.ts'
import { BYTEA_OID } from '../types/oids.ts'
import { builtinType } from '../types/registry.ts'
import type { Type, TypeContext } from '../types/type.ts'
import { arrayFacts, type TypeFacts } from '../types/type-facts.ts'
import type { Value } from '../types/value.ts'
import type { TypeEntry, View } from './catalog.ts'
import { compositeBehaviour, type CompositeField } from './composite-type.ts'
import { enumBehaviour } from './enum-type.ts'
import type { StoredTable, StoredType } from './stored-objects.ts'

export interface TypeSources {
  readonly types: Iterable<StoredType>
  readonly tables: Iterable<StoredTable>
  readonly views: Iterable<View>
}

const BASE_FACTS: TypeFacts = {
  oid: 0,
  name: '',
  length: -1,
  kind: 'b',
  category: 'U',
  isPreferred: false,
  delimiter: ',',
  elementOid: 0,
  arrayOid: 0,
  ioPrefix: '',
  hasBinary: true,
  align: 'd',
  storage: 'x',
  collationOid: 0,
  subscript: '-',
  typmodPrefix: '',
}

/** A context without a session, for values the catalog itself keeps as text: ISO dates, UTC. */
export function neutralContext(type: (oid: number) => Type): TypeContext {
  return {
    timeZone: 'UTC',
    dateStyle: { style: 'ISO', order: 'MDY' },
    intervalStyle: 'postgres',
    extraFloatDigits: 1,
    byteaOutput: 'hex',
    transactionMicros: 0,
    lookup: {
      type,
      regNameToOid: (_kind, name) => Number(name),
      regOidToName: (_kind, oid) => String(oid),
    },
  }
}

export function arrayTypeOf(element: Type, oid: number, name: string): Type {
  const facts = {
    ...BASE_FACTS,
    name: element.name,
    delimiter: element.delimiter,
    oid: element.oid,
    collationOid: element.isCollatable ? 100 : 0,
  }
  return defineType({ ...arrayFacts(facts, oid), name }, arrayBehaviour(element), { kind: 'array' })
}

export function domainTypeOf(of: { oid: number; name: string; arrayOid: number }, base: Type): Type {
  const facts: TypeFacts = {
    ...BASE_FACTS,
    oid: of.oid,
    name: of.name,
    arrayOid: of.arrayOid,
    kind: 'd',
    length: base.length,
    category: base.category,
    delimiter: base.delimiter,
    collationOid: base.isCollatable ? 100 : 0,
  }
  return defineType(facts, base as unknown as Behaviour<NonNullable<Value>>, {
    kind: 'domain',
    baseOid: base.oid,
  })
}

export function compositeTypeOf(
  of: { oid: number; name: string; arrayOid: number },
  fields: readonly CompositeField[],
): Type {
  const facts: TypeFacts = { ...BASE_FACTS, ...of, kind: 'c', category: 'C' }
  return defineType(facts, compositeBehaviour(of.oid, fields), { kind: 'composite' })
}

/** Entries of all created types, by oid. */
export function createdTypeEntries(sources: TypeSources): ReadonlyMap<number, TypeEntry> {
  const makers = new Map<number, () => TypeEntry>()
  const entries = new Map<number, TypeEntry>()
  const typeOf = (oid: number): Type => {
    const known = builtinType(oid) ?? entries.get(oid)?.type
    if (known !== undefined) return known
    const make = makers.get(oid)
    // A column that was dropped with its type keeps bytes nobody reads.
    if (make === undefined) return must(builtinType(BYTEA_OID))
    const entry = make()
    entries.set(oid, entry)
    return entry.type
  }
  for (const stored of sources.types) {
    makers.set(stored.oid, () => createdEntry(stored, typeOf))
    makers.set(stored.arrayOid, () =>
      arrayEntry(stored, stored.arrayOid, stored.arrayName, typeOf(stored.oid)),
    )
  }
  const relations = [...sources.tables, ...sources.views]
  for (const relation of relations) {
    const { rowTypeOid, rowArrayTypeOid, name } = relation
    makers.set(rowTypeOid, () => rowEntry(relation, typeOf))
    makers.set(rowArrayTypeOid, () =>
      arrayEntry(relation, rowArrayTypeOid, arrayNameOf(name), typeOf(rowTypeOid)),
    )
  }
  for (const oid of makers.keys()) typeOf(oid)
  return entries
}

/** PostgreSQL's makeArrayTypeName, without its search for a free one. */
export function arrayNameOf(name: string): string {
  return `_${name}`.slice(0, 63)
}

type Owned = Pick<TypeEntry, 'schemaOid' | 'ownerOid'>

function arrayEntry({ schemaOid, ownerOid }: Owned, oid: number, name: string, element: Type): TypeEntry {
  const type = arrayTypeOf(element, oid, name)
  return { type, schemaOid, ownerOid, relationOid: 0, labels: [], domain: undefined, acl: undefined }
}

function rowEntry(relation: StoredTable | View, typeOf: (oid: number) => Type): TypeEntry {
  const { schemaOid, ownerOid, oid: relationOid, rowTypeOid, rowArrayTypeOid, name } = relation
  const live = relation.columns.filter((column) => !column.isDropped)
  const fields = live.map((column) => ({
    name: column.name,
    type: typeOf(column.type),
    typmod: column.typmod,
  }))
  const type = compositeTypeOf({ oid: rowTypeOid, name, arrayOid: rowArrayTypeOid }, fields)
  return { type, schemaOid, ownerOid, relationOid, labels: [], domain: undefined, acl: undefined }
}

function createdEntry(stored: StoredType, typeOf: (oid: number) => Type): TypeEntry {
  const { schemaOid, ownerOid, acl, labels, domain } = stored
  const common = { schemaOid, ownerOid, acl, relationOid: 0, labels, domain }
  if (stored.form === 'domain') {
    const type = domainTypeOf(stored, typeOf(must(domain).baseOid))
    return { ...common, type }
  }
  const { oid, name, arrayOid } = stored
  const facts: TypeFacts = {
    ...BASE_FACTS,
    oid,
    name,
    arrayOid,
    kind: 'e',
    category: 'E',
    length: 4,
    align: 'i',
    storage: 'p',
  }
  return { ...common, type: defineType(facts, enumBehaviour(name, labels), { kind: 'enum' }) }
}
