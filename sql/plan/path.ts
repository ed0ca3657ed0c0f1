// Paths: ways to produce the rows of some relations, cheap to make and compare. The chosen one is built into a plan node.

import type { Estimate, PlanNode } from '../exec/operator.ts'
import type { Expr, RelationId } from '../tree/expr.ts'
import type { ColumnKey, Layout, OuterScope } from './layout.ts'

/** A node and what its rows hold. */
export interface Planned {
  readonly node: PlanNode
  readonly layout: Layout
}

/** One slot that a plan is asked to put into its rows. */
export interface Output {
  readonly relation: RelationId
  readonly column: number
  readonly expr: Expr
}

/** Rows come ordered by this column (then the next). */
export interface OrderKey {
  readonly key: ColumnKey
  readonly descending: boolean
  readonly nullsFirst: boolean
}

export interface Path {
  readonly relations: ReadonlySet<RelationId>
  readonly estimate: Estimate
  readonly order: readonly OrderKey[]
  /** Columns that have one value in all rows: they satisfy any order. */
  readonly constants: ReadonlySet<ColumnKey>
  build(outputs: readonly Output[], outer: OuterScope | undefined): Planned
}

export const NO_ORDER: readonly OrderKey[] = []
export const NO_CONSTANTS: ReadonlySet<ColumnKey> = new Set()
