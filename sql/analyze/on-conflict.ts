// ON CONFLICT: which unique indexes arbitrate, and what DO UPDATE sets (documentation, INSERT).

import { must } from '../../storage/base/assert.ts'
import type { Index, Table } from '../catalog/catalog.ts'
import type { IndexElem, OnConflictClause } from '../parse/ast.ts'
import { nodeAs, stringsOf } from '../parse/ast.ts'
import type { Expr } from '../tree/expr.ts'
import type { OnConflict } from '../tree/query.ts'
import { sameExpr } from '../tree/walk.ts'
import { analyseTableExpression } from './table-expression.ts'
import { analyseCondition, analyseExprIn, resolveCollation } from './expr.ts'
import { tableItem } from './from-item.ts'
import type { ModifyTarget } from './modify.ts'
import type { Scope, ScopeItem } from './scope.ts'
import { analyseSetList } from './update.ts'

/** @throws SqlError 42601 without a target for DO UPDATE, 42P10 when no index fits, 42704 no such constraint. */
export function analyseOnConflict(scope: Scope, clause: OnConflictClause, into: ModifyTarget): OnConflict {
  const { analysis } = scope
  const { table, item } = into
  if (into.isView) throw analysis.error('0A000', 'ON CONFLICT on a view is not supported', clause.location)
  const isUpdate = clause.action === 'ONCONFLICT_UPDATE'
  if (isUpdate && clause.infer === undefined) {
    const message = 'ON CONFLICT DO UPDATE requires inference specification or constraint name'
    throw analysis.error('42601', message, clause.location ?? 0, {
      hint: 'For example, ON CONFLICT (column_name).',
    })
  }
  const excluded = tableItem(scope, table, { aliasname: 'excluded' })
  scope.items = [item]
  const indexes = clause.infer === undefined ? [] : arbiters(scope, clause.infer, item, table)
  scope.everything.push(excluded)
  scope.items = [item, excluded]
  const assignments = isUpdate ? analyseSetList(scope, into, clause.targetList ?? []) : []
  const where = analyseCondition(scope, clause.whereClause, 'where', 'WHERE')
  return {
    indexes,
    action: isUpdate ? 'update' : 'nothing',
    excluded: must(excluded.relation),
    assignments,
    where,
  }
}

type Inference = NonNullable<OnConflictClause['infer']>

function arbiters(scope: Scope, infer: Inference, item: ScopeItem, table: Table): readonly number[] {
  const { analysis } = scope
  if (infer.conname !== undefined) return [namedArbiter(scope, table, infer.conname)]
  const elements = (infer.indexElems ?? []).map((node) => {
    const element = must(nodeAs(node, 'IndexElem'))
    refuseOrder(scope, element, infer.location)
    return elementExpr(scope, element, infer.location ?? -1)
  })
  const where = analyseCondition(scope, infer.whereClause, 'index-predicate', 'WHERE')
  const fitting = table.indexes.filter((index) => fits(scope, index, item, elements, where))
  if (fitting.length > 0) return fitting.map((index) => index.oid)
  const message = 'there is no unique or exclusion constraint matching the ON CONFLICT specification'
  throw analysis.error('42P10', message)
}

function namedArbiter(scope: Scope, table: Table, name: string): number {
  const index = table.indexes.find((candidate) => candidate.name === name && candidate.constraintOid !== 0)
  if (index === undefined) {
    const message = `constraint "${name}" for table "${table.name}" does not exist`
    throw scope.analysis.error('42704', message)
  }
  if (index.deferrable) {
    const message =
      'ON CONFLICT does not support deferrable unique constraints/exclusion constraints as arbiters'
    throw scope.analysis.error('55000', message)
  }
  return index.oid
}

function refuseOrder(scope: Scope, element: IndexElem, location: number | undefined): void {
  if (element.ordering !== undefined && element.ordering !== 'SORTBY_DEFAULT') {
    throw scope.analysis.error('42P10', 'ASC/DESC is not allowed in ON CONFLICT clause', location)
  }
  if (element.nulls_ordering !== undefined && element.nulls_ordering !== 'SORTBY_NULLS_DEFAULT') {
    throw scope.analysis.error('42P10', 'NULLS FIRST/LAST is not allowed in ON CONFLICT clause', location)
  }
  if (element.collation !== undefined) resolveCollation(scope, stringsOf(element.collation), location ?? -1)
}

function elementExpr(scope: Scope, element: IndexElem, location: number): Expr {
  if (element.expr !== undefined) return analyseExprIn(scope, element.expr, 'index-expression')
  return analyseExprIn(
    scope,
    { ColumnRef: { fields: [{ String: { sval: element.name ?? '' } }], location } },
    'index-expression',
  )
}

/** An index arbitrates when its keys are exactly the elements, and its predicate (if any) is the one given. */
function fits(
  scope: Scope,
  index: Index,
  item: ScopeItem,
  elements: readonly Expr[],
  where: Expr | undefined,
): boolean {
  if (!index.unique || index.deferrable) return false
  const bind = (text: string): Expr => analyseTableExpression(scope.analysis, text, item, 'index-expression')
  const keys = index.columns.map((column): Expr | number => {
    if (column.expression !== undefined) return bind(column.expression)
    return item.from.kind === 'table' ? item.from.tableColumns.indexOf(column.column) : -1
  })
  const matches = (key: Expr | number, expr: Expr): boolean =>
    typeof key === 'number' ? expr.kind === 'column' && expr.column === key : sameExpr(key, expr)
  const allKeys = keys.every((key) => elements.some((expr) => matches(key, expr)))
  const allElements = elements.every((expr) => keys.some((key) => matches(key, expr)))
  if (!allKeys || !allElements) return false
  if (index.predicate === undefined) return true
  return where !== undefined && implies(where, bind(index.predicate))
}

/** Whether a condition contains every conjunct of a predicate. */
function implies(where: Expr, predicate: Expr): boolean {
  const conjuncts = (expr: Expr): readonly Expr[] =>
    expr.kind === 'and' ? expr.args.flatMap(conjuncts) : [expr]
  const given = conjuncts(where)
  return conjuncts(predicate).every((part) => given.some((condition) => sameExpr(condition, part)))
}
