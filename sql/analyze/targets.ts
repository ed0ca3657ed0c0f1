// Target lists: SELECT's and RETURNING's output columns, their names, and the table columns they come from.

import { must } from '../../storage/base/assert.ts'
import type { Node } from '../parse/ast.ts'
import { nodeAs } from '../parse/ast.ts'
import type { Expr } from '../tree/expr.ts'
import type { Target } from '../tree/query.ts'
import type { ExprKind } from './expr-kind.ts'
import { analyseExpr } from './expr.ts'
import type { Scope } from './scope.ts'
import { expandStar } from './star.ts'
import { nameOfExpr } from './target-name.ts'
import { unknownToText } from './unknown.ts'

/** A target list under construction: ORDER BY and GROUP BY may still settle an unknown literal's type. */
export interface MutableTarget {
  expr: Expr
  readonly name: string
}

export function analyseTargets(
  scope: Scope,
  nodes: readonly Node[] | undefined,
  kind: ExprKind,
): MutableTarget[] {
  const before = scope.kind
  scope.kind = kind
  const targets: MutableTarget[] = []
  for (const node of nodes ?? []) {
    const target = must(nodeAs(node, 'ResTarget'))
    const value = must(target.val)
    const columns = expandStar(scope, value)
    if (columns !== undefined) targets.push(...columns)
    else
      targets.push({ expr: analyseExpr(scope, value), name: target.name ?? nameOfExpr(value) ?? '?column?' })
  }
  scope.kind = before
  return targets
}

/** Turns what is still unknown into text. */
export function settleUnknowns(scope: Scope, targets: readonly MutableTarget[]): void {
  for (const target of targets) target.expr = unknownToText(scope.analysis, target.expr)
}

/** The finished list. */
export function finishTargets(scope: Scope, targets: readonly MutableTarget[]): Target[] {
  return targets.map(({ expr, name }) => ({ expr, name, junk: false, ...originOf(scope, expr) }))
}

interface Origin {
  readonly tableOid: number
  readonly columnNumber: number
}

const NOWHERE: Origin = { tableOid: 0, columnNumber: 0 }

/** The table column that a plain column is, through subqueries; RowDescription tells it. */
function originOf(scope: Scope, expr: Expr): Origin {
  if (expr.kind !== 'column') return NOWHERE
  for (let level: Scope | undefined = scope; level !== undefined; level = level.outer) {
    const item = level.everything.find((candidate) => candidate.relation === expr.relation)
    if (item === undefined) continue
    const { from } = item
    switch (from.kind) {
      case 'table': {
        if (expr.column < 0) return { tableOid: from.table.oid, columnNumber: expr.column }
        const column = from.table.columns[must(from.tableColumns[expr.column])]
        return { tableOid: from.table.oid, columnNumber: column?.number ?? 0 }
      }
      case 'subquery': {
        if (from.viewOid !== undefined) return { tableOid: from.viewOid, columnNumber: expr.column + 1 }
        return originOfTarget(from.query.targets, expr.column)
      }
      case 'cte': {
        const binding = findBinding(level, from.cte)
        const query = binding?.query
        if (query === undefined) return NOWHERE
        return originOfTarget('targets' in query ? query.targets : query.returning, expr.column)
      }
      default:
        return NOWHERE
    }
  }
  return NOWHERE
}

function originOfTarget(targets: readonly Target[], index: number): Origin {
  const target = targets.filter((candidate) => !candidate.junk)[index]
  return target === undefined ? NOWHERE : { tableOid: target.tableOid, columnNumber: target.columnNumber }
}

function findBinding(scope: Scope, id: number): NonNullable<Scope['ctes'][number]['cte']> | undefined {
  for (let level: Scope | undefined = scope; level !== undefined; level = level.outer) {
    const binding = level.ctes.find((candidate) => candidate.cte?.id === id)
    if (binding !== undefined) return binding.cte
  }
  return undefined
}
