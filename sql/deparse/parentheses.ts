// When pretty printing may leave out the parentheses around a subexpression: by the kinds of it and of what it stands in.
// It is PostgreSQL's own, cautious judgement, not the grammar's: psql prints what it says.

import type { Catalog } from '../catalog/catalog.ts'
import type { CallExpr, Expr } from '../tree/expr.ts'

/** How an expression prints: as something that needs no parentheses anywhere, an operator, a junction, a cast, ... */
type Look = 'simple' | 'field' | 'cast' | 'operator' | 'test' | 'junction' | 'other'

function lookOf(expr: Expr): Look {
  switch (expr.kind) {
    case 'constant':
    case 'parameter':
    case 'column':
    case 'whole-row':
    case 'element':
    case 'subscript':
    case 'array':
    case 'row':
    case 'coalesce':
    case 'greatest':
    case 'least':
    case 'session-value':
    case 'next-value':
    case 'nullif':
    case 'aggregate':
    case 'grouping':
    case 'window':
    case 'set-call':
    case 'case':
    case 'slot':
      return 'simple'
    case 'field':
      return 'field'
    case 'call':
      return expr.form === 'operator' ? 'operator' : 'simple'
    case 'typmod':
      return 'simple'
    case 'convert':
      return expr.collate === undefined ? 'cast' : 'other'
    case 'subquery':
    case 'test':
    case 'distinct':
      return 'test'
    case 'and':
    case 'or':
    case 'not':
      return 'junction'
    case 'array-compare':
    case 'row-compare':
      return 'other'
    default:
      return 'other'
  }
}

/** Parents that bring their own parentheses or brackets. */
function encloses(parent: Expr): boolean {
  switch (parent.kind) {
    case 'call':
      return parent.form === 'call'
    case 'set-call':
    case 'subscript':
    case 'array':
    case 'row':
    case 'coalesce':
    case 'greatest':
    case 'least':
    case 'nullif':
    case 'aggregate':
    case 'grouping':
    case 'window':
    case 'case':
      return true
    default:
      return false
  }
}

/** The operator of a binary call, if it is one of + - * / %. */
function simpleOperator(catalog: Catalog, expr: CallExpr): string | undefined {
  const name = catalog.functions.operatorByOid(expr.operatorOid)?.name
  return expr.args.length === 2 && name !== undefined && '+-*/%'.includes(name) && name.length === 1
    ? name
    : undefined
}

const isLow = (operator: string): boolean => operator === '+' || operator === '-'

function operatorBindsTighter(catalog: Catalog, expr: CallExpr, parent: CallExpr): boolean {
  const own = simpleOperator(catalog, expr)
  const outer = simpleOperator(catalog, parent)
  if (own === undefined || outer === undefined) return false
  if (!isLow(own) && isLow(outer)) return true
  if (isLow(own) && !isLow(outer)) return false
  // Of equal rank: (a - b) - c needs none, a - (b - c) does.
  return parent.args[0] === expr
}

/** Whether `expr` can stand in `parent` as it is. */
export function isSimpleIn(catalog: Catalog, expr: Expr, parent: Expr): boolean {
  switch (lookOf(expr)) {
    case 'simple':
      return true
    case 'field':
      return parent.kind !== 'field'
    case 'cast':
      return expr.kind === 'convert' && isSimpleIn(catalog, expr.arg, expr)
    case 'operator':
      if (expr.kind === 'call' && parent.kind === 'call' && parent.form === 'operator') {
        return operatorBindsTighter(catalog, expr, parent)
      }
      return encloses(parent) || isJunction(parent)
    case 'test':
      return encloses(parent) || isJunction(parent)
    case 'junction':
      if (isJunction(parent)) {
        const isJoined = parent.kind === 'and' || parent.kind === 'or'
        return expr.kind === 'or' ? parent.kind === 'or' : isJoined
      }
      return encloses(parent)
    case 'other':
      return false
    default:
      return false
  }
}

const isJunction = (expr: Expr): boolean => expr.kind === 'and' || expr.kind === 'or' || expr.kind === 'not'
