// What can be said of an object besides its definition, as objects of their own that are there or not: an owner other than
// the first superuser, grants (on columns too, and default ones), a comment.
// So a merge carries them over like any other difference.

import type { AclItem, Catalog, Comment } from '../../catalog/catalog.ts'
import { must } from '../../../storage/base/assert.ts'
import { type AclObjectType, defaultAcl, itemPrivileges, PRIVILEGE_NAMES } from '../../catalog/acl.ts'
import { POSTGRES_ROLE_OID } from '../../catalog/bootstrap.ts'
import { quoteIdentifier, quoteLiteral } from '../../functions/quote.ts'

/** What is described: its statement word (TABLE, VIEW, ...) and qualified name. */
export interface Described {
  readonly word: string
  readonly name: string
  /** Key of the object, as describeSchema has it: goes when that goes. */
  readonly key: string
  readonly ownerOid: number
  readonly acl?: readonly AclItem[] | undefined
  /** Where comments on it stand; undefined: not here. */
  readonly comment: Pick<Comment, 'classOid' | 'oid' | 'subId'> | undefined
}

export interface Attribute {
  readonly kind: 'owner' | 'privilege' | 'comment'
  readonly name: string
  readonly definition: string
  readonly create: string
  readonly drop: string
}

/** A column with privileges of its own; `table` is its table's or view's qualified name, `name` the column's. */
export interface DescribedColumn {
  readonly table: string
  readonly name: string
  /** Its own name, quoted. */
  readonly column: string
  readonly ownerOid: number
  readonly acl: readonly AclItem[] | undefined
}

/** A privilege of a role; the key tells grantee and privilege. */
interface Grant {
  readonly grantee: number
  readonly role: string
  readonly privilege: string
  readonly grantable: boolean
  readonly key: string
}

/** pg_default_acl.defaclobjtype: the word of ALTER DEFAULT PRIVILEGES, and the type whose privileges are built in. */
const DEFAULT_OBJECTS: ReadonlyMap<string, readonly [word: string, type: AclObjectType]> = new Map([
  ['r', ['TABLES', 'r']],
  ['S', ['SEQUENCES', 's']],
  ['f', ['FUNCTIONS', 'f']],
  ['T', ['TYPES', 'T']],
  ['n', ['SCHEMAS', 'n']],
])

export class AttributeDescriber {
  readonly #catalog: Catalog
  readonly #comments = new Map<string, string>()

  constructor(catalog: Catalog) {
    this.#catalog = catalog
    for (const { classOid, oid, subId, text } of catalog.comments())
      this.#comments.set(`${classOid} ${oid} ${subId}`, text)
  }

  *of(one: Described): Iterable<Attribute> {
    const { word, name } = one
    if (one.ownerOid !== POSTGRES_ROLE_OID) {
      const owner = this.#role(one.ownerOid)
      const alter = `ALTER ${word} ${name} OWNER TO`
      const drop = `${alter} ${this.#role(POSTGRES_ROLE_OID)}`
      yield { kind: 'owner', name, definition: owner, create: `${alter} ${owner}`, drop }
    }
    yield* this.#privileges(one)
    yield* this.comment(one)
  }

  *comment({ word, name, comment }: Pick<Described, 'word' | 'name' | 'comment'>): Iterable<Attribute> {
    const text = comment && this.#comments.get(`${comment.classOid} ${comment.oid} ${comment.subId}`)
    if (text === undefined) return
    const on = `COMMENT ON ${word} ${name} IS`
    const definition = quoteLiteral(text)
    yield { kind: 'comment', name, definition, create: `${on} ${definition}`, drop: `${on} NULL` }
  }

  /**
   * One for each privilege that a role has, so that two sides may grant different ones. The owner has all without being
   * told, so only what others have is said.
   */
  *#privileges({ word, name, ownerOid, acl = [] }: Described): Iterable<Attribute> {
    const on = `ON ${word === 'VIEW' ? 'TABLE' : word} ${name}`
    for (const grant of this.#grants(acl))
      if (grant.grantee !== ownerOid) yield this.#grant(grant, { name, what: grant.privilege, on, alter: '' })
  }

  /** The same of a column. */
  *columnPrivileges({ table, name, column, ownerOid, acl = [] }: DescribedColumn): Iterable<Attribute> {
    for (const grant of this.#grants(acl))
      if (grant.grantee !== ownerOid)
        yield this.#grant(grant, {
          name,
          what: `${grant.privilege} (${column})`,
          on: `ON TABLE ${table}`,
          alter: '',
        })
  }

  /**
   * ALTER DEFAULT PRIVILEGES, each privilege by itself: those that are granted beyond what is built in, and those that are
   * built in and were revoked. `about`: the schema that they are for.
   */
  *defaultPrivileges(): Iterable<Attribute & { readonly about: string | undefined }> {
    for (const { roleOid, schemaOid, objectType, acl } of this.#catalog.defaultPrivileges()) {
      const [word, type] = must(DEFAULT_OBJECTS.get(objectType), 'an object type of pg_default_acl')
      const schema =
        schemaOid === 0 ? undefined : quoteIdentifier(this.#catalog.schema(schemaOid)?.name ?? '')
      const place = `FOR ROLE ${this.#role(roleOid)}${schema === undefined ? '' : ` IN SCHEMA ${schema}`}`
      const name = `${word.toLowerCase()} made by ${this.#role(roleOid)}${schema === undefined ? '' : ` in ${schema}`}`
      const about = schema && `schema ${schema}`
      const on = `ON ${word}`
      const alter = `ALTER DEFAULT PRIVILEGES ${place} `
      const built = schemaOid === 0 ? [...this.#grants(defaultAcl(type, roleOid))] : []
      const granted = [...this.#grants(acl ?? [])]
      const isIn = (list: readonly Grant[], { key, grantable }: Grant): boolean =>
        list.some((one) => one.key === key && one.grantable === grantable)
      for (const grant of granted)
        if (!isIn(built, grant))
          yield { ...this.#grant(grant, { name, what: grant.privilege, on, alter }), about }
      for (const grant of built) {
        if (granted.some(({ key }) => key === grant.key)) continue
        const { create, drop, ...rest } = this.#grant(grant, {
          name: `no ${name}`,
          what: grant.privilege,
          on,
          alter,
        })
        yield { ...rest, definition: drop, create: drop, drop: create, about }
      }
    }
  }

  *#grants(acl: readonly AclItem[]): Iterable<Grant> {
    for (const item of acl) {
      const { grantee } = item
      const role = grantee === 0 ? 'PUBLIC' : this.#role(grantee)
      for (const { letter, grantable } of itemPrivileges(item))
        yield {
          grantee,
          role,
          privilege: PRIVILEGE_NAMES.get(letter) ?? letter,
          grantable,
          key: `${grantee}${letter}`,
        }
    }
  }

  /** `name`: of what; `what` `on`: as GRANT says it; `alter`: what stands before GRANT. */
  #grant(
    { role, privilege, grantable }: Grant,
    {
      name,
      what,
      on,
      alter,
    }: { readonly name: string; readonly what: string; readonly on: string; readonly alter: string },
  ): Attribute {
    const create = `${alter}GRANT ${what} ${on} TO ${role}${grantable ? ' WITH GRANT OPTION' : ''}`
    return {
      kind: 'privilege',
      name: `${name}: ${privilege} for ${role}`,
      definition: create,
      create,
      drop: `${alter}REVOKE ${what} ${on} FROM ${role}`,
    }
  }

  #role(oid: number): string {
    const role = this.#catalog.shared.role(oid)
    return role === undefined ? String(oid) : quoteIdentifier(role.name)
  }
}
