// PostgreSQL 15's raw parse tree, as libpg-query's JSON has it: every node is wrapped in an object with one key, its
// tag: `{ SelectStmt: {...} }`. Fields that are zero, false, empty or absent in C are absent here.
//
// `location` is a 0-based BYTE offset into the whole text that was parsed; absent means 0, -1 unknown.

import type { Node } from 'libpg-query'

export type {
  A_ArrayExpr,
  A_Const,
  A_Expr,
  A_Indices,
  A_Indirection,
  Alias,
  BoolExpr,
  BooleanTest,
  CaseExpr,
  CoalesceExpr,
  CollateClause,
  ColumnDef,
  ColumnRef,
  CommonTableExpr,
  DeleteStmt,
  FuncCall,
  GroupingFunc,
  GroupingSet,
  IndexElem,
  InsertStmt,
  JoinExpr,
  LockingClause,
  MinMaxExpr,
  MultiAssignRef,
  NamedArgExpr,
  Node,
  NullTest,
  OnConflictClause,
  ParamRef,
  RangeFunction,
  RangeSubselect,
  RangeVar,
  ResTarget,
  RowExpr,
  SelectStmt,
  SortBy,
  SQLValueFunction,
  SubLink,
  TypeCast,
  TypeName,
  UpdateStmt,
  WindowDef,
  WithClause,
} from 'libpg-query'

type TagOf<T> = T extends unknown ? keyof T : never

/** The wrapper keys: 'SelectStmt', 'ColumnRef', ... */
export type NodeTag = TagOf<Node>

/** The node inside a wrapper with this tag. */
export type NodeOf<Tag extends NodeTag> =
  Extract<Node, Record<Tag, unknown>> extends Record<Tag, infer Inner> ? Inner : never

/** The tag of a wrapped node. The empty object that stands for a C NULL in lists has none. */
export function tagOf(node: Node): NodeTag | undefined {
  for (const tag in node) return tag as NodeTag
  return undefined
}

/** The inside of a node that has this tag, else undefined. */
export function nodeAs<Tag extends NodeTag>(node: Node | undefined, tag: Tag): NodeOf<Tag> | undefined {
  return node === undefined ? undefined : (node as Partial<Record<Tag, NodeOf<Tag>>>)[tag]
}

/** The strings of a list of String nodes (qualified names, operator names); other nodes are left out. */
export function stringsOf(nodes: readonly Node[] | undefined): string[] {
  const strings: string[] = []
  for (const node of nodes ?? []) {
    const string = nodeAs(node, 'String')
    if (string !== undefined) strings.push(string.sval ?? '')
  }
  return strings
}
