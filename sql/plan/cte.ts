// WITH queries: where they are planned and how references find them.
//
//   referenced once, no side effects ──▶ inlined as a subquery
//   otherwise                        ──▶ planned once; a CteStore per run keeps its rows, every reference reads them
//   recursive                        ──▶ a recursive union feeds the store

import { must } from '../../storage/base/assert.ts'
import { visitQuery } from '../exec/expression/walk.ts'
import { CteStore } from '../exec/operator/cte-store.ts'
import { openNode, type PlanNode } from '../exec/operator.ts'
import type { Runtime } from '../exec/runtime.ts'
import type { Cte, CteId, Query } from '../tree/query.ts'
import { isVolatile } from './expr-facts.ts'
import type { OuterScope } from './layout.ts'
import type { Planner } from './planner.ts'

export interface PlannedCte {
  readonly cte: Cte
  /** The query to use in place of a reference; undefined: read the store. */
  readonly inline: Query | undefined
  readonly state: number
  /** The working table of a recursive one, while its right side is planned. */
  readonly workingState: number
  node: PlanNode | undefined
  rows: number
}

export class CteRegistry {
  readonly #planner: Planner
  readonly #ctes = new Map<CteId, PlannedCte>()
  /** Plans that must run even if nobody reads them: data-modifying ones. */
  readonly modifying: PlannedCte[] = []
  planModify: ((cte: Cte, outer: OuterScope | undefined) => PlanNode) | undefined
  planRecursive: ((planned: PlannedCte, outer: OuterScope | undefined) => PlanNode) | undefined

  constructor(planner: Planner) {
    this.#planner = planner
  }

  /** Makes the WITH list of a query known, before the query itself is planned. */
  define(ctes: readonly Cte[], outer: OuterScope | undefined): void {
    for (const cte of ctes) this.#define(cte, outer)
  }

  /** Those that have a plan of their own, for EXPLAIN. */
  get kept(): readonly { readonly name: string; readonly node: PlanNode }[] {
    return [...this.#ctes.values()].flatMap(({ node, cte }) =>
      node === undefined ? [] : [{ node, name: cte.name }],
    )
  }

  get(id: CteId): PlannedCte {
    return must(this.#ctes.get(id), 'a WITH query is planned before it is read')
  }

  /** Those that keep their rows in a store of the run. */
  storedOf(ctes: readonly Cte[]): readonly PlannedCte[] {
    return ctes.map((cte) => this.get(cte.id)).filter((planned) => planned.inline === undefined)
  }

  #define(cte: Cte, outer: OuterScope | undefined): void {
    const planner = this.#planner
    const { query } = cte
    const isQuery = query.kind === 'select' || query.kind === 'set' || query.kind === 'values'
    const isInlined =
      isQuery &&
      !cte.recursive &&
      cte.materialized !== 'always' &&
      (cte.materialized === 'never' ? cte.referenceCount === 1 : cte.referenceCount === 1) &&
      !hasEffects(query)
    const planned: PlannedCte = {
      cte,
      inline: isInlined ? query : undefined,
      state: planner.newState(),
      workingState: planner.newState(),
      node: undefined,
      rows: 100,
    }
    this.#ctes.set(cte.id, planned)
    if (isInlined) return
    if (!isQuery) {
      planned.node = must(this.planModify)(cte, outer)
      this.modifying.push(planned)
    } else if (cte.recursive) {
      planned.node = must(this.planRecursive)(planned, outer)
    } else {
      planned.node = planner.planQuery(query, outer).node
    }
    planned.rows = planned.node.estimate.rows
  }
}

function hasEffects(query: Query): boolean {
  let found = query.kind === 'select' && query.locking.length > 0
  visitQuery(query, (expr) => {
    found ||= expr.kind !== 'subquery' && isVolatile(expr)
  })
  return found
}

/** Empties the store, if this run has opened it. */
export function resetStore(planned: PlannedCte, rt: Runtime): void {
  const store = rt.states[planned.state] as CteStore | undefined
  store?.reset()
}

/** The store of a WITH query in this run; opened by the first who asks. */
export function cteStore(planned: PlannedCte, rt: Runtime): CteStore {
  let store = rt.states[planned.state] as CteStore | undefined
  if (store === undefined) {
    const operator = openNode(must(planned.node), rt)
    rt.own(operator)
    store = new CteStore(operator)
    rt.states[planned.state] = store
  }
  return store
}
