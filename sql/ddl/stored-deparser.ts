// Stored texts in the forms that pg_get_expr, pg_get_constraintdef, pg_get_indexdef and pg_get_viewdef show: under the
// session's search path, with or without the pretty flag. The catalog's services take it as their `deparser`.

import { must } from '../../storage/base/assert.ts'
import type { AnalysisContext } from '../analyze/analysis.ts'
import { analyzeExpressionText, analyzeNode } from '../analyze/analyze.ts'
import type { Catalog, DomainInfo, Table, View } from '../catalog/catalog.ts'
import type { Deparser } from '../catalog/definitions.ts'
import { deparseExpr } from '../deparse/expr.ts'
import { deparseQuery } from '../deparse/query.ts'
import type { FunctionContext } from '../functions/function.ts'
import { parseSql } from '../parse/parse.ts'
import { SqlError } from '../types/sql-error.ts'
import { valueTable } from './expressions.ts'

export interface DeparserParts {
  catalog(): Catalog
  context(): FunctionContext
}

const PG_CATALOG_OID = 11

export function storedDeparser(parts: DeparserParts): Deparser {
  const made = new StoredDeparser(parts)
  return {
    expression: (text, relationOid, pretty) => made.expression(text, relationOid, pretty),
    domainCheck: (text, domain, pretty) => made.domainCheck(text, domain, pretty),
    view: (view, pretty, wrapColumn) => made.view(view, pretty, wrapColumn),
  }
}

class StoredDeparser {
  readonly #parts: DeparserParts

  constructor(parts: DeparserParts) {
    this.#parts = parts
  }

  /** Stored names are qualified: they are bound under pg_catalog alone. */
  #analysis(): AnalysisContext {
    const catalog = this.#parts.catalog()
    return { catalog, searchPath: [PG_CATALOG_OID], typeContext: this.#parts.context(), parameterTypes: [] }
  }

  #searchPath(): number[] {
    const catalog = this.#parts.catalog()
    return this.#parts
      .context()
      .searchPath(true)
      .flatMap((name) => catalog.schemaByName(name)?.oid ?? [])
  }

  /** undefined where the text cannot be bound (a domain's VALUE, several texts in one): it is shown as it is stored. */
  expression(text: string, relationOid: number, pretty: boolean): string | undefined {
    const catalog = this.#parts.catalog()
    const relation = catalog.relation(relationOid)
    const table = relation?.kind === 'table' ? (relation satisfies Table) : undefined
    try {
      const expr = analyzeExpressionText(text, this.#analysis(), { kind: 'other', table })
      const shown = deparseExpr(expr, { catalog, searchPath: this.#searchPath(), pretty, indent: false })
      return this.#withNames(shown)
    } catch (error) {
      if (error instanceof SqlError) return undefined
      throw error
    }
  }

  domainCheck(text: string, domain: DomainInfo, pretty: boolean): string {
    const catalog = this.#parts.catalog()
    const table = valueTable(catalog, domain.baseOid, domain.typmod)
    const expr = analyzeExpressionText(text, this.#analysis(), { kind: 'check', table })
    const searchPath = this.#searchPath()
    const columnName = (): string => 'VALUE'
    return this.#withNames(deparseExpr(expr, { catalog, searchPath, pretty, indent: false, columnName }))
  }

  view(view: View, pretty: boolean, wrapColumn: number | undefined): string | undefined {
    void wrapColumn
    const catalog = this.#parts.catalog()
    const statement = must(parseSql(view.definition)[0], 'a view has a definition')
    const { body } = analyzeNode(statement.node, statement.source, this.#analysis())
    if (!('targets' in body)) return undefined
    const outputNames = view.columns.map((column) => column.name)
    const text = deparseQuery(body, { catalog, searchPath: this.#searchPath(), pretty, outputNames })
    return `${this.#withNames(text)};`
  }

  /** regclass constants are kept as oids. */
  #withNames(text: string): string {
    const { lookup } = this.#parts.context()
    return text.replaceAll(/'(\d+)'::regclass/g, (_, digits: string) => {
      const name = lookup.regOidToName('regclass', Number(digits))
      return `'${name.replaceAll("'", "''")}'::regclass`
    })
  }
}
