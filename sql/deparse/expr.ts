// Expressions as text, exactly as PostgreSQL prints them.

import { must, unreachable } from '../../storage/base/assert.ts'
import { formatType } from '../analyze/format-type.ts'
import { neutralContext } from '../catalog/created-types.ts'
import { quoteIdentifier } from '../parse/identifier.ts'
import type { CallExpr, ConstantExpr, Expr, SubqueryExpr, SubscriptExpr } from '../tree/expr.ts'
import { BOOL_OID, INT4_OID, NUMERIC_OID, RECORD_OID, UNKNOWN_OID } from '../types/oids.ts'
import { isSimpleIn } from './parentheses.ts'
import { type DeparseOptions, INDENT_VAR, Printer, quoteLiteral, relationName } from './printer.ts'
import { printQueryIn } from './query.ts'
import { printSqlSyntax } from './sql-syntax.ts'
import { printAggregate, printWindowCall } from './aggregate.ts'

/** An expression's text. */
export function deparseExpr(expr: Expr, options: DeparseOptions): string {
  const printer = new Printer(options)
  printExpr(printer, expr, options.showImplicit === true)
  return printer.text
}

/** Inside another expression, which decides whether parentheses are due. */
export function printPart(p: Printer, expr: Expr, showImplicit: boolean, parent: Expr): void {
  const needed = p.pretty && !isSimpleIn(p.options.catalog, expr, parent)
  if (needed) p.add('(')
  printExpr(p, expr, showImplicit)
  if (needed) p.add(')')
}

export function printList(p: Printer, exprs: readonly Expr[], showImplicit: boolean): void {
  exprs.forEach((expr, i) => {
    if (i > 0) p.add(', ')
    printExpr(p, expr, showImplicit)
  })
}

export function typeText(p: Printer, oid: number, typmod: number): string {
  return formatType(p.options, oid, typmod)
}

function printRow(p: Printer, elements: readonly Expr[]): void {
  p.add('ROW(')
  elements.forEach((element, i) => {
    if (i > 0) p.add(', ')
    printElement(p, element, true)
  })
  p.add(')')
}

/** `showImplicit`: whether an implicit cast at the top is to be seen. */
export function printExpr(p: Printer, expr: Expr, showImplicit: boolean): void {
  switch (expr.kind) {
    case 'constant':
      return printConstant(p, expr, 0)
    case 'parameter':
      return p.add(`$${expr.index + 1}`)
    case 'column':
    case 'whole-row':
      return printColumn(p, expr)
    case 'call':
      return printCall(p, expr, showImplicit)
    case 'set-call':
      return printFunction(p, expr, expr.function.name, false)
    case 'convert':
      return printConvert(p, expr, showImplicit)
    case 'typmod':
      if (expr.form === 'implicit-cast' && !showImplicit) return printPart(p, expr.arg, false, expr)
      return printCast(p, expr.arg, expr.type, expr.typmod, expr)
    case 'element':
      return p.add('VALUE')
    case 'and':
    case 'or':
      return printJunction(p, expr)
    case 'not':
      return printNot(p, expr)
    case 'test':
      return printTest(p, expr)
    case 'distinct':
      return printDistinct(p, expr)
    case 'nullif':
      return printArguments(p, 'NULLIF', [expr.left, expr.right])
    case 'case':
      return printCase(p, expr)
    case 'coalesce':
      if (expr.merged !== undefined) return p.add(quoteIdentifier(expr.merged))
      return printArguments(p, 'COALESCE', expr.args)
    case 'greatest':
    case 'least':
      return printArguments(p, expr.kind.toUpperCase(), expr.args)
    case 'array':
      return printArray(p, expr)
    case 'row':
      return printRow(p, expr.elements)
    case 'row-compare':
      return printRowCompare(p, expr)
    case 'array-compare':
      return printArrayCompare(p, expr)
    case 'subscript':
      return printSubscript(p, expr)
    case 'field':
      return printField(p, expr)
    case 'subquery':
      return printSubquery(p, expr)
    case 'aggregate':
      return printAggregate(p, expr)
    case 'window':
      return printWindowCall(p, expr)
    case 'grouping':
      return printArguments(p, 'GROUPING', expr.args)
    case 'session-value':
      return p.add(expr.name.toUpperCase() + (expr.typmod >= 0 ? `(${expr.typmod})` : ''))
    case 'next-value':
      return p.add(`nextval(${quoteLiteral(relationName(p.options, expr.sequenceOid))}::regclass)`)
    case 'slot':
      return p.add(`$slot${expr.index}`)
    default:
      return unreachable(expr)
  }
}

function wrapped(p: Printer, print: () => void): void {
  p.open()
  print()
  p.close()
}

function printNot(p: Printer, expr: Expr & { readonly kind: 'not' }): void {
  wrapped(p, () => {
    p.add('NOT ')
    printPart(p, expr.arg, false, expr)
  })
}

function printArray(p: Printer, expr: Expr & { readonly kind: 'array' }): void {
  p.add('ARRAY[')
  printList(p, expr.elements, true)
  p.add(expr.elements.length === 0 ? `]::${typeText(p, expr.type, -1)}` : ']')
}

function printRowCompare(p: Printer, expr: Expr & { readonly kind: 'row-compare' }): void {
  p.add('(ROW(')
  printList(p, expr.left, true)
  p.add(`) ${expr.operator} ROW(`)
  printList(p, expr.right, true)
  p.add('))')
}

function printArguments(p: Printer, name: string, args: readonly Expr[]): void {
  p.add(`${name}(`)
  printList(p, args, true)
  p.add(')')
}

/** Numbers that read back as what they are need no quotes and no type; everything else is 'text'::type. */
export function printConstant(p: Printer, expr: ConstantExpr, showType: -1 | 0 | 1): void {
  const { type, typmod, value } = expr
  const label = `::${typeText(p, type, typmod)}`
  if (value === null) return p.add(showType >= 0 ? `NULL${label}` : 'NULL')
  const { catalog } = p.options
  const found = must(catalog.type(type))
  const text = found.output(value, p.options.typeContext ?? neutralContext((oid) => must(catalog.type(oid))))
  const isPlainInteger = type === INT4_OID && !text.startsWith('-')
  const isPlainNumber = type === NUMERIC_OID && /^\d/.test(text) && /[eE.]/.test(text)
  const isPlain = isPlainInteger || isPlainNumber || type === BOOL_OID
  if (type === BOOL_OID) p.add(value === true ? 'true' : 'false')
  else p.add(isPlain ? text : quoteLiteral(text))
  if (showType < 0) return
  const needsLabel = type === UNKNOWN_OID ? false : !isPlain || (type === NUMERIC_OID && typmod >= 0)
  if (needsLabel || showType > 0) p.add(label)
}

/** An element of a list in which `t.*` would be expanded: as `t.*::t` a whole row is one. */
export function printElement(p: Printer, expr: Expr, showImplicit: boolean): void {
  if (expr.kind !== 'whole-row') return printExpr(p, expr, showImplicit)
  printColumn(p, expr)
  p.add(`::${typeText(p, expr.type, -1)}`)
}

/** A column by its entry's name; a whole row as `t.*`. */
export function printColumn(p: Printer, expr: Expr & { readonly kind: 'column' | 'whole-row' }): void {
  if (p.names.has(expr.relation)) {
    const relation = p.relationName(expr.relation)
    return p.add(expr.kind === 'column' ? `${relation}.${quoteIdentifier(expr.name)}` : `${relation}.*`)
  }
  const { columnName } = p.options
  if (columnName !== undefined) return p.add(columnName(expr))
  return p.add(expr.kind === 'column' ? quoteIdentifier(expr.name) : '*')
}

function operatorText(p: Printer, oid: number): string {
  return p.options.catalog.functions.operatorByOid(oid)?.name ?? '?'
}

function printCall(p: Printer, expr: CallExpr, showImplicit: boolean): void {
  const [first, second] = expr.args
  switch (expr.form) {
    case 'operator':
      return wrapped(p, () => {
        if (first === undefined) return
        const operator = operatorText(p, expr.operatorOid)
        if (second === undefined) {
          p.add(`${operator} `)
          printPart(p, first, true, expr)
          return
        }
        printPart(p, first, true, expr)
        p.add(` ${operator} `)
        printPart(p, second, true, expr)
      })
    case 'implicit-cast':
      if (!showImplicit) return printPart(p, must(first), false, expr)
      return printCast(p, must(first), expr.type, expr.typmod, expr)
    case 'explicit-cast':
      return printCast(p, must(first), expr.type, expr.typmod, expr)
    case 'sql-syntax':
      if (printSqlSyntax(p, expr)) return
      return printFunction(p, expr, expr.function.name, false)
    case 'call':
      return printFunction(p, expr, expr.function.name, isVariadic(expr))
    default:
      return unreachable(expr.form)
  }
}

/** VARIADIC is printed for every gathered argument; "any" ones only if it was written. */
function isVariadic(expr: CallExpr): boolean {
  return expr.variadic === true || (expr.function.variadicType !== 0 && expr.args.at(-1)?.kind === 'array')
}

function printFunction(
  p: Printer,
  expr: Expr & { readonly args: readonly Expr[] },
  name: string,
  variadic: boolean,
): void {
  p.add(`${quoteIdentifier(name)}(`)
  expr.args.forEach((arg, i) => {
    if (i > 0) p.add(', ')
    if (variadic && i === expr.args.length - 1) p.add('VARIADIC ')
    printExpr(p, arg, true)
  })
  p.add(')')
}

/** arg::type. A literal that is of the type already, but for its length, stands without a cast of its own. */
function printCast(p: Printer, arg: Expr, type: number, typmod: number, parent: Expr): void {
  if (arg.kind === 'constant' && arg.type === type && arg.typmod === -1) printConstant(p, arg, -1)
  else wrapped(p, () => printPart(p, arg, false, parent))
  p.add(`::${typeText(p, type, typmod)}`)
}

function printConvert(p: Printer, expr: Expr & { readonly kind: 'convert' }, showImplicit: boolean): void {
  if (expr.collate !== undefined) {
    return wrapped(p, () => {
      printPart(p, expr.arg, showImplicit, expr)
      p.add(` COLLATE ${quoteIdentifier(must(expr.collate))}`)
    })
  }
  if (expr.form === 'implicit-cast' && !showImplicit) {
    return expr.method === 'domain-check'
      ? printExpr(p, expr.arg, false)
      : printPart(p, expr.arg, false, expr)
  }
  printCast(p, expr.arg, expr.type, expr.typmod, expr)
}

function printJunction(p: Printer, expr: Expr & { readonly kind: 'and' | 'or' }): void {
  const word = expr.kind === 'and' ? ' AND ' : ' OR '
  wrapped(p, () => {
    expr.args.forEach((arg, i) => {
      if (i > 0) p.add(word)
      printPart(p, arg, false, expr)
    })
  })
}

function printTest(p: Printer, expr: Expr & { readonly kind: 'test' }): void {
  wrapped(p, () => {
    printPart(p, expr.arg, expr.test === 'null', expr)
    const not = expr.negated ? 'NOT ' : ''
    const type = must(p.options.catalog.type(expr.arg.type))
    const isRow =
      expr.test === 'null' &&
      (type.kind === 'composite' || type.oid === RECORD_OID) &&
      expr.arg.kind !== 'row'
    // PostgreSQL's IS NULL of a row column tests its fields; that is what was written, so that is what is printed.
    p.add(isRow ? ` IS ${not}NULL` : ` IS ${not}${expr.test.toUpperCase()}`)
  })
}

function printDistinct(p: Printer, expr: Expr & { readonly kind: 'distinct' }): void {
  const print = (): void =>
    wrapped(p, () => {
      printPart(p, expr.left, true, expr)
      p.add(' IS DISTINCT FROM ')
      printPart(p, expr.right, true, expr)
    })
  if (!expr.negated) return print()
  wrapped(p, () => {
    p.add('NOT ')
    print()
  })
}

function printCase(p: Printer, expr: Expr & { readonly kind: 'case' }): void {
  p.keyword('CASE', 0, INDENT_VAR, 0)
  if (expr.subject !== undefined) {
    p.add(' ')
    printExpr(p, expr.subject, true)
  }
  for (const { condition, result } of expr.whens) {
    if (!p.indent) p.add(' ')
    p.keyword('WHEN ', 0, 0, 0)
    printExpr(p, expr.subject === undefined ? condition : comparedValue(condition), false)
    p.add(' THEN ')
    printExpr(p, result, true)
  }
  if (expr.otherwise !== undefined) {
    if (!p.indent) p.add(' ')
    p.keyword('ELSE ', 0, 0, 0)
    printExpr(p, expr.otherwise, true)
  }
  if (!p.indent) p.add(' ')
  p.keyword('END', -INDENT_VAR, 0, 0)
}

/** Of `subject = value` in CASE subject WHEN value. */
function comparedValue(condition: Expr): Expr {
  if (condition.kind !== 'call' || condition.args.length !== 2) return condition
  const [left, right] = condition.args
  return left !== undefined && right !== undefined && stripImplicit(left).kind === 'element'
    ? right
    : condition
}

function stripImplicit(expr: Expr): Expr {
  if (expr.kind === 'call' && expr.form === 'implicit-cast') return stripImplicit(must(expr.args[0]))
  if ((expr.kind === 'convert' || expr.kind === 'typmod') && expr.form === 'implicit-cast')
    return stripImplicit(expr.arg)
  return expr
}

function printArrayCompare(p: Printer, expr: Expr & { readonly kind: 'array-compare' }): void {
  wrapped(p, () => {
    printPart(p, expr.left, true, expr)
    p.add(` ${operatorText(p, expr.operatorOid)} ${expr.all ? 'ALL' : 'ANY'} (`)
    printPart(p, expr.right, true, expr)
    // A bare subquery here would be read as the other kind of ANY.
    if (expr.right.kind === 'subquery' && expr.right.test === 'scalar') {
      p.add(`::${typeText(p, expr.right.type, expr.right.typmod)}`)
    }
    p.add(')')
  })
}

function printSubscript(p: Printer, expr: SubscriptExpr): void {
  const needed = expr.arg.kind !== 'column' && expr.arg.kind !== 'field'
  if (needed) p.add('(')
  printExpr(p, expr.arg, false)
  if (needed) p.add(')')
  for (const subscript of expr.subscripts) {
    p.add('[')
    if (subscript.kind === 'index') printExpr(p, subscript.at, false)
    else {
      if (subscript.lower !== undefined) printExpr(p, subscript.lower, false)
      p.add(':')
      if (subscript.upper !== undefined) printExpr(p, subscript.upper, false)
    }
    p.add(']')
  }
}

function printField(p: Printer, expr: Expr & { readonly kind: 'field' }): void {
  const needed = expr.arg.kind !== 'subscript' && expr.arg.kind !== 'field'
  if (needed) p.add('(')
  printExpr(p, expr.arg, true)
  p.add(`${needed ? ')' : ''}.${quoteIdentifier(expr.name)}`)
}

/** The operator of a subquery comparison: of its first pair. */
function comparisonOf(
  p: Printer,
  compare: Expr,
): { readonly operator: string; readonly left: readonly Expr[] } {
  if (compare.kind === 'call')
    return { operator: operatorText(p, compare.operatorOid), left: [must(compare.args[0])] }
  if (compare.kind === 'row-compare') return { operator: compare.operator, left: compare.left }
  if (compare.kind === 'and' || compare.kind === 'or') {
    const parts = compare.args.map((arg) => comparisonOf(p, arg))
    return { operator: parts[0]?.operator ?? '=', left: parts.flatMap((part) => part.left) }
  }
  return { operator: '=', left: [] }
}

function printSubquery(p: Printer, expr: SubqueryExpr): void {
  p.add(expr.test === 'array' ? 'ARRAY(' : '(')
  const hasOwnParentheses = expr.test !== 'scalar' && expr.test !== 'array'
  if (expr.compare !== undefined) {
    const { operator, left } = comparisonOf(p, expr.compare)
    if (left.length > 1 || expr.compare.kind !== 'call') {
      p.add('(')
      printList(p, left, true)
      p.add(')')
    } else {
      printExpr(p, must(left[0]), true)
    }
    if (expr.test === 'any') p.add(operator === '=' ? ' IN ' : ` ${operator} ANY `)
    else p.add(expr.test === 'all' ? ` ${operator} ALL ` : ` ${operator} `)
  } else if (expr.test === 'exists') {
    p.add('EXISTS ')
  }
  if (hasOwnParentheses) p.add('(')
  printQueryIn(p, expr.query, { namesVisible: false })
  p.add(hasOwnParentheses ? '))' : ')')
}
