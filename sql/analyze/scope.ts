// What names mean at one query level. Scopes form a chain outwards; a name is looked for level by level.
//
//   Scope (subquery) ──outer──▶ Scope (query) ──outer──▶ ...
//     entries: namespace items, one for each FROM item and one for each join over them
//
// An item may show its table name, its columns, both or neither: USING hides the inputs' own columns from unqualified
// names, an aliased join hides its inputs whole, ON CONFLICT's `excluded` appears for a while. Items of the same FROM
// list are visible to LATERAL only, until the list is complete.

import type { Table } from '../catalog/catalog.ts'
import type { ColumnExpr, Expr, RelationId } from '../tree/expr.ts'
import type { Cte, CteId, From, WindowClause } from '../tree/query.ts'
import type { Analysis } from './analysis.ts'
import type { ExprKind } from './expr-kind.ts'
import type { WindowDef } from '../parse/ast.ts'

/** One column that an item offers. */
export interface ScopeColumn {
  readonly name: string
  readonly relation: RelationId
  readonly index: number
  readonly type: number
  readonly typmod: number
  readonly collation: number
  /** A merged column of a FULL JOIN: this expression instead of a plain column. */
  readonly merged: Expr | undefined
}

/** One entry of the namespace. The flags change while FROM is analysed. */
export interface ScopeItem {
  /** The name columns are qualified with; undefined for a join without alias. */
  readonly alias: string | undefined
  readonly columns: readonly ScopeColumn[]
  readonly from: From
  /** The entry itself; undefined for joins. */
  readonly relation: RelationId | undefined
  /** A table or view named in FROM, for schema-qualified references and hints; it was given another name if isAliased. */
  readonly relationOid: number
  readonly isAliased: boolean
  /** For system columns and whole rows. */
  readonly table: Table | undefined
  readonly rowTypeOid: number
  isTableVisible: boolean
  areColumnsVisible: boolean
  isLateralOnly: boolean
  isLateralOk: boolean
}

/** A WITH query that can be named. */
export interface CteBinding {
  readonly id: CteId
  readonly name: string
  /** Column names given after the name. */
  readonly aliases: readonly string[]
  /** The query once it is analysed. */
  cte: Cte | undefined
  /** What its own recursive term sees of it before that. */
  self: Pick<Cte, 'id' | 'name' | 'columns'> | undefined
  referenceCount: number
}

export class Scope {
  readonly analysis: Analysis
  readonly outer: Scope | undefined
  readonly depth: number
  /** What is visible now. */
  items: ScopeItem[] = []
  /** Every entry made at this level, visible or not: for hints. */
  readonly everything: ScopeItem[] = []
  readonly ctes: CteBinding[] = []
  /** WITH queries of the same list that come later: named in hints only. */
  futureCtes: readonly string[] = []
  kind: ExprKind = 'other'
  isLateralActive = false
  hasAggregates = false
  hasWindows = false
  hasTargetSets = false
  /** The set-returning function analysed last, for "not allowed in CASE". */
  lastSet: Expr | undefined
  /** Windows in use; WindowExpr.window indexes them. */
  readonly windowDefinitions: WindowDef[] = []
  windows: readonly WindowClause[] = []
  /** False while outputs may stay of unknown type: INSERT ... SELECT and set operations decide them. */
  resolveUnknowns = true
  /** Set in the value expressions of a table's own definition: DEFAULT and the like. */
  target: ScopeItem | undefined
  /** The WITH query whose UNION this level is: its left side tells what the right side sees of it. */
  recursive: CteBinding | undefined

  /** `baseDepth`: the depth of a scope without an outer one; a view's is that of the query it is used in. */
  constructor(analysis: Analysis, outer: Scope | undefined, baseDepth = 0) {
    this.analysis = analysis
    this.outer = outer
    this.depth = outer === undefined ? baseDepth : outer.depth + 1
  }

  /** Runs `action` with expressions counted as of `kind`. */
  within<T>(kind: ExprKind, action: () => T): T {
    const before = this.kind
    this.kind = kind
    try {
      return action()
    } finally {
      this.kind = before
    }
  }

  add(item: ScopeItem): void {
    this.items.push(item)
    if (item.relation !== undefined) this.everything.push(item)
  }
}

/** The expression that names an item's column. */
export function columnExpr(column: ScopeColumn, location: number): Expr {
  if (column.merged !== undefined) return { ...column.merged, location }
  const expr: ColumnExpr = {
    kind: 'column',
    relation: column.relation,
    column: column.index,
    name: column.name,
    type: column.type,
    typmod: column.typmod,
    collation: column.collation,
    location,
  }
  return expr
}
