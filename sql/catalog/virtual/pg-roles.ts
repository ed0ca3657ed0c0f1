// Roles, databases and their kin: pg_authid, pg_roles, pg_user, pg_shadow, pg_group, pg_auth_members, pg_database,
// pg_db_role_setting.

import { OID_OID } from '../../types/oids.ts'
import { ArrayValue, type Value } from '../../types/value.ts'
import type { Catalog, DatabaseEntry, Role } from '../catalog.ts'
import { aclValue, type Fields, optionsValue, type RelationSource, textArray } from './rows.ts'

const HIDDEN_PASSWORD = '********'
const EPOCH_2000_MS = 946_684_800_000
/** pg_encoding: UTF8. */
const UTF8 = 6

/** A timestamptz that the catalog keeps as text ('infinity' too). */
function validUntil(role: Role): Value {
  if (role.validUntil === undefined) return null
  if (role.validUntil === 'infinity') return Infinity
  return (Date.parse(role.validUntil) - EPOCH_2000_MS) * 1000
}

function authidRow(role: Role): Fields {
  return {
    oid: role.oid,
    rolname: role.name,
    rolsuper: role.superuser,
    rolinherit: role.inherit,
    rolcreaterole: role.createRole,
    rolcreatedb: role.createDatabase,
    rolcanlogin: role.canLogin,
    rolreplication: role.replication,
    rolbypassrls: role.bypassRls,
    rolconnlimit: role.connectionLimit,
    rolpassword: role.password ?? null,
    rolvaliduntil: validUntil(role),
  }
}

export const pgAuthid: RelationSource = {
  rows: (catalog) => Array.from(catalog.shared.roles(), authidRow),
  lookups: {
    oid: (catalog, oid) => {
      const role = catalog.shared.role(oid as number)
      return role === undefined ? [] : [authidRow(role)]
    },
    rolname: (catalog, name) => {
      const role = catalog.shared.roleByName(name as string)
      return role === undefined ? [] : [authidRow(role)]
    },
  },
}

function rolesRow(role: Role): Fields {
  return { ...authidRow(role), rolpassword: HIDDEN_PASSWORD, rolconfig: optionsValue(role.settings) }
}

export const pgRoles: RelationSource = {
  rows: (catalog) => Array.from(catalog.shared.roles(), rolesRow),
  lookups: {
    oid: (catalog, oid) => {
      const role = catalog.shared.role(oid as number)
      return role === undefined ? [] : [rolesRow(role)]
    },
  },
}

function userRow(role: Role, password: Value): Fields {
  return {
    usename: role.name,
    usesysid: role.oid,
    usecreatedb: role.createDatabase,
    usesuper: role.superuser,
    userepl: role.replication,
    usebypassrls: role.bypassRls,
    passwd: password,
    valuntil: validUntil(role),
    useconfig: optionsValue(role.settings),
  }
}

const logins = (catalog: Catalog): Role[] => [...catalog.shared.roles()].filter((role) => role.canLogin)

export const pgUser: RelationSource = {
  rows: (catalog) => logins(catalog).map((role) => userRow(role, HIDDEN_PASSWORD)),
}

export const pgShadow: RelationSource = {
  rows: (catalog) => logins(catalog).map((role) => userRow(role, role.password ?? null)),
}

export const pgGroup: RelationSource = {
  rows: function* (catalog) {
    const roles = [...catalog.shared.roles()]
    for (const group of roles) {
      if (group.canLogin) continue
      const members = roles.filter((role) => role.memberOf.some((item) => item.role === group.oid))
      yield {
        groname: group.name,
        grosysid: group.oid,
        grolist: new ArrayValue(
          OID_OID,
          members.map(({ oid }) => oid),
        ),
      }
    }
  },
}

export const pgAuthMembers: RelationSource = {
  rows: function* (catalog) {
    for (const role of catalog.shared.roles()) {
      for (const { role: group, grantor, adminOption } of role.memberOf) {
        yield { roleid: group, member: role.oid, grantor, admin_option: adminOption }
      }
    }
  },
}

function databaseRow(catalog: Catalog, database: DatabaseEntry): Fields {
  return {
    oid: database.oid,
    datname: database.name,
    datdba: database.ownerOid,
    encoding: UTF8,
    datlocprovider: 'c',
    datistemplate: database.isTemplate,
    datallowconn: database.allowConnections,
    datconnlimit: database.connectionLimit,
    datfrozenxid: 3,
    datminmxid: 1,
    dattablespace: 1663,
    datcollate: 'C.UTF-8',
    datctype: 'C.UTF-8',
    daticulocale: null,
    datcollversion: null,
    datacl: aclValue(database.acl, catalog.shared),
  }
}

export const pgDatabase: RelationSource = {
  rows: (catalog) => Array.from(catalog.shared.databases(), (database) => databaseRow(catalog, database)),
  lookups: {
    oid: (catalog, oid) => {
      const database = catalog.shared.database(oid as number)
      return database === undefined ? [] : [databaseRow(catalog, database)]
    },
    datname: (catalog, name) => {
      const database = catalog.shared.databaseByName(name as string)
      return database === undefined ? [] : [databaseRow(catalog, database)]
    },
  },
}

export const pgDbRoleSetting: RelationSource = {
  rows: function* (catalog) {
    for (const { oid, settings } of catalog.shared.databases()) {
      if (settings.length > 0) yield { setdatabase: oid, setrole: 0, setconfig: textArray(settings) }
    }
    for (const { oid, settings } of catalog.shared.roles()) {
      if (settings.length > 0) yield { setdatabase: 0, setrole: oid, setconfig: textArray(settings) }
    }
  },
}
