// Grant lists: PostgreSQL's aclitem[] in text and in descriptors, the built-in defaults, and who may do what.
// (documentation, section 5.7)

import { SqlError } from '../types/sql-error.ts'
import { POSTGRES_ROLE_OID } from './bootstrap.ts'
import type { Acl, AclItem, SharedCatalog } from './catalog.ts'

/** acldefault()'s object types. */
export type AclObjectType = 'c' | 'r' | 's' | 'd' | 'f' | 'l' | 'L' | 'n' | 't' | 'F' | 'S' | 'T' | 'p'

/** All privilege letters in the order aclitem prints them, with their names. */
export const PRIVILEGE_NAMES: ReadonlyMap<string, string> = new Map([
  ['a', 'INSERT'],
  ['r', 'SELECT'],
  ['w', 'UPDATE'],
  ['d', 'DELETE'],
  ['D', 'TRUNCATE'],
  ['x', 'REFERENCES'],
  ['t', 'TRIGGER'],
  ['X', 'EXECUTE'],
  ['U', 'USAGE'],
  ['C', 'CREATE'],
  ['T', 'TEMPORARY'],
  ['c', 'CONNECT'],
  ['s', 'SET'],
  ['A', 'ALTER SYSTEM'],
])

/** What an owner has, and what everybody has, where nothing was granted. */
const DEFAULTS: Readonly<Record<AclObjectType, readonly [owner: string, everybody: string]>> = {
  c: ['', ''],
  r: ['arwdDxt', ''],
  s: ['rwU', ''],
  d: ['CTc', 'Tc'],
  f: ['X', 'X'],
  l: ['U', 'U'],
  L: ['rw', ''],
  n: ['UC', ''],
  t: ['C', ''],
  F: ['U', ''],
  S: ['U', ''],
  T: ['U', 'U'],
  p: ['sA', ''],
}

/** All privileges an object of this type can have. */
export function allPrivileges(type: AclObjectType): string {
  return type === 'c' ? 'arwx' : DEFAULTS[type][0]
}

export function defaultAcl(type: AclObjectType, ownerOid: number): AclItem[] {
  const [owner, everybody] = DEFAULTS[type]
  const items: AclItem[] = []
  if (everybody !== '') items.push({ grantee: 0, grantor: ownerOid, privileges: everybody })
  if (owner !== '') items.push({ grantee: ownerOid, grantor: ownerOid, privileges: owner })
  return items
}

/** The privilege letters of an item, in order, each with its grant option. */
export function* itemPrivileges(
  item: AclItem,
): Iterable<{ readonly letter: string; readonly grantable: boolean }> {
  const { privileges } = item
  for (let at = 0; at < privileges.length; at++) {
    const letter = privileges.charAt(at)
    const grantable = privileges.charAt(at + 1) === '*'
    if (grantable) at++
    yield { letter, grantable }
  }
}

/** Letters in canonical order, each with a star where `grantable` says so. */
export function formatPrivileges(letters: ReadonlyMap<string, boolean>): string {
  let text = ''
  for (const letter of PRIVILEGE_NAMES.keys()) {
    const grantable = letters.get(letter)
    if (grantable !== undefined) text += grantable ? `${letter}*` : letter
  }
  return text
}

function quoteRole(name: string): string {
  return /^[A-Za-z0-9_]+$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`
}

/** An item as aclitemout prints it: `alice=arw/postgres`. */
export function formatAclItem(item: AclItem, shared: SharedCatalog): string {
  const name = (oid: number): string => quoteRole(shared.role(oid)?.name ?? String(oid))
  return `${item.grantee === 0 ? '' : name(item.grantee)}=${item.privileges}/${name(item.grantor)}`
}

/** Parses `{a=r/b,=U/b}` as our own fact file and aclitem input have it (no quotes, no spaces). */
export function parseAcl(text: string, roleOid: (name: string) => number): AclItem[] {
  const inside = text.replace(/^\{|\}$/g, '')
  if (inside === '') return []
  return inside.split(',').map((item) => parseAclItem(item, roleOid))
}

export function parseAclItem(text: string, roleOid: (name: string) => number): AclItem {
  const match = /^(?:(?:group|user) )?("(?:[^"]|"")*"|[^=]*)=([a-zA-Z*]*)(?:\/(.+))?$/.exec(text.trim())
  if (match === null) throw new SqlError('22P02', `missing "=" sign`)
  const unquote = (name: string): string =>
    name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name
  const [, grantee = '', privileges = '', grantor] = match
  const letters = new Map<string, boolean>()
  for (const { letter, grantable } of itemPrivileges({ grantee: 0, grantor: 0, privileges })) {
    if (!PRIVILEGE_NAMES.has(letter)) {
      throw new SqlError('22P02', 'invalid mode character: must be one of "arwdDxtXUCTcsA"')
    }
    letters.set(letter, grantable)
  }
  return {
    grantee: grantee === '' ? 0 : roleOid(unquote(grantee)),
    grantor: grantor === undefined ? POSTGRES_ROLE_OID : roleOid(unquote(grantor)),
    privileges: formatPrivileges(letters),
  }
}

/** The role and every role it is a member of, through any path; `inheritOnly` stops at NOINHERIT roles. */
export function memberships(shared: SharedCatalog, roleOid: number, inheritOnly = true): ReadonlySet<number> {
  const found = new Set<number>([roleOid])
  for (const oid of found) {
    const role = shared.role(oid)
    if (role === undefined || (inheritOnly && !role.inherit)) continue
    for (const { role: group } of role.memberOf) found.add(group)
  }
  return found
}

export function isSuperuser(shared: SharedCatalog, roleOid: number): boolean {
  return shared.role(roleOid)?.superuser === true
}

/** Whether `roleOid` may act as `ownerOid` (PostgreSQL's has_privs_of_role). */
export function hasRole(shared: SharedCatalog, roleOid: number, ownerOid: number): boolean {
  return roleOid === ownerOid || isSuperuser(shared, roleOid) || memberships(shared, roleOid).has(ownerOid)
}

export interface PrivilegeQuestion {
  readonly acl: Acl
  readonly type: AclObjectType
  readonly ownerOid: number
  readonly roleOid: number
  /** One letter; with `grantOption`, only a grantable one counts. */
  readonly privilege: string
  readonly grantOption?: boolean | undefined
}

/** Whether the role has the privilege by ownership, membership or grant. */
export function hasPrivilege(shared: SharedCatalog, question: PrivilegeQuestion): boolean {
  const { type, ownerOid, roleOid, privilege, grantOption = false } = question
  if (isSuperuser(shared, roleOid)) return true
  const roles = memberships(shared, roleOid)
  if (grantOption && roles.has(ownerOid)) return true
  for (const item of question.acl ?? defaultAcl(type, ownerOid)) {
    if (item.grantee !== 0 && !roles.has(item.grantee)) continue
    if (grantOption && item.grantee === 0) continue
    for (const { letter, grantable } of itemPrivileges(item)) {
      if (letter === privilege && (grantable || !grantOption)) return true
    }
  }
  return false
}

/** aclupdate for one grantee and grantor: adds or removes letters, or only their grant options. */
export function changeAcl(
  acl: readonly AclItem[],
  change: {
    readonly grantee: number
    readonly grantor: number
    readonly privileges: string
    readonly grant: boolean
    readonly grantOption: boolean
  },
): AclItem[] {
  const { grantee, grantor, grant, grantOption } = change
  const at = acl.findIndex((item) => item.grantee === grantee && item.grantor === grantor)
  const old = acl[at]
  const letters = new Map<string, boolean>()
  if (old !== undefined)
    for (const { letter, grantable } of itemPrivileges(old)) letters.set(letter, grantable)
  for (const letter of change.privileges) {
    if (grant) letters.set(letter, grantOption || letters.get(letter) === true)
    else if (!grantOption) letters.delete(letter)
    else if (letters.has(letter)) letters.set(letter, false)
  }
  const next = { grantee, grantor, privileges: formatPrivileges(letters) }
  const result = [...acl]
  if (next.privileges === '') {
    if (at >= 0) result.splice(at, 1)
  } else if (at >= 0) result[at] = next
  else result.push(next)
  return result
}
