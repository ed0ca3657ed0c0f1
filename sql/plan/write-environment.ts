// Types, domains and stored expressions of a catalog snapshot: what compiling expressions and table writers needs.
// Expressions that the catalog keeps as text are bound here, under pg_catalog alone: their names are qualified.

import { must } from '../../storage/base/assert.ts'
import { analyzeExpressionText, type ExpressionOptions } from '../analyze/analyze.ts'
import type { AnalysisContext } from '../analyze/analysis.ts'
import type { Catalog, Table } from '../catalog/catalog.ts'
import type { DomainRules } from '../exec/expression/compiler.ts'
import { replace } from '../exec/expression/walk.ts'
import type { StoredPurpose, WriteEnvironment } from '../exec/modify/compiled-table.ts'
import type { FunctionContext, FunctionRegistry } from '../functions/function.ts'
import type { Expr, RelationId } from '../tree/expr.ts'
import type { Type } from '../types/type.ts'

const PG_CATALOG_OID = 11

export interface EnvironmentParts {
  readonly catalog: Catalog
  readonly functions: FunctionContext
}

export function writeEnvironment(parts: EnvironmentParts): WriteEnvironment {
  return new CatalogEnvironment(parts)
}

/** Also the planner's base. */
export class CatalogEnvironment implements WriteEnvironment {
  readonly catalog: Catalog
  readonly functions: FunctionRegistry
  readonly #context: FunctionContext
  readonly #domains = new Map<number, DomainRules | undefined>()

  constructor({ catalog, functions }: EnvironmentParts) {
    this.catalog = catalog
    this.functions = catalog.functions
    this.#context = functions
  }

  type(oid: number): Type {
    return must(this.catalog.type(oid), 'analysis resolved every type')
  }

  domain(oid: number): DomainRules | undefined {
    if (!this.#domains.has(oid)) this.#domains.set(oid, this.#rulesOf(oid))
    return this.#domains.get(oid)
  }

  #rulesOf(oid: number): DomainRules | undefined {
    const entry = this.catalog.typeEntry(oid)
    const info = entry?.domain
    if (entry === undefined || info === undefined) return undefined
    const below = this.domain(info.baseOid)
    const own = [...info.checks]
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map((check) => ({ name: check.name, expr: this.#domainCheck(check.expression, info.baseOid) }))
    const notNull = info.notNull || below?.notNull === true
    return {
      name: entry.type.name,
      schema: this.catalog.schema(entry.schemaOid)?.name,
      baseOid: info.baseOid,
      notNull,
      checks: [...(below?.checks ?? []), ...own],
    }
  }

  /** A CHECK over VALUE: bound over a relation of that one column, which then becomes the element placeholder. */
  #domainCheck(text: string, baseOid: number): Expr {
    const { type, typmod } = { type: baseOid, typmod: -1 }
    const column = {
      number: 1,
      name: 'value',
      type,
      typmod,
      collation: 0,
      notNull: false,
      isDropped: false,
      generated: false,
    }
    const table = {
      kind: 'table',
      oid: 0,
      name: 'domain',
      columns: [column],
      rowTypeOid: 0,
    } as unknown as Table
    const bound = analyzeExpressionText(text, this.#analysisContext(), { kind: 'check', table })
    return replace(bound, (one) => {
      if (one.kind !== 'column') return undefined
      const { type: columnType, typmod: columnTypmod, collation, location } = one
      return { kind: 'element', type: columnType, typmod: columnTypmod, collation, location }
    })
  }

  bindTableExpression(text: string, table: Table, relation: RelationId, purpose: StoredPurpose): Expr {
    const bound = analyzeExpressionText(text, this.#analysisContext(), optionsOf(table, purpose))
    // Analysis counts columns that are not dropped; rows being written have all of them.
    const live = table.columns.flatMap((column, i) => (column.isDropped ? [] : [i]))
    return replace(bound, (one) => {
      if (one.kind !== 'column') return undefined
      return { ...one, relation, column: one.column < 0 ? one.column : must(live[one.column]) }
    })
  }

  #analysisContext(): AnalysisContext {
    return {
      catalog: this.catalog,
      searchPath: [PG_CATALOG_OID],
      typeContext: this.#context,
      parameterTypes: [],
    }
  }
}

function optionsOf(table: Table, purpose: StoredPurpose): ExpressionOptions {
  const { kind } = purpose
  if (kind !== 'default' && kind !== 'generated') return { kind, table }
  const column = must(table.columns[purpose.column])
  return { kind, table, target: { type: column.type, typmod: column.typmod, columnName: column.name } }
}
