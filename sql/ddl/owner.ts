// OWNER TO, for every kind of object.

import type { AlterOwnerStmt } from 'libpg-query'
import { must } from '../../storage/base/assert.ts'
import type { Acl, Relation } from '../catalog/catalog.ts'
import { SqlError, unsupported } from '../types/sql-error.ts'
import { changeDatabase } from './database-entry.ts'
import { namesOf, roleOidOf } from './nodes.ts'
import { findType } from './type-names.ts'
import { type DdlWork, LOCK } from './work.ts'

/** Grants by and to the old owner become the new one's. */
function movedAcl(acl: Acl, from: number, to: number): Acl {
  return acl?.map((item) => ({
    ...item,
    grantor: item.grantor === from ? to : item.grantor,
    grantee: item.grantee === from ? to : item.grantee,
  }))
}

/** The new owner must be a role that the current one is a member of, and may create in the schema. */
function checkNewOwner(work: DdlWork, roleOid: number, schemaOid: number | undefined): void {
  if (work.isSuperuser) return
  const role = must(work.shared.role(roleOid))
  if (!work.hasRole(roleOid)) throw new SqlError('42501', `must be member of role "${role.name}"`)
  const schema = schemaOid === undefined ? undefined : work.catalog.schema(schemaOid)
  if (schema !== undefined) work.checkPrivilege('schema', schema, 'C')
}

export async function changeOwner(work: DdlWork, relation: Relation, roleOid: number): Promise<void> {
  if (relation.ownerOid === roleOid) return
  checkNewOwner(work, roleOid, relation.schemaOid)
  if (relation.kind === 'sequence' && relation.ownedByTable !== 0) {
    throw new SqlError('0A000', `cannot change owner of sequence "${relation.name}"`, {
      detail: `Sequence "${relation.name}" is linked to table "${work.table(relation.ownedByTable).name}".`,
    })
  }
  await putOwner(work, relation, roleOid)
}

async function putOwner(work: DdlWork, relation: Relation, ownerOid: number): Promise<void> {
  const acl = movedAcl(relation.acl, relation.ownerOid, ownerOid)
  if (relation.kind !== 'table') {
    await work.put({ ...relation, ownerOid, acl })
    return
  }
  await work.put({ ...work.storedTable(relation.oid), ownerOid, acl })
  for (const index of relation.indexes) await work.put({ ...index, ownerOid })
  for (const other of work.catalog.relations()) {
    if (other.kind === 'sequence' && other.ownedByTable === relation.oid)
      await putOwner(work, other, ownerOid)
  }
}

export async function alterOwner(work: DdlWork, statement: AlterOwnerStmt): Promise<string> {
  const ownerOid = roleOidOf(work, statement.newowner)
  const names = namesOf(statement.object)
  switch (statement.objectType) {
    case 'OBJECT_SCHEMA': {
      const schema = work.schemaNamed(names[0] ?? '')
      work.checkOwner('schema', schema)
      checkNewOwner(work, ownerOid, undefined)
      await work.lockObject('schema', schema.oid)
      const acl = movedAcl(schema.acl, schema.ownerOid, ownerOid)
      await work.put({ ...schema, kind: 'schema', ownerOid, acl })
      return 'ALTER SCHEMA'
    }
    case 'OBJECT_TYPE':
    case 'OBJECT_DOMAIN':
      await changeTypeOwner(work, names, ownerOid)
      return statement.objectType === 'OBJECT_DOMAIN' ? 'ALTER DOMAIN' : 'ALTER TYPE'
    case 'OBJECT_DATABASE': {
      await changeDatabase(work, names[0] ?? '', (database) => ({ ...database, ownerOid }))
      return 'ALTER DATABASE'
    }
    default:
      throw unsupported(`ALTER ${statement.objectType?.replace('OBJECT_', '') ?? ''} OWNER TO`)
  }
}

async function changeTypeOwner(work: DdlWork, names: readonly string[], ownerOid: number): Promise<void> {
  const entry = findType(work, names)
  if (entry === undefined) throw new SqlError('42704', `type "${names.join('.')}" does not exist`)
  work.checkOwner('type', { name: entry.type.name, ownerOid: entry.ownerOid })
  if (entry.relationOid !== 0) {
    await work.lockTable(entry.relationOid, LOCK.accessExclusive)
    await changeOwner(work, must(work.catalog.relation(entry.relationOid)), ownerOid)
    return
  }
  await work.lockObject('type', entry.type.oid)
  const stored = must(work.editor.object('type', entry.type.oid), 'a created type')
  checkNewOwner(work, ownerOid, entry.schemaOid)
  await work.put({ ...stored, ownerOid, acl: movedAcl(stored.acl, stored.ownerOid, ownerOid) })
}
