// What keeps a role from being dropped: objects it owns and privileges it was granted, in this database and among the
// shared objects. (Other databases' catalogs are not opened for it.)

import type { Acl, Relation } from '../catalog/catalog.ts'
import type { DdlWork } from './work.ts'
import { RELATION_NOUN } from './work.ts'

const mentions = (acl: Acl, oid: number): boolean =>
  acl?.some((item) => item.grantee === oid || item.grantor === oid) === true

/** Lines of the error's detail. */
export function roleDependents(work: DdlWork, oid: number): string[] {
  const lines: string[] = []
  const note = (what: string, ownerOid: number, acl: Acl): void => {
    if (ownerOid === oid) lines.push(`owner of ${what}`)
    else if (mentions(acl, oid)) lines.push(`privileges for ${what}`)
  }
  for (const database of work.shared.databases())
    note(`database ${database.name}`, database.ownerOid, database.acl)
  const { catalog } = work
  for (const schema of catalog.schemas()) note(`schema ${schema.name}`, schema.ownerOid, schema.acl)
  for (const relation of catalog.relations()) {
    if (!isOwned(relation)) continue
    note(describe(relation), relation.ownerOid, relation.acl)
    if (relation.kind !== 'table' && relation.kind !== 'view') continue
    for (const column of relation.columns) {
      if (mentions(column.acl, oid))
        lines.push(`privileges for column ${column.name} of ${describe(relation)}`)
    }
  }
  for (const { type, ownerOid, acl } of catalog.types()) {
    if (type.kind === 'enum' || type.kind === 'domain') note(`type ${type.name}`, ownerOid, acl)
  }
  for (const entry of catalog.defaultPrivileges()) {
    if (entry.roleOid === oid || mentions(entry.acl, oid))
      lines.push(`default privileges of role ${work.shared.role(entry.roleOid)?.name}`)
  }
  return lines
}

function isOwned(relation: Relation): boolean {
  return relation.kind !== 'index' && relation.oid >= 16384
}

function describe(relation: Relation): string {
  return relation.kind === 'table' && relation.isCompositeType
    ? `type ${relation.name}`
    : `${RELATION_NOUN[relation.kind]} ${relation.name}`
}
