// What a new cluster and a new database contain: PostgreSQL's roles, databases and schemas under its own oids.

import { borealisRelationComments } from './borealis-relations.ts'
import type { TimelineId } from '../../storage/base/ids.ts'
import type { Acl } from './catalog.ts'
import type { StoredDatabase, StoredObject, StoredRole } from './stored-objects.ts'

export const POSTGRES_ROLE_OID = 10
export const PG_CATALOG_OID = 11
export const PG_TOAST_OID = 99
export const PUBLIC_SCHEMA_OID = 2200
export const INFORMATION_SCHEMA_OID = 13207
/** Schema borealis: what we have beyond PostgreSQL. */
export const BOREALIS_SCHEMA_OID = 15000
/** The extension that everything in it belongs to. */
export const BOREALIS_EXTENSION_OID = 15001
export const PG_DATABASE_OWNER_OID = 6171

/** Oids below are PostgreSQL's own. */
export const FIRST_CREATED_OID = 16384

export const TEMPLATE1_OID = 1
export const TEMPLATE0_OID = 4
export const POSTGRES_DATABASE_OID = 5

/** Oids of the catalogs that dependencies and comments name as classes. */
export type ClassName =
  | 'pg_type'
  | 'pg_attribute'
  | 'pg_proc'
  | 'pg_class'
  | 'pg_authid'
  | 'pg_database'
  | 'pg_tablespace'
  | 'pg_constraint'
  | 'pg_attrdef'
  | 'pg_operator'
  | 'pg_namespace'
  | 'pg_rewrite'
  | 'pg_trigger'
  | 'pg_language'
  | 'pg_extension'
  | 'pg_am'
  | 'pg_collation'
  | 'pg_cast'
  | 'pg_default_acl'

export const CLASS_OID: Readonly<Record<ClassName, number>> = {
  pg_type: 1247,
  pg_attribute: 1249,
  pg_proc: 1255,
  pg_class: 1259,
  pg_authid: 1260,
  pg_database: 1262,
  pg_tablespace: 1213,
  pg_constraint: 2606,
  pg_attrdef: 2604,
  pg_operator: 2617,
  pg_namespace: 2615,
  pg_rewrite: 2618,
  pg_trigger: 2620,
  pg_language: 2612,
  pg_extension: 3079,
  pg_am: 2601,
  pg_collation: 3456,
  pg_cast: 2605,
  pg_default_acl: 826,
}

const PREDEFINED_ROLES: readonly (readonly [number, string])[] = [
  [PG_DATABASE_OWNER_OID, 'pg_database_owner'],
  [6181, 'pg_read_all_data'],
  [6182, 'pg_write_all_data'],
  [3373, 'pg_monitor'],
  [3374, 'pg_read_all_settings'],
  [3375, 'pg_read_all_stats'],
  [3377, 'pg_stat_scan_tables'],
  [4569, 'pg_read_server_files'],
  [4570, 'pg_write_server_files'],
  [4571, 'pg_execute_server_program'],
  [4200, 'pg_signal_backend'],
  [4544, 'pg_checkpoint'],
]

/** The oid of a role that every cluster begins with. */
export function bootstrapRoleOid(name: string): number {
  return PREDEFINED_ROLES.find((role) => role[1] === name)?.[0] ?? POSTGRES_ROLE_OID
}

export const ROLE_DEFAULTS: Omit<StoredRole, 'oid' | 'name'> = {
  kind: 'role',
  superuser: false,
  inherit: true,
  createRole: false,
  createDatabase: false,
  canLogin: false,
  replication: false,
  bypassRls: false,
  connectionLimit: -1,
  password: undefined,
  validUntil: undefined,
  memberOf: [],
  settings: [],
}

/** The roles of a new cluster; `password`: the verifier of its superuser's. */
export function bootstrapRoles(password: string | undefined): StoredRole[] {
  const monitor = [3374, 3375, 3377].map((role) => ({ role, grantor: POSTGRES_ROLE_OID, adminOption: false }))
  return [
    {
      ...ROLE_DEFAULTS,
      oid: POSTGRES_ROLE_OID,
      name: 'postgres',
      superuser: true,
      createRole: true,
      createDatabase: true,
      canLogin: true,
      replication: true,
      bypassRls: true,
      password,
    },
    ...PREDEFINED_ROLES.map(([oid, name]): StoredRole => ({
      ...ROLE_DEFAULTS,
      oid,
      name,
      memberOf: name === 'pg_monitor' ? monitor : [],
    })),
  ]
}

const TEMPLATE_ACL: Acl = [
  { grantee: 0, grantor: POSTGRES_ROLE_OID, privileges: 'c' },
  { grantee: POSTGRES_ROLE_OID, grantor: POSTGRES_ROLE_OID, privileges: 'CTc' },
]

export interface BootstrapTimelines {
  readonly template1: TimelineId
  readonly template0: TimelineId
  readonly postgres: TimelineId
}

/** The databases of a new cluster. */
export function bootstrapDatabases(timelines: BootstrapTimelines): StoredObject[] {
  const common = {
    kind: 'database',
    ownerOid: POSTGRES_ROLE_OID,
    allowConnections: true,
    connectionLimit: -1,
    settings: [],
    branch: undefined,
    expiresMicros: undefined,
    past: [],
  } as const satisfies Partial<StoredDatabase>
  const comment = (oid: number, text: string): StoredObject => ({
    kind: 'comments',
    oid,
    comments: [{ classOid: CLASS_OID.pg_database, subId: 0, text }],
  })
  return [
    {
      ...common,
      oid: TEMPLATE1_OID,
      name: 'template1',
      timeline: timelines.template1,
      isTemplate: true,
      acl: TEMPLATE_ACL,
    },
    {
      ...common,
      oid: TEMPLATE0_OID,
      name: 'template0',
      timeline: timelines.template0,
      isTemplate: true,
      allowConnections: false,
      acl: TEMPLATE_ACL,
    },
    {
      ...common,
      oid: POSTGRES_DATABASE_OID,
      name: 'postgres',
      timeline: timelines.postgres,
      isTemplate: false,
      acl: undefined,
    },
    comment(TEMPLATE1_OID, 'default template for new databases'),
    comment(TEMPLATE0_OID, 'unmodifiable empty database'),
    comment(POSTGRES_DATABASE_OID, 'default administrative connection database'),
  ]
}

/** The objects of template1. */
export function bootstrapObjects(): StoredObject[] {
  const grantor = POSTGRES_ROLE_OID
  const usage: Acl = [
    { grantee: POSTGRES_ROLE_OID, grantor, privileges: 'UC' },
    { grantee: 0, grantor, privileges: 'U' },
  ]
  const schema = (oid: number, name: string, acl: Acl, ownerOid = POSTGRES_ROLE_OID): StoredObject => ({
    kind: 'schema',
    oid,
    name,
    ownerOid,
    acl,
  })
  const owner = PG_DATABASE_OWNER_OID
  const publicAcl: Acl = [
    { grantee: owner, grantor: owner, privileges: 'UC' },
    { grantee: 0, grantor: owner, privileges: 'U' },
  ]
  const schemaComment = (oid: number, text: string): StoredObject => ({
    kind: 'comments',
    oid,
    comments: [{ classOid: CLASS_OID.pg_namespace, subId: 0, text }],
  })
  return [
    schema(PG_CATALOG_OID, 'pg_catalog', usage),
    schema(PG_TOAST_OID, 'pg_toast', undefined),
    schema(PUBLIC_SCHEMA_OID, 'public', publicAcl, owner),
    schema(INFORMATION_SCHEMA_OID, 'information_schema', usage),
    schema(BOREALIS_SCHEMA_OID, 'borealis', usage),
    schemaComment(PG_CATALOG_OID, 'system catalog schema'),
    schemaComment(PG_TOAST_OID, 'reserved schema for TOAST tables'),
    schemaComment(BOREALIS_SCHEMA_OID, 'branches, history and status of Borealis'),
    schemaComment(PUBLIC_SCHEMA_OID, 'standard public schema'),
    ...borealisRelationComments(CLASS_OID.pg_class),
  ]
}
