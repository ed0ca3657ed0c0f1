// The contents of one timeline's catalog at one moment: stored objects by kind and oid, found by name, and linked on
// first use into the descriptors of catalog.ts. Immutable: `derive` makes a changed copy that shares almost all.
//
//   cells ──decode──▶ Contents ──derive(changes)──▶ Contents'
//                        │ relation(oid): first call links    table + its indexes + foreign keys that refer to it
//
// Contents know nothing of database names or roles, so branches share them (see snapshot.ts). Links and types are kept
// with the stored objects they were made from, so another version with the same objects finds them again.

import { must } from '../../storage/base/assert.ts'
import type { Type } from '../types/type.ts'
import type { Relation, TypeEntry } from './catalog.ts'
import { CreatedTypes } from './created-types.ts'
import { LayeredMap } from './layered-map.ts'
import { linkTable } from './link-table.ts'
import type { StoredKind, StoredObject } from './stored-objects.ts'

/** Changed objects by "kind:oid"; undefined: removed. */
export type Changes = ReadonlyMap<string, StoredObject | undefined>

export type StoredOf<K extends StoredKind> = Extract<StoredObject, { readonly kind: K }>

export function changeId(kind: StoredKind, oid: number): string {
  return `${kind}:${oid}`
}

/** Names of relations and of types are unique in their schema, each kind among its own. */
function nameKey(schemaOid: number, name: string): string {
  return `${schemaOid}.${name}`
}

type ObjectMap = LayeredMap<number, StoredObject>

/** What the stored objects say, by what it is looked for. */
interface Tables {
  readonly objects: ReadonlyMap<StoredKind, ObjectMap>
  /** Oids by schema and name. */
  readonly relations: LayeredMap<string, number>
  readonly types: LayeredMap<string, number>
  readonly schemas: LayeredMap<string, number>
  /** Oids of roles and databases by kind and name. */
  readonly shared: LayeredMap<string, number>
  /** Index oids of each table, ascending. */
  readonly indexesOf: LayeredMap<number, readonly number[]>
  /** Oids of tables with foreign keys that refer to the key. */
  readonly referring: LayeredMap<number, readonly number[]>
  /** The stored object that each created type comes from. */
  readonly typeOwners: LayeredMap<number, string>
}

const NOTHING: Tables = {
  objects: new Map(),
  relations: LayeredMap.of(),
  types: LayeredMap.of(),
  schemas: LayeredMap.of(),
  shared: LayeredMap.of(),
  indexesOf: LayeredMap.of(),
  referring: LayeredMap.of(),
  typeOwners: LayeredMap.of(),
}

export class Contents {
  /** Unique among all contents of the process and of the cluster's history; uncommitted ones have a '~' in it. */
  readonly version: string
  readonly #tables: Tables
  readonly #linked = new Map<number, Relation>()
  readonly #types: CreatedTypes

  private constructor(version: string, tables: Tables) {
    this.version = version
    this.#tables = tables
    this.#types = new CreatedTypes((oid) => this.#typeOwner(oid))
  }

  static of(version: string, objects: Iterable<StoredObject>): Contents {
    const made = new TableChanges(NOTHING)
    for (const object of objects) made.put(object.kind, object.oid, object)
    return new Contents(version, made.tables())
  }

  /** A copy with `changes` applied. */
  derive(version: string, changes: Changes): Contents {
    return new Contents(version, changedTables(this.#tables, changes))
  }

  object<K extends StoredKind>(kind: K, oid: number): StoredOf<K> | undefined {
    return this.#tables.objects.get(kind)?.get(oid) as StoredOf<K> | undefined
  }

  all<K extends StoredKind>(kind: K): Iterable<StoredOf<K>> {
    return (this.#tables.objects.get(kind)?.values() ?? []) as Iterable<StoredOf<K>>
  }

  role(name: string): StoredOf<'role'> | undefined {
    const oid = this.#tables.shared.get(`role.${name}`)
    return oid === undefined ? undefined : this.object('role', oid)
  }

  database(name: string): StoredOf<'database'> | undefined {
    const oid = this.#tables.shared.get(`database.${name}`)
    return oid === undefined ? undefined : this.object('database', oid)
  }

  schemaOid(name: string): number | undefined {
    return this.#tables.schemas.get(name)
  }

  /** A stored relation, linked. Computed ones are not here. */
  relation(oid: number): Relation | undefined {
    const known = this.#linked.get(oid)
    if (known !== undefined) return known
    const made = this.#link(oid)
    if (made !== undefined) this.#linked.set(oid, made)
    return made
  }

  relationOid(schemaOid: number, name: string): number | undefined {
    return this.#tables.relations.get(nameKey(schemaOid, name))
  }

  *relations(): Iterable<Relation> {
    for (const oid of this.#tables.relations.values()) yield must(this.relation(oid))
  }

  #link(oid: number): Relation | undefined {
    const table = this.object('table', oid)
    if (table === undefined)
      return this.object('view', oid) ?? this.object('sequence', oid) ?? this.object('index', oid)
    const indexes = (this.#tables.indexesOf.get(oid) ?? []).map((index) => must(this.object('index', index)))
    const referring = (this.#tables.referring.get(oid) ?? []).map((other) =>
      must(this.object('table', other)),
    )
    return linkTable({ table, indexes, referring }, (type) => this.#types.type(type))
  }

  #typeOwner(oid: number): StoredObject | undefined {
    const owner = this.#tables.typeOwners.get(oid)
    if (owner === undefined) return undefined
    const [kind, ownerOid] = owner.split(':') as [StoredKind, string]
    return this.object(kind, Number(ownerOid))
  }

  type(oid: number): Type | undefined {
    return this.#types.type(oid)
  }

  /** Types made by users: enums, domains, row types, and the arrays over them. */
  typeEntry(oid: number): TypeEntry | undefined {
    return this.#types.entry(oid)
  }

  typeByName(schemaOid: number, name: string): TypeEntry | undefined {
    const oid = this.#tables.types.get(nameKey(schemaOid, name))
    return oid === undefined ? undefined : this.typeEntry(oid)
  }

  *typeEntries(): Iterable<TypeEntry> {
    for (const oid of this.#tables.types.values()) yield must(this.typeEntry(oid))
  }
}

/** Oid and name of each type that a stored object brings. */
function typesOf(object: StoredObject): readonly (readonly [oid: number, name: string])[] {
  switch (object.kind) {
    case 'type':
      return [
        [object.oid, object.name],
        [object.arrayOid, object.arrayName],
      ]
    case 'table':
    case 'view':
      return [
        [object.rowTypeOid, object.name],
        [object.rowArrayTypeOid, `_${object.name}`.slice(0, 63)],
      ]
    default:
      return []
  }
}

/** Collects the changes of every lookup that a set of changed objects brings. */
class TableChanges {
  readonly objects = new Map<StoredKind, Map<number, StoredObject | undefined>>()
  readonly relations = new Map<string, number | undefined>()
  readonly types = new Map<string, number | undefined>()
  readonly schemas = new Map<string, number | undefined>()
  readonly shared = new Map<string, number | undefined>()
  readonly indexesOf = new Map<number, readonly number[] | undefined>()
  readonly referring = new Map<number, readonly number[] | undefined>()
  readonly typeOwners = new Map<number, string | undefined>()
  readonly #before: Tables

  constructor(before: Tables) {
    this.#before = before
  }

  /** What an object that is gone, or about to be replaced, was found by. */
  remove(object: StoredObject): void {
    this.#find(object, undefined, without)
  }

  /** What comes, or undefined in place of what `remove` was told of. */
  put(kind: StoredKind, oid: number, next: StoredObject | undefined): void {
    let ofKind = this.objects.get(kind)
    if (ofKind === undefined) {
      ofKind = new Map()
      this.objects.set(kind, ofKind)
    }
    ofKind.set(oid, next)
    if (next !== undefined) this.#find(next, next.oid, withOid)
  }

  tables(): Tables {
    const before = this.#before
    const objects = new Map(before.objects)
    for (const [kind, ofKind] of this.objects)
      objects.set(kind, (objects.get(kind) ?? LayeredMap.of<number, StoredObject>()).with(ofKind))
    return {
      objects,
      relations: before.relations.with(this.relations),
      types: before.types.with(this.types),
      schemas: before.schemas.with(this.schemas),
      shared: before.shared.with(this.shared),
      indexesOf: before.indexesOf.with(this.indexesOf),
      referring: before.referring.with(this.referring),
      typeOwners: before.typeOwners.with(this.typeOwners),
    }
  }

  /** Whatever an object is found by leads to `oid` now, and lists with its own are changed. */
  #find(object: StoredObject, oid: number | undefined, change: ListChange): void {
    for (const [typeOid, name] of typesOf(object)) {
      const isThere = oid !== undefined
      this.typeOwners.set(typeOid, isThere ? changeId(object.kind, oid) : undefined)
      if ('schemaOid' in object)
        this.types.set(nameKey(object.schemaOid, name), isThere ? typeOid : undefined)
    }
    switch (object.kind) {
      case 'schema':
        this.schemas.set(object.name, oid)
        return
      case 'role':
      case 'database':
        this.shared.set(`${object.kind}.${object.name}`, oid)
        return
      case 'index':
        this.#change(this.indexesOf, this.#before.indexesOf, object.tableOid, (list) =>
          change(list, object.oid),
        )
        break
      case 'table':
        for (const { referencedOid } of object.foreignKeys)
          this.#change(this.referring, this.#before.referring, referencedOid, (list) =>
            change(list, object.oid),
          )
        break
      case 'view':
      case 'sequence':
        break
      default:
        return
    }
    this.relations.set(nameKey(object.schemaOid, object.name), oid)
  }

  #change(
    changes: Map<number, readonly number[] | undefined>,
    before: LayeredMap<number, readonly number[]>,
    key: number,
    change: (list: readonly number[]) => readonly number[],
  ): void {
    const now = changes.has(key) ? changes.get(key) : before.get(key)
    const next = change(now ?? [])
    changes.set(key, next.length === 0 ? undefined : next)
  }
}

type ListChange = (list: readonly number[], oid: number) => readonly number[]

const without: ListChange = (list, oid) => list.filter((item) => item !== oid)

const withOid: ListChange = (list, oid) => (list.includes(oid) ? list : [...list, oid].sort((a, b) => a - b))

function changedTables(before: Tables, changes: Changes): Tables {
  const made = new TableChanges(before)
  // First what goes, then what comes: a name may pass from one object to another.
  for (const id of changes.keys()) {
    const [kind, oid] = id.split(':') as [StoredKind, string]
    const previous = before.objects.get(kind)?.get(Number(oid))
    if (previous !== undefined) made.remove(previous)
  }
  for (const [id, next] of changes) {
    const [kind, oid] = id.split(':') as [StoredKind, string]
    made.put(kind, Number(oid), next)
  }
  return made.tables()
}
