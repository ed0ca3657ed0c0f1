// From the FROM and WHERE of a SELECT to a Group, through the rules that change its shape:
//
//   PullUpSubquery       FROM (SELECT a, b FROM t WHERE c) s ──▶ FROM t, with c among the conditions and s.a = t.a
//   ReduceOuterJoin      a LEFT JOIN b ... WHERE b.x > 0 ──▶ inner join: rows without a partner would be refused anyway
//   ExistsToSemiJoin     WHERE EXISTS (SELECT ... FROM u WHERE u.a = t.a) ──▶ semi join; NOT EXISTS ──▶ anti join
//   InToSemiJoin         WHERE x IN (SELECT y FROM u) ──▶ semi join. NOT IN stays: a NULL among the y makes it never true,
//                        which no anti join does

import { must } from '../../storage/base/assert.ts'
import { mapQuery } from '../exec/expression/map-query.ts'
import {
  conjunctsOf,
  freeRelations,
  freeRelationsOfQuery,
  replace,
  someExpr,
} from '../exec/expression/walk.ts'
import type { Expr, RelationId, SubqueryExpr } from '../tree/expr.ts'
import type { From, JoinFrom, SelectQuery, SubqueryFrom } from '../tree/query.ts'
import { isPlainBlock, isVolatile, rejectsNulls } from './expr-facts.ts'
import type { Group, SemiJoin } from './join-group.ts'
import { groupRelations } from './join-group.ts'
import type { Planner } from './planner.ts'
import { foldConstants } from './fold.ts'

export interface BuiltGroup {
  /** The query with pulled-up columns substituted; its FROM and WHERE are now in the group. */
  readonly query: SelectQuery
  readonly group: Group
}

export function buildGroup(planner: Planner, original: SelectQuery): BuiltGroup {
  const query = pullUp(planner, foldQuery(planner, original))
  const where = conjunctsOf(query.where)
  const group: Group = { items: [], conditions: [], semis: [] }
  const from = query.from.map((item) => reduceOuterJoins(planner, item, where))
  for (const item of from) addFrom(planner, item, group)
  for (const condition of where) {
    // Rows that are locked may have to be tested again: their conditions stay what they were.
    if (query.locking.length > 0) group.conditions.push(condition)
    else addCondition(planner, condition, group)
  }
  return { query, group }
}

function foldQuery(planner: Planner, query: SelectQuery): SelectQuery {
  if (query.where === undefined) return query
  return { ...query, where: foldConstants(planner, query.where) }
}

// ---------------------------------------------------------------------------------------------- pull-up

/** Replaces simple subqueries in FROM by what they select from. */
function pullUp(planner: Planner, query: SelectQuery): SelectQuery {
  let current = query
  for (;;) {
    const found = current.from.flatMap((item) => findSimple(item, false)).at(0)
    if (found === undefined) return current
    planner.fired.push('PullUpSubquery')
    current = pullUpOne(current, found)
  }
}

/** Subqueries that are nothing but FROM, WHERE and targets; under the nullable side of a join only with column targets. */
function findSimple(from: From, isNullable: boolean): SubqueryFrom[] {
  if (from.kind === 'join') {
    const nullLeft = isNullable || from.join === 'right' || from.join === 'full'
    const nullRight = isNullable || from.join === 'left' || from.join === 'full'
    return [...findSimple(from.left, nullLeft), ...findSimple(from.right, nullRight)]
  }
  if (from.kind !== 'subquery' || from.lateral) return []
  return isSimple(from.query, isNullable) ? [from] : []
}

function isSimple(query: SubqueryFrom['query'], isNullable: boolean): query is SelectQuery {
  if (query.kind !== 'select') return false
  const {
    ctes,
    from,
    groupBy,
    groupingSets,
    having,
    hasAggregates,
    windows,
    distinct,
    limit,
    offset,
    locking,
  } = query
  if (
    ctes.length > 0 ||
    from.length === 0 ||
    groupBy.length > 0 ||
    groupingSets.length > 0 ||
    having !== undefined
  )
    return false
  if (
    hasAggregates ||
    windows.length > 0 ||
    distinct !== undefined ||
    limit !== undefined ||
    offset !== undefined
  )
    return false
  if (locking.length > 0 || query.orderBy.length > 0) return false
  // Several FROM items would have to become one join under an outer join: only single ones there.
  if (isNullable && (from.length !== 1 || query.where !== undefined || from[0]?.kind === 'join')) return false
  return query.targets.every(({ expr }) => {
    if (isVolatile(expr) || someExpr(expr, (one) => one.kind === 'set-call' || one.kind === 'subquery'))
      return false
    return !isNullable || expr.kind === 'column'
  })
}

function pullUpOne(query: SelectQuery, subquery: SubqueryFrom): SelectQuery {
  const inner = subquery.query as SelectQuery
  const visible = inner.targets.filter((target) => !target.junk)
  const substitute = (expr: Expr): Expr | undefined => {
    if (expr.kind === 'column' && expr.relation === subquery.id) return must(visible[expr.column]).expr
    if (expr.kind === 'whole-row' && expr.relation === subquery.id) {
      const { type, typmod, collation, location } = expr
      const names = subquery.columns.map((column) => column.name)
      return {
        kind: 'row',
        names,
        elements: visible.map((target) => target.expr),
        explicit: false,
        type,
        typmod,
        collation,
        location,
      }
    }
    return undefined
  }
  const [first, ...others] = inner.from
  const cross = others.reduce<From>(
    (left, right) => ({ kind: 'join', join: 'inner', left, right, on: undefined }),
    must(first),
  )
  const merged: From =
    inner.where === undefined
      ? cross
      : { kind: 'join', join: 'inner', left: cross, right: NOTHING_MORE, on: inner.where }
  const from = query.from.map((item) => replaceFrom(item, subquery, merged))
  return mapQuery({ ...query, from }, substitute)
}

/** Stands for no relation at all: the right side of a join that only carries a condition. */
const NOTHING_MORE: From = {
  kind: 'values',
  id: -1 as RelationId,
  alias: '',
  columns: [],
  rows: [[]],
  lateral: false,
}

function replaceFrom(from: From, what: SubqueryFrom, by: From): From {
  if (from === what) return by
  if (from.kind !== 'join') return from
  return { ...from, left: replaceFrom(from.left, what, by), right: replaceFrom(from.right, what, by) }
}

// ---------------------------------------------------------------------------------------------- outer joins

/** Turns outer joins into inner (or one-sided) ones where conditions above refuse the rows they would add. */
function reduceOuterJoins(planner: Planner, from: From, conditions: readonly Expr[]): From {
  if (from.kind !== 'join') return from
  const join = reducedKind(planner, from, conditions)
  const on = conjunctsOf(from.on)
  // Conditions reach a side unless that side's rows may come out without having met them.
  const below = join === 'inner' ? [...conditions, ...on] : undefined
  const leftConditions = below ?? (join === 'left' ? conditions : join === 'right' ? on : [])
  const rightConditions = below ?? (join === 'right' ? conditions : join === 'left' ? on : [])
  return {
    ...from,
    join,
    left: reduceOuterJoins(planner, from.left, leftConditions),
    right: reduceOuterJoins(planner, from.right, rightConditions),
  }
}

function reducedKind(planner: Planner, from: JoinFrom, conditions: readonly Expr[]): JoinFrom['join'] {
  if (from.join === 'inner') return 'inner'
  const refuses = (side: From): boolean => {
    const relations = fromRelations(side)
    return conditions.some((one) => rejectsNulls(one, (column) => relations.has(column.relation)))
  }
  const keepsLeft = from.join === 'left' || from.join === 'full'
  const keepsRight = from.join === 'right' || from.join === 'full'
  const needsLeft = keepsLeft && !refuses(from.right)
  const needsRight = keepsRight && !refuses(from.left)
  const join = needsLeft && needsRight ? 'full' : needsLeft ? 'left' : needsRight ? 'right' : 'inner'
  if (join !== from.join) planner.fired.push('ReduceOuterJoin')
  return join
}

export function fromRelations(from: From): Set<RelationId> {
  if (from.kind === 'join') return new Set([...fromRelations(from.left), ...fromRelations(from.right)])
  return new Set([from.id])
}

// ---------------------------------------------------------------------------------------------- groups

function addFrom(planner: Planner, from: From, group: Group): void {
  if (from === NOTHING_MORE) return
  if (from.kind !== 'join') {
    group.items.push({ kind: 'leaf', from, relations: new Set([from.id]), needs: needsOf(from) })
    return
  }
  if (from.join === 'inner') {
    addFrom(planner, from.left, group)
    addFrom(planner, from.right, group)
    for (const condition of conjunctsOf(from.on))
      addCondition(planner, foldConstants(planner, condition), group)
    return
  }
  const [kept, other] = from.join === 'right' ? [from.right, from.left] : [from.left, from.right]
  const left = sideGroup(planner, kept)
  const right = sideGroup(planner, other)
  const relations = new Set([...groupRelations(left), ...groupRelations(right)])
  // What the right side needs of the left one is the join's own affair; the rest decides the join's place.
  const needs = [...left.items, ...right.items]
    .flatMap((item) => [...item.needs])
    .filter((one) => !relations.has(one))
  group.items.push({
    kind: 'outer',
    join: from.join === 'full' ? 'full' : 'left',
    left,
    right,
    on: conjunctsOf(from.on).map((one) => foldConstants(planner, one)),
    relations,
    needs: new Set(needs),
  })
}

function sideGroup(planner: Planner, from: From): Group {
  const group: Group = { items: [], conditions: [], semis: [] }
  addFrom(planner, from, group)
  return group
}

/** Relations whose rows a FROM entry takes values from: LATERAL. */
function needsOf(from: Exclude<From, JoinFrom>): Set<RelationId> {
  switch (from.kind) {
    case 'subquery':
      return from.lateral ? freeRelationsOfQuery(from.query) : new Set()
    case 'function':
      return new Set(from.calls.flatMap(({ call }) => [...freeRelations(call)]))
    case 'values':
      return new Set(from.rows.flatMap((row) => row.flatMap((expr) => [...freeRelations(expr)])))
    default:
      return new Set()
  }
}

// ---------------------------------------------------------------------------------------------- EXISTS and IN

function addCondition(planner: Planner, condition: Expr, group: Group): void {
  const semi = asSemiJoin(planner, condition, group)
  if (semi === undefined) group.conditions.push(condition)
  else group.semis.push(semi)
}

function asSemiJoin(planner: Planner, condition: Expr, group: Group): SemiJoin | undefined {
  if (group.items.length === 0) return undefined
  if (condition.kind === 'not' && condition.arg.kind === 'subquery' && condition.arg.test === 'exists') {
    const semi = existsJoin(planner, condition.arg, 'anti', group)
    if (semi !== undefined) planner.fired.push('NotExistsToAntiJoin')
    return semi
  }
  if (condition.kind !== 'subquery') return undefined
  if (condition.test === 'exists') {
    const semi = existsJoin(planner, condition, 'semi', group)
    if (semi !== undefined) planner.fired.push('ExistsToSemiJoin')
    return semi
  }
  if (condition.test !== 'any') return undefined
  const semi = inJoin(planner, condition, group)
  if (semi !== undefined) planner.fired.push('InToSemiJoin')
  return semi
}

function existsJoin(
  planner: Planner,
  expr: SubqueryExpr,
  kind: 'semi' | 'anti',
  group: Group,
): SemiJoin | undefined {
  if (!isPlainBlock(expr.query) || expr.query.from.length === 0) return undefined
  return splitBlock(planner, expr.query, kind, group, [])
}

function inJoin(planner: Planner, expr: SubqueryExpr, group: Group): SemiJoin | undefined {
  const { query, compare, outputs } = expr
  if (compare === undefined || outputs === undefined || !isPlainBlock(query)) return undefined
  if (query.from.length === 0 || query.distinct !== undefined) return undefined
  const targets = query.targets.filter((target) => !target.junk)
  if (targets.some((target) => isVolatile(target.expr)) || expr.left.some(isVolatile)) return undefined
  const on = replace(compare, (one) =>
    one.kind === 'column' && one.relation === outputs ? must(targets[one.column]).expr : undefined,
  )
  if (![...freeRelations(on)].some((one) => groupRelations(group).has(one))) return undefined
  return splitBlock(planner, query, 'semi', group, conjunctsOf(on))
}

/** The block's own conditions stay inside; those that name the outer query become join conditions. */
function splitBlock(
  planner: Planner,
  query: SelectQuery,
  kind: 'semi' | 'anti',
  group: Group,
  extra: readonly Expr[],
): SemiJoin | undefined {
  const simplified = pullUp(planner, query)
  const right: Group = { items: [], conditions: [], semis: [] }
  const where = conjunctsOf(simplified.where)
  for (const item of simplified.from) addFrom(planner, reduceOuterJoins(planner, item, where), right)
  const outside = groupRelations(group)
  const isOutside = (expr: Expr): boolean => [...freeRelations(expr)].some((one) => outside.has(one))
  // An entry that itself needs outer values (LATERAL, a subquery's own FROM) stays a subquery.
  const dependent = right.items.some((item) => [...item.needs].some((one) => !groupRelations(right).has(one)))
  const nested = right.items.some(
    (item) =>
      item.kind === 'leaf' &&
      item.from.kind === 'subquery' &&
      [...freeRelationsOfQuery(item.from.query)].length > 0,
  )
  if (dependent || nested || outerJoinsNameOutside(right, outside)) return undefined
  const on = [...extra]
  for (const condition of where) {
    if (isOutside(condition)) on.push(condition)
    else addCondition(planner, condition, right)
  }
  // Conditions that look outside must be plain: a subquery in them would have to see both sides.
  if (on.some((one) => someExpr(one, (inner) => inner.kind === 'subquery'))) return undefined
  if (right.conditions.some(isOutside) || right.semis.some((semi) => semi.on.some(isOutside)))
    return undefined
  return { kind, right, on }
}

function outerJoinsNameOutside(group: Group, outside: ReadonlySet<RelationId>): boolean {
  const names = (expr: Expr): boolean => [...freeRelations(expr)].some((one) => outside.has(one))
  return group.items.some(
    (item) =>
      item.kind === 'outer' &&
      (item.on.some(names) ||
        [item.left, item.right].some(
          (side) => side.conditions.some(names) || outerJoinsNameOutside(side, outside),
        )),
  )
}
