// How EXPLAIN writes conditions and sort keys, the same for every node that has some.

import type { SortKey } from '../tree/query.ts'
import type { Planner } from './planner.ts'

export function joinConditions(texts: readonly string[]): string {
  const [first] = texts
  if (texts.length <= 1) return first === undefined ? '' : first.startsWith('(') ? first : `(${first})`
  return `(${texts.map((text) => (text.startsWith('(') ? text : `(${text})`)).join(' AND ')})`
}

export function sortProperties(planner: Planner, keys: readonly SortKey[]): [string, readonly string[]][] {
  const texts = keys.flatMap((key) => {
    const text = planner.deparse(key.expr)
    return text === undefined
      ? []
      : [
          `${text}${key.descending ? ' DESC' : ''}${key.nullsFirst === key.descending ? '' : key.nullsFirst ? ' NULLS FIRST' : ' NULLS LAST'}`,
        ]
  })
  return texts.length === 0 ? [] : [['Sort Key', texts]]
}
