// CASE, COALESCE, GREATEST and LEAST: several expressions, one common type (documentation, sections 9.18 and 10.5).

import { must } from '../../storage/base/assert.ts'
import type { CaseExpr, CoalesceExpr, MinMaxExpr, Node } from '../parse/ast.ts'
import { nodeAs } from '../parse/ast.ts'
import type { Expr } from '../tree/expr.ts'
import { locationOf } from '../tree/location.ts'
import { UNKNOWN_OID } from '../types/oids.ts'
import { constant } from './coerce.ts'
import { coerceToBoolean, coerceToCommon, commonType, commonTypmod } from './common-type.ts'
import { analyseExpr } from './expr.ts'
import { formatType } from './format-type.ts'
import { makeOperator, resultCollation } from './operator.ts'
import type { Scope } from './scope.ts'
import { unknownToText } from './unknown.ts'

/** CASE with or without a subject; a missing ELSE is a NULL. */
export function analyseCase(scope: Scope, node: CaseExpr): Expr {
  const { analysis } = scope
  const lastSet = scope.lastSet
  const subject = node.arg === undefined ? undefined : unknownToText(analysis, analyseExpr(scope, node.arg))
  const whens = (node.args ?? []).map((raw) => {
    const when = must(nodeAs(raw, 'CaseWhen'))
    const test = analyseExpr(scope, must(when.expr))
    const matched = subject === undefined ? test : equalsSubject(scope, subject, test, when.location ?? 0)
    const condition = coerceToBoolean(analysis, matched, 'CASE/WHEN')
    return { condition, result: analyseExpr(scope, must(when.result)) }
  })
  const otherwise =
    node.defresult === undefined ? constant(analysis, UNKNOWN_OID, null) : analyseExpr(scope, node.defresult)
  // The ELSE is looked at first, which matters for what the others are converted to.
  const results = [otherwise, ...whens.map((when) => when.result)]
  const type = commonType(analysis, results, 'CASE')
  const converted = whens.map(({ condition, result }) => ({
    condition,
    result: coerceToCommon(analysis, result, type, 'CASE/WHEN'),
  }))
  const otherwiseConverted = coerceToCommon(analysis, otherwise, type, 'CASE/ELSE')
  refuseSets(scope, lastSet, 'CASE')
  const all = [otherwiseConverted, ...converted.map((when) => when.result)]
  return {
    kind: 'case',
    subject,
    whens: converted,
    otherwise: otherwiseConverted,
    type,
    typmod: commonTypmod(all, type),
    collation: resultCollation(analysis, type, all),
    location: node.location ?? 0,
  }
}

function equalsSubject(scope: Scope, subject: Expr, value: Expr, location: number): Expr {
  const { type, typmod, collation } = subject
  const placeholder: Expr = { kind: 'element', type, typmod, collation, location: -1 }
  return makeOperator(scope.analysis, { schema: undefined, name: '=' }, [placeholder, value], location)
}

function refuseSets(scope: Scope, lastSet: Expr | undefined, construct: string): void {
  if (scope.lastSet === lastSet || scope.lastSet === undefined) return
  throw scope.analysis.error(
    '0A000',
    `set-returning functions are not allowed in ${construct}`,
    locationOf(scope.lastSet),
    { hint: 'You might be able to move the set-returning function into a LATERAL FROM item.' },
  )
}

export function analyseCoalesce(scope: Scope, node: CoalesceExpr): Expr {
  const lastSet = scope.lastSet
  const expr = several(scope, 'coalesce', node.args ?? [], node.location ?? 0)
  refuseSets(scope, lastSet, 'COALESCE')
  return expr
}

export function analyseMinMax(scope: Scope, node: MinMaxExpr): Expr {
  const expr = several(
    scope,
    node.op === 'IS_LEAST' ? 'least' : 'greatest',
    node.args ?? [],
    node.location ?? 0,
  )
  if (
    scope.analysis.type(expr.type).compare === undefined &&
    scope.analysis.type(expr.type).kind !== 'domain'
  ) {
    const type = formatType(scope.analysis.context, expr.type)
    throw scope.analysis.error('42883', `could not identify a comparison function for type ${type}`)
  }
  return expr
}

function several(
  scope: Scope,
  kind: 'coalesce' | 'greatest' | 'least',
  nodes: readonly Node[],
  location: number,
): Expr {
  const { analysis } = scope
  const raw = nodes.map((node) => analyseExpr(scope, node))
  const construct = kind.toUpperCase()
  const type = commonType(analysis, raw, construct)
  const args = raw.map((arg) => coerceToCommon(analysis, arg, type, construct))
  return {
    kind,
    args,
    type,
    typmod: commonTypmod(args, type),
    collation: resultCollation(analysis, type, args),
    location,
  }
}
