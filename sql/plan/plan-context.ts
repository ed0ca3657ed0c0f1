// What the planner is given beside the statement.

import type { TreeId } from '../../storage/base/ids.ts'
import type { Catalog, Table } from '../catalog/catalog.ts'
import type { FunctionContext } from '../functions/function.ts'
import type { Expr, RelationId } from '../tree/expr.ts'

export interface PlanContext {
  readonly catalog: Catalog
  /** For folding immutable calls over constants. */
  readonly functions: FunctionContext
  /**
   * Binds SQL text that the catalog keeps (defaults, CHECKs, index expressions and predicates) over one table's columns:
   * ColumnExpr of `relation`, by index into table.columns.
   */
  bindTableExpression(text: string, table: Table, relation: RelationId): Expr
  /** Binds a domain's CHECK: VALUE is an ElementExpr of the base type. */
  bindDomainCheck(text: string, baseOid: number): Expr
  /** Figures of a tree: the engine's, or any others in tests. */
  estimate(tree: TreeId): { readonly cellCount: number; readonly pageCount: number }
  /** An expression as EXPLAIN shows it; absent: conditions are left out. */
  deparse?(expr: Expr): string
}
