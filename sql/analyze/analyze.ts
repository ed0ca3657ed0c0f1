// The door of analysis: a parsed statement becomes a bound one.
//
//   ParsedStatement ──analyze──▶ AnalysedStatement ──▶ planner
//   AST or text of an expression ──analyzeExpression──▶ Expr        (DDL: DEFAULT, CHECK, indexes, generated columns)
//
// Scope levels: the empty outermost scope has depth 0, the statement's own query depth 1.

import type { Table } from '../catalog/catalog.ts'
import type { Node } from '../parse/ast.ts'
import { nodeAs } from '../parse/ast.ts'
import { type ParsedStatement, parseExpression } from '../parse/parse.ts'
import type { SourceText } from '../parse/source-text.ts'
import { stackDepthExceeded } from '../parse/syntax-error.ts'
import type { Expr } from '../tree/expr.ts'
import type { AnalysedStatement, Modify, Query } from '../tree/query.ts'
import { UNKNOWN_OID } from '../types/oids.ts'
import { Analysis, type AnalysisContext } from './analysis.ts'
import { coerceTo } from './coerce.ts'
import { coerceToBoolean } from './common-type.ts'
import type { ExprKind } from './expr-kind.ts'
import { analyseExprIn } from './expr.ts'
import { formatType } from './format-type.ts'
import { tableItem } from './from-item.ts'
import { analyseModify } from './modify.ts'
import { analyseSelectIn } from './query.ts'
import { Scope } from './scope.ts'
import { unknownToText } from './unknown.ts'

/**
 * Analyses SELECT, VALUES, TABLE, INSERT, UPDATE, DELETE.
 *
 * @throws SqlError as PostgreSQL would, positions counted in the whole source text; NotLiftable for a lifted statement
 * that must be analysed with its literals in place.
 */
export function analyze(statement: ParsedStatement, context: AnalysisContext): AnalysedStatement {
  return analyzeNode(statement.node, statement.source, context)
}

/** As analyze, for a statement inside another one (EXPLAIN, DECLARE, CREATE TABLE AS, COPY (query), PREPARE). */
export function analyzeNode(node: Node, source: SourceText, context: AnalysisContext): AnalysedStatement {
  const analysis = new Analysis(context, source)
  const scope = new Scope(analysis, new Scope(analysis, undefined))
  const body = guardDepth(() => analyseBody(scope, node))
  analysis.checkParameters()
  const { parameterTypes, dependsOnSettings, dependsOnClock } = analysis
  return { body, parameterTypes, dependsOnSettings, dependsOnClock }
}

function analyseBody(scope: Scope, node: Node): Query | Modify {
  const select = nodeAs(node, 'SelectStmt')
  return select === undefined ? analyseModify(scope, node) : analyseSelectIn(scope, select)
}

function guardDepth<T>(action: () => T): T {
  try {
    return action()
  } catch (thrown) {
    if (thrown instanceof RangeError) throw stackDepthExceeded()
    throw thrown
  }
}

/** What an expression of a table's definition is for, and what it may refer to. */
export interface ExpressionOptions {
  readonly kind: ExprKind
  /** The table whose columns it may name. */
  readonly table?: Table | undefined
  /** Convert to this type as an assignment would; without it the expression keeps its own type. */
  readonly target?:
    | { readonly type: number; readonly typmod: number; readonly columnName: string }
    | undefined
}

/** An expression given as text: DEFAULT, CHECK, index keys and the like as the catalog keeps them. */
export function analyzeExpressionText(
  text: string,
  context: AnalysisContext,
  options: ExpressionOptions,
): Expr {
  const { node, source } = parseExpression(text)
  return analyzeExpression(node, source, context, options)
}

/**
 * An expression given as a raw tree; `source` is the text that its locations count in. Its columns are ColumnExpr of one
 * entry, by index among the table's columns that are not dropped.
 */
export function analyzeExpression(
  node: Node,
  source: SourceText,
  context: AnalysisContext,
  options: ExpressionOptions,
): Expr {
  const analysis = new Analysis(context, source)
  const scope = new Scope(analysis, undefined)
  if (options.table !== undefined) scope.add(tableItem(scope, options.table, undefined))
  const raw = guardDepth(() => analyseExprIn(scope, node, options.kind))
  const expr = settle(analysis, raw, options)
  analysis.checkParameters()
  return expr
}

function settle(analysis: Analysis, raw: Expr, { kind, target }: ExpressionOptions): Expr {
  if (kind === 'check') return coerceToBoolean(analysis, raw, 'CHECK')
  if (kind === 'index-predicate') return coerceToBoolean(analysis, raw, 'WHERE')
  if (kind === 'copy-where') return coerceToBoolean(analysis, raw, 'WHERE')
  if (target === undefined) return raw.type === UNKNOWN_OID ? unknownToText(analysis, raw) : raw
  const { type, typmod, columnName } = target
  const conversion = { type, typmod, context: 'assignment', form: 'implicit-cast', location: -1 } as const
  const converted = coerceTo(analysis, raw, conversion)
  if (converted !== undefined) return converted
  const wanted = formatType(analysis.context, type)
  const actual = formatType(analysis.context, raw.type)
  const word = kind === 'generated' ? 'generation' : kind === 'default' ? 'default' : undefined
  const message =
    word === undefined
      ? `column "${columnName}" is of type ${wanted} but expression is of type ${actual}`
      : `column "${columnName}" is of type ${wanted} but ${word} expression is of type ${actual}`
  throw analysis.error('42804', message, undefined, {
    hint: 'You will need to rewrite or cast the expression.',
  })
}
