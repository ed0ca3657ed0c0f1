// GROUP BY with grouping sets, ROLLUP and CUBE (documentation, section 7.2.4).

import type { Node, SelectStmt } from '../parse/ast.ts'
import { nodeAs } from '../parse/ast.ts'
import type { Expr } from '../tree/expr.ts'
import { locationOf } from '../tree/location.ts'
import type { GroupingItem } from '../tree/query.ts'
import { sameExpr } from '../tree/walk.ts'
import { resolveClauseItem } from './clauses.ts'
import { requireEquality } from './operator.ts'
import type { Scope } from './scope.ts'
import type { MutableTarget } from './targets.ts'

export interface Grouping {
  readonly keys: readonly Expr[]
  readonly sets: readonly (readonly number[])[]
  /** As written, if it is more than plain keys. */
  readonly items: readonly GroupingItem[] | undefined
}

const SETS_MAX = 4096
const CUBE_MAX = 12

type Sets = readonly (readonly number[])[]

/** The keys, and for each grouping set the indexes of its keys. */
export function analyseGroupBy(
  scope: Scope,
  select: SelectStmt,
  targets: readonly MutableTarget[],
): Grouping {
  const nodes = select.groupClause
  if (nodes === undefined) return { keys: [], sets: [], items: undefined }
  const keys: Expr[] = []
  const keyOf = (node: Node): number => {
    const expr = resolveClauseItem(scope, node, targets, 'group-by')
    requireEquality(scope.analysis, expr.type, locationOf(expr))
    const known = keys.findIndex((key) => sameExpr(key, expr))
    return known >= 0 ? known : keys.push(expr) - 1
  }
  // The clause is the product of its items' alternatives; a plain item has one.
  let sets: Sets = [[]]
  const items = nodes.map((node) => groupingItem(scope, node, keyOf))
  for (const item of items) {
    sets = product(setsOf(item), sets)
    if (sets.length > SETS_MAX)
      throw scope.analysis.error('54011', `too many grouping sets present (maximum ${SETS_MAX})`)
  }
  const merged = sets.map((set) => [...new Set(set)])
  const distinct = select.groupDistinct === true ? uniqueSets(merged) : merged
  const isPlain = items.every((item) => item.kind === 'keys' && item.keys.length > 0)
  return { keys, sets: distinct, items: isPlain ? undefined : items }
}

function product(alternatives: Sets, sets: Sets): Sets {
  return sets.flatMap((set) => alternatives.map((alternative) => [...set, ...alternative]))
}

function uniqueSets(sets: Sets): Sets {
  const seen = new Set<string>()
  return sets.filter((set) => {
    const key = [...set].sort((a, b) => a - b).join()
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
}

function groupingItem(scope: Scope, node: Node, keyOf: (node: Node) => number): GroupingItem {
  const grouping = nodeAs(node, 'GroupingSet')
  if (grouping === undefined) return { kind: 'keys', keys: rowKeys(node, keyOf) }
  const content = grouping.content ?? []
  if (grouping.kind === 'GROUPING_SET_EMPTY') return { kind: 'keys', keys: [] }
  if (grouping.kind === 'GROUPING_SET_CUBE' && content.length > CUBE_MAX) {
    throw scope.analysis.error('54011', `CUBE is limited to ${CUBE_MAX} elements`, grouping.location)
  }
  const items = content.map((inner) => groupingItem(scope, inner, keyOf))
  if (grouping.kind === 'GROUPING_SET_ROLLUP') return { kind: 'rollup', items }
  return { kind: grouping.kind === 'GROUPING_SET_CUBE' ? 'cube' : 'sets', items }
}

/** (a, b) inside GROUP BY is a list of keys, not a row. */
function rowKeys(node: Node, keyOf: (node: Node) => number): number[] {
  const row = nodeAs(node, 'RowExpr')
  if (row !== undefined && row.row_format !== 'COERCE_EXPLICIT_CALL') {
    return (row.args ?? []).flatMap((arg) => rowKeys(arg, keyOf))
  }
  const list = nodeAs(node, 'List')
  if (list !== undefined) return (list.items ?? []).flatMap((item) => rowKeys(item, keyOf))
  return [keyOf(node)]
}

/** The grouping sets that an item stands for. */
function setsOf(item: GroupingItem): Sets {
  if (item.kind === 'keys') return [item.keys]
  const { items } = item
  if (item.kind === 'sets') return items.flatMap(setsOf)
  const parts = items.map((inner) => setsOf(inner).flat())
  if (item.kind === 'rollup') {
    return Array.from({ length: parts.length + 1 }, (_, i) => parts.slice(0, parts.length - i).flat())
  }
  const masks = Array.from({ length: 2 ** parts.length }, (_, i) => 2 ** parts.length - 1 - i)
  return masks.map((mask) => parts.filter((_, i) => (mask >> (parts.length - 1 - i)) & 1).flat())
}
