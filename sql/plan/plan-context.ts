// What the planner is given beside the statement.

import type { Catalog, ServerState, Table } from '../catalog/catalog.ts'
import type { FunctionContext } from '../functions/function.ts'
import type { ColumnStatistics } from './statistics.ts'

export interface PlanContext {
  readonly catalog: Catalog
  /** For folding immutable calls over constants, and for binding what the catalog keeps as text. */
  readonly functions: FunctionContext
  readonly server?: ServerState | undefined
  /** Rows and pages of a table, estimated: the server's, or any others in tests. */
  estimate(relationOid: number): { readonly tuples: number; readonly pages: number }
  /** What is known of the values of a stored table's column (an index into its columns). May suspend. */
  statistics?(table: Table, column: number): ColumnStatistics | undefined
}
