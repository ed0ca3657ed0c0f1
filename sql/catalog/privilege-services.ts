// has_..._privilege and their kin: objects and roles by name or oid, privileges as text.

import type { FunctionContext } from '../functions/function.ts'
import type { PrivilegeKind, PrivilegeServices } from '../functions/services.ts'
import { SqlError } from '../types/sql-error.ts'
import {
  type AclObjectType,
  allPrivileges,
  defaultAcl,
  formatAclItem,
  hasPrivilege,
  hasRole,
  isSuperuser,
  memberships,
  PRIVILEGE_NAMES,
} from './acl.ts'
import { POSTGRES_ROLE_OID } from './bootstrap.ts'
import type { Acl, Catalog, Relation, SharedCatalog } from './catalog.ts'
import { CatalogNames, splitQualifiedName } from './names.ts'
import { staticRowByOid } from './static-rows.ts'

export interface PrivilegeServiceParts {
  catalog(): Catalog
  context(): FunctionContext
  roleOid(): number
}

export function privilegeServices(parts: PrivilegeServiceParts): PrivilegeServices {
  return new Services(parts)
}

interface Securable {
  readonly type: AclObjectType
  readonly acl: Acl
  readonly ownerOid: number
}

const LETTERS: ReadonlyMap<string, string> = new Map(
  [...PRIVILEGE_NAMES].map(([letter, name]) => [name, letter]),
)

const KIND_TYPES: Readonly<Record<PrivilegeKind, AclObjectType>> = {
  table: 'r',
  any_column: 'r',
  sequence: 's',
  database: 'd',
  schema: 'n',
  function: 'f',
  language: 'l',
  type: 'T',
  tablespace: 't',
  foreign_data_wrapper: 'F',
  server: 'S',
  parameter: 'p',
}

interface Wanted {
  readonly letter: string
  readonly grantOption: boolean
}

/** 'SELECT, INSERT WITH GRANT OPTION' as letters. SqlError 22023 for one that the kind has not. */
function parsePrivileges(text: string, allowed: string): Wanted[] {
  return text.split(',').map((part) => {
    const word = part.trim().toUpperCase().replaceAll(/\s+/g, ' ')
    const grantOption = word.endsWith(' WITH GRANT OPTION')
    const name = grantOption ? word.slice(0, -' WITH GRANT OPTION'.length) : word
    const letter = name === 'TEMP' ? 'T' : LETTERS.get(name)
    if (letter === undefined || !allowed.includes(letter)) {
      throw new SqlError('22023', `unrecognized privilege type: "${part.trim()}"`)
    }
    return { letter, grantOption }
  })
}

class Services implements PrivilegeServices {
  readonly #parts: PrivilegeServiceParts
  readonly #names: CatalogNames

  constructor(parts: PrivilegeServiceParts) {
    this.#parts = parts
    this.#names = new CatalogNames(parts)
  }

  get #shared(): SharedCatalog {
    return this.#parts.catalog().shared
  }

  has(
    kind: PrivilegeKind,
    object: string | number,
    privileges: string,
    role: string | number | undefined,
  ): boolean | null {
    const roleOid = this.#role(role)
    const securable = this.#find(kind, object)
    const wanted = parsePrivileges(
      privileges,
      kind === 'any_column' ? 'arwx' : allPrivileges(KIND_TYPES[kind]),
    )
    if (securable === undefined) return null
    if (wanted.some((item) => this.#allows(securable, item, roleOid))) return true
    if (kind !== 'any_column') return false
    const relation = this.#relation(object)
    if (relation === undefined || !('columns' in relation) || relation.kind === 'index') return false
    return relation.columns.some((column) =>
      wanted.some((item) => this.#allows({ ...securable, type: 'c', acl: column.acl ?? [] }, item, roleOid)),
    )
  }

  hasOnColumn(
    table: string | number,
    column: string | number,
    privileges: string,
    role: string | number | undefined,
  ): boolean | null {
    const roleOid = this.#role(role)
    const relation = this.#relation(table)
    const wanted = parsePrivileges(privileges, 'arwx')
    if (relation === undefined || relation.kind === 'index') return null
    const columns = relation.kind === 'sequence' ? [] : relation.columns
    const found = columns.find((item) =>
      typeof column === 'number' ? item.number === column : item.name === column,
    )
    if (found === undefined || found.isDropped) {
      if (typeof column === 'number') return null
      throw new SqlError('42703', `column "${column}" of relation "${relation.name}" does not exist`)
    }
    const { ownerOid, acl } = relation
    return wanted.some(
      (item) =>
        this.#allows({ type: 'r', acl, ownerOid }, item, roleOid) ||
        this.#allows({ type: 'c', acl: found.acl ?? [], ownerOid }, item, roleOid),
    )
  }

  hasRole(role: string | number, privileges: string, member: string | number | undefined): boolean | null {
    const shared = this.#shared
    const roleOid = this.#role(role)
    const memberOid = this.#role(member)
    return privileges.split(',').some((part) => {
      const word = part.trim().toUpperCase()
      if (word === 'USAGE') return hasRole(shared, memberOid, roleOid)
      if (word === 'MEMBER')
        return isSuperuser(shared, memberOid) || memberships(shared, memberOid, false).has(roleOid)
      if (/^(MEMBER|USAGE) WITH (GRANT|ADMIN) OPTION$/.test(word)) {
        if (isSuperuser(shared, memberOid)) return true
        return (
          shared.role(memberOid)?.memberOf.some((item) => item.role === roleOid && item.adminOption) === true
        )
      }
      throw new SqlError('22023', `unrecognized privilege type: "${part.trim()}"`)
    })
  }

  isRowSecurityActive(): boolean {
    return false
  }

  defaultAcl(objectType: string, owner: number): readonly string[] {
    return defaultAcl(objectType as AclObjectType, owner).map((item) => formatAclItem(item, this.#shared))
  }

  #allows(securable: Securable, { letter, grantOption }: Wanted, roleOid: number): boolean {
    return hasPrivilege(this.#shared, { ...securable, roleOid, privilege: letter, grantOption })
  }

  #role(role: string | number | undefined): number {
    if (role === undefined) return this.#parts.roleOid()
    if (typeof role === 'number') return role
    if (role === 'public') return 0
    const found = this.#shared.roleByName(role)
    if (found === undefined) throw new SqlError('42704', `role "${role}" does not exist`)
    return found.oid
  }

  #relation(object: string | number): Relation | undefined {
    if (typeof object === 'number') return this.#parts.catalog().relation(object)
    const names = splitQualifiedName(object)
    const relation = this.#names.relation(names)
    if (relation === undefined) throw new SqlError('42P01', `relation "${names.join('.')}" does not exist`)
    return relation
  }

  #find(kind: PrivilegeKind, object: string | number): Securable | undefined {
    const type = KIND_TYPES[kind]
    const catalog = this.#parts.catalog()
    const builtIn: Securable = { type, acl: undefined, ownerOid: POSTGRES_ROLE_OID }
    switch (kind) {
      case 'table':
      case 'any_column':
      case 'sequence': {
        const relation = this.#relation(object)
        if (relation === undefined) return undefined
        if (kind === 'sequence' && relation.kind !== 'sequence') {
          throw new SqlError('42809', `"${relation.name}" is not a sequence`)
        }
        return { type, acl: relation.acl, ownerOid: relation.ownerOid }
      }
      case 'schema': {
        const schema = typeof object === 'number' ? catalog.schema(object) : catalog.schemaByName(object)
        if (schema === undefined && typeof object === 'string')
          throw new SqlError('3F000', `schema "${object}" does not exist`)
        return schema === undefined ? undefined : { type, acl: schema.acl, ownerOid: schema.ownerOid }
      }
      case 'database': {
        const { shared } = catalog
        const database = typeof object === 'number' ? shared.database(object) : shared.databaseByName(object)
        if (database === undefined && typeof object === 'string') {
          throw new SqlError('3D000', `database "${object}" does not exist`)
        }
        return database === undefined ? undefined : { type, acl: database.acl, ownerOid: database.ownerOid }
      }
      case 'type': {
        const oid = typeof object === 'number' ? object : this.#names.regNameToOid('regtype', object)
        const entry = catalog.typeEntry(oid)
        return entry === undefined ? undefined : { type, acl: entry.acl, ownerOid: entry.ownerOid }
      }
      case 'function': {
        const oid = typeof object === 'number' ? object : this.#names.regNameToOid('regprocedure', object)
        return staticRowByOid('pg_proc', oid) === undefined ? undefined : builtIn
      }
      case 'language':
      case 'tablespace':
      case 'parameter':
        return builtIn
      case 'foreign_data_wrapper':
      case 'server':
        if (typeof object === 'number') return undefined
        throw new SqlError(
          '42704',
          `${kind === 'server' ? 'server' : 'foreign-data wrapper'} "${object}" does not exist`,
        )
    }
  }
}
