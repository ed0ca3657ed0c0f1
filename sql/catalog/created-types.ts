// Types that users make (enums, domains, row types) and the arrays over all of them, from stored objects.
//
// They may refer to each other in any order (a composite of a domain over an enum's array), so an entry is built when it
// is first asked for; a type cannot contain itself, which DDL sees to.

import { must } from '../../storage/base/assert.ts'
import { arrayBehaviour } from '../types/array-type.ts'
import { type Behaviour, defineType } from '../types/define-type.ts'
import { builtinType } from '../types/registry.ts'
import type { Type, TypeContext } from '../types/type.ts'
import { arrayFacts, type TypeFacts } from '../types/type-facts.ts'
import type { Value } from '../types/value.ts'
import type { TypeEntry, View } from './catalog.ts'
import { compositeBehaviour, type CompositeField } from './composite-type.ts'
import { enumBehaviour } from './enum-type.ts'
import type { StoredObject, StoredTable, StoredType } from './stored-objects.ts'

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
      // What a catalog holds was checked when it was made.
      checkDomain: () => undefined,
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

/**
 * Values of a domain are read by its base type, with the domain's type modifier, and then checked: the elements of arrays
 * and the fields of rows come this way.
 */
export function domainTypeOf(
  of: { oid: number; name: string; arrayOid: number },
  base: Type,
  baseTypmod: number,
): Type {
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
  const behaviour: Behaviour<NonNullable<Value>> = {
    ...(base as unknown as Behaviour<NonNullable<Value>>),
    input(text, _typmod, context) {
      const value = base.input(text, baseTypmod, context) as NonNullable<Value>
      context.lookup.checkDomain(of.oid, value)
      return value
    },
    receive(bytes, start, end, _typmod, context) {
      const value = base.receive(bytes, start, end, baseTypmod, context) as NonNullable<Value>
      context.lookup.checkDomain(of.oid, value)
      return value
    },
  }
  return defineType(facts, behaviour, {
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

/**
 * The created types of one version of a catalog, made when they are asked for. What was made is kept with the stored
 * object it was made from, and used again by every version in which the types below are the same.
 */
export class CreatedTypes {
  readonly #ownerOf: (oid: number) => StoredObject | undefined
  readonly #entries = new Map<number, TypeEntry>()

  /** `ownerOf`: the stored type or relation that a type's oid belongs to. */
  constructor(ownerOf: (oid: number) => StoredObject | undefined) {
    this.#ownerOf = ownerOf
  }

  /** A created or built-in type. */
  type(oid: number): Type | undefined {
    return builtinType(oid) ?? this.entry(oid)?.type
  }

  entry(oid: number): TypeEntry | undefined {
    const known = this.#entries.get(oid)
    if (known !== undefined) return known
    const owner = this.#ownerOf(oid)
    if (owner === undefined) return undefined
    const made = this.#make(oid, owner)
    if (made !== undefined) this.#entries.set(oid, made)
    return made
  }

  #make(oid: number, owner: StoredObject): TypeEntry | undefined {
    switch (owner.kind) {
      case 'type':
        if (oid === owner.arrayOid) return this.#array(owner, oid, owner.arrayName, owner.oid)
        if (owner.form === 'enum') return remembered(owner, [], () => enumEntry(owner))
        return this.#domain(owner)
      case 'table':
      case 'view':
        if (oid === owner.rowArrayTypeOid)
          return this.#array(owner, oid, arrayNameOf(owner.name), owner.rowTypeOid)
        return this.#row(owner)
      default:
        return undefined
    }
  }

  #array(owner: StoredType | StoredTable | View, oid: number, name: string, elementOid: number): TypeEntry {
    const element = must(this.type(elementOid), 'an array has an element type')
    const known = arrays.get(element)
    if (known !== undefined && known.schemaOid === owner.schemaOid && known.ownerOid === owner.ownerOid)
      return known
    const entry = entryOf(owner, arrayTypeOf(element, oid, name))
    arrays.set(element, entry)
    return entry
  }

  #domain(stored: StoredType): TypeEntry {
    const domain = must(stored.domain, 'a domain has its facts')
    const base = must(this.type(domain.baseOid), 'a domain has a base type')
    const make = (): TypeEntry => ({
      ...entryOf(stored, domainTypeOf(stored, base, domain.typmod)),
      acl: stored.acl,
      domain,
    })
    return remembered(stored, [base], make)
  }

  #row(relation: StoredTable | View): TypeEntry {
    const live = relation.columns.filter((column) => !column.isDropped)
    const types = live.map((column) => must(this.type(column.type), 'every column has a type'))
    const { oid: relationOid, rowTypeOid: oid, rowArrayTypeOid: arrayOid, name } = relation
    return remembered(relation, types, () => {
      const fields = live.map((column, i) => ({
        name: column.name,
        type: must(types[i]),
        typmod: column.typmod,
      }))
      return { ...entryOf(relation, compositeTypeOf({ oid, name, arrayOid }, fields)), relationOid }
    })
  }
}

interface Remembered {
  readonly below: readonly Type[]
  readonly entry: TypeEntry
}

const entries = new WeakMap<StoredObject, Remembered>()
const arrays = new WeakMap<Type, TypeEntry>()

/** The entry made from this stored object, made anew when a type below it is another one. */
function remembered(owner: StoredObject, below: readonly Type[], make: () => TypeEntry): TypeEntry {
  const known = entries.get(owner)
  if (known?.below.every((type, i) => type === below[i]) === true) return known.entry
  const entry = make()
  entries.set(owner, { below, entry })
  return entry
}

/** PostgreSQL's makeArrayTypeName, without its search for a free one. */
export function arrayNameOf(name: string): string {
  return `_${name}`.slice(0, 63)
}

function entryOf(owner: Pick<TypeEntry, 'schemaOid' | 'ownerOid'>, type: Type): TypeEntry {
  const { schemaOid, ownerOid } = owner
  return { type, schemaOid, ownerOid, relationOid: 0, labels: [], domain: undefined, acl: undefined }
}

function enumEntry(stored: StoredType): TypeEntry {
  const { oid, name, arrayOid, labels, acl } = stored
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
  return { ...entryOf(stored, defineType(facts, enumBehaviour(name, labels), { kind: 'enum' })), labels, acl }
}
