// GROUP BY with grouping sets, ROLLUP and CUBE (documentation, section 7.2.4).

import { must } from '../../storage/base/assert.ts'
import type { GroupingSet, Node, SelectStmt } from '../parse/ast.ts'
import { nodeAs } from '../parse/ast.ts'
import type { Expr } from '../tree/expr.ts'
import { locationOf } from '../tree/location.ts'
import { sameExpr } from '../tree/walk.ts'
import { resolveClauseItem } from './clauses.ts'
import { requireEquality } from './operator.ts'
import type { Scope } from './scope.ts'
import type { MutableTarget } from './targets.ts'

export interface Grouping {
  readonly keys: readonly Expr[]
  readonly sets: readonly (readonly number[])[]
}

const SETS_MAX = 4096
const CUBE_MAX = 12

type Sets = readonly (readonly number[])[]

/** The keys, and for each grouping set the indexes of its keys. */
export function analyseGroupBy(scope: Scope, select: SelectStmt, targets: readonly MutableTarget[]): Grouping {
  const nodes = select.groupClause
  if (nodes === undefined) return { keys: [], sets: [] }
  const keys: Expr[] = []
  const keyOf = (node: Node): number => {
    const expr = resolveClauseItem(scope, node, targets, 'group-by')
    requireEquality(scope.analysis, expr.type, locationOf(expr))
    const known = keys.findIndex((key) => sameExpr(key, expr))
    return known >= 0 ? known : keys.push(expr) - 1
  }
  // The clause is the product of its items' alternatives; a plain item has one.
  let sets: Sets = [[]]
  for (const node of nodes) {
    sets = product(itemSets(scope, node, keyOf), sets)
    if (sets.length > SETS_MAX) throw scope.analysis.error('54011', `too many grouping sets present (maximum ${SETS_MAX})`)
  }
  const merged = sets.map((set) => [...new Set(set)])
  const distinct = select.groupDistinct === true ? uniqueSets(merged) : merged
  return { keys, sets: distinct }
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

function itemSets(scope: Scope, node: Node, keyOf: (node: Node) => number): Sets {
  const grouping = nodeAs(node, 'GroupingSet')
  if (grouping === undefined) return [rowKeys(node, keyOf)]
  return groupingSets(scope, grouping, keyOf)
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

function groupingSets(scope: Scope, grouping: GroupingSet, keyOf: (node: Node) => number): Sets {
  const content = grouping.content ?? []
  switch (grouping.kind) {
    case 'GROUPING_SET_EMPTY':
      return [[]]
    case 'GROUPING_SET_SETS':
      return content.flatMap((node) => itemSets(scope, node, keyOf))
    case 'GROUPING_SET_ROLLUP': {
      const parts = content.map((node) => rowKeys(node, keyOf))
      return Array.from({ length: parts.length + 1 }, (_, i) => parts.slice(0, parts.length - i).flat())
    }
    case 'GROUPING_SET_CUBE': {
      if (content.length > CUBE_MAX) {
        throw scope.analysis.error('54011', `CUBE is limited to ${CUBE_MAX} elements`, grouping.location)
      }
      const parts = content.map((node) => rowKeys(node, keyOf))
      const masks = Array.from({ length: 2 ** parts.length }, (_, i) => 2 ** parts.length - 1 - i)
      return masks.map((mask) => parts.filter((_, i) => (mask >> (parts.length - 1 - i)) & 1).flat())
    }
    default:
      return [content.map((node) => keyOf(must(node)))]
  }
}
