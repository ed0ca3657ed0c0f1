// Which computed relation has which rows. What is named nowhere here exists and is truly empty: we have no publications,
// no policies, no foreign servers, no statistics objects.

import type { VirtualRelation } from '../catalog.ts'
import { type StaticRelation, staticRowByOid, staticRows } from '../static-rows.ts'
import { segments, volume } from './borealis-volume.ts'
import { backtracks, branches } from './branches.ts'
import { informationSchema } from './information-schema.ts'
import { pgAttrdef, pgAttribute } from './pg-attribute.ts'
import { pgClass, pgIndex, pgNamespace } from './pg-class.ts'
import {
  pgConstraint,
  pgDefaultAcl,
  pgDepend,
  pgDescription,
  pgRewrite,
  pgSequence,
  pgShdepend,
  pgShdescription,
} from './pg-constraint.ts'
import {
  pgAuthid,
  pgAuthMembers,
  pgDatabase,
  pgDbRoleSetting,
  pgGroup,
  pgRoles,
  pgShadow,
  pgUser,
} from './pg-roles.ts'
import {
  pgCursors,
  pgLocks,
  pgPreparedStatements,
  pgSettings,
  pgStatActivity,
  pgStatDatabase,
  statIndexes,
  statioIndexes,
  statioSequences,
  statioTables,
  statTables,
  statTransactionTables,
} from './pg-stat.ts'
import { pgExtension } from './pg-extension.ts'
import { pgInitPrivs } from './pg-init-privs.ts'
import { pgEnum, pgType } from './pg-type.ts'
import { pgIndexes, pgSequences, pgTables, pgViews } from './pg-views.ts'
import { fromFields, type RelationSource } from './rows.ts'

const SOURCES: Readonly<Record<string, RelationSource>> = {
  pg_extension: pgExtension,
  pg_class: pgClass,
  pg_index: pgIndex,
  pg_namespace: pgNamespace,
  pg_attribute: pgAttribute,
  pg_attrdef: pgAttrdef,
  pg_type: pgType,
  pg_enum: pgEnum,
  pg_constraint: pgConstraint,
  pg_depend: pgDepend,
  pg_shdepend: pgShdepend,
  pg_description: pgDescription,
  pg_shdescription: pgShdescription,
  pg_sequence: pgSequence,
  pg_rewrite: pgRewrite,
  pg_default_acl: pgDefaultAcl,
  pg_init_privs: pgInitPrivs,
  pg_authid: pgAuthid,
  pg_auth_members: pgAuthMembers,
  pg_roles: pgRoles,
  pg_user: pgUser,
  pg_shadow: pgShadow,
  pg_group: pgGroup,
  pg_database: pgDatabase,
  pg_db_role_setting: pgDbRoleSetting,
  pg_tables: pgTables,
  pg_views: pgViews,
  pg_indexes: pgIndexes,
  pg_sequences: pgSequences,
  pg_settings: pgSettings,
  pg_stat_activity: pgStatActivity,
  pg_stat_database: pgStatDatabase,
  pg_stat_all_tables: statTables('all'),
  pg_stat_sys_tables: statTables('sys'),
  pg_stat_user_tables: statTables('user'),
  pg_stat_xact_all_tables: statTransactionTables('all'),
  pg_stat_xact_sys_tables: statTransactionTables('sys'),
  pg_stat_xact_user_tables: statTransactionTables('user'),
  pg_stat_all_indexes: statIndexes('all'),
  pg_stat_sys_indexes: statIndexes('sys'),
  pg_stat_user_indexes: statIndexes('user'),
  pg_statio_all_tables: statioTables('all'),
  pg_statio_sys_tables: statioTables('sys'),
  pg_statio_user_tables: statioTables('user'),
  pg_statio_all_indexes: statioIndexes('all'),
  pg_statio_sys_indexes: statioIndexes('sys'),
  pg_statio_user_indexes: statioIndexes('user'),
  pg_statio_all_sequences: statioSequences('all'),
  pg_statio_sys_sequences: statioSequences('sys'),
  pg_statio_user_sequences: statioSequences('user'),
}

const STATIC: readonly StaticRelation[] = [
  'pg_proc',
  'pg_operator',
  'pg_opclass',
  'pg_opfamily',
  'pg_amop',
  'pg_amproc',
  'pg_cast',
  'pg_aggregate',
  'pg_am',
  'pg_language',
  'pg_range',
  'pg_collation',
  'pg_conversion',
  'pg_ts_config',
  'pg_ts_config_map',
  'pg_ts_dict',
  'pg_ts_parser',
  'pg_ts_template',
  'pg_tablespace',
]

/** plpgsql is not here (yet). */
const isOurs = (relation: StaticRelation, name: unknown): boolean =>
  relation !== 'pg_language' || name !== 'plpgsql'

function fromFacts(relation: StaticRelation): VirtualRelation {
  return {
    rows: () => staticRows(relation).filter((row) => isOurs(relation, row[1])),
    lookups: [
      {
        column: 0,
        find: (_catalog, key) => {
          const row = typeof key === 'number' ? staticRowByOid(relation, key) : undefined
          return row === undefined ? staticRows(relation).filter((one) => one[0] === key) : [row]
        },
      },
    ],
  }
}

/** All of them, by "schema.name". */
export function virtualRelations(): ReadonlyMap<string, VirtualRelation> {
  const all = new Map<string, VirtualRelation>()
  for (const [name, source] of Object.entries(SOURCES))
    all.set(`pg_catalog.${name}`, fromFields('pg_catalog', name, source))
  all.set('borealis.branches', fromFields('borealis', 'branches', branches))
  all.set('borealis.backtracks', fromFields('borealis', 'backtracks', backtracks))
  for (const relation of STATIC) all.set(`pg_catalog.${relation}`, fromFacts(relation))
  all.set('pg_catalog.pg_prepared_statements', pgPreparedStatements)
  all.set('pg_catalog.pg_cursors', pgCursors)
  all.set('pg_catalog.pg_locks', pgLocks)
  all.set('borealis.segments', fromFields('borealis', 'segments', segments))
  all.set('borealis.volume', fromFields('borealis', 'volume', volume))
  for (const [name, source] of Object.entries(informationSchema)) {
    all.set(`information_schema.${name}`, fromFields('information_schema', name, source))
  }
  return all
}
