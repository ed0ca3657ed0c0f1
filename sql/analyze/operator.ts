// Operators (documentation, section 10.2): finding the one that is meant, and the expressions that apply it.

import { assert, must } from '../../storage/base/assert.ts'
import type { FunctionRegistry, Operator, ScalarFunction } from '../functions/function.ts'
import type { Expr } from '../tree/expr.ts'
import { BOOL_OID, UNKNOWN_OID } from '../types/oids.ts'
import type { Analysis } from './analysis.ts'
import { coerceImplicitly, coerceTo } from './coerce.ts'
import { formatType } from './format-type.ts'
import { type Candidate, matchingCandidates, selectCandidate } from './overload.ts'
import { resolveGenericCall } from './polymorphic.ts'
import { arrayTypeOf, baseTypeOf, elementTypeOf } from './type-rules.ts'

interface OperatorCandidate extends Candidate {
  readonly operator: Operator
}

interface NameIndex {
  readonly prefix: readonly OperatorCandidate[]
  readonly binary: readonly OperatorCandidate[]
  /** Binary operators by left * 2^32 + right. */
  readonly exact: ReadonlyMap<number, Operator>
}

const pairKey = (left: number, right: number): number => left * 0x1_0000_0000 + right

/** Operators of a registry, indexed by name once they are asked for. Registries never change. */
const indexes = new WeakMap<FunctionRegistry, Map<string, NameIndex>>()

function operatorsNamed(registry: FunctionRegistry, name: string): NameIndex {
  let names = indexes.get(registry)
  if (names === undefined) indexes.set(registry, (names = new Map()))
  let index = names.get(name)
  if (index === undefined) {
    const operators = registry.operatorsByName(name)
    const binary = operators.filter((operator) => operator.left !== 0)
    index = {
      prefix: operators
        .filter((operator) => operator.left === 0)
        .map((operator) => ({ operator, types: [operator.right] })),
      binary: binary.map((operator) => ({ operator, types: [operator.left, operator.right] })),
      exact: new Map(binary.map((operator) => [pairKey(operator.left, operator.right), operator])),
    }
    names.set(name, index)
  }
  return index
}

/** An operator's name as written: OPERATOR(pg_catalog.+) has a schema. */
export interface OperatorName {
  readonly schema: string | undefined
  readonly name: string
}

export function operatorName(parts: readonly string[]): OperatorName {
  return { schema: parts.length > 1 ? parts[0] : undefined, name: must(parts.at(-1)) }
}

/** @throws SqlError 42883 no such operator, 42725 several suit equally. */
export function findOperator(
  analysis: Analysis,
  { schema, name }: OperatorName,
  types: readonly number[],
  location: number,
): Operator {
  if (schema !== undefined && analysis.catalog.schemaByName(schema) === undefined) {
    throw analysis.error('3F000', `schema "${schema}" does not exist`, location)
  }
  const isKnownSchema = schema === undefined || schema === 'pg_catalog'
  const index = isKnownSchema ? operatorsNamed(analysis.functions, name) : undefined
  if (index !== undefined) {
    const exact =
      types.length === 2 ? exactBinary(analysis, index, must(types[0]), must(types[1])) : undefined
    if (exact !== undefined) return exact
    const matching = matchingCandidates(analysis, types.length === 2 ? index.binary : index.prefix, types)
    const chosen = exactPrefix(matching, types) ?? selectCandidate(analysis, matching, types)
    if (chosen !== undefined) return chosen.operator
    if (matching.length > 1) {
      throw analysis.error(
        '42725',
        `operator is not unique: ${signature(analysis, { schema, name }, types)}`,
        location,
        {
          hint: 'Could not choose a best candidate operator. You might need to add explicit type casts.',
        },
      )
    }
  }
  const [noun, casts] =
    types.length === 2 ? ['types', 'explicit type casts'] : ['type', 'an explicit type cast']
  throw analysis.error(
    '42883',
    `operator does not exist: ${signature(analysis, { schema, name }, types)}`,
    location,
    {
      hint: `No operator matches the given name and argument ${noun}. You might need to add ${casts}.`,
    },
  )
}

function signature(analysis: Analysis, { schema, name }: OperatorName, types: readonly number[]): string {
  const shown = schema === undefined ? name : `${schema}.${name}`
  const names = types.map((type) => formatType(analysis.context, type))
  return names.length === 2 ? `${names[0]} ${shown} ${names[1]}` : `${shown} ${names[0]}`
}

/** A lone unknown operand is taken to be of the other's type. */
function exactBinary(
  analysis: Analysis,
  index: NameIndex,
  left: number,
  right: number,
): Operator | undefined {
  const a = left === UNKNOWN_OID ? right : left
  const b = right === UNKNOWN_OID ? left : right
  const found = index.exact.get(pairKey(a, b))
  if (found !== undefined || left === right || (left !== UNKNOWN_OID && right !== UNKNOWN_OID)) return found
  const base = baseTypeOf(analysis, a)
  return base === a ? undefined : index.exact.get(pairKey(base, base))
}

function exactPrefix<C extends Candidate>(candidates: readonly C[], types: readonly number[]): C | undefined {
  return types.length === 1 ? candidates.find((candidate) => candidate.types[0] === types[0]) : undefined
}

/** The function that implements an operator. */
export function functionOf(analysis: Analysis, operator: Operator): ScalarFunction {
  const fn = analysis.functions.byOid(operator.functionOid)
  assert(fn?.kind === 'scalar', 'an operator is implemented by a scalar function')
  return fn
}

/** `args` has one operand (prefix) or two. */
export function makeOperator(
  analysis: Analysis,
  name: OperatorName,
  args: readonly Expr[],
  location: number,
): Expr {
  const types = args.map((arg) => arg.type)
  const operator = findOperator(analysis, name, types, location)
  const declared = args.length === 2 ? [operator.left, operator.right] : [operator.right]
  const resolved = analysis.at(location, () => resolveGenericCall(analysis, types, declared, operator.result))
  return {
    kind: 'call',
    function: functionOf(analysis, operator),
    args: args.map((arg, i) => coerceImplicitly(analysis, arg, must(resolved.argumentTypes[i]))),
    operatorOid: operator.oid,
    form: 'operator',
    type: resolved.returnType,
    typmod: -1,
    collation: resultCollation(analysis, resolved.returnType, args),
    location,
  }
}

/** The collation of a result: an argument's, if any has one that is not the default, else the type's. */
export function resultCollation(analysis: Analysis, type: number, args: readonly Expr[]): number {
  const own = analysis.collationOf(type)
  if (own === 0) return 0
  for (const arg of args) {
    if (arg.collation !== 0 && arg.collation !== own) return arg.collation
  }
  return own
}

/** The comparison of two operands for IS DISTINCT, NULLIF and their kin: the '=' operator must give boolean. */
export interface Comparison {
  readonly fn: ScalarFunction
  readonly operatorOid: number
  readonly left: Expr
  readonly right: Expr
}

/** @throws SqlError 42804 where the operator does not give boolean. `construct` names who needs that. */
export function makeComparison(
  analysis: Analysis,
  name: OperatorName,
  operands: { readonly left: Expr; readonly right: Expr; readonly construct: string },
  location: number,
): Comparison {
  const call = makeOperator(analysis, name, [operands.left, operands.right], location)
  assert(call.kind === 'call', 'an operator makes a call')
  if (call.type !== BOOL_OID) {
    throw analysis.error('42804', `${operands.construct} requires = operator to yield boolean`, location)
  }
  const [left, right] = call.args
  return { fn: call.function, operatorOid: call.operatorOid, left: must(left), right: must(right) }
}

/** left op ANY|ALL (array). */
export function makeArrayComparison(
  analysis: Analysis,
  name: OperatorName,
  operands: {
    readonly left: Expr
    readonly right: Expr
    readonly all: boolean
    readonly fromInList: boolean
  },
  location: number,
): Expr {
  const { left, right, all, fromInList } = operands
  const element = right.type === UNKNOWN_OID ? UNKNOWN_OID : elementTypeOf(analysis, right.type)
  if (element === 0)
    throw analysis.error('42809', 'op ANY/ALL (array) requires array on right side', location)
  const operator = findOperator(analysis, name, [left.type, element], location)
  if (operator.result !== BOOL_OID) {
    throw analysis.error('42809', 'op ANY/ALL (array) requires operator to yield boolean', location)
  }
  const resolved = analysis.at(location, () =>
    resolveGenericCall(analysis, [left.type, element], [operator.left, operator.right], operator.result),
  )
  const [leftType, elementType] = resolved.argumentTypes
  const arrayType = arrayTypeOf(analysis, must(elementType))
  if (arrayType === 0) {
    const type = formatType(analysis.context, must(elementType))
    throw analysis.error('42704', `could not find array type for data type ${type}`, location)
  }
  // unnest-like pseudo arrays (anyarray statistics) keep their type.
  const isAlike = element === elementType
  return {
    kind: 'array-compare',
    function: functionOf(analysis, operator),
    operatorOid: operator.oid,
    all,
    left: coerceImplicitly(analysis, left, must(leftType)),
    right: isAlike
      ? right
      : must(
          coerceTo(analysis, right, {
            type: arrayType,
            typmod: -1,
            context: 'implicit',
            form: 'implicit-cast',
            location: -1,
          }),
        ),
    fromInList,
    type: BOOL_OID,
    typmod: -1,
    collation: 0,
    location,
  }
}

/** Whether values of the type can be told equal; the base type's compare or hash says so. */
export function hasEquality(analysis: Analysis, oid: number): boolean {
  const type = analysis.type(baseTypeOf(analysis, oid))
  return type.compare !== undefined || type.hashKey !== undefined
}

/** @throws SqlError 42883 when values of the type have no order. */
export function requireOrder(analysis: Analysis, oid: number, location: number): void {
  if (analysis.type(baseTypeOf(analysis, oid)).compare !== undefined) return
  const name = formatType(analysis.context, oid)
  throw analysis.error('42883', `could not identify an ordering operator for type ${name}`, location, {
    hint: 'Use an explicit ordering operator or modify the query.',
  })
}

/** @throws SqlError 42883 when values of the type have no equality. */
export function requireEquality(analysis: Analysis, oid: number, location: number): void {
  if (hasEquality(analysis, oid)) return
  const name = formatType(analysis.context, oid)
  throw analysis.error('42883', `could not identify an equality operator for type ${name}`, location)
}
