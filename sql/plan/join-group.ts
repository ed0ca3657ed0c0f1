// Join trees as the planner sees them, and the search for an order.
//
//   Group     items that are joined by inner joins in any order, with the conditions over them, then semi and anti joins
//   Item      a leaf (FROM entry) or an outer join, whose sides are groups of their own
//
// A condition is applied as soon as everything it names is joined: at a leaf it becomes part of the scan. The order is
// found by dynamic programming over left-deep trees for few items, else greedily by the fewest rows next.

import { must } from '../../storage/base/assert.ts'
import { freeRelations } from '../exec/expression/walk.ts'
import type { Expr, RelationId } from '../tree/expr.ts'
import { ctePath, functionPath, type LeafFrom, subqueryPath, valuesPath, virtualPath } from './from-path.ts'
import { JoinPath, type JoinKind, splitEqualities } from './join-path.ts'
import { joinRows } from './join-rows.ts'
import type { OuterScope } from './layout.ts'
import { addFilter, addProjection } from './row-node.ts'
import { columnOutputs, isImmediate, isVolatile } from './expr-facts.ts'
import { isOtherTable, otherTablePath } from './other-table-path.ts'
import type { Output, Path, Planned } from './path.ts'
import type { Planner } from './planner.ts'
import { selectivityOf } from './selectivity.ts'
import { tablePaths } from './table-path.ts'

export interface Leaf {
  readonly kind: 'leaf'
  readonly from: LeafFrom
  readonly relations: ReadonlySet<RelationId>
  /** Relations of the same group whose values it needs (LATERAL). */
  readonly needs: ReadonlySet<RelationId>
}

export interface OuterJoin {
  readonly kind: 'outer'
  readonly join: 'left' | 'full'
  readonly left: Group
  readonly right: Group
  readonly on: readonly Expr[]
  readonly relations: ReadonlySet<RelationId>
  readonly needs: ReadonlySet<RelationId>
}

export type Item = Leaf | OuterJoin

/** EXISTS or IN turned into a join that keeps left rows with (semi) or without (anti) a match. */
export interface SemiJoin {
  readonly kind: 'semi' | 'anti'
  readonly right: Group
  readonly on: readonly Expr[]
}

export interface Group {
  readonly items: Item[]
  readonly conditions: Expr[]
  readonly semis: SemiJoin[]
}

export function groupRelations(group: Group): Set<RelationId> {
  return new Set(group.items.flatMap((item) => [...item.relations]))
}

/** Items up to this many are ordered by dynamic programming. */
const EXHAUSTIVE_ITEMS_MAX = 6

export class GroupPlanner {
  readonly #planner: Planner
  readonly #outer: OuterScope | undefined
  readonly #wantsOrder: boolean

  constructor(planner: Planner, outer: OuterScope | undefined, wantsOrder: boolean) {
    this.#planner = planner
    this.#outer = outer
    this.#wantsOrder = wantsOrder
  }

  /** The cheapest path; `better` may prefer another among a single table's paths (for ORDER BY). */
  plan(group: Group, choose?: (paths: readonly Path[]) => Path): Path {
    const own = groupRelations(group)
    const used = (expr: Expr): Set<RelationId> =>
      new Set([...freeRelations(expr)].filter((one) => own.has(one)))
    const conditions = group.conditions.map((expr) => ({ expr, relations: used(expr) }))
    let path: Path
    const [only] = group.items
    if (only !== undefined && group.items.length === 1) {
      const paths = this.#itemPaths(
        only,
        conditions.map(({ expr }) => expr),
      )
      path = group.semis.length === 0 && choose !== undefined ? choose(paths) : cheapest(paths)
    } else {
      path = this.#search(group.items, conditions)
    }
    for (const semi of group.semis) path = this.#semi(path, semi)
    return path
  }

  /** Paths of an item with the conditions that concern it alone (and outer queries). */
  #itemPaths(item: Item, conditions: readonly Expr[]): Path[] {
    if (item.kind === 'outer') return [this.#outerJoin(item, conditions)]
    return this.#leafPaths(item.from, conditions)
  }

  #leafPaths(from: LeafFrom, conditions: readonly Expr[]): Path[] {
    const planner = this.#planner
    planner.aliases.set(from.id, from.alias)
    switch (from.kind) {
      case 'table':
        if (from.table.virtual !== undefined) return [virtualPath(planner, from, conditions)]
        planner.tables.set(from.id, from)
        return tablePaths(planner, from, conditions, this.#wantsOrder)
      case 'subquery':
        return [subqueryPath(planner, from, conditions, this.#outer)]
      case 'cte':
        return [ctePath(planner, from, conditions, this.#outer)]
      case 'function':
        return [otherTablePath(planner, from, conditions) ?? functionPath(planner, from, conditions)]
      case 'values':
        return [valuesPath(planner, from, conditions)]
    }
  }

  #outerJoin(item: OuterJoin, above: readonly Expr[]): Path {
    const { join, left, right, on } = item
    const leftRelations = groupRelations(left)
    const rightRelations = groupRelations(right)
    const named = (expr: Expr, of: ReadonlySet<RelationId>): boolean =>
      [...freeRelations(expr)].some((one) => of.has(one))
    // Above the join: what only names the left side of a left join can be tested before joining.
    const early =
      join === 'left' ? above.filter((expr) => !named(expr, rightRelations) && !isVolatile(expr)) : []
    const late = above.filter((expr) => !early.includes(expr))
    if (early.length > 0) this.#planner.fired.push('PushFilterBelowLeftJoin')
    // In ON: what only names the right side decides which right rows take part.
    const inner = join === 'left' ? on.filter((expr) => !named(expr, leftRelations)) : []
    const rest = on.filter((expr) => !inner.includes(expr))
    const leftPath = this.plan({ ...left, conditions: [...left.conditions, ...early] })
    const rightGroup = { ...right, conditions: [...right.conditions, ...inner] }
    const needs = new Set(right.items.flatMap((one) => [...one.needs]))
    const path = this.#join(join, leftPath, { group: rightGroup, relations: rightRelations, needs }, rest)
    return late.length === 0 ? path : new FilteredPath(this.#planner, path, late)
  }

  #semi(left: Path, semi: SemiJoin): Path {
    const relations = groupRelations(semi.right)
    const named = (expr: Expr): boolean => [...freeRelations(expr)].some((one) => left.relations.has(one))
    const inner = semi.on.filter((expr) => !named(expr))
    const rest = semi.on.filter((expr) => named(expr))
    const group = { ...semi.right, conditions: [...semi.right.conditions, ...inner] }
    const needs = new Set<RelationId>()
    return this.#join(semi.kind, left, { group, relations, needs }, rest)
  }

  /** Joins a path with a group, whichever way is cheapest. */
  #join(
    kind: JoinKind,
    left: Path,
    right: {
      readonly group: Group
      readonly relations: ReadonlySet<RelationId>
      readonly needs: ReadonlySet<RelationId>
    },
    conditions: readonly Expr[],
  ): Path {
    const planner = this.#planner
    const paths: Path[] = []
    const isLateral = [...right.needs].some((one) => left.relations.has(one))
    const { equalities, residual } = splitEqualities(planner, conditions, left.relations, right.relations)
    const plain = isLateral ? undefined : this.plan(right.group)
    const rows = joinRows(planner, kind, left, plain, conditions)
    if (plain !== undefined) {
      const needsHash = kind === 'full' || kind === 'right'
      if (equalities.length > 0 || !needsHash) {
        paths.push(
          new JoinPath(planner, {
            kind,
            left,
            right: plain,
            equalities,
            residual,
            isParameterised: false,
            rows,
          }),
        )
      } else {
        // No equality: every pair is looked at, under one key.
        const one: Expr = { kind: 'constant', value: 1, type: 23, typmod: -1, collation: 0, location: -1 }
        const same = [{ left: one, right: one }]
        paths.push(
          new JoinPath(planner, {
            kind,
            left,
            right: plain,
            equalities: same,
            residual,
            isParameterised: false,
            rows,
          }),
        )
      }
      if (kind === 'inner' && equalities.length > 0) {
        const swapped = splitEqualities(planner, conditions, right.relations, left.relations)
        paths.push(
          new JoinPath(planner, { kind, left: plain, right: left, ...swapped, isParameterised: false, rows }),
        )
      }
    }
    const isOpen = kind !== 'full' && kind !== 'right' && right.group.items.length >= 1
    if (isOpen && (isLateral || this.#isWorthParameters(right.group, conditions))) {
      const inner = { ...right.group, conditions: [...right.group.conditions, ...conditions] }
      const path = new GroupPlanner(planner, this.#outer, false).plan(inner)
      const parts = { kind, left, right: path, equalities: [], residual: [], isParameterised: true }
      const joined = isLateral ? left.estimate.rows * path.estimate.rows : rows
      // Without an index to look up, running the right side again and again gains nothing.
      const gains = plain === undefined || path.estimate.total < plain.estimate.total * 0.7
      if (gains) paths.push(new JoinPath(planner, { ...parts, rows: joined }))
    }
    return cheapest(paths)
  }

  /** Whether handing values down could let an index answer: a single stored or computed table with plain conditions. */
  #isWorthParameters(group: Group, conditions: readonly Expr[]): boolean {
    const [item] = group.items
    return (
      conditions.length > 0 &&
      group.items.length === 1 &&
      item?.kind === 'leaf' &&
      (item.from.kind === 'table' || isOtherTable(item.from)) &&
      conditions.every(isImmediate)
    )
  }

  #search(group: readonly Item[], conditions: readonly Placed[]): Path {
    // Values from outside (an outer query, the other side of an outer join) are there before any item is joined.
    const own = new Set(group.flatMap((item) => [...item.relations]))
    const items = group.map((item): Item => ({
      ...item,
      needs: new Set([...item.needs].filter((one) => own.has(one))),
    }))
    const starts = items.map((item) => this.#start(item, conditions))
    if (items.length === 0) throw new Error('a group has items')
    if (items.length <= EXHAUSTIVE_ITEMS_MAX) return this.#exhaustive(items, starts, conditions)
    return this.#greedy(items, starts, conditions)
  }

  #start(item: Item, conditions: readonly Placed[]): Path | undefined {
    if (item.needs.size > 0) return undefined
    return cheapest(this.#itemPaths(item, own(item.relations, conditions)))
  }

  /** Adds an item to what is joined already. */
  #extend(left: Path, item: Item, conditions: readonly Placed[]): Path {
    const covered = (placed: Placed): boolean =>
      [...placed.relations].every((one) => left.relations.has(one) || item.relations.has(one))
    const isNew = (placed: Placed): boolean =>
      !within(placed.relations, left.relations) && !within(placed.relations, item.relations)
    const between = conditions.filter((placed) => covered(placed) && isNew(placed)).map(({ expr }) => expr)
    const group: Group = { items: [item], conditions: own(item.relations, conditions), semis: [] }
    return this.#join('inner', left, { group, relations: item.relations, needs: item.needs }, between)
  }

  #isConnected(left: Path, item: Item, conditions: readonly Placed[]): boolean {
    if (item.needs.size > 0) return true
    return conditions.some(
      ({ relations }) =>
        relations.size > 1 &&
        [...relations].some((one) => item.relations.has(one)) &&
        [...relations].some((one) => left.relations.has(one)) &&
        [...relations].every((one) => item.relations.has(one) || left.relations.has(one)),
    )
  }

  #candidates(
    left: Path,
    taken: (index: number) => boolean,
    items: readonly Item[],
    conditions: readonly Placed[],
  ): number[] {
    const free = items.flatMap((item, i) => (!taken(i) && within(item.needs, left.relations) ? [i] : []))
    const connected = free.filter((i) => this.#isConnected(left, must(items[i]), conditions))
    return connected.length > 0 ? connected : free
  }

  #exhaustive(
    items: readonly Item[],
    starts: readonly (Path | undefined)[],
    conditions: readonly Placed[],
  ): Path {
    const best = new Map<number, Path>()
    starts.forEach((path, i) => {
      if (path !== undefined) best.set(1 << i, path)
    })
    const full = (1 << items.length) - 1
    for (let mask = 1; mask <= full; mask++) {
      const left = best.get(mask)
      if (left === undefined) continue
      for (const i of this.#candidates(left, (one) => (mask & (1 << one)) !== 0, items, conditions)) {
        const joined = this.#extend(left, must(items[i]), conditions)
        const next = mask | (1 << i)
        const known = best.get(next)
        if (known === undefined || joined.estimate.total < known.estimate.total) best.set(next, joined)
      }
    }
    return must(best.get(full), 'every item can be joined')
  }

  #greedy(
    items: readonly Item[],
    starts: readonly (Path | undefined)[],
    conditions: readonly Placed[],
  ): Path {
    let first = -1
    starts.forEach((path, i) => {
      const known = first < 0 ? undefined : starts[first]
      if (path !== undefined && (known === undefined || path.estimate.rows < known.estimate.rows)) first = i
    })
    let path = must(starts[first], 'some item stands alone')
    const taken = new Set([first])
    while (taken.size < items.length) {
      let choice: { readonly path: Path; readonly index: number } | undefined
      for (const index of this.#candidates(path, (one) => taken.has(one), items, conditions)) {
        const joined = this.#extend(path, must(items[index]), conditions)
        if (choice === undefined || joined.estimate.total < choice.path.estimate.total)
          choice = { path: joined, index }
      }
      const chosen = must(choice, 'some item can be joined next')
      path = chosen.path
      taken.add(chosen.index)
    }
    return path
  }
}

/** A condition and the relations of the group that it names. */
interface Placed {
  readonly expr: Expr
  readonly relations: ReadonlySet<RelationId>
}

function within(some: ReadonlySet<RelationId>, all: ReadonlySet<RelationId>): boolean {
  for (const one of some) if (!all.has(one)) return false
  return true
}

/** Conditions that name this item (or nothing of the group: those are tested everywhere, which is right and cheap). */
function own(relations: ReadonlySet<RelationId>, conditions: readonly Placed[]): Expr[] {
  return conditions.filter((placed) => within(placed.relations, relations)).map(({ expr }) => expr)
}

export function cheapest(paths: readonly Path[]): Path {
  let best = must(paths[0], 'there is a path')
  for (const path of paths) if (path.estimate.total < best.estimate.total) best = path
  return best
}

/** A path with conditions tested on top. */
class FilteredPath implements Path {
  readonly relations: Path['relations']
  readonly estimate: Path['estimate']
  readonly order: Path['order']
  readonly constants: Path['constants']
  readonly #planner: Planner
  readonly #inner: Path
  readonly #conditions: readonly Expr[]

  constructor(planner: Planner, inner: Path, conditions: readonly Expr[]) {
    this.#planner = planner
    this.#inner = inner
    this.#conditions = conditions
    this.relations = inner.relations
    this.order = inner.order
    this.constants = inner.constants
    const rows = conditions.reduce(
      (all, one) => all * selectivityOf(planner, one, inner.estimate.rows),
      inner.estimate.rows,
    )
    this.estimate = { ...inner.estimate, rows: Math.max(1, rows) }
  }

  build(outputs: readonly Output[], outer: OuterScope | undefined): Planned {
    const wanted = [...outputs.map((output) => output.expr), ...this.#conditions]
    const carried = columnOutputs(wanted, (output) => this.relations.has(output.relation))
    const inner = this.#inner.build(carried, outer)
    return addProjection(
      this.#planner,
      addFilter(this.#planner, inner, this.#conditions, outer),
      outputs,
      outer,
    )
  }
}
