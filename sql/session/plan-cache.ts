// Statements planned once: text (literals lifted) -> parse tree and plan, shared by all sessions of all databases with the
// same catalog contents: a branch uses its parent's plans until one of the two changes its catalog.
//
// An entry is valid for one catalog version; search path, and the parameter types a client declared, choose the map or
// are part of the key. A stale entry is planned again by whoever meets it and replaces the old one.

import type { Contents } from '../catalog/contents.ts'
import type { PreparedPlan } from '../exec/execution.ts'
import type { ParsedStatement } from '../parse/parse.ts'
import type { PlanAge } from './plan-age.ts'

/** Statements kept for one search path; beyond it the oldest tenth goes. */
const ENTRY_COUNT_MAX = 2000

/** Texts longer than this are not worth keeping: bulk inserts, dumps. */
export const CACHED_TEXT_LENGTH_MAX = 8192

export interface CachedStatement {
  readonly parsed: ParsedStatement
  /** undefined for utility statements, which are not planned. */
  readonly plan: PreparedPlan | undefined
  readonly catalogVersion: string
  /** The settings that its literals were converted under (time zone, date style); undefined: it depends on none. */
  readonly settingsKey: string | undefined
  /** undefined for statements without a plan. */
  readonly age?: PlanAge | undefined
}

export class PlanMap {
  readonly #entries = new Map<string, CachedStatement>()

  get(key: string): CachedStatement | undefined {
    return this.#entries.get(key)
  }

  set(key: string, entry: CachedStatement): void {
    if (key.length > CACHED_TEXT_LENGTH_MAX) return
    if (this.#entries.size >= ENTRY_COUNT_MAX) this.#evict()
    this.#entries.delete(key)
    this.#entries.set(key, entry)
  }

  get size(): number {
    return this.#entries.size
  }

  /** Map order is insertion order: the first keys are the oldest plans. */
  #evict(): void {
    let count = ENTRY_COUNT_MAX / 10
    for (const key of this.#entries.keys()) {
      if (count-- <= 0) return
      this.#entries.delete(key)
    }
  }
}

/** The plan maps of one catalog, by search path. */
export class PlanCache {
  readonly #maps = new Map<string, PlanMap>()

  forSearchPath(key: string): PlanMap {
    let map = this.#maps.get(key)
    if (map === undefined) {
      if (this.#maps.size >= 100) this.#maps.clear()
      map = new PlanMap()
      this.#maps.set(key, map)
    }
    return map
  }
}

const caches = new WeakMap<Contents, PlanCache>()

/** The plans made for a catalog: they go with it. */
export function plansFor(contents: Contents): PlanCache {
  let cache = caches.get(contents)
  if (cache === undefined) {
    cache = new PlanCache()
    caches.set(contents, cache)
  }
  return cache
}
