// A catalog in memory for tests, made by a small interpreter of DDL: enough of CREATE TABLE, VIEW, TYPE, DOMAIN, SCHEMA and
// UNIQUE INDEX that one script builds the same schema here and in a PostgreSQL to compare with.

import { must } from '../../../storage/base/assert.ts'
import { CreatedTypes } from '../../catalog/created-types.ts'
import type {
  Catalog,
  Column,
  Index,
  Relation,
  Schema,
  SharedCatalog,
  Table,
  TypeEntry,
  View,
} from '../../catalog/catalog.ts'
import { builtinTypeEntry } from '../../catalog/snapshot.ts'
import {
  COLUMN_DEFAULTS,
  INDEX_COLUMN_DEFAULTS,
  type StoredObject,
  type StoredType,
} from '../../catalog/stored-objects.ts'
import { systemRelation, systemRelationByName } from '../../catalog/system-relations.ts'
import type { FunctionRegistry, SqlFunction } from '../../functions/function.ts'
import { builtinFunctions } from '../../functions/registry.ts'
import { type ColumnDef, type Node, nodeAs, type NodeOf, type RangeVar, stringsOf } from '../../parse/ast.ts'
import { type ParsedStatement, parseSql } from '../../parse/parse.ts'
import { builtinType, builtinTypes } from '../../types/registry.ts'
import { testContext } from '../../types/testing/context.ts'
import type { Type, TypeContext } from '../../types/type.ts'
import { Analysis, type AnalysisContext } from '../analysis.ts'
import { analyzeNode } from '../analyze.ts'
import { columnsOfQuery } from '../from-item.ts'
import { resolveTypeName } from '../type-name.ts'

const PG_CATALOG = 11
const PUBLIC = 2200

export class FakeCatalog implements Catalog {
  readonly version = 'fake'
  readonly databaseName = 'analyze_test'
  readonly databaseOid = 5
  readonly shared: SharedCatalog = {} as SharedCatalog
  readonly functions: FunctionRegistry = builtinFunctions()
  readonly #schemas: Schema[] = [
    { oid: PG_CATALOG, name: 'pg_catalog', ownerOid: 10, acl: undefined },
    { oid: PUBLIC, name: 'public', ownerOid: 10, acl: undefined },
  ]
  readonly #relations: Relation[] = []
  readonly #stored: StoredType[] = []
  #created: ReadonlyMap<number, TypeEntry> = new Map()
  #nextOid = 16384

  oid(): number {
    return this.#nextOid++
  }

  schema(oid: number): Schema | undefined {
    return this.#schemas.find((schema) => schema.oid === oid)
  }

  schemaByName(name: string): Schema | undefined {
    return this.#schemas.find((schema) => schema.name === name)
  }

  schemas(): Iterable<Schema> {
    return this.#schemas
  }

  relation(oid: number): Relation | undefined {
    return this.#relations.find((relation) => relation.oid === oid) ?? systemRelation(oid)
  }

  relationByName(schemaOid: number, name: string): Relation | undefined {
    return (
      this.#relations.find((relation) => relation.schemaOid === schemaOid && relation.name === name) ??
      systemRelationByName(schemaOid, name)
    )
  }

  relations(): Iterable<Relation> {
    return this.#relations
  }

  type(oid: number): Type | undefined {
    return builtinType(oid) ?? this.#created.get(oid)?.type
  }

  typeByName(schemaOid: number, name: string): TypeEntry | undefined {
    if (schemaOid === PG_CATALOG) {
      const type = builtinTypes().find((candidate) => candidate.name === name)
      return type === undefined ? undefined : builtinTypeEntry(type)
    }
    for (const entry of this.#created.values()) {
      if (entry.schemaOid === schemaOid && entry.type.name === name) return entry
    }
    return undefined
  }

  typeEntry(oid: number): TypeEntry | undefined {
    const type = builtinType(oid)
    return type === undefined ? this.#created.get(oid) : builtinTypeEntry(type)
  }

  types(): Iterable<TypeEntry> {
    return this.#created.values()
  }

  functionsByName(schemaOid: number, name: string): readonly SqlFunction[] {
    return schemaOid === PG_CATALOG ? this.functions.byName(name) : []
  }

  defaultPrivileges(): Iterable<never> {
    return []
  }

  comment(): undefined {
    return undefined
  }

  comments(): Iterable<never> {
    return []
  }

  addSchema(name: string): void {
    this.#schemas.push({ oid: this.oid(), name, ownerOid: 10, acl: undefined })
  }

  addRelation(relation: Relation): void {
    const known = this.#relations.findIndex((other) => other.oid === relation.oid)
    if (known < 0) this.#relations.push(relation)
    else this.#relations[known] = relation
    this.#rebuild()
  }

  addType(type: StoredType): void {
    this.#stored.push(type)
    this.#rebuild()
  }

  #rebuild(): void {
    const owners = new Map<number, StoredObject>()
    for (const stored of this.#stored) owners.set(stored.oid, stored).set(stored.arrayOid, stored)
    for (const relation of this.#relations) {
      if (relation.kind !== 'table' && relation.kind !== 'view') continue
      owners.set(relation.rowTypeOid, relation).set(relation.rowArrayTypeOid, relation)
    }
    const types = new CreatedTypes((oid) => owners.get(oid))
    this.#created = new Map([...owners.keys()].map((oid) => [oid, must(types.entry(oid))]))
  }
}

/** A context over a fake catalog, search path public. */
export function fakeContext(catalog: FakeCatalog, overrides: Partial<AnalysisContext> = {}): AnalysisContext {
  const base = testContext()
  const typeContext: TypeContext = {
    ...base,
    lookup: {
      ...base.lookup,
      type: (oid) => must(catalog.type(oid)),
      regNameToOid(kind, name) {
        const relation = catalog.relationByName(PUBLIC, name) ?? catalog.relationByName(PG_CATALOG, name)
        return relation?.oid ?? base.lookup.regNameToOid(kind, name)
      },
      regOidToName: (kind, oid) => catalog.relation(oid)?.name ?? base.lookup.regOidToName(kind, oid),
    },
  }
  return { catalog, searchPath: [PG_CATALOG, PUBLIC], typeContext, parameterTypes: [], ...overrides }
}

/** A catalog after a script of DDL. `loadParser` must have been awaited. */
export function fakeCatalog(script: string): FakeCatalog {
  const catalog = new FakeCatalog()
  for (const statement of parseSql(script)) interpret(catalog, statement)
  return catalog
}

function interpret(catalog: FakeCatalog, statement: ParsedStatement): void {
  const { node } = statement
  const schema = nodeAs(node, 'CreateSchemaStmt')
  const table = nodeAs(node, 'CreateStmt')
  const view = nodeAs(node, 'ViewStmt')
  const enumType = nodeAs(node, 'CreateEnumStmt')
  const domain = nodeAs(node, 'CreateDomainStmt')
  const composite = nodeAs(node, 'CompositeTypeStmt')
  const index = nodeAs(node, 'IndexStmt')
  if (schema !== undefined) catalog.addSchema(schema.schemaname ?? '')
  else if (table !== undefined)
    createTable(catalog, statement, table.relation ?? {}, table.tableElts ?? [], false)
  else if (composite !== undefined)
    createTable(catalog, statement, composite.typevar ?? {}, composite.coldeflist ?? [], true)
  else if (view !== undefined) createView(catalog, statement, view)
  else if (enumType !== undefined) createEnum(catalog, enumType)
  else if (domain !== undefined) createDomain(catalog, statement, domain)
  else if (index !== undefined) createIndex(catalog, statement, index)
  else throw new Error(`the fake catalog cannot do: ${statement.text}`)
}

const schemaOf = (catalog: FakeCatalog, name: string | undefined): number =>
  name === undefined ? PUBLIC : must(catalog.schemaByName(name)).oid

function columnOf(
  catalog: FakeCatalog,
  statement: ParsedStatement,
  definition: ColumnDef,
  number: number,
): Column {
  const analysis = new Analysis(fakeContext(catalog), statement.source)
  const { oid, typmod } = resolveTypeName(analysis, must(definition.typeName))
  const constraints = (definition.constraints ?? []).map((node) => must(nodeAs(node, 'Constraint')))
  const find = (type: string): (typeof constraints)[number] | undefined =>
    constraints.find((constraint) => constraint.contype === type)
  const identity = find('CONSTR_IDENTITY')
  const generated = find('CONSTR_GENERATED')
  return {
    ...COLUMN_DEFAULTS,
    number,
    name: definition.colname ?? '',
    type: oid,
    typmod,
    collation: analysis.collationOf(oid),
    notNull: find('CONSTR_NOTNULL') !== undefined || find('CONSTR_PRIMARY') !== undefined,
    default: textOf(statement, find('CONSTR_DEFAULT') ?? generated),
    generated: generated !== undefined,
    identity: identity === undefined ? undefined : identity.generated_when === 'a' ? 'always' : 'by-default',
    sequenceOid: identity === undefined ? 0 : 99999,
  }
}

/** The text of a constraint's expression: up to the end of the column's definition. */
function textOf(
  statement: ParsedStatement,
  constraint: NodeOf<'Constraint'> | undefined,
): string | undefined {
  if (constraint === undefined) return undefined
  const text = statement.source.text.slice(constraint.location ?? 0)
  const body = /^default\s+/i.exec(text) ? text.replace(/^default\s+/i, '') : text.slice(text.indexOf('('))
  let depth = 0
  for (let i = 0; i < body.length; i++) {
    const char = body.charAt(i)
    if (char === '(') depth++
    else if (char === ')' && --depth < 0) return body.slice(0, i)
    else if (char === ',' && depth === 0) return body.slice(0, i)
    else if (depth === 0 && /^\s(stored|not null|primary key)/i.test(body.slice(i))) return body.slice(0, i)
  }
  return body
}

function createTable(
  catalog: FakeCatalog,
  statement: ParsedStatement,
  name: RangeVar,
  elements: readonly Node[],
  isCompositeType: boolean,
): void {
  const oid = catalog.oid()
  const definitions = elements.flatMap((node) => nodeAs(node, 'ColumnDef') ?? [])
  const columns = definitions.map((definition, i) => columnOf(catalog, statement, definition, i + 1))
  const schemaOid = schemaOf(catalog, name.schemaname)
  const keys = definitions.flatMap((definition, i) =>
    (definition.constraints ?? []).flatMap((node) => {
      const type = nodeAs(node, 'Constraint')?.contype
      return type === 'CONSTR_PRIMARY' || type === 'CONSTR_UNIQUE' ? [{ type, columns: [i] }] : []
    }),
  )
  for (const node of elements) {
    const constraint = nodeAs(node, 'Constraint')
    if (constraint?.contype !== 'CONSTR_PRIMARY' && constraint?.contype !== 'CONSTR_UNIQUE') continue
    const names = stringsOf(constraint.keys)
    const indexes = names.map((key) => columns.findIndex((column) => column.name === key))
    keys.push({ type: constraint.contype, columns: indexes })
  }
  const relname = name.relname ?? ''
  const indexes = keys.map((key): Index => {
    const isPrimary = key.type === 'CONSTR_PRIMARY'
    const parts = key.columns.map((i) => columns[i]?.name ?? '')
    const indexName = isPrimary ? `${relname}_pkey` : `${relname}_${parts.join('_')}_key`
    return uniqueIndex(
      catalog,
      { name: indexName, schemaOid, tableOid: oid, isPrimary },
      key.columns.map((column) => ({
        ...INDEX_COLUMN_DEFAULTS,
        column,
        type: columns[column]?.type ?? 0,
      })),
    )
  })
  catalog.addRelation({
    kind: 'table',
    oid,
    name: relname,
    schemaOid,
    ownerOid: 10,
    acl: undefined,
    persistence: 'permanent',
    columns,
    tree: 0 as Table['tree'],
    clusterKey: undefined,
    codec: {} as Table['codec'],
    rowTypeOid: catalog.oid(),
    rowArrayTypeOid: catalog.oid(),
    layouts: [],
    onCommit: 'preserve',
    indexes,
    checks: [],
    foreignKeys: [],
    referencedBy: [],
    virtual: undefined,
    options: [],
    isCompositeType,
  })
}

function uniqueIndex(
  catalog: FakeCatalog,
  of: {
    readonly name: string
    readonly schemaOid: number
    readonly tableOid: number
    readonly isPrimary: boolean
  },
  columns: Index['columns'],
  predicate?: string,
): Index {
  return {
    kind: 'index',
    oid: catalog.oid(),
    ...of,
    ownerOid: 10,
    acl: undefined,
    persistence: 'permanent',
    tree: 0 as Index['tree'],
    isClustered: of.isPrimary,
    unique: true,
    nullsNotDistinct: false,
    columns,
    included: [],
    predicate,
    constraintOid: predicate === undefined ? catalog.oid() : 0,
    deferrable: false,
    initiallyDeferred: false,
    method: 'btree',
  } as unknown as Index
}

function createIndex(catalog: FakeCatalog, statement: ParsedStatement, index: NodeOf<'IndexStmt'>): void {
  const table = catalog.relationByName(PUBLIC, index.relation?.relname ?? '')
  if (table?.kind !== 'table' || index.unique !== true) throw new Error('unique indexes on tables only')
  const columns = (index.indexParams ?? []).map((node): Index['columns'][number] => {
    const element = must(nodeAs(node, 'IndexElem'))
    if (element.name === undefined) {
      const text = /\(\((.*?\))\)/.exec(statement.text)?.[1] ?? /\((\w+\(\w+\))\)/.exec(statement.text)?.[1]
      return { ...INDEX_COLUMN_DEFAULTS, column: -1, expression: must(text), type: 25 }
    }
    const column = table.columns.findIndex((candidate) => candidate.name === element.name)
    return { ...INDEX_COLUMN_DEFAULTS, column, type: table.columns[column]?.type ?? 0 }
  })
  const predicate = / where (.*)$/i.exec(statement.text)?.[1]
  const of = { name: index.idxname ?? '', schemaOid: table.schemaOid, tableOid: table.oid, isPrimary: false }
  catalog.addRelation({ ...table, indexes: [...table.indexes, uniqueIndex(catalog, of, columns, predicate)] })
}

function createView(catalog: FakeCatalog, statement: ParsedStatement, view: NodeOf<'ViewStmt'>): void {
  const definition = statement.text.replace(/^create\s+view\s+\S+\s*(\([^)]*\)\s*)?as\s+/i, '')
  const { body } = analyzeNode(
    must(parseSql(definition)[0]).node,
    must(parseSql(definition)[0]).source,
    fakeContext(catalog),
  )
  if (!('targets' in body)) throw new Error('a view is a query')
  const aliases = stringsOf(view.aliases)
  const columns = columnsOfQuery(body).map((column, i): Column => ({
    ...COLUMN_DEFAULTS,
    ...column,
    name: aliases[i] ?? column.name,
    number: i + 1,
  }))
  const relation: View = {
    kind: 'view',
    oid: catalog.oid(),
    name: view.view?.relname ?? '',
    schemaOid: schemaOf(catalog, view.view?.schemaname),
    ownerOid: 10,
    acl: undefined,
    persistence: 'permanent',
    columns,
    rowTypeOid: catalog.oid(),
    rowArrayTypeOid: catalog.oid(),
    definition,
    options: [],
    dependencies: [],
  }
  catalog.addRelation(relation)
}

function storedType(
  catalog: FakeCatalog,
  names: readonly string[],
  form: 'enum' | 'domain',
): Omit<StoredType, 'labels' | 'domain'> {
  const name = must(names.at(-1))
  return {
    kind: 'type',
    oid: catalog.oid(),
    name,
    schemaOid: schemaOf(catalog, names.length > 1 ? names[0] : undefined),
    ownerOid: 10,
    acl: undefined,
    arrayOid: catalog.oid(),
    arrayName: `_${name}`,
    form,
  }
}

function createEnum(catalog: FakeCatalog, statement: NodeOf<'CreateEnumStmt'>): void {
  const labels = stringsOf(statement.vals).map((label, i) => ({
    oid: catalog.oid(),
    label,
    sortOrder: i + 1,
  }))
  catalog.addType({
    ...storedType(catalog, stringsOf(statement.typeName), 'enum'),
    labels,
    domain: undefined,
  })
}

function createDomain(
  catalog: FakeCatalog,
  { source }: ParsedStatement,
  statement: NodeOf<'CreateDomainStmt'>,
): void {
  const { oid, typmod } = resolveTypeName(
    new Analysis(fakeContext(catalog), source),
    must(statement.typeName),
  )
  const domain = { baseOid: oid, typmod, notNull: false, default: undefined, checks: [] }
  catalog.addType({ ...storedType(catalog, stringsOf(statement.domainname), 'domain'), labels: [], domain })
}
