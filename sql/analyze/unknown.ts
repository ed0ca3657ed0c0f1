// What is still of unknown type when nothing else decides it becomes text (documentation, section 10.3 and 10.5).

import type { Expr } from '../tree/expr.ts'
import { TEXT_OID, UNKNOWN_OID } from '../types/oids.ts'
import type { Analysis } from './analysis.ts'
import { coerceImplicitly } from './coerce.ts'

export function unknownToText(analysis: Analysis, expr: Expr): Expr {
  return expr.type === UNKNOWN_OID ? coerceImplicitly(analysis, expr, TEXT_OID) : expr
}
