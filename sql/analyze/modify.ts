// INSERT, UPDATE and DELETE: which analyses which, and what they share: the target table and RETURNING.

import { must } from '../../storage/base/assert.ts'
import type { Table } from '../catalog/catalog.ts'
import type { DeleteStmt, Node, RangeVar } from '../parse/ast.ts'
import { nodeAs } from '../parse/ast.ts'
import type { DeleteStatement, Modify, Target } from '../tree/query.ts'
import { analyseCondition } from './expr.ts'
import { analyseFrom } from './from.ts'
import { tableItem } from './from-item.ts'
import { analyseInsert } from './insert.ts'
import { requireRelation } from './relation-name.ts'
import type { Scope, ScopeItem } from './scope.ts'
import { analyseTargets, finishTargets, settleUnknowns } from './targets.ts'
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

/** The table that a statement changes, as an entry. @throws SqlError 42P01, 42809, 55000 for views. */
export function targetItem(scope: Scope, name: RangeVar, action: keyof typeof VIEW_WORDS): ScopeItem & { table: Table } {
  const { analysis } = scope
  const location = name.location ?? 0
  refuseCteTarget(scope, name)
  const relation = requireRelation(scope, name)
  if (relation.kind === 'view') {
    const [verb, gerund, command] = VIEW_WORDS[action]
    throw analysis.error('55000', `cannot ${verb} view "${relation.name}"`, undefined, {
      detail: 'Views that do not select from a single table or view are not automatically updatable.',
      hint:
        `To enable ${gerund} the view, provide an INSTEAD OF ${command} trigger ` +
        `or an unconditional ON ${command} DO INSTEAD rule.`,
    })
  }
  if (relation.kind === 'sequence') throw analysis.error('42809', `cannot change sequence "${relation.name}"`)
  if (relation.kind === 'index' || relation.isCompositeType) {
    const detail = `This operation is not supported for ${relation.kind === 'index' ? 'indexes' : 'composite types'}.`
    throw analysis.error('42809', `cannot open relation "${relation.name}"`, location, { detail })
  }
  if (relation.virtual !== undefined) {
    throw analysis.error('42501', `permission denied: "${relation.name}" is a system catalog`)
  }
  const item = { ...tableItem(scope, relation, name.alias), table: relation }
  scope.everything.push(item)
  scope.target = item
  return item
}

function refuseCteTarget(scope: Scope, name: RangeVar): void {
  if (name.schemaname !== undefined) return
  for (let level: Scope | undefined = scope; level !== undefined; level = level.outer) {
    if (!level.ctes.some((cte) => cte.name === name.relname)) continue
    const message = `relation "${name.relname}" cannot be the target of a modifying statement`
    throw scope.analysis.error('42809', message, name.location ?? 0)
  }
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
  const item = targetItem(scope, must(statement.relation), 'delete')
  item.isLateralOnly = true
  item.isLateralOk = false
  scope.items.push(item)
  const using = analyseFrom(scope, statement.usingClause)
  const where = analyseCondition(scope, statement.whereClause, 'where', 'WHERE')
  const returning = analyseReturning(scope, statement.returningList)
  return {
    kind: 'delete',
    ctes: finishCtes(scope),
    table: item.table,
    target: must(item.relation),
    using,
    where,
    returning,
  }
}
