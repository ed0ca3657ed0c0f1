// What every DDL statement works with: the context with short ways to names, locks, oids, notices and errors.
//
// Invariants: a name is locked before it is looked up to be made; an object is locked before it is read to be changed,
// and looked up again after the lock was had. Tables are locked by their oid in PostgreSQL's modes.

import { must } from '../../storage/base/assert.ts'
import type { Database, TableLockMode, Transaction } from '../../storage/engine/engine.ts'
import { Analysis } from '../analyze/analysis.ts'
import {
  type AclObjectType,
  changeAcl,
  defaultAcl,
  hasPrivilege,
  hasRole,
  isSuperuser,
} from '../catalog/acl.ts'
import {
  BOREALIS_SCHEMA_OID,
  INFORMATION_SCHEMA_OID,
  PG_CATALOG_OID,
  PG_TOAST_OID,
} from '../catalog/bootstrap.ts'
import type {
  Acl,
  AclItem,
  Catalog,
  Relation,
  Role,
  Schema,
  SharedCatalog,
  Table,
} from '../catalog/catalog.ts'
import type { CatalogEditor } from '../catalog/editor.ts'
import type { StoredObject, StoredTable } from '../catalog/stored-objects.ts'
import { settled } from '../catalog/wait.ts'
import type { ExecutionContext } from '../exec/execution.ts'
import type { FunctionContext } from '../functions/function.ts'
import type { RangeVar } from '../parse/ast.ts'
import type { SourceText } from '../parse/source-text.ts'
import { SqlError, type SqlErrorFields } from '../types/sql-error.ts'
import { type DdlContext, temporarySchemaName } from './ddl.ts'
import { pacedContext } from './paced-context.ts'

/** What messages call a relation. */
export const RELATION_NOUN: Readonly<Record<Relation['kind'], string>> = {
  table: 'table',
  view: 'view',
  sequence: 'sequence',
  index: 'index',
}

/** PostgreSQL's table lock modes by name. */
export const LOCK: Readonly<
  Record<
    | 'accessShare'
    | 'rowShare'
    | 'rowExclusive'
    | 'shareUpdateExclusive'
    | 'share'
    | 'shareRowExclusive'
    | 'exclusive'
    | 'accessExclusive',
    TableLockMode
  >
> = {
  accessShare: 1,
  rowShare: 2,
  rowExclusive: 3,
  shareUpdateExclusive: 4,
  share: 5,
  shareRowExclusive: 6,
  exclusive: 7,
  accessExclusive: 8,
}

/** The name of something to be made; `schemaLocation`: where an error about its schema points. */
export interface NewName {
  readonly schemaname?: string | undefined
  readonly relname?: string | undefined
  readonly schemaLocation?: number | undefined
}

export class DdlWork {
  readonly context: DdlContext
  readonly source: SourceText

  constructor(context: DdlContext, source: SourceText) {
    this.context = context
    this.source = source
  }

  get editor(): CatalogEditor {
    return this.context.editor()
  }

  get transaction(): Transaction {
    return this.editor.transaction
  }

  get engine(): Database {
    return this.context.database.database
  }

  /** The catalog as this transaction sees it now. */
  get catalog(): Catalog {
    return this.editor.snapshot()
  }

  get functions(): FunctionContext {
    return this.context.functions
  }

  /** Roles and databases as this transaction sees them. */
  get shared(): SharedCatalog {
    return this.context.sharedCatalog()
  }

  /** For messages about columns of a table that is not there yet. */
  currentTableName = ''

  get roleOid(): number {
    return this.context.roleOid
  }

  get isSuperuser(): boolean {
    return isSuperuser(this.shared, this.roleOid)
  }

  get role(): Role {
    return must(this.shared.role(this.roleOid), 'the current role exists')
  }

  /** A context to read and write with; see DdlContext.execution. */
  execution(): ExecutionContext {
    return pacedContext(this.context.execution(), this.context.parameters)
  }

  /** For analysis of types and expressions in this statement's text, or in another one. */
  analysis(source: SourceText = this.source): Analysis {
    const searchPath = this.searchPath().map((schema) => schema.oid)
    return new Analysis(
      { catalog: this.catalog, searchPath, typeContext: this.functions, parameterTypes: [] },
      source,
    )
  }

  /** Sessions other than this one that are connected to a database. */
  connectionCount(databaseOid: number): number {
    let count = 0
    for (const session of this.execution().server.sessions()) {
      if (session.databaseOid === databaseOid && session.processId !== this.functions.processId) count++
    }
    return count
  }

  isConnected(databaseOid: number): boolean {
    return this.connectionCount(databaseOid) > 0
  }

  // --- messages ---

  error(code: string, message: string, location?: number, fields: SqlErrorFields = {}): SqlError {
    return new SqlError(code, message, { ...fields, position: this.source.positionOf(location) })
  }

  notice(message: string, code = '00000', fields: SqlErrorFields = {}): void {
    this.context.notice({ severity: 'NOTICE', code, message, fields })
  }

  warning(message: string, code = '01000', fields: SqlErrorFields = {}): void {
    this.context.notice({ severity: 'WARNING', code, message, fields })
  }

  /** Refuses a statement inside a transaction block. */
  requireNoBlock(command: string): void {
    if (!this.context.isTransactionBlock) return
    throw new SqlError('25001', `${command} cannot run inside a transaction block`)
  }

  // --- steps that wait ---

  async newOid(): Promise<number> {
    return settled(() => this.editor.allocateOid())
  }

  /** Many oids at once, in order. */
  async newOids(count: number): Promise<number[]> {
    const oids: number[] = []
    while (oids.length < count) oids.push(await this.newOid())
    return oids
  }

  async put(object: StoredObject): Promise<void> {
    await settled(() => this.editor.put(object))
  }

  async remove(kind: StoredObject['kind'], oid: number): Promise<void> {
    await settled(() => this.editor.remove(kind, oid))
  }

  async lockName(space: 'relation' | 'type' | 'schema', schemaOid: number, name: string): Promise<void> {
    await this.context.locked(() => this.editor.lockName(space, schemaOid, name))
  }

  async lockObject(kind: StoredObject['kind'], oid: number): Promise<void> {
    await this.context.locked(() => this.editor.lockObject(kind, oid))
  }

  async lockTable(oid: number, mode: TableLockMode): Promise<void> {
    await this.context.locked(() => this.transaction.lockTable(oid, mode, 'wait'))
  }

  /** Lets others have a turn if this one is over, and stops when cancelled. */
  async checkpoint(): Promise<void> {
    let hasWaited = false
    await settled(() => {
      if (hasWaited) return
      hasWaited = true
      this.context.checkpoint()
    })
  }

  /** The stored form of a table, to be put back changed. */
  storedTable(oid: number): StoredTable {
    return must(this.editor.object('table', oid), 'the table is locked')
  }

  // --- schemas ---

  schemaNamed(name: string, location?: number): Schema {
    const schema = this.findSchema(name)
    if (schema === undefined) throw this.error('3F000', `schema "${name}" does not exist`, location)
    return schema
  }

  findSchema(name: string): Schema | undefined {
    return this.catalog.schemaByName(name === 'pg_temp' ? this.temporarySchemaName : name)
  }

  get temporarySchemaName(): string {
    return temporarySchemaName(this.functions.processId)
  }

  /** Inside CREATE SCHEMA: the new schema comes before the session's path. */
  firstSchemaName: string | undefined

  /** Schemas that unqualified names are looked up in, in order. */
  searchPath(): Schema[] {
    const { catalog } = this
    const schemas: Schema[] = []
    const first = this.firstSchemaName === undefined ? [] : [this.firstSchemaName]
    for (const name of [...first, ...this.functions.searchPath(true)]) {
      const schema = catalog.schemaByName(name)
      if (schema !== undefined) schemas.push(schema)
    }
    return schemas
  }

  /** The schema a new object goes into; checks the right to create there. */
  async creationSchema(name: NewName, isTemporary = false): Promise<Schema> {
    const schemaName = name.schemaname
    if (isTemporary) {
      if (schemaName !== undefined && schemaName !== 'pg_temp' && schemaName !== this.temporarySchemaName) {
        throw new SqlError('42P16', 'cannot create temporary relation in non-temporary schema')
      }
      return this.#temporarySchema()
    }
    if (schemaName === 'pg_temp') return this.#temporarySchema()
    let schema: Schema
    if (schemaName !== undefined) schema = this.schemaNamed(schemaName, name.schemaLocation)
    else {
      const first = this.firstSchemaName ?? this.functions.searchPath(false)[0]
      const found = first === undefined ? undefined : this.catalog.schemaByName(first)
      if (found === undefined) throw new SqlError('3F000', 'no schema has been selected to create in')
      schema = found
    }
    this.checkPrivilege('schema', schema, 'C')
    if (isSystemSchema(schema.oid)) {
      throw new SqlError('42501', `permission denied to create "${schema.name}.${name.relname ?? ''}"`, {
        detail: 'System catalog modifications are currently disallowed.',
      })
    }
    return schema
  }

  async #temporarySchema(): Promise<Schema> {
    const name = this.temporarySchemaName
    const known = this.catalog.schemaByName(name)
    if (known !== undefined) return known
    const schema = {
      kind: 'schema',
      oid: await this.newOid(),
      name,
      ownerOid: this.roleOid,
      acl: undefined,
    } as const
    await this.put(schema)
    return schema
  }

  // --- relations ---

  /** The relation a RangeVar names, or undefined. SqlError for a schema or database that does not exist. */
  findRelation(name: RangeVar): Relation | undefined {
    this.checkDatabaseName(name)
    const { catalog } = this
    const relname = must(name.relname)
    if (name.schemaname !== undefined && name.schemaname !== '') {
      const schema = this.findSchema(name.schemaname)
      return schema === undefined ? undefined : catalog.relationByName(schema.oid, relname)
    }
    for (const schema of this.searchPath()) {
      const relation = catalog.relationByName(schema.oid, relname)
      if (relation !== undefined) return relation
    }
    return undefined
  }

  checkDatabaseName(name: RangeVar): void {
    const { catalogname } = name
    if (catalogname === undefined || catalogname === '' || catalogname === this.functions.currentDatabase)
      return
    const full = [catalogname, name.schemaname, name.relname].filter((part) => part !== undefined).join('.')
    throw this.error('0A000', `cross-database references are not implemented: "${full}"`, name.location)
  }

  /** The relation, locked: looks up, locks, and looks again until both agree. undefined: there is none. */
  async lockRelation(name: RangeVar, mode: TableLockMode): Promise<Relation | undefined> {
    for (;;) {
      const relation = this.findRelation(name)
      if (relation === undefined) return undefined
      await this.lockTable(relation.kind === 'index' ? relation.tableOid : relation.oid, mode)
      const again = this.findRelation(name)
      if (again?.oid === relation.oid) return again
    }
  }

  /** As lockRelation; 42P01 when there is none. */
  async relation(name: RangeVar, mode: TableLockMode): Promise<Relation> {
    const relation = await this.lockRelation(name, mode)
    if (relation === undefined) throw this.undefinedRelation(name)
    return relation
  }

  undefinedRelation(name: RangeVar): SqlError {
    return new SqlError('42P01', `relation "${qualifiedText(name)}" does not exist`)
  }

  /** A relation by oid as this transaction sees it now. */
  table(oid: number): Table {
    const relation = this.catalog.relation(oid)
    if (relation?.kind !== 'table') throw new SqlError('42P01', `relation with OID ${oid} does not exist`)
    return relation
  }

  /** Refuses changes of system relations. */
  checkNotSystem(relation: Relation): void {
    if (!isSystemSchema(relation.schemaOid)) return
    throw new SqlError('42501', `permission denied: "${relation.name}" is a system catalog`)
  }

  // --- privileges ---

  /** ALTER DEFAULT PRIVILEGES for objects that the current role makes in a schema; undefined: the built-in ones. */
  defaultAcl(schemaOid: number, objectType: 'r' | 'S' | 'f' | 'T' | 'n'): Acl {
    const forRole = [...this.catalog.defaultPrivileges()].filter(
      (entry) => entry.roleOid === this.roleOid && entry.objectType === objectType,
    )
    const everywhere = forRole.find((entry) => entry.schemaOid === 0)
    const inSchema = forRole.find((entry) => entry.schemaOid === schemaOid)
    if (everywhere === undefined && inSchema === undefined) return undefined
    const type = objectType === 'S' ? 's' : objectType
    let items: readonly AclItem[] = everywhere?.acl ?? defaultAcl(type, this.roleOid)
    for (const { grantee, grantor, privileges } of inSchema?.acl ?? []) {
      const letters = privileges.replaceAll('*', '')
      items = changeAcl(items, {
        grantee,
        grantor,
        privileges: letters,
        grant: true,
        grantOption: privileges.includes('*'),
      })
    }
    return items
  }

  checkOwner(noun: string, object: { readonly name: string; readonly ownerOid: number }): void {
    if (this.hasRole(object.ownerOid)) return
    throw new SqlError('42501', `must be owner of ${noun} ${object.name}`)
  }

  hasRole(ownerOid: number): boolean {
    return hasRole(this.shared, this.roleOid, ownerOid)
  }

  /** 42501 `permission denied for schema x` unless the role has the privilege. */
  checkPrivilege(
    noun: 'schema' | 'table' | 'sequence' | 'database' | 'view',
    object: { readonly name: string; readonly ownerOid: number; readonly acl: Acl },
    privilege: string,
  ): void {
    const type = ACL_TYPES[noun]
    const { acl, ownerOid } = object
    if (hasPrivilege(this.shared, { acl, type, ownerOid, roleOid: this.roleOid, privilege })) return
    throw new SqlError('42501', `permission denied for ${noun} ${object.name}`)
  }

  roleNamed(name: string): Role {
    const role = this.shared.roleByName(name)
    if (role === undefined) throw new SqlError('42704', `role "${name}" does not exist`)
    return role
  }
}

const ACL_TYPES: Readonly<Record<'schema' | 'table' | 'sequence' | 'database' | 'view', AclObjectType>> = {
  schema: 'n',
  table: 'r',
  view: 'r',
  sequence: 's',
  database: 'd',
}

const SYSTEM_SCHEMAS: readonly number[] = [
  PG_CATALOG_OID,
  INFORMATION_SCHEMA_OID,
  PG_TOAST_OID,
  BOREALIS_SCHEMA_OID,
]

export function isSystemSchema(oid: number): boolean {
  return SYSTEM_SCHEMAS.includes(oid)
}

/** `schema.name` as messages print it. */
export function qualifiedText(name: RangeVar): string {
  return [name.catalogname, name.schemaname, name.relname]
    .filter((part) => part !== undefined && part !== '')
    .join('.')
}

/** A name list as a RangeVar (object names in DROP, COMMENT, ...). */
export function rangeVarOf(names: readonly string[], location?: number): RangeVar {
  const [relname, schemaname, catalogname] = names.toReversed()
  return { relname: relname ?? '', ...optional({ schemaname, catalogname, location }) }
}

/** Leaves out fields that are undefined. */
export function optional<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}
