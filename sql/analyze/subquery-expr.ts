// Subqueries in expressions: EXISTS, scalar, ARRAY(...), IN and op ANY/ALL, row comparisons.

import { must } from '../../storage/base/assert.ts'
import type { SelectStmt, SubLink } from '../parse/ast.ts'
import { nodeAs, stringsOf } from '../parse/ast.ts'
import type { Expr, RelationId, SubqueryExpr } from '../tree/expr.ts'
import type { Query } from '../tree/query.ts'
import { BOOL_OID } from '../types/oids.ts'
import { subqueryRefusal } from './expr-kind.ts'
import { analyseExpr } from './expr.ts'
import { formatType } from './format-type.ts'
import { operatorName, type OperatorName } from './operator.ts'
import { analyseSelect } from './query.ts'
import { compareRows } from './row-compare.ts'
import type { Scope } from './scope.ts'

/** @throws SqlError 0A000 where subqueries are not allowed, 42601 for a wrong number of columns. */
export function analyseSubquery(scope: Scope, link: SubLink): Expr {
  const { analysis } = scope
  const location = link.location ?? 0
  const refusal = subqueryRefusal(scope.kind)
  if (refusal !== undefined) throw analysis.error('0A000', `cannot use subquery in ${refusal}`, location)
  const query = analyseSelect(scope, subselectOf(link))
  switch (link.subLinkType) {
    case 'EXISTS_SUBLINK':
      return subqueryExpr({ test: 'exists', query, type: BOOL_OID, location })
    case 'EXPR_SUBLINK':
    case 'MULTIEXPR_SUBLINK':
      return scalar(scope, query, location)
    case 'ARRAY_SUBLINK':
      return array(scope, query, location)
    default:
      return compared(scope, link, query, location)
  }
}

function subselectOf(link: SubLink): SelectStmt {
  return must(nodeAs(link.subselect, 'SelectStmt'), 'a subquery is a SELECT')
}

interface Parts {
  readonly test: SubqueryExpr['test']
  readonly query: Query
  readonly type: number
  readonly typmod?: number
  readonly collation?: number
  readonly left?: readonly Expr[]
  readonly compare?: Expr
  readonly outputs?: RelationId
  readonly location: number
}

function subqueryExpr({
  test,
  query,
  type,
  typmod = -1,
  collation = 0,
  left = [],
  compare,
  outputs,
  location,
}: Parts): Expr {
  return { kind: 'subquery', test, query, left, compare, outputs, type, typmod, collation, location }
}

function onlyColumn(scope: Scope, query: Query, location: number): Expr {
  const visible = query.targets.filter((target) => !target.junk)
  const [only] = visible
  if (visible.length === 1 && only !== undefined) return only.expr
  throw scope.analysis.error('42601', 'subquery must return only one column', location)
}

function scalar(scope: Scope, query: Query, location: number): Expr {
  const { type, typmod, collation } = onlyColumn(scope, query, location)
  return subqueryExpr({ test: 'scalar', query, type, typmod, collation, location })
}

function array(scope: Scope, query: Query, location: number): Expr {
  const column = onlyColumn(scope, query, location)
  const { arrayOid, kind } = scope.analysis.type(column.type)
  const type = arrayOid === 0 && kind === 'array' ? column.type : arrayOid
  if (type === 0) {
    const name = formatType(scope.analysis.context, column.type)
    throw scope.analysis.error('42704', `could not find array type for data type ${name}`, location)
  }
  return subqueryExpr({
    test: 'array',
    query,
    type,
    typmod: column.typmod,
    collation: column.collation,
    location,
  })
}

const EQUALS: OperatorName = { schema: undefined, name: '=' }

/** left op ANY (query) and its kin: the comparison names the subquery's columns through an entry of its own. */
function compared(scope: Scope, link: SubLink, query: Query, location: number): Expr {
  const { analysis } = scope
  const operand = analyseExpr(scope, must(link.testexpr))
  const left = operand.kind === 'row' ? operand.elements : [operand]
  // Deeper than this level: it is nobody's column here.
  const outputs = analysis.newRelation(scope.depth + 1)
  const right = query.targets
    .filter((target) => !target.junk)
    .map(({ expr, name }, index): Expr => {
      const { type, typmod, collation } = expr
      return { kind: 'column', relation: outputs, column: index, name, type, typmod, collation, location: -1 }
    })
  if (left.length < right.length) throw analysis.error('42601', 'subquery has too many columns', location)
  if (left.length > right.length) throw analysis.error('42601', 'subquery has too few columns', location)
  const names = stringsOf(link.operName)
  const name = names.length === 0 ? EQUALS : operatorName(names)
  const compare = compareRows(scope, name, { left, right }, location)
  const test =
    link.subLinkType === 'ALL_SUBLINK' ? 'all' : link.subLinkType === 'ROWCOMPARE_SUBLINK' ? 'row' : 'any'
  return subqueryExpr({ test, query, type: BOOL_OID, left, compare, outputs, location })
}
