// ARRAY[...] (documentation, section 4.2.12).

import { must } from '../../storage/base/assert.ts'
import type { A_ArrayExpr } from '../parse/ast.ts'
import { nodeAs } from '../parse/ast.ts'
import type { Expr } from '../tree/expr.ts'
import { locationOf } from '../tree/location.ts'
import { RECORD_ARRAY_OID, RECORD_OID } from '../types/oids.ts'
import { coerceTo } from './coerce.ts'
import { coerceToCommon, commonType } from './common-type.ts'
import { analyseExpr } from './expr.ts'
import { formatType } from './format-type.ts'
import { resultCollation } from './operator.ts'
import type { Scope } from './scope.ts'
import type { TypeReference } from './type-name.ts'
import { arrayTypeOf, elementTypeOf } from './type-rules.ts'

/** `target`: the array type of a cast around it, which then applies to the elements. @throws SqlError 42P18, 42804. */
export function analyseArray(scope: Scope, node: A_ArrayExpr, target: TypeReference | undefined): Expr {
  const { analysis } = scope
  const location = node.location ?? 0
  const elements: Expr[] = []
  let nested = false
  for (const raw of node.elements ?? []) {
    const inner = nodeAs(raw, 'A_ArrayExpr')
    const element = inner === undefined ? analyseExpr(scope, raw) : analyseArray(scope, inner, target)
    if (inner !== undefined || elementTypeOf(analysis, element.type) !== 0) nested = true
    elements.push(element)
  }
  const { type, elementType } =
    target === undefined
      ? inferType(scope, elements, nested, location)
      : {
          type: target.oid,
          elementType: elementTypeOf(analysis, target.oid),
        }
  const wanted = nested ? type : elementType
  const converted = elements.map((element) =>
    target === undefined
      ? coerceToCommon(analysis, element, wanted, 'ARRAY')
      : castElement(scope, element, { oid: wanted, typmod: target.typmod }),
  )
  return {
    kind: 'array',
    elementType,
    nested,
    elements: converted,
    type,
    typmod: -1,
    collation: resultCollation(analysis, type, converted),
    location,
  }
}

function inferType(
  scope: Scope,
  elements: readonly Expr[],
  nested: boolean,
  location: number,
): { readonly type: number; readonly elementType: number } {
  const { analysis } = scope
  if (elements.length === 0) {
    throw analysis.error('42P18', 'cannot determine type of empty array', location, {
      hint: 'Explicitly cast to the desired type, for example ARRAY[]::integer[].',
    })
  }
  const common = commonType(analysis, elements, 'ARRAY')
  if (nested) {
    const elementType = elementTypeOf(analysis, common)
    if (elementType !== 0) return { type: common, elementType }
    const name = formatType(analysis.context, common)
    throw analysis.error('42704', `could not find element type for data type ${name}`, location)
  }
  const type = common === RECORD_OID ? RECORD_ARRAY_OID : arrayTypeOf(analysis, common)
  if (type !== 0) return { type, elementType: common }
  const name = formatType(analysis.context, common)
  throw analysis.error('42704', `could not find array type for data type ${name}`, location)
}

function castElement(scope: Scope, element: Expr, { oid, typmod }: TypeReference): Expr {
  const { analysis } = scope
  const conversion = { type: oid, typmod, context: 'explicit', form: 'explicit-cast', location: -1 } as const
  const result = coerceTo(analysis, element, conversion)
  if (result !== undefined) return result
  const from = formatType(analysis.context, element.type)
  const to = formatType(analysis.context, must(oid))
  throw analysis.error('42846', `cannot cast type ${from} to ${to}`, locationOf(element))
}
