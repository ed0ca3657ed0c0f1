// How EXPLAIN names nodes and writes conditions and sort keys, the same for every node that has some.

import type { ExplainNode, ExplainTarget } from '../exec/execution.ts'
import { quoteIdentifier } from '../functions/quote.ts'
import type { FunctionFrom, SortKey, TableFrom } from '../tree/query.ts'
import type { Planner } from './planner.ts'

export function tableTarget(from: TableFrom, index?: string): ExplainTarget {
  return { kind: 'relation', name: from.table.name, alias: from.alias, index }
}

/** Of ROWS FROM the first function names the entry, as in PostgreSQL's text form. */
export function functionTarget(from: FunctionFrom): ExplainTarget {
  const call = from.calls[0]?.call
  const name = call?.kind === 'call' || call?.kind === 'set-call' ? call.function.name : from.alias
  return { kind: 'function', name, alias: from.alias }
}

/** A node's first words in the text form: `Index Scan using t_pkey on t x`. */
export function nodeTitle({ label, target }: Pick<ExplainNode, 'label' | 'target'>): string {
  if (target === undefined) return label
  const using = target.index === undefined ? '' : ` using ${quoteIdentifier(target.index)}`
  const alias = target.alias === target.name ? '' : ` ${quoteIdentifier(target.alias)}`
  return `${label}${using} on ${quoteIdentifier(target.name)}${alias}`
}

export function joinConditions(texts: readonly string[]): string {
  const [first] = texts
  if (texts.length <= 1) return first === undefined ? '' : first.startsWith('(') ? first : `(${first})`
  return `(${texts.map((text) => (text.startsWith('(') ? text : `(${text})`)).join(' AND ')})`
}

export function sortProperties(planner: Planner, keys: readonly SortKey[]): [string, readonly string[]][] {
  const texts = keys.flatMap((key) => {
    // What is more than a column comes in parentheses, as in PostgreSQL.
    const text = planner.deparse(key.expr)
    return text === undefined
      ? []
      : [
          `${planner.original(key.expr).kind === 'column' ? text : `(${text})`}${key.descending ? ' DESC' : ''}${key.nullsFirst === key.descending ? '' : key.nullsFirst ? ' NULLS FIRST' : ' NULLS LAST'}`,
        ]
  })
  return texts.length === 0 ? [] : [['Sort Key', texts]]
}
