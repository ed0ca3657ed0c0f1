// FOREIGN KEY: finds the unique index it rests on, checks that its columns can be compared, and that the rows that are
// there obey.

import { must } from '../../storage/base/assert.ts'
import type { ForeignKey, Index, Table } from '../catalog/catalog.ts'
import { keyFit } from '../plan/index-match.ts'
import { SqlError, unsupported } from '../types/sql-error.ts'
import type { ForeignKeyDraft } from './column-draft.ts'
import { checkForeignKeyRows } from './foreign-key-check.ts'
import { chooseName, isConstraintName, joinedColumnNames } from './object-names.ts'
import { isTableEmpty } from './table-scan.ts'
import { formatTypeName } from './format-names.ts'
import { type DdlWork, LOCK } from './work.ts'
import { checkConstraintNameIsFree } from './table-change.ts'

/** Adds a foreign key to a table that this transaction holds locked. */
export async function addForeignKey(work: DdlWork, tableOid: number, draft: ForeignKeyDraft): Promise<void> {
  const target = await work.relation(draft.target, LOCK.shareRowExclusive)
  if (target.kind !== 'table' || target.virtual !== undefined || target.isCompositeType) {
    throw new SqlError('42809', `referenced relation "${target.name}" is not a table`)
  }
  const table = work.table(tableOid)
  checkPersistence(table, target)
  if (table.oid !== target.oid) work.checkPrivilege('table', target, 'x')
  const columns = draft.columns.map((name) => columnNamed(work, table, name, draft))
  const { index, referenced } = chooseIndex(work, target, draft)
  if (columns.length !== referenced.length) {
    throw new SqlError('42830', 'number of referencing and referenced columns for foreign key disagree')
  }
  const name = draft.name ?? keyName(work, table, draft)
  checkConstraintNameIsFree(work, table.oid, name)
  checkGenerated(work, table, columns, draft)
  columns.forEach((column, i) => checkComparable(work, { table, target, name }, column, must(referenced[i])))
  const key: ForeignKey = {
    oid: await work.newOid(),
    name,
    tableOid: table.oid,
    columns,
    referencedOid: target.oid,
    referencedColumns: referenced,
    indexOid: index.oid,
    onUpdate: draft.onUpdate,
    onDelete: draft.onDelete,
    match: draft.match,
    deferrable: draft.deferrable,
    initiallyDeferred: draft.initiallyDeferred,
    validated: !draft.skipValidation,
  }
  if (!draft.skipValidation && !(await isTableEmpty(work, table))) await checkForeignKeyRows(work, table, key)
  const stored = work.storedTable(tableOid)
  await work.put({ ...stored, foreignKeys: [...stored.foreignKeys, key] })
}

function checkPersistence(table: Table, target: Table): void {
  const allowed = {
    permanent: ['permanent'],
    unlogged: ['permanent', 'unlogged'],
    temporary: ['temporary'],
  }[table.persistence]
  if (allowed.includes(target.persistence)) return
  const text = {
    permanent: 'constraints on permanent tables may reference only permanent tables',
    unlogged: 'constraints on unlogged tables may reference only permanent or unlogged tables',
    temporary: 'constraints on temporary tables may reference only temporary tables',
  }[table.persistence]
  throw new SqlError('42P16', text)
}

function columnNamed(work: DdlWork, table: Table, name: string, draft: ForeignKeyDraft): number {
  const at = table.columns.findIndex((column) => column.name === name && !column.isDropped)
  if (at >= 0) return at
  throw work.error(
    '42703',
    `column "${name}" referenced in foreign key constraint does not exist`,
    draft.location,
  )
}

function chooseIndex(
  work: DdlWork,
  target: Table,
  draft: ForeignKeyDraft,
): { readonly index: Index; readonly referenced: readonly number[] } {
  if (draft.targetColumns.length === 0) {
    const primary = target.indexes.find((index) => index.isPrimary)
    if (primary === undefined) {
      throw new SqlError('42704', `there is no primary key for referenced table "${target.name}"`)
    }
    return { index: checkImmediate(target, primary), referenced: primary.columns.map(({ column }) => column) }
  }
  const referenced = draft.targetColumns.map((name) => columnNamed(work, target, name, draft))
  if (new Set(referenced).size !== referenced.length) {
    throw new SqlError('42830', 'foreign key referenced-columns list must not contain duplicates')
  }
  const index = target.indexes.find((item) => isKeyOf(item, referenced))
  if (index === undefined) {
    throw new SqlError(
      '42830',
      `there is no unique constraint matching given keys for referenced table "${target.name}"`,
    )
  }
  return { index: checkImmediate(target, index), referenced }
}

function isKeyOf(index: Index, columns: readonly number[]): boolean {
  if (!index.unique || index.predicate !== undefined || index.columns.length !== columns.length) return false
  return index.columns.every(({ column }) => column >= 0 && columns.includes(column))
}

function checkImmediate(target: Table, index: Index): Index {
  if (!index.deferrable) return index
  throw new SqlError(
    '55000',
    `cannot use a deferrable ${index.isPrimary ? 'primary key' : 'unique constraint'} for referenced table "${target.name}"`,
  )
}

function keyName(work: DdlWork, table: Table, draft: ForeignKeyDraft): string {
  const parts = { name1: table.name, name2: joinedColumnNames(draft.columns), label: 'fkey' }
  return chooseName(parts, (name) => isConstraintName(work, table.schemaOid, name))
}

function checkGenerated(
  work: DdlWork,
  table: Table,
  columns: readonly number[],
  draft: ForeignKeyDraft,
): void {
  if (!columns.some((column) => table.columns[column]?.generated === true)) return
  const refuse = (action: string): SqlError =>
    work.error(
      '42601',
      `invalid ${action} action for foreign key constraint containing generated column`,
      draft.location,
    )
  if (['set-null', 'set-default', 'cascade'].includes(draft.onUpdate)) throw refuse('ON UPDATE')
  if (['set-null', 'set-default'].includes(draft.onDelete)) throw refuse('ON DELETE')
}

function checkComparable(
  work: DdlWork,
  key: { readonly table: Table; readonly target: Table; readonly name: string },
  column: number,
  referenced: number,
): void {
  const left = must(key.table.columns[column])
  const right = must(key.target.columns[referenced])
  const types = [formatTypeName(work.catalog, left.type), formatTypeName(work.catalog, right.type)]
  if (areComparable(work, left.type, right.type)) {
    if (haveSameKeys(work, left.type, right.type)) return
    throw unsupported(`a foreign key of type ${types[0]} that references ${types[1]}`)
  }
  throw new SqlError('42804', `foreign key constraint "${key.name}" cannot be implemented`, {
    detail: `Key columns "${left.name}" and "${right.name}" are of incompatible types: ${types[0]} and ${types[1]}.`,
  })
}

function baseOf(work: DdlWork, oid: number): number {
  const type = work.catalog.type(oid)
  return type?.kind === 'domain' ? baseOf(work, type.baseOid) : oid
}

/** Whether a value of one type is found in an index of the other as it is. */
function haveSameKeys(work: DdlWork, from: number, to: number): boolean {
  const left = work.catalog.type(baseOf(work, from))
  const right = work.catalog.type(baseOf(work, to))
  return left !== undefined && right !== undefined && keyFit(left, right) !== undefined
}

/** Whether values of the two types have a common index order: the same family, or an implicit cast to the key's type. */
function areComparable(work: DdlWork, from: number, to: number): boolean {
  const left = baseOf(work, from)
  const right = baseOf(work, to)
  if (left === right) return true
  const { functions } = work.catalog
  const equals = functions.operatorsByName('=')
  if (equals.some((operator) => operator.left === right && operator.right === left)) return true
  return functions.cast(left, right)?.context === 'implicit'
}
