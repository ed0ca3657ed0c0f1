// Which column lies where in the rows that flow between operators, and how expressions find it.
//
//   Layout   the slots of one row: (relation, column) ──▶ index
//   Scope    what an expression is compiled over: rows in JavaScript variables, each with its layout, and behind them
//            the OuterScope, which hands values of outer queries down through runtime slots
//
// Beside real columns a slot can hold what only the planner asks for: the row's key, its LSN, the whole row.

import { assert } from '../../storage/base/assert.ts'
import type { ExpressionCompiler, Scope } from '../exec/expression/compiler.ts'
import type { Fragment } from '../exec/expression/source.ts'
import type { ColumnExpr, Expr, RelationId, SubqueryExpr, WholeRowExpr } from '../tree/expr.ts'

/** Columns beside those of pg_attribute: the whole row, the row's key bytes, the LSN of the version that was read. */
export const WHOLE_ROW = -100
export const ROW_KEY = -101
export const ROW_LSN = -102

export interface Slot {
  readonly relation: RelationId
  readonly column: number
  readonly nullable: boolean
}

export type ColumnKey = string

export function columnKey(relation: RelationId, column: number): ColumnKey {
  return `${relation}.${column}`
}

export function keyOf(expr: ColumnExpr | WholeRowExpr): ColumnKey {
  return columnKey(expr.relation, expr.kind === 'column' ? expr.column : WHOLE_ROW)
}

export class Layout {
  readonly slots: readonly Slot[]
  readonly #indexes: ReadonlyMap<ColumnKey, number>

  constructor(slots: readonly Slot[]) {
    this.slots = slots
    this.#indexes = new Map(slots.map((slot, i) => [columnKey(slot.relation, slot.column), i]))
  }

  indexOf(key: ColumnKey): number | undefined {
    return this.#indexes.get(key)
  }

  /** The same slots, all of them nullable: the far side of an outer join. */
  asNullable(): Layout {
    return new Layout(this.slots.map((slot) => ({ ...slot, nullable: true })))
  }

  concat(other: Layout): Layout {
    return new Layout([...this.slots, ...other.slots])
  }
}

export const EMPTY_LAYOUT: Layout = new Layout([])

/** Rows by variable name: `l` for the left side, and so on. */
export interface NamedRow {
  readonly name: string
  readonly layout: Layout
}

/** Plans a subquery met in an expression; implemented by the planner. */
export type SubqueryCompiler = (
  expr: SubqueryExpr,
  compiler: ExpressionCompiler,
  scope: LayoutScope,
) => Fragment

export class LayoutScope implements Scope {
  readonly rows: readonly NamedRow[]
  readonly outer: OuterScope | undefined
  readonly #subquery: SubqueryCompiler

  constructor(rows: readonly NamedRow[], outer: OuterScope | undefined, subquery: SubqueryCompiler) {
    this.rows = rows
    this.outer = outer
    this.#subquery = subquery
  }

  /** The column's place in the rows at hand, or undefined. */
  find(expr: ColumnExpr | WholeRowExpr): Fragment | undefined {
    const key = keyOf(expr)
    for (const { name, layout } of this.rows) {
      const index = layout.indexOf(key)
      if (index !== undefined) {
        return {
          source: `${name}[${index}]`,
          nullable: layout.slots[index]?.nullable !== false,
          simple: false,
        }
      }
    }
    return undefined
  }

  column(expr: ColumnExpr | WholeRowExpr): Fragment {
    const found = this.find(expr)
    if (found !== undefined) return found
    assert(
      this.outer !== undefined,
      `column ${expr.kind === 'column' ? expr.name : 'row'} of relation ${expr.relation} is in scope`,
    )
    return this.outer.column(expr)
  }

  subquery(expr: SubqueryExpr, compiler: ExpressionCompiler): Fragment {
    return this.#subquery(expr, compiler, this)
  }
}

/** A value that must be written to a runtime slot before the inner plan runs. */
export interface HandedDown {
  readonly slot: number
  readonly expr: ColumnExpr | WholeRowExpr
}

/**
 * What an inner plan sees of the queries around it. Columns that `provides` claims are handed down by whoever runs the
 * inner plan (a subquery's site, a LATERAL or parameterised join): `uses` lists them. Others come from further out,
 * where somebody else has handed them down already.
 */
export class OuterScope {
  readonly #provides: (expr: ColumnExpr | WholeRowExpr) => boolean
  readonly #outer: OuterScope | undefined
  readonly #allocate: () => number
  readonly #uses = new Map<ColumnKey, HandedDown>()
  readonly #slots = new Set<number>()

  constructor(
    provides: (expr: ColumnExpr | WholeRowExpr) => boolean,
    outer: OuterScope | undefined,
    allocate: () => number,
  ) {
    this.#provides = provides
    this.#outer = outer
    this.#allocate = allocate
  }

  get uses(): readonly HandedDown[] {
    return [...this.#uses.values()]
  }

  /** Every slot that the inner plan reads, those of queries further out included. */
  get slots(): readonly number[] {
    return [...this.#slots]
  }

  slotOf(expr: ColumnExpr | WholeRowExpr): number {
    const slot = this.#find(expr)
    this.#slots.add(slot)
    return slot
  }

  #find(expr: ColumnExpr | WholeRowExpr): number {
    if (!this.#provides(expr)) {
      assert(this.#outer !== undefined, `an outer query provides relation ${expr.relation}`)
      return this.#outer.slotOf(expr)
    }
    const key = keyOf(expr)
    let use = this.#uses.get(key)
    if (use === undefined) {
      use = { slot: this.#allocate(), expr }
      this.#uses.set(key, use)
    }
    return use.slot
  }

  column(expr: ColumnExpr | WholeRowExpr): Fragment {
    return { source: `rt.s[${this.slotOf(expr)}]`, nullable: true, simple: false }
  }
}

/** A column expression for a slot that the planner made. */
export function slotColumn(
  relation: RelationId,
  column: number,
  like: Pick<Expr, 'type' | 'typmod' | 'collation'>,
): ColumnExpr {
  const { type, typmod, collation } = like
  return {
    kind: 'column',
    relation,
    column,
    name: `?${relation}.${column}`,
    type,
    typmod,
    collation,
    location: -1,
  }
}
