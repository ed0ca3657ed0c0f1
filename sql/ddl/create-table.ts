// CREATE TABLE. Column and constraint definitions are read first, then names are locked and objects made: the table with
// its row type, sequences of serial and identity columns, indexes of keys, and last the foreign keys.

import type { CreateStmt } from 'libpg-query'
import type { CheckConstraint, Column, RowLayout, Schema } from '../catalog/catalog.ts'
import { COLUMN_DEFAULTS, type StoredTable } from '../catalog/stored-objects.ts'
import { nodeAs } from '../parse/ast.ts'
import { SqlError, unsupported } from '../types/sql-error.ts'
import {
  type CheckDraft,
  type ColumnDraft,
  type ConstraintDraft,
  draftColumn,
  draftConstraint,
  type ForeignKeyDraft,
  type KeyDraft,
} from './column-draft.ts'
import { addForeignKey } from './foreign-key.ts'
import { bindCheck, bindDefault } from './expressions.ts'
import { addKeyConstraint } from './key-constraint.ts'
import { expandLike, type LikeCopies } from './like-clause.ts'
import { chooseName, isConstraintName } from './object-names.ts'
import { ownedSequence } from './owned-sequence.ts'
import { tableOptions } from './reloptions.ts'
import type { DdlWork } from './work.ts'
import { changeColumn, checkConstraintNameIsFree } from './table-change.ts'

/** Names no column may have. */
const SYSTEM_COLUMN_NAMES: ReadonlySet<string> = new Set(['ctid', 'xmin', 'cmin', 'xmax', 'cmax', 'tableoid'])
const COLUMN_COUNT_MAX = 1600

export interface TableDraft {
  readonly columns: ColumnDraft[]
  readonly constraints: ConstraintDraft[]
  readonly likes: LikeCopies[]
}

export async function createTable(work: DdlWork, statement: CreateStmt): Promise<string> {
  const { relation } = statement
  if (relation?.relname === undefined) throw unsupported('CREATE TABLE without a name')
  refuseWhatWeCannot(statement)
  work.currentTableName = relation.relname
  const isTemporary = relation.relpersistence === 't'
  const schema = await work.creationSchema({ ...relation, schemaLocation: relation.location }, isTemporary)
  const persistence =
    isTemporary || schema.name === work.temporarySchemaName
      ? 'temporary'
      : relation.relpersistence === 'u'
        ? 'unlogged'
        : 'permanent'
  if (
    statement.oncommit !== undefined &&
    statement.oncommit !== 'ONCOMMIT_NOOP' &&
    persistence !== 'temporary'
  ) {
    throw new SqlError('42P16', 'ON COMMIT can only be used on temporary tables')
  }
  await work.lockName('relation', schema.oid, relation.relname)
  if (!checkNameIsFree(work, schema, relation.relname, statement.if_not_exists === true))
    return 'CREATE TABLE'
  const draft = await readElements(work, statement)
  const options = tableOptions(statement.options)
  const onCommit =
    statement.oncommit === 'ONCOMMIT_DROP'
      ? 'drop'
      : statement.oncommit === 'ONCOMMIT_DELETE_ROWS'
        ? 'delete'
        : 'preserve'
  await makeTable(work, draft, { schema, name: relation.relname, persistence, options, onCommit })
  return 'CREATE TABLE'
}

function refuseWhatWeCannot(statement: CreateStmt): void {
  if (statement.partspec !== undefined) throw unsupported('PARTITION BY')
  if (statement.partbound !== undefined) throw unsupported('PARTITION OF')
  if ((statement.inhRelations ?? []).length > 0) throw unsupported('table inheritance (INHERITS)')
  if (statement.ofTypename !== undefined) throw unsupported('CREATE TABLE OF type')
  const method = statement.accessMethod
  if (method !== undefined && method !== 'heap')
    throw new SqlError('42704', `access method "${method}" does not exist`)
}

/** False: it exists and IF NOT EXISTS was said. */
export function checkNameIsFree(work: DdlWork, schema: Schema, name: string, ifNotExists: boolean): boolean {
  if (work.catalog.relationByName(schema.oid, name) !== undefined) {
    if (!ifNotExists) throw new SqlError('42P07', `relation "${name}" already exists`)
    work.notice(`relation "${name}" already exists, skipping`, '42P07')
    return false
  }
  if (work.catalog.typeByName(schema.oid, name) !== undefined) {
    throw new SqlError('42710', `type "${name}" already exists`, {
      hint: "A relation has an associated type of the same name, so you must use a name that doesn't conflict with any existing type.",
    })
  }
  return true
}

async function readElements(work: DdlWork, statement: CreateStmt): Promise<TableDraft> {
  const draft: TableDraft = { columns: [], constraints: [], likes: [] }
  for (const node of statement.tableElts ?? []) {
    const column = nodeAs(node, 'ColumnDef')
    const constraint = nodeAs(node, 'Constraint')
    const like = nodeAs(node, 'TableLikeClause')
    if (column !== undefined) draft.columns.push(draftColumn(work, column, draft.constraints))
    else if (constraint !== undefined) draft.constraints.push(draftConstraint(work, constraint))
    else if (like !== undefined) await expandLike(work, like, draft)
  }
  checkColumnNames(draft.columns)
  const primaries = draft.constraints.filter((constraint) => constraint.kind === 'primary')
  if (primaries.length > 1) {
    const message = `multiple primary keys for table "${work.currentTableName}" are not allowed`
    throw work.error('42P16', message, primaries[1]?.location)
  }
  return draft
}

export function checkColumnNames(columns: readonly ColumnDraft[]): void {
  if (columns.length > COLUMN_COUNT_MAX)
    throw new SqlError('54011', `tables can have at most ${COLUMN_COUNT_MAX} columns`)
  const seen = new Set<string>()
  for (const { name } of columns) {
    if (SYSTEM_COLUMN_NAMES.has(name)) {
      throw new SqlError('42701', `column name "${name}" conflicts with a system column name`)
    }
    if (seen.has(name)) throw new SqlError('42701', `column "${name}" specified more than once`)
    seen.add(name)
  }
}

export interface NewTable {
  readonly schema: Schema
  readonly name: string
  readonly persistence: StoredTable['persistence']
  readonly options: readonly string[]
  readonly onCommit: StoredTable['onCommit']
}

/** Makes a table and all that belongs to it; returns its oid. The name is locked and free. */
export async function makeTable(work: DdlWork, draft: TableDraft, table: NewTable): Promise<number> {
  markKeyColumnsNotNull(work, draft)
  const [oid, rowTypeOid, rowArrayTypeOid] = (await work.newOids(3)) as [number, number, number]
  const { schema, name, persistence } = table
  const columns = draft.columns.map((column, i) => plainColumn(column, i + 1))
  const stored: StoredTable = {
    kind: 'table',
    oid,
    name,
    schemaOid: schema.oid,
    ownerOid: work.roleOid,
    acl: work.defaultAcl(schema.oid, 'r'),
    persistence,
    columns,
    tree: work.transaction.createTree(),
    clusterKey: undefined,
    rowTypeOid,
    rowArrayTypeOid,
    layouts: [fullLayout(columns)],
    onCommit: table.onCommit,
    checks: [],
    foreignKeys: [],
    options: table.options,
    isCompositeType: false,
  }
  await work.put(stored)
  await work.lockTable(oid, 8)
  await addColumnDefaults(work, oid, draft.columns)
  await addConstraints(work, oid, draft.constraints)
  for (const copies of draft.likes) await copies.finish(oid)
  return oid
}

/** A layout of all columns that are not dropped. */
export function fullLayout(columns: readonly Column[], version = 0): RowLayout {
  const indexes: number[] = []
  for (const [i, column] of columns.entries()) if (!column.isDropped) indexes.push(i)
  return { version, columns: indexes }
}

export function plainColumn(draft: ColumnDraft, number: number): Column {
  const { name, type, typmod, collation, notNull, generated, identity, acl } = draft
  return { ...COLUMN_DEFAULTS, number, name, type, typmod, collation, notNull, generated, identity, acl }
}

function markKeyColumnsNotNull(work: DdlWork, draft: TableDraft): void {
  for (const constraint of draft.constraints) {
    if (constraint.kind !== 'primary') continue
    for (const name of constraint.columns) {
      const column = draft.columns.find((item) => item.name === name)
      if (column === undefined) {
        throw work.error('42703', `column "${name}" named in key does not exist`, constraint.location)
      }
      column.notNull = true
    }
  }
}

async function addColumnDefaults(
  work: DdlWork,
  tableOid: number,
  drafts: readonly ColumnDraft[],
): Promise<void> {
  for (const [i, draft] of drafts.entries()) await addColumnDefault(work, tableOid, i, draft)
}

/** Gives column `index` the default, generation expression or sequence of its draft. */
export async function addColumnDefault(
  work: DdlWork,
  tableOid: number,
  index: number,
  draft: ColumnDraft,
): Promise<void> {
  if (draft.isSerial || draft.identity !== undefined) {
    await ownedSequence(work, tableOid, index, {
      options: draft.sequenceOptions ?? [],
      isSerial: draft.isSerial,
    })
    return
  }
  if (draft.defaultNode === undefined && draft.defaultText === undefined) return
  const table = work.table(tableOid)
  const cooked = bindDefault(
    work,
    table,
    index,
    draft.defaultNode ?? draft.defaultText ?? '',
    draft.generated,
  )
  // DEFAULT NULL is no default at all, as in PostgreSQL.
  if (cooked === undefined) return
  const defaultOid = await work.newOid()
  await changeColumn(work, tableOid, index, {
    default: cooked.text,
    defaultDependencies: cooked.dependencies,
    defaultOid,
  })
}

/** Adds constraints in PostgreSQL's order: checks, keys (the primary key first), foreign keys. */
async function addConstraints(
  work: DdlWork,
  tableOid: number,
  drafts: readonly ConstraintDraft[],
): Promise<void> {
  const isCheck = (draft: ConstraintDraft): draft is CheckDraft => draft.kind === 'check'
  const isForeign = (draft: ConstraintDraft): draft is ForeignKeyDraft => draft.kind === 'foreign'
  const isKey = (draft: ConstraintDraft): draft is KeyDraft =>
    draft.kind === 'primary' || draft.kind === 'unique'
  for (const draft of drafts.filter(isCheck)) await addCheck(work, tableOid, draft)
  const keys = drafts.filter(isKey)
  const ordered = [
    ...keys.filter((key) => key.kind === 'primary'),
    ...keys.filter((key) => key.kind === 'unique'),
  ]
  for (const [i, draft] of ordered.entries()) {
    const isDouble = ordered.slice(0, i).some((other) => isSameKey(other, draft))
    if (!isDouble) await addKeyConstraint(work, tableOid, draft)
  }
  for (const draft of drafts.filter(isForeign)) await addForeignKey(work, tableOid, draft)
}

/** PostgreSQL makes one index for a key that is given twice without names of its own. */
function isSameKey(a: KeyDraft, b: KeyDraft): boolean {
  const hasOneName = a.name === undefined || b.name === undefined || a.name === b.name
  const sameColumns =
    a.columns.join('\0') === b.columns.join('\0') && a.included.join('\0') === b.included.join('\0')
  return (
    hasOneName && sameColumns && a.deferrable === b.deferrable && a.nullsNotDistinct === b.nullsNotDistinct
  )
}

/** Adds a check constraint to the table's descriptor; rows that are there are the caller's to check. */
export async function addCheck(
  work: DdlWork,
  tableOid: number,
  draft: CheckDraft,
  validated = true,
): Promise<CheckConstraint> {
  const table = work.table(tableOid)
  const cooked = bindCheck(work, table, draft.expression)
  const isTaken = (name: string): boolean => isConstraintName(work, table.schemaOid, name)
  const [only] = cooked.columnNames
  const name2 = cooked.columnNames.length === 1 ? only : undefined
  const name = draft.name ?? chooseName({ name1: table.name, name2, label: 'check' }, isTaken)
  checkConstraintNameIsFree(work, tableOid, name)
  const check: CheckConstraint = {
    oid: await work.newOid(),
    name,
    expression: cooked.text,
    noInherit: draft.noInherit,
    validated,
    dependencies: cooked.dependencies,
  }
  const stored = work.storedTable(tableOid)
  await work.put({ ...stored, checks: [...stored.checks, check] })
  return check
}
