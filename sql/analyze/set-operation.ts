// UNION, INTERSECT and EXCEPT (documentation, sections 7.4 and 10.5).
//
//   a UNION b UNION ALL c      set(all)            Both sides of each node are converted to its column types: in their
//                             /       \            own target lists if that changes nothing else, else through a query
//                          set         c           around them.
//                         /   \
//                        a     b

import { must } from '../../storage/base/assert.ts'
import type { Node, SelectStmt } from '../parse/ast.ts'
import { nodeAs } from '../parse/ast.ts'
import type { Expr } from '../tree/expr.ts'
import { locationOf } from '../tree/location.ts'
import type { Query, RelationColumn, SelectQuery, SetQuery, SortKey, Target } from '../tree/query.ts'
import { TEXT_OID, UNKNOWN_OID } from '../types/oids.ts'
import { analyseLimit, resolveClauseItem, uniqueKeys } from './clauses.ts'
import { coerceToCommon, commonType, commonTypmod } from './common-type.ts'
import { columnsOfQuery, itemOf, selectFrom, subqueryItem } from './from-item.ts'
import { lockingName } from './locking.ts'
import { requireEquality, resultCollation } from './operator.ts'
import { analyseSelect } from './query.ts'
import { columnExpr, type CteBinding, Scope } from './scope.ts'
import { sortKey } from './sort-key.ts'
import type { MutableTarget } from './targets.ts'
import { analyseWith, finishCtes } from './with.ts'

const OPERATIONS: Readonly<Record<string, SetQuery['operation']>> = {
  SETOP_UNION: 'union',
  SETOP_INTERSECT: 'intersect',
  SETOP_EXCEPT: 'except',
}

export function analyseSetOperation(scope: Scope, select: SelectStmt): SetQuery {
  const { analysis } = scope
  const locking = nodeAs(select.lockingClause?.[0], 'LockingClause')
  if (locking !== undefined) {
    throw analysis.error('0A000', `${lockingName(locking)} is not allowed with UNION/INTERSECT/EXCEPT`)
  }
  analyseWith(scope, select.withClause)
  const body = analyseNode(scope, select)
  const orderBy = analyseOrder(scope, select.sortClause, body)
  const offset = analyseLimit(scope, select.limitOffset, 'offset', select)
  const limit = analyseLimit(scope, select.limitCount, 'limit', select)
  const withTies = select.limitOption === 'LIMIT_OPTION_WITH_TIES'
  return { ...body, ctes: finishCtes(scope), orderBy, limit, offset, withTies }
}

/** A member: a query of its own, or a set operation without clauses of its own. */
function analyseMember(scope: Scope, select: SelectStmt): Query {
  const isLeaf =
    select.op === undefined ||
    select.op === 'SETOP_NONE' ||
    select.sortClause !== undefined ||
    select.limitOffset !== undefined ||
    select.limitCount !== undefined ||
    select.lockingClause !== undefined ||
    select.withClause !== undefined
  if (isLeaf) return analyseSelect(scope, select, { resolveUnknowns: false })
  const recursive = scope.recursive
  const inner = new Scope(scope.analysis, scope)
  inner.recursive = recursive
  return analyseNode(inner, select)
}

function analyseNode(scope: Scope, select: SelectStmt): SetQuery {
  const { analysis } = scope
  const operation = must(OPERATIONS[select.op ?? ''])
  const construct = operation.toUpperCase()
  const { recursive } = scope
  scope.recursive = undefined
  const left = analyseMember(scope, must(select.larg))
  if (recursive !== undefined) describeRecursion(recursive, left)
  const right = analyseMember(scope, must(select.rarg))
  const leftExprs = visibleExprs(left)
  const rightExprs = visibleExprs(right)
  if (leftExprs.length !== rightExprs.length) {
    const location = rightExprs.map(locationOf).find((candidate) => candidate >= 0)
    throw analysis.error('42601', `each ${construct} query must have the same number of columns`, location)
  }
  const outputs = analysis.newRelation(scope.depth)
  const targets: Target[] = leftExprs.map((leftExpr, i) => {
    const pair = [leftExpr, must(rightExprs[i])]
    const type = commonType(analysis, pair, construct)
    const converted = pair.map((expr) => coerceToCommon(analysis, expr, type, construct))
    if (select.all !== true) requireEquality(analysis, type, locationOf(leftExpr))
    const name = must(visibleTargets(left)[i]).name
    const expr: Expr = {
      kind: 'column',
      relation: outputs,
      column: i,
      name,
      type,
      typmod: commonTypmod(pair, type),
      collation: resultCollation(analysis, type, converted),
      location: locationOf(leftExpr),
    }
    return { expr, name, junk: false, tableOid: 0, columnNumber: 0 }
  })
  const types = targets.map((target) => target.expr.type)
  return {
    kind: 'set',
    ctes: [],
    operation,
    all: select.all === true,
    left: convertMember(scope, left, types, construct),
    right: convertMember(scope, right, types, construct),
    targets,
    outputs,
    orderBy: [],
    limit: undefined,
    offset: undefined,
    withTies: false,
  }
}

const visibleTargets = (query: Query): readonly Target[] => query.targets.filter((target) => !target.junk)
const visibleExprs = (query: Query): readonly Expr[] => visibleTargets(query).map((target) => target.expr)

/** What the recursive term sees of the query it is part of: the columns of the term before it. */
function describeRecursion(binding: CteBinding, left: Query): void {
  const columns = columnsOfQuery(left).map((column, i): RelationColumn => {
    const name = binding.aliases[i] ?? column.name
    return column.type === UNKNOWN_OID
      ? { ...column, name, type: TEXT_OID, collation: 100 }
      : { ...column, name }
  })
  binding.self = { id: binding.id, name: binding.name, columns }
}

function convertMember(scope: Scope, query: Query, types: readonly number[], construct: string): Query {
  const { analysis } = scope
  if (visibleExprs(query).every((expr, i) => expr.type === types[i])) return query
  const convert = (expr: Expr, i: number): Expr => coerceToCommon(analysis, expr, must(types[i]), construct)
  if (query.kind === 'select' && query.distinct === undefined) {
    return {
      ...query,
      targets: query.targets.map((target, i) => ({ ...target, expr: convert(target.expr, i) })),
    }
  }
  if (query.kind === 'values' && query.orderBy.length === 0) {
    const rows = query.rows.map((row) => row.map(convert))
    const targets = query.targets.map((target, i) => {
      const type = must(types[i])
      return { ...target, expr: { ...target.expr, type, collation: analysis.collationOf(type) } }
    })
    return { ...query, rows, targets }
  }
  return wrap(scope, query, convert)
}

/** SELECT converted columns FROM (query). */
function wrap(scope: Scope, query: Query, convert: (expr: Expr, i: number) => Expr): SelectQuery {
  const item = subqueryItem(scope, query, { name: '', aliases: [], lateral: false })
  const targets = item.columns.map((column, i) => ({
    expr: convert(columnExpr(column, -1), i),
    name: column.name,
    junk: false,
    tableOid: 0,
    columnNumber: 0,
  }))
  return selectFrom(item, targets)
}

/** ORDER BY of the whole: output names and positions only. */
function analyseOrder(scope: Scope, nodes: readonly Node[] | undefined, body: SetQuery): SortKey[] {
  if (nodes === undefined) return []
  const targets: MutableTarget[] = body.targets.map(({ expr, name }) => ({ expr, name }))
  const columns = columnsOfQuery(body)
  const item = itemOf({ kind: 'values', id: body.outputs, alias: '', columns, rows: [], lateral: false })
  item.isTableVisible = false
  const before = scope.items
  scope.items = [item]
  const keys = nodes.map((node) => {
    const sort = must(nodeAs(node, 'SortBy'))
    const expr = resolveClauseItem(scope, must(sort.node), targets, 'order-by')
    if (expr.kind !== 'column' || expr.relation !== body.outputs) {
      throw scope.analysis.error(
        '0A000',
        'invalid UNION/INTERSECT/EXCEPT ORDER BY clause',
        locationOf(expr),
        {
          detail: 'Only result column names can be used, not expressions or functions.',
          hint: 'Add the expression/function to every SELECT, or move the UNION into a FROM clause.',
        },
      )
    }
    return sortKey(scope, sort, expr)
  })
  scope.items = before
  return uniqueKeys(keys)
}
