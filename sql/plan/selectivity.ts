// Guesses of how many rows a condition lets through. There are no statistics yet: the numbers are PostgreSQL's defaults
// (selfuncs.h), with what unique keys tell.

import type { Expr } from '../tree/expr.ts'
import { ArrayValue } from '../types/value.ts'
import type { Planner } from './planner.ts'

const EQUAL = 0.005
const RANGE = 1 / 3
const LIKE = 0.05
const OTHER = 0.5

export function selectivityOf(planner: Planner, expr: Expr, tableRows: number): number {
  switch (expr.kind) {
    case 'and':
      return expr.args.reduce((all, arg) => all * selectivityOf(planner, arg, tableRows), 1)
    case 'or':
      return 1 - expr.args.reduce((none, arg) => none * (1 - selectivityOf(planner, arg, tableRows)), 1)
    case 'not':
      return 1 - selectivityOf(planner, expr.arg, tableRows)
    case 'test':
      return expr.test === 'null' ? (expr.negated ? 1 - EQUAL : EQUAL) : OTHER
    case 'call': {
      const operator = planner.functions.operatorByOid(expr.operatorOid)
      if (operator === undefined) return RANGE
      if (operator.btree === '=') return Math.min(1, Math.max(EQUAL, 1 / tableRows))
      if (operator.btree !== undefined) return RANGE
      return operator.name.includes('~~') ? LIKE : operator.name === '<>' ? 1 - EQUAL : OTHER
    }
    case 'array-compare': {
      const length = expr.right.kind === 'array' ? expr.right.elements.length : arrayLength(expr.right)
      return Math.min(1, Math.max(EQUAL, 1 / tableRows) * length)
    }
    case 'constant':
      return expr.value === true ? 1 : 0
    default:
      return OTHER
  }
}

function arrayLength(expr: Expr): number {
  return expr.kind === 'constant' && expr.value instanceof ArrayValue
    ? Math.max(1, expr.value.elements.length)
    : 10
}
