// What a catalog stores, and as which bytes: one cell of CATALOG_TREE per object.
//
//   key    kind u8, oid u32 big-endian                    (the version and counter cells: kind, 0)
//   value  format u8 (1), then UTF-8 JSON of the object below without `kind` and without fields at their defaults;
//          a bigint is {"$n":"123"}
//
// A stored object is a descriptor of catalog.ts without what is derived from other objects (a table's indexes, codec and
// referring foreign keys). Oids are unique among all objects of a timeline, whatever their kind.

import { assert, must } from '../../storage/base/assert.ts'
import { StorageError } from '../../storage/base/errors.ts'
import type { Lsn, TimelineId } from '../../storage/base/ids.ts'
import { int8 } from '../types/value.ts'
import type {
  Acl,
  Column,
  DatabaseEntry,
  DefaultPrivileges,
  DomainInfo,
  ForeignKey,
  Index,
  IndexColumn,
  Role,
  Schema,
  Sequence,
  Table,
  View,
} from './catalog.ts'

export type CellKind =
  | 'version'
  | 'counter'
  | 'schema'
  | 'table'
  | 'view'
  | 'sequence'
  | 'index'
  | 'type'
  | 'comments'
  | 'default-privileges'
  | 'merge'
  | 'sequence-value'
  | 'role'
  | 'database'
  | 'name'

/** The kind byte of keys. Numbers are part of the format: never change one. */
export const OBJECT_KIND: Readonly<Record<CellKind, number>> = {
  version: 0,
  counter: 1,
  schema: 2,
  table: 3,
  view: 4,
  sequence: 5,
  index: 6,
  type: 7,
  comments: 8,
  'default-privileges': 9,
  merge: 10,
  'sequence-value': 12,
  role: 32,
  database: 33,
  /** Never stored: the first byte of keys that are only locked, to serialise the makers of one name. */
  name: 0xf0,
}

const FORMAT_VERSION = 1

export type StoredSchema = Schema & { readonly kind: 'schema' }
export type StoredTable = Omit<Table, 'codec' | 'indexes' | 'referencedBy' | 'virtual'>
export type StoredDatabase = DatabaseEntry & { readonly kind: 'database' }
export type StoredRole = Role & { readonly kind: 'role' }
export type StoredDefaultPrivileges = DefaultPrivileges & { readonly kind: 'default-privileges' }

/** An enum or a domain with its array type. Row types come from their relations. */
export interface StoredType {
  readonly kind: 'type'
  readonly oid: number
  readonly name: string
  readonly schemaOid: number
  readonly ownerOid: number
  readonly acl: Acl
  readonly arrayOid: number
  readonly arrayName: string
  readonly form: 'enum' | 'domain'
  readonly labels: readonly { readonly oid: number; readonly label: string; readonly sortOrder: number }[]
  readonly domain: DomainInfo | undefined
}

/** All comments on the objects with one oid. */
export interface StoredComments {
  readonly kind: 'comments'
  readonly oid: number
  readonly comments: readonly { readonly classOid: number; readonly subId: number; readonly text: string }[]
}

/** That a database was merged into this one last; `oid` is that database's. */
export interface StoredMerge {
  readonly kind: 'merge'
  readonly oid: number
  /** What was merged: the state of that database at a point of a timeline. */
  readonly timeline: TimelineId
  readonly lsn: Lsn
  /** When, microseconds since 1970. */
  readonly wallMicros: number
}

export type StoredObject =
  | StoredSchema
  | StoredTable
  | View
  | Sequence
  | Index
  | StoredType
  | StoredComments
  | StoredMerge
  | StoredDefaultPrivileges
  | StoredRole
  | StoredDatabase

export type StoredKind = StoredObject['kind']

type Fields = Record<string, unknown>

const RELATION: Fields = { acl: undefined, persistence: 'permanent' }

export const COLUMN_DEFAULTS: Pick<
  Column,
  | 'typmod'
  | 'collation'
  | 'notNull'
  | 'isDropped'
  | 'default'
  | 'defaultOid'
  | 'defaultDependencies'
  | 'generated'
  | 'identity'
  | 'sequenceOid'
  | 'acl'
  | 'statisticsTarget'
  | 'missing'
> = {
  typmod: -1,
  collation: 0,
  notNull: false,
  isDropped: false,
  default: undefined,
  defaultOid: 0,
  defaultDependencies: [],
  generated: false,
  identity: undefined,
  sequenceOid: 0,
  acl: undefined,
  statisticsTarget: -1,
  missing: undefined,
}

export const INDEX_COLUMN_DEFAULTS: Omit<IndexColumn, 'column' | 'type'> = {
  expression: undefined,
  descending: false,
  nullsFirst: false,
  operatorClass: undefined,
  collation: 0,
}

const FOREIGN_KEY: Fields = {
  onUpdate: 'no-action',
  onDelete: 'no-action',
  match: 'simple',
  deferrable: false,
  initiallyDeferred: false,
  validated: true,
} satisfies Partial<ForeignKey>

const DEFAULTS: Readonly<Record<StoredKind, Fields>> = {
  schema: { acl: undefined },
  table: {
    ...RELATION,
    clusterKey: undefined,
    checks: [],
    foreignKeys: [],
    options: [],
    isCompositeType: false,
    onCommit: 'preserve',
  },
  view: { ...RELATION, options: [], dependencies: [] },
  sequence: {
    ...RELATION,
    start: 1,
    increment: 1,
    min: 1,
    cache: 1,
    cycle: false,
    ownedByTable: 0,
    ownedByColumn: 0,
    generation: 0,
  },
  index: {
    ...RELATION,
    isClustered: false,
    unique: false,
    nullsNotDistinct: false,
    isPrimary: false,
    included: [],
    predicate: undefined,
    constraintOid: 0,
    deferrable: false,
    initiallyDeferred: false,
    method: 'btree',
    options: [],
    dependencies: [],
  },
  type: { acl: undefined, labels: [], domain: undefined },
  comments: {},
  merge: {},
  'default-privileges': {},
  role: {
    superuser: false,
    inherit: true,
    createRole: false,
    createDatabase: false,
    canLogin: false,
    replication: false,
    bypassRls: false,
    connectionLimit: -1,
    password: undefined,
    validUntil: undefined,
    memberOf: [],
    settings: [],
  },
  database: {
    isTemplate: false,
    allowConnections: true,
    connectionLimit: -1,
    settings: [],
    acl: undefined,
    branch: undefined,
    expiresMicros: undefined,
    past: [],
  },
}

/** Fields that hold lists of objects with defaults of their own. */
const NESTED: Readonly<Record<string, Fields>> = {
  'table.columns': COLUMN_DEFAULTS,
  'view.columns': COLUMN_DEFAULTS,
  'table.foreignKeys': FOREIGN_KEY,
  'index.columns': INDEX_COLUMN_DEFAULTS,
}

/** The same by kind. */
const NESTED_FIELDS = new Map<StoredKind, { readonly field: string; readonly defaults: Fields }[]>()
for (const [name, defaults] of Object.entries(NESTED)) {
  const [kind, field] = name.split('.') as [StoredKind, string]
  NESTED_FIELDS.set(kind, [...(NESTED_FIELDS.get(kind) ?? []), { field, defaults }])
}

/** The cell's key: five bytes. */
export function objectKey(kind: CellKind, oid: number): Buffer {
  const key = Buffer.allocUnsafe(5)
  key[0] = OBJECT_KIND[kind]
  key.writeUInt32BE(oid, 1)
  return key
}

/** A key that is only locked: whoever makes an object of this name in this namespace holds it until its commit. */
export function nameLockKey(
  space: 'relation' | 'type' | 'schema' | 'role' | 'database',
  schemaOid: number,
  name: string,
): Buffer {
  return Buffer.concat([objectKey('name', schemaOid), Buffer.from(`${space}\0${name}`)])
}

export function encodeObject(object: StoredObject): Buffer {
  const json = JSON.stringify(withoutDefaults(object.kind, object), replaceBigint)
  const bytes = Buffer.allocUnsafe(1 + Buffer.byteLength(json))
  bytes[0] = FORMAT_VERSION
  bytes.write(json, 1)
  return bytes
}

const KIND_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(OBJECT_KIND).map(([name, kind]) => [kind, name]),
)

/** The object in a cell; undefined for cells that are no objects (version, counter, sequence values). */
export function decodeObject(key: Uint8Array, value: Buffer): StoredObject | undefined {
  const kind = must(KIND_NAMES.get(must(key[0]))) as StoredKind
  const defaults = DEFAULTS[kind] as Fields | undefined
  if (defaults === undefined) return undefined
  const format = value[0]
  if (format !== FORMAT_VERSION)
    throw new StorageError('version', `catalog object of unknown format ${format}`)
  const json = value.toString('utf8', 1)
  // A reviver costs ten times as much as the rest, and there are thousands of databases.
  const fields = (json.includes(BIGINT_MARK) ? JSON.parse(json, reviveBigint) : JSON.parse(json)) as Fields
  for (const { field, defaults: nested } of NESTED_FIELDS.get(kind) ?? [])
    fields[field] = (fields[field] as Fields[] | undefined)?.map((item) => ({ ...nested, ...item })) ?? []
  return { kind, ...defaults, ...fields } as unknown as StoredObject
}

function withoutDefaults(kind: StoredKind, object: StoredObject): Fields {
  const result: Fields = {}
  const defaults = DEFAULTS[kind]
  for (const [name, value] of Object.entries(object)) {
    if (name === 'kind' || isDefault(value, name in defaults, defaults[name])) continue
    const nested = NESTED[`${kind}.${name}`]
    result[name] = nested === undefined ? value : (value as Fields[]).map((item) => strip(item, nested))
  }
  return result
}

function strip(item: Fields, defaults: Fields): Fields {
  const kept = Object.entries(item).filter(
    ([name, value]) => !isDefault(value, name in defaults, defaults[name]),
  )
  return Object.fromEntries(kept)
}

function isDefault(value: unknown, hasDefault: boolean, fallback: unknown): boolean {
  if (!hasDefault) return false
  if (Array.isArray(fallback)) return Array.isArray(value) && value.length === 0
  return value === fallback
}

/** What a text has in it that was written with a bigint: see replaceBigint. */
const BIGINT_MARK = '"$n"'

function replaceBigint(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? { $n: value.toString() } : value
}

function reviveBigint(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('$n' in value)) return value
  assert(typeof value.$n === 'string', 'a stored bigint is its digits')
  return int8(BigInt(value.$n))
}
