// Functions by name and arguments (documentation, section 10.3): all that could be meant, with named arguments put in
// place, VARIADIC parameters repeated and defaults counted in; then the one that suits best.

import { must } from '../../storage/base/assert.ts'
import type { SqlFunction } from '../functions/function.ts'
import type { Expr } from '../tree/expr.ts'
import { ANY_OID, RECORD_OID, UNKNOWN_OID } from '../types/oids.ts'
import type { Analysis } from './analysis.ts'
import { findPathway } from './coerce.ts'
import { type Candidate, matchingCandidates, selectCandidate } from './overload.ts'
import { categoryOf, isNamedRowType } from './type-rules.ts'

/** What the call looks like. */
export interface CallShape {
  /** Name parts: schema.name or name. */
  readonly name: readonly string[]
  readonly args: readonly Expr[]
  /** Names of the last arguments, where they were named. */
  readonly argumentNames: readonly string[]
  /** The last argument was written VARIADIC. */
  readonly isVariadic: boolean
}

/** A function as this call would use it. `types` are the given arguments' target types, in the order given. */
export interface FunctionCandidate extends Candidate {
  readonly fn: SqlFunction
  /** For each parameter the index of the argument that goes there, or -1 for its default. */
  readonly slots: readonly number[]
  /** How many of the last arguments are gathered into the VARIADIC array; -1: none are. */
  readonly gathered: number
}

export type Lookup =
  | { readonly kind: 'found'; readonly candidate: FunctionCandidate }
  | { readonly kind: 'coercion'; readonly type: number }
  | { readonly kind: 'none' | 'ambiguous' }

/** The function that is meant. */
export function lookUpFunction(analysis: Analysis, shape: CallShape): Lookup {
  const types = shape.args.map((arg) => arg.type)
  const candidates = candidatesOf(analysis, shape)
  const exact = candidates.find((candidate) => candidate.types.every((type, i) => type === types[i]))
  if (exact !== undefined) return { kind: 'found', candidate: exact }
  const coercion = coercionTarget(analysis, shape)
  if (coercion !== 0) return { kind: 'coercion', type: coercion }
  const matching = matchingCandidates(analysis, candidates, types)
  const chosen = selectCandidate(analysis, matching, types)
  if (chosen !== undefined) return { kind: 'found', candidate: chosen }
  return { kind: matching.length === 0 ? 'none' : 'ambiguous' }
}

/** Functions of the name in the schemas that count, nearest first. */
export function functionsNamed(analysis: Analysis, name: readonly string[]): readonly SqlFunction[] {
  const { catalog, context } = analysis
  const last = must(name.at(-1))
  if (name.length > 1) {
    const schema = catalog.schemaByName(must(name.at(-2)))
    return schema === undefined ? [] : catalog.functionsByName(schema.oid, last)
  }
  const found: SqlFunction[] = []
  for (const schemaOid of context.searchPath) {
    for (const fn of catalog.functionsByName(schemaOid, last)) {
      const isHidden = found.some((other) => sameSignature(other, fn))
      if (!isHidden) found.push(fn)
    }
  }
  return found
}

function sameSignature(a: SqlFunction, b: SqlFunction): boolean {
  return (
    a.argumentTypes.length === b.argumentTypes.length &&
    a.argumentTypes.every((type, i) => type === b.argumentTypes[i])
  )
}

function candidatesOf(analysis: Analysis, shape: CallShape): readonly FunctionCandidate[] {
  const candidates: FunctionCandidate[] = []
  for (const fn of functionsNamed(analysis, shape.name)) {
    const candidate =
      shape.argumentNames.length > 0 ? namedCandidate(fn, shape) : positionalCandidate(fn, shape)
    if (candidate !== undefined) addCandidate(candidates, candidate)
  }
  return candidates
}

/** Two that take the same types here: one that needs no VARIADIC expansion wins. */
function addCandidate(candidates: FunctionCandidate[], candidate: FunctionCandidate): void {
  const rival = candidates.findIndex((other) => other.types.every((type, i) => type === candidate.types[i]))
  const other = candidates[rival]
  if (other === undefined || other.types.length === 0) candidates.push(candidate)
  else if (other.gathered >= 0 && candidate.gathered < 0) candidates[rival] = candidate
  else if (!(other.gathered < 0 && candidate.gathered >= 0)) candidates.push(candidate)
}

function positionalCandidate(fn: SqlFunction, shape: CallShape): FunctionCandidate | undefined {
  const count = shape.args.length
  const { argumentTypes, variadicType } = fn
  const declared = argumentTypes.length
  const fixed = declared - 1
  if (variadicType !== 0 && !shape.isVariadic && count >= fixed && (count > 0 || variadicType === ANY_OID)) {
    if (count < declared && variadicType !== ANY_OID && count === fixed) return undefined
    const types = Array.from({ length: count }, (_, i) => (i < fixed ? must(argumentTypes[i]) : variadicType))
    const slots = Array.from({ length: variadicType === ANY_OID ? count : fixed }, (_, i) => i)
    if (variadicType === ANY_OID && count < declared) return undefined
    return { fn, types, slots, gathered: variadicType === ANY_OID ? -1 : count - fixed }
  }
  if (shape.isVariadic && variadicType === 0) return undefined
  if (count > declared || count + fn.defaults.length < declared) return undefined
  return {
    fn,
    types: argumentTypes.slice(0, count),
    slots: argumentTypes.map((_, i) => (i < count ? i : -1)),
    gathered: -1,
  }
}

function namedCandidate(fn: SqlFunction, shape: CallShape): FunctionCandidate | undefined {
  const { argumentTypes, argumentNames } = fn
  const count = shape.args.length
  const positional = count - shape.argumentNames.length
  const declared = argumentTypes.length
  // A VARIADIC parameter cannot be expanded when arguments are named.
  if (count > declared || argumentNames.length === 0 || (fn.variadicType !== 0 && !shape.isVariadic))
    return undefined
  const slots = argumentTypes.map((_, i) => (i < positional ? i : -1))
  for (const [i, name] of shape.argumentNames.entries()) {
    const slot = argumentNames.indexOf(name)
    if (slot < positional || slots[slot] !== -1) return undefined
    slots[slot] = positional + i
  }
  const firstDefault = declared - fn.defaults.length
  if (slots.some((argument, i) => argument < 0 && i < firstDefault)) return undefined
  const types = shape.args.map((_, argument) => must(argumentTypes[slots.indexOf(argument)]))
  return { fn, types, slots, gathered: -1 }
}

/** date('...'), text(x): a type's name called like a function is a cast, if no function takes the argument as it is. */
function coercionTarget(analysis: Analysis, shape: CallShape): number {
  const [arg] = shape.args
  if (shape.args.length !== 1 || arg === undefined || shape.argumentNames.length > 0) return 0
  const target = typeNamed(analysis, shape.name)
  if (target === 0) return 0
  const source = arg.type
  if (source === UNKNOWN_OID) return arg.kind === 'constant' || arg.kind === 'parameter' ? target : 0
  const { kind } = findPathway(analysis, source, target, 'explicit')
  if (kind === 'relabel') return target
  if (kind !== 'io') return 0
  const isRow = source === RECORD_OID || isNamedRowType(analysis, source)
  return isRow && categoryOf(analysis, target) === 'S' ? 0 : target
}

function typeNamed(analysis: Analysis, name: readonly string[]): number {
  const { catalog, context } = analysis
  const last = must(name.at(-1))
  const schemas = name.length > 1 ? [catalog.schemaByName(must(name.at(-2)))?.oid ?? 0] : context.searchPath
  for (const schemaOid of schemas) {
    const entry = catalog.typeByName(schemaOid, last)
    if (entry === undefined) continue
    const { kind, oid } = entry.type
    return kind === 'pseudo' || kind === 'composite' ? 0 : oid
  }
  return 0
}
