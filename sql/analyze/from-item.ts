// Namespace items for what stands in FROM: tables, subqueries and the like, with their column aliases.

import { must } from '../../storage/base/assert.ts'
import type { Table } from '../catalog/catalog.ts'
import type { Alias } from '../parse/ast.ts'
import { stringsOf } from '../parse/ast.ts'
import type { RelationId } from '../tree/expr.ts'
import type { Cte, From, Query, RelationColumn, SelectQuery, TableFrom, Target } from '../tree/query.ts'
import type { Analysis } from './analysis.ts'
import type { Scope, ScopeColumn, ScopeItem } from './scope.ts'

/** A table's live columns, computed once for each Table object. */
interface LiveColumns {
  readonly columns: readonly RelationColumn[]
  readonly indexes: readonly number[]
}

const liveColumns = new WeakMap<Table, LiveColumns>()

/** Columns that are not dropped, with their indexes into table.columns. */
export function liveColumnsOf(table: Table): LiveColumns {
  let live = liveColumns.get(table)
  if (live === undefined) {
    const indexes = table.columns.flatMap((column, index) => (column.isDropped ? [] : [index]))
    const columns = indexes.map((index) => {
      const { name, type, typmod, collation } = must(table.columns[index])
      return { name, type, typmod, collation }
    })
    live = { columns, indexes }
    liveColumns.set(table, live)
  }
  return live
}

/** Columns under their alias names. @throws SqlError 42P10 when there are more aliases than columns. */
export function aliasColumns(
  analysis: Analysis,
  name: string,
  columns: readonly RelationColumn[],
  aliases: readonly string[],
): readonly RelationColumn[] {
  if (aliases.length === 0) return columns
  if (aliases.length > columns.length) {
    const message = `table "${name}" has ${columns.length} columns available but ${aliases.length} columns specified`
    throw analysis.error('42P10', message)
  }
  return columns.map((column, i) => ({ ...column, name: aliases[i] ?? column.name }))
}

export interface ItemOptions {
  readonly relationOid?: number
  readonly isAliased?: boolean
  readonly table?: Table
  readonly rowTypeOid?: number
}

/** An item over an entry that has columns of its own. */
export function itemOf(from: Exclude<From, { kind: 'join' }>, options: ItemOptions = {}): ScopeItem {
  return {
    alias: from.alias,
    columns: scopeColumns(from.id, from.columns),
    from,
    relation: from.id,
    relationOid: options.relationOid ?? 0,
    isAliased: options.isAliased ?? false,
    table: options.table,
    rowTypeOid: options.rowTypeOid ?? 0,
    isTableVisible: true,
    areColumnsVisible: true,
    isLateralOnly: false,
    isLateralOk: true,
  }
}

export function scopeColumns(relation: RelationId, columns: readonly RelationColumn[]): ScopeColumn[] {
  return columns.map(({ name, type, typmod, collation }, index) => ({
    name,
    relation,
    index,
    type,
    typmod,
    collation,
    merged: undefined,
  }))
}

/** The entry of a stored or computed table. */
export function tableItem(scope: Scope, table: Table, alias: Alias | undefined): ScopeItem {
  const { analysis } = scope
  const live = liveColumnsOf(table)
  const name = alias?.aliasname ?? table.name
  const from: TableFrom = {
    kind: 'table',
    id: analysis.newRelation(scope.depth),
    alias: name,
    columns: aliasColumns(analysis, name, live.columns, stringsOf(alias?.colnames)),
    hasAlias: alias !== undefined,
    table,
    tableColumns: live.indexes,
  }
  return itemOf(from, {
    relationOid: table.oid,
    isAliased: alias !== undefined,
    table,
    rowTypeOid: table.rowTypeOid,
  })
}

/** The visible columns of a query, as an entry's columns. */
export function columnsOfQuery(query: Query): readonly RelationColumn[] {
  return query.targets
    .filter((target) => !target.junk)
    .map(({ name, expr: { type, typmod, collation } }) => ({ name, type, typmod, collation }))
}

/** The entry of a subquery or a view. */
export function subqueryItem(
  scope: Scope,
  query: Query,
  options: {
    readonly name: string
    readonly aliases: readonly string[]
    readonly lateral: boolean
    readonly columns?: readonly RelationColumn[] | undefined
    readonly view?:
      | { readonly oid: number; readonly rowTypeOid: number; readonly isAliased: boolean }
      | undefined
  },
): ScopeItem {
  const { name, lateral, view } = options
  const columns = options.columns ?? columnsOfQuery(query)
  const from: From = {
    kind: 'subquery',
    id: scope.analysis.newRelation(scope.depth),
    alias: name,
    columns: aliasColumns(scope.analysis, name, columns, options.aliases),
    hasAlias: view === undefined || view.isAliased,
    query,
    lateral,
    viewOid: view?.oid,
  }
  return itemOf(
    from,
    view === undefined
      ? {}
      : { relationOid: view.oid, rowTypeOid: view.rowTypeOid, isAliased: view.isAliased },
  )
}

/** The entry of a reference to a WITH query. */
export function cteItem(
  scope: Scope,
  cte: Pick<Cte, 'id' | 'columns' | 'name'>,
  alias: Alias | undefined,
  recursive: boolean,
): ScopeItem {
  const name = alias?.aliasname ?? cte.name
  return itemOf(
    {
      kind: 'cte',
      id: scope.analysis.newRelation(scope.depth),
      alias: name,
      columns: aliasColumns(scope.analysis, name, cte.columns, stringsOf(alias?.colnames)),
      hasAlias: alias !== undefined,
      cte: cte.id,
      recursive,
    },
    { isAliased: alias !== undefined },
  )
}

/** SELECT targets FROM item, and nothing else. */
export function selectFrom({ from }: ScopeItem, targets: readonly Target[]): SelectQuery {
  return {
    kind: 'select',
    ctes: [],
    from: [from],
    where: undefined,
    groupBy: [],
    groupingSets: [],
    having: undefined,
    hasAggregates: false,
    windows: [],
    targets,
    distinct: undefined,
    orderBy: [],
    limit: undefined,
    offset: undefined,
    withTies: false,
    locking: [],
  }
}
