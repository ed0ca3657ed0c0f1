// Constant folding: immutable calls over constants are evaluated once, when the plan is made. A call that fails is left as
// it is, and its error is kept in planner.foldError: who runs the plan throws it first (PostgreSQL folds when it plans, which
// is at Bind, while we plan at Parse).

import { SUSPENDED } from '../../storage/base/suspend.ts'
import { mapQuery } from '../exec/expression/map-query.ts'
import { replace, rewrite, visitExpr } from '../exec/expression/walk.ts'
import type { Runtime } from '../exec/runtime.ts'
import type { CaseExpr, Expr } from '../tree/expr.ts'
import type { Modify, Query } from '../tree/query.ts'
import type { Value } from '../types/value.ts'
import { isPlainBlock } from './expr-facts.ts'
import { EMPTY_LAYOUT } from './layout.ts'
import type { Planner } from './planner.ts'

/** Folds every expression of a statement, subqueries included. */
export function foldStatement<Q extends Query | Modify>(planner: Planner, query: Q): Q {
  return mapQuery(query, (expr) => foldDeep(planner, expr))
}

/** Subqueries come last: those in branches that are never taken are gone by then, and their errors with them. */
function foldDeep(planner: Planner, expr: Expr): Expr {
  if (expr.kind === 'constant') return expr
  return replace(foldConstants(planner, expr), (one) =>
    one.kind === 'subquery'
      ? {
          ...one,
          left: one.left.map((item) => foldDeep(planner, item)),
          query: foldStatement(planner, one.test === 'exists' ? withoutTargets(one.query) : one.query),
        }
      : undefined,
  )
}

/** EXISTS asks for rows, not for what is in them: nothing of it is computed. */
function withoutTargets(query: Query): Query {
  return isPlainBlock(query) ? { ...query, targets: [], orderBy: [], distinct: undefined } : query
}

const isConstant = (expr: Expr): boolean => expr.kind === 'constant'

export function foldConstants(planner: Planner, expr: Expr): Expr {
  const failures = new Map<Expr, unknown>()
  const folded = foldCalls(planner, expr, failures)
  // What failed may have gone since, in an AND that is false anyway; what is left fails the plan, as in PostgreSQL.
  if (failures.size > 0 && planner.foldError === undefined) {
    visitExpr(folded, (one) => {
      planner.foldError ??= failures.get(one)
    })
  }
  return folded
}

function foldCalls(planner: Planner, expr: Expr, failures: Map<Expr, unknown>): Expr {
  return rewrite(expr, (one) => {
    switch (one.kind) {
      case 'call': {
        const { function: fn, args } = one
        if (fn.volatility !== 'immutable') return one
        if (fn.strict && args.some((arg) => arg.kind === 'constant' && arg.value === null))
          return constant(one, null)
        return args.every(isConstant) ? evaluate(planner, one, failures) : one
      }
      case 'typmod':
      case 'not':
        return isConstant(one.arg) ? evaluate(planner, one, failures) : one
      case 'array':
        return one.elements.length > 0 && one.elements.every(isConstant)
          ? evaluate(planner, one, failures)
          : one
      case 'and':
      case 'or':
        return foldLogic(one)
      case 'case':
        return foldCase(one)
      case 'coalesce':
        return foldCoalesce(one)
      default:
        return one
    }
  })
}

/** TRUE AND x ──▶ x, FALSE AND x ──▶ FALSE, and the same for OR the other way round. */
function foldLogic(expr: Extract<Expr, { kind: 'and' | 'or' }>): Expr {
  const decisive = expr.kind === 'or'
  if (expr.args.some((arg) => arg.kind === 'constant' && arg.value === decisive))
    return constant(expr, decisive)
  const args = expr.args.filter((arg) => !(arg.kind === 'constant' && arg.value === !decisive))
  const [first] = args
  if (first === undefined) return constant(expr, !decisive)
  return args.length === 1 ? first : args.length === expr.args.length ? expr : { ...expr, args }
}

/** Branches behind a true condition, and those of false ones, are never taken (documentation, section 4.2.14). */
function foldCase(expr: CaseExpr): Expr {
  if (expr.subject !== undefined) return expr
  const whens: CaseExpr['whens'][number][] = []
  let { otherwise } = expr
  for (const when of expr.whens) {
    if (when.condition.kind !== 'constant') whens.push(when)
    else if (when.condition.value === true) {
      otherwise = when.result
      break
    }
  }
  if (whens.length > 0) return whens.length === expr.whens.length ? expr : { ...expr, whens, otherwise }
  return otherwise ?? constant(expr, null)
}

/** Arguments behind one that is known not to be NULL are never looked at. */
function foldCoalesce(expr: Extract<Expr, { kind: 'coalesce' | 'greatest' | 'least' }>): Expr {
  const args = expr.args.filter((arg) => !(arg.kind === 'constant' && arg.value === null))
  const end = args.findIndex((arg) => arg.kind === 'constant')
  if (end >= 0) args.length = end + 1
  const [first] = args
  if (first === undefined) return constant(expr, null)
  if (args.length === 1 && first.kind === 'constant') return first
  return args.length === expr.args.length ? expr : { ...expr, args }
}

function constant(like: Expr, value: Value): Expr {
  const { type, typmod, collation, location } = like
  return { kind: 'constant', value, type, typmod, collation, location }
}

function evaluate(planner: Planner, expr: Expr, failures: Map<Expr, unknown>): Expr {
  try {
    if (expr.kind === 'typmod' && expr.arg.kind === 'constant') {
      // Without code: a long VALUES list has thousands of these.
      const { value } = expr.arg
      const type = planner.type(expr.type)
      if (value === null) return constant(expr, null)
      if (type.kind !== 'array') return constant(expr, type.applyTypmod(value, expr.typmod, expr.explicit))
    }
    const compute = planner.compileValue(expr, EMPTY_LAYOUT, undefined)
    return constant(expr, compute({ functions: planner.context.functions } as Runtime, []))
  } catch (thrown) {
    if (thrown === SUSPENDED) throw thrown
    failures.set(expr, thrown)
    return expr
  }
}
