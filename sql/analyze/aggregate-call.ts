// Aggregate calls (documentation, section 4.2.7): count(*), DISTINCT, ORDER BY, FILTER, WITHIN GROUP, and aggregates
// used as window functions.

import { must } from '../../storage/base/assert.ts'
import type { AggregateFunction } from '../functions/function.ts'
import type { FuncCall } from '../parse/ast.ts'
import { nodeAs } from '../parse/ast.ts'
import type { Expr } from '../tree/expr.ts'
import { locationOf } from '../tree/location.ts'
import type { SortKey } from '../tree/query.ts'
import { eachChild as eachPart, eachDescendant, sameExpr } from '../tree/walk.ts'
import { UNKNOWN_OID } from '../types/oids.ts'
import { coerceToBoolean } from './common-type.ts'
import { allowsAggregates, placePhrase } from './expr-kind.ts'
import { analyseExpr } from './expr.ts'
import type { ResolvedFunction } from './function-call.ts'
import { hasEquality, resultCollation } from './operator.ts'
import type { Scope } from './scope.ts'
import { formatType } from './format-type.ts'
import { sortKey } from './sort-key.ts'
import { analyseWindowCall } from './window-call.ts'
import { unknownToText } from './unknown.ts'

/** An aggregate call, or a window call of an aggregate. @throws SqlError 42809, 42803, 0A000. */
export function analyseAggregate(
  scope: Scope,
  call: FuncCall,
  fn: AggregateFunction,
  resolved: ResolvedFunction,
): Expr {
  const { analysis } = scope
  const location = call.location ?? 0
  const { name } = resolved
  checkSyntax(scope, call, fn, resolved)
  if ((call.args ?? []).some((node) => nodeAs(node, 'NamedArgExpr') !== undefined)) {
    throw analysis.error('0A000', 'aggregates cannot use named arguments', location)
  }
  if (call.over !== undefined) return analyseWindowCall(scope, call, fn, resolved)
  if (call.args === undefined && call.agg_star !== true && call.agg_within_group !== true) {
    throw analysis.error(
      '42809',
      `${name}(*) must be used to call a parameterless aggregate function`,
      location,
    )
  }
  const filter = analyseFilter(scope, call)
  const expr =
    call.agg_within_group === true
      ? withinGroup(scope, call, fn, resolved, filter)
      : plainAggregate(scope, call, fn, resolved, filter)
  checkLevel(scope, expr, location)
  return expr
}

/** FILTER (WHERE ...) of a call, if it has one. */
export function analyseFilter(scope: Scope, call: FuncCall): Expr | undefined {
  const node = call.agg_filter
  if (node === undefined) return undefined
  return scope.within('filter', () => coerceToBoolean(scope.analysis, analyseExpr(scope, node), 'FILTER'))
}

function checkSyntax(scope: Scope, call: FuncCall, fn: AggregateFunction, resolved: ResolvedFunction): void {
  const { analysis } = scope
  const location = call.location ?? 0
  const { name } = resolved
  const isOrderedSet = fn.directArgumentCount > 0 || isOrderedSetByName(fn)
  if (isOrderedSet) {
    if (call.agg_within_group !== true) {
      throw analysis.error('42809', `WITHIN GROUP is required for ordered-set aggregate ${name}`, location)
    }
    if (call.over !== undefined) {
      throw analysis.error('0A000', `OVER is not supported for ordered-set aggregate ${name}`, location)
    }
  } else if (call.agg_within_group === true) {
    const message = `${name} is not an ordered-set aggregate, so it cannot have WITHIN GROUP`
    throw analysis.error('42809', message, location)
  }
}

/** mode() has no direct argument, yet is an ordered-set aggregate. */
const isOrderedSetByName = (fn: AggregateFunction): boolean => fn.name === 'mode'

function plainAggregate(
  scope: Scope,
  call: FuncCall,
  fn: AggregateFunction,
  resolved: ResolvedFunction,
  filter: Expr | undefined,
): Expr {
  const { analysis } = scope
  const args = resolved.args
  const orderBy = (call.agg_order ?? []).map((node) =>
    aggregateKey(scope, must(nodeAs(node, 'SortBy')), args),
  )
  const distinct = call.agg_distinct === true
  if (distinct) checkDistinct(scope, args, orderBy)
  return {
    kind: 'aggregate',
    function: fn,
    star: call.agg_star === true,
    args,
    directArgs: [],
    distinct,
    orderBy,
    filter,
    type: resolved.type,
    typmod: -1,
    collation: resultCollation(analysis, resolved.type, args),
    location: call.location ?? 0,
  }
}

/** Sort keys inside an aggregate are plain expressions; one that equals an argument is that argument. */
function aggregateKey(scope: Scope, sort: Parameters<typeof sortKey>[1], args: readonly Expr[]): SortKey {
  const expr = unknownToText(
    scope.analysis,
    scope.within('order-by', () => analyseExpr(scope, must(sort.node))),
  )
  const known = args.find((arg) => sameExpr(withoutImplicitCast(arg), expr)) ?? expr
  return sortKey(scope, sort, known)
}

/** An argument as it was written. */
function withoutImplicitCast(expr: Expr): Expr {
  if (expr.kind === 'convert' && expr.form === 'implicit-cast') return withoutImplicitCast(expr.arg)
  const [arg] = expr.kind === 'call' && expr.form === 'implicit-cast' ? expr.args : []
  return arg === undefined ? expr : withoutImplicitCast(arg)
}

function checkDistinct(scope: Scope, args: readonly Expr[], orderBy: readonly SortKey[]): void {
  const { analysis } = scope
  for (const { expr } of orderBy) {
    // A key that was found among the arguments is that very argument.
    if (args.includes(expr)) continue
    throw analysis.error(
      '42P10',
      'in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list',
      locationOf(expr),
    )
  }
  for (const arg of args) {
    if (arg.type === UNKNOWN_OID || hasEquality(analysis, arg.type)) continue
    const type = formatType(analysis.context, arg.type)
    throw analysis.error(
      '42883',
      `could not identify an equality operator for type ${type}`,
      locationOf(arg),
      {
        detail: 'Aggregates with DISTINCT must be able to sort their inputs.',
      },
    )
  }
}

function withinGroup(
  scope: Scope,
  call: FuncCall,
  fn: AggregateFunction,
  resolved: ResolvedFunction,
  filter: Expr | undefined,
): Expr {
  const sorts = call.agg_order ?? []
  const directCount = resolved.args.length - sorts.length
  const args = resolved.args.slice(directCount)
  const orderBy = sorts.map((node, i) => sortKey(scope, must(nodeAs(node, 'SortBy')), must(args[i])))
  return {
    kind: 'aggregate',
    function: fn,
    star: false,
    args,
    directArgs: resolved.args.slice(0, directCount),
    distinct: false,
    orderBy,
    filter,
    type: resolved.type,
    typmod: -1,
    collation: resultCollation(scope.analysis, resolved.type, args),
    location: call.location ?? 0,
  }
}

/** Nesting, and whether an aggregate may stand here. The level it belongs to is that of its innermost column. */
function checkLevel(scope: Scope, expr: Expr, location: number): void {
  const { analysis } = scope
  checkContents(scope, expr)
  const level = levelOf(scope, expr)
  let owner = scope
  while (level >= 0 && owner.depth > level && owner.outer !== undefined) owner = owner.outer
  if (owner !== scope) {
    throw analysis.error('0A000', 'an aggregate of an outer query in a subquery is not supported', location)
  }
  owner.hasAggregates = true
  if (allowsAggregates(scope.kind)) return
  throw analysis.error(
    '42803',
    `aggregate functions are not allowed in ${placePhrase(scope.kind, 'aggregate')}`,
    location,
  )
}

/** The depth of the innermost query level whose columns (or aggregates) the expression uses; -1: none. */
export function levelOf(scope: Scope, expr: Expr): number {
  const { analysis } = scope
  let level = -1
  eachDescendant(expr, (part) => {
    if (part.kind !== 'column' && part.kind !== 'whole-row') return
    const depth = analysis.depthOf(part.relation)
    if (depth <= scope.depth) level = Math.max(level, depth)
  })
  return level
}

function checkContents(scope: Scope, expr: Expr): void {
  const { analysis } = scope
  if (expr.kind !== 'aggregate') return
  const direct = new Set(expr.directArgs)
  const inside = [...expr.args, ...expr.directArgs, ...(expr.filter === undefined ? [] : [expr.filter])]
  for (const arg of inside) checkPart(arg)
  function checkPart(part: Expr): void {
    if (part.kind === 'aggregate') {
      throw analysis.error('42803', 'aggregate function calls cannot be nested', part.location)
    }
    if (part.kind === 'window' && !direct.has(part)) {
      throw analysis.error(
        '42803',
        'aggregate function calls cannot contain window function calls',
        part.location,
      )
    }
    if (part.kind === 'set-call') {
      throw analysis.error(
        '0A000',
        'aggregate function calls cannot contain set-returning function calls',
        part.location,
        {
          hint: 'You might be able to move the set-returning function into a LATERAL FROM item.',
        },
      )
    }
    eachPart(part, checkPart)
  }
}
