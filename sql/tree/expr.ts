// Bound expressions: what analysis makes of PostgreSQL's parse tree. Every name is resolved, every node knows its type,
// every conversion is explicit. Frozen plain data with a literal `kind`; only analysis and planner rules make them.
//
// A column is named by the range-table entry it comes from (an id unique in the whole statement, so correlation needs no
// levels: a column whose entry is not in the query's own FROM comes from an outer query) and its index there.

import type { AggregateFunction, ScalarFunction, SetFunction, WindowFunction } from '../functions/function.ts'
import type { Value } from '../types/value.ts'
import type { Query, SortKey } from './query.ts'

/** Id of a range-table entry, unique within one analysed statement. */
export type RelationId = number & { readonly relation: true }

interface ExprBase {
  /** Result type oid and modifier (-1: none). */
  readonly type: number
  readonly typmod: number
  /** Collation oid, 0 for types without one. */
  readonly collation: number
  /** 0-based byte offset in the statement's text that an error points at, or -1. */
  readonly location: number
}

export interface ConstantExpr extends ExprBase {
  readonly kind: 'constant'
  readonly value: Value
}

/** A parameter of the statement, 0-based ($1 is 0). Literals lifted by the plan cache are parameters too. */
export interface ParameterExpr extends ExprBase {
  readonly kind: 'parameter'
  readonly index: number
}

export interface ColumnExpr extends ExprBase {
  readonly kind: 'column'
  readonly relation: RelationId
  /** 0-based index into the entry's columns; a negative one is a system column (see SYSTEM_COLUMN). */
  readonly column: number
  readonly name: string
}

/** System columns by index, as pg_attribute.attnum numbers them. */
export const SYSTEM_COLUMN: {
  readonly ctid: -1
  readonly xmin: -2
  readonly cmin: -3
  readonly xmax: -4
  readonly cmax: -5
  readonly tableoid: -6
} = { ctid: -1, xmin: -2, cmin: -3, xmax: -4, cmax: -5, tableoid: -6 }

/** The whole row of an entry as a composite (SELECT t FROM t, t.*::text, row_to_json(t)). */
export interface WholeRowExpr extends ExprBase {
  readonly kind: 'whole-row'
  readonly relation: RelationId
}

/** A call of a function or operator. VARIADIC arguments have been gathered into one array argument. */
export interface CallExpr extends ExprBase {
  readonly kind: 'call'
  readonly function: ScalarFunction
  readonly args: readonly Expr[]
  /** Set when it was written as an operator: for deparsing and for index matching. */
  readonly operatorOid: number
  /**
   * 'explicit' | 'implicit': a cast written or inserted; deparsing shows only the first. 'sql-syntax': written in the
   * grammar's own form, EXTRACT(year FROM x).
   */
  readonly form: 'call' | 'operator' | 'explicit-cast' | 'implicit-cast' | 'sql-syntax'
  /** The last argument was written VARIADIC array: for deparsing. */
  readonly variadic?: boolean | undefined
}

/** A set-returning function in a target list or FROM. */
export interface SetCallExpr extends ExprBase {
  readonly kind: 'set-call'
  readonly function: SetFunction
  readonly args: readonly Expr[]
}

/** A conversion without a function: 'relabel' keeps the value, 'io' goes through text, 'array' converts elements. */
export interface ConvertExpr extends ExprBase {
  readonly kind: 'convert'
  readonly method: 'relabel' | 'io' | 'array' | 'row' | 'domain-check'
  readonly arg: Expr
  /** For 'array': the element conversion, applied to an ElementExpr. */
  readonly element: Expr | undefined
  /** Name of the collation when this is a COLLATE clause (method 'relabel', type unchanged): for deparsing. */
  readonly collate?: string | undefined
  readonly form: 'explicit-cast' | 'implicit-cast'
}

/** Length coercion to a typmod (varchar(10), numeric(8,2), timestamp(3)). */
export interface TypmodExpr extends ExprBase {
  readonly kind: 'typmod'
  readonly arg: Expr
  readonly explicit: boolean
  readonly form: 'explicit-cast' | 'implicit-cast'
}

/** Placeholder: the element of 'array' conversion, the tested value of CASE x WHEN, a domain's VALUE. */
export interface ElementExpr extends ExprBase {
  readonly kind: 'element'
}

export interface BooleanExpr extends ExprBase {
  readonly kind: 'and' | 'or'
  readonly args: readonly Expr[]
}

export interface NotExpr extends ExprBase {
  readonly kind: 'not'
  readonly arg: Expr
}

/** IS [NOT] NULL (of rows too), IS [NOT] TRUE/FALSE/UNKNOWN. */
export interface TestExpr extends ExprBase {
  readonly kind: 'test'
  readonly test: 'null' | 'true' | 'false' | 'unknown'
  readonly negated: boolean
  readonly arg: Expr
}

/** IS [NOT] DISTINCT FROM, by the '=' operator of the types. */
export interface DistinctExpr extends ExprBase {
  readonly kind: 'distinct'
  readonly negated: boolean
  readonly equal: ScalarFunction
  readonly operatorOid: number
  readonly left: Expr
  readonly right: Expr
}

export interface NullIfExpr extends ExprBase {
  readonly kind: 'nullif'
  readonly equal: ScalarFunction
  readonly operatorOid: number
  readonly left: Expr
  readonly right: Expr
}

/** CASE; with `subject`, the conditions contain an ElementExpr in its place. */
export interface CaseExpr extends ExprBase {
  readonly kind: 'case'
  readonly subject: Expr | undefined
  readonly whens: readonly { readonly condition: Expr; readonly result: Expr }[]
  readonly otherwise: Expr | undefined
}

export interface CoalesceExpr extends ExprBase {
  readonly kind: 'coalesce' | 'greatest' | 'least'
  readonly args: readonly Expr[]
  /** Set for the merged column of a FULL JOIN ... USING: its name, which is how it is deparsed. */
  readonly merged?: string | undefined
}

export interface ArrayExpr extends ExprBase {
  readonly kind: 'array'
  readonly elementType: number
  /** True for ARRAY[ARRAY[..],..]: elements are arrays to be stacked. */
  readonly nested: boolean
  readonly elements: readonly Expr[]
}

export interface RowExpr extends ExprBase {
  readonly kind: 'row'
  readonly names: readonly string[]
  readonly elements: readonly Expr[]
  /** ROW(...) written out or just parentheses: for deparsing. */
  readonly explicit: boolean
}

/** ROW(a,b) op ROW(c,d), expanded pairwise; 'and' for =, lexicographic for < <= > >=. */
export interface RowCompareExpr extends ExprBase {
  readonly kind: 'row-compare'
  readonly operator: '<' | '<=' | '>' | '>='
  readonly less: readonly ScalarFunction[]
  readonly left: readonly Expr[]
  readonly right: readonly Expr[]
}

/** x op ANY/ALL (array), IN lists included (array of constants or an ArrayExpr). */
export interface ArrayCompareExpr extends ExprBase {
  readonly kind: 'array-compare'
  readonly function: ScalarFunction
  readonly operatorOid: number
  readonly all: boolean
  readonly left: Expr
  readonly right: Expr
  readonly fromInList: boolean
}

export interface SubscriptExpr extends ExprBase {
  readonly kind: 'subscript'
  readonly arg: Expr
  /** Element access when all are single; a slice when any has bounds. Also jsonb subscripts. */
  readonly subscripts: readonly (
    | { readonly kind: 'index'; readonly at: Expr }
    | { readonly kind: 'slice'; readonly lower: Expr | undefined; readonly upper: Expr | undefined }
  )[]
}

export interface FieldExpr extends ExprBase {
  readonly kind: 'field'
  readonly arg: Expr
  readonly field: number
  readonly name: string
}

/**
 * A subquery in an expression. 'any'/'all': `compare` is the comparison over `left` (outer values) and the subquery's
 * columns, which it names as ColumnExpr of relation `outputs`.
 */
export interface SubqueryExpr extends ExprBase {
  readonly kind: 'subquery'
  readonly test: 'scalar' | 'exists' | 'any' | 'all' | 'array' | 'row'
  readonly query: Query
  readonly left: readonly Expr[]
  readonly compare: Expr | undefined
  readonly outputs: RelationId | undefined
}

export interface AggregateExpr extends ExprBase {
  readonly kind: 'aggregate'
  readonly function: AggregateFunction
  /** count(*): no arguments and star. */
  readonly star: boolean
  readonly args: readonly Expr[]
  readonly directArgs: readonly Expr[]
  readonly distinct: boolean
  readonly orderBy: readonly SortKey[]
  readonly filter: Expr | undefined
}

export interface WindowExpr extends ExprBase {
  readonly kind: 'window'
  readonly function: WindowFunction | AggregateFunction
  readonly star: boolean
  readonly args: readonly Expr[]
  readonly filter: Expr | undefined
  /** Index into the query's windows. */
  readonly window: number
}

/** GROUPING(a, b): bits by the query's grouping sets. */
export interface GroupingExpr extends ExprBase {
  readonly kind: 'grouping'
  readonly args: readonly Expr[]
}

/** CURRENT_DATE, CURRENT_TIMESTAMP(p), USER, ... which are not function calls in the grammar. */
export interface SessionValueExpr extends ExprBase {
  readonly kind: 'session-value'
  readonly name:
    | 'current_date'
    | 'current_time'
    | 'current_timestamp'
    | 'localtime'
    | 'localtimestamp'
    | 'current_user'
    | 'session_user'
    | 'current_catalog'
    | 'current_schema'
}

/** DEFAULT in INSERT/UPDATE before it is replaced, and nextval of an identity column. */
export interface NextValueExpr extends ExprBase {
  readonly kind: 'next-value'
  readonly sequenceOid: number
}

/** A slot of the row an operator is given: what the planner makes of ColumnExpr. Analysis never makes one. */
export interface SlotExpr extends ExprBase {
  readonly kind: 'slot'
  readonly index: number
}

export type Expr =
  | ConstantExpr
  | ParameterExpr
  | ColumnExpr
  | WholeRowExpr
  | CallExpr
  | SetCallExpr
  | ConvertExpr
  | TypmodExpr
  | ElementExpr
  | BooleanExpr
  | NotExpr
  | TestExpr
  | DistinctExpr
  | NullIfExpr
  | CaseExpr
  | CoalesceExpr
  | ArrayExpr
  | RowExpr
  | RowCompareExpr
  | ArrayCompareExpr
  | SubscriptExpr
  | FieldExpr
  | SubqueryExpr
  | AggregateExpr
  | WindowExpr
  | GroupingExpr
  | SessionValueExpr
  | NextValueExpr
  | SlotExpr
