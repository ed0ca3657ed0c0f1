// The door of the catalog: what a database contains, as immutable descriptors. A Catalog is a snapshot: it never changes
// after it was made. DDL makes a changed copy (structure shared) that only its transaction sees, and commit publishes it.
//
//   CATALOG_TREE (one cell per object) ──load at a read point──▶ Catalog ──edit in a transaction──▶ Catalog'
//                ▲                                                                                     │ commit
//                └───────────────── the changed objects' cells, in the transaction's write set ◀───────┘
//
// Shared objects (roles, databases, tablespaces) live in the cluster timeline and come in through `shared`.
// Built-in objects (types, functions, operators, pg_catalog relations) are not stored: they are the same everywhere.
// Expressions and view definitions are stored as SQL text in PostgreSQL's own canonical form and bound when needed.

import type { Lsn, TreeId, TimelineId } from '../../storage/base/ids.ts'
import type { TimelineSize } from '../../storage/message/message.ts'
import type { SegmentStatus, VolumeStatus } from '../../storage/volume/volume.ts'
import type { FunctionRegistry, SqlFunction } from '../functions/function.ts'
import type { TableCodec } from '../types/row-codec.ts'
import type { Type } from '../types/type.ts'
import type { Row } from '../types/value.ts'

export interface Catalog {
  /** Differs between any two snapshots with different contents, whatever the database: cached plans carry it. */
  readonly version: string
  readonly databaseName: string
  readonly databaseOid: number
  readonly shared: SharedCatalog
  readonly functions: FunctionRegistry

  schema(oid: number): Schema | undefined
  schemaByName(name: string): Schema | undefined
  schemas(): Iterable<Schema>

  /** Tables, views, sequences, indexes, composite types and the computed relations of the system schemas. */
  relation(oid: number): Relation | undefined
  relationByName(schemaOid: number, name: string): Relation | undefined
  relations(): Iterable<Relation>

  type(oid: number): Type | undefined
  typeByName(schemaOid: number, name: string): TypeEntry | undefined
  typeEntry(oid: number): TypeEntry | undefined
  types(): Iterable<TypeEntry>

  /** Built-in and created functions of a schema. */
  functionsByName(schemaOid: number, name: string): readonly SqlFunction[]
  /** ALTER DEFAULT PRIVILEGES entries. */
  defaultPrivileges(): Iterable<DefaultPrivileges>
  comment(classOid: number, objectOid: number, subId: number): string | undefined
  comments(): Iterable<Comment>
}

export interface SharedCatalog {
  role(oid: number): Role | undefined
  roleByName(name: string): Role | undefined
  roles(): Iterable<Role>
  database(oid: number): DatabaseEntry | undefined
  databaseByName(name: string): DatabaseEntry | undefined
  databases(): Iterable<DatabaseEntry>
  comment(classOid: number, objectOid: number): string | undefined
  comments(): Iterable<Comment>
}

/** A comment on the object with this oid in the catalog `classOid`, or on its column `subId`. */
export interface Comment {
  readonly classOid: number
  readonly oid: number
  readonly subId: number
  readonly text: string
}

/** A grant list as PostgreSQL keeps it: undefined means the built-in default. */
export type Acl = readonly AclItem[] | undefined
export interface AclItem {
  /** 0: PUBLIC. */
  readonly grantee: number
  readonly grantor: number
  /** Privilege letters as in aclitem's text form; a letter followed by * carries the grant option. */
  readonly privileges: string
}

export interface Role {
  readonly oid: number
  readonly name: string
  readonly superuser: boolean
  readonly inherit: boolean
  readonly createRole: boolean
  readonly createDatabase: boolean
  readonly canLogin: boolean
  readonly replication: boolean
  readonly bypassRls: boolean
  readonly connectionLimit: number
  readonly password: string | undefined
  /** ISO 8601 in UTC, or 'infinity'. */
  readonly validUntil: string | undefined
  readonly memberOf: readonly {
    readonly role: number
    readonly grantor: number
    readonly adminOption: boolean
  }[]
  readonly settings: readonly string[]
}

export interface DatabaseEntry {
  readonly oid: number
  readonly name: string
  readonly ownerOid: number
  readonly timeline: TimelineId
  readonly isTemplate: boolean
  readonly allowConnections: boolean
  readonly connectionLimit: number
  readonly settings: readonly string[]
  readonly acl: Acl
  /** Where it branched off; undefined: it came with the cluster. */
  readonly branch: BranchPoint | undefined
  /** Wall time, microseconds since 1970, at which it is dropped; undefined: never. */
  readonly expiresMicros: number | undefined
  /** The timelines that its name pointed to before, each until a backtrack; oldest first. */
  readonly past: readonly Backtrack[]
}

export interface BranchPoint {
  /** Oid of the database that was its template, which may be gone. */
  readonly parentOid: number
  readonly timeline: TimelineId
  readonly lsn: Lsn
  /** Wall time of its making, microseconds since 1970. */
  readonly createdMicros: number
  /** 1 for a branch of a database that is none, one more for each branch on the way. */
  readonly depth: number
}

/** One backtrack of a database: the timeline that it left, and the point that the next one began at. */
export interface Backtrack {
  readonly timeline: TimelineId
  /** Where the left timeline ended: its newest commit then, and the wall time (microseconds since 1970). */
  readonly headLsn: Lsn
  readonly untilMicros: number
  /** The target as it was asked for, and what it meant. */
  readonly target: string
  readonly targetTimeline: TimelineId
  readonly targetLsn: Lsn
  readonly byRole: string
}

export interface Schema {
  readonly oid: number
  readonly name: string
  readonly ownerOid: number
  readonly acl: Acl
}

/** One row of pg_default_acl. `schemaOid` 0: all schemas. */
export interface DefaultPrivileges {
  readonly oid: number
  readonly roleOid: number
  readonly schemaOid: number
  /** pg_default_acl.defaclobjtype: r table, S sequence, f function, T type, n schema. */
  readonly objectType: string
  readonly acl: Acl
}

/** A type as a catalog object; `type` is what the rest of sql works with. */
export interface TypeEntry {
  readonly type: Type
  readonly schemaOid: number
  readonly ownerOid: number
  /** Composite: its relation. Enum: labels in order, with pg_enum oids. Domain: its constraints. */
  readonly relationOid: number
  readonly labels: readonly { readonly oid: number; readonly label: string; readonly sortOrder: number }[]
  readonly domain: DomainInfo | undefined
  readonly acl: Acl
}

export interface DomainInfo {
  readonly baseOid: number
  readonly typmod: number
  readonly notNull: boolean
  readonly default: string | undefined
  readonly checks: readonly { readonly oid: number; readonly name: string; readonly expression: string }[]
}

export type Relation = Table | View | Sequence | Index

interface RelationBase {
  readonly oid: number
  readonly name: string
  readonly schemaOid: number
  readonly ownerOid: number
  readonly acl: Acl
  readonly persistence: 'permanent' | 'unlogged' | 'temporary'
}

/**
 * A table, or a computed relation of a system schema (then `virtual` is there and tree is not used).
 *
 * Rows lie in `tree`, keyed by the primary key's encoding when `clusterKey` is there, else by an 8-byte row id
 * (big-endian). A primary key added to a table that already had rows is an ordinary unique index over row ids.
 */
export interface Table extends RelationBase {
  readonly kind: 'table'
  readonly columns: readonly Column[]
  readonly tree: TreeId
  /** Indexes into `columns`, in key order; undefined: hidden row id. */
  readonly clusterKey: readonly number[] | undefined
  /** Encodes and decodes stored rows of every layout version (sql/types/row-codec.ts). */
  readonly codec: TableCodec
  readonly rowTypeOid: number
  /** The array type over the row type; 0 for computed relations. */
  readonly rowArrayTypeOid: number
  /** Which columns rows of each layout version hold; the last one is written. See Column.missing. */
  readonly layouts: readonly RowLayout[]
  /** Temporary tables: what COMMIT does. */
  readonly onCommit: 'preserve' | 'delete' | 'drop'
  readonly indexes: readonly Index[]
  readonly checks: readonly CheckConstraint[]
  readonly foreignKeys: readonly ForeignKey[]
  /** Foreign keys of any table that refer to this one. */
  readonly referencedBy: readonly ForeignKey[]
  readonly virtual: VirtualRelation | undefined
  readonly options: readonly string[]
  /** Composite types made by CREATE TYPE ... AS (...) are tables without rows. */
  readonly isCompositeType: boolean
}

export interface RowLayout {
  readonly version: number
  /** Indexes into Table.columns. */
  readonly columns: readonly number[]
}

export interface Column {
  /** 1-based and never reused. */
  readonly number: number
  readonly name: string
  readonly type: number
  readonly typmod: number
  readonly collation: number
  readonly notNull: boolean
  readonly isDropped: boolean
  /** SQL text of DEFAULT or of GENERATED ALWAYS AS (..) STORED. */
  readonly default: string | undefined
  /** pg_attrdef.oid of the default; 0: none. */
  readonly defaultOid: number
  /** What the default names, beside the table's own columns. */
  readonly defaultDependencies: readonly Dependency[]
  readonly generated: boolean
  readonly identity: 'always' | 'by-default' | undefined
  /** Sequence owned by this column (serial, identity); 0: none. */
  readonly sequenceOid: number
  readonly acl: Acl
  readonly statisticsTarget: number
  /** Value of rows written before the column was added: its text output (as with extra_float_digits 1, ISO dates). */
  readonly missing: string | undefined
}

export interface Index extends RelationBase {
  readonly kind: 'index'
  readonly tableOid: number
  /**
   * Keys are the encoded columns, then (unless unique and free of NULLs) the row key; the value is the row key, or says
   * where in the key it is (sql/exec/modify/index-key.ts). For the clustered primary key `tree` is the table's own.
   */
  readonly tree: TreeId
  readonly isClustered: boolean
  readonly unique: boolean
  readonly nullsNotDistinct: boolean
  readonly isPrimary: boolean
  readonly columns: readonly IndexColumn[]
  /** INCLUDE columns: kept in the catalog, not in the keys. */
  readonly included: readonly number[]
  /** SQL text of the WHERE of a partial index. */
  readonly predicate: string | undefined
  /** Constraint this index implements (primary key, unique); 0: a plain index. */
  readonly constraintOid: number
  readonly deferrable: boolean
  readonly initiallyDeferred: boolean
  /** Access method as it was asked for (btree, hash, gin, ...): all are kept as B+trees where equality or order does. */
  readonly method: string
  readonly options: readonly string[]
  /** What its expressions and predicate name beside the table's columns. */
  readonly dependencies: readonly Dependency[]
}

export interface IndexColumn {
  /** Index into table.columns, or -1 for an expression. */
  readonly column: number
  readonly expression: string | undefined
  readonly type: number
  readonly descending: boolean
  readonly nullsFirst: boolean
  readonly operatorClass: string | undefined
  readonly collation: number
}

export interface CheckConstraint {
  readonly oid: number
  readonly name: string
  readonly expression: string
  readonly noInherit: boolean
  readonly validated: boolean
  /** What the expression names beside the table's columns. */
  readonly dependencies: readonly Dependency[]
}

export type ReferentialAction = 'no-action' | 'restrict' | 'cascade' | 'set-null' | 'set-default'

export interface ForeignKey {
  readonly oid: number
  readonly name: string
  readonly tableOid: number
  /** Indexes into the referencing table's columns. */
  readonly columns: readonly number[]
  readonly referencedOid: number
  readonly referencedColumns: readonly number[]
  /** The unique index on the referenced side. */
  readonly indexOid: number
  readonly onUpdate: ReferentialAction
  readonly onDelete: ReferentialAction
  readonly match: 'simple' | 'full'
  readonly deferrable: boolean
  readonly initiallyDeferred: boolean
  readonly validated: boolean
}

export interface View extends RelationBase {
  readonly kind: 'view'
  readonly columns: readonly Column[]
  readonly rowTypeOid: number
  readonly rowArrayTypeOid: number
  /** The SELECT in canonical form, names resolved independently of any search path. */
  readonly definition: string
  readonly options: readonly string[]
  /** What the definition names: (class oid, object oid, column number or 0), for RESTRICT and CASCADE. */
  readonly dependencies: readonly Dependency[]
}

/** One edge of pg_depend, towards what is needed. */
export interface Dependency {
  readonly classOid: number
  readonly objectOid: number
  readonly subId: number
}

export interface Sequence extends RelationBase {
  readonly kind: 'sequence'
  readonly type: number
  readonly start: number | bigint
  readonly increment: number | bigint
  readonly min: number | bigint
  readonly max: number | bigint
  readonly cache: number | bigint
  readonly cycle: boolean
  /** Owning column; 0 and 0: none. */
  readonly ownedByTable: number
  readonly ownedByColumn: number
  /** The value cell's generation: ALTER SEQUENCE RESTART begins a new one, transactionally (see sequence-state.ts). */
  readonly generation: number
  /** State before the first nextval of this generation. */
  readonly initial: { readonly value: number | bigint; readonly isCalled: boolean }
}

/** A relation whose rows are computed from catalog and server state (pg_class, pg_stat_activity, ...). */
export interface VirtualRelation {
  /** All rows. `catalog` is the reader's snapshot. */
  rows(catalog: Catalog, server: ServerState): Iterable<Row>
  /** Faster ways in, where the planner has an equality on these columns: rows that may match (a superset is fine). */
  readonly lookups: readonly {
    readonly column: number
    find(catalog: Catalog, key: Row[number], server: ServerState): Iterable<Row>
  }[]
}

/** What computed relations show of the running server; the session layer implements it. */
export interface ServerState {
  readonly timeLineOfDatabase: TimelineId
  /** What a timeline branched off, where its own log begins (0: a root), and its newest commit. */
  timeline(id: TimelineId): {
    readonly parent: TimelineId | undefined
    readonly base: Lsn
    readonly head: Lsn
  }
  /** What timelines take on disk; undefined when no storage node answers. May suspend. */
  timelineSizes(timelines: readonly TimelineId[]): readonly TimelineSize[] | undefined
  sessions(): Iterable<SessionState>
  settings(): Iterable<SettingState>
  preparedStatements(): Iterable<Row>
  cursors(): Iterable<Row>
  locks(): Iterable<Row>
  /** Every segment of the volume, asked of the storage nodes. May suspend. */
  segments(): readonly SegmentStatus[]
  volume(): VolumeState
  /** Rows and pages of a table or index, estimated. */
  estimate(relationOid: number): { readonly tuples: number; readonly pages: number }
  /** last_value, log_cnt and is_called of now. May suspend. */
  sequenceRow(sequence: Sequence): Row
  /** A sequence's last value, if it is known without waiting; null when it was never called. */
  lastSequenceValue?(sequenceOid: number): number | bigint | null
}

/** Where the log of the session's database stands, and what the volume has done since the server started. */
export interface VolumeState extends VolumeStatus {
  readonly vcl: Lsn
  readonly vdl: Lsn
  /** Lowest read point that somebody still needs. */
  readonly pgmrpl: Lsn
  readonly tail: Lsn
  /** Bytes of log that may be appended before a commit waits. */
  readonly lalRoomBytes: number
  readonly volumeEpoch: number
  readonly groupCount: number
  readonly segmentSizeBytes: number
  readonly commits: number
}

export interface SessionState {
  readonly processId: number
  readonly databaseOid: number
  readonly databaseName: string
  readonly userOid: number
  readonly userName: string
  readonly applicationName: string
  readonly clientAddress: string | undefined
  readonly clientPort: number
  readonly backendStartMicros: number | bigint
  readonly transactionStartMicros: number | bigint | undefined
  readonly queryStartMicros: number | bigint | undefined
  readonly stateChangeMicros: number | bigint
  readonly state: 'active' | 'idle' | 'idle in transaction' | 'idle in transaction (aborted)'
  readonly waitEventType: string | undefined
  readonly waitEvent: string | undefined
  readonly query: string
}

export interface SettingState {
  readonly name: string
  readonly value: string
  readonly unit: string | undefined
  readonly category: string
  readonly description: string
  readonly context: string
  readonly type: string
  readonly source: string
  readonly min: string | undefined
  readonly max: string | undefined
  readonly enumValues: readonly string[] | undefined
  readonly bootValue: string | undefined
  readonly resetValue: string | undefined
}
