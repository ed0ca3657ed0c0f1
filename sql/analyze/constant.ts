// Literals, parameters and the grammar's own values (CURRENT_DATE and its kin).

import { must } from '../../storage/base/assert.ts'
import type { A_Const, SQLValueFunction } from '../parse/ast.ts'
import type { Expr, SessionValueExpr } from '../tree/expr.ts'
import {
  BIT_OID,
  BOOL_OID,
  DATE_OID,
  INT4_OID,
  INT8_OID,
  NAME_OID,
  NUMERIC_OID,
  TIMESTAMPTZ_OID,
  TIMESTAMP_OID,
  TIMETZ_OID,
  TIME_OID,
  UNKNOWN_OID,
} from '../types/oids.ts'
import { int8 } from '../types/value.ts'
import type { Analysis } from './analysis.ts'
import { constant } from './coerce.ts'

const INT8_LIMIT = 2n ** 63n

/** A literal. Strings and NULL are of unknown type until something wants them to be of one. */
export function analyseConstant(analysis: Analysis, node: A_Const): Expr {
  const location = node.location ?? 0
  if (node.ival !== undefined) return constant(analysis, INT4_OID, node.ival.ival ?? 0, location)
  if (node.sval !== undefined) return constant(analysis, UNKNOWN_OID, node.sval.sval ?? '', location)
  if (node.isnull === true) return constant(analysis, UNKNOWN_OID, null, location)
  if (node.boolval !== undefined) return constant(analysis, BOOL_OID, node.boolval.boolval === true, location)
  if (node.fval !== undefined) return numberConstant(analysis, node.fval.fval ?? '0', location)
  const bits = node.bsval?.bsval ?? 'b'
  const type = analysis.type(BIT_OID)
  const value = analysis.at(location, () => type.input(bits, -1, analysis.context.typeContext))
  return constant(analysis, BIT_OID, value, location)
}

/** What the scanner calls a float: integers beyond int4, decimals, exponents. */
function numberConstant(analysis: Analysis, text: string, location: number): Expr {
  if (/^-?\d+$/.test(text)) {
    const value = BigInt(text)
    if (value >= -(2n ** 31n) && value < 2n ** 31n)
      return constant(analysis, INT4_OID, Number(value), location)
    if (value >= -INT8_LIMIT && value < INT8_LIMIT) return constant(analysis, INT8_OID, int8(value), location)
  }
  const type = analysis.type(NUMERIC_OID)
  const value = analysis.at(location, () => type.input(text, -1, analysis.context.typeContext))
  return constant(analysis, NUMERIC_OID, value, location)
}

const SESSION_VALUES: Readonly<Record<string, readonly [SessionValueExpr['name'], number]>> = {
  SVFOP_CURRENT_DATE: ['current_date', DATE_OID],
  SVFOP_CURRENT_TIME: ['current_time', TIMETZ_OID],
  SVFOP_CURRENT_TIME_N: ['current_time', TIMETZ_OID],
  SVFOP_CURRENT_TIMESTAMP: ['current_timestamp', TIMESTAMPTZ_OID],
  SVFOP_CURRENT_TIMESTAMP_N: ['current_timestamp', TIMESTAMPTZ_OID],
  SVFOP_LOCALTIME: ['localtime', TIME_OID],
  SVFOP_LOCALTIME_N: ['localtime', TIME_OID],
  SVFOP_LOCALTIMESTAMP: ['localtimestamp', TIMESTAMP_OID],
  SVFOP_LOCALTIMESTAMP_N: ['localtimestamp', TIMESTAMP_OID],
  SVFOP_CURRENT_ROLE: ['current_user', NAME_OID],
  SVFOP_CURRENT_USER: ['current_user', NAME_OID],
  SVFOP_USER: ['current_user', NAME_OID],
  SVFOP_SESSION_USER: ['session_user', NAME_OID],
  SVFOP_CURRENT_CATALOG: ['current_catalog', NAME_OID],
  SVFOP_CURRENT_SCHEMA: ['current_schema', NAME_OID],
}

const PRECISION_MAX = 6

/** CURRENT_DATE, CURRENT_TIMESTAMP(3), CURRENT_USER, ... */
export function analyseSessionValue(analysis: Analysis, node: SQLValueFunction): Expr {
  const [name, type] = must(SESSION_VALUES[node.op ?? ''])
  // CURRENT_TIME(0) has typmod 0, which the tree leaves out; those without precision say so by their op.
  const hasPrecision = node.op?.endsWith('_N') === true
  const typmod = hasPrecision ? Math.min(node.typmod ?? 0, PRECISION_MAX) : -1
  return {
    kind: 'session-value',
    name,
    type,
    typmod,
    collation: analysis.type(type).isCollatable ? 950 : 0,
    location: node.location ?? 0,
  }
}
