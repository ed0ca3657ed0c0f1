// The objects of a database as comparable definitions, with the statements that make and drop each.
//
//   Catalog ──describe──▶ "table public.orders", "column public.orders.total", "index public.orders_total_idx", ...
//
// A definition says everything about its object but what is an object of its own: a table's columns, constraints and
// indexes are listed beside it. Statements name everything with its schema. Identity columns bring their sequence along.

import { must } from '../../../storage/base/assert.ts'
import type { Catalog, Column, Sequence, Table, TypeEntry } from '../../catalog/catalog.ts'
import { catalogServices } from '../../catalog/catalog-services.ts'
import { CatalogNames } from '../../catalog/names.ts'
import { storedDeparser } from '../../ddl/stored-deparser.ts'
import { formatType } from '../../functions/format-type.ts'
import { quoteIdentifier, quoteLiteral } from '../../functions/quote.ts'
import type { CatalogServices } from '../../functions/services.ts'
import type { SessionCore } from '../session-core.ts'
import { AttributeDescriber, type Described, type DescribedColumn } from './schema-attributes.ts'

/** Oids of the catalogs that objects are listed in. */
const PG_TYPE = 1247
const PG_CLASS = 1259
const PG_NAMESPACE = 2615

/** In the order in which they are made; they are dropped in the opposite one. */
export const OBJECT_KINDS = [
  'schema',
  'type',
  'sequence',
  'table',
  'column',
  'constraint',
  'index',
  'view',
  'owner',
  'privilege',
  'comment',
] as const
export type ObjectKind = (typeof OBJECT_KINDS)[number]

export interface SchemaObject {
  readonly kind: ObjectKind
  /** Qualified and quoted: public.orders, public.orders.total. Constraints: public.orders.orders_pkey. */
  readonly name: string
  readonly definition: string
  /** The table that a column or a constraint is part of. */
  readonly table: string | undefined
  /** Of owners, privileges and comments: the object that they are about, as "kind name". */
  readonly about: string | undefined
  readonly create: string
  readonly drop: string
  readonly oid: number
  /** The table's primary key: made with the table when that is new. */
  readonly isPrimaryKey: boolean
  readonly isForeignKey: boolean
  readonly column: Column | undefined
  /** A column's parts, as ALTER TABLE takes them. */
  readonly parts: ColumnParts | undefined
  readonly labels: readonly string[] | undefined
}

export interface ColumnParts {
  readonly type: string
  readonly default: string | undefined
  readonly identity: string | undefined
  readonly notNull: boolean
}

type Draft = Pick<SchemaObject, 'kind' | 'name' | 'definition' | 'create' | 'drop' | 'oid'> &
  Partial<SchemaObject>

/** The objects by "kind name", in the order of their making. */
export function describeSchema(core: SessionCore, catalog: Catalog): ReadonlyMap<string, SchemaObject> {
  const drafts = [...new Describer(core, catalog).objects()]
  // A foreign key may need a unique key that is new too.
  const rank = (one: SchemaObject): number => OBJECT_KINDS.indexOf(one.kind) + (one.isForeignKey ? 0.5 : 0)
  drafts.sort((a, b) => rank(a) - rank(b) || a.oid - b.oid)
  return new Map(drafts.map((object) => [`${object.kind} ${object.name}`, object]))
}

class Describer {
  readonly #catalog: Catalog
  readonly #services: CatalogServices
  readonly #lookup: Parameters<typeof formatType>[0]

  constructor(core: SessionCore, catalog: Catalog) {
    const parts = { catalog: () => catalog, context: () => core.context }
    const names = new CatalogNames(parts)
    this.#catalog = catalog
    this.#services = catalogServices({
      ...parts,
      roleOid: () => core.roleOid,
      deparser: storedDeparser(parts),
    })
    this.#lookup = {
      type: (oid) => must(catalog.type(oid)),
      regNameToOid: (kind, name) => names.regNameToOid(kind, name),
      regOidToName: (kind, oid) => names.regOidToName(kind, oid),
      // What the catalog of a branch holds was checked when it was made.
      checkDomain: () => undefined,
    }
  }

  *objects(): Iterable<SchemaObject> {
    yield* this.#definitions()
    const attributes = new AttributeDescriber(this.#catalog)
    for (const one of this.#described())
      for (const attribute of attributes.of(one)) yield object({ ...attribute, about: one.key, oid: 0 })
    for (const one of this.#columns()) {
      for (const attribute of attributes.comment(one))
        yield object({ ...attribute, about: one.key, table: one.table, oid: 0 })
      for (const attribute of attributes.columnPrivileges(one))
        yield object({ ...attribute, about: one.key, table: one.table, oid: 0 })
    }
    for (const attribute of attributes.defaultPrivileges()) yield object({ ...attribute, oid: 0 })
  }

  /** What can have an owner, privileges and a comment. */
  *#described(): Iterable<Described> {
    const catalog = this.#catalog
    for (const { oid, name, ownerOid, acl } of catalog.schemas()) {
      const quoted = quoteIdentifier(name)
      const comment = { classOid: PG_NAMESPACE, oid, subId: 0 }
      if (isUsers(name) && name !== 'public')
        yield { word: 'SCHEMA', name: quoted, key: `schema ${quoted}`, ownerOid, acl, comment }
    }
    for (const { type, schemaOid, ownerOid, acl } of catalog.types()) {
      if (!this.#isUsersIn(schemaOid) || (type.kind !== 'enum' && type.kind !== 'domain')) continue
      const name = this.#name({ schemaOid, name: type.name })
      const comment = { classOid: PG_TYPE, oid: type.oid, subId: 0 }
      yield {
        word: type.kind === 'enum' ? 'TYPE' : 'DOMAIN',
        name,
        key: `type ${name}`,
        ownerOid,
        acl,
        comment,
      }
    }
    for (const relation of catalog.relations()) {
      if (!this.#isUsersIn(relation.schemaOid) || relation.persistence === 'temporary') continue
      const { kind, oid, ownerOid, acl } = relation
      if (kind === 'index' || (kind === 'table' && relation.isCompositeType)) continue
      // Those of columns have their tables' owners.
      if (kind === 'sequence' && relation.ownedByTable !== 0) continue
      const name = this.#name(relation)
      const comment = { classOid: PG_CLASS, oid, subId: 0 }
      yield { word: kind.toUpperCase(), name, key: `${kind} ${name}`, ownerOid, acl, comment }
    }
  }

  *#columns(): Iterable<Pick<Described, 'word' | 'key' | 'comment'> & DescribedColumn> {
    for (const relation of this.#catalog.relations()) {
      if (relation.kind !== 'table' && relation.kind !== 'view') continue
      if (relation.kind === 'table' && relation.isCompositeType) continue
      if (!this.#isUsersIn(relation.schemaOid) || relation.persistence === 'temporary') continue
      const { oid, ownerOid } = relation
      const table = this.#name(relation)
      for (const { name: own, number, isDropped, acl } of relation.columns) {
        if (isDropped) continue
        const column = quoteIdentifier(own)
        const name = `${table}.${column}`
        const key = relation.kind === 'view' ? `view ${table}` : `column ${name}`
        yield {
          word: 'COLUMN',
          name,
          column,
          key,
          comment: { classOid: PG_CLASS, oid, subId: number },
          table,
          ownerOid,
          acl,
        }
      }
    }
  }

  *#definitions(): Iterable<SchemaObject> {
    const catalog = this.#catalog
    for (const schema of catalog.schemas()) {
      if (!isUsers(schema.name)) continue
      const name = quoteIdentifier(schema.name)
      const create = `CREATE SCHEMA ${name}`
      yield object({
        kind: 'schema',
        name,
        definition: create,
        create,
        drop: `DROP SCHEMA ${name}`,
        oid: schema.oid,
      })
    }
    for (const entry of catalog.types()) if (this.#isUsersIn(entry.schemaOid)) yield* this.#type(entry)
    for (const relation of catalog.relations()) {
      if (!this.#isUsersIn(relation.schemaOid) || relation.persistence === 'temporary') continue
      if (relation.kind === 'table' && !relation.isCompositeType) yield* this.#table(relation)
      else if (relation.kind === 'sequence') yield* this.#sequence(relation)
      else if (relation.kind === 'view') {
        const name = this.#name(relation)
        const text = must(this.#services.viewDefinition(relation.oid, false, undefined))
        const columns = relation.columns.map((column) => quoteIdentifier(column.name)).join(', ')
        const create = `CREATE OR REPLACE VIEW ${name} (${columns}) AS ${text}`
        yield object({
          kind: 'view',
          name,
          definition: create,
          create,
          drop: `DROP VIEW ${name}`,
          oid: relation.oid,
        })
      }
    }
  }

  #isUsersIn(schemaOid: number): boolean {
    return isUsers(this.#catalog.schema(schemaOid)?.name ?? 'pg_catalog')
  }

  #name(named: { readonly schemaOid: number; readonly name: string }): string {
    return `${quoteIdentifier(must(this.#catalog.schema(named.schemaOid)).name)}.${quoteIdentifier(named.name)}`
  }

  *#type({ type, schemaOid, labels, domain, relationOid }: TypeEntry): Iterable<SchemaObject> {
    const name = this.#name({ schemaOid, name: type.name })
    const drop = `DROP TYPE ${name}`
    if (type.kind === 'enum') {
      const sorted = [...labels].sort((a, b) => a.sortOrder - b.sortOrder).map(({ label }) => label)
      const create = `CREATE TYPE ${name} AS ENUM (${sorted.map(quoteLiteral).join(', ')})`
      yield object({ kind: 'type', name, definition: create, create, drop, oid: type.oid, labels: sorted })
    } else if (type.kind === 'domain' && domain !== undefined) {
      const parts = [`CREATE DOMAIN ${name} AS ${this.#typeName(domain.baseOid, domain.typmod)}`]
      if (domain.default !== undefined) parts.push(`DEFAULT ${this.#expression(domain.default, 0)}`)
      if (domain.notNull) parts.push('NOT NULL')
      for (const check of domain.checks) {
        const text = must(this.#services.constraintDefinition(check.oid, false))
        parts.push(`CONSTRAINT ${quoteIdentifier(check.name)} ${text}`)
      }
      const create = parts.join(' ')
      yield object({
        kind: 'type',
        name,
        definition: create,
        create,
        drop: `DROP DOMAIN ${name}`,
        oid: type.oid,
      })
    } else if (type.kind === 'composite') {
      const relation = this.#catalog.relation(relationOid)
      if (relation?.kind !== 'table' || !relation.isCompositeType) return
      const columns = relation.columns.filter((column) => !column.isDropped)
      const list = columns.map(
        (one) => `${quoteIdentifier(one.name)} ${this.#typeName(one.type, one.typmod)}`,
      )
      const create = `CREATE TYPE ${name} AS (${list.join(', ')})`
      yield object({ kind: 'type', name, definition: create, create, drop, oid: type.oid })
    }
  }

  *#sequence(sequence: Sequence): Iterable<SchemaObject> {
    const owner = this.#catalog.relation(sequence.ownedByTable)
    const column =
      owner?.kind === 'table'
        ? owner.columns.find(({ number }) => number === sequence.ownedByColumn)
        : undefined
    if (column?.identity !== undefined) return
    const name = this.#name(sequence)
    const { increment, min, max, start, cache, cycle } = sequence
    const create =
      `CREATE SEQUENCE ${name} AS ${this.#typeName(sequence.type, -1)} INCREMENT BY ${increment} MINVALUE ${min} ` +
      `MAXVALUE ${max} START WITH ${start} CACHE ${cache}${cycle ? ' CYCLE' : ''}`
    const drop = `DROP SEQUENCE IF EXISTS ${name}`
    yield object({ kind: 'sequence', name, definition: create, create, drop, oid: sequence.oid })
  }

  *#table(table: Table): Iterable<SchemaObject> {
    const name = this.#name(table)
    const columns = table.columns.filter((column) => !column.isDropped)
    const primaryKey = table.indexes.find((index) => index.isPrimary)
    const lines = columns.map(
      (column) => `${quoteIdentifier(column.name)} ${this.#columnText(table, column)}`,
    )
    if (primaryKey !== undefined) lines.push(this.#constraintText(primaryKey.name, primaryKey.constraintOid))
    const unlogged = table.persistence === 'unlogged' ? 'UNLOGGED ' : ''
    yield object({
      kind: 'table',
      name,
      definition: `CREATE ${unlogged}TABLE ${name}`,
      create: `CREATE ${unlogged}TABLE ${name} (${lines.join(', ')})`,
      drop: `DROP TABLE ${name}`,
      oid: table.oid,
    })
    for (const column of columns) yield this.#column(table, name, column)
    for (const index of table.indexes) {
      if (index.constraintOid !== 0)
        yield this.#constraint(name, index.name, index.constraintOid, { isPrimaryKey: index.isPrimary })
      else {
        const create = must(this.#services.indexDefinition(index.oid, 0, false))
        const indexName = this.#name({ schemaOid: table.schemaOid, name: index.name })
        const drop = `DROP INDEX ${indexName}`
        yield object({
          kind: 'index',
          name: indexName,
          definition: create,
          create,
          drop,
          oid: index.oid,
          table: name,
        })
      }
    }
    for (const check of table.checks) yield this.#constraint(name, check.name, check.oid, {})
    for (const key of table.foreignKeys)
      yield this.#constraint(name, key.name, key.oid, { isForeignKey: true })
  }

  #column(table: Table, tableName: string, column: Column): SchemaObject {
    const quoted = quoteIdentifier(column.name)
    const parts = this.#columnParts(table, column)
    const { type, identity } = parts
    const added = identity === undefined ? defaultText(column, parts) : ` NOT NULL ${identity}`
    return object({
      kind: 'column',
      name: `${tableName}.${quoted}`,
      definition: this.#columnText(table, column),
      // NOT NULL comes after the rows: they may not have their values yet.
      create: `ALTER TABLE ${tableName} ADD COLUMN ${quoted} ${type}${added}`,
      drop: `ALTER TABLE ${tableName} DROP COLUMN ${quoted}`,
      oid: column.number,
      table: tableName,
      column,
      parts,
    })
  }

  #columnParts(table: Table, column: Column): ColumnParts {
    const { identity } = column
    const isPlain = column.default === undefined || identity !== undefined
    return {
      type: this.#typeName(column.type, column.typmod),
      default: isPlain ? undefined : this.#expression(column.default ?? '', table.oid),
      identity:
        identity === undefined
          ? undefined
          : `GENERATED ${identity === 'always' ? 'ALWAYS' : 'BY DEFAULT'} AS IDENTITY`,
      notNull: column.notNull,
    }
  }

  #columnText(table: Table, column: Column): string {
    const parts = this.#columnParts(table, column)
    const own = parts.identity === undefined ? defaultText(column, parts) : ` ${parts.identity}`
    return `${parts.type}${own}${parts.notNull ? ' NOT NULL' : ''}`
  }

  #constraint(table: string, ownName: string, oid: number, flags: Partial<SchemaObject>): SchemaObject {
    const text = must(this.#services.constraintDefinition(oid, false))
    return object({
      kind: 'constraint',
      name: `${table}.${quoteIdentifier(ownName)}`,
      definition: text,
      create: `ALTER TABLE ${table} ADD CONSTRAINT ${quoteIdentifier(ownName)} ${text}`,
      drop: `ALTER TABLE ${table} DROP CONSTRAINT ${quoteIdentifier(ownName)}`,
      oid,
      table,
      ...flags,
    })
  }

  #constraintText(name: string, oid: number): string {
    return `CONSTRAINT ${quoteIdentifier(name)} ${must(this.#services.constraintDefinition(oid, false))}`
  }

  #typeName(oid: number, typmod: number): string {
    return formatType(this.#lookup, oid, typmod)
  }

  #expression(text: string, relationOid: number): string {
    return this.#services.expressionText(text, relationOid, false) ?? text
  }
}

function object(draft: Draft): SchemaObject {
  return {
    table: undefined,
    about: undefined,
    isPrimaryKey: false,
    isForeignKey: false,
    column: undefined,
    parts: undefined,
    labels: undefined,
    ...draft,
  }
}

function defaultText(column: Column, parts: ColumnParts): string {
  if (parts.default === undefined) return ''
  return column.generated ? ` GENERATED ALWAYS AS (${parts.default}) STORED` : ` DEFAULT ${parts.default}`
}

function isUsers(schema: string): boolean {
  return !schema.startsWith('pg_') && schema !== 'information_schema' && schema !== 'borealis'
}
