// GRANT and REVOKE on objects, and ALTER DEFAULT PRIVILEGES.

import type { AccessPriv, AlterDefaultPrivilegesStmt, GrantStmt, Node, ObjectType } from 'libpg-query'
import { must } from '../../storage/base/assert.ts'
import {
  type AclObjectType,
  allPrivileges,
  changeAcl,
  defaultAcl,
  hasPrivilege,
  itemPrivileges,
  PRIVILEGE_NAMES,
} from '../catalog/acl.ts'
import type { Acl, AclItem, Relation } from '../catalog/catalog.ts'
import { nodeAs, stringsOf } from '../parse/ast.ts'
import { SqlError, unsupported } from '../types/sql-error.ts'
import { changeDatabase } from './database-entry.ts'
import { namesOf, optionsOf, roleOidOf } from './nodes.ts'
import { findType } from './type-names.ts'
import { type DdlWork, LOCK } from './work.ts'

const LETTERS: ReadonlyMap<string, string> = new Map(
  [...PRIVILEGE_NAMES].map(([letter, name]) => [name.toLowerCase(), letter]),
)

const NOUNS: Readonly<Record<string, string>> = {
  r: 'table',
  s: 'sequence',
  d: 'database',
  n: 'schema',
  T: 'type',
  c: 'column',
  f: 'function',
}

interface Request {
  readonly isGrant: boolean
  readonly grantOption: boolean
  readonly grantees: readonly number[]
  readonly cascade: boolean
  readonly privileges: readonly AccessPriv[]
}

interface Securable {
  readonly name: string
  readonly type: AclObjectType
  readonly ownerOid: number
  readonly acl: Acl
}

export async function grant(work: DdlWork, statement: GrantStmt): Promise<string> {
  const request = readRequest(work, statement)
  const objects =
    statement.targtype === 'ACL_TARGET_ALL_IN_SCHEMA'
      ? await allInSchemas(work, statement)
      : (statement.objects ?? [])
  for (const object of objects) await grantOn(work, statement.objtype ?? 'OBJECT_TABLE', object, request)
  return request.isGrant ? 'GRANT' : 'REVOKE'
}

function readRequest(work: DdlWork, statement: GrantStmt): Request {
  return {
    isGrant: statement.is_grant === true,
    grantOption: statement.grant_option === true,
    grantees: (statement.grantees ?? []).map((node) => roleOidOf(work, nodeAs(node, 'RoleSpec'))),
    cascade: statement.behavior === 'DROP_CASCADE',
    privileges: (statement.privileges ?? []).map((node) => nodeAs(node, 'AccessPriv') ?? {}),
  }
}

async function allInSchemas(work: DdlWork, statement: GrantStmt): Promise<Node[]> {
  const nodes: Node[] = []
  for (const name of stringsOf(statement.objects)) {
    const schema = work.schemaNamed(name)
    for (const relation of work.catalog.relations()) {
      if (relation.schemaOid !== schema.oid) continue
      const isWanted =
        statement.objtype === 'OBJECT_SEQUENCE'
          ? relation.kind === 'sequence'
          : statement.objtype === 'OBJECT_TABLE' &&
            (relation.kind === 'view' || (relation.kind === 'table' && !relation.isCompositeType))
      if (isWanted) nodes.push({ RangeVar: { schemaname: name, relname: relation.name } })
    }
  }
  return nodes
}

async function grantOn(work: DdlWork, type: ObjectType, object: Node, request: Request): Promise<void> {
  switch (type) {
    case 'OBJECT_TABLE':
    case 'OBJECT_SEQUENCE': {
      const relation = await work.relation(must(nodeAs(object, 'RangeVar')), LOCK.shareUpdateExclusive)
      await grantOnRelation(work, relation, type === 'OBJECT_SEQUENCE', request)
      return
    }
    case 'OBJECT_SCHEMA': {
      const schema = work.schemaNamed(namesOf(object)[0] ?? '')
      await work.lockObject('schema', schema.oid)
      const acl = changed(work, { ...schema, type: 'n' }, request, request.privileges)
      await work.put({ ...schema, kind: 'schema', acl })
      return
    }
    case 'OBJECT_DATABASE': {
      const name = namesOf(object)[0] ?? ''
      const database = work.shared.databaseByName(name)
      if (database === undefined) throw new SqlError('3D000', `database "${name}" does not exist`)
      const acl = changed(work, { ...database, type: 'd' }, request, request.privileges)
      await changeDatabase(work, name, (entry) => ({ ...entry, acl }))
      return
    }
    case 'OBJECT_TYPE':
    case 'OBJECT_DOMAIN': {
      const names = namesOf(object)
      const entry = findType(work, names)
      if (entry === undefined) throw new SqlError('42704', `type "${names.join('.')}" does not exist`)
      const stored = work.editor.object('type', entry.type.oid)
      if (stored === undefined) throw unsupported('GRANT on a row type or a built-in type')
      await work.lockObject('type', stored.oid)
      await work.put({ ...stored, acl: changed(work, { ...stored, type: 'T' }, request, request.privileges) })
      return
    }
    default:
      throw unsupported(`GRANT ON ${type.replace('OBJECT_', '')}`)
  }
}

async function grantOnRelation(
  work: DdlWork,
  relation: Relation,
  asSequence: boolean,
  request: Request,
): Promise<void> {
  if (relation.kind === 'index') throw new SqlError('42809', `"${relation.name}" is an index`)
  if (relation.kind === 'table' && relation.isCompositeType) {
    throw new SqlError('42809', `"${relation.name}" is a composite type`)
  }
  if (asSequence && relation.kind !== 'sequence')
    throw new SqlError('42809', `"${relation.name}" is not a sequence`)
  work.checkNotSystem(relation)
  const type = relation.kind === 'sequence' ? 's' : 'r'
  const whole = request.privileges.filter((privilege) => (privilege.cols ?? []).length === 0)
  const onColumns = request.privileges.filter((privilege) => (privilege.cols ?? []).length > 0)
  let acl = relation.acl
  if (whole.length > 0 || onColumns.length === 0) acl = changed(work, { ...relation, type }, request, whole)
  if (relation.kind === 'sequence') {
    await work.put({ ...relation, acl })
    return
  }
  const columns = [...relation.columns]
  for (const privilege of onColumns) {
    for (const name of stringsOf(privilege.cols)) {
      const at = columns.findIndex((column) => column.name === name && !column.isDropped)
      const column = columns[at]
      if (column === undefined) {
        throw new SqlError('42703', `column "${name}" of relation "${relation.name}" does not exist`)
      }
      const securable = {
        name: relation.name,
        type: 'c',
        ownerOid: relation.ownerOid,
        acl: column.acl ?? [],
      } as const
      const items = changed(work, securable, request, [privilege], relation)
      columns[at] = { ...column, acl: items.length === 0 ? undefined : items }
    }
  }
  if (relation.kind === 'view') await work.put({ ...relation, acl, columns })
  else await work.put({ ...work.storedTable(relation.oid), acl, columns })
}

function lettersOf(privileges: readonly AccessPriv[], type: AclObjectType): string {
  const all = allPrivileges(type)
  let letters = ''
  for (const { priv_name: name } of privileges) {
    if (name === undefined) return all
    const letter = name === 'temp' ? 'T' : LETTERS.get(name)
    if (letter === undefined) throw new SqlError('42601', `unrecognized privilege type "${name}"`)
    if (!all.includes(letter)) {
      const noun =
        { r: 'table', s: 'sequence', d: 'database', n: 'schema', T: 'type', c: 'column' }[type as string] ??
        'object'
      throw new SqlError('0LP01', `invalid privilege type ${name.toUpperCase()} for ${noun}`)
    }
    letters += letter
  }
  return letters === '' ? all : letters
}

/** The grant list after the request. `over`: the table whose column it is. */
function changed(
  work: DdlWork,
  object: Securable,
  request: Request,
  privileges: readonly AccessPriv[],
  over?: Relation,
): readonly AclItem[] {
  const wanted = lettersOf(privileges, object.type)
  const isOwner = work.hasRole(object.ownerOid)
  const grantor = isOwner ? object.ownerOid : work.roleOid
  const letters = isOwner ? wanted : grantable(work, object, wanted, over)
  if (!isOwner && letters === '') {
    throw new SqlError(
      '42501',
      `permission denied for ${NOUNS[over === undefined ? object.type : 'r'] ?? 'object'} ${object.name}`,
    )
  }
  if (letters.length < wanted.length && privileges.some(({ priv_name: name }) => name !== undefined)) {
    work.warning(
      request.isGrant
        ? `not all privileges were granted for "${object.name}"`
        : `not all privileges could be revoked for "${object.name}"`,
      request.isGrant ? '01007' : '01006',
    )
  }
  let items: readonly AclItem[] = object.acl ?? defaultAcl(object.type, object.ownerOid)
  for (const grantee of request.grantees) {
    if (request.isGrant && request.grantOption && grantee === 0) {
      throw new SqlError('0LP01', 'grant options can only be granted to roles')
    }
    items = changeAcl(items, {
      grantee,
      grantor,
      privileges: letters,
      grant: request.isGrant,
      grantOption: request.grantOption,
    })
    if (!request.isGrant) items = withoutDependent(items, object, request, grantee)
  }
  return items
}

function grantable(work: DdlWork, object: Securable, wanted: string, over: Relation | undefined): string {
  const allows = (acl: Acl, type: AclObjectType, privilege: string): boolean =>
    hasPrivilege(work.shared, {
      acl,
      type,
      ownerOid: object.ownerOid,
      roleOid: work.roleOid,
      privilege,
      grantOption: true,
    })
  return Array.from(wanted)
    .filter(
      (letter) =>
        allows(object.acl, object.type, letter) || (over !== undefined && allows(over.acl, 'r', letter)),
    )
    .join('')
}

/** Privileges that the grantee passed on without having the grant option any more. */
function withoutDependent(
  items: readonly AclItem[],
  object: Securable,
  request: Request,
  grantee: number,
): readonly AclItem[] {
  if (grantee === object.ownerOid || grantee === 0) return items
  const own = items.filter((item) => item.grantee === grantee)
  const kept = new Set<string>()
  for (const item of own)
    for (const { letter, grantable: may } of itemPrivileges(item)) if (may) kept.add(letter)
  let result = items
  for (const item of items) {
    if (item.grantor !== grantee || item.grantee === grantee) continue
    const lost = [...itemPrivileges(item)]
      .filter(({ letter }) => !kept.has(letter))
      .map(({ letter }) => letter)
    if (lost.length === 0) continue
    if (!request.cascade) {
      throw new SqlError('2BP01', 'dependent privileges exist', { hint: 'Use CASCADE to revoke them too.' })
    }
    const { grantee: of, grantor } = item
    result = changeAcl(result, {
      grantee: of,
      grantor,
      privileges: lost.join(''),
      grant: false,
      grantOption: false,
    })
    result = withoutDependent(result, object, request, of)
  }
  return result
}

const DEFAULT_TYPES: Partial<Record<ObjectType, readonly [letter: string, type: AclObjectType]>> = {
  OBJECT_TABLE: ['r', 'r'],
  OBJECT_SEQUENCE: ['S', 's'],
  OBJECT_FUNCTION: ['f', 'f'],
  OBJECT_TYPE: ['T', 'T'],
  OBJECT_SCHEMA: ['n', 'n'],
}

export async function alterDefaultPrivileges(
  work: DdlWork,
  statement: AlterDefaultPrivilegesStmt,
): Promise<string> {
  const action = must(statement.action)
  const [objectType, type] = must(DEFAULT_TYPES[action.objtype ?? 'OBJECT_TABLE'])
  const options = optionsOf(statement.options)
  const listed = (name: string): readonly Node[] =>
    nodeAs(options.find((option) => option.defname === name)?.arg, 'List')?.items ?? []
  const roles = listed('roles').map((node) => roleOidOf(work, nodeAs(node, 'RoleSpec')))
  const schemas = stringsOf(listed('schemas')).map((name) => work.schemaNamed(name).oid)
  for (const roleOid of roles.length === 0 ? [work.roleOid] : roles) {
    if (!work.hasRole(roleOid))
      throw new SqlError('42501', `must be member of role "${work.shared.role(roleOid)?.name}"`)
    for (const schemaOid of schemas.length === 0 ? [0] : schemas) {
      await changeDefault(work, readRequest(work, action), { roleOid, schemaOid, objectType, type })
    }
  }
  return 'ALTER DEFAULT PRIVILEGES'
}

async function changeDefault(
  work: DdlWork,
  request: Request,
  of: {
    readonly roleOid: number
    readonly schemaOid: number
    readonly objectType: string
    readonly type: AclObjectType
  },
): Promise<void> {
  const { roleOid, schemaOid, objectType, type } = of
  const known = [...work.catalog.defaultPrivileges()].find(
    (entry) => entry.roleOid === roleOid && entry.schemaOid === schemaOid && entry.objectType === objectType,
  )
  // Entries for a schema only add to the built-in privileges; those for all schemas replace them.
  const basis = schemaOid === 0 ? defaultAcl(type, roleOid) : []
  let acl: readonly AclItem[] = known?.acl ?? basis
  const privileges = lettersOf(request.privileges, type)
  for (const grantee of request.grantees) {
    acl = changeAcl(acl, {
      grantee,
      grantor: roleOid,
      privileges,
      grant: request.isGrant,
      grantOption: request.grantOption,
    })
  }
  const isDefault = JSON.stringify(sorted(acl)) === JSON.stringify(sorted(basis))
  if (isDefault) {
    if (known !== undefined) await work.remove('default-privileges', known.oid)
    return
  }
  const oid = known?.oid ?? (await work.newOid())
  await work.put({ kind: 'default-privileges', oid, roleOid, schemaOid, objectType, acl })
}

const sorted = (acl: readonly AclItem[]): readonly AclItem[] => [...acl].sort((a, b) => a.grantee - b.grantee)
