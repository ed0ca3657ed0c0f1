// What keeps a role from being dropped: objects it owns and privileges it was granted, in this database and among the
// shared objects. (Other databases' catalogs are not opened for it.)

import { CLASS_OID, FIRST_CREATED_OID } from '../catalog/bootstrap.ts'
import type { Acl, DefaultPrivileges, Dependency } from '../catalog/catalog.ts'
import { addressOf } from '../catalog/dependencies.ts'
import { describeObject } from '../catalog/describe.ts'
import type { DdlWork } from './work.ts'

const mentions = (acl: Acl, oid: number): boolean =>
  acl?.some((item) => item.grantee === oid || item.grantor === oid) === true

/** Lines of the error's detail. */
export function roleDependents(work: DdlWork, oid: number): string[] {
  const lines: string[] = []
  const { catalog } = work
  const path = work.searchPath().map((schema) => schema.oid)
  const note = (address: Dependency, ownerOid: number, acl: Acl): void => {
    const what = (): string => describeObject(catalog, path, address)
    if (ownerOid === oid) lines.push(`owner of ${what()}`)
    else if (mentions(acl, oid)) lines.push(`privileges for ${what()}`)
  }
  for (const database of work.shared.databases()) {
    note(addressOf(CLASS_OID.pg_database, database.oid), database.ownerOid, database.acl)
  }
  for (const { oid: schemaOid, ownerOid, acl } of catalog.schemas()) {
    note(addressOf(CLASS_OID.pg_namespace, schemaOid), ownerOid, acl)
  }
  for (const relation of catalog.relations()) {
    if (relation.kind === 'index' || relation.oid < FIRST_CREATED_OID) continue
    note(addressOf(CLASS_OID.pg_class, relation.oid), relation.ownerOid, relation.acl)
    if (relation.kind === 'sequence') continue
    for (const { number, acl } of relation.columns)
      note(addressOf(CLASS_OID.pg_class, relation.oid, number), 0, acl)
  }
  for (const { type, ownerOid, acl } of catalog.types()) {
    if (type.kind === 'enum' || type.kind === 'domain')
      note(addressOf(CLASS_OID.pg_type, type.oid), ownerOid, acl)
  }
  for (const entry of catalog.defaultPrivileges()) {
    if (entry.roleOid === oid) lines.push(`owner of ${describeDefault(work, entry)}`)
    else if (mentions(entry.acl, oid)) lines.push(`privileges for ${describeDefault(work, entry)}`)
  }
  return lines
}

const OBJECT_NOUNS: Readonly<Record<string, string>> = {
  r: 'relations',
  S: 'sequences',
  f: 'functions',
  T: 'types',
  n: 'schemas',
}

function describeDefault(work: DdlWork, entry: DefaultPrivileges): string {
  const role = work.shared.role(entry.roleOid)?.name
  const schema = entry.schemaOid === 0 ? '' : ` in schema ${work.catalog.schema(entry.schemaOid)?.name}`
  return `default privileges on new ${OBJECT_NOUNS[entry.objectType]} belonging to role ${role}${schema}`
}
