// Conversion between types (documentation, section 10 and CREATE CAST): whether there is a way from one type to
// another, and the expression that goes it.
//
//   canCoerce ─── yes ──▶ coerce ──▶ coerceTypmod          coerceTo does the three steps
//      │                    │
//      └── findPathway ◀────┘   none | relabel | function | io | array
//
// Contexts: what happens by itself in expressions is 'implicit'; storing into a column may also use 'assignment' casts;
// CAST may use all.

import { assert, must } from '../../storage/base/assert.ts'
import type { ScalarFunction } from '../functions/function.ts'
import type { ConstantExpr, Expr } from '../tree/expr.ts'
import { locationOf } from '../tree/location.ts'
import {
  ANYARRAY_OID,
  ANYCOMPATIBLEARRAY_OID,
  ANYCOMPATIBLEMULTIRANGE_OID,
  ANYCOMPATIBLENONARRAY_OID,
  ANYCOMPATIBLERANGE_OID,
  ANYCOMPATIBLE_OID,
  ANYELEMENT_OID,
  ANYENUM_OID,
  ANYMULTIRANGE_OID,
  ANYNONARRAY_OID,
  ANYRANGE_OID,
  ANY_OID,
  BIT_OID,
  BOOL_OID,
  BPCHAR_OID,
  INT2VECTOR_OID,
  INT4_OID,
  INTERVAL_OID,
  NUMERIC_OID,
  OIDVECTOR_OID,
  RECORD_ARRAY_OID,
  RECORD_OID,
  TIMESTAMPTZ_OID,
  TIMESTAMP_OID,
  TIMETZ_OID,
  TIME_OID,
  UNKNOWN_OID,
  VARBIT_OID,
  VARCHAR_OID,
} from '../types/oids.ts'
import type { Value } from '../types/value.ts'
import type { Analysis } from './analysis.ts'
import { formatType } from './format-type.ts'
import { checkGenericArguments } from './polymorphic.ts'
import {
  baseTypeAndTypmod,
  baseTypeOf,
  categoryOf,
  elementTypeOf,
  isNamedRowType,
  isPolymorphic,
} from './type-rules.ts'

export type CastContext = 'implicit' | 'assignment' | 'explicit'
export type CastForm = 'explicit-cast' | 'implicit-cast'

const STRENGTH: Readonly<Record<CastContext, number>> = { implicit: 0, assignment: 1, explicit: 2 }

/** How values of one type become values of another. */
export type Pathway =
  | { readonly kind: 'none' | 'relabel' | 'io' | 'array' }
  | { readonly kind: 'function'; readonly functionOid: number }

const NONE: Pathway = { kind: 'none' }
const RELABEL: Pathway = { kind: 'relabel' }
const IO: Pathway = { kind: 'io' }
const ARRAY: Pathway = { kind: 'array' }

export function findPathway(analysis: Analysis, from: number, to: number, context: CastContext): Pathway {
  const source = baseTypeOf(analysis, from)
  const target = baseTypeOf(analysis, to)
  if (source === target) return RELABEL
  const cast = analysis.functions.cast(source, target)
  if (cast !== undefined) {
    if (STRENGTH[context] < STRENGTH[cast.context]) return NONE
    if (cast.method === 'function') return { kind: 'function', functionOid: cast.functionOid }
    return cast.method === 'io' ? IO : RELABEL
  }
  if (target !== OIDVECTOR_OID && target !== INT2VECTOR_OID) {
    const sourceElement = elementTypeOf(analysis, source)
    const targetElement = elementTypeOf(analysis, target)
    if (sourceElement !== 0 && targetElement !== 0) {
      if (findPathway(analysis, sourceElement, targetElement, context).kind !== 'none') return ARRAY
    }
  }
  if (STRENGTH[context] >= STRENGTH.assignment && categoryOf(analysis, target) === 'S') return IO
  if (context === 'explicit' && categoryOf(analysis, source) === 'S') return IO
  return NONE
}

/** Whether arguments of these types can be given to parameters of those, as one call. */
export function canCoerceAll(
  analysis: Analysis,
  from: readonly number[],
  to: readonly number[],
  context: CastContext,
): boolean {
  let hasGenerics = false
  for (let i = 0; i < from.length; i++) {
    const source = must(from[i])
    const target = must(to[i])
    if (source === target || target === ANY_OID) continue
    if (isPolymorphic(target)) {
      hasGenerics = true
      continue
    }
    if (source === UNKNOWN_OID) continue
    if (findPathway(analysis, source, target, context).kind !== 'none') continue
    if (source === RECORD_OID && isNamedRowType(analysis, target)) continue
    if (target === RECORD_OID && isNamedRowType(analysis, source)) continue
    if (target === RECORD_ARRAY_OID && isRowArray(analysis, source)) continue
    return false
  }
  return !hasGenerics || checkGenericArguments(analysis, from, to)
}

export function canCoerce(analysis: Analysis, from: number, to: number, context: CastContext): boolean {
  return from === to || canCoerceAll(analysis, [from], [to], context)
}

function isRowArray(analysis: Analysis, oid: number): boolean {
  const element = elementTypeOf(analysis, oid)
  return element !== 0 && isNamedRowType(analysis, element)
}

/** What a conversion is to do. `typmod` matters for literals of interval and for elements of arrays only. */
export interface Conversion {
  readonly type: number
  readonly typmod: number
  readonly context: CastContext
  readonly form: CastForm
  /** Of the cast as written, -1 for inserted ones. */
  readonly location: number
}

const GENERIC_AS_IS: ReadonlySet<number> = new Set([
  ANY_OID,
  ANYELEMENT_OID,
  ANYNONARRAY_OID,
  ANYCOMPATIBLE_OID,
  ANYCOMPATIBLENONARRAY_OID,
])

const GENERIC_BASE: ReadonlySet<number> = new Set([
  ANYARRAY_OID,
  ANYENUM_OID,
  ANYRANGE_OID,
  ANYMULTIRANGE_OID,
  ANYCOMPATIBLEARRAY_OID,
  ANYCOMPATIBLERANGE_OID,
  ANYCOMPATIBLEMULTIRANGE_OID,
])

/** The expression converted to a type, without length coercion. The caller knows that there is a way. */
export function coerce(analysis: Analysis, expr: Expr, conversion: Conversion): Expr {
  const target = conversion.type
  if (expr.type === target || GENERIC_AS_IS.has(target)) return expr
  if (GENERIC_BASE.has(target) && expr.type !== UNKNOWN_OID) {
    const base = baseTypeOf(analysis, expr.type)
    return base === expr.type ? expr : convert(analysis, expr, { ...conversion, type: base }, 'relabel')
  }
  if (expr.type === UNKNOWN_OID) {
    if (expr.kind === 'constant') return coerceLiteral(analysis, expr, conversion)
    if (expr.kind === 'parameter') return coerceParameter(analysis, expr, conversion)
    if (expr.kind === 'convert' && expr.collate !== undefined)
      return coerceCollated(analysis, expr, conversion)
  }
  const pathway = findPathway(analysis, expr.type, target, conversion.context)
  if (pathway.kind === 'none') return coerceRow(analysis, expr, conversion)
  if (pathway.kind === 'relabel') {
    const domain = coerceToDomain(analysis, expr, conversion)
    return domain === expr ? convert(analysis, expr, conversion, 'relabel') : domain
  }
  const base = baseTypeAndTypmod(analysis, target, conversion.typmod)
  const built = build(analysis, expr, { ...conversion, type: base.oid, typmod: base.typmod }, pathway)
  return base.oid === target ? built : coerceToDomain(analysis, built, conversion)
}

/** `'x' COLLATE "C"` of unknown type: the literal is converted below its COLLATE. */
function coerceCollated(analysis: Analysis, expr: Expr & { kind: 'convert' }, conversion: Conversion): Expr {
  const arg = coerce(analysis, expr.arg, conversion)
  return { ...expr, arg, type: arg.type, typmod: arg.typmod }
}

/** An implicit conversion in an expression. */
export function coerceImplicitly(analysis: Analysis, expr: Expr, type: number): Expr {
  if (expr.type === type) return expr
  return coerce(analysis, expr, {
    type,
    typmod: -1,
    context: 'implicit',
    form: 'implicit-cast',
    location: -1,
  })
}

/** All of it: the conversion, then the length coercion; undefined if there is no way. */
export function coerceTo(analysis: Analysis, expr: Expr, conversion: Conversion): Expr | undefined {
  if (!canCoerce(analysis, expr.type, conversion.type, conversion.context)) return undefined
  const needsTypmod = conversion.typmod >= 0 && hasLengthCoercion(analysis, conversion.type)
  // Of a conversion and a length coercion that CAST asked for, the second shows.
  const first =
    needsTypmod && expr.kind !== 'constant' ? { ...conversion, form: 'implicit-cast' as const } : conversion
  return coerceTypmod(analysis, coerce(analysis, expr, first), conversion)
}

const LENGTH_TYPES: ReadonlySet<number> = new Set([
  BPCHAR_OID,
  VARCHAR_OID,
  BIT_OID,
  VARBIT_OID,
  NUMERIC_OID,
  TIME_OID,
  TIMETZ_OID,
  TIMESTAMP_OID,
  TIMESTAMPTZ_OID,
  INTERVAL_OID,
])

function hasLengthCoercion(analysis: Analysis, oid: number): boolean {
  return LENGTH_TYPES.has(oid) || LENGTH_TYPES.has(elementTypeOf(analysis, oid))
}

/** Length coercion to the conversion's typmod, if the type has one and the expression is not of it already. */
export function coerceTypmod(analysis: Analysis, expr: Expr, conversion: Conversion): Expr {
  const { typmod } = conversion
  if (typmod < 0 || typmod === expr.typmod || !hasLengthCoercion(analysis, conversion.type)) return expr
  return {
    kind: 'typmod',
    arg: expr,
    explicit: conversion.context === 'explicit',
    form: conversion.form,
    type: conversion.type,
    typmod,
    collation: expr.collation,
    location: conversion.location,
  }
}

function convert(
  analysis: Analysis,
  arg: Expr,
  conversion: Conversion,
  method: 'relabel' | 'io' | 'row' | 'domain-check' | 'array',
  element?: Expr,
): Expr {
  return {
    kind: 'convert',
    method,
    arg,
    element,
    form: conversion.form,
    type: conversion.type,
    typmod: method === 'array' ? conversion.typmod : -1,
    collation: analysis.collationOf(conversion.type),
    location: conversion.location,
  }
}

/** A NULL or a converted value as a constant. */
export function constant(analysis: Analysis, type: number, value: Value, location = -1): ConstantExpr {
  return { kind: 'constant', value, type, typmod: -1, collation: analysis.collationOf(type), location }
}

/** An unknown-type literal meets its type: its text is read by the base type's input. */
function coerceLiteral(analysis: Analysis, expr: ConstantExpr, conversion: Conversion): Expr {
  const base = baseTypeAndTypmod(analysis, conversion.type, conversion.typmod)
  const { value } = expr
  let converted: Value = null
  if (value !== null) {
    assert(typeof value === 'string', 'an unknown literal is text')
    const type = analysis.type(base.oid)
    const typmod = base.oid === INTERVAL_OID ? base.typmod : -1
    noteLiteral(analysis, base.oid, value)
    converted = analysis.at(expr.location, () => type.input(value, typmod, analysis.context.typeContext))
  }
  const typed: ConstantExpr = {
    kind: 'constant',
    value: converted,
    type: base.oid,
    typmod: -1,
    collation: analysis.collationOf(base.oid),
    location: expr.location,
  }
  return base.oid === conversion.type ? typed : coerceToDomain(analysis, typed, conversion)
}

function noteLiteral(analysis: Analysis, oid: number, text: string): void {
  const element = elementTypeOf(analysis, oid)
  const { category, kind } = analysis.type(element === 0 ? oid : element)
  if ('DTR'.includes(category) || kind === 'composite' || kind === 'domain') analysis.noteConversion(text)
}

function coerceParameter(
  analysis: Analysis,
  expr: Expr & { kind: 'parameter' },
  conversion: Conversion,
): Expr {
  // A lifted string reads like a literal: by the base type. A real parameter takes the domain itself.
  if (!analysis.isLiftedString(expr.index)) return analysis.resolveParameter(expr, conversion.type)
  const base = baseTypeOf(analysis, conversion.type)
  const typed = analysis.resolveParameter(expr, base)
  return base === conversion.type ? typed : coerceToDomain(analysis, typed, conversion)
}

function coerceToDomain(analysis: Analysis, expr: Expr, conversion: Conversion): Expr {
  const type = analysis.type(conversion.type)
  if (type.kind !== 'domain') return expr
  const base = baseTypeAndTypmod(analysis, conversion.type, -1)
  // A domain's length coercion is part of becoming one, whatever the cast: it truncates only when explicit.
  const sized = coerceTypmod(analysis, expr, {
    ...conversion,
    type: base.oid,
    typmod: base.typmod,
    form: 'implicit-cast',
  })
  return convert(analysis, sized, conversion, 'domain-check')
}

function coerceRow(analysis: Analysis, expr: Expr, conversion: Conversion): Expr {
  const target = conversion.type
  if (expr.type === RECORD_OID && isNamedRowType(analysis, target))
    return rowToComposite(analysis, expr, conversion)
  if (target === RECORD_OID || target === RECORD_ARRAY_OID) return expr
  throw analysis.error(
    'XX000',
    `failed to find conversion function from ${formatType(analysis.context, expr.type)} to ${formatType(analysis.context, target)}`,
  )
}

/** ROW(...)::composite, field by field. */
function rowToComposite(analysis: Analysis, expr: Expr, conversion: Conversion): Expr {
  const base = baseTypeOf(analysis, conversion.type)
  const fail = (detail: string, location: number): never => {
    const name = formatType(analysis.context, conversion.type)
    throw analysis.error('42846', `cannot cast type record to ${name}`, location, { detail })
  }
  const location = conversion.location < 0 ? locationOf(expr) : conversion.location
  if (expr.kind !== 'row') {
    throw analysis.error(
      '42846',
      `cannot cast type record to ${formatType(analysis.context, conversion.type)}`,
      location,
    )
  }
  const columns = compositeColumns(analysis, base)
  const elements = columns.map((column, index) => {
    const field = expr.elements[index]
    if (field === undefined) return fail('Input has too few columns.', location)
    const { type, typmod } = column
    const converted = coerceTo(analysis, field, {
      ...conversion,
      type,
      typmod,
      form: 'implicit-cast',
      location: -1,
    })
    const from = formatType(analysis.context, field.type)
    const to = formatType(analysis.context, type)
    return converted ?? fail(`Cannot cast type ${from} to ${to} in column ${index + 1}.`, location)
  })
  if (expr.elements.length > columns.length) fail('Input has too many columns.', location)
  const row: Expr = { ...expr, elements, type: base, names: columns.map((column) => column.name) }
  const cast = convert(analysis, row, { ...conversion, type: base }, 'row')
  return base === conversion.type ? cast : coerceToDomain(analysis, cast, conversion)
}

/** The columns of a composite type. */
export function compositeColumns(
  analysis: Analysis,
  oid: number,
): readonly { name: string; type: number; typmod: number; collation: number }[] {
  const entry = analysis.catalog.typeEntry(baseTypeOf(analysis, oid))
  const relation = entry === undefined ? undefined : analysis.catalog.relation(entry.relationOid)
  if (relation?.kind !== 'table' && relation?.kind !== 'view') return []
  return relation.columns.filter((column) => !column.isDropped)
}

function build(analysis: Analysis, expr: Expr, conversion: Conversion, pathway: Pathway): Expr {
  if (pathway.kind === 'io') return convert(analysis, expr, conversion, 'io')
  if (pathway.kind === 'array') {
    const elementOf: Expr = {
      kind: 'element',
      type: elementTypeOf(analysis, expr.type),
      typmod: -1,
      collation: analysis.collationOf(elementTypeOf(analysis, expr.type)),
      location: -1,
    }
    const type = elementTypeOf(analysis, conversion.type)
    const element = must(coerceTo(analysis, elementOf, { ...conversion, type, location: -1 }))
    return convert(analysis, expr, { ...conversion, typmod: element.typmod }, 'array', element)
  }
  assert(pathway.kind === 'function', 'the pathways are exhausted')
  const fn = analysis.functions.byOid(pathway.functionOid)
  assert(fn?.kind === 'scalar', 'a cast is by a scalar function')
  return castCall(analysis, fn, expr, conversion)
}

/** Cast functions may take the typmod and whether the cast is explicit. */
function castCall(analysis: Analysis, fn: ScalarFunction, expr: Expr, conversion: Conversion): Expr {
  const args: Expr[] = [expr]
  if (fn.argumentTypes.length > 1) args.push(constant(analysis, INT4_OID, conversion.typmod))
  if (fn.argumentTypes.length > 2) args.push(constant(analysis, BOOL_OID, conversion.context === 'explicit'))
  return {
    kind: 'call',
    function: fn,
    args,
    operatorOid: 0,
    form: conversion.form,
    type: conversion.type,
    typmod: fn.argumentTypes.length > 1 ? conversion.typmod : -1,
    collation: analysis.collationOf(conversion.type),
    location: conversion.location,
  }
}
