// Catalog and SharedCatalog as the rest of sql sees them: contents (which branches share) seen under a database's name,
// with the built-in objects that every database has.
//
//   Contents (timeline) ─┐
//   SharedContents ──────┼──▶ CatalogSnapshot: built-in first, then created
//   DatabaseEntry ───────┘

import type { FunctionRegistry, SqlFunction } from '../functions/function.ts'
import { builtinType, builtinTypeByName, builtinTypes } from '../types/registry.ts'
import type { Type } from '../types/type.ts'
import { BOREALIS_SCHEMA_OID, PG_CATALOG_OID, POSTGRES_ROLE_OID } from './bootstrap.ts'
import type {
  Catalog,
  Comment,
  DatabaseEntry,
  DefaultPrivileges,
  Relation,
  Role,
  Schema,
  SharedCatalog,
  TypeEntry,
} from './catalog.ts'
import type { Contents } from './contents.ts'
import {
  provideSystemRows,
  SYSTEM_SCHEMA_OID,
  systemRelation,
  systemRelationByName,
  systemRelations,
  systemRowType,
  systemRowTypes,
} from './system-relations.ts'
import { virtualRelations } from './virtual/virtual-relations.ts'

provideSystemRows(virtualRelations())

const SYSTEM_SCHEMA_OIDS: ReadonlySet<number> = new Set(Object.values(SYSTEM_SCHEMA_OID))

/** Rows of pg_type that no file of sql/types knows stand under these owners. */
const builtinEntries = new Map<number, TypeEntry>()
let systemEntriesByName: Map<string, TypeEntry> | undefined

/** The catalog entry of a built-in type. */
export function builtinTypeEntry(type: Type, schemaOid: number = PG_CATALOG_OID, relationOid = 0): TypeEntry {
  let entry = builtinEntries.get(type.oid)
  if (entry === undefined) {
    entry = {
      type,
      schemaOid,
      ownerOid: POSTGRES_ROLE_OID,
      relationOid,
      labels: [],
      domain: undefined,
      acl: undefined,
    }
    builtinEntries.set(type.oid, entry)
  }
  return entry
}

/** Roles and databases at one moment, over the cluster timeline's contents. */
export class SharedSnapshot implements SharedCatalog {
  readonly contents: Contents

  constructor(contents: Contents) {
    this.contents = contents
  }

  role(oid: number): Role | undefined {
    return this.contents.object('role', oid)
  }

  roleByName(name: string): Role | undefined {
    return this.contents.role(name)
  }

  roles(): Iterable<Role> {
    return this.contents.all('role')
  }

  database(oid: number): DatabaseEntry | undefined {
    return this.contents.object('database', oid)
  }

  databaseByName(name: string): DatabaseEntry | undefined {
    return this.contents.database(name)
  }

  databases(): Iterable<DatabaseEntry> {
    return this.contents.all('database')
  }

  comment(classOid: number, objectOid: number): string | undefined {
    const all = this.contents.object('comments', objectOid)?.comments
    return all?.find((item) => item.classOid === classOid)?.text
  }

  comments(): Iterable<Comment> {
    return commentsIn(this.contents)
  }
}

const sharedSnapshots = new WeakMap<Contents, SharedSnapshot>()

/** The snapshot over these contents: the same object at every call. */
export function sharedSnapshot(contents: Contents): SharedSnapshot {
  let snapshot = sharedSnapshots.get(contents)
  if (snapshot === undefined) {
    snapshot = new SharedSnapshot(contents)
    sharedSnapshots.set(contents, snapshot)
  }
  return snapshot
}

function* commentsIn(contents: Contents): Iterable<Comment> {
  for (const { oid, comments } of contents.all('comments'))
    for (const comment of comments) yield { oid, ...comment }
}

export class CatalogSnapshot implements Catalog {
  readonly version: string
  readonly databaseName: string
  readonly databaseOid: number
  readonly shared: SharedCatalog
  readonly functions: FunctionRegistry
  readonly contents: Contents

  constructor(
    contents: Contents,
    shared: SharedCatalog,
    database: Pick<DatabaseEntry, 'name' | 'oid'>,
    functions: FunctionRegistry,
  ) {
    this.contents = contents
    this.version = contents.version
    this.databaseName = database.name
    this.databaseOid = database.oid
    this.shared = shared
    this.functions = functions
  }

  schema(oid: number): Schema | undefined {
    return this.contents.object('schema', oid)
  }

  schemaByName(name: string): Schema | undefined {
    const oid = this.contents.schemaOid(name)
    return oid === undefined ? undefined : this.schema(oid)
  }

  schemas(): Iterable<Schema> {
    return this.contents.all('schema')
  }

  relation(oid: number): Relation | undefined {
    return this.contents.relation(oid) ?? systemRelation(oid)
  }

  relationByName(schemaOid: number, name: string): Relation | undefined {
    if (SYSTEM_SCHEMA_OIDS.has(schemaOid)) {
      const system = systemRelationByName(schemaOid, name)
      if (system !== undefined) return system
    }
    const oid = this.contents.relationOid(schemaOid, name)
    return oid === undefined ? undefined : this.contents.relation(oid)
  }

  *relations(): Iterable<Relation> {
    yield* systemRelations()
    yield* this.contents.relations()
  }

  type(oid: number): Type | undefined {
    return builtinType(oid) ?? this.contents.typeEntry(oid)?.type ?? systemRowType(oid)?.type
  }

  typeEntry(oid: number): TypeEntry | undefined {
    const builtin = builtinType(oid)
    if (builtin !== undefined) return builtinTypeEntry(builtin)
    return this.contents.typeEntry(oid) ?? systemRowType(oid)
  }

  typeByName(schemaOid: number, name: string): TypeEntry | undefined {
    if (schemaOid === PG_CATALOG_OID) {
      const builtin = builtinTypeByName(name)
      if (builtin !== undefined) return builtinTypeEntry(builtin)
    }
    if (SYSTEM_SCHEMA_OIDS.has(schemaOid)) {
      systemEntriesByName ??= new Map([...systemRowTypes()].map((e) => [`${e.schemaOid}.${e.type.name}`, e]))
      const entry = systemEntriesByName.get(`${schemaOid}.${name}`)
      if (entry !== undefined) return entry
    }
    return this.contents.typeByName(schemaOid, name)
  }

  *types(): Iterable<TypeEntry> {
    for (const type of builtinTypes()) yield builtinTypeEntry(type)
    yield* systemRowTypes()
    yield* this.contents.typeEntries()
  }

  functionsByName(schemaOid: number, name: string): readonly SqlFunction[] {
    if (schemaOid === BOREALIS_SCHEMA_OID) return this.functions.inBorealis(name)
    return schemaOid === PG_CATALOG_OID ? this.functions.byName(name) : []
  }

  defaultPrivileges(): Iterable<DefaultPrivileges> {
    return this.contents.all('default-privileges')
  }

  comment(classOid: number, objectOid: number, subId: number): string | undefined {
    const all = this.contents.object('comments', objectOid)?.comments
    return all?.find((item) => item.classOid === classOid && item.subId === subId)?.text
  }

  comments(): Iterable<Comment> {
    return commentsIn(this.contents)
  }
}
