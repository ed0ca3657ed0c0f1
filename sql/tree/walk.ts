// Visiting and comparing bound trees. One place knows which fields of which node hold expressions; everything that
// walks or rebuilds trees asks it.

import { unreachable } from '../../storage/base/assert.ts'
import type { Expr, SubscriptExpr } from './expr.ts'
import type { Assignment, From, Modify, Query, SelectQuery, SortKey } from './query.ts'

type Visit = (expr: Expr) => void

const visitAll = (list: readonly Expr[], visit: Visit): void => {
  for (const expr of list) visit(expr)
}

const visitKeys = (keys: readonly SortKey[], visit: Visit): void => {
  for (const key of keys) visit(key.expr)
}

const visitMaybe = (expr: Expr | undefined, visit: Visit): void => {
  if (expr !== undefined) visit(expr)
}

/**
 * Calls `visit` for the direct subexpressions of a node, in the order they are written. Of a subquery only the outer
 * operands are visited; its own expressions are reached through `eachQueryExpr`.
 */
export function eachChild(expr: Expr, visit: Visit): void {
  switch (expr.kind) {
    case 'constant':
    case 'parameter':
    case 'column':
    case 'whole-row':
    case 'element':
    case 'session-value':
    case 'next-value':
    case 'slot':
      return
    case 'call':
    case 'set-call':
    case 'and':
    case 'or':
    case 'coalesce':
    case 'greatest':
    case 'least':
    case 'grouping':
      return visitAll(expr.args, visit)
    case 'convert':
      visit(expr.arg)
      return visitMaybe(expr.element, visit)
    case 'typmod':
    case 'not':
    case 'test':
    case 'field':
      return visit(expr.arg)
    case 'distinct':
    case 'nullif':
    case 'array-compare':
      visit(expr.left)
      return visit(expr.right)
    case 'case':
      visitMaybe(expr.subject, visit)
      for (const when of expr.whens) {
        visit(when.condition)
        visit(when.result)
      }
      return visitMaybe(expr.otherwise, visit)
    case 'array':
    case 'row':
      return visitAll(expr.elements, visit)
    case 'row-compare':
      visitAll(expr.left, visit)
      return visitAll(expr.right, visit)
    case 'subscript':
      visit(expr.arg)
      return eachSubscript(expr, visit)
    case 'subquery':
      visitAll(expr.left, visit)
      return visitMaybe(expr.compare, visit)
    case 'aggregate':
      visitAll(expr.directArgs, visit)
      visitAll(expr.args, visit)
      visitKeys(expr.orderBy, visit)
      return visitMaybe(expr.filter, visit)
    case 'window':
      visitAll(expr.args, visit)
      return visitMaybe(expr.filter, visit)
    default:
      return unreachable(expr)
  }
}

function eachSubscript(expr: SubscriptExpr, visit: Visit): void {
  for (const subscript of expr.subscripts) {
    if (subscript.kind === 'index') visit(subscript.at)
    else {
      visitMaybe(subscript.lower, visit)
      visitMaybe(subscript.upper, visit)
    }
  }
}

/** Calls `visit` for every expression that a query holds directly, and for those of its FROM, WITH and nested queries. */
export function eachQueryExpr(query: Query | Modify, visit: Visit): void {
  for (const cte of query.ctes) eachQueryExpr(cte.query, visit)
  switch (query.kind) {
    case 'select':
      return eachSelectExpr(query, visit)
    case 'set':
      eachQueryExpr(query.left, visit)
      eachQueryExpr(query.right, visit)
      break
    case 'values':
      for (const row of query.rows) visitAll(row, visit)
      break
    case 'insert':
      eachQueryExpr(query.source, visit)
      eachAssigned(query.assignments, visit)
      if (query.onConflict !== undefined) {
        eachAssigned(query.onConflict.assignments, visit)
        visitMaybe(query.onConflict.where, visit)
      }
      for (const target of query.returning) visit(target.expr)
      return
    case 'update':
      for (const from of query.from) eachFromExpr(from, visit)
      visitMaybe(query.where, visit)
      eachAssigned(query.assignments, visit)
      for (const target of query.returning) visit(target.expr)
      return
    case 'delete':
      for (const from of query.using) eachFromExpr(from, visit)
      visitMaybe(query.where, visit)
      for (const target of query.returning) visit(target.expr)
      return
    default:
      return unreachable(query)
  }
  visitKeys(query.orderBy, visit)
  visitMaybe(query.limit, visit)
  visitMaybe(query.offset, visit)
}

function eachAssigned(assignments: readonly Assignment[], visit: Visit): void {
  for (const assignment of assignments) visit(assignment.expr)
}

function eachSelectExpr(query: SelectQuery, visit: Visit): void {
  for (const from of query.from) eachFromExpr(from, visit)
  for (const target of query.targets) visit(target.expr)
  visitMaybe(query.where, visit)
  visitAll(query.groupBy, visit)
  visitMaybe(query.having, visit)
  for (const window of query.windows) {
    visitKeys(window.partitionBy, visit)
    visitKeys(window.orderBy, visit)
    visitMaybe(window.frame.start.offset, visit)
    visitMaybe(window.frame.end.offset, visit)
  }
  if (Array.isArray(query.distinct)) visitAll(query.distinct as readonly Expr[], visit)
  visitKeys(query.orderBy, visit)
  visitMaybe(query.limit, visit)
  visitMaybe(query.offset, visit)
}

/** Calls `visit` for the expressions of a FROM item, nested queries included. */
export function eachFromExpr(from: From, visit: Visit): void {
  switch (from.kind) {
    case 'table':
    case 'cte':
      return
    case 'subquery':
      return eachQueryExpr(from.query, visit)
    case 'function':
      for (const call of from.calls) visit(call.call)
      return
    case 'values':
      for (const row of from.rows) visitAll(row, visit)
      return
    case 'join':
      eachFromExpr(from.left, visit)
      eachFromExpr(from.right, visit)
      return visitMaybe(from.on, visit)
    default:
      return unreachable(from)
  }
}

/** Depth-first over a whole expression with everything below it, subqueries included. */
export function eachDescendant(expr: Expr, visit: Visit): void {
  visit(expr)
  eachChild(expr, (child) => eachDescendant(child, visit))
  if (expr.kind === 'subquery') eachQueryExpr(expr.query, (inner) => eachDescendant(inner, visit))
}

/** Whether the test holds for an expression or anything below it; subqueries' insides count only with `intoQueries`. */
export function someExpr(expr: Expr, test: (expr: Expr) => boolean, intoQueries = false): boolean {
  if (test(expr)) return true
  let found = false
  eachChild(expr, (child) => {
    found ||= someExpr(child, test, intoQueries)
  })
  if (!found && intoQueries && expr.kind === 'subquery') {
    eachQueryExpr(expr.query, (inner) => {
      found ||= someExpr(inner, test, true)
    })
  }
  return found
}

/** Fields that say where or how something was written, not what it means. */
const NOTATION = new Set(['location', 'form'])

/**
 * Whether two bound expressions mean the same: equal in everything but how and where they were written. Functions and
 * catalog objects are compared by identity, values by content.
 */
export function sameExpr(a: Expr, b: Expr): boolean {
  return sameValue(a, b)
}

function sameValue(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false
    return a.every((item, index) => sameValue(item, b[index]))
  }
  // Functions carry code, tables their storage: the same one is the same object.
  if ('oid' in a || 'oid' in b) return false
  return sameFields(a as Record<string, unknown>, b as Record<string, unknown>)
}

function sameFields(a: Record<string, unknown>, b: Record<string, unknown>): boolean {
  if (a['kind'] !== b['kind'] || a.constructor !== b.constructor) return false
  for (const key in a) {
    if (!NOTATION.has(key) && !sameValue(a[key], b[key])) return false
  }
  for (const key in b) {
    if (!NOTATION.has(key) && !(key in a) && b[key] !== undefined) return false
  }
  return true
}

/**
 * A copy of an expression in which `replace` has been asked about every node, outermost first: where it gives one, that
 * stands instead. Subqueries' own expressions are left as they are.
 */
export function mapExpr(expr: Expr, replace: (expr: Expr) => Expr | undefined): Expr {
  const replaced = replace(expr)
  if (replaced !== undefined) return replaced
  const copy: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(expr)) copy[key] = mapPart(value, replace)
  return copy as unknown as Expr
}

function mapPart(value: unknown, replace: (expr: Expr) => Expr | undefined): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => mapPart(item, replace))
  if (typeof value !== 'object' || value === null) return value
  if (isExpr(value)) return mapExpr(value, replace)
  // WHENs, sort keys and subscripts hold expressions; functions, queries and values do not.
  if ('oid' in value || 'targets' in value || Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, mapPart(part, replace)]))
}

const isExpr = (value: object): value is Expr => 'kind' in value && 'location' in value && 'typmod' in value
