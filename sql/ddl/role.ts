// Roles: CREATE, ALTER, DROP, membership, settings.

import type {
  AlterRoleSetStmt,
  AlterRoleStmt,
  CreateRoleStmt,
  DefElem,
  DropRoleStmt,
  GrantRoleStmt,
  Node,
  RoleSpec,
} from 'libpg-query'
import { must } from '../../storage/base/assert.ts'
import { memberships } from '../catalog/acl.ts'
import { ROLE_DEFAULTS } from '../catalog/bootstrap.ts'
import type { Role } from '../catalog/catalog.ts'
import type { StoredRole } from '../catalog/stored-objects.ts'
import { settled } from '../catalog/wait.ts'
import { nodeAs } from '../parse/ast.ts'
import { TIMESTAMPTZ_OID } from '../types/oids.ts'
import { SqlError } from '../types/sql-error.ts'
import { changeDatabase, sharedEditor } from './database-entry.ts'
import { optionBoolean, optionInt8, optionsOf, optionText, roleOidOf } from './nodes.ts'
import { roleDependents } from './role-dependents.ts'
import { changedSettings } from './role-settings.ts'
import { passwordVerifier } from './scram-verifier.ts'
import type { DdlWork } from './work.ts'

function specsOf(nodes: readonly Node[] | undefined): RoleSpec[] {
  return (nodes ?? []).flatMap((node) => nodeAs(node, 'RoleSpec') ?? [])
}

const listOf = (option: DefElem): readonly Node[] => nodeAs(option.arg, 'List')?.items ?? []

export async function createRole(work: DdlWork, statement: CreateRoleStmt): Promise<string> {
  const name = must(statement.role)
  const options = optionsOf(statement.options)
  const isUser = statement.stmt_type === 'ROLESTMT_USER'
  if (name.startsWith('pg_')) {
    throw new SqlError('42939', `role name "${name}" is reserved`, {
      detail: 'Role names starting with "pg_" are reserved.',
    })
  }
  const base: StoredRole = { ...ROLE_DEFAULTS, oid: 0, name, canLogin: isUser }
  const role = withAttributes(work, base, options)
  if (!work.role.superuser) {
    if (role.superuser) throw new SqlError('42501', 'must be superuser to create superusers')
    if (role.replication) throw new SqlError('42501', 'must be superuser to create replication users')
    if (role.bypassRls) throw new SqlError('42501', 'must be superuser to create bypassrls users')
    if (!work.role.createRole) throw new SqlError('42501', 'permission denied to create role')
  }
  const editor = sharedEditor(work)
  await settled(() => editor.lockName('role', 0, name))
  if (work.shared.roleByName(name) !== undefined) throw new SqlError('42710', `role "${name}" already exists`)
  const oid = await settled(() => editor.allocateOid())
  await putRole(work, { ...role, oid })
  for (const option of options) {
    switch (option.defname) {
      case 'addroleto':
        for (const spec of specsOf(listOf(option))) await addMember(work, roleOidOf(work, spec), oid, false)
        break
      case 'rolemembers':
      case 'adminmembers':
        for (const spec of specsOf(listOf(option))) {
          await addMember(work, oid, roleOidOf(work, spec), option.defname === 'adminmembers')
        }
        break
      default:
    }
  }
  return 'CREATE ROLE'
}

async function putRole(work: DdlWork, role: StoredRole): Promise<void> {
  const editor = sharedEditor(work)
  await settled(() => editor.put(role))
}

/** The role, locked, as this transaction may change it. */
async function lockRole(work: DdlWork, oid: number): Promise<StoredRole> {
  const editor = sharedEditor(work)
  await settled(() => editor.lockObject('role', oid))
  return must(editor.object('role', oid), 'the role exists')
}

function withAttributes(work: DdlWork, role: StoredRole, options: readonly DefElem[]): StoredRole {
  let changed = role
  const seen = new Set<string>()
  for (const option of options) {
    const name = option.defname ?? ''
    if (seen.has(name)) throw work.error('42601', 'conflicting or redundant options', option.location)
    seen.add(name)
    changed = { ...changed, ...attribute(work, option) }
  }
  return changed
}

function attribute(work: DdlWork, option: DefElem): Partial<StoredRole> {
  switch (option.defname) {
    case 'superuser':
      return { superuser: optionBoolean(option) }
    case 'inherit':
      return { inherit: optionBoolean(option) }
    case 'createrole':
      return { createRole: optionBoolean(option) }
    case 'createdb':
      return { createDatabase: optionBoolean(option) }
    case 'canlogin':
      return { canLogin: optionBoolean(option) }
    case 'isreplication':
      return { replication: optionBoolean(option) }
    case 'bypassrls':
      return { bypassRls: optionBoolean(option) }
    case 'connectionlimit': {
      const limit = Number(optionInt8(option))
      if (limit < -1) throw new SqlError('22023', `invalid connection limit: ${limit}`)
      return { connectionLimit: limit }
    }
    case 'password': {
      const password = optionText(option)
      if (password === '') {
        work.notice('empty string is not a valid password, clearing password')
        return { password: undefined }
      }
      return { password: password === undefined ? undefined : passwordVerifier(password) }
    }
    case 'validUntil': {
      const value = must(work.catalog.type(TIMESTAMPTZ_OID)).input(
        optionText(option) ?? '',
        -1,
        work.functions,
      )
      return { validUntil: value === Infinity ? 'infinity' : isoText(Number(value)) }
    }
    case 'sysid':
      work.notice('SYSID can no longer be specified')
      return {}
    default:
      return {}
  }
}

/** Microseconds since 2000 as ISO 8601, to the millisecond. */
function isoText(micros: number): string {
  return new Date(EPOCH_2000_MS + Math.floor(micros / 1000)).toISOString()
}

const EPOCH_2000_MS = 946_684_800_000

export async function alterRole(work: DdlWork, statement: AlterRoleStmt): Promise<string> {
  const oid = roleOidOf(work, statement.role)
  const options = optionsOf(statement.options)
  const members = options.find((option) => option.defname === 'rolemembers')
  const own = options.every((option) => option.defname === 'password')
  const target = must(work.shared.role(oid))
  if (!work.role.superuser) {
    if (target.superuser)
      throw new SqlError('42501', 'must be superuser to alter superuser roles or change superuser attribute')
    if (!work.role.createRole && !(own && oid === work.roleOid))
      throw new SqlError('42501', 'permission denied')
  }
  const role = await lockRole(work, oid)
  await putRole(
    work,
    withAttributes(
      work,
      role,
      options.filter((option) => option !== members),
    ),
  )
  // ALTER GROUP ... ADD or DROP USER.
  if (members !== undefined) {
    for (const spec of specsOf(listOf(members))) {
      if (statement.action === -1) await removeMember(work, oid, roleOidOf(work, spec), false)
      else await addMember(work, oid, roleOidOf(work, spec), false)
    }
  }
  return 'ALTER ROLE'
}

export async function alterRoleSet(work: DdlWork, statement: AlterRoleSetStmt): Promise<string> {
  const setting = must(statement.setstmt)
  if (statement.database !== undefined) {
    if (statement.role !== undefined)
      throw new SqlError('0A000', 'ALTER ROLE ... IN DATABASE ... SET is not supported')
    await changeDatabase(work, statement.database, (database) => ({
      ...database,
      settings: changedSettings(work, database.settings, setting),
    }))
    return 'ALTER ROLE'
  }
  if (statement.role === undefined) throw new SqlError('0A000', 'ALTER ROLE ALL SET is not supported')
  const oid = roleOidOf(work, statement.role)
  if (!work.role.superuser && !work.role.createRole && oid !== work.roleOid)
    throw new SqlError('42501', 'permission denied')
  const role = await lockRole(work, oid)
  await putRole(work, { ...role, settings: changedSettings(work, role.settings, setting) })
  return 'ALTER ROLE'
}

export async function renameRole(work: DdlWork, from: string, to: string): Promise<void> {
  const { oid } = work.roleNamed(from)
  if (oid === work.context.sessionRoleOid) throw new SqlError('0A000', 'session user cannot be renamed')
  if (oid === work.roleOid) throw new SqlError('0A000', 'current user cannot be renamed')
  if (to.startsWith('pg_')) {
    throw new SqlError('42939', `role name "${to}" is reserved`, {
      detail: 'Role names starting with "pg_" are reserved.',
    })
  }
  if (!work.role.superuser && !work.role.createRole)
    throw new SqlError('42501', 'permission denied to rename role')
  const editor = sharedEditor(work)
  await settled(() => editor.lockName('role', 0, to))
  if (work.shared.roleByName(to) !== undefined) throw new SqlError('42710', `role "${to}" already exists`)
  const role = await lockRole(work, oid)
  const isMd5 = role.password?.startsWith('md5') === true
  if (isMd5) work.notice('MD5 password cleared because of role rename')
  await putRole(work, { ...role, name: to, password: isMd5 ? undefined : role.password })
}

export async function dropRole(work: DdlWork, statement: DropRoleStmt): Promise<string> {
  if (!work.role.superuser && !work.role.createRole)
    throw new SqlError('42501', 'permission denied to drop role')
  for (const spec of specsOf(statement.roles)) {
    if (spec.roletype !== 'ROLESPEC_CSTRING') {
      throw new SqlError('0LP01', 'cannot use special role specifier in DROP ROLE')
    }
    const name = spec.rolename ?? ''
    const role = work.shared.roleByName(name)
    if (role === undefined) {
      if (statement.missing_ok !== true) throw new SqlError('42704', `role "${name}" does not exist`)
      work.notice(`role "${name}" does not exist, skipping`)
      continue
    }
    await dropOneRole(work, role)
  }
  return 'DROP ROLE'
}

async function dropOneRole(work: DdlWork, role: Role): Promise<void> {
  if (role.oid === work.roleOid) throw new SqlError('55006', 'current user cannot be dropped')
  if (role.oid === work.context.sessionRoleOid) throw new SqlError('55006', 'session user cannot be dropped')
  if (role.superuser && !work.role.superuser)
    throw new SqlError('42501', 'must be superuser to drop superusers')
  const dependents = roleDependents(work, role.oid)
  if (dependents.length > 0) {
    throw new SqlError('2BP01', `role "${role.name}" cannot be dropped because some objects depend on it`, {
      detail: dependents.join('\n'),
    })
  }
  await lockRole(work, role.oid)
  for (const other of work.shared.roles()) {
    if (!other.memberOf.some((item) => item.role === role.oid)) continue
    const stored = await lockRole(work, other.oid)
    await putRole(work, { ...stored, memberOf: stored.memberOf.filter((item) => item.role !== role.oid) })
  }
  const editor = sharedEditor(work)
  await settled(() => editor.remove('role', role.oid))
}

export async function grantRole(work: DdlWork, statement: GrantRoleStmt): Promise<string> {
  const isGrant = statement.is_grant === true
  for (const node of statement.granted_roles ?? []) {
    const group = work.roleNamed(nodeAs(node, 'AccessPriv')?.priv_name ?? '')
    checkAdmin(work, group)
    for (const spec of specsOf(statement.grantee_roles)) {
      const member = roleOidOf(work, spec)
      if (isGrant) await addMember(work, group.oid, member, statement.admin_opt === true)
      else await removeMember(work, group.oid, member, statement.admin_opt === true)
    }
  }
  return isGrant ? 'GRANT ROLE' : 'REVOKE ROLE'
}

function checkAdmin(work: DdlWork, group: Role): void {
  if (work.role.superuser) return
  if (group.superuser) throw new SqlError('42501', 'must be superuser to alter superusers')
  const isAdmin = work.role.memberOf.some((item) => item.role === group.oid && item.adminOption)
  if (!work.role.createRole && !isAdmin) {
    throw new SqlError('42501', `must have admin option on role "${group.name}"`)
  }
}

async function addMember(
  work: DdlWork,
  groupOid: number,
  memberOid: number,
  adminOption: boolean,
): Promise<void> {
  const group = must(work.shared.role(groupOid))
  const member = await lockRole(work, memberOid)
  if (groupOid === memberOid || memberships(work.shared, groupOid, false).has(memberOid)) {
    throw new SqlError('0LP01', `role "${group.name}" is a member of role "${member.name}"`)
  }
  const known = member.memberOf.find((item) => item.role === groupOid)
  if (known !== undefined && (known.adminOption || !adminOption)) {
    work.notice(`role "${member.name}" is already a member of role "${group.name}"`)
    return
  }
  const others = member.memberOf.filter((item) => item !== known)
  await putRole(work, {
    ...member,
    memberOf: [...others, { role: groupOid, grantor: work.roleOid, adminOption }],
  })
}

async function removeMember(
  work: DdlWork,
  groupOid: number,
  memberOid: number,
  adminOnly: boolean,
): Promise<void> {
  const group = must(work.shared.role(groupOid))
  const member = await lockRole(work, memberOid)
  const known = member.memberOf.find((item) => item.role === groupOid)
  if (known === undefined) {
    work.warning(`role "${member.name}" is not a member of role "${group.name}"`)
    return
  }
  const others = member.memberOf.filter((item) => item !== known)
  const memberOf = adminOnly ? [...others, { ...known, adminOption: false }] : others
  await putRole(work, { ...member, memberOf })
}
