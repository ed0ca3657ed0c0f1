// What built-in functions ask of the layers above: the members of SessionServices (function.ts), by declaration merging.
// The catalog and the session implement them; functions only translate SQL arguments into these calls.
//
// Every member may suspend (storage/base/suspend.ts) and is then called again with the same arguments, so it changes
// its own state only after what it waits for is there. Oids that name nothing answer null where PostgreSQL answers
// NULL; SqlError otherwise, as PostgreSQL words it.

import type { Int8, Row } from '../types/value.ts'

declare module './function.ts' {
  interface SessionServices {
    readonly catalog: CatalogServices
    readonly privileges: PrivilegeServices
    readonly sequences: SequenceServices
    readonly sizes: SizeServices
    readonly advisoryLocks: AdvisoryLockServices
    readonly backends: BackendServices
    readonly transactions: TransactionServices
    readonly notifications: NotificationServices
  }
}

/** pg_..._is_visible: which kind of object is looked for in the search path. */
export type VisibleKind =
  | 'relation'
  | 'type'
  | 'function'
  | 'operator'
  | 'opclass'
  | 'opfamily'
  | 'collation'
  | 'conversion'
  | 'statistics'
  | 'ts_parser'
  | 'ts_dict'
  | 'ts_template'
  | 'ts_config'

/** A column as record-making functions (json_populate_record, json_to_record) need it. */
export interface ColumnDescription {
  readonly name: string
  readonly type: number
  readonly typmod: number
}

/** Descriptions of catalog objects as SQL (documentation, section 9.26.4). */
export interface CatalogServices {
  isVisible(kind: VisibleKind, oid: number): boolean | null
  /** pg_get_expr: the stored expression as SQL; `relation` 0 for one without columns. */
  expressionText(expression: string, relation: number, pretty: boolean): string | null
  /** pg_get_indexdef; `column` 0 for the whole definition, else one key column's, from 1. */
  indexDefinition(oid: number, column: number, pretty: boolean): string | null
  constraintDefinition(oid: number, pretty: boolean): string | null
  /** pg_get_viewdef; wrapColumn as its integer form gives it (0: a line per column), undefined for the default. */
  viewDefinition(oid: number, pretty: boolean, wrapColumn: number | undefined): string | null
  ruleDefinition(oid: number, pretty: boolean): string | null
  triggerDefinition(oid: number, pretty: boolean): string | null
  functionDefinition(oid: number): string | null
  functionArguments(oid: number, identityOnly: boolean): string | null
  functionResult(oid: number): string | null
  functionBody(oid: number): string | null
  functionArgumentDefault(oid: number, argument: number): string | null
  partitionKey(oid: number): string | null
  partitionConstraint(oid: number): string | null
  /** pg_get_statisticsobjdef and, with `columnsOnly`, pg_get_statisticsobjdef_columns. */
  statisticsDefinition(oid: number, columnsOnly: boolean): string | null
  /** The sequence that a serial or identity column owns, quoted and qualified. */
  serialSequence(table: string, column: string): string | null
  /** obj_description, col_description, shobj_description: pg_description's row, or pg_shdescription's when `shared`. */
  comment(oid: number, catalog: string | undefined, column: number, shared: boolean): string | null
  /** pg_get_userbyid: 'unknown (OID=...)' for an oid that is none. */
  roleName(oid: number): string
  /** pg_describe_object. */
  describeObject(catalog: number, oid: number, column: number): string | null
  /** One row of pg_identify_object: type, schema, name, identity. */
  identifyObject(catalog: number, oid: number, column: number): readonly (string | null)[]
  tablespaceLocation(oid: number): string
  relationFilenode(oid: number): number | null
  relationFilepath(oid: number): string | null
  /** pg_relation_is_publishable: whether it is an ordinary permanent table of a user. */
  isPublishable(oid: number): boolean | null
  /** Bits of pg_relation_is_updatable: 4 UPDATE, 8 INSERT, 16 DELETE. */
  relationUpdatability(oid: number, includeTriggers: boolean): number
  /** The relation and its ancestors, nearest first; empty when it is no partition nor partitioned. */
  partitionAncestors(oid: number): readonly number[]
  /** Rows (relation, parent or null, is leaf, level) of pg_partition_tree. */
  partitionTree(oid: number): Iterable<Row>
  isIndexProperty(index: number, column: number, property: string): boolean | null
  isAccessMethodProperty(method: number, property: string): boolean | null
  /** Version of a collation's library, or null. */
  collationVersion(oid: number): string | null
  temporarySchema(): number
  /** Columns of a composite type, dropped ones left out. */
  compositeFields(typeOid: number): readonly ColumnDescription[]
  /** Labels of an enum in its order. */
  enumLabels(typeOid: number): readonly string[]
  /** pg_options_to_table and aclexplode need no catalog; aclitem's role names do: oid of a role name, 0 for PUBLIC. */
  roleOid(name: string): number
}

/** Kinds of has_KIND_privilege. */
export type PrivilegeKind =
  | 'table'
  | 'sequence'
  | 'database'
  | 'schema'
  | 'function'
  | 'language'
  | 'type'
  | 'tablespace'
  | 'foreign_data_wrapper'
  | 'server'
  | 'parameter'
  | 'any_column'

export interface PrivilegeServices {
  /**
   * has_KIND_privilege: object by name or oid, role by name or oid (undefined: the current user), privileges as written
   * ('SELECT, INSERT WITH GRANT OPTION': any of them). null for an oid that names nothing.
   */
  has(
    kind: PrivilegeKind,
    object: string | number,
    privileges: string,
    role: string | number | undefined,
  ): boolean | null
  /** has_column_privilege; the column by name or number. */
  hasOnColumn(
    table: string | number,
    column: string | number,
    privileges: string,
    role: string | number | undefined,
  ): boolean | null
  /** pg_has_role: 'MEMBER', 'USAGE', ... of `role`. */
  hasRole(role: string | number, privileges: string, member: string | number | undefined): boolean | null
  /** row_security_active. */
  isRowSecurityActive(table: string | number): boolean
  /** acldefault: the built-in privileges of an object of pg_class.relkind-like kind letter, as aclitem[] text elements. */
  defaultAcl(objectType: string, owner: number): readonly string[]
}

export interface SequenceServices {
  nextValue(sequence: number): Int8
  /** 55000 when nextval has not been called in this session. */
  currentValue(sequence: number): Int8
  lastValue(): Int8
  setValue(sequence: number, value: Int8, isCalled: boolean): Int8
  /** pg_sequence_last_value: null when it was never called. */
  peek(sequence: number): Int8 | null
  /** pg_sequence_parameters: start, minimum, maximum, increment, cycle, cache, data type oid. */
  parameters(sequence: number): Row
}

/** Sizes in bytes; null for a relation that is not there. */
export interface SizeServices {
  /** pg_relation_size of one fork ('main', 'fsm', 'vm', 'init'). */
  relation(oid: number, fork: string): Int8 | null
  table(oid: number): Int8 | null
  indexes(oid: number): Int8 | null
  total(oid: number): Int8 | null
  database(nameOrOid: string | number): Int8 | null
  tablespace(nameOrOid: string | number): Int8 | null
}

/** A key of advisory locks: one int8, or two int4. They do not collide. */
export interface AdvisoryKey {
  readonly high: number
  readonly low: number
  /** pg_locks.objsubid: 1 for an int8 key, 2 for two int4 keys. */
  readonly form: 1 | 2
}

export interface AdvisoryLockServices {
  /** `wait` false: false when somebody else holds it. `untilEndOfTransaction` false: until unlock or the session's end. */
  lock(
    key: AdvisoryKey,
    how: { readonly shared: boolean; readonly wait: boolean; readonly untilEndOfTransaction: boolean },
  ): boolean
  /** False, with PostgreSQL's warning, when it is not held. */
  unlock(key: AdvisoryKey, shared: boolean): boolean
  unlockAll(): void
}

export interface BackendServices {
  /** pg_sleep: suspends until so much time has passed since the statement first asked. */
  sleep(seconds: number): void
  cancel(processId: number): boolean
  terminate(processId: number, timeoutMs: Int8): boolean
  blockingProcessIds(processId: number): readonly number[]
  /** Text of an inet, or null on a local socket. */
  readonly clientAddress: string | null
  readonly clientPort: number | null
  readonly serverAddress: string | null
  readonly serverPort: number | null
  /** Int8 microseconds since 2000-01-01 UTC. */
  readonly serverStartMicros: Int8
  readonly configurationLoadMicros: Int8
  readonly isInRecovery: boolean
  readonly isJitAvailable: boolean
  /** The text of the statement that the client sent (current_query). */
  readonly queryText: string | null
  reloadConfiguration(): boolean
  /** A NOTICE or WARNING to this session's client. */
  warn(code: string, message: string): void
  /** Depth of trigger nesting. */
  readonly triggerDepth: number
}

export interface TransactionServices {
  /** The transaction's id, made if it has none yet. */
  currentId(): Int8
  currentIdIfAssigned(): Int8 | null
  /** Text of a pg_snapshot: xmin:xmax:xip,... */
  snapshotText(): string
  /** pg_xact_status: 'in progress', 'committed', 'aborted', or null when it is too old. */
  status(id: Int8): string | null
  exportSnapshot(): string
  /** pg_current_wal_lsn and its relatives, text of a pg_lsn. */
  currentLsn(which: 'insert' | 'write' | 'flush'): string
}

export interface NotificationServices {
  notify(channel: string, payload: string): void
  listening(): readonly string[]
}
