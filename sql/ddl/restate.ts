// Stored texts name things. When a table, column, type or schema gets another name, the texts that say the old one are
// bound with the old catalog and written out again with the new one.
//
//   capture(before) ── bound trees, which know oids ──▶ the change ──▶ restate() ── trees with new names ──▶ texts

import { must } from '../../storage/base/assert.ts'
import { analyzeExpressionText, analyzeNode } from '../analyze/analyze.ts'
import type { ExprKind } from '../analyze/expr-kind.ts'
import type { Catalog, Column, Dependency, Table, View } from '../catalog/catalog.ts'
import { deparseExpr } from '../deparse/expr.ts'
import { deparseQuery } from '../deparse/query.ts'
import { parseSql } from '../parse/parse.ts'
import type { Expr, RelationId } from '../tree/expr.ts'
import type { Query } from '../tree/query.ts'
import { analysisContext } from './expressions.ts'
import { mapTree, visitTree } from './tree-walk.ts'
import type { DdlWork } from './work.ts'

/** Changes nodes of captured trees beside names: constants of a renamed enum label. */
export type ChangeNode = (node: Record<string, unknown>) => Record<string, unknown> | undefined

type Concerns = (dependencies: readonly Dependency[]) => boolean

interface CapturedView {
  readonly oid: number
  readonly query: Query
}

interface CapturedTable {
  readonly oid: number
  readonly defaults: ReadonlyMap<number, Expr>
  readonly checks: ReadonlyMap<number, Expr>
  readonly indexes: ReadonlyMap<
    number,
    { readonly keys: readonly (Expr | undefined)[]; readonly predicate: Expr | undefined }
  >
}

export class Restatement {
  readonly #work: DdlWork
  readonly #before: Catalog
  readonly #views: CapturedView[] = []
  readonly #tables: CapturedTable[] = []
  #change: ChangeNode | undefined

  /** Binds every text whose dependencies are concerned (in any way, when `concerns` is left out). */
  constructor(work: DdlWork, concerns: Concerns = () => true) {
    this.#work = work
    this.#before = work.catalog
    for (const relation of this.#before.relations()) {
      if (relation.kind === 'view' && concerns(relation.dependencies)) {
        this.#views.push({ oid: relation.oid, query: this.#bindView(relation) })
      }
      if (relation.kind === 'table' && relation.virtual === undefined) this.#captureTable(relation, concerns)
    }
  }

  #bindView(view: View): Query {
    const statement = must(parseSql(view.definition)[0])
    const { body } = analyzeNode(statement.node, statement.source, {
      ...analysisContext(this.#work),
      searchPath: [11],
    })
    if (!('targets' in body)) throw new Error('a view is a query')
    return body
  }

  #captureTable(table: Table, concerns: Concerns): void {
    const bind = (text: string, kind: ExprKind): Expr =>
      analyzeExpressionText(text, analysisContext(this.#work), { kind, table })
    const defaults = new Map<number, Expr>()
    for (const column of table.columns) {
      if (column.default === undefined || column.isDropped || !concerns(column.defaultDependencies)) continue
      defaults.set(column.number, bind(column.default, column.generated ? 'generated' : 'default'))
    }
    const checks = new Map<number, Expr>()
    for (const check of table.checks) {
      if (concerns(check.dependencies)) checks.set(check.oid, bind(check.expression, 'check'))
    }
    const indexes: Map<number, { keys: (Expr | undefined)[]; predicate: Expr | undefined }> = new Map()
    for (const index of table.indexes) {
      const hasText =
        index.predicate !== undefined || index.columns.some((key) => key.expression !== undefined)
      if (!hasText || !concerns(index.dependencies)) continue
      indexes.set(index.oid, {
        keys: index.columns.map((key) =>
          key.expression === undefined ? undefined : bind(key.expression, 'index-expression'),
        ),
        predicate: index.predicate === undefined ? undefined : bind(index.predicate, 'index-predicate'),
      })
    }
    if (defaults.size + checks.size + indexes.size > 0)
      this.#tables.push({ oid: table.oid, defaults, checks, indexes })
  }

  /** Writes the captured texts out again, under the names of now. */
  async restate(change?: ChangeNode): Promise<void> {
    this.#change = change
    for (const view of this.#views) await this.#restateView(view)
    for (const table of this.#tables) await this.#restateTable(table)
  }

  async #restateView({ oid, query }: CapturedView): Promise<void> {
    const work = this.#work
    const view = work.editor.object('view', oid)
    if (view === undefined) return
    const renamed = this.#renamed(query)
    const outputNames = view.columns.map((column) => column.name)
    const definition = `${deparseQuery(renamed, { catalog: work.catalog, searchPath: [], outputNames })};`
    if (definition !== view.definition) await work.put({ ...view, definition })
  }

  /** The query with the names that tables and columns have now. */
  #renamed(query: Query): Query {
    const { catalog } = this.#work
    const columnsOf = new Map<RelationId, readonly string[]>()
    visitTree(query, (node) => {
      const names = this.#entryNames(node)
      if (names !== undefined) columnsOf.set(node['id'] as RelationId, names)
      return undefined
    })
    const changed = this.#change === undefined ? query : mapTree(query, this.#change)
    return mapTree(changed, (node) => {
      if (node['kind'] === 'column') {
        const name = columnsOf.get(node['relation'] as RelationId)?.[node['column'] as number]
        return name === undefined || name === node['name'] ? undefined : { ...node, name }
      }
      const names = this.#entryNames(node)
      if (names === undefined) return undefined
      const oldTable = node['table'] as Table | undefined
      const oid = oldTable?.oid ?? (node['viewOid'] as number)
      const now = catalog.relation(oid)
      const alias = node['alias'] === this.#before.relation(oid)?.name ? now?.name : node['alias']
      const columns = (node['columns'] as readonly { readonly name: string }[]).map((column, i) => ({
        ...column,
        name: names[i] ?? column.name,
      }))
      return { ...node, alias, columns, ...(oldTable === undefined ? {} : { table: now }) }
    })
  }

  /** Column names of a table's or view's entry as they are now; undefined for other nodes. */
  #entryNames(node: Record<string, unknown>): readonly string[] | undefined {
    const { catalog } = this.#work
    if (node['kind'] === 'table') {
      const now = catalog.relation((node['table'] as Table).oid)
      if (now?.kind !== 'table') return undefined
      return (node['tableColumns'] as readonly number[]).map((at) => now.columns[at]?.name ?? '')
    }
    if (node['kind'] !== 'subquery' || typeof node['viewOid'] !== 'number') return undefined
    const now = catalog.relation(node['viewOid'])
    return now?.kind === 'view' ? now.columns.map((column) => column.name) : undefined
  }

  async #restateTable({ oid, defaults, checks, indexes }: CapturedTable): Promise<void> {
    const work = this.#work
    const stored = work.editor.object('table', oid)
    if (stored === undefined) return
    const live = stored.columns.filter((column) => !column.isDropped)
    const text = (expr: Expr): string => {
      const changed = this.#change === undefined ? expr : mapTree(expr, this.#change)
      return deparseExpr(renamedColumns(changed, live), {
        catalog: work.catalog,
        searchPath: [],
        indent: false,
      })
    }
    const columns = stored.columns.map((column) => {
      const expr = defaults.get(column.number)
      return expr === undefined ? column : { ...column, default: text(expr) }
    })
    const newChecks = stored.checks.map((check) => {
      const expr = checks.get(check.oid)
      return expr === undefined ? check : { ...check, expression: text(expr) }
    })
    await work.put({ ...stored, columns, checks: newChecks })
    for (const [indexOid, { keys, predicate }] of indexes) {
      const index = work.editor.object('index', indexOid)
      if (index === undefined) continue
      await work.put({
        ...index,
        columns: index.columns.map((key, i) => {
          const expr = keys[i]
          return expr === undefined ? key : { ...key, expression: text(expr) }
        }),
        predicate: predicate === undefined ? index.predicate : text(predicate),
      })
    }
  }
}

function renamedColumns(expr: Expr, live: readonly Column[]): Expr {
  return mapTree(expr, (node) => {
    if (node['kind'] !== 'column' || (node['column'] as number) < 0) return undefined
    const name = live[node['column'] as number]?.name
    return name === undefined || name === node['name'] ? undefined : { ...node, name }
  })
}
