// INSERT, UPDATE and DELETE: which analyses which, and what they share: the target table and RETURNING.

import { must } from '../../storage/base/assert.ts'
import type { Relation, Table, View } from '../catalog/catalog.ts'
import type { DeleteStmt, Node, RangeVar } from '../parse/ast.ts'
import { nodeAs } from '../parse/ast.ts'
import type { Expr, RelationId } from '../tree/expr.ts'
import type { DeleteStatement, Modify, Target } from '../tree/query.ts'
import { analyseCondition, booleanExpr } from './expr.ts'
import { analyseFrom } from './from.ts'
import { itemOf, tableItem } from './from-item.ts'
import { analyseInsert } from './insert.ts'
import { requireRelation } from './relation-name.ts'
import type { Scope, ScopeItem } from './scope.ts'
import { analyseTargets, finishTargets, settleUnknowns } from './targets.ts'
import { seeThrough } from './updatable-view.ts'
import { analyseUpdate } from './update.ts'
import { analyseWith, finishCtes } from './with.ts'

/** A data-modifying statement, in the given fresh scope. */
export function analyseModify(scope: Scope, node: Node): Modify {
  const insert = nodeAs(node, 'InsertStmt')
  if (insert !== undefined) return analyseInsert(scope, insert)
  const update = nodeAs(node, 'UpdateStmt')
  if (update !== undefined) return analyseUpdate(scope, update)
  const remove = nodeAs(node, 'DeleteStmt')
  if (remove !== undefined) return analyseDelete(scope, remove)
  throw scope.analysis.error('0A000', 'MERGE is not supported')
}

const VIEW_WORDS = {
  insert: ['insert into', 'inserting into', 'INSERT'],
  update: ['update', 'updating', 'UPDATE'],
  delete: ['delete from', 'deleting from', 'DELETE'],
} as const

/** What a statement changes. */
export interface ModifyTarget {
  /** The entry that its expressions name: the table, or the view over it. */
  readonly item: ScopeItem
  readonly table: Table
  readonly relation: RelationId
  /** The name that was written, for messages. */
  readonly name: string
  readonly isView: boolean
  /** Conditions of the view that rows must meet to be seen by UPDATE and DELETE. */
  readonly conditions: readonly Expr[]
}

/** Resolves the target of a statement. @throws SqlError 42P01, 42809, 55000 for views that are not updatable. */
export function modifyTarget(scope: Scope, name: RangeVar, action: keyof typeof VIEW_WORDS): ModifyTarget {
  const { analysis } = scope
  const relation = requireRelation(scope, name)
  const target =
    relation.kind === 'view' ? viewTarget(scope, relation, name, action) : tableTarget(scope, relation, name)
  if (target.table.virtual !== undefined) {
    throw analysis.error('42501', `permission denied: "${target.table.name}" is a system catalog`)
  }
  scope.everything.push(target.item)
  scope.target = target.item
  return target
}

function tableTarget(scope: Scope, relation: Exclude<Relation, View>, name: RangeVar): ModifyTarget {
  const { analysis } = scope
  if (relation.kind === 'sequence') throw analysis.error('42809', `cannot change sequence "${relation.name}"`)
  if (relation.kind === 'index' || relation.isCompositeType) {
    const detail = `This operation is not supported for ${relation.kind === 'index' ? 'indexes' : 'composite types'}.`
    throw analysis.error('42809', `cannot open relation "${relation.name}"`, name.location ?? 0, { detail })
  }
  const item = tableItem(scope, relation, name.alias)
  return {
    item,
    table: relation,
    relation: must(item.relation),
    name: relation.name,
    isView: false,
    conditions: [],
  }
}

function viewTarget(scope: Scope, view: View, name: RangeVar, action: keyof typeof VIEW_WORDS): ModifyTarget {
  const { analysis } = scope
  const seen = seeThrough(scope, view)
  if (typeof seen === 'string') {
    const [verb, gerund, command] = VIEW_WORDS[action]
    throw analysis.error('55000', `cannot ${verb} view "${view.name}"`, undefined, {
      detail: seen,
      hint:
        `To enable ${gerund} the view, provide an INSTEAD OF ${command} trigger ` +
        `or an unconditional ON ${command} DO INSTEAD rule.`,
    })
  }
  if (action !== 'delete' && view.options.some((option) => option.startsWith('check_option'))) {
    throw analysis.error('0A000', 'changing rows through a view WITH CHECK OPTION is not supported')
  }
  const { from, columns, conditions } = seen
  const alias = name.alias?.aliasname ?? view.name
  const base = itemOf(
    { ...from, alias },
    { relationOid: view.oid, isAliased: name.alias !== undefined, rowTypeOid: 0 },
  )
  const item: ScopeItem = { ...base, columns }
  return { item, table: from.table, relation: from.id, name: view.name, isView: true, conditions }
}

/** WHERE together with the view's own conditions. */
export function withConditions(target: ModifyTarget, where: Expr | undefined): Expr | undefined {
  const parts = where === undefined ? target.conditions : [...target.conditions, where]
  const [only] = parts
  return parts.length <= 1 ? only : booleanExpr('and', parts, -1)
}

export function analyseReturning(scope: Scope, nodes: readonly Node[] | undefined): readonly Target[] {
  if (nodes === undefined) return []
  const { analysis } = scope
  const targets = analyseTargets(scope, nodes, 'returning')
  if (targets.length === 0) throw analysis.error('42601', 'RETURNING must have at least one column')
  settleUnknowns(scope, targets)
  return finishTargets(scope, targets)
}

function analyseDelete(scope: Scope, statement: DeleteStmt): DeleteStatement {
  analyseWith(scope, statement.withClause)
  const target = modifyTarget(scope, must(statement.relation), 'delete')
  const { item } = target
  item.isLateralOnly = true
  item.isLateralOk = false
  scope.items.push(item)
  const using = analyseFrom(scope, statement.usingClause)
  const where = analyseCondition(scope, statement.whereClause, 'where', 'WHERE')
  const returning = analyseReturning(scope, statement.returningList)
  return {
    kind: 'delete',
    ctes: finishCtes(scope),
    table: target.table,
    target: target.relation,
    using,
    where: withConditions(target, where),
    returning,
  }
}
