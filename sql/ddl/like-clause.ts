// CREATE TABLE ... (LIKE source INCLUDING ...): copies of columns at once, of indexes and comments when the table stands.

import type { TableLikeClause } from 'libpg-query'
import { must } from '../../storage/base/assert.ts'
import { CLASS_OID } from '../catalog/bootstrap.ts'
import type { Column, Index, Relation, Table } from '../catalog/catalog.ts'
import { SqlError } from '../types/sql-error.ts'
import type { ColumnDraft } from './column-draft.ts'
import { setComment } from './comment.ts'
import type { TableDraft } from './create-table.ts'
import { defineIndex } from './define-index.ts'
import { chooseName, joinedColumnNames } from './object-names.ts'
import { type DdlWork, LOCK, RELATION_NOUN } from './work.ts'

/** Bits of TableLikeClause.options. */
const INCLUDING = {
  comments: 1 << 0,
  compression: 1 << 1,
  constraints: 1 << 2,
  defaults: 1 << 3,
  generated: 1 << 4,
  identity: 1 << 5,
  indexes: 1 << 6,
  statistics: 1 << 7,
  storage: 1 << 8,
}

/** The part of a LIKE that waits for the table to be made. */
export interface LikeCopies {
  finish(tableOid: number): Promise<void>
}

type LikeSource = Extract<Relation, { readonly columns: readonly Column[] }> & {
  readonly kind: 'table' | 'view'
}

/** Adds the source's columns and checks to the draft. */
export async function expandLike(work: DdlWork, clause: TableLikeClause, draft: TableDraft): Promise<void> {
  const name = must(clause.relation)
  const relation = await work.lockRelation(name, LOCK.accessShare)
  if (relation === undefined) throw work.error('42P01', work.undefinedRelation(name).message, name.location)
  if (relation.kind !== 'table' && relation.kind !== 'view') {
    throw new SqlError('42809', `relation "${relation.name}" is invalid in LIKE clause`, {
      detail: `This operation is not supported for ${relation.kind === 'index' ? 'indexes' : 'sequences'}.`,
    })
  }
  const source: LikeSource = relation
  work.checkPrivilege(RELATION_NOUN[relation.kind] === 'view' ? 'view' : 'table', relation, 'r')
  const options = clause.options ?? 0
  const has = (bit: number): boolean => (options & bit) !== 0
  for (const column of source.columns) if (!column.isDropped) draft.columns.push(copyColumn(column, has))
  if (source.kind === 'table' && has(INCLUDING.constraints)) {
    for (const check of source.checks) {
      draft.constraints.push({
        kind: 'check',
        name: check.name,
        expression: check.expression,
        noInherit: check.noInherit,
        skipValidation: false,
        columnName: undefined,
        location: undefined,
      })
    }
  }
  draft.likes.push({
    finish: async (tableOid) => {
      if (has(INCLUDING.indexes) && source.kind === 'table') await copyIndexes(work, source, tableOid)
      if (has(INCLUDING.comments)) await copyComments(work, source, tableOid)
    },
  })
}

function copyColumn(column: Column, has: (bit: number) => boolean): ColumnDraft {
  const { name, type, typmod, collation, notNull } = column
  const keepsGenerated = column.generated && has(INCLUDING.generated)
  const keepsDefault = !column.generated && column.default !== undefined && has(INCLUDING.defaults)
  const keepsIdentity = column.identity !== undefined && has(INCLUDING.identity)
  return {
    name,
    type,
    typmod,
    collation,
    notNull,
    defaultNode: undefined,
    defaultText: keepsGenerated || keepsDefault ? column.default : undefined,
    generated: keepsGenerated,
    identity: keepsIdentity ? column.identity : undefined,
    sequenceOptions: keepsIdentity ? [] : undefined,
    isSerial: false,
    location: undefined,
  }
}

async function copyIndexes(work: DdlWork, source: Table, tableOid: number): Promise<void> {
  for (const index of source.indexes) await copyIndex(work, source, index, tableOid)
}

async function copyIndex(work: DdlWork, source: Table, index: Index, tableOid: number): Promise<void> {
  const table = work.table(tableOid)
  const nameOf = (column: number): string => source.columns[column]?.name ?? 'expr'
  const place = (column: number): number => table.columns.findIndex((item) => item.name === nameOf(column))
  const isTaken = (name: string): boolean => work.catalog.relationByName(table.schemaOid, name) !== undefined
  const columns = index.columns.map((item) =>
    item.column < 0 ? item : { ...item, column: place(item.column) },
  )
  const names = [...index.columns.map(({ column }) => nameOf(column)), ...index.included.map(nameOf)]
  const label = index.isPrimary ? 'pkey' : index.constraintOid !== 0 ? 'key' : 'idx'
  const name2 = index.isPrimary ? undefined : joinedColumnNames(names)
  const name = chooseName({ name1: table.name, name2, label }, isTaken)
  await work.lockName('relation', table.schemaOid, name)
  const isClustered = index.isPrimary && !index.deferrable
  if (isClustered) {
    const stored = work.storedTable(tableOid)
    await work.put({ ...stored, clusterKey: columns.map(({ column }) => column) })
  }
  const { unique, isPrimary, nullsNotDistinct, deferrable, initiallyDeferred, method, predicate, options } =
    index
  await defineIndex(work, tableOid, {
    name,
    columns,
    included: index.included.map(place),
    unique,
    isPrimary,
    isClustered,
    nullsNotDistinct,
    deferrable,
    initiallyDeferred,
    constraintOid: index.constraintOid === 0 ? 0 : await work.newOid(),
    method,
    predicate,
    options,
    dependencies: index.dependencies,
    isEmpty: true,
  })
}

async function copyComments(work: DdlWork, source: LikeSource, tableOid: number): Promise<void> {
  const table = work.table(tableOid)
  for (const column of source.columns) {
    const text = work.catalog.comment(CLASS_OID.pg_class, source.oid, column.number)
    const copy = table.columns.find((item) => item.name === column.name)
    if (text !== undefined && copy !== undefined) {
      await setComment(work, { classOid: CLASS_OID.pg_class, objectOid: tableOid, subId: copy.number }, text)
    }
  }
}
