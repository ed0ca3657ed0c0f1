// FROM: its items become entries of the namespace and of the query (documentation, section 7.2.1).
//
//   item ──▶ { from, items }      from: what the query reads; items: what names it offers
//   items of a list see those before them through LATERAL only, and all of them once the list is complete

import { must } from '../../storage/base/assert.ts'
import type { View } from '../catalog/catalog.ts'
import { sequenceTable } from '../catalog/sequence-table.ts'
import type { Node, RangeSubselect, RangeVar } from '../parse/ast.ts'
import { nodeAs, stringsOf, tagOf } from '../parse/ast.ts'
import { parseSql } from '../parse/parse.ts'
import type { From, Query } from '../tree/query.ts'
import { Analysis } from './analysis.ts'
import { cteItem, subqueryItem, tableItem } from './from-item.ts'
import { analyseRangeFunction } from './from-function.ts'
import { analyseJoin } from './join.ts'
import { analyseSelect } from './query.ts'
import { refuseUnreadable, requireRelation } from './relation-name.ts'
import { Scope, type ScopeItem } from './scope.ts'
import { lookUpCte } from './with.ts'

/** What one FROM item gives. `main` is the item that stands for the whole of it. */
export interface FromResult {
  readonly from: From
  readonly items: readonly ScopeItem[]
  readonly main: ScopeItem
}

/** A FROM (or USING) list; its items become visible in the scope. */
export function analyseFrom(scope: Scope, nodes: readonly Node[] | undefined): From[] {
  const froms: From[] = []
  for (const node of nodes ?? []) {
    const { from, items } = analyseFromItem(scope, node)
    checkNames(scope.analysis, scope.items, items)
    setLateral(items, true, true)
    for (const item of items) scope.items.push(item)
    froms.push(from)
  }
  setLateral(scope.items, false, true)
  return froms
}

export function setLateral(items: readonly ScopeItem[], isOnly: boolean, isOk: boolean): void {
  for (const item of items) {
    item.isLateralOnly = isOnly
    item.isLateralOk = isOk
  }
}

/** @throws SqlError 42712 when two tables of one name can be seen. */
export function checkNames(
  analysis: Analysis,
  before: readonly ScopeItem[],
  added: readonly ScopeItem[],
): void {
  for (const item of added) {
    if (!item.isTableVisible || item.alias === undefined) continue
    for (const other of before) {
      if (!other.isTableVisible || other.alias !== item.alias) continue
      const areDifferentTables =
        item.table !== undefined &&
        other.table !== undefined &&
        !item.isAliased &&
        !other.isAliased &&
        item.relationOid !== other.relationOid
      if (areDifferentTables) continue
      throw analysis.error('42712', `table name "${item.alias}" specified more than once`)
    }
  }
}

export function analyseFromItem(scope: Scope, node: Node): FromResult {
  const rangeVar = nodeAs(node, 'RangeVar')
  if (rangeVar !== undefined) return simple(scope, analyseRangeVar(scope, rangeVar))
  const subselect = nodeAs(node, 'RangeSubselect')
  if (subselect !== undefined) return simple(scope, analyseSubselect(scope, subselect))
  const rangeFunction = nodeAs(node, 'RangeFunction')
  if (rangeFunction !== undefined) return simple(scope, analyseRangeFunction(scope, rangeFunction))
  const join = nodeAs(node, 'JoinExpr')
  if (join !== undefined) return analyseJoin(scope, join)
  const sample = nodeAs(node, 'RangeTableSample')
  if (sample !== undefined) {
    throw scope.analysis.error('0A000', 'TABLESAMPLE is not supported', sample.location)
  }
  const tableFunction = nodeAs(node, 'RangeTableFunc')
  if (tableFunction !== undefined)
    throw scope.analysis.error('0A000', 'XMLTABLE is not supported', tableFunction.location)
  throw scope.analysis.error('0A000', `${tagOf(node)} in FROM is not supported`)
}

function simple(scope: Scope, item: ScopeItem): FromResult {
  scope.everything.push(item)
  return { from: item.from, items: [item], main: item }
}

function analyseRangeVar(scope: Scope, node: RangeVar): ScopeItem {
  const { analysis } = scope
  if (node.schemaname === undefined) {
    const found = lookUpCte(scope, node)
    if (found !== undefined) return cteItem(scope, found.cte, node.alias, found.recursive)
  }
  const relation = requireRelation(scope, node)
  refuseUnreadable(analysis, relation, node.location ?? 0)
  if (relation.kind === 'table') return tableItem(scope, relation, node.alias)
  if (relation.kind === 'sequence') return tableItem(scope, sequenceTable(relation), node.alias)
  if (relation.kind !== 'view')
    throw analysis.error('42809', `"${relation.name}" is not a table`, node.location)
  const query = expandView(scope, relation)
  return subqueryItem(scope, query, {
    name: node.alias?.aliasname ?? relation.name,
    aliases: stringsOf(node.alias?.colnames),
    lateral: false,
    columns: relation.columns.filter((column) => !column.isDropped),
    view: { oid: relation.oid, rowTypeOid: relation.rowTypeOid, isAliased: node.alias !== undefined },
  })
}

const VIEW_DEPTH_MAX = 100

/** A view's query, analysed from its definition; its own level is below `baseDepth`. */
export function expandView({ analysis, depth }: Scope, view: View, baseDepth: number = depth): Query {
  if (analysis.viewDepth >= VIEW_DEPTH_MAX) {
    throw analysis.error('42P17', `infinite recursion detected in rules for relation "${view.name}"`)
  }
  const statement = must(parseSql(view.definition)[0], 'a view has a definition')
  const inner = new Analysis(analysis.context, statement.source, analysis)
  return analyseSelect(new Scope(inner, undefined, baseDepth), must(nodeAs(statement.node, 'SelectStmt')))
}

function analyseSubselect(scope: Scope, node: RangeSubselect): ScopeItem {
  const lateral = node.lateral === true
  const before = scope.isLateralActive
  scope.isLateralActive = lateral
  const select = must(nodeAs(node.subquery, 'SelectStmt'))
  const query = scope.within('from-subselect', () => analyseSelect(scope, select))
  scope.isLateralActive = before
  const name = node.alias?.aliasname ?? 'unnamed_subquery'
  return subqueryItem(scope, query, { name, aliases: stringsOf(node.alias?.colnames), lateral })
}
