// The contents of one timeline's catalog at one moment: stored objects by kind and oid, found by name, and linked on
// first use into the descriptors of catalog.ts. Immutable: `derive` makes a changed copy that shares every object, and
// every link that the changes cannot have touched.
//
//   cells ──decode──▶ Contents ──derive(changes)──▶ Contents'
//                        │ relation(oid): first call links    table + its indexes + foreign keys that refer to it
//
// Contents know nothing of database names or roles, so branches share them (see snapshot.ts).

import { must } from '../../storage/base/assert.ts'
import { BYTEA_OID } from '../types/oids.ts'
import { builtinType } from '../types/registry.ts'
import { TableCodec } from '../types/row-codec.ts'
import type { RowLayout as CodecLayout } from '../types/row-layout.ts'
import type { Type } from '../types/type.ts'
import type { Value } from '../types/value.ts'
import type { ForeignKey, Index, Relation, Table, TypeEntry } from './catalog.ts'
import type { StoredKind, StoredObject, StoredTable } from './stored-objects.ts'
import { createdTypeEntries, neutralContext } from './created-types.ts'

/** Changed objects by "kind:oid"; undefined: removed. */
export type Changes = ReadonlyMap<string, StoredObject | undefined>

export type StoredOf<K extends StoredKind> = Extract<StoredObject, { readonly kind: K }>

type ObjectMap = ReadonlyMap<number, StoredObject>

export function changeId(kind: StoredKind, oid: number): string {
  return `${kind}:${oid}`
}

const NO_OBJECTS: ObjectMap = new Map()

/** Names of relations and of types are unique in their schema, each kind among its own. */
function nameKey(schemaOid: number, name: string): string {
  return `${schemaOid}.${name}`
}

const RELATION_KINDS: readonly StoredKind[] = ['table', 'view', 'sequence', 'index']

export class Contents {
  /** Unique among all contents of the process and of the cluster's history; uncommitted ones have a '~' in it. */
  readonly version: string
  readonly #objects: ReadonlyMap<StoredKind, ObjectMap>
  readonly #relationNames = new Map<string, number>()
  readonly #schemaNames = new Map<string, number>()
  /** Index oids of each table, ascending. */
  readonly #indexesOf = new Map<number, number[]>()
  /** Oids of tables with foreign keys that refer to the key. */
  readonly #referring = new Map<number, Set<number>>()
  readonly #linked: Map<number, Relation>
  #types: ReadonlyMap<number, TypeEntry> | undefined
  #typeNames: ReadonlyMap<string, TypeEntry> | undefined
  readonly #inheritedTypes: Contents | undefined

  private constructor(
    version: string,
    objects: ReadonlyMap<StoredKind, ObjectMap>,
    inherited: { readonly linked: Map<number, Relation>; readonly types: Contents | undefined },
  ) {
    this.version = version
    this.#objects = objects
    this.#linked = inherited.linked
    this.#inheritedTypes = inherited.types
    this.#buildNames()
  }

  static of(version: string, objects: Iterable<StoredObject>): Contents {
    const byKind = new Map<StoredKind, Map<number, StoredObject>>()
    for (const object of objects) {
      const map = byKind.get(object.kind) ?? new Map<number, StoredObject>()
      byKind.set(object.kind, map)
      map.set(object.oid, object)
    }
    return new Contents(version, byKind, { linked: new Map(), types: undefined })
  }

  /** A copy with `changes` applied. */
  derive(version: string, changes: Changes): Contents {
    const objects = new Map<StoredKind, ObjectMap>(this.#objects)
    const copied = new Map<StoredKind, Map<number, StoredObject>>()
    const linked = new Map(this.#linked)
    let changesTypes = false
    for (const [id, next] of changes) {
      const [kind, oidText] = id.split(':') as [StoredKind, string]
      const oid = Number(oidText)
      const map = copied.get(kind) ?? new Map(this.#objects.get(kind))
      copied.set(kind, map)
      objects.set(kind, map)
      const previous = map.get(oid)
      if (next === undefined) map.delete(oid)
      else map.set(oid, next)
      unlink(linked, previous)
      unlink(linked, next)
      changesTypes ||= kind === 'type' || kind === 'table' || kind === 'view' || kind === 'sequence'
    }
    return new Contents(version, objects, { linked, types: changesTypes ? undefined : this })
  }

  #buildNames(): void {
    for (const schema of this.all('schema')) this.#schemaNames.set(schema.name, schema.oid)
    for (const kind of RELATION_KINDS) {
      for (const object of this.#objects.get(kind)?.values() ?? []) {
        const { schemaOid, name } = object as StoredTable
        this.#relationNames.set(nameKey(schemaOid, name), object.oid)
      }
    }
    for (const index of this.all('index')) {
      const list = this.#indexesOf.get(index.tableOid)
      if (list === undefined) this.#indexesOf.set(index.tableOid, [index.oid])
      else list.push(index.oid)
    }
    for (const list of this.#indexesOf.values()) list.sort((a, b) => a - b)
    for (const table of this.all('table')) {
      for (const { referencedOid } of table.foreignKeys) {
        const set = this.#referring.get(referencedOid)
        if (set === undefined) this.#referring.set(referencedOid, new Set([table.oid]))
        else set.add(table.oid)
      }
    }
  }

  object<K extends StoredKind>(kind: K, oid: number): StoredOf<K> | undefined {
    return this.#objects.get(kind)?.get(oid) as StoredOf<K> | undefined
  }

  all<K extends StoredKind>(kind: K): Iterable<StoredOf<K>> {
    return (this.#objects.get(kind) ?? NO_OBJECTS).values() as Iterable<StoredOf<K>>
  }

  schemaOid(name: string): number | undefined {
    return this.#schemaNames.get(name)
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
    return this.#relationNames.get(nameKey(schemaOid, name))
  }

  *relations(): Iterable<Relation> {
    for (const oid of this.#relationNames.values()) yield must(this.relation(oid))
  }

  #link(oid: number): Relation | undefined {
    const table = this.object('table', oid)
    if (table !== undefined) return this.#linkTable(table)
    return this.object('view', oid) ?? this.object('sequence', oid) ?? this.object('index', oid)
  }

  #linkTable(table: StoredTable): Table {
    const indexes: Index[] = []
    for (const oid of this.#indexesOf.get(table.oid) ?? []) indexes.push(must(this.object('index', oid)))
    const referencedBy: ForeignKey[] = []
    for (const oid of this.#referring.get(table.oid) ?? []) {
      const { foreignKeys } = must(this.object('table', oid))
      referencedBy.push(...foreignKeys.filter((key) => key.referencedOid === table.oid))
    }
    return { ...table, codec: this.#codec(table), indexes, referencedBy, virtual: undefined }
  }

  #codec(table: StoredTable): TableCodec {
    const layouts = table.layouts.map(({ version, columns }): CodecLayout => {
      const physical = columns.map((index) => {
        const { number, type } = must(table.columns[index])
        return { attnum: number, type: this.#storageType(type) }
      })
      return { version, columns: physical }
    })
    const missing = new Map<number, Value>()
    for (const column of table.columns) {
      if (column.missing === undefined || column.isDropped) continue
      const type = this.#storageType(column.type)
      missing.set(
        column.number,
        type.input(
          column.missing,
          column.typmod,
          neutralContext((oid) => must(this.type(oid))),
        ),
      )
    }
    return new TableCodec(layouts, missing)
  }

  #storageType(oid: number): Type {
    return this.type(oid) ?? must(builtinType(BYTEA_OID))
  }

  type(oid: number): Type | undefined {
    return builtinType(oid) ?? this.typeEntry(oid)?.type
  }

  /** Types made by users: enums, domains, row types, and the arrays over them. */
  typeEntry(oid: number): TypeEntry | undefined {
    return this.#allTypes().get(oid)
  }

  typeByName(schemaOid: number, name: string): TypeEntry | undefined {
    this.#allTypes()
    return this.#typeNames?.get(nameKey(schemaOid, name))
  }

  typeEntries(): Iterable<TypeEntry> {
    return this.#allTypes().values()
  }

  #allTypes(): ReadonlyMap<number, TypeEntry> {
    if (this.#types !== undefined) return this.#types
    if (this.#inheritedTypes !== undefined) {
      this.#types = this.#inheritedTypes.#allTypes()
      this.#typeNames = this.#inheritedTypes.#typeNames
      return this.#types
    }
    const entries = createdTypeEntries({
      types: this.all('type'),
      tables: this.all('table'),
      views: this.all('view'),
    })
    const byName = new Map<string, TypeEntry>()
    for (const entry of entries.values()) byName.set(nameKey(entry.schemaOid, entry.type.name), entry)
    this.#types = entries
    this.#typeNames = byName
    return entries
  }
}

/** Forgets the links that show `object`: its own, its table's, and those of the tables its foreign keys refer to. */
function unlink(linked: Map<number, Relation>, object: StoredObject | undefined): void {
  if (object === undefined) return
  linked.delete(object.oid)
  if (object.kind === 'index') linked.delete(object.tableOid)
  if (object.kind !== 'table') return
  for (const { referencedOid } of object.foreignKeys) linked.delete(referencedOid)
}
