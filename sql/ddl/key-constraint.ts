// PRIMARY KEY and UNIQUE: an index with a constraint's oid. The primary key of an empty table becomes the key its rows
// are stored by (clustered); on a table with rows it is an ordinary unique index over row ids.
//
//   empty table    rows: tree keyed by row id   ──▶   rows: fresh tree keyed by the primary key, index.tree = table.tree
//   with rows      rows stay where they are, index: a tree of its own, filled by index-build.ts

import type { Table } from '../catalog/catalog.ts'
import { SqlError } from '../types/sql-error.ts'
import type { KeyDraft } from './column-draft.ts'
import { defineIndex, type IndexColumnDraft } from './define-index.ts'
import { chooseName, joinedColumnNames } from './object-names.ts'
import { indexOptions } from './reloptions.ts'
import { isTableEmpty, requireNotNull } from './table-scan.ts'
import { checkConstraintNameIsFree } from './table-change.ts'
import type { DdlWork } from './work.ts'

/** Adds a key to a table that this transaction holds locked. Returns the index's oid. */
export async function addKeyConstraint(work: DdlWork, tableOid: number, draft: KeyDraft): Promise<number> {
  const table = work.table(tableOid)
  if (draft.kind === 'primary') checkOnlyPrimaryKey(table)
  if (draft.indexName !== undefined) return adoptIndex(work, table, draft, draft.indexName)
  const columns = draft.columns.map((name) => keyColumn(work, table, name, draft))
  const included = draft.included.map((name) => keyColumn(work, table, name, draft).column)
  checkNoDuplicate(work, draft)
  const name = await constraintName(work, table, draft)
  if (draft.kind === 'primary')
    await setColumnsNotNull(
      work,
      tableOid,
      columns.map(({ column }) => column),
    )
  const isEmpty = await isTableEmpty(work, work.table(tableOid))
  const isClustered = draft.kind === 'primary' && !draft.deferrable && isEmpty
  if (isClustered)
    await cluster(
      work,
      tableOid,
      columns.map(({ column }) => column),
    )
  return defineIndex(work, tableOid, {
    name,
    columns,
    included,
    unique: true,
    isPrimary: draft.kind === 'primary',
    isClustered,
    nullsNotDistinct: draft.nullsNotDistinct,
    deferrable: draft.deferrable,
    initiallyDeferred: draft.initiallyDeferred,
    constraintOid: await work.newOid(),
    method: 'btree',
    predicate: undefined,
    options: indexOptions(draft.options),
    dependencies: [],
    isEmpty,
  })
}

function checkOnlyPrimaryKey(table: Table): void {
  if (!table.indexes.some((index) => index.isPrimary)) return
  throw new SqlError('42P16', `multiple primary keys for table "${table.name}" are not allowed`)
}

function keyColumn(work: DdlWork, table: Table, name: string, draft: KeyDraft): IndexColumnDraft {
  const column = table.columns.findIndex((item) => item.name === name && !item.isDropped)
  const found = table.columns[column]
  if (found === undefined) {
    throw work.error('42703', `column "${name}" named in key does not exist`, draft.location)
  }
  return {
    column,
    expression: undefined,
    type: found.type,
    descending: false,
    nullsFirst: false,
    operatorClass: undefined,
    collation: found.collation,
  }
}

function checkNoDuplicate(work: DdlWork, draft: KeyDraft): void {
  const seen = new Set<string>()
  for (const name of draft.columns) {
    if (seen.has(name)) {
      const what = draft.kind === 'primary' ? 'primary key' : 'unique'
      throw work.error('42701', `column "${name}" appears twice in ${what} constraint`, draft.location)
    }
    seen.add(name)
  }
}

async function constraintName(work: DdlWork, table: Table, draft: KeyDraft): Promise<string> {
  const { catalog } = work
  const isTaken = (name: string): boolean => catalog.relationByName(table.schemaOid, name) !== undefined
  const parts =
    draft.kind === 'primary'
      ? { name1: table.name, label: 'pkey' }
      : { name1: table.name, name2: joinedColumnNames([...draft.columns, ...draft.included]), label: 'key' }
  const name = draft.name ?? chooseName(parts, isTaken)
  await work.lockName('relation', table.schemaOid, name)
  if (work.catalog.relationByName(table.schemaOid, name) !== undefined) {
    throw new SqlError('42P07', `relation "${name}" already exists`)
  }
  checkConstraintNameIsFree(work, table.oid, name)
  return name
}

/** Marks columns NOT NULL, after a look at the rows where there are any. */
export async function setColumnsNotNull(
  work: DdlWork,
  tableOid: number,
  columns: readonly number[],
): Promise<void> {
  const stored = work.storedTable(tableOid)
  const nullable = columns.filter((column) => stored.columns[column]?.notNull === false)
  if (nullable.length === 0) return
  await requireNotNull(work, work.table(tableOid), nullable)
  await work.put({
    ...stored,
    columns: stored.columns.map((column, i) =>
      nullable.includes(i) ? { ...column, notNull: true } : column,
    ),
  })
}

/** Makes an empty table one that is stored by these columns. */
async function cluster(work: DdlWork, tableOid: number, columns: readonly number[]): Promise<void> {
  const stored = work.storedTable(tableOid)
  work.transaction.dropTree(stored.tree)
  await work.put({ ...stored, tree: work.transaction.createTree(), clusterKey: columns })
}

/** ADD CONSTRAINT ... USING INDEX: an index that is there becomes the constraint's and takes its name. */
async function adoptIndex(work: DdlWork, table: Table, draft: KeyDraft, indexName: string): Promise<number> {
  const index = table.indexes.find((item) => item.name === indexName)
  if (index === undefined) throw work.error('42704', `index "${indexName}" does not exist`, draft.location)
  const refuse = (message: string, detail?: string): SqlError =>
    work.error('42809', message, draft.location, { detail })
  if (index.constraintOid !== 0) throw refuse(`index "${indexName}" is already associated with a constraint`)
  const detail = 'Cannot create a primary key or unique constraint using such an index.'
  if (!index.unique) throw refuse(`"${indexName}" is not a unique index`, detail)
  if (index.columns.some((column) => column.column < 0))
    throw refuse(`index "${indexName}" contains expressions`, detail)
  if (index.predicate !== undefined) throw refuse(`"${indexName}" is a partial index`, detail)
  const name = draft.name ?? indexName
  if (name !== indexName) {
    work.notice(`ALTER TABLE / ADD CONSTRAINT USING INDEX will rename index "${indexName}" to "${name}"`)
  }
  if (draft.kind === 'primary')
    await setColumnsNotNull(
      work,
      table.oid,
      index.columns.map(({ column }) => column),
    )
  await work.put({
    ...index,
    name,
    isPrimary: draft.kind === 'primary',
    constraintOid: await work.newOid(),
    deferrable: draft.deferrable,
    initiallyDeferred: draft.initiallyDeferred,
  })
  return index.oid
}
