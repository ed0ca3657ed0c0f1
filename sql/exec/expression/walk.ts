// Walking bound expressions and queries: children, rewriting, and a canonical text that is equal for equal trees.
// Expressions are frozen, so a rewrite that changes nothing returns the very same object.

import { unreachable } from '../../../storage/base/assert.ts'
import type { ColumnExpr, Expr, RelationId } from '../../tree/expr.ts'
import type { From, Modify, Query, SortKey } from '../../tree/query.ts'

const NONE: readonly Expr[] = []

/** The direct sub-expressions, without those inside a subquery's query (its `left` and `compare` count). */
export function childrenOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'constant':
    case 'parameter':
    case 'column':
    case 'whole-row':
    case 'element':
    case 'session-value':
    case 'next-value':
    case 'slot':
      return NONE
    case 'call':
    case 'set-call':
    case 'and':
    case 'or':
    case 'coalesce':
    case 'greatest':
    case 'least':
    case 'grouping':
      return expr.args
    case 'convert':
      return expr.element === undefined ? [expr.arg] : [expr.arg, expr.element]
    case 'typmod':
    case 'not':
    case 'test':
    case 'field':
      return [expr.arg]
    case 'distinct':
    case 'nullif':
    case 'array-compare':
      return [expr.left, expr.right]
    case 'case':
      return caseChildren(expr)
    case 'array':
    case 'row':
      return expr.elements
    case 'row-compare':
      return [...expr.left, ...expr.right]
    case 'subscript':
      return [
        expr.arg,
        ...expr.subscripts.flatMap((s) => (s.kind === 'index' ? [s.at] : present(s.lower, s.upper))),
      ]
    case 'subquery':
      return expr.compare === undefined ? expr.left : [...expr.left, expr.compare]
    case 'aggregate':
      return [
        ...expr.args,
        ...expr.directArgs,
        ...expr.orderBy.map((key) => key.expr),
        ...present(expr.filter),
      ]
    case 'window':
      return [...expr.args, ...present(expr.filter)]
    default:
      return unreachable(expr)
  }
}

function present(...list: readonly (Expr | undefined)[]): Expr[] {
  return list.filter((one) => one !== undefined)
}

function caseChildren(expr: Extract<Expr, { kind: 'case' }>): Expr[] {
  const inner = expr.whens.flatMap((when) => [when.condition, when.result])
  return [...present(expr.subject), ...inner, ...present(expr.otherwise)]
}

function mapList(list: readonly Expr[], change: (expr: Expr) => Expr): readonly Expr[] {
  let changed = false
  const mapped = list.map((one) => {
    const next = change(one)
    if (next !== one) changed = true
    return next
  })
  return changed ? mapped : list
}

function mapKeys(keys: readonly SortKey[], change: (expr: Expr) => Expr): readonly SortKey[] {
  return keys.map((key) => ({ ...key, expr: change(key.expr) }))
}

const optional = (expr: Expr | undefined, change: (expr: Expr) => Expr): Expr | undefined =>
  expr === undefined ? undefined : change(expr)

/** A copy with every direct sub-expression replaced by what `change` returns for it. */
export function mapChildren(expr: Expr, change: (expr: Expr) => Expr): Expr {
  switch (expr.kind) {
    case 'call':
    case 'set-call':
    case 'and':
    case 'or':
    case 'coalesce':
    case 'greatest':
    case 'least':
    case 'grouping': {
      const args = mapList(expr.args, change)
      return args === expr.args ? expr : { ...expr, args }
    }
    case 'convert':
      return { ...expr, arg: change(expr.arg), element: optional(expr.element, change) }
    case 'typmod':
    case 'not':
    case 'test':
    case 'field': {
      const arg = change(expr.arg)
      return arg === expr.arg ? expr : { ...expr, arg }
    }
    case 'distinct':
    case 'nullif':
    case 'array-compare':
      return { ...expr, left: change(expr.left), right: change(expr.right) }
    case 'case': {
      const whens = expr.whens.map((one) => ({
        condition: change(one.condition),
        result: change(one.result),
      }))
      return {
        ...expr,
        subject: optional(expr.subject, change),
        whens,
        otherwise: optional(expr.otherwise, change),
      }
    }
    case 'array':
    case 'row':
      return { ...expr, elements: mapList(expr.elements, change) }
    case 'row-compare':
      return { ...expr, left: mapList(expr.left, change), right: mapList(expr.right, change) }
    case 'subscript':
    case 'subquery':
    case 'aggregate':
    case 'window':
      return mapCompound(expr, change)
    case 'constant':
    case 'parameter':
    case 'column':
    case 'whole-row':
    case 'element':
    case 'session-value':
    case 'next-value':
    case 'slot':
      return expr
    default:
      return unreachable(expr)
  }
}

/** The kinds whose sub-expressions lie in parts of their own. */
function mapCompound(
  expr: Extract<Expr, { kind: 'subscript' | 'subquery' | 'aggregate' | 'window' }>,
  change: (expr: Expr) => Expr,
): Expr {
  switch (expr.kind) {
    case 'subscript': {
      const subscripts = expr.subscripts.map((one) =>
        one.kind === 'index'
          ? { kind: one.kind, at: change(one.at) }
          : { kind: one.kind, lower: optional(one.lower, change), upper: optional(one.upper, change) },
      )
      return { ...expr, arg: change(expr.arg), subscripts }
    }
    case 'subquery':
      return { ...expr, left: mapList(expr.left, change), compare: optional(expr.compare, change) }
    case 'aggregate': {
      const directArgs = mapList(expr.directArgs, change)
      const orderBy = mapKeys(expr.orderBy, change)
      return {
        ...expr,
        args: mapList(expr.args, change),
        directArgs,
        orderBy,
        filter: optional(expr.filter, change),
      }
    }
    case 'window':
      return { ...expr, args: mapList(expr.args, change), filter: optional(expr.filter, change) }
  }
}

/** Visits an expression and everything in it, the queries of its subqueries included. */
export function visitExpr(expr: Expr, visit: (expr: Expr) => void): void {
  visit(expr)
  for (const child of childrenOf(expr)) visitExpr(child, visit)
  if (expr.kind === 'subquery') visitQuery(expr.query, visit)
}

/** Visits every expression of a query or data-modifying statement, however deep. */
export function visitQuery(
  query: Query | Modify,
  visit: (expr: Expr) => void,
  define?: (id: RelationId) => void,
): void {
  new QueryVisitor(visit, define).query(query)
}

/** Whether `test` holds for the expression or anything in it. */
export function someExpr(expr: Expr, test: (expr: Expr) => boolean): boolean {
  if (test(expr)) return true
  if (childrenOf(expr).some((child) => someExpr(child, test))) return true
  if (expr.kind !== 'subquery') return false
  let found = false
  visitQuery(expr.query, (inner) => {
    found ||= test(inner)
  })
  return found
}

class QueryVisitor {
  readonly #visit: (expr: Expr) => void
  readonly #define: (id: RelationId) => void

  constructor(visit: (expr: Expr) => void, define: ((id: RelationId) => void) | undefined) {
    this.#define = define ?? ((): void => undefined)
    this.#visit = (expr): void => {
      visit(expr)
      if (expr.kind === 'subquery' && expr.outputs !== undefined) this.#define(expr.outputs)
      if (expr.kind === 'subquery') this.query(expr.query)
    }
  }

  query(query: Query | Modify): void {
    for (const cte of query.ctes) this.query(cte.query)
    switch (query.kind) {
      case 'select':
        query.from.forEach((from) => this.#from(from))
        this.#all([query.where, query.having, query.limit, query.offset, ...query.groupBy])
        if (Array.isArray(query.distinct)) this.#all(query.distinct as readonly Expr[])
        for (const window of query.windows) {
          this.#keys([...window.partitionBy, ...window.orderBy])
          this.#all([window.frame.start.offset, window.frame.end.offset])
        }
        break
      case 'set':
        this.#define(query.outputs)
        this.query(query.left)
        this.query(query.right)
        this.#all([query.limit, query.offset])
        break
      case 'values':
        this.#define(query.outputs)
        query.rows.forEach((row) => this.#all(row))
        this.#all([query.limit, query.offset])
        break
      default:
        this.#modify(query)
        return
    }
    this.#all(query.targets.map((target) => target.expr))
    this.#keys(query.orderBy)
  }

  #modify(statement: Modify): void {
    this.#define(statement.target)
    this.#all(statement.returning.map((target) => target.expr))
    if (statement.kind !== 'delete') this.#all(statement.assignments.map((one) => one.expr))
    if (statement.kind === 'update') statement.from.forEach((from) => this.#from(from))
    if (statement.kind === 'delete') statement.using.forEach((from) => this.#from(from))
    if (statement.kind !== 'insert') return this.#all([statement.where])
    this.#define(statement.sourceRelation)
    this.query(statement.source)
    const { onConflict } = statement
    if (onConflict === undefined) return
    this.#define(onConflict.excluded)
    this.#all([...onConflict.assignments.map((one) => one.expr), onConflict.where])
  }

  #from(from: From): void {
    if (from.kind === 'join') {
      this.#from(from.left)
      this.#from(from.right)
      return this.#all([from.on])
    }
    this.#define(from.id)
    if (from.kind === 'subquery') this.query(from.query)
    if (from.kind === 'function') this.#all(from.calls.map((one) => one.call))
    if (from.kind === 'values') from.rows.forEach((row) => this.#all(row))
  }

  #all(list: readonly (Expr | undefined)[]): void {
    for (const expr of list) if (expr !== undefined) this.#one(expr)
  }

  #keys(keys: readonly SortKey[]): void {
    for (const key of keys) this.#one(key.expr)
  }

  #one(expr: Expr): void {
    this.#visit(expr)
    for (const child of childrenOf(expr)) this.#one(child)
  }
}

/** Columns that an expression takes from relations it does not itself define (subqueries looked into). */
export function freeColumns(expr: Expr): (ColumnExpr | Extract<Expr, { kind: 'whole-row' }>)[] {
  const found: (ColumnExpr | Extract<Expr, { kind: 'whole-row' }>)[] = []
  const own = new Set<RelationId>()
  const visit = (one: Expr): void => {
    if (one.kind === 'column' || one.kind === 'whole-row') found.push(one)
    if (one.kind === 'subquery') {
      if (one.outputs !== undefined) own.add(one.outputs)
      visitQuery(
        one.query,
        (inner) => {
          if (inner.kind === 'column' || inner.kind === 'whole-row') found.push(inner)
        },
        (id) => own.add(id),
      )
    }
    for (const child of childrenOf(one)) visit(child)
  }
  visit(expr)
  return found.filter((column) => !own.has(column.relation))
}

/** The relations of freeColumns, each once. */
export function freeRelations(expr: Expr): Set<RelationId> {
  return new Set(freeColumns(expr).map((column) => column.relation))
}

/** The same for a whole query: relations of outer queries that it depends on. */
export function freeRelationsOfQuery(query: Query | Modify): Set<RelationId> {
  const used = new Set<RelationId>()
  const own = new Set<RelationId>()
  visitQuery(
    query,
    (expr) => {
      if (expr.kind === 'column' || expr.kind === 'whole-row') used.add(expr.relation)
    },
    (id) => own.add(id),
  )
  for (const id of own) used.delete(id)
  return used
}

/** Rewrites bottom-up; `change` sees each node with its children already rewritten. Queries inside are left alone. */
export function rewrite(expr: Expr, change: (expr: Expr) => Expr): Expr {
  return change(mapChildren(expr, (child) => rewrite(child, change)))
}

/** Rewrites top-down: where `change` returns an expression, that replaces the node and is not looked into. */
export function replace(expr: Expr, change: (expr: Expr) => Expr | undefined): Expr {
  const changed = change(expr)
  return changed ?? mapChildren(expr, (child) => replace(child, change))
}

/** The conjuncts of an AND, flattened; [] for undefined. */
export function conjunctsOf(expr: Expr | undefined): Expr[] {
  if (expr === undefined) return []
  return expr.kind === 'and' ? expr.args.flatMap(conjunctsOf) : [expr]
}

/** AND of the list; undefined when empty. */
export function conjunction(list: readonly Expr[]): Expr | undefined {
  const [first] = list
  if (first === undefined || list.length === 1) return first
  return { kind: 'and', type: 16, typmod: -1, collation: 0, location: -1, args: list }
}
