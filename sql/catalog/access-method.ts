// What index access methods can do, for pg_index_column_has_property and its kin (documentation, table 9.73 ff.).
// The answers are those of the method the index was asked for with: that is what clients compare with.

import type { Index } from './catalog.ts'

const METHOD_NAMES: ReadonlyMap<number, string> = new Map([
  [403, 'btree'],
  [405, 'hash'],
  [783, 'gist'],
  [2742, 'gin'],
  [4000, 'spgist'],
  [3580, 'brin'],
])

const ORDERED: ReadonlySet<string> = new Set(['btree'])
const MULTICOLUMN: ReadonlySet<string> = new Set(['btree', 'gist', 'gin', 'brin'])
const INCLUDING: ReadonlySet<string> = new Set(['btree', 'gist', 'spgist'])
const EXCLUDING: ReadonlySet<string> = new Set(['btree', 'hash', 'gist', 'spgist'])

export function methodProperty(method: number, property: string): boolean | null {
  const name = METHOD_NAMES.get(method)
  if (name === undefined) return null
  switch (property.toLowerCase()) {
    case 'can_order':
    case 'can_unique':
      return ORDERED.has(name)
    case 'can_multi_col':
      return MULTICOLUMN.has(name)
    case 'can_exclude':
      return EXCLUDING.has(name)
    case 'can_include':
      return INCLUDING.has(name)
    default:
      return null
  }
}

/** `column` 0: of the index as a whole. */
export function indexProperty(index: Index, column: number, property: string): boolean | null {
  const isBtree = index.method === 'btree'
  if (column === 0) {
    switch (property.toLowerCase()) {
      case 'clusterable':
        return isBtree || index.method === 'gist'
      case 'index_scan':
        return index.method !== 'gin' && index.method !== 'brin'
      case 'bitmap_scan':
        return true
      case 'backward_scan':
        return isBtree || index.method === 'hash'
      default:
        return null
    }
  }
  const key = index.columns[column - 1]
  if (key === undefined) return column <= index.columns.length + index.included.length ? false : null
  switch (property.toLowerCase()) {
    case 'asc':
      return isBtree && !key.descending
    case 'desc':
      return isBtree && key.descending
    case 'nulls_first':
      return isBtree && key.nullsFirst
    case 'nulls_last':
      return isBtree && !key.nullsFirst
    case 'orderable':
    case 'search_array':
      return isBtree
    case 'distance_orderable':
      return false
    case 'returnable':
      return isBtree
    case 'search_nulls':
      return isBtree || index.method === 'gist' || index.method === 'spgist' || index.method === 'brin'
    default:
      return null
  }
}
