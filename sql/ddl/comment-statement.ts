// COMMENT ON: finds the object, checks its owner, keeps the text.

import type { CommentStmt } from 'libpg-query'
import { CLASS_OID, PG_CATALOG_OID } from '../catalog/bootstrap.ts'
import type { Dependency, Relation } from '../catalog/catalog.ts'
import { addressOf } from '../catalog/dependencies.ts'
import { settled } from '../catalog/wait.ts'
import { nodeAs } from '../parse/ast.ts'
import { SqlError, unsupported } from '../types/sql-error.ts'
import { setComment } from './comment.ts'
import { sharedEditor } from './database-entry.ts'
import { namesOf } from './nodes.ts'
import { findType } from './type-names.ts'
import { type DdlWork, LOCK, rangeVarOf, RELATION_NOUN } from './work.ts'

const RELATION_KINDS: Readonly<Record<string, Relation['kind']>> = {
  OBJECT_TABLE: 'table',
  OBJECT_VIEW: 'view',
  OBJECT_INDEX: 'index',
  OBJECT_SEQUENCE: 'sequence',
}

export async function commentOn(work: DdlWork, statement: CommentStmt): Promise<string> {
  const type = statement.objtype ?? 'OBJECT_TABLE'
  const names = namesOf(statement.object)
  if (type === 'OBJECT_DATABASE' || type === 'OBJECT_ROLE') {
    await commentOnShared(work, type, names[0] ?? '', statement.comment)
    return 'COMMENT'
  }
  const address = await addressFor(work, type, names, statement)
  await setComment(work, address, statement.comment)
  return 'COMMENT'
}

async function addressFor(
  work: DdlWork,
  type: string,
  names: readonly string[],
  statement: CommentStmt,
): Promise<Dependency> {
  const kind = RELATION_KINDS[type]
  if (kind !== undefined) {
    const relation = await ownedRelation(work, names)
    if (relation.kind !== kind) {
      throw new SqlError(
        '42809',
        `"${relation.name}" is not ${kind === 'index' ? 'an' : 'a'} ${RELATION_NOUN[kind]}`,
      )
    }
    return addressOf(CLASS_OID.pg_class, relation.oid)
  }
  switch (type) {
    case 'OBJECT_COLUMN': {
      const relation = await ownedRelation(work, names.slice(0, -1))
      const name = names.at(-1) ?? ''
      const columns = relation.kind === 'table' || relation.kind === 'view' ? relation.columns : []
      const column = columns.find((item) => item.name === name && !item.isDropped)
      if (column === undefined) {
        throw new SqlError('42703', `column "${name}" of relation "${relation.name}" does not exist`)
      }
      return addressOf(CLASS_OID.pg_class, relation.oid, column.number)
    }
    case 'OBJECT_SCHEMA': {
      const schema = work.schemaNamed(names[0] ?? '')
      work.checkOwner('schema', schema)
      return addressOf(CLASS_OID.pg_namespace, schema.oid)
    }
    case 'OBJECT_TYPE':
    case 'OBJECT_DOMAIN': {
      const entry = findType(work, names)
      if (entry === undefined) throw new SqlError('42704', `type "${names.join('.')}" does not exist`)
      work.checkOwner('type', { name: entry.type.name, ownerOid: entry.ownerOid })
      return addressOf(CLASS_OID.pg_type, entry.type.oid)
    }
    case 'OBJECT_TABCONSTRAINT':
      return constraintAddress(work, names)
    case 'OBJECT_DOMCONSTRAINT':
      return domainConstraintAddress(work, statement)
    case 'OBJECT_EXTENSION':
      throw new SqlError('42704', `extension "${names[0]}" does not exist`)
    case 'OBJECT_FUNCTION':
      return functionAddress(work, statement)
    default:
      throw unsupported(`COMMENT ON ${type.replace('OBJECT_', '')}`)
  }
}

async function ownedRelation(work: DdlWork, names: readonly string[]): Promise<Relation> {
  const relation = await work.relation(rangeVarOf(names), LOCK.shareUpdateExclusive)
  work.checkOwner(RELATION_NOUN[relation.kind], relation)
  return relation
}

async function constraintAddress(work: DdlWork, names: readonly string[]): Promise<Dependency> {
  const relation = await ownedRelation(work, names.slice(0, -1))
  const name = names.at(-1) ?? ''
  if (relation.kind === 'table') {
    const oid =
      relation.checks.find((check) => check.name === name)?.oid ??
      relation.foreignKeys.find((key) => key.name === name)?.oid ??
      relation.indexes.find((index) => index.name === name && index.constraintOid !== 0)?.constraintOid
    if (oid !== undefined) return addressOf(CLASS_OID.pg_constraint, oid)
  }
  throw new SqlError('42704', `constraint "${name}" for table "${relation.name}" does not exist`)
}

function domainConstraintAddress(work: DdlWork, statement: CommentStmt): Dependency {
  const [typeNode, nameNode] = nodeAs(statement.object, 'List')?.items ?? []
  const names = namesOf(typeNode)
  const name = namesOf(nameNode)[0] ?? ''
  const entry = findType(work, names)
  const check = entry?.domain?.checks.find((item) => item.name === name)
  if (check === undefined) {
    throw new SqlError('42704', `constraint "${name}" for domain "${names.join('.')}" does not exist`)
  }
  return addressOf(CLASS_OID.pg_constraint, check.oid)
}

function functionAddress(work: DdlWork, statement: CommentStmt): Dependency {
  const names = namesOf({ List: { items: nodeAs(statement.object, 'ObjectWithArgs')?.objname ?? [] } })
  const [found] = work.catalog.functionsByName(PG_CATALOG_OID, names.at(-1) ?? '')
  if (found === undefined) throw new SqlError('42883', `function ${names.join('.')} does not exist`)
  if (!work.isSuperuser) throw new SqlError('42501', `must be owner of function ${found.name}`)
  return addressOf(CLASS_OID.pg_proc, found.oid)
}

async function commentOnShared(
  work: DdlWork,
  type: string,
  name: string,
  text: string | undefined,
): Promise<void> {
  const isDatabase = type === 'OBJECT_DATABASE'
  const classOid = isDatabase ? CLASS_OID.pg_database : CLASS_OID.pg_authid
  let oid: number
  if (isDatabase) {
    const database = work.shared.databaseByName(name)
    if (database === undefined) throw new SqlError('3D000', `database "${name}" does not exist`)
    work.checkOwner('database', database)
    oid = database.oid
  } else {
    oid = work.roleNamed(name).oid
    if (!work.role.superuser && !work.role.createRole)
      throw new SqlError('42501', 'must have CREATEROLE privilege')
  }
  const editor = sharedEditor(work)
  await settled(() => editor.lockObject('comments', oid))
  const old = editor.object('comments', oid)?.comments ?? []
  const comments = old.filter((item) => item.classOid !== classOid)
  if (text !== undefined && text !== '') comments.push({ classOid, subId: 0, text })
  if (comments.length > 0) await settled(() => editor.put({ kind: 'comments', oid, comments }))
  else if (old.length > 0) await settled(() => editor.remove('comments', oid))
}
