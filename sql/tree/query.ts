// Bound queries: SELECT, VALUES, set operations, INSERT, UPDATE, DELETE after analysis. See expr.ts for expressions.

import type { Table } from '../catalog/catalog.ts'
import type { Expr, RelationId } from './expr.ts'

/** One output column. `junk` columns are computed for ORDER BY or DML and not shown. */
export interface Target {
  readonly expr: Expr
  readonly name: string
  readonly junk: boolean
  /** Where a plain column comes from, for RowDescription: table oid and attnum, 0 otherwise. */
  readonly tableOid: number
  readonly columnNumber: number
}

/** ORDER BY / DISTINCT ON / PARTITION key. `less` and `equal` come from the sort operator's btree class. */
export interface SortKey {
  readonly expr: Expr
  readonly descending: boolean
  readonly nullsFirst: boolean
}

/** What a FROM entry's columns are, in order. */
export interface RelationColumn {
  readonly name: string
  readonly type: number
  readonly typmod: number
  readonly collation: number
}

interface FromBase {
  readonly id: RelationId
  readonly alias: string
  readonly columns: readonly RelationColumn[]
  /** The alias was written, not the name itself: for deparsing. */
  readonly hasAlias?: boolean | undefined
}

/** A stored table, or a relation of pg_catalog / information_schema that is computed (table.virtual). */
export interface TableFrom extends FromBase {
  readonly kind: 'table'
  readonly table: Table
  /** Table column (index into table.columns) of each entry column; dropped columns are not listed. */
  readonly tableColumns: readonly number[]
}

/** A subquery or view in FROM. */
export interface SubqueryFrom extends FromBase {
  readonly kind: 'subquery'
  readonly query: Query
  readonly lateral: boolean
  /** The view it was expanded from (permission checks, EXPLAIN); undefined for a plain subquery. */
  readonly viewOid: number | undefined
}

/** A reference to a WITH query. `recursive`: to itself inside its own recursive term. */
export interface CteFrom extends FromBase {
  readonly kind: 'cte'
  readonly cte: CteId
  readonly recursive: boolean
}

/** Functions in FROM: one, or several with ROWS FROM. Scalar functions give one row. */
export interface FunctionFrom extends FromBase {
  readonly kind: 'function'
  readonly calls: readonly { readonly call: Expr; readonly columnCount: number }[]
  readonly withOrdinality: boolean
  readonly lateral: boolean
}

export interface ValuesFrom extends FromBase {
  readonly kind: 'values'
  readonly rows: readonly (readonly Expr[])[]
  readonly lateral: boolean
}

/**
 * A join. USING and NATURAL have become `on`; their merged columns are ordinary expressions (COALESCE for full joins)
 * that analysis put wherever they were named, so a join has no columns of its own.
 */
export interface JoinFrom {
  readonly kind: 'join'
  readonly join: 'inner' | 'left' | 'right' | 'full'
  readonly left: From
  readonly right: From
  /** undefined: CROSS JOIN. */
  readonly on: Expr | undefined
  /** For deparsing: the columns of USING (NATURAL's too) and the join's alias, where it had them. */
  readonly using?: readonly string[] | undefined
  readonly alias?: string | undefined
}

export type From = TableFrom | SubqueryFrom | CteFrom | FunctionFrom | ValuesFrom | JoinFrom

export type CteId = number & { readonly cte: true }

export interface Cte {
  readonly id: CteId
  readonly name: string
  readonly columns: readonly RelationColumn[]
  /** A query, or a data-modifying statement with RETURNING. */
  readonly query: Query | Modify
  /** For WITH RECURSIVE: `query` is a SetQuery whose right side refers to the cte itself. */
  readonly recursive: boolean
  readonly materialized: 'default' | 'always' | 'never'
  readonly referenceCount: number
}

export interface WindowClause {
  readonly name: string | undefined
  readonly partitionBy: readonly SortKey[]
  readonly orderBy: readonly SortKey[]
  readonly frame: {
    readonly mode: 'rows' | 'range' | 'groups'
    readonly start: FrameBound
    readonly end: FrameBound
    readonly exclude: 'no-others' | 'current-row' | 'group' | 'ties'
  }
  /** How it was written, for deparsing: the window it extends, whether it had a frame clause, and that with BETWEEN. */
  readonly notation?: {
    readonly base: string | undefined
    readonly hasOwnOrder: boolean
    readonly hasFrame: boolean
    readonly hasBetween: boolean
  }
}

export interface FrameBound {
  readonly kind: 'unbounded-preceding' | 'preceding' | 'current-row' | 'following' | 'unbounded-following'
  readonly offset: Expr | undefined
}

/** FOR UPDATE and its kin, resolved to entries of this query's FROM. */
export interface RowLocking {
  readonly strength: 'key-share' | 'share' | 'no-key-update' | 'update'
  readonly wait: 'wait' | 'nowait' | 'skip'
  readonly relations: readonly RelationId[]
}

export interface SelectQuery {
  readonly kind: 'select'
  readonly ctes: readonly Cte[]
  /** Comma-separated FROM items; empty for SELECT 1. */
  readonly from: readonly From[]
  readonly where: Expr | undefined
  readonly groupBy: readonly Expr[]
  /** Each set lists indexes into groupBy; one set with all of them is plain GROUP BY. Empty: no GROUP BY clause. */
  readonly groupingSets: readonly (readonly number[])[]
  /** GROUP BY as it was written, for deparsing; undefined: plain keys. */
  readonly grouping?: readonly GroupingItem[] | undefined
  readonly groupDistinct?: boolean | undefined
  readonly having: Expr | undefined
  readonly hasAggregates: boolean
  readonly windows: readonly WindowClause[]
  readonly targets: readonly Target[]
  /** undefined: none; 'all': DISTINCT; keys: DISTINCT ON. */
  readonly distinct: undefined | 'all' | readonly Expr[]
  readonly orderBy: readonly SortKey[]
  readonly limit: Expr | undefined
  readonly offset: Expr | undefined
  readonly withTies: boolean
  readonly locking: readonly RowLocking[]
}

/** An item of GROUP BY as it was written; keys are indexes into groupBy. */
export type GroupingItem =
  | { readonly kind: 'keys'; readonly keys: readonly number[] }
  | { readonly kind: 'sets' | 'rollup' | 'cube'; readonly items: readonly GroupingItem[] }

/** UNION, INTERSECT, EXCEPT. Both sides have been converted to the common column types. */
export interface SetQuery {
  readonly kind: 'set'
  readonly ctes: readonly Cte[]
  readonly operation: 'union' | 'intersect' | 'except'
  readonly all: boolean
  readonly left: Query
  readonly right: Query
  /** Names and types; expressions are ColumnExpr of `outputs`. */
  readonly targets: readonly Target[]
  readonly outputs: RelationId
  readonly orderBy: readonly SortKey[]
  readonly limit: Expr | undefined
  readonly offset: Expr | undefined
  readonly withTies: boolean
}

/** VALUES as a query. ORDER BY names columns through `outputs`. */
export interface ValuesQuery {
  readonly kind: 'values'
  readonly ctes: readonly Cte[]
  readonly rows: readonly (readonly Expr[])[]
  readonly targets: readonly Target[]
  readonly outputs: RelationId
  readonly orderBy: readonly SortKey[]
  readonly limit: Expr | undefined
  readonly offset: Expr | undefined
}

export type Query = SelectQuery | SetQuery | ValuesQuery

/** An assignment of a table column, by index into table.columns. Conversion and typmod are part of the expression. */
export interface Assignment {
  readonly column: number
  readonly expr: Expr
}

export interface InsertStatement {
  readonly kind: 'insert'
  readonly ctes: readonly Cte[]
  readonly table: Table
  /** The new row's entry: RETURNING and ON CONFLICT name its columns. */
  readonly target: RelationId
  /** Source rows; `sourceColumns[i]` says into which table column source column i goes. DEFAULT VALUES: one empty row. */
  readonly source: Query
  readonly sourceColumns: readonly number[]
  /** Every table column's value over the source's row (ColumnExpr of `sourceRelation`), defaults filled in. */
  readonly sourceRelation: RelationId
  readonly assignments: readonly Assignment[]
  /**
   * Generated columns, not among the assignments: expressions over the new row as it is after them (ColumnExpr of
   * `target`, as in RETURNING). They apply to the row of ON CONFLICT DO UPDATE too.
   */
  readonly generated: readonly Assignment[]
  readonly onConflict: OnConflict | undefined
  readonly returning: readonly Target[]
}

export interface OnConflict {
  /** Oids of the unique indexes that arbitrate; empty: any (DO NOTHING only). */
  readonly indexes: readonly number[]
  readonly action: 'nothing' | 'update'
  /** The row proposed for insertion (EXCLUDED). */
  readonly excluded: RelationId
  readonly assignments: readonly Assignment[]
  readonly where: Expr | undefined
}

export interface UpdateStatement {
  readonly kind: 'update'
  readonly ctes: readonly Cte[]
  readonly table: Table
  readonly target: RelationId
  readonly from: readonly From[]
  readonly where: Expr | undefined
  readonly assignments: readonly Assignment[]
  /** Generated columns: expressions over the new row (ColumnExpr of `target`), evaluated after the assignments. */
  readonly generated: readonly Assignment[]
  readonly returning: readonly Target[]
}

export interface DeleteStatement {
  readonly kind: 'delete'
  readonly ctes: readonly Cte[]
  readonly table: Table
  readonly target: RelationId
  readonly using: readonly From[]
  readonly where: Expr | undefined
  readonly returning: readonly Target[]
}

export type Modify = InsertStatement | UpdateStatement | DeleteStatement

/** What analysis gives the planner. Everything else (DDL, SET, COPY, ...) stays a parse tree for sql/session. */
export interface AnalysedStatement {
  readonly body: Query | Modify
  /** Final parameter types, inferred ones included; index i is $i+1. */
  readonly parameterTypes: readonly number[]
  /**
   * A literal was converted in a way that depends on the session's settings (time zone, DateStyle, ...): a plan made of
   * this may be shared only by sessions with the same ones.
   */
  readonly dependsOnSettings: boolean
  /**
   * A literal such as timestamp 'now' was converted: its value holds for this statement only, so the plan of a simple
   * query must not be used again (a prepared statement keeps the value, as in PostgreSQL).
   */
  readonly dependsOnClock: boolean
}
