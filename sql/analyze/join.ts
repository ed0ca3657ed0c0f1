// Joins in FROM: ON, USING and NATURAL (documentation, section 7.2.1.1).
//
//   a JOIN b USING (x)      names offered:  a.*, b.* (qualified only)    x, rest of a, rest of b (unqualified)

import { must } from '../../storage/base/assert.ts'
import type { JoinExpr } from '../parse/ast.ts'
import { stringsOf } from '../parse/ast.ts'
import type { Expr } from '../tree/expr.ts'
import type { From, JoinFrom } from '../tree/query.ts'
import { coerceToBoolean, coerceToCommon, commonType, commonTypmod } from './common-type.ts'
import { analyseCondition, booleanExpr } from './expr.ts'
import { analyseFromItem, checkNames, type FromResult, setLateral } from './from.ts'
import { makeOperator } from './operator.ts'
import { columnExpr, type Scope, type ScopeColumn, type ScopeItem } from './scope.ts'

const KINDS: Readonly<Record<string, JoinFrom['join']>> = {
  JOIN_INNER: 'inner',
  JOIN_LEFT: 'left',
  JOIN_RIGHT: 'right',
  JOIN_FULL: 'full',
}

/** @throws SqlError 42712, 42703, 42702, 42701, 42804, ... */
export function analyseJoin(scope: Scope, node: JoinExpr): FromResult {
  const { analysis } = scope
  const join = must(KINDS[node.jointype ?? ''])
  const left = analyseFromItem(scope, must(node.larg))
  // The right side may refer to the left by LATERAL, unless the join would make rows of the right side on its own.
  setLateral(left.items, true, join === 'inner' || join === 'left')
  const before = scope.items
  scope.items = [...before, ...left.items]
  const right = analyseFromItem(scope, must(node.rarg))
  scope.items = before
  checkNames(analysis, left.items, right.items)
  const inner = [...left.items, ...right.items]

  const using = node.isNatural === true ? naturalColumns(left.main, right.main) : stringsOf(node.usingClause)
  const isUsing = node.isNatural === true || node.usingClause !== undefined
  const merged = using.map((name, i) =>
    mergeColumn(scope, { name, join, seen: using.slice(0, i) }, left.main, right.main),
  )
  const on = isUsing ? usingCondition(scope, merged) : onCondition(scope, node, inner)
  const columns = [
    ...merged.map((pair) => pair.column),
    ...left.main.columns.filter((column) => !using.includes(column.name)),
    ...right.main.columns.filter((column) => !using.includes(column.name)),
  ]
  const from: JoinFrom = {
    kind: 'join',
    join,
    left: left.from,
    right: right.from,
    on,
    using: isUsing && using.length > 0 ? using : undefined,
    alias: node.alias?.aliasname,
  }
  return withJoinItem(scope, node, { from, inner, columns, mergedCount: merged.length })
}

interface Joined {
  readonly from: From
  readonly inner: readonly ScopeItem[]
  readonly columns: readonly ScopeColumn[]
  readonly mergedCount: number
}

function withJoinItem(
  scope: Scope,
  node: JoinExpr,
  { from, inner, columns, mergedCount }: Joined,
): FromResult {
  const { analysis } = scope
  const aliases = stringsOf(node.alias?.colnames)
  if (aliases.length > columns.length) {
    throw analysis.error('42P10', `column alias list for "${node.alias?.aliasname}" has too many entries`)
  }
  const main: ScopeItem = {
    alias: node.alias?.aliasname,
    columns:
      aliases.length === 0
        ? columns
        : columns.map((column, i) => ({ ...column, name: aliases[i] ?? column.name })),
    from,
    relation: undefined,
    relationOid: 0,
    isAliased: node.alias !== undefined,
    table: undefined,
    rowTypeOid: 0,
    isTableVisible: node.alias !== undefined,
    areColumnsVisible: true,
    isLateralOnly: false,
    isLateralOk: true,
  }
  setLateral(inner, false, true)
  for (const item of inner) item.areColumnsVisible = false
  // An aliased join hides its inputs altogether.
  const items = node.alias === undefined ? [...inner, main] : [main]
  const usingAlias = node.join_using_alias?.aliasname
  if (usingAlias !== undefined) {
    const mergedOnly = { ...main, alias: usingAlias, columns: main.columns.slice(0, mergedCount) }
    const item = { ...mergedOnly, isTableVisible: true, areColumnsVisible: false }
    checkNames(analysis, items, [item])
    items.push(item)
  }
  return { from, items, main }
}

function naturalColumns(left: ScopeItem, right: ScopeItem): string[] {
  const names = new Set(right.columns.map((column) => column.name))
  return left.columns.map((column) => column.name).filter((name) => names.has(name))
}

interface Merged {
  readonly column: ScopeColumn
  readonly left: Expr
  readonly right: Expr
}

function uniqueColumn(scope: Scope, item: ScopeItem, name: string, side: 'left' | 'right'): ScopeColumn {
  const { analysis } = scope
  const matches = item.columns.filter((column) => column.name === name)
  const [only] = matches
  if (only === undefined) {
    throw analysis.error(
      '42703',
      `column "${name}" specified in USING clause does not exist in ${side} table`,
    )
  }
  if (matches.length > 1) {
    throw analysis.error('42702', `common column name "${name}" appears more than once in ${side} table`)
  }
  return only
}

function mergeColumn(
  scope: Scope,
  using: { readonly name: string; readonly join: JoinFrom['join']; readonly seen: readonly string[] },
  leftItem: ScopeItem,
  rightItem: ScopeItem,
): Merged {
  const { analysis } = scope
  const { name, join } = using
  if (using.seen.includes(name)) {
    throw analysis.error('42701', `column name "${name}" appears more than once in USING clause`)
  }
  const leftColumn = uniqueColumn(scope, leftItem, name, 'left')
  const rightColumn = uniqueColumn(scope, rightItem, name, 'right')
  const left = columnExpr(leftColumn, -1)
  const right = columnExpr(rightColumn, -1)
  const type = commonType(analysis, [left, right], 'JOIN/USING')
  const typmod = commonTypmod([left, right], type)
  const l = coerceToCommon(analysis, left, type, 'JOIN/USING')
  const r = coerceToCommon(analysis, right, type, 'JOIN/USING')
  const pick = join === 'right' || (join === 'inner' && l !== left && r === right) ? 'right' : 'left'
  if (join === 'full') {
    const collation = analysis.collationOf(type)
    const expr: Expr = { kind: 'coalesce', args: [l, r], merged: name, type, typmod, collation, location: -1 }
    return { column: { ...leftColumn, name, type, typmod, merged: expr }, left, right }
  }
  const [chosen, plain, column] = pick === 'right' ? [r, right, rightColumn] : [l, left, leftColumn]
  // Where no conversion was needed, the merged column simply is the input's.
  return {
    column: chosen === plain ? { ...column, name } : { ...column, name, type, typmod, merged: chosen },
    left,
    right,
  }
}

function usingCondition(scope: Scope, merged: readonly Merged[]): Expr | undefined {
  const tests = merged.map(({ left, right }) => {
    const test = makeOperator(scope.analysis, { schema: undefined, name: '=' }, [left, right], -1)
    return coerceToBoolean(scope.analysis, test, 'JOIN/USING')
  })
  const [only] = tests
  return tests.length <= 1 ? only : booleanExpr('and', tests, -1)
}

/** ON sees exactly the two sides (and what is outside of the whole FROM). */
function onCondition(scope: Scope, node: JoinExpr, inner: readonly ScopeItem[]): Expr | undefined {
  if (node.quals === undefined) return undefined
  setLateral(inner, false, true)
  const before = scope.items
  scope.items = [...inner]
  const on = analyseCondition(scope, node.quals, 'join-on', 'JOIN/ON')
  scope.items = before
  return on
}
