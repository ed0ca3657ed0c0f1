// Calls with OVER: window functions and aggregates used as such (documentation, section 4.2.8).

import type { AggregateFunction, WindowFunction } from '../functions/function.ts'
import type { FuncCall, WindowDef } from '../parse/ast.ts'
import type { Expr } from '../tree/expr.ts'
import { someExpr } from '../tree/walk.ts'
import { analyseFilter } from './aggregate-call.ts'
import { allowsWindows, placePhrase } from './expr-kind.ts'
import type { ResolvedFunction } from './function-call.ts'
import { resultCollation } from './operator.ts'
import type { Scope } from './scope.ts'

/** @throws SqlError 42809, 42P20, 42704, 0A000. */
export function analyseWindowCall(
  scope: Scope,
  call: FuncCall,
  fn: WindowFunction | AggregateFunction,
  resolved: ResolvedFunction,
): Expr {
  const { analysis } = scope
  const location = call.location ?? 0
  const { name, args, type } = resolved
  if (call.over === undefined) {
    throw analysis.error('42809', `window function ${name} requires an OVER clause`, location)
  }
  if (call.agg_within_group === true) {
    throw analysis.error('42809', `window function ${name} cannot have WITHIN GROUP`, location)
  }
  if (call.agg_distinct === true) {
    throw analysis.error('0A000', 'DISTINCT is not implemented for window functions', location)
  }
  if (fn.kind === 'aggregate' && call.args === undefined && call.agg_star !== true) {
    throw analysis.error(
      '42809',
      `${name}(*) must be used to call a parameterless aggregate function`,
      location,
    )
  }
  if (call.agg_order !== undefined) {
    throw analysis.error('0A000', 'aggregate ORDER BY is not implemented for window functions', location)
  }
  if (fn.kind !== 'aggregate' && call.agg_filter !== undefined) {
    throw analysis.error('0A000', 'FILTER is not implemented for non-aggregate window functions', location)
  }
  const filter = analyseFilter(scope, call)
  if (args.some((arg) => someExpr(arg, (part) => part.kind === 'window'))) {
    throw analysis.error('42P20', 'window function calls cannot be nested', location)
  }
  if (!allowsWindows(scope.kind)) {
    throw analysis.error(
      '42P20',
      `window functions are not allowed in ${placePhrase(scope.kind, 'window')}`,
      location,
    )
  }
  scope.hasWindows = true
  return {
    kind: 'window',
    function: fn,
    star: call.agg_star === true,
    args,
    filter,
    window: windowIndex(scope, call.over),
    type,
    typmod: -1,
    collation: resultCollation(analysis, type, args),
    location,
  }
}

/** The index of the window that OVER means: a named one, an equal one seen before, or a new one. */
function windowIndex(scope: Scope, over: WindowDef): number {
  const { windowDefinitions } = scope
  if (over.name !== undefined) {
    const named = windowDefinitions.findIndex((definition) => definition.name === over.name)
    if (named >= 0) return named
    throw scope.analysis.error('42704', `window "${over.name}" does not exist`, over.location)
  }
  const key = contentOf(over)
  const equal = windowDefinitions.findIndex((other) => {
    return (
      contentOf(other) === key && (other.refname ?? '') === (over.refname ?? '') && other.name === undefined
    )
  })
  if (equal >= 0) return equal
  windowDefinitions.push(over)
  return windowDefinitions.length - 1
}

/** A definition without its locations, as a key. */
function contentOf(definition: WindowDef): string {
  const { partitionClause, orderClause, frameOptions, startOffset, endOffset } = definition
  return JSON.stringify(
    [partitionClause, orderClause, frameOptions, startOffset, endOffset],
    (key, value: unknown) => (key === 'location' ? undefined : value),
  )
}
