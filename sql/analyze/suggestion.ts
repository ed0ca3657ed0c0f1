// "Perhaps you meant ...": the nearest column names by edit distance, under PostgreSQL's rules for when a guess is worth
// offering. Distances above three are never offered, nor those that change more than half of the name.

import type { Scope, ScopeColumn, ScopeItem } from './scope.ts'

const DISTANCE_MAX = 3

/** Levenshtein distance in characters; anything above `limit` comes back as limit + 1. */
export function editDistance(a: string, b: string, limit: number): number {
  const from = Array.from(a)
  const to = Array.from(b)
  if (Math.abs(from.length - to.length) > limit) return limit + 1
  let previous = Array.from({ length: to.length + 1 }, (_, i) => i)
  for (let i = 1; i <= from.length; i++) {
    const current = [i]
    for (let j = 1; j <= to.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1)
      current[j] = Math.min((previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1, substitution)
    }
    previous = current
  }
  return Math.min(previous[to.length] ?? 0, limit + 1)
}

interface Match {
  readonly item: ScopeItem
  readonly column: ScopeColumn
}

/** What was found for a column name that does not resolve. */
export interface Suggestion {
  /** The name exists in an entry that cannot be referenced from here. */
  readonly exact: ScopeItem | undefined
  readonly first: Match | undefined
  readonly second: Match | undefined
}

/** Searches every entry of the scopes outwards. `alias`: the qualification that was written. */
export function suggestColumn(scope: Scope, alias: string | undefined, name: string): Suggestion {
  let distance = DISTANCE_MAX + 1
  let first: Match | undefined
  let second: Match | undefined
  for (let level: Scope | undefined = scope; level !== undefined; level = level.outer) {
    for (const item of level.everything) {
      const penalty = alias === undefined ? 0 : editDistance(alias, item.alias ?? '', DISTANCE_MAX + 1)
      for (const column of item.columns) {
        if (column.name === name && penalty === 0) return { exact: item, first: undefined, second: undefined }
        if (penalty > distance) continue
        const own = editDistance(column.name, name, distance - penalty)
        if (own > Math.floor(Buffer.byteLength(name) / 2)) continue
        const total = own + penalty
        if (total < distance) {
          distance = total
          first = { item, column }
          second = undefined
        } else if (total === distance && second !== undefined) {
          // Too many of them: only something nearer will do.
          first = undefined
          second = undefined
          distance = total - 1
        } else if (total === distance && first !== undefined) {
          second = { item, column }
        } else if (total === distance && distance <= DISTANCE_MAX) {
          first = { item, column }
        }
      }
    }
  }
  return { exact: undefined, first, second }
}
