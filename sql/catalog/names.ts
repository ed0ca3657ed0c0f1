// Names and oids as a session's catalog and search path connect them: what regclass, regtype and their kin read and
// print, and pg_..._is_visible.

import { sqlTypeName as sqlNameOf } from '../functions/format-type.ts'
import type { FunctionContext, SqlFunction } from '../functions/function.ts'
import { quoteIdentifier } from '../functions/quote.ts'
import { SqlError } from '../types/sql-error.ts'
import type { Catalog, Relation, TypeEntry } from './catalog.ts'
import { PG_CATALOG_OID } from './bootstrap.ts'
import { visibleName, visibleTypeName } from './describe.ts'
import { sqlTypeName } from './sql-type-name.ts'
import { staticCount, staticName, staticOid, staticRowByOid, type StaticRelation } from './static-rows.ts'

export interface CatalogNameParts {
  catalog(): Catalog
  /** Gives the search path; undefined while a session is being made. */
  context(): FunctionContext
}

/** 'a.b' and '"A".b' into their parts, unquoted ones in lower case. SqlError 42602. */
export function splitQualifiedName(text: string): string[] {
  const parts: string[] = []
  const pattern = /\s*(?:"((?:[^"]|"")+)"|([^\s".]+))\s*(\.|$)/uy
  for (;;) {
    const match = pattern.exec(text)
    if (match === null) throw new SqlError('42602', 'invalid name syntax')
    const [, quoted, plain, end] = match
    parts.push(quoted === undefined ? (plain ?? '').toLowerCase() : quoted.replaceAll('""', '"'))
    if (end === '') break
  }
  if (parts.length > 3)
    throw new SqlError('42601', `improper qualified name (too many dotted names): ${text}`)
  return parts
}

export class CatalogNames {
  readonly #parts: CatalogNameParts

  constructor(parts: CatalogNameParts) {
    this.#parts = parts
  }

  get catalog(): Catalog {
    return this.#parts.catalog()
  }

  /** Schema oids of the effective search path, in order. */
  path(): number[] {
    const { catalog } = this
    const oids: number[] = []
    for (const name of this.#parts.context().searchPath(true)) {
      const schema = catalog.schemaByName(name)
      if (schema !== undefined) oids.push(schema.oid)
    }
    return oids
  }

  /** The relation a (qualified) name leads to. */
  relation(names: readonly string[]): Relation | undefined {
    const { catalog } = this
    const name = names.at(-1) ?? ''
    const schemaName = names.at(-2)
    if (schemaName !== undefined) {
      const schema = this.#schema(schemaName)
      return schema === undefined ? undefined : catalog.relationByName(schema, name)
    }
    for (const oid of this.path()) {
      const relation = catalog.relationByName(oid, name)
      if (relation !== undefined) return relation
    }
    return undefined
  }

  type(names: readonly string[]): TypeEntry | undefined {
    const { catalog } = this
    const name = names.at(-1) ?? ''
    const schemaName = names.at(-2)
    if (schemaName !== undefined) {
      const schema = this.#schema(schemaName)
      return schema === undefined ? undefined : catalog.typeByName(schema, name)
    }
    for (const oid of this.path()) {
      const entry = catalog.typeByName(oid, name)
      if (entry !== undefined) return entry
    }
    return undefined
  }

  #schema(name: string): number | undefined {
    const real = name === 'pg_temp' ? `pg_temp_${this.#parts.context().processId}` : name
    return this.catalog.schemaByName(real)?.oid
  }

  /** The oid of a reg* type's input text; undefined never: SqlError when there is none. '-' is 0, digits are an oid. */
  regNameToOid(kind: string, text: string): number {
    const trimmed = text.trim()
    if (trimmed === '-') return 0
    if (/^\d+$/.test(trimmed)) return Number(trimmed)
    switch (kind) {
      case 'regclass':
        return this.#regclass(text)
      case 'regtype':
        return this.#regtype(text)
      case 'regproc':
        return this.#regproc(text)
      case 'regprocedure':
        return this.#regprocedure(text)
      case 'regoper':
        return this.#regoper(text)
      case 'regoperator':
        return this.#regoperator(text)
      case 'regnamespace': {
        const [name = ''] = splitQualifiedName(text)
        const oid = this.#schema(name)
        if (oid === undefined) throw new SqlError('3F000', `schema "${name}" does not exist`)
        return oid
      }
      case 'regrole': {
        const [name = ''] = splitQualifiedName(text)
        const role = this.catalog.shared.roleByName(name)
        if (role === undefined) throw new SqlError('42704', `role "${name}" does not exist`)
        return role.oid
      }
      case 'regcollation':
        return this.#static(
          'pg_collation',
          'collname',
          text,
          (name) => `collation "${name}" for encoding "UTF8" does not exist`,
        )
      case 'regconfig':
        return this.#static(
          'pg_ts_config',
          'cfgname',
          text,
          (name) => `text search configuration "${name}" does not exist`,
        )
      case 'regdictionary':
        return this.#static(
          'pg_ts_dict',
          'dictname',
          text,
          (name) => `text search dictionary "${name}" does not exist`,
        )
      default:
        throw new SqlError('42704', `${kind} "${text}" does not exist`)
    }
  }

  #regclass(text: string): number {
    const names = splitQualifiedName(text)
    const relation = this.relation(names)
    if (relation !== undefined) return relation.oid
    const schema = names.at(-2)
    if (schema !== undefined && this.#schema(schema) === undefined)
      throw new SqlError('3F000', `schema "${schema}" does not exist`)
    throw new SqlError('42P01', `relation "${names.join('.')}" does not exist`)
  }

  #regtype(text: string): number {
    const { base, dimensions } = sqlTypeName(text)
    const entry =
      base.builtin === undefined
        ? this.type(splitQualifiedName(base.text))
        : this.catalog.typeByName(PG_CATALOG_OID, base.builtin)
    if (entry === undefined) {
      throw new SqlError('42704', `type "${splitQualifiedName(base.text).join('.')}" does not exist`)
    }
    return dimensions === 0 ? entry.type.oid : entry.type.arrayOid
  }

  #functions(names: readonly string[]): readonly SqlFunction[] {
    const { catalog } = this
    const schemaName = names.at(-2)
    const oid = schemaName === undefined ? PG_CATALOG_OID : (this.#schema(schemaName) ?? 0)
    return catalog.functionsByName(oid, names.at(-1) ?? '')
  }

  #regproc(text: string): number {
    const names = splitQualifiedName(text)
    const found = this.#functions(names)
    const [only] = found
    if (only === undefined) throw new SqlError('42883', `function "${names.join('.')}" does not exist`)
    if (found.length > 1) throw new SqlError('42725', `more than one function named "${names.join('.')}"`)
    return only.oid
  }

  #regprocedure(text: string): number {
    const match = /^(.*?)\((.*)\)\s*$/s.exec(text)
    if (match === null) throw new SqlError('22P02', 'expected a left parenthesis')
    const types = this.#typeList(match[2] ?? '')
    const names = splitQualifiedName(match[1] ?? '')
    const found = this.#functions(names).find((item) => item.argumentTypes.join() === types.join())
    if (found === undefined) throw new SqlError('42883', `function "${text}" does not exist`)
    return found.oid
  }

  #typeList(text: string): number[] {
    if (text.trim() === '') return []
    return text.split(',').map((item) => (item.trim().toLowerCase() === 'none' ? 0 : this.#regtype(item)))
  }

  #regoper(text: string): number {
    const name = text.trim().split('.').at(-1) ?? ''
    const found = this.catalog.functions.operatorsByName(name)
    const [only] = found
    if (only === undefined) throw new SqlError('42883', `operator does not exist: ${text}`)
    if (found.length > 1) throw new SqlError('42725', `more than one operator named ${text}`)
    return only.oid
  }

  #regoperator(text: string): number {
    const match = /^(.*?)\((.*)\)\s*$/s.exec(text)
    if (match === null) throw new SqlError('22P02', 'expected a left parenthesis')
    const [left = 0, right = 0] = this.#typeList(match[2] ?? '')
    const name = (match[1] ?? '').trim().split('.').at(-1) ?? ''
    const found = this.catalog.functions
      .operatorsByName(name)
      .find((item) => item.left === left && item.right === right)
    if (found === undefined) throw new SqlError('42883', `operator does not exist: ${text}`)
    return found.oid
  }

  #static(
    relation: StaticRelation,
    column: string,
    text: string,
    complaint: (name: string) => string,
  ): number {
    const names = splitQualifiedName(text)
    const oid = staticOid(relation, column, names.at(-1) ?? '')
    if (oid === undefined) throw new SqlError('42704', complaint(names.join('.')))
    return oid
  }

  /** What a reg* type prints for an oid. */
  regOidToName(kind: string, oid: number): string {
    if (oid === 0) return '-'
    const { catalog } = this
    switch (kind) {
      case 'regclass': {
        const relation = catalog.relation(oid)
        return relation === undefined ? String(oid) : visibleName(catalog, this.path(), relation)
      }
      case 'regtype':
        return this.#typeName(oid)
      case 'regproc': {
        return this.#procName(oid)
      }
      case 'regprocedure': {
        const found = catalog.functions.byOid(oid)
        if (found === undefined) return String(oid)
        return `${quoteIdentifier(found.name)}(${found.argumentTypes.map((type) => this.regOidToName('regtype', type)).join(',')})`
      }
      case 'regoper': {
        const name = staticName('pg_operator', oid, 'oprname')
        if (name === undefined) return String(oid)
        return staticCount('pg_operator', 'oprname', name) > 1 ? `pg_catalog.${name}` : name
      }
      case 'regoperator': {
        const found = catalog.functions.operatorByOid(oid)
        if (found === undefined) return String(oid)
        const side = (type: number): string => (type === 0 ? 'NONE' : this.regOidToName('regtype', type))
        return `${found.name}(${side(found.left)},${side(found.right)})`
      }
      case 'regnamespace':
        return quoted(catalog.schema(oid)?.name, oid)
      case 'regrole':
        return quoted(catalog.shared.role(oid)?.name, oid)
      case 'regcollation':
        return quoted(staticName('pg_collation', oid, 'collname'), oid)
      case 'regconfig':
        return quoted(staticName('pg_ts_config', oid, 'cfgname'), oid)
      case 'regdictionary':
        return quoted(staticName('pg_ts_dict', oid, 'dictname'), oid)
      default:
        return String(oid)
    }
  }

  /** Behind its schema when the name alone would not lead to it: other functions have it too, or the path lacks it. */
  #procName(oid: number): string {
    const name = staticName('pg_proc', oid, 'proname')
    if (name === undefined) return String(oid)
    const schemaOid = staticRowByOid('pg_proc', oid)?.[2]
    const schema = this.catalog.schema(typeof schemaOid === 'number' ? schemaOid : PG_CATALOG_OID)
    const isVisible = schema !== undefined && this.path().includes(schema.oid)
    const isAlone = staticCount('pg_proc', 'proname', name) === 1
    const bare = quoteIdentifier(name)
    return isVisible && isAlone ? bare : `${quoteIdentifier(schema?.name ?? '')}.${bare}`
  }

  #typeName(oid: number): string {
    const { catalog } = this
    const type = catalog.type(oid)
    if (type === undefined) return String(oid)
    if (type.kind === 'array' && type.length === -1) return `${this.#typeName(type.elementOid)}[]`
    return sqlNameOf(oid) ?? visibleTypeName(catalog, this.path(), oid)
  }

  /** pg_table_is_visible and pg_type_is_visible; null for an oid that names nothing. */
  isVisible(kind: 'relation' | 'type', oid: number): boolean | null {
    const { catalog } = this
    if (kind === 'relation') {
      const relation = catalog.relation(oid)
      if (relation === undefined) return null
      return this.relation([relation.name])?.oid === oid
    }
    const entry = catalog.typeEntry(oid)
    if (entry === undefined) return null
    return this.type([entry.type.name])?.type.oid === oid
  }
}

function quoted(name: string | undefined, oid: number): string {
  return name === undefined ? String(oid) : quoteIdentifier(name)
}
