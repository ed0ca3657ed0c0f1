// Calls of functions as expressions: plain ones, sets, aggregates (aggregate-call.ts), window functions
// (window-call.ts), and the two things that look like calls: a cast by a type's name and a field of a row.

import { assert, must } from '../../storage/base/assert.ts'
import type { ScalarFunction, SetFunction } from '../functions/function.ts'
import type { FuncCall, Node } from '../parse/ast.ts'
import { nodeAs, stringsOf } from '../parse/ast.ts'
import { parseExpression } from '../parse/parse.ts'
import type { Expr } from '../tree/expr.ts'
import { locationOf } from '../tree/location.ts'
import { ANYELEMENT_OID, ANY_OID } from '../types/oids.ts'
import { analyseAggregate } from './aggregate-call.ts'
import { Analysis } from './analysis.ts'
import { coerce, coerceImplicitly } from './coerce.ts'
import { allowsSets, clauseName, placePhrase } from './expr-kind.ts'
import { analyseExpr } from './expr.ts'
import { projectField } from './field.ts'
import { formatType } from './format-type.ts'
import { type CallShape, type FunctionCandidate, lookUpFunction } from './function-lookup.ts'
import { resultCollation } from './operator.ts'
import { resolveGenericCall } from './polymorphic.ts'
import { Scope } from './scope.ts'
import { analyseWindowCall } from './window-call.ts'
import { arrayTypeOf, elementTypeOf, isRowType } from './type-rules.ts'

/** A call whose function and arguments are settled. */
export interface ResolvedFunction {
  readonly candidate: FunctionCandidate
  readonly args: readonly Expr[]
  readonly type: number
  readonly name: string
}

const ARGUMENTS_MAX = 100

/** A function call. @throws SqlError 42883, 42725, 42809, ... */
export function analyseFunctionCall(scope: Scope, call: FuncCall): Expr {
  const { analysis } = scope
  const location = call.location ?? 0
  const lastSet = scope.lastSet
  const shape = analyseArguments(scope, call)
  const name = shape.name.join('.')
  const schema = shape.name.length > 1 ? shape.name.at(-2) : undefined
  if (schema !== undefined && analysis.catalog.schemaByName(schema) === undefined) {
    throw analysis.error('3F000', `schema "${schema}" does not exist`, location)
  }
  const lookup = lookUpFunction(analysis, shape)
  if (lookup.kind === 'coercion') {
    const conversion = {
      type: lookup.type,
      typmod: -1,
      context: 'explicit',
      form: 'explicit-cast',
      location,
    } as const
    return coerce(analysis, must(shape.args[0]), conversion)
  }
  if (lookup.kind !== 'found') {
    const field = isPlain(call) ? projectionOf(scope, shape, location) : undefined
    if (field !== undefined) return field
    throw notFound(analysis, call, shape, lookup.kind === 'ambiguous')
  }
  const resolved = resolve(scope, shape, lookup.candidate, location)
  const { fn } = lookup.candidate
  if (fn.kind === 'aggregate') return analyseAggregate(scope, call, fn, resolved)
  refuseAggregateSyntax(analysis, call, name, fn.kind === 'window')
  if (fn.kind === 'window') return analyseWindowCall(scope, call, fn, resolved)
  if (call.over !== undefined) {
    const message = `OVER specified, but ${name} is not a window function nor an aggregate function`
    throw analysis.error('42809', message, location)
  }
  return fn.kind === 'set'
    ? setCall(scope, fn, resolved, { location, lastSet })
    : scalarCall(scope, fn, resolved, call)
}

function isPlain(call: FuncCall): boolean {
  return (
    call.agg_order === undefined &&
    call.agg_filter === undefined &&
    call.agg_star !== true &&
    call.agg_distinct !== true &&
    call.over === undefined &&
    call.func_variadic !== true
  )
}

/** Arguments of the call, WITHIN GROUP's sort expressions last; names of named ones. */
function analyseArguments(scope: Scope, call: FuncCall): CallShape {
  const { analysis } = scope
  const nodes = call.args ?? []
  const location = call.location ?? 0
  if (nodes.length > ARGUMENTS_MAX) {
    throw analysis.error('54023', `cannot pass more than ${ARGUMENTS_MAX} arguments to a function`, location)
  }
  const argumentNames: string[] = []
  const args: Expr[] = []
  for (const node of nodes) args.push(analyseArgument(scope, node, argumentNames))
  if (call.agg_within_group === true) {
    if (call.func_variadic === true) {
      throw analysis.error('42601', 'cannot use VARIADIC with WITHIN GROUP', location)
    }
    for (const order of call.agg_order ?? []) {
      const node = nodeAs(order, 'SortBy')?.node
      if (node !== undefined) args.push(analyseExpr(scope, node))
    }
  }
  return { name: stringsOf(call.funcname), args, argumentNames, isVariadic: call.func_variadic === true }
}

function analyseArgument(scope: Scope, node: Node, names: string[]): Expr {
  const { analysis } = scope
  const named = nodeAs(node, 'NamedArgExpr')
  if (named === undefined) {
    const arg = analyseExpr(scope, node)
    if (names.length > 0) {
      throw analysis.error('42601', 'positional argument cannot follow named argument', locationOf(arg))
    }
    return arg
  }
  const name = named.name ?? ''
  if (names.includes(name)) {
    throw analysis.error('42601', `argument name "${name}" used more than once`, named.location ?? 0)
  }
  names.push(name)
  return analyseExpr(scope, must(named.arg))
}

function projectionOf(scope: Scope, shape: CallShape, location: number): Expr | undefined {
  const [arg] = shape.args
  const [name] = shape.name
  if (shape.args.length !== 1 || arg === undefined || shape.name.length !== 1 || name === undefined)
    return undefined
  return isRowType(scope.analysis, arg.type) ? projectField(scope, arg, name, location) : undefined
}

/** name(type, type), as error messages show a call. */
export function callSignature(analysis: Analysis, shape: CallShape): string {
  const positional = shape.args.length - shape.argumentNames.length
  const types = shape.args.map((arg, i) => {
    const type = formatType(analysis.context, arg.type)
    const name = shape.argumentNames[i - positional]
    return name === undefined ? type : `${name} => ${type}`
  })
  return `${shape.name.join('.')}(${types.join(', ')})`
}

function notFound(analysis: Analysis, call: FuncCall, shape: CallShape, isAmbiguous: boolean): Error {
  const signature = callSignature(analysis, shape)
  const location = call.location ?? 0
  if (isAmbiguous) {
    return analysis.error('42725', `function ${signature} is not unique`, location, {
      hint: 'Could not choose a best candidate function. You might need to add explicit type casts.',
    })
  }
  const hasOrder = call.agg_order !== undefined && call.agg_within_group !== true
  return analysis.error('42883', `function ${signature} does not exist`, location, {
    hint: hasOrder
      ? 'No aggregate function matches the given name and argument types. Perhaps you misplaced ORDER BY; ' +
        'ORDER BY must appear after all regular arguments of the aggregate.'
      : 'No function matches the given name and argument types. You might need to add explicit type casts.',
  })
}

function refuseAggregateSyntax(analysis: Analysis, call: FuncCall, name: string, isWindow: boolean): void {
  const location = call.location ?? 0
  const refuse = (what: string): never => {
    throw analysis.error('42809', `${what} specified, but ${name} is not an aggregate function`, location)
  }
  if (call.agg_star === true) refuse(`${name}(*)`)
  if (call.agg_distinct === true) refuse('DISTINCT')
  if (call.agg_within_group === true) refuse('WITHIN GROUP')
  if (call.agg_order !== undefined) refuse('ORDER BY')
  if (call.agg_filter !== undefined && !isWindow) refuse('FILTER')
}

/** Settles types, converts arguments, adds defaults, gathers VARIADIC ones. */
function resolve(
  scope: Scope,
  shape: CallShape,
  candidate: FunctionCandidate,
  location: number,
): ResolvedFunction {
  const { analysis } = scope
  const { fn, slots, gathered } = candidate
  const actual = shape.args.map((arg) => arg.type)
  checkVariadicAny(analysis, shape, candidate)
  const resolved = analysis.at(location, () =>
    resolveGenericCall(analysis, actual, candidate.types, fn.returnType),
  )
  const converted = shape.args.map((arg, i) =>
    coerceImplicitly(analysis, arg, must(resolved.argumentTypes[i])),
  )
  const args: Expr[] = slots.map((argument, slot) =>
    argument >= 0 ? must(converted[argument]) : defaultArgument(scope, candidate, slot),
  )
  if (gathered >= 0)
    args.push(
      gather(analysis, converted.slice(converted.length - gathered), candidate, resolved.argumentTypes),
    )
  return { candidate, args, type: resolved.returnType, name: shape.name.join('.') }
}

/** VARIADIC before an argument of "any" must be an array. */
function checkVariadicAny(analysis: Analysis, shape: CallShape, { fn }: FunctionCandidate): void {
  const last = shape.args.at(-1)
  if (!shape.isVariadic || fn.variadicType !== ANY_OID || last === undefined) return
  if (elementTypeOf(analysis, last.type) !== 0) return
  throw analysis.error('42804', 'VARIADIC argument must be an array', locationOf(last))
}

function gather(
  analysis: Analysis,
  elements: readonly Expr[],
  candidate: FunctionCandidate,
  types: readonly number[],
): Expr {
  const elementType = types.at(-1) ?? candidate.fn.variadicType
  const type = arrayTypeOf(analysis, elementType)
  return {
    kind: 'array',
    elementType,
    nested: false,
    elements,
    type,
    typmod: -1,
    collation: resultCollation(analysis, type, elements),
    location: elements[0] === undefined ? -1 : locationOf(elements[0]),
  }
}

/** A parameter's default, kept as text in the function's description. */
function defaultArgument(scope: Scope, candidate: FunctionCandidate, slot: number): Expr {
  const { fn } = candidate
  const text = fn.defaults[slot - (fn.argumentTypes.length - fn.defaults.length)]
  assert(text !== undefined, 'a parameter that was left out has a default')
  const { node, source } = parseExpression(text)
  const inner = new Scope(new Analysis(scope.analysis.context, source, scope.analysis), undefined)
  return coerceImplicitly(inner.analysis, analyseExpr(inner, node), must(fn.argumentTypes[slot]))
}

function scalarCall(scope: Scope, fn: ScalarFunction, resolved: ResolvedFunction, call: FuncCall): Expr {
  const { args, type } = resolved
  return {
    kind: 'call',
    function: fn,
    args,
    operatorOid: 0,
    form: call.funcformat === 'COERCE_SQL_SYNTAX' ? 'sql-syntax' : 'call',
    variadic: isVariadicCall(call, resolved) ? true : undefined,
    type,
    typmod: -1,
    collation: resultCollation(scope.analysis, type, args),
    location: call.location ?? 0,
  }
}

/** VARIADIC was written, or the arguments were gathered by us; "any" takes them one by one. */
function isVariadicCall(call: FuncCall, { candidate }: ResolvedFunction): boolean {
  return call.func_variadic === true && candidate.fn.variadicType === ANY_OID
}

function setCall(
  scope: Scope,
  fn: SetFunction,
  { args, type }: ResolvedFunction,
  { location, lastSet }: { readonly location: number; readonly lastSet: Expr | undefined },
): Expr {
  checkSetPlacement(scope, location, lastSet)
  const expr: Expr = {
    kind: 'set-call',
    function: withActualColumns(fn, args),
    args,
    type,
    typmod: -1,
    collation: resultCollation(scope.analysis, type, args),
    location,
  }
  scope.lastSet = expr
  return expr
}

/** OUT columns of a polymorphic type have the type of the first argument of that kind. */
function withActualColumns(fn: SetFunction, args: readonly Expr[]): SetFunction {
  if (!fn.columns.some(({ type }) => type === ANYELEMENT_OID)) return fn
  const actual = must(args[fn.argumentTypes.indexOf(ANYELEMENT_OID)]).type
  return {
    ...fn,
    columns: fn.columns.map(({ name, type }) => ({ name, type: type === ANYELEMENT_OID ? actual : type })),
  }
}

/** Where sets may be returned. @throws SqlError 0A000. */
function checkSetPlacement(scope: Scope, location: number, lastSet: Expr | undefined): void {
  const { analysis, kind } = scope
  if (kind === 'from-function') {
    if (scope.lastSet === lastSet) return
    throw analysis.error(
      '0A000',
      'set-returning functions must appear at top level of FROM',
      scope.lastSet === undefined ? location : locationOf(scope.lastSet),
    )
  }
  if (kind === 'select' || kind === 'order-by' || kind === 'group-by' || kind === 'distinct-on') {
    scope.hasTargetSets = true
  }
  if (allowsSets(kind)) return
  const phrase = placePhrase(kind, 'set')
  const where = phrase === clauseName(kind) ? clauseName(kind) : phrase
  throw analysis.error('0A000', `set-returning functions are not allowed in ${where}`, location)
}
