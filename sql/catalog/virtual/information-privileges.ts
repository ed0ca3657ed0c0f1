// information_schema's views of roles and grants.

import { type AclObjectType, defaultAcl, itemPrivileges, PRIVILEGE_NAMES } from '../acl.ts'
import type { Acl, Catalog, Relation } from '../catalog.ts'
import { relkindOf } from './pg-class.ts'
import type { Fields, RelationSource } from './rows.ts'

interface Grant {
  readonly grantor: string
  readonly grantee: string
  readonly privilege: string
  readonly letter: string
  readonly grantable: boolean
  readonly toPublic: boolean
}

/** One row for each privilege of a grant list; the owner's own count as grantable. */
function* grantsOf(catalog: Catalog, acl: Acl, type: AclObjectType, ownerOid: number): Iterable<Grant> {
  const name = (oid: number): string =>
    oid === 0 ? 'PUBLIC' : (catalog.shared.role(oid)?.name ?? String(oid))
  for (const item of acl ?? defaultAcl(type, ownerOid)) {
    for (const { letter, grantable } of itemPrivileges(item)) {
      yield {
        grantor: name(item.grantor),
        grantee: name(item.grantee),
        privilege: PRIVILEGE_NAMES.get(letter) ?? letter,
        letter,
        grantable: grantable || item.grantee === ownerOid,
        toPublic: item.grantee === 0,
      }
    }
  }
}

const schemaOf = (catalog: Catalog, relation: Relation): string =>
  catalog.schema(relation.schemaOid)?.name ?? ''

function* tableGrants(catalog: Catalog, withPublic: boolean): Iterable<Fields> {
  for (const relation of catalog.relations()) {
    const relkind = relkindOf(relation)
    if (relkind !== 'r' && relkind !== 'v') continue
    for (const grant of grantsOf(catalog, relation.acl, 'r', relation.ownerOid)) {
      if (grant.toPublic && !withPublic) continue
      yield {
        grantor: grant.grantor,
        grantee: grant.grantee,
        table_catalog: catalog.databaseName,
        table_schema: schemaOf(catalog, relation),
        table_name: relation.name,
        privilege_type: grant.privilege,
        is_grantable: grant.grantable ? 'YES' : 'NO',
        with_hierarchy: grant.letter === 'r' ? 'YES' : 'NO',
      }
    }
  }
}

/** Privileges on columns, those on their whole tables included. */
function* columnGrants(catalog: Catalog, withPublic: boolean): Iterable<Fields> {
  for (const relation of catalog.relations()) {
    const relkind = relkindOf(relation)
    if ((relkind !== 'r' && relkind !== 'v') || relation.kind === 'index' || relation.kind === 'sequence')
      continue
    const whole = [...grantsOf(catalog, relation.acl, 'r', relation.ownerOid)].filter(({ letter }) =>
      'arwx'.includes(letter),
    )
    for (const column of relation.columns) {
      if (column.isDropped) continue
      const own = column.acl === undefined ? [] : [...grantsOf(catalog, column.acl, 'c', relation.ownerOid)]
      for (const grant of [...whole, ...own]) {
        if (grant.toPublic && !withPublic) continue
        yield {
          grantor: grant.grantor,
          grantee: grant.grantee,
          table_catalog: catalog.databaseName,
          table_schema: schemaOf(catalog, relation),
          table_name: relation.name,
          column_name: column.name,
          privilege_type: grant.privilege,
          is_grantable: grant.grantable ? 'YES' : 'NO',
        }
      }
    }
  }
}

function* memberships(catalog: Catalog): Iterable<Fields> {
  for (const role of catalog.shared.roles()) {
    for (const { role: group, adminOption } of role.memberOf) {
      yield {
        grantee: role.name,
        role_name: catalog.shared.role(group)?.name ?? null,
        is_grantable: adminOption ? 'YES' : 'NO',
      }
    }
  }
}

const enabledRoles: RelationSource = {
  rows: (catalog) => Array.from(catalog.shared.roles(), ({ name }) => ({ role_name: name })),
}

/** USAGE on sequences; types and domains are everybody's. */
function* usageGrants(catalog: Catalog, withPublic: boolean): Iterable<Fields> {
  for (const relation of catalog.relations()) {
    if (relation.kind !== 'sequence') continue
    for (const grant of grantsOf(catalog, relation.acl, 's', relation.ownerOid)) {
      if (grant.letter !== 'U' || (grant.toPublic && !withPublic)) continue
      yield {
        grantor: grant.grantor,
        grantee: grant.grantee,
        object_catalog: catalog.databaseName,
        object_schema: schemaOf(catalog, relation),
        object_name: relation.name,
        object_type: 'SEQUENCE',
        privilege_type: 'USAGE',
        is_grantable: grant.grantable ? 'YES' : 'NO',
      }
    }
  }
}

export const privilegeViews: Readonly<Record<string, RelationSource>> = {
  enabled_roles: enabledRoles,
  applicable_roles: { rows: memberships },
  administrable_role_authorizations: {
    rows: (catalog) => [...memberships(catalog)].filter((row) => row['is_grantable'] === 'YES'),
  },
  table_privileges: { rows: (catalog) => tableGrants(catalog, true) },
  role_table_grants: { rows: (catalog) => tableGrants(catalog, false) },
  column_privileges: { rows: (catalog) => columnGrants(catalog, true) },
  role_column_grants: { rows: (catalog) => columnGrants(catalog, false) },
  usage_privileges: { rows: (catalog) => usageGrants(catalog, true) },
  role_usage_grants: { rows: (catalog) => usageGrants(catalog, false) },
}
