// Expressions: one function for each kind of raw node, this file dispatches and does the simple ones.

import { assert, must } from '../../storage/base/assert.ts'
import type { BoolExpr, BooleanTest, CollateClause, Node, NullTest, RowExpr, TypeCast } from '../parse/ast.ts'
import { type NodeOf, type NodeTag, nodeAs, stringsOf, tagOf } from '../parse/ast.ts'
import type { Expr } from '../tree/expr.ts'
import {
  BOOL_OID,
  C_COLLATION_OID,
  DEFAULT_COLLATION_OID,
  INT4_OID,
  RECORD_OID,
  UNKNOWN_OID,
} from '../types/oids.ts'
import { analyseArray } from './array-expr.ts'
import { analyseCase, analyseCoalesce, analyseMinMax } from './case-expr.ts'
import { coerceTo } from './coerce.ts'
import { analyseColumnRef } from './column-ref.ts'
import { coerceToBoolean } from './common-type.ts'
import { analyseConstant, analyseSessionValue } from './constant.ts'
import { allowsAggregates, placePhrase } from './expr-kind.ts'
import { formatType } from './format-type.ts'
import { analyseFunctionCall } from './function-call.ts'
import { analyseIndirection } from './indirection.ts'
import { analyseOperatorExpr } from './operator-expr.ts'
import type { Scope } from './scope.ts'
import { expandStar } from './star.ts'
import { analyseSubquery } from './subquery-expr.ts'
import { resolveTypeName } from './type-name.ts'
import { baseTypeAndTypmod, elementTypeOf } from './type-rules.ts'

/** An expression, in the scope's current clause. */
export function analyseExpr(scope: Scope, node: Node): Expr {
  const tag = tagOf(node)
  assert(tag !== undefined, 'an expression has a tag')
  const handler = HANDLERS[tag] as ((scope: Scope, node: unknown) => Expr) | undefined
  if (handler === undefined) throw scope.analysis.error('0A000', `expression ${tag} is not supported`)
  return handler(scope, (node as Record<string, unknown>)[tag])
}

/** An expression in a certain clause. */
export function analyseExprIn(scope: Scope, node: Node, kind: Scope['kind']): Expr {
  const before = scope.kind
  scope.kind = kind
  const expr = analyseExpr(scope, node)
  scope.kind = before
  return expr
}

/** WHERE and its kin: undefined stays undefined, else a boolean. */
export function analyseCondition(
  scope: Scope,
  node: Node | undefined,
  kind: Scope['kind'],
  construct: string,
): Expr | undefined {
  return node === undefined
    ? undefined
    : coerceToBoolean(scope.analysis, analyseExprIn(scope, node, kind), construct)
}

type Handlers = { readonly [Tag in NodeTag]?: (scope: Scope, node: NodeOf<Tag>) => Expr }

const refuse =
  (feature: string) =>
  (scope: Scope): Expr => {
    throw scope.analysis.error('0A000', `${feature} is not supported`)
  }

const HANDLERS: Handlers = {
  ColumnRef: analyseColumnRef,
  A_Const: (scope, node) => analyseConstant(scope.analysis, node),
  A_Expr: analyseOperatorExpr,
  FuncCall: analyseFunctionCall,
  ParamRef: (scope, node) => scope.analysis.parameter(node.number ?? 0, node.location ?? 0),
  TypeCast: analyseCast,
  BoolExpr: analyseBoolean,
  NullTest: analyseNullTest,
  BooleanTest: analyseBooleanTest,
  SubLink: analyseSubquery,
  CaseExpr: analyseCase,
  CoalesceExpr: analyseCoalesce,
  MinMaxExpr: analyseMinMax,
  A_ArrayExpr: (scope, node) => analyseArray(scope, node, undefined),
  RowExpr: analyseRow,
  A_Indirection: analyseIndirection,
  SQLValueFunction: (scope, node) => analyseSessionValue(scope.analysis, node),
  CollateClause: analyseCollate,
  GroupingFunc: analyseGrouping,
  NamedArgExpr: (scope, node) => analyseExpr(scope, must(node.arg)),
  SetToDefault: (scope, node) => {
    throw scope.analysis.error('42601', 'DEFAULT is not allowed in this context', node.location ?? 0)
  },
  CurrentOfExpr: refuse('WHERE CURRENT OF'),
  XmlExpr: refuse('XML expressions'),
  XmlSerialize: refuse('XML expressions'),
  MultiAssignRef: refuse('multiple assignment here'),
}

function analyseCast(scope: Scope, cast: TypeCast): Expr {
  const { analysis } = scope
  const typeName = must(cast.typeName)
  const { oid, typmod } = resolveTypeName(analysis, typeName)
  const argument = must(cast.arg)
  const array = nodeAs(argument, 'A_ArrayExpr')
  // ARRAY[...]::type[]: the elements are converted one by one, which also types an empty array.
  const base = baseTypeAndTypmod(analysis, oid, typmod)
  const isArray = array !== undefined && elementTypeOf(analysis, base.oid) !== 0
  const arg = isArray ? analyseArray(scope, array, base) : analyseExpr(scope, argument)
  const written = cast.location ?? 0
  const location = written < 0 ? (typeName.location ?? 0) : written
  const result = coerceTo(analysis, arg, {
    type: oid,
    typmod,
    context: 'explicit',
    form: 'explicit-cast',
    location,
  })
  if (result !== undefined) return result
  const from = formatType(analysis.context, arg.type)
  const to = formatType(analysis.context, oid)
  throw analysis.error('42846', `cannot cast type ${from} to ${to}`, location)
}

const BOOLEAN_WORDS: Readonly<Record<string, string>> = { AND_EXPR: 'AND', OR_EXPR: 'OR', NOT_EXPR: 'NOT' }

function analyseBoolean(scope: Scope, node: BoolExpr): Expr {
  const construct = must(BOOLEAN_WORDS[node.boolop ?? ''])
  const args = (node.args ?? []).map((arg) =>
    coerceToBoolean(scope.analysis, analyseExpr(scope, arg), construct),
  )
  return booleanExpr(
    construct === 'AND' ? 'and' : construct === 'OR' ? 'or' : 'not',
    args,
    node.location ?? 0,
  )
}

/** AND, OR or NOT over booleans. */
export function booleanExpr(kind: 'and' | 'or' | 'not', args: readonly Expr[], location: number): Expr {
  const base = { type: BOOL_OID, typmod: -1, collation: 0, location } as const
  return kind === 'not' ? { kind, arg: must(args[0]), ...base } : { kind, args, ...base }
}

function analyseNullTest(scope: Scope, node: NullTest): Expr {
  const arg = analyseExpr(scope, must(node.arg))
  return testExpr('null', node.nulltesttype === 'IS_NOT_NULL', arg, node.location ?? 0)
}

/** IS [NOT] NULL and the tests of booleans. */
export function testExpr(
  test: 'null' | 'true' | 'false' | 'unknown',
  negated: boolean,
  arg: Expr,
  location: number,
): Expr {
  return { kind: 'test', test, negated, arg, type: BOOL_OID, typmod: -1, collation: 0, location }
}

function analyseBooleanTest(scope: Scope, node: BooleanTest): Expr {
  const words = (node.booltesttype ?? '').replaceAll('_', ' ')
  const test = words.endsWith('TRUE') ? 'true' : words.endsWith('FALSE') ? 'false' : 'unknown'
  const arg = coerceToBoolean(scope.analysis, analyseExpr(scope, must(node.arg)), words)
  return testExpr(test, words.includes('NOT'), arg, node.location ?? 0)
}

const ROW_COLUMNS_MAX = 1664

function analyseRow(scope: Scope, node: RowExpr): Expr {
  const { analysis } = scope
  const elements = expandRowElements(scope, node.args ?? [])
  if (elements.length > ROW_COLUMNS_MAX) {
    throw analysis.error(
      '54011',
      `ROW expressions can have at most ${ROW_COLUMNS_MAX} entries`,
      node.location,
    )
  }
  return {
    kind: 'row',
    names: elements.map((_, i) => `f${i + 1}`),
    elements,
    explicit: node.row_format === 'COERCE_EXPLICIT_CALL',
    type: RECORD_OID,
    typmod: -1,
    collation: 0,
    location: node.location ?? 0,
  }
}

/** The elements of ROW(...) and of VALUES lists; `t.*` stands for all columns of t there. */
export function expandRowElements(scope: Scope, nodes: readonly Node[]): Expr[] {
  return nodes.flatMap((node) => {
    const expanded = expandStar(scope, node)
    return expanded === undefined ? [analyseExpr(scope, node)] : expanded.map((column) => column.expr)
  })
}

const COLLATIONS: ReadonlyMap<string, number> = new Map([
  ['default', DEFAULT_COLLATION_OID],
  ['C', C_COLLATION_OID],
  ['POSIX', 951],
  ['ucs_basic', 962],
])

/** The oid of a collation. @throws SqlError 42704. */
export function resolveCollation(
  scope: Pick<Scope, 'analysis'>,
  names: readonly string[],
  location: number,
): number {
  const name = must(names.at(-1))
  const oid = COLLATIONS.get(name)
  const isKnown = oid !== undefined && (names.length === 1 || names[0] === 'pg_catalog')
  if (isKnown) return oid
  const shown = names.join('.')
  throw scope.analysis.error('42704', `collation "${shown}" for encoding "UTF8" does not exist`, location)
}

function analyseCollate(scope: Scope, node: CollateClause): Expr {
  const { analysis } = scope
  const location = node.location ?? 0
  const arg = analyseExpr(scope, must(node.arg))
  const names = stringsOf(node.collname)
  if (arg.type !== UNKNOWN_OID && !analysis.type(arg.type).isCollatable) {
    const type = formatType(analysis.context, arg.type)
    throw analysis.error('42804', `collations are not supported by type ${type}`, location)
  }
  const collation = resolveCollation(scope, names, location)
  return {
    kind: 'convert',
    method: 'relabel',
    arg,
    element: undefined,
    form: 'explicit-cast',
    collate: must(names.at(-1)),
    type: arg.type,
    typmod: arg.typmod,
    collation,
    location,
  }
}

const GROUPING_ARGUMENTS_MAX = 31

function analyseGrouping(scope: Scope, node: NodeOf<'GroupingFunc'>): Expr {
  const { analysis } = scope
  const location = node.location ?? 0
  const nodes = node.args ?? []
  if (nodes.length > GROUPING_ARGUMENTS_MAX) {
    throw analysis.error('54023', 'GROUPING must have fewer than 32 arguments', location)
  }
  const args = nodes.map((arg) => analyseExpr(scope, arg))
  if (!allowsAggregates(scope.kind)) {
    const phrase = placePhrase(scope.kind, 'aggregate')
    throw analysis.error('42803', `grouping operations are not allowed in ${phrase}`, location)
  }
  scope.hasAggregates = true
  return { kind: 'grouping', args, type: INT4_OID, typmod: -1, collation: 0, location }
}
