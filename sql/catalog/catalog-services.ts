// What built-in functions ask of the catalog (CatalogServices of sql/functions/services.ts): visibility, definitions as
// SQL, comments. Texts come from definitions.ts, names from names.ts, privileges from privilege-services.ts.

import type { FunctionContext } from '../functions/function.ts'
import type { CatalogServices } from '../functions/services.ts'
import { SqlError } from '../types/sql-error.ts'
import { CLASS_OID, PG_CATALOG_OID } from './bootstrap.ts'
import type { Catalog, Relation } from './catalog.ts'
import {
  constraintDefinition,
  type DefinitionContext,
  type Deparser,
  displayExpression,
  indexDefinition,
} from './definitions.ts'
import { describeObject } from './describe.ts'
import {
  functionArgumentDefault,
  functionArguments,
  functionDefinition,
  functionResult,
} from './function-texts.ts'
import { identifyObject } from './identify.ts'
import { CatalogNames, splitQualifiedName } from './names.ts'
import { indexProperty, methodProperty } from './access-method.ts'
import { quoteIdentifier } from '../functions/quote.ts'
import { staticRowByOid } from './static-rows.ts'
import { systemRelationByName } from './system-relations.ts'

export { privilegeServices } from './privilege-services.ts'

export interface CatalogServiceParts {
  catalog(): Catalog
  context(): FunctionContext
  /** The current user. */
  roleOid(): number
  /** Brings stored expressions and views into PostgreSQL's other forms; without it they show as they are stored. */
  readonly deparser?: Deparser | undefined
}

export function catalogServices(parts: CatalogServiceParts): CatalogServices {
  return new Services(parts)
}

class Services implements CatalogServices {
  readonly #parts: CatalogServiceParts
  readonly #names: CatalogNames

  constructor(parts: CatalogServiceParts) {
    this.#parts = parts
    this.#names = new CatalogNames(parts)
  }

  get #catalog(): Catalog {
    return this.#parts.catalog()
  }

  #definitions(): DefinitionContext {
    return { catalog: this.#catalog, path: this.#names.path(), deparser: this.#parts.deparser }
  }

  #isVisibleFunction(oid: number): boolean | null {
    const schemaOid = staticRowByOid('pg_proc', oid)?.[2]
    if (schemaOid === undefined) return null
    return schemaOid === PG_CATALOG_OID || this.#names.path().includes(schemaOid as number)
  }

  isVisible(kind: Parameters<CatalogServices['isVisible']>[0], oid: number): boolean | null {
    switch (kind) {
      case 'relation':
      case 'type':
        return this.#names.isVisible(kind, oid)
      case 'function':
        return this.#isVisibleFunction(oid)
      case 'operator':
        return staticRowByOid('pg_operator', oid) === undefined ? null : true
      case 'opclass':
        return staticRowByOid('pg_opclass', oid) === undefined ? null : true
      case 'opfamily':
        return staticRowByOid('pg_opfamily', oid) === undefined ? null : true
      case 'collation':
        return staticRowByOid('pg_collation', oid) === undefined ? null : true
      case 'conversion':
        return staticRowByOid('pg_conversion', oid) === undefined ? null : true
      case 'ts_config':
        return staticRowByOid('pg_ts_config', oid) === undefined ? null : true
      case 'ts_dict':
        return staticRowByOid('pg_ts_dict', oid) === undefined ? null : true
      case 'ts_parser':
        return staticRowByOid('pg_ts_parser', oid) === undefined ? null : true
      case 'ts_template':
        return staticRowByOid('pg_ts_template', oid) === undefined ? null : true
      case 'statistics':
        return null
    }
  }

  expressionText(expression: string, relation: number, pretty: boolean): string | null {
    if (relation !== 0 && this.#catalog.relation(relation) === undefined) return null
    return displayExpression(this.#definitions(), expression, relation, pretty)
  }

  indexDefinition(oid: number, column: number, pretty: boolean): string | null {
    const index = this.#catalog.relation(oid)
    return index?.kind === 'index' ? indexDefinition(this.#definitions(), index, column, pretty) : null
  }

  constraintDefinition(oid: number, pretty: boolean): string | null {
    return constraintDefinition(this.#definitions(), oid, pretty) ?? null
  }

  viewDefinition(oid: number, pretty: boolean, wrapColumn: number | undefined): string | null {
    const view = this.#catalog.relation(oid)
    if (view === undefined) return null
    if (view.kind !== 'view') return null
    const { deparser } = this.#parts
    return deparser?.view?.(view, pretty, wrapColumn) ?? view.definition
  }

  ruleDefinition(oid: number, pretty: boolean): string | null {
    const view = this.#catalog.relation(oid)
    if (view?.kind !== 'view') return null
    const schema = this.#catalog.schema(view.schemaOid)?.name ?? ''
    const definition = this.viewDefinition(oid, pretty, undefined) ?? ''
    const on = `${quoteIdentifier(schema)}.${quoteIdentifier(view.name)}`
    return `CREATE RULE "_RETURN" AS\n    ON SELECT TO ${on} DO INSTEAD ${definition}`
  }

  triggerDefinition(): string | null {
    return null
  }

  functionDefinition(oid: number): string | null {
    return functionDefinition(this.#names, oid)
  }

  functionArguments(oid: number, identityOnly: boolean): string | null {
    return functionArguments(this.#names, oid, identityOnly)
  }

  functionResult(oid: number): string | null {
    return functionResult(this.#names, oid)
  }

  functionBody(): string | null {
    return null
  }

  functionArgumentDefault(oid: number, argument: number): string | null {
    return functionArgumentDefault(oid, argument)
  }

  partitionKey(): string | null {
    return null
  }

  partitionConstraint(): string | null {
    return null
  }

  statisticsDefinition(): string | null {
    return null
  }

  serialSequence(table: string, column: string): string | null {
    const names = splitQualifiedName(table)
    const relation = this.#names.relation(names)
    if (relation === undefined) throw new SqlError('42P01', `relation "${names.join('.')}" does not exist`)
    const found =
      'columns' in relation && relation.kind !== 'index'
        ? relation.columns.find((item) => item.name === column && !item.isDropped)
        : undefined
    if (found === undefined) {
      throw new SqlError('42703', `column "${column}" of relation "${relation.name}" does not exist`)
    }
    for (const sequence of this.#catalog.relations()) {
      if (sequence.kind !== 'sequence' || sequence.ownedByTable !== relation.oid) continue
      if (sequence.ownedByColumn !== found.number) continue
      const schema = this.#catalog.schema(sequence.schemaOid)?.name ?? ''
      return `${quoteIdentifier(schema)}.${quoteIdentifier(sequence.name)}`
    }
    return null
  }

  comment(oid: number, catalog: string | undefined, column: number, shared: boolean): string | null {
    if (catalog === undefined) {
      for (const classOid of Object.values(CLASS_OID)) {
        const text = this.#catalog.comment(classOid, oid, column)
        if (text !== undefined) return text
      }
      return null
    }
    const classOid = systemRelationByName(PG_CATALOG_OID, catalog)?.oid
    if (classOid === undefined) return null
    const text = shared
      ? this.#catalog.shared.comment(classOid, oid)
      : this.#catalog.comment(classOid, oid, column)
    return text ?? null
  }

  roleName(oid: number): string {
    return this.#catalog.shared.role(oid)?.name ?? `unknown (OID=${oid})`
  }

  describeObject(catalog: number, oid: number, column: number): string | null {
    if (oid === 0) return null
    return describeObject(this.#catalog, this.#names.path(), {
      classOid: catalog,
      objectOid: oid,
      subId: column,
    })
  }

  identifyObject(catalog: number, oid: number, column: number): readonly (string | null)[] {
    return identifyObject(this.#catalog, { classOid: catalog, objectOid: oid, subId: column })
  }

  tablespaceLocation(): string {
    return ''
  }

  relationFilenode(oid: number): number | null {
    const relation = this.#catalog.relation(oid)
    return relation === undefined ? null : filenodeOf(relation)
  }

  relationFilepath(oid: number): string | null {
    const node = this.relationFilenode(oid)
    return node === null ? null : `base/${this.#catalog.databaseOid}/${node}`
  }

  isPublishable(oid: number): boolean | null {
    const relation = this.#catalog.relation(oid)
    if (relation === undefined) return null
    return relation.kind === 'table' && relation.virtual === undefined && relation.persistence === 'permanent'
  }

  relationUpdatability(oid: number): number {
    const relation = this.#catalog.relation(oid)
    return relation?.kind === 'table' && relation.virtual === undefined ? 28 : 0
  }

  partitionAncestors(): readonly number[] {
    return []
  }

  partitionTree(): Iterable<never> {
    return []
  }

  isIndexProperty(index: number, column: number, property: string): boolean | null {
    const relation = this.#catalog.relation(index)
    return relation?.kind === 'index' ? indexProperty(relation, column, property) : null
  }

  isAccessMethodProperty(method: number, property: string): boolean | null {
    return methodProperty(method, property)
  }

  collationVersion(): string | null {
    return null
  }

  temporarySchema(): number {
    return this.#catalog.schemaByName(`pg_temp_${this.#parts.context().processId}`)?.oid ?? 0
  }

  compositeFields(typeOid: number): ReturnType<CatalogServices['compositeFields']> {
    const entry = this.#catalog.typeEntry(typeOid)
    const relation = entry === undefined ? undefined : this.#catalog.relation(entry.relationOid)
    if (relation?.kind !== 'table' && relation?.kind !== 'view') return []
    const live = relation.columns.filter((column) => !column.isDropped)
    return live.map(({ name, type, typmod }) => ({ name, type, typmod }))
  }

  enumLabels(typeOid: number): readonly string[] {
    return this.#catalog.typeEntry(typeOid)?.labels.map(({ label }) => label) ?? []
  }

  roleOid(name: string): number {
    if (name.toLowerCase() === 'public') return 0
    const role = this.#catalog.shared.roleByName(name)
    if (role === undefined) throw new SqlError('42704', `role "${name}" does not exist`)
    return role.oid
  }
}

/** pg_class.relfilenode: what has no storage has 0; a tree is as good a number as a file. */
export function filenodeOf(relation: Relation): number {
  switch (relation.kind) {
    case 'table':
      return relation.isCompositeType ? 0 : relation.virtual === undefined ? relation.oid : 0
    case 'view':
      return 0
    default:
      return relation.oid
  }
}
