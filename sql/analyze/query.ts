// A SELECT statement of any shape: plain, VALUES, or a set operation; in a scope of its own inside the given one.

import type { SelectStmt } from '../parse/ast.ts'
import type { Query } from '../tree/query.ts'
import { Scope } from './scope.ts'
import { analysePlainSelect } from './select.ts'
import { analyseSetOperation } from './set-operation.ts'
import { analyseValues } from './values.ts'

export interface QueryOptions {
  /** False: outputs may stay of unknown type (INSERT ... SELECT, members of set operations). */
  readonly resolveUnknowns?: boolean
}

/** A query nested in `outer`, or the statement's own when `outer` is the outermost, empty scope. */
export function analyseSelect(outer: Scope, select: SelectStmt, options: QueryOptions = {}): Query {
  const scope = new Scope(outer.analysis, outer)
  scope.resolveUnknowns = options.resolveUnknowns !== false
  return analyseSelectIn(scope, select)
}

/** A query in the given, fresh scope. */
export function analyseSelectIn(scope: Scope, select: SelectStmt): Query {
  if (select.valuesLists !== undefined) return analyseValues(scope, select)
  if (select.op !== undefined && select.op !== 'SETOP_NONE') return analyseSetOperation(scope, select)
  return analysePlainSelect(scope, select)
}
