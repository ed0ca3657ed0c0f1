// What can be said of an object besides its definition, as objects of their own that are there or not: an owner other than
// the first superuser, grants, a comment. So a merge carries them over like any other difference.

import type { AclItem, Catalog, Comment } from '../../catalog/catalog.ts'
import { itemPrivileges, PRIVILEGE_NAMES } from '../../catalog/acl.ts'
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
    for (const item of acl) {
      if (item.grantee === ownerOid) continue
      const grantee = item.grantee === 0 ? 'PUBLIC' : this.#role(item.grantee)
      for (const { letter, grantable } of itemPrivileges(item)) {
        const privilege = PRIVILEGE_NAMES.get(letter) ?? letter
        const create = `GRANT ${privilege} ${on} TO ${grantee}${grantable ? ' WITH GRANT OPTION' : ''}`
        yield {
          kind: 'privilege',
          name: `${name}: ${privilege} for ${grantee}`,
          definition: create,
          create,
          drop: `REVOKE ${privilege} ${on} FROM ${grantee}`,
        }
      }
    }
  }

  #role(oid: number): string {
    const role = this.#catalog.shared.role(oid)
    return role === undefined ? String(oid) : quoteIdentifier(role.name)
  }
}
