// Expressions that belong to a table's definition and are kept as text: DEFAULT, CHECK, generated columns, index keys and
// predicates.

import { parseExpression } from '../parse/parse.ts'
import type { Node } from '../parse/ast.ts'
import type { Expr } from '../tree/expr.ts'
import { Analysis } from './analysis.ts'
import type { ExprKind } from './expr-kind.ts'
import { analyseExprIn } from './expr.ts'
import { Scope, type ScopeItem } from './scope.ts'

/** A stored expression over an entry of the statement at hand. */
export function analyseTableExpression(
  analysis: Analysis,
  text: string,
  item: ScopeItem | undefined,
  kind: ExprKind,
): Expr {
  const { node, source } = parseExpression(text)
  return analyseNodeOver(new Analysis(analysis.context, source, analysis), node, item, kind)
}

/** A parsed expression over one entry or none. */
export function analyseNodeOver(
  analysis: Analysis,
  node: Node,
  item: ScopeItem | undefined,
  kind: ExprKind,
): Expr {
  const scope = new Scope(analysis, undefined)
  if (item !== undefined) scope.add(item)
  return analyseExprIn(scope, node, kind)
}
