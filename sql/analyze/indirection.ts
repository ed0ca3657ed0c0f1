// What follows an expression in brackets or behind a dot: a[1], a[1:2], (row).field, jsonb['key'].

import { must } from '../../storage/base/assert.ts'
import type { A_Indices, A_Indirection, Node } from '../parse/ast.ts'
import { nodeAs } from '../parse/ast.ts'
import type { Expr, SubscriptExpr } from '../tree/expr.ts'
import { locationOf } from '../tree/location.ts'
import { INT4_OID, JSONB_OID, NAME_OID, TEXT_OID, UNKNOWN_OID } from '../types/oids.ts'
import { canCoerce, coerceTo } from './coerce.ts'
import { analyseExpr } from './expr.ts'
import { missingField, projectField } from './field.ts'
import { formatType } from './format-type.ts'
import type { Scope } from './scope.ts'
import { baseTypeOf } from './type-rules.ts'

type Subscript = SubscriptExpr['subscripts'][number]

/** @throws SqlError 42804, 42703, 42809, 0A000 for a star that nothing expands. */
export function analyseIndirection(scope: Scope, node: A_Indirection): Expr {
  const { analysis } = scope
  let result = analyseExpr(scope, must(node.arg))
  const location = locationOf(result)
  let pending: A_Indices[] = []
  for (const step of node.indirection ?? []) {
    const indices = nodeAs(step, 'A_Indices')
    if (indices !== undefined) {
      pending.push(indices)
      continue
    }
    if (nodeAs(step, 'A_Star') !== undefined) {
      throw analysis.error('0A000', 'row expansion via "*" is not supported here', location)
    }
    result = subscripted(scope, result, pending)
    pending = []
    result = field(scope, result, nodeAs(step, 'String')?.sval ?? '', location)
  }
  return subscripted(scope, result, pending)
}

function field(scope: Scope, row: Expr, name: string, location: number): Expr {
  const found = projectField(scope, row, name, location)
  if (found === undefined) throw missingField(scope, row, name, location)
  return found
}

/** An expression with subscripts, if there are any. */
export function subscripted(scope: Scope, arg: Expr, indices: readonly A_Indices[]): Expr {
  if (indices.length === 0) return arg
  const { analysis } = scope
  const base = baseTypeOf(analysis, arg.type)
  const isSlice = indices.some((index) => index.is_slice === true)
  if (base === JSONB_OID) return jsonbSubscript(scope, arg, indices)
  const type = analysis.type(base)
  if (type.elementOid === 0) {
    const name = formatType(analysis.context, arg.type)
    throw analysis.error(
      '42804',
      `cannot subscript type ${name} because it does not support subscripting`,
      locationOf(arg),
    )
  }
  if (isSlice && base === NAME_OID)
    throw analysis.error('0A000', 'slices of fixed-length arrays not implemented', locationOf(arg))
  const subscripts = indices.map((index): Subscript => {
    if (index.is_slice === true) {
      return { kind: 'slice', lower: integer(scope, index.lidx), upper: integer(scope, index.uidx) }
    }
    return { kind: 'index', at: must(integer(scope, index.uidx)) }
  })
  const result = isSlice ? base : type.elementOid
  return {
    kind: 'subscript',
    arg,
    subscripts,
    type: result,
    typmod: arg.typmod,
    collation: analysis.collationOf(result),
    location: locationOf(arg),
  }
}

function integer(scope: Scope, node: Node | undefined): Expr | undefined {
  if (node === undefined) return undefined
  const raw = analyseExpr(scope, node)
  const conversion = {
    type: INT4_OID,
    typmod: -1,
    context: 'assignment',
    form: 'implicit-cast',
    location: -1,
  } as const
  const converted = coerceTo(scope.analysis, raw, conversion)
  if (converted !== undefined) return converted
  throw scope.analysis.error('42804', 'array subscript must have type integer', locationOf(raw))
}

function jsonbSubscript(scope: Scope, arg: Expr, indices: readonly A_Indices[]): Expr {
  const { analysis } = scope
  const subscripts = indices.map((index): Subscript => {
    if (index.is_slice === true) {
      const at = index.lidx ?? index.uidx
      const location = at === undefined ? -1 : locationOf(analyseExpr(scope, at))
      throw analysis.error('42804', 'jsonb subscript does not support slices', location)
    }
    const raw = analyseExpr(scope, must(index.uidx))
    return { kind: 'index', at: jsonbKey(scope, raw) }
  })
  return {
    kind: 'subscript',
    arg,
    subscripts,
    type: JSONB_OID,
    typmod: -1,
    collation: 0,
    location: locationOf(arg),
  }
}

/** A jsonb subscript is an integer or text, whichever one (and only one) of the two its type converts to. */
function jsonbKey(scope: Scope, raw: Expr): Expr {
  const { analysis } = scope
  const wanted = raw.type === UNKNOWN_OID ? [TEXT_OID] : [INT4_OID, TEXT_OID]
  const targets = wanted.filter((type) => canCoerce(analysis, raw.type, type, 'implicit'))
  const [type] = targets
  if (targets.length === 1 && type !== undefined) {
    const conversion = { type, typmod: -1, context: 'implicit', form: 'implicit-cast', location: -1 } as const
    return must(coerceTo(analysis, raw, conversion))
  }
  const name = formatType(analysis.context, raw.type)
  const hint =
    targets.length > 1
      ? 'jsonb subscript must be coercible to only one type, integer or text.'
      : 'jsonb subscript must be coercible to either integer or text.'
  throw analysis.error('42804', `subscript type ${name} is not supported`, locationOf(raw), { hint })
}
