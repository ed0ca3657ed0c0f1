// ALTER ... RENAME, for every kind of object, and ALTER ... SET SCHEMA.

import type { AlterObjectSchemaStmt, RenameStmt } from 'libpg-query'
import { must } from '../../storage/base/assert.ts'
import type { Relation, Schema, Table, View } from '../catalog/catalog.ts'
import { arrayNameOf } from '../catalog/created-types.ts'
import { SqlError, unsupported } from '../types/sql-error.ts'
import { renameDatabase } from './database.ts'
import { namesOf } from './nodes.ts'
import { Restatement } from './restate.ts'
import { renameRole } from './role.ts'
import { findType } from './type-names.ts'
import { type DdlWork, isSystemSchema, LOCK, qualifiedText, RELATION_NOUN } from './work.ts'
import { checkConstraintNameIsFree } from './table-change.ts'

const TAGS: Readonly<Record<string, string>> = {
  OBJECT_TABLE: 'ALTER TABLE',
  OBJECT_VIEW: 'ALTER VIEW',
  OBJECT_INDEX: 'ALTER INDEX',
  OBJECT_SEQUENCE: 'ALTER SEQUENCE',
  OBJECT_TYPE: 'ALTER TYPE',
  OBJECT_DOMAIN: 'ALTER DOMAIN',
  OBJECT_SCHEMA: 'ALTER SCHEMA',
  OBJECT_ROLE: 'ALTER ROLE',
  OBJECT_DATABASE: 'ALTER DATABASE',
}

export async function rename(work: DdlWork, statement: RenameStmt): Promise<string> {
  const to = statement.newname ?? ''
  switch (statement.renameType) {
    case 'OBJECT_TABLE':
    case 'OBJECT_VIEW':
    case 'OBJECT_INDEX':
    case 'OBJECT_SEQUENCE':
      await renameRelation(work, statement, to)
      return must(TAGS[statement.renameType])
    case 'OBJECT_COLUMN':
    case 'OBJECT_ATTRIBUTE':
      await renameColumn(work, statement, to)
      return (
        TAGS[statement.relationType ?? ''] ??
        (statement.renameType === 'OBJECT_ATTRIBUTE' ? 'ALTER TYPE' : 'ALTER TABLE')
      )
    case 'OBJECT_TABCONSTRAINT':
      await renameConstraint(work, statement, to)
      return 'ALTER TABLE'
    case 'OBJECT_DOMCONSTRAINT':
      await renameDomainConstraint(work, statement, to)
      return 'ALTER DOMAIN'
    case 'OBJECT_SCHEMA':
      await renameSchema(work, statement.subname ?? '', to)
      return 'ALTER SCHEMA'
    case 'OBJECT_TYPE':
    case 'OBJECT_DOMAIN':
      await renameType(work, namesOf(statement.object), to)
      return must(TAGS[statement.renameType])
    case 'OBJECT_ROLE':
      await renameRole(work, statement.subname ?? '', to)
      return 'ALTER ROLE'
    case 'OBJECT_DATABASE':
      await renameDatabase(work, statement.subname ?? '', to)
      return 'ALTER DATABASE'
    default:
      throw unsupported(`ALTER ${statement.renameType?.replace('OBJECT_', '') ?? ''} RENAME`)
  }
}

/** The statement's relation, locked; undefined: it is missing and IF EXISTS was said. */
async function target(work: DdlWork, statement: RenameStmt): Promise<Relation | undefined> {
  const name = must(statement.relation)
  const relation = await work.lockRelation(name, LOCK.accessExclusive)
  if (relation === undefined) {
    if (statement.missing_ok !== true) throw work.undefinedRelation(name)
    work.notice(`relation "${qualifiedText(name)}" does not exist, skipping`)
    return undefined
  }
  work.checkNotSystem(relation)
  work.checkOwner(RELATION_NOUN[relation.kind], relation)
  return relation
}

async function claimRelationName(work: DdlWork, schemaOid: number, name: string): Promise<void> {
  await work.lockName('relation', schemaOid, name)
  if (work.catalog.relationByName(schemaOid, name) !== undefined) {
    throw new SqlError('42P07', `relation "${name}" already exists`)
  }
}

async function renameRelation(work: DdlWork, statement: RenameStmt, to: string): Promise<void> {
  const relation = await target(work, statement)
  if (relation === undefined) return
  const wanted = {
    OBJECT_TABLE: undefined,
    OBJECT_VIEW: 'view',
    OBJECT_INDEX: 'index',
    OBJECT_SEQUENCE: 'sequence',
  }[statement.renameType as string]
  if (
    wanted !== undefined &&
    relation.kind !== wanted &&
    !(relation.kind === 'table' && wanted === 'index')
  ) {
    throw new SqlError('42809', `"${relation.name}" is not ${wanted === 'index' ? 'an' : 'a'} ${wanted}`)
  }
  await claimRelationName(work, relation.schemaOid, to)
  if (relation.kind === 'table' && work.catalog.typeByName(relation.schemaOid, to) !== undefined) {
    throw new SqlError('42710', `type "${to}" already exists`)
  }
  const texts = new Restatement(work, (needed) => needed.some((item) => item.objectOid === relation.oid))
  await putRelation(work, relation, { name: to })
  await texts.restate()
}

/** Puts a relation back with another name or schema. */
async function putRelation(
  work: DdlWork,
  relation: Relation,
  change: { readonly name?: string; readonly schemaOid?: number },
): Promise<void> {
  if (relation.kind === 'table') await work.put({ ...work.storedTable(relation.oid), ...change })
  else await work.put({ ...relation, ...change })
}

async function renameColumn(work: DdlWork, statement: RenameStmt, to: string): Promise<void> {
  const relation = await target(work, statement)
  if (relation === undefined) return
  if (relation.kind !== 'table' && relation.kind !== 'view') {
    throw new SqlError('42809', `cannot rename columns of relation "${relation.name}"`, {
      detail: `This operation is not supported for ${relation.kind === 'index' ? 'indexes' : 'sequences'}.`,
    })
  }
  const from = statement.subname ?? ''
  const column = relation.columns.find((item) => item.name === from && !item.isDropped)
  if (column === undefined) throw new SqlError('42703', `column "${from}" does not exist`)
  if (relation.columns.some((item) => item.name === to && !item.isDropped)) {
    throw new SqlError('42701', `column "${to}" of relation "${relation.name}" already exists`)
  }
  const texts = new Restatement(work, (needed) => needed.some((item) => item.objectOid === relation.oid))
  const columns = relation.columns.map((item) => (item === column ? { ...item, name: to } : item))
  if (relation.kind === 'view') await work.put({ ...relation, columns })
  else await work.put({ ...work.storedTable(relation.oid), columns })
  await texts.restate()
  if (relation.kind === 'view') await restateOutputNames(work, relation.oid)
}

/** A view's own text gives its columns their names. */
async function restateOutputNames(work: DdlWork, oid: number): Promise<void> {
  const texts = new Restatement(
    work,
    (needed) => needed === (work.catalog.relation(oid) as View).dependencies,
  )
  await texts.restate()
}

async function renameConstraint(work: DdlWork, statement: RenameStmt, to: string): Promise<void> {
  const table = await target(work, statement)
  if (table === undefined) return
  if (table.kind !== 'table') throw new SqlError('42809', `"${table.name}" is not a table`)
  const from = statement.subname ?? ''
  const index = table.indexes.find((item) => item.constraintOid !== 0 && item.name === from)
  if (index !== undefined) {
    await claimRelationName(work, table.schemaOid, to)
    await work.put({ ...index, name: to })
    return
  }
  const stored = work.storedTable(table.oid)
  const isThere = [...stored.checks, ...stored.foreignKeys].some((item) => item.name === from)
  if (!isThere) throw new SqlError('42704', `constraint "${from}" for table "${table.name}" does not exist`)
  checkConstraintNameIsFree(work, table.oid, to)
  const renamed = <T extends { readonly name: string }>(item: T): T =>
    item.name === from ? { ...item, name: to } : item
  await work.put({
    ...stored,
    checks: stored.checks.map(renamed),
    foreignKeys: stored.foreignKeys.map(renamed),
  })
}

async function renameDomainConstraint(work: DdlWork, statement: RenameStmt, to: string): Promise<void> {
  const entry = findType(work, namesOf(statement.object))
  const stored = entry === undefined ? undefined : work.editor.object('type', entry.type.oid)
  if (stored?.domain === undefined)
    throw new SqlError('42704', `type "${namesOf(statement.object).join('.')}" does not exist`)
  work.checkOwner('type', stored)
  const from = statement.subname ?? ''
  const { domain } = stored
  if (!domain.checks.some((check) => check.name === from)) {
    throw new SqlError('42704', `constraint "${from}" for domain "${stored.name}" does not exist`)
  }
  if (domain.checks.some((check) => check.name === to)) {
    throw new SqlError('42710', `constraint "${to}" for domain "${stored.name}" already exists`)
  }
  const checks = domain.checks.map((check) => (check.name === from ? { ...check, name: to } : check))
  await work.put({ ...stored, domain: { ...domain, checks } })
}

async function renameSchema(work: DdlWork, from: string, to: string): Promise<void> {
  const schema = work.schemaNamed(from)
  work.checkOwner('schema', schema)
  if (isSystemSchema(schema.oid)) throw new SqlError('42501', `permission denied to rename schema "${from}"`)
  if (to.startsWith('pg_')) {
    throw new SqlError('42939', `unacceptable schema name "${to}"`, {
      detail: 'The prefix "pg_" is reserved for system schemas.',
    })
  }
  await work.lockName('schema', 0, to)
  if (work.catalog.schemaByName(to) !== undefined)
    throw new SqlError('42P06', `schema "${to}" already exists`)
  const texts = new Restatement(work)
  await work.lockObject('schema', schema.oid)
  await work.put({ ...schema, kind: 'schema', name: to })
  await texts.restate()
}

async function renameType(work: DdlWork, names: readonly string[], to: string): Promise<void> {
  const entry = findType(work, names)
  if (entry === undefined) throw new SqlError('42704', `type "${names.join('.')}" does not exist`)
  work.checkOwner('type', { name: entry.type.name, ownerOid: entry.ownerOid })
  if (isSystemSchema(entry.schemaOid)) throw new SqlError('42501', `must be owner of type ${entry.type.name}`)
  await work.lockName('type', entry.schemaOid, to)
  if (work.catalog.typeByName(entry.schemaOid, to) !== undefined)
    throw new SqlError('42710', `type "${to}" already exists`)
  const texts = new Restatement(work, (needed) =>
    needed.some((item) => item.objectOid === entry.type.oid || item.objectOid === entry.relationOid),
  )
  if (entry.relationOid !== 0) {
    const relation = must(work.catalog.relation(entry.relationOid)) as Table
    if (!relation.isCompositeType) {
      throw new SqlError('42809', `${relation.name} is a table's row type`, {
        hint: 'Use ALTER TABLE instead.',
      })
    }
    await work.lockTable(relation.oid, LOCK.accessExclusive)
    await putRelation(work, relation, { name: to })
  } else {
    await work.lockObject('type', entry.type.oid)
    const stored = must(work.editor.object('type', entry.type.oid))
    await work.put({ ...stored, name: to, arrayName: arrayNameOf(to) })
  }
  await texts.restate()
}

export async function setSchema(work: DdlWork, statement: AlterObjectSchemaStmt): Promise<string> {
  const tag = TAGS[statement.objectType ?? ''] ?? unknownSchemaChange(statement)
  const schema = work.schemaNamed(statement.newschema ?? '')
  work.checkPrivilege('schema', schema, 'C')
  if (isSystemSchema(schema.oid))
    throw new SqlError('42501', `permission denied to create in schema "${schema.name}"`)
  if (statement.objectType === 'OBJECT_TYPE' || statement.objectType === 'OBJECT_DOMAIN') {
    await moveType(work, namesOf(statement.object), schema)
    return tag
  }
  const name = must(statement.relation)
  const relation = await work.lockRelation(name, LOCK.accessExclusive)
  if (relation === undefined) {
    if (statement.missing_ok !== true) throw work.undefinedRelation(name)
    work.notice(`relation "${qualifiedText(name)}" does not exist, skipping`)
    return tag
  }
  work.checkOwner(RELATION_NOUN[relation.kind], relation)
  if (relation.kind === 'sequence' && relation.ownedByTable !== 0) {
    throw new SqlError('0A000', 'cannot move an owned sequence into another schema', {
      detail: `Sequence "${relation.name}" is linked to table "${work.table(relation.ownedByTable).name}".`,
    })
  }
  if (relation.schemaOid === schema.oid) return tag
  const texts = new Restatement(work, (needed) => needed.some((item) => item.objectOid === relation.oid))
  await moveRelation(work, relation, schema)
  await texts.restate()
  return tag
}

function unknownSchemaChange(statement: AlterObjectSchemaStmt): never {
  throw unsupported(`ALTER ${statement.objectType?.replace('OBJECT_', '') ?? ''} SET SCHEMA`)
}

/** Moves a relation with its indexes and owned sequences. */
async function moveRelation(work: DdlWork, relation: Relation, schema: Schema): Promise<void> {
  await work.lockName('relation', schema.oid, relation.name)
  if (work.catalog.relationByName(schema.oid, relation.name) !== undefined) {
    throw new SqlError('42P07', `relation "${relation.name}" already exists in schema "${schema.name}"`)
  }
  await putRelation(work, relation, { schemaOid: schema.oid })
  if (relation.kind !== 'table') return
  for (const index of relation.indexes) await moveRelation(work, index, schema)
  for (const other of work.catalog.relations()) {
    if (other.kind === 'sequence' && other.ownedByTable === relation.oid)
      await moveRelation(work, other, schema)
  }
}

async function moveType(work: DdlWork, names: readonly string[], schema: Schema): Promise<void> {
  const entry = findType(work, names)
  if (entry === undefined) throw new SqlError('42704', `type "${names.join('.')}" does not exist`)
  work.checkOwner('type', { name: entry.type.name, ownerOid: entry.ownerOid })
  if (entry.schemaOid === schema.oid) return
  if (work.catalog.typeByName(schema.oid, entry.type.name) !== undefined) {
    throw new SqlError('42710', `type "${entry.type.name}" already exists in schema "${schema.name}"`)
  }
  const texts = new Restatement(work, (needed) => needed.some((item) => item.objectOid === entry.type.oid))
  if (entry.relationOid !== 0)
    await moveRelation(work, must(work.catalog.relation(entry.relationOid)), schema)
  else {
    await work.lockObject('type', entry.type.oid)
    const stored = must(work.editor.object('type', entry.type.oid))
    await work.put({ ...stored, schemaOid: schema.oid })
  }
  await texts.restate()
}
