// Whether a session's role may do what a plan does (documentation, section 5.7). Superusers never come here.

import { must } from '../../storage/base/assert.ts'
import type { Acl, Catalog, Relation } from '../catalog/catalog.ts'
import type { PreparedPlan } from '../exec/execution.ts'
import { SqlError } from '../types/sql-error.ts'
import type { SessionCore } from './session-core.ts'

/** Throws 42501 for the first privilege that lacks. */
export function checkPrivileges(core: SessionCore, plan: PreparedPlan): void {
  for (const { relation: oid, privilege } of plan.privileges) {
    const relation = core.catalog.relation(oid)
    if (relation === undefined) continue
    for (const letter of privilege) {
      if (hasPrivilege(core.catalog, core.roleOid, relation, letter)) continue
      throw new SqlError('42501', `permission denied for ${kindName(relation)} ${relation.name}`)
    }
  }
}

function kindName(relation: Relation): string {
  return relation.kind
}

/** Whether the role, or one whose rights it inherits, owns the relation or was granted the privilege. */
export function hasPrivilege(catalog: Catalog, roleOid: number, relation: Relation, letter: string): boolean {
  const roles = inheritedRoles(catalog, roleOid)
  if (roles.has(relation.ownerOid)) return true
  if (isSystem(catalog, relation))
    return letter === 'r' && relation.name !== 'pg_authid' && relation.name !== 'pg_shadow'
  return aclGrants(relation.acl, roles, letter)
}

function isSystem(catalog: Catalog, relation: Relation): boolean {
  const schema = must(catalog.schema(relation.schemaOid))
  return (schema.name === 'pg_catalog' || schema.name === 'information_schema') && relation.acl === undefined
}

function aclGrants(acl: Acl, roles: ReadonlySet<number>, letter: string): boolean {
  return (
    acl !== undefined &&
    acl.some((item) => (item.grantee === 0 || roles.has(item.grantee)) && item.privileges.includes(letter))
  )
}

/** The role and every role whose privileges it inherits. */
export function inheritedRoles(catalog: Catalog, roleOid: number): ReadonlySet<number> {
  const found = new Set<number>()
  const visit = (oid: number): void => {
    if (found.has(oid)) return
    found.add(oid)
    const role = catalog.shared.role(oid)
    if (role?.inherit === true) for (const grant of role.memberOf) visit(grant.role)
  }
  visit(roleOid)
  return found
}
